"""What we say of a row, in Spanish: the model reads the English, a person reads their report.

What BeeL itself says of a row is Spanish already, and is passed on as it is. `{}` stands for what
differs from row to row; a catalogue of templates is all that this needs, and gettext's files
would part the two languages that stand side by side here.
"""

import re
from collections.abc import Iterator, Mapping
from functools import cache, lru_cache
from typing import Final

_CATALOGUE: Final = """
# Identifiers
The name is missing: BeeL needs legal_name.
    Falta el nombre o la razón social.
The control letter does not fit the number: one of the two is mistyped.
    La letra no corresponde al número: una de las dos cosas está mal escrita.
The control character does not fit the number: one of the two is mistyped.
    El carácter de control no corresponde al número: una de las dos cosas está mal escrita.
The control character at the end is missing.
    Falta el carácter de control del final.
A leading zero seems to be lost: Spanish numbers here have nine characters.
    Parece que se ha perdido un cero por delante: un NIF tiene nueve caracteres.
BeeL takes a NIF in capitals, without blanks, dots, dashes or ES in front.
    El NIF va en mayúsculas, sin espacios, puntos, guiones ni ES delante.
Not the shape of a Spanish NIF, NIE or CIF; a foreign number is an alternative_id.
    No tiene forma de NIF, NIE ni CIF; un número extranjero va en «Identificación extranjera».
Both nif and alternative_id are given: keep nif if the customer has one.
    Hay NIF e identificación extranjera: deje solo el NIF si el cliente lo tiene.
No identifier: give nif, or alternative_id for a foreign customer.
    Falta el NIF, o la identificación extranjera si el cliente es de fuera.
alternative_id needs both type and number.
    La identificación extranjera necesita el tipo y el número.
Of Spain, alternative_id takes only PASSPORT or NOT_REGISTERED.
    De España solo se admite PASSPORT (pasaporte) o NOT_REGISTERED (no censado).
NOT_REGISTERED is for country_code ES only.
    NOT_REGISTERED (no censado) es solo para el país ES.
The VAT number's check digits do not fit its country: one is mistyped.
    Los dígitos de control del NIF-IVA no corresponden a su país: hay un error al escribirlo.
{}: the letter would be {}
    {}: la letra sería {}
{}: the digit would be {}
    {}: el dígito sería {}
{}: the last character would be {}
    {}: el último carácter sería {}
alternative_id NIF_IVA {} of {}, if the customer is from there
    identificación extranjera NIF_IVA {} de {}, si el cliente es de allí

# Repeated rows
The same identifier stands in the list twice: keep one of the rows.
    El mismo NIF está dos veces en la lista: deje una de las filas.
Nearly the same name at the same address as another row: ask whether it is one.
    Casi el mismo nombre en la misma dirección que otra fila: mire si es el mismo cliente.
row {} has it
    lo tiene la fila {}
row {}: {}
    fila {}: {}
The same identifier stands earlier in the list, in row {}.
    El mismo NIF está antes en la lista, en la fila {}.
This row was created already, from this list.
    Esta fila ya se dio de alta a partir de esta lista.
BeeL does not accept this row and gives no reason.
    BeeL no admite esta fila y no dice por qué.
This identifier is in BeeL already, or earlier in the list.
    Este NIF ya está en BeeL o antes en la lista.
AEAT does not know this NIF, or not with this name.
    Este NIF no consta en la AEAT, o no con este nombre.

# Addresses
The address is missing: BeeL needs street, number, postal code, city, province.
    Falta la dirección: calle, número, código postal, población y provincia.
The address has no street: BeeL needs one.
    Falta la calle.
The address has no number: BeeL needs one.
    Falta el número de la calle.
The address has no postal code: BeeL needs one.
    Falta el código postal.
The address has no city: BeeL needs one.
    Falta la población.
The address has no province: BeeL needs one.
    Falta la provincia.
S/N if there is none
    S/N si no lo hay
A country without its code: give country_code, or the customer may count as Spanish.
    Falta el código del país; sin él, el cliente puede contar como español.
A Spanish postal code has five digits.
    Un código postal español tiene cinco cifras.
No Spanish postal code starts with these digits (01 to 52).
    Ningún código postal español empieza así (van del 01 al 52).
The postal code lies in another province than the one given.
    El código postal es de otra provincia.
{} is {}; {} is {}
    {} es {}; {} es {}

# Contact and payment
Not the shape of an e-mail address: one @, a domain with a dot, no blanks.
    No es un correo electrónico: una @, un dominio con punto y sin espacios.
BeeL takes phones of 9 to 20 digits, blanks, dashes and brackets, with + in front.
    El teléfono lleva de 9 a 20 cifras, espacios, guiones o paréntesis, con + delante o sin él.
A spreadsheet turned this phone number into a rounded one; type it again as text.
    La hoja de cálculo ha redondeado este teléfono; escríbalo otra vez como texto.
The IBAN's check digits do not fit: copy it again from the bank's document.
    Los dígitos de control del IBAN no cuadran: cópielo otra vez del documento del banco.
Not an IBAN of a known country and length: copy it again from the bank's document.
    No es un IBAN de ningún país conocido: cópielo otra vez del documento del banco.
BeeL takes an IBAN in capitals, without blanks, dots or dashes.
    El IBAN va en mayúsculas, sin espacios, puntos ni guiones.

# Values of the wrong kind
Expected text, found {}.
    No es un texto ({}).
Expected a list of e-mail addresses, found {}.
    No es una lista de correos ({}).
Expected an object with {}.
    Faltan sus partes: {}.
Expected a whole number of days.
    Tiene que ser un número entero de días.
Expected a percentage such as 5 or 7.5.
    Tiene que ser un porcentaje, como 5 o 7,5.
This number is too long to be exact; send it as text.
    Este número es demasiado largo para ser exacto; escríbalo como texto.
A spreadsheet made a date or time of this: type it again as text.
    La hoja de cálculo lo convirtió en una fecha u hora; escríbalo otra vez como texto.
The sheet shows an error here: correct the formula or type the value.
    La hoja muestra aquí un error: corrija la fórmula o escriba el valor.
A formula without a saved result: open the file in a spreadsheet program and save it.
    Una fórmula sin resultado guardado: abra el archivo en la hoja de cálculo y guárdelo.
The sheet does not show this row: ask the person whether it is meant, too.
    La hoja tiene oculta esta fila: mire si también cuenta.
More cells than headers: put a value that holds the separator in quotes.
    Hay más celdas que encabezados: un valor con el separador dentro va entre comillas.

# What the requests of BeeL take
is required
    es obligatorio
must be a text
    tiene que ser un texto
must be a whole number from {} to {}
    tiene que ser un número entero de {} a {}
must be a number from {} to {}
    tiene que ser un número de {} a {}
must be one of {}
    tiene que ser uno de estos: {}
must have exactly {} characters
    tiene que tener exactamente {} caracteres
must have {} to {} characters
    tiene que tener de {} a {} caracteres
must have at most {} characters
    puede tener {} caracteres como mucho
holds half a character
    contiene medio carácter
must be an e-mail address
    tiene que ser un correo electrónico
must be a list of e-mail addresses
    tiene que ser una lista de correos
each {}
    cada uno {}
must be two capital letters, such as ES
    tienen que ser dos mayúsculas, como ES
must start with a visible character
    tiene que empezar por un carácter visible
may hold only letters, digits, blanks and . , - / ' º ª
    solo admite letras, cifras, espacios y . , - / ' º ª
may hold only letters, digits, blanks and . , - / ' º ª {}
    solo admite letras, cifras, espacios y . , - / ' º ª {}
may hold only digits, blanks, - ( ) and a leading +
    solo admite cifras, espacios, - ( ) y un + delante
must start with http:// or https://
    tiene que empezar por http:// o https://
must be an IBAN without blanks
    tiene que ser un IBAN sin espacios
must be a BIC of 8 or 11 characters
    tiene que ser un BIC de 8 u 11 caracteres
must be 9 capital letters and digits
    tienen que ser 9 mayúsculas y cifras
must be built like a NIF, NIE or CIF, such as B12345674
    tiene que tener forma de NIF, NIE o CIF, como B12345674
is not a field of a customer, or of another kind
    no es un dato de un cliente, o es de otra clase

# What was changed while reading
blanks removed
    espacios quitados
accents composed
    acentos compuestos
invisible characters removed
    caracteres invisibles quitados
tidied
    ordenado
taken from row {}: merged
    tomado de la fila {}: celdas combinadas
surname put behind the name
    apellidos puestos detrás del nombre
kind of way in front
    tipo de vía puesto delante
left out: there is no foreign number in this row
    omitido: esta fila no tiene número extranjero
left out: not a payment method of BeeL
    omitido: no es una forma de pago de BeeL
the code of the country
    código del país
postal code and town taken out of the street
    código postal y población sacados de la calle
province filled in from the postal code
    provincia deducida del código postal
the lost zero put back in front
    el cero perdido, repuesto delante
postal code taken out of the town
    código postal sacado de la población
number taken out of the street
    número sacado de la calle
NIF written without blanks, dots, dashes or ES, in capitals
    NIF escrito en mayúsculas, sin espacios, puntos, guiones ni ES
IBAN written without blanks or dashes, in capitals
    IBAN escrito en mayúsculas, sin espacios ni guiones
https:// put in front
    https:// puesto delante
payment method by its name in BeeL
    forma de pago con su nombre en BeeL
kind of document by its name in BeeL
    tipo de documento con su nombre en BeeL
decimals of a number removed
    decimales de un número quitados
formula of a text replaced by the text
    fórmula de un texto sustituida por el texto
scientific notation written as digits
    notación científica escrita con cifras
written in capitals
    escrito en mayúsculas
"""


def _pairs(catalogue: str) -> Iterator[tuple[str, str]]:
    """Read the catalogue: each English line is followed by its Spanish, set in."""
    english = ""
    for line in catalogue.splitlines():
        if line.startswith("    "):
            yield english, line.strip()
        elif not line.startswith("#"):
            english = line


_SENTENCES: Final[Mapping[str, str]] = dict(_pairs(_CATALOGUE))
# What stands in the place of `{}` and is English, too.
_WORDS: Final[Mapping[str, str]] = {
    "true or false": "sí o no",
    "an object": "un objeto",
    "a list": "una lista",
    "a number": "un número",
    "null": "nada",
}


@lru_cache(maxsize=2_000)  # a list has few different problems, many times
def in_spanish(text: str) -> str:
    """Say a sentence of ours in Spanish; any other text is given back as it is."""
    if text in _SENTENCES:
        return _SENTENCES[text]
    for pattern, spanish in _templates():
        if found := pattern.fullmatch(text):
            parts = [_part(part) for part in found.groups()]
            return spanish.format(*parts)
    return text


def _part(text: str) -> str:
    if text in _WORDS:
        return _WORDS[text]
    said = in_spanish(text) if text in _SENTENCES or text.startswith("must ") else text
    return said.replace(" or ", " o ")


@cache
def _templates() -> list[tuple[re.Pattern[str], str]]:
    """Make patterns of the templates; the longest first, as one may begin like another."""
    found = [(english, spanish) for english, spanish in _SENTENCES.items() if "{}" in english]
    return [
        (re.compile(re.escape(english).replace(r"\{\}", "(.+?)"), re.DOTALL), spanish)
        for english, spanish in sorted(found, key=lambda pair: -len(pair[0]))
    ]
