"""The rows of a file become customers; whatever was not taken as it stands is told."""

import gc
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from operator import itemgetter
from types import MappingProxyType
from typing import Any, Final, NamedTuple

from beel_mcp.cleaning import clean, is_plain, mask_iban
from beel_mcp.lists.checks.duplicates import with_duplicates
from beel_mcp.lists.checks.fields import european
from beel_mcp.lists.checks.places import is_whole, mended
from beel_mcp.lists.files.cells import REPAIRS, raw_of, repaired
from beel_mcp.lists.files.columns import Column, Table, read_table
from beel_mcp.lists.files.sheet import Cell, Line
from beel_mcp.lists.headers import STREET_TYPE, SURNAME
from beel_mcp.lists.inline import UnreadableError, change_between, checked_row, is_text, read_value
from beel_mcp.lists.model import (
    PAYMENT_METHODS,
    Problem,
    Row,
    ValueChange,
    bare_nif,
    get_value,
    set_value,
)
from beel_mcp.messages import Message

_METHOD: Final = "preferred_payment_method.method"
_BLOCK_SIZE: Final = 50  # rows looked through together


class ReadRows(NamedTuple):
    """What a file gave: its rows, and how its columns and values were taken."""

    rows: tuple[Row, ...]
    columns_used: tuple[str, ...]
    columns_ignored: tuple[str, ...]
    values_changed: tuple[ValueChange, ...]
    read_as: str | None = None


def read_list(
    data: bytes, name: str, sheet: str | None = None, chosen: Mapping[str, str] | None = None
) -> ReadRows:
    """Read a file into the rows of a list; `chosen` says by header which field a column fills.

    Raises:
        CallerError: the file holds no such list; `code` says why, the message what to do.

    """
    with _no_collections():
        return read_file_rows(read_table(data, name, sheet, chosen))


def read_file_rows(table: Table) -> ReadRows:
    """Read every row of a table by the columns that were recognised in it."""
    reader = _Reader(table)
    rows = tuple(reader.rows(table.rows))
    return ReadRows(
        with_duplicates(rows),
        tuple(f"{clean(column.header, 60)} → {column.field}" for column in table.layout.used),
        table.layout.ignored,
        tuple(reader.changes),
        table.read_as,
    )


@contextmanager
def _no_collections() -> Iterator[None]:
    """Let no garbage collection walk, again and again, over rows that are all in use."""
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()


class _ColumnPlan:
    """What is done with each column of a table, worked out once and not for every row."""

    def __init__(self, columns: Sequence[Column]) -> None:
        self.columns = [(column.cell, column.field) for column in columns]
        self.repairs = [(i, field, REPAIRS[field]) for i, field in self.columns if field in REPAIRS]
        self.nested = {field.rpartition(".")[0] for _, field in self.columns} - {""}
        self.joins = any(field in (SURNAME, STREET_TYPE) for _, field in self.columns)
        self.is_text = all(is_text(field) for _, field in self.columns)
        by_group: dict[str, tuple[list[str], list[int]]] = {}
        for index, field in self.columns:
            group, _, name = field.rpartition(".")
            names, indexes = by_group.setdefault(group, ([], []))
            names.append(name)
            indexes.append(index)
        # The last index twice, so that there are always several: the surplus is dropped.
        self.groups = [
            (group, names, itemgetter(*indexes, indexes[-1]))
            for group, (names, indexes) in by_group.items()
        ]

    def take(self, cells: Sequence[Cell]) -> dict[str, Any]:
        """Take a row of clean text as it stands."""
        values: dict[str, Any] = {}
        has_gaps = "" in cells
        for group, names, pick in self.groups:
            holder = dict(zip(names, pick(cells), strict=False))
            if has_gaps:
                holder = {name: cell for name, cell in holder.items() if cell}
            if not group:
                values.update(holder)
            elif holder:
                values[group] = holder
        return values


class _Reader:
    """Reads rows of one table, and remembers what it changed."""

    def __init__(self, table: Table) -> None:
        self._grid = table.grid
        self._width = len(table.headers)
        self._plan = _ColumnPlan(table.layout.used)
        self._odd = {row for row, _ in (*table.grid.lost, *table.grid.filled)} | table.grid.hidden
        self.changes: list[ValueChange] = []

    def rows(self, rows: Sequence[Line]) -> Iterator[Row]:
        """Read every row, some at a time as far as they are clean text, as most rows are."""
        for start in range(0, len(rows), _BLOCK_SIZE):
            block = rows[start : start + _BLOCK_SIZE]
            is_text = self._plan.is_text
            are_plain = is_text and _are_plain([cell for row in block for cell in row.cells])
            for row in block:
                yield self._row(row, is_plain=are_plain or (is_text and _are_plain(row.cells)))

    def _row(self, row: Line, *, is_plain: bool) -> Row:
        """Read one row: each cell by its field, then what takes more than one field."""
        number, cells = row
        problems: list[Problem] = []
        if number in self._odd:
            problems += self._oddities(number)
        if is_plain:
            values = self._plan.take(cells)
            for index, field, repair in self._plan.repairs:
                if fixed := repair(str(cells[index])):
                    self._set(number, field, fixed.value, fixed.change, values)
        else:
            values = self._read(number, cells, problems)
        if self._plan.joins:
            self._join(number, values)
        self._repair_groups(number, values)
        if len(cells) > self._width:
            surplus = str(cells[self._width])
            problems.append(Problem("row", Message("sheet.surplus"), surplus, severity="error"))
        for group in self._plan.nested:
            if group in values:
                values[group] = MappingProxyType(values[group])
        return checked_row(number, MappingProxyType(values), problems)

    def _read(self, number: int, cells: Sequence[Cell], problems: list[Problem]) -> dict[str, Any]:
        values: dict[str, Any] = {}
        for index, field in self._plan.columns:
            if cells[index] == "":
                continue
            try:
                value = self._value(number, field, cells[index])
            except UnreadableError as unreadable:
                problems.append(unreadable.as_problem(field.lstrip("+")))
                continue
            if value is not None:
                set_value(values, field, value)
        return values

    def _value(self, number: int, field: str, cell: Cell) -> Any:
        raw = cell if type(cell) is str else raw_of(cell)
        if isinstance(raw, str):
            if raw[0] == "#":
                raw_of(raw)
            value = read_value(field, raw)
            # A number or a list is read from its text; a text is the same or was changed.
            if value != raw and isinstance(value, str):
                self._record(number, field, change_between(raw, value), raw, value)
        else:
            value = read_value(field, raw)
        if isinstance(value, str) and (repair := repaired(field, value)):
            self._record(number, field, repair.change, value, repair.value)
            return repair.value
        return value

    def _oddities(self, number: int) -> Iterator[Problem]:
        """Say what the sheet hides of a row, and what it lost."""
        if number in self._grid.hidden:
            yield Problem("row", Message("sheet.hidden"))
        for index, field in self._plan.columns:
            if why := self._grid.lost.get((number, index)):
                yield Problem(field.lstrip("+"), why, severity="error")
            if (top := self._grid.filled.get((number, index))) is not None:
                self.changes.append(ValueChange(number, field, Message("change.merged", row=top)))

    def _join(self, number: int, values: dict[str, Any]) -> None:
        """Put a surname behind its name and a kind of way in front of its street."""
        if (surname := values.pop(SURNAME, None)) and "legal_name" in values:
            whole = f"{values['legal_name']} {surname}"
            self._set(number, "legal_name", whole, Message("change.surname"), values)
        way = values.pop(STREET_TYPE, None)
        street = values.get("address", {}).get("street")
        if way and street and not street.casefold().startswith(way.casefold()):
            self._set(
                number, "address.street", f"{way} {street}", Message("change.street_type"), values
            )

    def _repair_groups(self, number: int, values: dict[str, Any]) -> None:
        """Repair what takes several fields to see: addresses, foreign numbers, payment methods."""
        if address := values.get("address"):
            if "country" in address:
                self._country(number, address, values)
            if not is_whole(address) and not _is_abroad(values):
                self._complete(number, address, values)
        if (other := values.get("alternative_id")) and "number" not in other:
            del values["alternative_id"]
            change = Message("change.no_foreign_number")
            self._record(number, "alternative_id.type", change, other.get("type"), None)
        payment = values.get("preferred_payment_method")
        if payment and payment.get("method", "NONE") not in PAYMENT_METHODS:
            method = payment.pop("method")
            if not payment:
                del values["preferred_payment_method"]
            self._record(number, _METHOD, Message("change.no_payment_method"), method, None)

    def _complete(self, number: int, address: dict[str, Any], values: dict[str, Any]) -> None:
        for change, parts in mended(address):
            for part, text in parts.items():
                self._set(number, f"address.{part}", text, change, values)

    def _country(self, number: int, address: dict[str, Any], values: dict[str, Any]) -> None:
        code = address.get("country", "")
        if re.fullmatch("[A-Z]{2}", code) and address.get("country_code", code) == code:
            del address["country"]
            self._set(number, "address.country_code", code, Message("change.country_code"), values)

    def _set(
        self, number: int, field: str, text: str, change: Message, values: dict[str, Any]
    ) -> None:
        before = get_value(values, field)
        set_value(values, field, text)
        if before != text:
            self._record(number, field, change, before, text)

    def _record(self, number: int, field: str, change: Message, before: Any, after: Any) -> None:
        self.changes.append(
            ValueChange(
                number, field.lstrip("+"), change, _shown(field, before), _shown(field, after)
            )
        )


def _are_plain(cells: Sequence[Cell]) -> bool:
    """Tell quickly of a row that all its cells are clean text, as they are in most lists.

    No blank at an end, and no beginning as an error or a formula has it.
    """
    try:
        line = "|" + "|".join(cells) + "|"  # type: ignore[arg-type]
    except TypeError:  # a number, or a date
        return False
    return is_plain(line) and not ("| " in line or " |" in line or "|#" in line or "|=" in line)


def _is_abroad(values: Mapping[str, Any]) -> bool:
    """Whether the identifier is of another country, whose addresses we know nothing about."""
    other = values.get("alternative_id", {})
    if "number" in other and other.get("country_code") != "ES":
        return True
    return european(bare_nif(values.get("nif", ""))) is not None


def _shown(field: str, value: Any) -> str | None:
    """Give a value as it may be shown: no account number stands in an answer."""
    if value is None:
        return None
    return mask_iban(str(value)) if field.endswith("iban") else str(value)
