"""What an answer suggests is accepted when it is sent as it stands."""

import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
from mcp import Client

from beel_mcp.messages import read_data
from beel_mcp.settings import Settings
from tests.support.customers import customer, dni

pytestmark = pytest.mark.anyio

ADDRESS = customer(1)["address"]
Facts = Mapping[str, str]
Values = dict[str, str]
NO_DOCUMENT = {f"alternative_id.{part}": "" for part in ("type", "number", "country_code")}


@pytest.fixture
def era() -> Any:
    """What a list says has nothing to do with the protocol's era."""
    return "auto"


async def call(client: Client, tool: str, **arguments: Any) -> dict[str, Any]:
    """Call a tool. A list of nothing but faults, each of another kind, has long answers."""
    return (await client.call_tool(tool, arguments)).structured_content or {}


def place(**changes: str | None) -> dict[str, Any]:
    parts = {**ADDRESS, **changes}
    return {"address": {name: text for name, text in parts.items() if text is not None}}


def document(kind: str, number: str, country: str) -> dict[str, Any]:
    return {"nif": "", "alternative_id": {"type": kind, "number": number, "country_code": country}}


# Faults that our own checks have a suggestion for.
FAULTS: list[dict[str, Any]] = [
    {"nif": "12345678A"},
    {"nif": "12345678"},
    {"nif": "1234567L"},
    {"nif": "A58818500"},
    {"nif": "A5881850"},
    {"nif": "C12345678"},
    {"nif": "P1234567X"},
    {"nif": "X1234567A"},
    {"nif": "DE136695976"},
    {"nif": "GR094259216"},
    place(postal_code="8001", province="Barcelona"),
    place(postal_code="08001", province="Madrid"),
    place(province=None),
    place(number=None),
    # what is too long to be a street alone is not looked through, and nothing filled in
    place(street="Nave " * 35, number=None, province=None),
    place(province=None, country="Alemania", country_code="DE", postal_code="10115"),
    place(province=None, country="Alemanai", country_code=None, postal_code="10115"),
    place(province=None, number=None, country_code="PT", country="Portugal"),
    {"email": "a@b.es; c@d.es"},
    {"email": "Ana <ana@example.com>"},
    {"phone": "931.234.567 / 600.123.456"},
    {"phone": "931/234/567"},
    document("NIF_IVA", "B50000041", "ES"),
    document("COUNTRY_ID", dni(900), "ES"),
    document("NOT_REGISTERED", "12345678A", "ES"),
    document("NOT_REGISTERED", dni(901), "FR"),
    document("NIF_IVA", "FR40303265045", "MC"),
    document("NIF_IVA", "FR40303265045", "DE"),
    document("NIF_IVA", "XI432525179", "GB"),
    {"nif": dni(0)},  # as the first row has it
    {"legal_name": "Cliente de Prueba 0 SL", **place(number="1")},
]


def would_end(facts: Facts) -> list[str]:
    bare, ends = facts["number"], re.split(r"[ ,]+(?:or )?", facts["accepted"])
    return [(bare if len(bare) == 8 else bare[:-1]) + end for end in ends]


def nif(facts: Facts, field: str, row: Mapping[str, Any]) -> list[Values]:
    name = field if field == "nif" else "alternative_id.number"
    return [{name: text} for text in would_end(facts)]


def region(_: Facts, field: str, row: Mapping[str, Any]) -> list[Values]:
    """The city again, and the house number that may be missing, too."""
    return [{"address.province": row["address"]["city"], "address.number": "S/N"}]


def european(facts: Facts, field: str, row: Mapping[str, Any]) -> list[Values]:
    number, country = facts["number"], facts["country"]
    return [{"nif": "", **document_of(type="NIF_IVA", number=number, country_code=country)}]


def document_of(**parts: str) -> Values:
    return {f"alternative_id.{part}": text for part, text in parts.items()}


# By the name of a suggestion: the corrections that it stands for; several where it has several.
SENT: dict[str, Callable[[Facts, str, Mapping[str, Any]], list[Values]]] = {
    "nif.would_end_in_letter": nif,
    "nif.would_end_in_digit": nif,
    "nif.would_end_in": nif,
    "nif.european": european,
    "foreign.vat_is_of": lambda facts, *_: [document_of(country_code=facts["country"])],
    "foreign.other_document": lambda *_: [document_of(type="OTHER_DOCUMENT")],
    "foreign.as_nif": lambda facts, *_: [{**NO_DOCUMENT, "nif": facts["number"]}],
    "address.would_be": lambda facts, *_: [
        {"address.province": facts["province"], "address.number": "S/N"}
    ],
    "address.code_would_be": lambda facts, *_: [{"address.country_code": facts["code"]}],
    "address.region": region,
    "address.without_number": lambda *_: [{"address.number": "S/N"}],
    "address.provinces": lambda facts, *_: [
        {"address.province": facts["found"]},
        {"address.postal_code": f"{facts['prefixes']}001"},
    ],
    "email.first": lambda facts, *_: [{"email": facts["first"], "billing_emails": facts["others"]}],
    "text.verbatim": lambda facts, field, _: [{field: facts["text"]}],
}
# These name a row or a customer to compare with, and nothing that could be sent.
NAMES_ONLY = {"duplicate.row_has_it", "duplicate.row_named", "duplicate.named_in_beel"}
# Tested where they arise: in a file, in a change of one part of a document, after BeeL's census.
ELSEWHERE = {"sheet.keep_phone", "sheet.would_read", "foreign.would_be", "nif.unregistered"}
GROUPS = ("sheet", "customer", "nif", "foreign", "address", "email", "phone", "iban", "duplicate")


def suggestions() -> dict[str, str]:
    """Give the words of everything that a check can suggest; what it finds is a whole sentence."""
    table = read_data("messages")
    return {
        f"{group}.{name}": words["en"]
        for group in GROUPS
        for name, words in table[group].items()
        if not words["en"].endswith(".")
    }


def named(text: str) -> tuple[str, Facts]:
    """Tell which suggestion a text is, and its facts; a mere value is `text.verbatim`."""
    for name, words in suggestions().items():
        if name in ("duplicate.named_in_beel", "foreign.would_be"):
            continue
        parts = re.split(r"\{(\w+)\}", words)
        pattern = "".join(
            f"(?P<{part}>.+?)" if at % 2 else re.escape(part) for at, part in enumerate(parts)
        )
        if found := re.fullmatch(pattern, text):
            return name, found.groupdict()
    return "text.verbatim", {"text": text}


def test_every_suggestion_is_tried() -> None:
    assert suggestions().keys() == SENT.keys() - {"text.verbatim"} | NAMES_ONLY | ELSEWHERE


async def listed(client: Client, batch_id: str) -> dict[int, Any]:
    """Give every row of a list with what is told of it."""
    found: dict[int, Any] = {}
    page = 1
    while rows := (
        await call(client, "list_batch_rows", batch_id=batch_id, page=page, limit=20)
    ).get("rows"):
        found |= {row["row"]: row for row in rows}
        page += 1
    return found


def problems(row: Mapping[str, Any]) -> list[dict[str, Any]]:
    return [*row.get("errors", ()), *row.get("warnings", ())]


@pytest.mark.slow
async def test_every_suggestion_of_a_check_is_accepted_as_it_stands(client: Client) -> None:
    rows = [customer(n, **fault) for n, fault in enumerate(({}, *FAULTS))]
    first = await call(client, "validate_customers", customers=rows)
    tried = set()
    for number, row in (await listed(client, first["batch_id"])).items():
        for problem in problems(row):
            if not (text := problem.get("suggestion")):
                continue
            name, facts = named(text)
            tried.add(name)
            if name in NAMES_ONLY:
                continue
            for values in SENT[name](facts, problem["field"], rows[number - 1]):
                left = await corrected(client, first["batch_id"], number, values)
                others = [(one["field"], one["message"]) for one in problems(row) if one != problem]
                new = [one for one in left if (one["field"], one["message"]) not in others]
                assert new == [], (problem, values)
    assert tried >= SENT.keys()


async def corrected(
    client: Client, batch_id: str, row: int, values: Values
) -> list[dict[str, Any]]:
    """Correct a row; give what is told of it then."""
    fixes = [{"row": row, "field": field, "value": text} for field, text in values.items()]
    now = await call(client, "validate_customers", batch_id=batch_id, corrections=fixes)
    return problems((await listed(client, now["batch_id"]))[row])


async def test_a_second_telephone_is_kept_by_the_correction_that_is_suggested(
    client: Client, settings: Settings
) -> None:
    path = Path(settings.files_dir) / "dos.csv"
    head = "nombre;nif;teléfono;calle;número;cp;ciudad;provincia"
    cells = f"Uno;{dni(1)};931 234 567 / 600 123 456;Calle Mayor;1;28001;Madrid;Madrid"
    path.write_text(f"{head}\n{cells}\n", encoding="utf-8")
    read = await call(client, "validate_customers", source_path=str(path))
    rows = await listed(client, read["batch_id"])
    [(number, row)] = rows.items()
    [hint] = [one["suggestion"] for one in problems(row) if one["field"] == "notes"]
    name, facts = named(hint)
    assert name == "sheet.keep_phone"
    fix = {"notes": facts["text"]}
    assert await corrected(client, read["batch_id"], number, fix) == [
        one for one in problems(row) if one["field"] != "notes"
    ]


MEANT = re.compile(r"did you mean ([\w.]+)\?")
# What people call the fields, as our own lists and their neighbours do, in both languages.
CALLED = sorted(
    {
        word
        for names in read_data("field_names").values()
        for word in (*names.get("column", {}).values(), *names.get("also", ()))
    }
    | {"addr.street", "address.calle", "alternative_id.pais", "payment", "street", "postal_code"}
)


def faults_of(answer: Mapping[str, Any]) -> list[str]:
    return [fault["message"] for fault in answer.get("field_errors", ())]


@pytest.mark.slow
async def test_a_field_that_is_meant_is_known_where_its_name_is_sent(client: Client) -> None:
    """In the rows of a call, in a correction and in a change."""
    batch = (await call(client, "validate_customers", customers=[customer(1)]))["batch_id"]
    ids = ["7f0c5c9e-3b1e-4d0a-9d5e-0d8f0a6b1c2d"]
    sends: list[Callable[[str], tuple[str, dict[str, Any]]]] = [
        lambda name: ("validate_customers", {"customers": [{**customer(1), name: "1"}]}),
        lambda name: (
            "validate_customers",
            {"batch_id": batch, "corrections": [{"row": 1, "field": name, "value": "1"}]},
        ),
        lambda name: ("update_customers", {"customer_ids": ids, "changes": {name: "1"}}),
    ]
    meant = set()
    for send in sends:
        for word in CALLED:
            tool, arguments = send(word)
            for name in MEANT.findall(" ".join(faults_of(await call(client, tool, **arguments)))):
                meant.add(name)
                tool, arguments = send(name)
                answer = await call(client, tool, **arguments)
                assert not [one for one in faults_of(answer) if "unknown" in one], (word, answer)
    assert len(meant) > 15
    assert any("." in name for name in meant)
