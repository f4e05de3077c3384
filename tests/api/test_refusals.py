"""What a refusal says: codes, fields, scopes, waiting times, retired routes."""

import pytest

from beel_mcp.api.client import BeelClient
from beel_mcp.errors import (
    ConflictError,
    ForbiddenError,
    InvalidRequestError,
    NotFoundError,
    RateLimitedError,
    RefusedError,
    RouteRetiredError,
    error_text,
)
from tests.support.servers.answers import COMPANY, KEY, refusal

from .test_errors import CALLS, OLD, C, failing

pytestmark = pytest.mark.anyio


@pytest.fixture
async def client(settings, who):
    who(companies=403)
    client = BeelClient(settings(company_id=COMPANY))
    yield client
    await client.aclose()


SCOPES = {"details": {"missing_scopes": ["customers:write", "companies:read"]}}
IN_ONE_TEXT = {
    "details": {
        "missing_scopes": "customers:write,companies:read",
        "required_scopes": "customers:write,companies:read",
    }
}


@pytest.mark.parametrize(
    ("code", "more", "words"),
    [
        ("INSUFFICIENT_SCOPE", SCOPES, "customers:write, companies:read"),
        ("INSUFFICIENT_SCOPE", IN_ONE_TEXT, "The key lacks: customers:write, companies:read."),
        (
            "FEATURE_NOT_AVAILABLE",
            {"details": {"feature_code": "api_access", "current_plan": "FREE"}},
            "plan",
        ),
        ("ACTIVE_COMPANY_REQUIRED", {}, "BEEL_COMPANY_ID"),
        ("ACTIVE_COMPANY_NOT_ACCESSIBLE", {}, "BEEL_COMPANY_ID"),
        ("COMPANY_ACCESS_REVOKED", {}, "access"),
        ("LIVE_CREDENTIAL_REQUIRED", {}, "beel_sk_live_"),
        ("SOMETHING_NEW", {}, "what the key may do"),
    ],
)
async def test_a_403_says_what_to_do(beel, client, code, more, words):
    error = await failing(beel, client, "list", status_code=403, json=refusal(code, **more))
    assert (type(error), error.code) == (ForbiddenError, code)
    assert words in error_text(error)
    assert error.field_errors == ()


@pytest.mark.parametrize(
    ("code", "retryable"),
    [
        ("CLIENT_DUPLICATE", False),
        ("CONCURRENT_MODIFICATION", False),
        ("IDEMPOTENCY_KEY_PROCESSING", True),
        ("IDEMPOTENCY_KEY_MISMATCH", False),
    ],
)
async def test_the_four_kinds_of_409_are_told_apart(beel, client, code, retryable):
    error = await failing(beel, client, "create", status_code=409, json=refusal(code))
    assert (type(error), error.code, error.retryable) == (ConflictError, code, retryable)
    # While BeeL is at work on an earlier request with the key, its effect is open.
    assert error.changed == ("unknown" if code == "IDEMPOTENCY_KEY_PROCESSING" else "nothing")
    assert error.remedy


async def test_field_messages_are_passed_on_cleaned(beel, client):
    details = {"nif": "Bad\u202e\nNIF", "limit": "too small", "nested": {"x": 1}}
    answer = refusal("VALIDATION_ERROR", "Not\x1b[31m valid", details=details)
    error = await failing(beel, client, "list", status_code=422, json=answer)
    assert [(p.field, p.message) for p in error.field_errors] == [
        ("nif", "Bad NIF"),
        ("limit", "too small"),
    ]
    assert '"Not valid"' in error.message


async def test_a_value_of_the_wrong_form_names_the_right_one(beel, client):
    details = {"field": "customer_id", "invalid_value": "x", "expected_format": "UUID"}
    answer = refusal("VALIDATION_ERROR", details=details)
    error = await failing(beel, client, "get", status_code=400, json=answer)
    assert [p.as_dict() for p in error.field_errors] == [
        {"field": "customer_id", "message": "expected UUID"}
    ]


@pytest.mark.parametrize(
    ("status", "code"), [(422, "VALIDATION_ERROR"), (400, "INVALID_JSON_FORMAT")]
)
async def test_a_value_that_is_none_of_the_words_names_the_words(beel, client, status, code):
    details = {
        "field": "customers[3].preferred_payment_method.method",
        "invalid_value": "GOLD",
        "allowed_values": "CASH, CARD",
    }
    answer = refusal(code, "Not one of its values", details=details)
    error = await failing(beel, client, "create", status_code=status, json=answer)
    assert (type(error), error.code, error.changed) == (InvalidRequestError, code, "nothing")
    [fault] = error.field_errors
    assert fault.field == "customers[3].preferred_payment_method.method"
    assert (fault.message, fault.index) == ("expected CASH, CARD", 3)


async def test_a_path_through_a_row_names_the_row(beel, client):
    details = {"customers[0].nif": "Bad", "customers": "Too many", "customers[x].nif": "?"}
    answer = refusal("VALIDATION_ERROR", details=details)
    error = await failing(beel, client, "create", status_code=422, json=answer)
    assert [p.index for p in error.field_errors] == [0, None, None]


async def test_a_refused_batch_names_rows_and_fields(beel, client):
    errors = [
        {"index": 3, "field": "nif", "message": "NIF not found"},
        {"index": "x", "field": "email", "message": "bad"},
        "noise",
    ]
    answer = refusal("BULK_VALIDATION_ERROR", errors=errors)
    error = await failing(beel, client, "create", status_code=422, json=answer)
    assert type(error) is InvalidRequestError
    assert [(p.field, p.index) for p in error.field_errors] == [
        ("customers[3].nif", 3),
        ("customers.email", None),
    ]


async def test_messages_of_beel_carry_neither_keys_nor_accounts(beel, client):
    text = f"Key {KEY} and ES9121000418450200051332, ES91 2100 0418 4502 0005 1332 " + "x" * 5000
    error = await failing(beel, client, "list", status_code=400, json=refusal("BAD", text))
    assert KEY not in error.message
    assert "0418" not in error.message
    assert len(error.message) < 400


@pytest.mark.parametrize("code", [None, 7, "", "a b", "<b>", "X" * 200])
async def test_a_code_that_is_none_gives_way_to_ours(beel, client, code):
    error = await failing(beel, client, "list", status_code=403, json=refusal(code))
    assert error.code == "forbidden"


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"retry-after": "30"}, 30),
        ({"retry-after": "0"}, 0),
        ({"retry-after": "-5"}, None),
        ({"retry-after": "soon"}, None),
        ({"retry-after": "1e9"}, None),
        ({"retry-after": "1000000000"}, 86_400),
        ({"retry-after": "9" * 5000}, None),
        ({"retry-after": "٣"}, None),
        ({"retry-after": "soon", "ratelimit-reset": "12"}, 12),
        ({"ratelimit-reset": "12"}, 12),
        (
            {
                "retry-after": "Tue, 01 Sep 2026 10:00:20 GMT",
                "date": "Tue, 01 Sep 2026 10:00:00 GMT",
            },
            20,
        ),
        (
            {
                "retry-after": "Tue, 01 Sep 2026 09:00:00 GMT",
                "date": "Tue, 01 Sep 2026 10:00:00 GMT",
            },
            0,
        ),
        ({"retry-after": "Tue, 99 Foo 2026 10:00:20 GMT"}, None),
        ({}, None),
    ],
)
async def test_the_waiting_time_is_read_or_left_out(beel, client, headers, seconds):
    raw = [(name.encode(), value.encode()) for name, value in headers.items()]
    error = await failing(beel, client, "list", status_code=429, json=OLD, headers=raw)
    assert type(error) is RateLimitedError
    assert (error.code, error.retryable) == ("rate_limited", True)
    assert error.retry_after_s == seconds


GONE = {"html": "<h1>404</h1>"}
SUNSET_AHEAD = {"sunset": "Wed, 09 Dec 2099 00:00:00 GMT", "deprecation": "true"}
SUNSET_PAST = {"sunset": "Wed, 09 Dec 2020 00:00:00 GMT", "deprecation": "true"}


@pytest.mark.parametrize(
    ("name", "answer", "kind"),
    [
        ("list", {"status_code": 404, "json": refusal("NOT_FOUND")}, RouteRetiredError),
        ("list", {"status_code": 404, **GONE}, RouteRetiredError),
        ("validate", {"status_code": 404, "json": refusal("NOT_FOUND")}, RouteRetiredError),
        ("create", {"status_code": 410, "json": refusal("GONE")}, RouteRetiredError),
        ("get", {"status_code": 410, **GONE}, RouteRetiredError),
        ("get", {"status_code": 404, **GONE}, RouteRetiredError),
        ("get", {"status_code": 404, "json": refusal("ROUTE_NOT_FOUND")}, RouteRetiredError),
        (
            "get",
            {"status_code": 404, "json": refusal("NOT_FOUND"), "headers": SUNSET_PAST},
            RouteRetiredError,
        ),
        (
            "get",
            {"status_code": 404, "json": refusal("NOT_FOUND"), "headers": SUNSET_AHEAD},
            NotFoundError,
        ),
        ("get", {"status_code": 404, "json": refusal("NOT_FOUND")}, NotFoundError),
        ("get", {"status_code": 404, "json": refusal("CLIENT_NOT_FOUND")}, NotFoundError),
        ("get", {"status_code": 404, "json": refusal("ENDPOINT_NOT_FOUND")}, RouteRetiredError),
        ("list", {"status_code": 404, "json": refusal("ENDPOINT_NOT_FOUND")}, RouteRetiredError),
        (
            "create",
            {"status_code": 404, "json": refusal("INVOICE_CLIENT_NOT_FOUND")},
            NotFoundError,
        ),
    ],
)
async def test_a_flat_route_that_is_gone_is_told_from_a_record_that_is(
    *, beel, settings, who, name, answer, kind
):
    who(companies=403)
    client = BeelClient(settings(routes="flat"))
    method, path, use = CALLS[name]
    beel.request(method, f"/v1{path}").respond(**answer)
    with pytest.raises(RefusedError) as caught:
        await use(client)
    assert type(caught.value) is kind
    if kind is RouteRetiredError:
        assert caught.value.code == "route_retired"
        assert "BEEL_COMPANY_ID" in caught.value.remedy
    elif "headers" in answer:
        assert "being retired" in caught.value.message
    await client.aclose()


async def test_announcements_are_collected_and_logged_once(beel, client, caplog):
    beel.get(f"{C}/customers").respond(
        400,
        json=refusal("BAD"),
        headers={**SUNSET_AHEAD, "BeeL-Warning": "unknown parameter \u202e x".encode()},
    )
    for _ in range(2):
        with pytest.raises(InvalidRequestError):
            await client.customers.list()
    assert str(client.notices.sunset) == "2099-12-09"
    assert client.notices.deprecated is True
    assert len(client.notices.beel_warnings) == 1
    assert len(caplog.records) == 3


@pytest.mark.parametrize(
    ("code", "words"),
    [
        ("ALTERNATIVE_ID_INVALID", "do not go together"),
        ("ALTERNATIVE_ID_COUNTRY_REQUIRED", "Give alternative_id.country_code"),
        ("ALTERNATIVE_ID_SPAIN_INVALID_TYPE", "PASSPORT or NOT_REGISTERED"),
        ("ALTERNATIVE_ID_REQUIRES_SPAIN", "OTHER_DOCUMENT"),
        ("RECIPIENT_UNREGISTERED_ID_MUST_BE_DNI_OR_NIE", "DNI or NIE"),
        ("ALTERNATIVE_ID_VAT_REQUIRES_EU_COUNTRY", "OTHER_DOCUMENT"),
        ("ALTERNATIVE_ID_VAT_INVALID_FORMAT", "EL094259216"),
    ],
)
async def test_a_document_that_is_refused_comes_with_the_way_out(beel, client, code, words):
    error = await failing(beel, client, "list", status_code=422, json=refusal(code))
    assert (type(error), error.code) == (InvalidRequestError, code)
    assert words in error.remedy
