"""Writes the ZIP of a finished package, and builds the answers about one that is not."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any, NamedTuple

from beel_mcp.answers.answer import capped, next_steps, plural
from beel_mcp.answers.files import (
    MISSING_CAP,
    MissingInvoice,
    PackageAnswer,
    PackageCounts,
    missing_remedy,
    remedy_code,
)
from beel_mcp.errors import ApiError, NextCall
from beel_mcp.files.invoice_package import (
    ManifestRow,
    Member,
    invoice_name,
    manifest_csv,
    save_package,
    unique,
)
from beel_mcp.files.output import file_uri
from beel_mcp.memory.packages import FinishedPackage
from beel_mcp.settings import Settings
from beel_mcp.usecases.invoice_sums.bookkeeping import money
from beel_mcp.usecases.invoice_zip.package import Package
from beel_mcp.usecases.invoice_zip.sums import (
    amounts_of,
    by_status,
    invoiced,
    not_invoiced,
    standing_of,
)


class Assembled(NamedTuple):
    """What is answered about a package that is finished, and the rows of its manifest."""

    answer: PackageAnswer
    rows: Sequence[ManifestRow]


def assemble(package: Package, settings: Settings) -> Assembled:
    """Write the ZIP, whole or not at all."""
    selection, included = package.selection, package.included()
    names = dict(zip(included, unique(_name(package, id_) for id_ in included), strict=True))
    members = [
        Member(
            names[id_], _day(package, id_), package.results[id_].size_bytes, package.read_pdf(id_)
        )
        for id_ in included
    ]
    rows = [_row(package, id_, names.get(id_, "")) for id_ in selection.ids]
    manifest = manifest_csv(rows, settings.language)
    saved = save_package(settings.files_dir, selection.file_name, members, manifest)
    missing = len(package.missing())
    lacks = f"; {missing} {'is' if missing == 1 else 'are'} missing" if missing else ""
    answer = PackageAnswer(
        status="partial" if missing else "done",
        summary=f"{plural(len(included), 'invoice')} saved as {saved.path.name}{lacks}.",
        path=str(saved.path),
        uri=file_uri(saved.path.name),
        size_bytes=saved.size_bytes,
        sha256=saved.sha256,
        retry_after_s=_again_in(package),
        included_sums=_totals(invoiced(_rows(package, included))),
        **_sums(package),
        **_state(package),
    )
    return Assembled(answer, rows)


def nothing_to_save(package: Package) -> Assembled:
    """Say that there is no PDF of any of them, and why."""
    asked = len(package.selection.ids)
    reason = f"BeeL has a PDF of none of the {asked}" if asked > 1 else "this invoice has no PDF"
    answer = PackageAnswer(
        status="nothing_done",
        summary=f"No file was saved: {reason if asked else 'no invoices match'}.",
        retry_after_s=_again_in(package),
        **_sums(package),
        **_state(package),
    )
    return Assembled(answer, [_row(package, id_, "") for id_ in package.selection.ids])


def finished(package: Package, made: Assembled) -> FinishedPackage:
    """Give what is kept of a package for a person to look at."""
    return FinishedPackage(
        caller=package.selection.caller,
        file_name=Path(made.answer.path).name if made.answer.path else None,
        rows=tuple(sorted(made.rows, key=lambda row: row.order)),
        remedies={id_: _remedy(package, id_) for id_ in package.missing()},
        again_in_s=_again_in(package),
        drafts_left_out=package.selection.drafts_left_out,
        is_miscounted=package.is_miscounted,
    )


def in_progress(package: Package, resuming: NextCall, pause: ApiError | None) -> PackageAnswer:
    """Say how far it has come, why it stopped, and which call goes on."""
    kept, asked = len(package.included()), len(package.selection.ids)
    why = pause.message.rstrip(".") if pause else "time is over for this call"
    return PackageAnswer(
        status="partial",
        summary=f"Not finished: {kept} of {plural(asked, 'PDF')} fetched and kept, no file yet"
        f" ({why}).",
        resume=package.staging.handle,
        retry_after_s=pause.retry_after_s if pause else None,
        next=next_steps(resuming),
        **_state(package),
    )


def _state(package: Package) -> Mapping[str, Any]:
    included, missing = len(package.included()), package.missing()
    asked = len(package.selection.ids)
    shown, more = capped([_missing(package, id_) for id_ in missing], MISSING_CAP)
    return {
        "requested": asked,
        "counts": PackageCounts(
            included=included, missing=len(missing), not_attempted=asked - included - len(missing)
        ),
        "missing": shown or None,
        "more_missing": more,
        "drafts_left_out": package.selection.drafts_left_out,
        "counters_mismatch": package.is_miscounted or None,
    }


def _again_in(package: Package) -> int | None:
    """Seconds after which all PDFs that BeeL is making may be there."""
    return max((one.retry_after_s or 0 for one in package.results.values()), default=0) or None


def _missing(package: Package, invoice_id: str) -> MissingInvoice:
    facts = package.selection.facts.get(invoice_id)
    reason = package.results[invoice_id].missing or "unknown"
    known = standing_of(facts) if facts else None
    return MissingInvoice(
        invoice_id=invoice_id,
        number=facts.number or None if facts else None,
        amount=money(facts.total) if facts else None,
        status=known,
        reason=reason,
        remedy=missing_remedy(
            _remedy(package, invoice_id), package.results[invoice_id].retry_after_s
        ),
    )


def _remedy(package: Package, invoice_id: str) -> str:
    facts, result = package.selection.facts.get(invoice_id), package.results[invoice_id]
    return remedy_code(
        *(result.missing or "unknown", standing_of(facts) if facts else None),
        failed_before=invoice_id in package.failed_before,
        retry_after_s=result.retry_after_s,
    )


def _name(package: Package, invoice_id: str) -> str:
    facts, day = package.selection.facts[invoice_id], _day(package, invoice_id)
    folder = f"{day.isoformat()[:7]}/" if package.selection.month_folders else ""
    return folder + invoice_name(day, facts.number, facts.customer)


def _day(package: Package, invoice_id: str) -> date:
    day = package.selection.facts[invoice_id].day
    assert day is not None, "BeeL says it of every invoice"
    return day


def _row(package: Package, invoice_id: str, file: str) -> ManifestRow:
    """Complete the row of an invoice by what became of its PDF."""
    selection, result = package.selection, package.results[invoice_id]
    row = selection.facts.get(invoice_id, ManifestRow(invoice_id))
    rectified = selection.facts.get(row.rectifies)
    number = rectified.number if rectified else selection.numbers.get(row.rectifies)
    return replace(
        row,
        rectifies=number or row.rectifies,
        file=file,
        sha256=result.sha256,
        missing=result.missing or "",
    )


def _sums(package: Package) -> Mapping[str, Any]:
    """Add up all that was requested: what was invoiced, and apart from it what was not."""
    rows = _rows(package, package.selection.ids)
    counted = invoiced(rows)
    return {
        "invoiced": amounts_of(counted) if rows else None,
        "sums": _totals(counted) if rows else None,
        "not_invoiced": _totals(not_invoiced(rows)) or None,
    }


def _rows(package: Package, ids: Iterable[str]) -> list[ManifestRow]:
    facts = package.selection.facts
    return [facts[id_] for id_ in ids if id_ in facts]


def _totals(rows: Iterable[ManifestRow]) -> dict[str, str]:
    return {name: amounts.total for name, amounts in by_status(rows).items()}
