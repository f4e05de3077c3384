"""How long is waited for another attempt, and by whom."""

import anyio
import httpx
import pytest

from beel_mcp.api.routes import CREATE_CUSTOMERS, GET_IDENTITY, Call
from beel_mcp.errors import RateLimitedError, UnknownOutcomeError
from tests.support.servers.scripted import CALLS, failing, limited

pytestmark = pytest.mark.anyio


async def test_a_wait_is_a_random_part_of_a_growing_limit(client, script, time):
    script("read", 503)
    await failing(client, "read")
    time.luck = 0.25
    await failing(client, "read")
    assert time.slept == [0.5, 1.0, 0.125]


def test_no_wait_of_our_own_is_longer_than_eight_seconds(time):
    waits = [time.retries()._wait_s(attempts, None) for attempts in range(1, 9)]
    assert waits == [0.5, 1, 2, 4, 8, 8, 8, 8]


@pytest.mark.parametrize("kind", CALLS)
@pytest.mark.parametrize(
    ("asked", "waits"),
    [(7, [7.5]), (30, [30]), (0, [0.5]), (-5, [0.5]), ("soon", [0.5])],
)
async def test_what_beel_asks_for_is_waited_for(client, script, time, kind, asked, waits):
    route = script(kind, limited(asked), "ok")
    await CALLS[kind][2](client)
    assert (route.call_count, time.slept) == (2, waits)


async def test_a_day_in_retry_after_is_held_against_beels_own_clock(client, script, time):
    headers = {
        "retry-after": "Tue, 01 Sep 2026 10:00:20 GMT",
        "date": "Tue, 01 Sep 2026 10:00:00 GMT",
    }
    script("read", httpx.Response(429, headers=headers), "ok")
    await client.customers.list()
    assert time.slept == [20.5]


@pytest.mark.parametrize("kind", CALLS)
@pytest.mark.parametrize(("asked", "told"), [(31, 31), (10**9, 86_400)])
async def test_a_longer_wait_is_told_at_once(client, script, time, kind, asked, told):
    route = script(kind, limited(asked))
    error = await failing(client, kind)
    assert (type(error), error.retry_after_s, error.retryable) == (RateLimitedError, told, True)
    assert (route.call_count, time.slept) == (1, [])


@pytest.mark.parametrize("kind", CALLS)
async def test_nobody_waits_for_longer_than_the_call_lasts(client, script, time, kind):
    route = script(kind, limited(20))
    with anyio.fail_after(21):
        error = await failing(client, kind)
    assert (type(error), error.retry_after_s) == (RateLimitedError, 20)
    assert (route.call_count, time.slept) == (1, [])


async def test_all_attempts_share_one_deadline(client, time):
    given = []

    async def answer_late(seconds):
        given.append(seconds)
        time.at += 20
        raise UnknownOutcomeError("late", retryable=True)

    for endpoint, gave in ((GET_IDENTITY, [43, 22.5, 1.5]), (CREATE_CUSTOMERS, [180])):
        request = client._request(Call(endpoint), await client.active_company())
        with pytest.raises(UnknownOutcomeError):
            await time.retries().run(answer_late, endpoint.retry, request)
        assert given == gave
        given.clear()


@pytest.mark.parametrize(("endpoint", "given"), [(GET_IDENTITY, 8), (CREATE_CUSTOMERS, 180)])
async def test_only_a_read_ends_before_its_call_does(client, time, endpoint, given):
    async def answer(seconds):
        return seconds

    request = client._request(Call(endpoint), await client.active_company())
    with anyio.fail_after(10):
        seconds = await time.retries().run(answer, endpoint.retry, request)
    assert seconds == pytest.approx(given, abs=0.5)


async def test_a_clock_that_jumps_while_waiting_ends_it(client, script, time):
    async def long_sleep(_):
        time.at += 3600

    client._retries._sleep = long_sleep
    route = script("read", 503)
    error = await failing(client, "read")
    assert (error.status, route.call_count) == (503, 1)


async def test_at_most_one_call_waits_for_the_limit_of_a_key(client, script, time):
    waiting, lifted = anyio.Event(), anyio.Event()
    waiters = []

    async def sleep(seconds):
        waiters.append(seconds)
        waiting.set()
        await lifted.wait()

    client._retries._sleep = sleep
    route = script("read", limited(5), limited(4), limited(3), "ok")
    with anyio.fail_after(20):  # more than it is to wait, should the test go wrong
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(client.customers.list)
            await waiting.wait()
            for told in (4, 3):
                error = await failing(client, "read")
                assert (type(error), error.retry_after_s) == (RateLimitedError, told)
            lifted.set()
    assert (waiters, route.call_count) == ([5.5], 4)


async def test_a_waiter_that_is_cancelled_leaves_its_place(client, script, time):
    real, waiting = time.sleep, anyio.Event()

    async def sleep(_):
        waiting.set()
        await anyio.sleep_forever()

    client._retries._sleep = sleep
    script("read", limited(5), limited(4), "ok")
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(client.customers.list)
        await waiting.wait()
        tasks.cancel_scope.cancel()
    client._retries._sleep = real
    await client.customers.list()
    assert time.slept == [4.5]
