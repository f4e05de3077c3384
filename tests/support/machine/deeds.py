"""What was asked for and agreed to, and what the journal says became of it."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from tests.support.machine.beel import Beel, Mark

DONE: Final[Mapping[str, str]] = {
    "create_customers": "created",
    "create_draft_invoice": "created",
    "update_customers": "updated",
    "delete_draft_invoice": "deleted",
    "send_invoices": "sent",
}
CREATING: Final = ("create_customers", "create_draft_invoice")
UNSENT: Final = ("READY", "NOT_DONE")
OPEN: Final = ("PENDING", "UNKNOWN")
CHUNKS: Final = (
    "SELECT operation_id, chunk, state, count, done, failed, attempts FROM chunks ORDER BY rowid"
)
OPERATIONS: Final = (
    "SELECT rowid, operation_id, kind, plan_id, confirmed_by FROM operations WHERE rowid > ?"
    " ORDER BY rowid"
)


@dataclass(frozen=True)
class Asked:
    """What a call asked for: a tool, its arguments, and the records that they name."""

    tool: str
    arguments: Mapping[str, Any]
    records: tuple[str, ...]

    @property
    def done(self) -> str:
        """The class of records that an answer says were written."""
        if self.tool == "deactivate_customers":
            return "deactivated" if self.arguments["mode"] == "inactive" else "deleted"
        return DONE.get(self.tool, "")

    @property
    def columns(self) -> set[str] | None:
        """The columns of a customer that may change; None: those of what is undone."""
        if self.tool == "deactivate_customers":
            return {"active"}
        if "undo" in self.arguments:
            return None
        return set(self.arguments.get("changes", ()))


@dataclass
class Plan:
    """A plan as an app without forms was told it: its sentence, and when that was by our clock."""

    plan_id: str
    statement: str
    asked: Asked
    made_at: float
    seen: int  # how many changes of others had been made by then
    is_spent: bool = False


@dataclass
class Deed:
    """One operation, as the oracle of the fault matrix takes it."""

    asked: Asked
    operation_id: str
    beel: Beel
    is_muddled: bool = False  # others did the same, or took it back, before it was settled
    marks: list[Mark] = field(default_factory=list)

    @property
    def done(self) -> str:
        return self.asked.done

    @property
    def creates(self) -> bool:
        return self.asked.tool in CREATING or self.asked.tool == "send_invoices"

    def effects(self) -> Counter[str]:
        """Tell how often each record was written by this operation."""
        return sum((self.beel.sent[mark].effects for mark in self.marks), Counter())

    def achieved(self) -> Counter[str]:
        """Tell for which records that is so which was wanted, whoever did it."""
        return self.effects() | Counter(one for one in self.asked.records if self._is_so(one))

    def _is_so(self, record: str) -> bool:
        tool, arguments = self.asked.tool, self.asked.arguments
        if tool == "create_customers":
            return bool(self._rows("legal_name = ? AND deleted_at IS NULL", record))
        if tool == "create_draft_invoice":
            text = arguments["lines"][0]["description"]
            wanted = "SELECT 1 FROM invoices WHERE customer_id = ? AND instr(lines, ?)"
            return bool(self.beel.store.rows(wanted, record, text))
        if tool == "delete_draft_invoice":
            wanted = "SELECT 1 FROM invoices WHERE id = ? AND deleted_at IS NOT NULL"
            return bool(self.beel.store.rows(wanted, record))
        if tool == "deactivate_customers":
            is_gone = "deleted_at IS NOT NULL" if arguments["mode"] == "delete" else "NOT active"
            if self.beel.app.state.options.generation == "legacy":
                is_gone = "NOT active"
            return bool(self._rows(f"id = ? AND {is_gone}", record))
        if tool == "update_customers" and "changes" in arguments:
            [row] = self._rows("id = ?", record) or [{}]
            return all(row.get(name) == value for name, value in arguments["changes"].items())
        return tool == "update_customers"

    def _rows(self, where: str, *values: Any) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self.beel.store.rows(
            f"SELECT * FROM customers WHERE {where}", *values
        )
        return found


@dataclass(frozen=True)
class Request:
    """A chunk as the journal has it."""

    mark: Mark
    state: str
    count: int
    done: int
    failed: int
    attempts: int

    @classmethod
    def of(cls, row: Sequence[Any]) -> "Request":
        operation_id, chunk, *rest = row
        return cls(Mark(operation_id, chunk), *rest)

    @property
    def is_open(self) -> bool:
        return self.state in OPEN
