"""Storms: how few requests they cost, when BeeL is left alone, how we learn that it is back."""

import ssl
from collections import Counter
from contextlib import suppress

import anyio
import httpx
import pytest

from beel_mcp.api.client import BeelClient
from beel_mcp.api.http.retry import Breaker, Quota
from beel_mcp.errors import ApiError, NotSentError
from tests.support.servers.answers import COMPANY, refusal
from tests.support.servers.scripted import CALLS, BadHandshake, failing, limited

pytestmark = pytest.mark.anyio


@pytest.mark.slow
async def test_a_storm_of_429_costs_three_requests_a_call_and_then_one(client, script, time):
    route = script("read", limited(1))
    per_call, before = Counter(), 0
    for _ in range(1_000):
        await failing(client, "read")
        per_call[route.call_count - before] += 1
        before = route.call_count
    assert per_call == {3: 5, 1: 995}
    assert all(wait >= 1 for wait in time.slept)


@pytest.mark.parametrize("kind", CALLS)
@pytest.mark.parametrize("pause_s", [0, 1])
@pytest.mark.parametrize("failure", [500, 503, httpx.ConnectError, httpx.ReadError])
async def test_a_storm_costs_at_most_15_requests_for_100_calls(
    client, script, time, kind, pause_s, failure
):
    route = script(kind, failure)
    codes = Counter()
    for _ in range(100):
        codes[(await failing(client, kind)).code] += 1
        time.at += pause_s
    assert route.call_count <= (8 if pause_s else 5)
    assert codes["circuit_open"] >= 90


async def test_retries_are_paid_from_ten_tokens_that_success_gives_back():
    quota = Quota()
    assert [quota.take() for _ in range(11)] == [True] * 10 + [False]
    for _ in range(9):
        quota.succeeded(after_retry=False)
        assert not quota.take()
    quota.succeeded(after_retry=True)
    assert [quota.take(), quota.take()] == [True, False]
    for _ in range(200):
        quota.succeeded(after_retry=False)
    assert quota.tokens == 10


async def test_a_retry_that_helped_costs_nothing_and_a_plain_success_gives_a_tenth(client, script):
    quota = client._retries._quota
    quota.tokens = 5
    script("read", 503, "ok")
    await client.customers.list()
    assert quota.tokens == 5
    await client.customers.list()
    assert quota.tokens == pytest.approx(5.1)


async def test_a_call_without_a_token_left_is_still_sent_once(client, script):
    client._retries._quota.tokens = 0
    route = script("read", 503)
    await failing(client, "read")
    assert route.call_count == 1


@pytest.fixture
async def opened(client, script):
    """A client whose breaker has just opened."""
    for _ in range(2):
        script("read", 503)
        await failing(client, "read")
    return client


async def test_after_five_failures_in_a_row_nothing_is_sent(opened, script, time):
    for kind in CALLS:
        route = script(kind, "ok")
        sent = route.call_count
        error = await failing(opened, kind)
        assert route.call_count == sent
        assert (type(error), error.code, error.changed) == (
            NotSentError,
            "circuit_open",
            "nothing",
        )
        assert (error.retryable, error.retry_after_s) == (True, 30)
    time.at += 29.5
    assert (await failing(opened, "read")).retry_after_s == 1


async def test_the_call_that_opens_it_gets_its_own_failure(client, script):
    route = script("read", 503)
    statuses = [(await failing(client, "read")).status for _ in range(3)]
    assert (statuses, route.call_count) == ([503, 503, None], 5)


async def test_a_call_that_waits_while_it_opens_gets_its_own_failure(client, script, time):
    async def sleep(seconds):
        client._retries._sleep = time.sleep
        script("create", 503)
        for _ in range(4):
            await failing(client, "create")

    client._retries._sleep = sleep
    route = script("read", 502)
    error = await failing(client, "read")
    assert (error.status, route.call_count) == (502, 1)
    assert (await failing(client, "read")).code == "circuit_open"


async def test_after_thirty_seconds_a_success_closes_it(opened, script, time):
    time.at += 30
    script("read", "ok")
    for _ in range(2):
        await opened.customers.list()


async def test_a_probe_that_fails_opens_it_again_after_one_request(opened, script, time):
    time.at += 30
    route = script("read", 503)
    sent = route.call_count
    assert (await failing(opened, "read")).status == 503
    assert (await failing(opened, "read")).code == "circuit_open"
    assert route.call_count == sent + 1


async def test_only_one_request_probes_and_the_others_wait_for_what_it_finds(opened, beel, time):
    time.at += 30
    asked, answered = anyio.Event(), anyio.Event()
    codes, sent = [], []

    async def slow(_):
        sent.append(codes.copy())
        asked.set()
        await answered.wait()
        return httpx.Response(404)

    beel.get(CALLS["read"][1]).mock(side_effect=slow)

    async def another():
        codes.append((await failing(opened, "read")).code)

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(another)
        await asked.wait()
        tasks.start_soon(another)
        await anyio.wait_all_tasks_blocked()
        assert (len(sent), codes) == (1, [])
        answered.set()
    assert codes == ["not_found", "not_found"]


async def test_what_waited_for_a_probe_that_fails_is_told_to_wait(opened, beel, time):
    time.at += 30
    asked, answered = anyio.Event(), anyio.Event()

    async def slow(_):
        asked.set()
        await answered.wait()
        return httpx.Response(500)

    beel.get(CALLS["read"][1]).mock(side_effect=slow)
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(failing, opened, "read")
        await asked.wait()
        answered.set()
        error = await failing(opened, "read")
    assert (error.code, error.retry_after_s) == ("circuit_open", 30)


async def test_a_probe_that_is_cancelled_bars_nobody(opened, beel, script, time):
    time.at += 30
    asked = anyio.Event()

    async def never(_):
        asked.set()
        await anyio.sleep_forever()

    beel.get(CALLS["read"][1]).mock(side_effect=never)
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(opened.customers.list)
        await asked.wait()
        tasks.cancel_scope.cancel()
    script("read", "ok")
    await opened.customers.list()


@pytest.mark.parametrize("answer", [400, 401, 404, 422, "CLIENT_DUPLICATE", limited(60), "ok"])
async def test_any_answer_ends_a_row_of_failures(client, script, answer):
    route = script("create", 503, 503, 503, 503, answer, 503, 503, 503, 503, "ok")
    for _ in range(10):
        with suppress(ApiError):
            await CALLS["create"][2](client)
    assert route.call_count == 10


async def test_a_stored_failure_that_is_repeated_is_no_new_one(client, script):
    headers = {"idempotency-replay": "true"}
    replay = httpx.Response(500, json=refusal("INTERNAL_ERROR"), headers=headers)
    route = script("create", 503, 503, 503, 503, replay, 503, 503, 503, 503, "ok")
    for _ in range(9):
        await failing(client, "create")
    await CALLS["create"][2](client)
    assert route.call_count == 10


async def test_what_the_person_has_to_mend_does_not_open_it(settings, time):
    server = BadHandshake(ssl.SSLCertVerificationError)
    client = BeelClient(settings(company_id=COMPANY), transport=server, retries=time.retries())
    assert {(await failing(client, "read")).code for _ in range(10)} == {"tls_failed"}
    assert server.asked == 10
    await client.aclose()


async def test_a_failure_that_comes_late_does_not_keep_it_open_longer(time):
    breaker = Breaker(time.now)
    lost = NotSentError("x", retryable=True)
    with breaker.attempt() as late:
        for _ in range(5):
            with breaker.attempt() as learn:
                learn(lost)
        time.at += 20
        late(lost)
    assert breaker.blocked_for_s == 10
