"""Whose books the journal writes about."""

import pytest
from pydantic import SecretStr

from beel_mcp.api.client import BeelClient
from beel_mcp.api.company import Account, fingerprint
from beel_mcp.errors import NotConfiguredError, NotSentError
from beel_mcp.settings import DEFAULT_BASE_URL
from tests.support.servers.answers import COMPANY, KEY, a_company

pytestmark = pytest.mark.anyio
BASE = DEFAULT_BASE_URL


def test_a_fingerprint_is_a_part_of_a_digest():
    import hashlib

    digest = hashlib.sha256(f"beel-mcp:{KEY}@{BASE}".encode()).hexdigest()
    assert fingerprint(SecretStr(KEY), BASE) == digest[:16]
    assert fingerprint(SecretStr(KEY + "x"), BASE) != digest[:16]
    assert fingerprint(SecretStr(KEY), BASE + "/other") != digest[:16]


@pytest.mark.parametrize(
    ("seen", "company"),
    [({"companies": [a_company(COMPANY.upper())]}, COMPANY), ({"companies": 403}, None)],
)
async def test_an_account_is_found_once_and_known_from_then_on(beel, settings, who, seen, company):
    who(**seen)
    client = BeelClient(settings())
    assert client.known_account is None
    account = await client.account()
    asked = len(beel.calls)
    assert account == Account("test", company, fingerprint(SecretStr(KEY), BASE))
    assert client.known_account == await client.account() == account
    assert len(beel.calls) == asked
    assert KEY not in repr(account)
    await client.aclose()


async def test_a_company_that_the_settings_name_need_not_be_asked_for(beel, settings):
    client = BeelClient(settings(company_id=COMPANY))
    assert client.known_account == await client.account()
    assert client.known_account.company_id == COMPANY
    assert len(beel.calls) == 0


async def test_without_a_key_there_is_no_account(settings):
    client = BeelClient(settings(api_key=None, company_id=COMPANY))
    assert client.known_account is None
    with pytest.raises(NotConfiguredError):
        await client.account()


async def test_a_network_that_is_down_leaves_the_account_unknown(beel, settings):
    import httpx

    beel.get("/v1/me/identity").mock(side_effect=httpx.ConnectError)
    client = BeelClient(settings())
    with pytest.raises(NotSentError):
        await client.account()
    assert client.known_account is None
    await client.aclose()


async def test_the_sandbox_has_an_account_of_its_own(settings):
    client = BeelClient(settings(sandbox=True, company_id=COMPANY), sandbox_app=lambda *_: None)
    assert client.known_account.environment == "sandbox"
    assert client.known_account.key_fingerprint != fingerprint(SecretStr(KEY), BASE)
