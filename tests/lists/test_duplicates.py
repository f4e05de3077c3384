"""Customers that stand twice in a list are pointed out, and neighbours are not."""

import pytest

from beel_mcp.lists.inline import read_inline
from tests.support.customers import customer, dni


def remarks(*rows: dict) -> dict[int, str]:
    """Give what is said of each row about another one."""
    found = {}
    for row in read_inline(list(rows)):
        for problem in row.problems:
            if problem.message.code in ("duplicate.identifier", "duplicate.name"):
                found[row.number] = f"{problem.field}: {problem.hint()}"
    return found


def named(nth: int, name: str, **address: str) -> dict:
    row = customer(nth, legal_name=name)
    row["address"] |= {"number": "5", **address}
    return row


def test_the_same_identifier_is_found_however_it_is_written():
    nif = dni(1)
    rows = [customer(1), customer(2), customer(3, nif=f"ES-{nif[:8].lower()}-{nif[8].lower()}")]
    assert remarks(*rows) == {3: "nif: row 1 has it"}


def test_the_same_foreign_number_is_found_too():
    one, two = customer(1), customer(2)
    for row in (one, two):
        del row["nif"]
        row["alternative_id"] = {"type": "PASSPORT", "number": "X1", "country_code": "DE"}
    assert remarks(one, two) == {2: "nif: row 1 has it"}


@pytest.mark.parametrize("other", [{"country_code": "FR"}, {"type": "COUNTRY_ID"}])
def test_a_foreign_number_of_another_kind_or_country_is_somebody_else(other: dict):
    one, two = customer(1), customer(2)
    for row in (one, two):
        del row["nif"]
        row["alternative_id"] = {"type": "PASSPORT", "number": "X1", "country_code": "DE"}
    two["alternative_id"] |= other
    assert remarks(one, two) == {}


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Talleres Peña SL", "TALLERES PEÑA, S.L."),
        ("Talleres Peña SL", "Talleres Pena"),
        ("Ruiz Gil, Ana", "Ana Ruiz Gil"),
        ("Construcciones Fernández SA", "Construcciones Fernandes S.A."),
    ],
)
def test_nearly_the_same_name_at_the_same_address_is_a_likely_twin(one, other):
    street = {"street": "C/ Mayor"}
    rows = named(1, one), named(2, other, **street)
    assert list(remarks(*rows)) == [2]


@pytest.mark.parametrize(
    ("one", "other", "address"),
    [
        ("Talleres Peña SL", "Bar Manolo SL", {}),
        ("Comunidad de Propietarios 5", "Comunidad de Propietarios 7", {}),
        ("Talleres Peña SL", "Talleres Peña SL", {"postal_code": "28002"}),
        ("Talleres Peña SL", "Talleres Peña SL", {"number": "7"}),
        ("Talleres Peña SL", "Talleres Peña SL", {"street": "Avenida de Portugal"}),
    ],
)
def test_others_are_no_twins(one, other, address):
    assert remarks(named(1, one), named(2, other, **address)) == {}


def test_a_twin_is_a_remark_and_never_an_error():
    rows = read_inline([named(1, "Talleres Peña SL"), named(2, "Talleres Peña")])
    assert not any(row.errors for row in rows)


def test_in_a_place_with_many_customers_only_neighbours_are_compared(monkeypatch):
    from rapidfuzz import fuzz

    compared = []
    monkeypatch.setattr(fuzz, "token_sort_ratio", lambda *names: compared.append(names) or 0)
    read_inline([named(number, f"Cliente {chr(97 + number % 26)}") for number in range(500)])
    assert 0 < len(compared) <= 5 * 500
