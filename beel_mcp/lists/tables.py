"""A file of any kind becomes the table of a list: its headers, its rows, and how it was found."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from beel_mcp.errors import CallerError
from beel_mcp.lists import refusals
from beel_mcp.lists.columns import Layout, find_headers, headers_of, read_layout
from beel_mcp.lists.containers import kind_of
from beel_mcp.lists.csv_text import read_csv
from beel_mcp.lists.grid import MAX_BYTES, MAX_COLUMNS, MAX_ROWS, Grid, Kind, Line
from beel_mcp.lists.headings import is_ours
from beel_mcp.lists.spreadsheets import listed, read_sheets

__all__ = ["MAX_BYTES", "MAX_ROWS", "Table", "read_table"]


@dataclass(frozen=True)
class Table:
    """The headers of a list and its rows, unchanged.

    A row has a cell for each header, and more only if they hold text.
    """

    headers: tuple[str, ...]
    rows: tuple[Line, ...]
    layout: Layout
    grid: Grid = field(repr=False)
    repeated: int = 0  # times that the line of the headers stands below itself, as in prints

    @property
    def read_as(self) -> str | None:
        """What was decided while reading, if it was more than taking the file as it is."""
        parts = []
        if self.grid.sheet is not None:
            parts.append(f'sheet "{self.grid.sheet}"')
        if self.layout.line.number != 1:
            parts.append(f"headers in row {self.layout.line.number}")
        if self.grid.encoding:
            parts.append(f"{self.grid.encoding} text")
        if self.repeated:
            parts.append(f"headers left out where they stand again: {self.repeated}")
        return ", ".join(parts) or None


def read_table(
    data: bytes, name: str, sheet: str | None = None, chosen: Mapping[str, str] | None = None
) -> Table:
    """Read a CSV, XLSX, XLS or ODS file: the named sheet, or the only one that looks like a list.

    A row's number is the one that a spreadsheet shows: the first row is 1 and blank rows count.

    Raises:
        CallerError: the file holds no such list; `code` says why, the message what to do.

    """
    kind = kind_of(data, name)
    grid = _grid(data, name, kind, sheet, chosen or {})
    widest = max(len(line.cells) for line in grid.lines)
    if widest > MAX_COLUMNS:
        raise refusals.too_many_columns(name, widest)
    index, _ = find_headers(grid, chosen or {})
    line = grid.lines[index]
    below = [other for other in grid.lines[index + 1 :] if other.cells != line.cells]
    repeated = len(grid.lines) - index - 1 - len(below)
    if kind != "csv":
        # A sheet may hold notes beside the list; in text a surplus cell is a broken row.
        line = Line(line.number, line.cells + ("",) * (widest - len(line.cells)))
    layout = read_layout(line, name, chosen or {})
    headers = headers_of(line)
    if not below:
        raise refusals.no_rows(name)
    if len(below) > MAX_ROWS:
        raise refusals.too_many_rows(name, len(below))
    width = len(headers)
    return Table(
        headers,
        tuple(row if len(row.cells) >= width else _padded(row, width) for row in below),
        layout,
        grid,
        repeated,
    )


def _grid(data: bytes, name: str, kind: Kind, sheet: str | None, chosen: Mapping[str, str]) -> Grid:
    if kind == "csv":
        if sheet is not None:
            raise CallerError(
                f"{refusals.shown(name)} is a CSV file: it has no sheets.",
                code="file_sheet",
                remedy="Call again without sheet.",
            )
        grids: Sequence[Grid] = [read_csv(data, name)]
    else:
        grids = read_sheets(data, name, kind, sheet)
    grids = [grid for grid in grids if grid.lines]
    # Of a report of ours the first sheet is the list, whatever stands in the others.
    grids = [grid for grid in grids if _is_reported(grid)] or grids
    if len(grids) > 1:
        # The sheet of the list has the most headers; sheets for notes or codes have none.
        grids = [grid for grid in grids if find_headers(grid, chosen)[1] >= 2] or grids
    if not grids:
        raise refusals.empty(name)
    if len(grids) > 1:
        raise CallerError(
            f"{refusals.shown(name)} has several sheets that may be the list.",
            code="file_sheet",
            remedy="Ask the person which one, and name it in sheet:"
            f" {listed([grid.sheet or '' for grid in grids])}.",
        )
    return grids[0]


def _is_reported(grid: Grid) -> bool:
    return sum(map(is_ours, headers_of(grid.lines[0]))) >= 2


def _padded(row: Line, width: int) -> Line:
    return Line(row.number, row.cells + ("",) * (width - len(row.cells)))
