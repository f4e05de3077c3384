"""The rows of a file become customers; whatever was not taken as it stands is told."""

import gc
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import date, datetime, time, timedelta
from operator import itemgetter
from types import MappingProxyType
from typing import Any, Final, NamedTuple

from beel_mcp.cleaning import clean, is_plain
from beel_mcp.identity import bare_nif
from beel_mcp.lists.checks.duplicates import with_twins
from beel_mcp.lists.checks.fields import Problem, european, is_nif, mask_iban
from beel_mcp.lists.checks.places import is_whole, mended
from beel_mcp.lists.files.columns import Column, Table, read_table
from beel_mcp.lists.files.headers import STREET_TYPE, SURNAME
from beel_mcp.lists.files.sheet import ERROR_CELL, Cell, Line
from beel_mcp.lists.inline import UnreadableError, change_between, checked_row, is_text, read_value
from beel_mcp.lists.model import PAYMENT_METHODS, Row, ValueChange


class Repair(NamedTuple):
    """A value as it is taken, and what was done to it."""

    value: str
    change: str


_SCIENTIFIC: Final = re.compile(r"([0-9])(?:[.,]([0-9]+))?E\+?([0-9]{1,2})", re.IGNORECASE)
_FLOAT: Final = re.compile(r"(\+?[0-9]{4,15})[.,]0{1,2}")
_TEXT_FORMULA: Final = re.compile(r'="([^"]*)"')
_SHEET_ERROR: Final = re.compile(
    r"#(?:N/?[AD]|REF|VALUE|VALOR|DIV/0|NAME|NOMBRE|NUM|¡\w+|¿\w+)[!?/]?.*"
)
_SEPARATORS: Final = re.compile(r"[\s.\-]")
_IBAN: Final = re.compile(r"[A-Z]{2}[0-9]{2}[A-Z0-9]{11,30}")
_METHODS: Final[Mapping[str, tuple[str, ...]]] = {
    "BANK_TRANSFER": ("transferencia", "transferencia bancaria", "transfer", "transferència"),
    "DIRECT_DEBIT": (
        *("domiciliacion", "domiciliación", "domiciliación bancaria", "domiciliacion bancaria"),
        *("recibo domiciliado", "recibo", "giro", "giro bancario", "adeudo", "rebut"),
    ),
    "CASH": ("contado", "efectivo", "al contado", "metálico", "cash", "efectiu", "comptat"),
    "CARD": ("tarjeta", "tarjeta de crédito", "tarjeta de credito", "card", "targeta"),
    "CHECK": ("cheque", "talón", "talon", "check", "xec", "taló"),
    "BIZUM": ("bizum",),
    "NONE": ("ninguna", "ninguno", "sin forma de pago", "none"),
}
_METHOD_OF: Final = {word: method for method, words in _METHODS.items() for word in words}
# The codes of the tax agency, which Contaplus and others write.
_ID_TYPES: Final[Mapping[str, str]] = {
    **dict.fromkeys(("02", "2", "nif-iva", "nif iva", "nif/iva", "vat"), "NIF_IVA"),
    **dict.fromkeys(("03", "3", "pasaporte", "passport", "passaport"), "PASSPORT"),
    **dict.fromkeys(("04", "4", "documento oficial", "id del país"), "COUNTRY_ID"),
    **dict.fromkeys(("05", "5", "certificado de residencia"), "RESIDENCE_CERTIFICATE"),
    **dict.fromkeys(("06", "6", "otro", "otro documento"), "OTHER_DOCUMENT"),
    **dict.fromkeys(("07", "7", "no censado"), "NOT_REGISTERED"),
}


def raw_of(cell: Cell) -> str | int | float:
    """Take a cell as text or number.

    Raises:
        UnreadableError: it holds what no field of a customer can be.

    """
    if isinstance(cell, str):
        if cell.startswith("#") and _SHEET_ERROR.fullmatch(cell):
            raise UnreadableError(ERROR_CELL, cell)
        return cell
    if isinstance(cell, bool):
        raise UnreadableError("Expected text, found true or false.")
    if isinstance(cell, datetime | date | time | timedelta):
        shown = cell.isoformat() if isinstance(cell, date | time) else str(cell)
        raise UnreadableError(
            "A spreadsheet made a date or time of this: type it again as text.", shown
        )
    return cell


def repaired(field: str, text: str) -> Repair | None:
    """Undo what was done to a field's text; None if there is nothing that is certain."""
    if text.startswith('="') and (formula := _TEXT_FORMULA.fullmatch(text)):
        inner = repaired(field, formula[1])
        return inner or Repair(formula[1], "formula of a text replaced by the text")
    repair = REPAIRS.get(field)
    return repair(text) if repair else None


def _nif(text: str) -> Repair | None:
    if is_nif(text):
        return None
    bare = bare_nif(text)
    if bare == text or not is_nif(bare):
        return None
    return Repair(bare, "NIF written without blanks, dots, dashes or ES, in capitals")


def _phone(text: str) -> Repair | None:
    if text.isdigit():
        return None
    if found := _SCIENTIFIC.fullmatch(text):
        decimals, power = found[2] or "", int(found[3])
        # With fewer digits than the power says, some are lost for good.
        if len(decimals) == power >= 8:
            return Repair(found[1] + decimals, "scientific notation written as digits")
        return None
    if found := _FLOAT.fullmatch(text):
        return Repair(found[1], "decimals of a number removed")
    return None


def _digits(text: str) -> Repair | None:
    found = None if text.isdigit() else _FLOAT.fullmatch(text)
    return Repair(found[1], "decimals of a number removed") if found else None


def _iban(text: str) -> Repair | None:
    bare = _SEPARATORS.sub("", text).upper().removeprefix("IBAN")
    if bare == text or not _IBAN.fullmatch(bare):
        return None
    return Repair(bare, "IBAN written without blanks or dashes, in capitals")


def _website(text: str) -> Repair | None:
    if "://" in text or "." not in text or " " in text or "@" in text:
        return None
    return Repair(f"https://{text}", "https:// put in front")


def _method(text: str) -> Repair | None:
    method = _METHOD_OF.get(text.casefold())
    if method in (None, text):
        return None
    return Repair(str(method), "payment method by its name in BeeL")


def _id_type(text: str) -> Repair | None:
    kind = _ID_TYPES.get(text.casefold())
    if kind in (None, text):
        return None
    return Repair(str(kind), "kind of document by its name in BeeL")


def _capitals(text: str) -> Repair | None:
    return Repair(text.upper(), "written in capitals") if text != text.upper() else None


REPAIRS: Final[Mapping[str, Callable[[str], Repair | None]]] = {
    "nif": _nif,
    "phone": _phone,
    "address.postal_code": _digits,
    "address.number": _digits,
    "address.country_code": _capitals,
    "alternative_id.country_code": _capitals,
    "alternative_id.type": _id_type,
    "preferred_payment_method.iban": _iban,
    "preferred_payment_method.swift": _capitals,
    "preferred_payment_method.method": _method,
    "website": _website,
}

_METHOD: Final = "preferred_payment_method.method"
_AT_ONCE: Final = 50  # rows looked through together
_HIDDEN: Final = "The sheet does not show this row: ask the person whether it is meant, too."
_SURPLUS: Final = "More cells than headers: put a value that holds the separator in quotes."


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
        with_twins(rows),
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


class _Plan:
    """What is done with each column of a table, worked out once and not for every row."""

    def __init__(self, columns: Sequence[Column]) -> None:
        self.columns = [(column.place, column.field) for column in columns]
        self.repairs = [(p, field, REPAIRS[field]) for p, field in self.columns if field in REPAIRS]
        self.nested = {field.rpartition(".")[0] for _, field in self.columns} - {""}
        self.joins = any(field in (SURNAME, STREET_TYPE) for _, field in self.columns)
        self.is_text = all(is_text(field) for _, field in self.columns)
        by_group: dict[str, tuple[list[str], list[int]]] = {}
        for place, field in self.columns:
            group, _, name = field.rpartition(".")
            names, places = by_group.setdefault(group, ([], []))
            names.append(name)
            places.append(place)
        # The last place twice, so that there are always several: the surplus is dropped.
        self.groups = [
            (group, names, itemgetter(*places, places[-1]))
            for group, (names, places) in by_group.items()
        ]

    def taken(self, cells: Sequence[Cell]) -> dict[str, Any]:
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
        self._plan = _Plan(table.layout.used)
        self._odd = {row for row, _ in (*table.grid.lost, *table.grid.filled)} | table.grid.hidden
        self.changes: list[ValueChange] = []

    def rows(self, rows: Sequence[Line]) -> Iterator[Row]:
        """Read every row, some at a time as far as they are clean text, as most rows are."""
        for start in range(0, len(rows), _AT_ONCE):
            block = rows[start : start + _AT_ONCE]
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
            values = self._plan.taken(cells)
            for place, field, repair in self._plan.repairs:
                if fixed := repair(str(cells[place])):
                    self._set(number, field, fixed.value, fixed.change, values)
        else:
            values = self._read(number, cells, problems)
        if self._plan.joins:
            self._join(number, values)
        self._settle(number, values)
        if len(cells) > self._width:
            surplus = str(cells[self._width])
            problems.append(Problem("row", _SURPLUS, surplus, severity="error"))
        for group in self._plan.nested:
            if group in values:
                values[group] = MappingProxyType(values[group])
        return checked_row(number, MappingProxyType(values), problems)

    def _read(self, number: int, cells: Sequence[Cell], problems: list[Problem]) -> dict[str, Any]:
        values: dict[str, Any] = {}
        for place, field in self._plan.columns:
            if cells[place] == "":
                continue
            try:
                value = self._value(number, field, cells[place])
            except UnreadableError as unreadable:
                problems.append(_unreadable(field, unreadable))
                continue
            if value is not None:
                outer, _, inner = field.rpartition(".")
                (values.setdefault(outer, {}) if outer else values)[inner] = value
        return values

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
        for place, field in self._plan.columns:
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
            if "country" in address:
                self._country(number, address, values)
            if not is_whole(address) and not _is_abroad(values):
                self._mend(number, address, values)
        if (other := values.get("alternative_id")) and "number" not in other:
            del values["alternative_id"]
            change = "left out: there is no foreign number in this row"
            self._tell(number, "alternative_id.type", change, other.get("type"), None)
        payment = values.get("preferred_payment_method")
        if payment and payment.get("method", "NONE") not in PAYMENT_METHODS:
            method = payment.pop("method")
            if not payment:
                del values["preferred_payment_method"]
            self._tell(number, _METHOD, "left out: not a payment method of BeeL", method, None)

    def _mend(self, number: int, address: dict[str, Any], values: dict[str, Any]) -> None:
        for change, parts in mended(address):
            for part, text in parts.items():
                self._set(number, f"address.{part}", text, change, values)

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


def _unreadable(field: str, error: UnreadableError) -> Problem:
    return Problem(field.lstrip("+"), error.message, error.value, severity="error")
