"""Addresses of a list: one column split where that is certain, and what a sheet lost put back."""

import re
import unicodedata
from collections.abc import Iterator
from functools import lru_cache
from typing import Any, Final, NamedTuple

# Official name first; then the other language, the old name, and what people write.
_NAMES: Final = {
    "01": "Álava|Araba|Alaba",
    "02": "Albacete",
    "03": "Alicante|Alacant",
    "04": "Almería",
    "05": "Ávila",
    "06": "Badajoz",
    "07": "Illes Balears|Islas Baleares|Baleares|Balears|Mallorca|Menorca|Ibiza|Eivissa",
    "08": "Barcelona",
    "09": "Burgos",
    "10": "Cáceres",
    "11": "Cádiz",
    "12": "Castellón|Castelló|Castellón de la Plana|Castelló de la Plana",
    "13": "Ciudad Real",
    "14": "Córdoba",
    "15": "A Coruña|La Coruña|Coruña",
    "16": "Cuenca",
    "17": "Girona|Gerona",
    "18": "Granada",
    "19": "Guadalajara",
    "20": "Gipuzkoa|Guipúzcoa",
    "21": "Huelva",
    "22": "Huesca|Uesca",
    "23": "Jaén",
    "24": "León",
    "25": "Lleida|Lérida",
    "26": "La Rioja|Rioja|Logroño",
    "27": "Lugo",
    "28": "Madrid|Comunidad de Madrid",
    "29": "Málaga",
    "30": "Murcia|Región de Murcia",
    "31": "Navarra|Nafarroa|Comunidad Foral de Navarra",
    "32": "Ourense|Orense",
    "33": "Asturias|Asturies|Principado de Asturias|Oviedo",
    "34": "Palencia",
    "35": "Las Palmas|Las Palmas de Gran Canaria|Gran Canaria|Lanzarote|Fuerteventura",
    "36": "Pontevedra",
    "37": "Salamanca",
    "38": "Santa Cruz de Tenerife|Sta. Cruz de Tenerife|S.C. de Tenerife|S.C. Tenerife|Tenerife"
    "|La Gomera|El Hierro",
    "39": "Cantabria|Santander",
    "40": "Segovia",
    "41": "Sevilla",
    "42": "Soria",
    "43": "Tarragona",
    "44": "Teruel",
    "45": "Toledo",
    "46": "Valencia|València",
    "47": "Valladolid",
    "48": "Bizkaia|Vizcaya",
    "49": "Zamora",
    "50": "Zaragoza|Saragossa",
    "51": "Ceuta",
    "52": "Melilla",
}
_ARTICLES: Final = frozenset({"a", "el", "la", "las", "los", "les", "l"})
_SPAIN: Final = frozenset({"", "es", "esp", "espana", "spain", "espanya", "espainia", "espagne"})


def province_of(postal_code: str) -> str | None:
    """Name the province of a postal code; nothing if no Spanish code starts so."""
    names = _NAMES.get(postal_code[:2])
    return names.split("|")[0] if names else None


@lru_cache(maxsize=2_000)  # a list has few provinces, many times
def prefixes_of(province: str) -> frozenset[str]:
    """Give the prefixes that a province's name stands for; none if the name is not known."""
    whole = _PREFIXES.get(_key(province))
    if whole:
        return frozenset({whole})
    parts = (_PREFIXES.get(_key(part)) for part in re.split(r"[/()\-\u2013]", province))
    return frozenset(prefix for prefix in parts if prefix)


@lru_cache(maxsize=2_000)
def is_spain(country: str) -> bool:
    """Whether this is a name or code of Spain; no name counts as Spain."""
    return _key(country) in _SPAIN


def _key(name: str) -> str:
    """Reduce a name to what all its spellings share."""
    plain = unicodedata.normalize("NFKD", name.casefold())
    plain = "".join(mark for mark in plain if not unicodedata.combining(mark))
    return "".join(word for word in re.findall(r"[^\W_]+", plain) if word not in _ARTICLES)


_PREFIXES: Final = {
    _key(name): prefix for prefix, names in _NAMES.items() for name in names.split("|")
}


class Mended(NamedTuple):
    """Parts of an address that take other values, and why."""

    change: str
    parts: dict[str, str]


_LONGEST: Final = 150
# Postal code and town at the end: `…, 28001 Madrid`, `… - 08001 - Barcelona (Barcelona)`.
_TOWN: Final = re.compile(
    r"(?P<street>.*?\S)[\s,.\-\u2013]+(?P<postal_code>[0-9]{5})[\s,.\-\u2013]+"
    r"(?P<city>[^\W\d_][^\d,()]*?)(?:\s*[(,]\s*(?!Espa)(?P<province>[^\W\d_][^\d,()]*?)\s*\)?)?"
    r"(?:\s*[(,]\s*(?:España|Espanya|Spain)\s*\)?)?\.?"
)
_CODE_AND_CITY: Final = re.compile(r"(?P<postal_code>[0-9]{5})[\s,.\-\u2013]+(?P<city>[^\W\d_]\D*)")
_WAY: Final = (
    r"(?:c|c/|cl|cl/|calle|carrer|cr|av|avd|avda|avenida|avinguda|pza|plza|plaza|plaça|pl|pº|paseo"
    r"|passeig|pg|ps|rda|ronda|trav|travesía|travessera|camino|camí|ctra|carretera|rambla|rbla"
    r"|gran vía|gran via|vía|via|cuesta|callejón|pasaje|passatge|urb|urbanización|rúa|rua|kalea)"
)
_MARK: Final = r"(?:n[º°o]\.?|n\.|núm\.?|num\.?|número|#)"
_NUMBER: Final = r"(?P<number>[0-9]{1,4}(?:\s?[a-z])?(?:\s?(?:-|/)\s?[0-9]{1,4})?|s\s?[/.]?\s?n\.?)"
_REST: Final = (
    r"(?:\s*[,.\-]?\s+|\s*,\s*)(?P<floor>(?:[0-9]{1,2}\s?[º°ªo]|bajo|entlo\.?|ático|pral\.?))"
)
_DOOR: Final = (
    r"(?:[\s,.\-]+(?P<door>[a-z]|[0-9]{1,2}\s?[ªa]?|izq(?:da|uierda)?\.?|d(?:cha|erecha)\.?))?"
)
_END: Final = rf"(?:{_REST}{_DOOR})?\s*"
# Certain because a comma or a mark stands before the number, or a kind of way before the name.
_CERTAIN: Final = (
    re.compile(rf"(?P<street>\D.*?)\s*[,\s]\s*{_MARK}\s*{_NUMBER}{_END}", re.IGNORECASE),
    re.compile(rf"(?P<street>[^,]*[^,\s])\s*,\s*{_NUMBER}{_END}", re.IGNORECASE),
    re.compile(rf"(?P<street>{_WAY}[.\s/]+[^\d,]*[^\d,\s])\s+{_NUMBER}{_END}", re.IGNORECASE),
)
# A number behind one of these is no number of a house.
_NOT_A_HOUSE: Final = re.compile(
    r"(?:\b(?:km|kilómetro|kilometro|parcela|nave|polígono|poligono|pol|manzana|bloque"
    r"|local|apartado|aptdo|p\.?o\.? box|sector|fase|de|del|n)|[-/])\.?$",
    re.IGNORECASE,
)


def is_whole(address: dict[str, Any]) -> bool:
    """Whether an address has all that can be found out about it."""
    return (
        len(address.get("postal_code", "")) == 5 and "number" in address and "province" in address
    )


def mended(address: dict[str, Any]) -> Iterator[Mended]:
    """Give one change after the other; each is seen by the next once it was made.

    Nothing is done to an address abroad.
    """
    if not (is_spain(address.get("country", "")) and is_spain(address.get("country_code", ""))):
        return
    if len(address.get("street", "")) > _LONGEST:
        return  # no street, and slow to look through
    if "postal_code" not in address:
        if "city" in address:
            yield from _from_city(address["city"])
        elif "street" in address:
            yield from _from_street(address)
    yield from _zero(address)
    code = address.get("postal_code", "")
    if "province" not in address and re.fullmatch("[0-9]{5}", code) and (name := province_of(code)):
        yield Mended("province filled in from the postal code", {"province": name})
    if "number" not in address and "street" in address:
        yield from _number(address["street"])


def _zero(address: dict[str, Any]) -> Iterator[Mended]:
    """Put a lost zero back if the province does not speak against it."""
    code = address.get("postal_code", "")
    padded = "0" + code
    if not re.fullmatch("[0-9]{4}", code) or not province_of(padded):
        return
    prefixes = prefixes_of(address.get("province", ""))
    if not prefixes or padded[:2] in prefixes:
        yield Mended("the lost zero put back in front", {"postal_code": padded})


def _from_city(city: str) -> Iterator[Mended]:
    found = _CODE_AND_CITY.fullmatch(city)
    if found and province_of(found["postal_code"]):
        yield Mended("postal code taken out of the town", found.groupdict())


def _from_street(address: dict[str, Any]) -> Iterator[Mended]:
    found = _TOWN.fullmatch(address["street"])
    if not found or not province_of(found["postal_code"]):
        return
    parts = {name: text.strip(" ,.-") for name, text in found.groupdict().items() if text}
    named = prefixes_of(parts.get("province", address.get("province", "")))
    if "province" in parts and parts["postal_code"][:2] not in named:
        return  # a word in brackets that is no province, or another one
    if "province" in address:
        parts.pop("province", None)
    yield Mended("postal code and town taken out of the street", parts)


def _number(street: str) -> Iterator[Mended]:
    for pattern in _CERTAIN:
        found = pattern.fullmatch(street)
        if found and not _NOT_A_HOUSE.search(found["street"]):
            parts = {name: text.strip() for name, text in found.groupdict().items() if text}
            if parts["number"].casefold().startswith("s"):
                parts["number"] = "S/N"
            parts["street"] = parts["street"].rstrip(" ,")
            yield Mended("number taken out of the street", parts)
            return
