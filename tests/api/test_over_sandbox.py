"""The same calls over the sandbox, in every generation and on both families."""

import pytest

from beel_mcp.api.client import BeelClient
from beel_mcp.errors import ConflictError, InvalidRequestError, NotFoundError
from beel_mcp.sandbox import SandboxOptions, create_app
from beel_mcp.sandbox.seed import customer_id

pytestmark = pytest.mark.anyio

BILLED, IDLE, PLAIN, FOREIGN = map(customer_id, (1, 9, 8, 7))
NOBODY = "00000000-0000-4000-8000-000000000000"


@pytest.fixture(params=["company", "flat", "legacy"])
def kind(request):
    return request.param


@pytest.fixture
async def client(kind, settings):
    app = create_app(SandboxOptions(generation="legacy" if kind == "legacy" else "current"))
    routes = "auto" if kind == "company" else "flat"
    client = BeelClient(settings(sandbox=True, routes=routes), sandbox_app=app)
    client.effects = lambda: [effect["kind"] for effect in app.state.store.ledger()]
    yield client
    await client.aclose()
    app.state.store.close()


async def test_a_deletion_is_what_the_generation_says_it_is(client, kind):
    await client.customers.delete(PLAIN)
    if kind == "legacy":
        assert client.generation_seen == "legacy"
        assert (await client.customers.get(PLAIN)).active is False
    else:
        assert client.generation_seen == "current"
        with pytest.raises(NotFoundError):
            await client.customers.get(PLAIN)


async def test_a_customer_with_invoices_is_not_deleted(client, kind):
    assert await client.invoices.count_for(BILLED) > 0
    assert await client.invoices.count_for(PLAIN) == 0
    with pytest.raises(InvalidRequestError if kind == "legacy" else ConflictError):
        await client.customers.delete(BILLED)
    assert client.effects() == []


async def test_a_bulk_deletion_tells_each_id_apart(client):
    result = await client.customers.delete_bulk([BILLED, PLAIN, NOBODY])
    assert [row.status for row in result.rows] == ["has_invoices", "deleted", "not_found"]
    assert len(client.effects()) == 1


async def test_making_inactive_and_active_again_leaves_all_else_alone(client):
    for customer in (BILLED, customer_id(2), FOREIGN, customer_id(6)):
        before = await client.customers.get(customer)
        idle = await client.customers.update_fields(customer, {"active": False}, current=before)
        after = await client.customers.update_fields(customer, {"active": True})
        assert idle.active is False
        changed = {"updated_at": None}
        assert after.model_copy(update=changed) == before.model_copy(update=changed)


async def test_customers_are_found_whether_active_or_not(client):
    found = await client.customers.list_all({BILLED, IDLE.upper(), NOBODY})
    assert {name: customer.active for name, customer in found.items()} == {
        BILLED: True,
        IDLE.upper(): False,
    }
