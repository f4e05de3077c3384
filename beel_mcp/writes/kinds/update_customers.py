"""Changes some fields of customers, the same for each."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, ClassVar, Final

from beel_mcp.api.customer_bodies import (
    IDENTIFIERS,
    NEVER_EMPTY_IN_PUT,
    merged,
    shows,
    tops,
    value_at,
    values_of,
)
from beel_mcp.api.models import Customer
from beel_mcp.cleaning import quoted
from beel_mcp.errors import (
    CallerError,
    ConflictError,
    FieldError,
    InvalidRequestError,
    NotFoundError,
    NotSentError,
    UnknownOutcomeError,
)
from beel_mcp.settings import Language
from beel_mcp.writes.consent.statement import left_out_words
from beel_mcp.writes.journal.plan import (
    UNCHANGED,
    Affected,
    LeftOut,
    LeftOutCode,
    Preview,
    digest_of,
)
from beel_mcp.writes.journal.records import Chunk, RowOutcome, WriteRow
from beel_mcp.writes.journal.remarks import Remark, gathered
from beel_mcp.writes.kinds.previous_values import as_changes, as_shown, needs_file
from beel_mcp.writes.kinds.protocol import (
    Change,
    Detail,
    OutcomeWords,
    WriteContext,
    for_each_limited,
    unique_ids,
)
from beel_mcp.writes.kinds.update_statement import (
    filled_in,
    update_details,
    update_statement,
)

MOST_NAMESAKES: Final = 2
# What became of a customer by an undoing, by what was undone.
_UNDONE: Final[Mapping[str, str]] = {
    "update": "given the old values back",
    "deactivation": "set active again",
    "undo": "given back what had been undone",
}


class CustomerUpdate(Change):
    """Some customers, and the values that some of their fields are to have, by path."""

    name = "update_customers"
    words: ClassVar = OutcomeWords(
        "updated",
        "customer",
        "customer_id",
        remedies={
            "not_found": "find_customers gives the ids of customers that exist.",
            "changed_since": "It was changed after that operation, and keeps what it has now.",
            "changed_meanwhile": "Somebody else changed the same fields: look at the customer, and"
            " ask for a new plan.",
            "CONCURRENT_MODIFICATION": "Somebody else changed it at the same moment: ask for a new"
            " plan.",
            "CLIENT_DUPLICATE": "Another customer has this NIF: find_customers shows who.",
            "NIF_NOT_IN_CENSUS": "AEAT does not know the NIF, or not with this name: ask the person"
            " for both as AEAT has them.",
            "identifier_fixed": "This BeeL does not change the NIF of a customer.",
            "never_empty": "This BeeL cannot empty this field; give it another value.",
            "not_done": "Ask for it again if the person still wants it.",
        },
        already=(UNCHANGED,),
        saved_as="previous_path",
        ids_cap=5,  # beside one class more, and the old values
        failed_cap=4,
    )

    def __init__(self, context: WriteContext, arguments: Mapping[str, Any]) -> None:
        self._ids = unique_ids(arguments.get("customer_ids", ()))
        self._changes: Mapping[str, Any] = arguments.get("changes", {})
        super().__init__(context, {"customer_ids": self._ids, "changes": self._changes})
        self._customers: dict[str, Customer] = {}

    @classmethod
    def words_of(cls, terms: Mapping[str, str]) -> OutcomeWords:
        if "undo" not in terms:
            return cls.words
        return replace(cls.words, effect=_UNDONE[terms["of"]])

    async def preview(self) -> Preview:
        """Read each customer; what is as wanted, or cannot be so, is left out.

        Raises:
            CallerError: BeeL would refuse the values, whoever they are for.
        """
        await self._refuse_values()
        preview = await self.preview_of(self._ids, {})
        ids = [one.record_id for one in preview.affected]
        doubts = [doubt for one in preview.affected for doubt in self._doubts(one)]
        return replace(preview, remarks=gathered([*await self._namesakes(ids), *doubts]))

    async def preview_of(self, ids: Sequence[str], known: Mapping[str, Customer]) -> Preview:
        """Plan what each of these customers gets; who is not known is read."""
        planned: dict[str, Affected | LeftOut] = {}

        async def read(record_id: str) -> None:
            customer = known.get(record_id)
            try:
                customer = customer or await self.beel.customers.get(record_id)
            except (NotFoundError, InvalidRequestError):
                planned[record_id] = self.gone(record_id)
            else:
                self._customers[record_id] = customer
                planned[record_id] = self.planned(record_id, customer)

        await for_each_limited(read, ids)
        every = [planned[record_id] for record_id in ids]
        return Preview(
            tuple(record for record in every if isinstance(record, Affected)),
            tuple(record for record in every if isinstance(record, LeftOut)),
            self.terms,
        )

    @property
    def terms(self) -> Mapping[str, str]:
        """What decides the statement beside the records."""
        return {}

    def gone(self, record_id: str) -> LeftOut:
        """Say that BeeL has no such customer."""
        return LeftOut(record_id, "", "not_found")

    def planned(self, record_id: str, customer: Customer) -> Affected | LeftOut:
        """Plan what a customer gets, or say why it stays as it is."""
        if code := self.refusal(customer, self._changes):
            return left_out_as(record_id, customer, code)
        changes = self._wanted(customer)
        filled = {path: changes[path] for path in changes.keys() - self._changes.keys()}
        facts = {"filled": json.dumps(filled, ensure_ascii=False)} if filled else {}
        return self.affected(record_id, customer, changes, facts)

    def changes_of(self, affected: Affected) -> Mapping[str, Any]:
        """Give the new values of a record, by field path."""
        return {**self._changes, **filled_in(affected)}

    def statement(self, preview: Preview, environment: str, language: Language) -> str:
        return update_statement(environment, preview, self._changes, language)

    def details(self, affected: Affected, language: Language) -> Sequence[Detail]:
        return update_details(affected, self.changes_of(affected), language)

    def requests(self, preview: Preview) -> list[Sequence[Affected]]:
        return [[affected] for affected in preview.affected]

    def row(self, number: int, affected: Affected) -> WriteRow:
        """Send the changes; what the fields were before tells whether they still are so."""
        return WriteRow(
            number,
            {
                "changes": self.changes_of(affected),
                "before": affected.facts["before"],
                "kept": json.loads(affected.facts.get("kept", "{}")),
            },
            affected.record_id,
            affected.name,
            affected.identifier,
            previous=previous_of(affected),
        )

    async def back_up(self, preview: Preview) -> str | None:
        """Save the values that go, if an answer could not show them as they are."""
        before = {affected.record_id: previous_of(affected) for affected in preview.affected}
        if not needs_file(before):
            return None
        return await self.context.save_previous(
            [
                {
                    "customer_ids": [affected.record_id],
                    "name": affected.name,
                    "changes": as_changes(before[affected.record_id]),
                }
                for affected in preview.affected
            ]
        )

    async def send(self, chunk: Chunk, rows: Sequence[WriteRow]) -> list[RowOutcome]:
        return [await self._send(row) for row in rows]

    async def find_row(self, row: WriteRow) -> RowOutcome | None:
        """Read a customer: as wanted, as it was before, or something else by now."""
        try:
            customer = await self.beel.customers.get(row.record_id)
        except NotFoundError:
            return RowOutcome("failed", "not_found")
        return self._state_of(customer, row)

    async def _send(self, row: WriteRow) -> RowOutcome:
        """Read once more, as the rest of a record is written back, and change what is named."""
        try:
            customer = await self.beel.customers.get(row.record_id)
            if outcome := self._state_of(customer, row):  # guard: still as it was shown
                return outcome
        except NotFoundError as error:
            return RowOutcome("failed", "not_found", request_id=error.request_id)
        except UnknownOutcomeError as error:  # of a read: nothing was sent that could change it
            raise NotSentError(error.message, code=error.code, retryable=True) from error
        try:
            changed = await self.beel.customers.update_fields(
                row.record_id, row.payload["changes"], current=customer
            )
        except NotFoundError as error:
            return RowOutcome("failed", "not_found", request_id=error.request_id)
        except (ConflictError, InvalidRequestError) as error:
            fields = [f"{fault.field}: {fault.message}" for fault in error.field_errors[:3]]
            message = "; ".join(fields) or error.message
            return RowOutcome("failed", error.code, message, error.request_id)
        return _done(changed, row)

    def _state_of(self, customer: Customer, row: WriteRow) -> RowOutcome | None:
        changes = row.payload["changes"]
        if shows(customer, changes):
            return _done(customer, row)
        if digest_of(values_of(customer, changes)) == row.payload["before"]:
            return None
        if shows(customer, changes, roughly=True):  # BeeL writes some values its own way
            return _done(customer, row)
        return RowOutcome("failed", "changed_meanwhile")

    async def _refuse_values(self) -> None:
        """Hold the values against the contract, before anybody is asked about them."""
        if len(self._ids) > 1 and tops(self._changes) & set(IDENTIFIERS):
            raise CallerError("A NIF or another identifier belongs to one customer: name only one.")
        family = (await self.beel.active_company()).family
        row: dict[str, Any] = {}
        for path, value in self._changes.items():
            group, _, part = path.rpartition(".")
            (row.setdefault(group, {}) if group else row)[part if group else path] = value
        # What is missing is in BeeL already; what is named must be right.
        problems = [
            FieldError(issue.field, issue.message.text())
            for issue in self.beel.customers.wire_problems(row, family)
            if self._changes.get(issue.field) is not None and issue.field != "active"
        ]
        if problems:
            raise CallerError(
                "BeeL would not accept these values. Nobody was asked.",
                code="invalid_values",
                field_errors=problems,
            )

    def refusal(self, customer: Customer, changes: Mapping[str, Any]) -> LeftOutCode | None:
        """Say why a customer cannot get these values: already so, or not possible in this BeeL."""
        if shows(customer, changes):
            return UNCHANGED
        if self.beel.generation_seen != "legacy":
            return None
        differ = {path for path in changes if not _same(customer, path, changes)}
        if tops(dict.fromkeys(differ)) & set(IDENTIFIERS):
            return "identifier_fixed"
        emptied = {path for path in differ if changes[path] is None}
        return "never_empty" if emptied & NEVER_EMPTY_IN_PUT else None

    def affected(
        self,
        record_id: str,
        customer: Customer,
        changes: Mapping[str, Any],
        facts: Mapping[str, str],
    ) -> Affected:
        """Plan what a customer gets, with the values that go."""
        before = _before(customer, changes)
        return Affected(
            record_id=record_id,
            name=customer.legal_name,
            identifier=_identifier(customer),
            state=digest_of(customer.model_dump(mode="json")),
            facts={
                "before": digest_of(values_of(customer, changes)),
                "shown": json.dumps(as_shown(before), ensure_ascii=False),
                "previous": json.dumps(before, ensure_ascii=False),
                **facts,
            },
        )

    def _wanted(self, customer: Customer) -> Mapping[str, Any]:
        """Give the changes, and the province that goes with another postal code."""
        code = "address.postal_code"
        if code not in self._changes or "address.province" in self._changes:
            return self._changes
        if _same(customer, code, self._changes):
            return self._changes
        province = self.context.advice.province(merged(customer, self._changes)["address"])
        return {**self._changes, **({"address.province": province} if province else {})}

    def _doubts(self, affected: Affected) -> Sequence[Remark]:
        """Say what is doubtful about the fields that change."""
        changes = self.changes_of(affected)
        after = merged(self._customers[affected.record_id], changes)
        return self.context.advice.remarks(after, changes)

    async def _namesakes(self, affected: Sequence[str]) -> list[Remark]:
        """Say who is called nearly the same as a customer would be."""
        name = self._changes.get("legal_name")
        renamed = [one for one in affected if self._customers[one].legal_name != name]
        if not name or not renamed:
            return []
        others = await self.context.advice.namesakes(name)
        return [
            Remark.said("legal_name", "name_alike", name, other=_quoted(other))
            for other in others
            if other.id.lower() not in {one.lower() for one in self._ids}
        ][:MOST_NAMESAKES]


def previous_of(affected: Affected) -> dict[str, Any]:
    """Give the values that would go, whole."""
    previous: dict[str, Any] = json.loads(affected.facts["previous"])
    return previous


def left_out_as(record_id: str, customer: Customer, code: LeftOutCode) -> LeftOut:
    """Say why a customer stays as it is."""
    return LeftOut(record_id, customer.legal_name, code, "", _identifier(customer))


def _before(customer: Customer, changes: Mapping[str, Any]) -> dict[str, Any]:
    """Give the values that go: where a field differs, and the identifier that makes room."""
    before = {
        path: value_at(customer, path) for path in changes if not _same(customer, path, changes)
    }
    for path, value in list(before.items()):
        group = path.partition(".")[0]
        # A group that was not there is put back by emptying it.
        if "." in path and value is None and value_at(customer, group) is None:
            del before[path]
            before[group] = None
    for one, other in (IDENTIFIERS, IDENTIFIERS[::-1]):
        if one in tops(before) and (goes := value_at(customer, other)):
            before[other] = goes
    return before


def _same(customer: Customer, path: str, changes: Mapping[str, Any]) -> bool:
    return shows(customer, {path: changes[path]})


def _quoted(customer: Customer) -> str:
    number = _identifier(customer)
    return quoted(customer.legal_name, 60) + (f" ({quoted(number, 30)})" if number else "")


def _done(customer: Customer, row: WriteRow) -> RowOutcome:
    """Say that a customer has the new values, as BeeL shows them, and what was not to change."""
    kept = [
        f"{left_out_words(code, 1, 'en')}: {', '.join(paths)}"
        for code, paths in row.payload.get("kept", {}).items()
    ]
    message = f"not put back, {'; '.join(kept)}" if kept else ""
    return RowOutcome("done", message=message, after=values_of(customer, row.previous or {}))


def _identifier(customer: Customer) -> str:
    number = customer.alternative_id.number if customer.alternative_id else ""
    return customer.nif or number
