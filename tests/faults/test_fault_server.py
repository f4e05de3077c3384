"""The fault server as a process does what it is told, and its ledger says what it did."""

from collections.abc import AsyncIterator, Iterator

import httpx
import pytest

from tests.conftest import TEST_KEY
from tests.support.customers import customer
from tests.support.servers.fault_process import FaultProcess, fault_process
from tests.support.servers.fault_server import Action, Fault

pytestmark = pytest.mark.anyio

LOST: dict[Action, str] = {
    "reset": "ReadError",
    "hang up": "RemoteProtocolError",
    "stall": "ReadTimeout",
    "late": "RemoteProtocolError",
    "truncate": "RemoteProtocolError",
    "chunked": "RemoteProtocolError",
    "headers": "RemoteProtocolError",
    "half": "ReadTimeout",
}
# Half of an answer is there only once there is one.
HALVES = ("truncate", "chunked", "headers", "half")
WAYS = [(one, is_done) for one in LOST for is_done in (False, True) if is_done or one not in HALVES]


@pytest.fixture(scope="module")
def process() -> Iterator[FaultProcess]:
    with fault_process() as running:
        yield running


@pytest.fixture
async def http(process: FaultProcess) -> AsyncIterator[httpx.AsyncClient]:
    process.open()
    headers = {"Authorization": f"Bearer {TEST_KEY}"}
    async with httpx.AsyncClient(base_url=process.url, headers=headers, timeout=5) as client:
        yield client


@pytest.mark.parametrize(("action", "committed"), WAYS)
async def test_an_answer_is_lost_as_it_is_called_and_the_ledger_says_what_was_done(
    process: FaultProcess, http: httpx.AsyncClient, action: Action, committed: bool
) -> None:
    process.arm(Fault(action, committed=committed, operation="createCustomer"))
    assert (await http.get("/v1/customers")).status_code == 200
    with pytest.raises(httpx.TransportError) as caught:
        await http.post("/v1/customers", json=customer(1), timeout=0.5)
    assert type(caught.value).__name__ == LOST[action]
    assert process.calm() == 1
    assert len(process.app.state.store.ledger()) == committed
    assert process.look() == ["listCustomers", "createCustomer"]
    process.commit_late()
    assert len(process.app.state.store.ledger()) == (committed or action == "late")


async def test_half_an_answer_without_a_length_looks_whole(
    process: FaultProcess, http: httpx.AsyncClient
) -> None:
    whole = await http.get("/v1/customers")
    process.arm(Fault("unlengthed", committed=True))
    half = await http.get("/v1/customers")
    assert (half.status_code, 2 * len(half.content)) == (200, len(whole.content) // 2 * 2)


async def test_nobody_listens_until_it_is_calm_again(
    process: FaultProcess, http: httpx.AsyncClient
) -> None:
    process.arm(Fault("refuse", after=2))
    for _ in range(2):
        assert (await http.get("/v1/customers")).status_code == 200
    for _ in range(2):
        with pytest.raises(httpx.ConnectError):
            await http.get("/v1/customers")
    process.calm()
    assert (await http.get("/v1/customers")).status_code == 200


async def test_a_connection_that_was_used_before_breaks_and_a_new_one_does_not(
    process: FaultProcess, http: httpx.AsyncClient
) -> None:
    await http.get("/v1/customers")
    process.arm(Fault("stale"))
    with pytest.raises(httpx.ReadError):
        await http.get("/v1/customers")
    assert (await http.get("/v1/customers")).status_code == 200


async def test_what_others_do_meanwhile_is_there_when_the_request_is_answered(
    process: FaultProcess, http: httpx.AsyncClient
) -> None:
    process.arm(Fault("meanwhile", sql="UPDATE customers SET active = 0"))
    answer = (await http.get("/v1/customers?active=true")).json()
    assert answer["data"]["customers"] == []
