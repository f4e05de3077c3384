"""An operation of the API as a row of the routes table, and one call of it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from .envelope import Answer, Cause, wrap
from .options import SandboxOptions
from .store import Store

Family = Literal["flat", "company", "shared"]
Kind = Literal[
    "text",
    "page",
    "limit",
    "flag",
    "sort",
    "order",
    "ids",
    "uuid",
    "date",
    "amount",
    "invoice_sort",
    "invoice_status",
    "invoice_type",
]


@dataclass(frozen=True)
class Call:
    """What a handler is given once every gate has let the request through."""

    operation: "Operation"
    store: Store
    options: SandboxOptions
    cause: Cause
    company_id: str
    path: Mapping[str, str]
    query: Mapping[str, Any]
    body: Any

    def answer(
        self, data: Any, *, status: int = 200, headers: Mapping[str, str] | None = None
    ) -> Answer:
        """Wrap the data of a success."""
        return wrap(data, self.cause, status=status, headers=headers)

    @property
    def is_seeds(self) -> bool:
        """Whether the seed generation answers."""
        return self.options.generation == "seeds"


Handler = Callable[[Call], Answer]


@dataclass(frozen=True)
class Operation:
    """One method of one path: what it needs, what it takes and who does it."""

    name: str
    method: str
    path: str
    family: Family
    handler: Handler
    scope: str | None = None
    query: Mapping[str, Kind] = field(default_factory=dict)
    takes_body: bool = False
    takes_key: bool = False
    produces: str = "application/json"
    successor: str | None = None
    in_seeds: bool = True
    in_company: bool = True

    @property
    def is_deprecated(self) -> bool:
        """Whether the current generation announces the end of this route."""
        return self.family == "flat"
