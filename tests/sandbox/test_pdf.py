"""The sandbox's invoices on paper, read back as any reader of PDFs does."""

import hashlib
import re
import subprocess
import sys
from base64 import a85decode
from decimal import Decimal
from io import BytesIO

import pytest
import segno
from hypothesis import given
from hypothesis import strategies as st
from pypdf import PdfReader

from beel_mcp.sandbox.amounts import Line, lines_and_sums
from beel_mcp.sandbox.paper import sheet as sheets
from beel_mcp.sandbox.paper import specimen
from beel_mcp.sandbox.paper.facts import money, number, read_facts
from beel_mcp.sandbox.paper.fonts import font_file
from beel_mcp.sandbox.paper.invoice import print_invoice
from beel_mcp.sandbox.paper.letters import readable, width_of, wrapped

ADDRESS = {"street": "Calle del Torno", "number": "8", "postal_code": "28021"}
ADDRESS |= {"city": "Getafe", "province": "Madrid", "country": "España", "country_code": "ES"}
ISSUER = {"legal_name": "Demo Taller SL", "trade_name": "Taller Demo", "nif": "B12345674"}
CUSTOMER = {"legal_name": "Núria Coll·legi i Ñandú SCP", "nif": "J61234506", "address": ADDRESS}
ONE = (Line("Reparación", "1", "1234.56"),)
GREEK = "Ελληνική Εταιρεία Παπαδοπούλου"
RUSSIAN = "Общество «Ромашка»"


def printed(lines=ONE, *, totals=None, rectified=None, payment=None, **more):
    sums = lines_and_sums(lines)
    shape = {
        "type": "STANDARD",
        "invoice_number": "F26-0001",
        "issue_date": "2026-01-15",
        "issuer": {**ISSUER, "address": ADDRESS},
        "recipient": CUSTOMER,
        "totals": {
            "taxable_base": float(sums["taxable_base"]),
            "total_equivalence_surcharge": 0,
            "invoice_total": float(sums["total"]),
            **(totals or {}),
        },
        **more,
    }
    return print_invoice(read_facts(shape, lines, rectified=rectified, payment=payment))


def to_customer(name, **more):
    return printed(recipient={**CUSTOMER, "legal_name": name, **more})


def pages_of(pdf):
    return [page.extract_text() for page in PdfReader(BytesIO(pdf), strict=True).pages]


def text_of(pdf):
    """Read the text of all pages, with one space where there are several or a line ends."""
    return " ".join(" ".join(pages_of(pdf)).split())


def test_an_invoice_says_who_to_whom_what_how_much_and_how_to_pay():
    lines = (
        Line("Torno", "2.5", "1234.5", discount_percent="10"),
        Line("Manual", "3", "30", vat_percent="4", irpf_percent="15"),
    )
    text = text_of(printed(lines, due_date="2026-02-14", notes="Gracias por su confianza."))
    wanted = [
        "Demo Taller SL Taller Demo NIF B12345674 Calle del Torno, 8 28021 Getafe (Madrid)",
        "Factura Número F26-0001 Fecha de expedición 15/01/2026 Vencimiento 14/02/2026",
        "Cliente Núria Coll·legi i Ñandú SCP NIF J61234506 Calle del Torno, 8",
        "Torno 2,5 1.234,50 € 10 % IVA 21 % 2.777,62 €",
        "Manual 3 30,00 € IVA 4 % 90,00 €",
        "IVA 21 % 2.777,62 € 583,30 € Total IVA 586,90 €",
        "IVA 4 % 90,00 € 3,60 € Retención IRPF -13,50 €",
        "Retención IRPF 15 % 90,00 € -13,50 €",
        "Total 3.441,02 €",
        "Forma de pago Transferencia a la cuenta ES00 0000 0000 0000 0000 0000 (de prueba)",
        "Vencimiento: 14/02/2026 Observaciones Gracias por su confianza.",
    ]
    assert [one for one in wanted if one not in text] == []


def test_every_page_says_that_it_is_a_specimen_and_of_whom_and_which_it_is():
    pages = pages_of(printed(tuple(Line(f"Pieza {n}", "1", "1") for n in range(40))))
    assert len(pages) == 2
    for index, page in enumerate(pages, start=1):
        assert page.startswith("Factura de prueba – sin validez\n")  # noqa: RUF001
        assert "Simulación incluida en beel-mcp" in page
        assert f"F26-0001 · Página {index} de 2" in page
        assert "Descripción Cantidad Precio Dto. Impuesto Importe" in page
    whole = " ".join(pages).split("\n")
    assert [line.split()[1] for line in whole if line.startswith("Pieza")] == [
        str(n) for n in range(40)
    ]


def test_the_qr_code_leads_nowhere_and_stands_beside_words_that_say_so():
    pdf = printed()
    text = text_of(pdf)
    assert "QR tributario (muestra):" in text
    assert "VERI*FACTU – sin validez" in text  # noqa: RUF001
    assert specimen.NOTHING_REAL in text
    assert re.match(r"HTTPS://[A-Z]+\.INVALID/", specimen.NOWHERE)
    code = segno.make(specimen.NOWHERE, error="m", micro=False)
    side, drawn = re.search(rb"BI /W (\d+) .* ID (\S+)~> EI", pdf).groups()
    rows, wide = a85decode(drawn), -(-int(side) // 8)
    light = [int.from_bytes(rows[at : at + wide], "big") for at in range(0, len(rows), wide)]
    pixels = [f"{row:0{8 * wide}b}"[: int(side)] for row in light]
    assert pixels == ["".join("10"[dark] for dark in row) for row in code.matrix]


def test_a_rectified_invoice_a_surcharge_and_a_direct_debit_are_named():
    pdf = printed(
        (Line("Abono", "1", "-250"),),
        type="CORRECTIVE",
        totals={"total_equivalence_surcharge": -13.0, "invoice_total": -315.5},
        rectified={"invoice_number": "F26-0004", "issue_date": "2026-03-11"},
        payment={"method": "DIRECT_DEBIT", "iban": "ES9121000418450200051332"},
    )
    text = text_of(pdf)
    assert "Factura rectificativa" in text
    assert "Rectifica por diferencias la factura F26-0004 de 11/03/2026" in text
    assert "Recargo de equivalencia -13,00 €" in text
    assert "Total -315,50 €" in text
    assert "Recibo domiciliado en la cuenta ES91 **** 1332" in text
    assert "21000418" not in text


def test_who_has_no_nif_and_lives_abroad_has_another_number_and_a_country():
    abroad = {"street": "Rue 1", "city": "Paris", "country": "Francia", "country_code": "FR"}
    number = {"type": "NIF_IVA", "number": "FR12345678901", "country_code": "FR"}
    who = {"legal_name": "Dupont SARL", "alternative_id": number, "address": abroad}
    text = text_of(printed(recipient=who, type="SIMPLIFIED"))
    assert "Dupont SARL NIF-IVA FR12345678901 Rue 1 Paris Francia" in text
    assert "Factura simplificada" in text
    assert "Cliente Nadie QR" in text_of(printed(recipient={"legal_name": "Nadie"}))


@pytest.mark.parametrize("name", [GREEK, RUSSIAN, "Łukasz Țăran Őry", "Núria Coŀlegi", "a (\\) b)"])
def test_a_name_in_any_alphabet_of_europe_stands_there_as_it_is(name):
    text = text_of(to_customer(name, trade_name=name.upper()))
    assert name in text
    assert name.upper() in text


def test_only_who_needs_the_font_of_our_own_carries_it():
    assert font_file() not in printed()
    assert font_file() in to_customer(GREEK)


def test_what_no_font_has_is_written_in_simpler_letters_or_as_a_question_mark():
    assert readable("漢 ễ ﬁ e\u0301 a\nb\x00c \u202eñ \ud800") == "? e fi é a b c ñ ?"
    assert "? e fi é" in text_of(to_customer("漢 ễ ﬁ e\u0301"))


def test_a_line_is_never_wider_than_it_may_be_and_no_letter_is_lost():
    for text in ("W" * 120, "Ж" * 90 + " i", "una línea de palabras " * 9, "x"):
        lines = wrapped(text, 9_000)
        assert all(width_of(line) <= 9_000 for line in lines)
        assert "".join(lines).replace(" ", "") == text.replace(" ", "")
    assert wrapped("  ", 9_000) == ()


EXTREMES = {
    "one line": {},
    "withholding": {"lines": (Line("Asesoría", "6", "75", irpf_percent="15"),)},
    "many lines": {"lines": tuple(Line(f"Pieza {n} " * 9, "1", "1") for n in range(60))},
    "many rates": {"lines": tuple(Line("r", "1", "1", vat_percent=str(n)) for n in range(99))},
    "long words": {
        "lines": (Line("x" * 2000, "1", "1"), Line("ж" * 2000, "1", "1")),
        "recipient": {"legal_name": "W" * 120, "trade_name": GREEK * 4, "address": ADDRESS},
        "issuer": {"legal_name": "Ж" * 120, "nif": "B12345674", "address": {"street": "M" * 255}},
        "notes": "Nota. " * 160,
    },
    "large numbers": {
        "lines": (Line("Reactor", "99999999.9999", "99999999.9999", vat_percent="99.99"),) * 2,
        "invoice_number": "F2026-" + "9" * 60,
    },
}


@pytest.mark.parametrize("case", EXTREMES)
def test_nothing_leaves_the_page_and_no_two_texts_overlap(case, monkeypatch):
    boxes = []

    def show(sheet, x, y, text, *, size, **more):
        width = width_of(text, bold=more["bold"]) * size / 1000
        boxes.append((len(sheet.pages), x, y, x + width, y + size * 0.7, text))
        real(sheet, x, y, text, size=size, **more)

    real = sheets.Sheet._show
    monkeypatch.setattr(sheets.Sheet, "_show", show)
    printed(**EXTREMES[case])
    assert len(boxes) > 20
    boxes = [one for one in boxes if "Página" not in one[5]]  # written upon pages gone by
    for page, left, low, right, high, text in boxes:
        assert left >= sheets.LEFT - 0.01, text
        assert right <= sheets.RIGHT + 0.01, text
        assert 0 < low < high < 842, text
        for other in boxes:
            if other[5] is not text and other[0] == page:
                apart = other[1] >= right or other[3] <= left or other[2] >= high or other[4] <= low
                assert apart, (text, other[5])


def test_numbers_are_written_as_in_spain():
    amounts = ["1234.56", "-0.001", "0.5", "1000000", "-1234.5"]
    assert [money(Decimal(one)) for one in amounts] == [
        *("1.234,56 €", "-0,001 €", "0,50 €", "1.000.000,00 €", "-1.234,50 €")
    ]
    assert [number(Decimal(one)) for one in ("2", "2.50", "0.1250", "-0.00")] == [
        *("2", "2,5", "0,125", "0")
    ]


@pytest.mark.slow
def test_the_same_invoice_gives_the_same_bytes_in_another_process_too():
    here = printed(recipient={**CUSTOMER, "legal_name": GREEK})
    snippet = (
        "import hashlib\n"
        "from tests.sandbox.test_pdf import CUSTOMER, GREEK, printed\n"
        "pdf = printed(recipient={**CUSTOMER, 'legal_name': GREEK})\n"
        "print(hashlib.sha256(pdf).hexdigest())\n"
    )
    ended = subprocess.run(
        [sys.executable, "-c", snippet], capture_output=True, text=True, timeout=60, check=True
    )
    assert ended.stdout.strip() == hashlib.sha256(here).hexdigest()
    assert here != to_customer(RUSSIAN)
    assert not re.search(rb"/(?:ID|CreationDate|ModDate)", here)


@pytest.mark.slow
def test_a_sandbox_that_makes_no_pdf_loads_nothing_of_them():
    snippet = (
        "import sys\n"
        "from beel_mcp.sandbox import SandboxOptions, create_app\n"
        "create_app(SandboxOptions())\n"
        "print(sorted({'pydyf', 'segno', 'beel_mcp.sandbox.paper'} & sys.modules.keys()))\n"
    )
    ended = subprocess.run(
        [sys.executable, "-c", snippet], capture_output=True, text=True, timeout=60, check=True
    )
    assert ended.stdout.strip() == "[]"


@pytest.mark.slow
@given(
    st.text(
        st.characters(codec="cp1252", exclude_categories=["Cc", "Zs"]), min_size=1, max_size=40
    ),
    st.text(st.sampled_from("абвΑΒΓłőț" + "xyz"), min_size=1, max_size=30),
)
def test_what_is_written_can_be_read_whatever_the_text(plain, other):
    text = text_of(printed((Line(plain, "1", "1"), Line(other, "1", "1"))))
    together = re.sub(r"\s", "", text)
    assert re.sub(r"\s", "", readable(plain)) in together
    assert other in together
