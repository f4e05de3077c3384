"""The rows of a file become customers; whatever was not taken as it stands is told."""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Final, NamedTuple

from beel_mcp.cleaning import are_plain, clean
from beel_mcp.lists.addresses import is_whole, mended
from beel_mcp.lists.checks import Problem, mask_iban
from beel_mcp.lists.columns import Column
from beel_mcp.lists.customers import checked_row
from beel_mcp.lists.fields import PAYMENT_METHODS
from beel_mcp.lists.grid import Cell
from beel_mcp.lists.headers import STREET_TYPE, SURNAME
from beel_mcp.lists.reading import UnreadableError, change_between, is_text, read_value
from beel_mcp.lists.repairs import REPAIRS, Repair, raw_of, repaired
from beel_mcp.lists.rows import Row, ValueChange
from beel_mcp.lists.tables import Table, TableRow
from beel_mcp.lists.twins import with_twins

_METHOD: Final = "preferred_payment_method.method"
_ODD: Final = ("#", "=")  # how an error and a formula begin
_HIDDEN: Final = "The sheet does not show this row: ask the person whether it is meant, too."
_SURPLUS: Final = "More cells than headers: put a value that holds the separator in quotes."


class ReadRows(NamedTuple):
    """What a file gave: its rows, and how its columns and values were taken."""

    rows: tuple[Row, ...]
    columns_used: tuple[str, ...]
    columns_ignored: tuple[str, ...]
    values_changed: tuple[ValueChange, ...]
    read_as: str | None = None


def read_file_rows(table: Table) -> ReadRows:
    """Read every row of a table by the columns that were recognised in it."""
    reader = _Reader(table)
    rows = tuple(reader.row(row) for row in table.rows)
    return ReadRows(
        with_twins(rows),
        tuple(f"{clean(column.header, 60)} → {column.field}" for column in table.layout.used),
        table.layout.ignored,
        tuple(reader.changes),
        table.read_as,
    )


class _Plan(NamedTuple):
    """What is done with a column, worked out once and not for every row."""

    place: int
    field: str
    outer: str
    inner: str
    repair: Callable[[str], Repair | None] | None
    as_it_is: bool

    @classmethod
    def of(cls, column: Column) -> "_Plan":
        outer, _, inner = column.field.rpartition(".")
        repair = REPAIRS.get(column.field)
        return cls(column.place, column.field, outer, inner, repair, is_text(column.field))


class _Reader:
    """Reads rows of one table, and remembers what it changed."""

    def __init__(self, table: Table) -> None:
        self._grid = table.grid
        self._width = len(table.headers)
        self._columns = [_Plan.of(column) for column in table.layout.used]
        self._odd = {row for row, _ in (*table.grid.lost, *table.grid.filled)} | table.grid.hidden
        self.changes: list[ValueChange] = []

    def row(self, row: TableRow) -> Row:
        """Read one row: each cell by its field, then what takes more than one field."""
        values: dict[str, Any] = {}
        problems: list[Problem] = []
        number, cells = row.number, row.cells
        if number in self._odd:
            problems += self._oddities(number)
        is_plain = _is_plain(cells)
        for place, field, outer, inner, repair, as_it_is in self._columns:
            cell = cells[place]
            if cell == "":
                continue
            value: Any = cell
            if not (is_plain and as_it_is) or (repair and repair(str(cell))):
                try:
                    value = self._value(number, field, cell)
                except UnreadableError as unreadable:
                    problems.append(_unreadable(field, unreadable))
                    continue
            if value is not None:
                (values.setdefault(outer, {}) if outer else values)[inner] = value
        self._join(number, values)
        self._settle(number, values)
        if len(cells) > self._width:
            surplus = str(cells[self._width])
            problems.append(Problem("row", _SURPLUS, surplus, severity="error"))
        return checked_row(number, values, problems)

    def _value(self, number: int, field: str, cell: Cell) -> Any:
        raw = cell if type(cell) is str else raw_of(cell)
        if isinstance(raw, str):
            if raw[0] == "#":
                raw_of(raw)
            value = read_value(field, raw)
            # A number or a list is read from its text; a text is the same or was changed.
            if value != raw and isinstance(value, str):
                self._tell(number, field, change_between(raw, value) or "tidied", raw, value)
        else:
            value = read_value(field, raw)
        if isinstance(value, str) and (repair := repaired(field, value)):
            self._tell(number, field, repair.change, value, repair.value)
            return repair.value
        return value

    def _oddities(self, number: int) -> Iterator[Problem]:
        """Say what the sheet hides of a row, and what it lost."""
        if number in self._grid.hidden:
            yield Problem("row", _HIDDEN)
        for place, field, *_ in self._columns:
            if why := self._grid.lost.get((number, place)):
                yield Problem(field.lstrip("+"), why, severity="error")
            if (top := self._grid.filled.get((number, place))) is not None:
                self.changes.append(ValueChange(number, field, f"taken from row {top}: merged"))

    def _join(self, number: int, values: dict[str, Any]) -> None:
        """Put a surname behind its name and a kind of way in front of its street."""
        if (surname := values.pop(SURNAME, None)) and "legal_name" in values:
            whole = f"{values['legal_name']} {surname}"
            self._set(number, "legal_name", whole, "surname put behind the name", values)
        way = values.pop(STREET_TYPE, None)
        street = values.get("address", {}).get("street")
        if way and street and not street.casefold().startswith(way.casefold()):
            self._set(number, "address.street", f"{way} {street}", "kind of way in front", values)

    def _settle(self, number: int, values: dict[str, Any]) -> None:
        """Mend what takes several fields to see: addresses, foreign numbers, payment methods."""
        if address := values.get("address"):
            self._country(number, address, values)
            for change, parts in () if is_whole(address) else mended(address):
                for part, text in parts.items():
                    self._set(number, f"address.{part}", text, change, values)
        other = values.get("alternative_id")
        if other and "number" not in other:
            del values["alternative_id"]
            change = "left out: there is no foreign number in this row"
            self._tell(number, "alternative_id.type", change, other.get("type"), None)
        payment = values.get("preferred_payment_method", {})
        if payment.get("method", "NONE") not in PAYMENT_METHODS:
            method = payment.pop("method")
            if not payment:
                del values["preferred_payment_method"]
            self._tell(number, _METHOD, "left out: not a payment method of BeeL", method, None)

    def _country(self, number: int, address: dict[str, Any], values: dict[str, Any]) -> None:
        code = address.get("country", "")
        if re.fullmatch("[A-Z]{2}", code) and address.get("country_code", code) == code:
            del address["country"]
            self._set(number, "address.country_code", code, "the code of the country", values)

    def _set(
        self, number: int, field: str, text: str, change: str, values: Mapping[str, Any]
    ) -> None:
        outer, _, inner = field.rpartition(".")
        holder: Any = values[outer] if outer else values
        before = holder.get(inner)
        holder[inner] = text
        if before != text:
            self._tell(number, field, change, before, text)

    def _tell(self, number: int, field: str, change: str, before: Any, after: Any) -> None:
        self.changes.append(
            ValueChange(
                number, field.lstrip("+"), change, _shown(field, before), _shown(field, after)
            )
        )


def _is_plain(cells: Sequence[Cell]) -> bool:
    """Tell quickly of a row that all its cells are clean text, as they are in most lists."""
    try:
        return are_plain(cells) and not any(cell[:1] in _ODD for cell in cells)  # type: ignore[arg-type, index]
    except TypeError:
        return False


def _shown(field: str, value: Any) -> str | None:
    """Give a value as it may be shown: no account number stands in an answer."""
    if value is None:
        return None
    return mask_iban(str(value)) if field.endswith("iban") else str(value)


def _unreadable(field: str, error: UnreadableError) -> Problem:
    return Problem(field.lstrip("+"), error.message, error.value, severity="error")
