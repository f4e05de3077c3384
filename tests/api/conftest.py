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
from tests.support.servers.answers import ACCOUNT, BASE, COMPANY, KEY, envelope, pages, refusal


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
    from tests.support.servers.scripted import Time

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
    from tests.support.servers.scripted import CALLS, as_answer

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
