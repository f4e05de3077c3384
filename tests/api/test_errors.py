"""Every status and every shape of a bad answer, on reads, dry runs and writes."""

import gzip
from itertools import product

import httpx
import pytest

from beel_mcp.api import routes
from beel_mcp.api.client import BeelClient
from beel_mcp.api.http.responses import read
from beel_mcp.api.http.wire import Incoming, sanitized
from beel_mcp.errors import (
    ApiError,
    ConflictError,
    ForbiddenError,
    InvalidRequestError,
    NotFoundError,
    NotSentError,
    RateLimitedError,
    RefusedError,
    TooLargeError,
    UnauthorizedError,
    UnknownOutcomeError,
    error_text,
)
from tests.support.cases import Cases
from tests.support.servers.answers import COMPANY, KEY, ROW, envelope, refusal

pytestmark = pytest.mark.anyio

C = f"/v1/companies/{COMPANY}"
ENDPOINTS = [row for row in vars(routes).values() if isinstance(row, routes.Endpoint)]
IDLE = {"active": False}
CALLS = {
    "list": ("GET", "/customers", lambda c: c.customers.list()),
    "get": ("GET", "/customers/c-1", lambda c: c.customers.get("c-1")),
    "validate": ("POST", "/customers/bulk", lambda c: c.customers.validate_bulk([ROW])),
    "create": (
        "POST",
        "/customers/bulk",
        lambda c: c.customers.create_bulk([ROW], idempotency_key="k"),
    ),
    "change": ("PATCH", "/customers/c-1", lambda c: c.customers.update_fields("c-1", IDLE)),
    "delete": ("DELETE", "/customers/c-1", lambda c: c.customers.delete("c-1")),
    "delete many": ("DELETE", "/customers/bulk", lambda c: c.customers.delete_bulk(["c-1"])),
    "count": ("GET", "/invoices", lambda c: c.invoices.count_for("c-1")),
    "list invoices": ("GET", "/invoices", lambda c: c.invoices.list()),
    "delete invoice": ("DELETE", "/invoices/i-1", lambda c: c.invoices.delete("i-1")),
}
WRITES = ("create", "change", "delete", "delete many", "delete invoice")
SHARED = {
    "identity": ("GET", "/v1/me/identity", lambda c: c.identity.get()),
    "companies": ("GET", "/v1/accounts/a-1/companies", lambda c: c.identity.companies("a-1")),
}
OLD = {"error": "Rate limit exceeded, slow down"}
PROBLEM = {
    **refusal("VALIDATION_ERROR", "Bad"),
    "type": "https://docs.beel.es/errors/VALIDATION_ERROR",
    "title": "VALIDATION_ERROR",
    "detail": "Bad",
}
STATUSES = {
    400: InvalidRequestError,
    401: UnauthorizedError,
    403: ForbiddenError,
    404: NotFoundError,
    405: InvalidRequestError,
    409: ConflictError,
    413: TooLargeError,
    418: InvalidRequestError,
    422: InvalidRequestError,
    429: RateLimitedError,
    408: UnknownOutcomeError,
    500: UnknownOutcomeError,
    502: UnknownOutcomeError,
    503: UnknownOutcomeError,
    504: UnknownOutcomeError,
    524: UnknownOutcomeError,
}
BODIES = {
    "envelope": {"json": refusal("SOME_CODE", "No <b>way</b>")},
    "problem": {"json": PROBLEM, "headers": {"content-type": "application/problem+json"}},
    "older": {"json": OLD},
    "no meta": {"json": {"success": False, "error": {"code": "SOME_CODE", "message": "No"}}},
    "null error": {"json": {"success": False, "error": None}},
    "list": {"json": [1, 2]},
    "html": {"html": "<html>login</html>"},
    "empty": {"content": b""},
    "truncated": {"content": b'{"success": fal', "headers": {"content-type": "application/json"}},
    "huge": {"content": b" " * 70_000 + b"{}"},
}


@pytest.fixture
async def fresh(settings, who):
    """Make clients, one for each case: a client that met failures may ask no more."""
    who(companies=403)
    made = []

    def make():
        made.append(BeelClient(settings(company_id=COMPANY)))
        return made[-1]

    yield make
    for client in made:
        await client.aclose()


async def failing(beel, client, name, **answer):
    method, path, use = use_of(name)
    beel.request(method, path).respond(**answer)
    with pytest.raises(ApiError) as caught:
        await use(client)
    return caught.value


def use_of(name):
    if name in SHARED:
        return SHARED[name]
    method, path, use = CALLS[name]
    return method, C + path, use


def lost(name):
    return "unknown" if name in WRITES else "nothing"


def check_error(error, status, shape, changed):
    """Hold an error against the status it came with, and against the shape of its body."""
    # A 404 without a code of BeeL's is no word about a record, so it is no missing one.
    is_anybodys = status == 404 and error.code == "no_such_address"
    assert type(error) is (RefusedError if is_anybodys else STATUSES[status])
    assert error.status == status
    assert error.changed == (changed if type(error) is UnknownOutcomeError else "nothing")
    assert "<html" not in error_text(error)
    if shape == "envelope":
        assert (error.code, error.request_id) == ("SOME_CODE", "req-1")
    elif shape not in ("problem", "no meta"):
        assert error.code == error.code.lower()
        assert error.request_id is None


@pytest.mark.parametrize("status", STATUSES)
def test_each_status_has_its_error_whatever_the_body(status):
    with Cases() as cases:
        for shape, words in BODIES.items():
            answer = httpx.Response(status, **words)
            body = None if shape == "huge" else answer.content  # the transport takes no more
            taken = Incoming(status, dict(answer.headers), body, "" if body is not None else shape)
            for endpoint in ENDPOINTS:
                with cases.one(shape, endpoint.name), pytest.raises(ApiError) as caught:
                    read(taken, endpoint, "company")
                with cases.one(shape, endpoint.name):
                    check_error(caught.value, status, shape, endpoint.changed_if_lost)


@pytest.mark.parametrize(
    ("status", "shape"), [(404, "envelope"), (422, "problem"), (400, "huge"), (502, "html")]
)
@pytest.mark.parametrize("name", [*CALLS, *SHARED])
async def test_every_call_raises_what_its_answer_says(beel, fresh, name, status, shape):
    error = await failing(beel, fresh(), name, status_code=status, **BODIES[shape])
    check_error(error, status, shape, lost(name))


BAD_SUCCESSES = {
    "html": {"html": "<html>login</html>"},
    "text": {"text": "ok"},
    "empty": {"content": b""},
    "empty 204": {"status_code": 204},
    "accepted": {"status_code": 202, "json": envelope({})},
    "cut": {"content": b'{"success": true, "data": {"cust', "headers": {"content-type": "a/json"}},
    "cut json": {
        "content": b'{"success": true, "da',
        "headers": {"content-type": "application/json"},
    },
    "no envelope": {"json": [1]},
    "no success": {"json": {"data": {}}},
    "success as text": {"json": {"success": "true", "data": {}}},
    "no data": {"json": {"success": True}},
    "data is null": {"json": {"success": True, "data": None}},
    "missing fields": {"json": envelope({"nothing": "here"})},
    "data is a list": {"json": envelope([])},
    "not a success": {"json": {"success": False, "data": {}}},
    "gzip": {"content": gzip.compress(b"{}"), "headers": {"content-encoding": "gzip"}},
    "brotli": {"content": b"{}", "headers": {"content-encoding": "br"}},
    "two codings": {
        "content": gzip.compress(b"{}"),
        "headers": {"content-encoding": "identity, gzip"},
    },
    "huge": {"content": b" " * 10_000_001, "headers": {"content-type": "application/json"}},
}


@pytest.mark.parametrize("name", [*CALLS, *SHARED])
async def test_a_2xx_is_no_proof(beel, fresh, name):
    with Cases() as cases:
        for shape, answer in BAD_SUCCESSES.items():
            if shape == "empty 204" and name in ("delete", "delete invoice"):
                continue  # so a deletion succeeds
            with cases.one(shape):
                answered = {"status_code": 200, **answer}
                error = await failing(beel, fresh(), name, **answered)
                assert isinstance(error, UnknownOutcomeError)
                alarm = name == "validate" and shape in ("missing fields", "data is a list")
                assert error.code == ("dry_run_not_honoured" if alarm else "unexpected_answer")
                assert error.changed == ("unknown" if alarm else lost(name))
                assert "<html" not in error_text(error)


@pytest.mark.parametrize("name", [*CALLS, *SHARED])
async def test_success_with_an_error_status_is_a_contradiction(beel, fresh, name):
    error = await failing(beel, fresh(), name, status_code=404, json=envelope({}))
    assert type(error) is UnknownOutcomeError
    assert (error.code, error.changed) == ("unexpected_answer", lost(name))


async def test_an_error_inside_a_200_keeps_beels_code(beel, fresh):
    error = await failing(beel, fresh(), "create", status_code=200, json=refusal("ODD", "Hm"))
    assert (type(error), error.code, error.changed) == (UnknownOutcomeError, "ODD", "unknown")
    assert '"Hm"' in error.message


TARGETS = (
    "https://evil.example/x",
    "http://app.beel.es/x",
    "/v1/customers",
    "//evil.example",
    "https://app.beel.es:8443/",
)


@pytest.mark.parametrize("name", [*CALLS, *SHARED])
async def test_a_redirect_is_never_followed(beel, fresh, name):
    with Cases() as cases:
        for status, target in product((301, 302, 303, 307, 308), TARGETS):
            with cases.one(status, target):
                answered = {"status_code": status, "headers": {"location": target}}
                error = await failing(beel, fresh(), name, **answered)
                assert error.message == "BeeL answered with a redirect; nothing was assumed."
                assert isinstance(error, UnknownOutcomeError)
                assert error.changed == lost(name)
    assert not [call for call in beel.calls if "evil" in str(call.request.url)]


@pytest.mark.parametrize(
    "fault",
    [httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout, httpx.ProxyError],
)
@pytest.mark.parametrize("name", [*CALLS, *SHARED])
async def test_what_never_left_changed_nothing(beel, fresh, name, fault):
    method, path, use = use_of(name)
    beel.request(method, path).mock(side_effect=fault(KEY))
    with pytest.raises(NotSentError) as caught:
        await use(fresh())
    assert (caught.value.changed, caught.value.retryable) == ("nothing", True)
    no_key(caught.value)


@pytest.mark.parametrize(
    "fault",
    [
        httpx.ReadTimeout,
        httpx.WriteTimeout,
        httpx.ReadError,
        httpx.WriteError,
        httpx.CloseError,
        httpx.RemoteProtocolError,
        httpx.LocalProtocolError,
        OSError,
        ValueError,
        RuntimeError,
    ],
)
@pytest.mark.parametrize("name", [*CALLS, *SHARED])
async def test_what_got_lost_is_unknown_for_a_write_alone(beel, fresh, caplog, name, fault):
    caplog.set_level("DEBUG")
    method, path, use = use_of(name)
    text = f"Illegal header value b'Bearer {KEY}\\n'"
    beel.request(method, path).mock(side_effect=fault(text))
    with pytest.raises(UnknownOutcomeError) as caught:
        await use(fresh())
    assert caught.value.code == "no_answer"
    assert caught.value.changed == lost(name)
    assert caught.value.retryable is (name not in WRITES)
    no_key(caught.value)
    assert KEY not in caplog.text


def no_key(error):
    """Nor in anything that hangs on the error."""
    while error is not None:
        assert KEY not in f"{error!r} {error} {error.args} {vars(error)}"
        error = error.__cause__ or error.__context__


def test_a_value_that_beel_gives_as_no_text_is_shown_as_the_json_that_it_was():
    shown = [sanitized(value) for value in (["a", None, True], {"a": None}, True, 5, "a", None)]
    assert shown == ['["a", null, true]', '{"a": null}', "true", "5", "a", ""]
