"""Bulk answers are believed only when they add up."""

import pytest

from beel_mcp.api.client import BeelClient
from beel_mcp.errors import DryRunNotHonouredError, UnknownOutcomeError
from tests.support.servers.answers import ADDRESS, COMPANY, ROW, envelope, report

pytestmark = pytest.mark.anyio

URL = f"/v1/companies/{COMPANY}/customers/bulk"
ROWS = [
    ROW,
    {"legal_name": "Ana Ruiz", "nif": "12345678Z", "address": ADDRESS},
    {
        "legal_name": "John Doe",
        "alternative_id": {"type": "PASSPORT", "number": "X1"},
        "address": ADDRESS,
    },
]


@pytest.fixture
async def client(settings, who):
    who(companies=403)
    client = BeelClient(settings(company_id=COMPANY))
    yield client
    await client.aclose()


def with_data(change, rows=3, **more):
    body = report(rows, **more)
    change(body["data"])
    return body


def seed_body(rows=None, total=None):
    rows = ROWS if rows is None else rows
    made = [{"id": f"c-{row['legal_name'][0]}", **row} for row in rows]
    return envelope({"customers": made, "total_created": len(rows) if total is None else total})


def created(rows=3, change=lambda data: None, **more):
    body = report(rows, dry=False, imported=rows, **more)
    for index, row in enumerate(body["data"]["customers_validation"]):
        row["customer_id"] = f"c-{index}"
    change(body["data"])
    return body


@pytest.mark.parametrize(
    "change",
    [
        lambda d: d["metadata"].update(is_dry_run=False),
        lambda d: d["metadata"].update(is_dry_run="true"),
        lambda d: d["metadata"].update(is_dry_run=1),
        lambda d: d["metadata"].pop("is_dry_run"),
        lambda d: d.pop("metadata"),
        lambda d: d["statistics"].update(imported=3),
        lambda d: d["statistics"].update(imported="1"),
        lambda d: d["customers_validation"][1].update(customer_id="c-9"),
        lambda d: d.update(total_created=3),
        lambda d: d.update(metadata="dry", customers_validation="rows", statistics=0),
    ],
)
async def test_a_validation_that_may_have_written_is_an_alarm(beel, client, change):
    beel.post(URL).respond(json=with_data(change))
    with pytest.raises(DryRunNotHonouredError) as caught:
        await client.customers.validate_bulk(ROWS)
    assert caught.value.changed == "unknown"
    assert caught.value.request_id == "req-1"


@pytest.mark.parametrize("body", [seed_body(), created()])
async def test_a_creation_in_answer_to_a_validation_is_an_alarm(beel, client, body):
    beel.post(URL).respond(201, json=body)
    with pytest.raises(DryRunNotHonouredError):
        await client.customers.validate_bulk(ROWS)


@pytest.mark.parametrize(
    "change",
    [
        lambda d: d["customers_validation"].pop(),
        lambda d: d["customers_validation"].clear(),
        lambda d: d.pop("customers_validation"),
        lambda d: d["customers_validation"][2].update(index=1),
        lambda d: d["customers_validation"][2].update(index=3),
        lambda d: d["customers_validation"][0].update(index=-1),
        lambda d: d["customers_validation"][0].pop("status"),
        lambda d: d["customers_validation"].append({"index": 3, "status": "VALID"}),
    ],
)
async def test_a_report_covers_exactly_the_rows_sent(beel, client, change):
    beel.post(URL).respond(json=with_data(change))
    with pytest.raises(UnknownOutcomeError) as caught:
        await client.customers.validate_bulk(ROWS)
    assert (caught.value.code, caught.value.changed) == ("unexpected_answer", "nothing")


async def test_rows_are_given_in_order_and_cleaned(beel, client):
    def change(data):
        data.pop("statistics")
        rows = data["customers_validation"]
        rows[0] = {"index": 0, "status": "BRAND_NEW", "customer": {"id": "x", "nif": None}}
        rows[1].update(
            status="NIF_INVALID",
            errors=[{"field": "nif", "value": 5, "message": "No\n\u200bte", "code": "NIF_INVALID"}],
            warnings=[{"field": "preferred_payment_method.iban", "value": "ES91", "message": None}],
        )
        rows.reverse()

    beel.post(URL).respond(json=with_data(change))
    result = await client.customers.validate_bulk(ROWS)
    assert [row.index for row in result.rows] == [0, 1, 2]
    assert [row.status for row in result.rows] == ["BRAND_NEW", "NIF_INVALID", "VALID"]
    problem = result.rows[1].errors[0]
    assert (problem.field, problem.message, problem.value, problem.code) == (
        "nif",
        "No te",
        "5",
        "NIF_INVALID",
    )
    assert result.rows[1].warnings[0].value == ""
    assert result.statistics is None


@pytest.mark.parametrize("status", [200, 201])
@pytest.mark.parametrize(
    ("body", "ids"),
    [
        (created(), ["c-0", "c-1", "c-2"]),
        (created(change=lambda d: d.pop("statistics")), ["c-0", "c-1", "c-2"]),
        (created(change=lambda d: d["customers_validation"].reverse()), ["c-0", "c-1", "c-2"]),
        (
            created(
                change=lambda d: d["customers_validation"][0].update(
                    customer={"nif": "b12345674", "legal_name": "F"}
                )
            ),
            ["c-0", "c-1", "c-2"],
        ),
        (seed_body(), ["c-F", "c-A", "c-J"]),
        (seed_body(ROWS[::-1]), ["c-F", "c-A", "c-J"]),
    ],
)
async def test_a_creation_is_read_in_either_shape(beel, client, status, body, ids):
    beel.post(URL).respond(status, json=body)
    result = await client.customers.create_bulk(ROWS, idempotency_key="k")
    assert [(row.index, row.customer_id) for row in result.created] == list(enumerate(ids))


@pytest.mark.parametrize("shown", ["whole", "one without its country"])
async def test_a_passport_number_of_two_countries_is_two_people(beel, client, shown):
    passport = {"type": "PASSPORT", "number": "X1"}
    rows = [
        {**ROWS[2], "alternative_id": {**passport, "country_code": country}}
        for country in ("DE", "FR", "PT")
    ]
    made = [
        {"id": f"c-{row['alternative_id']['country_code']}", **row} for row in (*rows[1:], rows[0])
    ]
    if shown != "whole":
        made[0] = {**made[0], "alternative_id": passport}
    body = envelope({"customers": made, "total_created": 3})
    beel.post(URL).respond(json=body)
    result = await client.customers.create_bulk(rows, idempotency_key="k")
    assert [row.customer_id for row in result.created] == ["c-DE", "c-FR", "c-PT"]


@pytest.mark.parametrize(
    "body",
    [
        report(3),
        created(change=lambda d: d["metadata"].pop("is_dry_run")),
        created(change=lambda d: d["statistics"].update(imported=2)),
        created(change=lambda d: d["statistics"].update(imported=0)),
        created(change=lambda d: d["customers_validation"].pop()),
        created(change=lambda d: d["customers_validation"][1].pop("customer_id")),
        created(change=lambda d: d["customers_validation"][1].update(customer_id="c-0")),
        created(
            change=lambda d: d["customers_validation"][0].update(customer={"nif": "A00000000"})
        ),
        created(change=lambda d: d.pop("customers_validation")),
        created(rows=2),
        created(rows=4),
        seed_body(total=2),
        seed_body(total=0),
        seed_body(ROWS[:2]),
        seed_body(ROWS[:2], total=3),
        seed_body([ROW, ROW, ROW]),
        envelope({"total_created": 3}),
        envelope({"customers": []}),
        envelope({}),
    ],
)
async def test_a_creation_that_does_not_add_up_is_unknown(beel, client, body):
    beel.post(URL).respond(201, json=body)
    with pytest.raises(UnknownOutcomeError) as caught:
        await client.customers.create_bulk(ROWS, idempotency_key="k")
    assert (caught.value.code, caught.value.changed) == ("unexpected_answer", "unknown")
