"""The ways an answer is lost, before or after BeeL has carried out what it was asked for."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, Literal, TypeVar

from mcp import Client

from tests.support.servers.fault_server import Fault, FaultServer, http

Answer = TypeVar("Answer", bound=dict[str, Any])
Call = Callable[..., Awaitable[Answer]]
BAD_GATEWAY = http("502 Bad Gateway", b"<html>nginx</html>", content_type="text/html")
SERVER_ERROR = http(
    "500 Internal Server Error",
    b'{"success": false, "error": {"code": "INTERNAL_ERROR", "message": "oops"}}',
)
EMPTY = http("200 OK", b"")
UNAUTHORIZED = http("401 Unauthorized", b'{"success": false, "error": {"code": "UNAUTHORIZED"}}')


@dataclass(frozen=True)
class Loss:
    """How the answer of the creation is lost, and whether BeeL had created by then."""

    action: Literal["reset", "truncate", "answer"]
    committed: bool
    raw: bytes = b""


LOSSES = {
    "reset before the commit": Loss("reset", committed=False),
    "reset after the commit": Loss("reset", committed=True),
    "truncated answer": Loss("truncate", committed=True),
    "502 before the commit": Loss("answer", committed=False, raw=BAD_GATEWAY),
    "502 after the commit": Loss("answer", committed=True, raw=BAD_GATEWAY),
    "500 before the commit": Loss("answer", committed=False, raw=SERVER_ERROR),
    "500 after the commit": Loss("answer", committed=True, raw=SERVER_ERROR),
    "empty 200 before the commit": Loss("answer", committed=False, raw=EMPTY),
    "empty 200 after the commit": Loss("answer", committed=True, raw=EMPTY),
}


def lose(beel: FaultServer, method: str, loss: str, path: str = "") -> Fault:
    """Have the answer of the next request of a method lost."""
    how = LOSSES[loss]
    return beel.fault(how.action, committed=how.committed, raw=how.raw, method=method, path=path)


def sent(beel: FaultServer, method: str) -> int:
    return sum(one == method for one, _ in beel.seen)


async def settled(call: Call[Answer], client: Client, beel: FaultServer, lost: Answer) -> Answer:
    """Settle as the answer says, and see that this only reads."""
    [step] = [one for one in lost["next"] if one["tool"] == "check_operation"]
    writes = [one for one in beel.seen if one[0] != "GET"]
    answer = await call(client, step["tool"], **step["arguments"])
    assert [one for one in beel.seen if one[0] != "GET"] == writes, "settling only reads"
    return answer
