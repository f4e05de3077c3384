"""ZIPs of PDFs: who is in them, who is silently left out, and what the headers say of it."""

import json
from base64 import b64decode
from io import BytesIO
from zipfile import ZipFile

import pytest

from beel_mcp.sandbox.seed import DEMO_COMPANY_ID, SECOND_COMPANY_ID, invoice_id
from tests.sandbox.test_pdf import text_of

pytestmark = pytest.mark.anyio

FLAT = "/v1/invoices/bulk/pdf"
COMPANY = f"/v1/companies/{DEMO_COMPANY_ID}/invoices/pdf-archive"
NOBODY = "00000000-0000-4000-8000-000000000000"
BULK = ("x-bulk-total", "x-bulk-successful", "x-bulk-failed")


@pytest.fixture(params=[FLAT, COMPANY], ids=["flat", "company"])
def archive(request):
    return request.param


async def ask(api, path, *ids):
    return await api.post(
        path, json={"invoice_ids": [invoice_id(i) if isinstance(i, int) else i for i in ids]}
    )


def entries(answer):
    with ZipFile(BytesIO(answer.content)) as opened:
        assert opened.testzip() is None
        return {name: opened.read(name) for name in opened.namelist()}


async def test_each_invoice_is_a_pdf_of_its_own(api, archive):
    answer = await ask(api, archive, 1, 22, 23, 27, 20)
    found = entries(answer)
    assert [answer.headers[name] for name in BULK] == ["5", "5", "0"]
    assert answer.headers["content-type"] == "application/zip"
    assert found.keys() == {
        f"factura_{number}.pdf" for number in ("F26-0001", "T26-0001", "T26-0002", "R26-0002",
                                               "P26-0003")
    }  # fmt: skip
    assert all(name[len("factura_") : -len(".pdf")] in text_of(pdf) for name, pdf in found.items())
    text = text_of(found["factura_T26-0001.pdf"])
    assert "IVA 4 % 90,00 € 3,60 €" in text
    assert "Total 971,40 €" in text
    assert "Retención IRPF 15 % 450,00 € -67,50 €" in text_of(found["factura_T26-0002.pdf"])
    corrective = text_of(found["factura_R26-0002.pdf"])
    assert "Rectifica por diferencias la factura T26-0004 de 03/08/2026" in corrective
    proforma = text_of(found["factura_P26-0003.pdf"])
    assert "Factura proforma" in proforma
    assert "VERI*FACTU" not in proforma


async def test_what_has_no_pdf_is_left_out_without_a_word(api, archive):
    answer = await ask(api, archive, 10, 16, 28, 15, NOBODY)
    assert entries(answer).keys() == {"factura_F26-0009.pdf"}
    assert [answer.headers[name] for name in BULK] == ["5", "1", "4"]
    assert "x-bulk-failures" not in answer.headers


async def test_the_seed_generation_names_the_missing_in_a_header(open_sandbox):
    legacy = open_sandbox(generation="legacy")
    answer = await ask(legacy, FLAT, 10, 16, NOBODY, 28, 20)
    told = json.loads(b64decode(answer.headers["x-bulk-failures"]))
    assert [(item["invoice_id"], item["error_code"]) for item in told] == [
        (invoice_id(16), "PDF_NOT_GENERATED"),
        (NOBODY, "NOT_FOUND"),
        (invoice_id(28), "PDF_NOT_GENERATED"),
        (invoice_id(20), "NOT_FOUND"),  # a proforma
    ]
    assert "x-bulk-failures" not in (await ask(legacy, FLAT, 10)).headers


async def test_an_id_asked_for_twice_is_one_invoice(api, archive):
    answer = await ask(api, archive, 1, 1, invoice_id(1).upper())
    assert (len(entries(answer)), answer.headers["x-bulk-total"]) == (1, "1")


@pytest.mark.parametrize(("generation", "most"), [("current", 500), ("legacy", 20)])
async def test_there_is_a_limit_of_ids(open_sandbox, generation, most):
    api = open_sandbox(generation=generation)
    assert (await ask(api, FLAT, *[1] * most)).status_code == 200
    assert (await ask(api, FLAT, *[1] * (most + 1))).status_code == 422


async def test_a_zip_may_weigh_as_much_as_the_cap_and_no_more(open_sandbox, api, archive):
    size = len((await ask(api, archive, 1, 2)).content)
    enough = open_sandbox(zip_cap_bytes=size)
    assert (await ask(enough, archive, 1, 2)).status_code == 200
    answer = await ask(open_sandbox(zip_cap_bytes=size - 1), archive, 1, 2)
    error = answer.json()["error"]
    assert (answer.status_code, error["code"]) == (413, "FILE_TOO_LARGE")
    assert error["details"]["max_size_bytes"] == str(size - 1)


async def test_the_same_invoices_give_the_same_bytes(open_sandbox, api, archive):
    first = (await ask(api, archive, 1, 9, 25)).content
    assert (await ask(open_sandbox(), archive, 25, 1, 9)).content == first


async def test_a_client_that_reads_zips_and_errors_in_json_is_served(api, archive):
    body = {"invoice_ids": [invoice_id(1)]}
    accept = {"Accept": "application/zip, application/json"}
    assert (await api.post(archive, json=body, headers=accept)).status_code == 200
    alone = {"Accept": "application/json"}
    assert (await api.post(archive, json=body, headers=alone)).status_code == 406


async def test_another_companys_invoices_are_not_there(open_sandbox):
    api = open_sandbox(companies=2)
    theirs = f"/v1/companies/{SECOND_COMPANY_ID}/invoices/pdf-archive"
    assert (await ask(api, theirs, 1)).status_code == 400


async def test_making_a_zip_leaves_no_trace_in_the_ledger(api, archive):
    await ask(api, archive, 1, 16)
    assert api.effects() == []


async def test_a_pdf_that_is_being_made_is_waited_for_as_long_as_is_wished(open_sandbox, archive):
    one = archive.rpartition("/invoices")[0] + f"/invoices/{invoice_id(28)}/pdf"
    api = open_sandbox(pdf_wait_s=5)
    early = await api.get(one, headers={"Prefer": "wait=4"})
    assert (early.status_code, early.content) == (202, b"")
    assert (early.headers["Retry-After"], early.headers["Preference-Applied"]) == ("30", "wait=4")
    done = await api.get(one)
    assert done.json()["data"]["file_name"].startswith("factura_T26-0005")
    assert (await api.get(one, headers={"Prefer": "wait=0"})).status_code == 200
    never = open_sandbox()
    capped = await never.get(one, headers={"Prefer": "wait=600"})
    assert capped.headers["Preference-Applied"] == "wait=10"
    assert "Preference-Applied" not in (await never.get(one, headers={"Prefer": "soon"})).headers


async def test_a_draft_has_no_pdf_and_the_older_beel_none_yet(api, open_sandbox):
    draft = await api.get(f"/v1/invoices/{invoice_id(16)}/pdf")
    assert (draft.status_code, draft.json()["error"]["code"]) == (400, "INVOICE_NOT_ISSUED_NO_PDF")
    legacy = open_sandbox(generation="legacy")
    assert (await legacy.get(f"/v1/invoices/{invoice_id(28)}/pdf")).status_code == 400
