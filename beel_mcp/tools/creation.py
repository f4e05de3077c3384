"""Creates the importable rows of a batch once, and says what became of every row."""

from collections.abc import Sequence
from datetime import datetime

import anyio

from beel_mcp.api.bulk import BulkCreation
from beel_mcp.api.client import BeelClient
from beel_mcp.errors import CallerError, FieldError, InvalidRequestError, UnknownOutcomeError
from beel_mcp.lists.batches import Batch
from beel_mcp.lists.checks import Problem
from beel_mcp.lists.rows import Row, Verdict
from beel_mcp.summaries.answer import capped, plural
from beel_mcp.summaries.batches import (
    CreatedCustomer,
    CreationAnswer,
    CreationCounts,
    problem_groups,
)

# What is left of a call's 45 s for the answer itself.
WRITE_LIMIT_S = 42.0


def check_count(batch: Batch, expected_count: int | None, *, skip_problems: bool) -> None:
    """Hold the number that the person agreed to against what would be created.

    Raises:
        CallerError: they differ, or the batch has nothing that can be created.

    """
    importable = len(batch.importable())
    if expected_count is None:
        raise CallerError(
            f"create_customers needs expected_count with batch_id; {importable} rows of this"
            " batch can be created.",
            field_errors=(FieldError("expected_count", "is required with batch_id"),),
        )
    if not importable:
        raise CallerError("No row of this batch can be created.", code="nothing_importable")
    would_create = importable if skip_problems or importable == len(batch.rows) else 0
    if expected_count != importable:
        raise CallerError(
            f"expected_count is {expected_count}, but {importable} of {len(batch.rows)} rows can"
            " be created.",
            code="wrong_count",
            field_errors=(FieldError("expected_count", f"must be {importable}"),),
            remedy="Ask the person again with the right number."
            if would_create
            else "The others have problems: ask the person whether to leave them out.",
        )


def nothing_created(batch: Batch) -> CreationAnswer:
    """Say which rows keep the batch from being created."""
    others = len(batch.rows) - len(batch.importable())
    groups, more = problem_groups(batch)
    return CreationAnswer(
        status="nothing_done",
        summary=f"Nothing was created: {plural(others, 'row')} of {len(batch.rows)} "
        f"{'has a problem' if others == 1 else 'have problems'}.",
        total=len(batch.rows),
        counts=CreationCounts(not_attempted=len(batch.rows)),
        problems=groups,
        more_problems=more,
    )


async def create(beel: BeelClient, batch: Batch, now: datetime) -> CreationAnswer:
    """Create the importable rows with one request; the others are left out."""
    rows = batch.importable()
    # The key belongs to this batch: the same decision sent again is the same request.
    key = f"bmcp1-create_customers-{batch.batch_id}-0"
    try:
        with anyio.fail_after(WRITE_LIMIT_S):
            creation = await beel.customers.create_bulk(
                [row.payload() for row in rows], idempotency_key=key
            )
    except InvalidRequestError as error:
        return _refused(batch, rows, error, now)
    except (UnknownOutcomeError, TimeoutError):
        return _unknown(batch, rows)
    return _created(batch, rows, creation)


def _created(batch: Batch, rows: Sequence[Row], creation: BulkCreation) -> CreationAnswer:
    ids = {created.index: created.customer_id for created in creation.created}
    customers = [
        CreatedCustomer(row=row.number, name=row.name, customer_id=ids.get(index))
        for index, row in enumerate(rows)
    ]
    shown, more = capped(customers)
    skipped = len(batch.rows) - len(rows)
    left_out = f"; {plural(skipped, 'row')} left out because of problems" if skipped else ""
    return CreationAnswer(
        status="done",
        summary=f"Created {plural(len(rows), 'customer')} of {len(batch.rows)}{left_out}.",
        total=len(batch.rows),
        counts=CreationCounts(created=len(rows), skipped=skipped),
        created=shown,
        more_created=more,
    )


def _refused(
    batch: Batch, rows: Sequence[Row], error: InvalidRequestError, now: datetime
) -> CreationAnswer:
    """BeeL takes all rows of a request or none: one bad row refuses the others."""
    verdicts: dict[int, Verdict] = {}
    for fault in error.field_errors:
        if fault.index is not None and fault.index < len(rows):
            row = rows[fault.index]
            name = fault.field.rpartition("].")[2] or "row"
            earlier = verdicts.get(row.number, Verdict("error"))
            errors = (*earlier.errors, Problem(name, fault.message, severity="error"))
            verdicts[row.number] = Verdict("error", errors)
    groups, more = problem_groups(batch.with_verdicts(verdicts, now))
    return CreationAnswer(
        status="nothing_done",
        summary=f"BeeL refused the {plural(len(rows), 'customer')}; none was created.",
        total=len(batch.rows),
        counts=CreationCounts(refused=len(rows), skipped=len(batch.rows) - len(rows)),
        problems=groups,
        more_problems=more,
        detail=error.message,
    )


def _unknown(batch: Batch, rows: Sequence[Row]) -> CreationAnswer:
    return CreationAnswer(
        status="unknown",
        summary=f"BeeL did not answer. The {plural(len(rows), 'customer')} may or may not exist.",
        total=len(batch.rows),
        counts=CreationCounts(unknown=len(rows), skipped=len(batch.rows) - len(rows)),
        detail="Do not create them again. Wait a minute, then validate the same list: customers"
        " that exist show as duplicates.",
    )
