"""Changing the named fields of a customer: the exact request, and what stays as it was."""

import copy
import json

import anyio
import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as effort
from hypothesis import strategies as st

from beel_mcp.api.client import BeelClient
from beel_mcp.api.customer_bodies import put_body, shows, value_at
from beel_mcp.api.models import Customer
from beel_mcp.errors import InvalidRequestError, UnknownOutcomeError
from beel_mcp.sandbox import SandboxOptions, create_app
from beel_mcp.sandbox.seed import DEMO_COMPANY_ID
from beel_mcp.sandbox.store import JSON_COLUMNS
from tests.support.customers import customer as made_up
from tests.support.servers.answers import CUSTOMER_ID, PREFIX, envelope

from .test_changes import NO_PATCH, RECORD
from .test_operations import client, family, sent

__all__ = ["client", "family"]  # the fixtures: one client in each family
pytestmark = pytest.mark.anyio

NEW_STREET = {"address.street": "Calle Menor", "address.floor": None}


@pytest.fixture
def url(family):
    return f"{PREFIX[family]}/customers/{CUSTOMER_ID}"


def after(changes):
    """Give the record as BeeL shows it once the changes are made."""
    record = copy.deepcopy(RECORD)
    for path, value in changes.items():
        group, _, part = path.rpartition(".")
        (record[group] if group else record)[part if group else path] = value
    return record


@pytest.mark.parametrize(
    ("changes", "body"),
    [
        ({"email": "otro@nandu.example"}, {"email": "otro@nandu.example"}),
        ({"website": "https://x.example"}, {"website": "https://x.example"}),
        ({"notes": None, "phone": None}, {"notes": None, "phone": None}),
        ({"general_discount": 7.5}, {"general_discount": 7.5}),
        ({"billing_emails": ["a@b.example"]}, {"billing_emails": ["a@b.example"]}),
        ({"nif": "12345678Z", "active": False}, {"nif": "12345678Z", "active": False}),
        ({"preferred_payment_method": None}, {"preferred_payment_method": None}),
    ],
)
async def test_a_patch_holds_what_is_named_and_nothing_is_read_before(
    beel, client, family, url, changes, body
):
    route = beel.patch(url).respond(json=envelope(after(changes)))
    get = beel.get(url)
    customer = await client.customers.update_fields(CUSTOMER_ID, changes)
    request, _ = sent(route, family)
    assert request.content == json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode()
    assert (get.call_count, shows(customer, changes)) == (0, True)


async def test_a_group_is_sent_whole_with_what_we_do_not_know_of_it(beel, client, family, url):
    record = after({"address.sector": "Norte"})
    beel.get(url).respond(json=envelope(record))
    route = beel.patch(url).respond(json=envelope(after(NEW_STREET)))
    await client.customers.update_fields(CUSTOMER_ID, NEW_STREET)
    request, _ = sent(route, family)
    wanted = {**record["address"], "street": "Calle Menor"}
    del wanted["floor"]
    assert json.loads(request.content) == {"address": wanted}


@pytest.mark.parametrize("family", ["flat"], indirect=True)
@pytest.mark.parametrize(
    ("changes", "differences"),
    [
        ({"email": "otro@nandu.example"}, {"email": "otro@nandu.example"}),
        ({"website": None}, {"website": None, "web": None}),
        ({"notes": None}, {"notes": None}),
        ({"active": False}, {"active": False}),
        (NEW_STREET, {"address": {**RECORD["address"], "street": "Calle Menor"}}),
    ],
)
async def test_a_put_holds_the_whole_record(beel, client, family, url, changes, differences):
    beel.patch(url).respond(405, json=NO_PATCH)
    beel.get(url).respond(json=envelope(RECORD))
    put = beel.put(url).respond(json=envelope(after(changes)))
    await client.customers.update_fields(CUSTOMER_ID, changes)
    kept = {
        name: value
        for name, value in RECORD.items()
        if name not in ("id", "nif", "created_at", "something_new")
    }
    wanted = {"web": RECORD["website"], "active": True, **kept, **differences}
    if changes == NEW_STREET:
        wanted["address"] = {k: v for k, v in wanted["address"].items() if k != "floor"}
    request, _ = sent(put, family)
    assert json.loads(request.content) == wanted


@pytest.mark.parametrize(
    ("shown", "is_fine"),
    [("OTRO@nandu.example", True), ("hola@nandu.example", False), (None, False)],
)
async def test_an_answer_may_spell_a_value_another_way_and_not_hold_another(
    beel, client, url, shown, is_fine
):
    beel.patch(url).respond(json=envelope(after({"email": shown})))
    change = client.customers.update_fields(CUSTOMER_ID, {"email": "otro@nandu.example"})
    if is_fine:
        assert (await change).email == shown
    else:
        with pytest.raises(UnknownOutcomeError):
            await change


async def test_a_refused_change_keeps_beels_code(beel, client, url):
    beel.patch(url).respond(422, json={"success": False, "error": {"code": "NIF_INVALID"}})
    with pytest.raises(InvalidRequestError) as caught:
        await client.customers.update_fields(CUSTOMER_ID, {"nif": "12345678A"})
    assert caught.value.code == "NIF_INVALID"


# Every field with two values that BeeL takes, and whether it can be emptied.
VALUES = {
    "legal_name": ("Uno SL", "Dos SL"),
    "trade_name": ("Uno", None),
    "phone": ("912345678", "600 000 000"),
    "email": ("uno@example.com", None),
    "website": ("https://uno.example", None),
    "billing_emails": (["a@example.com"], ["b@example.com", "c@example.com"], None),
    "contact_person": ("Ana", None),
    "notes": ("Primera\nsegunda", None),
    "general_discount": (5.5, 0, None),
    "active": (True, False),
    "address.street": ("Calle Uno", "Calle Dos"),
    "address.number": ("1", "2"),
    "address.floor": ("3", None),
    "address.door": ("B", None),
    "address.postal_code": ("28001", "08001"),
    "address.city": ("Madrid", "Barcelona"),
    "address.country": ("España", "Francia"),
    "preferred_payment_method.method": ("CARD", "CASH"),
    "preferred_payment_method.iban": ("ES9121000418450200051332", None),
    "preferred_payment_method.swift": ("CAIXESBBXXX", None),
    "preferred_payment_method.payment_term_days": (30, 0),
}
full = st.fixed_dictionaries({name: st.sampled_from(some) for name, some in VALUES.items()})
some = st.fixed_dictionaries({}, optional={n: st.sampled_from(v) for n, v in VALUES.items()})
# A generation, the routes, and whether it still has a PATCH.
WORLDS = [
    ("current", "auto", True),
    ("current", "flat", True),
    ("current", "flat", False),
    ("legacy", "flat", True),
]


def nested(flat):
    row = made_up(1)
    for path, value in flat.items():
        group, _, part = path.rpartition(".")
        if group:
            row.setdefault(group, {})[part] = value
        else:
            row[path] = value
    # A country's code goes with its name, whichever of the two was given.
    row["address"]["country_code"] = {"España": "ES", "Francia": "FR"}[row["address"]["country"]]
    for name in ("address", "preferred_payment_method"):
        row[name] = {part: value for part, value in row[name].items() if value is not None}
    return row


def insert(app, row):
    made = {"id": CUSTOMER_ID, "company_id": DEMO_COMPANY_ID, **row}
    made |= dict.fromkeys(("created_at", "updated_at"), "2026-01-02T09:00:00.000000Z")
    values = [
        json.dumps(value) if name in JSON_COLUMNS and value is not None else value
        for name, value in made.items()
    ]
    marks = ", ".join("?" * len(made))
    app.state.store.execute(f"INSERT INTO customers ({', '.join(made)}) VALUES ({marks})", *values)


def stored(app):
    [row] = app.state.store.rows("SELECT * FROM customers WHERE id = ?", CUSTOMER_ID)
    row = {n: json.loads(v) if v and n in JSON_COLUMNS else v for n, v in row.items()}
    return no_discount_is_0({name: value for name, value in row.items() if name != "updated_at"})


def no_discount_is_0(row):
    """BeeL says a discount that is none as 0."""
    return {**row, "general_discount": row["general_discount"] or 0}


@pytest.mark.slow
@pytest.mark.parametrize("world", WORLDS, ids=str)
def test_any_subset_of_fields_leaves_every_other_field_as_it_was(world, settings):
    generation, routes, has_patch = world
    app = create_app(SandboxOptions(generation=generation))

    @given(before=full, changes=some.filter(bool), is_known=st.booleans())
    @effort(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
    def hold(before, changes, is_known):
        app.state.store.execute("DELETE FROM customers WHERE id = ?", CUSTOMER_ID)
        insert(app, nested(before))
        row = stored(app)

        async def change():
            client = BeelClient(settings(sandbox=True, routes=routes), sandbox_app=app)
            if not has_patch:
                client.customers._has_patch = False
            current = await client.customers.get(CUSTOMER_ID) if is_known else None
            await client.customers.update_fields(CUSTOMER_ID, changes, current=current)
            back = {path: value_at(current, path) for path in changes} if current else {}
            wanted, seen = no_discount_is_0(nested({**before, **changes})), stored(app)
            assert {n: seen[n] for n in wanted} == wanted
            assert {n: v for n, v in seen.items() if n not in wanted} == {
                n: v for n, v in row.items() if n not in wanted
            }
            if back:
                await client.customers.update_fields(CUSTOMER_ID, back)
                assert stored(app) == row, "what was before, put back, is as it was"
            await client.aclose()

        anyio.run(change)

    hold()
    app.state.store.close()


def test_a_put_of_a_bare_record_makes_nothing_up():
    record = Customer.model_validate({"id": "c-1", "legal_name": "Uno", "website": ""})
    for changes in ({"notes": "x"}, {"email": None}):
        body = put_body(record, changes, "flat")
        assert body == {"legal_name": "Uno", "active": True, **changes}
