"""One NIF against the census, and the CSV template."""

import pytest

from tests.sandbox.conftest import FLAT

pytestmark = pytest.mark.anyio


async def verdict(api, **body):
    answer = await api.post("/v1/nif/validate", json=body)
    assert answer.status_code == 200
    return answer.json()["data"]


@pytest.mark.parametrize(
    ("body", "status", "census"),
    [
        ({"nif": "B12345674"}, "VALID", "IDENTIFIED"),
        ({"nif": "28765431K", "legal_name": "LUCIA EJEMPLO"}, "VALID", "IDENTIFIED"),
        ({"nif": "28765431K"}, "INVALID", "NOT_IDENTIFIED"),
        ({"nif": "12345000A", "legal_name": "NADIE"}, "INVALID", "NOT_IDENTIFIED"),
        ({"nif": "B12340006"}, "INVALID", "NOT_IDENTIFIED"),
        ({"nif": "12345678A"}, "INVALID", None),
        ({"nif": "hello"}, "INVALID", None),
    ],
)
async def test_a_nif_is_judged_with_200(api, body, status, census):
    found = await verdict(api, **body)
    assert (found["status"], found["valid"]) == (status, status == "VALID")
    assert found.get("census_status") == census
    assert (found["validated_at"] is not None) == found["valid"]


async def test_a_census_that_is_down_leaves_the_verdict_pending(open_sandbox):
    found = await verdict(open_sandbox(census_down=True), nif="B12345674")
    assert (found["status"], found["valid"]) == ("PENDING", False)


async def test_the_seed_generation_does_not_quote_the_census(open_sandbox):
    found = await verdict(open_sandbox(generation="legacy"), nif="B12345674")
    assert found.keys() == {"valid", "status", "legal_name", "message", "validated_at"}


@pytest.mark.parametrize("body", [{}, {"nif": ""}, {"nif": "  "}, {"nif": None}])
async def test_a_blank_nif_is_refused(api, body):
    answer = await api.post("/v1/nif/validate", json=body)
    assert (answer.status_code, answer.json()["error"]["code"]) == (422, "FIELD_BLANK")


@pytest.mark.parametrize(
    ("method", "path"),
    [("POST", f"{FLAT}/templates/csv"), ("GET", "/v1/templates/customer-import")],
)
async def test_the_template_is_exact_to_the_byte(api, method, path):
    answer = await api.request(method, path)
    header = (
        b"\xef\xbb\xbfnombre_fiscal;nif;email;telefono;direccion_calle;direccion_numero;"
        b"direccion_codigo_postal;direccion_poblacion;direccion_provincia\r\n"
    )
    assert answer.content.startswith(header)
    assert answer.headers["Content-Type"] == "text/csv; charset=utf-8"
    assert 'filename="template_clientes_beel.csv"' in answer.headers["Content-Disposition"]
    assert {line.count(b";") for line in answer.content.splitlines()} == {8}
