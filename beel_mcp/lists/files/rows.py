"""The rows of a file become customers; whatever was not taken as it stands is told."""

import gc
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from operator import itemgetter
from types import MappingProxyType
from typing import Any, Final, NamedTuple, get_args

from beel_mcp.cleaning import clean, safe_text
from beel_mcp.countries import country_of
from beel_mcp.identity import bare_nif, is_nif
from beel_mcp.lists.checks.contacts import emails_of, is_email, phones_of
from beel_mcp.lists.checks.duplicates import with_duplicates
from beel_mcp.lists.checks.identifiers import is_abroad, respelt_document
from beel_mcp.lists.checks.places import flat_of, is_whole, mended, province_alone
from beel_mcp.lists.files.cells import raw_of, repaired
from beel_mcp.lists.files.columns import Column, Table, are_plain, read_table
from beel_mcp.lists.files.encoding import doubtful_names
from beel_mcp.lists.files.sheet import Cell, Line
from beel_mcp.lists.headers import (
    ACTIVE,
    FIRST_NAME,
    INACTIVE,
    SECOND_EMAIL,
    SECOND_PHONE,
    STREET_2,
    STREET_TYPE,
    SURNAME,
)
from beel_mcp.lists.inline import (
    UnreadableError,
    change_between,
    checked_row,
    is_text,
    read_plain,
    shown_value,
)
from beel_mcp.lists.model import (
    PAYMENT_METHODS,
    DocumentType,
    LeftOut,
    Problem,
    Row,
    ValueChange,
    get_value,
    set_value,
)
from beel_mcp.messages import Message, read_data
from beel_mcp.spelling import SPELLINGS

_METHOD: Final = "preferred_payment_method.method"
_SHOWN_AS: Final = {
    FIRST_NAME: "legal_name, where there is no other",
    SURNAME: "legal_name, behind the name",
    SECOND_PHONE: "phone, where there is no other",
    SECOND_EMAIL: "email, or billing_emails",
    STREET_2: "address.floor and door, or street",
    INACTIVE: "a remark",
    ACTIVE: "a remark",
}
_DOCUMENTS: Final = frozenset(get_args(DocumentType))
_SPANISH_DOCUMENTS: Final = frozenset({"nif", "cif", "dni", "nie"})
_BLOCK_SIZE: Final = 50  # rows looked through together


class ReadRows(NamedTuple):
    """What a file gave: its rows, and how its columns and values were taken."""

    rows: tuple[Row, ...]
    columns_used: tuple[str, ...]
    columns_ignored: tuple[LeftOut, ...]
    values_changed: tuple[ValueChange, ...]
    read_as: str | None = None
    rows_left_out: tuple[LeftOut, ...] = ()


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
        tuple(
            f"{clean(column.header, 60)} → {_SHOWN_AS.get(column.field, column.field)}"
            for column in table.layout.used
        ),
        (*reader.left_out.values(), *table.columns_ignored()),
        tuple(reader.changes),
        table.read_as,
        table.left_out,
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
        self.repairs = [(i, f, SPELLINGS[f]) for i, f in self.columns if f in SPELLINGS]
        self.nested = {field.rpartition(".")[0] for _, field in self.columns} - {""} | {"address"}
        self.joins = any(field.startswith("+") for _, field in self.columns)
        self.headers = {column.field: column.header for column in columns}
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
                values = {**values, **holder} if values else holder
            elif holder:
                values[group] = holder
        return values


class _Reader:
    """Reads the rows of one table, one after the other, and remembers what it changed."""

    def __init__(self, table: Table) -> None:
        self._grid = table.grid
        self._doubt = table.grid.doubt
        self._width = len(table.headers)
        self._plan = _ColumnPlan(table.layout.used)
        self._odd = {row for row, _ in (*table.grid.lost, *table.grid.filled)} | table.grid.hidden
        self.changes: list[ValueChange] = []
        self.left_out: dict[str, LeftOut] = {}  # of second columns, the first value left out
        # Of the row that is being read.
        self._number = 0
        self._values: dict[str, Any] = {}
        self._remarks: list[Problem] = []

    def rows(self, rows: Sequence[Line]) -> Iterator[Row]:
        """Read every row, some at a time as far as they are clean text, as most rows are."""
        for start in range(0, len(rows), _BLOCK_SIZE):
            block = rows[start : start + _BLOCK_SIZE]
            is_text = self._plan.is_text
            all_plain = is_text and are_plain([cell for row in block for cell in row.cells])
            for row in block:
                yield self._row(row, is_plain=all_plain or (is_text and are_plain(row.cells)))

    def _row(self, row: Line, *, is_plain: bool) -> Row:
        """Read one row: each cell by its field, then what takes more than one field."""
        self._number, cells = row
        self._remarks = []
        problems = list(self._oddities()) if self._number in self._odd else []
        if is_plain:
            self._values = self._plan.take(cells)
            for index, field, repair in self._plan.repairs:
                if fixed := repair(str(cells[index])):
                    self._set(field, fixed.value, fixed.change)
        else:
            self._values = {}
            problems += self._unreadable(cells)
        line = ""
        if self._plan.joins:
            self._join()
            line = self._values.pop(STREET_2, "")
        self._part_cells()
        self._repair_groups(line)
        if self._doubt:
            self._remarks += doubtful_names(self._values, self._doubt)
        if len(cells) > self._width:
            surplus = str(cells[self._width])
            problems.append(Problem("row", Message("sheet.surplus"), surplus, severity="error"))
        values = self._values
        for group in self._plan.nested:
            if group in values:
                values[group] = MappingProxyType(values[group])
        return checked_row(self._number, MappingProxyType(values), [*problems, *self._remarks])

    def _unreadable(self, cells: Sequence[Cell]) -> Iterator[Problem]:
        for index, field in self._plan.columns:
            if cells[index] == "":
                continue
            try:
                value = self._read(field, cells[index])
            except UnreadableError as unreadable:
                yield unreadable.as_problem(field.lstrip("+"))
                continue
            if value is not None:
                set_value(self._values, field, value)

    def _read(self, field: str, cell: Cell) -> Any:
        raw = str(cell) if field in (INACTIVE, ACTIVE) else raw_of(cell)
        value = read_plain(field, raw)
        if not isinstance(value, str):
            return value
        # A number is read from its text; a text is the same or was changed.
        if value != raw and isinstance(raw, str):
            self._record(field, change_between(raw, value), raw, value)
        if repair := repaired(field, value):
            self._record(field, repair.change, value, repair.value or None)
            return repair.value or None
        return value

    def _oddities(self) -> Iterator[Problem]:
        if self._number in self._grid.hidden:
            yield Problem("row", Message("sheet.hidden"))
        for index, field in self._plan.columns:
            cell = self._number, index
            if why := self._grid.lost.get(cell):
                yield Problem(field.lstrip("+"), why, severity="error")
            if (top := self._grid.filled.get(cell)) is not None:
                merged = Message("change.merged", row=top)
                self.changes.append(ValueChange(self._number, field, merged))

    def _join(self) -> None:
        name, first = self._values.get("legal_name"), self._values.pop(FIRST_NAME, None)
        surname = self._values.pop(SURNAME, None)
        person = " ".join(filter(None, (first, surname)))
        if first and not name:
            self._set("legal_name", person, Message("change.second_column"))
        elif name and person and FIRST_NAME in self._plan.headers:
            self._leave_out(FIRST_NAME, person)
        elif name and surname:
            self._set("legal_name", f"{name} {surname}", Message("change.surname"))
        way = self._values.pop(STREET_TYPE, None)
        street = get_value(self._values, "address.street")
        if way and street and not street.casefold().startswith(way.casefold()):
            self._set("address.street", f"{way} {street}", Message("change.street_type"))
        if phone := self._values.pop(SECOND_PHONE, None):
            if "phone" in self._values:
                self._leave_out(SECOND_PHONE, phone)
            else:
                self._set("phone", phone, Message("change.second_column"))
        if email := self._values.pop(SECOND_EMAIL, None):
            if "email" not in self._values:
                self._set("email", email, Message("change.second_column"))
            elif emails := emails_of(email):
                self._bill_to(emails)
            else:
                self._leave_out(SECOND_EMAIL, email)
        self._judge(self._values.pop(INACTIVE, None), self._values.pop(ACTIVE, None))

    def _leave_out(self, field: str, value: str) -> None:
        header = clean(self._plan.headers[field], 60)
        self.left_out.setdefault(field, LeftOut(header, safe_text(value, 40)))

    def _judge(self, inactive: str | None, active: str | None) -> None:
        """Remark on a customer that the list itself counts out."""
        words = read_data("flag_words")
        if inactive and inactive.casefold() not in words["not_ended"]:
            self._remarks.append(Problem("row", Message("sheet.inactive"), inactive))
        elif active and active.casefold() in words["not_active"]:
            self._remarks.append(Problem("row", Message("sheet.inactive"), active))

    def _part_cells(self) -> None:
        """Take the first of several telephones or e-mails in a cell, and say what of the others."""
        phone, email = self._values.get("phone"), self._values.get("email")
        if phone and not phone.isdigit() and (phones := phones_of(phone)):
            self._set("phone", phones[0], Message("change.telephone"))
            if others := ", ".join(phones[1:]):
                notes = self._values.get("notes")
                text = f"{notes}\n" * bool(notes) + f"Otro teléfono: {others}"
                hint = Message("sheet.keep_phone", text=text)
                remark = Problem("notes", Message("sheet.second_phone"), others, hint)
                self._remarks.append(remark)
        if email and not is_email(email) and (emails := emails_of(email)):
            self._set("email", emails[0], Message("change.email"))
            self._bill_to(emails[1:])

    def _bill_to(self, emails: Sequence[str]) -> None:
        known = (self._values.get("email"), *self._values.get("billing_emails", ()))
        if more := [email for email in emails if email not in known]:
            every = self._values["billing_emails"] = [*known[1:], *more]
            change = Message("change.billing_email")
            self._record("billing_emails", change, None, "; ".join(every))

    def _repair_groups(self, line: str) -> None:
        """Repair what takes several fields to see: addresses, foreign numbers, payment methods."""
        values = self._values
        if "trade_name" in values and values["trade_name"] == values.get("legal_name"):
            del values["trade_name"]  # as FacturaScripts fills it in
        if line:
            values.setdefault("address", {})
        if (address := values.get("address")) is not None:
            if "country" in address or not address.get("province", "a").isalpha():
                self._repair_country(address)
            is_here = not is_abroad(values)
            if is_here and not is_whole(address):
                self._mend_address(address)
            if line:
                self._add_line(address, line, is_here=is_here)
        if (other := values.get("alternative_id")) and "number" not in other:
            self._repair_document(other)
        for part, text, change in (*respelt_document(values.get("alternative_id", {})),):
            self._set(f"alternative_id.{part}", text, change)
        method = values.get("preferred_payment_method", {}).get("method", "NONE")
        if method not in PAYMENT_METHODS:
            set_value(values, _METHOD, None)
            self._record(_METHOD, Message("change.no_payment_method"), method, None)

    def _repair_country(self, address: dict[str, Any]) -> None:
        """Give a country its code, and a province back to itself; Spain needs no code."""
        province, country = province_alone(address.get("province", ""))
        if "province" in address:
            self._set("address.province", province, Message("change.province_alone"))
        if country not in (None, "ES") and not {"country", "country_code"} & address.keys():
            self._set("address.country_code", country, Message("change.country_in_province"))
        name = address.get("country", "")
        code = country_of(name)
        if code is None or address.get("country_code", code) != code:
            return
        if len(name) <= 3 or "." in name:
            del address["country"]
        elif code == "ES":
            return
        if "country_code" not in address:
            address["country_code"] = code
            before = None if name == code else name
            self._record("address.country_code", Message("change.country_code"), before, code)

    def _repair_document(self, other: dict[str, Any]) -> None:
        """Take a number for foreign if the list calls it so and it is no NIF."""
        nif, kind = self._values.get("nif", ""), other.get("type", "")
        if kind in _DOCUMENTS and nif and not is_nif(bare_nif(nif)):
            del self._values["nif"]
            self._set("alternative_id.number", nif, Message("change.foreign_number"))
            return
        del self._values["alternative_id"]
        if kind.casefold() not in _SPANISH_DOCUMENTS:
            change = Message("change.no_foreign_number")
            self._record("alternative_id.type", change, kind, None)

    def _add_line(self, address: dict[str, Any], line: str, *, is_here: bool) -> None:
        """Put the second line of an address where it belongs: floor and door, or the street."""
        change = Message("change.second_line")
        flat = flat_of(line) if is_here and "number" in address else {}
        if flat and not flat.keys() & address.keys():
            for part, text in flat.items():
                self._set(f"address.{part}", text, change)
            return
        street = address.get("street")
        self._set("address.street", f"{street}, {line}" if street else line, change)
        if is_here and not is_whole(address):
            self._mend_address(address)

    def _mend_address(self, address: dict[str, Any]) -> None:
        for change, parts in mended(address):
            for part, text in parts.items():
                self._set(f"address.{part}", text, change)

    def _set(self, field: str, text: str | None, change: Message) -> None:
        before = get_value(self._values, field)
        set_value(self._values, field, text)
        if before != text:
            self._record(field, change, before, text)

    def _record(self, field: str, change: Message, before: Any, after: Any) -> None:
        shown = (shown_value(field, before), shown_value(field, after))
        self.changes.append(ValueChange(self._number, field.lstrip("+"), change, *shown))
