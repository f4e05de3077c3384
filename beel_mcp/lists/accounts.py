"""Bank accounts in a file: one that holds any is for the person, and not for an answer."""

import io
import re
import zipfile
from typing import Final

_BEGINS: Final = re.compile(r"(?<![A-Z0-9])[A-Z]{2}[0-9]{2}(?=[ .-]?[A-Z0-9])", re.IGNORECASE)
_SEPARATORS: Final = re.compile(r"[ .-]")
_LENGTHS: Final = range(15, 35)


def holds_account(name: str, data: bytes) -> bool:
    """Tell whether a text or a workbook has an IBAN in it; PDFs are not looked into."""
    if name.lower().endswith(".xlsx") and zipfile.is_zipfile(io.BytesIO(data)):
        with zipfile.ZipFile(io.BytesIO(data)) as workbook:
            parts = [workbook.read(one) for one in workbook.namelist() if one.endswith(".xml")]
        return any(has_iban(part.decode(errors="replace")) for part in parts)
    if name.lower().endswith(".zip"):
        return False
    return has_iban(data.decode(errors="replace"))


def has_iban(text: str) -> bool:
    """Find an IBAN whose country, length and check digits are right, in any usual writing."""
    # The library reads the shapes of all countries first.
    from stdnum import iban  # noqa: PLC0415

    for found in _BEGINS.finditer(text):
        written = re.match(r"[A-Z0-9 .-]*", text[found.start() : found.start() + 60], re.IGNORECASE)
        bare = _SEPARATORS.sub("", written.group() if written else "")
        if any(iban.is_valid(bare[:length]) for length in _LENGTHS if length <= len(bare)):
            return True
    return False
