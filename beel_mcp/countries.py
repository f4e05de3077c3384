"""Countries: which one a code or a name in a language of Spain, or in English, stands for."""

import re
from functools import cache, lru_cache
from typing import Final

from beel_mcp.cleaning import without_accents
from beel_mcp.messages import read_data

# Below it a number is of another country to Spain's census (108) or customs (004): no certain one.
_LEAST_NUMBER: Final = 150
# Words that stand before some names in some lists, in the languages of the table.
_ARTICLES: Final = frozenset({"a", "el", "la", "las", "los", "les", "l", "o", "os", "as", "the"})


@lru_cache(maxsize=2_000)  # a list has few countries, many times
def country_of(text: str) -> str | None:
    """Give the code of two letters; from codes of two, three or digits, or from a name.

    The names are those of Spanish, English, Catalan, Galician and Basque; None for no country.
    """
    text = text.removeprefix("base.")  # as Odoo writes the ids of its countries
    text = text.lstrip("0") if len(text) > 3 and text.isdecimal() else text
    return _codes().get(place_key(text)) or _codes().get(place_key(re.sub(r"\(.*?\)", "", text)))


@lru_cache(maxsize=2_000)
def nearest_country(text: str) -> str | None:
    """Give the code of the one country whose name is nearly this, as of Espaa or Alemnia."""
    import difflib  # noqa: PLC0415 - start-up is measured

    names = [name for name in _codes() if len(name) > 4]
    near = difflib.get_close_matches(place_key(text)[:60], names, n=3, cutoff=0.8)
    codes = {_codes()[name] for name in near}
    return codes.pop() if len(codes) == 1 else None


def is_spain(country: str) -> bool:
    """Whether this is a name or code of Spain; no name counts as Spain."""
    return not country.strip() or country_of(country) == "ES"


@cache
def _codes() -> dict[str, str]:
    table = read_data("countries")
    names = {
        place_key(name): code
        for code, names in table.items()
        for name in names
        if not (name.isdigit() and int(name) < _LEAST_NUMBER)
    }
    return {**names, **{code.casefold(): code for code in table}}


def place_key(name: str) -> str:
    """Reduce the name of a place to what all its spellings share."""
    words = re.findall(r"[^\W_]+", without_accents(name))
    return "".join(word for word in words if word not in _ARTICLES) or "".join(words)
