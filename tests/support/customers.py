"""Made-up customers, with control characters computed here and nowhere in the product."""

from typing import Any

LETTERS = "TRWAGMYFPDXBNJZSQVHLCKE"


def dni(number: int) -> str:
    """Give the NIF of a made-up person."""
    digits = 20_000_000 + number * 7 + 1
    return f"{digits:08}{LETTERS[digits % 23]}"


def customer(number: int, **changes: Any) -> dict[str, Any]:
    """Give a complete, valid customer; no two numbers share an identifier."""
    return {
        "legal_name": f"Cliente de Prueba {number}",
        "nif": dni(number),
        "email": f"cliente{number}@example.com",
        "phone": "+34 912 345 678",
        "address": {
            "street": "Calle Mayor",
            "number": str(number + 1),
            "postal_code": "28001",
            "city": "Madrid",
            "province": "Madrid",
            "country": "España",
            "country_code": "ES",
        },
        **changes,
    }


def foreigner(number: int) -> dict[str, Any]:
    """Give a valid customer who has a passport and no NIF."""
    passport = {"type": "PASSPORT", "number": f"P{number:06}", "country_code": "DE"}
    row = customer(number, alternative_id=passport)
    del row["nif"]
    return row


# Each makes a row that cannot be created, for a reason of its own.
FAULTS: list[dict[str, Any]] = [
    {"email": "nope"},
    {"phone": "call me"},
    {"legal_name": ""},
    {"website": "nope"},
    {"nif": "1"},
    {"nif": "12345678A"},
    {"nif": "12345000A"},
    {"contact_person": "x" * 201},
    {"trade_name": "x" * 121},
    {"preferred_payment_method": {"swift": "x"}},
    {"preferred_payment_method": {"iban": "x"}},
]
