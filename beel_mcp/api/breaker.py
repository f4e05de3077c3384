"""Stops asking a BeeL that does not answer, and finds out when it does again."""

import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final

from beel_mcp.errors import ApiError, NotSentError, UnknownOutcomeError

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
