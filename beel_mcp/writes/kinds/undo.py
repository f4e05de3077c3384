"""Undoes an update, or a deactivation to inactive: each customer gets its own old values back."""

import json
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from beel_mcp.api.customer_bodies import IDENTIFIERS, values_of
from beel_mcp.api.models import Customer
from beel_mcp.errors import CallerError, NextCall
from beel_mcp.settings import Language
from beel_mcp.writes.journal.plan import (
    UNCHANGED,
    Affected,
    LeftOut,
    LeftOutCode,
    Preview,
    digest_of,
)
from beel_mcp.writes.journal.records import RECORD_TTL, Operation, RowRecord
from beel_mcp.writes.kinds.deactivate_customers import READ_ONE_BY_ONE, CustomerDeactivation
from beel_mcp.writes.kinds.protocol import WriteContext, settling_call
from beel_mcp.writes.kinds.undo_statement import undo_statement
from beel_mcp.writes.kinds.update_customers import CustomerUpdate, left_out_as

# Which tool takes back what another one made, where there is one.
_INSTEAD: Final[Mapping[str, str]] = {
    "create_customers": "deactivate_customers takes the customers that it created, by their ids.",
    "create_draft_invoice": "delete_draft_invoice takes the draft that it created.",
}


class CustomerUndo(CustomerUpdate):
    """An operation of the last 24 hours: what it wrote goes, where it still stands."""

    def __init__(self, context: WriteContext, arguments: Mapping[str, Any]) -> None:
        super().__init__(context, {})
        self.arguments = {"undo": arguments["undo"]}
        self._terms: Mapping[str, str] = {}
        self._records: Mapping[str, RowRecord] = {}

    @property
    def terms(self) -> Mapping[str, str]:
        return self._terms

    async def preview(self) -> Preview:
        """Read the old values from the journal, and the customers from BeeL.

        Raises:
            CallerError: this operation cannot be undone, or not now.
        """
        operation = await self.context.operation(self.arguments["undo"])
        _check(operation, self.journal.time())
        kept = await self.journal.personal_data.records(operation)
        done = [
            record for records in kept.values() for record in records if record.verdict == "done"
        ]
        if len(done) < sum(chunk.done for chunk in operation.chunks) or any(
            replaced(operation, record) is None for record in done
        ):
            raise _expired("The old values of this operation are not kept any more.")
        if not done:
            raise CallerError(
                "That operation changed nothing, so there is nothing to put back.",
                code="nothing_to_undo",
            )
        self._records = {record.record_id: record for record in done}
        self._operation = operation
        of = "deactivation" if operation.kind != self.name else "update"
        self._terms = {
            "undo": operation.operation_id,
            "of": "undo" if "undo" in operation.terms else of,
            "at": str(operation.started_at),
        }
        ids = list(self._records)
        few = len(ids) <= READ_ONE_BY_ONE
        known = {} if few else await self.beel.customers.list_all(set(ids))
        return await self.preview_of(ids, known)

    def gone(self, record_id: str) -> LeftOut:
        record = self._records[record_id]
        return LeftOut(record_id, record.name, "not_found", "", record.identifier)

    def planned(self, record_id: str, customer: Customer) -> Affected | LeftOut:
        """Plan what goes back, field by field; parts of one matter go back together or not."""
        previous, after = replaced(self._operation, self._records[record_id]) or ({}, {})
        changes: dict[str, Any] = {}
        kept: dict[LeftOutCode, list[str]] = defaultdict(list)
        for paths in _matters(previous):
            old = {path: previous[path] for path in paths}
            back = _as_changes(old)
            code = self._kept(customer, old, {path: after.get(path) for path in paths}, back)
            if code is None:
                changes |= back
            elif code != UNCHANGED:
                kept[code] += paths
        if not changes:
            return left_out_as(record_id, customer, next(iter(kept), UNCHANGED))
        facts = {"changes": json.dumps(changes, ensure_ascii=False)}
        if kept:
            facts["kept"] = json.dumps(kept)
        return self.affected(record_id, customer, changes, facts)

    def changes_of(self, affected: Affected) -> Mapping[str, Any]:
        changes: dict[str, Any] = json.loads(affected.facts["changes"])
        return changes

    def statement(self, preview: Preview, environment: str, language: Language) -> str:
        return undo_statement(environment, preview, self.changes_of, language)

    def _kept(
        self,
        customer: Customer,
        old: Mapping[str, Any],
        after: Mapping[str, Any],
        back: Mapping[str, Any],
    ) -> LeftOutCode | None:
        """Say why a matter stays as it is: so already, changed since, or not possible here."""
        now = digest_of(values_of(customer, old))
        if now == digest_of(old):
            return UNCHANGED
        if now != digest_of(after):  # guard: what others wrote since stays theirs
            return "changed_since"
        # Without any identifier a customer cannot be any more.
        return self.refusal(customer, back) if back else "identifier_fixed"


def replaced(
    operation: Operation, record: RowRecord
) -> tuple[Mapping[str, Any], Mapping[str, Any]] | None:
    """Give the old values of a record and what was written in their place; None: not kept."""
    if operation.kind == CustomerDeactivation.name:
        return {"active": True}, {"active": False}
    if record.previous is None or record.after is None:
        return None
    return record.previous, record.after


def can_be_undone(operation: Operation) -> bool:
    """Tell whether an operation is of a kind that `undo` takes."""
    if operation.kind == CustomerDeactivation.name:
        return not CustomerDeactivation.removes(operation.terms)
    return operation.kind == CustomerUpdate.name


def recreating_call(operation: Operation) -> NextCall | None:
    """Give the call that leads to what a deletion took away, from the list that was saved."""
    if operation.kind != CustomerDeactivation.name or not operation.saved_as:
        return None
    return NextCall(
        "validate_customers",
        {"source_path": operation.saved_as},
        "to create them again: with new ids, and without their links to invoices",
    )


def _check(operation: Operation, now: float) -> None:
    """Refuse what has no way back here, or none yet."""
    if not can_be_undone(operation):
        again = recreating_call(operation)
        raise CallerError(
            "A deletion cannot be undone: these customers can only be created again, with new ids;"
            " what linked to the old ones does not come back."
            if again
            else f"What {operation.kind} did cannot be undone this way.",
            code="cannot_be_undone",
            remedy=_INSTEAD.get(operation.kind, ""),
            next_calls=(again,) if again else (),
        )
    if now - operation.started_at > RECORD_TTL.total_seconds():
        raise _expired("This operation is older than 24 hours; its old values are gone.")
    if operation.is_open or operation.ended_at is None:
        raise CallerError(
            "What became of all of its records is not known yet. Nobody was asked.",
            code="operation_unsettled",
            retryable=True,
            next_calls=(settling_call(operation.operation_id),),
        )


def _expired(message: str) -> CallerError:
    return CallerError(
        message,
        code="undo_expired",
        remedy="The person may have them in a file that was saved before (previous_path).",
    )


def _matters(previous: Mapping[str, Any]) -> Iterator[Sequence[str]]:
    """Put paths together that mean something only together, such as those of an address."""
    matters: dict[str, list[str]] = defaultdict(list)
    for path in previous:
        top = path.partition(".")[0]
        matters[IDENTIFIERS[0] if top in IDENTIFIERS else top].append(path)
    yield from matters.values()


def _as_changes(old: Mapping[str, Any]) -> dict[str, Any]:
    """Give old values as changes; one identifier takes the place of the other by itself."""
    changes: dict[str, Any] = {}
    for path, value in old.items():
        top, _, part = path.partition(".")
        if isinstance(value, Mapping):
            changes |= {f"{path}.{name}": inner for name, inner in value.items()}
        elif value is not None or top not in IDENTIFIERS or part == "country_code":
            changes[path] = value
    return changes
