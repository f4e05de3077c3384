"""validate_customers: asks BeeL about a batch, part by part, and gives every row its verdict."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import anyio

from beel_mcp.answers.validation import Validation, ValidationAnswer, validation_answer
from beel_mcp.api.bulk import BulkReport
from beel_mcp.api.client import BeelClient
from beel_mcp.api.company import Account
from beel_mcp.api.models import RowProblem, RowReport
from beel_mcp.context import AppState, report_progress
from beel_mcp.door.links import Target
from beel_mcp.errors import BeelMcpError
from beel_mcp.lists.batch import Batch, PartCheck, part_digest
from beel_mcp.lists.checks.identifiers import unregistered
from beel_mcp.lists.model import Problem, Row, RowStatus, Verdict, get_value
from beel_mcp.messages import FieldIssue, Message, verbatim
from beel_mcp.usecases.imports.earlier import with_earlier_decisions
from beel_mcp.usecases.imports.known import KnownCustomers
from beel_mcp.usecases.imports.source import ListRequest, read_batch
from beel_mcp.writes.journal.database import JournalError
from beel_mcp.writes.journal.journal import Journal
from beel_mcp.writes.journal.records import RECORD_TTL, Clock
from beel_mcp.writes.kinds.create_customers import VALIDATION_TTL

# BeeL's status of a row: our class, and BeeL's counter, which is held against its own rows.
_STATUSES: Mapping[str, tuple[RowStatus, str]] = {
    "VALID": ("valid", "valid"),
    "WARNING": ("warning", "with_warnings"),
    "ERROR": ("error", "with_errors"),
    "DUPLICATE": ("duplicate", "duplicates"),
    "NIF_INVALID": ("nif_invalid", "invalid_nifs"),
}
_UNEXPLAINED: Mapping[RowStatus, Message] = {
    "error": Message("verdict.no_reason"),
    "duplicate": Message("verdict.in_beel"),
    "nif_invalid": Message("verdict.unknown_to_aeat"),
}
# What BeeL says by a code that our own check has better words for, in both languages.
_OUR_WORDS: Mapping[str, Message] = {
    "ALTERNATIVE_ID_COUNTRY_REQUIRED": Message("foreign.no_country"),
    "ALTERNATIVE_ID_SPAIN_INVALID_TYPE": Message("foreign.of_spain"),
    "ALTERNATIVE_ID_REQUIRES_SPAIN": Message("foreign.not_of_spain"),
    "RECIPIENT_UNREGISTERED_ID_MUST_BE_DNI_OR_NIE": Message("foreign.no_person"),
    "ALTERNATIVE_ID_VAT_REQUIRES_EU_COUNTRY": Message("foreign.vat_of_no_member"),
    "ALTERNATIVE_ID_VAT_INVALID_FORMAT": Message("foreign.vat_shape"),
    "COUNTRY_CODE_REQUIRED": Message("address.no_country_code"),
    "COUNTRY_CODE_MISMATCH": Message("address.two_countries"),
    "NIF_NOT_IN_CENSUS": Message("verdict.unknown_to_aeat"),
}
WireProblems = Callable[[Row], Sequence[FieldIssue]]


def local_verdicts(
    batch: Batch, wire_problems: WireProblems, created: Mapping[int, str | None]
) -> dict[int, Verdict]:
    """Judge what BeeL need not be asked about: rows that are not sent to it.

    Rows that were created from this list, rows that break the wire schema (one of them could
    refuse all the others), and rows that repeat one of another request, which only we can see.
    """
    verdicts: dict[int, Verdict] = {}
    before: dict[str, int] = {}
    for part in batch.parts():
        here: dict[str, int] = {}
        for row in part:
            identifier = row.identity
            if row.number in created:
                verdicts[row.number] = _created(row, created[row.number])
            elif row.errors or (faults := wire_problems(row)):
                errors = _wire_errors(row, () if row.errors else faults)
                spoken_of = {error.field for error in errors}
                remarks = [advice for advice in row.advice if advice.field not in spoken_of]
                verdicts[row.number] = Verdict("error", errors, tuple(remarks))
            elif identifier in before:
                verdicts[row.number] = _repeats(row, before[identifier])
            elif identifier:
                here.setdefault(identifier, row.number)
        before |= here
    return verdicts


def _created(row: Row, customer_id: str | None) -> Verdict:
    problem = Problem("row", Message("verdict.created_from_list"), severity="error")
    return Verdict(
        "duplicate",
        (problem,),
        existing_customer_id=customer_id,
        existing_customer_name=row.name,
        is_done=True,
    )


def _repeats(row: Row, earlier: int) -> Verdict:
    message, hint = Message("verdict.earlier_in_list"), Message("duplicate.row_has_it", row=earlier)
    problem = Problem("nif", message, row.identifier, hint, severity="error")
    return Verdict("duplicate", (problem,))


def verdict_of(row: Row, report: RowReport) -> Verdict:
    """Put what BeeL says of a row beside what the list itself shows."""
    # A status that we do not know is nothing to create on.
    kind, _ = _STATUSES.get(report.status, _STATUSES["ERROR"])
    errors = [_advised(problem, row) for problem in _problems(report.errors)]
    if kind in _UNEXPLAINED and not errors:
        field = "row" if kind == "error" else "nif"
        problem = Problem(field, _UNEXPLAINED[kind], row.identifier or None, severity="error")
        errors = [_advised(problem, row)]
    spoken_of = {problem.field for problem in errors}
    if kind == "duplicate":
        errors = [_duplicate(problem, row) for problem in errors]
    warnings = [_worded(problem, row) for problem in _problems(report.warnings)]
    warnings += [advice for advice in row.advice if advice.field not in spoken_of]
    if kind == "valid" and warnings:
        kind = "warning"
    return Verdict(kind, tuple(errors), tuple(warnings))


def _problems(problems: Iterable[RowProblem]) -> list[Problem]:
    return [
        Problem(
            problem.field,
            _OUR_WORDS.get(problem.code or "") or verbatim(problem.message),
            problem.value or None,
        )
        for problem in problems
    ]


def _duplicate(problem: Problem, row: Row) -> Problem:
    """Say in our words what BeeL says in the language of its own: which of the two it is."""
    if problem.field not in ("nif", "alternative_id", "alternative_id.number"):
        return problem
    here = any(advice.message.code == "duplicate.identifier" for advice in row.advice)
    message = Message("verdict.earlier_in_list") if here else Message("verdict.has_customer")
    return replace(problem, message=message)


def _worded(remark: Problem, row: Row) -> Problem:
    """Say in our words that there is no address to send invoices to; BeeL has no code for it."""
    values = row.values
    is_missing = not (values.get("email") or values.get("billing_emails"))
    return (
        replace(remark, message=Message("verdict.no_email"))
        if remark.field == "email" and is_missing
        else remark
    )


def _advised(problem: Problem, row: Row) -> Problem:
    """Put our suggestion beside BeeL's words; a wrong control character has one wording."""
    for advice in row.advice:
        if advice.field == problem.field and advice.suggestion:
            is_known = advice.message.code == "nif.wrong_control"
            message = advice.message if is_known else problem.message
            return replace(problem, message=message, suggestion=advice.suggestion)
    if problem.message == _UNEXPLAINED["nif_invalid"] and (way := unregistered(row.identifier)):
        return replace(problem, suggestion=Message("nif.unregistered", number=way["number"]))
    return problem


def _wire_errors(row: Row, faults: Sequence[FieldIssue]) -> tuple[Problem, ...]:
    """Say what is wrong in the words of our own check of that field, where it has some.

    It knows more than a length or a pattern; what a group lacks is one problem, however many parts.
    """
    errors: dict[str, Problem] = {}
    advice = {advice.field: advice for advice in reversed(row.advice)}
    for field, message in faults:
        value, group = _value(row.values, field), field.partition(".")[0]
        named = group if value is None and group in advice else field
        problem = Problem(named, message, value, severity="error")
        if known := advice.get(named):
            problem = replace(problem, message=known.message, suggestion=known.suggestion)
        errors.setdefault(named, problem)
    return (*row.errors, *errors.values())


def _value(values: Mapping[str, Any], field: str) -> str | None:
    found = get_value(values, field)
    if isinstance(found, tuple):
        return "; ".join(map(str, found))
    return None if found is None or isinstance(found, Mapping) else str(found)


def statistics_differ(report: BulkReport) -> bool:
    """Hold BeeL's own counters against its rows."""
    statuses = [row.status for row in report.rows]
    stated = report.statistics or {}
    return any(
        stated[name] != statuses.count(status)
        for status, (_, name) in _STATUSES.items()
        if name in stated
    )


# Each look-up is a request; the first ones tell the person whom the rows collide with.
LOOKED_UP_DUPLICATES = 10


class Validator:
    """Asks BeeL about the parts of one batch, as long as the call has time."""

    def __init__(self, beel: BeelClient, journal: Journal, now: Clock, ends_at: float) -> None:
        self._beel = beel
        self._journal = journal
        self._now = now
        self._ends_at = ends_at
        self._longest = 0.0
        self._sent_at = 0.0
        self._known_upto = 0
        self._asked: list[Row] = []
        self._verdicts: dict[int, Verdict] = {}

    async def validate(self, batch: Batch) -> tuple[Batch, BeelMcpError | None]:
        """Give every row a verdict; a part that BeeL was asked about lately is not asked again.

        Returns the batch with what is known now, and why some rows are unchecked still.

        Raises:
            BeelMcpError: BeeL could not be asked, and nothing is known of any part.
        """
        family = (await self._beel.active_company()).family
        account = await self._beel.account()
        self._sent_at = await last_sent_at(self._journal, account)
        self._known_upto = await last_created(self._journal)
        known_customers = KnownCustomers(self._beel, self._journal, account)
        created = await known_customers.created_from(batch)
        wire_problems = self._beel.customers.wire_problems
        self._verdicts = local_verdicts(
            batch, lambda row: wire_problems(row.payload(), family), created
        )
        checks: list[PartCheck | None] = []
        stopped: BeelMcpError | None = None
        for part, known in zip(list(batch.parts()), batch.checks, strict=True):
            rows = [row for row in part if row.number not in self._verdicts]
            digest = part_digest(rows)
            check = self._still_good(rows, digest, known, batch)
            if check is None and stopped is None and self._has_time():
                try:
                    check = await self._ask(rows, digest, known_customers)
                except BeelMcpError as error:
                    stopped = error
            checks.append(check)
        if stopped and not any(checks):
            raise stopped
        await self._name_existing()
        return batch.judged(self._verdicts, checks), stopped

    def _still_good(
        self, rows: Sequence[Row], digest: str, known: PartCheck | None, batch: Batch
    ) -> PartCheck | None:
        """Keep what BeeL said lately of the very same rows, if nothing was sent to it since."""
        if not rows:
            return PartCheck(digest, self._now(), known_upto=self._known_upto)
        if known is None or known.digest != digest or is_old(known, self._now):
            return None
        if known.at.timestamp() <= self._sent_at or known.known_upto < self._known_upto:
            return None
        self._verdicts |= {row.number: batch.verdicts[row.number] for row in rows}
        return known

    def _has_time(self) -> bool:
        """Whether one more request is likely to end in time; the first is made in any case."""
        left = self._ends_at - anyio.current_time()
        return not self._longest or left > self._longest

    async def _ask(self, rows: Sequence[Row], digest: str, known: KnownCustomers) -> PartCheck:
        began = anyio.current_time()
        report = await self._beel.customers.validate_bulk([row.payload() for row in rows])
        at = self._now()
        pairs = zip(rows, report.rows, strict=True)
        verdicts = {row.number: verdict_of(row, row_report) for row, row_report in pairs}
        verdicts |= await known.judge(rows, verdicts)
        if known.is_blind:  # as if it was a day ago: whoever creates them asks again
            at -= RECORD_TTL
        self._longest = max(self._longest, anyio.current_time() - began)
        self._verdicts |= verdicts
        self._asked += rows
        report_progress(f"{len(self._asked)} rows checked")
        return PartCheck(
            digest,
            at,
            report.processing_time_ms or 0,
            statistics_differ(report),
            0 if known.is_blind else self._known_upto,
        )

    async def _name_existing(self) -> None:
        """Find whom duplicate rows collide with. That is advice: a failure to find is none."""
        duplicates = [
            row
            for row in self._asked
            if self._verdicts[row.number].kind == "duplicate"
            and not self._verdicts[row.number].existing_customer_id
        ]
        with anyio.move_on_after(max(self._ends_at - anyio.current_time(), 0)):
            for row in duplicates[:LOOKED_UP_DUPLICATES]:
                nif = str(row.values.get("nif", ""))
                if not nif:
                    continue
                try:
                    page = await self._beel.customers.list(nif=nif, limit=20)
                except BeelMcpError:
                    return
                for customer in page.items:
                    if customer.nif == nif:
                        found = self._verdicts[row.number]
                        self._verdicts[row.number] = found._replace(
                            existing_customer_id=customer.id,
                            existing_customer_name=customer.legal_name,
                        )


def is_old(check: PartCheck, now: Clock) -> bool:
    """Whether the customers in BeeL may be others than those a part was checked against."""
    return now() - check.at > VALIDATION_TTL


async def last_sent_at(journal: Journal, account: Account) -> float:
    """Tell when something was last sent to these books, as far as the journal can be read."""
    try:
        return await journal.last_sent_at(account)
    except JournalError:
        return 0.0


async def last_created(journal: Journal) -> int:
    """Tell what our operations created last, as far as the journal can be read."""
    try:
        return await journal.personal_data.last_created()
    except JournalError:
        return 0


async def validate_list(state: AppState, request: ListRequest, caller: str) -> ValidationAnswer:
    """Read the list that a call is about, ask BeeL about it, and keep it as the caller's batch.

    Raises:
        BeelMcpError: it cannot be read, or BeeL could not be asked about any of it.
    """
    ends_at = anyio.current_time() + state.timing.patience_s
    request.check()
    read, base, corrected = await read_batch(state, request, caller)
    validator = Validator(state.beel, state.journal, state.timing.now, ends_at)
    batch, stopped = await validator.validate(read)
    checked = Validation(
        batch=batch,
        base=base if base is not read else None,
        corrected=corrected,
        idle=max(len(request.corrections) - corrected, 0),
        dropped=len(set(request.drop_rows or ())),
        stopped=stopped,
        is_read_only=state.settings.read_only,
        superseded_by=state.batches.superseded_by(request.batch_id or "", caller),
    )
    checked = await with_earlier_decisions(state, checked)
    expires_at = await state.batches.add(checked.batch)
    view = await state.view(Target("batch", checked.batch.batch_id, caller))
    return validation_answer(checked, expires_at, view)
