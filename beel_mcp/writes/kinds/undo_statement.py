"""The statement of an undoing: of what and when, what is put back, and what stays as it is."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any, Final

from beel_mcp.cleaning import quoted
from beel_mcp.language import localized, plural
from beel_mcp.messages import field_word, words_of
from beel_mcp.settings import Language
from beel_mcp.writes.consent.statement import NAME_LIMIT, compose, moment_of
from beel_mcp.writes.journal.plan import Affected, LeftOut, Preview
from beel_mcp.writes.kinds.previous_values import as_shown
from beel_mcp.writes.kinds.update_statement import (
    before_and_after,
    careful,
    fitted,
    label,
    matters_of,
    values_put,
)

_NAMED: Final = 5

ChangesOf = Callable[[Affected], Mapping[str, Any]]


def undo_statement(
    environment: str, preview: Preview, changes_of: ChangesOf, language: Language
) -> str:
    """Put it together; one record has every field before and after, several what they get.

    Raises:
        CallerError: not even one record could be shown.
    """
    opening, ending = _opening(preview, language), [_changed_since(preview, language)]
    others = [record for record in preview.left_out if record.code != "changed_since"]
    rest = replace(preview, left_out=tuple(others))
    if preview.terms["of"] == "deactivation":
        return compose(environment, opening, rest, ending, language)

    def wording(limit: int) -> tuple[str, Sequence[str]]:
        labels = [
            label(affected, parts(affected, changes_of(affected), limit))
            + _kept(affected, language)
            for affected in preview.affected
        ]
        return opening, labels

    def parts(affected: Affected, changes: Mapping[str, Any], limit: int) -> list[str]:
        if len(preview.affected) == 1:
            return before_and_after(affected, changes, limit, language)
        return values_put(as_shown(changes), limit, language)

    matters = {matter for one in preview.affected for matter in matters_of(one, changes_of(one))}
    ending.append(careful(matters, language))
    return fitted(environment, rest, ending, language, wording)


def _opening(preview: Preview, language: Language) -> str:
    number = len(preview.affected)
    when = moment_of(float(preview.terms["at"]), language)
    whom = localized(
        language,
        en=f"{number} {plural(number, 'customer', 'customers')}",
        es=f"{number} {plural(number, 'cliente', 'clientes')}",
    )
    if preview.terms["of"] == "deactivation":
        them = plural(number, "marcado como inactivo", "marcados como inactivos")
        return localized(
            language,
            en=f"make {whom} active again, marked as inactive on {when}",
            es=f"volver a activar {whom} {them} el {when}",
        )
    several_en = "" if number == 1 else ", giving each its old values back"
    several_es = "" if number == 1 else " y devolver a cada uno lo que tenía"
    if preview.terms["of"] == "undo":
        return localized(
            language,
            en=f"reverse in {whom} what was undone on {when}{several_en}",
            es=f"recuperar en {whom} lo que se deshizo el {when}{several_es}",
        )
    return localized(
        language,
        en=f"undo in {whom} the change of {when}{several_en}",
        es=f"deshacer en {whom} el cambio del {when}{several_es}",
    )


def _kept(affected: Affected, language: Language) -> str:
    """Name the fields of a record that stay as they are, and why."""
    kept: Mapping[str, Sequence[str]] = json.loads(affected.facts.get("kept", "{}"))
    words = words_of("plan_words")["kept"]
    marks = [
        f" ({words[code][language]}: {', '.join(field_word(path, language) for path in paths)})"
        for code, paths in kept.items()
    ]
    return "".join(marks)


def _changed_since(preview: Preview, language: Language) -> str:
    """Name whom somebody changed since, as far as there is room."""
    changed: list[LeftOut] = [
        record for record in preview.left_out if record.code == "changed_since"
    ]
    if not changed:
        return ""
    number, more = len(changed), len(changed) - _NAMED
    names = ", ".join(quoted(record.name, NAME_LIMIT) for record in changed[:_NAMED])
    if more > 0:
        names += localized(language, en=f" and {more} more", es=f" y {more} más")
    return localized(
        language,
        en=f"Left as {plural(number, 'it is', 'they are')}, changed since then: {names}.",
        es=f"Se {plural(number, 'deja', 'dejan')} como {plural(number, 'está', 'están')}, con"
        f" cambios posteriores: {names}.",
    )
