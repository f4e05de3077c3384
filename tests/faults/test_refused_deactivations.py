"""A deactivation of several requests that BeeL turns away half-way: what was done, and the rest."""

from collections.abc import AsyncIterator
from typing import Any

import pytest
from mcp import Client
from starlette.applications import Starlette

from beel_mcp.sandbox import SandboxOptions, create_app
from tests.conftest import Connect
from tests.support.deactivations import (
    DONE,
    call,
    crowd,
    deactivated,
    effects,
    guarded_requests,
    planned,
    whole_record,
)
from tests.support.servers.fault_server import FaultServer, http

pytestmark = pytest.mark.anyio


def refusal(status: str, code: str, *headers: str) -> bytes:
    body = f'{{"success": false, "error": {{"code": "{code}", "message": "no"}}}}'
    return http(status, body.encode(), *headers)


# How BeeL turns a request away, and the code that is said.
REFUSALS = {
    "401": (refusal("401 Unauthorized", "UNAUTHORIZED"), "UNAUTHORIZED"),
    "403": (refusal("403 Forbidden", "INSUFFICIENT_SCOPE"), "INSUFFICIENT_SCOPE"),
    "403 without a code": (http("403 Forbidden", b"{}"), "forbidden"),
    "413": (http("413 Content Too Large", b"<html>"), "too_large"),
    "429": (
        refusal("429 Too Many Requests", "RATE_LIMIT_EXCEEDED", "Retry-After: 300"),
        "RATE_LIMIT_EXCEEDED",
    ),
    "404 of the route": (http("404 Not Found", b"{}"), "route_retired"),
    "410 of the route": (http("410 Gone", b"{}"), "route_retired"),
}
MODES = {"delete": (250, 100, "DELETE"), "inactive": (5, 2, "PATCH")}


@pytest.fixture
def era() -> Any:
    """What BeeL turns away has nothing to do with the protocol's era."""
    return "auto"


@pytest.fixture
def sandbox() -> Starlette:
    return create_app(SandboxOptions())


@pytest.fixture
async def client(connect_to: Connect) -> AsyncIterator[Client]:
    async with connect_to(routes="flat") as opened:
        yield opened


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("how", REFUSALS)
async def test_what_was_done_stands_and_the_rest_is_listed_with_the_reason(
    client: Client, beel: FaultServer, sandbox: Starlette, how: str, mode: str
) -> None:
    raw, code = REFUSALS[how]
    total, before, method = MODES[mode]
    ids = crowd(sandbox, total)
    plan = await planned(client, ids, mode)
    sent = before if mode == "inactive" else 1
    wall = beel.fault("answer", raw=raw, method=method, times=99, after=sent)
    partial = await call(client, "confirm_plan", **plan)
    assert partial["status"] == "partial"
    assert partial["changed"] == "something"
    assert partial["counts"] == {
        DONE[mode]: before,
        "failed": 0,
        "unknown": 0,
        "not_attempted": total - before,
    }
    assert partial["not_attempted"] == ids[before:][:10]
    assert code in partial["detail"]
    assert effects(sandbox) == ids[:before]
    record = await whole_record(client, partial["operation_id"])
    assert record[DONE[mode]] == ids[:before]
    assert record["not_attempted"] == ids[before:]

    wall.times = 0
    again = await call(client, "confirm_plan", **plan)
    assert again["replayed"] is True
    assert again["counts"] == partial["counts"]
    assert effects(sandbox) == ids[:before], "nothing goes on by itself"
    rest = await deactivated(client, record["not_attempted"], mode)
    assert rest["status"] == "done"
    assert sorted(effects(sandbox)) == ids, "each exactly once"


@pytest.mark.parametrize("count", [1, 2])
@pytest.mark.parametrize("how", REFUSALS)
async def test_turned_away_at_once_nothing_happened_and_the_plan_is_spent(
    client: Client, beel: FaultServer, sandbox: Starlette, how: str, count: int
) -> None:
    raw, code = REFUSALS[how]
    ids = crowd(sandbox, count)
    plan = await planned(client, ids)
    wall = beel.fault("answer", raw=raw, method="DELETE", times=99)
    refused = await call(client, "confirm_plan", **plan)
    assert (refused["status"], refused["code"]) == ("error", code)
    assert refused["changed"] == "nothing"
    wall.times = 0
    again = await call(client, "confirm_plan", **plan)
    assert again["replayed"] is True
    assert again["status"] == "nothing_done"
    assert again["counts"]["not_attempted"] == count
    assert code in again["detail"]
    assert effects(sandbox) == []
    assert guarded_requests(sandbox) == []
    assert (await call(client, "check_operation"))["operations"] == []


async def test_a_429_that_passes_is_waited_out(
    client: Client, beel: FaultServer, sandbox: Starlette
) -> None:
    ids = crowd(sandbox, 150)
    slow = refusal("429 Too Many Requests", "RATE_LIMIT_EXCEEDED", "Retry-After: 7")
    beel.fault("answer", raw=slow, method="DELETE", after=1)
    done = await deactivated(client, ids)
    assert done["counts"]["deleted"] == 150
    assert len(guarded_requests(sandbox)) == 2
    assert effects(sandbox) == ids


@pytest.mark.parametrize(
    ("status", "code", "said"),
    [
        ("404 Not Found", "NOT_FOUND", "not_found"),
        ("409 Conflict", "CONCURRENT_MODIFICATION", "CONCURRENT_MODIFICATION"),
        ("409 Conflict", "CLIENT_HAS_INVOICES", "has_invoices"),
        ("422 Unprocessable Content", "VALIDATION_ERROR", "VALIDATION_ERROR"),
    ],
)
async def test_a_no_to_one_customer_is_that_customers_and_the_others_go_on(
    client: Client, beel: FaultServer, sandbox: Starlette, status: str, code: str, said: str
) -> None:
    ids = crowd(sandbox, 4)
    beel.fault("answer", raw=refusal(status, code), method="PATCH", after=1)
    partial = await deactivated(client, ids, "inactive")
    assert partial["status"] == "partial"
    assert partial["counts"] == {"deactivated": 3, "failed": 1, "unknown": 0, "not_attempted": 0}
    [failed] = partial["failed"]
    assert (failed["customer_id"], failed["code"]) == (ids[1], said)
    assert effects(sandbox) == [ids[0], *ids[2:]]
