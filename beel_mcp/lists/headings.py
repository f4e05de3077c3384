"""What the columns of a report are called; `headers` understands every one of them again."""

from collections.abc import Mapping
from typing import Final

from beel_mcp.lists.headers import OWN_HEADINGS
from beel_mcp.settings import Language

# Spanish, English.
_HEADINGS: Final[Mapping[str, tuple[str, str]]] = {
    "legal_name": ("Nombre fiscal", "Legal name"),
    "nif": ("NIF", "Tax ID"),
    "alternative_id.type": ("Tipo de identificación", "ID type"),
    "alternative_id.number": ("Identificación extranjera", "Foreign ID"),
    "alternative_id.country_code": ("Código país identificación", "ID country code"),
    "trade_name": ("Nombre comercial", "Trade name"),
    "address.street": ("Dirección", "Street"),
    "address.number": ("Número de vía", "Street number"),
    "address.floor": ("Piso", "Floor"),
    "address.door": ("Puerta", "Door"),
    "address.postal_code": ("Código postal", "Postal code"),
    "address.city": ("Población", "City"),
    "address.province": ("Provincia", "Province"),
    "address.country": ("País", "Country"),
    "address.country_code": ("Código de país", "Country code"),
    "phone": ("Teléfono", "Phone"),
    "email": ("Correo electrónico", "Email"),
    "website": ("Página web", "Website"),
    "billing_emails": ("Correo de facturación", "Billing emails"),
    "contact_person": ("Persona de contacto", "Contact person"),
    "notes": ("Observaciones", "Notes"),
    "preferred_payment_method.method": ("Forma de pago", "Payment method"),
    "preferred_payment_method.iban": ("IBAN", "IBAN"),
    "preferred_payment_method.swift": ("SWIFT", "SWIFT"),
    "preferred_payment_method.payment_term_days": ("Días de pago", "Payment term days"),
    "general_discount": ("Descuento general", "General discount"),
    # Not columns: what a problem may be about.
    "row": ("Fila", "Row"),
    "address": ("Dirección", "Address"),
    "alternative_id": ("Identificación extranjera", "Foreign ID"),
    "preferred_payment_method": ("Forma de pago", "Payment method"),
}


def heading(field: str, language: Language) -> str:
    """Give the person's word for a field."""
    spanish, english = _HEADINGS.get(field, (field, field))
    return spanish if language == "es" else english


def own_headings(language: Language) -> tuple[str, ...]:
    """Give the names of our own columns: the row of the list, the result, problems, proposals."""
    return OWN_HEADINGS[language]
