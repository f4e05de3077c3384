"""A batch as a workbook: what the person sees, what a spreadsheet may not run, and back again."""

import io
import zipfile
from datetime import UTC, datetime
from xml.etree import ElementTree as ET

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from python_calamine import CalamineWorkbook

from beel_mcp.lists.batch import Batch
from beel_mcp.lists.export.report import report_of
from beel_mcp.lists.files.rows import read_list
from beel_mcp.lists.headers import OURS, TEMPLATE, heading_of, meaning_of
from beel_mcp.lists.inline import read_inline
from beel_mcp.lists.model import FIELDS, ROW_STATUSES, Problem, ValueChange, Verdict
from beel_mcp.messages import Message, verbatim
from tests.lists.test_backup import ABROAD, WHOLE
from tests.support.customers import customer
from tests.support.list_files import text, xlsx

NOW = datetime(2026, 11, 21, 9, 0, tzinfo=UTC)
LANGUAGES = ("es", "en")
FORMULAS = ("=1+1", "+34 600", "-5", "@SUM(A1)", "\uff1d1", "\uff0b1", "\uff0d1", "\uff201")
NAMESPACE = {"x": "http://schemas.openxmlformats.org/spreadsheetml/2006/main"}


def inline(*customers, **about):
    return Batch("local", "inline", read_inline(customers), **about)


def from_file(data, name="clientes.csv"):
    return Batch("local", name, *read_list(data, name))


def judged(batch, **verdicts):
    return batch.judged({int(row[1:]): one for row, one in verdicts.items()})


def report(batch, language="es"):
    return report_of(batch, language, NOW)


def read_again(batch, language="es"):
    return read_list(report(batch, language), "clientes revisados.xlsx")


def sheets(data):
    book = CalamineWorkbook.from_filelike(io.BytesIO(data))
    return {name: book.get_sheet_by_name(name).to_python() for name in book.sheet_names}


def listed(batch, language="es"):
    """Give the rows of the sheet of all customers by heading."""
    headers, *rows = sheets(report(batch, language))[heading_sheet(language)]
    return [dict(zip(headers, row, strict=True)) for row in rows]


def part(data, name):
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        return archive.read(name).decode()


def colours(data):
    """Give the colour of every coloured cell of the sheet of all customers, by row and heading."""
    styles = ET.fromstring(part(data, "xl/styles.xml"))
    fills = [
        fill.get("rgb", "")[2:]
        if (fill := one.find("x:patternFill/x:fgColor", NAMESPACE)) is not None
        else ""
        for one in styles.findall("x:fills/x:fill", NAMESPACE)
    ]
    formats = [
        fills[int(one.get("fillId", "0"))] for one in styles.findall("x:cellXfs/x:xf", NAMESPACE)
    ]
    names = list(sheets(data))
    at = next(at for at, name in enumerate(names) if name in ("Clientes", "Customers"))
    headers = sheets(data)[names[at]][0]
    found = {}
    for cell in ET.fromstring(part(data, f"xl/worksheets/sheet{at + 1}.xml")).iter(
        f"{{{NAMESPACE['x']}}}c"
    ):
        letters = cell.get("r", "").rstrip("0123456789")
        column = 0
        for letter in letters:
            column = 26 * column + ord(letter) - 64
        if colour := formats[int(cell.get("s", "0"))]:
            found[int(cell.get("r", "")[len(letters) :]), headers[column - 1]] = colour
    return found


RED, ORANGE, YELLOW, GREY = "FFC7CE", "FFD8A8", "FFEB9C", "D9D9D9"


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_heading_is_known_again_before_all_others(language):
    meanings = {field: meaning_of(heading_of(field, language)) for field in FIELDS}
    assert meanings == {field: (field, 0) for field in FIELDS}


@pytest.mark.parametrize("language", LANGUAGES)
def test_headings_are_told_apart_and_ours_are_no_fields(language):
    assert len({heading_of(field, language) for field in FIELDS}) == len(FIELDS)
    assert not [header for header in OURS[language] if meaning_of(header)]


def test_fields_of_the_template_have_its_names():
    assert set(TEMPLATE) <= {heading_of(field, "es") for field in FIELDS}


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_report_given_back_is_the_same_list(language):
    batch = inline(WHOLE, ABROAD, customer(1))
    read = read_again(batch, language)
    assert [row.payload() for row in read.rows] == [row.payload() for row in batch.rows]
    assert (read.columns_ignored, read.values_changed) == ((), ())
    assert len(read.columns_used) == len(FIELDS)


def test_one_row_of_the_sheet_is_one_row_of_the_list_in_its_order():
    data = text([["Nombre", "NIF"], ["Uno", "B12345674"], [], ["Dos", ""]], end="\n")
    batch = from_file(data)
    rows = listed(batch)
    assert [row["nombre_fiscal"] for row in rows] == ["Uno", "Dos"]
    assert [row["BeeL: fila"] for row in rows] == [str(row.number) for row in batch.rows]


def test_only_columns_with_something_to_show_are_there():
    [row] = listed(inline({"legal_name": "Uno", "phone": "600112233"}))
    needed = [heading_of(column, "es") for column in FIELDS if column in row_of_needs()]
    assert [*row] == [*needed, "telefono", *OURS["es"]]
    wrong = judged(inline({"legal_name": "Uno"}), r1=said("error", "website", "must be a text"))
    assert "web" in listed(wrong)[0]


def row_of_needs():
    address = ("street", "number", "postal_code", "city", "province")
    return {"legal_name", "nif", *(f"address.{name}" for name in address)}


def said(kind, field, message, *, value=None, suggestion=None, known=None):
    hint = suggestion and verbatim(suggestion)
    return Verdict(kind, (Problem(field, verbatim(message), value, hint, "error"),), (), known)


TEXT = st.text(max_size=40) | st.sampled_from(FORMULAS) | st.text("<r>/&_x041;'\"", max_size=12)
NOT_TEXT_FORMULA = TEXT.filter(lambda one: not one.strip().startswith(("=", "#")))


@pytest.mark.slow
@settings(deadline=None)  # a busy machine takes its time for a workbook
@given(st.fixed_dictionaries({"legal_name": NOT_TEXT_FORMULA, "notes": NOT_TEXT_FORMULA}))
@example({"legal_name": "<r>a</r>", "notes": "_x0041_ \ufffe\uffff"})
@example({"legal_name": "<r></r>", "notes": "<r>\n</r>"})
@example({"legal_name": "=1+1", "notes": "-a\n=b"})
def test_any_text_comes_back_as_it_was(raw):
    batch = inline({"trade_name": "Uno", "contact_person": raw["legal_name"], **raw})
    assert [row.payload() for row in read_again(batch).rows] == [
        row.payload() for row in batch.rows
    ]


ODD = {
    "legal_name": TEXT,
    "nif": st.sampled_from(("00000001R", "b-12345674", "ES B12345674", "007", "X")),
    "address": st.fixed_dictionaries(
        {},
        optional={
            "street": st.sampled_from(("Calle Mayor, 5, 2º B", "c/ Sol 3", "Sol s/n")) | TEXT,
            "number": st.sampled_from(("007", "3-5", "S/N", "5.0")),
            "postal_code": st.sampled_from(("08001", "8001", "08001.0", "x")),
            "city": st.sampled_from(("08001 Barcelona", "Barcelona")),
            "province": st.sampled_from(("Barcelona", "Madrid")),
            "country": st.sampled_from(("ES", "España", "DE", "Alemania")),
            "country_code": st.sampled_from(("es", "DE")),
        },
    ),
    "alternative_id": st.fixed_dictionaries(
        {}, optional={"type": st.sampled_from(("02", "PASSPORT")), "number": TEXT}
    ),
    "billing_emails": st.lists(st.sampled_from(("a@x.example", "-b@x.example", "c")), max_size=3),
    "phone": st.sampled_from(("+34 600112233", "6,00112233E+08", "0034600", "600112233.0")),
    "website": st.sampled_from(("x.example", "http://x.example")),
    "preferred_payment_method": st.fixed_dictionaries(
        {},
        optional={
            "method": st.sampled_from(("Transferencia", "BIZUM", "a mano")),
            "iban": st.sampled_from(("ES91 2100 0418 4502 0005 1332", "ES00", "0049")),
            "payment_term_days": st.integers(-400, 400)
            | st.sampled_from(("treinta", True, "#N/A")),
        },
    ),
    "general_discount": st.decimals(-100, 100, places=9).map(float) | st.just(1e-07),
}


@pytest.mark.slow
@settings(deadline=None)
@given(st.lists(st.fixed_dictionaries({}, optional=ODD), min_size=1, max_size=3))
def test_what_was_read_from_a_file_once_is_read_the_same_again(raw):
    first = read_again(inline(*raw))
    again = read_again(Batch("local", "x.xlsx", *first))
    assert [row.payload() for row in again.rows] == [row.payload() for row in first.rows]
    assert {change.change for change in again.values_changed} == set()
    errors = [[(one.field) for one in row.errors] for row in first.rows]
    assert [[(one.field) for one in row.errors] for row in again.rows] == errors


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("begin", FORMULAS)
def test_what_looks_like_a_formula_is_a_text_with_the_mark_of_one(language, begin):
    data = report(inline({"legal_name": begin, "notes": "n"}), language)
    sheet = ET.fromstring(part(data, "xl/worksheets/sheet1.xml"))
    assert sheet.find(".//x:f", NAMESPACE) is None
    cells = {cell.get("r"): cell for cell in sheet.iter(f"{{{NAMESPACE['x']}}}c")}
    assert {cell.get("t") for cell in cells.values() if len(cell)} == {"s"}
    formats = ET.fromstring(part(data, "xl/styles.xml")).findall("x:cellXfs/x:xf", NAMESPACE)
    style = formats[int(cells["A2"].get("s", "0"))]
    assert (style.get("quotePrefix"), style.get("numFmtId")) == ("1", "49")
    assert read_list(data, "x.xlsx").rows[0].values["legal_name"] == begin


def test_every_cell_is_text_and_so_is_every_free_one():
    data = report(inline(WHOLE))
    formats = ET.fromstring(part(data, "xl/styles.xml")).findall("x:cellXfs/x:xf", NAMESPACE)
    for name in ("sheet1", "sheet2"):
        sheet = ET.fromstring(part(data, f"xl/worksheets/{name}.xml"))
        styled = [*sheet.iter(f"{{{NAMESPACE['x']}}}c")]
        numbers = {int(cell.get("s", "0")) for cell in styled}
        numbers |= {int(one.get("style", "0")) for one in sheet.iter(f"{{{NAMESPACE['x']}}}col")}
        assert {formats[number].get("numFmtId") for number in numbers} == {"49"}


UNREADABLE = (
    ("dias_de_pago", "treinta"),
    ("dias_de_pago", datetime(2026, 3, 12)),  # noqa: DTZ001 - as spreadsheets have it
    ("telefono", datetime(2026, 3, 12)),  # noqa: DTZ001
    ("telefono", True),
    ("descuento", "#REF!"),
)


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize(("header", "value"), UNREADABLE)
def test_a_value_that_could_not_be_read_keeps_its_row_an_error(language, header, value):
    batch = from_file(xlsx([["nombre_fiscal", header], ["Uno", value]]), "clientes.xlsx")
    [before] = batch.rows[0].errors
    [after] = read_again(batch, language).rows[0].errors
    assert after.field == before.field


def test_it_is_shown_as_it_was_and_is_gone_once_somebody_typed_the_right_one():
    batch = from_file(text([["nombre_fiscal", "dias_de_pago"], ["Uno", "treinta"]]))
    assert listed(batch)[0]["dias_de_pago"] == "treinta"
    lost = from_file(
        xlsx([["nombre_fiscal", "telefono"], ["Uno", datetime(2026, 3, 12)]]),  # noqa: DTZ001
        "clientes.xlsx",
    )
    assert listed(lost)[0]["telefono"].startswith("#¿ilegible? 2026-03-12")


@pytest.mark.parametrize("notes", ["x" * 32_768, "😀" * 16_384])
def test_a_text_that_no_cell_can_hold_is_not_cut_but_an_error(notes):
    batch = inline({"legal_name": "Uno", "notes": notes})
    [row] = read_again(batch).rows
    assert [problem.field for problem in row.errors] == ["notes"]


@pytest.mark.parametrize("notes", ["x" * 32_767, "😀" * 16_383])
def test_the_longest_text_of_a_cell_comes_back(notes):
    [row] = read_again(inline({"legal_name": "Uno", "notes": notes})).rows
    assert row.values["notes"] == notes


KNOWN = "0f8fad5b-d9cb-469f-a165-70867728950e"


def five_kinds():
    rows = [customer(number) for number in range(6)]
    return judged(
        inline(*rows),
        r1=Verdict("valid"),
        r2=Verdict("warning", (), (Problem("phone", verbatim("Looks odd."), "1"),)),
        r3=said("error", "address.postal_code", "must be right", suggestion="28001"),
        r4=said("duplicate", "nif", "Ya existe", known=KNOWN),
        r5=said("nif_invalid", "nif", "No consta"),
    )


def test_a_colour_marks_the_result_and_the_very_cell_but_is_never_the_only_sign():
    assert set(five_kinds().counts()) == set(ROW_STATUSES)
    found = colours(report(five_kinds()))
    assert found == {
        (3, "BeeL: resultado"): YELLOW,
        (3, "telefono"): YELLOW,
        (4, "BeeL: resultado"): RED,
        (4, "direccion_codigo_postal"): RED,
        (5, "BeeL: resultado"): ORANGE,
        (5, "nif"): ORANGE,
        (6, "BeeL: resultado"): RED,
        (6, "nif"): RED,
        (7, "BeeL: resultado"): GREY,
    }
    rows = listed(five_kinds())
    assert len({row["BeeL: resultado"] for row in rows}) == len(ROW_STATUSES)


@pytest.mark.parametrize(
    ("field", "heading"),
    [
        ("address", "direccion_calle"),
        ("alternative_id", "identificacion_extranjera"),
        ("billing_emails[1]", "email_facturacion"),
        ("surname", "nombre_fiscal"),
        ("row", None),
        ("something_of_beel", None),
    ],
)
def test_a_problem_of_no_single_cell_colours_where_the_person_looks(field, heading):
    batch = judged(inline(customer(1)), r1=said("error", field, "Mal."))
    coloured = {name for _, name in colours(report(batch))} - {"BeeL: resultado"}
    assert coloured == ({heading} if heading else set())
    assert "Mal." in listed(batch)[0]["BeeL: problemas"]


def test_an_address_that_lacks_parts_colours_each_that_is_empty():
    row = customer(1, address={"city": "Madrid"})
    batch = inline(row)
    batch = judged(batch, r1=Verdict("error", batch.rows[0].advice))
    coloured = {name for _, name in colours(report(batch))} - {"BeeL: resultado"}
    assert coloured == {
        f"direccion_{part}" for part in ("calle", "numero", "provincia", "codigo_postal")
    }


def test_a_twin_without_a_nif_is_marked_at_the_number_it_has():
    row = {**ABROAD, "address": customer(1)["address"]}
    marked = colours(report(inline(row, row)))
    assert marked[3, "identificacion_extranjera"] == YELLOW
    assert (3, "nif") not in marked


def test_problems_and_suggestions_stand_beside_their_row_by_the_headings_of_the_sheet():
    rows = listed(five_kinds(), "en")
    assert [row["BeeL: row"] for row in rows] == ["1", "2", "3", "4", "5", "6"]
    assert rows[2]["BeeL: problems"] == "address_postal_code: must be right"
    assert rows[2]["BeeL: suggestions"] == "address_postal_code: 28001"
    assert rows[0]["BeeL: problems"] == ""


def test_a_duplicate_names_the_customer_that_is_there_already():
    assert KNOWN in listed(five_kinds())[3]["BeeL: problemas"]


def test_it_is_by_the_name_where_that_is_known():
    verdict = Verdict("duplicate", (), (), KNOWN, "Ferretería La Llave SL")
    [row] = listed(judged(inline(customer(1)), r1=verdict))
    assert row["BeeL: problemas"] == "Cliente que ya está en BeeL: Ferretería La Llave SL"


@pytest.mark.parametrize(
    ("language", "name", "headings"),
    [
        ("es", "Por corregir", ("fila", "cliente", "resultado", "problemas", "sugerencias")),
        ("en", "To correct", ("row", "customer", "result", "problems", "suggestions")),
    ],
)
def test_rows_with_something_to_see_to_are_gathered_on_a_first_sheet(language, name, headings):
    batch = five_kinds()
    pages = sheets(report(batch, language))
    assert next(iter(pages)) == name
    head, *rows = pages[name]
    assert head == [f"BeeL: {heading}" for heading in headings]
    seen_to = [row for row in batch.rows if batch.verdict(row).kind not in ("valid", "unchecked")]
    assert [row[:2] for row in rows] == [[str(row.number), row.name] for row in seen_to]
    whole = {row[f"BeeL: {headings[0]}"]: row for row in listed(batch, language)}
    for number, _, *told in rows:
        assert told == [whole[number][f"BeeL: {heading}"] for heading in headings[2:]]
    assert read_again(batch, language).read_as == f'sheet "{heading_sheet(language)}"'


def test_a_hundred_wrong_addresses_do_not_fill_the_screen():
    batch = inline({"legal_name": "Uno", "billing_emails": [f"malo{n}" for n in range(100)]})
    problems = judged(
        batch,
        r1=Verdict(
            "error", tuple(Problem("billing_emails", verbatim(f"No {n}")) for n in range(100))
        ),
    )
    lines = listed(problems)[0]["BeeL: problemas"].splitlines()
    assert (len(lines), lines[-1]) == (21, "… y 80 más")


@pytest.mark.parametrize(
    ("language", "name", "day"), [("es", "Resumen", "21/11/2026"), ("en", "Summary", "2026-11-21")]
)
def test_the_second_sheet_says_where_it_came_from_how_it_stands_and_what_to_do(language, name, day):
    batch = five_kinds()
    summary = sheets(report(batch, language))[name]
    said_there = [str(cell) for row in summary for cell in row]
    assert day in said_there
    assert str(len(batch.rows)) in said_there
    assert sum(row[1] == "1" for row in summary) == len(ROW_STATUSES)
    assert [row[0][:2] for row in summary[-3:]] == ["1.", "2.", "3."]


def test_the_file_is_named_without_its_folder():
    batch = from_file(text([["nombre_fiscal"], ["Uno"]]), "=clientes.csv")
    assert ["Lista de", "=clientes.csv"] in [row[:2] for row in sheets(report(batch))["Resumen"]]


def test_every_value_that_was_changed_is_listed_before_and_after():
    changes = (ValueChange(4, "address.postal_code", verbatim("zero put back"), "8001", "08001"),)
    pages = sheets(report(inline(customer(1), values_changed=changes)))
    assert pages["Cambios"][1:] == [
        ["4", "direccion_codigo_postal", "zero put back", "8001", "08001"]
    ]
    assert [*sheets(report(inline(customer(1))))] == ["Clientes", "Resumen"]


@pytest.mark.slow
def test_more_changes_than_a_sheet_may_have_go_on_in_the_next():
    change = ValueChange(2, "phone", Message("change.blanks"), "1", "2")
    batch = inline(customer(1), values_changed=(change,) * 45_001)
    pages = sheets(report(batch))
    assert [len(pages[name]) for name in pages if name.startswith("Cambios")] == [9_001] * 5
    assert ["Cambios que no aparecen aquí", "1"] in [row[:2] for row in pages["Resumen"]]
    assert len(read_again(batch).rows) == 1


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_list_is_found_in_it_even_where_the_changes_look_like_one(language):
    changes = tuple(
        ValueChange(n, "legal_name", verbatim("nif"), "email", "web") for n in range(50)
    )
    read = read_again(inline(customer(1), values_changed=changes), language)
    assert read.rows[0].values["legal_name"] == customer(1)["legal_name"]
    assert read.read_as == f'sheet "{heading_sheet(language)}"'


def heading_sheet(language):
    return {"es": "Clientes", "en": "Customers"}[language]


def test_a_file_of_somebody_else_is_still_told_of_its_own_columns():
    read = read_list(
        text([["nombre_fiscal", "Resultado", "Problemas"], ["Uno", "a", "b"]]), "x.csv"
    )
    assert read.columns_ignored == (("Resultado", "a"), ("Problemas", "b"))


def test_the_file_names_nobody_and_two_of_one_batch_are_the_same():
    batch = inline(WHOLE)
    data = report(batch)
    core, app = part(data, "docProps/core.xml"), part(data, "docProps/app.xml")
    assert "<dc:creator></dc:creator><cp:lastModifiedBy></cp:lastModifiedBy>" in core
    assert "2026-11-21T09:00:00Z" in core
    assert "<Company></Company>" in app
    assert report(batch) == data


def test_the_header_stays_in_sight_and_rows_can_be_filtered():
    sheet = part(report(inline(customer(1), customer(2))), "xl/worksheets/sheet1.xml")
    assert 'state="frozen"' in sheet
    assert '<autoFilter ref="A1:' in sheet


@pytest.mark.slow
def test_five_thousand_rows_come_back():
    rows = [{"legal_name": f"Cliente {n}", "nif": f"0{n}"} for n in range(5_000)]
    data = text([["nombre_fiscal", "nif"], *([row["legal_name"], row["nif"]] for row in rows)])
    read = read_again(from_file(data))
    assert [row.payload() for row in read.rows] == rows


def test_a_field_that_only_beel_knows_is_named_as_beel_names_it():
    assert heading_of("something_of_beel", "es") == "something_of_beel"


def test_the_person_reads_the_problems_in_spanish_and_the_words_of_beel_as_they_are():
    row = customer(1, nif="12345678A", preferred_payment_method={"payment_term_days": "x"})
    batch = from_file(text([["Nombre", "Web"], ["Uno", "uno.example"]]))
    [ours] = listed(inline(row))
    [theirs] = listed(judged(inline(customer(1)), r1=said("error", "nif", "No consta en la AEAT.")))
    assert "dias_de_pago: Se esperaba un número entero de días." in ours["BeeL: problemas"]
    assert (
        ours["BeeL: sugerencias"]
        == "nif: 12345678A: como letra correspondería Z si el resto es correcto"
    )
    assert theirs["BeeL: problemas"] == "nif: No consta en la AEAT."
    assert sheets(report(batch))["Cambios"][1][1:3] == ["web", "https:// puesto delante"]
    assert "Expected a whole number" in listed(inline(row), "en")[0]["BeeL: problems"]
