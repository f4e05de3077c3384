"""Whose books a request is about, told apart without telling the key."""

import hashlib
from dataclasses import dataclass

from pydantic import SecretStr


@dataclass(frozen=True)
class Account:
    """What sets these books apart from others. No way leads from it back to the key."""

    environment: str
    company_id: str | None
    key_fingerprint: str

    @property
    def books(self) -> str:
        """Name the books: the company's, whichever key opens them; the key's if it is unknown."""
        return f"{self.environment}-{self.company_id or self.key_fingerprint}"


def fingerprint(key: SecretStr) -> str:
    """Give 64 bits that stand for a key; too few to be it, enough to tell two apart."""
    return hashlib.sha256(f"beel-mcp:{key.get_secret_value()}".encode()).hexdigest()[:16]
