"""The example list: where it is, and what a check of it must find."""

from pathlib import Path

LIST_NAME = "customers.csv"
# What the example list holds, row by row; the demo fails if the server counts otherwise.
EXPECTED_COUNTS = {
    "valid": 17,
    "warning": 4,
    "error": 3,
    "duplicate": 3,
    "nif_invalid": 3,
    "unchecked": 0,
}
# What a person says of two of the rows, asked about them; both are right then.
CORRECTIONS = (
    {"row": 21, "field": "email", "value": "secretaria@babel.example"},
    {"row": 26, "field": "phone", "value": "600 471 208"},
)


class ExampleMissingError(FileNotFoundError):
    """The example list is not where an installed package or a checkout has it."""


def example_list() -> Path:
    """Find the list in an installed package, else in a checkout."""
    package = Path(__file__).parent.parent.parent
    installed = package / "_examples" / LIST_NAME
    checkout = package.parent / "examples" / LIST_NAME
    if installed.is_file():
        return installed
    if checkout.is_file() and (package.parent / "pyproject.toml").is_file():
        return checkout
    raise ExampleMissingError(LIST_NAME)
