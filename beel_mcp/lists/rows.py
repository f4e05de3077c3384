"""What a row of a list is, and what BeeL said about it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, Final, Literal, NamedTuple, get_args

from beel_mcp.cleaning import clean
from beel_mcp.identity import bare_nif, customer_key
from beel_mcp.lists.checks import Problem, Severity

Kind = Literal["valid", "warning", "error", "duplicate", "nif_invalid", "unchecked"]
KINDS: Final[tuple[Kind, ...]] = get_args(Kind)
IMPORTABLE: Final[frozenset[Kind]] = frozenset({"valid", "warning"})
NAME_LENGTH: Final = 60


class ValueChange(NamedTuple):
    """A value of a file that was not taken exactly as it stood, and why."""

    row: int
    field: str
    change: str
    before: str | None = None
    after: str | None = None


@dataclass(frozen=True)
class Row:
    """One customer of a list as it was read; its values can be looked at, never changed."""

    number: int
    values: Mapping[str, Any] = field(repr=False)
    problems: tuple[Problem, ...] = field(default=(), repr=False)

    def __post_init__(self) -> None:
        """Keep a copy that nobody can write to."""
        if type(self.values) is not MappingProxyType:
            object.__setattr__(self, "values", _frozen(self.values))

    @property
    def errors(self) -> tuple[Problem, ...]:
        """What makes the row unreadable: such a row is never sent."""
        return self._problems("error") if self.problems else ()

    @property
    def advice(self) -> tuple[Problem, ...]:
        """What looks wrong, and may yet be right."""
        return self._problems("advice") if self.problems else ()

    @property
    def name(self) -> str:
        """The customer's name on one short line, or nothing."""
        return clean(str(self.values.get("legal_name", "")), NAME_LENGTH)

    @property
    def identifier(self) -> str:
        """The number to show: the NIF in capitals without separators, else the foreign one."""
        if nif := self.values.get("nif"):
            return bare_nif(nif)
        return str(self.values.get("alternative_id", {}).get("number", ""))

    @property
    def identity(self) -> str:
        """What tells this customer from all others, or nothing."""
        return customer_key(self.values)

    def payload(self) -> dict[str, Any]:
        """Copy the values into plain dictionaries and lists, ready for JSON."""
        return {name: _plain(value) for name, value in self.values.items()}

    def _problems(self, severity: Severity) -> tuple[Problem, ...]:
        return tuple(problem for problem in self.problems if problem.severity == severity)


@dataclass(frozen=True)
class Verdict:
    """What a check made of one row."""

    kind: Kind
    errors: tuple[Problem, ...] = ()
    warnings: tuple[Problem, ...] = ()
    existing_customer_id: str | None = None
    is_done: bool = False  # the row was created already, from this very list


def _frozen(value: Any) -> Any:
    # Nearly always text; and who has wrapped a mapping already has let go of it.
    if type(value) in (str, MappingProxyType):
        return value
    if isinstance(value, Mapping):
        return MappingProxyType({name: _frozen(part) for name, part in value.items()})
    return tuple(value) if isinstance(value, list) else value


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {name: _plain(part) for name, part in value.items()}
    return list(value) if isinstance(value, tuple) else value
