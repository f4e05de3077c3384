"""What each address gives: the addresses, what is listed under them now, and what is read there."""

import json
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.resources import files
from typing import Any, Final

from anyio import to_thread
from mcp.server.lowlevel.helper_types import ReadResourceContents
from mcp.server.mcpserver import Context
from mcp.shared.uri_template import UriTemplate
from mcp.types import Resource, ResourceTemplate

from beel_mcp.answers.answer import plural
from beel_mcp.answers.operations import Told, tell
from beel_mcp.answers.outcome import RecordRow
from beel_mcp.cleaning import quoted
from beel_mcp.context import AppState, app_state, asking_of, caller
from beel_mcp.errors import CallerError
from beel_mcp.files.output import FILES, MOST_BYTES, WRITTEN, Note, Written, file_uri
from beel_mcp.lists.batch import Batch
from beel_mcp.lists.checks.fields import Problem, holds_account, mask_iban, safe_text
from beel_mcp.lists.model import Row
from beel_mcp.tools.status import get_status
from beel_mcp.writes.journal.records import Operation
from beel_mcp.writes.kinds.create_customers import check_books
from beel_mcp.writes.run.chunk_result import known_rows

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


STATUS: Final = "beel://status"
GUIDE: Final = "beel://guide"
BATCHES: Final = "beel://batches/"
OPERATIONS: Final = "beel://operations/"
JSON: Final = "application/json"
MARKDOWN: Final = "text/markdown"
LISTED: Final = 20
_MIME_TYPES: Final = {
    ".csv": "text/csv",
    ".zip": "application/zip",
    ".xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
}
_ANY: Final = "application/octet-stream"
Request = Context[AppState]


@dataclass(frozen=True)
class Family:
    """Addresses that differ in one part, and who reads what is there."""

    template: ResourceTemplate
    variable: str
    read: Callable[[Request, str], Awaitable[ReadResourceContents]]
    known: Callable[[AppState], list[str]]

    def match(self, uri: str) -> str | None:
        """Give the part by which an address of this family differs; None for any other."""
        found = UriTemplate.parse(self.template.uri_template).match(uri)
        return str(found[self.variable]) if found else None


async def read(uri: str, ctx: Request) -> ReadResourceContents:
    """Read what is at an address, for whoever asks.

    Raises:
        BeelMcpError: nothing is there for this caller, or it cannot be read.

    """
    if uri == STATUS:
        return await _read_status(ctx)
    if uri == GUIDE:
        return ReadResourceContents(guide(), MARKDOWN)
    for family in FAMILIES:
        if part := family.match(uri):
            return await family.read(ctx, part)
    raise CallerError(
        f"There is no resource at {quoted(uri, 120)}.",
        code="unknown_resource",
        remedy=f"There are {STATUS}, {GUIDE}, "
        f"{', '.join(family.template.uri_template for family in FAMILIES)}.",
    )


def listed(state: AppState) -> list[Resource]:
    """List what is always there, then the caller's open batches and files, the newest first."""
    always = [
        Resource(
            uri=STATUS,
            name="status",
            title="Where this server works",
            description="Environment, company, folders, limits, unsettled operations: get_status.",
            mime_type=JSON,
        ),
        Resource(
            uri=GUIDE,
            name="guide",
            title="In which order to call the tools",
            description="One short page.",
            mime_type=MARKDOWN,
        ),
    ]
    batches = [_batch(one) for one in state.batches.of(caller())[:LISTED]]
    return [*always, *batches, *(_file(note) for note in written().list()[:LISTED])]


def guide() -> str:
    """Give the page on the order of calls."""
    return files("beel_mcp.server").joinpath("guide.md").read_text(encoding="utf-8")


def open_batches(state: AppState) -> list[str]:
    """Name the caller's batches that are still kept, the last used first."""
    return [batch.batch_id for batch in state.batches.of(caller())]


def recent_operations(state: AppState) -> list[str]:
    """Name the caller's operations that are still kept, the newest first."""
    return [one.operation_id for one in state.journal.recent(caller())]


def saved_files(_: AppState) -> list[str]:
    """Name the files that were saved for who asks and are still there, the newest first."""
    return [note.name for note in written().list()]


def written() -> Written:
    """Find the files that were written for who asks."""
    found = WRITTEN.get()
    assert found is not None, "set by every request"
    return found


async def _read_status(ctx: Request) -> ReadResourceContents:
    state = app_state(ctx)
    answer = await get_status(
        state.beel, state.settings, state.journal, state.writes, asking_of(ctx), caller()
    )
    return ReadResourceContents(stamped(state, answer.structure()), JSON)


async def _read_batch(ctx: Request, batch_id: str) -> ReadResourceContents:
    state = app_state(ctx)
    batch = state.batches.get(batch_id, caller())
    expires_at = state.batches.expires_at(batch_id, caller())
    document = await to_thread.run_sync(batch_document, batch, expires_at)
    return ReadResourceContents(stamped(state, document), JSON)


async def _read_operation(ctx: Request, operation_id: str) -> ReadResourceContents:
    state = app_state(ctx)
    state.journal.recover(state.writes.running)
    operation = state.journal.find(operation_id, caller())
    if operation is None:
        raise CallerError(
            "There is no operation of yours with this operation_id.", code="unknown_operation"
        )
    check_books(operation, await state.beel.account())
    running = state.writes.running(operation_id) is not None
    told = tell(operation, known_rows(state.journal, operation), running=running)
    return ReadResourceContents(stamped(state, operation_document(operation, told)), JSON)


async def _read_file(_: Request, name: str) -> ReadResourceContents:
    return await to_thread.run_sync(_given_out, written(), name)


def _given_out(files_of_caller: Written, name: str) -> ReadResourceContents:
    data = files_of_caller.read(name)
    if holds_account(name, data):
        raise CallerError(
            f"The file {quoted(name, 120)} holds bank accounts, which never leave this computer"
            " in an answer.",
            code="file_private",
            remedy="The person can open it in the files folder that get_status names.",
        )
    mime_type = mime_type_of(name)
    if mime_type.startswith("text/"):
        try:
            return ReadResourceContents(data.decode("utf-8"), mime_type)
        except UnicodeDecodeError:
            pass  # as it is, then
    return ReadResourceContents(data, mime_type)


def mime_type_of(name: str) -> str:
    """Tell what kind of file a name of ours stands for."""
    return _MIME_TYPES.get("." + name.rpartition(".")[2].lower(), _ANY)


def _batch(batch: Batch) -> Resource:
    return Resource(
        uri=BATCHES + batch.batch_id,
        name=batch.batch_id,
        title=f"{_source(batch)}: {plural(len(batch.rows), 'row')}",
        mime_type=JSON,
    )


def _source(batch: Batch) -> str:
    return quoted(batch.source, 60) if batch.origin else "List from the conversation"


def _file(note: Note) -> Resource:
    return Resource(
        uri=file_uri(note.name),
        name=note.name,
        mime_type=mime_type_of(note.name),
        size=note.size_bytes,
    )


FAMILIES: Final = (
    Family(
        ResourceTemplate(
            uri_template=BATCHES + "{batch_id}",
            name="batch",
            title="A checked list",
            description="Every row of a batch and what is known of it, bank accounts masked.",
            mime_type=JSON,
        ),
        "batch_id",
        _read_batch,
        open_batches,
    ),
    Family(
        ResourceTemplate(
            uri_template=OPERATIONS + "{operation_id}",
            name="operation",
            title="What became of a write",
            description="The whole record of an operation; kept for 24 hours.",
            mime_type=JSON,
        ),
        "operation_id",
        _read_operation,
        recent_operations,
    ),
    Family(
        ResourceTemplate(
            uri_template=FILES + "{name}",
            name="file",
            title="A file that this server saved",
            description=f"Up to {MOST_BYTES // 1_000_000} MB, unchanged since, without bank"
            " accounts. Larger ones are in the files folder.",
        ),
        "name",
        _read_file,
        saved_files,
    ),
)
