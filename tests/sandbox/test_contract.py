"""Every endpoint in both generations, well and badly used, against the stripped contract."""

import json
import runpy
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest

from beel_mcp.sandbox import SandboxOptions, create_app
from beel_mcp.sandbox.calls import Endpoint
from beel_mcp.sandbox.seed import ACCOUNT_ID, DEMO_COMPANY_ID, customer_id, invoice_id, mail_id
from tests.sandbox.conftest import Contract, SandboxClient, new_customer
from tests.support.cases import Cases

pytestmark = pytest.mark.anyio

HERE = Path(__file__).parent
PUBLISHED = HERE.parents[2] / "shared" / "api" / "beel-openapi.yaml"
NOWHERE = "00000000-0000-4000-8000-000000000000"

# The contract's operations that the sandbox does not serve yet.
NOT_SERVED = {
    "createCompanyCustomerImport",
    "importCustomersCsvPreview",
    "previewCompanyCustomerImport",
}


@dataclass(frozen=True)
class Sent:
    """A request as the table below writes it."""

    body: Any = None
    params: dict[str, Any] = field(default_factory=dict)
    headers: dict[str, str] = field(default_factory=dict)
    content: bytes | None = None
    ids: dict[str, str] = field(default_factory=dict)


BATCH = {"customers": [new_customer(), new_customer(nif="28765431K", email=None)]}
DELETED = {"ids": f"{customer_id(8)},{customer_id(1)}"}
PDFS = {"invoice_ids": [invoice_id(5), invoice_id(16), invoice_id(28)]}
MAIL = {
    "invoice_ids": [invoice_id(5), invoice_id(16)],
    "recipients": ["gestoria@example.com"],
    "cc": [],
    "subject": "Facturas de noviembre",
}
LINE = {
    "description": "Horas",
    "quantity": 2.5,
    "unit_price": 40,
    "main_tax": {"type": "IGIC", "percentage": 7},
    "discount_percentage": 10,
    "irpf_rate": 15,
}
DRAFT = {
    "type": "STANDARD",
    "recipient": {"customer_id": customer_id(1)},
    "lines": [LINE],
    "operation_date": "2026-11-20",
    "notes": "Noviembre",
    "options": {"issue_directly": False},
}
BAD_BATCH = {"customers": [new_customer(), new_customer(nif="B65120340"), {"legal_name": " "}]}

# One acceptable request per endpoint and the status of its answer.
GOOD: dict[str, tuple[Sent, int]] = {
    "listCustomers": (Sent(params={"search": "sl", "limit": 5}), 200),
    "createCustomer": (Sent(new_customer()), 201),
    "createCustomersBulk": (Sent(BATCH), 201),
    "deactivateCustomersBulk": (Sent(params=DELETED), 200),
    "downloadCustomerTemplateCsv": (Sent(), 200),
    "getCustomer": (Sent(), 200),
    "updateCustomer": (Sent({"legal_name": "Otro nombre"}), 200),
    "patchCustomer": (Sent({"phone": None}), 200),
    "deactivateCustomer": (Sent(), 200),
    "listCompanyCustomers": (Sent(params={"active": "false"}), 200),
    "createCompanyCustomer": (Sent(new_customer()), 201),
    "createCompanyCustomersBulk": (Sent(BATCH), 201),
    "deleteCompanyCustomersBulk": (Sent(params=DELETED), 200),
    "getCompanyCustomer": (Sent(), 200),
    "patchCompanyCustomer": (Sent({"notes": "Nueva"}), 200),
    "deleteCompanyCustomer": (Sent(), 204),
    "downloadCustomerImportTemplate": (Sent(), 200),
    "validateNif": (Sent({"nif": "B65120347"}), 200),
    "listInvoices": (Sent(params={"limit": 100}), 200),
    "createInvoice": (Sent(DRAFT), 201),
    "createCompanyInvoice": (Sent(DRAFT, params={"wait_for_pdf": "false"}), 201),
    "getInvoice": (Sent(), 200),
    "generateInvoicePdf": (Sent(), 200),
    "getCompanyInvoicePdf": (Sent(headers={"Prefer": "wait=5"}), 200),
    "listCompanyInvoices": (Sent(params={"limit": 100}), 200),
    "getCompanyInvoice": (Sent(), 200),
    "deleteInvoice": (Sent(ids={"invoice_id": invoice_id(17)}), 204),
    "deleteCompanyInvoice": (Sent(ids={"invoice_id": invoice_id(17)}), 204),
    "downloadInvoicesPdfBulk": (Sent(PDFS), 200),
    "createCompanyInvoicePdfArchive": (Sent(PDFS), 200),
    "createCompanyInvoiceDelivery": (Sent(MAIL), 200),
    "listAccountEmailDeliveries": (Sent(params={"recipient": "gestoria"}), 200),
    "getAccountEmailDelivery": (Sent(), 200),
    "getIdentity": (Sent(), 200),
    "listCompanies": (Sent(), 200),
}


async def crash(name: str, phase: str) -> None:
    raise RuntimeError(name)


@dataclass(frozen=True)
class Fault:
    """A way to be refused: whom it concerns, how the request is spoilt, what comes of it."""

    name: str
    status: int
    concerns: Callable[[Endpoint], bool]
    spoil: Callable[[Sent], Sent] = lambda sent: sent
    options: dict[str, Any] = field(default_factory=dict)
    generations: tuple[str, ...] = ("current", "legacy")


def every(endpoint: Endpoint) -> bool:
    return True


def bodied(endpoint: Endpoint) -> bool:
    return endpoint.takes_body


def writes_one(endpoint: Endpoint) -> bool:
    return endpoint.takes_body and "/customers" in endpoint.path and not is_bulk(endpoint)


def is_bulk(endpoint: Endpoint) -> bool:
    return endpoint.path.endswith("/bulk")


def on_customer(endpoint: Endpoint) -> bool:
    return "{customer_id}" in endpoint.path


def on_invoice(endpoint: Endpoint) -> bool:
    return "{invoice_id}" in endpoint.path


def lists_invoices(endpoint: Endpoint) -> bool:
    return endpoint.path.endswith("/invoices") and endpoint.method == "GET"


def creates_invoice(endpoint: Endpoint) -> bool:
    return endpoint.path.endswith("/invoices") and endpoint.method == "POST"


def deletes_invoice(endpoint: Endpoint) -> bool:
    return on_invoice(endpoint) and endpoint.method == "DELETE"


def makes_zip(endpoint: Endpoint) -> bool:
    return endpoint.produces == "application/zip"


def mails(endpoint: Endpoint) -> bool:
    return endpoint.path.endswith("/deliveries")


def with_headers(**headers: str) -> Callable[[Sent], Sent]:
    renamed = {name.replace("_", "-"): value for name, value in headers.items()}
    return lambda sent: replace(sent, headers=renamed)


def with_body(**changes: Any) -> Callable[[Sent], Sent]:
    return lambda sent: replace(sent, body={**sent.body, **changes})


def with_line(**changes: Any) -> Callable[[Sent], Sent]:
    return with_body(lines=[{**LINE, **changes}])


def with_params(**params: Any) -> Callable[[Sent], Sent]:
    return lambda sent: replace(sent, params=params)


def with_content(content: bytes, media_type: str = "application/json") -> Callable[[Sent], Sent]:
    return lambda sent: Sent(content=content, headers={"Content-Type": media_type}, ids=sent.ids)


def with_ids(**ids: str) -> Callable[[Sent], Sent]:
    return lambda sent: replace(sent, ids=ids)


CURRENT = ("current",)
FAULTS = (
    Fault("no key", 401, every, with_headers(Authorization="")),
    Fault("no scope", 403, lambda op: op.scope is not None, options={"scopes": ()}),
    Fault("too many", 429, every, options={"address_limit": 0}),
    Fault("crash", 500, every, options={"pause": crash}),
    Fault("retired", 410, lambda op: op.family == "flat", options={"flat_retired": True}),
    Fault("no way to answer", 406, every, with_headers(Accept="image/png")),
    Fault("wrong media type", 415, bodied, with_content(b"a=1", "text/plain")),
    Fault("too large", 413, bodied, with_content(b" " * 2_100_000)),
    Fault("far too large", 413, bodied, with_content(b" " * 8_400_000)),
    Fault("broken JSON", 400, bodied, with_content(b'{"legal_name":')),
    Fault("no JSON object", 400, bodied, with_content(b"[]")),
    Fault("no body", 400, bodied, with_content(b"")),
    Fault("unknown parameter", 400, every, with_params(colour="red"), generations=CURRENT),
    Fault("no scope, whatever else", 403, lambda op: op.scope is not None and op.takes_body,
          lambda sent: replace(sent, body=None, content=b"{", params={"colour": "red"}),
          options={"scopes": ()}),
    Fault("no scope for a company that is none", 403, lambda op: op.family == "company",
          with_ids(company_id="B12345674"), options={"scopes": ()}),
    Fault("no ids", 400, lambda op: "ids" in op.query, with_params()),
    Fault("bad ids", 400, lambda op: "ids" in op.query, with_params(ids="1,2")),
    Fault("bad flag", 400, lambda op: "active" in op.query, with_params(active="yes")),
    Fault("bad sort", 400, lambda op: "sort_by" in op.query, with_params(sort_by="colour")),
    Fault("bad page", 400, lambda op: "page" in op.query, with_params(page="one")),
    Fault("limit 0", 422, lambda op: "limit" in op.query, with_params(limit=0)),
    Fault("limit 101", 422, lambda op: "limit" in op.query, with_params(limit=101)),
    Fault("no such customer", 404, on_customer, with_ids(customer_id=NOWHERE)),
    Fault("bad customer id", 400, on_customer, with_ids(customer_id="B12345674")),
    Fault("no such invoice", 404, on_invoice, with_ids(invoice_id=NOWHERE)),
    Fault("bad invoice id", 400, on_invoice, with_ids(invoice_id="F26-0001")),
    Fault("a proforma", 404, on_invoice, with_ids(invoice_id=invoice_id(18)),
          generations=("legacy",)),
    Fault("an issued invoice", 400, deletes_invoice, with_ids(invoice_id=invoice_id(13))),
    Fault("a scheduled invoice", 400, deletes_invoice, with_ids(invoice_id=invoice_id(15))),
    Fault("no PDFs", 400, makes_zip, with_body(invoice_ids=[invoice_id(16), NOWHERE])),
    Fault("no list of ids", 400, makes_zip, with_body(invoice_ids=invoice_id(1))),
    Fault("an id that is none", 400, makes_zip, with_body(invoice_ids=["F26-0001"])),
    Fault("an id that is a number", 400, makes_zip, with_body(invoice_ids=[7])),
    Fault("an empty list of ids", 422, makes_zip, with_body(invoice_ids=[])),
    Fault("no ids in it", 422, makes_zip, lambda sent: replace(sent, body={})),
    Fault("21 ids", 422, makes_zip, with_body(invoice_ids=[NOWHERE] * 21),
          generations=("legacy",)),
    Fault("501 ids", 422, makes_zip, with_body(invoice_ids=[NOWHERE] * 501)),
    Fault("too much for one ZIP", 413, makes_zip, options={"zip_cap_bytes": 500}),
    Fault("no PDFs to mail", 400, mails, with_body(invoice_ids=[invoice_id(16), NOWHERE])),
    Fault("an id that is none in a mail", 400, mails, with_body(invoice_ids=["F26-0001"])),
    Fault("a text for the list of recipients", 400, mails, with_body(recipients="a@example.com")),
    Fault("nobody to mail to", 422, mails, with_body(recipients=[])),
    Fault("no recipients at all", 422, mails,
          lambda sent: replace(sent, body={"invoice_ids": sent.body["invoice_ids"]})),
    Fault("no address", 422, mails, with_body(cc=["nobody"])),
    Fault("no invoices to mail", 422, mails, with_body(invoice_ids=[])),
    Fault("201 invoices to mail", 422, mails, with_body(invoice_ids=[NOWHERE] * 201)),
    Fault("a long subject", 422, mails, with_body(subject="x" * 201)),
    Fault("a long message", 422, mails, with_body(message="x" * 2001)),
    Fault("somebody else's mail", 403, mails, options={"mails_holder_only": True}),
    Fault("too much for one mail", 413, mails, options={"mail_cap_bytes": 500}),
    Fault("bad status of a mail", 400, lambda op: op.path.endswith("/emails"),
          with_params(status="LOST")),
    Fault("no such mail", 404, lambda op: "{email_id}" in op.path, with_ids(email_id=NOWHERE)),
    Fault("bad amount", 400, lists_invoices, with_params(total_min="much")),
    Fault("bad status", 400, lists_invoices, with_params(status="LOST")),
    Fault("bad status in a list", 400, lists_invoices, with_params(status="PAID,LOST")),
    Fault("two statuses", 400, lists_invoices, with_params(status="PAID,SENT"),
          generations=("legacy",)),
    Fault("a proforma's status", 400, lists_invoices, with_params(status="ACTIVE"),
          generations=("legacy",)),
    Fault("bad type", 400, lists_invoices, with_params(type="RECEIPT")),
    Fault("a proforma's type", 400, lists_invoices, with_params(type="PROFORMA"),
          generations=("legacy",)),
    Fault("bad day", 400, lists_invoices, with_params(date_from="2026-02-30")),
    Fault("bad customer", 400, lists_invoices, with_params(customer_id="1")),
    Fault("bad order", 400, lists_invoices, with_params(sort_order="up")),
    Fault("a number in quotes", 400, creates_invoice, with_line(unit_price="40.00")),
    Fault("no price", 422, creates_invoice, with_line(unit_price=-1)),
    Fault("an odd withholding", 422, creates_invoice, with_line(irpf_rate=16),
          generations=CURRENT),
    Fault("an odd withholding", 400, creates_invoice, with_line(irpf_rate=16),
          generations=("legacy",)),
    Fault("half a withholding", 400, creates_invoice, with_line(irpf_rate=7.5)),
    Fault("today's withholding", 400, creates_invoice, with_line(irpf_rate=1),
          generations=("legacy",)),
    Fault("the legacy withholding", 422, creates_invoice, with_line(irpf_rate=21),
          generations=CURRENT),
    Fault("no such tax", 422, creates_invoice, with_line(main_tax={"type": "VAT"}),
          generations=CURRENT),
    Fault("no such tax", 400, creates_invoice, with_line(main_tax={"type": "VAT"}),
          generations=("legacy",)),
    Fault("a tax that is a number", 400, creates_invoice, with_line(main_tax={"type": 7})),
    Fault("over 100 %", 422, creates_invoice, with_line(discount_percentage=101)),
    Fault("a long line", 422, creates_invoice, with_line(description="x" * 2001)),
    Fault("a line of 501", 422, creates_invoice, with_line(description="x" * 501),
          generations=("legacy",)),
    Fault("no lines", 422, creates_invoice, with_body(lines=[])),
    Fault("no customer", 422, creates_invoice, with_body(recipient={"legal_name": "Nadie"})),
    Fault("a lost customer", 404, creates_invoice, with_body(recipient={"customer_id": NOWHERE}),
          generations=CURRENT),
    Fault("a lost customer", 422, creates_invoice, with_body(recipient={"customer_id": NOWHERE}),
          generations=("legacy",)),
    Fault("a corrective", 422, creates_invoice, with_body(type="CORRECTIVE"), generations=CURRENT),
    Fault("a corrective", 400, creates_invoice, with_body(type="CORRECTIVE"),
          generations=("legacy",)),
    Fault("a day that is none", 400, creates_invoice, with_body(operation_date="2026-02-30")),
    Fault("issued at once", 422, creates_invoice, with_body(options={"issue_directly": True})),
    Fault("simplified, and withheld", 422, creates_invoice, with_body(type="SIMPLIFIED")),
    Fault(
        "foreign company", 403, lambda op: op.family == "company", with_ids(company_id=NOWHERE)
    ),
    Fault(
        "foreign account",
        403,
        lambda op: "{account_id}" in op.path,
        with_ids(account_id=NOWHERE),
        generations=CURRENT,
    ),
    Fault("wrong JSON type", 400, writes_one, with_body(legal_name=7)),
    Fault("no such way to pay", 422, writes_one,
          with_body(preferred_payment_method={"method": "GOLD"}), generations=CURRENT),
    Fault("no such way to pay", 400, writes_one,
          with_body(preferred_payment_method={"method": "GOLD"}), generations=("legacy",)),
    Fault("bad e-mail", 422, writes_one, with_body(email="nobody")),
    Fault("NIF taken", 409, lambda op: op.method == "POST" and writes_one(op),
          with_body(nif="B83012740")),
    Fault("NIF taken on update", 409, lambda op: on_customer(op) and op.takes_body,
          with_body(nif="B83012740"), generations=CURRENT),
    Fault("census down", 502, lambda op: op.method == "POST" and writes_one(op),
          options={"census_down": True}),
    Fault("bad key", 400, lambda op: op.takes_key, with_headers(Idempotency_Key="a b")),
    Fault("bad rows", 422, lambda op: is_bulk(op) and op.takes_body,
          lambda sent: replace(sent, body=BAD_BATCH)),
    Fault("no rows", 422, lambda op: is_bulk(op) and op.takes_body, with_body(customers=[])),
    Fault("has invoices", 409, lambda op: on_customer(op) and op.method == "DELETE",
          with_ids(customer_id=customer_id(1)), generations=CURRENT),
    Fault("has invoices", 400, lambda op: on_customer(op) and op.method == "DELETE",
          with_ids(customer_id=customer_id(1)), generations=("legacy",)),
    Fault("blank NIF", 422, lambda op: op.name == "validateNif", with_body(nif=" ")),
    Fault("long name", 422, lambda op: op.name == "validateNif", with_body(legal_name="a" * 256)),
)  # fmt: skip


def served(generation: str) -> dict[str, Endpoint]:
    app = create_app(SandboxOptions(generation=generation))
    app.state.store.close()
    return {
        endpoint.name: endpoint for route in app.routes for endpoint in route.app.endpoints.values()
    }


SERVED = {generation: served(generation) for generation in ("current", "legacy")}
SUCCESSES = [
    pytest.param(generation, endpoint, id=f"{generation}-{endpoint.name}")
    for generation, operations in SERVED.items()
    for endpoint in operations.values()
]
REFUSALS = [
    pytest.param(generation, endpoint, id=f"{generation}-{endpoint.name}")
    for generation, operations in SERVED.items()
    for endpoint in operations.values()
]


async def send(api: SandboxClient, endpoint: Endpoint, sent: Sent) -> Any:
    ids = {
        "company_id": DEMO_COMPANY_ID,
        "account_id": ACCOUNT_ID,
        "customer_id": customer_id(8),
        "invoice_id": invoice_id(5),
        "email_id": mail_id(1),
    }
    path = endpoint.path.format(**(ids | sent.ids))
    content = json.dumps(sent.body).encode() if sent.body is not None else sent.content
    headers = {"Content-Type": "application/json"} | sent.headers
    return await api.request(
        endpoint.method, path, params=sent.params, content=content, headers=headers
    )


def test_every_route_has_a_conformity_case_and_a_place_in_the_contract(contract: Contract):
    current = SERVED["current"]
    assert set(GOOD) == set(current)
    assert {name: (op.method, op.path) for name, op in current.items()} == {
        name: place for name, place in contract.operations.items() if name in current
    }
    assert set(contract.operations) - set(current) == NOT_SERVED
    assert set(SERVED["legacy"]) < set(current)


def test_keys_scopes_and_deprecation_are_those_of_the_contract(contract: Contract):
    for name, endpoint in SERVED["current"].items():
        declared = contract.document["paths"][endpoint.path][endpoint.method.lower()]
        parameters = [item.get("$ref", "") for item in declared.get("parameters", [])]
        assert endpoint.takes_key == any(ref.endswith("/IdempotencyKey") for ref in parameters)
        assert declared.get("x-required-scopes", [None]) == [endpoint.scope], name
        assert declared.get("deprecated", False) == endpoint.is_deprecated, name
        successor = endpoint.successor and endpoint.successor.replace("{company_id}", "")
        stated = declared.get("x-successor", " ").partition(" ")[2].replace("{company_id}", "")
        assert (successor or "") == stated, name


@pytest.mark.parametrize(("generation", "endpoint"), SUCCESSES)
async def test_a_good_request_is_answered_as_declared(
    open_sandbox, contract: Contract, generation: str, endpoint: Endpoint
):
    sent, status = GOOD[endpoint.name]
    answer = await send(open_sandbox(generation=generation), endpoint, sent)
    assert answer.status_code == status, answer.text
    # Where the contract has both generations, the first shape is that of the seed pages.
    branch = int(generation == "current")
    assert contract.violations(endpoint.name, answer, branch) == []
    assert contract.undeclared(endpoint.name, answer) == set()


@pytest.mark.parametrize(("generation", "endpoint"), REFUSALS)
async def test_refusals_are_answered_as_declared(
    open_sandbox, contract: Contract, generation: str, endpoint: Endpoint
):
    with Cases() as cases:
        for fault in FAULTS:
            if generation not in fault.generations or not fault.concerns(endpoint):
                continue
            with cases.one(fault.name):
                api = open_sandbox(generation=generation, **fault.options)
                answer = await send(api, endpoint, fault.spoil(GOOD[endpoint.name][0]))
                assert answer.status_code == fault.status, answer.text
                assert contract.violations(endpoint.name, answer) == []
                assert answer.json()["success"] is False
                assert api.effects() == []


def test_the_stripped_contract_is_that_of_the_published_file():
    if not PUBLISHED.exists():
        pytest.skip("the contract is not beside this tree; its stripped copy was not compared")
    stripped_text = runpy.run_path(str(HERE / "strip_contract.py"))["stripped_text"]
    assert (HERE / "contract.json").read_text(encoding="utf-8") == stripped_text(PUBLISHED)


def test_the_copy_says_which_contract_it_is_and_holds_nobodys_sentences(contract: Contract):
    assert contract.document["info"]["version"] == "subset-seeds+1.9.0"
    strip = runpy.run_path(str(HERE / "strip_contract.py"))["strip"]
    assert strip(contract.document) == contract.document


def test_every_reference_of_the_copy_leads_somewhere(contract: Contract):
    def references(node: Any) -> Iterator[str]:
        for child in node.values() if isinstance(node, dict) else node:
            if isinstance(child, dict | list):
                yield from references(child)
        if isinstance(node, dict) and isinstance(node.get("$ref"), str):
            yield node["$ref"]

    for reference in set(references(contract.document)):
        found: Any = contract.document
        for part in reference.removeprefix("#/").split("/"):
            assert part in found, reference
            found = found[part]
