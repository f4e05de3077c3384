"""What is doubtful about a draft invoice is said, and the draft is made all the same."""

from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from mcp import Client
from starlette.applications import Starlette

from beel_mcp.sandbox import SandboxOptions, create_app
from beel_mcp.sandbox.seed import customer_id
from tests.conftest import Connect
from tests.support.people.evidence import call, make_inactive
from tests.support.people.person import Person
from tests.support.updates import confirmed

pytestmark = pytest.mark.anyio

TOOL = "create_draft_invoice"
LINE = {"description": "Horas", "quantity": "2.5", "unit_price": "39.90", "tax_rate": "21"}
TODAY = datetime.now(UTC).date()


@pytest.fixture
def era() -> Any:
    return "auto"


def day(days: int) -> str:
    return (TODAY + timedelta(days=days)).isoformat()


async def drafted(client: Client, *lines: Mapping[str, str], number: int = 2, **more: Any) -> Any:
    every = [LINE | line for line in lines] or [LINE]
    return await call(client, TOOL, customer_id=customer_id(number), lines=every, **more)


def remarks(answer: dict[str, Any]) -> list[tuple[str, str]]:
    return [(one["code"], one["field"]) for one in answer.get("remarks", ())]


async def test_of_an_ordinary_draft_there_is_nothing_to_remark_and_its_date_is_told(
    client: Client,
) -> None:
    answer = await drafted(client, {}, {"tax_rate": "10", "withholding_rate": "15"}, date=day(-20))
    assert answer["status"] == "done"
    assert "remarks" not in answer
    assert date.fromisoformat(answer["date"])
    worked = answer["work_date"]
    assert worked == day(-20)
    told = f"work date {worked}; BeeL dates it when it is issued, now {answer['date']} · "
    assert told in answer.text
    record = await call(client, "check_operation", operation_id=answer["operation_id"])
    assert f"DRAFT {answer['date']} (work date {worked}), " in record.text
    again = await drafted(client, {}, {"tax_rate": "10", "withholding_rate": "15"}, date=day(-20))
    assert told in again.text
    undated = await drafted(client, {}, {"tax_rate": "4"})
    assert f"dated {undated['date']} · " in undated.text
    assert "work date" not in undated.text


LINES: list[tuple[dict[str, str], str | None]] = [
    ({"tax_rate": "12"}, "odd_tax_rate"),
    ({"tax_rate": "7.5"}, "odd_tax_rate"),
    ({"tax_type": "IGIC"}, "odd_tax_rate"),
    ({"tax_type": "IPSI"}, "odd_tax_rate"),
    ({"quantity": "0"}, "line_of_nothing"),
    ({"discount_percentage": "100"}, "line_of_nothing"),
    ({"tax_rate": "4"}, None),
    ({"tax_rate": "0"}, None),
    ({"tax_type": "IGIC", "tax_rate": "9.5"}, None),
    ({"tax_type": "IPSI", "tax_rate": "0.5"}, None),
    ({"tax_type": "OTHER", "tax_rate": "12"}, None),
]


@pytest.mark.parametrize(("line", "code"), LINES, ids=str)
async def test_a_line_that_is_odd_is_remarked_on(
    client: Client, line: dict[str, str], code: str | None
) -> None:
    answer = await drafted(client, {"unit_price": "1"}, line)
    field = "lines.1" if code == "line_of_nothing" else "lines.1.tax_rate"
    assert answer["status"] == "done"
    assert remarks(answer) == ([(code, field)] if code else [])


async def test_a_rate_of_the_time_when_it_was_lowered_is_remarked_on_for_its_day_alone(
    client: Client,
) -> None:
    answer = await drafted(client, {"tax_rate": "5"}, date="2023-05-02")
    assert remarks(answer) == [("date_long_ago", "date")]


async def test_a_withholding_that_is_not_in_use_is_remarked_on(connect: Connect) -> None:
    app = create_app(SandboxOptions(generation="legacy"))  # today's BeeL refuses it
    async with connect(app) as client:
        answer = await drafted(client, {"withholding_rate": "21"})
    assert remarks(answer) == [("odd_withholding", "lines.0.withholding_rate")]


@pytest.mark.parametrize(
    ("days", "code"),
    [(-184, "date_long_ago"), (-183, None), (60, None), (61, "date_far_ahead")],
)
async def test_a_day_far_away_is_remarked_on(client: Client, days: int, code: str | None) -> None:
    answer = await drafted(client, date=day(days))
    assert remarks(answer) == ([(code, "date")] if code else [])


async def test_a_customer_who_lacks_what_an_invoice_needs_is_remarked_on(
    client: Client, sandbox: Starlette
) -> None:
    make_inactive(sandbox, 2)
    sandbox.state.store.execute("UPDATE customers SET nif = NULL WHERE id = ?", customer_id(2))
    answer = await drafted(client)
    assert remarks(answer) == [
        ("customer_inactive", "customer_id"),
        ("customer_without_nif", "customer_id"),
    ]
    simplified = await drafted(client, {"unit_price": "1"}, type="SIMPLIFIED")
    assert remarks(simplified) == [("customer_inactive", "customer_id")]


async def test_tax_that_a_customer_abroad_would_withhold_is_remarked_on(client: Client) -> None:
    answer = await drafted(client, {"tax_rate": "0", "withholding_rate": "15"}, number=7)
    assert remarks(answer) == [("withholding_abroad", "withholding_rate")]


async def test_a_draft_like_one_of_the_last_days_is_remarked_on(
    client: Client, sandbox: Starlette
) -> None:
    first = await drafted(client)
    second = await drafted(client, {"description": "Horas de noviembre"})
    assert "remarks" not in first
    assert remarks(second) == [("draft_alike", "lines")]
    assert "€99.75" in second["remarks"][0]["message"]
    long_ago = "2026-01-02T09:00:00.000000Z"
    sandbox.state.store.execute("UPDATE invoices SET created_at = ?", long_ago)
    assert "remarks" not in await drafted(client, {"description": "Horas de octubre"})
    assert "remarks" not in await drafted(client, {"unit_price": "39.80"})


@pytest.mark.parametrize(
    ("language", "opening", "rate"),
    [
        (
            "en",
            "Remark: 12.5% is not a current rate of IVA: the usual ones are 21, 10, 4 or 0.",
            "12.5%",
        ),
        (
            "es",
            "Aviso: 12,5 % no es un tipo vigente de IVA: los habituales son 21, 10, 4 o 0.",
            "12,5 %",
        ),
    ],
)
async def test_a_plan_for_a_draft_says_what_is_doubtful(
    connect: Connect, language: str, opening: str, rate: str
) -> None:
    async with connect(confirm_creates=True, language=language) as client:
        plan = await drafted(client, {"tax_rate": "12.5"})
        done = await confirmed(client, plan)
    assert plan["statement"].endswith(opening)
    assert rate in plan["statement"]
    assert remarks(plan) == remarks(done) == [("odd_tax_rate", "lines.0.tax_rate")]


async def test_a_draft_that_a_person_agreed_to_in_a_form_is_told_with_its_remarks(
    connect: Connect,
) -> None:
    person = Person()
    async with connect(confirm_creates=True, answers=person) as client:
        done = await drafted(client, {"tax_rate": "12"})
    assert "Remark: 12% is not a current rate of IVA" in person.questions[0]
    assert remarks(done) == [("odd_tax_rate", "lines.0.tax_rate")]


@pytest.mark.parametrize(
    ("language", "words"), [("en", "dated by BeeL"), ("es", "la fecha la pone BeeL")]
)
async def test_a_draft_without_a_day_says_who_dates_it(
    connect: Connect, language: str, words: str
) -> None:
    async with connect(confirm_creates=True, language=language) as client:
        plan = await drafted(client)
        dated = await drafted(client, date=day(-1))
    assert f" · {words} · " in plan["statement"]
    shown = day(-1) if language == "en" else f"{TODAY - timedelta(days=1):%d/%m/%Y}"
    assert shown in dated["statement"]
