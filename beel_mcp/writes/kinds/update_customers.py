"""Changing customers: looked up, said before and after, sent, and looked after."""

import json
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, Final

from beel_mcp.api.client import BeelClient
from beel_mcp.api.customer_bodies import (
    IDENTIFIERS,
    NEVER_EMPTY_IN_PUT,
    shows,
    tops,
    value_at,
    values_of,
)
from beel_mcp.api.models import Customer
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
from beel_mcp.writes.journal.plan import UNCHANGED, Affected, LeftAlone, Look, digest_of
from beel_mcp.writes.journal.records import PlannedRow
from beel_mcp.writes.kinds.previous_values import as_changes, as_shown, is_whole, needs_file
from beel_mcp.writes.kinds.protocol import Outcome
from beel_mcp.writes.kinds.update_statement import sentence
from beel_mcp.writes.run.concurrency import at_once

KIND: Final = "update_customers"
Keep = Callable[[Sequence[Mapping[str, Any]]], Awaitable[str]]


class Update:
    """Some customers, and the values that some of their fields are to have."""

    kind = KIND

    def __init__(self, beel: BeelClient, arguments: Mapping[str, Any], keep: Keep) -> None:
        self._beel = beel
        self._keep = keep
        ids = {one.lower(): one for one in arguments.get("customer_ids", ())}
        self._ids = list(ids.values())
        self._changes: Mapping[str, Any] = arguments.get("changes", {})
        self.terms: Mapping[str, Any] = {"changes": self._changes}
        self.arguments: Mapping[str, Any] = {"customer_ids": self._ids, **self.terms}
        self._customers: dict[str, Customer] = {}

    @property
    def request(self) -> Mapping[str, Any]:
        """The arguments, which are the same for the same request."""
        return self.arguments

    async def look(self) -> Look:
        """Read each customer; what is as wanted, or cannot be so, stays as it is.

        Raises:
            CallerError: BeeL would refuse the values, whoever they are for.
        """
        await self._refuse_values()
        affected: dict[str, Affected] = {}
        left: dict[str, LeftAlone] = {}

        async def read(record_id: str) -> None:
            try:
                customer = await self._beel.customers.get(record_id)
            except (NotFoundError, InvalidRequestError):
                left[record_id] = LeftAlone(record_id, "", "not_found")
                return
            self._customers[record_id] = customer
            if code := self._refusal(customer):
                number = _identifier(customer)
                left[record_id] = LeftAlone(record_id, customer.legal_name, code, "", number)
            else:
                affected[record_id] = self._affected(record_id, customer)

        await at_once(read, self._ids)
        return Look(
            tuple(affected[one] for one in self._ids if one in affected),
            tuple(left[one] for one in self._ids if one in left),
        )

    def say(self, look: Look, place: str, language: Language) -> str:
        """Say every field that would change, before and after."""
        return sentence(place, look, self._changes, language)

    def parts(self, look: Look) -> list[Sequence[Affected]]:
        """Divide them: there is no bulk route."""
        return [[one] for one in look.affected]

    async def prepare(self, look: Look) -> str | None:
        """Keep the values that go, if an answer could not show them as they are."""
        before = {
            one.record_id: self._before(self._customers[one.record_id]) for one in look.affected
        }
        if not needs_file(before):
            return None
        return await self._keep(
            [
                {
                    "customer_ids": [one.record_id],
                    "name": one.name,
                    "changes": as_changes(before[one.record_id]),
                }
                for one in look.affected
            ]
        )

    async def send(self, rows: Sequence[PlannedRow]) -> list[Outcome]:
        """Change them one by one."""
        return [await self._send(row) for row in rows]

    async def check(self, row: PlannedRow) -> Outcome | None:
        """Read a customer: as wanted, as it was before, or something else by now."""
        try:
            customer = await self._beel.customers.get(_id(row))
        except NotFoundError:
            return Outcome("failed", "not_found")
        return self._seen(customer, row)

    async def _send(self, row: PlannedRow) -> Outcome:
        """Read once more, as the rest of a record is written back, and change what is named."""
        try:
            customer = await self._beel.customers.get(_id(row))
            if seen := self._seen(customer, row):  # guard: still as it was shown
                return seen
        except NotFoundError as error:
            return Outcome("failed", "not_found", request_id=error.request_id)
        except UnknownOutcomeError as error:  # of a read: nothing was sent that could change it
            raise NotSentError(error.message, code=error.code, retryable=True) from error
        try:
            await self._beel.customers.update_fields(_id(row), self._changes, current=customer)
        except NotFoundError as error:
            return Outcome("failed", "not_found", request_id=error.request_id)
        except (ConflictError, InvalidRequestError) as error:
            fields = [f"{one.field}: {one.message}" for one in error.field_errors[:3]]
            message = "; ".join(fields) or error.message
            return Outcome("failed", error.code, message, error.request_id)
        return Outcome("done")

    def _seen(self, customer: Customer, row: PlannedRow) -> Outcome | None:
        if shows(customer, self._changes):
            return Outcome("done")
        if digest_of(values_of(customer, self._changes)) == row.values["before"]:
            return None
        if shows(customer, self._changes, roughly=True):  # BeeL writes some values its own way
            return Outcome("done")
        return Outcome("failed", "changed_meanwhile")

    async def _refuse_values(self) -> None:
        """Hold the values against the contract, before anybody is asked about them."""
        if len(self._ids) > 1 and tops(self._changes) & set(IDENTIFIERS):
            raise CallerError("A NIF or another identifier belongs to one customer: name only one.")
        family = (await self._beel.active_company()).family
        row: dict[str, Any] = {}
        for path, value in self._changes.items():
            group, _, part = path.rpartition(".")
            (row.setdefault(group, {}) if group else row)[part if group else path] = value
        # What is missing is in BeeL already; what is named must be right.
        problems = [
            FieldError(issue.field, issue.message.text())
            for issue in self._beel.customers.wire_problems(row, family)
            if self._changes.get(issue.field) is not None and issue.field != "active"
        ]
        if problems:
            raise CallerError(
                "BeeL would not accept these values. Nobody was asked.",
                code="invalid_values",
                field_errors=problems,
            )

    def _refusal(self, customer: Customer) -> str:
        """Say why a customer stays as it is: already so, or not possible in this BeeL."""
        if shows(customer, self._changes):
            return UNCHANGED
        if self._beel.generation_seen != "legacy":
            return ""
        differ = {path for path in self._changes if not _same(customer, path, self._changes)}
        if tops(dict.fromkeys(differ)) & set(IDENTIFIERS):
            return "identifier_fixed"
        emptied = {path for path in differ if self._changes[path] is None}
        return "never_empty" if emptied & NEVER_EMPTY_IN_PUT else ""

    def _affected(self, record_id: str, customer: Customer) -> Affected:
        before = self._before(customer)
        # What could not be put back as it is shown is in the file only.
        whole = {"previous": json.dumps(before, ensure_ascii=False)} if is_whole(before) else {}
        return Affected(
            record_id=record_id,
            name=customer.legal_name,
            identifier=_identifier(customer),
            state=digest_of(customer.model_dump(mode="json")),
            facts={
                "before": digest_of(values_of(customer, self._changes)),
                "shown": json.dumps(as_shown(before), ensure_ascii=False),
                **whole,
            },
        )

    def _before(self, customer: Customer) -> dict[str, Any]:
        """Give the values that go: where a field differs, and the identifier that makes room."""
        before = {
            path: value_at(customer, path)
            for path in self._changes
            if not _same(customer, path, self._changes)
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


def _identifier(customer: Customer) -> str:
    number = customer.alternative_id.number if customer.alternative_id else ""
    return customer.nif or number


def _id(row: PlannedRow) -> str:
    return str(row.values["record_id"])
