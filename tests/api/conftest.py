from functools import partial
from pathlib import Path

import anyio.lowlevel
import httpx
import pytest
import respx
from pydantic import SecretStr

from beel_mcp.api.client import BeelClient
from beel_mcp.api.http.retry import Retries
from beel_mcp.settings import Settings

KEY = "beel_sk_test_0a1b2c3d4e5f"
BASE = "https://app.beel.es/api"
ACCOUNT = "6f1e9c52-0000-4000-8000-0000000000aa"
COMPANY = "1b2c3d4e-0000-4000-8000-000000000001"
OTHER = "1b2c3d4e-0000-4000-8000-000000000002"
META = {"timestamp": "2026-09-01T10:00:00Z", "request_id": "req-1"}


@pytest.fixture
def anyio_backend():
    return "asyncio"


@pytest.fixture(autouse=True)
def no_waiting(monkeypatch):
    """No client waits between attempts, unless a test gives it a clock."""

    async def at_once(_):
        await anyio.lowlevel.checkpoint()

    monkeypatch.setattr("beel_mcp.api.client.Retries", partial(Retries, sleep=at_once))


@pytest.fixture
def settings():
    def make(**changes):
        changes.setdefault("api_key", SecretStr(KEY))
        nowhere = Path("/nowhere")
        return Settings(files_dir=nowhere, import_dirs=(), state_dir=nowhere, **changes)

    return make


@pytest.fixture
def beel():
    with respx.mock(base_url=BASE, assert_all_called=False) as router:
        yield router


@pytest.fixture
def who(beel):
    """Scripts identity and companies: a status, or a list of companies."""

    def script(*, identity=200, companies=403, environment="TEST", scopes=()):
        beel.get("/v1/me/identity").respond(
            identity,
            json=envelope(
                {
                    "account_id": ACCOUNT,
                    "name": "Ana",
                    "credential": {
                        "type": "api_key",
                        "environment": environment,
                        "scopes": list(scopes),
                    },
                }
            )
            if identity == 200
            else refusal("NOT_FOUND" if identity == 404 else "FORBIDDEN"),
        )
        url = f"/v1/accounts/{ACCOUNT}/companies"
        if isinstance(companies, int):
            beel.get(url).respond(companies, json=refusal("INSUFFICIENT_SCOPE"))
        else:
            data = {"companies": companies, "pagination": pages(len(companies))}
            beel.get(url).respond(json=envelope(data))

    return script


@pytest.fixture
def time():
    from .scripted import Time

    return Time()


@pytest.fixture
async def client(settings, who, time):
    """A client that has found its company and waits by the fake clock."""
    who(companies=403)
    client = BeelClient(settings(company_id=COMPANY), retries=time.retries())
    await client.active_company()
    yield client
    await client.aclose()


@pytest.fixture
def script(beel):
    """Scripts what one kind of call meets, answers or errors; the last one for ever."""
    from .scripted import CALLS, as_answer

    def make(kind, *answers):
        method, path, _ = CALLS[kind]
        left = [as_answer(kind, answer) for answer in answers]

        def next_answer(request):
            answer = left.pop(0) if len(left) > 1 else left[0]
            if isinstance(answer, httpx.Response):
                return answer
            raise answer("x")

        return beel.request(method, path).mock(side_effect=next_answer)

    return make


def envelope(data, **more):
    return {"success": True, "data": data, "meta": META, **more}


def refusal(code, message="No.", **more):
    return {"success": False, "error": {"code": code, "message": message, **more}, "meta": META}


def pages(total, page=1, size=100, **more):
    return {
        "current_page": page,
        "total_pages": max(1, -(-total // size)),
        "total_items": total,
        "items_per_page": size,
        **more,
    }


def a_company(company_id=COMPANY, name="Demo Taller SL", nif="B12345674"):
    return {"id": company_id, "legal_name": name, "nif": nif}
