"""The fields of a customer: their schema, their names, and what else people call them."""

from collections.abc import Mapping
from typing import Annotated, Final, Literal, get_args

from pydantic import BaseModel, ConfigDict, Field

CountryCode = Annotated[str, Field(description="Two letters, such as ES, DE or GB.")]


PaymentMethodName = Literal[
    "NONE", "BANK_TRANSFER", "CARD", "CASH", "CHECK", "DIRECT_DEBIT", "BIZUM", "OTHER"
]
PAYMENT_METHODS: Final = frozenset(get_args(PaymentMethodName))


class AlternativeId(BaseModel):
    """An identifier other than a NIF, for customers abroad."""

    model_config = ConfigDict(extra="forbid")

    type: (
        Literal[
            "NIF_IVA",
            "PASSPORT",
            "COUNTRY_ID",
            "RESIDENCE_CERTIFICATE",
            "OTHER_DOCUMENT",
            "NOT_REGISTERED",
        ]
        | None
    ) = None
    number: str | None = None
    country_code: CountryCode | None = None


class Address(BaseModel):
    """A postal address; Spain unless it says otherwise."""

    model_config = ConfigDict(extra="forbid")

    street: str | None = None
    number: str | None = None
    floor: str | None = None
    door: str | None = None
    postal_code: str | None = None
    city: str | None = None
    province: str | None = None
    country: str | None = None
    country_code: CountryCode | None = None


class PaymentMethod(BaseModel):
    """How the customer pays."""

    model_config = ConfigDict(extra="forbid")

    method: PaymentMethodName | None = None
    iban: str | None = None
    swift: str | None = None
    payment_term_days: int | None = None


class CustomerRow(BaseModel):
    """A customer of a list.

    It describes the JSON schema and names the fields; rows are read by `read_inline`, which
    forgives more and says better what is wrong.
    """

    model_config = ConfigDict(
        extra="forbid", json_schema_extra=lambda schema: schema.update(description="A customer.")
    )

    legal_name: str | None = None
    nif: str | None = None
    alternative_id: AlternativeId | None = None
    trade_name: str | None = None
    address: Address | None = None
    phone: str | None = None
    email: str | None = None
    website: str | None = None
    billing_emails: list[str] | None = None
    contact_person: str | None = None
    notes: str | None = None
    preferred_payment_method: PaymentMethod | None = None
    general_discount: float | None = None


PARTS: Final[Mapping[str, tuple[str, ...]]] = {
    "alternative_id": tuple(AlternativeId.model_fields),
    "address": tuple(Address.model_fields),
    "preferred_payment_method": tuple(PaymentMethod.model_fields),
}
NAMES: Final = tuple(CustomerRow.model_fields)
# What people call a field, for "did you mean"; never read as that field.
NEAR: Final[Mapping[str, str]] = {
    "nombre_fiscal": "legal_name",
    "telefono": "phone",
    "direccion_calle": "address.street",
    "direccion_numero": "address.number",
    "direccion_codigo_postal": "address.postal_code",
    "direccion_poblacion": "address.city",
    "direccion_provincia": "address.province",
    **{f"address_{part}": f"address.{part}" for part in PARTS["address"]},
    **{part: f"{name}.{part}" for name, parts in PARTS.items() for part in parts},
    "name": "legal_name",
    "tax_id": "nif",
    "vat_number": "nif",
    "zip": "address.postal_code",
    "postcode": "address.postal_code",
    "web": "website",
    "discount": "general_discount",
    **{name: name for name in NAMES},
}
