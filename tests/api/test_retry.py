"""What is sent again on which failure, and what the caller gets in the end."""

import ssl

import httpx
import pytest

from beel_mcp.api import routes
from beel_mcp.api.client import BeelClient
from beel_mcp.api.http.retry import DRY_RUN, FILE, KEYED_WRITE, PLAIN_WRITE, READ
from beel_mcp.errors import ConflictError, NotSentError, UnknownOutcomeError
from tests.support.servers.answers import COMPANY, ROW, envelope, refusal
from tests.support.servers.scripted import CALLS, SUCCESSES, BadHandshake, failing

pytestmark = pytest.mark.anyio
ENDPOINTS = [row for row in vars(routes).values() if isinstance(row, routes.Endpoint)]


def named(value):
    return getattr(value, "__qualname__", repr(value)).split(" at 0x")[0]


# After this failure, every time: how many requests of a read, a dry run, a creation, and any
# other write.
TABLE = [
    (httpx.ConnectError, (3, 3, 3, 3)),
    (httpx.ConnectTimeout, (3, 3, 3, 3)),
    (httpx.PoolTimeout, (3, 3, 3, 3)),
    (httpx.ReadTimeout, (3, 2, 1, 1)),
    (httpx.WriteTimeout, (3, 2, 1, 1)),
    (httpx.ReadError, (3, 2, 1, 1)),
    (httpx.WriteError, (3, 2, 1, 1)),
    (httpx.RemoteProtocolError, (3, 2, 1, 1)),
    (httpx.Response(200, html="<html>login</html>"), (3, 2, 1, 1)),
    (httpx.Response(200, content=b""), (3, 2, 1, 1)),
    (429, (3, 3, 3, 3)),
    (500, (3, 1, 1, 1)),
    (501, (1, 1, 1, 1)),
    (502, (3, 3, 1, 1)),
    (503, (3, 3, 1, 1)),
    (504, (3, 3, 1, 1)),
    (524, (1, 1, 1, 1)),
    ("IDEMPOTENCY_KEY_PROCESSING", (1, 1, 3, 1)),
    ("IDEMPOTENCY_KEY_MISMATCH", (1, 1, 1, 1)),
    ("CLIENT_DUPLICATE", (1, 1, 1, 1)),
    *((status, (1, 1, 1, 1)) for status in (302, 400, 401, 403, 404, 405, 408, 410, 413, 422)),
    # Contradictions of BeeL's own make no exception to "never on 5xx".
    (httpx.Response(429, json=envelope({})), (1, 1, 1, 1)),
    (httpx.Response(500, json=refusal("IDEMPOTENCY_KEY_PROCESSING")), (3, 1, 1, 1)),
]


@pytest.mark.parametrize(("failure", "requests"), TABLE, ids=named)
@pytest.mark.parametrize("kind", CALLS)
async def test_each_failure_is_met_as_the_table_says(client, script, kind, failure, requests):
    route = script(kind, failure)
    await failing(client, kind)
    assert route.call_count == requests[min(list(CALLS).index(kind), 3)]


@pytest.mark.parametrize("kind", CALLS)
@pytest.mark.parametrize(
    ("handshake", "requests"),
    [(ssl.SSLEOFError, 3), (ssl.SSLCertVerificationError, 1), (ssl.SSLError, 1)],
)
async def test_only_a_handshake_that_broke_off_is_tried_again(
    settings, time, kind, handshake, requests
):
    server = BadHandshake(handshake)
    client = BeelClient(settings(company_id=COMPANY), transport=server, retries=time.retries())
    error = await failing(client, kind)
    assert (type(error), error.retryable) == (NotSentError, requests == 3)
    assert server.asked == requests
    await client.aclose()


@pytest.mark.parametrize("kind", CALLS)
@pytest.mark.parametrize("failure", [httpx.ConnectError, 429])
async def test_what_helps_the_third_time_is_a_success(client, script, kind, failure):
    route = script(kind, failure, failure, "ok")
    await CALLS[kind][2](client)
    assert route.call_count == 3


async def test_a_dry_run_gets_over_one_lost_answer_but_no_second(client, script):
    script("dry run", httpx.ReadError, 502, "ok")
    await client.customers.validate_bulk([ROW])
    route = script("dry run", 502, httpx.ReadError, 404)
    assert (await failing(client, "dry run")).status == 404
    script("dry run", httpx.ReadError, httpx.ReadError, "ok")
    assert (await failing(client, "dry run")).code == "no_answer"
    assert route.call_count == 8


@pytest.mark.parametrize("kind", CALLS)
async def test_every_attempt_is_the_same_request(client, script, kind):
    route = script(kind, httpx.ConnectError, 429, "ok")
    await CALLS[kind][2](client)
    sent = {
        (r.method, r.url, r.content, tuple(r.headers.raw))
        for r in (call.request for call in route.calls)
    }
    assert (len(sent), route.call_count) == (1, 3)
    assert route.calls.last.request.headers.get("idempotency-key") == (
        "k-1" if kind == "create" else None
    )


@pytest.mark.parametrize("name", ["Idempotency-Replay", "X-Idempotency-Replay"])
async def test_a_repeated_failure_is_told_from_a_new_one_also_after_a_wait(client, script, name):
    replay = httpx.Response(500, json=refusal("INTERNAL_ERROR"), headers={name: "true"})
    route = script("create", "IDEMPOTENCY_KEY_PROCESSING", replay)
    error = await failing(client, "create")
    assert (error.is_replay, error.code, error.changed) == (True, "INTERNAL_ERROR", "unknown")
    assert route.call_count == 2, "it is not asked again: the key has no other answer"
    for headers in ({}, {name: "false"}):
        script("create", httpx.Response(500, json=refusal("INTERNAL_ERROR"), headers=headers))
        assert (await failing(client, "create")).is_replay is False


async def test_a_repeated_success_is_a_success(client, script):
    stored = httpx.Response(201, json=SUCCESSES["create"], headers={"Idempotency-Replay": "true"})
    script("create", stored)
    assert (await CALLS["create"][2](client)).created[0].customer_id == "c-1"


def test_every_operation_has_its_rule_and_no_write_is_sent_again_in_doubt():
    rules = {"read": {READ, FILE}, "dry_run": {DRY_RUN}, "write": {KEYED_WRITE, PLAIN_WRITE}}
    for endpoint in ENDPOINTS:
        assert endpoint.retry in rules[endpoint.effect], endpoint.name
        if endpoint.effect == "write":
            assert not endpoint.retry.server_errors
            assert not endpoint.retry.lost
            assert endpoint.takes_idempotency_key or not endpoint.retry.while_processing


async def test_the_caller_gets_the_last_failure_unchanged(client, script):
    script("read", 502, httpx.ReadError, 503)
    error = await failing(client, "read")
    assert (type(error), error.status, error.request_id) == (UnknownOutcomeError, 503, "req-1")
    assert (error.__cause__, error.__context__) == (None, None)
    assert "attempt" not in error.message


async def test_a_creation_not_sent_first_and_lost_then_is_unknown(client, script):
    route = script("create", httpx.ConnectError, httpx.ReadError)
    error = await failing(client, "create")
    assert (error.code, error.changed, route.call_count) == ("no_answer", "unknown", 2)


@pytest.mark.parametrize("later", [httpx.ConnectError, 429, 401, "CLIENT_DUPLICATE"])
async def test_a_doubt_outlives_a_later_attempt_that_did_nothing(client, script, later):
    script("create", "IDEMPOTENCY_KEY_PROCESSING", later)
    error = await failing(client, "create")
    assert (type(error), error.code) == (ConflictError, "IDEMPOTENCY_KEY_PROCESSING")
    assert error.changed == "unknown"


async def test_a_creation_that_beel_was_still_at_work_on_is_found_done(client, script):
    script("create", "IDEMPOTENCY_KEY_PROCESSING", "ok")
    result = await client.customers.create_bulk([ROW], idempotency_key="k-1")
    assert len(result.created) == 1
