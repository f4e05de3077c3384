"""How far a call goes: few files in all, and a tool's own code in a few of them."""

from collections.abc import Mapping
from typing import Any

import pytest
from anyio import to_thread
from mcp import Client

from beel_mcp.settings import Settings
from tests.conftest import Connect
from tests.support.customers import customer
from tests.support.list_files import xlsx
from tests.support.people.forms import ONE, OTHER, agreeing, call
from tests.support.tracing import traced

pytestmark = pytest.mark.anyio


@pytest.fixture(autouse=True)
def in_this_thread(monkeypatch: pytest.MonkeyPatch) -> None:
    """Do the work of threads here: one that is there already would not be traced."""

    async def run_sync(work: Any, *arguments: Any, **_: Any) -> Any:
        return work(*arguments)

    monkeypatch.setattr(to_thread, "run_sync", run_sync)


async def walked(client: Client, tool: str, **arguments: Any) -> set[str]:
    """Give the files of the package that a call walks through; BeeL's are not ours."""
    with traced() as files:
        result = await client.call_tool(tool, arguments)
    assert not result.is_error, result
    return {file for file in files if not file.startswith("sandbox/")}


ROWS = [
    ["Nombre fiscal", "NIF", "Email", "Calle", "CP", "Población", "Provincia"],
    *(
        [
            f"Cliente {number} SL",
            nif,
            f"c{number}@example.com",
            "Calle Mayor",
            "28013",
            "Madrid",
            "Madrid",
        ]
        for number, nif in enumerate(("11111111H", "22222222J", "33333333P", "44444444A"), 1)
    ),
]
LINE = {"description": "Horas", "quantity": "1", "unit_price": "40", "tax_rate": "21"}


async def test_a_plain_read_walks_through_25_files_at_most(connect: Connect) -> None:
    async with connect() as client:
        for _ in range(2):  # the first call recovers the journal, too
            files = await walked(client, "find_customers", search="Ferretería")
            assert {"tools/customers.py", "api/customers.py"} <= files
            assert len(files) <= 25, sorted(files)


async def test_a_change_with_a_form_walks_through_43_files_at_most(connect: Connect) -> None:
    arguments: dict[str, Any] = {"customer_ids": [ONE, OTHER], "mode": "inactive"}
    async with connect(answers=agreeing()) as client:
        files = await walked(client, "deactivate_customers", **arguments)
        assert {"writes/run/gate.py", "writes/kinds/deactivate_customers.py"} <= files
        assert len(files) <= 43, sorted(files)  # with the way back, and the rung of the page
        # A deletion saves the records as a list before.
        arguments["mode"] = "delete"
        saving = await walked(client, "deactivate_customers", **arguments) - files
        assert {"lists/export/workbook.py", "files/output.py"} <= saving
        assert len(saving) <= 7, sorted(saving)


async def test_the_check_of_a_spreadsheet_walks_through_60_files_at_most(
    connect: Connect, settings: Settings
) -> None:
    path = settings.files_dir / "clientes.xlsx"
    path.write_bytes(xlsx(ROWS))
    async with connect() as client:
        files = await walked(client, "validate_customers", source_path=str(path))
    assert {"lists/files/spreadsheet.py", "usecases/imports/validation.py"} <= files
    assert len(files) <= 60, sorted(
        files
    )  # with what is imported late, in whatever order tests run


async def test_a_tool_that_writes_has_code_of_its_own_in_4_files_at_most(connect: Connect) -> None:
    """Beside its API methods, and what other tools walk through as well: what a new one costs."""
    async with connect(answers=agreeing()) as client:
        draft = await call(client, "create_draft_invoice", customer_id=ONE, lines=[LINE])
        batch = await call(client, "validate_customers", customers=[customer(1), customer(2)])
        fix = {"row": 2, "field": "email", "value": "otra@example.com"}
        calls: Mapping[str, dict[str, Any]] = {
            "validate_customers": {"batch_id": batch["batch_id"], "corrections": [fix]},
            "create_customers": {"batch_id": batch["batch_id"], "expected_count": 2},
            "create_draft_invoice": {"customer_id": ONE, "lines": [{**LINE, "quantity": "2"}]},
            "update_customers": {"customer_ids": [ONE], "changes": {"notes": "Otra"}},
            "delete_draft_invoice": {"invoice_ids": [draft["invoice_id"]]},
            "deactivate_customers": {"customer_ids": [ONE], "mode": "inactive"},
        }
        files = {tool: await walked(client, tool, **sent) for tool, sent in calls.items()}
        # Customers given in the call are advised on like changes.
        doubtful = customer(3)
        doubtful["address"]["postal_code"] = "41001"
        files["create_customers"] |= await walked(client, "create_customers", customers=[doubtful])
    own = {
        tool: {
            file
            for file in files[tool].difference(*(files[other] for other in files if other != tool))
            if not file.startswith("api/")
        }
        for tool in files
        if tool != "validate_customers"
    }
    assert all(own.values())
    assert {tool: sorted(only) for tool, only in own.items() if len(only) > 4} == {}
