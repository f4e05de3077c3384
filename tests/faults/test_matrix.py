"""Every operation that a tool sends, what goes wrong with it, when, and how this BeeL is.

In every cell the ledger of BeeL, our journal and what was said agree at the end: nothing lost,
nothing done twice, nothing misreported, and no call without end.
"""

from collections.abc import Awaitable, Callable, Iterator
from itertools import product
from typing import Final

import pytest

from beel_mcp.settings import Settings
from tests.support.matrix.cells import Cell
from tests.support.matrix.jobs import JOBS, CustomersCreated, DraftCreated, ForeignersCreated, Job
from tests.support.matrix.reading import READINGS, Reading, reading_cells, try_reading
from tests.support.matrix.trial import World, trial_in
from tests.support.matrix.tried import Tried
from tests.support.matrix.writing import cells_of, try_write
from tests.support.servers.fault_process import FaultProcess, fault_process

pytestmark = pytest.mark.anyio

TODAY: Final = World("current", "company")
FLAT: Final = World("current", "flat")
LEGACY: Final = World("legacy", "flat")
KEYS: Final = ("honoured", "ignored", "refused")
# What becomes of keys and NIFs matters to what creates.
OTHERS: Final = [
    (CustomersCreated, World("current", "company", key, is_unique))
    for key, is_unique in product(KEYS, (True, False))
    if (key, is_unique) != ("honoured", True)
] + [
    *((DraftCreated, World("current", "company", key)) for key in KEYS[1:]),
    (ForeignersCreated, World("current", "flat", "ignored", nif_unique=False)),
    (CustomersCreated, World("legacy", "flat", "ignored", nif_unique=False)),
    (DraftCreated, World("legacy", "flat", "ignored")),
]
WRITES: Final = [*((kind, world) for kind in JOBS for world in (TODAY, FLAT, LEGACY)), *OTHERS]
TITLE: Final = "What goes wrong on the wire"
NOTE: Final = (
    "Each cell is one operation of one tool in one kind of BeeL, in which one thing goes wrong at"
    " one moment. Not covered: a BeeL that tells a lie in good form (a refusal of what it did, a"
    " record that it has called missing), mails and undoing, what is carried out late where BeeL"
    " knows neither key nor NIF, a process that has not asked yet who it is, and several processes."
)


@pytest.fixture(scope="module")
def beel() -> Iterator[FaultProcess]:
    with fault_process() as process:
        yield process


def name(one: object) -> str:
    """Name a parameter of a test."""
    if isinstance(one, World):
        nifs = "unique" if one.nif_unique else "not unique"
        return f"{one.generation} {one.routes} {one.idempotency} {nifs}"
    return str(getattr(one, "tool", "") or getattr(one, "name", one))


async def each(
    tried: Tried, cells: list[Cell], beel: FaultProcess, attempt: Callable[[Cell], Awaitable[None]]
) -> None:
    """Try every cell, each in a BeeL that is well again."""
    for cell in cells:
        with tried.one(cell):
            try:
                await attempt(cell)
            except Exception:
                beel.calm()
                raise


@pytest.mark.parametrize(("kind", "world"), WRITES, ids=name)
async def test_ledger_journal_and_what_was_said_agree(
    beel: FaultProcess, settings: Settings, kind: type[Job], world: World
) -> None:
    is_whole = world == TODAY and kind is not ForeignersCreated
    with Tried(TITLE, kind.name.partition(",")[0], NOTE) as tried:
        async with trial_in(world, beel, settings) as trial:
            cells = await cells_of(kind, trial, is_whole=is_whole)
            await each(tried, cells, beel, lambda cell: try_write(cell, kind, trial))


READS: Final = [
    (reading, world)
    for reading in READINGS
    for world in (TODAY, FLAT, LEGACY)
    if world == TODAY or reading.tool != "get_status"  # which asks nothing on flat routes
]


@pytest.mark.parametrize(("reading", "world"), READS, ids=name)
async def test_what_is_read_is_so_or_is_not_told(
    beel: FaultProcess, settings: Settings, reading: Reading, world: World
) -> None:
    with Tried(TITLE, reading.tool, NOTE) as tried:
        async with trial_in(world, beel, settings) as trial:
            cells, wanted = await reading_cells(reading, trial, is_whole=world == TODAY)
            await each(tried, cells, beel, lambda cell: try_reading(cell, reading, wanted, trial))
