"""The statement of an update: every field before and after, and what is delicate."""

import json
from collections.abc import Mapping, Sequence
from typing import Any, Final

from beel_mcp.cleaning import ELLIPSIS, clean, quoted
from beel_mcp.errors import CallerError
from beel_mcp.language import localized
from beel_mcp.messages import field_word
from beel_mcp.settings import Language
from beel_mcp.writes.consent.statement import compose, named
from beel_mcp.writes.journal.plan import Affected, Preview
from beel_mcp.writes.kinds.previous_values import as_shown

# Values are cut to the first of these lengths at which every field finds room; what moves money
# or lets somebody in is never cut shorter than the first.
LIMITS: Final = (60, 40, 30, 20, 12)
_EXACT: Final = 10_000
# What moves money, and who is let in or gets the invoices.
_MONEY: Final = {"nif", "alternative_id", "preferred_payment_method", "general_discount"}
_ACCESS: Final = {"email", "billing_emails", "active"}


def update_statement(
    environment: str, preview: Preview, changes: Mapping[str, Any], language: Language
) -> str:
    """Put it together; the first record has every field of it, however short its values.

    Raises:
        CallerError: not even one record could be shown, and nobody agrees to what they do not see.
    """
    for limit in LIMITS:
        opening = _opening(preview, changes, limit, language)
        labels = [
            _label(affected, preview, changes, limit, language) for affected in preview.affected
        ]
        text = compose(environment, opening, preview, [], language, labels=labels)
        if f"{opening}: {labels[0]}" in text:
            return text
    raise CallerError(
        "These changes are too long to be shown to a person in one sentence. Nobody was asked.",
        code="too_long_to_show",
        remedy="Change some of the fields now, and the others in another call.",
    )


def before_of(affected: Affected) -> dict[str, Any]:
    """Give the values that would go, as they may be shown."""
    before: dict[str, Any] = json.loads(affected.facts["shown"])
    return before


def _opening(preview: Preview, changes: Mapping[str, Any], limit: int, language: Language) -> str:
    number = len(preview.affected)
    if number == 1:
        return localized(language, en="update 1 customer", es="modificar 1 cliente")
    shown = as_shown(changes)
    wanted = ", ".join(
        f"{_field(path, language)} {_value(shown[path], _room(path, limit), language)}"
        f"{_unit(path, shown[path])}"
        for path in changes
    )
    return localized(
        language,
        en=f"update {number} customers, giving each {wanted}; before",
        es=f"modificar {number} clientes y poner en cada uno {wanted}; antes",
    )


def _label(
    affected: Affected, preview: Preview, changes: Mapping[str, Any], limit: int, language: Language
) -> str:
    """Give a record: alone with before and after; among others with what it has now."""
    before, after = before_of(affected), as_shown(changes)
    parts = []
    for path, old in before.items():
        room = _room(path, limit)
        if len(preview.affected) > 1:
            words = _value(old, room, language) + _unit(path, old)
        else:
            new = _after(path, after)
            words = _both(old, new, room, language) + _unit(path, new)
        parts.append(f"{_field(path, language)} {words}")
    return f"{named(affected)}: {', '.join(parts)}"


def _after(path: str, after: Mapping[str, Any]) -> Any:
    """Give what a field would be; of a group that was not there, its parts."""
    if path in after:
        return after[path]
    parts = {name.partition(".")[2]: after[name] for name in after if name.startswith(f"{path}.")}
    return parts or None  # the other identifier makes room


def _room(path: str, limit: int) -> int:
    return LIMITS[0] if path.partition(".")[0] in _MONEY | _ACCESS else limit


def _field(path: str, language: Language) -> str:
    top = path.partition(".")[0]
    mark = ""
    if top in _MONEY:
        mark = localized(language, en=" (money)", es=" (dinero)")
    elif top in _ACCESS:
        mark = localized(language, en=" (access)", es=" (acceso)")
    return field_word(path, language) + mark


def _unit(path: str, value: Any) -> str:
    """Mark a discount as a percentage: nobody may take it for euros."""
    return " %" if path == "general_discount" and value is not None else ""


def _both(old: Any, new: Any, limit: int, language: Language) -> str:
    before, after = _value(old, limit, language), _value(new, limit, language)
    if before == after:
        start = _first_difference(_text(old, language), _text(new, language))
        before = _value(old, limit, language, start)
        after = _value(new, limit, language, start)
    different = localized(language, en=" (another)", es=" (otro)") if before == after else ""
    return f"{before} → {after}{different}"


def _value(value: Any, limit: int, language: Language, start: int = 0) -> str:
    """Give a value in quotes, from `start` on; of a long one the beginning and the end."""
    if value is None:
        return localized(language, en="none", es="vacío")
    if isinstance(value, bool):
        return localized(language, en="yes" if value else "no", es="sí" if value else "no")
    if isinstance(value, list) and not start:
        # Each of them is somebody who gets the invoices: none is cut out of their middle.
        return quoted(", ".join(_cut(clean(str(item), _EXACT), limit) for item in value), _EXACT)
    text = _text(value, language)
    return quoted(_cut(ELLIPSIS + text[start:] if start else text, limit), limit)


def _cut(text: str, limit: int) -> str:
    if len(text) <= limit:
        return text
    # The end of an address says whose it is, as its beginning does not.
    half = (limit - 1) // 2
    return text[:half].rstrip() + ELLIPSIS + text[len(text) - half :].lstrip()


def _text(value: Any, language: Language) -> str:
    if isinstance(value, Mapping):
        return clean(", ".join(_text(part, language) for part in value.values()), _EXACT)
    if isinstance(value, Sequence) and not isinstance(value, str):
        return clean(", ".join(map(str, value)), _EXACT)
    if isinstance(value, float):
        return localized(language, en=f"{value}", es=f"{value}".replace(".", ","))
    return clean("" if value is None else str(value), _EXACT)


def _first_difference(text: str, other: str) -> int:
    """Find where two texts part, a little before it, so that a reader finds the place."""
    for index, (a, b) in enumerate(zip(text, other, strict=False)):
        if a != b:
            return max(index - 5, 0)
    return max(min(len(text), len(other)) - 5, 0)
