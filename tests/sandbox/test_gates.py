"""Keys, companies, scopes, rates, bodies and retired routes; what the sandbox remembers of them."""

from datetime import UTC, datetime, timedelta

import httpx
import pytest

from beel_mcp.sandbox.seed import ACCOUNT_ID, DEMO_COMPANY_ID, SECOND_COMPANY_ID, customer_id
from tests.sandbox.conftest import COMPANY, FLAT, new_customer

pytestmark = pytest.mark.anyio

COMPANIES = f"/v1/accounts/{ACCOUNT_ID}/companies"
DELIVERIES = f"/v1/companies/{DEMO_COMPANY_ID}/invoices/deliveries"


@pytest.mark.parametrize(
    "value",
    ["", "beel_sk_test_12345678", "Bearer beel_sk_test_1234567", "Bearer beel_sk_live_12345678"],
)
async def test_only_a_well_formed_test_key_opens_any_path(api, value):
    for path in (FLAT, "/v1/me/identity", "/nowhere"):
        answer = await api.get(path, headers={"Authorization": value})
        assert answer.status_code == 401
        assert answer.json()["error"]["code"] == "UNAUTHORIZED"


async def test_a_current_error_repeats_itself_on_top_and_a_seed_error_does_not(open_sandbox):
    current = (await open_sandbox().get("/nowhere")).json()
    assert current["type"] == "https://docs.beel.es/errors/ENDPOINT_NOT_FOUND"
    assert (current["title"], current["detail"]) == (
        "ENDPOINT_NOT_FOUND",
        current["error"]["message"],
    )
    assert current["instance"] == "/nowhere"
    legacy = (await open_sandbox(generation="legacy").get("/nowhere")).json()
    assert legacy.keys() == {"success", "error", "meta"}


async def test_the_identity_leads_to_the_companies(open_sandbox):
    api = open_sandbox(companies=2)
    identity = (await api.get("/v1/me/identity")).json()["data"]
    assert identity["credential"]["environment"] == "TEST"
    found = await api.get(f"/v1/accounts/{identity['account_id']}/companies")
    companies = found.json()["data"]["companies"]
    assert [company["id"] for company in companies] == [DEMO_COMPANY_ID, SECOND_COMPANY_ID]
    assert [company["is_primary"] for company in companies] == [True, False]
    searched = await api.get(COMPANIES, params={"search": "b1234"})
    assert [company["nif"] for company in searched.json()["data"]["companies"]] == ["B12345674"]


async def test_the_second_company_is_out_of_reach_of_a_small_account(api):
    answer = await api.get(f"/v1/companies/{SECOND_COMPANY_ID}/customers")
    assert answer.status_code == 403
    assert answer.json()["error"]["code"] == "ACTIVE_COMPANY_NOT_ACCESSIBLE"


@pytest.mark.parametrize(
    ("header", "status", "code"),
    [
        (None, 403, "ACTIVE_COMPANY_REQUIRED"),
        ("B12345674", 400, "ACTIVE_COMPANY_HEADER_INVALID"),
        (customer_id(1), 403, "ACTIVE_COMPANY_NOT_ACCESSIBLE"),
        (SECOND_COMPANY_ID, 200, None),
    ],
)
async def test_several_companies_must_be_told_apart_on_flat_routes(
    open_sandbox, header, status, code
):
    headers = {} if header is None else {"BeeL-Active-Company": header}
    answer = await open_sandbox(companies=2).get(FLAT, headers=headers)
    assert answer.status_code == status
    assert answer.json().get("error", {}).get("code") == code


async def test_each_company_has_its_own_customers(open_sandbox):
    api = open_sandbox(companies=2)
    theirs = f"/v1/companies/{SECOND_COMPANY_ID}/customers"
    listed = (await api.get(theirs)).json()["data"]["customers"]
    assert [item["id"] for item in listed] == [customer_id(101)]
    assert (await api.get(f"{theirs}/{customer_id(1)}")).status_code == 404
    assert (await api.delete(f"{theirs}/{customer_id(8)}")).status_code == 404


async def test_the_seed_generation_knows_one_company(open_sandbox):
    api = open_sandbox(generation="legacy", companies=2)
    assert (await api.get(FLAT, headers={"BeeL-Active-Company": "?"})).status_code == 200


async def test_a_missing_scope_is_named(open_sandbox):
    api = open_sandbox(scopes=("customers:read",))
    assert (await api.get(COMPANY)).status_code == 200
    dry = await api.post(f"{COMPANY}/bulk", params={"dry_run": "true"}, json={"customers": []})
    assert dry.json()["error"]["details"] == {
        "missing_scopes": "customers:write",
        "required_scopes": "customers:write",
    }
    named = await api.get(FLAT, headers={"BeeL-Active-Company": DEMO_COMPANY_ID})
    assert named.json()["error"]["details"] == {
        "missing_scopes": "companies:read",
        "required_scopes": "customers:read,companies:read",
    }
    legacy = open_sandbox(generation="legacy", scopes=())
    assert (await legacy.get(FLAT)).json()["error"]["details"] == {
        "missing_scopes": ["customers:read"]
    }
    assert (await api.get(COMPANIES)).json()["error"]["code"] == "INSUFFICIENT_SCOPE"
    identity = (await api.get("/v1/me/identity")).json()["data"]
    assert identity["credential"]["scopes"] == ["customers:read"]


async def test_the_rate_window_is_fixed_and_per_key(open_sandbox):
    clock = [datetime(2026, 5, 4, 12, 0, 45, tzinfo=UTC)]
    api = open_sandbox(rate_limit=2, now=lambda: clock[0])
    statuses = [(await api.get(FLAT)).status_code for _ in range(2)]
    refused = await api.get(FLAT)
    assert [*statuses, refused.status_code] == [200, 200, 429]
    assert refused.json()["error"]["code"] == "RATE_LIMIT_EXCEEDED"
    names = ("Retry-After", "RateLimit-Limit", "RateLimit-Remaining", "RateLimit-Reset")
    assert [refused.headers[name] for name in names] == ["15", "2", "0", "15"]
    other = {"Authorization": "Bearer beel_sk_test_another_one"}
    assert (await api.get(FLAT, headers=other)).status_code == 200
    clock[0] += timedelta(seconds=15)
    assert (await api.get(FLAT)).status_code == 200


async def test_all_requests_from_one_address_share_a_limit_whatever_their_key(open_sandbox):
    now = datetime(2026, 5, 4, 12, tzinfo=UTC)
    api = open_sandbox(address_limit=2, now=lambda: now)
    stranger = {"Authorization": "Bearer beel_sk_test_another_one"}
    asked = [
        await api.get(FLAT),
        await api.get("/nowhere", headers={"Authorization": ""}),
        await api.get(FLAT, headers=stranger),
    ]
    assert [answer.status_code for answer in asked] == [200, 401, 429]
    assert asked[-1].headers["RateLimit-Limit"] == "2"
    assert not [name for name in asked[0].headers if "rate" in name or "retry" in name]
    elsewhere = httpx.ASGITransport(api.app, client=("192.0.2.7", 1))
    async with httpx.AsyncClient(transport=elsewhere, base_url="http://sandbox") as other:
        assert (await other.get(FLAT, headers=dict(api.headers))).status_code == 200


async def test_a_strict_operation_has_a_limit_by_address_beside_that_of_its_key(open_sandbox):
    now = datetime(2026, 5, 4, 12, tzinfo=UTC)
    api = open_sandbox(rate_limit=9, strict_limit=1, now=lambda: now)
    stranger = {"Authorization": "Bearer beel_sk_test_another_one"}
    assert (await api.post(DELIVERIES, json={})).status_code == 422
    refused = await api.post(DELIVERIES, json={}, headers=stranger)
    assert (refused.status_code, refused.headers["RateLimit-Limit"]) == (429, "1")
    assert (await api.get(COMPANY)).status_code == 200, "others are not strict"


async def test_what_is_no_customer_and_no_invoice_counts_by_address_alone(open_sandbox):
    now = datetime(2026, 5, 4, 12, tzinfo=UTC)
    api = open_sandbox(rate_limit=0, now=lambda: now)
    assert (await api.get(COMPANIES)).status_code == 200
    for path in (FLAT, COMPANY, "/v1/me/identity", f"{COMPANY}/{customer_id(8)}"):
        assert (await api.get(path)).status_code == 429


async def test_flat_routes_announce_their_end(api, open_sandbox):
    answer = await api.get(f"{FLAT}/{customer_id(8)}")
    assert answer.headers["Deprecation"] == "true"
    assert answer.headers["Sunset"] == "Wed, 09 Dec 2026 00:00:00 GMT"
    assert answer.headers["Link"] == f'<{COMPANY}/{customer_id(8)}>; rel="successor-version"'
    replaced = await api.put(f"{FLAT}/{customer_id(8)}", json={})
    assert replaced.headers["Deprecation"] == "true"
    assert "Link" not in replaced.headers
    for quiet in (await api.get(COMPANY), await open_sandbox(generation="legacy").get(FLAT)):
        assert not {"deprecation", "sunset", "link"} & quiet.headers.keys()


async def test_retired_routes_are_gone_and_their_successors_are_not(open_sandbox):
    api = open_sandbox(flat_retired=True)
    gone = await api.get(FLAT)
    assert (gone.status_code, gone.json()["success"]) == (410, False)
    assert (await api.get(COMPANY)).status_code == 200
    assert (await api.post("/v1/nif/validate", json={"nif": "B12345674"})).status_code == 200


@pytest.mark.parametrize(
    "path", [COMPANY, "/v1/me/identity", COMPANIES, "/v1/templates/customer-import"]
)
async def test_the_seed_generation_does_not_have_todays_routes(open_sandbox, path):
    assert (await open_sandbox(generation="legacy").get(path)).status_code == 404


async def test_a_method_the_path_lacks_is_named_with_those_it_has(api):
    answer = await api.put(FLAT, json={})
    assert answer.status_code == 405
    assert answer.headers["Allow"] == "GET, POST"


async def test_json_alone_does_not_get_a_template(api):
    answer = await api.post(f"{FLAT}/templates/csv", headers={"Accept": "application/json"})
    assert (answer.status_code, answer.json()["error"]["code"]) == (406, "NOT_ACCEPTABLE")


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (b'{"legal_name": NaN}', "INVALID_JSON_FORMAT"),
        (b'{"legal_name": "\xff"}', "INVALID_JSON_FORMAT"),
        (b'{"legal_name": "\\ud800"}', "INVALID_JSON_FORMAT"),
        (b"[" * 200_000, "INVALID_JSON_FORMAT"),
        (b" " * (2 * 1024**2 + 1), "REQUEST_BODY_TOO_LARGE"),
        (b" " * (8 * 1024**2 + 1), "PAYLOAD_TOO_LARGE"),
    ],
)
async def test_a_body_that_is_no_json_or_too_long_is_refused(api, content, code):
    headers = {"Content-Type": "application/json"}
    answer = await api.post(COMPANY, content=content, headers=headers)
    assert answer.json()["error"]["code"] == code


async def test_every_request_is_logged_with_its_answer(api):
    await api.get(FLAT, params={"search": "sl"})
    await api.post(COMPANY, json={}, headers={"Idempotency-Key": "k1"})
    await api.get(FLAT, headers={"Authorization": ""})
    noted = [
        (row["method"], row["path"], row["query"], row["idempotency_key"], row["status"])
        for row in api.store.requests()
    ]
    assert noted == [
        ("GET", FLAT, "search=sl", None, 200),
        ("POST", COMPANY, "", "k1", 422),
        ("GET", FLAT, "", None, 401),
    ]


async def test_reads_leave_no_effect(api):
    for path in (FLAT, COMPANY, f"{COMPANY}/{customer_id(1)}", "/v1/me/identity", COMPANIES):
        assert (await api.get(path)).status_code == 200
    assert api.effects() == []


async def test_a_state_file_is_seeded_once_and_kept(open_sandbox, tmp_path):
    state = tmp_path / "state.sqlite"
    first = open_sandbox(state=state)
    await first.post(FLAT, json=new_customer())
    first.store.close()
    second = open_sandbox(state=state)
    found = await second.get(FLAT, params={"nif": "B65120347"})
    assert found.json()["data"]["pagination"]["total_items"] == 1
    assert second.effects() == ["customer_created"]


async def test_a_foreign_state_file_is_refused(open_sandbox, tmp_path):
    state = tmp_path / "state.sqlite"
    first = open_sandbox(state=state)
    first.store.execute("PRAGMA user_version = 99")
    with pytest.raises(ValueError, match="schema 99"):
        open_sandbox(state=state)
