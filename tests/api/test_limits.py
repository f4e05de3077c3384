"""How many requests leave in a minute: by key, by address, of the strict ones; and who waits."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from beel_mcp.api.client import BeelClient
from beel_mcp.api.http.limits import Limits, limits_towards
from beel_mcp.api.http.retry import Retries
from beel_mcp.api.routes import LIST_CUSTOMERS, Call
from beel_mcp.errors import NotSentError
from tests.support.servers.answers import BASE, COMPANY
from tests.support.servers.scripted import Time, failing

pytestmark = pytest.mark.anyio
STRICT = replace(LIST_CUSTOMERS, is_strict=True)


@pytest.fixture
def limited(settings, who, time):
    """Makes clients of one process that have found their company, each with a key of its own."""
    who(companies=403)

    async def make(limits):
        client = BeelClient(settings(company_id=COMPANY), retries=time.retries())
        await client.active_company()
        client._retries = Retries(now=time.now, sleep=time.sleep, limits=limits)
        return client

    return make


async def sent(client, number, endpoint=LIST_CUSTOMERS):
    for _ in range(number):
        await client.send(Call(endpoint))


async def test_the_three_hundred_and_first_request_of_a_minute_waits_for_its_place(
    limited, script, time
):
    client, route = await limited(Limits()), script("read", "ok")
    await sent(client, 300)
    time.at += 35
    await sent(client, 1)
    assert (time.slept, route.call_count) == ([25], 301)


async def test_who_would_wait_too_long_is_told_when_to_come_back_and_nothing_leaves(
    limited, script, time
):
    client, route = await limited(Limits()), script("read", "ok")
    await sent(client, 300)
    time.at += 10
    error = await failing(client, "read")
    assert (type(error), error.code, error.retry_after_s) == (NotSentError, "minute_full", 50)
    assert (error.changed, error.retryable) == ("nothing", True)
    assert (time.slept, route.call_count) == ([], 300)
    time.at += 50
    await sent(client, 300)


async def test_a_strict_operation_leaves_five_times_a_minute_and_the_others_go_on(
    limited, script, time
):
    client = await limited(Limits())
    script("read", "ok")
    await sent(client, 5, STRICT)
    with pytest.raises(NotSentError) as told:
        await sent(client, 1, STRICT)
    assert told.value.retry_after_s == 60
    await sent(client, 5)


async def test_all_keys_of_a_process_share_what_beel_counts_by_address(limited, script, time):
    clients = [await limited(limits_towards(BASE)) for _ in range(4)]
    script("read", "ok")
    for client in clients[:3]:
        await sent(client, 300)
    await sent(clients[3], 5, STRICT)
    with pytest.raises(NotSentError):
        await sent(clients[0], 1, STRICT)
    await sent(clients[3], 95)
    assert (await failing(clients[3], "read")).code == "minute_full"
    elsewhere = await limited(limits_towards("https://beel.example"))
    await sent(elsewhere, 1)


async def test_a_full_minute_says_nothing_about_beel(limited, script, time):
    client = await limited(Limits())
    script("read", "ok")
    await sent(client, 300)
    for _ in range(10):
        assert (await failing(client, "read")).code == "minute_full"
    time.at += 60
    await sent(client, 1)


async def test_an_attempt_that_has_no_place_left_ends_with_the_failure_before_it(
    limited, script, time
):
    client = await limited(Limits())
    script("read", "ok")
    await sent(client, 299)
    script("read", 503)
    assert (await failing(client, "read")).status == 503


@given(st.lists(st.tuples(st.floats(0, 20), st.booleans()), max_size=80))
def test_no_minute_wherever_it_begins_has_more_requests_than_beel_takes(asked):
    limits, now, left = Limits(), Time().at, []
    for later, is_strict in asked:
        now += later
        wait_s, has_room = limits.book(now, 30, is_strict=is_strict)
        if has_room:
            left.append((now + wait_s, is_strict))
    strict = sorted(at for at, is_strict in left if is_strict)
    assert all(later - begin >= 60 - 1e-6 for begin, later in zip(strict, strict[5:], strict=False))
