"""A BeeL that fails as told, a clock that nobody waits for, and one call of each kind."""

import anyio.lowlevel
import httpx
import pytest

from beel_mcp.api.http.retry import Retries
from beel_mcp.errors import ApiError
from tests.support.servers.answers import COMPANY, ROW, envelope, pages, refusal, report

C = f"/v1/companies/{COMPANY}"
IDLE = {"active": False}
CALLS = {
    "read": ("GET", f"{C}/customers", lambda c: c.customers.list()),
    "dry run": ("POST", f"{C}/customers/bulk", lambda c: c.customers.validate_bulk([ROW])),
    "create": (
        "POST",
        f"{C}/customers/bulk",
        lambda c: c.customers.create_bulk([ROW], idempotency_key="k-1"),
    ),
    "change": ("PATCH", f"{C}/customers/c-1", lambda c: c.customers.update_fields("c-1", IDLE)),
    "delete": ("DELETE", f"{C}/customers/c-1", lambda c: c.customers.delete("c-1")),
    "delete many": ("DELETE", f"{C}/customers/bulk", lambda c: c.customers.delete_bulk(["c-1"])),
}
SUCCESSES = {
    "read": envelope({"customers": [], "pagination": pages(0)}),
    "dry run": report(1),
    "create": report(1, dry=False, imported=1, customer_id="c-1"),
    "change": envelope({"id": "c-1", "legal_name": "Uno", "active": False}),
    "delete": envelope({"message": "Customer deleted successfully"}),
    "delete many": envelope({"customers_deletion": [{"customer_id": "c-1", "status": "DELETED"}]}),
}


class Time:
    """A clock that only sleeping and asking move, and the largest jitter there is."""

    def __init__(self):
        self.at, self.slept, self.luck = 1_000.0, [], 1.0

    def now(self):
        return self.at

    async def sleep(self, seconds):
        self.slept.append(seconds)
        self.at += seconds
        await anyio.lowlevel.checkpoint()

    def retries(self):
        return Retries(now=self.now, sleep=self.sleep, random=lambda: self.luck)


def as_answer(kind, answer):
    if answer == "ok":
        return httpx.Response(200, json=SUCCESSES[kind])
    if isinstance(answer, int):
        return httpx.Response(answer, json=refusal("SOME_CODE"))
    if isinstance(answer, str):
        return httpx.Response(409, json=refusal(answer))
    return answer


def limited(seconds):
    headers = {"retry-after": str(seconds)}
    return httpx.Response(429, json=refusal("RATE_LIMIT_EXCEEDED"), headers=headers)


class BadHandshake(httpx.AsyncBaseTransport):
    """A server that TLS breaks off with; respx would cut the cause off the error."""

    def __init__(self, kind):
        self.kind, self.asked = kind, 0

    async def handle_async_request(self, request):
        if request.url.path.endswith("identity"):
            return httpx.Response(404, stream=httpx.ByteStream(b""))
        self.asked += 1
        raise httpx.ConnectError("x") from self.kind("x")


async def failing(client, kind):
    with pytest.raises(ApiError) as caught:
        await CALLS[kind][2](client)
    return caught.value
