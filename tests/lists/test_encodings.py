"""Text of old Windows, Mac and MS-DOS programs: read where it is certain, else asked about."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from beel_mcp.errors import CallerError
from beel_mcp.lists.files.columns import Table, read_table
from beel_mcp.lists.files.rows import read_file_rows
from beel_mcp.lists.inline import read_inline

CODECS = ("cp1252", "mac_roman", "cp850")
NAMES = (
    *("Peña", "Núñez", "García", "López", "Martínez", "Sánchez", "Pérez", "Muñoz", "Ibáñez"),
    *("Cádiz", "León", "Ávila", "Córdoba", "Málaga", "Almería", "Cáceres", "Álava", "A Coruña"),
    *("Écija", "Úbeda", "Óscar", "Ángel", "José", "Mª Jesús", "Güell", "Lluís", "Àngels", "Èric"),
    *(
        "França",
        "Barça",
        "Besòs",
        "Il·lusió",
        "Col·legi",
        "Raïm",
        "Solà",
        "L\u2019Hospitalet",
        "d\u2019en",
    ),
    *("Müller", "Bäcker", "König", "Größe", "Françoise", "Hôtel", "Château", "Elite 2º", "1ª"),
    *("Compañía", "Año", "Órgano", "Asociación", "Ramón Íñigo"),
)


def listed(*names: str, end: str = "\r\n") -> str:
    return end.join(["nombre_fiscal;nif", *(f"{name} SL;B1" for name in names), ""])


def read(data: bytes) -> Table:
    return read_table(data, "clientes.csv")


@pytest.mark.parametrize("codec", CODECS)
def test_no_single_name_is_ever_read_as_another(codec):
    wrong, known = [], 0
    for name in (*NAMES, *map(str.upper, NAMES)):
        try:
            table = read(listed(name).encode(codec))
        except UnicodeEncodeError:
            continue
        except CallerError:
            continue
        known += 1
        if table.rows[0].cells[0] != f"{name} SL":
            wrong.append((name, table.rows[0].cells[0]))
    assert wrong == []
    assert known >= 20


@pytest.mark.parametrize(
    ("codec", "told"),
    [
        ("cp1252", "Windows-1252 text"),
        ("mac_roman", 'Mac Roman text, such as "Peña SL"'),
        ("cp850", 'MS-DOS (850) text, such as "Peña SL"'),
        ("cp437", 'MS-DOS (850) text, such as "Peña SL"'),
    ],
)
@pytest.mark.parametrize("end", ["\r", "\r\n"])
def test_a_list_with_some_accents_is_read_in_its_encoding_which_is_told(codec, told, end):
    names = ["Peña", "Núñez", "Compañía Andaluza", "Muñoz"]
    table = read(listed(*names, end=end).encode(codec))
    assert [row.cells[0] for row in table.rows] == [f"{name} SL" for name in names]
    assert table.read_as == told


def test_names_in_capitals_of_ms_dos_are_read_and_told():
    names = ["CONSTRUCCIONES MARTÍN LÓPEZ", "JESÚS SÁNCHEZ", "PEÑA"]
    table = read(listed(*names).encode("cp850"))
    assert [row.cells[0] for row in table.rows] == [f"{name} SL" for name in names]
    assert "JESÚS SÁNCHEZ" in str(table.read_as)


def test_a_name_that_fits_two_encodings_is_asked_about_with_both_readings():
    with pytest.raises(CallerError) as caught:
        read(listed("Acme", "KÖNIG").encode("cp1252"))
    refused = caught.value
    assert 'line 3 reads "KÖNIG SL" in Windows-1252 or "KÍNIG SL" in MS-DOS' in refused.message
    assert "CSV UTF-8" in refused.remedy


def test_what_windows_may_have_written_is_shown_for_the_person_to_see():
    assert read(listed("LÓPEZ").encode("cp1252")).read_as == (
        'Windows-1252 text, such as "LÓPEZ SL" (not certain)'
    )


@pytest.mark.parametrize(
    "data",
    [
        listed("Café").encode("cp1252") + "España SL;B2\r\n".encode("cp850"),
        listed("José").encode() + "Peña SL;B2\r\n".encode("cp1252"),
    ],
)
def test_a_file_of_two_encodings_is_refused_by_the_line(data):
    with pytest.raises(CallerError) as caught:
        read(data)
    assert (caught.value.code, "line " in caught.value.message) == ("file_encoding", True)


def test_two_letters_of_ms_dos_that_happen_to_be_utf_8_are_no_hebrew():
    assert read(listed("Íñigo").encode("cp850")).rows[0].cells[0] == "Íñigo SL"


def test_signs_that_no_encoding_puts_into_words_do_not_stop_a_list():
    table = read(listed("Peña", "A±B", "Foo®Bar", "150m²", "\u2013").encode("cp1252"))
    assert table.rows[1].cells[0] == "A±B SL"


def rows_of(data: bytes) -> list[tuple[Any, list[str]]]:
    """Give the name of each row, and the codes of what is remarked about letters."""
    rows = read_file_rows(read(data)).rows
    about = ("sheet.doubtful", "name.spoiled", "name.lost_letter")
    codes = [[one.message.code for one in row.problems] for row in rows]
    kept = [[code for code in every if code in about] for every in codes]
    return list(zip([row.values.get("legal_name") for row in rows], kept, strict=True))


# What is no Spanish name, or only by its sign: each of them was read as another once.
OTHERS = (
    *("Noackstraße", "Weiß", "INÊS", "JOÃO", "SIMÕES", "FORÊT", "RUE DE NOËL", "Žižek", "ŽIŽEK"),
    *("MultiÓpticas", "EuroÁrea", "Škoda", "Dušan", "Œuvre", "10 €", "½ Kilo", "D\u00b4Angelo"),
    *("¨El Rincón¨", "2º B", "150m²", "Foo® SL", "I+D·i", "CafÉ", "ESCRIVÁ", "Ñ", "É"),
)


@pytest.mark.slow
@settings(max_examples=1_500)
@given(
    st.lists(st.sampled_from((*NAMES, *map(str.upper, NAMES), *OTHERS)), min_size=1, max_size=6),
    st.sampled_from((*CODECS, "cp437", "cp858", "iso8859-15", "utf-8")),
    st.sampled_from(["\r\n", "\n", "\r"]),
)
def test_any_few_names_are_right_remarked_on_or_refused(names, codec, end):
    try:
        found = rows_of(listed(*names, end=end).encode(codec))
    except (CallerError, UnicodeEncodeError):
        return
    wrong = [
        (name, read_as)
        for name, (read_as, remarks) in zip(names, found, strict=True)
        if read_as != f"{name} SL" and not remarks
    ]
    assert wrong == []


@given(st.lists(st.sampled_from(NAMES), min_size=1, max_size=6), st.sampled_from(CODECS))
@settings(max_examples=50)
def test_a_list_with_one_certain_name_is_read_right_without_a_remark(names, codec):
    try:
        data = listed("Peña", *names).encode(codec)
    except UnicodeEncodeError:
        return
    assert rows_of(data) == [(f"{name} SL", []) for name in ("Peña", *names)]


@given(st.lists(st.sampled_from((*NAMES, *OTHERS)), min_size=1, max_size=6))
@settings(max_examples=50)
def test_nothing_is_remarked_about_the_letters_of_utf_8(names):
    assert rows_of(listed(*names).encode()) == [(f"{name} SL", []) for name in names]


def test_a_name_read_in_a_doubtful_encoding_is_shown_with_its_other_readings():
    (row,) = read_file_rows(read(listed("LÓPEZ").encode("cp1252"))).rows
    (doubt,) = [one for one in row.advice if one.message.code == "sheet.doubtful"]
    assert (doubt.field, doubt.value) == ("legal_name", "LÓPEZ SL")
    assert doubt.hint() == 'or "LËPEZ SL" (MS-DOS (850))'
    assert doubt.hint("es") == 'o bien "LËPEZ SL" (MS-DOS (850))'


def test_a_word_of_another_encoding_among_certain_ones_is_remarked_on():
    data = listed("Peña", "García").encode("cp1252") + "CafÉ SL;B2\r\n".encode("cp1252")
    assert rows_of(data) == [
        ("Peña SL", []),
        ("García SL", []),
        ("CafÉ SL", ["sheet.doubtful"]),
    ]


def test_the_euro_of_iso_8859_15_and_of_ms_dos_is_one():
    names = ["Peña", "Todo a 10 €"]
    for codec, told in (("iso8859-15", "ISO-8859-15"), ("cp858", "MS-DOS (850)")):
        table = read(listed(*names).encode(codec))
        assert [row.cells[0] for row in table.rows] == ["Peña SL", "Todo a 10 € SL"]
        assert str(table.read_as).startswith(f"{told} text, such as ")


def test_lines_of_an_old_mac_are_not_believed_to_be_of_windows():
    with pytest.raises(CallerError) as caught:
        read(listed("SIMÕES", end="\r").encode("mac_roman"))
    assert '"SIMÍES SL" in Windows-1252 or "SIMÕES SL" in Mac Roman' in caught.value.message


SPOILED = {
    "Talleres PeÃ±a": "Talleres Peña",
    "GarcÃ\xada López": None,  # of one text only a part was read wrongly: nobody can tell
    "Talleres Pe\u2013a": "Talleres Peña",
    "JESÚS SµNCHEZ": "JESÚS SÁNCHEZ",
    "Mu¤oz e Hijos": "Muñoz e Hijos",
    "Mart\u221a\u2260nez": "Martínez",
    "Pe?a e Hijos": None,
    "N\ufffd\ufffdez": None,
    "Mu¿oz": None,
}


@pytest.mark.parametrize("name", SPOILED)
def test_a_name_that_was_spoiled_before_is_remarked_on_with_what_it_was_where_that_is_certain(name):
    (row,) = read_inline([{"legal_name": name, "nif": "B61992475"}])
    remarks = [one for one in row.advice if one.message.code.startswith("name.")]
    assert [one.value for one in remarks if one.field == "legal_name"] == [name] * bool(remarks)
    hints = [one.hint() for one in remarks]
    assert hints == ([] if name.startswith("Garc") else [SPOILED[name]])


@given(st.sampled_from((*NAMES, *map(str.upper, NAMES), *OTHERS)))
def test_a_right_name_is_never_called_spoiled(name):
    (row,) = read_inline([{"legal_name": name, "nif": "B61992475"}])
    assert [one for one in row.advice if one.message.code.startswith("name.")] == []
