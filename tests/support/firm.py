"""A firm with nearly 700 customers as firms have them: some lack something, names are alike."""

import json
from collections.abc import Callable
from typing import Any, Final
from urllib.parse import parse_qs

from starlette.applications import Starlette

from beel_mcp.sandbox import SandboxOptions, create_app
from beel_mcp.sandbox.seed import DEMO_COMPANY_ID
from tests.support.customers import customer, dni
from tests.support.deactivations import bill

Change = Callable[[str, dict[str, str], Any], Any]

ADDED: Final = 675  # beside those of the seed
PLACES: Final = (
    ("50001", "Zaragoza", "Zaragoza"),
    ("28013", "Madrid", "Madrid"),
    ("29001", "Málaga", "Málaga"),
    ("29002", "MALAGA", "Málaga"),
    ("15001", "A Coruña", "A Coruña"),
    ("08001", "Barcelona", "Barcelona"),
    ("46001", "València", "Valencia"),
)
NAMES: Final = {
    10: "Talleres Ruiz SL",
    11: "Talleres Ruíz SA",
    12: "Conservas Peñíscola SL",
    13: "Fontanería Hermanos Iglesias SL",
    14: "Maderas Txomin SL",
}
TRADES: Final = ("Carpintería", "Electricidad", "Bar", "Panadería", "Gestoría", "Óptica", "Hotel")
PEOPLE: Final = ("Abad", "Bravo", "Cano", "Durán", "Esteban", "Ferrer", "Gallego", "Herrero")


def firm_id(number: int) -> str:
    return f"d2000000-0000-4000-8000-{number:012d}"


def lacks_email(number: int) -> bool:
    return number % 8 == 3


def name_of(number: int) -> str:
    trade, person = TRADES[number % len(TRADES)], PEOPLE[number // 7 % len(PEOPLE)]
    return NAMES.get(number, f"{trade} {person} {number}")


def member(number: int) -> dict[str, Any]:
    """Give one of them as the sandbox keeps it."""
    postal_code, city, province = PLACES[number % len(PLACES)]
    made = customer(number, legal_name=name_of(number), nif=dni(10_000 + number))
    made["address"] |= {"postal_code": postal_code, "city": city, "province": province}
    made |= {"email": None} if lacks_email(number) else {}
    made |= {"phone": None} if number % 10 == 7 else {}
    if number % 5 == 0:
        made["preferred_payment_method"] = {"method": "DIRECT_DEBIT", "iban": f"ES{number:022d}"}
    moment = "2026-01-02T09:00:00.000000Z"
    keys = {"id": firm_id(number), "company_id": DEMO_COMPANY_ID, "active": 1}
    return {**keys, **made, "created_at": moment, "updated_at": moment}


def insert(app: Starlette, *rows: dict[str, Any]) -> None:
    """Put customers into a sandbox, past its ledger."""
    with app.state.store.transaction() as connection:
        for row in rows:
            connection.execute(
                f"INSERT INTO customers ({', '.join(row)}) VALUES ({', '.join('?' * len(row))})",
                [
                    json.dumps(one, ensure_ascii=False) if isinstance(one, dict | list) else one
                    for one in row.values()
                ],
            )


def make_firm(**options: Any) -> Starlette:
    """Make a sandbox of this firm; every third of its first 300 customers has an invoice."""
    app = create_app(SandboxOptions(**options))
    insert(app, *map(member, range(ADDED)))
    with app.state.store.transaction():
        bill(app, [firm_id(number) for number in range(0, 300, 3)])
    return app


def ids_where(app: Starlette, condition: str) -> set[str]:
    """Give the ids of the active customers that a condition of SQL holds for."""
    rows = app.state.store.rows(
        "SELECT id FROM customers WHERE company_id = ? AND active AND deleted_at IS NULL"
        f" AND ({condition})",
        DEMO_COMPANY_ID,
    )
    return {row["id"] for row in rows}


class Between:
    """An app in front of a sandbox: `change` sees path, query and JSON answer of each request.

    What it returns is answered in its place; a number is the status of a refusal.
    """

    def __init__(self, app: Starlette, change: Change) -> None:
        self._app = app
        self._change = change
        self.state = app.state

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        sent: list[Any] = []

        async def collect(message: Any) -> None:
            sent.append(message)

        await self._app(scope, receive, collect)
        query = {
            name: values[-1] for name, values in parse_qs(scope["query_string"].decode()).items()
        }
        body = b"".join(message.get("body", b"") for message in sent)
        answer = self._change(scope["path"], query, json.loads(body))
        if isinstance(answer, int):
            sent[0]["status"], answer = answer, {"error": {"code": "NO", "message": "No."}}
        kept = [pair for pair in sent[0]["headers"] if pair[0].lower() != b"content-length"]
        await send({**sent[0], "headers": kept})
        await send({"type": "http.response.body", "body": json.dumps(answer).encode()})
