"""Lists: filters, order and pages."""

import pytest

from beel_mcp.sandbox.seed import CUSTOMERS, customer_id
from tests.sandbox.conftest import COMPANY, FLAT

pytestmark = pytest.mark.anyio


async def ids(api, path, **params):
    answer = await api.get(path, params=params)
    return [int(item["id"][-3:]) for item in answer.json()["data"]["customers"]]


@pytest.mark.parametrize(
    ("params", "found"),
    [
        ({"search": "CASTIÑEIRA"}, [10]),
        ({"search": "j6123"}, [3]),
        ({"search": "fincas.example"}, [6]),
        ({"legal_name": "sl"}, [1, 2]),
        ({"nif": "a480"}, [13]),
        ({"email": "@ibarra"}, [13]),
        ({"phone": "611"}, [11]),
        ({"city": "bil"}, [4]),
        ({"province": "Bizkaia"}, [4, 13]),
        ({"province": "Bizkaia", "city": "zamudio"}, [13]),
        ({"active": "false"}, [9]),
        ({"search": "%"}, []),
    ],
)
async def test_filters_find_parts_of_words_in_any_case(api, customers, params, found):
    assert await ids(api, customers, sort_by="created_at", **params) == found


async def test_only_active_customers_are_listed_unless_asked(api, open_sandbox):
    assert len(await ids(api, COMPANY)) == len(CUSTOMERS) - 1
    assert len(await ids(open_sandbox(generation="legacy"), FLAT)) == len(CUSTOMERS)


@pytest.mark.parametrize("key", ["legal_name", "nif", "city", "created_at"])
async def test_order_turns_around(api, key):
    up = await ids(api, COMPANY, sort_by=key)
    down = await ids(api, COMPANY, sort_by=key, sort_order="desc")
    assert sorted(up) == sorted(down)
    assert up[0] != down[0]


async def test_pages_hold_every_customer_once(api, customers):
    pages = [await ids(api, customers, limit=5, page=page) for page in (1, 2, 3, 4)]
    assert [len(page) for page in pages] == [5, 5, 2, 0]
    assert sum(pages, []) == await ids(api, customers)  # noqa: RUF017
    answer = await api.get(customers, params={"limit": 5, "page": 2})
    assert answer.json()["data"]["pagination"] == {
        "current_page": 2,
        "total_pages": 3,
        "total_items": 12,
        "items_per_page": 5,
        "has_next": True,
        "has_previous": True,
    }


async def test_an_empty_list_has_no_pages_on_flat_routes_and_one_on_the_others(api):
    for path, pages in ((FLAT, 0), (COMPANY, 1)):
        answer = await api.get(path, params={"search": "nobody"})
        pagination = answer.json()["data"]["pagination"]
        assert (pagination["total_items"], pagination["total_pages"]) == (0, pages)


async def test_an_unknown_parameter_is_refused_and_was_passed_over(api, open_sandbox):
    for path in (COMPANY, FLAT):
        strict = await api.get(path, params={"per_page": "5"})
        assert strict.status_code == 400
        assert strict.json()["error"]["details"]["field"] == "per_page"
    legacy = await open_sandbox(generation="legacy").get(FLAT, params={"per_page": "5"})
    assert legacy.status_code == 200


async def test_a_uuid_is_read_in_either_case(api):
    answer = await api.get(f"{COMPANY}/{customer_id(8).upper()}")
    assert answer.json()["data"]["id"] == customer_id(8)
