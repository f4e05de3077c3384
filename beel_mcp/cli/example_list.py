"""The example list of the demo: where it is, and what a check of it finds."""

from pathlib import Path
from typing import Final

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
