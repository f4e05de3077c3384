"""A small Spanish firm and its customers; all made up, all fixed."""

import json
import sqlite3
from typing import Any, NamedTuple

from .seed_invoices import BILLS, invoice_id, invoice_row

__all__ = ["ACCOUNT_ID", "BILLS", "DEMO_COMPANY_ID", "PEOPLE", "SECOND_COMPANY_ID",
           "customer_id", "invoice_id", "seed"]  # fmt: skip

ACCOUNT_ID = "ac000000-0000-4000-8000-000000000001"
DEMO_COMPANY_ID = "c0000000-0000-4000-8000-000000000001"
SECOND_COMPANY_ID = "c0000000-0000-4000-8000-000000000002"
CREATED_AT = "2025-11-03T08:30:00.000000Z"


def customer_id(number: int) -> str:
    """Name the id of a seeded customer."""
    return f"d0000000-0000-4000-8000-{number:012d}"


class Place(NamedTuple):
    """An address, as the table below writes it."""

    street: str
    number: str
    postal_code: str
    city: str
    province: str
    country: str = "España"
    country_code: str = "ES"


class Person(NamedTuple):
    """A seeded customer."""

    number: int
    legal_name: str
    nif: str | None
    place: Place
    email: str | None
    phone: str | None
    more: dict[str, Any]


COMPANIES = (
    (DEMO_COMPANY_ID, "B12345674", "Demo Taller SL", "Taller Demo",
     Place("Calle del Torno", "8", "28021", "Madrid", "Madrid")),
    (SECOND_COMPANY_ID, "B76543214", "Reformas del Norte SL", "Reformas del Norte",
     Place("Calle Uría", "31", "33003", "Oviedo", "Asturias")),
)  # fmt: skip

PEOPLE = (
    Person(1, "Construcións Rías Baixas SL", "B70123450",
           Place("Rúa do Príncipe", "22", "36202", "Vigo", "Pontevedra"),
           "administracion@riasbaixas.example", "+34986123456",
           {"contact_person": "Uxía Lorenzo", "website": "https://riasbaixas.example"}),
    Person(2, "Ferretería La Llave SL", "B83012740",
           Place("Calle de Toledo", "45", "28005", "Madrid", "Madrid"),
           "compras@lallave.example", "912345678",
           {"preferred_payment_method": {"method": "DIRECT_DEBIT", "payment_term_days": 60,
                                         "iban": "ES9121000418450200051332"}}),
    Person(3, "Forn de Pa Can Güell SCP", "J61234506",
           Place("Carrer de l'Om", "7", "08001", "Barcelona", "Barcelona"),
           "hola@cangueell.example", "+34932123456", {"trade_name": "Can Güell"}),
    Person(4, "Etxebarria Ateak Koop. Elk.", "F95123477",
           Place("Artekale", "12", "48005", "Bilbao", "Bizkaia"),
           "kontaktua@etxebarria.example", "944123456", {"general_discount": 5.0}),
    Person(5, "María Peña Núñez", "45123678R",
           Place("Calle Sierpes", "3", "41004", "Sevilla", "Sevilla"),
           "maria.pena@correo.example", "600123456", {"trade_name": "Estudio Peña"}),
    Person(6, "Comunidad de Propietarios Calle del Olmo 14", "H79045126",
           Place("Calle del Olmo", "14", "28012", "Madrid", "Madrid"),
           "olmo14@fincas.example", "913456789",
           {"billing_emails": ["facturas@fincas.example"], "notes": "Paga el día 10"}),
    Person(7, "Müller Werkzeugbau GmbH", None,
           Place("Industriestraße", "9", "70565", "Stuttgart", "Baden-Württemberg",
                 "Alemania", "DE"),
           "einkauf@mueller.example", "+49711123456",
           {"alternative_id": {"type": "NIF_IVA", "number": "DE123456788",
                               "country_code": "DE"}}),
    Person(8, "Asociación para la Conservación, el Estudio y la Difusión del Patrimonio"
              " Industrial y Ferroviario de la Ribera del Duero",
           "G47012364", Place("Plaza Mayor", "1", "47001", "Valladolid", "Valladolid"),
           "secretaria@patrimonio.example", "983123456", {}),
    Person(9, "Talleres Guadalhorce SL", "B18045211",
           Place("Avenida de Andalucía", "102", "29007", "Málaga", "Málaga"),
           "taller@guadalhorce.example", "952123456", {"active": 0}),
    Person(10, "Xurxo Castiñeira Rey", "33471259A",
           Place("Rúa da Raíña", "5", "27001", "Lugo", "Lugo"),
           "xurxo@castineira.example", "+34 982 123 456", {}),
    Person(11, "Olena Kovalenko", "X2468135M",
           Place("Calle Colón", "18", "46004", "Valencia", "Valencia"), None, "611234567", {}),
    Person(12, "Papelería Sol y Luna CB", "E28034171",
           Place("Calle Real", "27", "28791", "Soto del Real", "Madrid"),
           "solyluna@papeleria.example", None, {}),
    Person(13, "Transportes Ibarra SA", "A48012397",
           Place("Polígono Ugaldeguren", "4", "48170", "Zamudio", "Bizkaia"),
           "trafico@ibarra.example", "944987654", {}),
)  # fmt: skip

# The second company keeps one customer of its own, who shares a NIF with one of the first.
STRANGER = Person(
    101, "Ferretería La Llave SL", "B83012740",
    Place("Calle de Toledo", "45", "28005", "Madrid", "Madrid"),
    "compras@lallave.example", "912345678", {},
)  # fmt: skip


def seed(connection: sqlite3.Connection) -> None:
    """Fill an empty database."""
    for number, (company_id, nif, legal_name, display_name, place) in enumerate(COMPANIES):
        row = {
            "id": company_id,
            "account_id": ACCOUNT_ID,
            "nif": nif,
            "legal_name": legal_name,
            "business_display_name": display_name,
            "entity_type": "LEGAL_ENTITY",
            "is_primary": int(number == 0),
            "address": _json(place._asdict()),
            "created_at": CREATED_AT,
        }
        _insert(connection, "companies", row)
    for person in PEOPLE:
        _insert(connection, "customers", _customer(person, DEMO_COMPANY_ID))
    _insert(connection, "customers", _customer(STRANGER, SECOND_COMPANY_ID))
    # Proformas first: invoices point at them.
    for bill in sorted(BILLS, key=lambda bill: bill.series != "P26"):
        row = invoice_row(bill)
        ids = {"company_id": DEMO_COMPANY_ID, "customer_id": customer_id(bill.customer)}
        _insert(connection, "invoices", ids | row)


def _customer(person: Person, company_id: str) -> dict[str, Any]:
    made = f"2025-11-{3 + person.number % 25:02d}T09:00:00.000000Z"
    row = {
        "id": customer_id(person.number),
        "company_id": company_id,
        "legal_name": person.legal_name,
        "trade_name": person.legal_name,
        "nif": person.nif,
        "address": person.place._asdict(),
        "phone": person.phone,
        "email": person.email,
        "created_at": made,
        "updated_at": made,
        **person.more,
    }
    return {
        name: _json(value) if isinstance(value, dict | list) else value
        for name, value in row.items()
    }


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)


def _insert(connection: sqlite3.Connection, table: str, row: dict[str, Any]) -> None:
    columns = ", ".join(row)
    marks = ", ".join("?" * len(row))
    connection.execute(
        f"INSERT INTO {table} ({columns}) VALUES ({marks})",  # noqa: S608 - our own names
        list(row.values()),
    )
