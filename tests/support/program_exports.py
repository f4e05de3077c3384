"""The same three customers as each program exports them, and lists with one damage each.

Every list is made here; none comes from a real company.
"""

from collections.abc import Callable, Mapping
from typing import Any, Final, NamedTuple

from tests.support.list_files import Formula, Merge, ods, text, xls, xlsx

COMPANY: Final = {
    "legal_name": "Talleres Peña SL",
    "nif": "B12345674",
    "address": {
        "street": "Calle Mayor",
        "number": "5",
        "postal_code": "08001",
        "city": "Barcelona",
        "province": "Barcelona",
    },
    "phone": "931234567",
    "email": "hola@tallerespena.example",
}


class File(NamedTuple):
    """A file, what its first customer must become, and the changes that must be told."""

    name: str
    make: Callable[[], bytes]
    customer: Mapping[str, Any]
    changes: Mapping[str, str] = {}
    first_row: int = 2


def company(**changes: Any) -> dict[str, Any]:
    """Give the company with other fields; `None` takes one out, an address is merged."""
    row = {**COMPANY, **changes}
    row["address"] = {**COMPANY["address"], **changes.get("address", {})}
    return {name: value for name, value in row.items() if value is not None}


HOLDED = [
    [
        "Nombre",
        "ID",
        "Email",
        "Teléfono",
        "Móvil",
        "Dirección",
        "Población",
        "Código postal",
        "Provincia",
        "País",
        "Código país",
        "Dto %",
        "Website",
        "IBAN",
        "Etiquetas",
    ],
    [
        "Talleres Peña SL",
        "B12345674",
        "hola@tallerespena.example",
        "931234567",
        "600112233",
        "Calle Mayor, 5",
        "Barcelona",
        "08001",
        "Barcelona",
        "España",
        "ES",
        5,
        "www.tallerespena.example",
        "ES91 2100 0418 4502 0005 1332",
        "taller",
    ],
]
HOLDED_TEMPLATE = [
    [
        "Fiscal name*",
        "Trade name",
        "Contact person",
        "Contact ID*",
        "Contact email",
        "Phone",
        "Mobile",
        "Address",
        "Population",
        "Postal code",
        "Province",
        "Country",
        "Notes",
    ],
    [
        "Talleres Peña SL",
        "Peña",
        "Ana Peña",
        "B12345674",
        "hola@tallerespena.example",
        "931234567",
        "",
        "Calle Mayor 5",
        "Barcelona",
        "08001",
        "Barcelona",
        "España",
        "paga tarde",
    ],
]
CONTAPLUS = [
    [
        "COD",
        "TITULO",
        "NIF",
        "TIPO_IDENT",
        "DOMICILIO",
        "POBLACION",
        "PROVINCIA",
        "CODPOSTAL",
        "TELEF01",
        "FAX01",
        "EMAIL",
    ],
    [
        "43000001",
        "Talleres Peña SL",
        "B-12345674",
        "1",
        "C/ Mayor, 5",
        "Barcelona",
        "Barcelona",
        "08001",
        "931234567",
        "",
        "hola@tallerespena.example",
    ],
]
SAGE = [
    ["LISTADO DE CLIENTES"],
    ["Empresa: Gestoría Ruiz", None, None, "Fecha: 01/07/2026"],
    [],
    [
        "Código",
        "Razón social",
        "C.I.F.",
        "Domicilio",
        "C. Postal",
        "Municipio",
        "Provincia",
        "Teléfono 1",
        "E-mail",
    ],
    [
        "430.1",
        "Talleres Peña SL",
        "B12345674",
        "Calle Mayor 5",
        8001,
        "Barcelona",
        "Barcelona",
        931234567,
        "hola@tallerespena.example",
    ],
]
A3 = [
    [
        "Cuenta",
        "Apellidos y nombre o razón social",
        "N.I.F.",
        "Sigla",
        "Nombre vía",
        "Núm.",
        "Piso",
        "Puerta",
        "C.P.",
        "Municipio",
        "Provincia",
        "Tfno.",
        "Correo electrónico",
    ],
    [
        43000001,
        "Talleres Peña SL",
        "B12345674",
        "Calle",
        "Mayor",
        5,
        "2º",
        "B",
        8001,
        "Barcelona",
        "Barcelona",
        931234567.0,
        "hola@tallerespena.example",
    ],
]
FACTUSOL = [
    [
        "CODCLI",
        "NOFCLI",
        "NOCCLI",
        "NIFCLI",
        "DOMCLI",
        "POBCLI",
        "CPOCLI",
        "PROCLI",
        "TELCLI",
        "PCOCLI",
        "EMACLI",
        "WEBCLI",
        "OBSCLI",
    ],
    [
        1,
        "Talleres Peña SL",
        "Peña",
        "B12345674",
        "Calle Mayor, 5",
        "Barcelona",
        "08001",
        "Barcelona",
        "931234567",
        "Ana Peña",
        "hola@tallerespena.example",
        "",
        "",
    ],
]
QUIPU = [
    [
        "Nombre / Razón social",
        "NIF/CIF",
        "Dirección",
        "Código postal",
        "Ciudad",
        "País",
        "Email",
        "Teléfono",
        "Cuenta bancaria (IBAN)",
    ],
    [
        "Talleres Peña SL",
        "ESB12345674",
        "Calle Mayor nº 5",
        "08001",
        "Barcelona",
        "ES",
        "hola@tallerespena.example",
        "931234567",
        "",
    ],
]
BILLIN = [
    [
        "Razón social",
        "Nombre comercial",
        "NIF",
        "Dirección",
        "Código Postal",
        "Población",
        "Provincia",
        "Email",
        "Teléfono",
        "Forma de pago",
    ],
    [
        "Talleres Peña SL",
        "",
        "b12345674",
        "Calle Mayor, 5",
        "08001",
        "Barcelona",
        "Barcelona",
        "hola@tallerespena.example",
        "931234567",
        "Transferencia",
    ],
]
BEEL = [
    [
        "nombre_fiscal",
        "nif",
        "email",
        "telefono",
        "direccion_calle",
        "direccion_numero",
        "direccion_codigo_postal",
        "direccion_poblacion",
        "direccion_provincia",
    ],
    [
        "Talleres Peña SL",
        "B12345674",
        "hola@tallerespena.example",
        "931234567",
        "Calle Mayor",
        "5",
        "08001",
        "Barcelona",
        "Barcelona",
    ],
]
CATALAN = [
    [
        "Nom fiscal",
        "NIF",
        "Adreça",
        "Número",
        "Codi postal",
        "Població",
        "Província",
        "Telèfon",
        "Adreça electrònica",
    ],
    [
        "Talleres Peña SL",
        "B12345674",
        "Calle Mayor",
        "5",
        "08001",
        "Barcelona",
        "Barcelona",
        "931234567",
        "hola@tallerespena.example",
    ],
]
ENGLISH = [
    [
        "Company name",
        "VAT number",
        "Street address",
        "ZIP code",
        "City",
        "State/Province",
        "Phone number",
        "E-mail address",
    ],
    [
        "Talleres Peña SL",
        "B12345674",
        "Calle Mayor, 5",
        "08001",
        "Barcelona",
        "Barcelona",
        "931234567",
        "hola@tallerespena.example",
    ],
]
FACTURASCRIPTS = [
    [
        *("codcliente", "nombre", "razonsocial", "cifnif", "tipoidfiscal", "personafisica"),
        *("telefono1", "telefono2", "email", "direccion", "apartado", "codpostal", "ciudad"),
        *("provincia", "codpais", "observaciones", "debaja", "codpago"),
    ],
    [
        *("1", "Peña", "Talleres Peña SL", "B12345674", "CIF", "0", "931234567", ""),
        *("hola@tallerespena.example", "Calle Mayor, 5", "", "08001", "Barcelona", "Barcelona"),
        *("ESP", "paga tarde", "0", "TRANS"),
    ],
]
ODOO = [
    [
        *("id", "name", "vat", "email", "phone", "mobile", "street", "street2", "zip", "city"),
        *("state_id", "country_id", "is_company"),
    ],
    [
        *("__export__.res_partner_1", "Talleres Peña SL", "ESB12345674"),
        *("hola@tallerespena.example", "", "931234567", "Calle Mayor, 5", "2º B", "08001"),
        *("Barcelona", "Barcelona (ES)", "España", "True"),
    ],
]
SPLIT = "number taken out of the street"
NIF = "NIF in capitals, without spaces, dots, hyphens or ES"
ZERO = "the missing leading zero put back"
IBAN = {"iban": "ES9121000418450200051332"}

PROGRAMS: Final[Mapping[str, File]] = {
    "holded": File(
        "holded.xlsx",
        lambda: xlsx(HOLDED, name="Contactos"),
        company(
            address={"country": "España", "country_code": "ES"},
            general_discount=5,
            website="https://www.tallerespena.example",
            preferred_payment_method=IBAN,
        ),
        {
            "address.street": SPLIT,
            "address.number": SPLIT,
            "website": "https:// put in front",
            "preferred_payment_method.iban": "IBAN in capitals, without spaces or hyphens",
        },
    ),
    "holded, its template": File(
        "plantilla.csv",
        lambda: text(HOLDED_TEMPLATE, separator=","),
        company(
            trade_name="Peña",
            contact_person="Ana Peña",
            notes="paga tarde",
            address={"country": "España"},
        ),
        {"address.street": SPLIT, "address.number": SPLIT},
    ),
    "contaplus": File(
        "subcuentas.csv",
        lambda: text(CONTAPLUS, encoding="cp1252"),
        company(address={"street": "C/ Mayor"}),
        {
            "nif": NIF,
            "alternative_id.type": "left out: there is no foreign number in this row",
            "address.street": SPLIT,
            "address.number": SPLIT,
        },
    ),
    "sage": File(
        "clientes sage.xls",
        lambda: xls(SAGE),
        company(),
        {"address.postal_code": ZERO, "address.street": SPLIT, "address.number": SPLIT},
        5,
    ),
    "a3": File(
        "a3.xlsx",
        lambda: xlsx(A3),
        company(address={"floor": "2º", "door": "B"}),
        {"address.postal_code": ZERO, "address.street": "street type put in front"},
    ),
    "factusol": File(
        "F_CLI.ods",
        lambda: ods(FACTUSOL, name="F_CLI"),
        company(trade_name="Peña", contact_person="Ana Peña"),
        {"address.street": SPLIT, "address.number": SPLIT},
    ),
    "quipu": File(
        "quipu.xls",
        lambda: xls(QUIPU),
        company(address={"country_code": "ES"}),
        {
            "nif": NIF,
            "address.country_code": "the code of the country",
            "address.province": "province filled in from the postal code",
            "address.street": SPLIT,
            "address.number": SPLIT,
        },
    ),
    "billin": File(
        "billin.xlsx",
        lambda: xlsx(BILLIN),
        company(preferred_payment_method={"method": "BANK_TRANSFER"}),
        {
            "nif": NIF,
            "address.street": SPLIT,
            "address.number": SPLIT,
            "preferred_payment_method.method": "payment method by its name in BeeL",
        },
    ),
    "facturascripts": File(
        "clientes.csv",
        lambda: text(FACTURASCRIPTS),
        company(
            trade_name="Peña",
            notes="paga tarde",
            address={"country_code": "ES"},
            preferred_payment_method={"method": "BANK_TRANSFER"},
        ),
        {
            "address.street": SPLIT,
            "address.number": SPLIT,
            "address.country_code": "the code of the country",
            "preferred_payment_method.method": "payment method by its name in BeeL",
        },
    ),
    "odoo": File(
        "res.partner.csv",
        lambda: text(ODOO, separator=",", encoding="utf-8-sig"),
        company(address={"floor": "2º", "door": "B", "country": "España"}),
        {
            "nif": NIF,
            "phone": "from a second column, as the first is blank",
            "address.street": SPLIT,
            "address.number": SPLIT,
            "address.floor": "the second line of the address",
            "address.door": "the second line of the address",
            "address.province": "only the province",
        },
    ),
    "beel": File("template_clientes_beel.csv", lambda: text(BEEL, encoding="utf-8-sig"), company()),
    "catalan": File("clients.ods", lambda: ods(CATALAN), company()),
    "english": File(
        "customers.csv",
        lambda: text(ENGLISH, separator="\t", encoding="utf-16"),
        company(),
        {"address.street": SPLIT, "address.number": SPLIT},
    ),
}


def beel(**cells: Any) -> list[list[Any]]:
    """Give BeeL's own columns with other cells in the one row."""
    row = dict(zip(BEEL[0], BEEL[1], strict=True)) | cells
    return [list(row), list(row.values())]


DAMAGED: Final[Mapping[str, File]] = {
    "postal code without its zero": File(
        "a.csv",
        lambda: text(beel(direccion_codigo_postal="8001")),
        company(),
        {"address.postal_code": ZERO},
    ),
    "phone in scientific notation": File(
        "a.csv",
        lambda: text(beel(telefono="9,31234567E+08")),
        company(),
        {"phone": "scientific notation written as digits"},
    ),
    "phone as a float": File(
        "a.csv",
        lambda: text(beel(telefono="931234567.0")),
        company(),
        {"phone": "decimals of a number removed"},
    ),
    "phone as a number": File("a.xlsx", lambda: xlsx(beel(telefono=931234567.0)), company()),
    "NIF with blanks and dashes": File(
        "a.csv", lambda: text(beel(nif="es-b 12.345.674")), company(), {"nif": NIF}
    ),
    "trailing blanks": File(
        "a.xlsx",
        lambda: xlsx(beel(nombre_fiscal=" Talleres  Peña SL \xa0")),
        company(),
        {"legal_name": "blanks removed"},
    ),
    "formulas": File(
        "a.xlsx",
        lambda: xlsx(
            beel(nombre_fiscal=Formula('=CONCAT("Talleres"," Peña SL")', "Talleres Peña SL"))
        ),
        company(),
    ),
    "formula of a text": File(
        "a.csv",
        lambda: text(beel(direccion_codigo_postal='="08001"')),
        company(),
        {"address.postal_code": "formula of a text replaced by the text"},
    ),
    "postal code and town together": File(
        "a.csv",
        lambda: text(beel(direccion_codigo_postal="", direccion_poblacion="08001 - Barcelona")),
        company(),
        {
            "address.postal_code": "postal code taken out of the town",
            "address.city": "postal code taken out of the town",
        },
    ),
    "an address in one column": File(
        "a.xlsx",
        lambda: xlsx(
            [
                ["Cliente", "CIF", "Dirección completa", "Tel.", "Mail"],
                [
                    "Talleres Peña SL",
                    "B12345674",
                    "Calle Mayor, 5, 08001 Barcelona (Barcelona)",
                    "931234567",
                    "hola@tallerespena.example",
                ],
            ]
        ),
        company(),
        {
            "address.street": SPLIT,
            "address.postal_code": "postal code and town taken out of the street",
            "address.city": "postal code and town taken out of the street",
            "address.province": "postal code and town taken out of the street",
            "address.number": SPLIT,
        },
    ),
    "name and surname apart": File(
        "a.ods",
        lambda: ods(
            [
                [
                    "Nombre",
                    "Apellidos",
                    "DNI",
                    "Domicilio",
                    "Nº",
                    "CP",
                    "Localidad",
                    "Provincia",
                    "Móvil",
                    "Correo",
                ],
                [
                    "Ana",
                    "Ruiz Gil",
                    "12345678Z",
                    "Calle Mayor",
                    5,
                    8001,
                    "Barcelona",
                    "Barcelona",
                    "931234567",
                    "hola@tallerespena.example",
                ],
            ]
        ),
        company(legal_name="Ana Ruiz Gil", nif="12345678Z"),
        {"legal_name": "surname put after the name", "address.postal_code": ZERO},
    ),
    "merged cells": File(
        "a.xls",
        lambda: xls(
            [
                BEEL[0],
                [
                    "Otra SL",
                    "A58818501",
                    "",
                    "",
                    "Calle Mayor",
                    "4",
                    "08001",
                    Merge("Barcelona", 2),
                    "Barcelona",
                ],
                [*BEEL[1][:7], None, "Barcelona"],
            ]
        ),
        company(),
        {"address.city": "taken from row 2: merged"},
        3,
    ),
    "an old code page": File(
        "a.csv", lambda: text(beel(), encoding="cp1252", separator=",", end="\n"), company()
    ),
    "a number before the name": File(
        "a.csv",
        lambda: text([["Nº", *BEEL[0]], ["17", *BEEL[1]]]),
        company(),
    ),
    "a foreign customer": File(
        "a.csv",
        lambda: text(
            [
                [
                    "Razón social",
                    "Tipo de documento",
                    "Pasaporte",
                    "País identificación",
                    "Dirección",
                    "Ciudad",
                    "CP",
                    "País",
                ],
                [
                    "Bäcker GmbH",
                    "Pasaporte",
                    "C01X00T47",
                    "de",
                    "Hauptstraße 5",
                    "Berlin",
                    "10115",
                    "DE",
                ],
            ]
        ),
        {
            "legal_name": "Bäcker GmbH",
            "alternative_id": {"type": "PASSPORT", "number": "C01X00T47", "country_code": "DE"},
            "address": {
                "street": "Hauptstraße 5",
                "city": "Berlin",
                "postal_code": "10115",
                "country_code": "DE",
            },
        },
        {
            "alternative_id.type": "type of document by its name in BeeL",
            "alternative_id.country_code": "written in capitals",
            "address.country_code": "the code of the country",
        },
    ),
}
FILES: Final = {**PROGRAMS, **DAMAGED}
