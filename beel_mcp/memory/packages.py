"""Packages that are finished, kept for a while for a person to look at."""

import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

from beel_mcp.files.invoice_package import ManifestRow
from beel_mcp.memory.recently_used import RecentlyUsed

PACKAGE_TTL: Final = timedelta(minutes=30)
# Of invoices, in all packages together; one takes about two kilobytes.
_MOST_ROWS: Final = 20_000


def _new_id() -> str:
    return f"pkg_{secrets.token_urlsafe(16)}"


@dataclass(frozen=True)
class FinishedPackage:
    """What a page says of a package; the ZIP itself lies in the files folder.

    `rows` are those of the manifest, in its order. `remedies` has what can be done about each
    invoice that is missing, by id: a code of `answers.files`, which has the words.
    """

    caller: str
    file_name: str | None  # none: there was no PDF to save
    rows: tuple[ManifestRow, ...] = field(repr=False)
    remedies: Mapping[str, str] = field(repr=False)
    again_in_s: int | None = None  # BeeL is making some of the PDFs
    drafts_left_out: int | None = None
    is_miscounted: bool = False
    package_id: str = field(default_factory=_new_id)


class PackageStore:
    """Keeps finished packages for 30 minutes after their last use, each for its caller alone.

    It holds 20 of a caller, 200 in all and 20,000 invoices; the least recently used goes first.
    """

    def __init__(self, now: Callable[[], datetime]) -> None:
        self._kept = RecentlyUsed[FinishedPackage](
            now, PACKAGE_TTL, lambda package: len(package.rows), lambda *_: None
        )

    def add(self, package: FinishedPackage) -> None:
        self._kept.add(package.package_id, package.caller, package, most=_MOST_ROWS)

    def find(self, package_id: str, caller: str) -> FinishedPackage | None:
        """Find a caller's package, and keep it for another while; None if it is not kept."""
        package = self._kept.find(package_id, caller)
        if package is not None:
            self._kept.put(package_id, caller, package)
        return package

    def saved_as(self, file_name: str, caller: str) -> FinishedPackage | None:
        """Find a caller's package by its file in the files folder."""
        return next((one for one in self._kept.of(caller) if one.file_name == file_name), None)
