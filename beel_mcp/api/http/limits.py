"""How many requests BeeL takes in a minute, kept from here before it has to say no.

BeeL counts three ways, each in fixed windows of a minute whose begin nobody is told: all requests
by the address that they come from, most of them by key, and a few strict ones by address again. No
success says what is left, so what was sent is counted here: as many in any 60 s as BeeL takes in
one window are in no window too many. Other processes at the address are not seen; for them there
is still the 429.
"""

from bisect import bisect_right, insort
from collections.abc import Sequence
from typing import Final

WINDOW_S: Final = 60.0
MOST_BY_ADDRESS: Final = 1_000
MOST_BY_KEY: Final = 300
MOST_STRICT: Final = 5


class Tier:
    """At most so many requests in any 60 s; times are seconds of the clock that books."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._times: list[float] = []

    def free_at(self, now: float) -> float:
        """Tell when another request may leave: now, or once an earlier one is a minute old."""
        del self._times[: bisect_right(self._times, now - WINDOW_S)]
        if len(self._times) < self._most:
            return now
        return self._times[-self._most] + WINDOW_S

    def book(self, at: float) -> None:
        insort(self._times, at)


class Address:
    """What all keys of this process share towards one BeeL."""

    def __init__(self) -> None:
        self.overall = Tier(MOST_BY_ADDRESS)
        self.strict = Tier(MOST_STRICT)


class Limits:
    """The limits of one key, and those that it shares with the others of its address."""

    def __init__(self, address: Address | None = None) -> None:
        self._address = address or Address()
        self._standard = Tier(MOST_BY_KEY)

    def book(self, now: float, longest_s: float, *, is_strict: bool) -> tuple[float, bool]:
        """Book a place for a request; the seconds until it may leave, and whether it has it.

        It has none where it would have to wait for longer than `longest_s`.
        """
        tiers = self._tiers(is_strict=is_strict)
        at = max(tier.free_at(now) for tier in tiers)
        if at - now > longest_s:
            return at - now, False
        for tier in tiers:
            tier.book(at)
        return at - now, True

    def _tiers(self, *, is_strict: bool) -> Sequence[Tier]:
        # A strict request counts against all three. The few that BeeL does not count by key are
        # counted so all the same: that is a request too few, never one too many.
        shared = [self._address.overall, *([self._address.strict] if is_strict else [])]
        return [*shared, self._standard]


_ADDRESSES: Final[dict[str, Address]] = {}


def limits_towards(base_url: str) -> Limits:
    """Make the limits of a key; those by address are shared by all of this process."""
    return Limits(_ADDRESSES.setdefault(base_url, Address()))
