"""The switches of the sandbox: which BeeL it plays, and how it behaves."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal

Generation = Literal["current", "legacy"]
IdempotencyMode = Literal["honoured", "ignored", "refused"]
Phase = Literal["before", "after"]
Pause = Callable[[str, Phase], Awaitable[None]]


def utc_now() -> datetime:
    """Tell the time of the machine."""
    return datetime.now(UTC)


@dataclass(frozen=True)
class SandboxOptions:
    """How one sandbox behaves; the defaults are a first minute without surprises."""

    # Which BeeL answers; the table in `beel_mcp.sandbox` has the differences.
    generation: Generation = "current"
    # The SQLite file that keeps everything, seeded when it is made; None is in memory.
    state: Path | None = None
    # Requests in each fixed window of 60 s; None never refuses, and BeeL's own are in brackets:
    # of one key, for customers, invoices, the identity and NIFs (300);
    rate_limit: int | None = None
    # from one address, all of them (1,000);
    address_limit: int | None = None
    # from one address, of the few strict operations (5).
    strict_limit: int | None = None
    # Whether a NIF may belong to one customer only; if not, nothing is ever a duplicate.
    nif_unique: bool = True
    # Idempotency keys: replayed, passed over, or a repeated one refused with 409.
    idempotency: IdempotencyMode = "honoured"
    # Whether the flat customer and invoice routes are gone for good (410).
    flat_retired: bool = False
    # The scopes of every key; None is all of them.
    scopes: tuple[str, ...] | None = None
    # The most that one ZIP of PDFs may weigh; over it, 413.
    zip_cap_bytes: int = 50 * 1024**2
    # The most that the PDFs of one mail may weigh; over it, 413.
    mail_cap_bytes: int = 25 * 1024**2
    # Whether mail goes to the account's holder alone, as with BeeL's own test keys.
    mails_holder_only: bool = False
    # How long a request has to wait for a PDF that is being made; None is longer than it may.
    pdf_wait_s: int | None = None
    # How many of the seeded companies the account holds: 1 or 2.
    companies: int = 1
    # The ids of customers that a recurring invoice is for: they are not deleted.
    recurring: tuple[str, ...] = ()
    # Whether the tax agency's census cannot be asked.
    census_down: bool = False
    # The clock of dates, rate windows and the 24 hours of idempotency keys.
    now: Callable[[], datetime] = utc_now
    # Awaited with the endpoint's name before its effect (its key is already taken) and after
    # its commit (nothing is answered yet), so that a test can hold or break a request there, or
    # raise the ApiError that it is answered with.
    pause: Pause | None = None
