"""Answers of the tools that save a file: a package of PDFs, a template, a workbook."""

from collections.abc import Sequence
from typing import Annotated, ClassVar, Final

from pydantic import BaseModel, Field, WithJsonSchema

from beel_mcp.answers.answer import Answer, Link, count_phrase, plural
from beel_mcp.answers.validation import ValidationCounts

# Eight and their remedies, beside the rest, are what 1,000 tokens hold.
MISSING_CAP: Final = 8
REMEDIES: Final = {
    "draft": "It has no PDF before the person issues it in BeeL.",
    "not_found": "find_invoices gives the ids of invoices that exist.",
    "pdf_not_ready": "BeeL is still making it; ask for it again later.",
    "unknown": "Ask for it again; else the person can open it in BeeL.",
}
_WORDS: Final = {
    "draft": "not issued",
    "not_found": "not found in BeeL",
    "pdf_not_ready": "no PDF in BeeL yet",
    "unknown": "no PDF came that can be trusted",
}
_REPORT_ADVICE: Final = (
    "It has the customers' data in full: give it to the person. They correct the coloured cells,"
    " or delete the rows to leave out, and save it."
)
Sums = Annotated[dict[str, str], WithJsonSchema({"type": "object"})]


class FileAnswer(Answer):
    """What all of them have: the file in the files folder, if one was saved."""

    mime_type: ClassVar[str]

    path: str | None = None
    uri: str | None = None
    size_bytes: int | None = None

    def links(self) -> Sequence[Link]:
        if self.uri is None or self.path is None:
            return ()
        name = self.path.rpartition("/")[2]
        return [Link(self.uri, name, self.mime_type, self.size_bytes or 0)]


class PackageCounts(BaseModel):
    """The invoices that were asked for, each in one class."""

    included: int
    missing: int
    not_attempted: int


class MissingInvoice(BaseModel):
    """An invoice that is not in the file, why, and what to do."""

    invoice_id: str
    number: str | None = None
    reason: str
    remedy: str

    def line(self) -> str:
        name = f"{self.number} ({self.invoice_id})" if self.number else self.invoice_id
        return f"Missing: {name}: {_WORDS[self.reason]}. {self.remedy}"


class PackageAnswer(FileAnswer):
    """One ZIP in the files folder, or how far it has come."""

    mime_type: ClassVar[str] = "application/zip"

    sha256: str | None = None
    requested: int | None = None
    counts: PackageCounts | None = None
    missing: list[MissingInvoice] | None = None
    more_missing: int | None = None
    sums: Sums | None = Field(None, description="EUR of the included invoices, by status.")
    drafts_left_out: int | None = None
    counters_mismatch: bool | None = None
    resume: str | None = None
    retry_after_s: int | None = None

    def lines(self) -> Sequence[str]:
        sums = ", ".join(f"{status} {total} EUR" for status, total in (self.sums or {}).items())
        more = self.more_missing
        return [
            f"File: {self.path} ({self.size_bytes} bytes), with manifest.csv." if self.path else "",
            f"Sums: {sums}." if sums else "",
            f"{plural(self.drafts_left_out, 'draft')} left out." if self.drafts_left_out else "",
            "BeeL's own counters did not fit what it sent; these counts are of what arrived."
            if self.counters_mismatch
            else "",
            *(invoice.line() for invoice in self.missing or ()),
            f"{more} more missing: manifest.csv names them." if more and self.path else "",
            f"{more} more missing." if more and not self.path else "",
        ]


class TemplateAnswer(FileAnswer):
    """BeeL's template in the files folder, and the columns in it."""

    mime_type: ClassVar[str] = "text/csv"

    columns: list[str] | None = None

    def lines(self) -> Sequence[str]:
        return [f"File: {self.path}", f"Columns: {', '.join(self.columns or ())}"]


class ReportAnswer(FileAnswer):
    """A batch as a workbook in the files folder."""

    mime_type: ClassVar[str] = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"

    total: int | None = None
    counts: ValidationCounts | None = None

    def lines(self) -> Sequence[str]:
        counts = count_phrase(self.counts.model_dump()) if self.counts else ""
        return [f"File: {self.path}", f"Rows: {counts}.", _REPORT_ADVICE]
