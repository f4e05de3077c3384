"""Lines in a list that are no customers: totals, counts, numbers of pages, dates."""

import re
from collections.abc import Sequence
from datetime import date, datetime, time
from functools import cache
from typing import Final

from beel_mcp.cleaning import without_accents
from beel_mcp.lists.files.sheet import Cell
from beel_mcp.messages import read_data

_DATE: Final = r"[0-9]{1,4}[/.\-][0-9]{1,2}[/.\-][0-9]{1,4}|[0-9]{1,2} de [a-z]+ del? [0-9]{4}"
_TIME: Final = r"(?:[ ,-]*[0-9]{1,2}:[0-9]{2}(?::[0-9]{2})?(?: ?h)?)?"
_RULE: Final = r"[-=_*.\u00b7 ]{3,}"
_AMOUNT: Final = r"[-+0-9.,' \u20ac%]*"
# More digits are a telephone or an identifier, and whoever has one is a customer.
_MOST_DIGITS: Final = 8


def is_footer(cells: Sequence[Cell]) -> bool:
    """Whether a row only sums, counts or dates the others; nothing that a customer has is in it.

    Its first text says so, and beside it stand only amounts and more of the same.
    """
    texts = [cell for cell in cells if cell != ""]
    return _says_so(texts[0]) and all(_says_so(cell) or _is_amount(cell) for cell in texts[1:])


def _says_so(cell: Cell) -> bool:
    if isinstance(cell, date | datetime | time):
        return True
    if not isinstance(cell, str) or len(cell) > 100:
        return False
    return _footer().fullmatch(without_accents(cell.strip())) is not None


def _is_amount(cell: Cell) -> bool:
    is_whole = isinstance(cell, float) and cell.is_integer()  # as a sheet keeps every number
    text = f"{cell:.0f}" if is_whole else str(cell)
    has_cents = "," in text or (isinstance(cell, float) and not is_whole)
    is_short = has_cents or sum(map(str.isdigit, text)) <= _MOST_DIGITS
    return is_short and re.fullmatch(_AMOUNT, text) is not None


@cache
def _footer() -> re.Pattern[str]:
    """Make the pattern of the whole text from the words that people and programs use."""
    words = {name: "|".join(map(re.escape, texts)) for name, texts in read_data("footers").items()}
    things, day = words["things"], f"(?:{_DATE}){_TIME}"
    return re.compile(
        rf"(?:{words['totals']})(?: ?(?:de |of |d'|n[o.]? )?(?:{things}))*[ :=.-]*{_AMOUNT}"
        rf"|[0-9.]+ (?:{things})(?: en total| in total)?\.?"
        rf"|(?:{words['counts']})[ :=.-]*{_AMOUNT}"
        rf"|(?:{words['pages']})[ .:]*[0-9]+(?: ?(?:de|of|/|-) ?[0-9]+)?"
        rf"|(?:(?:{words['dates']})[ .:]*)?{day}"
        rf"|{words['ends']}|{_RULE}"
    )
