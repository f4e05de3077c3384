"""The main job of the demo: a list is checked, its customers created once, one of them found."""

from collections.abc import Mapping, Sequence
from typing import Any

from beel_mcp.cli.demo.example import CORRECTIONS, EXPECTED_COUNTS, LIST_NAME
from beel_mcp.cli.demo.telling import Demo

_PROBLEM_WORDS = {
    ("warning", "email"): ("no e-mail address", "falta el correo electrónico"),
    ("warning", "address.postal_code"): (
        "the postal code is of another province",
        "el código postal es de otra provincia",
    ),
    ("duplicate", "nif"): (
        "already a customer, or repeated",
        "ya es cliente, o está repetido en la lista",
    ),
    ("nif_invalid", "nif"): ("the NIF is wrong or unknown to AEAT", "NIF erróneo o no censado"),
    ("error", "legal_name"): ("the name is missing", "falta el nombre"),
    ("error", "email"): ("not an e-mail address", "el correo no es válido"),
    ("error", "phone"): ("not a phone number", "el teléfono no es válido"),
}
WANTED = "Panadería Lourdes"


async def import_list(demo: Demo) -> None:
    """Check the list, create, find, and check again."""
    await _show_status(demo)
    checked = await _validate(demo)
    corrected = await _correct(demo, checked)
    await _create(demo, corrected)
    await _find(demo)
    await _validate_again(demo, checked)


async def _show_status(demo: Demo) -> None:
    demo.title(en="Where are we?", es="¿Dónde estamos?")
    status = await demo.call("get_status", {})
    demo.promise("environment", status.get("environment"), "sandbox")
    company = status.get("company")
    demo.promise("company known", company is not None, wanted=True)
    demo.say(
        en=f"In the sandbox of {company}: nothing here is real.",
        es=f"En la simulación incluida, empresa {company}: nada de esto es real.",
    )


async def _validate(demo: Demo) -> dict[str, Any]:
    demo.title(
        en=f"Check the list {LIST_NAME}; nothing is created",
        es=f"Comprobar la lista {LIST_NAME}; todavía no se da de alta a nadie",
    )
    answer = await demo.call("validate_customers", {"source_path": LIST_NAME})
    counts = answer.get("counts", {})
    demo.promise("counts", counts, EXPECTED_COUNTS)
    demo.promise("total", answer.get("total"), sum(EXPECTED_COUNTS.values()))
    importable = EXPECTED_COUNTS["valid"] + EXPECTED_COUNTS["warning"]
    demo.promise("importable", answer.get("importable"), importable)
    words = (
        ("valid", "valid", "correctos"),
        ("warning", "with a remark, created all the same", "con alguna observación"),
        ("duplicate", "already there or repeated", "repetidos o ya existentes"),
        (
            "nif_invalid",
            "with a NIF that AEAT does not know",
            "con un NIF que no consta en la AEAT",
        ),
        ("error", "incomplete or malformed", "incompletos o mal escritos"),
    )
    demo.say(
        en=f"{answer.get('total')} customers, {answer.get('importable')} can be created:",
        es=f"{answer.get('total')} clientes; {answer.get('importable')} se pueden dar de alta:",
    )
    for kind, english, spanish in words:
        number = counts.get(kind, 0)
        demo.say(en=f"  {number:>3} {english}", es=f"  {number:>3} {spanish}")
    _read_out_problems(demo, answer.get("problems", []))
    return answer


def _read_out_problems(demo: Demo, problems: Sequence[Mapping[str, Any]]) -> None:
    """Say the problems as a colleague would: where, what, and for instance whom."""
    for problem in problems:
        example = problem["example"]
        rows = ", ".join(str(row) for row in problem["rows"])
        english, spanish = _PROBLEM_WORDS.get(
            (problem["kind"], problem["field"]), (problem["message"], problem["message"])
        )
        about = " · ".join(filter(None, (example["name"], example.get("value"))))
        many = len(problem["rows"]) > 1
        demo.say(
            en=f"{'rows' if many else 'row'} {rows}: {english} ({about})",
            es=f"{'filas' if many else 'fila'} {rows}: {spanish} ({about})",
        )


async def _correct(demo: Demo, checked: Mapping[str, Any]) -> dict[str, Any]:
    demo.title(
        en="Correct two rows; the person was asked about them",
        es="Corregir dos filas, después de preguntarle a usted",
    )
    for one in CORRECTIONS:
        line = f"{one['row']}: {one['value']}"
        demo.say(en=f"row {line}", es=f"fila {line}")
    answer = await demo.call(
        "validate_customers",
        {"batch_id": checked.get("batch_id"), "corrections": list(CORRECTIONS)},
    )
    fewer = checked.get("counts", {}).get("error", 0) - len(CORRECTIONS)
    importable = checked.get("importable", 0) + len(CORRECTIONS)
    demo.promise("errors left", answer.get("counts", {}).get("error"), fewer)
    demo.promise("importable", answer.get("importable"), importable)
    demo.promise("another batch", answer.get("batch_id") != checked.get("batch_id"), wanted=True)
    demo.say(
        en=f"Now {importable} can be created.",
        es=f"Ahora se pueden dar de alta {importable}.",
    )
    return answer


async def _create(demo: Demo, checked: Mapping[str, Any]) -> None:
    demo.title(
        en="Create the customers that can be created",
        es="Dar de alta los clientes que se pueden dar de alta",
    )
    importable = checked.get("importable", 0)
    arguments = {
        "batch_id": checked.get("batch_id"),
        "expected_count": importable,
        "skip_problems": True,
    }
    answer = await demo.call("create_customers", arguments)
    counts = answer.get("counts", {})
    total = sum(EXPECTED_COUNTS.values())
    demo.promise("created", counts.get("created"), importable)
    demo.promise("left out", counts.get("skipped"), total - importable)
    demo.promise("every row is accounted for", sum(counts.values()), total)
    demo.say(
        en=f"{counts.get('created')} created, {counts.get('skipped')} left out.",
        es=f"Dados de alta: {counts.get('created')}. Se han dejado fuera: {counts.get('skipped')}.",
    )
    again = await demo.call("create_customers", arguments)
    demo.promise("the same call creates nothing more", again.get("counts"), counts)
    demo.say(
        en="Repeating the call creates no duplicates.",
        es="Repetir la llamada no duplica a nadie.",
    )


async def _find(demo: Demo) -> None:
    demo.title(en=f"Find {WANTED}", es=f"Buscar {WANTED}")
    answer = await demo.call("find_customers", {"search": WANTED})
    demo.promise("found", answer.get("total"), 1)
    for customer in answer.get("customers", []):
        line = f"{customer['name']} · {customer.get('nif')} · {customer.get('city')}"
        demo.say(en=line, es=line)


async def _validate_again(demo: Demo, checked: Mapping[str, Any]) -> None:
    demo.title(
        en="Check the same list again",
        es="Comprobar otra vez la misma lista",
    )
    answer = await demo.call("validate_customers", {"source_path": LIST_NAME})
    demo.promise("importable", answer.get("importable"), 0)
    demo.promise("total", answer.get("total"), checked.get("total"))
    demo.say(
        en="The customers created are there; the rows left out still have to be corrected.",
        es="Los dados de alta ya son clientes; las filas que quedaron fuera siguen por corregir.",
    )
