"""A trial as it is written down: where it starts, what is asked, who asks, how it must end."""

import re
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import UTC, date, datetime, time
from functools import cached_property
from pathlib import Path
from typing import Any, Self, TypeVar

HERE = Path(__file__).parent
FENCE = "+++\n"
T = TypeVar("T")


class TaskError(ValueError):
    """A trial that is not written as README.md says; the text names the file."""


@dataclass(frozen=True)
class Rule:
    """What the person says when they are told something that matches; `once` or every time."""

    when: str
    says: str
    once: bool = False

    def fits(self, text: str) -> bool:
        return re.search(self.when, text, re.IGNORECASE | re.DOTALL) is not None


@dataclass(frozen=True)
class Someone:
    """Whoever asks. `agrees` are the patterns that all stand in what they would say yes to."""

    agrees: tuple[str, ...] = ()
    answers: tuple[Rule, ...] = ()
    form: str = "answers"  # or: dismisses, never sees it

    def wants(self, text: str) -> bool:
        """Tell whether a question is one that they say yes to."""
        found = (re.search(one, text, re.IGNORECASE | re.DOTALL) for one in self.agrees)
        return bool(self.agrees) and all(found)


@dataclass(frozen=True)
class Start:
    """Where a trial begins: a BeeL, an app, files, and what happened before or will happen."""

    today: date = date(2026, 11, 30)
    generation: str = "current"
    shows_forms: bool = True
    settings: Mapping[str, Any] | None = None
    customers: tuple[Mapping[str, Any], ...] = ()
    changes: tuple[Mapping[str, Any], ...] = ()
    invoices: tuple[Mapping[str, Any], ...] = ()
    files: Mapping[str, Mapping[str, Any]] | None = None
    calls: tuple[Mapping[str, Any], ...] = ()
    meanwhile: tuple[Mapping[str, Any], ...] = ()
    outages: tuple[Mapping[str, Any], ...] = ()

    @property
    def now(self) -> datetime:
        return datetime.combine(self.today, time(9), UTC)


@dataclass(frozen=True)
class End:
    """What must be so at the end; whatever is not named must be as it was."""

    since: str = "start"  # or: before the calls, which is where an undo leads back to
    created: tuple[Mapping[str, Any], ...] = ()
    created_count: int | None = None
    changed: tuple[Mapping[str, Any], ...] = ()
    deleted: tuple[str, ...] = ()
    drafts: tuple[Mapping[str, Any], ...] = ()
    drafts_deleted: tuple[Mapping[str, Any], ...] = ()
    files: tuple[Mapping[str, Any], ...] = ()
    must_call: tuple[str | Mapping[str, Any], ...] = ()
    must_not_call: tuple[str | Mapping[str, Any], ...] = ()
    must_say: tuple[str, ...] = ()
    must_not_say: tuple[str, ...] = ()
    amounts: tuple[str, ...] = ()
    asked: tuple[str, ...] = ()
    asked_at_most: int | None = None
    tokens: int = 0


@dataclass(frozen=True)
class Task:
    """One trial."""

    path: Path
    about: str
    language: str
    start: Start
    person: Someone
    end: End
    requests: tuple[str, ...]

    @property
    def name(self) -> str:
        return self.path.stem

    @property
    def chore(self) -> str:
        return self.path.parent.name

    @cached_property
    def is_spanish(self) -> bool:
        return self.language == "es"

    @classmethod
    def read(cls, path: Path) -> Self:
        """Read a trial.

        Raises:
            TaskError: a word in it means nothing, or one is missing.
        """
        empty, head, body = path.read_text(encoding="utf-8").split(FENCE, 2)
        table = tomllib.loads(head)
        requests = tuple(part.strip() for part in body.split("\n---\n"))
        if empty or not all(requests):
            raise TaskError(f"{path.name}: front matter between +++ lines, then what is asked")
        person = dict(table.pop("person", {}))
        person["answers"] = tuple(Rule(**one) for one in person.get("answers", ()))
        task = cls(
            path=path,
            about=table.pop("about"),
            language=table.pop("language"),
            start=_made(Start, table.pop("start", {}), path),
            person=_made(Someone, person, path),
            end=_made(End, table.pop("end"), path),
            requests=requests,
        )
        if table:
            raise TaskError(f"{path.name}: {', '.join(table)} means nothing here")
        return task


def _made(kind: type[T], table: Mapping[str, Any], path: Path) -> T:
    known = {field.name for field in fields(kind)}  # type: ignore[arg-type]
    if strange := table.keys() - known:
        raise TaskError(f"{path.name}: {', '.join(sorted(strange))} means nothing here")
    values = {n: tuple(v) if isinstance(v, list) else v for n, v in table.items()}
    return kind(**values)


def all_tasks() -> Iterator[Task]:
    """Read every trial, in the order of their names."""
    for path in sorted(HERE.glob("*/*.md")):
        yield Task.read(path)


def task_named(name: str) -> Task:
    """Find a trial.

    Raises:
        TaskError: there is none of that name.
    """
    found = [*HERE.glob(f"*/{name}.md")]
    if len(found) != 1:
        raise TaskError(f"there is no trial {name!r}")
    return Task.read(found[0])


def names(tasks: Sequence[Task]) -> list[str]:
    return [task.name for task in tasks]
