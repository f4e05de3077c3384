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
