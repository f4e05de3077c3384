"""Remarks: what is doubtful about a write, for the person who agrees and for the model."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from beel_mcp.cleaning import quoted
from beel_mcp.language import Language, Sentence, localized
from beel_mcp.messages import sentence

NAME_LIMIT: Final = 40


@dataclass(frozen=True)
class Remark:
    """Something doubtful about a field; it forbids nothing.

    `code` is for programs. The sentence stands in both languages, so that a plan keeps it as it was
    shown. `names` are the records that it is about.
    """

    code: str
    field: str
    en: str
    es: str
    names: tuple[str, ...] = ()

    def text(self, language: Language, number: int = 1) -> str:
        """Say it; of `number` records with whom it is about, unless that is all of them."""
        said = localized(language, en=self.en, es=self.es)
        if len(self.names) == number or not any(self.names):
            return said
        more = len(self.names) - 1
        others = localized(language, en=f" and {more} more", es=f" y {more} más") if more else ""
        return f"{quoted(self.names[0], NAME_LIMIT)}{others}: {said}"

    @classmethod
    def said(cls, field: str, code: str, name: str, /, **facts: str | Sentence) -> "Remark":
        """Say one of data/plan_words.toml; what others wrote is given in quotes."""
        return cls(code, field, *sentence("plan_words", f"remark.{code}", **facts), (name,))


def gathered(remarks: Sequence[Remark]) -> tuple[Remark, ...]:
    """Put remarks that say the same into one, with the names of all that it is about."""
    names: dict[tuple[str, str, str, str], list[str]] = {}
    for one in remarks:
        names.setdefault((one.code, one.field, one.en, one.es), []).extend(one.names)
    return tuple(Remark(*said, tuple(who)) for said, who in names.items())
