"""Any list of 1 to 2,000 rows, whatever is lost on the way: the sums and the ledger agree."""

import tempfile
from itertools import cycle, islice
from pathlib import Path
from typing import Any

import anyio
import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as profile
from hypothesis import strategies as st
from mcp import Client
from pydantic import SecretStr

from beel_mcp.context import Timing
from beel_mcp.sandbox import SandboxOptions, create_app
from beel_mcp.server import create_server
from beel_mcp.settings import Settings
from tests.conftest import TEST_KEY, FakeTime
from tests.faults.test_interrupted_creations import BUSY, REFUSAL
from tests.support.customers import customer
from tests.support.servers.fault_server import FaultServer, serving

LOSSES: list[dict[str, Any]] = [
    {"action": "reset"},
    {"action": "reset", "committed": True},
    {"action": "truncate", "committed": True},
    {"action": "answer", "raw": REFUSAL},
    {"action": "answer", "raw": BUSY, "times": 3},
]
MOST_CALLS = 12
FAULTY = [
    {"email": "nope"},
    {"nif": "12345678A"},
    {"legal_name": ""},
    {"nif": customer(0)["nif"]},
]


def rows_of(size: int, faulty: set[int]) -> list[list[str]]:
    faults = cycle(FAULTY)
    people = [customer(n, **(next(faults) if n in faulty else {})) for n in range(size)]
    lines = [["nombre", "nif", "email", "calle", "numero", "cp", "poblacion", "provincia"]]
    for one in people:
        address = list(islice(one["address"].values(), 5))
        lines.append([one["legal_name"], one["nif"], one["email"], *address])
    return lines


async def call(client: Client, tool: str, **arguments: Any) -> dict[str, Any]:
    result = await client.call_tool(tool, arguments)
    structure = result.structured_content or {}
    if "counts" in structure:
        assert sum(structure["counts"].values()) == structure["total"]
    return structure


async def created_in_the_end(
    client: Client, arguments: dict[str, Any], beel: FaultServer, time: FakeTime
) -> dict[str, Any]:
    """Repeat the one call that an assistant knows, until it says that nothing is left to do."""
    for _ in range(MOST_CALLS):
        answer = await call(client, "create_customers", **arguments)
        if "counts" in answer:
            counts = answer["counts"]
            assert answer["total"] == sum(counts.values())
            if not counts["unknown"]:
                assert counts["created"] == len(beel.created)
            if not counts["unknown"] and not counts["not_attempted"]:
                return answer
        await time.sleep(30)
    raise AssertionError("the creation does not end")


async def tell(size: int, faulty: set[int], loss: dict[str, Any], part: int) -> None:
    time = FakeTime()
    app = create_app(SandboxOptions(now=time.now))
    with tempfile.TemporaryDirectory(prefix="beel-mcp-") as name:
        folder = Path(name)
        lines = ["|".join(line) for line in rows_of(size, faulty)]
        (folder / "lista.csv").write_text("\n".join(lines).replace("|", ";"))
        async with serving(app) as beel:
            settings = Settings(
                files_dir=folder,
                import_dirs=(folder,),
                state_dir=folder / "state",
                api_key=SecretStr(TEST_KEY),
                base_url=beel.url,
            )
            timing = Timing(now=time.now, sleep=time.sleep)
            async with Client(create_server(settings, timing=timing)) as client:
                checked = await call(client, "validate_customers", source_path="lista.csv")
                assert checked["total"] == size
                assert beel.created == []
                if not checked["importable"]:
                    return
                beel.fault(**loss, after=part, method="POST", path="bulk", dry_run=False)
                arguments = checked["next"][0]["arguments"]
                done = await created_in_the_end(client, arguments, beel, time)
                assert (
                    done["counts"]["created"] + done["counts"]["refused"] == checked["importable"]
                )
                assert len(set(beel.created)) == len(beel.created) == done["counts"]["created"]


def lists_with_losses(most: int) -> Any:
    return st.integers(1, most).flatmap(
        lambda size: st.tuples(
            st.just(size),
            st.sets(st.integers(0, size - 1), max_size=40),
            st.sampled_from(LOSSES),
            st.integers(0, 3),
        )
    )


@pytest.mark.proof
@profile(max_examples=25, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
@given(lists_with_losses(2_000))
def test_every_row_of_any_list_is_accounted_for(case: Any) -> None:
    anyio.run(tell, *case)


@pytest.mark.nightly
@profile(max_examples=1_000, deadline=None, suppress_health_check=list(HealthCheck))
@given(lists_with_losses(5_000))
def test_every_row_of_a_thousand_lists_is_accounted_for(case: Any) -> None:
    anyio.run(tell, *case)
