"""What fields are called: in the headers of files, in our own lists, and by people.

The names are tables in data/headers.toml, data/second_names.toml and data/field_names.toml.
"""

import difflib
import re
from collections.abc import Iterable, Mapping
from functools import cache, lru_cache
from typing import Any, Final

from beel_mcp.cleaning import quoted, without_accents
from beel_mcp.language import Language
from beel_mcp.lists.model import FIELDS, NAMES, PARTS
from beel_mcp.messages import field_names, read_data

# Not fields of a customer: their text goes behind, or in front of, the field's own.
SURNAME: Final = "+surname"
# The name of a person, in a list that has a column for companies: where that is blank.
FIRST_NAME: Final = "+first_name"
STREET_TYPE: Final = "+street_type"
STREET_2: Final = "+street_2"
# Whether the customer is one still, in the words of the list.
INACTIVE: Final = "+inactive"
ACTIVE: Final = "+active"
# A second column of the same: it counts where the first is blank.
SECOND_PHONE: Final = "+phone"
SECOND_EMAIL: Final = "+email"
# What the columns of BeeL's own template are called.
TEMPLATE: Final = (
    *("nombre_fiscal", "nif", "email", "telefono", "direccion_calle", "direccion_numero"),
    *("direccion_codigo_postal", "direccion_poblacion", "direccion_provincia"),
)
# What a report of ours says of each row: its number in the list that was checked, what came of
# it, what is wrong, what may be meant.
OURS: Final[Mapping[Language, tuple[str, str, str, str]]] = {
    "es": ("BeeL: fila", "BeeL: resultado", "BeeL: problemas", "BeeL: sugerencias"),
    "en": ("BeeL: row", "BeeL: result", "BeeL: problems", "BeeL: suggestions"),
}
_BRACKETS: Final = re.compile(r"\([^()]*\)|\[[^\[\]]*\]")
_LONGEST_NAME: Final = 60


@lru_cache(maxsize=2_000)
def key_of(header: str) -> str:
    """Reduce a header to its letters and digits, in lower case and without accents."""
    return "".join(mark for mark in without_accents(header[:200]) if mark.isalnum())


def meaning_of(header: str) -> tuple[str, int] | None:
    """Tell the field that a header stands for, and from which of its groups; None for no field."""
    meanings = _meanings()
    return meanings.get(key_of(header)) or meanings.get(key_of(_BRACKETS.sub("", header)))


def fields_of(headers: Iterable[str]) -> set[str]:
    """Tell which fields these headers stand for."""
    return {meaning[0] for header in headers if (meaning := meaning_of(header))}


def is_ours(header: str) -> bool:
    """Whether a report of ours has this column: nobody needs to be told that it is no field."""
    return key_of(header) in _our_keys()


def heading_of(field: str, language: Language) -> str:
    """Name a field, or what a problem is about, as the columns of our own lists do."""
    return str(field_names().get(field, {}).get("column", {}).get(language, field))


def unknown_part(name: str, group: str = "") -> str:
    """Name an unknown field, or part of a group, and the nearest right one."""
    asked = f"unknown field {quoted(f'{group}.{name}' if group else name, _LONGEST_NAME)}"
    # Its neighbours go first.
    if group and (part := _nearest(name, dict.fromkeys(PARTS[group]))):
        return f"{asked}; did you mean {group}.{part}?"
    if near := _nearest(name, _known_names(), cutoff=0.7):
        return f"{asked}; did you mean {_known_names()[near]}?"
    return f"{asked}; {group} has {', '.join(PARTS[group])}" if group else asked


def unknown_field(name: str) -> str:
    """Name an unknown field, where parts are named with a dot, and the nearest right one."""
    asked = f"unknown field {quoted(name, _LONGEST_NAME)}"
    if name in PARTS:
        return f"{asked}; name a part of it, such as {name}.{PARTS[name][0]}"
    known = {**_known_names(), **{field: field for field in FIELDS}}
    if near := _nearest(name, known):
        return f"{asked}; did you mean {known[near]}?"
    field, _ = meaning_of(name) or ("", 0)
    return f"{asked}; did you mean {field}?" if field in FIELDS else asked


def _nearest(name: str, known: Mapping[str, Any], cutoff: float = 0.6) -> str | None:
    # Cut before comparing: the time that takes grows with the square of the length.
    found = difflib.get_close_matches(name[:_LONGEST_NAME].casefold(), known, n=1, cutoff=cutoff)
    return found[0] if found else None


@cache
def _known_names() -> dict[str, str]:
    """Give what people call each field, for "did you mean"; never read as that field."""
    columns = {
        heading: field
        for field, names in field_names().items()
        if field in FIELDS
        for heading in (*names["column"].values(), *names.get("also", ()))
    }
    parts = {part: f"{name}.{part}" for name, parts in PARTS.items() for part in parts}
    return {**columns, **parts, **{name: name for name in NAMES}}


def second_meaning_of(header: str) -> str | None:
    """Tell what a name of `legal_name` means in a list that has a better one."""
    second, key = read_data("second_names"), key_of(header)
    return next((field for field, names in second.items() if key in map(key_of, names)), None)


@cache
def _meanings() -> dict[str, tuple[str, int]]:
    return {
        key_of(name): (field, group)
        for field, groups in read_data("headers").items()
        for group, names in enumerate(groups)
        for name in names
    }


@cache
def _our_keys() -> frozenset[str]:
    return frozenset(key_of(header) for headers in OURS.values() for header in headers)
