"""create_customers, through the client, on the sandbox: what is agreed is created, once."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import anyio
import pytest
from mcp import Client
from starlette.applications import Starlette

from beel_mcp.context import Timing
from beel_mcp.server import create_server
from beel_mcp.settings import Settings
from tests.conftest import Connect, Era
from tests.support.customers import customer, foreigner

pytestmark = pytest.mark.anyio


async def call(client: Client, tool: str, **arguments: Any) -> dict[str, Any]:
    result = await client.call_tool(tool, arguments)
    structure = result.structured_content or {}
    assert bool(result.is_error) == (structure["status"] == "error")
    return structure


async def batch_of(client: Client, *rows: dict[str, Any]) -> str:
    return (await call(client, "validate_customers", customers=list(rows)))["batch_id"]


def created(sandbox: Starlette) -> list[str]:
    ledger = sandbox.state.store.ledger()
    return [entry["nif"] for entry in ledger if entry["kind"] == "customer_created"]


async def test_a_batch_is_created_once_however_often_the_call_is_repeated(
    client: Client, sandbox: Starlette
) -> None:
    rows = [customer(n) for n in range(30)]
    arguments = {"batch_id": await batch_of(client, *rows), "expected_count": 30}
    first = await call(client, "create_customers", **arguments)
    assert first["status"] == "done"
    assert first["counts"]["created"] == first["total"] == 30
    assert len(first["created"]) == 10
    assert first["more_created"] == 20
    again = await call(client, "create_customers", **arguments)
    assert again["replayed"] is True
    assert again["counts"] == first["counts"]
    assert created(sandbox) == [row["nif"] for row in rows]


async def test_two_calls_at_once_create_once(client: Client, sandbox: Starlette) -> None:
    arguments = {"batch_id": await batch_of(client, customer(1)), "expected_count": 1}
    answers: list[dict[str, Any]] = []

    async def create() -> None:
        answers.append(await call(client, "create_customers", **arguments))

    async with anyio.create_task_group() as group:
        for _ in range(5):
            group.start_soon(create)
    assert [answer["counts"]["created"] for answer in answers] == [1] * 5
    assert len(created(sandbox)) == 1


async def test_a_problem_row_keeps_the_batch_from_being_created_unless_left_out(
    client: Client, sandbox: Starlette
) -> None:
    batch_id = await batch_of(client, customer(1), customer(2, nif="12345678A"), customer(3))
    refused = await call(client, "create_customers", batch_id=batch_id, expected_count=2)
    assert refused["status"] == "nothing_done"
    assert refused["counts"]["not_attempted"] == 3
    assert refused["problems"][0]["rows"] == [2]
    assert created(sandbox) == []
    [step] = refused["next"]
    done = await call(client, step["tool"], **step["arguments"])
    assert done["counts"] == {
        "created": 2,
        "refused": 0,
        "unknown": 0,
        "not_attempted": 0,
        "skipped": 1,
    }
    assert [row["row"] for row in done["created"]] == [1, 3]


@pytest.mark.parametrize("count", [0, 1, 3, 500, -1])
async def test_a_wrong_count_creates_nothing_and_names_the_right_one(
    client: Client, sandbox: Starlette, count: int
) -> None:
    batch_id = await batch_of(client, customer(1), customer(2))
    answer = await call(client, "create_customers", batch_id=batch_id, expected_count=count)
    assert answer["code"] == "wrong_count"
    assert answer["field_errors"] == [{"field": "expected_count", "message": "must be 2"}]
    assert answer["changed"] == "nothing"
    assert created(sandbox) == []


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        ({"batch_id": "bat_invented", "expected_count": 1}, "batch_expired"),
        ({"batch_id": "../../x", "expected_count": 1}, "batch_expired"),
        ({}, "invalid_arguments"),
        ({"customers": [customer(1)], "batch_id": "bat_x"}, "invalid_arguments"),
        ({"customers": []}, "empty_list"),
        ({"customers": [customer(n) for n in range(501)]}, "too_many_rows"),
        ({"batch_id": "bat_x", "expected_count": "many"}, "invalid_arguments"),
        ({"batch_id": 5, "expected_count": 1}, "invalid_arguments"),
        ({"customers": [{"name": "Acme"}]}, "invalid_arguments"),
        ({"customers": [5]}, "invalid_arguments"),
    ],
)
async def test_bad_input_creates_nothing_and_is_refused_with_its_code(
    client: Client, sandbox: Starlette, arguments: dict[str, Any], code: str
) -> None:
    answer = await call(client, "create_customers", **arguments)
    assert answer["code"] == code
    assert answer["changed"] == "nothing"
    assert created(sandbox) == []


async def test_a_batch_without_expected_count_is_refused_and_the_count_named(
    client: Client, sandbox: Starlette
) -> None:
    batch_id = await batch_of(client, customer(1))
    answer = await call(client, "create_customers", batch_id=batch_id)
    assert answer["field_errors"][0]["field"] == "expected_count"
    assert created(sandbox) == []


async def test_inline_customers_are_created_if_no_row_has_a_problem(
    client: Client, sandbox: Starlette
) -> None:
    without_email = {key: value for key, value in customer(2).items() if key != "email"}
    done = await call(client, "create_customers", customers=[customer(1), without_email])
    assert done["counts"]["created"] == 2
    wrong = await call(
        client, "create_customers", customers=[customer(3), customer(4, nif="12345678A")]
    )
    assert wrong["status"] == "nothing_done"
    assert wrong["problems"][0]["kind"] == "nif_invalid"
    assert len(created(sandbox)) == 2


async def test_inline_customers_sent_twice_are_created_once(
    client: Client, sandbox: Starlette
) -> None:
    await call(client, "create_customers", customers=[customer(1)])
    again = await call(client, "create_customers", customers=[customer(1)])
    assert again["status"] == "nothing_done"
    assert again["problems"][0]["kind"] == "duplicate"
    assert len(created(sandbox)) == 1


async def test_somebody_elses_new_customer_makes_beel_refuse_the_whole_request(
    client: Client, connect: Connect, sandbox: Starlette, tmp_path: Path
) -> None:
    batch_id = await batch_of(client, customer(1), customer(2))
    async with connect(state_dir=tmp_path / "another machine") as somebody_else:
        await call(somebody_else, "create_customers", customers=[customer(2)])
    answer = await call(client, "create_customers", batch_id=batch_id, expected_count=2)
    assert answer["status"] == "nothing_done"
    assert answer["counts"]["refused"] == 2
    assert answer["problems"][0]["rows"] == [2]
    assert len(created(sandbox)) == 1


async def test_what_another_call_of_ours_created_meanwhile_is_not_even_sent(
    client: Client, sandbox: Starlette
) -> None:
    batch_id = await batch_of(client, customer(1), customer(2))
    await call(client, "create_customers", customers=[customer(2)])
    answer = await call(client, "create_customers", batch_id=batch_id, expected_count=2)
    assert answer["code"] == "created_meanwhile"
    assert answer["changed"] == "nothing"
    assert len(created(sandbox)) == 1


class Watch:
    """A clock that a test sets."""

    def __init__(self) -> None:
        self.time = datetime(2026, 11, 21, 9, 0, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.time


@pytest.fixture
def watch() -> Watch:
    return Watch()


@pytest.fixture
async def timed(
    settings: Settings, sandbox: Starlette, watch: Watch, era: Era
) -> AsyncIterator[Client]:
    server = create_server(settings, sandbox_app=sandbox, timing=Timing(now=watch))
    async with Client(server, mode=era, raise_exceptions=True) as client:
        yield client


async def test_a_batch_checked_long_ago_is_checked_again_before_it_is_written(
    timed: Client, sandbox: Starlette, watch: Watch
) -> None:
    batch_id = await batch_of(timed, customer(1), customer(2))
    await call(timed, "create_customers", customers=[customer(2)])
    watch.time += timedelta(minutes=16)
    answer = await call(timed, "create_customers", batch_id=batch_id, expected_count=2)
    assert answer["code"] == "wrong_count"
    assert len(created(sandbox)) == 1


async def test_a_batch_is_gone_half_an_hour_after_its_last_use(timed: Client, watch: Watch) -> None:
    batch_id = await batch_of(timed, customer(1))
    watch.time += timedelta(minutes=31)
    answer = await call(timed, "create_customers", batch_id=batch_id, expected_count=1)
    assert answer["code"] == "batch_expired"


async def test_inline_customers_are_held_against_an_expected_count_that_was_given(
    client: Client, sandbox: Starlette
) -> None:
    rows = [customer(1), customer(2)]
    answer = await call(client, "create_customers", customers=rows, expected_count=5)
    assert answer["code"] == "wrong_count"
    skipping = await call(client, "create_customers", customers=rows, skip_problems=True)
    assert skipping["code"] == "invalid_arguments"
    assert created(sandbox) == []
    done = await call(client, "create_customers", customers=rows, expected_count=2)
    assert done["counts"]["created"] == 2


async def test_a_batch_that_has_ended_tells_its_outcome_whatever_is_asked_of_it(
    client: Client, sandbox: Starlette
) -> None:
    batch_id = await batch_of(client, customer(1), customer(2))
    await call(client, "create_customers", batch_id=batch_id, expected_count=2)
    again = await call(client, "create_customers", batch_id=batch_id, expected_count=7)
    assert again["replayed"] is True
    assert again["counts"]["created"] == 2
    assert len(created(sandbox)) == 2


async def test_remarks_on_inline_customers_are_told_with_their_creation(client: Client) -> None:
    row = customer(1)
    row["address"]["postal_code"] = "08001"
    done = await call(client, "create_customers", customers=[row])
    assert done["counts"]["created"] == 1
    assert done["problems"][0]["field"] == "address.postal_code"


async def test_rows_without_a_nif_that_were_created_before_are_pointed_out(
    client: Client,
) -> None:
    row = customer(1, alternative_id={"type": "PASSPORT", "number": "X99", "country_code": "DE"})
    del row["nif"]
    await call(client, "create_customers", customers=[row])
    checked = await client.call_tool("validate_customers", {"customers": [row]})
    assert (checked.structured_content or {})["created_before"].startswith("op_")
    assert (checked.structured_content or {})["counts"]["duplicate"] == 1


async def test_a_batch_that_others_overtook_is_checked_again_and_then_finished(
    client: Client, sandbox: Starlette
) -> None:
    batch_id = await batch_of(client, customer(1), customer(2))
    await call(client, "create_customers", customers=[customer(2)])
    refused = await call(client, "create_customers", batch_id=batch_id, expected_count=2)
    assert refused["code"] == "created_meanwhile"
    [step] = refused["next"]
    assert step["arguments"] == {"batch_id": batch_id}
    checked = await call(client, step["tool"], **step["arguments"])
    assert checked["counts"] | {"valid": 1, "duplicate": 1} == checked["counts"]
    done = await call(client, "create_customers", **checked["next"][0]["arguments"])
    assert done["counts"]["created"] == 1
    assert created(sandbox) == [customer(2)["nif"], customer(1)["nif"]]


async def test_who_has_no_nif_and_was_created_today_is_told_of_where_beel_sees_no_double(
    client: Client,
) -> None:
    batch_id = await batch_of(client, foreigner(1), customer(2))
    await call(client, "create_customers", customers=[foreigner(1)])
    refused = await call(client, "create_customers", batch_id=batch_id, expected_count=2)
    assert refused["code"] == "created_meanwhile"
    for _ in range(2):
        checked = await call(client, "validate_customers", batch_id=batch_id)
        [group] = [one for one in checked["problems"] if one["kind"] != "valid"]
        assert group["rows"] == [1]
        assert (group["kind"], group["message"][:8]) == ("duplicate", "Created ")


async def test_a_batch_of_nothing_but_problems_is_refused_with_the_call_that_tells_them(
    client: Client,
) -> None:
    batch_id = await batch_of(client, customer(1, email="nope"))
    refused = await call(client, "create_customers", batch_id=batch_id, expected_count=1)
    assert refused["code"] == "nothing_importable"
    [step] = refused["next"]
    rows = await call(client, step["tool"], **step["arguments"])
    assert rows["rows"][0]["kind"] == "error"


def passports_of_two_countries() -> list[dict[str, Any]]:
    """Give two people who have one passport number, of two countries."""
    rows = [foreigner(1), foreigner(2)]
    for row, country in zip(rows, ("DE", "FR"), strict=True):
        row["alternative_id"] = {"type": "PASSPORT", "number": "X7", "country_code": country}
    return rows


async def test_one_passport_number_of_two_countries_is_two_people_in_two_batches(
    client: Client,
) -> None:
    batches = [
        await call(client, "validate_customers", customers=[row])
        for row in passports_of_two_countries()
    ]
    for batch in batches:
        arguments = {"batch_id": batch["batch_id"], "expected_count": 1}
        created = await call(client, "create_customers", **arguments)
        assert created.get("counts", created)["created"] == 1


async def test_one_passport_number_of_two_countries_is_two_people_in_one_list(
    client: Client,
) -> None:
    rows = passports_of_two_countries()
    checked = await call(client, "validate_customers", customers=rows)
    assert (checked["counts"]["valid"], checked.get("problems")) == (2, None)
    created = await call(client, "create_customers", customers=rows)
    assert len({one["customer_id"] for one in created["created"]}) == 2
