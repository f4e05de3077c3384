"""validate_customers on files, through the client: what it understood, what it refuses."""

import json
from pathlib import Path
from typing import Any

import pytest
from mcp import Client
from rs_bpe.bpe import openai

from beel_mcp.settings import Settings
from tests.conftest import Connect
from tests.support.customers import dni
from tests.support.list_files import text, xlsx
from tests.support.program_exports import BEEL, FILES, PROGRAMS, beel

pytestmark = pytest.mark.anyio
TOKENS = openai.o200k_base()


@pytest.fixture
def folder(settings: Settings) -> Path:
    return settings.files_dir


async def validated(client: Client, **arguments: Any) -> dict[str, Any]:
    result = await client.call_tool("validate_customers", arguments)
    assert not result.is_error, result.content[0].text
    return result.structured_content or {}


async def refused(client: Client, **arguments: Any) -> dict[str, Any]:
    result = await client.call_tool("validate_customers", arguments)
    assert result.is_error, result.content[0].text
    structure = result.structured_content or {}
    assert structure["changed"] == "nothing"
    return structure


def lists(count: int) -> list[list[Any]]:
    """Give a list of valid customers with BeeL's own headers."""
    return [
        BEEL[0],
        *(
            [f"Cliente {n}", dni(n), f"c{n}@example.com", *BEEL[1][3:5], str(n + 1), *BEEL[1][6:]]
            for n in range(count)
        ),
    ]


@pytest.mark.parametrize("program", PROGRAMS)
async def test_the_export_of_each_program_can_be_imported_as_it_is(
    client: Client, folder: Path, program: str
) -> None:
    file = PROGRAMS[program]
    (folder / file.name).write_bytes(file.make())
    answer = await validated(client, source_path=file.name)
    assert (answer["total"], answer["importable"]) == (1, 1)
    assert any(used.endswith("→ legal_name") for used in answer["columns_used"])


async def test_what_was_understood_and_changed_stands_in_the_text_and_the_structure(
    client: Client, folder: Path
) -> None:
    file = PROGRAMS["sage"]
    (folder / file.name).write_bytes(file.make())
    result = await client.call_tool("validate_customers", {"source_path": file.name})
    said, structure = result.content[0].text, result.structured_content or {}
    assert structure["read_as"] == 'sheet "Clientes", headers in row 4'
    assert structure["columns_ignored"] == ['Código (such as "430.1")']
    zero = next(c for c in structure["values_changed"] if c["field"] == "address.postal_code")
    assert zero == {
        "field": "address.postal_code",
        "change": "the missing leading zero put back",
        "count": 1,
        "rows": [5],
        "before": "8001",
        "after": "08001",
    }
    assert "headers in row 4" in said
    assert 'row 5, "8001" to "08001"' in said
    assert 'Código (such as "430.1")' in said


async def test_the_sheet_and_the_columns_can_be_named(client: Client, folder: Path) -> None:
    rows = [
        ["Wer", "Steuer", "Domicilio", "Dirección"],
        ["Acme SL", "B65120347", "Calle A, 1", "x"],
    ]
    data = xlsx(rows, name="Uno", others={"Dos": rows})
    (folder / "a.xlsx").write_bytes(data)
    columns = [
        {"header": "wer", "field": "legal_name"},
        {"header": "Steuer", "field": "nif"},
        {"header": "Domicilio", "field": "address.street"},
    ]
    assert (await refused(client, source_path="a.xlsx", columns=columns))["code"] == "file_sheet"
    answer = await validated(client, source_path="a.xlsx", sheet="Dos", columns=columns)
    assert answer["columns_used"] == [
        "Wer → legal_name",
        "Steuer → nif",
        "Domicilio → address.street",
    ]
    assert answer["columns_ignored"] == ['Dirección (such as "x")']


@pytest.mark.parametrize(
    ("columns", "code", "words"),
    [
        ([{"header": "nif", "field": "tax_id"}], "invalid_arguments", "did you mean nif?"),
        ([{"header": "Nope", "field": "nif"}], "file_column", '"nombre_fiscal"'),
        ([{"header": "nif"}], "invalid_arguments", "field"),
        ([{"header": "nif", "field": "nif", "x": 1}], "invalid_arguments", "x"),
        (
            [{"header": "nif", "field": "nif"}, {"header": "email", "field": "nif"}],
            "invalid_arguments",
            "again",
        ),
    ],
)
async def test_columns_that_cannot_be_meant_are_refused(
    client: Client, folder: Path, columns: Any, code: str, words: str
) -> None:
    (folder / "a.csv").write_bytes(text(beel()))
    structure = await refused(client, source_path="a.csv", columns=columns)
    assert structure["code"] == code
    assert words in json.dumps(structure, ensure_ascii=False).replace('\\"', '"')


async def test_two_headers_of_one_meaning_are_named_with_the_remedy_that_works(
    client: Client, folder: Path
) -> None:
    rows = [["Razón social", "NIF", "CIF"], ["Acme SL", "B65120347", "x"]]
    (folder / "a.csv").write_bytes(text(rows))
    structure = await refused(client, source_path="a.csv")
    assert structure["code"] == "file_header_repeated"
    assert '"NIF" (column 2) and "CIF" (column 3)' in structure["message"]
    remedy = structure["message"][structure["message"].index("{") :]
    column = json.loads(remedy[: remedy.index("}") + 1])
    answer = await validated(client, source_path="a.csv", columns=[column])
    assert 'CIF (such as "x")' in answer["columns_ignored"]


async def test_sheet_and_columns_belong_to_a_file(client: Client) -> None:
    await refused(client, customers=[{"legal_name": "Acme"}], sheet="Hoja1")


@pytest.mark.parametrize(
    ("name", "data", "code"),
    [
        ("no.xlsx", None, "file_not_found"),
        (".", None, "not_a_file"),
        ("../a.xlsx", None, "path_not_allowed"),
        ("a.xlsx", b"", "file_empty"),
        ("a.xlsx", b"nif;nombre\n", "file_wrong_type"),
        ("a.csv", b"x" * 10_000_001, "file_too_large"),
        ("a.csv", b"nif;email\n1;2\n", "file_no_header"),
        ("a.csv", b"nombre_fiscal\nK\xd6NIG\n", "file_encoding"),
    ],
)
async def test_bad_files_are_refused_with_their_code(
    client: Client, folder: Path, name: str, data: bytes | None, code: str
) -> None:
    if data is not None:
        (folder / name).write_bytes(data)
    structure = await refused(client, source_path=name)
    assert structure["code"] == code


SECRET = "sk_live_9f8e7d6c"


@pytest.mark.parametrize(
    "name",
    [
        ".env",
        ".csv",
        ".ssh/id.csv",
        "lista",
        "claves.pem",
        "lista.csv.gpg",
        "lista.pdf",
        "a.numbers",
    ],
)
async def test_hidden_files_and_files_of_other_kinds_are_not_read(
    client: Client, folder: Path, name: str
) -> None:
    (folder / name).parent.mkdir(exist_ok=True)
    (folder / name).write_text(f"nombre_fiscal={SECRET}\nnif;1\n", encoding="utf-8")
    (folder / "link.csv").symlink_to(folder / name)
    for path in (name, str(folder / name), "link.csv"):
        structure = await refused(client, source_path=path)
        assert structure["code"] == "not_a_list"
        assert SECRET not in str(structure)


async def test_endings_of_lists_count_in_capitals_too(client: Client, folder: Path) -> None:
    (folder / "LISTA.CSV").write_text("nombre_fiscal;nif\nAcme SL;B12345674\n", encoding="utf-8")
    assert (await validated(client, source_path="LISTA.CSV"))["total"] == 1


@pytest.mark.parametrize(
    "text",
    [
        f"API_KEY={SECRET}\nDB=1\n",
        f"-----BEGIN PRIVATE KEY-----\n{SECRET}\n",
        f"Querida Ana; la clave es {SECRET}\n",
        f"2026-01-01 12:00:00, ERROR, clave {SECRET}, x\n",
        f'{{"clave": "{SECRET}", "x": [1, 2]}}\n',
    ],
)
async def test_no_line_of_a_file_that_is_no_list_is_shown(
    client: Client, folder: Path, text: str
) -> None:
    (folder / "a.txt").write_text(text, encoding="utf-8")
    columns = [{"header": "nombre", "field": "legal_name"}]
    for more in ({}, {"columns": columns}):
        structure = await refused(client, source_path="a.txt", **more)
        assert structure["code"] in ("file_no_header", "file_column")
        assert SECRET not in str(structure)


async def test_headers_in_another_language_are_shown(client: Client, folder: Path) -> None:
    (folder / "a.csv").write_text("Nazwa firmy;NIP;Miasto (kod)\nX;1;Y\n", encoding="utf-8")
    structure = await refused(client, source_path="a.csv")
    assert '"Nazwa firmy", "NIP", "Miasto (kod)"' in structure["message"]


async def test_a_link_out_of_the_folder_is_not_followed(
    client: Client, folder: Path, tmp_path: Path
) -> None:
    (tmp_path / "fuera.xlsx").write_bytes(xlsx(beel()))
    (folder / "dentro.xlsx").symlink_to(tmp_path / "fuera.xlsx")
    structure = await refused(client, source_path="dentro.xlsx")
    assert structure["code"] == "path_not_allowed"


@pytest.mark.slow
async def test_more_than_500_rows_are_asked_in_several_requests_and_twins_found_across_them(
    client: Client, folder: Path, sandbox: Any
) -> None:
    rows = lists(1_200)
    rows[1_100][1] = rows[3][1]
    (folder / "a.xlsx").write_bytes(xlsx(rows))
    answer = await validated(client, source_path="a.xlsx")
    assert answer["total"] == 1_200
    assert answer["counts"]["duplicate"] == 1
    [twin] = [problem for problem in answer["problems"] if problem["kind"] == "duplicate"]
    assert (twin["rows"], "an earlier row of the list" in twin["message"]) == ([1_101], True)
    asked = [call for call in sandbox.state.store.requests() if call["method"] == "POST"]
    assert len(asked) == 3
    result = await client.call_tool("create_customers", answer["next"][0]["arguments"])
    assert (result.structured_content or {})["counts"]["created"] == 1_198


async def test_a_file_with_every_damage_still_gives_a_short_answer(
    client: Client, folder: Path
) -> None:
    extra = [f"Columna sin sentido número {number}" for number in range(30)]
    rows = [[*BEEL[0], "web", "iban", "forma de pago", "notas", *extra]]
    for number in range(400):
        row: list[Any] = [
            f"  Construcciones y  Contratas Hermanos Fernández {number} ",
            f"ES-{dni(number)}" if number % 3 else "12345678A",
            f"someone{number} at example" if number % 5 == 0 else "a@example.com",
            "9,31234567E+08" if number % 2 else "call me",
            f"Calle de la Constitución, {number}",
            "",
            "8001" if number % 7 else "99999",
            "Barcelona" if number % 11 else "",
            "" if number % 2 else "Madrid",
        ]
        web = "www.example.com" if number % 13 else "no web at all"
        iban = "ES91 2100 0418 4502 0005 1332" if number % 17 else "ES00 2100 0418 4502 0005 1332"
        row += [web, iban, "Según contrato", " x  y "]
        rows.append([*row, *extra])
    (folder / "a.csv").write_bytes(text(rows, encoding="cp1252"))
    result = await client.call_tool("validate_customers", {"source_path": "a.csv"})
    assert not result.is_error, result.content[0].text
    said, structure = result.content[0].text, result.structured_content or {}
    spent = TOKENS.count(json.dumps(structure, ensure_ascii=False))
    print(
        {k: TOKENS.count(json.dumps(v, ensure_ascii=False)) for k, v in structure.items()},
        said,
        structure["problems"],
    )
    assert len(said) <= 1_500
    assert spent <= 1_000
    assert "ES91" not in said + str(structure)
    assert structure["more_columns_ignored"] > 0
    assert len(structure["problems"]) >= 4
    assert structure["values_changed"]
    assert "Windows-1252" in said


async def test_no_list_of_any_program_breaks_the_server(
    client: Client, folder: Path, connect: Connect
) -> None:
    for file in FILES.values():
        (folder / file.name).write_bytes(file.make())
        answer = await validated(client, source_path=file.name)
        assert sum(answer["counts"].values()) == answer["total"]


async def test_what_a_list_holds_and_no_customer_gets_is_told_with_its_value(
    client: Client, folder: Path
) -> None:
    rows = [[*BEEL[0], "Ruta"], [*BEEL[1], "Norte"], [*BEEL[1], "Norte"], ["Total clientes: 2"]]
    rows[2][0], rows[2][1], rows[2][3] = "Otra SL", "A58818501", "931234567 / 600112233"
    (folder / "a.xlsx").write_bytes(xlsx(rows))
    result = await client.call_tool("validate_customers", {"source_path": "a.xlsx"})
    said, structure = result.content[0].text, result.structured_content or {}
    assert (structure["total"], structure["importable"]) == (2, 2)
    assert structure["columns_ignored"] == ['Ruta (such as "Norte")']
    assert structure["rows_left_out"] == ['row 4 ("Total clientes: 2")']
    assert 'Left out, no customers: row 4 ("Total clientes: 2").' in said
    assert 'Columns ignored: Ruta (such as "Norte").' in said
    [remark] = structure["problems"]
    assert (remark["field"], remark["example"]["value"]) == ("notes", "600112233")
    assert "Otro teléfono: 600112233" in said


async def test_a_name_that_fits_two_encodings_is_refused_with_both_readings(
    client: Client, folder: Path
) -> None:
    (folder / "a.csv").write_bytes(b"nombre_fiscal;nif\r\nK\xd6NIG SL;B12345674\r\n")
    refusal = await refused(client, source_path="a.csv")
    assert refusal["code"] == "file_encoding"
    assert "KÖNIG SL" in refusal["message"]
    assert "KÍNIG SL" in refusal["message"]
