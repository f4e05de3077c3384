"""Idempotency keys: taken before the effect, kept with it, forgotten after 24 hours.

A key is bound to its owner and to the bytes of the body, not to the query: a dry run and the
creation after it, sent with one key, are the same request, and the second replays the first.
Only successes are kept, so a refused request may be mended and sent again with its key.
"""

import json
import re
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256

from .envelope import Answer, ApiError
from .options import IdempotencyMode
from .store import Store

KEPT_S = 24 * 3600
SHAPE = re.compile(r"[a-zA-Z0-9_-]{1,255}")


@dataclass(frozen=True)
class Claim:
    """A key that a request in flight holds."""

    owner: str
    key: str


class IdempotencyKeys:
    """The keys of a store."""

    def __init__(self, store: Store, mode: IdempotencyMode) -> None:
        self._store = store
        self._mode = mode

    def take(self, claim: Claim, body: bytes, now: datetime) -> Answer | None:
        """Take a key, or give the answer it is kept with.

        Raises:
            ApiError: the key is malformed, in flight, bound to another body, or used up.

        """
        if SHAPE.fullmatch(claim.key) is None:
            message = "An idempotency key has 1 to 255 letters, digits, - and _"
            raise ApiError(400, "INVALID_IDEMPOTENCY_KEY", message)
        digest = sha256(body).hexdigest()
        with self._store.transaction() as connection:
            connection.execute(
                "DELETE FROM idempotency_keys WHERE taken_at <= ?", (now.timestamp() - KEPT_S,)
            )
            kept = connection.execute(
                "SELECT * FROM idempotency_keys WHERE owner = ? AND key = ?",
                (claim.owner, claim.key),
            ).fetchone()
            if kept is None:
                connection.execute(
                    "INSERT INTO idempotency_keys (owner, key, body_digest, taken_at)"
                    " VALUES (?, ?, ?, ?)",
                    (claim.owner, claim.key, digest, now.timestamp()),
                )
                return None
        if kept["body_digest"] != digest:
            message = "The key was used with another body"
            raise ApiError(409, "IDEMPOTENCY_KEY_MISMATCH", message)
        if kept["status"] is None:
            message = "The first request with this key is still in progress"
            raise ApiError(409, "IDEMPOTENCY_KEY_PROCESSING", message)
        if self._mode == "refused":
            message = "The key was already processed"
            raise ApiError(409, "IDEMPOTENCY_KEY_ALREADY_PROCESSED", message)
        headers = json.loads(kept["headers"]) | {"Idempotency-Replay": "true"}
        return Answer(kept["status"], kept["content"], "application/json", headers)

    def keep(self, claim: Claim, answer: Answer) -> None:
        """Keep the answer, within the transaction of its effect."""
        self._store.execute(
            "UPDATE idempotency_keys SET status = ?, content = ?, headers = ?"
            " WHERE owner = ? AND key = ?",
            answer.status,
            answer.content,
            json.dumps(dict(answer.headers)),
            claim.owner,
            claim.key,
        )

    def release(self, claim: Claim) -> None:
        """Free a key whose request had no effect; a kept answer stays."""
        with self._store.transaction() as connection:
            connection.execute(
                "DELETE FROM idempotency_keys WHERE owner = ? AND key = ? AND status IS NULL",
                (claim.owner, claim.key),
            )
