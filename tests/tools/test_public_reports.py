"""What people reported of other programs, tried through the client: each is one of a kind."""

import re
from pathlib import Path
from typing import Any

import pytest
from mcp import Client

import beel_mcp
from beel_mcp.settings import Settings
from tests.conftest import Connect
from tests.support.customers import dni
from tests.support.program_exports import BEEL

pytestmark = pytest.mark.anyio


@pytest.fixture
def folder(settings: Settings) -> Path:
    return settings.files_dir


async def answered(client: Client, tool: str, **arguments: Any) -> dict[str, Any]:
    result = await client.call_tool(tool, arguments)
    assert not result.is_error, result.content[0].text
    return {**(result.structured_content or {}), "text": result.content[0].text}


def row(number: int, **cells: str) -> list[str]:
    """Give a valid row under BeeL's own headers, but for some cells."""
    whole = [f"Cliente {number}", dni(number), f"c{number}@example.com", *BEEL[1][3:]]
    return [cells.get(header, cell) for header, cell in zip(BEEL[0], whole, strict=True)]


def listed(*rows: list[str]) -> str:
    return "\n".join(";".join(cells) for cells in (BEEL[0], *rows))


@pytest.mark.parametrize("codec", ["cp1252", "mac_roman", "cp850", "cp437", "iso8859-15", "utf-8"])
async def test_a_doubtful_name_is_never_valid_in_any_encoding(
    client: Client, folder: Path, codec: str
) -> None:
    names = ("LÓPEZ", "KÖNIG", "Weiß", "CAÑADA", "FRANÇA")
    for number, name in enumerate(names):
        try:
            data = listed(row(number, nombre_fiscal=name)).encode(codec)
        except UnicodeEncodeError:
            continue
        (folder / "c.csv").write_bytes(data)
        result = await client.call_tool("validate_customers", {"source_path": "c.csv"})
        structure = result.structured_content or {}
        if result.is_error:
            assert (structure["code"], name in structure["message"]) == ("file_encoding", True)
        elif structure["counts"]["valid"]:
            found = await answered(client, "list_batch_rows", batch_id=structure["batch_id"])
            assert found["rows"][0]["name"] == name
        else:
            assert structure["counts"]["warning"] == 1
            assert "ask the person whether this reads right" in result.content[0].text
            assert codec != "utf-8"


async def test_what_a_spoiled_name_was_can_be_sent_as_it_is_suggested(client: Client) -> None:
    customer = {
        "legal_name": "Talleres PeÃ±a SL",
        "nif": dni(1),
        "email": "a@example.com",
        "address": {
            "street": "Calle Sol",
            "number": "5",
            "postal_code": "28013",
            "city": "Madrid",
            "province": "Madrid",
        },
    }
    spoiled = await answered(client, "validate_customers", customers=[customer])
    assert spoiled["counts"]["warning"] == 1
    suggestion = spoiled["problems"][0]["example"]["suggestion"]
    assert suggestion == "Talleres Peña SL"
    fix = {"row": 1, "field": "legal_name", "value": suggestion}
    mended = await answered(
        client, "validate_customers", batch_id=spoiled["batch_id"], corrections=[fix]
    )
    assert mended["counts"]["valid"] == 1


PERSON = {
    "legal_name": "Ana García",
    "email": "a@example.com",
    "address": {
        "street": "Calle Sol",
        "number": "5",
        "postal_code": "28013",
        "city": "Madrid",
        "province": "Madrid",
    },
}


async def test_who_is_right_but_not_in_the_census_yet_has_a_way_that_is_accepted_as_it_stands(
    client: Client,
) -> None:
    people = [{**PERSON, "nif": nif} for nif in ("00000000T", "X0000000T")]
    checked = await answered(client, "validate_customers", customers=people)
    assert checked["counts"]["nif_invalid"] == 2
    assert "NOT_REGISTERED 00000000T" in checked["problems"][0]["example"]["suggestion"]
    way = checked["next"][0]
    mended = await answered(client, way["tool"], **way["arguments"])
    assert mended["importable"] == 2


async def test_a_company_or_a_mistyped_number_is_not_said_to_be_unregistered(
    client: Client,
) -> None:
    others = [{**PERSON, "nif": nif} for nif in ("B00000000", "00000000A")]
    checked = await answered(client, "validate_customers", customers=others)
    assert (checked["counts"]["nif_invalid"], "NOT_REGISTERED" in checked["text"]) == (2, False)


async def test_the_prompt_and_the_guide_name_the_way_of_who_is_not_in_the_census(
    client: Client,
) -> None:
    prompt = await client.get_prompt("import-customers", {})
    guide = await client.read_resource("beel://guide")
    assert "NOT_REGISTERED" in prompt.messages[0].content.text
    assert "NOT_REGISTERED" in guide.contents[0].text


async def test_the_apostrophe_of_a_spreadsheet_is_taken_off_and_told(
    client: Client, folder: Path
) -> None:
    guarded = row(
        1,
        nombre_fiscal="'Peña SL",
        nif=f"'{dni(1)}",
        telefono="'+34931234567",
        direccion_codigo_postal="'08001",
        direccion_provincia="'Barcelona",
    )
    (folder / "c.csv").write_text(listed(guarded), "utf-8")
    checked = await answered(client, "validate_customers", source_path="c.csv")
    fields = {change["field"] for change in checked["values_changed"]}
    assert {"legal_name", "nif", "phone", "address.postal_code"} <= fields
    assert checked["importable"] == 1
    inline = {**PERSON, "legal_name": "'Peña SL", "nif": f"'{dni(2)}"}
    called = await answered(client, "validate_customers", customers=[inline])
    assert {change["field"] for change in called["values_changed"]} == {"legal_name", "nif"}
    rows = await answered(client, "list_batch_rows", batch_id=called["batch_id"])
    assert (rows["rows"][0]["name"], rows["rows"][0]["nif"]) == ("Peña SL", dni(2))


@pytest.mark.parametrize("name", ["'s-Hertogenbosch", "'t Hof", "'El Rincón'", "L'Auca"])
async def test_an_apostrophe_of_a_name_stays(client: Client, name: str) -> None:
    customer = {**PERSON, "legal_name": name, "nif": dni(1)}
    checked = await answered(client, "validate_customers", customers=[customer])
    rows = await answered(client, "list_batch_rows", batch_id=checked["batch_id"])
    assert rows["rows"][0]["name"] == name


@pytest.mark.parametrize("code", ["ZZ", "Espaa", "34"])
async def test_many_rows_that_fall_to_one_thing_have_one_correction_as_the_next_call(
    client: Client, folder: Path, code: str
) -> None:
    cells = [[*row(number), code] for number in range(1, 31)]
    text = "\n".join(";".join(line) for line in ([*BEEL[0], "codigo_pais"], *cells))
    (folder / "c.csv").write_text(text, "utf-8")
    checked = await answered(client, "validate_customers", source_path="c.csv")
    assert checked["counts"]["error"] == 30
    fix = checked["next"][0]
    made = {"row": 0, "field": "address.country_code", "value": "ES"}
    assert fix["arguments"]["corrections"] == [made]
    mended = await answered(client, fix["tool"], **fix["arguments"])
    assert (mended["counts"]["valid"], "Corrected 30 values" in mended["text"]) == (30, True)
    result = await client.call_tool(
        "validate_customers", {"batch_id": mended["batch_id"], "corrections": [made]}
    )
    assert result.is_error
    assert "there is none" in result.content[0].text


@pytest.mark.parametrize(
    ("code", "province"),
    [
        *(("724", "Barcelona"), ("0724", "Barcelona"), ("ESP", "Barcelona (ES)")),
        *(("España", "Barcelona (España)"), ("Espanya", "Barcelona, ESP"), ("", "Barcelona/ES")),
    ],
)
async def test_spain_is_understood_however_a_program_writes_it(
    client: Client, folder: Path, code: str, province: str
) -> None:
    cells = [*row(1, direccion_codigo_postal="08001", direccion_provincia=province), code]
    text = "\n".join(";".join(line) for line in ([*BEEL[0], "codigo_pais"], cells))
    (folder / "c.csv").write_text(text, "utf-8")
    checked = await answered(client, "validate_customers", source_path="c.csv")
    assert checked["counts"]["valid"] == 1


async def test_a_saved_file_is_read_by_the_address_that_names_it(client: Client) -> None:
    saved = await answered(client, "download_customer_template")
    result = await client.call_tool("validate_customers", {"source_path": saved["uri"]})
    assert "no rows below its header" in result.content[0].text or not result.is_error


# What JSON has no word for: None, True, ['a'], {'a': 1}; our own rows stand as [1].
PYTHON = re.compile(
    r"\b(?:None|True|False|nan|inf)\b|[\[{(]'|[\[,] ?None\b|<class|Traceback|object at 0x"
    r"|\b(?:Decimal|datetime|date|dict|tuple|frozenset|mappingproxy|PosixPath)\("
)
ODD: list[Any] = [
    *(None, True, False, -1, 1.5, 10**30, "", [], [1], [None], [True], [[1]], {}, {"a": None}),
    *("2026-13-45", "9999-Q9", [1.5, None], "[1,None]", [{"row": None, "field": None}], [{}]),
    [{"legal_name": None, "nif": True, "address": ["x"], "phone": [1], "general_discount": [1]}],
    [{"address": {"street": None, "number": [1], "postal_code": True}, "billing_emails": {"a": 1}}],
    [{"description": None, "quantity": True, "unit_price": [1], "tax": {"a": None}}],
    {"active": None, "legal_name": [1], "clear": [None, True], "address": {"street": {"a": 1}}},
]


@pytest.mark.slow
@pytest.mark.parametrize("language", ["en", "es"])
async def test_no_answer_shows_a_value_in_pythons_own_notation(
    connect: Connect, language: str
) -> None:
    shown = []
    async with connect(language=language) as client:
        for tool in (await client.list_tools()).tools:
            needed = dict.fromkeys(tool.input_schema.get("required", []), "x")
            for name in tool.input_schema["properties"]:
                for value in ODD:
                    result = await client.call_tool(tool.name, {**needed, name: value})
                    text = result.content[0].text
                    # What is quoted is what was sent, and a next call is JSON.
                    own = re.sub(r'"[^"]*"|^Next: .*', "", text, flags=re.MULTILINE)
                    shown += [(tool.name, name, value, text)] if PYTHON.search(own) else []
    assert shown == []


def test_no_sentence_of_ours_asks_for_pythons_own_notation() -> None:
    package = Path(beel_mcp.__file__).parent
    asking = {
        path.name
        for path in package.rglob("*.py")
        if re.search(r"![ra]\}", path.read_text("utf-8"))
    }
    assert asking == {"__init__.py"}  # of an AttributeError, for programmers
