"""Writes the ZIP of a finished package, and builds the answers about one that is not."""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import date
from decimal import Decimal
from typing import Any

from beel_mcp.answers.answer import capped, next_steps, plural
from beel_mcp.answers.files import (
    MISSING_CAP,
    MissingInvoice,
    PackageAnswer,
    PackageCounts,
    missing_remedy,
)
from beel_mcp.answers.invoices.sums import Amounts
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
from beel_mcp.settings import Settings
from beel_mcp.usecases.invoice_sums.bookkeeping import INVOICED, in_order, money, standing
from beel_mcp.usecases.invoice_zip.package import Package


def assemble(package: Package, settings: Settings) -> PackageAnswer:
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
    return PackageAnswer(
        status="partial" if missing else "done",
        summary=f"{plural(len(included), 'invoice')} saved as {saved.path.name}{lacks}.",
        path=str(saved.path),
        uri=file_uri(saved.path.name),
        size_bytes=saved.size_bytes,
        sha256=saved.sha256,
        retry_after_s=_again_in(package),
        included_sums=_by_status(_rows(package, included), invoiced=True),
        **_sums(package),
        **_state(package),
    )


def nothing_to_save(package: Package) -> PackageAnswer:
    """Say that there is no PDF of any of them, and why."""
    asked = len(package.selection.ids)
    reason = f"BeeL has a PDF of none of the {asked}" if asked > 1 else "this invoice has no PDF"
    return PackageAnswer(
        status="nothing_done",
        summary=f"No file was saved: {reason if asked else 'no invoices match'}.",
        retry_after_s=_again_in(package),
        **_sums(package),
        **_state(package),
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
    known = standing(facts.status, facts.type) if facts else None
    failed_before = invoice_id in package.failed_before
    return MissingInvoice(
        invoice_id=invoice_id,
        number=facts.number or None if facts else None,
        amount=money(facts.total) if facts else None,
        status=known,
        reason=reason,
        remedy=missing_remedy(
            *(reason, known),
            failed_before=failed_before,
            retry_after_s=package.results[invoice_id].retry_after_s,
        ),
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
    counted = [row for row in rows if standing(row.status, row.type) in INVOICED]
    rates = [part for row in counted for part in row.rates]
    surcharge = sum((row.surcharge for row in counted), Decimal())
    invoiced = Amounts(
        count=len(counted),
        base=money(sum((base for _, base, _ in rates), Decimal())),
        tax=money(sum((tax for _, _, tax in rates), Decimal())),
        surcharge=money(surcharge) if surcharge else None,
        withholding=money(sum((row.withholding for row in counted), Decimal())),
        total=money(sum((row.total for row in counted), Decimal())),
    )
    return {
        "invoiced": invoiced if rows else None,
        "sums": _by_status(rows, invoiced=True) if rows else None,
        "not_invoiced": _by_status(rows, invoiced=False) or None,
    }


def _rows(package: Package, ids: Iterable[str]) -> list[ManifestRow]:
    facts = package.selection.facts
    return [facts[id_] for id_ in ids if id_ in facts]


def _by_status(rows: Iterable[ManifestRow], *, invoiced: bool) -> dict[str, str]:
    """Add up the totals by status; EUR."""
    sums: dict[str, Decimal] = {}
    for row in rows:
        name = standing(row.status, row.type)
        if (name in INVOICED) == invoiced:
            sums[name] = sums.get(name, Decimal()) + row.total
    return {name: money(sums[name]) for name in in_order(sums)}
