"""Spanish provinces: the first two digits of a postal code, and the names in use."""

import re
import unicodedata
from functools import lru_cache
from typing import Final

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
