"""A file of any kind becomes the table of a list: its rows, and which column fills which field."""

import dataclasses
import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple

from beel_mcp.cleaning import clean, is_plain, quoted, safe_text
from beel_mcp.errors import CallerError, FieldError
from beel_mcp.lists.files.container import ListFile, open_file
from beel_mcp.lists.files.csv import read_csv
from beel_mcp.lists.files.footers import is_footer
from beel_mcp.lists.files.sheet import MAX_COLUMNS, MAX_ROWS, Cell, Grid, Line, file_error, listed
from beel_mcp.lists.files.spreadsheet import read_sheets
from beel_mcp.lists.headers import (
    FIRST_NAME,
    SECOND_EMAIL,
    SECOND_PHONE,
    SURNAME,
    TEMPLATE,
    fields_of,
    is_ours,
    key_of,
    meaning_of,
    second_meaning_of,
    unknown_field,
)
from beel_mcp.lists.model import FIELDS, LeftOut
from beel_mcp.spelling import NO_VALUES

IGNORE: Final = "ignore"
_LINES_SEARCHED: Final = 40
_HEADER_LENGTH: Final = 60
_EXAMPLE_LENGTH: Final = 40
# A list in a language that we do not know has several columns with names of a few words.
_FEWEST_UNKNOWN: Final = 3
_WORDING: Final = re.compile(r"[^\W\d_][^\W\d_.\-/()]*(?:[ .\-_/()]+[^\W\d_]*){0,3}")
_COMPANY: Final = frozenset({"empresa", "company"})
_SECOND: Final = {"phone": SECOND_PHONE, "email": SECOND_EMAIL}


class Column(NamedTuple):
    """A column that fills a field: its cell in each row from 0, its header, the field."""

    cell: int
    header: str
    field: str


@dataclass(frozen=True)
class Layout:
    """How a sheet was understood: the line of its headers, and its columns."""

    line: Line
    used: tuple[Column, ...]
    ignored: tuple[tuple[int, str], ...]  # the cell in each row, and the header


@dataclass(frozen=True)
class Table:
    """The headers of a list and its rows, unchanged.

    A row has a cell for each header, and more only if they hold text.
    """

    headers: tuple[str, ...]
    rows: tuple[Line, ...]
    layout: Layout
    grid: Grid = dataclasses.field(repr=False)
    repeated: int = 0  # times that the line of the headers stands below itself, as in prints
    left_out: tuple[LeftOut, ...] = ()  # rows that are no customers: totals, footers

    @property
    def read_as(self) -> str | None:
        """What was decided while reading, if it was more than taking the file as it is."""
        parts = []
        if self.grid.sheet is not None:
            parts.append(f'sheet "{self.grid.sheet}"')
        if self.layout.line.number != 1:
            parts.append(f"headers in row {self.layout.line.number}")
        if hidden := [c.header for c in self.layout.used if c.cell in self.grid.hidden_columns]:
            parts.append(f"with what the sheet hides: {listed(hidden)} (ask whether it is meant)")
        if self.grid.encoding:
            parts.append(self.grid.encoding)
        if self.repeated:
            parts.append(f"headers left out where they stand again: {self.repeated}")
        return ", ".join(parts) or None

    def columns_ignored(self) -> tuple[LeftOut, ...]:
        """Name the columns that fill no field, each with the first value in it."""
        texts = ((header, (row.cells[i] for row in self.rows)) for i, header in self.layout.ignored)
        return tuple(
            LeftOut(header, _shown(next((cell for cell in cells if cell != ""), "")))
            for header, cells in texts
        )


def _shown(cell: Cell) -> str:
    return safe_text(str(cell), _EXAMPLE_LENGTH)


def _padded(row: Line, width: int) -> Line:
    missing = width - len(row.cells)
    return Line(row.number, row.cells + ("",) * missing) if missing > 0 else row


def read_table(
    data: bytes, name: str, sheet: str | None = None, chosen: Mapping[str, str] | None = None
) -> Table:
    """Read a CSV, XLSX, XLS or ODS file: the named sheet, or the only one that looks like a list.

    A row's number is the one that a spreadsheet shows: the first row is 1 and blank rows count.

    Raises:
        CallerError: the file holds no such list; `code` says why, the message what to do.
    """
    file, chosen = open_file(data, name), chosen or {}
    grid = _grid(file, sheet, chosen)
    widest = max(len(line.cells) for line in grid.lines)
    if widest > MAX_COLUMNS:
        raise file_error("too_many_columns", name, count=widest, limit=MAX_COLUMNS)
    index, line, _ = _find_headers(grid, chosen)
    again = (line.cells, grid.lines[index].cells)
    below = [other for other in grid.lines[index + 1 :] if other.cells not in again]
    repeated = len(grid.lines) - index - 1 - len(below)
    if file.format != "csv":
        # A sheet may hold notes beside the list; in text a surplus cell is a broken row.
        line = _padded(line, widest)
    headers = tuple(map(str, line.cells))
    layout = _layout(line, headers, name, chosen)
    rows, left_out = _customers([_padded(row, len(headers)) for row in below], layout, grid)
    if not rows:
        raise file_error("no_rows", name)
    if len(rows) > MAX_ROWS:
        raise file_error("too_many_rows", name, total=len(rows), limit=MAX_ROWS)
    return Table(headers, rows, layout, grid, repeated, left_out)


def _customers(
    lines: Sequence[Line], layout: Layout, grid: Grid
) -> tuple[tuple[Line, ...], tuple[LeftOut, ...]]:
    """Part the rows of customers from totals, footers and rows without a value of any field.

    What a report of ours has a row for is a customer, however little is known of it.
    """
    used = [column.cell for column in layout.used]
    ours = [i for i, header in enumerate(map(str, layout.line.cells)) if is_ours(header)]
    lost = {row for row, _ in grid.lost}
    rows, left_out = [], []
    for line in lines:
        cells = line.cells
        holds = any(cells[i] != "" for i in used) or line.number in lost
        if any(cells[i] != "" for i in ours) or (holds and not is_footer(cells)):
            rows.append(line)
        else:
            first = next(cell for cell in cells if cell != "" and str(cell).strip())
            left_out.append(LeftOut(str(line.number), _shown(first)))
    return tuple(rows), tuple(left_out)


def _grid(file: ListFile, sheet: str | None, chosen: Mapping[str, str]) -> Grid:
    if file.format == "csv":
        if sheet is not None:
            raise file_error("no_sheets", file.name)
        grids: Sequence[Grid] = [read_csv(file.data, file.name, chosen)]
    else:
        grids = read_sheets(file, sheet)
    grids = [grid for grid in grids if grid.lines]
    # Of a report of ours the first sheet is the list, whatever stands in the others.
    reports = [grid for grid in grids if sum(map(is_ours, map(str, grid.lines[0].cells))) >= 2]
    grids = reports or grids
    if len(grids) > 1:
        # The sheet of the list has the most headers; sheets for notes or codes have none.
        grids = [grid for grid in grids if _find_headers(grid, chosen)[2] >= 2] or grids
    if not grids:
        raise file_error("empty", file.name)
    if len(grids) > 1:
        names = listed([grid.sheet or "" for grid in grids])
        raise file_error("several_sheets", file.name, sheets=names)
    return grids[0]


def _find_headers(grid: Grid, chosen: Mapping[str, str]) -> tuple[int, Line, int]:
    """Find the line that looks most like headers, what it says, and how many cells look so.

    The named columns count before the known ones; the first of equal lines wins. A line without
    a column for the name counts only if nothing better is found. Headers in two lines, as above
    merged cells, are one line: where the lower is blank the upper counts.
    """
    best, most = (0, grid.lines[0]), (0, False, 0)
    wanted = {key_of(header) for header in chosen}
    for index, line in enumerate(grid.lines[:_LINES_SEARCHED]):
        for candidate in (line, _with_upper(line, grid.lines[index - 1]) if index else None):
            if candidate is None:
                continue
            headers = tuple(map(str, candidate.cells))
            named, fields = len(wanted & set(map(key_of, headers))), fields_of(headers)
            score = (named, "legal_name" in fields, len(fields))
            if score > most:
                best, most = (index, candidate), score
    return *best, most[2] + most[0] if most[1] or most[0] else 0


def _with_upper(line: Line, upper: Line) -> Line | None:
    """Put the line above into the gaps of a line that has mostly headers itself."""
    texts = [str(cell) for cell in line.cells if cell != ""]
    if not texts or 2 * sum(meaning_of(text) is not None for text in texts) < len(texts):
        return None
    width = max(len(line.cells), len(upper.cells))
    pairs = zip(_padded(line, width).cells, _padded(upper, width).cells, strict=True)
    return Line(line.number, tuple(below if below != "" else above for below, above in pairs))


def _layout(line: Line, headers: Sequence[str], name: str, chosen: Mapping[str, str]) -> Layout:
    """Decide which column fills which field; what was chosen by the caller goes first.

    Raises:
        CallerError: no column has the name, two mean the same, or a chosen one is not there.
    """
    named = _chosen_columns(headers, name, chosen)
    every = (*named, *_known_columns(headers, name, named))
    used = _sensible(column for column in every if column.field != IGNORE)
    if not any(column.field == "legal_name" for column in used):
        if not _look_like_headers(headers):
            raise file_error("no_list", name)
        raise file_error("no_name", name, headers=listed(headers), template=", ".join(TEMPLATE))
    indexes = {column.cell for column in used}
    ignored = tuple(
        (index, clean(header, _HEADER_LENGTH) or f"column {index + 1} (no header)")
        for index, header in enumerate(headers)
        if index not in indexes and not is_ours(header)
    )
    return Layout(line, tuple(sorted(used)), ignored)


def _look_like_headers(headers: Sequence[str]) -> bool:
    """Tell names of columns from a line of some other file, which may be a secret."""
    texts = [clean(header, _HEADER_LENGTH) for header in headers if header.strip()]
    are_words = all(map(_WORDING.fullmatch, texts))
    return bool(fields_of(texts)) or (are_words and len(texts) >= _FEWEST_UNKNOWN)


def _known_columns(headers: Sequence[str], name: str, named: Sequence[Column]) -> Iterator[Column]:
    """Find for each field that is not filled yet the column with the best of its headers."""
    taken, filled = {column.cell for column in named}, {column.field for column in named}
    candidates: dict[str, list[tuple[int, Column]]] = {}
    for index, header in enumerate(headers):
        field, group = meaning_of(header) or ("", 0)
        if field and index not in taken and field not in filled:
            candidates.setdefault(field, []).append((group, Column(index, header, field)))
    names = candidates.get("legal_name", [])
    people = [found for found in names if found[0] == 1]
    if SURNAME in candidates and len(people) == 1 and any(map(_is_company, names)):
        names.remove(people[0])
        yield people[0][1]._replace(field=FIRST_NAME)
    for field, found in candidates.items():
        best = min(group for group, _ in found)
        equal = [column for group, column in found if group == best]
        if len(equal) > 1:
            raise _repeated(equal, name)
        yield equal[0]
        others = [column for group, column in sorted(found) if group != best]
        if field != "legal_name":
            yield from _second_columns(field, others)
        elif others:
            yield from _other_names(others, {*filled, *candidates})


def _is_company(found: tuple[int, Column]) -> bool:
    """Whether a column of names has companies: name and surname beside it are people's."""
    return found[0] == 0 or key_of(found[1].header) in _COMPANY


def _second_columns(field: str, others: Sequence[Column]) -> Iterator[Column]:
    """Give a second column of telephones or e-mails: it counts where the first is blank."""
    if others and field in _SECOND:
        yield others[0]._replace(field=_SECOND[field])


def _other_names(others: Sequence[Column], filled: Collection[str]) -> Iterator[Column]:
    """Give what names beside a better one mean, each field once."""
    meanings = [(second_meaning_of(column.header), column) for column in reversed(others)]
    for field, column in {field: column for field, column in meanings if field}.items():
        if field not in filled:
            yield column._replace(field=field)


def check_chosen(chosen: Sequence[tuple[str, str]]) -> dict[str, str]:
    """Read the caller's own choice of columns: header to field.

    Raises:
        CallerError: a field is not one, or a header or field is named twice.
    """
    faults = []
    for index, (header, field) in enumerate(chosen, 1):
        earlier = chosen[: index - 1]
        if field not in FIELDS and field != IGNORE:
            fault = unknown_field(field)
        elif header in [other for other, _ in earlier]:
            fault = f"names the header {quoted(header, 40)} again"
        elif field != IGNORE and field in [other for _, other in earlier]:
            fault = f"fills {field} again"
        else:
            continue
        faults.append(FieldError(f"columns {index}", fault))
    if faults:
        raise CallerError(
            "columns cannot be used as given; nothing was read.",
            field_errors=faults[:5],
            remedy=f"Fields: {', '.join(FIELDS)}; or {IGNORE}.",
        )
    return dict(chosen)


def _sensible(used: Iterable[Column]) -> list[Column]:
    """Leave out what means nothing by itself, in the order of the columns.

    A surname needs a name; what is only called a number, before any street, counts the rows.
    """
    kept: dict[str, Column] = {}
    for column in sorted(used):
        is_weak = column.field == "address.number" and (meaning_of(column.header) or ("", 0))[1]
        if not is_weak or "address.street" in kept:
            kept[column.field] = column
    if "legal_name" not in kept:
        kept.pop(SURNAME, None)
    return list(kept.values())


def _chosen_columns(headers: Sequence[str], name: str, chosen: Mapping[str, str]) -> list[Column]:
    """Find the columns that the caller named: by header, or by `column 3` where it has none."""
    found = []
    for header, field in chosen.items():
        shown, key = clean(header, _HEADER_LENGTH), key_of(header)
        alike = (
            [i for i, other in enumerate(headers) if clean(other, _HEADER_LENGTH) == shown]
            or [i for i, other in enumerate(headers) if key_of(other) == key]
            or [i for i in range(len(headers)) if key.removesuffix("noheader") == f"column{i + 1}"]
        )
        if not alike:
            are_shown = _look_like_headers(headers)
            known = listed(headers) if are_shown else "not shown, as they look like none"
            raise file_error("unknown_column", name, header=quoted(header, 40), headers=known)
        if len(alike) > 1:
            raise _repeated([Column(index, headers[index], field) for index in alike], name)
        found.append(Column(alike[0], headers[alike[0]], field))
    return found


def _repeated(columns: Sequence[Column], name: str) -> CallerError:
    first, second = columns[:2]
    has_twin = key_of(first.header) == key_of(second.header)
    return file_error(
        "same_field",
        name,
        field=first.field,
        first=f"{quoted(first.header, 40)} (column {first.cell + 1})",
        second=f"{quoted(second.header, 40)} (column {second.cell + 1})",
        header=f"column {first.cell + 1}" if has_twin else clean(first.header, 40),
    )


def are_plain(cells: Sequence[Cell]) -> bool:
    """Tell quickly of a row that all its cells are clean text, as they are in most lists.

    No blank at an end, no beginning as an error or a formula has it, and no word for nothing.
    """
    try:
        line = "|" + "|".join(cells) + "|"  # type: ignore[arg-type]
    except TypeError:  # a number, or a date
        return False
    is_odd = "| " in line or " |" in line or "|#" in line or "|=" in line or "|'" in line
    return is_plain(line) and not is_odd and NO_VALUES.isdisjoint(cells)
