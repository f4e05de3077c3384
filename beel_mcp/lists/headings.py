"""What the lists that we write for a person call their columns; `headers` knows them again."""

from collections.abc import Mapping
from typing import Final

from beel_mcp.lists.backup import COLUMNS
from beel_mcp.lists.headers import key_of
from beel_mcp.settings import Language

_SPANISH: Final[Mapping[str, str]] = {
    "legal_name": "nombre_fiscal",
    "nif": "nif",
    "alternative_id.type": "tipo_identificacion",
    "alternative_id.number": "identificacion_extranjera",
    "alternative_id.country_code": "pais_identificacion",
    "trade_name": "nombre_comercial",
    "address.street": "direccion_calle",
    "address.number": "direccion_numero",
    "address.floor": "direccion_piso",
    "address.door": "direccion_puerta",
    "address.postal_code": "direccion_codigo_postal",
    "address.city": "direccion_poblacion",
    "address.province": "direccion_provincia",
    "address.country": "direccion_pais",
    "address.country_code": "codigo_pais",
    "phone": "telefono",
    "email": "email",
    "website": "web",
    "billing_emails": "email_facturacion",
    "contact_person": "persona_de_contacto",
    "notes": "notas",
    "preferred_payment_method.method": "forma_de_pago",
    "preferred_payment_method.iban": "iban",
    "preferred_payment_method.swift": "swift",
    "preferred_payment_method.payment_term_days": "dias_de_pago",
    "general_discount": "descuento",
}
# Fields with a dot are written with a line, as BeeL's template in English has them.
_ENGLISH: Final[Mapping[str, str]] = {
    **{column: column.replace(".", "_") for column in COLUMNS},
    "alternative_id.type": "id_type",
    "alternative_id.number": "foreign_id",
    "preferred_payment_method.method": "payment_method",
    "preferred_payment_method.iban": "iban",
    "preferred_payment_method.swift": "swift",
    "preferred_payment_method.payment_term_days": "payment_term_days",
    "general_discount": "discount",
}
# What a problem may be about besides a field: a group of them, a column that fills a part of one.
_SPANISH_GROUPS: Final[Mapping[str, str]] = {
    "row": "fila",
    "address": "direccion",
    "alternative_id": "identificacion_extranjera",
    "preferred_payment_method": "forma_de_pago",
    "surname": "apellidos",
    "street_type": "tipo_de_via",
}
_ENGLISH_GROUPS: Final[Mapping[str, str]] = {
    "alternative_id": "foreign_id",
    "preferred_payment_method": "payment_method",
}
HEADINGS: Final[Mapping[Language, Mapping[str, str]]] = {"es": _SPANISH, "en": _ENGLISH}
_WORDS: Final[Mapping[Language, Mapping[str, str]]] = {
    "es": {**_SPANISH, **_SPANISH_GROUPS},
    "en": {**_ENGLISH, **_ENGLISH_GROUPS},
}
# The row in the list that was checked, what came of it, what is wrong, what may be meant.
OURS: Final[Mapping[Language, tuple[str, str, str, str]]] = {
    "es": ("BeeL: fila", "BeeL: resultado", "BeeL: problemas", "BeeL: sugerencias"),
    "en": ("BeeL: row", "BeeL: result", "BeeL: problems", "BeeL: suggestions"),
}
_OUR_KEYS: Final = frozenset(key_of(header) for headers in OURS.values() for header in headers)


def heading_of(field: str, language: Language) -> str:
    """Name a field, or what a problem is about, in the person's words."""
    return _WORDS[language].get(field, field)


def is_ours(header: str) -> bool:
    """Whether a report of ours has this column: nobody needs to be told that it is no field."""
    return key_of(header) in _OUR_KEYS
