"""Links that a person opens once, and the sessions that they become."""

import secrets
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, Generic, Literal, TypeVar

import anyio

LINK_TTL: Final = timedelta(minutes=10)
MOST_KEPT: Final = 500

View = Literal["plan", "batch", "package"]
V = TypeVar("V")


@dataclass(frozen=True)
class Target:
    """What a link leads to: a view of one plan, batch or package, and whose it is.

    `may_answer` says that the person may say yes or no there; `until` is when it ends, whatever
    use is made of it.
    """

    view: View
    id: str
    caller: str
    may_answer: bool = False
    until: datetime | None = None


@dataclass(frozen=True)
class _Kept(Generic[V]):
    value: V
    ends_at: datetime


class _Secrets(Generic[V]):
    """Values by secrets of 128 bits; the eldest goes where there are too many."""

    def __init__(self, now: Callable[[], datetime]) -> None:
        self._now = now
        self._kept: OrderedDict[str, _Kept[V]] = OrderedDict()

    def add(self, value: V, ends_at: datetime) -> str:
        secret = secrets.token_urlsafe(16)
        self._kept[secret] = _Kept(value, ends_at)
        if len(self._kept) > MOST_KEPT:
            self._kept.popitem(last=False)
        return secret

    def take(self, secret: str) -> V | None:
        """Give a value that is still kept, and keep it no more."""
        kept = self._kept.pop(secret, None)
        if kept is None or self._now() >= kept.ends_at:  # guard: not too old
            return None
        return kept.value

    def put(self, secret: str, value: V, ends_at: datetime) -> None:
        self._kept[secret] = _Kept(value, ends_at)


class Links:
    """One-time links, for 10 minutes, and the sessions that they become when they are opened.

    A link may stand in an answer, where a model reads it. The secret of its session stands nowhere
    but in the browser that opened it first; it ends 10 minutes after its last use.
    """

    def __init__(self, now: Callable[[], datetime]) -> None:
        self._now = now
        # Where a person answers is kept apart: no number of views pushes it out.
        self._links = {answers: _Secrets[Target](now) for answers in (True, False)}
        self._sessions = {answers: _Secrets[Target](now) for answers in (True, False)}
        self._awaited: dict[str, anyio.Event] = {}

    def offer(self, target: Target) -> str:
        """Make a link: the secret that stands in it."""
        return self._links[target.may_answer].add(target, self._end_of(target))

    def redeem(self, token: str) -> str | None:
        """Open a link, which ends it, and give the secret of its session."""
        target = self._links[True].take(token) or self._links[False].take(token)
        if target is None:
            return None
        if opened := self._awaited.pop(token, None):
            opened.set()
        return self._sessions[target.may_answer].add(target, self._end_of(target))

    async def wait_opened(self, token: str, seconds: float) -> bool:
        """Wait for somebody to open a link; one that nobody opened in time leads nowhere."""
        opened = self._awaited.setdefault(token, anyio.Event())
        try:
            with anyio.move_on_after(seconds):
                await opened.wait()
        finally:
            self._awaited.pop(token, None)
            for links in self._links.values():
                links.take(token)
        return opened.is_set()

    def target(self, session: str) -> Target | None:
        """Tell what a session shows, and keep it for another while."""
        target = self._sessions[True].take(session) or self._sessions[False].take(session)
        if target is not None:
            self._sessions[target.may_answer].put(session, target, self._end_of(target))
        return target

    def _end_of(self, target: Target) -> datetime:
        latest = self._now() + LINK_TTL
        return min(latest, target.until) if target.until else latest
