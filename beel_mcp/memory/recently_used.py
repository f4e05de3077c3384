"""Values kept in memory for a while after their last use, each for its caller alone."""

from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, Generic, TypeVar

V = TypeVar("V")

MAX_PER_CALLER: Final = 20
MAX_IN_ALL: Final = 200


@dataclass(frozen=True)
class _Kept(Generic[V]):
    caller: str
    value: V
    used_at: datetime


class RecentlyUsed(Generic[V]):
    """Keeps 20 values of a caller and 200 in all; the least recently used goes first.

    `forget` is told of each that goes. Calls never wait, so one event loop needs no lock.
    """

    def __init__(
        self,
        now: Callable[[], datetime],
        lasts: timedelta,
        size: Callable[[V], int],
        forget: Callable[[str, str, V], None],
    ) -> None:
        self._now = now
        self._lasts = lasts
        self._size = size
        self._told = forget
        self._kept: OrderedDict[str, _Kept[V]] = OrderedDict()  # the least recently used first

    def __len__(self) -> int:
        return len(self._kept)

    def add(self, key: str, caller: str, value: V, *, most: int) -> None:
        """Keep a value, and so many others that all together are no larger than `most`."""
        self.expire()
        self.put(key, caller, value)
        own = [one for one, kept in self._kept.items() if kept.caller == caller]
        for oldest in own[: max(len(own) - MAX_PER_CALLER, 0)]:
            self._forget(oldest)
        while len(self) > MAX_IN_ALL or (len(self) > 1 and self._size_of_all() > most):
            self._forget(next(iter(self._kept)))

    def put(self, key: str, caller: str, value: V) -> None:
        """Put a value in its place, used just now."""
        self._kept[key] = _Kept(caller, value, self._now())
        self._kept.move_to_end(key)

    def find(self, key: str, caller: str) -> V | None:
        """Give a caller's value, if it is still kept; that is no use of it yet."""
        self.expire()
        kept = self._kept.get(key)
        if kept is None:
            return None
        if kept.caller != caller:  # guard: what is kept is its caller's
            return None
        return kept.value

    def ends_at(self, key: str) -> datetime:
        """Tell when a value that is kept goes if nobody uses it."""
        return self._kept[key].used_at + self._lasts

    def of(self, caller: str) -> list[V]:
        """List a caller's values, the last used first; that is no use of them."""
        self.expire()
        return [kept.value for kept in self._kept.values() if kept.caller == caller][::-1]

    def expire(self) -> None:
        oldest_allowed = self._now() - self._lasts
        for key, kept in list(self._kept.items()):
            if kept.used_at < oldest_allowed:
                self._forget(key)

    def _size_of_all(self) -> int:
        return sum(self._size(kept.value) for kept in self._kept.values())

    def _forget(self, key: str) -> None:
        kept = self._kept.pop(key)
        self._told(key, kept.caller, kept.value)
