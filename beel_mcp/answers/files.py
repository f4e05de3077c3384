"""Answers of the tools that save a file: a package of PDFs, a template, a workbook."""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Annotated, ClassVar, Final

from pydantic import BaseModel, Field, PrivateAttr, WithJsonSchema

from beel_mcp.answers.answer import VIEW, Answer, Link, count_phrase, plural, view_line
from beel_mcp.answers.batch_rows import superseded_line
from beel_mcp.answers.invoices.sums import Amounts
from beel_mcp.answers.validation import ValidationCounts
from beel_mcp.cleaning import one_word

# Seven and their remedies, beside the rest, are what 1,000 tokens hold.
MISSING_CAP: Final = 7
_WORDS: Final = {
    "draft": "not issued",
    "not_found": "not found in BeeL",
    "pdf_not_ready": "no PDF in BeeL yet",
    "another_invoice": "BeeL sent the PDF of another invoice",
    "unknown": "no PDF came that can be trusted",
}
# By what `remedy_code` says; what a person reads on a page has words of its own.
_REMEDIES: Final = {
    "draft": "A draft has no PDF before the person issues it in BeeL.",
    "scheduled": "BeeL issues what is scheduled by itself on its date; ask again after that.",
    "proforma": "A proforma is no invoice; the person can save it as a PDF in BeeL.",
    "not_found": "find_invoices gives the ids of invoices that exist.",
    "pdf_not_ready": "BeeL has no PDF yet; ask once more in a while.",
    "another_invoice": "Ask once more; never use that PDF.",
    "unknown": "Ask once more.",
    "in_the_making": "BeeL is making its PDF: make the same call again in {seconds} s.",
    # A third try would be none the wiser.
    "second_time": "No PDF came before either: the person saves it by hand in BeeL; if there is"
    " none, BeeL's support can help.",
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
    amount: str | None = None
    status: str | None = None
    reason: str
    remedy: str

    def named(self) -> str:
        name = f"{one_word(self.number)} ({self.invoice_id})" if self.number else self.invoice_id
        status = f" {one_word(self.status)}" if self.status else ""
        return f"{name}{status} {self.amount} EUR" if self.amount else name


class PackageAnswer(FileAnswer):
    """One ZIP in the files folder, or how far it has come."""

    mime_type: ClassVar[str] = "application/zip"

    sha256: str | None = None
    view: str | None = Field(None, description=VIEW)
    requested: int | None = None
    counts: PackageCounts | None = None
    missing: list[MissingInvoice] | None = None
    more_missing: int | None = None
    sums: Sums | None = Field(None, description="EUR of all requested, by status, if invoiced.")
    invoiced: Amounts | None = Field(None, description="The sum of sums.")
    included_sums: Sums | None = Field(None, description="The same of the PDFs in the ZIP.")
    not_invoiced: Sums | None = Field(None, description="EUR of the others; in no other sum.")
    drafts_left_out: int | None = None
    counters_mismatch: bool | None = Field(
        None, description="true: BeeL claimed other numbers; the counts are of what arrived."
    )
    resume: str | None = None
    retry_after_s: int | None = None
    # Under what the package is kept for a person to look at; the answer says it by a link.
    _package_id: str | None = PrivateAttr(None)

    @property
    def package_id(self) -> str | None:
        return self._package_id

    def kept_as(self, package_id: str) -> "PackageAnswer":
        """Remember under what id the package is kept."""
        self._package_id = package_id
        return self

    def lines(self) -> Sequence[str]:
        more = self.more_missing
        return [
            f"File: {self.path} ({self.size_bytes} bytes), with manifest.csv." if self.path else "",
            view_line(self.view),
            *self._sums(),
            f"{plural(self.drafts_left_out, 'draft')} left out." if self.drafts_left_out else "",
            "BeeL says that it sent another number of PDFs than arrived; these counts are of what"
            " arrived, each checked."
            if self.counters_mismatch
            else "",
            *self._missing(),
            f"{more} more missing: manifest.csv names them." if more and self.path else "",
            f"{more} more missing." if more and not self.path else "",
        ]

    def _missing(self) -> Sequence[str]:
        """Name what is missing, those of one reason and one remedy together."""
        alike: dict[tuple[str, str], list[str]] = {}
        for one in self.missing or ():
            alike.setdefault((one.reason, one.remedy), []).append(one.named())
        return [
            f"Missing, {_WORDS[reason]}: {', '.join(names)}. {remedy}"
            for (reason, remedy), names in alike.items()
        ]

    def _sums(self) -> Sequence[str]:
        if self.invoiced is None:
            return ()
        here = sum(map(Decimal, (self.included_sums or {}).values()), Decimal())
        lacks = Decimal(self.invoiced.total) - here
        of = f"{self.invoiced.total} EUR ({self.invoiced.parts()})"
        by_status = f"; by status {_told(self.sums)}" if self.sums else ""
        in_zip = f"Of this, {here:.2f} EUR are in the ZIP and {lacks:.2f} EUR are missing."
        apart = f"Not invoiced, so in none of these sums: {_told(self.not_invoiced)}."
        return [
            f"Invoiced, of all that was requested: {of}{by_status}.",
            in_zip if self.path and self.missing else "",
            apart if self.not_invoiced else "",
        ]


def remedy_code(
    reason: str, standing: str | None, *, failed_before: bool, retry_after_s: int | None = None
) -> str:
    """Find what can be done about a PDF that is missing; `standing` is what the invoice is."""
    if failed_before and reason in ("pdf_not_ready", "another_invoice", "unknown"):
        return "second_time"
    if retry_after_s is not None:
        return "in_the_making"
    if reason != "draft":
        return reason
    return {"DRAFT": "draft", "SCHEDULED": "scheduled", "PROFORMA": "proforma"}.get(
        standing or "", ""
    )


def missing_remedy(code: str, retry_after_s: int | None = None) -> str:
    """Say what can be done, to the assistant."""
    return _REMEDIES.get(code, "").format(seconds=max(retry_after_s or 1, 1))


def _told(sums: Mapping[str, str] | None) -> str:
    return ", ".join(f"{one_word(status)} {total}" for status, total in (sums or {}).items())


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
    superseded_by: str | None = None

    def lines(self) -> Sequence[str]:
        counts = count_phrase(self.counts.model_dump()) if self.counts else ""
        newer = superseded_line(self.superseded_by)
        return [f"File: {self.path}", f"Rows: {counts}.", newer, _REPORT_ADVICE]
