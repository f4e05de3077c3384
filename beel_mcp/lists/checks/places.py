"""Provinces, and addresses: one column split where that is certain, what a sheet lost put back."""

import re
from collections.abc import Iterator
from functools import cache, lru_cache
from typing import Any, Final, NamedTuple

from beel_mcp.countries import country_of, is_spain, place_key
from beel_mcp.messages import Message, read_data

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
# The second line of an address that holds nothing but these: `2º B`, `Planta 3, puerta 2`.
_FLAT: Final = re.compile(
    r"(?:(?:piso|planta|pl\.?|pis)\s+)?(?P<floor>(?:[0-9]{1,2}\s?[º°ªo]?|bajos?|entlo\.?|ático|pral\.?))"
    r"(?:\s+(?:piso|planta))?"
    r"(?:[\s,.\-]+(?:(?:puerta|pta\.?|porta)\s+)?"
    r"(?P<door>[a-z]|[0-9]{1,2}\s?[ªa]?|izq(?:da|uierda)?\.?|d(?:cha|erecha)\.?))?",
    re.IGNORECASE,
)
_IN_COUNTRY: Final = re.compile(
    r"(?P<name>.+?)\s*(?:\((?P<country>[^()]+)\)|[,/\-]\s*(?P<code>[A-Z]{2,3}|España|Spain))"
)
_TWICE: Final = re.compile(r"(?P<name>[^()]+?)\s*\((?P<other>[^()]+)\)")
# Certain because a comma or a mark stands before the number, or a kind of way before the name.
_CERTAIN: Final = (
    re.compile(rf"(?P<street>\D.*?)\s*[,\s]\s*{_MARK}\s*{_NUMBER}{_END}", re.IGNORECASE),
    re.compile(rf"(?P<street>[^,]*[^,\s])\s*,\s*{_NUMBER}{_END}", re.IGNORECASE),
    re.compile(
        rf"(?P<street>gran v[ií]a|{_WAY}[.\s/]+[^\d,]*[^\d,\s])\s+{_NUMBER}{_END}", re.IGNORECASE
    ),
)
# A number behind one of these is no number of a house.
_NOT_A_HOUSE: Final = re.compile(
    r"(?:\b(?:km|kilómetro|kilometro|parcela|nave|polígono|poligono|pol|manzana|bloque"
    r"|local|apartado|aptdo|p\.?o\.? box|sector|fase|de|del|n)|[-/])\.?$",
    re.IGNORECASE,
)


def province_of(postal_code: str) -> str | None:
    """Name the province of a postal code; nothing if no Spanish code starts so."""
    names = _provinces().get(postal_code[:2])
    return names[0] if names else None


@lru_cache(maxsize=2_000)  # a list has few provinces, many times
def prefixes_of(province: str) -> frozenset[str]:
    """Give the prefixes that a province's name stands for; none if the name is not known."""
    whole = _prefixes().get(place_key(province))
    if whole:
        return frozenset({whole})
    parts = (_prefixes().get(place_key(part)) for part in re.split(r"[/()\-\u2013]", province))
    return frozenset(prefix for prefix in parts if prefix)


@cache
def _provinces() -> dict[str, list[str]]:
    return read_data("provinces")


@cache
def _prefixes() -> dict[str, str]:
    return {place_key(name): prefix for prefix, names in _provinces().items() for name in names}


def province_alone(text: str) -> tuple[str, str | None]:
    """Give a province without its country or second name, and the country if one was there.

    Odoo writes `Madrid (ES)` and `A Coruña (La Coruña) (ES)`, others `Madrid, ESP`.
    """
    country = None
    found = _IN_COUNTRY.fullmatch(text)
    if found and (behind := country_of(found["country"] or found["code"])):
        text, country = found["name"], behind
    found = _TWICE.fullmatch(text)
    if found and prefixes_of(found["name"]) == prefixes_of(found["other"]) != frozenset():
        text = found["name"]
    return text, country


def flat_of(line: str) -> dict[str, str]:
    """Give floor and door of a second line of an address; nothing if it holds anything else."""
    found = _FLAT.fullmatch(line)
    return {name: text for name, text in found.groupdict().items() if text} if found else {}


class Mended(NamedTuple):
    """Parts of an address that take other values, and why."""

    change: Message
    parts: dict[str, str]


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
        yield Mended(Message("change.province"), {"province": name})
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
        yield Mended(Message("change.zero"), {"postal_code": padded})


def _from_city(city: str) -> Iterator[Mended]:
    found = _CODE_AND_CITY.fullmatch(city)
    if found and province_of(found["postal_code"]):
        yield Mended(Message("change.postal_code_from_city"), found.groupdict())


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
    yield Mended(Message("change.town_from_street"), parts)


def _number(street: str) -> Iterator[Mended]:
    for pattern in _CERTAIN:
        found = pattern.fullmatch(street)
        if found and not _NOT_A_HOUSE.search(found["street"]):
            parts = {name: text.strip() for name, text in found.groupdict().items() if text}
            if parts["number"].casefold().startswith("s"):
                parts["number"] = "S/N"
            parts["street"] = parts["street"].rstrip(" ,")
            yield Mended(Message("change.number_from_street"), parts)
            return
