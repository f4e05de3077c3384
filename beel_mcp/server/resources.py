"""The MCP resources: their URIs, which of them are listed, and the documents they give."""

import json
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from importlib.resources import files
from typing import Any, Final

from anyio import to_thread
from mcp.server.lowlevel.helper_types import ReadResourceContents
from mcp.server.mcpserver import Context
from mcp.shared.uri_template import UriTemplate
from mcp.types import Resource, ResourceTemplate

from beel_mcp.answers.answer import iso_time, plural
from beel_mcp.answers.operations import sentences_of
from beel_mcp.answers.outcome import Outcome, RecordRow, read_outcomes
from beel_mcp.cleaning import mask_iban, quoted, safe_text
from beel_mcp.context import AppState, app_state, asking_of, caller
from beel_mcp.errors import CallerError
from beel_mcp.files.output import FILES, MOST_BYTES, SavedFile, SavedFiles, file_uri
from beel_mcp.lists.batch import Batch
from beel_mcp.lists.checks.fields import holds_account
from beel_mcp.lists.model import Problem, Row
from beel_mcp.server.apps import CARD, read_card
from beel_mcp.tools.status import get_status
from beel_mcp.writes.run.execution import check_account

STATUS: Final = "beel://status"
GUIDE: Final = "beel://guide"
BATCHES: Final = "beel://batches/"
OPERATIONS: Final = "beel://operations/"
JSON: Final = "application/json"
MARKDOWN: Final = "text/markdown"
# So many batches and so many files are listed; the rest is found by completion.
LISTED: Final = 20
_TEXT_LIMIT: Final = 2_000
_MIME_TYPES: Final = {
    ".csv": "text/csv",
    ".zip": "application/zip",
    ".xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
}
Request = Context[AppState]


@dataclass(frozen=True)
class TemplateResource:
    """A URI template with one variable, how to read its resources, and the values that exist."""

    definition: ResourceTemplate
    variable: str
    read: Callable[[Request, str], Awaitable[ReadResourceContents]]
    values: Callable[[AppState], Awaitable[list[str]]]

    def match(self, uri: str) -> str | None:
        """Give the variable's value in a URI; None for a URI of another template."""
        found = UriTemplate.parse(self.definition.uri_template).match(uri)
        return str(found[self.variable]) if found else None


async def read_resource(uri: str, ctx: Request) -> ReadResourceContents:
    """Read a resource; a BeelMcpError if there is none for this caller, or it cannot be read."""
    if uri == STATUS:
        return await _read_status(ctx)
    if uri == GUIDE:
        return ReadResourceContents(guide(), MARKDOWN)
    if uri == CARD:
        return await read_card(app_state(ctx).settings.language)
    for template in TEMPLATES:
        if value := template.match(uri):
            return await template.read(ctx, value)
    raise CallerError(
        f"There is no resource at {quoted(uri, 120)}.",
        code="unknown_resource",
        remedy=f"There are {STATUS}, {GUIDE}, "
        f"{', '.join(template.definition.uri_template for template in TEMPLATES)}.",
    )


def list_resources(state: AppState) -> list[Resource]:
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
    batches = [_batch_resource(batch) for batch in state.batches.of(caller())[:LISTED]]
    saved = [_file_resource(file) for file in saved_by_caller(state).list()[:LISTED]]
    return [*always, *batches, *saved]


def guide() -> str:
    """Give the page on the order of calls."""
    return files(__package__).joinpath("guide.md").read_text(encoding="utf-8")


def instructions() -> str:
    """Give what a model is told of this server before anything else."""
    text = files(__package__).joinpath("instructions.md").read_text(encoding="utf-8")
    return " ".join(text.split())


def open_batches(state: AppState) -> list[str]:
    """List the caller's batches by id, the last used first."""
    return [batch.batch_id for batch in state.batches.of(caller())]


def saved_by_caller(state: AppState) -> SavedFiles:
    """Open the list of files that were saved for the caller."""
    return SavedFiles(state.settings.files_dir, state.settings.state_dir, caller())


async def _batch_ids(state: AppState) -> list[str]:
    return open_batches(state)


async def _recent_operations(state: AppState) -> list[str]:
    return [operation.operation_id for operation in await state.journal.recent(caller())]


async def _saved_files(state: AppState) -> list[str]:
    return [file.name for file in saved_by_caller(state).list()]


async def _read_status(ctx: Request) -> ReadResourceContents:
    state = app_state(ctx)
    answer = await get_status(
        state.beel, state.settings, state.journal, state.writes, asking_of(ctx), caller()
    )
    return _document(state, answer.structure())


async def _read_batch(ctx: Request, batch_id: str) -> ReadResourceContents:
    state = app_state(ctx)
    batch = await state.batches.get(batch_id, caller())
    expires_at = await state.batches.expires_at(batch_id, caller())
    return _document(state, await to_thread.run_sync(batch_document, batch, expires_at))


async def _read_operation(ctx: Request, operation_id: str) -> ReadResourceContents:
    state = app_state(ctx)
    await state.journal.recover(state.writes.running)
    operation = await state.journal.find(operation_id, caller())
    if operation is None:
        raise CallerError(
            "There is no operation of yours with this operation_id.", code="unknown_operation"
        )
    check_account(operation, await state.beel.account())
    [outcome] = await read_outcomes(state.journal, state.writes, operation_id)
    return _document(state, _operation_document(outcome))


async def _read_file(ctx: Request, name: str) -> ReadResourceContents:
    return await to_thread.run_sync(_file_content, saved_by_caller(app_state(ctx)), name)


def _file_content(saved: SavedFiles, name: str) -> ReadResourceContents:
    data = saved.read(name)
    if holds_account(name, data):
        raise CallerError(
            f"The file {quoted(name, 120)} holds bank accounts, which never leave this computer"
            " in an answer.",
            code="file_private",
            remedy="The person can open it in the files folder that get_status names.",
        )
    mime_type = _mime_type(name)
    if mime_type.startswith("text/"):
        with suppress(UnicodeDecodeError):  # given as bytes, then
            return ReadResourceContents(data.decode("utf-8"), mime_type)
    return ReadResourceContents(data, mime_type)


def _mime_type(name: str) -> str:
    suffix = "." + name.rpartition(".")[2].lower()
    return _MIME_TYPES.get(suffix, "application/octet-stream")


def _batch_resource(batch: Batch) -> Resource:
    source = quoted(batch.source, 60) if batch.origin else "List from the conversation"
    return Resource(
        uri=BATCHES + batch.batch_id,
        name=batch.batch_id,
        title=f"{source}: {plural(len(batch.rows), 'row')}",
        mime_type=JSON,
    )


def _file_resource(file: SavedFile) -> Resource:
    return Resource(
        uri=file_uri(file.name),
        name=file.name,
        mime_type=_mime_type(file.name),
        size=file.size_bytes,
    )


def _document(state: AppState, facts: Mapping[str, Any]) -> ReadResourceContents:
    """Write facts as JSON, with the environment and company they belong to."""
    text = json.dumps({**facts, **state.where()}, ensure_ascii=False, indent=1)
    return ReadResourceContents(text, JSON)


def batch_document(batch: Batch, expires_at: datetime) -> dict[str, Any]:
    """Describe a batch: how the list was read, and what is known of each row."""
    return _without_none(
        batch_id=batch.batch_id,
        expires_at=expires_at.isoformat(timespec="seconds"),
        validated_at=batch.validated_at and batch.validated_at.isoformat(timespec="seconds"),
        source=safe_text(batch.source, _TEXT_LIMIT),
        read_as=batch.read_as and safe_text(batch.read_as, _TEXT_LIMIT),
        total=len(batch.rows),
        importable=len(batch.importable()),
        counts=batch.counts(),
        columns_used=_safe(batch.columns_used),
        columns_ignored=[
            column.words(_TEXT_LIMIT, _TEXT_LIMIT) for column in batch.columns_ignored
        ],
        rows_left_out=[row.words(_TEXT_LIMIT, _TEXT_LIMIT) for row in batch.rows_left_out],
        values_changed=[
            _safe({**change._asdict(), "change": change.change.text()})
            for change in batch.values_changed
        ],
        rows=[_row(batch, row) for row in batch.rows],
    )


def _row(batch: Batch, row: Row) -> dict[str, Any]:
    verdict = batch.verdict(row)
    return _without_none(
        row=row.number,
        kind=verdict.kind,
        values=_safe(row.payload()),
        errors=[_problem(error) for error in verdict.errors] or None,
        warnings=[_problem(warning) for warning in verdict.warnings] or None,
        existing_customer_id=verdict.existing_customer_id,
    )


def _problem(problem: Problem) -> dict[str, Any]:
    return _without_none(
        field=problem.field,
        message=problem.text(),
        value=problem.value,
        suggestion=problem.hint(),
    )


def _operation_document(outcome: Outcome) -> dict[str, Any]:
    operation, sentences = outcome.operation, sentences_of(outcome.operation)
    return _without_none(
        operation_id=operation.operation_id,
        tool=operation.kind,
        status=outcome.status,
        summary=sentences.summary(outcome),
        detail=sentences.detail(outcome) or None,
        started_at=iso_time(operation.started_at),
        ended_at=operation.ended_at and iso_time(operation.ended_at),
        total=operation.total,
        counts=outcome.counts,
        backup_path=operation.saved_as,
        rows=[_record_row(row) for row in outcome.table()],
    )


def _record_row(row: RecordRow) -> dict[str, Any]:
    facts = row.model_dump(exclude_none=True)
    # An id is not touched: some look like an account.
    return facts | {name: _safe(facts[name]) for name in {"name", "message"} & facts.keys()}


def _safe(value: Any, name: str = "") -> Any:
    """Clean every text, and mask every bank account."""
    if isinstance(value, str):
        return mask_iban(value) if name.endswith("iban") else safe_text(value, _TEXT_LIMIT)
    if isinstance(value, Mapping):
        return {key: _safe(part, key) for key, part in value.items()}
    if isinstance(value, Sequence):
        return [_safe(part, name) for part in value]
    return value


def _without_none(**facts: Any) -> dict[str, Any]:
    return {name: value for name, value in facts.items() if value is not None}


TEMPLATES: Final = (
    TemplateResource(
        ResourceTemplate(
            uri_template=BATCHES + "{batch_id}",
            name="batch",
            title="A checked list",
            description="Every row of a batch and what is known of it, bank accounts masked.",
            mime_type=JSON,
        ),
        "batch_id",
        _read_batch,
        _batch_ids,
    ),
    TemplateResource(
        ResourceTemplate(
            uri_template=OPERATIONS + "{operation_id}",
            name="operation",
            title="What became of a write",
            description="The whole record of an operation; kept for 24 hours.",
            mime_type=JSON,
        ),
        "operation_id",
        _read_operation,
        _recent_operations,
    ),
    TemplateResource(
        ResourceTemplate(
            uri_template=FILES + "{name}",
            name="file",
            title="A file that this server saved",
            description=f"Up to {MOST_BYTES // 1_000_000} MB, unchanged since, without bank"
            " accounts. Larger ones are in the files folder.",
        ),
        "name",
        _read_file,
        _saved_files,
    ),
)
