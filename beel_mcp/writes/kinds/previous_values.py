"""Previous field values: display form (IBAN masked), and the `changes` that restore them."""

import json
from collections.abc import Mapping
from typing import Any, Final

from beel_mcp.api.customer_bodies import IDENTIFIERS
from beel_mcp.api.http.wire import sanitized
from beel_mcp.cleaning import ELLIPSIS, clean, width

IBAN: Final = "preferred_payment_method.iban"
# Above this width of JSON they are in a file, and an answer has the first of them.
SHOWN_LIMIT: Final = 450
_VALUE_LIMIT: Final = 300


def as_shown(values: Mapping[str, Any]) -> dict[str, Any]:
    """Give values as an answer may hold them: cleaned, cut, an account by its last four."""
    return {path: _shown(path, value) for path, value in values.items()}


def as_changes(values: Mapping[str, Any]) -> dict[str, Any]:
    """Give values, one for each field, as the `changes` that put them back."""
    changes: dict[str, Any] = {}
    clear = []
    for path, value in values.items():
        group, _, part = path.rpartition(".")
        if value is None:
            # One identifier takes the place of the other, and needs no word for that.
            if path.partition(".")[0] not in IDENTIFIERS or part == "country_code":
                clear.append(path)
        elif group:
            changes.setdefault(group, {})[part] = value
        else:
            changes[path] = value
    return {**changes, "clear": clear} if clear else changes


def is_whole(values: Mapping[str, Any]) -> bool:
    """Tell whether these values can be shown as they are: only then can they be put back so."""
    return as_shown(values) == values


def needs_file(every: Mapping[str, Mapping[str, Any]]) -> bool:
    """Tell whether an answer could not hold these values, by record, whole and as they are."""
    if not all(map(is_whole, every.values())):
        return True
    return not fits_answer({record_id: as_changes(values) for record_id, values in every.items()})


def fits_answer(changes: Mapping[str, Any]) -> bool:
    """Tell whether an answer has room for changes that put values back, by record."""
    return width(json.dumps(changes, ensure_ascii=False)) <= SHOWN_LIMIT


def _shown(path: str, value: Any) -> Any:
    if isinstance(value, Mapping):
        return {part: _shown(f"{path}.{part}", inner) for part, inner in value.items()}
    if isinstance(value, list):
        return [sanitized(item, _VALUE_LIMIT) for item in value]
    if not isinstance(value, str):
        return value
    if path == IBAN:
        return masked(value)
    text, lines = (
        sanitized(value, _VALUE_LIMIT),
        [sanitized(line, _VALUE_LIMIT) for line in value.split("\n")],
    )
    # Line by line only what is the same as a whole: an account number may run over two lines.
    return "\n".join(lines) if clean(" ".join(lines), len(value) + 1) == text else text


def masked(iban: str) -> str:
    """Give the last four characters of an account, by which its owner knows it."""
    return ELLIPSIS + clean(iban, 40)[-4:]
