"""One cell becomes a value: what a spreadsheet did to it is undone where that is certain."""

import re
from datetime import date, datetime, time, timedelta
from typing import Final

from beel_mcp.lists.files.sheet import ERROR_CELL, Cell
from beel_mcp.lists.inline import UnreadableError
from beel_mcp.messages import Message
from beel_mcp.spelling import NO_VALUES, Respelt, respelt

_TEXT_FORMULA: Final = re.compile(r'="([^"]*)"')
_SHEET_ERROR: Final = re.compile(
    r"#(?:N/?[AD]|REF|VALUE|VALOR|DIV/0|NAME|NOMBRE|NUM|¡\w+|¿\w+)[!?/]?.*"
)


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
        raise UnreadableError(Message("value.not_text", found=Message("kind.boolean")))
    if isinstance(cell, datetime | date | time | timedelta):
        shown = cell.isoformat() if isinstance(cell, date | time) else str(cell)
        raise UnreadableError(Message("sheet.date"), shown)
    return cell


def repaired(field: str, text: str) -> Respelt | None:
    """Undo what was done to a field's text; None if there is nothing that is certain.

    What is left of a program's word for no value is nothing.
    """
    if text in NO_VALUES:
        return Respelt("", Message("change.no_value"))
    if text.startswith('="') and (formula := _TEXT_FORMULA.fullmatch(text)):
        inner = repaired(field, formula[1])
        return inner or Respelt(formula[1], Message("change.formula"))
    return respelt(field, text)
