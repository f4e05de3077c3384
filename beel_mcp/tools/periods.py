"""A quarter or dates, as a range of days."""

import re
from calendar import monthrange
from datetime import date

from beel_mcp.cleaning import quoted
from beel_mcp.errors import CallerError, FieldError
from beel_mcp.spelling import read_day

# As people write it, too: T3 2026, 3T 2026, Q3-2026.
_QUARTER = re.compile(r"(?P<year>\d{4})[ -]?[QT](?P<number>[1-4])", re.IGNORECASE)
_TURNED = re.compile(
    r"(?:[QT](?P<number>[1-4])|(?P<first>[1-4])[QT])[ -/]?(?P<year>\d{4})", re.IGNORECASE
)


def period(
    quarter: str | None, date_from: str | None, date_to: str | None
) -> tuple[date | None, date | None]:
    """Read a calendar quarter, or two days, both inclusive and either open.

    Raises:
        CallerError: both were given, or one of them is no quarter or day, or the range is empty.
    """
    if quarter and (date_from or date_to):
        raise CallerError("Give quarter, or date_from and date_to; not both.")
    if quarter:
        return _quarter(quarter)
    first, last = _day("date_from", date_from), _day("date_to", date_to)
    if first and last and first > last:
        raise CallerError(
            "date_from is after date_to.",
            field_errors=(FieldError("date_from", "must not be after date_to"),),
        )
    return first, last


def _quarter(text: str) -> tuple[date, date]:
    found = _QUARTER.fullmatch(text.strip()) or _TURNED.fullmatch(text.strip())
    if not found or int(found["year"]) < 1900:
        given = quoted(text, 30)
        wanted = f"is {given}, which is no quarter; one is written 2026-Q3, with Q1 to Q4"
        message = f"No invoice was looked for: {given} is no quarter."
        raise CallerError(message, field_errors=(FieldError("quarter", wanted),))
    facts = found.groupdict()
    year, number = int(found["year"]), int(facts["number"] or facts["first"])
    last = number * 3
    return date(year, last - 2, 1), date(year, last, monthrange(year, last)[1])


def _day(field: str, text: str | None) -> date | None:
    if not text:
        return None
    try:
        return read_day(text)
    except ValueError as error:
        message = f"No invoice was looked for: {field} cannot be read."
        raise CallerError(message, field_errors=(FieldError(field, str(error)),)) from None
