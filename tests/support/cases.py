"""Many cases in one test: every one is tried, and all that failed are told together."""

from collections.abc import Iterator
from contextlib import contextmanager
from types import TracebackType
from typing import Self

import pytest

MOST_TOLD = 20


class Cases:
    """Collects failures: `with Cases() as cases: … with cases.one(status, shape): assert …`."""

    def __init__(self) -> None:
        self.tried = 0
        self._failed: list[str] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if kind is None:
            assert self.tried, "no case was tried"
            told = "\n".join(self._failed[:MOST_TOLD])
            assert not self._failed, f"{len(self._failed)} of {self.tried} cases failed:\n{told}"

    @contextmanager
    def one(self, *name: object) -> Iterator[None]:
        self.tried += 1
        try:
            yield
        except (Exception, pytest.fail.Exception) as error:  # noqa: BLE001 - it is told at the end
            shown = " / ".join(str(part) for part in name)
            self._failed.append(f"{shown}: {type(error).__name__}: {error}")
