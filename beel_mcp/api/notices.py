"""What BeeL announces in headers: a route's deprecation and end, what it ignored, the time."""

import logging
from collections.abc import Mapping
from datetime import UTC, date, datetime
from email.utils import parsedate_to_datetime
from typing import Final

from beel_mcp.cleaning import clean

_MOST_WARNINGS: Final = 10
logger = logging.getLogger(__name__)


class RouteNotices:
    """Collects the announcements of one process and logs each of them once."""

    def __init__(self) -> None:
        self.sunset: date | str | None = None
        self.deprecated = False
        self.beel_warnings: tuple[str, ...] = ()
        # Seconds that this machine's clock is ahead of BeeL's; None before an answer says.
        self.clock_ahead_s: float | None = None

    def collect(self, headers: Mapping[str, str]) -> None:
        """Take in the headers (names in lower case) of an answer."""
        if headers.get("deprecation", "false").strip().lower() not in ("", "false", "?0"):
            if not self.deprecated:
                logger.warning("BeeL calls a route that is in use deprecated")
            self.deprecated = True
        sunset = _day(headers.get("sunset", ""))
        if sunset is not None and sunset != self.sunset:
            logger.warning("BeeL retires a route that is in use: %s", sunset)
            self.sunset = sunset
        if time := http_time(headers):
            self.clock_ahead_s = (datetime.now(UTC) - time).total_seconds()
        warning = clean(headers.get("beel-warning", ""), 300)
        if warning and warning not in self.beel_warnings:
            logger.warning("BeeL warns: %s", warning)
            self.beel_warnings = (*self.beel_warnings, warning)[-_MOST_WARNINGS:]


def has_passed(headers: Mapping[str, str]) -> bool:
    """Tell whether the answer comes from a route whose announced end lies behind us."""
    sunset = _day(headers.get("sunset", ""))
    return isinstance(sunset, date) and sunset <= (http_time(headers) or datetime.now(UTC)).date()


def http_time(headers: Mapping[str, str], name: str = "date") -> datetime | None:
    """Read a header that holds an HTTP date."""
    try:
        time = parsedate_to_datetime(headers.get(name, ""))
    except (ValueError, TypeError, IndexError, OverflowError):
        return None
    return time if time.tzinfo else time.replace(tzinfo=UTC)


def _day(text: str) -> date | str | None:
    time = http_time({"date": text})
    return time.date() if time else clean(text, 60) or None
