"""Who a customer is: the one place that says when two records are the same customer.

A NIF tells a customer from all others. A foreign number does only together with the kind of
document and the country that issued it: two countries may issue the same passport number.
"""

import re
from collections.abc import Mapping
from typing import Any, Final, NamedTuple

_SEPARATORS: Final = re.compile(r"[\s.\-/_]")
_NIF: Final = re.compile(r"[0-9]{8}[A-Z]|[A-HJ-NP-SUVW][0-9]{7}[0-9A-Z]|[XYZ][0-9]{7}[A-Z]")


class ForeignId(NamedTuple):
    """An identifier that is not a NIF; whatever of it was not given is empty."""

    kind: str
    country: str
    number: str

    def may_be(self, other: "ForeignId") -> bool:
        """Tell whether two identifiers can be one: BeeL may leave the kind or the country out."""
        if not self.number or self.number != other.number:
            return False
        pairs = ((self.kind, other.kind), (self.country, other.country))
        return all(mine == theirs or not (mine and theirs) for mine, theirs in pairs)


def foreign_id(kind: object, country: object, number: object) -> ForeignId:
    """Give a foreign identifier in capitals, without blanks around it."""
    return ForeignId(*(str(part or "").strip().upper() for part in (kind, country, number)))


def foreign_id_of(values: Mapping[str, Any]) -> ForeignId:
    """Give the foreign identifier of a customer with the fields that BeeL takes."""
    other = values.get("alternative_id")
    if not isinstance(other, Mapping):
        return ForeignId("", "", "")
    return foreign_id(other.get("type"), other.get("country_code"), other.get("number"))


def customer_key(values: Mapping[str, Any]) -> str:
    """Give what tells a customer from all others; nothing for one without an identifier."""
    if nif := values.get("nif"):
        return f"nif:{bare_nif(str(nif))}"
    foreign = foreign_id_of(values)
    return f"foreign:{'|'.join(foreign)}" if foreign.number else ""


def is_nif(text: str) -> bool:
    """Whether a text is built like a NIF, NIE or CIF, whatever its control character."""
    return bool(_NIF.fullmatch(text))


def bare_nif(text: str) -> str:
    """Write a NIF as the tax agency does: capitals, no separators, no `ES` in front."""
    if len(text) == 9 and text.isalnum() and text.isupper():
        return text
    bare = _SEPARATORS.sub("", text).upper()
    return bare[2:] if len(bare) == 11 and bare.startswith("ES") else bare
