"""What is sent again, and when: a rule per operation, waits, a quota, one deadline for all."""

import logging
import math
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from random import random as any_fraction
from typing import Final, TypeVar

import anyio

from beel_mcp.api.http.wire import PROCESSING, Outgoing
from beel_mcp.errors import (
    ApiError,
    ConflictError,
    NotSentError,
    RateLimitedError,
    UnknownOutcomeError,
)

OPENS_AFTER: Final = 5
OPEN_S: Final = 30.0
Learn = Callable[[ApiError | None], None]


class Breaker:
    """Opens after 5 failures in a row; 30 s later one request may try. Any answer closes it."""

    def __init__(self, now: Callable[[], float]) -> None:
        self._now = now
        self._failures = 0
        self._opened_at: float | None = None
        self._probing = False

    @property
    def blocked_for_s(self) -> float:
        """Tell how long nothing is sent; 0 when a request may leave now."""
        if self._opened_at is None:
            return 0.0
        left = self._opened_at + OPEN_S - self._now()
        # How long a probe takes is not known; whoever meets one asks again soon.
        return max(left, 1.0 if self._probing else 0.0)

    @contextmanager
    def attempt(self) -> Iterator[Learn]:
        """Let a request through, and take in how it ended: an error, or None for a success.

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
        is_probe = self._opened_at is not None
        self._probing = self._probing or is_probe

        def learn(error: ApiError | None) -> None:
            if _was_reached(error):
                self._failures, self._opened_at = 0, None
            elif _is_failure(error):
                self._failures += 1
                if is_probe or (self._opened_at is None and self._failures >= OPENS_AFTER):
                    self._opened_at = self._now()

        try:
            yield learn
        finally:  # a probe that was cancelled taught nothing, and must not bar the next one
            self._probing = self._probing and not is_probe


def _was_reached(error: ApiError | None) -> bool:
    return error is None or (error.status is not None and error.status < 500)


def _is_failure(error: ApiError | None) -> bool:
    if isinstance(error, NotSentError):
        return error.retryable  # what the person has to mend says nothing about BeeL
    return isinstance(error, UnknownOutcomeError)


MOST_ATTEMPTS: Final = 3
FIRST_BACKOFF_S: Final = 0.5
LONGEST_BACKOFF_S: Final = 8.0  # never reached with three attempts; the table's ceiling
LONGEST_WAIT_S: Final = 30.0  # that BeeL may ask for; beyond, the caller is told instead
MARGIN_S: Final = 2.0  # of a call, kept for its answer
TOKENS: Final = 10.0
REFILL: Final = 0.1
T = TypeVar("T")
logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class RetryRule:
    """After which failures an operation is sent again, besides those that did nothing for sure.

    What never left and what BeeL turned away with a 429 is sent again whatever the operation.
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


class Quota:
    """Retries of one process: 10, which only success gives back, so that a storm soon has none."""

    def __init__(self) -> None:
        self.tokens = TOKENS

    def take(self) -> bool:
        """Take a token for one retry, if one is left."""
        if self.tokens < 1:
            return False
        self.tokens -= 1
        return True

    def succeeded(self, *, after_retry: bool) -> None:
        """Give back the token of the retry that helped; a plain success gives a tenth."""
        self.tokens = min(TOKENS, self.tokens + (1.0 if after_retry else REFILL))


@dataclass
class _Course:
    """How one request has gone so far."""

    rule: RetryRule
    patience_ends: float  # nothing is begun after it
    attempts: int = 0
    lost: int = 0
    doubt: ApiError | None = None

    def note(self, error: ApiError) -> None:
        """Take in how an attempt failed. A doubt stays, whatever comes of later attempts."""
        self.attempts += 1
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
    ) -> None:
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
        now, left_of_call = self._now(), _left_of_call()
        patience_s = min(request.deadline_s, left_of_call)
        # A write that is cut short leaves nobody knowing what it did.
        ends = now + (request.deadline_s if request.is_write else patience_s)
        if ends <= now:
            raise NotSentError(
                "There was no time left to ask BeeL.", code="no_time_left", retryable=True
            )
        course = _Course(rule, now + patience_s)
        while True:
            outcome = await self._attempt(send, ends - self._now())
            if not isinstance(outcome, ApiError):
                self._quota.succeeded(after_retry=course.attempts > 0)
                return outcome
            course.note(outcome)
            if not await self._pause(course, outcome):
                raise course.doubt or outcome

    async def _attempt(self, send: Callable[[float], Awaitable[T]], seconds: float) -> T | ApiError:
        with self._breaker.attempt() as learn:
            try:
                answer = await send(seconds)
            except ApiError as error:
                learn(error)
                return error
            learn(None)
            return answer

    async def _pause(self, course: _Course, error: ApiError) -> bool:
        """Wait until another attempt may leave; False at once when there is to be none."""
        wait_s = self._wait_s(course.attempts, error.retry_after_s)
        is_limit = isinstance(error, RateLimitedError)
        if not (
            course.attempts < MOST_ATTEMPTS
            and course.rule.allows(error, course.lost)
            and self._now() + wait_s < course.patience_ends
            and self._breaker.blocked_for_s == 0
            # The limit is the key's: one waiter is enough to see it lifted.
            and not (is_limit and self._has_waiter)
            and self._quota.take()
        ):
            return False
        logger.info("attempt %d failed (%s); trying again", course.attempts, error.code)
        await self._wait(wait_s, as_waiter=is_limit)
        return self._now() < course.patience_ends and self._breaker.blocked_for_s == 0

    async def _wait(self, seconds: float, *, as_waiter: bool) -> None:
        if not as_waiter:
            return await self._sleep(seconds)
        self._has_waiter = True
        try:
            return await self._sleep(seconds)
        finally:
            self._has_waiter = False

    def _wait_s(self, attempts: int, asked_s: int | None) -> float:
        """Add full jitter to what BeeL asks for; endless when it asks for too much."""
        asked = asked_s or 0
        if asked > LONGEST_WAIT_S:
            return math.inf
        longest = min(LONGEST_BACKOFF_S, FIRST_BACKOFF_S * (1 << attempts - 1))
        return min(asked + self._random() * longest, LONGEST_WAIT_S)


def is_lost(error: ApiError) -> bool:
    """Tell whether a request left and no answer came back, or none that could be read."""
    if not isinstance(error, UnknownOutcomeError):
        return False
    return error.status is None or 200 <= error.status < 300


def _left_of_call() -> float:
    return anyio.current_effective_deadline() - anyio.current_time() - MARGIN_S
