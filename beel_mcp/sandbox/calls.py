"""The routes table, its endpoints with their query parameters, and one call of one of them."""

import re
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import date
from typing import Any, Literal
from urllib.parse import quote

from starlette.datastructures import QueryParams

from .options import Generation, SandboxOptions
from .responses import ApiError, ApiResponse, RequestInfo, mistyped, shown
from .store import Store

Family = Literal["flat", "company", "shared"]
Handler = Callable[["Call"], ApiResponse]
LARGEST_INTEGER = 2**31 - 1
FLAT = "/v1"
COMPANY = "/v1/companies/{company_id}"


def _int32(text: str) -> int:
    if abs(int(text)) > LARGEST_INTEGER:
        raise ValueError(text)
    return int(text)


@dataclass(frozen=True)
class Parameter:
    """How a query parameter is read."""

    format: str = "string"
    pattern: str = r"(?s:.*)"
    convert: Callable[[str], Any] = str
    """Raises ValueError for what the pattern lets through and should not."""

    choices: Mapping[Generation, Sequence[str]] = field(default_factory=dict)
    listed: tuple[Generation, ...] | None = None
    """The value is a list; the generations in which commas part it."""

    default: Any = None
    required: bool = False
    most: int | None = None

    def read(self, name: str, text: str, generation: Generation = "current") -> Any:
        """Read the text of the parameter; 400 for what cannot be read, 422 out of bounds."""
        if self.listed is None:
            return self._read(name, text, generation)
        parts = text.split(",") if generation in self.listed else [text]
        return [self._read(name, part, generation) for part in parts]

    def _read(self, name: str, text: str, generation: Generation) -> Any:
        allowed = self.choices.get(generation)
        if allowed is not None and text not in allowed:
            raise mistyped(name, text, "enumerated value", allowed, part="parameter")
        value = None
        if re.fullmatch(self.pattern, text, re.ASCII):
            with suppress(ValueError):
                value = self.convert(text)
        if value is None:
            raise mistyped(name, text, self.format, part="parameter")
        if self.most is not None and not 1 <= value <= self.most:
            message = f"{name} must be 1 to {self.most}"
            raise ApiError(422, "VALIDATION_ERROR", message, details={name: message})
        return value


TEXT = Parameter()
FLAG = Parameter("boolean", "true|false", "true".__eq__)
DATE = Parameter("date", r"\d{4}-\d\d-\d\d", lambda text: date.fromisoformat(text).isoformat())
AMOUNT = Parameter("number", r"-?\d{1,12}(\.\d{1,6})?", float)
UUID = Parameter("uuid", r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}", str.lower)
PAGE = Parameter("integer", r"[+-]?\d{1,10}", _int32, default=1, most=LARGEST_INTEGER)
LIMIT = Parameter("integer", r"[+-]?\d{1,10}", _int32, default=20, most=100)
PAGES: Mapping[str, Parameter] = {"page": PAGE, "limit": LIMIT, "search": TEXT}


def choice(
    current: Sequence[str],
    legacy: Sequence[str] | None = None,
    *,
    listed: tuple[Generation, ...] | None = None,
) -> Parameter:
    """Make the parameter that takes one of these names."""
    return Parameter(choices={"current": current, "legacy": legacy or current}, listed=listed)


@dataclass(frozen=True)
class Call:
    """What a handler is given once every gate has let the request through."""

    endpoint: "Endpoint"
    store: Store
    options: SandboxOptions
    request: RequestInfo
    company_id: str
    path: Mapping[str, str]
    query: Mapping[str, Any]
    body: Any

    @property
    def is_legacy(self) -> bool:
        return self.options.generation == "legacy"

    def not_found(self, what: str, kind: str) -> ApiError:
        """Make the 404 about a record; today its code says of which kind the record is."""
        code = "NOT_FOUND" if self.is_legacy else f"{kind}_NOT_FOUND"
        return ApiError(404, code, f"There is no such {what}")

    def answer(
        self, content: Any, *, status: int = 200, headers: Mapping[str, str] | None = None
    ) -> ApiResponse:
        """Wrap the content of a success."""
        body = {"success": True, "data": content, "meta": self.request.meta()}
        return ApiResponse.of_json(status, body, headers)

    def answer_created(self, record_id: str, content: Any) -> ApiResponse:
        """Wrap a new record; the company routes tell where it is."""
        has_place = self.endpoint.family == "company"
        headers = {"Location": f"{self.request.path}/{record_id}"} if has_place else {}
        return self.answer(content, status=201, headers=headers)

    def answer_page(self, name: str, items: Sequence[Any], total: int) -> ApiResponse:
        """Wrap a page of a collection; an empty one has no pages on flat routes, one elsewhere."""
        page, limit = self.query["page"], self.query["limit"]
        pages = -(-total // limit) or (0 if self.endpoint.family == "flat" else 1)
        pagination = {
            "current_page": page,
            "total_pages": pages,
            "total_items": total,
            "items_per_page": limit,
            "has_next": page < pages,
            "has_previous": page > 1,
        }
        return self.answer({name: items, "pagination": pagination})


@dataclass(frozen=True)
class Endpoint:
    """One method of one path: what it needs, what it takes and who does it."""

    name: str
    method: str
    path: str
    family: Family
    handler: Handler
    scope: str | None = None
    query: Mapping[str, Parameter] = field(default_factory=dict)
    takes_body: bool = False
    takes_key: bool = False
    produces: str = "application/json"
    successor: str | None = None
    in_legacy: bool = True
    in_company: bool = True
    is_strict: bool = False
    """Few of these are taken in a minute from one address."""

    @property
    def is_standard(self) -> bool:
        """Tell whether its requests are counted by key."""
        below = self.path.removeprefix(COMPANY).removeprefix(FLAT)
        return below.startswith(("/customers", "/invoices", "/me/", "/nif/"))

    @property
    def is_deprecated(self) -> bool:
        return self.family == "flat"

    def read_query(self, query: QueryParams, generation: Generation) -> dict[str, Any]:
        """Read the declared parameters, with defaults where there are any."""
        values: dict[str, Any] = {}
        for name, parameter in self.query.items():
            if name in query:
                values[name] = parameter.read(name, query[name], generation)
            elif parameter.required:
                message = f"The parameter {name} is required"
                raise ApiError(400, "MISSING_PARAMETER", message, details={"field": name})
            elif parameter.default is not None:
                values[name] = parameter.default
        return values

    def check_unknown(self, query: QueryParams, generation: Generation) -> None:
        """Refuse unknown parameters."""
        unknown = [name for name in query if name not in self.query]
        if not unknown or generation == "legacy":
            return
        message = f"Unknown query parameters: {', '.join(map(quote, unknown))}"
        details = {"field": unknown[0], "invalid_value": shown(query[unknown[0]])}
        raise ApiError(400, "VALIDATION_ERROR", message, details=details)


KEYED: dict[str, Any] = {"takes_body": True, "takes_key": True}
ENDPOINTS: list[Endpoint] = []
"""Every endpoint the sandbox serves; `route` enters them."""


def route(
    line: str, *, flat: str = "", company: str = "", shared: str = "", **traits: Any
) -> Callable[[Handler], Handler]:
    """Enter a handler under the name that its operation has in each family.

    `line` is method and path; flat and company routes have the same one below their prefix, need
    the scope that it says, and a flat one is succeeded by the company's.
    """
    method, path = line.split()
    scope = f"{path.split('/')[1]}:{'read' if method == 'GET' else 'write'}"
    families: tuple[tuple[str, str, Family, dict[str, Any]], ...] = (
        (flat, FLAT + path, "flat", {"scope": scope, "successor": COMPANY + path}),
        (company, COMPANY + path, "company", {"scope": scope, "in_legacy": False}),
        (shared, path, "shared", {"in_company": False}),
    )

    def enter(handler: Handler) -> Handler:
        for name, whole_path, family, usual in families:
            if name:
                endpoint = Endpoint(name, method, whole_path, family, handler, **usual | traits)
                ENDPOINTS.append(endpoint)
        return handler

    return enter
