"""Writes clientes.xlsx: 900 made-up customers, with the damage that a sheet does in ten years."""

from datetime import datetime
from pathlib import Path

import xlsxwriter

LIST = Path(__file__).parent / "clientes.xlsx"
LETTERS = "TRWAGMYFPDXBNJZSQVHLCKE"
HEADERS = (
    *("Razón social", "N.I.F.", "Domicilio", "C.P.", "Población", "Provincia"),
    *("Teléfono", "Correo electrónico", "Zona"),
)
FIRST_ROW = 5  # the sheet has a title above its headers
TRADES = ("Talleres", "Panadería", "Asesoría", "Clínica", "Ferretería", "Bodegas")
NAMES = ("Alonso", "Ibáñez", "Castaño", "Rivas", "Montero", "Quiroga", "Llorente")
PLACES = (
    (8021, "Barcelona", "Barcelona"),  # a number, so its zero is gone
    (28013, "Madrid", "Madrid"),
    (46002, "València", "Valencia"),
    (3201, "Elche", "Alicante"),
)
# What a person will say, asked about it: rows of the sheet, and what is right there.
EMAILS = {40: "rivas40@example.com", 244: "ibanez244@example.com", 610: "taller610@example.com"}
PHONES = {75: "912345075", 480: "912345480"}
WRONG_LETTERS = (101, 202, 303, 404, 505, 606, 707, 808)
TWINS = {350: 50, 550: 51, 750: 52}  # a row, and the earlier one that it repeats
EXISTING = {900: "B83012740"}  # is a customer already


def nif(number: int) -> str:
    """Give the NIF of a made-up person."""
    digits = 40_000_003 + number * 10
    return f"{digits:08}{LETTERS[digits % 23]}"


def written(number: int) -> str:
    """Give the NIF as somebody typed it, some with dashes, blanks or ES in front."""
    row = number + FIRST_ROW
    if row in EXISTING:
        return EXISTING[row]
    if row in TWINS:
        return nif(TWINS[row] - FIRST_ROW)
    right = nif(number)
    if row in WRONG_LETTERS:
        return right[:-1] + LETTERS[(LETTERS.index(right[-1]) + 1) % len(LETTERS)]
    forms = (right, f"{right[:-1]}-{right[-1]}", f"ES{right}", f" {right} ")
    return forms[number % 13] if number % 13 < len(forms) else right


def cells(number: int) -> tuple[object, ...]:
    """Give one row as it stands in the sheet."""
    row = number + FIRST_ROW
    code, city, province = PLACES[number % len(PLACES)]
    name = f"{TRADES[number % 6]} {NAMES[number % 7]} {number} SL"
    email = f"cliente{number}@example.com" if row not in EMAILS else "sin correo"
    phone = 912_340_000 + number if row not in PHONES else "preguntar a Marta"
    street = f"Calle del Olmo, {number % 90 + 1}"
    return name, written(number), street, code, city, province, phone, email, "Norte"


def write_list(file: Path, count: int = 900) -> None:
    """Write the sheet; the same one every time."""
    with xlsxwriter.Workbook(str(file)) as book:
        book.set_properties({"created": datetime(2026, 7, 1)})  # noqa: DTZ001 - XLSX has no zones
        sheet = book.add_worksheet("Clientes")
        sheet.write(0, 0, "LISTADO DE CLIENTES")
        sheet.write(1, 0, "Julio de 2026")
        sheet.write_row(FIRST_ROW - 2, 0, HEADERS)
        for number in range(count):
            sheet.write_row(number + FIRST_ROW - 1, 0, cells(number))


if __name__ == "__main__":
    write_list(LIST)
