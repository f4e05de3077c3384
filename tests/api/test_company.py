"""Which company and which routes follow from the settings and from what the key may see."""

import anyio
import httpx
import pytest

from beel_mcp.api import company as companies
from beel_mcp.api.client import BeelClient
from beel_mcp.api.http import retry
from beel_mcp.api.models import Company
from beel_mcp.errors import (
    CompanyChoiceError,
    ForbiddenError,
    InternalError,
    NotConfiguredError,
    NotSentError,
    OperatorError,
)
from tests.support.servers.answers import (
    ACCOUNT,
    COMPANY,
    OTHER,
    a_company,
    envelope,
    pages,
    refusal,
)

pytestmark = pytest.mark.anyio

ONE = [a_company()]
TWO = [a_company(), a_company(OTHER, "Otra\u202e SL", "12345678Z")]
LABEL = "Demo Taller SL (B12345674)"


@pytest.mark.parametrize(
    ("changes", "seen", "family", "label", "reason"),
    [
        ({}, {"companies": ONE}, "company", LABEL, "one company"),
        ({}, {"companies": []}, "flat", None, "no company"),
        ({}, {"companies": 403}, "flat", None, "companies:list"),
        ({}, {"companies": 404}, "flat", None, "no list of companies"),
        ({}, {"identity": 404}, "flat", None, "older"),
        ({}, {"identity": 403}, "flat", None, "who it is"),
        ({"company_id": COMPANY}, {"companies": TWO}, "company", LABEL, "BEEL_COMPANY_ID"),
        ({"company_id": OTHER}, {"companies": TWO}, "company", "Otra SL (12345678Z)", "names"),
        ({"company_id": COMPANY}, {"companies": 403}, "company", COMPANY, "BEEL_COMPANY_ID"),
        ({"company_id": COMPANY}, {"identity": 404}, "company", COMPANY, "BEEL_COMPANY_ID"),
        ({"company_id": "B12345674"}, {"companies": TWO}, "company", LABEL, "BEEL_COMPANY_ID"),
        ({"routes": "flat"}, {"companies": ONE}, "flat", LABEL, "BEEL_ROUTES=flat"),
        ({"routes": "flat"}, {"companies": 403}, "flat", None, "BEEL_ROUTES=flat"),
        ({"routes": "company"}, {"companies": ONE}, "company", LABEL, "BEEL_ROUTES=company"),
        (
            {"routes": "flat", "company_id": COMPANY},
            {"companies": 403},
            "flat",
            COMPANY,
            "BEEL_ROUTES=flat",
        ),
    ],
)
async def test_the_company_follows_from_settings_and_reach(
    *, settings, who, changes, seen, family, label, reason
):
    who(**seen)
    client = BeelClient(settings(**changes))
    active = await client.active_company()
    assert active.family == family
    assert (active.company and active.company.label) == label
    assert reason in active.reason
    assert client.known_company == active.company
    await client.aclose()


@pytest.mark.parametrize(
    ("changes", "seen", "words"),
    [
        ({}, {"companies": TWO}, f"{LABEL}: {COMPANY}; Otra SL (12345678Z): {OTHER}"),
        ({"routes": "flat"}, {"companies": TWO}, "several companies"),
        ({"company_id": "A00000000"}, {"companies": ONE}, "no company with the NIF"),
        ({"company_id": "B12345674"}, {"companies": 403}, "companies:list"),
        ({"company_id": "B12345674"}, {"identity": 404}, "cannot be looked up"),
        ({"company_id": OTHER}, {"companies": ONE}, "does not reach"),
        ({"routes": "company"}, {"companies": 403}, "BEEL_ROUTES=company needs a company"),
        ({"routes": "company"}, {"companies": []}, "no company"),
    ],
)
async def test_the_person_has_to_choose(settings, who, changes, seen, words):
    who(**seen)
    client = BeelClient(settings(**changes))
    for _ in range(2):
        with pytest.raises(CompanyChoiceError) as caught:
            await client.customers.list()
        assert words in caught.value.message
        assert "BEEL_COMPANY_ID" in caught.value.remedy
        assert caught.value.changed == "nothing"
    await client.aclose()


async def test_at_most_twenty_companies_are_listed(settings, who):
    who(companies=[a_company(f"c-{n}", f"Firma {n}", None) for n in range(30)])
    client = BeelClient(settings())
    with pytest.raises(CompanyChoiceError, match="and 10 more"):
        await client.active_company()
    await client.aclose()


async def test_many_at_once_look_once(settings, beel, who):
    who(companies=ONE)
    client = BeelClient(settings())
    async with anyio.create_task_group() as tasks:
        for _ in range(10):
            tasks.start_soon(client.active_company)
    assert len(beel.calls) == 2
    await client.aclose()


async def test_a_passing_fault_costs_the_name_but_not_for_good(settings, beel, who):
    client = BeelClient(settings(company_id=COMPANY))
    beel.get("/v1/me/identity").respond(503)
    assert (await client.active_company()).company == Company(COMPANY)
    who(companies=ONE)
    assert (await client.active_company()).company.label == LABEL
    await client.aclose()


async def test_a_name_that_takes_too_long_is_done_without(settings, beel, monkeypatch):
    monkeypatch.setattr(companies, "_NAMING_S", 0.05)
    monkeypatch.setattr(retry, "MARGIN_S", 0)
    beel.get("/v1/me/identity").mock(side_effect=lambda request: anyio.sleep_forever())
    client = BeelClient(settings(company_id=COMPANY))
    assert (await client.active_company()).company == Company(COMPANY)
    await client.aclose()


async def test_a_network_that_is_down_is_said_as_such(settings, beel):
    client = BeelClient(settings())
    beel.get("/v1/me/identity").mock(side_effect=httpx.ConnectError)
    with pytest.raises(NotSentError):
        await client.active_company()
    await client.aclose()


async def test_a_plan_without_api_is_no_hint_about_companies(settings, beel):
    client = BeelClient(settings())
    beel.get("/v1/me/identity").respond(403, json=refusal("FEATURE_NOT_AVAILABLE"))
    with pytest.raises(ForbiddenError):
        await client.active_company()
    await client.aclose()


@pytest.mark.parametrize("company_id", [None, COMPANY])
async def test_a_key_that_is_not_what_it_looks_like_is_refused(settings, who, company_id):
    who(environment="PROD", companies=ONE)
    client = BeelClient(settings(company_id=company_id))
    with pytest.raises(OperatorError) as caught:
        await client.customers.list()
    assert caught.value.code == "environment_mismatch"
    await client.aclose()


@pytest.mark.parametrize("environment", ["TEST", "STAGING"])
async def test_an_environment_we_do_not_know_is_no_contradiction(settings, who, environment):
    who(environment=environment, companies=ONE)
    client = BeelClient(settings())
    assert (await client.active_company()).family == "company"
    await client.aclose()


@pytest.mark.parametrize("company_id", [None, COMPANY, "B12345674"])
async def test_without_a_key_nothing_is_sent(settings, beel, company_id):
    client = BeelClient(settings(api_key=None, company_id=company_id))
    for use in (client.customers.list, client.identity.get, client.active_company):
        with pytest.raises(NotConfiguredError) as caught:
            await use()
        assert "BEEL_API_KEY" in caught.value.remedy
        assert "BEEL_SANDBOX=1" in caught.value.remedy
    assert len(beel.calls) == 0


def test_what_is_known_without_asking(settings):
    assert BeelClient(settings()).known_company is None
    assert BeelClient(settings(company_id="B12345674")).known_company is None
    assert BeelClient(settings(company_id=COMPANY)).known_company.label == COMPANY


async def test_flat_routes_name_a_known_company_and_company_routes_do_not(settings, beel, who):
    who(companies=ONE)
    data = envelope({"customers": [], "pagination": pages(0)})
    flat = beel.get("/v1/customers").respond(json=data)
    company = beel.get(f"/v1/companies/{COMPANY}/customers").respond(json=data)
    for routes in ("flat", "company"):
        client = BeelClient(settings(routes=routes))
        await client.customers.list()
        await client.aclose()
    assert flat.calls.last.request.headers["beel-active-company"] == COMPANY
    assert "beel-active-company" not in company.calls.last.request.headers


async def test_the_sandbox_is_asked_with_a_key_of_its_own(settings):
    asked = []

    async def app(scope, receive, send):
        asked.append((scope["path"], dict(scope["headers"])[b"authorization"]))
        await send({"type": "http.response.start", "status": 404, "headers": []})
        await send({"type": "http.response.body", "body": b""})

    client = BeelClient(settings(sandbox=True), sandbox_app=app)
    active = await client.active_company()
    assert active.family == "flat"
    assert asked == [("/v1/me/identity", b"Bearer beel_sk_test_sandbox00local")]
    await client.aclose()


async def test_a_sandbox_app_that_breaks_is_a_server_error(settings):
    async def app(scope, receive, send):
        raise RuntimeError

    client = BeelClient(settings(sandbox=True), sandbox_app=app)
    with pytest.raises(Exception, match="HTTP 500"):
        await client.identity.get()
    await client.aclose()


async def test_the_sandbox_is_never_replaced_by_the_network(settings, beel):
    client = BeelClient(settings(sandbox=True))
    with pytest.raises(InternalError):
        await client.identity.get()
    assert len(beel.calls) == 0


async def test_an_account_id_that_could_change_the_path_is_not_used(settings, beel):
    beel.get("/v1/me/identity").respond(
        json=envelope({"account_id": "../x", "credential": {"environment": "TEST"}})
    )
    client = BeelClient(settings())
    with pytest.raises(Exception, match="does not hold what it should"):
        await client.active_company()
    assert ACCOUNT not in str(beel.calls)
    await client.aclose()
