"""What save_batch_report answers."""

from collections.abc import Sequence
from typing import Final

from beel_mcp.summaries.answer import Answer, Link, count_phrase
from beel_mcp.summaries.batches import ValidationCounts

_ABOUT: Final = (
    "It has the customers' data in full: give it to the person. They correct the coloured cells,"
    " or delete the rows to leave out, and save it."
)
_XLSX: Final = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


class ReportAnswer(Answer):
    """A batch as a workbook in the files folder."""

    path: str | None = None
    uri: str | None = None
    size_bytes: int | None = None
    total: int | None = None
    counts: ValidationCounts | None = None

    def lines(self) -> Sequence[str]:
        """Give the file, what is in it, and what the person does with it."""
        counts = count_phrase(self.counts.model_dump()) if self.counts else ""
        return [
            f"File: {self.path}",
            f"Rows: {counts}.",
            _ABOUT,
        ]

    def links(self) -> Sequence[Link]:
        """Give the file."""
        if self.uri is None or self.path is None:
            return ()
        return [Link(self.uri, self.path.rpartition("/")[2], _XLSX, self.size_bytes or 0)]
