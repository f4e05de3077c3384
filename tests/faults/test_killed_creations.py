"""A creation of three requests, killed at each of them: who comes after finds everybody, once."""

from pathlib import Path
from typing import Any

import anyio
import pytest
from mcp import Client

from tests.conftest import Connect, FakeTime
from tests.support.customers import customer
from tests.support.list_files import text
from tests.support.servers.fault_server import FaultServer
from tests.support.servers.raw_server import KILLED_AT, started

pytestmark = [pytest.mark.anyio, pytest.mark.proof]

# No NIF of these is one that the sandbox's census does not know.
PEOPLE = [customer(n) for n in range(1_002) if n != 857]
NIFS = [row["nif"] for row in PEOPLE]
HEADERS = ["nombre", "nif", "calle", "numero", "cp", "poblacion", "provincia"]


@pytest.fixture
def era() -> Any:
    """What happens to processes has nothing to do with the protocol's era."""
    return "auto"


def write_list(home: Path) -> None:
    folder = home / "BeeL"
    folder.mkdir(parents=True, mode=0o700)
    rows = [[one["legal_name"], one["nif"], *list(one["address"].values())[:5]] for one in PEOPLE]
    (folder / "lista.csv").write_bytes(text([HEADERS, *rows]))


async def call(client: Client, tool: str, **arguments: Any) -> dict[str, Any]:
    result = await client.call_tool(tool, arguments)
    structure = result.structured_content or {}
    if "counts" in structure and "total" in structure:
        assert sum(structure["counts"].values()) == structure["total"]
    return structure


@pytest.mark.parametrize("moment", ["before", "after"])
@pytest.mark.parametrize("time", [1, 2, 3])
@pytest.mark.parametrize("step", ["pending", "settle"])
async def test_killed_at_any_request_another_process_creates_the_rest_and_nobody_twice(
    connect_to: Connect,
    beel: FaultServer,
    fake_time: FakeTime,
    tmp_path: Path,
    step: str,
    time: int,
    moment: str,
) -> None:
    state = tmp_path / "state"
    write_list(state)
    async with started(beel.url, state, KILLED_AT, step, moment, str(time)) as one:
        checked = await one.call("validate_customers", source_path="lista.csv")
        assert checked["importable"] == len(PEOPLE)
        [step_, *_] = checked["next"]
        arguments = step_["arguments"]
        await one.send("tools/call", {"name": "create_customers", "arguments": arguments})
        with anyio.fail_after(60):  # a kill that never comes is a failure, too
            await one.process.wait()
    sent = time if step == "settle" else time - 1
    assert beel.created == NIFS[: 500 * sent]
    await fake_time.sleep(60)
    async with connect_to(state_dir=state) as client:
        open_ones = (await call(client, "check_operation"))["operations"]
        is_over = (step, moment, time) == ("settle", "after", 3)
        assert len(open_ones) == (0 if is_over else 1)
        for operation in open_ones:
            settled = await call(client, "check_operation", operation_id=operation["operation_id"])
            assert settled["counts"]["created"] == len(beel.created)
            assert settled["counts"]["unknown"] == 0
        done = await call(client, "create_customers", **arguments)
        assert done["counts"]["created"] == len(PEOPLE)
    assert beel.created == NIFS, "each exactly once, in order"
