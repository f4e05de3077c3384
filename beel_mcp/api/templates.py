"""The CSV template of a customer list: taken as it is, once it is seen to be one."""

import csv
import io
from codecs import BOM_UTF8
from dataclasses import dataclass
from typing import Final

from beel_mcp.api import envelope
from beel_mcp.api.envelope import Answer
from beel_mcp.api.messages import Incoming
from beel_mcp.api.routes import Family, Operation
from beel_mcp.cleaning import clean

CAP_BYTES: Final = 1_000_000
_MOST_COLUMNS: Final = 100
_SEPARATORS: Final = (";", ",", "\t")
# How a page or a JSON text begins, whatever it is called.
_NO_TABLES: Final = (b"<", b"{", b"[")


@dataclass(frozen=True)
class CustomerTemplate:
    """BeeL's template: its bytes, the headers in them (cleaned), and the rows below."""

    content: bytes
    columns: tuple[str, ...]
    example_rows: int


def read(answer: Incoming, operation: Operation, family: Family) -> Answer:
    """Give the template; the data is a CustomerTemplate.

    Raises:
        ApiError: BeeL refused, or what came is no CSV text with a header.

    """
    kind = answer.headers.get("content-type", "").split(";")[0].strip().lower()
    if answer.status != 200 or answer.fault or kind != "text/csv":
        opened = envelope.read(answer, operation, family)
        raise opened.unexpected("BeeL answered with something else than a CSV template.")
    opened = Answer(operation, family, answer.status, None, None)
    template = _template(answer.body or b"")
    if template is None:
        raise opened.unexpected("BeeL's CSV template does not hold a header that can be read.")
    return Answer(operation, family, answer.status, template, None)


def _template(content: bytes) -> CustomerTemplate | None:
    inside = content.removeprefix(BOM_UTF8).lstrip()
    if len(content) > CAP_BYTES or b"\0" in content or inside.startswith(_NO_TABLES):
        return None
    try:
        text = content.decode("utf-8-sig")
        mark = max(_SEPARATORS, key=text.partition("\n")[0].count)
        header, *rows = csv.reader(io.StringIO(text, newline=""), delimiter=mark, strict=True)
    except (ValueError, csv.Error):  # no text, no row at all, or quotes that do not pair up
        return None
    columns = tuple(clean(name, 60) for name in header)
    if not 1 < len(columns) <= _MOST_COLUMNS or not all(columns):
        return None
    return CustomerTemplate(content, columns, sum(any(map(str.strip, row)) for row in rows))
