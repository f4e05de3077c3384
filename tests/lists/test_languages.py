"""What the checks say to a person is said in Spanish, and in nothing else."""

import re
from datetime import UTC, datetime

from beel_mcp.api.customer_bodies import wire_problems
from beel_mcp.lists.batch import Batch
from beel_mcp.lists.export.report import report_of
from beel_mcp.lists.files.columns import read_table
from beel_mcp.lists.files.rows import read_list
from beel_mcp.lists.inline import read_inline
from beel_mcp.lists.model import Problem, Verdict
from beel_mcp.messages import Message
from tests.lists.test_backup import ABROAD, WHOLE
from tests.support.customers import FAULTS, customer
from tests.support.list_files import text, xlsx
from tests.test_messages import ENGLISH

ADDRESS = customer(1)["address"]
SPANISH_ROWS = (
    *({**WHOLE, **fault} for fault in FAULTS),
    {},
    {"legal_name": "x" * 121, "nif": "B12345674", "alternative_id": {"number": "X1"}},
    {"legal_name": "Uno", "nif": "1234567L"},
    {"legal_name": "Uno", "nif": "12345678"},
    {"legal_name": "Uno", "nif": "H1234567"},
    {"legal_name": "Uno", "nif": "C1234567X"},
    {"legal_name": "Uno", "nif": "FR40303265045"},
    {"legal_name": "Uno", "nif": "b-12345674", "address": {"street": "Sol"}},
    {"legal_name": "Dos", "address": {**ADDRESS, "postal_code": "8001", "province": "Barcelona"}},
    {"legal_name": "Dos", "address": {**ADDRESS, "postal_code": "08001"}},
    {"legal_name": "Tres", "address": {**ADDRESS, "postal_code": "99001", "number": "x" * 21}},
    {"legal_name": "Tres", "address": {**ADDRESS, "city": "*", "street": "*", "province": "*"}},
    {"legal_name": "Cuatro", "address": {**ADDRESS, "country": "Francia", "country_code": ""}},
    {"legal_name": "Cuatro", "alternative_id": {"type": "COUNTRY_ID", "country_code": "ES"}},
    {
        "legal_name": "Cuatro",
        "alternative_id": {"type": "COUNTRY_ID", "number": "1", "country_code": "ES"},
    },
    {
        "legal_name": "Cinco",
        "alternative_id": {"type": "NOT_REGISTERED", "number": "1", "country_code": "FR"},
    },
    {
        "legal_name": "Cinco",
        "alternative_id": {"type": "NIF_IVA", "number": "FR12", "country_code": "FR"},
    },
    *(
        {"legal_name": "Cinco", "alternative_id": document}
        for document in (
            {"type": "NIF_IVA", "number": "B12345674", "country_code": "ES"},
            {"type": "NIF_IVA", "number": "FR40303265045", "country_code": "DE"},
            {"type": "NIF_IVA", "number": "FR12", "country_code": "CH"},
            {"type": "NOT_REGISTERED", "number": "B12345674"},
            {"type": "OTHER_DOCUMENT", "number": "1"},
            {"type": "PASSPORT", "number": "1"},
        )
    ),
    {"legal_name": "Seis", "phone": "6,00112233E+08", "general_discount": 101},
    {"legal_name": "Seis", "phone": "91.234", "general_discount": "mucho"},
    {
        "legal_name": "Siete",
        "preferred_payment_method": {"iban": "ES00 2100 0418 45", "method": "x"},
    },
    {"legal_name": "Siete", "preferred_payment_method": {"iban": "es9121000418450200051332"}},
    {"legal_name": "Siete", "preferred_payment_method": {"payment_term_days": 400}},
    {"legal_name": "Siete", "preferred_payment_method": {"payment_term_days": "x"}},
    {"legal_name": {"a": 1}, "nif": [1], "phone": True, "email": 10**50, "address": "Sol 1"},
    {"legal_name": "Ocho", "billing_emails": 7, "trade_name": None},
    {"legal_name": "Ocho", "billing_emails": ["nope"], "address": {"country_code": "Spain"}},
    ABROAD,
    ABROAD,
)


def is_english(said: str | None) -> bool:
    return bool(ENGLISH.search(re.sub(r"[A-Z_]{2,}", "", said or "")))


def test_rows_with_every_fault_are_told_of_in_spanish_and_in_nothing_else():
    rows = read_inline(SPANISH_ROWS)
    said = {problem.text("es") for row in rows for problem in row.problems}
    for row in rows:
        for family in ("flat", "company"):
            said |= {issue.message.text("es") for issue in wire_problems(row.payload(), family)}
    hints = {problem.hint("es") for row in rows for problem in row.problems}
    assert len(said) > 45
    assert [one for one in (*said, *hints) if is_english(one)] == []


def test_the_report_of_such_rows_is_spanish_as_a_whole():
    rows = read_inline(SPANISH_ROWS)
    gone = Message("verdict.created_and_gone", when="2026-07-01 09:00 UTC", operation="op_1")
    verdicts = {
        row.number: Verdict("warning", (), (*row.advice, Problem("row", gone)))
        for row in rows
        if not row.errors
    }
    batch = Batch("local", "inline", rows).judged(verdicts)
    report = report_of(batch, "es", datetime(2026, 7, 1, tzinfo=UTC))
    table = read_table(report, "informe.xlsx", "Clientes")
    ours = [at for at, header in enumerate(table.headers) if header.startswith("BeeL:")]
    assert len(ours) == 4
    said = [str(line.cells[at]) for line in table.rows for at in ours]
    assert len([one for one in said if len(one) > 20]) > 30
    assert [one for one in said if is_english(one)] == []


def test_the_changes_of_a_file_are_told_of_in_spanish():
    rows = [
        ["Nombre", "Apellidos", "Tipo de vía", "Dirección", "CP", "Población", "País", "Web"],
        ["Ana", "Peña", "Calle", "Sol, 5", "", "28001 Madrid", "ES", "ana.example"],
        ["  Eva", "Gil", "", "Calle Mayor 3, 08001 Barcelona", "", "", "", ""],
        ["Sol", "", "", '="Luna, 1"', "8001", "Barcelona", "", ""],
    ]
    changes = read_list(text(rows), "x.csv").values_changed
    more = [["Nombre", "CP", "Forma de pago"], ["Uno", 8001.0, "Transferencia"], ["Dos", "1", "?"]]
    changes += read_list(xlsx(more), "x.xlsx").values_changed
    said = {change.change.text("es") for change in changes}
    assert len(said) >= 10
    assert [one for one in said if is_english(one)] == []
