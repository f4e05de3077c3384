"""A small Spanish firm, its customers and its year 2026; all made up, all fixed."""

import json
import sqlite3
from collections.abc import Iterator
from decimal import Decimal
from typing import Any, NamedTuple

ACCOUNT_ID = "ac000000-0000-4000-8000-000000000001"
DEMO_COMPANY_ID = "c0000000-0000-4000-8000-000000000001"
SECOND_COMPANY_ID = "c0000000-0000-4000-8000-000000000002"
VAT_PERCENT = Decimal(21)
CREATED_AT = "2025-11-03T08:30:00.000000Z"


def customer_id(number: int) -> str:
    """Name the id of a seeded customer."""
    return f"d0000000-0000-4000-8000-{number:012d}"


def invoice_id(number: int) -> str:
    """Name the id of a seeded invoice."""
    return f"f0000000-0000-4000-8000-{number:012d}"


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


class Bill(NamedTuple):
    """A seeded invoice; `lines` are description, quantity and unit price."""

    number: int
    customer: int
    series: str
    in_series: int | None
    status: str
    issue_date: str
    due_date: str | None
    lines: tuple[tuple[str, str, str], ...]
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

REPAIR = ("Reparación de torno CNC", "1", "480.00")
SERVICE = ("Mantenimiento preventivo", "2", "150.00")
PARTS = ("Juego de rodamientos", "4", "36.50")
DESIGN = ("Diseño de utillaje a medida", "1", "1250.00")

BILLS = (
    Bill(1, 1, "F26", 1, "PAID", "2026-01-15", "2026-02-14", (REPAIR,),
         {"payment_date": "2026-02-10"}),
    Bill(2, 2, "F26", 2, "PAID", "2026-02-03", "2026-04-04", (PARTS, SERVICE),
         {"payment_date": "2026-04-02"}),
    Bill(3, 9, "F26", 3, "PAID", "2026-02-20", "2026-03-22", (SERVICE,),
         {"payment_date": "2026-03-20"}),
    Bill(4, 3, "F26", 4, "RECTIFIED", "2026-03-11", "2026-04-10", (DESIGN,), {}),
    Bill(5, 3, "R26", 1, "PAID", "2026-03-18", "2026-04-17",
         (("Abono parcial de F26-0004", "1", "-250.00"),),
         {"type": "CORRECTIVE", "rectified_invoice_id": invoice_id(4),
          "payment_date": "2026-04-17"}),
    Bill(6, 4, "F26", 5, "PAID", "2026-04-09", "2026-05-09", (REPAIR, PARTS),
         {"payment_date": "2026-05-09"}),
    Bill(7, 5, "F26", 6, "VOIDED", "2026-04-28", "2026-05-28", (SERVICE,),
         {"void_reason": "Trabajo anulado por el cliente"}),
    Bill(8, 6, "F26", 7, "OVERDUE", "2026-05-14", "2026-06-13", (REPAIR,), {}),
    Bill(9, 1, "F26", 8, "PAID", "2026-06-22", "2026-07-22", (DESIGN,),
         {"payment_date": "2026-07-15", "source_proforma_id": invoice_id(18)}),
    Bill(10, 2, "F26", 9, "SENT", "2026-07-07", "2026-09-05", (PARTS,), {}),
    Bill(11, 7, "F26", 10, "SENT", "2026-08-25", "2026-09-24", (DESIGN, SERVICE), {}),
    Bill(12, 6, "F26", 11, "OVERDUE", "2026-09-10", "2026-10-10", (SERVICE,), {}),
    Bill(13, 4, "F26", 12, "ISSUED", "2026-10-06", "2026-11-05", (REPAIR,), {}),
    Bill(14, 5, "F26", 13, "ISSUED", "2026-11-12", "2026-12-12", (PARTS,), {}),
    Bill(15, 1, "F26", None, "SCHEDULED", "2026-12-30", "2027-01-29", (SERVICE,),
         {"scheduled_for": "2026-12-30"}),
    Bill(16, 2, "F26", None, "DRAFT", "2026-03-02", None, (PARTS,), {}),
    Bill(17, 5, "F26", None, "DRAFT", "2026-11-16", None, (DESIGN,),
         {"source_proforma_id": invoice_id(19)}),
    Bill(18, 1, "P26", 1, "CONVERTED", "2026-06-01", None, (DESIGN,),
         {"type": "PROFORMA", "valid_until": "2026-07-01"}),
    Bill(19, 5, "P26", 2, "CONVERTED", "2026-11-02", None, (DESIGN,),
         {"type": "PROFORMA", "valid_until": "2026-12-02"}),
    Bill(20, 4, "P26", 3, "ACTIVE", "2026-11-18", None, (REPAIR,),
         {"type": "PROFORMA", "valid_until": "2026-12-18"}),
    Bill(21, 3, "P26", 4, "EXPIRED", "2026-01-20", None, (PARTS,),
         {"type": "PROFORMA", "valid_until": "2026-02-19"}),
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
        _insert(connection, "invoices", _invoice(bill))


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


def _invoice(bill: Bill) -> dict[str, Any]:
    base = sum((Decimal(quantity) * Decimal(price) for _, quantity, price in bill.lines), Decimal())
    tax = (base * VAT_PERCENT / 100).quantize(Decimal("0.01"))
    number = None if bill.in_series is None else f"{bill.series}-{bill.in_series:04d}"
    moment = f"{bill.issue_date}T10:00:00.000000Z"
    return {
        "id": invoice_id(bill.number),
        "company_id": DEMO_COMPANY_ID,
        "customer_id": customer_id(bill.customer),
        "series": bill.series,
        "number": bill.in_series,
        "invoice_number": number,
        "type": "STANDARD",
        "status": bill.status,
        "issue_date": bill.issue_date,
        "due_date": bill.due_date,
        "lines": _json(list(_lines(bill))),
        "taxable_base": f"{base:.2f}",
        "total_tax": f"{tax:.2f}",
        "total": f"{base + tax:.2f}",
        "created_at": moment,
        "updated_at": moment,
        **bill.more,
    }


def _lines(bill: Bill) -> Iterator[dict[str, str]]:
    for description, quantity, unit_price in bill.lines:
        yield {
            "description": description,
            "quantity": quantity,
            "unit_price": unit_price,
            "vat_percent": str(VAT_PERCENT),
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
