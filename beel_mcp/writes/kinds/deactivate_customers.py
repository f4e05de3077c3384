"""Deleting customers, or marking them inactive: looked up, said, sent and looked after."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, Final

from beel_mcp.api.client import BeelClient
from beel_mcp.api.models import Customer
from beel_mcp.errors import ConflictError, InvalidRequestError, NotFoundError, RouteRetiredError
from beel_mcp.language import localized
from beel_mcp.settings import Language
from beel_mcp.writes.consent.statement import compose
from beel_mcp.writes.journal.plan import Affected, LeftAlone, Look, digest_of
from beel_mcp.writes.journal.records import PlannedRow
from beel_mcp.writes.kinds.protocol import Outcome
from beel_mcp.writes.run.concurrency import at_once

KIND: Final = "deactivate_customers"
# Above this many the customers are read through the lists, and their invoices are not counted.
READ_ONE_BY_ONE: Final = 20
IDS_IN_A_REQUEST: Final = 100
Keep = Callable[[Sequence[Customer]], Awaitable[str]]


class Deactivation:
    """Some customers, and what is to become of them: `delete` or `inactive`."""

    kind = KIND

    def __init__(self, beel: BeelClient, arguments: Mapping[str, Any], keep: Keep) -> None:
        self._beel = beel
        self._keep = keep
        ids = {one.lower(): one for one in arguments.get("customer_ids", ())}
        self._ids = list(ids.values())
        self._mode = arguments.get("mode", "delete")
        self.terms: Mapping[str, Any] = {"mode": self._mode}
        self.arguments: Mapping[str, Any] = {"customer_ids": self._ids, **self.terms}
        self._customers: dict[str, Customer] = {}

    @property
    def request(self) -> Mapping[str, Any]:
        """The arguments, which are the same for the same request."""
        return self.arguments

    async def look(self) -> Look:
        """Read the customers, and for a few whether they have invoices."""
        few = len(self._ids) <= READ_ONE_BY_ONE
        found = {} if few else await self._beel.customers.list_all(set(self._ids))
        refusals: dict[str, LeftAlone] = {}

        async def read(record_id: str) -> None:
            customer = found.get(record_id) or await self._find(record_id)
            if customer is None:
                refusals[record_id] = LeftAlone(record_id, "", "not_found")
                return
            found[record_id] = customer
            if code := await self._refusal(customer, count_invoices=few):
                refusals[record_id] = LeftAlone(record_id, customer.legal_name, code)

        await at_once(read, self._ids)
        self._customers = found
        meaning = {
            "mode": self._mode,
            "generation": self._beel.generation_seen or "",
            "invoices": "counted" if few else "not counted",
        }
        return Look(
            tuple(_affected(one, found[one]) for one in self._ids if one not in refusals),
            tuple(refusals[one] for one in self._ids if one in refusals),
            meaning,
        )

    def say(self, look: Look, place: str, language: Language) -> str:
        """Say what a deletion is on the generation of BeeL that answers."""
        opening, ending = _words(look, language)
        return compose(place, opening, look, ending, language)

    def parts(self, look: Look) -> list[Sequence[Affected]]:
        """Divide them: 100 ids in one address to delete, one by one to mark."""
        size = IDS_IN_A_REQUEST if self._mode == "delete" else 1
        affected = look.affected
        return [affected[start : start + size] for start in range(0, len(affected), size)]

    async def prepare(self, look: Look) -> str | None:
        """Keep the whole records before they are deleted."""
        if self._mode != "delete":
            return None
        return await self._keep([self._customers[one.record_id] for one in look.affected])

    async def send(self, rows: Sequence[PlannedRow]) -> list[Outcome]:
        """Delete, by the single or the bulk route, or mark as inactive."""
        if self._mode == "inactive":
            return [await self._one(self._mark(row)) for row in rows]
        if len(self._ids) == 1:
            return [await self._one(self._beel.customers.delete(_id(row))) for row in rows]
        answer = await self._beel.customers.delete_bulk([_id(row) for row in rows])
        words = {"deleted": "done", "not_found": "done", "unknown": "unknown"}
        return [
            Outcome(
                words.get(one.status, "failed"),  # type: ignore[arg-type]
                "has_invoices" if one.status == "has_invoices" else one.code or "",
                one.message,
                answer.request_id,
            )
            for one in answer.rows
        ]

    async def check(self, row: PlannedRow) -> Outcome | None:
        """Read a customer: gone, or inactive where that is what was asked for."""
        try:
            customer = await self._beel.customers.get(_id(row))
        except RouteRetiredError:
            raise  # no such route is not: no such customer
        except NotFoundError:
            customer = None
        keeps = self._mode == "inactive" or self._beel.generation_seen == "legacy"
        if customer is None:
            # Its plan saw it alive: somebody has deleted it, and most likely we have.
            return Outcome("done") if self._mode == "delete" else Outcome("failed", "not_found")
        return Outcome("done") if keeps and not customer.active else None

    async def _mark(self, row: PlannedRow) -> None:
        await self._beel.customers.update_fields(_id(row), {"active": False})

    async def _one(self, request: Awaitable[None]) -> Outcome:
        try:
            await request
        except RouteRetiredError:
            raise
        except NotFoundError as error:
            if self._mode == "delete":  # the look right before this saw it alive
                return Outcome("done", "not_found", request_id=error.request_id)
            return Outcome("failed", "not_found", request_id=error.request_id)
        except (ConflictError, InvalidRequestError) as error:
            code = "has_invoices" if "INVOICE" in error.code else error.code
            return Outcome("failed", code, error.message, error.request_id)
        return Outcome("done")

    async def _find(self, record_id: str) -> Customer | None:
        """Read a customer; an id that BeeL does not take is nobody's."""
        try:
            return await self._beel.customers.get(record_id)
        except RouteRetiredError:
            raise
        except (NotFoundError, InvalidRequestError):
            return None

    async def _refusal(self, customer: Customer, *, count_invoices: bool) -> str:
        """Say why a customer stays as it is: what BeeL would refuse, or what is so already."""
        if self._mode == "inactive":
            return "" if customer.active else "already_inactive"
        if not customer.active and self._beel.generation_seen == "legacy":
            return "already_inactive"
        if count_invoices and await self._beel.invoices.count_for(customer.id):
            return "has_invoices"
        return ""


def _affected(record_id: str, customer: Customer) -> Affected:
    number = customer.alternative_id.number if customer.alternative_id else ""
    return Affected(
        record_id=record_id,
        name=customer.legal_name,
        identifier=customer.nif or number,
        state=digest_of(customer.model_dump(mode="json")),
    )


def _words(look: Look, language: Language) -> tuple[str, list[str]]:
    """Give the verb with its object, and what has to be known about its end."""
    number, one = len(look.affected), len(look.affected) == 1
    some = localized(
        language,
        en=f"{number} customer{'' if one else 's'}",
        es=f"{number} cliente{'' if one else 's'}",
    )
    refuses = (
        localized(
            language,
            en="BeeL will refuse those that have invoices.",
            es="BeeL rechazará los que tengan facturas.",
        )
        if look.meaning["invoices"] == "not counted"
        else ""
    )
    if look.meaning["mode"] == "inactive":
        return _inactive_words(some, language, one=one)
    if look.meaning["generation"] == "legacy":
        en = f"mark {some} as inactive (BeeL keeps {'it' if one else 'them'}, with the NIF)"
        es = f"marcar como inactivo{'' if one else 's'} {some}"
        es += f" (BeeL {'lo' if one else 'los'} conserva, con su NIF)"
        return localized(language, en=en, es=es), [refuses]
    undo = localized(
        language, en="A deletion cannot be undone.", es="La eliminación no se puede deshacer."
    )
    en = f"delete {some} for good and free {'its NIF' if one else 'their NIFs'}"
    es = f"eliminar definitivamente {some} y liberar {'su' if one else 'sus'} NIF"
    return localized(language, en=en, es=es), [undo, refuses]


def _inactive_words(some: str, language: Language, *, one: bool) -> tuple[str, list[str]]:
    en = f"mark {some} as inactive"
    es = f"marcar como inactivo{'' if one else 's'} {some}"
    again_en = f"{'It' if one else 'They'} can be made active again."
    again_es = f"Se {'puede' if one else 'pueden'} volver a activar."
    return localized(language, en=en, es=es), [localized(language, en=again_en, es=again_es)]


def _id(row: PlannedRow) -> str:
    return str(row.values["record_id"])
