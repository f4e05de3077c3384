"""What is said of a creation while it runs, between its requests."""

from dataclasses import replace

import pytest

from beel_mcp.answers.creations import customers_summary
from beel_mcp.answers.outcome import Outcome
from beel_mcp.api.company import Account
from beel_mcp.writes.journal.records import Chunk, ChunkState, Operation

CHUNK = Chunk("op_1", 0, 500, "key", "READY", 0, 0, 0, None, None, 0, None, None)


def running(*states: ChunkState) -> Outcome:
    chunks = tuple(replace(CHUNK, chunk=number, state=state) for number, state in enumerate(states))
    operation = Operation(
        *("op_1", "create_customers", "local", "bat_1", "0", Account("test", "c", "0")),
        *(None, None, {}, 500 * len(states), "owner", 0.0, 0.0, 0, None, None, chunks),
    )
    return Outcome(operation, {}, running=True)


@pytest.mark.parametrize(
    ("states", "said"),
    [
        (("READY",), "Nothing is sent yet: another write to these books is in flight."),
        (
            ("PENDING", "READY"),
            "BeeL is still at it: 500 customers are being created; 0 are created.",
        ),
        (
            ("COMMITTED", "READY"),
            "BeeL is still at it: 500 are created; 500 customers are still to be sent.",
        ),
        (
            ("COMMITTED", "PENDING"),
            "BeeL is still at it: 500 customers are being created; 500 are created.",
        ),
    ],
)
def test_what_is_created_is_never_called_unsent(states: tuple[ChunkState, ...], said: str) -> None:
    outcome = running(*states)
    assert (outcome.status, customers_summary(outcome)) == ("partial", said)
