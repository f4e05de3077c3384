"""One customer at a time, by the rules of the current generation and those of the seed pages."""

import pytest

from beel_mcp.sandbox.seed import SECOND_COMPANY_ID, customer_id
from tests.sandbox.conftest import ADDRESS, COMPANY, FLAT, new_customer

pytestmark = pytest.mark.anyio

WITH_INVOICES, WITHOUT_INVOICES, INACTIVE, FOREIGNER = map(customer_id, (1, 8, 9, 7))


async def test_a_new_customer_is_stored_and_entered_in_the_ledger(api, customers):
    answer = await api.post(customers, json=new_customer())
    created = answer.json()["data"]
    assert created["trade_name"] == created["legal_name"]
    assert created["address"]["country_code"] == "ES"
    [effect] = api.store.ledger()
    assert (effect["kind"], effect["customer_id"]) == ("customer_created", created["id"])
    assert effect["nif"] == "B65120347"
    assert effect["request_id"] == answer.json()["meta"]["request_id"]


async def test_a_company_creation_says_where_the_customer_is(api):
    answer = await api.post(COMPANY, json=new_customer())
    found = await api.get(answer.headers["Location"])
    assert found.json()["data"] == answer.json()["data"]


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"nif": None}, "CUSTOMER_IDENTIFIER_REQUIRED"),
        ({"nif": "12345678"}, "NIF_INVALID_FORMAT"),
        ({"nif": "12345678A"}, "NIF_INVALID_CONTROL_DIGIT"),
        ({"nif": "X2468135A"}, "NIF_INVALID_CONTROL_DIGIT"),
        ({"nif": "B65120340"}, "NIF_INVALID_CONTROL_DIGIT"),
        ({"nif": "12345000A"}, "NIF_NOT_IN_CENSUS"),
        ({"alternative_id": {"type": "PASSPORT", "number": "X1"}}, "VALIDATION_ERROR"),
        ({"legal_name": " Alba"}, "VALIDATION_ERROR"),
        ({"legal_name": "a" * 121}, "VALIDATION_ERROR"),
        ({"phone": "123"}, "VALIDATION_ERROR"),
        ({"phone": "teléfono 1"}, "VALIDATION_ERROR"),
        ({"email": "alba"}, "VALIDATION_ERROR"),
        ({"website": "alba.example"}, "VALIDATION_ERROR"),
        ({"address": {"street": "Calle"}}, "VALIDATION_ERROR"),
        ({"address": ADDRESS | {"city": "Madrid <b>"}}, "VALIDATION_ERROR"),
        ({"address": ADDRESS | {"province": "Madrid <M>"}}, "VALIDATION_ERROR"),
        ({"address": ADDRESS | {"country_code": "es"}}, "VALIDATION_ERROR"),
        ({"preferred_payment_method": {"iban": "ES91 2100"}}, "VALIDATION_ERROR"),
        ({"preferred_payment_method": {"swift": "ABC"}}, "VALIDATION_ERROR"),
        ({"preferred_payment_method": {"payment_term_days": 366}}, "VALIDATION_ERROR"),
        ({"billing_emails": ["a@b.example", "b"]}, "VALIDATION_ERROR"),
        ({"general_discount": 101}, "VALIDATION_ERROR"),
        ({"notes": "a" * 1001}, "VALIDATION_ERROR"),
    ],
)
async def test_a_wrong_field_is_refused_and_nothing_is_stored(api, changes, code):
    answer = await api.post(COMPANY, json=new_customer(**changes))
    assert answer.status_code == 422
    assert answer.json()["error"]["code"] == code
    assert api.effects() == []


@pytest.mark.parametrize(
    ("country", "code", "stored"),
    [
        (None, None, ("España", "ES")),
        ("SPAIN", None, ("España", "ES")),
        ("alemanya", None, ("Alemania", "DE")),
        ("Mexico", "MX", ("México", "MX")),
        ("FR", None, ("Francia", "FR")),
        (None, "KE", ("KE", "KE")),
        ("España", "PT", ("Portugal", "PT")),
        ("Francia", "PT", "COUNTRY_CODE_MISMATCH"),
        ("Espainia", None, "COUNTRY_CODE_REQUIRED"),
        ("UK", None, "COUNTRY_CODE_REQUIRED"),
        (None, "UK", "COUNTRY_CODE_REQUIRED"),
        ("Freedonia", "FR", "COUNTRY_CODE_REQUIRED"),
    ],
)
async def test_a_country_is_stored_by_the_spanish_name_of_its_code(api, country, code, stored):
    given = {"country": country, "country_code": code}
    address = {name: text for name, text in (ADDRESS | given).items() if text}
    answer = (await api.post(COMPANY, json=new_customer(address=address))).json()
    if isinstance(stored, str):
        assert answer["error"]["code"] == stored
        assert api.effects() == []
    else:
        found = answer["data"]["address"]
        assert (found["country"], found["country_code"]) == stored


async def test_a_new_name_is_held_against_the_census_and_other_changes_are_not(open_sandbox):
    api = open_sandbox(census_down=True)
    path = f"{COMPANY}/{WITHOUT_INVOICES}"
    assert (await api.patch(path, json={"legal_name": "Otro Nombre SL"})).status_code == 502
    assert (await api.patch(path, json={"notes": "Otra"})).status_code == 200


async def test_a_customer_of_a_recurring_invoice_stays(open_sandbox):
    api = open_sandbox(recurring=(WITHOUT_INVOICES,))
    refused = await api.delete(f"{COMPANY}/{WITHOUT_INVOICES}")
    assert refused.status_code == 400
    assert refused.json()["error"]["code"] == "REFERENCED_BY_RECURRING_INVOICE"
    data = (await api.delete(f"{COMPANY}/bulk", params={"ids": WITHOUT_INVOICES})).json()["data"]
    [row] = data["customers_deletion"]
    assert (row["status"], row["error"]["code"]) == (
        "HAS_RECURRING_INVOICE",
        "CLIENT_HAS_RECURRING_INVOICE",
    )
    assert data["statistics"]["has_recurring_invoice"] == 1
    assert api.effects() == []


DOCUMENTS = [
    ("02", " ", "DE", "ALTERNATIVE_ID_INVALID"),
    ("06", "X1", None, "ALTERNATIVE_ID_COUNTRY_REQUIRED"),
    ("NIF_IVA", "DE123456789", None, "ALTERNATIVE_ID_COUNTRY_REQUIRED"),
    ("NIF_IVA", "B12345674", "ES", "ALTERNATIVE_ID_SPAIN_INVALID_TYPE"),
    ("COUNTRY_ID", "X1", "ES", "ALTERNATIVE_ID_SPAIN_INVALID_TYPE"),
    ("NOT_REGISTERED", "12345678Z", "DE", "ALTERNATIVE_ID_REQUIRES_SPAIN"),
    ("NOT_REGISTERED", "B12345674", "ES", "RECIPIENT_UNREGISTERED_ID_MUST_BE_DNI_OR_NIE"),
    ("07", "12345678A", None, "RECIPIENT_UNREGISTERED_ID_MUST_BE_DNI_OR_NIE"),
    ("NIF_IVA", "CHE123456788", "CH", "ALTERNATIVE_ID_VAT_REQUIRES_EU_COUNTRY"),
    ("NIF_IVA", "XI432525179", "XI", "ALTERNATIVE_ID_VAT_REQUIRES_EU_COUNTRY"),
    ("NIF_IVA", "XI432525179", "GB", "ALTERNATIVE_ID_VAT_REQUIRES_EU_COUNTRY"),
    ("02", "094259216", "GR", "ALTERNATIVE_ID_VAT_INVALID_FORMAT"),
    ("02", "GR094259216", "GR", "ALTERNATIVE_ID_VAT_INVALID_FORMAT"),
    ("NIF_IVA", "DE 123456789", "DE", "ALTERNATIVE_ID_VAT_INVALID_FORMAT"),
    ("NIF_IVA", "DE12345678", "DE", "ALTERNATIVE_ID_VAT_INVALID_FORMAT"),
    ("NIF_IVA", "FR40303265045", "DE", "ALTERNATIVE_ID_VAT_INVALID_FORMAT"),
    ("NIF_IVA", "de123456789", "DE", None),  # built like one, whatever its check digits
    ("NIF_IVA", "EL094014201", "GR", None),
    ("PASSPORT", "X1", None, None),
    ("PASSPORT", "X1", "ES", None),
    ("NOT_REGISTERED", "X2468135M", None, None),
    ("07", "12345678Z", "ES", None),
]


@pytest.mark.parametrize(("kind", "number", "country", "code"), DOCUMENTS)
async def test_an_identifier_that_is_no_nif_keeps_the_rules_of_its_kind(
    api, kind, number, country, code
):
    other = {"type": kind, "number": number, **({"country_code": country} if country else {})}
    answer = await api.post(COMPANY, json=new_customer(nif=None, alternative_id=other))
    if code is None:
        number = answer.json()["data"]["alternative_id"]["number"]
        assert number == other["number"].upper()
        return
    error = answer.json()["error"]
    assert (answer.status_code, error["code"]) == (422, code)
    named = "alternative_id.country_code" if "COUNTRY_REQUIRED" in code else "alternative_id"
    assert [*error["details"]] == [named]
    assert api.effects() == []


@pytest.mark.parametrize(("kind", "number", "country", "code"), DOCUMENTS)
async def test_the_first_pages_have_two_rules_for_it_and_one_code(
    open_sandbox, kind, number, country, code
):
    other = {"type": kind, "number": number, **({"country_code": country} if country else {})}
    old = open_sandbox(generation="legacy")
    answer = await old.post(FLAT, json=new_customer(nif=None, alternative_id=other))
    is_registered = kind not in ("07", "NOT_REGISTERED")
    is_passport = kind == "PASSPORT"
    if (country == "ES" and is_registered and not is_passport) or (
        country != "ES" and not is_registered
    ):
        assert answer.json()["error"]["code"] == "ALTERNATIVE_ID_INVALID"
    else:
        assert answer.json()["data"]["alternative_id"] == other


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"nif": 12345678}, "nif"),
        ({"address": "Calle Mayor 1"}, "address"),
        ({"address": ADDRESS | {"number": 1}}, "address.number"),
        ({"billing_emails": "a@b.example"}, "billing_emails"),
        ({"general_discount": "5"}, "general_discount"),
        ({"preferred_payment_method": {"method": 7}}, "preferred_payment_method.method"),
        ({"preferred_payment_method": {"payment_term_days": "30"}},
         "preferred_payment_method.payment_term_days"),
    ],
)  # fmt: skip
async def test_a_wrong_type_is_named_as_broken_json(api, changes, field):
    answer = await api.post(FLAT, json=new_customer(**changes))
    assert answer.status_code == 400
    assert answer.json()["error"]["code"] == "INVALID_JSON_FORMAT"
    assert answer.json()["error"]["details"]["field"] == field


async def test_a_value_that_is_none_of_the_words_is_content_today_and_was_form(open_sandbox):
    wrong = new_customer(
        address=ADDRESS, preferred_payment_method={"method": "CHEQUE", "payment_term_days": 30}
    )
    today = await open_sandbox().post(FLAT, json=wrong)
    assert (today.status_code, today.json()["error"]["code"]) == (422, "VALIDATION_ERROR")
    details = today.json()["error"]["details"]
    assert details.keys() == {"field", "invalid_value", "allowed_values"}
    assert (details["field"], details["invalid_value"]) == (
        "preferred_payment_method.method",
        "CHEQUE",
    )
    assert details["allowed_values"].startswith("NONE, BANK_TRANSFER, CARD")
    before = await open_sandbox(generation="legacy").post(FLAT, json=wrong)
    assert (before.status_code, before.json()["error"]["code"]) == (400, "INVALID_JSON_FORMAT")


async def test_what_no_field_is_called_is_passed_over_in_silence(api, customers):
    answer = await api.post(customers, json=new_customer(colour="red", direccion=ADDRESS))
    assert answer.status_code == 201
    assert not {"colour", "direccion"} & answer.json()["data"].keys()


async def test_a_deleted_customer_is_gone_and_its_nif_is_free(api, customers):
    deleted = await api.delete(f"{customers}/{WITHOUT_INVOICES}")
    assert deleted.status_code == (204 if customers == COMPANY else 200)
    assert (await api.get(f"{customers}/{WITHOUT_INVOICES}")).status_code == 404
    listed = await api.get(customers, params={"active": "false"})
    assert [item["id"] for item in listed.json()["data"]["customers"]] == [INACTIVE]
    assert (await api.post(customers, json=new_customer(nif="G47012364"))).status_code == 201
    assert api.effects() == ["customer_deleted", "customer_created"]


async def test_a_customer_with_invoices_cannot_be_deleted(api, customers):
    answer = await api.delete(f"{customers}/{WITH_INVOICES}")
    assert answer.status_code == 409
    assert answer.json()["error"]["code"] == "CLIENT_HAS_INVOICES"
    assert (await api.get(f"{customers}/{WITH_INVOICES}")).status_code == 200


async def test_the_seed_generation_only_deactivates(open_sandbox):
    api = open_sandbox(generation="legacy")
    answer = await api.delete(f"{FLAT}/{WITHOUT_INVOICES}")
    assert answer.json()["data"] == {"message": "Customer deactivated successfully"}
    again = await api.delete(f"{FLAT}/{WITHOUT_INVOICES}")
    assert again.status_code == 200
    kept = await api.get(f"{FLAT}/{WITHOUT_INVOICES}")
    assert kept.json()["data"]["active"] is False
    taken = await api.post(FLAT, json=new_customer(nif="G47012364"))
    assert taken.json()["error"]["code"] == "CLIENT_DUPLICATE"
    assert api.effects() == ["customer_deactivated"]


async def test_the_seed_generation_keeps_customers_with_invoices(open_sandbox):
    answer = await open_sandbox(generation="legacy").delete(f"{FLAT}/{WITH_INVOICES}")
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, "VALIDATION_ERROR")


async def test_put_clears_what_is_absent_but_not_the_rest(api):
    before = (await api.get(f"{FLAT}/{customer_id(6)}")).json()["data"]
    answer = await api.put(f"{FLAT}/{customer_id(6)}", json={"legal_name": "Olmo 14"})
    after = answer.json()["data"]
    gone = {"trade_name", "email", "billing_emails", "notes"}
    assert before.keys() - after.keys() == gone
    for kept in ("nif", "phone", "address", "active"):
        assert after[kept] == before[kept]


async def test_put_of_the_seed_generation_keeps_what_is_absent(open_sandbox):
    api = open_sandbox(generation="legacy")
    before = (await api.get(f"{FLAT}/{customer_id(6)}")).json()["data"]
    body = {"web": "https://olmo.example", "nif": "28765431K"}
    after = (await api.put(f"{FLAT}/{customer_id(6)}", json=body)).json()["data"]
    assert after | {"updated_at": ""} == before | {
        "web": "https://olmo.example",
        "updated_at": "",
    }


async def test_patch_keeps_what_is_absent_and_clears_what_is_null(api, customers):
    path = f"{customers}/{customer_id(6)}"
    before = (await api.get(path)).json()["data"]
    after = (await api.patch(path, json={"phone": None, "notes": "Nada"})).json()["data"]
    assert "phone" not in after
    assert after["notes"] == "Nada"
    assert after["billing_emails"] == before["billing_emails"]
    assert api.effects() == ["customer_updated"]


@pytest.mark.parametrize("field", ["legal_name", "address", "nif", "active"])
async def test_patch_cannot_clear_what_a_customer_needs(api, field):
    answer = await api.patch(f"{COMPANY}/{WITHOUT_INVOICES}", json={field: None})
    assert answer.status_code == 422
    assert api.effects() == []


async def test_patch_replaces_an_address_as_a_whole(api):
    path = f"{COMPANY}/{FOREIGNER}"
    partial = await api.patch(path, json={"address": {"city": "Lyon"}})
    assert partial.status_code == 422
    whole = await api.patch(path, json={"address": ADDRESS})
    assert whole.json()["data"]["address"] == ADDRESS | {"country_code": "ES"}


async def test_an_identifier_takes_the_place_of_the_other(api):
    path = f"{COMPANY}/{FOREIGNER}"
    spanish = (await api.patch(path, json={"nif": "28765431K"})).json()["data"]
    assert "alternative_id" not in spanish
    passport = {"type": "PASSPORT", "number": "C01X00T47", "country_code": "DE"}
    foreign = (await api.patch(path, json={"alternative_id": passport})).json()["data"]
    assert foreign["alternative_id"] == passport
    assert "nif" not in foreign
    nobody = await api.patch(path, json={"alternative_id": None})
    assert nobody.json()["error"]["code"] == "CUSTOMER_IDENTIFIER_REQUIRED"


async def test_deactivating_keeps_the_customer_and_its_nif(api):
    await api.patch(f"{COMPANY}/{WITH_INVOICES}", json={"active": False})
    listed = (await api.get(COMPANY)).json()["data"]["customers"]
    assert WITH_INVOICES not in [item["id"] for item in listed]
    assert (await api.get(f"{COMPANY}/{WITH_INVOICES}")).json()["data"]["active"] is False
    taken = await api.post(COMPANY, json=new_customer(nif="B70123450"))
    assert taken.status_code == 409


async def test_a_nif_may_repeat_across_companies_and_when_nobody_checks(open_sandbox):
    two = open_sandbox(companies=2)
    there = f"/v1/companies/{SECOND_COMPANY_ID}/customers"
    assert (await two.post(there, json=new_customer(nif="B70123450"))).status_code == 201
    lax = open_sandbox(nif_unique=False)
    assert (await lax.post(FLAT, json=new_customer(nif="B70123450"))).status_code == 201


async def test_the_seed_generation_speaks_its_own_fields(open_sandbox):
    api = open_sandbox(generation="legacy")
    body = new_customer(
        web="https://alba.example", website="https://other.example", preferred_payment_method={}
    )
    created = (await api.post(FLAT, json=body)).json()["data"]
    assert created["web"] == "https://alba.example"
    assert "website" not in created
    assert created["preferred_payment_method"] == {
        "method": "BANK_TRANSFER",
        "payment_term_days": 30,
    }
    homeless = {name: value for name, value in ADDRESS.items() if name != "country"}
    refused = await api.post(FLAT, json=new_customer(nif="28765431K", address=homeless))
    assert refused.json()["error"]["details"] == {"address.country": "Is required"}


async def test_todays_addresses_need_no_number_and_take_more_signs(open_sandbox):
    place = {**ADDRESS, "city": 'Getafe: sector 3; "Los Álamos"', "province": "Madrid (M)"}
    del place["number"]
    today = await open_sandbox().post(COMPANY, json=new_customer(address=place))
    assert (today.status_code, today.json()["data"]["address"]["city"]) == (201, place["city"])
    before = await open_sandbox(generation="legacy").post(FLAT, json=new_customer(address=place))
    assert before.json()["error"]["details"].keys() == {
        "address.number",
        "address.city",
        "address.province",
    }


async def test_the_current_generation_passes_over_the_old_name_of_the_website(api):
    created = (await api.post(FLAT, json=new_customer(web="https://alba.example"))).json()["data"]
    assert not {"web", "website"} & created.keys()
