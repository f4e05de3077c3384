"""How request bodies are read: a rule per field, and all that is wrong with a body at once.

A wrong JSON type or an unlisted choice stops the whole request, as a typed body would; everything
else is collected, so that a bulk row can list all that is wrong with it. What has no rule is passed
over in silence, as BeeL does.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Literal

from .calls import DATE, UUID
from .options import Generation
from .responses import Problem, mistyped, shown, unlisted

Null = Literal["problem", "mistyped", "absent", "clears", "clears by patch"]

JSON_TYPES: Final[Mapping[str, type | tuple[type, ...]]] = {
    "string": str,
    "uuid": str,
    "date": str,
    "number": (int, float),
    "integer": int,
    "boolean": bool,
    "array": list,
    "object": dict,
}
FORMATS: Final = {"uuid": UUID, "date": DATE}
MISSING: Final = object()
NEEDED: Final = "VALIDATION_ERROR"


@dataclass(frozen=True)
class Rule:
    """What one field must be."""

    type: str = "string"
    most: float | None = None  # characters of a string, or the largest number
    least: float = 0
    above: bool = False  # the number must be over `least`, and not just reach it
    pattern: str = ""
    choices: tuple[str | int, ...] = ()
    fields: Mapping[str, "Rule"] = field(default_factory=dict)
    items: "Rule | None" = None
    null: Null = "problem"
    required: str = ""  # the code of its absence
    default: Any = MISSING


class BodyReader:
    """Reads a JSON body by its rules; `problems` has what is wrong with it."""

    def __init__(self, generation: Generation, where: str = "") -> None:
        self.problems: list[Problem] = []
        self._generation = generation
        self._where = where

    def report(self, name: str, message: str, *, value: Any = None, code: str = NEEDED) -> None:
        self.problems.append(Problem(name, shown(value), message, code))

    def read(self, name: str, value: Any, rule: Rule) -> Any:
        """Read one field, and all that is within it."""
        if value is None and rule.null != "mistyped":
            if rule.null == "problem":
                self.report(name, "Must not be null")
            return None
        self._check_type(name, value, rule)
        if rule.fields:
            return self.read_fields(value, rule.fields, within=f"{name}.")
        if rule.items is not None:
            part = "{}[{}]" if rule.items.fields else "{}.{}"
            return [
                self.read(part.format(name, index), item, rule.items)
                for index, item in enumerate(value)
            ]
        if rule.type in FORMATS:
            return FORMATS[rule.type].read(name, value)
        self._check_bounds(name, value, rule)
        return value

    def read_fields(
        self, body: Mapping[str, Any], rules: Mapping[str, Rule], *, within: str = ""
    ) -> dict[str, Any]:
        """Read the fields that are there, and those that have a default."""
        given = {
            name: body[name]
            for name, rule in rules.items()
            if name in body and not (body[name] is None and rule.null == "absent")
        }
        found = {
            name: self.read(within + name, given.get(name, rule.default), rule)
            for name, rule in rules.items()
            if name in given or rule.default is not MISSING
        }
        for name, rule in rules.items():
            if rule.required and name not in given:
                self.report(within + name, "Is required", code=rule.required)
        return found

    def _check_type(self, name: str, value: Any, rule: Rule) -> None:
        # Python takes True for a number.
        fits = isinstance(value, JSON_TYPES[rule.type]) and (
            isinstance(value, bool) == (rule.type == "boolean")
        )
        name = self._where + name
        allowed = tuple(map(str, rule.choices))
        if fits and (not allowed or value in rule.choices):
            return
        if allowed and self._generation == "legacy":
            raise mistyped(name, value, "enumerated value", allowed)
        raise unlisted(name, value, allowed) if fits else mistyped(name, value, rule.type)

    def _check_bounds(self, name: str, value: Any, rule: Rule) -> None:
        if rule.most is None:
            return
        is_text = isinstance(value, str)
        size = len(value) if is_text else value
        if not rule.least <= size <= rule.most or (rule.above and size == rule.least):
            limits = f"{rule.least} to {rule.most}"
            if rule.above:
                limits = f"over {rule.least}, and at most {rule.most}"
            message = f"Must have {limits} characters" if is_text else f"Must be {limits}"
            self.report(name, message, value=value)
        elif rule.pattern and not re.fullmatch(rule.pattern, value, re.ASCII):
            self.report(name, "Does not have the expected form", value=value)
