"""What is overdue: BeeL never says it, so the due dates do, on a day that is given."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any
from urllib.parse import parse_qs

import pytest
from mcp import Client
from starlette.applications import Starlette

from beel_mcp.context import Timing
from beel_mcp.sandbox import SandboxOptions, create_app
from beel_mcp.sandbox.seed import customer_id, invoice_id
from tests.conftest import Connect, FakeTime
from tests.support.invoices import add_invoices

pytestmark = pytest.mark.anyio

BEELS = [("current", "company"), ("current", "flat"), ("legacy", "flat")]
# Of the seeds, unpaid and past due on 29 November 2026; 14 and 29 are due in December.
LATE = {8, 10, 11, 12, 13, 25, 28}
COMMUNITY = customer_id(6)


def on(moment: str) -> Timing:
    """The app's clock, stopped at an ISO moment in UTC."""
    stopped = datetime.fromisoformat(moment).replace(tzinfo=UTC)
    return Timing(now=lambda: stopped)


TODAY = on("2026-11-29T12:00")


@pytest.fixture(params=BEELS)
def beel(request: pytest.FixtureRequest) -> tuple[Starlette, str]:
    generation, routes = request.param
    return create_app(SandboxOptions(generation=generation)), routes


@pytest.fixture
async def client(connect: Connect, sandbox: Starlette) -> AsyncIterator[Client]:
    async with connect(timing=TODAY) as opened:
        yield opened


async def found(client: Client, **arguments: Any) -> dict[str, Any]:
    result = await client.call_tool("find_invoices", arguments)
    assert not result.is_error, result.structured_content
    return {**(result.structured_content or {}), "text": result.content[0].text}  # type: ignore[union-attr]


def numbers(answer: dict[str, Any]) -> set[int]:
    return {int(one["invoice_id"][-3:]) for one in answer["invoices"]}


def statuses_asked(app: Starlette) -> set[str]:
    """All that the requests for lists of invoices had as their status."""
    queries = [one["query"] for one in app.state.store.requests() if "invoices" in one["path"]]
    return {
        word
        for query in queries
        for text in parse_qs(query).get("status", [])
        for word in text.split(",")
    }


async def test_overdue_is_issued_or_sent_unpaid_and_due_before_today(
    connect: Connect, beel: tuple[Starlette, str]
) -> None:
    app, routes = beel
    async with connect(app, routes=routes, timing=TODAY) as client:
        answer = await found(client, status=["OVERDUE"])
    assert (numbers(answer), answer["total"], answer["complete"]) == (LATE, len(LATE), True)
    assert {one["status"] for one in answer["invoices"]} == {"ISSUED", "SENT"}
    assert all(one["overdue"] and one["due_date"] < "2026-11-29" for one in answer["invoices"])
    assert answer["text"].count("· overdue") == len(LATE)
    assert answer["overdue"]["count"] == len(LATE)
    totals = {answer["sums"][name]["total"] for name in ("invoiced", "outstanding")}
    assert totals == {answer["overdue"]["total"]}
    assert answer["sums"]["by_status"].keys() == {"ISSUED", "SENT"}
    assert "issued or sent, not paid, and due before 2026-11-29" in answer["text"]
    assert {"ISSUED", "SENT"} <= statuses_asked(app) <= {"ISSUED", "SENT", "OVERDUE"}


@pytest.mark.parametrize(
    ("moment", "is_late"),
    [("2026-10-10T21:59", False), ("2026-10-10T22:00", True)],
    ids=["23:59 of the due date in Madrid", "midnight after it"],
)
async def test_an_invoice_is_overdue_when_the_day_it_was_due_has_ended_in_madrid(
    connect: Connect, moment: str, *, is_late: bool
) -> None:
    async with connect(timing=on(moment)) as client:
        answer = await found(client, search="F26-0011")
        late = await found(client, status=["OVERDUE"], search="F26-0011")
    [row] = answer["invoices"]
    assert row["due_date"] == "2026-10-10"
    assert ("overdue" in row) == is_late
    assert (answer["overdue"]["total"], late["total"]) == (
        ("363.00", 1) if is_late else ("0.00", 0)
    )


@pytest.mark.parametrize(
    ("number", "change"),
    [
        (26, "status = 'RECTIFIED'"),
        (27, "status = 'ISSUED'"),  # the credit that rectifies it
        (8, "status = 'PAID'"),
        (8, "status = 'VOIDED'"),
        (16, "due_date = '2026-03-31'"),  # a draft
        (15, "due_date = '2026-03-31'"),  # scheduled
        (20, "status = 'SENT', due_date = '2026-03-31'"),  # a proforma
    ],
)
async def test_what_nobody_has_to_pay_is_never_overdue(
    client: Client, sandbox: Starlette, number: int, change: str
) -> None:
    past = "due_date = '2026-01-31', " if "due_date" not in change else ""
    sandbox.state.store.execute(
        f"UPDATE invoices SET {past}{change} WHERE id = ?", invoice_id(number)
    )
    late = await found(client, status=["OVERDUE"])
    assert numbers(late) == LATE - {number}
    everything = await found(client)
    assert everything["overdue"]["total"] == late["overdue"]["total"]


async def test_what_is_overdue_and_what_is_not_make_what_is_outstanding(
    client: Client, sandbox: Starlette
) -> None:
    sandbox.state.store.execute(
        "UPDATE invoices SET due_date = NULL WHERE id IN (?, ?)", invoice_id(10), invoice_id(27)
    )
    answer = await found(client)
    overdue, outstanding = answer["overdue"], answer["sums"]["outstanding"]
    parts = [overdue, *(overdue[name] for name in ("not_yet_due", "undated", "rectified"))]
    assert sum(part["count"] for part in parts) == outstanding["count"]
    assert sum(Decimal(part["total"]) for part in parts) == Decimal(outstanding["total"])
    assert overdue["undated"] == {"count": 1, "total": "176.66"}
    assert overdue["rectified"] == {"count": 2, "total": "0.00"}
    assert "without a due date 176.66 (1)" in answer["text"]
    assert "never overdue, as rectified or a refund, 0.00 (2)" in answer["text"]


async def test_without_a_due_date_nothing_is_told_as_overdue_and_that_is_said(
    client: Client, sandbox: Starlette
) -> None:
    sandbox.state.store.execute("UPDATE invoices SET due_date = NULL WHERE status = 'SENT'")
    some = await found(client, status=["OVERDUE"])
    assert numbers(some) == {12, 13, 25}
    assert "Without a due date, so not told as overdue: " in some["text"]
    for status in (["SENT"], ["SENT", "OVERDUE"]):  # there they are, and nothing is left out
        listed = await found(client, status=status, limit=50)
        assert {8, 10, 11, 28} <= numbers(listed)
        assert "not told as overdue" not in listed["text"]
    sandbox.state.store.execute("UPDATE invoices SET due_date = NULL")
    none = await found(client, status=["OVERDUE"])
    assert none["total"] == 0
    assert "Without a due date, so not told as overdue: " in none["text"]
    drafts = await found(client, status=["DRAFT"])
    assert "due date" not in drafts["text"]


async def test_a_status_overdue_that_an_older_beel_has_set_is_believed(
    connect: Connect, beel: tuple[Starlette, str]
) -> None:
    app, routes = beel
    app.state.store.execute(
        "UPDATE invoices SET status = 'OVERDUE', due_date = NULL WHERE id = ?", invoice_id(29)
    )
    async with connect(app, routes=routes, timing=TODAY) as client:
        late = await found(client, status=["OVERDUE"])
        everything = await found(client)
    assert numbers(late) == LATE | {29}
    assert everything["overdue"]["count"] == len(LATE) + 1
    assert everything["sums"]["by_status"]["OVERDUE"]["count"] == 1


async def test_other_statuses_stand_beside_the_overdue_ones(client: Client) -> None:
    answer = await found(client, status=["OVERDUE", "DRAFT"], limit=50)
    assert numbers(answer) == LATE | {16, 17, 30}
    sent = await found(client, status=["OVERDUE", "ISSUED"], limit=50)
    assert numbers(sent) == LATE | {14, 27, 29}


@pytest.mark.parametrize("group_by", ["customer", "month", "quarter"])
async def test_each_group_says_how_much_of_it_is_overdue(client: Client, group_by: str) -> None:
    for asked in ({}, {"status": ["OVERDUE"]}):
        answer = await found(client, **asked, group_by=group_by)
        late = [Decimal(group["overdue"]) for group in answer["groups"] if "overdue" in group]
        assert sum(late) == Decimal(answer["overdue"]["total"])
        assert f"of which overdue {late[0]}" in answer["text"]
    one = await found(client, search="Olmo", group_by="customer")
    assert [(g["outstanding"], g["overdue"]) for g in one["groups"]] == [("1306.80", "943.80")]


async def test_the_overdue_ones_of_a_status_group_are_those_of_the_list(client: Client) -> None:
    answer = await found(client, status=["OVERDUE"], group_by="status")
    assert {group["group"]: group["count"] for group in answer["groups"]} == {
        "ISSUED": 3,
        "SENT": 4,
    }


async def test_pages_of_the_overdue_hold_each_once(
    connect: Connect, beel: tuple[Starlette, str]
) -> None:
    app, routes = beel
    seen: list[int] = []
    asked: dict[str, Any] = {"status": ["OVERDUE"], "limit": 3}
    async with connect(app, routes=routes, timing=TODAY) as client:
        while asked:
            answer = await found(client, **asked)
            assert answer["total"] == len(LATE)
            assert ("sums" in answer) == (answer["page"] == 1)
            seen += sorted(numbers(answer))
            asked = answer["next"][0]["arguments"] if answer["has_more"] else {}
    assert (len(seen), set(seen)) == (len(LATE), LATE)


async def test_a_selection_of_the_overdue_holds_them_and_no_others(client: Client) -> None:
    kept = await found(client, status=["OVERDUE"], customer_id=COMMUNITY, select_all=True)
    assert kept["total"] == 2
    package = await client.call_tool(
        "download_invoices_zip", {"selection_id": kept["selection_id"]}
    )
    assert (package.structured_content or {})["requested"] == 2


async def test_a_package_of_the_overdue_has_them_and_no_others(
    connect: Connect, beel: tuple[Starlette, str]
) -> None:
    app, routes = beel
    async with connect(app, routes=routes, timing=TODAY) as client:
        result = await client.call_tool(
            "download_invoices_zip", {"status": ["OVERDUE"], "quarter": "2026-Q3"}
        )
    package = result.structured_content or {}
    assert package["requested"] == len({10, 11, 12, 25, 28})
    assert package["counts"] == {"included": 4, "missing": 1, "not_attempted": 0}


@asynccontextmanager
async def slow_beel(connect: Connect, fake_time: FakeTime, **dates: str) -> AsyncIterator[Client]:
    """A BeeL with 250 more unpaid ones, that gives one page and then takes an hour."""

    async def pause(operation: str, phase: str) -> None:
        if "Invoices" in operation and phase == "after":
            await fake_time.sleep(3_600)

    app = create_app(SandboxOptions(pause=pause))
    add_invoices(app, 250, **dates)
    timing = Timing(now=fake_time.now, sleep=fake_time.sleep)
    async with connect(app, timing=timing) as client:
        yield client


async def test_what_could_not_be_read_may_be_overdue_too_and_that_is_said(
    connect: Connect, fake_time: FakeTime
) -> None:
    late = {"issue_date": "2026-12-31", "due_date": "2020-01-31"}
    async with slow_beel(connect, fake_time, **late) as client:
        answer = await found(client, status=["OVERDUE"], select_all=True)
    assert (answer["complete"], answer["total"]) == (False, 100)
    assert answer["summary"] == "100 that match, found among 100 of 260 invoices."
    assert answer["sums"]["of"] == "only 100 that match, found among 100 of 260 invoices"
    assert "BeeL took too long" in answer["text"]
    assert "selection_id" not in answer


async def test_nobody_is_said_to_pay_in_time_where_not_all_could_be_read(
    connect: Connect, fake_time: FakeTime
) -> None:
    in_time = {"issue_date": "2026-12-31", "due_date": "2999-01-31"}
    async with slow_beel(connect, fake_time, **in_time) as client:
        answer = await found(client, status=["OVERDUE"])
    assert (answer["complete"], answer["total"]) == (False, 0)
    assert answer["summary"] == "0 that match, found among 100 of 260 invoices."
    assert "Not all could be read: BeeL took too long." in answer["text"]
