"""What writes need of this process: BeeL, the journal, files to save, the rows of a batch."""

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from anyio import to_thread

from beel_mcp.api.models import Customer
from beel_mcp.context import AppState
from beel_mcp.errors import CallerError, NextCall
from beel_mcp.files.output import save_file
from beel_mcp.lists.batch import Batch
from beel_mcp.lists.export.workbook import backup_csv
from beel_mcp.lists.model import Row
from beel_mcp.usecases.advice import ListAdvice, filled_in, remark_of
from beel_mcp.writes.journal.records import Operation, WriteRow
from beel_mcp.writes.kinds.protocol import BatchRows, WriteContext
from beel_mcp.writes.run.execution import check_account


def write_context(state: AppState, owner: str) -> WriteContext:
    """Give what writes need of this process, for a caller."""

    async def save(name: str, make: Callable[[], bytes]) -> str:
        named = name.format(state.timing.now().date().isoformat())
        folder = state.settings.files_dir
        return str(await to_thread.run_sync(lambda: save_file(folder, named, make())))

    async def save_backup(customers: Sequence[Customer]) -> str:
        """Save customers as a list that validate_customers reads."""
        rows = (customer.model_dump(mode="json") for customer in customers)
        return await save("clientes {}.csv", lambda: backup_csv(list(rows)))

    async def save_previous(previous: Sequence[Mapping[str, Any]]) -> str:
        """Save old values for the person, as the changes that they are."""
        text = json.dumps({"update_customers": previous}, ensure_ascii=False, indent=2)
        return await save("clientes antes del cambio {}.json", text.encode)

    async def operation(operation_id: str) -> Operation:
        found = await find_operation(state, owner, operation_id)
        check_account(found, await state.beel.account())
        return found

    return WriteContext(
        beel=state.beel,
        journal=state.journal,
        advice=ListAdvice(state.beel),
        save_backup=save_backup,
        save_previous=save_previous,
        operation=operation,
    )


def batch_rows(batch: Batch, state: AppState) -> BatchRows:
    """Give the rows of a batch as a creation needs them."""
    importable = {row.number for row in batch.importable()}
    return BatchRows(
        rows=[write_row(row) for row in batch.rows if row.number in importable],
        left_out=[write_row(row) for row in batch.rows if row.number not in importable],
        payload_digest=batch.payload_digest,
        checked_at=(batch.validated_at or state.timing.now()).timestamp(),
        known_upto=batch.known_upto,
        processing_time_ms=batch.processing_time_ms,
        remarks=[
            remark_of(problem, row.name)
            for row in batch.rows
            if row.number in importable
            for problem in batch.verdict(row).warnings
        ]
        + filled_in(batch),
    )


def write_row(row: Row) -> WriteRow:
    """Give a row of a list as it is sent."""
    return WriteRow(row.number, row.payload(), name=row.name)


async def find_operation(state: AppState, owner: str, operation_id: str) -> Operation:
    """Find an operation of a caller.

    Raises:
        CallerError: there is none with this id.
    """
    operation = await state.journal.find(operation_id, owner)
    if operation is None:
        raise CallerError(
            "No operation of yours has this id."
            if operation_id.startswith("op_")
            else "This is no operation_id: those start with op_.",
            code="unknown_operation",
            next_calls=(NextCall("check_operation", {}, "lists today's, with their ids"),),
        )
    return operation
