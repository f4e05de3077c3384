"""The person and others at work in BeeL itself, past our server and past the ledger."""

from collections.abc import Callable, Mapping
from typing import Any, Final

from beel_mcp.sandbox.responses import instant
from beel_mcp.sandbox.seed import DEMO_COMPANY_ID, customer_id, invoice_id
from tests.support import firm, invoices
from tests.support.customers import customer
from tests.support.deactivations import crowd_id
from tests.support.machine.beel import Beel

FREE: Final = [customer_id(number) for number in (8, 10, 11, 12, 13, 1)]  # the last has invoices
BILLS: Final = [invoice_id(number) for number in (12, 13, 14, 16)]
DRAFTS: Final = range(9_000, 9_003)
GONE: Final = "2026-01-01T00:00:00.000000Z"


def people(beel: Beel) -> list[str]:
    """Give customers by id: some of the seed, and the last that came, there still or not."""
    came = beel.store.rows("SELECT id FROM customers WHERE rowid > 14 ORDER BY rowid DESC LIMIT 4")
    return [*FREE, *(row["id"] for row in reversed(came))]


def drafts(beel: Beel) -> list[str]:
    """Give drafts by id, or what were drafts, and an invoice that never was one here."""
    found = beel.store.rows(
        "SELECT id FROM invoices WHERE series = 'M26' OR created_at >= '2026-08-31' ORDER BY rowid"
    )
    return [*(row["id"] for row in found[-5:]), BILLS[0]]


def free_rows(beel: Beel, rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Give the rows that this BeeL would take, as far as their NIFs go."""
    if not beel.app.state.options.nif_unique:
        return rows
    there = beel.store.rows("SELECT nif FROM customers WHERE deleted_at IS NULL")
    taken = {row["nif"] for row in there} - {None}
    return [row for row in rows if row.get("nif") not in taken]


def put_drafts(beel: Beel) -> None:
    facts = {"customer": 1, "series": "M26", "status": "DRAFT", "issue_date": "2026-08-15"}
    drafts = [{**facts, "number": number, "lines": ["repair"]} for number in DRAFTS]
    invoices.insert(beel.app, drafts)


class Outsiders:
    """What others change; every change has a number, and `touched` the last one of a record."""

    def __init__(self, beel: Beel) -> None:
        self._beel = beel
        self.changes = 0
        self.touched: dict[str, int] = {}

    def act(self, deed: str, which: int) -> str:
        """Do one thing in BeeL; the record that it was done to."""
        self.changes += 1
        act, pool = DEEDS[deed]
        records = pool(self._beel)
        record = act(self, records[which % len(records)] if records else "", which)
        self.touched[record] = self.changes
        return record

    def meddle(self, record: str) -> None:
        """Change this very record, whatever it is."""
        is_invoice = record.startswith("f0") or not self._set("phone = ?", record, self._phone)
        if is_invoice and not self._issue(record, 0):
            return
        self.changes += 1
        self.touched[record] = self.changes

    @property
    def _phone(self) -> str:
        return f"+34 600 {self.changes:06d}"

    def _set(self, what: str, record: str, *values: Any) -> bool:
        statement = f"UPDATE customers SET {what} WHERE id = ? AND deleted_at IS NULL RETURNING id"
        return bool(self._beel.store.rows(statement, *values, record))

    def _edit(self, record: str, _: int) -> str:
        self._set("phone = ?", record, self._phone)
        return record

    def _delete(self, record: str, _: int) -> str:
        self._set("deleted_at = ?", record, GONE)
        return record

    def _idle(self, record: str, _: int) -> str:
        self._set("active = 0", record)
        return record

    def _wake(self, record: str, _: int) -> str:
        self._set("active = 1", record)
        return record

    def _create(self, _: str, which: int) -> str:
        row = customer(which % 5)
        taken = "SELECT 1 FROM customers WHERE nif = ? AND deleted_at IS NULL"
        if not self._beel.store.rows(taken, row["nif"]):
            moment = instant(self._beel.clocks.beel())
            keys = {"id": crowd_id(self.changes), "company_id": DEMO_COMPANY_ID, "active": 1}
            firm.insert(self._beel.app, {**keys, **row, "created_at": moment, "updated_at": moment})
        return str(row["legal_name"])

    def _issue(self, record: str, _: int) -> str:
        issued = self._beel.store.rows(
            "UPDATE invoices SET status = 'ISSUED', number = ?, invoice_number = ?"
            " WHERE id = ? AND status = 'DRAFT' AND deleted_at IS NULL RETURNING id",
            *(self.changes, f"M26-{self.changes:04d}", record),
        )
        return record if issued else ""

    def _drop(self, record: str, _: int) -> str:
        self._beel.store.execute(
            "UPDATE invoices SET deleted_at = ? WHERE id = ? AND status = 'DRAFT'", GONE, record
        )
        return record


Act = Callable[[Outsiders, str, int], str]
DEEDS: Final[Mapping[str, tuple[Act, Callable[[Beel], list[str]]]]] = {
    "edit": (Outsiders._edit, people),
    "delete": (Outsiders._delete, people),
    "idle": (Outsiders._idle, people),
    "wake": (Outsiders._wake, people),
    "create": (Outsiders._create, lambda _: []),
    "issue": (Outsiders._issue, drafts),
    "drop": (Outsiders._drop, drafts),
}
