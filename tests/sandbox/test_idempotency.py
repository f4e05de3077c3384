"""Idempotency keys: replays, the trap of the dry run, conflicts, age, and the other moods."""

from datetime import UTC, datetime, timedelta

import anyio
import pytest

from beel_mcp.sandbox.responses import ApiError
from tests.sandbox.conftest import COMPANY, FLAT, new_customer

pytestmark = pytest.mark.anyio

KEYED = {"Idempotency-Key": "batch-1"}
BATCH = {"customers": [new_customer()]}


async def test_a_dry_run_key_swallows_the_creation_that_reuses_it(api, customers):
    path = f"{customers}/bulk"
    first = await api.post(path, params={"dry_run": "true"}, json=BATCH, headers=KEYED)
    second = await api.post(path, params={"dry_run": "false"}, json=BATCH, headers=KEYED)
    assert second.status_code == 200
    assert second.headers["Idempotency-Replay"] == "true"
    assert second.content == first.content
    assert api.effects() == []


async def test_a_repeated_creation_is_replayed_not_repeated(api, customers):
    first = await api.post(customers, json=new_customer(), headers=KEYED)
    second = await api.post(customers, json=new_customer(), headers=KEYED)
    assert "Idempotency-Replay" not in first.headers
    assert (second.status_code, second.content) == (201, first.content)
    assert second.headers.get("Location") == first.headers.get("Location")
    assert api.effects() == ["customer_created"]


async def test_a_key_is_good_across_route_families(api):
    first = await api.post(FLAT, json=new_customer(), headers=KEYED)
    second = await api.post(COMPANY, json=new_customer(), headers=KEYED)
    assert second.content == first.content
    assert api.effects() == ["customer_created"]


async def test_a_key_with_another_body_is_a_mismatch(api):
    await api.post(FLAT, json=new_customer(), headers=KEYED)
    answer = await api.post(FLAT, json=new_customer(nif="28765431K"), headers=KEYED)
    assert answer.status_code == 409
    assert answer.json()["error"]["code"] == "IDEMPOTENCY_KEY_MISMATCH"


async def test_another_api_key_has_its_own_keys(api):
    await api.post(FLAT, json=new_customer(), headers=KEYED)
    stranger = KEYED | {"Authorization": "Bearer beel_sk_test_another_one"}
    answer = await api.post(FLAT, json=new_customer(nif="28765431K"), headers=stranger)
    assert answer.status_code == 201


async def test_a_key_in_flight_is_processing_and_then_replays(open_sandbox):
    reached, go_on = anyio.Event(), anyio.Event()

    async def hold(name, phase):
        if phase == "before":
            reached.set()
            await go_on.wait()

    api = open_sandbox(pause=hold)
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(lambda: api.post(FLAT, json=new_customer(), headers=KEYED))
        await reached.wait()
        during = await api.post(FLAT, json=new_customer(), headers=KEYED)
        go_on.set()
    after = await api.post(FLAT, json=new_customer(), headers=KEYED)
    assert during.json()["error"]["code"] == "IDEMPOTENCY_KEY_PROCESSING"
    assert after.headers["Idempotency-Replay"] == "true"
    assert api.effects() == ["customer_created"]


async def test_an_answer_lost_after_the_commit_is_replayed(open_sandbox):
    lost = [True]

    async def lose(name, phase):
        if phase == "after" and lost.pop():
            lost.append(False)
            raise ConnectionResetError

    api = open_sandbox(pause=lose)
    assert (await api.post(FLAT, json=new_customer(), headers=KEYED)).status_code == 500
    again = await api.post(FLAT, json=new_customer(), headers=KEYED)
    assert again.status_code == 201
    assert api.effects() == ["customer_created"]


@pytest.mark.parametrize("phase", ["before", "after"])
async def test_a_failure_is_kept_for_a_day_whatever_was_done_by_then(open_sandbox, phase):
    clock, failing = [datetime(2026, 5, 4, 12, tzinfo=UTC)], [True]

    async def fail(name, now):
        if now == phase and failing.pop():
            failing.append(False)
            raise ApiError(503, "UNAVAILABLE", "The sandbox is told to fail")

    api = open_sandbox(now=lambda: clock[0], pause=fail)
    first = await api.post(FLAT, json=new_customer(), headers=KEYED)
    clock[0] += timedelta(hours=23, minutes=59)
    again = await api.post(FLAT, json=new_customer(), headers=KEYED)
    assert (first.status_code, again.status_code) == (503, 503)
    assert again.content == first.content
    assert "Idempotency-Replay" not in first.headers
    assert again.headers["Idempotency-Replay"] == "true"
    assert api.effects() == (["customer_created"] if phase == "after" else [])
    other = await api.post(FLAT, json=new_customer(), headers={"Idempotency-Key": "batch-2"})
    assert other.status_code == (409 if phase == "after" else 201)


async def test_the_older_generation_keeps_successes_alone_and_has_its_own_header(open_sandbox):
    failing = [True]

    async def fail(name, now):
        if now == "before" and failing.pop():
            failing.append(False)
            raise ApiError(503, "UNAVAILABLE", "The sandbox is told to fail")

    api = open_sandbox(generation="legacy", pause=fail)
    answers = [await api.post(FLAT, json=new_customer(), headers=KEYED) for _ in range(3)]
    assert [answer.status_code for answer in answers] == [503, 201, 201]
    assert answers[2].headers["X-Idempotency-Replay"] == "true"
    assert "Idempotency-Replay" not in answers[2].headers
    assert api.effects() == ["customer_created"]


async def test_a_refused_request_frees_its_key(api):
    await api.post(FLAT, json=new_customer(email="alba"), headers=KEYED)
    assert (await api.post(FLAT, json=new_customer(), headers=KEYED)).status_code == 201


async def test_a_key_is_forgotten_after_a_day(open_sandbox):
    clock = [datetime(2026, 5, 4, 12, tzinfo=UTC)]
    api = open_sandbox(now=lambda: clock[0])
    await api.post(FLAT, json=new_customer(), headers=KEYED)
    clock[0] += timedelta(hours=23, minutes=59)
    assert (await api.post(FLAT, json=new_customer(), headers=KEYED)).status_code == 201
    clock[0] += timedelta(minutes=1)
    late = await api.post(FLAT, json=new_customer(), headers=KEYED)
    assert late.json()["error"]["code"] == "CLIENT_DUPLICATE"


async def test_an_operation_that_declares_no_key_passes_over_it(api):
    for nif in ("B65120347", "28765431K"):
        answer = await api.post("/v1/nif/validate", json={"nif": nif}, headers=KEYED)
        assert answer.status_code == 200
        assert "Idempotency-Replay" not in answer.headers


@pytest.mark.parametrize("key", ["", "a b", "ñ", "a" * 256])
async def test_a_malformed_key_is_refused(api, key):
    headers = {"Idempotency-Key": key.encode("latin-1")}
    answer = await api.post(FLAT, json=new_customer(), headers=headers)
    assert answer.status_code == 400
    assert answer.json()["error"]["code"] == "INVALID_IDEMPOTENCY_KEY"


async def test_keys_may_be_ignored(open_sandbox):
    api = open_sandbox(idempotency="ignored", nif_unique=False)
    for _ in range(2):
        await api.post(FLAT, json=new_customer(), headers=KEYED)
    assert api.effects() == ["customer_created"] * 2


async def test_a_used_key_may_be_refused(open_sandbox):
    api = open_sandbox(idempotency="refused")
    await api.post(FLAT, json=new_customer(), headers=KEYED)
    again = await api.post(FLAT, json=new_customer(), headers=KEYED)
    assert again.status_code == 409
    assert api.effects() == ["customer_created"]
