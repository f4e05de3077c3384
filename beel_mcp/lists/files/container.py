"""What a file really is, and the parts of a ZIP unpacked within limits."""

import codecs
import io
import re
import zipfile
import zlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import PurePath
from typing import Final

from beel_mcp.lists.files.sheet import MAX_BYTES, FileFormat, file_error

# A list of 5,000 rows with 40 columns has about 15 MB inside; nobody opens more than this here.
MAX_UNPACKED: Final = 40_000_000
MAX_PARTS: Final = 2_000
# The two that spreadsheets are packed with; others unpack more at a time than they are asked for.
_METHODS: Final = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
# What zipfile raises for damaged files; NotImplementedError, of odd methods, is a RuntimeError.
_BROKEN: Final = (zipfile.BadZipFile, zlib.error, EOFError, OSError, RuntimeError, ValueError)
_DECLARED: Final = re.compile(rb"<!(?:DOCTYPE|ENTITY)")
_ZIP: Final = b"PK\x03\x04"
_OLE: Final = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_OTHER_FORMATS: Final = (
    (b"%PDF-", "a PDF"),
    (b"\x1f\x8b", "a compressed file"),
    (b"{\\rtf", "a text document"),
    (b"Rar!", "a compressed file"),
    (b"7z\xbc\xaf", "a compressed file"),
    (b"\x89PNG", "a picture"),
    (b"\xff\xd8\xff", "a picture"),
    (b"\x09\x08\x10", "an Excel file of the last century"),
)
_MARKUP: Final = re.compile(
    rb"\s*<(?:!doctype|html|head|body|table|meta|style|\?xml)\b", re.IGNORECASE
)
_SUFFIXES: Final[Mapping[str, FileFormat]] = {
    **dict.fromkeys((".csv", ".txt", ".tsv"), "csv"),
    **dict.fromkeys((".xlsx", ".xlsm"), "xlsx"),
    ".xls": "xls",
    ".ods": "ods",
}
_FORMAT_NAMES: Final[Mapping[FileFormat, str]] = {
    "csv": "plain text, as CSV files are",
    "xlsx": "an XLSX workbook",
    "xls": "an old Excel file (XLS)",
    "ods": "an ODS spreadsheet",
}
_PARTS: Final[Mapping[str, re.Pattern[str]]] = {
    "xlsx": re.compile(
        r"\[Content_Types\]\.xml|_rels/\.rels|xl/workbook\.xml|xl/_rels/workbook\.xml\.rels"
        r"|xl/(?:sharedStrings|styles)\.xml|xl/worksheets/[^/]+\.xml",
        re.IGNORECASE,
    ),
    "ods": re.compile(r"mimetype|META-INF/manifest\.xml|content\.xml|styles\.xml"),
}


@dataclass(frozen=True)
class ListFile:
    """A file of a known format; of an XLSX or ODS also the parts that a list lives in."""

    name: str
    data: bytes
    format: FileFormat
    parts: Mapping[str, bytes] = field(default_factory=dict)


def open_file(data: bytes, name: str) -> ListFile:
    """Tell by its bytes what a file is, hold its name against that, and unpack it within limits.

    Raises:
        CallerError: it is empty, of another format, protected, broken, or would grow too large.
    """
    if len(data) > MAX_BYTES:
        raise file_error("too_large", name, limit=MAX_BYTES // 1_000_000)
    text = data.removeprefix(codecs.BOM_UTF8)
    if not text.strip():
        raise file_error("empty", name)
    others = [called for magic, called in _OTHER_FORMATS if data.startswith(magic)]
    if _MARKUP.match(text):
        others.append("a web page or XML")
    if others:
        raise file_error("wrong_type", name, found=others[0])
    if data.startswith(_ZIP):
        try:
            with zipfile.ZipFile(io.BytesIO(data)) as archive:
                return _unpacked(archive, data, name)
        except _BROKEN:
            raise file_error("damaged", name) from None
    found: FileFormat = "xls" if data.startswith(_OLE) else "csv"
    if found == "xls" and "EncryptedPackage".encode("utf-16-le") in data:
        raise file_error("password", name)
    _check_suffix(name, found)
    return ListFile(name, data, found)


def packed(parts: Mapping[str, bytes]) -> io.BytesIO:
    """Pack checked parts again, so that the reader sees nothing that was not checked."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_STORED) as archive:
        for name, part in parts.items():
            archive.writestr(name, part)
    file.seek(0)
    return file


def _check_suffix(name: str, found: FileFormat) -> None:
    if _SUFFIXES.get(PurePath(name).suffix.casefold(), found) != found:
        raise file_error("wrong_suffix", name, found=_FORMAT_NAMES[found], suffix=found)


def _unpacked(archive: zipfile.ZipFile, data: bytes, name: str) -> ListFile:
    found = _format_of(archive, name)
    _check_suffix(name, found)
    wanted = [info for info in archive.infolist() if _PARTS[found].fullmatch(info.filename)]
    unpacked = sum(info.file_size for info in wanted)
    if unpacked > MAX_UNPACKED:
        raise file_error("bomb", name, why=f"it unpacks to {unpacked // 1_000_000} MB")
    if any(info.flag_bits & 1 for info in wanted):
        raise file_error("password", name)
    # A reader that folds names would take one of two parts, and perhaps not the measured one.
    is_ambiguous = len({info.filename.casefold() for info in wanted}) < len(wanted)
    if is_ambiguous or any(info.compress_type not in _METHODS for info in wanted):
        raise zipfile.BadZipFile
    # Reads no more than was declared, and holds it against its checksum.
    parts = {info.filename: archive.read(info) for info in wanted}
    if any(b"<!" in part and _DECLARED.search(part) for part in parts.values()):
        raise zipfile.BadZipFile
    if b"encryption-data" in parts.get("META-INF/manifest.xml", b""):
        raise file_error("password", name)
    return ListFile(name, data, found, parts)


def _format_of(archive: zipfile.ZipFile, name: str) -> FileFormat:
    names = archive.namelist()
    if len(names) > MAX_PARTS:
        raise file_error("bomb", name, why=f"it has {len(names)} parts")
    if not names:
        raise zipfile.BadZipFile
    if "xl/workbook.xml" in names:
        return "xlsx"
    mimetype = b""
    if "mimetype" in names:
        info = archive.getinfo("mimetype")
        if info.file_size < 200 and info.compress_type in _METHODS:
            mimetype = archive.read(info).strip()
    if mimetype == b"application/vnd.oasis.opendocument.spreadsheet":
        return "ods"
    other = "a ZIP"
    if "xl/workbook.bin" in names:
        other = "a binary Excel file (XLSB)"
    elif any(part.startswith(("word/", "ppt/")) for part in names) or mimetype:
        other = "a document"
    raise file_error("wrong_type", name, found=other)
