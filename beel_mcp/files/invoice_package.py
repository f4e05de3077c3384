"""One ZIP of many PDFs and a manifest; the same invoices give the same bytes."""

import csv
import hashlib
import io
import re
import unicodedata
import zipfile
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from functools import cache
from itertools import chain, count
from pathlib import Path
from typing import Any, Final

from beel_mcp.cleaning import FORMULA, clean
from beel_mcp.files.output import new_file
from beel_mcp.files.portable_names import RESERVED, UNPORTABLE, is_windows_name
from beel_mcp.language import localized
from beel_mcp.messages import read_data
from beel_mcp.settings import Language

MANIFEST: Final = "manifest.csv"
_EPOCH: Final = date(1980, 1, 1)  # the first day that a ZIP can name
_LAST: Final = date(2107, 12, 31)
_TOKEN: Final = re.compile(r"[^\W_]+")
_LONGEST_NUMBER: Final = 60
_ID: Final = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)
# What BeeL may put before a number; with any other word before it, it may be another number.
_BEFORE: Final = frozenset(("factura", "invoice"))
_BARE: Final = re.compile(r"\w[\w .-]{0,80}")
_LONGEST_BYTES: Final = 200  # a name has 255, and may need a number behind it


def bare_name(text: str, suffix: str) -> str | None:
    """Read a file name that somebody chose: no path, portable, with the suffix; None if it is not.

    A suffix that is missing is added.
    """
    name = unicodedata.normalize("NFC", text)
    if not (_BARE.fullmatch(name) and is_windows_name(name)):
        return None
    whole = name if name.casefold().endswith(suffix) else name + suffix
    return whole if len(whole.encode()) <= _LONGEST_BYTES else None


def invoice_name(day: date, number: str, customer: str) -> str:
    """Make `2026-07-14 F2026-0123 Talleres Ruiz SL.pdf` of facts."""
    words = [day.isoformat(), portable(number, 40), portable(customer, 60)]
    return " ".join(filter(None, words)) + ".pdf"


def portable(text: str, limit: int) -> str:
    """Make text safe as a part of a name on every system; it may be empty then."""
    name = UNPORTABLE.sub("-", clean(text, 300))
    name = unicodedata.normalize("NFC", name)[:limit]
    # A name has 255 bytes, which some scripts use up three times as fast.
    name = name.encode()[: 2 * limit].decode(errors="ignore").strip(" .")
    return f"_{name}" if RESERVED.match(name) else name


def unique(names: Iterable[str]) -> list[str]:
    """Add a number, ` (2)`, ` (3)`, to names that stand there already, in whatever case."""
    taken: set[str] = set()
    found = []
    for name in names:
        stem, dot, suffix = name.rpartition(".")
        numbered = (f"{stem} ({number}){dot}{suffix}" for number in count(2))
        free = next(new for new in chain([name], numbered) if new.casefold() not in taken)
        taken.add(free.casefold())
        found.append(free)
    return found


def match_entries(entries: Sequence[str], numbers: Mapping[str, str]) -> dict[str, str]:
    """Find which entry of BeeL's ZIP is which invoice: entry names by id.

    `numbers` has the invoice number by id. A name is an id, or a number with at most `factura`
    before it. A name that may mean two invoices, or an invoice that two names may mean, is left
    out: whoever asks for it alone knows.
    """
    matches: dict[str, list[str]] = {}
    for entry in entries:
        invoice_id = _match(entry, numbers)
        if invoice_id:
            matches.setdefault(invoice_id, []).append(entry)
    return {invoice_id: names[0] for invoice_id, names in matches.items() if len(names) == 1}


def number_in(entry: str) -> str | None:
    """Give the number that the name of an entry may carry, as it is written there."""
    stem = re.sub(r"\.pdf$", "", entry.rpartition("/")[2].rpartition("\\")[2], flags=re.IGNORECASE)
    number = re.sub(rf"^(?:{'|'.join(_BEFORE)})[\W_]+", "", stem, flags=re.IGNORECASE)
    return number if any(map(str.isdigit, number)) and len(number) <= _LONGEST_NUMBER else None


def has_other_id(entry: str, invoice_id: str) -> bool:
    """Tell whether the name of an entry carries an id, and not this one."""
    ids = {found.casefold() for found in _ID.findall(entry)}
    return bool(ids) and invoice_id.casefold() not in ids


def search_term(number: str) -> str:
    """Give the part of a number that a search finds however its parts are joined: the last."""
    return next((one for one in reversed(_tokens(number)) if any(map(str.isdigit, one))), number)


def is_same_number(one: str, other: str) -> bool:
    """Tell whether two ways of writing are of one number."""
    return _tokens(one) == _tokens(other)


def are_alike(one: str, other: str) -> bool:
    """Tell whether two numbers are built alike, as those of one series are."""
    return _shape(one) == _shape(other)


def _shape(number: str) -> list[str]:
    runs = re.findall(r"\d+|[^\W\d_]+", unicodedata.normalize("NFC", number))
    return ["digits" if run[0].isdigit() else "letters" for run in runs]


def _match(entry: str, numbers: Mapping[str, str]) -> str | None:
    stem = entry.rpartition("/")[2].rpartition("\\")[2].casefold().removesuffix(".pdf")
    found = [invoice_id for invoice_id in numbers if invoice_id.casefold() in stem]
    if not found:
        tokens = _tokens(stem)
        if tokens[:1] and tokens[0] in _BEFORE:
            del tokens[0]
        found = [id_ for id_, number in numbers.items() if tokens and _tokens(number) == tokens]
    return found[0] if len(found) == 1 else None


def _tokens(text: str) -> list[str]:
    return _TOKEN.findall(unicodedata.normalize("NFC", text).casefold())


@dataclass(frozen=True)
class ManifestRow:
    """One invoice of a package. Money in euros; `rates` are (rate in percent, base, tax).

    A rate is None where BeeL gives sums only. Bases, taxes and surcharge, less the withholding,
    are the total. Of an invoice that BeeL does not know only `invoice_id` and `missing` are set.
    """

    invoice_id: str
    day: date | None = None
    number: str = ""
    type: str = ""
    rectifies: str = ""
    customer: str = ""
    nif: str = ""
    rates: tuple[tuple[Decimal | None, Decimal, Decimal], ...] = ()
    surcharge: Decimal = field(default_factory=Decimal)
    withholding: Decimal = field(default_factory=Decimal)
    total: Decimal = field(default_factory=Decimal)
    status: str = ""
    file: str = ""
    sha256: str = ""
    missing: str = ""

    @property
    def order(self) -> tuple[date, str, str]:
        return (self.day or date.max, self.number, self.invoice_id)


def manifest_csv(rows: Sequence[ManifestRow], language: Language) -> bytes:
    """Write the rows, by date and number; the same rows give the same bytes.

    In Spanish: `;`, decimal comma, a BOM, dates as 14/07/2026. In English: `,` and points.
    """
    columns = Columns.of(rows)
    text = io.StringIO(newline="")
    separator = localized(language, en=",", es=";")
    writer = csv.writer(text, delimiter=separator, lineterminator="\r\n")
    writer.writerow(header_of(columns, language))
    for row in sorted(rows, key=lambda row: row.order):
        writer.writerow(cells_of(row, columns, language))
    return text.getvalue().encode("utf-8-sig")


@dataclass(frozen=True)
class Columns:
    """The columns of a manifest that depend on its rows."""

    rates: tuple[Decimal | None, ...]
    has_surcharge: bool

    @classmethod
    def of(cls, rows: Sequence[ManifestRow]) -> "Columns":
        rates = {rate for row in rows for rate, _, _ in row.rates}
        known = sorted(rate for rate in rates if rate is not None)
        has_surcharge = any(row.surcharge for row in rows)
        return cls((*known, *([None] if None in rates else [])), has_surcharge)


def header_of(columns: Columns, language: Language) -> list[str]:
    """Name the columns."""
    middle: list[str] = []
    for rate in columns.rates:
        middle += ["base", localized(language, en="tax", es="cuota")]
        if rate is not None:
            middle[-2:] = [f"{word} {percent_of(rate, language)}" for word in middle[-2:]]
    if columns.has_surcharge:
        middle += [localized(language, en="equivalence surcharge", es="recargo de equivalencia")]
    before, after = (
        [column[language] for column in _words()[part]]
        for part in ("before_amounts", "after_amounts")
    )
    return [*before, *middle, *after]


def percent_of(rate: Decimal, language: Language) -> str:
    """Write a rate as the person does: `5,2 %`."""
    percent = _number(rate.normalize(), language, places=None)
    return localized(language, en=f"{percent}%", es=f"{percent} %")


def cells_of(
    row: ManifestRow,
    columns: Columns,
    language: Language,
    write: Callable[[Decimal, Language], str] | None = None,
) -> list[str]:
    """Give the cells of a row; amounts as a spreadsheet reads them, or as `write` does."""
    written = write or _number

    def money(amount: Decimal) -> str:
        return "" if row.day is None else written(amount, language)

    return [
        _day(row.day, language),
        safe(row.number or (row.invoice_id if row.missing else "")),
        word_of("types", row.type, language),
        safe(row.rectifies),
        safe(row.customer),
        safe(row.nif),
        *_amounts(row, columns.rates, money),
        *([money(row.surcharge)] if columns.has_surcharge else []),
        money(row.withholding),
        money(row.total),
        word_of("statuses", row.status, language),
        safe(row.file),
        row.sha256,
        word_of("reasons", row.missing, language),
    ]


def _amounts(
    row: ManifestRow, rates: Sequence[Decimal | None], write: Callable[[Decimal], str]
) -> list[str]:
    """Give base and tax by rate, empty where the invoice has no such rate."""
    sums = by_rate([row])
    return [
        text
        for rate in rates
        for text in ([write(part) for part in sums[rate]] if rate in sums else ("", ""))
    ]


def by_rate(rows: Iterable[ManifestRow]) -> dict[Decimal | None, tuple[Decimal, Decimal]]:
    """Add up base and tax of each rate, of one invoice or of many."""
    sums: dict[Decimal | None, tuple[Decimal, Decimal]] = {}
    for row in rows:
        for rate, base, tax in row.rates:
            before = sums.get(rate, (Decimal(), Decimal()))
            sums[rate] = (before[0] + base, before[1] + tax)
    return sums


def safe(text: str) -> str:
    """Make text that a spreadsheet shows and does not run: what looks like a formula gets a `'`."""
    cell = clean(text, 300)
    return f"'{cell}" if cell.startswith(FORMULA) else cell


def _day(day: date | None, language: Language) -> str:
    return "" if day is None else localized(language, en=day.isoformat(), es=f"{day:%d/%m/%Y}")


def _number(amount: Decimal, language: Language, places: int | None = 2) -> str:
    """Write a number, which may be negative and is no formula: digits, sign and mark only."""
    text = f"{amount:f}" if places is None else f"{amount:.{places}f}"
    return localized(language, en=text, es=text.replace(".", ","))


@cache
def _words() -> dict[str, Any]:
    return read_data("manifest_words")


def word_of(table: str, key: str, language: Language) -> str:
    """Say a type, a status or a reason as the manifest does; an unknown one as it is."""
    return safe(_words()[table].get(key, {}).get(language, key))


@dataclass(frozen=True)
class Member:
    """A PDF on its way into the package."""

    name: str
    day: date
    size: int
    pieces: Iterable[bytes]


@dataclass(frozen=True)
class SavedPackage:
    """The file that was written."""

    path: Path
    size_bytes: int
    sha256: str


def save_package(
    folder: Path, name: str, members: Sequence[Member], manifest: bytes
) -> SavedPackage:
    """Write the package under a name of its own; nothing stands there unless all of it does.

    Raises:
        OperatorError: the folder cannot be written to, or is full; nothing was saved.
    """
    needed = len(manifest) + sum(member.size for member in members)
    with new_file(folder, name, needed_bytes=needed) as new:
        with zipfile.ZipFile(new.stream, "w", zipfile.ZIP_STORED) as package:
            package.writestr(_entry(MANIFEST, _EPOCH, len(manifest)), manifest)
            for member in members:
                entry = _entry(member.name, member.day, member.size)
                with package.open(entry, "w", force_zip64=member.size >= 2**31) as stream:
                    for piece in member.pieces:
                        stream.write(piece)
        size = new.stream.tell()
        new.stream.seek(0)
        digest = hashlib.file_digest(new.stream, "sha256").hexdigest()
    return SavedPackage(new.path, size, digest)


def _entry(name: str, day: date, size: int) -> zipfile.ZipInfo:
    """Make an entry from facts alone: no clock, no rights of this machine. PDFs are packed."""
    moment = min(max(day, _EPOCH), _LAST)
    entry = zipfile.ZipInfo(name, (moment.year, moment.month, moment.day, 0, 0, 0))
    entry.create_system = 3
    entry.external_attr = 0o100644 << 16
    entry.file_size = size
    return entry
