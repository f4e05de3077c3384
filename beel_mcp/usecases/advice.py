"""The checks of lists for what comes otherwise: changes, customers and drafts in a call."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from beel_mcp.api.client import BeelClient
from beel_mcp.api.models import Customer
from beel_mcp.cleaning import quoted
from beel_mcp.countries import is_spain
from beel_mcp.language import Language
from beel_mcp.lists.batch import Batch
from beel_mcp.lists.checks.duplicates import names_alike, words_of
from beel_mcp.lists.checks.fields import advise
from beel_mcp.lists.checks.places import prefixes_of, province_of
from beel_mcp.lists.inline import concerns
from beel_mcp.lists.model import Problem, Row, ValueChange, get_value
from beel_mcp.messages import VERBATIM, Message
from beel_mcp.writes.journal.remarks import Remark
from beel_mcp.writes.kinds.protocol import for_each_limited

# What the postal code is held against: a doubt about one is a doubt about the others.
_PLACE: Final = frozenset(
    f"address.{part}" for part in ("postal_code", "province", "country", "country_code")
)
LANGUAGES: Final[tuple[Language, ...]] = ("en", "es")
_FACT_LENGTH: Final = 40
_WORDS_LENGTH: Final = 120  # of BeeL's own
_MOST_SEARCHES: Final = 2
_PAGE_SIZE: Final = 50
# Of longer lists the names are not looked up: each is a request or two.
MOST_LOOKED_UP: Final = 10


@dataclass(frozen=True)
class ListAdvice:
    """What the checks say of a customer's values, and who in BeeL is called nearly the same."""

    beel: BeelClient

    def remarks(self, values: Mapping[str, Any], fields: Iterable[str]) -> Sequence[Remark]:
        """Say what is doubtful about these fields of a customer."""
        given = _without_none(values)
        asked = set(fields)
        if asked & _PLACE:
            asked |= _PLACE
        return [
            remark_of(problem, str(given.get("legal_name", "")))
            for problem in advise(given)
            if any(concerns(problem.field, field) for field in asked)
        ]

    def province(self, address: Mapping[str, Any]) -> str | None:
        """Name the province of a Spanish postal code, if the address has another one or none."""
        parts = _without_none(address)
        code, province = str(parts.get("postal_code", "")), str(parts.get("province", ""))
        abroad = not all(is_spain(str(parts.get(part, ""))) for part in ("country", "country_code"))
        if abroad or len(code) != 5 or not code.isdecimal() or code[:2] in prefixes_of(province):
            return None
        return province_of(code)

    async def namesakes(self, name: str) -> Sequence[Customer]:
        """Find customers in BeeL who are called nearly the same, by two requests at most."""
        found: dict[str, Customer] = {}
        for word in words_of(name)[:_MOST_SEARCHES]:
            page = await self.beel.customers.list(search=word, limit=_PAGE_SIZE)
            found |= {one.id: one for one in page.items if names_alike(name, one.legal_name)}
        return [*found.values()]


async def with_namesakes(batch: Batch, beel: BeelClient) -> Batch:
    """Remark of each of a few customers who in BeeL is called nearly the same."""
    rows = batch.importable()
    if len(rows) > MOST_LOOKED_UP:
        return batch
    advice, verdicts = ListAdvice(beel), dict(batch.verdicts)

    async def look_up(row: Row) -> None:
        if others := await advice.namesakes(row.name):
            hint = Message(
                "duplicate.named_in_beel", name=others[0].legal_name, id=others[0].nif or "-"
            )
            problem = Problem("legal_name", Message("duplicate.name_in_beel"), row.name, hint)
            known = verdicts[row.number]
            warnings = (*known.warnings, problem)
            verdicts[row.number] = known._replace(kind="warning", warnings=warnings)

    await for_each_limited(look_up, rows)
    return replace(batch, verdicts=verdicts)


def remark_of(problem: Problem, name: str) -> Remark:
    """Make a remark of what a check found; what others wrote stands in quotes in it."""
    code = problem.message.code
    length = _WORDS_LENGTH if code == VERBATIM else _FACT_LENGTH
    parts = [
        part.map_texts(lambda text: quoted(text, length))
        for part in (problem.message, problem.suggestion)
        if part is not None
    ]
    english, spanish = (_in_brackets([part.text(one) for part in parts]) for one in LANGUAGES)
    code = "beel_warning" if code == VERBATIM else code.replace(".", "_")
    return Remark(code, problem.field, english, spanish, (name,))


def filled_in(batch: Batch) -> list[Remark]:
    """Remark of what was put into the addresses of a list that came in a call.

    A file is not said here: whoever asks for its creation has seen the check of it.
    """
    if batch.source != "inline":
        return []
    rows = {row.number: row for row in batch.importable()}
    return [
        _filled_in(change, rows[change.row].name)
        for change in batch.values_changed
        if change.field.startswith("address.")
        and change.row in rows
        and get_value(rows[change.row].values, change.field) == change.after
    ]


def _filled_in(change: ValueChange, name: str) -> Remark:
    told = [change.change.text(one) for one in LANGUAGES]
    value = quoted(change.after or "", _FACT_LENGTH)
    english, spanish = (f"{text[0].upper()}{text[1:]}: {value}." for text in told)
    return Remark(change.change.code.replace(".", "_"), change.field, english, spanish, (name,))


def _in_brackets(texts: Sequence[str]) -> str:
    """Put the hint behind what it is about."""
    said, *hints = texts
    return f"{said.rstrip('.')} ({hints[0]})." if hints else said


def _without_none(values: Mapping[str, Any]) -> dict[str, Any]:
    return {
        name: _without_none(value) if isinstance(value, Mapping) else value
        for name, value in values.items()
        if value is not None
    }
