"""A sandbox behind an httpx client, and the contract its answers are held to."""

import json
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import httpx
import pytest
from openapi_schema_validator import OAS30Validator, oas30_format_checker

from beel_mcp.sandbox import SandboxOptions, create_app
from beel_mcp.sandbox.seed import DEMO_COMPANY_ID

KEY = "beel_sk_test_0123456789"
FLAT = "/v1/customers"
COMPANY = f"/v1/companies/{DEMO_COMPANY_ID}/customers"
ADDRESS = {
    "street": "Calle Mayor",
    "number": "1",
    "postal_code": "28013",
    "city": "Madrid",
    "province": "Madrid",
    "country": "España",
}


class SandboxClient(httpx.AsyncClient):
    """A client of one sandbox, with the sandbox's own rows at hand."""

    def __init__(self, options: SandboxOptions) -> None:
        app = create_app(options)
        self.app = app
        self.store = app.state.store
        transport = httpx.ASGITransport(app, raise_app_exceptions=False)
        headers = {"Authorization": f"Bearer {KEY}"}
        super().__init__(transport=transport, base_url="http://sandbox", headers=headers)

    def effects(self) -> list[str]:
        return [effect["kind"] for effect in self.store.ledger()]


class Contract:
    """The stripped contract, and whether an answer keeps it."""

    def __init__(self) -> None:
        path = Path(__file__).with_name("contract.json")
        self.document = json.loads(path.read_text(encoding="utf-8"))
        self.operations = {
            operation["operationId"]: (method.upper(), path)
            for path, item in self.document["paths"].items()
            for method, operation in item.items()
            if method != "parameters"
        }

    def undeclared(self, name: str, answer: httpx.Response) -> set[str]:
        """Name the X- headers that the contract does not know."""
        known = {header.lower() for header in self._declared(name, answer).get("headers", {})}
        return {header for header in answer.headers if header.startswith("x-")} - known

    def violations(self, name: str, answer: httpx.Response, branch: int | None = None) -> list[str]:
        """List what is wrong; `branch` picks one generation where the contract has both."""
        declared = self._declared(name, answer)
        if "content" not in declared:
            return [] if answer.content == b"" else ["a body where none is declared"]
        media_type = answer.headers["content-type"].partition(";")[0]
        if media_type not in declared["content"]:
            return [f"{media_type} is not declared"]
        if media_type != "application/json":
            return []
        schema = declared["content"][media_type]["schema"]
        if branch is not None and "anyOf" in schema:
            schema = schema["anyOf"][branch]
        # Standing in the document's place, the schema keeps its references into it.
        rooted = {**self.document, **schema}
        validator = OAS30Validator(rooted, format_checker=oas30_format_checker)
        return [error.message for error in validator.iter_errors(answer.json())]

    def _declared(self, name: str, answer: httpx.Response) -> dict[str, Any]:
        method, path = self.operations[name]
        responses = self.document["paths"][path][method.lower()]["responses"]
        return self._resolve(responses.get(str(answer.status_code), responses["default"]))

    def _resolve(self, node: dict[str, Any]) -> dict[str, Any]:
        while "$ref" in node:
            target: Any = self.document
            for part in node["$ref"].removeprefix("#/").split("/"):
                target = target[part]
            node = target
        return node


def new_customer(**changes: Any) -> dict[str, Any]:
    """Make the body of an acceptable customer; a change to None takes a field out."""
    body = {
        "legal_name": "Imprenta Alba SL",
        "nif": "B65120347",
        "email": "hola@alba.example",
        "address": ADDRESS,
    } | changes
    return {name: value for name, value in body.items() if value is not None}


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(scope="session")
def contract() -> Contract:
    return Contract()


@pytest.fixture
async def open_sandbox() -> AsyncIterator[Callable[..., SandboxClient]]:
    """Open a sandbox: `api = open_sandbox(generation="legacy")`."""
    async with AsyncExitStack() as stack:

        def open_one(**options: Any) -> SandboxClient:
            client = SandboxClient(SandboxOptions(**options))
            stack.callback(client.store.close)
            stack.push_async_callback(client.aclose)
            return client

        yield open_one


@pytest.fixture
def api(open_sandbox: Callable[..., SandboxClient]) -> SandboxClient:
    """A sandbox of the current generation."""
    return open_sandbox()


@pytest.fixture(params=[FLAT, COMPANY], ids=["flat", "company"])
def customers(request: pytest.FixtureRequest) -> str:
    """The customers path of either route family."""
    return request.param
