"""Which part of a long table a page shows, and where the others are."""

from collections.abc import Mapping
from dataclasses import dataclass
from math import ceil
from typing import Final
from urllib.parse import urlencode

from starlette.requests import Request

ROWS_PER_PAGE: Final = 50
WHOLE: Final = "all"


@dataclass(frozen=True)
class Pager:
    """The rows that are shown, counted from 1; addresses of others, empty where there are none."""

    page: int
    pages: int
    first: int
    last: int
    total: int
    before: str = ""
    after: str = ""
    whole: str = ""

    @property
    def rows(self) -> slice:
        return slice(max(self.first - 1, 0), self.last)


def pager_of(page: int | None, total: int, asked: Mapping[str, str] | None = None) -> Pager:
    """Find the rows of a page; None is all of them, and a page behind the last is the last.

    `asked` stands in every address beside the page.
    """
    size = ROWS_PER_PAGE if page else max(total, 1)
    pages = max(ceil(total / size), 1)
    now = min(page or 1, pages)
    return Pager(
        page=now,
        pages=pages,
        first=min((now - 1) * size + 1, total),
        last=min(now * size, total),
        total=total,
        before=address_of(asked, now - 1) if now > 1 else "",
        after=address_of(asked, now + 1) if now < pages else "",
        whole=address_of(asked, WHOLE) if pages > 1 else "",
    )


def address_of(asked: Mapping[str, str] | None = None, page: int | str = 1) -> str:
    """Give the address of a page of rows, from any address of the same view."""
    parts = {**(asked or {}), **({} if page == 1 else {"page": str(page)})}
    return f"./?{urlencode(parts)}" if parts else "./"


def page_asked(request: Request) -> int | None:
    """Read which page is asked for; None is all rows, and what makes no sense is the first."""
    page = request.query_params.get("page", "1")
    if page == WHOLE:
        return None
    return max(int(page), 1) if page.isascii() and page.isdecimal() and len(page) < 7 else 1
