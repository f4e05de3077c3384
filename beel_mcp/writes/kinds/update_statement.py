"""The statement of an update: every field before and after, and what is delicate."""

import json
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from typing import Any, Final

from beel_mcp.errors import CallerError
from beel_mcp.language import localized, plural
from beel_mcp.messages import field_word, words_of
from beel_mcp.settings import Language
from beel_mcp.writes.consent.statement import (
    REMARKS_ROOM,
    again_words,
    compose,
    inactive_es,
    named,
)
from beel_mcp.writes.journal.plan import Affected, Preview
from beel_mcp.writes.kinds.previous_values import as_shown
from beel_mcp.writes.kinds.protocol import Detail
from beel_mcp.writes.kinds.value_words import WHOLE, pair_words, value_words

# Values are cut to the first of these lengths at which every field finds room; what moves money
# or lets somebody in is never cut shorter than the first.
LONGEST_VALUE: Final = 300  # on a page, where there is room
LIMITS: Final = (WHOLE, 40, 30, 20, 12)
_PAYMENT: Final = "preferred_payment_method"
# What moves money, and who is let in or gets the invoices: why it is delicate, by field.
_DELICATE: Final[Mapping[str, str]] = {
    "nif": "identity",
    "alternative_id": "identity",
    f"{_PAYMENT}.iban": "account",
    f"{_PAYMENT}.swift": "account",
    _PAYMENT: "payment",
    "general_discount": "discount",
    "email": "recipients",
    "billing_emails": "recipients",
    "active": "active",
}


def update_statement(
    environment: str, preview: Preview, changes: Mapping[str, Any], language: Language
) -> str:
    """Put it together; the first record has every field of it, however short its values.

    Raises:
        CallerError: not even one record could be shown, and nobody agrees to what they do not see.
    """
    ending = [_careful(preview, changes, language)]

    def wording(limit: int) -> tuple[str, Sequence[str]]:
        labels = [
            _label(affected, preview, changes, limit, language) for affected in preview.affected
        ]
        return _opening(preview, changes, limit, language), labels

    return fitted(environment, preview, ending, language, wording)


def fitted(
    environment: str,
    preview: Preview,
    ending: Sequence[str],
    language: Language,
    wording: Callable[[int], tuple[str, Sequence[str]]],
) -> str:
    """Compose a statement of an opening and a label of each record, whose values are cut to fit.

    Raises:
        CallerError: not even one record could be shown, and nobody agrees to what they do not see.
    """
    for room in (REMARKS_ROOM, REMARKS_ROOM // 2):
        for limit in LIMITS:
            opening, labels = wording(limit)
            text = compose(
                *(environment, opening, preview, ending, language),
                labels=labels,
                remarks_room=room,
            )
            if f"{opening}: {labels[0]}" in text:
                return text
    raise CallerError(
        "These changes are too long to be shown to a person in one sentence. Nobody was asked.",
        code="too_long_to_show",
        remedy="Change some of the fields now, and the others in another call.",
    )


def filled_in(affected: Affected) -> dict[str, Any]:
    """Give the values that follow from the changes, and go with them."""
    filled: dict[str, Any] = json.loads(affected.facts.get("filled", "{}"))
    return filled


def _before(affected: Affected) -> dict[str, Any]:
    """Give the values that would go, as they may be shown."""
    before: dict[str, Any] = json.loads(affected.facts["shown"])
    return before


def _opening(preview: Preview, changes: Mapping[str, Any], limit: int, language: Language) -> str:
    number = len(preview.affected)
    one, several = localized(language, en="customer customers", es="cliente clientes").split()
    customers = f"{number} {plural(number, one, several)}"
    if changes.keys() == {"active"}:
        return localized(
            language,
            en=f"make {customers} active again"
            if changes["active"]
            else f"mark {customers} as inactive",
            es=f"volver a activar {customers}" if changes["active"] else inactive_es(number),
        )
    if number == 1:
        return localized(language, en=f"update {customers}", es=f"modificar {customers}")
    wanted = values_put(as_shown(changes), limit, language)
    for path, value in _every_filled(preview).items():
        where = localized(language, en="where it does not fit", es="donde no cuadre")
        words = value_words(path, value, limit, language)
        wanted.append(f"{field_word(path, language)}: {words} {where}")
    return localized(
        language,
        en=f"update {customers}, giving each {', '.join(wanted)}; before",
        es=f"modificar {customers} y poner en cada uno {', '.join(wanted)}; antes",
    )


def _every_filled(preview: Preview) -> dict[str, Any]:
    """Give what is filled in, which is the same for all: it follows from the same changes."""
    return {path: value for one in preview.affected for path, value in filled_in(one).items()}


def _label(
    affected: Affected, preview: Preview, changes: Mapping[str, Any], limit: int, language: Language
) -> str:
    """Give a record: alone with before and after; among others with what it has now."""
    if changes.keys() == {"active"}:
        return named(affected)
    if len(preview.affected) > 1:
        return label(affected, values_put(_before(affected), limit, language))
    return label(affected, before_and_after(affected, changes, limit, language))


def label(affected: Affected, parts: Sequence[str]) -> str:
    """Name a record, and what is said of it."""
    return ", ".join([named(affected), *parts])


def before_and_after(
    affected: Affected, changes: Mapping[str, Any], limit: int, language: Language
) -> list[str]:
    """Give each field with what it has now and what it would have."""
    return [
        f"{one.field}: {one.before} → {one.after}"
        for one in update_details(affected, changes, language, limit)
    ]


def update_details(
    affected: Affected, changes: Mapping[str, Any], language: Language, limit: int = LONGEST_VALUE
) -> list[Detail]:
    """Give each field of a record with what it has now and what it would have, in words."""
    filled = filled_in(affected)
    after = as_shown({**changes, **filled})
    details = []
    for path, old in _before(affected).items():
        room = _room(path, limit)
        before, then = pair_words(path, old, _after(path, after), room, language)
        if path in filled:
            then += localized(language, en=" (from the postal code)", es=" (por el código postal)")
        details.append(Detail(field_word(path, language), before, then))
    return details


def values_put(values: Mapping[str, Any], limit: int, language: Language) -> list[str]:
    """Give fields with a value each, as it may be shown."""
    return [
        f"{field_word(path, language)}: {value_words(path, value, _room(path, limit), language)}"
        for path, value in values.items()
    ]


def _after(path: str, after: Mapping[str, Any]) -> Any:
    """Give what a field would be; of a group that was not there, its parts."""
    if path in after:
        return after[path]
    parts = {name.partition(".")[2]: after[name] for name in after if name.startswith(f"{path}.")}
    return parts or None  # the other identifier makes room


def _room(path: str, limit: int) -> int:
    return max(LIMITS[0], limit) if path.partition(".")[0] in {*_DELICATE} else limit


def _careful(preview: Preview, changes: Mapping[str, Any], language: Language) -> str:
    """Say what is delicate about the fields that change, in the order of the table."""
    matters = {matter for one in preview.affected for matter in matters_of(one, changes)}
    if changes.keys() == {"active"}:
        return "" if changes["active"] else again_words(len(preview.affected), language)
    return careful(matters, language)


def careful(matters: Collection[str], language: Language) -> str:
    """Name what is delicate, in the order of the table."""
    words = [
        text[language]
        for name, text in words_of("plan_words")["careful"].items()
        if name in matters
    ]
    if not words:
        return ""
    last = f"{localized(language, en=' and ', es=' y ')}{words.pop()}" if len(words) > 1 else ""
    listed = ", ".join(words) + last
    return localized(language, en=f"Careful: this changes {listed}.", es=f"Ojo: cambia {listed}.")


def matters_of(affected: Affected, changes: Mapping[str, Any]) -> Iterator[str]:
    """Say what is delicate about the fields of a record that change."""
    for path, old in _before(affected).items():
        parts: Sequence[str] = [path]
        if path == _PAYMENT:  # as a whole: what is in it, before or after
            named_parts = {*(old or {}), *(_after(path, changes) or {})}
            parts = [f"{path}.{part}" for part in named_parts]
        for part in parts:
            if matter := _DELICATE.get(part) or _DELICATE.get(part.partition(".")[0]):
                yield matter
