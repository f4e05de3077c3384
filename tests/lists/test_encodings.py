"""Text of old Windows, Mac and MS-DOS programs: read where it is certain, else asked about."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from beel_mcp.errors import CallerError
from beel_mcp.lists.files.columns import Table, read_table

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
        'Windows-1252 text, such as "LÓPEZ SL"'
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


@given(st.lists(st.sampled_from(NAMES), min_size=1, max_size=6), st.sampled_from(CODECS))
def test_any_few_names_are_right_or_refused(names, codec):
    try:
        table = read(listed(*names).encode(codec))
    except (CallerError, UnicodeEncodeError):
        return
    assert [row.cells[0] for row in table.rows] == [f"{name} SL" for name in names]
