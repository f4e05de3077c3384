"""Changes some fields of customers, the same for each."""

import json
from collections.abc import Mapping, Sequence
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
from beel_mcp.writes.kinds.previous_values import as_changes, as_shown, is_whole, needs_file
from beel_mcp.writes.kinds.protocol import (
    Change,
    OutcomeWords,
    WriteContext,
    for_each_limited,
    unique_ids,
)
from beel_mcp.writes.kinds.update_statement import filled_in, update_statement

MOST_NAMESAKES: Final = 2


class CustomerUpdate(Change):
    """Some customers, and the values that some of their fields are to have, by path."""

    name = "update_customers"
    words: ClassVar = OutcomeWords(
        "updated",
        "customer",
        "customer_id",
        remedies={
            "not_found": "find_customers gives the ids of customers that exist.",
            "changed_meanwhile": "Somebody else changed the same fields: look at the customer, and"
            " ask for a new plan.",
            "CONCURRENT_MODIFICATION": "Somebody else changed it at the same moment: ask for a new"
            " plan.",
            "CLIENT_DUPLICATE": "Another customer has this NIF: find_customers shows who.",
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

    async def preview(self) -> Preview:
        """Read each customer; what is as wanted, or cannot be so, is left out.

        Raises:
            CallerError: BeeL would refuse the values, whoever they are for.
        """
        await self._refuse_values()
        affected: dict[str, Affected] = {}
        left_out: dict[str, LeftOut] = {}

        async def read(record_id: str) -> None:
            try:
                customer = await self.beel.customers.get(record_id)
            except (NotFoundError, InvalidRequestError):
                left_out[record_id] = LeftOut(record_id, "", "not_found")
                return
            self._customers[record_id] = customer
            if code := self._refusal(customer):
                number = _identifier(customer)
                left_out[record_id] = LeftOut(record_id, customer.legal_name, code, "", number)
            else:
                affected[record_id] = self._affected(record_id, customer)

        await for_each_limited(read, self._ids)
        return Preview(
            tuple(affected[record_id] for record_id in self._ids if record_id in affected),
            tuple(left_out[record_id] for record_id in self._ids if record_id in left_out),
            remarks=gathered(
                [
                    *await self._namesakes(affected),
                    *(one for record_id in affected for one in self._doubts(record_id)),
                ]
            ),
        )

    def statement(self, preview: Preview, environment: str, language: Language) -> str:
        return update_statement(environment, preview, self._changes, language)

    def requests(self, preview: Preview) -> list[Sequence[Affected]]:
        return [[affected] for affected in preview.affected]

    def row(self, number: int, affected: Affected) -> WriteRow:
        """Send the changes; what the fields were before tells whether they still are so."""
        previous = affected.facts.get("previous")
        changes = {**self._changes, **filled_in(affected)}
        return WriteRow(
            number,
            {"changes": changes, "before": affected.facts["before"]},
            affected.record_id,
            affected.name,
            affected.identifier,
            previous=json.loads(previous) if previous else None,
        )

    async def back_up(self, preview: Preview) -> str | None:
        """Save the values that go, if an answer could not show them as they are."""
        before = {
            affected.record_id: self._before(self._customers[affected.record_id])
            for affected in preview.affected
        }
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
            await self.beel.customers.update_fields(
                row.record_id, row.payload["changes"], current=customer
            )
        except NotFoundError as error:
            return RowOutcome("failed", "not_found", request_id=error.request_id)
        except (ConflictError, InvalidRequestError) as error:
            fields = [f"{fault.field}: {fault.message}" for fault in error.field_errors[:3]]
            message = "; ".join(fields) or error.message
            return RowOutcome("failed", error.code, message, error.request_id)
        return RowOutcome("done")

    def _state_of(self, customer: Customer, row: WriteRow) -> RowOutcome | None:
        changes = row.payload["changes"]
        if shows(customer, changes):
            return RowOutcome("done")
        if digest_of(values_of(customer, changes)) == row.payload["before"]:
            return None
        if shows(customer, changes, roughly=True):  # BeeL writes some values its own way
            return RowOutcome("done")
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

    def _refusal(self, customer: Customer) -> LeftOutCode | None:
        """Say why a customer stays as it is: already so, or not possible in this BeeL."""
        if shows(customer, self._changes):
            return UNCHANGED
        if self.beel.generation_seen != "legacy":
            return None
        differ = {path for path in self._changes if not _same(customer, path, self._changes)}
        if tops(dict.fromkeys(differ)) & set(IDENTIFIERS):
            return "identifier_fixed"
        emptied = {path for path in differ if self._changes[path] is None}
        return "never_empty" if emptied & NEVER_EMPTY_IN_PUT else None

    def _affected(self, record_id: str, customer: Customer) -> Affected:
        before, changes = self._before(customer), self._wanted(customer)
        filled = {path: changes[path] for path in changes.keys() - self._changes.keys()}
        # What could not be put back as it is shown is in the file only.
        whole = {"previous": json.dumps(before, ensure_ascii=False)} if is_whole(before) else {}
        return Affected(
            record_id=record_id,
            name=customer.legal_name,
            identifier=_identifier(customer),
            state=digest_of(customer.model_dump(mode="json")),
            facts={
                "before": digest_of(values_of(customer, changes)),
                "shown": json.dumps(as_shown(before), ensure_ascii=False),
                **({"filled": json.dumps(filled, ensure_ascii=False)} if filled else {}),
                **whole,
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

    def _doubts(self, record_id: str) -> Sequence[Remark]:
        """Say what is doubtful about the fields that change."""
        customer = self._customers[record_id]
        changes = self._wanted(customer)
        return self.context.advice.remarks(merged(customer, changes), changes)

    async def _namesakes(self, affected: Mapping[str, Affected]) -> list[Remark]:
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

    def _before(self, customer: Customer) -> dict[str, Any]:
        """Give the values that go: where a field differs, and the identifier that makes room."""
        changes = self._wanted(customer)
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


def _identifier(customer: Customer) -> str:
    number = customer.alternative_id.number if customer.alternative_id else ""
    return customer.nif or number
