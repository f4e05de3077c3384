"""The example list of the demo: where it is, what a check of it finds, and words for that."""

from pathlib import Path
from typing import Final

from beel_mcp.language import Sentence

LIST_NAME: Final = "customers.csv"
# What the example list holds, row by row.
EXPECTED_COUNTS: Final = {
    "valid": 17,
    "warning": 4,
    "error": 3,
    "duplicate": 3,
    "nif_invalid": 3,
    "unchecked": 0,
}
TOTAL: Final = sum(EXPECTED_COUNTS.values())
IMPORTABLE: Final = EXPECTED_COUNTS["valid"] + EXPECTED_COUNTS["warning"]
# What a person says of two of the rows, asked about them; both are right then.
CORRECTIONS: Final = (
    {"row": 21, "field": "email", "value": "secretaria@babel.example"},
    {"row": 26, "field": "phone", "value": "600 471 208"},
)
KINDS: Final = {
    "valid": Sentence("valid", "correctos"),
    "warning": Sentence("with a remark, created all the same", "con alguna observación"),
    "duplicate": Sentence("already there or repeated", "repetidos o ya existentes"),
    "nif_invalid": Sentence(
        "with a NIF that AEAT does not know", "con un NIF que no consta en la AEAT"
    ),
    "error": Sentence("incomplete or malformed", "incompletos o mal escritos"),
}
PROBLEMS: Final = {
    ("warning", "email"): Sentence("no e-mail address", "falta el correo electrónico"),
    ("warning", "address.postal_code"): Sentence(
        "the postal code is of another province", "el código postal es de otra provincia"
    ),
    ("duplicate", "nif"): Sentence(
        "already a customer, or repeated", "ya es cliente, o está repetido en la lista"
    ),
    ("nif_invalid", "nif"): Sentence(
        "the NIF is wrong or unknown to AEAT", "NIF erróneo o no censado"
    ),
    ("error", "legal_name"): Sentence("the name is missing", "falta el nombre"),
    ("error", "email"): Sentence("not an e-mail address", "el correo no es válido"),
    ("error", "phone"): Sentence("not a phone number", "el teléfono no es válido"),
}


def example_list() -> Path:
    """Find the list in an installed package, else in a checkout.

    Raises:
        FileNotFoundError: neither has it.
    """
    package = Path(__file__).parent.parent
    installed = package / "_examples" / LIST_NAME
    checkout = package.parent / "examples" / LIST_NAME
    if installed.is_file():
        return installed
    if checkout.is_file() and (package.parent / "pyproject.toml").is_file():
        return checkout
    raise FileNotFoundError(LIST_NAME)
