"""What a file really is, and the parts of a ZIP opened within limits."""

import codecs
import io
import re
import zipfile
import zlib
from collections.abc import Mapping
from pathlib import PurePath
from typing import Final

from beel_mcp.lists.files import sheet
from beel_mcp.lists.files.sheet import MAX_BYTES, Kind

# A list of 5,000 rows with 40 columns has about 15 MB inside; nobody opens more than this here.
MAX_UNPACKED: Final = 40_000_000
MAX_PARTS: Final = 2_000
# The two that spreadsheets are packed with; others unpack more at a time than they are asked for.
_METHODS: Final = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
_DECLARED: Final = re.compile(rb"<!(?:DOCTYPE|ENTITY)")
_ZIP: Final = b"PK\x03\x04"
_OLE: Final = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_OTHER_KINDS: Final = (
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
_SUFFIXES: Final[Mapping[str, Kind]] = {
    ".csv": "csv",
    ".txt": "csv",
    ".tsv": "csv",
    ".xlsx": "xlsx",
    ".xlsm": "xlsx",
    ".xls": "xls",
    ".ods": "ods",
}
_CALLED: Final[Mapping[Kind, str]] = {
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


def kind_of(data: bytes, name: str) -> Kind:
    """Tell by its bytes what a file is, and hold its name against that.

    Raises:
        CallerError: it is empty, too large, of another kind, or not what its name says.

    """
    if len(data) > MAX_BYTES:
        raise sheet.too_large(name)
    if not data.removeprefix(codecs.BOM_UTF8).strip():
        raise sheet.empty(name)
    kinds = [kind for magic, kind in _OTHER_KINDS if data.startswith(magic)]
    if _MARKUP.match(data.removeprefix(codecs.BOM_UTF8)):
        kinds.append("a web page or XML")
    if kinds:
        raise sheet.wrong_type(name, kinds[0] + ", not a list that can be read")
    found: Kind = "csv"
    if data.startswith(_ZIP):
        found = _kind_of_zip(data, name)
    elif data.startswith(_OLE):
        found = "xls"
        if "EncryptedPackage".encode("utf-16-le") in data:
            raise sheet.password(name)
    promised = _SUFFIXES.get(PurePath(name).suffix.casefold())
    if promised and promised != found:
        remedy = f"Rename it to end in .{found}, or save it again in a spreadsheet program."
        raise sheet.wrong_type(name, _CALLED[found], remedy)
    return found


def open_parts(data: bytes, name: str, kind: Kind) -> dict[str, bytes]:
    """Unpack the parts of an XLSX or ODS file that a list lives in, within limits.

    Raises:
        CallerError: it would grow too large, is protected, or broken.

    """
    parts: dict[str, bytes] = {}
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            wanted = [info for info in archive.infolist() if _PARTS[kind].fullmatch(info.filename)]
            unpacked = sum(info.file_size for info in wanted)
            if unpacked > MAX_UNPACKED:
                why = f"it unpacks to {unpacked // 1_000_000} MB"
                raise sheet.bomb(name, why)
            if any(info.flag_bits & 1 for info in wanted):
                raise sheet.password(name)
            for info in wanted:
                if info.filename in parts or info.compress_type not in _METHODS:
                    raise sheet.damaged(name)
                # Reads no more than was declared, and holds it against its checksum.
                parts[info.filename] = archive.read(info)
    except (zipfile.BadZipFile, zlib.error, EOFError, OSError, RuntimeError, ValueError):
        broken = True  # NotImplementedError, of odd methods, is a RuntimeError
    else:
        broken = any(b"<!" in part and _DECLARED.search(part) for part in parts.values())
    if broken:
        raise sheet.damaged(name)
    if b"encryption-data" in parts.get("META-INF/manifest.xml", b""):
        raise sheet.password(name)
    return parts


def packed(parts: Mapping[str, bytes]) -> io.BytesIO:
    """Pack checked parts again, so that the reader sees nothing that was not checked."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_STORED) as archive:
        for name, part in parts.items():
            archive.writestr(name, part)
    file.seek(0)
    return file


def _is_small(info: zipfile.ZipInfo) -> bool:
    return info.file_size < 200 and info.compress_type in _METHODS


def _kind_of_zip(data: bytes, name: str) -> Kind:
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            names = archive.namelist()
            odd = len(names) > MAX_PARTS
            mimetype = b""
            if not odd and "mimetype" in names and _is_small(archive.getinfo("mimetype")):
                mimetype = archive.read("mimetype")
    except (zipfile.BadZipFile, zlib.error, EOFError, OSError, RuntimeError, ValueError):
        odd, names, mimetype = False, [], b""
    if odd:
        raise sheet.bomb(name, f"it has {len(names)} parts")
    if not names:
        raise sheet.damaged(name)
    if "xl/workbook.xml" in names:
        return "xlsx"
    if mimetype.strip() == b"application/vnd.oasis.opendocument.spreadsheet":
        return "ods"
    other = "a ZIP"
    if "xl/workbook.bin" in names:
        other = "a binary Excel file (XLSB)"
    elif any(part.startswith(("word/", "ppt/")) for part in names) or mimetype:
        other = "a document"
    raise sheet.wrong_type(name, f"{other}, not a list that can be read")
