"""Names of files: ours on every system, and whose a server's name is."""

import unicodedata
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from beel_mcp.files.invoice_package import bare_name, invoice_name, match_entries, portable, unique

DAY = date(2026, 7, 14)
WINDOWS = set('<>:"/\\|?*')
RESERVED = ["con", "prn", "aux", "nul", *(f"{n}{i}" for n in ("com", "lpt") for i in range(10))]


def test_a_name_has_the_date_the_number_and_the_customer() -> None:
    assert invoice_name(DAY, "F2026-0123", "Talleres Ruiz SL") == (
        "2026-07-14 F2026-0123 Talleres Ruiz SL.pdf"
    )


def test_what_is_not_known_leaves_no_gap() -> None:
    assert invoice_name(DAY, "", "Ruiz") == "2026-07-14 Ruiz.pdf"
    assert invoice_name(DAY, "F-1", "..") == "2026-07-14 F-1.pdf"


@given(st.text(), st.text())
def test_any_number_and_customer_make_a_name_that_every_system_takes(
    number: str, customer: str
) -> None:
    name = invoice_name(DAY, number, customer)
    assert not WINDOWS & set(name)
    assert not [one for one in name if unicodedata.category(one) in ("Cc", "Cs", "Zl", "Zp")]
    assert name == unicodedata.normalize("NFC", name).strip(" .")
    assert len(name.encode()) <= 240
    assert name.startswith("2026-07-14")
    assert name.endswith(".pdf")
    assert invoice_name(DAY, number, customer) == name


@given(st.text())
def test_a_part_is_never_a_device_of_windows(text: str) -> None:
    assert portable(text, 40).partition(".")[0].casefold() not in RESERVED


@pytest.mark.parametrize("name", ["CON", "aux.txt", "LPT1", "com0.zip", "nul", "Com¹"])
def test_a_device_of_windows_is_marked(name: str) -> None:
    assert portable(name, 40) == f"_{name}"


def test_names_that_differ_in_case_only_are_told_apart() -> None:
    assert unique(["a.pdf", "A.pdf", "b.pdf", "a.pdf", "a (2).pdf"]) == [
        "a.pdf",
        "A (2).pdf",
        "b.pdf",
        "a (3).pdf",
        "a (2) (2).pdf",
    ]


@given(st.lists(st.sampled_from(["a.pdf", "A.pdf", "a (2).pdf", "b"]), max_size=12))
def test_no_two_names_are_the_same_anywhere(names: list[str]) -> None:
    found = unique(names)
    assert len({name.casefold() for name in found}) == len(names) == len(found)


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("facturas", "facturas.zip"),
        ("facturas.zip", "facturas.zip"),
        ("Facturas T3.ZIP", "Facturas T3.ZIP"),
        ("gestoría 2026.07", "gestoría 2026.07.zip"),
        ("n\u0303", "ñ.zip"),
    ],
)
def test_a_bare_name_is_taken_and_gets_its_suffix(text: str, name: str) -> None:
    assert bare_name(text, ".zip") == name


STRAYS = [
    *("", " ", ".", "..", "...", ".zip", ".hidden", "~", "~root", "-rf", " x", "x ", "x."),
    *("../x", "a/b", "/etc/x", "//host/x", "a\\b", "..\\x", "\\\\host\\x", "C:", "C:x", "C:\\x"),
    *("x\0", "x\0.zip", "x\n", "x\r\n", "a\tb", "x\x7f", "\u202ex", "x\u200b", "\ufeffx"),
    *("x:stream", "x::$DATA", "x*", "x?", 'x"', "x<y", "x>y", "x|y", "$HOME", "%TEMP%", "`id`"),
    *("a\uff0fb", "a\u2215b", "\uff0e\uff0e", "\u2024\u2024", "a\u29f8b", "\uff5e", "a\uff1ab"),
    *(f"{device}{suffix}" for device in RESERVED for suffix in ("", ".zip", ".tar.gz", ".a b")),
    *(device.upper() for device in RESERVED),
    *("x" * 82, "ñ" * 82, "\U0001d518" * 60, "a" * 300),
]


def test_whatever_is_not_a_bare_name_is_refused() -> None:
    assert [text for text in STRAYS if bare_name(text, ".zip") is not None] == []


def test_there_are_a_hundred_strays_and_more() -> None:
    assert len(STRAYS) > 100


@given(st.text())
def test_a_name_that_is_taken_is_one_component_that_fits(text: str) -> None:
    name = bare_name(text, ".zip")
    if name is not None:
        assert not (WINDOWS | {"\0", "\n"}) & set(name)
        assert name not in (".", "..")
        assert len(f"{name} (1000)".encode()) <= 255


NUMBERS = {"a": "F26-0001", "b": "F26-0002", "c": "1", "d": "A-1"}


@pytest.mark.parametrize(
    ("entry", "owner"),
    [
        ("factura_F26-0001.pdf", "a"),
        ("FACTURA_f26-0001.PDF", "a"),
        ("F26_0001.pdf", "a"),
        ("x/y\\factura F26-0002.pdf", "b"),
        ("invoice-1.pdf", "c"),
        ("factura_A-1.pdf", "d"),
        ("factura_B-1.pdf", None),
        ("factura_X-F26-0001.pdf", None),
        ("factura_F26-00011.pdf", None),
        ("F26-0001 copy.pdf", None),
        ("document.pdf", None),
        (".pdf", None),
    ],
)
def test_an_entry_is_an_invoices_only_if_its_name_says_that_and_nothing_else(
    entry: str, owner: str | None
) -> None:
    ids = {f"f0000000-0000-4000-8000-00000000000{key}": n for key, n in NUMBERS.items()}
    found = match_entries([entry], ids)
    assert [one[-1] for one in found] == ([owner] if owner else [])


def test_an_entry_named_after_an_id_is_that_invoices() -> None:
    one = "f0000000-0000-4000-8000-00000000000a"
    assert match_entries([f"{one.upper()}.pdf"], {one: ""}) == {one: f"{one.upper()}.pdf"}


def test_two_entries_for_one_invoice_or_two_invoices_of_one_number_are_nobodys() -> None:
    assert match_entries(["factura_1.pdf", "1.pdf"], {"id-x": "1"}) == {}
    assert match_entries(["factura_1.pdf"], {"id-x": "1", "id-y": "1"}) == {}
    assert match_entries(["factura_.pdf"], {"id-x": ""}) == {}
    assert match_entries(["factura_Ñ-1.pdf"], {"id-x": "N-1", "id-y": "ñ/1"}) == {
        "id-y": "factura_Ñ-1.pdf"
    }
