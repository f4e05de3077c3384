"""What was carried out already, so that a repeated call does nothing twice."""

from collections import OrderedDict
from typing import Generic, TypeVar

import anyio

T = TypeVar("T")
KEPT = 200


class Outcomes(Generic[T]):
    """The outcomes of one process, by the handle of what was carried out; the oldest ones go."""

    def __init__(self) -> None:
        # One write at a time: two calls with the same handle must not both find nothing.
        self.lock = anyio.Lock()
        self._kept: OrderedDict[str, T] = OrderedDict()

    def keep(self, handle: str, outcome: T) -> None:
        """Remember an outcome."""
        self._kept[handle] = outcome
        while len(self._kept) > KEPT:
            self._kept.popitem(last=False)

    def find(self, handle: str) -> T | None:
        """Give the outcome, if this was carried out."""
        return self._kept.get(handle)
