"""Reports about many customers at once: read, and believed only when they add up."""

from collections import Counter, defaultdict, deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from beel_mcp.api.envelope import Answer
from beel_mcp.api.models import BulkData, BulkEcho, BulkProblem, BulkRow
from beel_mcp.api.words import code_of, said
from beel_mcp.errors import DryRunNotHonouredError
from beel_mcp.identity import ForeignId, customer_key, foreign_id_of

Rows = Sequence[Mapping[str, Any]]


@dataclass(frozen=True)
class RowProblem:
    """What BeeL says about one field of a row; every text is cleaned."""

    field: str
    message: str
    value: str = ""
    code: str | None = None


@dataclass(frozen=True)
class RowReport:
    """What BeeL says about one row.

    `status` is an open set; so far: VALID, WARNING, ERROR, DUPLICATE, NIF_INVALID.
    """

    index: int
    status: str
    errors: tuple[RowProblem, ...] = ()
    warnings: tuple[RowProblem, ...] = ()
    customer_id: str | None = None


@dataclass(frozen=True)
class BulkReport:
    """A validation: one report per row sent, in the order sent. The statistics are BeeL's own."""

    rows: tuple[RowReport, ...]
    statistics: Mapping[str, int] | None = None
    processing_time_ms: int | None = None


@dataclass(frozen=True)
class CreatedRow:
    """A row sent, and the customer that it became."""

    index: int
    customer_id: str


@dataclass(frozen=True)
class BulkCreation:
    """A creation of every row sent."""

    created: tuple[CreatedRow, ...]
    processing_time_ms: int | None = None
    request_id: str | None = None


def read_report(answer: Answer, sent: int) -> BulkReport:
    """Read the answer to a validation of `sent` rows.

    Raises:
        DryRunNotHonouredError: it does not say that nothing was written.
        UnknownOutcomeError: it does not report on exactly the rows sent.

    """
    _check_dry(answer)
    data = answer.read_as(BulkData)
    rows = _in_order(answer, data.customers_validation or (), sent)
    return BulkReport(
        tuple(
            RowReport(
                row.index,
                said(row.status, 40),
                tuple(map(_problem, row.errors or ())),
                tuple(map(_problem, row.warnings or ())),
                row.customer_id,
            )
            for row in rows
        ),
        _statistics(data),
        data.metadata.processing_time_ms if data.metadata else None,
    )


def read_creation(answer: Answer, rows: Rows) -> BulkCreation:
    """Read the answer to a creation, in either shape.

    Raises:
        UnknownOutcomeError: it does not say that exactly these rows were created.

    """
    data = answer.read_as(BulkData)
    dry = data.metadata.is_dry_run if data.metadata else None
    if dry:
        raise answer.unexpected("BeeL answered a creation with a dry run.")
    if dry is None and data.total_created is None:
        raise answer.unexpected("BeeL's answer does not say whether customers were created.")
    if data.customers_validation is not None:
        created, echoes = _from_report(answer, data, len(rows))
    else:
        created, echoes = _from_customers(answer, data, rows)
    if len({row.customer_id for row in created}) != len(rows):
        raise answer.unexpected("BeeL does not name one new customer for each row sent.")
    if not _same_nifs(rows, echoes):
        raise answer.unexpected("BeeL's answer is about other customers than those sent.")
    took_ms = data.metadata.processing_time_ms if data.metadata else None
    return BulkCreation(created, took_ms, answer.request_id)


def _check_dry(answer: Answer) -> None:
    """Look before anything else is believed: the alarm must not drown in another fault."""
    data = answer.data if isinstance(answer.data, dict) else {}
    metadata, statistics = data.get("metadata"), data.get("statistics")
    dry = isinstance(metadata, dict) and metadata.get("is_dry_run") is True
    imported = statistics.get("imported") if isinstance(statistics, dict) else None
    rows = data.get("customers_validation")
    made = any(
        isinstance(row, dict) and row.get("customer_id")
        for row in (rows if isinstance(rows, list) else ())
    )
    if dry and not imported and not made and data.get("total_created") is None:
        return
    raise DryRunNotHonouredError(
        "BeeL's answer to a validation does not say that it was a dry run: the validation may "
        "have created customers.",
        changed="unknown",
        status=answer.status,
        request_id=answer.request_id,
        remedy="Look for these customers in BeeL before anything else is done with the list.",
    )


def _in_order(answer: Answer, rows: Sequence[BulkRow], sent: int) -> list[BulkRow]:
    ordered = sorted(rows, key=lambda row: row.index)
    if [row.index for row in ordered] != list(range(sent)):
        raise answer.unexpected(f"BeeL did not report on exactly the {sent} rows sent.")
    return ordered


def _from_report(
    answer: Answer, data: BulkData, sent: int
) -> tuple[tuple[CreatedRow, ...], list[BulkEcho]]:
    rows = _in_order(answer, data.customers_validation or (), sent)
    imported = (data.statistics or {}).get("imported")
    if imported is not None and imported != sent:
        raise answer.unexpected(f"BeeL counts other than {sent} customers created.")
    ids = [(row.index, row.customer_id or (row.customer and row.customer.id)) for row in rows]
    created = tuple(CreatedRow(index, customer_id) for index, customer_id in ids if customer_id)
    return created, [row.customer for row in rows if row.customer]


def _from_customers(
    answer: Answer, data: BulkData, rows: Rows
) -> tuple[tuple[CreatedRow, ...], list[BulkEcho]]:
    made = list(data.customers or ())
    if data.total_created != len(rows) or len(made) != len(rows):
        raise answer.unexpected(f"BeeL counts other than {len(rows)} customers created.")
    # The order is promised nowhere: match by identifier or name, then by place.
    waiting: dict[str, deque[BulkEcho]] = defaultdict(deque)
    for echo in made:
        waiting[_who(echo.model_dump())].append(echo)
    pairs = [(index, waiting[_who(row)]) for index, row in enumerate(rows)]
    found = {index: same.popleft() for index, same in pairs if same}
    # What is left may have been given back without its kind or country.
    left = [echo for same in waiting.values() for echo in same]
    for index, row in enumerate(rows):
        if index not in found:
            wanted = foreign_id_of(row)
            alike = [one for one in left if wanted.may_be(_foreign(one))]
            if not alike:
                raise answer.unexpected("BeeL's answer is about other customers than those sent.")
            found[index] = alike[0]
            left.remove(alike[0])
    created = (CreatedRow(index, found[index].id or "") for index in sorted(found))
    return tuple(one for one in created if one.customer_id), made


def _foreign(echo: BulkEcho) -> ForeignId:
    return foreign_id_of({} if echo.nif else echo.model_dump())


def _who(values: Mapping[str, Any]) -> str:
    """Give the identifier of a customer, else the name."""
    return customer_key(values) or f"name:{values.get('legal_name') or ''}".strip().upper()


def _same_nifs(rows: Rows, echoes: Sequence[BulkEcho]) -> bool:
    """Compare NIFs as far as they are given back: an echo may be left out or be partial."""
    sent = Counter(str(row["nif"]).upper() for row in rows if row.get("nif"))
    made = Counter(echo.nif.upper() for echo in echoes if echo.nif)
    return made <= sent if len(echoes) < len(rows) or made.total() < sent.total() else made == sent


def _problem(problem: BulkProblem) -> RowProblem:
    field = said(problem.field, 60)
    # What BeeL found wrong with an account number is told without the number.
    value = "" if "iban" in field.lower() else said(problem.value, 120)
    return RowProblem(field, said(problem.message), value, code_of(problem.code))


def _statistics(data: BulkData) -> Mapping[str, int] | None:
    if data.statistics is None:
        return None
    return {
        name: value
        for name, value in data.statistics.items()
        if isinstance(value, int) and not isinstance(value, bool)
    }
