"""What today's BeeL takes and refuses of customers, and how the tools say it."""

from typing import Any

import pytest
from starlette.applications import Starlette

from beel_mcp.sandbox import SandboxOptions, create_app
from beel_mcp.sandbox.responses import ApiError
from tests.conftest import Connect
from tests.support.customers import customer
from tests.support.deactivations import crowd, crowd_id, deactivated, is_there, row_of
from tests.support.people.evidence import Told, call
from tests.support.updates import add, planned, put_back, updated

pytestmark = pytest.mark.anyio

ADDRESS = {name: text for name, text in customer(1)["address"].items() if "country" not in name}
NO_HOUSE = {name: text for name, text in ADDRESS.items() if name != "number"}
LINE = {"description": "Muestra", "quantity": "1", "unit_price": "0", "tax_rate": "21"}


@pytest.fixture
def era() -> Any:
    """What BeeL takes has nothing to do with the protocol's era."""
    return "auto"


@pytest.fixture
def refusals() -> dict[str, ApiError]:
    """The operations that BeeL refuses, by name, with what it says."""
    return {}


@pytest.fixture
def sandbox(refusals: dict[str, ApiError]) -> Starlette:
    async def pause(name: str, phase: str) -> None:
        if phase == "before" and name in refusals:
            raise refusals[name]

    return create_app(SandboxOptions(pause=pause, recurring=(crowd_id(0), crowd_id(1))))


async def rows_of(connect: Connect, routes: str, *rows: dict[str, Any]) -> list[Told]:
    """Check customers; give what is known of each."""
    async with connect(routes=routes) as client:
        batch = (await call(client, "validate_customers", customers=list(rows)))["batch_id"]
        listed = await call(client, "list_batch_rows", batch_id=batch, limit=50)
        found: list[Told] = listed["rows"]
        return found


async def test_an_address_without_a_number_is_an_error_where_beel_needs_one(
    connect: Connect,
) -> None:
    [today] = await rows_of(connect, "company", customer(1, address=NO_HOUSE))
    assert (today["kind"], today.get("errors")) == ("warning", None)
    [flat] = await rows_of(connect, "flat", customer(1, address=NO_HOUSE))
    [fault] = flat["errors"]
    assert (fault["field"], fault["suggestion"]) == ("address.number", "S/N if there is none")


async def test_a_country_in_any_language_is_created_as_the_country_that_it_is(
    connect: Connect, sandbox: Starlette
) -> None:
    names = {"Germany": "DE", "Frantzia": "FR", "España": "ES"}
    rows = [
        customer(n, address={**ADDRESS, "country": name, "postal_code": "28001"})
        for n, name in enumerate(names, 1)
    ]
    async with connect(routes="company") as client:
        checked = await call(client, "validate_customers", customers=rows)
        [step] = checked["next"]
        await call(client, step["tool"], **step["arguments"])
    made = [row_of(sandbox, one["customer_id"])["address"] for one in sandbox.state.store.ledger()]
    assert [one["country"] for one in made] == ["Alemania", "Francia", "España"]
    assert [one["country_code"] for one in made] == [*names.values()]


async def test_a_country_that_is_none_or_two_is_refused_before_beel_is_asked(
    connect: Connect,
) -> None:
    none, two, code = await rows_of(
        connect,
        "company",
        customer(1, address={**ADDRESS, "country": "Freedonia"}),
        customer(2, address={**ADDRESS, "country": "Francia", "country_code": "DE"}),
        customer(3, address={**ADDRESS, "country_code": "XX"}),
    )
    assert [one["field"] for one in none["errors"]] == ["address.country"]
    assert none.get("warnings") is None
    assert [one["field"] for one in two["errors"]] == ["address.country_code"]
    assert [one["field"] for one in code["errors"]] == ["address.country_code"]
    async with connect(routes="company") as client:
        answer = await call(
            client,
            "update_customers",
            customer_ids=[crowd_id(7)],
            changes={"address": {"country": "Freedonia"}},
        )
    assert answer["code"] == "invalid_values"
    assert answer["field_errors"][0]["field"] == "address.country"


@pytest.mark.parametrize("changes", [{"country": "Germany"}, {"country_code": "DE"}])
@pytest.mark.parametrize("routes", ["company", "flat"])
async def test_a_country_moves_with_its_code_and_back(
    connect: Connect, sandbox: Starlette, routes: str, changes: dict[str, str]
) -> None:
    abroad = {**ADDRESS, "country": "Francia", "country_code": "FR"}
    [one] = crowd(sandbox, 1, address=abroad)
    async with connect(routes=routes) as client:
        done = await updated(client, [one], {"address": changes})
        assert done["status"] == "done"
        now = row_of(sandbox, one)["address"]
        assert (now["country"], now["country_code"]) == ("Alemania", "DE")
        await put_back(client, done)
    assert row_of(sandbox, one)["address"] == abroad


async def test_a_discount_that_is_emptied_and_answered_as_0_was_emptied(
    connect: Connect, sandbox: Starlette
) -> None:
    [one] = add(sandbox)
    async with connect(routes="company") as client:
        done = await updated(client, [one], {"clear": ["general_discount", "address.number"]})
    assert done["status"] == "done"
    row = row_of(sandbox, one)
    assert (row["general_discount"], row["address"].get("number")) == (None, None)


@pytest.mark.parametrize("count", [1, 2])
async def test_a_customer_of_a_recurring_invoice_stays_and_is_named_as_what_it_is(
    connect: Connect, sandbox: Starlette, count: int
) -> None:
    ids = crowd(sandbox, count)
    async with connect(routes="company") as client:
        answer = await deactivated(client, ids)
    assert [one["code"] for one in answer["failed"]] == ["has_recurring_invoice"] * count
    assert "recurring invoice" in answer["failed"][0]["remedy"]
    assert all(is_there(sandbox, one) for one in ids)
    requests = [one for one in sandbox.state.store.requests() if one["method"] == "DELETE"]
    assert len(requests) == 1, "what is so for good is not sent again"


async def test_a_path_that_is_gone_says_nothing_of_a_customer(
    connect: Connect, sandbox: Starlette, refusals: dict[str, ApiError]
) -> None:
    [_, _, one] = crowd(sandbox, 3)
    gone = ApiError(404, "ENDPOINT_NOT_FOUND", "There is no such path")
    refusals["deleteCompanyCustomer"] = gone
    async with connect(routes="company") as client:
        answer = await deactivated(client, [one])
        assert (answer["code"], answer["changed"]) == ("ENDPOINT_NOT_FOUND", "nothing")
        assert "no such route" in answer["message"]
        assert "BEEL_BASE_URL" in answer["message"]
        assert is_there(sandbox, one)
        refusals["getCompanyCustomer"] = gone
        asked = await call(client, "deactivate_customers", customer_ids=[one], mode="delete")
        assert asked["code"] == "ENDPOINT_NOT_FOUND", "it is not called a customer not found"


@pytest.mark.parametrize(
    ("status", "code", "remedy"),
    [
        (409, "CONCURRENT_MODIFICATION", "new plan"),
        (422, "NIF_NOT_IN_CENSUS", "AEAT"),
    ],
)
async def test_a_change_that_beel_turns_down_is_a_failure_with_its_remedy(
    connect: Connect,
    sandbox: Starlette,
    refusals: dict[str, ApiError],
    status: int,
    code: str,
    remedy: str,
) -> None:
    [one] = add(sandbox)
    refusals["patchCompanyCustomer"] = ApiError(status, code, "No")
    async with connect(routes="company") as client:
        answer = await updated(client, [one], {"legal_name": "Otra SL"})
    [failed] = answer["failed"]
    assert failed["code"] == code
    assert remedy in failed["remedy"]
    assert row_of(sandbox, one)["legal_name"] != "Otra SL"


async def test_a_line_may_cost_nothing(connect: Connect, sandbox: Starlette) -> None:
    [one] = crowd(sandbox, 1)
    async with connect(routes="company") as client:
        paid = {**LINE, "unit_price": "40"}
        made = await call(client, "create_draft_invoice", customer_id=one, lines=[LINE, paid])
        assert made["status"] == "done", made
        old = await call(
            client, "create_draft_invoice", customer_id=one, lines=[{**LINE, "unit_price": "-1"}]
        )
    assert "0 to 999999.9999" in old["field_errors"][0]["message"]


async def test_a_draft_for_nobody_of_the_company_says_where_the_ids_are(
    connect: Connect, sandbox: Starlette, refusals: dict[str, ApiError]
) -> None:
    [one] = crowd(sandbox, 1)
    refusals["createCompanyInvoice"] = ApiError(404, "INVOICE_CLIENT_NOT_FOUND", "No such client")
    async with connect(routes="company") as client:
        answer = await call(client, "create_draft_invoice", customer_id=one, lines=[LINE])
    assert (answer["code"], answer["changed"]) == ("INVOICE_CLIENT_NOT_FOUND", "nothing")
    assert "find_customers" in answer["message"]


async def test_what_aeat_does_not_know_is_said_in_the_words_of_the_person(connect: Connect) -> None:
    [row] = await rows_of(connect, "company", customer(1, nif="12345000A"))
    [fault] = row["errors"]
    assert row["kind"] == "nif_invalid"
    assert fault["message"] == "AEAT does not have this NIF, or not under this name."


async def test_a_plan_names_the_country_that_the_person_names(
    connect: Connect, sandbox: Starlette
) -> None:
    [one] = crowd(sandbox, 1)
    async with connect(routes="company") as client:
        plan = await planned(client, [one], {"address": {"country": "Germany"}})
    assert "Germany" in plan["statement"]
