"""A package whose PDFs are all here becomes one file; and how far another one has come."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from beel_mcp.answers.answer import capped, next_steps, plural
from beel_mcp.answers.files import (
    MISSING_CAP,
    REMEDIES,
    MissingInvoice,
    PackageAnswer,
    PackageCounts,
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
from beel_mcp.settings import Settings
from beel_mcp.usecases.invoice_zip.package import Contents


def put_together(contents: Contents, settings: Settings) -> PackageAnswer:
    """Write the file, whole or not at all.

    Raises:
        OperatorError: the folder cannot be written to, or is full; nothing was saved.

    """
    request, outcomes = contents.request, contents.outcomes
    included = contents.included()
    names = _names(contents, included)
    members = [
        Member(
            names[one],
            request.facts[one].day,
            outcomes[one].size,
            contents.staging.read(contents.place(one)),
        )
        for one in included
    ]
    rows = [_row(contents, one, names.get(one, "")) for one in request.ids]
    saved = save_package(
        settings.files_dir, request.file_name, members, manifest_csv(rows, settings.language)
    )
    missing = len(contents.missing())
    lacks = f"; {missing} {'is' if missing == 1 else 'are'} missing" if missing else ""
    return PackageAnswer(
        status="partial" if missing else "done",
        summary=f"{plural(len(included), 'invoice')} saved as {saved.path.name}{lacks}.",
        path=str(saved.path),
        uri=file_uri(saved.path.name),
        size_bytes=saved.size_bytes,
        sha256=saved.sha256,
        sums=_sums(contents, included),
        **_state(contents),
    )


def nothing_to_save(contents: Contents) -> PackageAnswer:
    """Say that there is no PDF of any of them, and why."""
    asked = len(contents.request.ids)
    reason = f"BeeL has a PDF of none of the {asked}" if asked > 1 else "it has no PDF"
    return PackageAnswer(
        status="nothing_done",
        summary=f"No file was saved: {reason if asked else 'no invoices match'}.",
        **_state(contents),
    )


def in_progress(
    contents: Contents, following: NextCall, pause: ApiError | None = None
) -> PackageAnswer:
    """Say how far it has come, and which call goes on."""
    kept, asked = len(contents.included()), len(contents.request.ids)
    why = "time is over for this call" if pause is None else pause.message.rstrip(".")
    return PackageAnswer(
        status="partial",
        summary=f"Not finished: {kept} of {plural(asked, 'PDF')} fetched and kept, no file yet"
        f" ({why}).",
        resume=contents.staging.handle,
        retry_after_s=pause.retry_after_s if pause else None,
        next=next_steps(following),
        **_state(contents),
    )


def _state(contents: Contents) -> Mapping[str, Any]:
    included, lost = len(contents.included()), contents.missing()
    asked = len(contents.request.ids)
    shown, more = capped([_missing(contents, one) for one in lost], MISSING_CAP)
    return {
        "requested": asked,
        "counts": PackageCounts(
            included=included, missing=len(lost), not_attempted=asked - included - len(lost)
        ),
        "missing": shown or None,
        "more_missing": more,
        "drafts_left_out": contents.request.drafts_left_out,
        "counters_mismatch": contents.is_miscounted or None,
    }


def _missing(contents: Contents, one: str) -> MissingInvoice:
    facts = contents.request.facts.get(one)
    reason = contents.outcomes[one].missing or "unknown"
    return MissingInvoice(
        invoice_id=one,
        number=facts.number or None if facts else None,
        reason=reason,
        remedy=REMEDIES[reason],
    )


def _names(contents: Contents, included: list[str]) -> dict[str, str]:
    facts = [contents.request.facts[one] for one in included]
    names = [
        (f"{one.day.isoformat()[:7]}/" if contents.request.month_folders else "")
        + invoice_name(one.day, one.number, one.customer)
        for one in facts
    ]
    return dict(zip(included, unique(names), strict=True))


def _row(contents: Contents, one: str, file: str) -> ManifestRow:
    outcome, facts = contents.outcomes[one], contents.request.facts.get(one)
    if facts is None:
        return ManifestRow(one, missing=outcome.missing or "")
    known = contents.request.facts.get(facts.rectifies)
    named = known.number if known else contents.request.numbers.get(facts.rectifies)
    return ManifestRow(
        invoice_id=one,
        day=facts.day,
        number=facts.number,
        type=facts.type,
        rectifies=named or facts.rectifies,
        customer=facts.customer,
        nif=facts.nif,
        rates=facts.rates,
        surcharge=facts.surcharge,
        withholding=facts.withholding,
        total=facts.total,
        status=facts.status,
        file=file,
        sha256=outcome.sha256,
        missing=outcome.missing or "",
    )


def _sums(contents: Contents, included: list[str]) -> dict[str, str]:
    sums: dict[str, Decimal] = {}
    for one in included:
        facts = contents.request.facts[one]
        sums[facts.status] = sums.get(facts.status, Decimal()) + facts.total
    return {status: f"{total:.2f}" for status, total in sorted(sums.items())}
