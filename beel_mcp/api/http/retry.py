"""When a request is sent again: a rule per endpoint, waits, a quota, a breaker, one deadline."""

import logging
import math
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from random import random as any_fraction
from typing import Final, TypeVar

import anyio

from beel_mcp.api.http.limits import Limits
from beel_mcp.api.http.wire import PROCESSING, Outgoing
from beel_mcp.errors import (
    ApiError,
    ConflictError,
    NotSentError,
    RateLimitedError,
    UnknownOutcomeError,
)

MOST_ATTEMPTS: Final = 3
FIRST_BACKOFF_S: Final = 0.5
LONGEST_BACKOFF_S: Final = 8.0  # never reached with three attempts; the table's ceiling
LONGEST_WAIT_S: Final = 30.0  # that BeeL may ask for; beyond, the caller is told instead
MARGIN_S: Final = 2.0  # of a call, kept for its answer
OPENS_AFTER: Final = 5
OPEN_S: Final = 30.0
TOKENS: Final = 10.0
REFILL: Final = 0.1
T = TypeVar("T")
logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class RetryRule:
    """After which failures a request is sent again, besides those that did nothing for sure.

    What never left and what BeeL turned away with a 429 is sent again whatever the endpoint.
    `lost` is how many lost or unreadable answers are asked for once more.
    """

    server_errors: frozenset[int] = frozenset()
    lost: int = 0
    while_processing: bool = False  # BeeL is still at work on the same idempotency key

    def allows(self, error: ApiError, lost: int) -> bool:
        """Tell whether `error` is worth another attempt, with `lost` answers lost by now."""
        match error:
            case NotSentError():
                return error.retryable
            case RateLimitedError():
                return True
            case ConflictError():
                return self.while_processing and error.code == PROCESSING
            case UnknownOutcomeError():
                return error.status in self.server_errors or (is_lost(error) and lost <= self.lost)
        return False


READ: Final = RetryRule(frozenset({500, 502, 503, 504}), lost=2)
DRY_RUN: Final = RetryRule(frozenset({502, 503, 504}), lost=1)
FILE: Final = RetryRule(frozenset({502, 503, 504}), lost=2)
KEYED_WRITE: Final = RetryRule(while_processing=True)
PLAIN_WRITE: Final = RetryRule()  # what got lost is settled by reading, never by sending again


def is_lost(error: ApiError) -> bool:
    """Tell whether a request left and no answer came back, or none that could be read."""
    if not isinstance(error, UnknownOutcomeError):
        return False
    return error.status is None or 200 <= error.status < 300


class Breaker:
    """Opens after 5 failures in a row; 30 s later one request may try. Any answer closes it."""

    def __init__(self, now: Callable[[], float]) -> None:
        self._now = now
        self._failures = 0
        self._opened_at: float | None = None
        self.probe: anyio.Event | None = None  # set once the request that may try has ended

    @property
    def blocked_for_s(self) -> float:
        """Seconds for which nothing is sent; 0 when a request may leave now."""
        if self._opened_at is None:
            return 0.0
        left = self._opened_at + OPEN_S - self._now()
        # How long a probe takes is not known; whoever meets one asks again soon.
        return max(left, 1.0 if self.probe else 0.0)

    @contextmanager
    def attempt(self) -> Iterator[Callable[[ApiError | None], None]]:
        """Let a request through; the function given takes its error, or None for a success.

        Raises:
            NotSentError: the breaker is open.
        """
        if (seconds := math.ceil(self.blocked_for_s)) > 0:
            raise NotSentError(
                "BeeL could not be reached several times in a row, so it is left alone for a "
                "moment; the request was not sent.",
                code="circuit_open",
                retryable=True,
                retry_after_s=seconds,
            )
        probe = None if self._opened_at is None else anyio.Event()
        is_probe, self.probe = probe is not None, probe or self.probe

        def record(error: ApiError | None) -> None:
            is_answer = error is not None and error.status is not None and error.status < 500
            # A stored failure that is repeated is an old one: BeeL is there.
            if error is None or is_answer or error.is_replay:
                self._failures, self._opened_at = 0, None
            # What the person has to mend says nothing about BeeL.
            elif error.retryable or not isinstance(error, NotSentError):
                self._failures += 1
                if is_probe or (self._opened_at is None and self._failures >= OPENS_AFTER):
                    self._opened_at = self._now()

        try:
            yield record
        finally:  # a probe that was cancelled taught nothing, and must not bar the next one
            if probe is not None:
                probe.set()
                self.probe = None


class Quota:
    """Retries of one process: 10, which only success gives back, so that a storm soon has none."""

    def __init__(self) -> None:
        self.tokens = TOKENS

    def take(self) -> bool:
        if self.tokens < 1:
            return False
        self.tokens -= 1
        return True

    def succeeded(self, *, after_retry: bool) -> None:
        """Give back the token of the retry that helped; a plain success gives a tenth."""
        self.tokens = min(TOKENS, self.tokens + (1.0 if after_retry else REFILL))


@dataclass
class _Progress:
    rule: RetryRule
    patience_ends: float  # nothing is begun after it
    attempts: int = 0
    lost: int = 0
    doubt: ApiError | None = None
    last: ApiError | None = None

    def note(self, error: ApiError) -> None:
        """Count a failed attempt. A doubt stays, whatever comes of later attempts."""
        self.attempts += 1
        self.last = error
        self.lost += is_lost(error)
        if error.changed == "unknown":
            self.doubt = error


class Retries:
    """Sends requests again where that helps and cannot do harm; one per client, so per key."""

    def __init__(
        self,
        *,
        now: Callable[[], float] = anyio.current_time,
        sleep: Callable[[float], Awaitable[None]] = anyio.sleep,
        random: Callable[[], float] = any_fraction,
        limits: Limits | None = None,
    ) -> None:
        self._limits = limits
        self._now = now
        self._sleep = sleep
        self._random = random
        self._breaker = Breaker(self._now)
        self._quota = Quota()
        self._has_waiter = False

    async def run(
        self, send: Callable[[float], Awaitable[T]], rule: RetryRule, request: Outgoing
    ) -> T:
        """Send a request, at most 3 times, within its deadline; `send` gets the seconds left.

        Raises:
            NotSentError: it never left; also when there is no time, or BeeL is left alone.
            ApiError: the failure of the last attempt, unless an earlier one is in doubt.
        """
        now = self._now()
        left_of_call = anyio.current_effective_deadline() - anyio.current_time() - MARGIN_S
        patience_s = min(request.deadline_s, left_of_call)
        # A write that is cut short leaves nobody knowing what it did.
        ends = now + (request.deadline_s if request.is_write else patience_s)
        if ends <= now:
            raise NotSentError(
                "There was no time left to ask BeeL.", code="no_time_left", retryable=True
            )
        progress = _Progress(rule, now + patience_s)
        while True:
            error: ApiError
            await self._wait_for_probe(progress)
            with self._breaker.attempt() as record:
                await self._wait_for_room(progress, request)
                try:
                    response = await send(ends - self._now())
                except ApiError as caught:
                    error = caught
                    record(error)
                else:
                    record(None)
                    self._quota.succeeded(after_retry=progress.attempts > 0)
                    return response
            progress.note(error)
            if not await self._pause(progress, error):
                raise progress.doubt or error

    async def _wait_for_probe(self, progress: _Progress) -> None:
        """Wait while another request finds out whether BeeL is back: a call reads several at once.

        To refuse them would cancel the call, and the one that tries with it.
        """
        with anyio.move_on_after(progress.patience_ends - self._now()):
            while self._breaker.probe is not None:
                await self._breaker.probe.wait()

    async def _wait_for_room(self, progress: _Progress, request: Outgoing) -> None:
        """Wait until BeeL takes another request in this minute.

        Raises:
            NotSentError: that is too late for this call.
            ApiError: the failure of the attempt before, for the same reason.
        """
        if self._limits is None:
            return
        now = self._now()
        longest_s = min(LONGEST_WAIT_S, progress.patience_ends - now)
        wait_s, has_room = self._limits.book(now, longest_s, is_strict=request.is_strict)
        if not has_room:
            raise progress.doubt or progress.last or _too_many(wait_s)
        if wait_s > 0:
            logger.info("as many requests as BeeL takes in a minute are sent; waiting")
            await self._sleep(wait_s)

    async def _pause(self, progress: _Progress, error: ApiError) -> bool:
        """Wait until another attempt may leave; False at once when there is to be none."""
        wait_s = self._wait_s(progress.attempts, error.retry_after_s)
        is_limit = isinstance(error, RateLimitedError)
        if not (
            progress.attempts < MOST_ATTEMPTS
            and progress.rule.allows(error, progress.lost)
            and self._now() + wait_s < progress.patience_ends
            and self._breaker.blocked_for_s == 0
            # The limit is the key's: one waiter is enough to see it lifted.
            and not (is_limit and self._has_waiter)
            and self._quota.take()
        ):
            return False
        logger.info("attempt %d failed (%s); trying again", progress.attempts, error.code)
        self._has_waiter = self._has_waiter or is_limit
        try:
            await self._sleep(wait_s)
        finally:
            self._has_waiter = self._has_waiter and not is_limit
        return self._now() < progress.patience_ends and self._breaker.blocked_for_s == 0

    def _wait_s(self, attempts: int, asked_s: int | None) -> float:
        """Add full jitter to what BeeL asks for; endless when it asks for too much."""
        asked = asked_s or 0
        if asked > LONGEST_WAIT_S:
            return math.inf
        longest = min(LONGEST_BACKOFF_S, FIRST_BACKOFF_S * (1 << attempts - 1))
        return min(asked + self._random() * longest, LONGEST_WAIT_S)


def _too_many(wait_s: float) -> NotSentError:
    return NotSentError(
        "As many requests were sent as BeeL takes in a minute, so this one was not sent.",
        code="minute_full",
        retryable=True,
        retry_after_s=math.ceil(wait_s),
    )
