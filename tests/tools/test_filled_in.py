"""What follows with certainty about an address in a call is filled in and told, as of a file."""

from typing import Any

import pytest
from mcp import Client
from starlette.applications import Starlette

from tests.conftest import Connect
from tests.support.customers import customer
from tests.support.deactivations import row_of
from tests.support.people.evidence import call
from tests.support.updates import confirmed

pytestmark = pytest.mark.anyio

HERE = {"street": "Carrer Major", "number": "3", "postal_code": "08002", "city": "Barcelona"}
FILLED_IN = {
    "field": "address.province",
    "change": "province filled in from the postal code",
    "count": 1,
    "rows": [1],
    "after": "Barcelona",
}


async def test_a_province_is_filled_in_from_the_postal_code_and_told_by_the_check(
    client: Client,
) -> None:
    checked = await call(client, "validate_customers", customers=[customer(1, address=HERE)])
    assert checked["counts"]["valid"] == 1
    assert checked["values_changed"] == [FILLED_IN]
    assert "address.province: province filled in from the postal code" in checked.text


async def test_a_creation_without_a_check_before_tells_what_it_filled_in(
    client: Client, sandbox: Starlette
) -> None:
    row = customer(1, address=HERE, nif="12.345.679-S")
    done = await call(client, "create_customers", customers=[row])
    [created] = done["created"]
    assert row_of(sandbox, created["customer_id"])["address"]["province"] == "Barcelona"
    assert FILLED_IN in done["values_changed"]
    assert "nif" in [one["field"] for one in done["values_changed"]]
    assert (
        'address.province: province filled in from the postal code [1: row 1, now "Barcelona"]'
        in (done.text)
    )


@pytest.mark.parametrize(
    ("language", "words"),
    [
        ("en", 'Province filled in from the postal code: "Barcelona".'),
        ("es", 'Provincia deducida del código postal: "Barcelona".'),
    ],
)
@pytest.mark.parametrize("is_checked", [False, True])
async def test_a_plan_shows_the_person_what_was_filled_in(
    connect: Connect, sandbox: Starlette, language: str, words: str, *, is_checked: bool
) -> None:
    given: dict[str, Any] = {"customers": [customer(1, address=HERE), customer(2)]}
    async with connect(confirm_creates=True, language=language) as client:
        if is_checked:
            checked = await call(client, "validate_customers", **given)
            given = {"batch_id": checked["batch_id"], "expected_count": 2}
        plan = await call(client, "create_customers", **given)
        done = await confirmed(client, plan)
    assert f'"Cliente de Prueba 1": {words}' in plan["statement"]
    [remark] = plan["remarks"]
    assert (remark["code"], remark["field"]) == ("change_province", "address.province")
    assert done["counts"]["created"] == 2
    assert row_of(sandbox, done["created"][0]["customer_id"])["address"]["province"] == "Barcelona"


async def test_what_a_person_corrected_since_is_not_shown_as_filled_in(connect: Connect) -> None:
    async with connect(confirm_creates=True) as client:
        rows = [customer(1, address=HERE)]
        checked = await call(client, "validate_customers", customers=rows)
        fixes = [
            {"row": 1, "field": "address.postal_code", "value": "28001"},
            {"row": 1, "field": "address.province", "value": "Madrid"},
        ]
        batch = await call(
            client, "validate_customers", batch_id=checked["batch_id"], corrections=fixes
        )
        one = {"batch_id": batch["batch_id"], "expected_count": 1}
        plan = await call(client, "create_customers", **one)
    assert plan["status"] == "confirmation_required"
    assert "Barcelona" not in plan["statement"]
    assert "remarks" not in plan


@pytest.mark.parametrize(
    "other",
    [
        {"postal_code": "99002"},  # of no province
        {"postal_code": "10115", "country": "Alemania", "country_code": "DE"},
    ],
)
async def test_nothing_is_filled_in_where_it_does_not_follow(
    client: Client, other: dict[str, str]
) -> None:
    checked = await call(
        client, "validate_customers", customers=[customer(1, address={**HERE, **other})]
    )
    assert "address.province" not in str(checked.get("values_changed"))
    assert "province" in str(checked["problems"])
