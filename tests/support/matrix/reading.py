"""How a cell of a tool that reads is tried: it tells what is so, or that it cannot."""

from dataclasses import dataclass
from typing import Any, Final

from beel_mcp.sandbox.seed import invoice_id
from tests.support.customers import customer
from tests.support.matrix.cells import Cell, Place, some_of, with_a_read
from tests.support.matrix.oracle import MisreportedError, check_cost
from tests.support.matrix.trial import Trial
from tests.support.matrix.writing import armed
from tests.support.people.evidence import Told


@dataclass(frozen=True)
class Reading:
    """A call that reads, and the parts of its answer that say what is in BeeL."""

    tool: str
    arguments: dict[str, Any]
    facts: tuple[str, ...]

    async def call(self, trial: Trial) -> Told:
        return await trial.call(self.tool, **self.arguments)

    def told(self, answer: Told) -> dict[str, Any]:
        return {name: answer.get(name) for name in self.facts}


READINGS: Final = (
    Reading("get_status", {}, ("routes", "scopes")),
    Reading(
        "validate_customers",
        {"customers": [customer(9_000_001), customer(9_000_002)]},
        ("counts", "importable"),
    ),
    Reading("find_customers", {"search": "demo"}, ("customers", "total", "suggestions")),
    Reading("find_customers", {"missing": ["email"]}, ("customers", "total")),
    Reading("find_invoices", {"quarter": "2026-Q3", "limit": 3}, ("invoices", "total", "sums")),
    Reading(
        "download_invoices_zip",
        {"invoice_ids": [invoice_id(1), invoice_id(2)]},
        ("requested", "counts", "included", "missing"),
    ),
    Reading("download_customer_template", {}, ("size_bytes",)),
)


async def reading_cells(
    reading: Reading, trial: Trial, *, is_whole: bool
) -> tuple[list[Cell], dict[str, Any]]:
    """Give the cells of a reading in this world, and what it tells when all is well."""
    trial.begin()
    answer = await reading.call(trial)
    requests = trial.calls[-1][3]
    wrongs = list(with_a_read())
    if not is_whole:
        wrongs = some_of(wrongs, trial.world)
    places = [Place(one, 0, requests.index(one)) for one in dict.fromkeys(requests)]
    return [
        Cell(reading.tool, "call", place, wrong, trial.world)
        for place in places
        for wrong in wrongs
    ], reading.told(answer)


async def try_reading(cell: Cell, reading: Reading, wanted: dict[str, Any], trial: Trial) -> None:
    """Try a cell.

    Raises:
        AssertionError: something is told that is not so, or something was changed.
    """
    trial.begin()
    place = cell.place
    before = len(trial.beel.app.state.store.ledger())
    fault = cell.wrong.fault(place.operation, place.nth, place.position)
    answer, fired = await armed(trial, [fault], lambda: reading.call(trial))
    assert fired or cell.wrong.action == "stale", "the fault did not happen"
    assert len(trial.beel.app.state.store.ledger()) == before
    _check(reading, answer, wanted, is_harmless=cell.wrong.is_harmless)
    check_cost(trial)


def _check(reading: Reading, answer: Told, wanted: dict[str, Any], *, is_harmless: bool) -> None:
    if answer["status"] == "error":
        if is_harmless:
            raise MisreportedError(f"harmless, and yet: {answer['summary']}")
        is_alarm = answer["code"] == "dry_run_not_honoured"
        if answer["changed"] != ("unknown" if is_alarm else "nothing"):
            raise MisreportedError(f"{answer['code']}: changed {answer['changed']}")
        if answer["code"] == "internal_error":
            raise MisreportedError(f"a defect: {answer['summary']}")
        return
    says_so = answer["status"] == "partial" or answer.get("remark") or answer.get("missing")
    told = reading.told(answer)
    if told != wanted and not says_so:
        raise MisreportedError(f"told {told}, but it is {wanted}")
