"""Many customers at once: verdicts, atomic creation, partial deletion, the idempotency trap."""

import pytest

from beel_mcp.sandbox.seed import customer_id
from tests.sandbox.conftest import FLAT, Contract, new_customer

pytestmark = pytest.mark.anyio

NOWHERE = "00000000-0000-4000-8000-000000000000"
GOOD, SILENT = new_customer(), new_customer(nif="28765431K", email=None)
TAKEN = new_customer(nif="B70123450")


def batch(*rows):
    return {"customers": list(rows)}


async def verdicts(api, *rows, path=FLAT):
    answer = await api.post(f"{path}/bulk", params={"dry_run": "true"}, json=batch(*rows))
    data = answer.json()["data"]
    return [row["status"] for row in data["customers_validation"]], data


async def test_a_dry_run_judges_every_row_and_writes_nothing(api, customers):
    unknown, wrong = new_customer(nif="12345000A"), new_customer(nif="B65120340")
    found, data = await verdicts(
        api, GOOD, SILENT, GOOD, TAKEN, unknown, wrong, {"legal_name": "Nadie"}, path=customers
    )
    assert found == [
        "VALID",
        "WARNING",
        "DUPLICATE",
        "DUPLICATE",
        "NIF_INVALID",
        "NIF_INVALID",
        "ERROR",
    ]
    assert data["statistics"] == {
        "total_processed": 7,
        "valid": 1,
        "with_warnings": 1,
        "with_errors": 1,
        "duplicates": 2,
        "invalid_nifs": 2,
        "imported": 0,
        "success_rate": 2 / 7,
        "importable": 2,
        "not_importable": 5,
    }
    assert api.effects() == []


async def test_who_has_an_address_for_invoices_is_not_warned_of(api):
    mailed = {**SILENT, "billing_emails": ["facturas@x.example"]}
    assert (await verdicts(api, mailed))[0] == ["VALID"]
    assert (await verdicts(api, {**SILENT, "billing_emails": []}))[0] == ["WARNING"]


async def test_an_inactive_customer_still_counts_as_a_duplicate(api):
    assert (await verdicts(api, new_customer(nif="B18045211")))[0] == ["DUPLICATE"]


async def test_nothing_is_a_duplicate_when_nobody_checks(open_sandbox):
    api = open_sandbox(nif_unique=False)
    assert (await verdicts(api, GOOD, GOOD, TAKEN))[0] == ["VALID"] * 3


async def test_an_unreachable_census_makes_errors_and_spares_duplicates(open_sandbox):
    api = open_sandbox(census_down=True)
    assert (await verdicts(api, GOOD, TAKEN))[0] == ["ERROR", "DUPLICATE"]


async def test_a_creation_reports_like_a_dry_run_with_ids(api, customers):
    answer = await api.post(f"{customers}/bulk", json=batch(GOOD, SILENT))
    data = answer.json()["data"]
    assert answer.status_code == 201
    assert data["metadata"]["is_dry_run"] is False
    assert data["statistics"]["imported"] == 2
    made = [row["customer_id"] for row in data["customers_validation"]]
    assert made == [effect["customer_id"] for effect in api.store.ledger()]
    assert all("id" not in row["customer"] for row in data["customers_validation"])


async def test_the_seed_generation_answers_with_the_customers(open_sandbox):
    api = open_sandbox(generation="legacy")
    data = (await api.post(f"{FLAT}/bulk", json=batch(GOOD, SILENT))).json()["data"]
    assert data["total_created"] == 2
    made = [customer["id"] for customer in data["customers"]]
    assert made == [effect["customer_id"] for effect in api.store.ledger()]


@pytest.mark.parametrize("generation", ["current", "legacy"])
async def test_one_bad_row_rejects_all(open_sandbox, generation):
    api = open_sandbox(generation=generation)
    answer = await api.post(f"{FLAT}/bulk", json=batch(GOOD, TAKEN, SILENT))
    error = answer.json()["error"]
    assert (answer.status_code, error["code"]) == (422, "BULK_VALIDATION_ERROR")
    assert [(item["index"], item["field"]) for item in error["errors"]] == [(1, "nif")]
    assert api.effects() == []


async def test_a_creation_that_breaks_half_way_leaves_nothing(api, monkeypatch):
    insert = api.store.insert_customer

    def break_on_second(record, cause):
        if record["nif"] == SILENT["nif"]:
            raise OSError("disk full")
        insert(record, cause)

    monkeypatch.setattr(api.store, "insert_customer", break_on_second)
    answer = await api.post(f"{FLAT}/bulk", json=batch(GOOD, SILENT))
    assert answer.status_code == 500
    assert api.effects() == []
    assert not api.store.rows("SELECT 1 FROM customers WHERE nif = ?", GOOD["nif"])


async def test_a_batch_has_one_to_five_hundred_rows(api, customers):
    for rows in ([], [SILENT] * 501):
        answer = await api.post(f"{customers}/bulk", json=batch(*rows))
        assert answer.status_code == 422
        assert answer.json()["error"]["details"].keys() == {"customers"}


async def test_a_wrong_type_in_a_row_stops_the_whole_request(api):
    answer = await api.post(f"{FLAT}/bulk", json=batch(GOOD, new_customer(email=5)))
    assert answer.status_code == 400
    assert answer.json()["error"]["details"]["field"] == "customers[1].email"


async def test_a_bulk_deletion_gives_one_verdict_per_id_in_order(api, customers):
    ids = [customer_id(1), customer_id(8), NOWHERE, customer_id(8)]
    answer = await api.delete(f"{customers}/bulk", params={"ids": ",".join(ids)})
    data = answer.json()["data"]
    assert [(row["customer_id"], row["status"]) for row in data["customers_deletion"]] == list(
        zip(ids, ["HAS_INVOICES", "DELETED", "NOT_FOUND", "NOT_FOUND"], strict=True)
    )
    assert data["statistics"] == {
        "total_processed": 4,
        "deleted": 1,
        "not_found": 2,
        "has_invoices": 1,
        "has_recurring_invoice": 0,
        "errors": 0,
    }
    assert data["deleted_ids"] == data["deactivated_ids"] == [customer_id(8)]
    assert (data["total"], data["successful"], data["failed"]) == (4, 1, 3)
    assert api.effects() == ["customer_deleted"]


async def test_the_seed_generation_lists_deactivated_ids_and_errors(open_sandbox):
    api = open_sandbox(generation="legacy")
    ids = f"{customer_id(1)},{customer_id(8)}"
    data = (await api.delete(f"{FLAT}/bulk", params={"ids": ids})).json()["data"]
    assert data["deactivated_ids"] == [customer_id(8)]
    assert [item["error"]["code"] for item in data["errors"]] == ["CLIENT_HAS_INVOICES"]
    assert "customers_deletion" not in data
    assert api.effects() == ["customer_deactivated"]


async def test_nothing_deleted_is_still_a_success(api):
    answer = await api.delete(f"{FLAT}/bulk", params={"ids": NOWHERE})
    assert (answer.status_code, answer.json()["data"]["deleted_ids"]) == (200, [])


@pytest.mark.parametrize("generation", ["current", "legacy"])
async def test_a_dry_run_over_every_verdict_is_answered_as_declared(
    open_sandbox, contract: Contract, generation: str
):
    api = open_sandbox(generation=generation)
    rows = [
        new_customer(),
        new_customer(nif="28765431K", email=None),
        new_customer(),
        new_customer(nif="12345000A"),
        new_customer(nif="Q12345678"),
        {"legal_name": "", "preferred_payment_method": {"iban": "X"}},
    ]
    answer = await api.post(
        "/v1/customers/bulk", params={"dry_run": "true"}, json={"customers": rows}
    )
    assert contract.violations("createCustomersBulk", answer) == []
    found = [row["status"] for row in answer.json()["data"]["customers_validation"]]
    assert found == ["VALID", "WARNING", "DUPLICATE", "NIF_INVALID", "NIF_INVALID", "ERROR"]
