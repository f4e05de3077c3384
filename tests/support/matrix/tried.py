"""The cells of a test: each is tried, and the figures say how many went wrong in which way."""

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from types import TracebackType

from tests.support.cases import Cases
from tests.support.figures import record
from tests.support.matrix.oracle import DoubledError, LostError, MisreportedError


class Tried(Cases):
    """Collects failures as all cases do, and keeps the figures, whatever came of them.

    `title` and `note` are those of the page's section, `row` names what was tried there, and
    `noun` what is counted.
    """

    def __init__(self, title: str, row: str, note: str, noun: str = "cells") -> None:
        super().__init__()
        self._title, self._row, self._note, self._noun = title, row, note, noun
        self._wrong: Counter[type[Exception]] = Counter()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        figures = {
            self._noun: self.tried,
            "lost": self._wrong[LostError],
            "doubled": self._wrong[DoubledError],
            "misreported": self._wrong[MisreportedError],
        }
        record(self._title, {self._row: figures}, note=self._note)
        super().__exit__(kind, error, trace)

    @contextmanager
    def one(self, *name: object) -> Iterator[None]:
        """Try one; what it raises is told at the end."""
        with super().one(*name):
            try:
                yield
            except Exception as error:
                self._wrong[type(error)] += 1
                raise
