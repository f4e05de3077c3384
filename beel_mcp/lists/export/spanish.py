"""What the checks of a list say, in Spanish for the person; the model reads them in English.

A part in braces stands for whatever is said there. What BeeL says is Spanish already.
"""

import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Final

_ADVICE: Final[Mapping[str, str]] = {
    "The control letter does not fit the number: one of the two is mistyped.": (
        "La letra de control no corresponde al número: uno de los dos está mal escrito."
    ),
    "The control character does not fit the number: one of the two is mistyped.": (
        "El carácter de control no corresponde al número: uno de los dos está mal escrito."
    ),
    "The control character at the end is missing.": "Falta el carácter de control del final.",
    "A leading zero seems to be lost: Spanish numbers here have nine characters.": (
        "Parece que se ha perdido el cero inicial: estos números tienen nueve caracteres."
    ),
    "BeeL takes a NIF in capitals, without blanks, dots, dashes or ES in front.": (
        "BeeL admite el NIF en mayúsculas, sin espacios, puntos ni guiones y sin ES delante."
    ),
    "A country without its code: give country_code, or the customer may count as Spanish.": (
        "Falta el código del país: sin él, el cliente puede figurar como español."
    ),
    "Not the shape of an e-mail address: one @, a domain with a dot, no blanks.": (
        "No parece un correo electrónico: lleva una sola @, un dominio con punto y ningún espacio."
    ),
    "Not the shape of a Spanish NIF, NIE or CIF; a foreign number is an alternative_id.": (
        "No parece un NIF, NIE o CIF español; si es un número extranjero, va en"
        " identificacion_extranjera."
    ),
    "The name is missing: BeeL needs legal_name.": (
        "Falta el nombre o razón social: BeeL lo necesita."
    ),
    "Both nif and alternative_id are given: keep nif if the customer has one.": (
        "Hay NIF e identificación extranjera: deje solo el NIF si el cliente lo tiene."
    ),
    "No identifier: give nif, or alternative_id for a foreign customer.": (
        "Falta el NIF o, si el cliente es extranjero, su identificación."
    ),
    "alternative_id needs both type and number.": (
        "La identificación extranjera necesita el tipo y el número."
    ),
    "The address is missing: BeeL needs street, number, postal code, city, province.": (
        "Falta la dirección: BeeL necesita calle, número, código postal, población y provincia."
    ),
    "The address has no {part}: BeeL needs one.": (
        "Falta un dato de la dirección ({part}): BeeL lo necesita."
    ),
    "A Spanish postal code has five digits.": "Un código postal español tiene cinco cifras.",
    "No Spanish postal code starts with these digits (01 to 52).": (
        "Ningún código postal español empieza por estas cifras (van de 01 a 52)."
    ),
    "The postal code lies in another province than the one given.": (
        "El código postal no es de la provincia indicada."
    ),
    "A spreadsheet turned this phone number into a rounded one; type it again as text.": (
        "La hoja de cálculo ha redondeado este teléfono: escríbalo de nuevo como texto."
    ),
    "BeeL takes phones of 9 to 20 digits, blanks, dashes and brackets, with + in front.": (
        "BeeL admite teléfonos de 9 a 20 cifras, espacios, guiones y paréntesis, con + delante."
    ),
    "The IBAN's check digits do not fit: copy it again from the bank's document.": (
        "Los dígitos de control del IBAN no cuadran: cópielo de nuevo del documento del banco."
    ),
    "Not an IBAN of a known country and length: copy it again from the bank's document.": (
        "No es un IBAN de un país y una longitud conocidos: cópielo de nuevo del documento del"
        " banco."
    ),
    "BeeL takes an IBAN in capitals, without blanks, dots or dashes.": (
        "BeeL admite el IBAN en mayúsculas, sin espacios, puntos ni guiones."
    ),
    "Of Spain, alternative_id takes only PASSPORT or NOT_REGISTERED.": (
        "De España, como identificación extranjera solo se admite PASSPORT (pasaporte) o"
        " NOT_REGISTERED (no censado)."
    ),
    "NOT_REGISTERED is for country_code ES only.": (
        "NOT_REGISTERED (no censado) es solo para clientes de España."
    ),
    "The VAT number's check digits do not fit its country: one is mistyped.": (
        "Los dígitos de control del NIF-IVA no son los de su país: hay un error al escribirlo."
    ),
    "The same identifier stands in the list twice: keep one of the rows.": (
        "La misma identificación aparece dos veces en la lista: deje una sola fila."
    ),
    "Nearly the same name at the same address as another row: ask whether it is one.": (
        "Casi el mismo nombre y la misma dirección que otra fila: compruebe si es el mismo cliente."
    ),
    "The same identifier stands earlier in the list.": (
        "La misma identificación ya aparece antes en la lista."
    ),
    "This row was created already, from this list.": (
        "Esta fila ya se dio de alta a partir de esta lista."
    ),
    "BeeL does not accept this row and gives no reason.": (
        "BeeL no acepta esta fila y no indica el motivo."
    ),
    "This identifier is in BeeL already, or earlier in the list.": (
        "Esta identificación ya está en BeeL o antes en la lista."
    ),
    "AEAT does not know this NIF, or not with this name.": (
        "La AEAT no conoce este NIF, o no con este nombre."
    ),
}
_UNREADABLE: Final[Mapping[str, str]] = {
    "Expected text, found {kind}.": "Se esperaba un texto y hay {kind}.",
    "Expected a list of e-mail addresses, found {kind}.": (
        "Se esperaban correos electrónicos y hay {kind}."
    ),
    "Expected an object with {parts}.": "Se esperaban varios datos ({parts}).",
    "Expected a whole number of days.": "Se esperaba un número entero de días.",
    "Expected a percentage such as 5 or 7.5.": "Se esperaba un porcentaje, como 5 o 7,5.",
    "This number is too long to be exact; send it as text.": (
        "Este número es demasiado largo para ser exacto: escríbalo como texto."
    ),
    "A spreadsheet made a date or time of this: type it again as text.": (
        "La hoja de cálculo lo ha convertido en una fecha u hora: escríbalo de nuevo como texto."
    ),
    "The sheet shows an error here: correct the formula or type the value.": (
        "La hoja muestra aquí un error: corrija la fórmula o escriba el valor."
    ),
    "A formula without a saved result: open the file in a spreadsheet program and save it.": (
        "Fórmula sin resultado guardado: abra el archivo en la hoja de cálculo y guárdelo."
    ),
    "The sheet does not show this row: ask the person whether it is meant, too.": (
        "Esta fila está oculta en la hoja: compruebe si también va en la lista."
    ),
    "More cells than headers: put a value that holds the separator in quotes.": (
        "Hay más celdas que columnas: ponga entre comillas el valor que contiene el separador."
    ),
}
_SUGGESTIONS: Final[Mapping[str, str]] = {
    "{number}: the {kind} would be {those}": "{number}: como {kind} correspondería {those}",
    "S/N if there is none": "S/N si no tiene",
    "{code} is {one}; {other} is {codes}": "{code} es {one}; {other} es {codes}",
    "row {row} has it": "también está en la fila {row}",
    "row {row}: {name}": "fila {row}: {name}",
    "alternative_id NIF_IVA {number} ({country}), if the customer is from there": (
        "si el cliente es de allí: identificacion_extranjera {number}, tipo NIF_IVA, país {country}"
    ),
}
_CHANGES: Final[Mapping[str, str]] = {
    "blanks removed": "espacios de más quitados",
    "accents composed": "acentos unidos a su letra",
    "invisible characters removed": "caracteres invisibles quitados",
    "tidied": "texto ordenado",
    "taken from row {row}: merged": "tomado de la fila {row}: celdas combinadas",
    "surname put behind the name": "apellidos puestos detrás del nombre",
    "kind of way in front": "tipo de vía puesto delante",
    "left out: there is no foreign number in this row": (
        "omitido: en esta fila no hay número de identificación extranjera"
    ),
    "left out: not a payment method of BeeL": "omitida: no es una forma de pago de BeeL",
    "the code of the country": "es el código del país",
    "postal code and town taken out of the street": (
        "código postal y población separados de la calle"
    ),
    "postal code taken out of the town": "código postal separado de la población",
    "province filled in from the postal code": "provincia deducida del código postal",
    "the lost zero put back in front": "cero inicial recuperado",
    "number taken out of the street": "número separado de la calle",
    "NIF written without blanks, dots, dashes or ES, in capitals": (
        "NIF en mayúsculas, sin espacios, puntos, guiones ni ES"
    ),
    "IBAN written without blanks or dashes, in capitals": (
        "IBAN en mayúsculas, sin espacios ni guiones"
    ),
    "https:// put in front": "https:// puesto delante",
    "payment method by its name in BeeL": "forma de pago con su nombre en BeeL",
    "kind of document by its name in BeeL": "tipo de documento con su nombre en BeeL",
    "decimals of a number removed": "decimales quitados",
    "written in capitals": "en mayúsculas",
    "formula of a text replaced by the text": "fórmula sustituida por su texto",
    "scientific notation written as digits": "notación científica pasada a cifras",
}
_RULES: Final[Mapping[str, str]] = {
    "is required": "es obligatorio",
    "is not a field of a customer, or of another kind": "no es un dato de un cliente",
    "must be a text": "debe ser un texto",
    "must be one of {choices}": "debe ser uno de estos: {choices}",
    "must have exactly {length} characters": "debe tener exactamente {length} caracteres",
    "must have {least} to {most} characters": "debe tener de {least} a {most} caracteres",
    "must have at most {most} characters": "debe tener como máximo {most} caracteres",
    "must be a {kind} from {least} to {most}": "debe ser un {kind} de {least} a {most}",
    "must be an e-mail address": "debe ser un correo electrónico",
    "must be a list of e-mail addresses": "deben ser correos electrónicos",
    "each {rule}": "cada uno {rule}",
    "must be two capital letters, such as ES": "deben ser dos letras mayúsculas, como ES",
    "must start with a visible character": "debe empezar por un carácter visible",
    "must start with http:// or https://": "debe empezar por http:// o https://",
    "may hold only letters, digits, blanks and . , - / ' º ª{marks}": (
        "solo puede llevar letras, cifras, espacios y . , - / ' º ª{marks}"
    ),
    "may hold only digits, blanks, - ( ) and a leading +": (
        "solo puede llevar cifras, espacios, - ( ) y un + delante"
    ),
    "must be an IBAN without blanks": "debe ser un IBAN sin espacios",
    "must be a BIC of 8 or 11 characters": "debe ser un BIC de 8 u 11 caracteres",
    "must be 9 capital letters and digits": "deben ser 9 letras mayúsculas y cifras",
    "must be built like a NIF, NIE or CIF, such as B12345674": (
        "debe tener la forma de un NIF, NIE o CIF, como B12345674"
    ),
    "holds half a character": "contiene un carácter incompleto",
}
# What stands in the braces, where it is a word of ours.
_WORDS: Final[Mapping[str, str]] = {
    "true or false": "verdadero o falso",
    "text": "texto",
    "null": "nada",
    "an object": "varios datos juntos",
    "a list": "una lista",
    "a number": "un número",
    "number": "número",
    "whole number": "número entero",
    "letter": "letra",
    "digit": "dígito",
    "last character": "último carácter",
    "street": "calle",
    "postal code": "código postal",
    "city": "población",
    "province": "provincia",
    # The parts of a field, where a list of them is asked for.
    "type": "tipo",
    "country_code": "código del país",
    "floor": "piso",
    "door": "puerta",
    "postal_code": "código postal",
    "country": "país",
    "method": "forma de pago",
    "iban": "IBAN",
    "swift": "SWIFT",
    "payment_term_days": "días de pago",
}
_EVERY: Final[Mapping[str, str]] = {
    **_ADVICE,
    **_UNREADABLE,
    **_SUGGESTIONS,
    **_CHANGES,
    **_RULES,
}
_CHOICES: Final = frozenset({"those", "codes"})
_BRACES: Final = re.compile(r"\{(\w+)\}")


@lru_cache(maxsize=2_000)
def in_spanish(text: str) -> str:
    """Say in Spanish what a check of ours said; any other text stays as it is."""
    if known := _EVERY.get(text):
        return known
    for pattern, spanish in _TEMPLATES:
        if found := pattern.fullmatch(text):
            parts = found.groupdict().items()
            return spanish.format(**{name: _part(name, part) for name, part in parts})
    return text


def _part(name: str, text: str) -> str:
    if name in _CHOICES:
        return text.replace(" or ", " o ")
    if name == "parts":
        return ", ".join(_WORDS.get(part, part) for part in text.split(", "))
    return in_spanish(text) if name == "rule" else _WORDS.get(text, text)


def _pattern(english: str) -> re.Pattern[str]:
    # Every second piece is the name of what stands in braces.
    pieces = enumerate(_BRACES.split(english))
    return re.compile(
        "".join(f"(?P<{one}>.*?)" if at % 2 else re.escape(one) for at, one in pieces)
    )


_TEMPLATES: Final = [(_pattern(one), said) for one, said in _EVERY.items() if _BRACES.search(one)]
