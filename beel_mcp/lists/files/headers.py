"""What the lists that we write for a person call their columns; `headers` knows them again."""

import re
import unicodedata
from collections.abc import Mapping
from functools import lru_cache
from typing import Final

from beel_mcp.lists.export.workbook import COLUMNS
from beel_mcp.settings import Language

# Not fields of a customer: their text goes in front of, or behind, the field's own.
SURNAME: Final = "+surname"
STREET_TYPE: Final = "+street_type"

_NAMES: Final[Mapping[str, str]] = {
    "legal_name": "nombre fiscal|razon social|nombre o razon social|nombre/razon social"
    "|razon social/nombre|nombre y apellidos|apellidos y nombre|apellidos, nombre"
    "|apellidos y nombre o razon social|denominacion social|denominacion|nombre completo"
    "|legal_name|fiscal name|company name|legal name|registered name|business name|full name"
    "|nom fiscal|rao social|nom o rao social|nom i cognoms|denominacio social|nofcli"
    "|nombre legal|razon|nombre del cliente|nombre cliente|customer name|client name"
    "|nom del client"
    "||nombre|name|titulo|cuenta larga|descripcion cuenta|nom|contact name"
    "||cliente|customer|client|empresa|company||contacto|contact",
    SURNAME: "apellidos|apellido|surname|last name|family name|cognoms|cognom",
    "nif": "nif|cif|nif/cif|cif/nif|nif cif nie|cif/nif/nie|nif/nie|dni|dni/nif|nif/dni|dni/cif"
    "|cif/dni|nif del cliente|cif del cliente|numero de identificacion fiscal"
    "|identificacion fiscal|identificador fiscal|numero fiscal|id fiscal|nif contacto"
    "|nif fiscal|documento fiscal|contact nif|tax id|tax number|tax identification number"
    "|fiscal id|tax_id|nifcli|nif cliente|cif cliente|n.i.f./c.i.f.|nif/cif del titular"
    "|numero d'identificacio fiscal|identificacio fiscal|nie|nif/cif/nie|nif/cif/dni"
    "||contact id|id contacto|documento|documento de identidad|num documento"
    "||vat|vat number|vat no|vat id|nif iva|nif-iva|numero iva|nif intracomunitario"
    "|identificacion vat"
    "||id",
    "alternative_id.number": "identificacion extranjera|numero de identificacion extranjero"
    "|otro identificador|pasaporte|passport|passport number|alternative_id.number"
    "|alternative id|foreign id|id otro|identificador alternativo|passaport",
    "alternative_id.type": "tipo ident|tipo identificacion|tipo de identificacion"
    "|tipo documento|tipo de documento|alternative_id.type|id type|tipus document",
    "alternative_id.country_code": "pais identificacion|pais de expedicion"
    "|alternative_id.country_code|codigo pais identificacion",
    "trade_name": "nombre comercial|marca comercial|marca|rotulo|trade name|trading name"
    "|commercial name|brand|nom comercial|noccli|alias",
    STREET_TYPE: "tipo de via|tipo via|sigla|siglas|sigla via|via publica|street type|tipus de via",
    "address.street": "direccion|direccion_calle|calle|domicilio|domicilio fiscal|direccion fiscal"
    "|direccion completa|direccion postal|direccion 1|calle y numero|nombre via|nombre de via"
    "|nombre de la via|via|domicilio social|direccion de facturacion|address|address_street"
    "|street|street address|address line 1|address 1|billing address|street name|address.street"
    "|adreca|adreca fiscal|carrer|domicili|domicili fiscal|domcli|direccion linea 1|dir",
    "address.number": "direccion_numero|numero de calle|numero via|numero de via|num via|portal"
    "|address_number|street number|house number|address.number|numero carrer"
    "||numero|num|no.|n|nro|number",
    "address.floor": "piso|planta|piso/planta|floor|pis|address.floor|direccion piso",
    "address.door": "puerta|letra|mano|door|porta|address.door|direccion puerta",
    "address.postal_code": "codigo postal|direccion_codigo_postal|cp|cod postal|c postal|d.p."
    "|distrito postal|cod. post.|codpostal|cod pos|codigo_postal|codigo postal fiscal"
    "|address_postal_code|postal code|post code|postcode|zip|zip code|codi postal|cpocli|codipostal"
    "|address.postal_code|cpostal|cep",
    "address.city": "poblacion|direccion_poblacion|ciudad|localidad|municipio|poblacion fiscal"
    "|ciudad/poblacion|poblacion/ciudad|ciudad fiscal|cp y poblacion|codigo postal y poblacion"
    "|cp poblacion|address_city|city|town|locality|population|municipality|poblacio|ciutat"
    "|localitat|municipi|pobcli|address.city|town/city",
    "address.province": "provincia|direccion_provincia|provincia fiscal|address_province|province"
    "|county|state|region|procli|address.province|state/province",
    "address.country": "pais|pais fiscal|nombre pais|country|country name|address.country"
    "|direccion_pais|address_country",
    "address.country_code": "codigo pais|cod pais|codigo de pais|codigo iso pais|pais iso|iso pais"
    "|country code|country iso|codi pais|address.country_code|codigo iso|country_code",
    "phone": "telefono|tel|tfno|telf|tlf|tlfno|telefono 1|telefono fijo|telefono contacto"
    "|telefono de contacto|telefono principal|telef|telef01|tel 1|telefonos|numero de telefono"
    "|phone|phone number|telephone|phone 1|landline|telefon|telcli|telefono cliente"
    "||movil|telefono movil|movil 1|mobile|mobile phone|cell phone|cell|mobil|telefon mobil|celular"
    "||telefono 2|phone 2|telef02",
    "email": "email|correo|correo electronico|direccion de correo|direccion de email|mail"
    "|email contacto|correo electronico contacto|email 1|email principal|contact email"
    "|e-mail address"
    "|email address|contact e-mail|contact's e-mail address|correu|correu electronic"
    "|adreca electronica|emacli|correo e|direccion electronica|direccion de correo electronico",
    "billing_emails": "email facturacion|email de facturacion|emails de facturacion|email facturas"
    "|correo facturacion|correo de facturacion|billing email|billing emails|billing_emails"
    "|invoice email|correu facturacio",
    "website": "web|pagina web|sitio web|website|url|web page|homepage|pagina|lloc web|webcli"
    "|dominio",
    "contact_person": "persona de contacto|persona contacto|contact person|contact_person"
    "|responsable|atencion de|a la atencion de|attention|persona de contacte|pcocli|interlocutor",
    "notes": "notas|observaciones|comentarios|comentario|nota|notes|remarks|comments|comment"
    "|observacions|comentaris|obscli|anotaciones",
    "preferred_payment_method.method": "forma de pago|metodo de pago|modo de pago|forma pago"
    "|medio de pago|payment method|payment form|forma de pagament|metode de pagament"
    "|preferred_payment_method.method|forma de cobro|method",
    "preferred_payment_method.iban": "iban|cuenta iban|codigo iban|cuenta bancaria|iban cliente"
    "|numero de cuenta iban|bank account|bank account number|iban number|compte bancari|ibacli"
    "|preferred_payment_method.iban|cuenta bancaria iban|iban/cuenta bancaria",
    "preferred_payment_method.swift": "swift|bic|bic/swift|swift/bic|codigo swift|codigo bic|swfcli"
    "|preferred_payment_method.swift",
    "preferred_payment_method.payment_term_days": "dias de pago|plazo de pago|plazo de pago dias"
    "|dias de vencimiento|vencimiento dias|plazo dias|payment term days|payment terms days"
    "|preferred_payment_method.payment_term_days|dies de pagament|payment days|termini de pagament",
    "general_discount": "descuento|dto|descuento %|dto %|% dto|% descuento|descuento general"
    "|dto general|discount|discount %|general_discount|descompte|descuento (%)",
}
# What the columns of BeeL's own template are called.
TEMPLATE: Final = (
    "nombre_fiscal",
    "nif",
    "email",
    "telefono",
    "direccion_calle",
    "direccion_numero",
    "direccion_codigo_postal",
    "direccion_poblacion",
    "direccion_provincia",
)
_BRACKETS: Final = re.compile(r"\([^()]*\)|\[[^\[\]]*\]")


@lru_cache(maxsize=2_000)
def key_of(header: str) -> str:
    """Reduce a header to its letters and digits, in lower case and without accents."""
    plain = unicodedata.normalize("NFKD", header[:200].casefold())
    return "".join(mark for mark in plain if mark.isalnum())


def meaning_of(header: str) -> tuple[str, int] | None:
    """Tell the field that a header stands for, and from which of its groups; None for no field."""
    return _MEANINGS.get(key_of(header)) or _MEANINGS.get(key_of(_BRACKETS.sub("", header)))


_MEANINGS: Final[Mapping[str, tuple[str, int]]] = {
    key_of(name): (field, group)
    for field, groups in _NAMES.items()
    for group, names in enumerate(groups.split("||"))
    for name in names.split("|")
}

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
