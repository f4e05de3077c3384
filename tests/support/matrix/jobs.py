"""What the tools do in the matrix: the call, its records, and what BeeL's ledger says of them."""

from abc import ABC, abstractmethod
from collections import Counter
from typing import Any, ClassVar, Final

from beel_mcp.sandbox.seed import invoice_id, invoice_row
from tests.support.customers import customer, foreigner
from tests.support.deactivations import crowd_id
from tests.support.matrix.trial import COMPANY, Trial
from tests.support.people.evidence import Told

MADE: Final = "2026-01-02T09:00:00.000000Z"
LINE: Final = {"description": "Horas", "quantity": "2.5", "unit_price": "39.9001", "tax_rate": "21"}


class Job(ABC):
    """One way to write: `plan` reads only, `act` writes.

    `writes` names the operation that has the effect, in every world; `kinds` is how the ledger
    calls that. `done` is the class of records that an answer says were written.
    """

    name: ClassVar[str]
    writes: ClassVar[tuple[str, ...]]
    kinds: ClassVar[tuple[str, ...]]
    done: ClassVar[str]
    creates: ClassVar[bool] = False
    is_planned: ClassVar[bool] = True
    settings: ClassVar[dict[str, Any]] = {}  # what the operator has set for it
    meanwhile_name: ClassVar[str] = ""  # what others do in BeeL while this goes on

    def __init__(self, trial: Trial) -> None:
        self.trial = trial
        self.step: dict[str, Any] = {}

    @property
    @abstractmethod
    def records(self) -> list[str]:
        """Name the records, as the ledger does."""

    @property
    def meanwhile(self) -> str:
        """Say in SQL what others do."""
        return ""

    async def prepare(self) -> None:  # noqa: B027 - most need something, a list does not
        """Put into BeeL what must be there before."""

    @abstractmethod
    async def plan(self) -> Told:
        """Ask for what `act` carries out."""

    def planned(self, told: Told) -> None:
        """Take what `act` needs from the answer of `plan`."""
        [step] = [one for one in told["next"] if one["tool"] == "confirm_plan"]
        self.step = step["arguments"]

    async def act(self) -> Told:
        return await self.trial.call("confirm_plan", **self.step)

    def effects(self) -> Counter[str]:
        """Tell how often each record was written, by the ledger."""
        kinds, records = (", ".join("?" * len(one)) for one in (self.kinds, self.records))
        found = self.trial.rows(
            "SELECT customer_id AS record FROM ledger"
            f" WHERE kind IN ({kinds}) AND customer_id IN ({records})",
            *(*self.kinds, *self.records),
        )
        return Counter(row["record"] for row in found)

    def achieved(self) -> Counter[str]:
        """Tell which records are as they were to be: here nobody else makes them so."""
        return self.effects()

    def put_customer(self, number: int) -> str:
        record_id = crowd_id(number)
        row: dict[str, Any] = {"id": record_id, "company_id": COMPANY, **customer(number)}
        row["address"] = (
            '{"street": "Calle Mayor", "number": "1", "postal_code": "28001",'
            ' "city": "Madrid", "province": "Madrid", "country": "España", "country_code": "ES"}'
        )
        self.trial.put("customers", **row, active=1, created_at=MADE, updated_at=MADE)
        return record_id


class CustomersCreated(Job):
    """A batch of two customers."""

    name = "create_customers"
    writes = ("createCustomersBulk", "createCompanyCustomersBulk")
    kinds = ("customer_created",)
    done = "created"
    creates = True

    @property
    def rows(self) -> list[dict[str, Any]]:
        return [customer(self.trial.number), customer(self.trial.number + 1)]

    @property
    def records(self) -> list[str]:
        return [row["legal_name"] for row in self.rows]

    async def plan(self) -> Told:
        return await self.trial.call("validate_customers", customers=self.rows)

    def planned(self, told: Told) -> None:
        self.step = {"batch_id": told["batch_id"], "expected_count": len(self.rows)}

    async def act(self) -> Told:
        return await self.trial.call("create_customers", **self.step)

    def effects(self) -> Counter[str]:
        names = ", ".join("?" * len(self.records))
        found = self.trial.rows(
            "SELECT legal_name FROM ledger JOIN customers ON id = customer_id"
            f" WHERE kind = 'customer_created' AND legal_name IN ({names})",
            *self.records,
        )
        return Counter(row["legal_name"] for row in found)


class ForeignersCreated(CustomersCreated):
    """One customer with a NIF, and one with a passport, whom no dry run finds."""

    name = "create_customers, one by passport"

    @property
    def rows(self) -> list[dict[str, Any]]:
        return [customer(self.trial.number), foreigner(self.trial.number + 1)]


class DraftCreated(Job):
    """A draft invoice for a customer who has none."""

    name = "create_draft_invoice"
    writes = ("createInvoice", "createCompanyInvoice")
    kinds = ("invoice_created",)
    done = "created"
    creates = True
    is_planned = False

    @property
    def records(self) -> list[str]:
        return [crowd_id(self.trial.number)]

    async def prepare(self) -> None:
        self.put_customer(self.trial.number)

    async def plan(self) -> Told:
        raise NotImplementedError("a draft needs no plan")

    async def act(self) -> Told:
        [customer_id] = self.records
        return await self.trial.call("create_draft_invoice", customer_id=customer_id, lines=[LINE])


class Updated(Job):
    """Another e-mail address for a customer."""

    name = "update_customers"
    writes = ("updateCustomer", "patchCustomer", "patchCompanyCustomer")
    kinds = ("customer_updated", "customer_deactivated")
    done = "updated"
    planned_by: ClassVar[str] = "update_customers"
    count: ClassVar[int] = 1
    arguments: ClassVar[dict[str, Any]] = {"changes": {"email": "nueva@taller.example"}}

    @property
    def records(self) -> list[str]:
        return [crowd_id(self.trial.number + index) for index in range(self.count)]

    async def prepare(self) -> None:
        for index in range(self.count):
            self.put_customer(self.trial.number + index)

    async def plan(self) -> Told:
        return await self.trial.call(self.planned_by, customer_ids=self.records, **self.arguments)


class Deleted(Updated):
    """One customer, by the route of one."""

    name = "deactivate_customers, one"
    writes = ("deactivateCustomer", "deleteCustomer", "deleteCompanyCustomer")
    kinds = ("customer_deleted", "customer_deactivated")
    done = "deleted"
    planned_by = "deactivate_customers"
    arguments: ClassVar = {}


class DeletedInBulk(Deleted):
    """Two customers in one request."""

    name = "deactivate_customers, two"
    writes = ("deactivateCustomersBulk", "deleteCompanyCustomersBulk")
    count = 2


class MadeInactive(Updated):
    """One customer who is kept."""

    name = "deactivate_customers, inactive"
    done = "deactivated"
    planned_by = "deactivate_customers"
    arguments: ClassVar = {"mode": "inactive"}


class DraftDeleted(Job):
    """One draft invoice."""

    name = "delete_draft_invoice"
    writes = ("deleteInvoice", "deleteCompanyInvoice")
    kinds = ("invoice_deleted",)
    done = "deleted"
    meanwhile_name = "the draft issues itself"

    @property
    def records(self) -> list[str]:
        return [invoice_id(100_000 + self.trial.number)]

    @property
    def meanwhile(self) -> str:
        number = self.trial.number
        return (
            f"UPDATE invoices SET status = 'ISSUED', number = {number},"
            f" invoice_number = 'B26-{number}' WHERE id = '{self.records[0]}'"
        )

    async def prepare(self) -> None:
        facts: dict[str, Any] = {"series": "B26", "status": "DRAFT", "lines": ["repair"]}
        number = 100_000 + self.trial.number
        row = invoice_row(number=number, customer=1, issue_date="2026-09-15", **facts)
        self.trial.put("invoices", **row)

    async def plan(self) -> Told:
        return await self.trial.call("delete_draft_invoice", invoice_ids=self.records)

    def effects(self) -> Counter[str]:
        [record] = self.records
        found = self.trial.rows(
            "SELECT invoice_id FROM ledger WHERE kind = 'invoice_deleted' AND invoice_id = ?",
            record,
        )
        return Counter(row["invoice_id"] for row in found)


class Undone(Updated):
    """What an update wrote is taken back: each customer gets its own old value."""

    name = "update_customers, undo"
    count = 2

    async def prepare(self) -> None:
        await super().prepare()
        self.planned(await super().plan())
        self._undo = (await self.act())["operation_id"]
        self.step = {}

    async def plan(self) -> Told:
        return await self.trial.call("update_customers", undo=self._undo)

    def effects(self) -> Counter[str]:
        return super().effects() - Counter(self.records)  # what is undone was an effect, too


class Mailed(Job):
    """One mail of two invoices."""

    name = "send_invoices"
    writes = ("createInvoiceDelivery", "createCompanyInvoiceDelivery")
    kinds = ()
    done = "sent"
    creates = True

    @property
    def records(self) -> list[str]:
        return [invoice_id(100_000 + self.trial.number + index) for index in range(2)]

    async def prepare(self) -> None:
        facts: dict[str, Any] = {"series": "F26", "status": "ISSUED", "lines": ["repair"]}
        for index in range(2):
            number = 100_000 + self.trial.number + index
            facts |= {"number": number, "in_series": number, "due_date": "2026-10-15"}
            self.trial.put("invoices", **invoice_row(customer=1, issue_date="2026-09-15", **facts))

    async def plan(self) -> Told:
        return await self.trial.call(
            "send_invoices", invoice_ids=self.records, recipients=["gestoria@example.com"]
        )

    def effects(self) -> Counter[str]:
        found = self.trial.rows(
            "SELECT value AS record FROM mails, json_each(mails.invoice_ids) WHERE value IN (?, ?)",
            *self.records,
        )
        return Counter(row["record"] for row in found)


JOBS: Final[tuple[type[Job], ...]] = (
    CustomersCreated,
    ForeignersCreated,
    DraftCreated,
    Updated,
    Deleted,
    DeletedInBulk,
    MadeInactive,
    DraftDeleted,
)
