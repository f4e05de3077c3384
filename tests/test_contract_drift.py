"""Whether BeeL's contract has moved away from the copy that this server is written to.

`BEEL_CONTRACT=openapi.yaml pytest -k drift` compares a contract, as BeeL serves or publishes it,
and names what is otherwise for the operations that tools use. On company routes only: the flat ones
are on their way out, and their copy is of several generations.
"""

import copy
import json
import os
import runpy
from pathlib import Path
from typing import Any, Final

import pytest

from beel_mcp.api import routes
from tests.support.drift import Operation, drift

HERE = Path(__file__).parent / "sandbox"
OURS: Final[dict[str, Any]] = json.loads((HERE / "contract.json").read_text(encoding="utf-8"))
USED: Final[list[Operation]] = sorted(
    {
        (one.company.method.lower(), one.company.path)
        for one in vars(routes).values()
        if isinstance(one, routes.Endpoint)
    }
    # For a BeeL without PATCH, which has no company routes either.
    & {(method, path) for path, item in OURS["paths"].items() for method in item}
)


def test_drift_from_a_contract_given_by_path() -> None:
    path = os.environ.get("BEEL_CONTRACT")
    if not path:
        pytest.skip("BEEL_CONTRACT names no contract: nothing says whether BeeL's has moved")
    theirs = runpy.run_path(str(HERE / "strip_contract.py"))["read_contract"](Path(path))
    lines = drift(OURS, theirs, USED)
    if lines:
        versions = f"{OURS['info']['version']} and {theirs['info']['version']}"
        pytest.fail("\n".join([f"contracts {versions} differ:", *lines]), pytrace=False)


def test_the_copy_has_every_operation_that_a_tool_uses() -> None:
    paths = {path for _, path in USED}
    for name in ("customers", "customers/bulk", "invoices", "invoices/pdf-archive"):
        assert f"/v1/companies/{{company_id}}/{name}" in paths
    assert {"/v1/me/identity", "/v1/accounts/{account_id}/companies"} < paths


def test_a_contract_does_not_drift_from_itself() -> None:
    assert drift(OURS, copy.deepcopy(OURS), USED) == []


BULK = "/v1/companies/{company_id}/customers/bulk"
INVOICES = "/v1/companies/{company_id}/invoices"


def changed(**edits: Any) -> dict[str, Any]:
    """Copy the contract with a few places set, or taken out by None."""
    document = copy.deepcopy(OURS)
    for place, value in edits.items():
        node: Any = document["components"]["schemas"]
        *way, last = place.split("__")
        for part in way:
            node = node[part]
        if value is None:
            del node[last]
        else:
            node[last] = value
    return document


@pytest.mark.parametrize(
    ("edits", "line"),
    [
        (
            {"CreateCustomerRequest__required": ["legal_name", "address", "nif"]},
            f"POST {BULK}: body.customers[].nif (required) was False, is True",
        ),
        (
            {"CreateCustomerRequest__properties__website": None},
            f"POST {BULK}: body.customers[].website is gone",
        ),
        (
            {"CreateCustomerRequest__properties__fax": {"type": "string", "maxLength": 20}},
            f"POST {BULK}: body.customers[].fax is new: {{'type': 'string', 'maxLength': 20}}",
        ),
        (
            {"InvoiceType__enum": ["STANDARD"]},
            f"GET {INVOICES}: query type was {{'type': 'string', 'enum': ['CORRECTIVE', 'PROFORMA'",
        ),
        (
            {"InvoiceTotals__properties__invoice_total": None},
            f"GET {INVOICES}: answer 200.data.invoices[].totals.invoice_total is gone",
        ),
        (
            {"Address__properties__city__maxLength": 50},
            f"POST {BULK}: body.customers[].address.city was",
        ),
    ],
)
def test_what_moved_is_named_with_its_operation(edits: dict[str, Any], line: str) -> None:
    lines = drift(OURS, changed(**edits), USED)
    assert any(one.startswith(line) for one in lines), lines


def test_a_lost_route_scope_or_answer_is_named() -> None:
    document = copy.deepcopy(OURS)
    del document["paths"][BULK]
    document["paths"][INVOICES]["get"]["x-required-scopes"] = ["invoices:list"]
    del document["paths"][INVOICES]["get"]["responses"]["422"]
    lines = drift(OURS, document, USED)
    assert f"POST {BULK}: is gone" in lines
    assert f"GET {INVOICES}: scopes was ('invoices:read',), is ('invoices:list',)" in lines
    assert f"GET {INVOICES}: answer 422 is gone" in lines
