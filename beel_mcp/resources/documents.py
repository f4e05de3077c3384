"""Whole records as JSON: a batch with all its rows, an operation with all that came of it."""

import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Final

from beel_mcp.context import AppState
from beel_mcp.guards.records import Operation
from beel_mcp.lists.batches import Batch
from beel_mcp.lists.checks import Problem, mask_iban, safe_text
from beel_mcp.lists.rows import Row
from beel_mcp.summaries.operations import Told
from beel_mcp.summaries.rows import RecordRow

_LONGEST: Final = 2_000


def stamped(state: AppState, facts: Mapping[str, Any]) -> str:
    """Write a document that says in which environment and company it stands."""
    company = state.beel.known_company
    place = {
        "environment": state.settings.environment,
        "company": company.label if company else None,
    }
    return json.dumps({**facts, **place}, ensure_ascii=False, indent=1)


def batch_document(batch: Batch, expires_at: datetime) -> dict[str, Any]:
    """Give a list as it was read and what is known of each row."""
    return _full(
        batch_id=batch.batch_id,
        expires_at=expires_at.isoformat(timespec="seconds"),
        validated_at=batch.validated_at and batch.validated_at.isoformat(timespec="seconds"),
        source=safe_text(batch.source, _LONGEST),
        read_as=batch.read_as and safe_text(batch.read_as, _LONGEST),
        total=len(batch.rows),
        importable=len(batch.importable()),
        counts=batch.counts(),
        columns_used=_safe(batch.columns_used),
        columns_ignored=_safe(batch.columns_ignored),
        values_changed=[_safe(change._asdict()) for change in batch.values_changed],
        rows=[_row(batch, row) for row in batch.rows],
    )


def operation_document(operation: Operation, told: Told) -> dict[str, Any]:
    """Give how an operation stands, and all of its record."""
    return _full(
        operation_id=operation.operation_id,
        tool=operation.kind,
        status=told.status,
        summary=told.summary,
        detail=told.detail or None,
        started_at=_moment(operation.started_at),
        ended_at=operation.ended_at and _moment(operation.ended_at),
        total=operation.total,
        counts=told.counts,
        backup_path=operation.saved_as,
        rows=[_outcome(row) for row in told.rows],
    )


def _row(batch: Batch, row: Row) -> dict[str, Any]:
    verdict = batch.verdict(row)
    return _full(
        row=row.number,
        kind=verdict.kind,
        values=_safe(row.payload()),
        errors=[_problem(one) for one in verdict.errors] or None,
        warnings=[_problem(one) for one in verdict.warnings] or None,
        existing_customer_id=verdict.existing_customer_id,
    )


def _outcome(row: RecordRow) -> dict[str, Any]:
    facts = row.model_dump(exclude_none=True)
    # An id is not touched: some look like an account.
    return {
        name: _safe(value) if name in {"name", "message"} else value
        for name, value in facts.items()
    }


def _problem(problem: Problem) -> dict[str, Any]:
    return _full(
        field=problem.field,
        message=problem.message,
        value=problem.value,
        suggestion=problem.suggestion,
    )


def _safe(value: Any, name: str = "") -> Any:
    """Clean every text, and mask every bank account."""
    if isinstance(value, str):
        return mask_iban(value) if name.endswith("iban") else safe_text(value, _LONGEST)
    if isinstance(value, Mapping):
        return {key: _safe(part, key) for key, part in value.items()}
    if isinstance(value, Sequence):
        return [_safe(part, name) for part in value]
    return value


def _full(**facts: Any) -> dict[str, Any]:
    return {name: value for name, value in facts.items() if value is not None}


def _moment(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="seconds")
