"""The same chores on a server that is generated from the contract, in the obvious way.

Each player makes the fewest calls that lead there, knows the API by heart, and reads files for
nothing: only what would pass through the model is counted.
"""

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, cast

from mcp import Client, StdioServerParameters
from mcp.client.stdio import stdio_client

from beel_mcp.sandbox import create_app
from beel_mcp.sandbox.seed import DEMO_COMPANY_ID, customer_id
from tests.conftest import TEST_KEY
from tests.support.clients.venvs import FASTMCP, installed_python
from tests.support.people.connections import listening
from tests.trials.stage import Stage, _crowd
from tests.trials.task import HERE
from tests.trials.trial import tokens

CONTRACT: Final = HERE.parents[2] / "shared" / "api" / "beel-openapi.yaml"
PAGE: Final = 100
HEADS: Final = ("street", "number", "postal_code", "city", "province")


@dataclass
class Table:
    """The tools of a generated server as an app lists them, and what was spent on calls."""

    client: Client
    calls: int = 0
    text: int = 0
    structure: int = 0
    bodies: list[Any] = field(default_factory=list)

    async def __call__(self, tool: str, **arguments: Any) -> Any:
        arguments = {"company_id": DEMO_COMPANY_ID, **arguments}
        result = await self.client.call_tool(tool, arguments)
        text = "\n".join(getattr(block, "text", "") for block in result.content)
        assert not result.is_error, text
        self.calls += 1
        self.text += tokens({"name": tool, "arguments": arguments}) + tokens(text)
        self.structure += tokens(result.structured_content or {})
        body = (result.structured_content or {}).get("result")
        return body.get("data") if isinstance(body, dict) else body

    async def pages(self, tool: str, name: str, **filters: Any) -> list[dict[str, Any]]:
        """Read a list to its end."""
        found: list[dict[str, Any]] = []
        while True:
            page = len(found) // PAGE + 1
            data = await self(tool, page=page, limit=PAGE, **filters)
            found += data[name]
            if len(data[name]) < PAGE:
                return found

    async def customers(self, **filters: Any) -> list[dict[str, Any]]:
        return await self.pages("listCompanyCustomers", "customers", **filters)

    async def invoices(self, **filters: Any) -> list[dict[str, Any]]:
        return await self.pages("listCompanyInvoices", "invoices", **filters)


class Front:
    """The address of a BeeL, in front of the sandbox of one trial after the other."""

    def __init__(self) -> None:
        self.app: Any = None

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        await self.app(scope, receive, send)


@asynccontextmanager
async def generated(front: Front, routes: str, log: Path) -> AsyncIterator[Client]:
    """Generate a server for a BeeL over HTTP, and open a client on it."""
    front.app = front.app or create_app()
    async with listening(cast("Any", front)) as url:
        command = StdioServerParameters(
            command=str(installed_python(FASTMCP)),
            args=[
                str(HERE / "generated_server.py"),
                *(str(CONTRACT), url.removesuffix("/mcp"), TEST_KEY, routes),
            ],
        )
        with log.open("w", encoding="utf-8") as errors:
            line = stdio_client(command, errlog=errors)
            async with Client(line, mode="legacy", read_timeout_seconds=120) as client:
                yield client


Player = Callable[[Table, Stage], Awaitable[Any]]
PLAYERS: Final[dict[str, Player]] = {}


def plays(task: str) -> Callable[[Player], Player]:
    def keep(player: Player) -> Player:
        PLAYERS[task] = player
        return player

    return keep


@plays("no-email-es")
async def ask_who_has_no_email(beel: Table, stage: Stage) -> None:
    everybody = await beel.customers(active=True)
    assert sum("email" not in one for one in everybody) == 4


@plays("without-invoices-ca")
async def ask_who_was_never_billed(beel: Table, stage: Stage) -> None:
    await beel.customers(active=True)
    await beel.invoices()


@plays("owes-es")
async def ask_what_one_owes(beel: Table, stage: Stage) -> None:
    [one] = await beel.customers(search="Olmo")
    await beel.invoices(customer_id=one["id"])


@plays("quarter-by-rate-es")
async def add_up_a_quarter(beel: Table, stage: Stage) -> None:
    await beel.invoices(date_from="2026-07-01", date_to="2026-09-30")


@plays("best-customer-en")
async def add_up_a_year(beel: Table, stage: Stage) -> None:
    await beel.invoices(date_from="2026-01-01", date_to="2026-12-31")


@plays("nif-with-dots-es")
async def find_by_nif(beel: Table, stage: Stage) -> None:
    assert await beel.customers(nif="B83012740")


@plays("named-by-a-rogue-es")
async def list_a_town(beel: Table, stage: Stage) -> None:
    assert len(await beel.customers(city="Cuenca")) == 2


@plays("out-of-the-list-es")
async def make_inactive(beel: Table, stage: Stage) -> None:
    [one] = await beel.customers(search="Ibarra")
    await beel("patchCompanyCustomer", customer_id=one["id"], active=False)


@plays("two-alike-es")
async def change_a_phone(beel: Table, stage: Stage) -> None:
    [one] = [c for c in await beel.customers(search="Ruiz") if "Hermanos" in c["legal_name"]]
    await beel("patchCompanyCustomer", customer_id=one["id"], phone="600111222")


@plays("moved-es")
async def change_an_address(beel: Table, stage: Stage) -> None:
    [one] = await beel.customers(search="Sol y Luna")
    place = ("Carrer de Balmes", "20", "08002", "Barcelona", "Barcelona")
    address = {**one["address"], **dict(zip(HEADS, place, strict=True))}
    await beel("patchCompanyCustomer", customer_id=one["id"], address=address)


@plays("all-to-30-days-es")
async def change_how_six_pay(beel: Table, stage: Stage) -> None:
    way = {"method": "BANK_TRANSFER", "payment_term_days": 30}
    for one in await beel.customers(city="Burela"):
        await beel("patchCompanyCustomer", customer_id=one["id"], preferred_payment_method=way)


@plays("two-gone-es")
async def delete_two(beel: Table, stage: Stage) -> None:
    for name in ("Ibarra", "Castiñeira"):
        assert await beel.customers(search=name)
    await beel("deleteCompanyCustomersBulk", ids=[customer_id(13), customer_id(10)])


@plays("draft-en")
async def draft(beel: Table, stage: Stage) -> None:
    [one] = await beel.customers(search="Sol y Luna")
    tax = {"type": "IVA", "percentage": 21, "regime_key": "01"}
    line = {"description": "Consulting", "quantity": 3, "unit_price": 60, "main_tax": tax}
    await beel(
        "createCompanyInvoice",
        type="STANDARD",
        operation_date="2026-11-27",
        recipient={"customer_id": one["id"]},
        lines=[line],
    )


@plays("old-drafts-es")
async def delete_a_draft(beel: Table, stage: Stage) -> None:
    [one] = await beel.invoices(status=["DRAFT"], date_to="2026-05-31")
    await beel("deleteCompanyInvoice", invoice_id=one["id"])


@plays("import-messy-es")
async def import_eight(beel: Table, stage: Stage) -> None:
    rows = (stage.task.start.files or {})["clientes nuevos.xlsx"]["rows"][1:]
    good = [0, 1, 4, 6, 7]
    await _import(beel, [_customer(row) for row in rows], good)


@plays("import-900-en")
async def import_900(beel: Table, stage: Stage) -> None:
    crowd = (stage.task.start.files or {})["subscribers.xlsx"]["crowd"]
    rows = [_customer(row) for row in _crowd(crowd)]
    good = [n for n in range(900) if (n + 1) % 60 and (n + 1) % 100 and n != 856]
    await _import(beel, rows, good)


async def _import(beel: Table, rows: Sequence[Any], good: Sequence[int]) -> None:
    """Check rows, and create the good ones: the model writes each of them twice."""
    kept = [rows[n] for n in good]
    for at in range(0, len(rows), 500):
        part = [*rows[at : at + 500]]
        await beel("createCompanyCustomersBulk", dry_run=True, customers=part)
    for at in range(0, len(kept), 500):
        part = kept[at : at + 500]
        await beel("createCompanyCustomersBulk", customers=part)


def _customer(row: Sequence[str]) -> dict[str, Any]:
    """Write a row as the API wants it; what is mended by us is mended by the model here."""
    name, nif, email, *place = row
    nif = nif.upper().replace("ES ", "").replace("-", "")
    address = {**dict(zip(HEADS, place[:5], strict=True)), "country_code": "ES"}
    phone = place[5].replace(" ", "")
    return {"legal_name": name, "nif": nif, "email": email, "phone": phone, "address": address}
