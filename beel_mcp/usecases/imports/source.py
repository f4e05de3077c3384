"""Where a list comes from: given inline, read from a file, or an earlier batch, then corrected."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import PurePath
from typing import Any

from anyio import to_thread

from beel_mcp.context import AppState
from beel_mcp.errors import CallerError
from beel_mcp.files.given_path import readings
from beel_mcp.files.import_file import read_import_file
from beel_mcp.lists.batch import Batch
from beel_mcp.lists.edits import Correction, count_changed, derive, spread
from beel_mcp.lists.inline import changed_values, read_inline
from beel_mcp.settings import Settings


@dataclass(frozen=True)
class ListRequest:
    """The arguments of validate_customers."""

    customers: Sequence[Any] | None
    source_path: str | None
    batch_id: str | None
    corrections: Sequence[Correction]
    drop_rows: Sequence[int] | None
    sheet: str | None
    columns: Sequence[tuple[str, str]] | None  # header and field

    def __post_init__(self) -> None:
        """Take an empty list beside another source for none: some apps fill in everything."""
        if not self.customers and (self.source_path or self.batch_id):
            object.__setattr__(self, "customers", None)

    def check(self) -> None:
        """Refuse arguments that do not go together.

        Raises:
            CallerError: they do not.
        """
        if [self.customers, self.source_path, self.batch_id].count(None) != 2:
            raise CallerError("Give exactly one of customers, source_path and batch_id.")
        if self.source_path is None and (self.sheet is not None or self.columns is not None):
            raise CallerError("sheet and columns are about a file: give them with source_path.")

    def origin(self) -> Mapping[str, Any]:
        """Give the arguments that read the same file again."""
        arguments: dict[str, Any] = {"source_path": self.source_path}
        if self.sheet is not None:
            arguments["sheet"] = self.sheet
        if self.columns:
            names = ("header", "field")
            arguments["columns"] = [dict(zip(names, pair, strict=True)) for pair in self.columns]
        return arguments


async def read_batch(
    state: AppState, request: ListRequest, caller: str
) -> tuple[Batch, Batch | None, int]:
    """Give the list that was asked for, the batch it was made of, if any, and what was corrected.

    The number is of the corrections that changed something.

    Raises:
        CallerError: it cannot be read, or the corrections do not fit it.
    """
    base = None
    if request.batch_id is not None:
        batch = base = await state.batches.get(request.batch_id, caller)
    elif request.customers is not None:
        rows = read_inline(request.customers)
        changes = changed_values(request.customers)
        batch = Batch(caller, "inline", rows, values_changed=changes)
    else:
        batch = await to_thread.run_sync(_from_file, request, state.settings, caller)
    corrected = 0
    if request.corrections or request.drop_rows:
        before = batch
        batch = derive(batch, request.corrections, request.drop_rows or ())
        every = spread(before, request.corrections, request.drop_rows or ())
        corrected = count_changed(before, batch, every)
    return batch, base, corrected


def _from_file(request: ListRequest, settings: Settings, owner: str) -> Batch:
    # Reading spreadsheets takes many modules; a server that reads none starts without them.
    from beel_mcp.lists.files.columns import check_chosen  # noqa: PLC0415
    from beel_mcp.lists.files.rows import read_list  # noqa: PLC0415

    path, files_dir = str(request.source_path), settings.files_dir
    name = PurePath(readings(path, files_dir)[-1]).name
    chosen = check_chosen(request.columns or ())
    data = read_import_file(path, settings.import_dirs, files_dir=files_dir)
    read = read_list(data, name, request.sheet, chosen)
    return Batch(owner, name, *read, origin=request.origin())
