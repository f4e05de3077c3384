"""Which PDFs did not come before, so that nobody is told a third time to try again."""

import json
import logging
import os
from collections.abc import Iterable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final

from beel_mcp.files.safe_dir import open_private, replace

FAILED_PDFS: Final = "failed_pdfs.json"  # in the state folder
FAILURE_TTL: Final = timedelta(days=30)
logger = logging.getLogger(__name__)


class FailedPdfs:
    """The invoices of one ledger without a PDF, by id, for 30 days; what is no longer so is gone.

    It is advice only: what the disk refuses is logged and nothing else.
    """

    def __init__(self, state_dir: Path, ledger_id: str, now: datetime) -> None:
        self._path = state_dir / FAILED_PDFS
        self._ledger_id = ledger_id
        self._now = now

    def before(self) -> frozenset[str]:
        """Give the ids of those that failed before."""
        return frozenset(self._read().get(self._ledger_id, {}))

    def record(self, failed: Iterable[str], came: Iterable[str]) -> None:
        """Keep in mind what failed now, and forget what came."""
        kept = self._read()
        mine = kept.setdefault(self._ledger_id, {})
        mine.update(dict.fromkeys(failed, self._now.timestamp()))
        for invoice_id in came:
            mine.pop(invoice_id, None)
        part = self._path.with_suffix(".part")
        try:
            with os.fdopen(open_private(part, os.O_TRUNC), "w", encoding="ascii") as file:
                json.dump(kept, file)
            replace(part, self._path)
        except OSError as error:
            logger.warning("PDFs that failed could not be noted (%s)", type(error).__name__)

    def _read(self) -> dict[str, dict[str, float]]:
        oldest = (self._now - FAILURE_TTL).timestamp()
        try:
            kept = json.loads(self._path.read_bytes())
            return {
                ledger_id: {id_: at for id_, at in failures.items() if at >= oldest}
                for ledger_id, failures in kept.items()
            }
        except (OSError, ValueError, AttributeError, TypeError):
            return {}  # none yet, or not ours
