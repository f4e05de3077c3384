"""`beel-mcp demo`: a bookkeeper's chores on the sandbox, end to end, by a real client over stdio.

Every answer is held against what the example list and the sandbox hold; a difference is printed
and makes the demo fail.
"""

import csv
import io
import sys
import tempfile
import textwrap
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import anyio
from mcp import Client, StdioServerParameters
from mcp.types import ElicitRequestFormParams, ElicitResult

from beel_mcp.cli import example_list as example
from beel_mcp.language import Language, Sentence, localized, plural

SEARCH: Final = "Panadería Lourdes"
# Created a moment ago, by mistake, let us say.
MISTAKEN: Final = ("Garaje Etxaniz", "Quesos La Trashumancia")
WITH_INVOICES: Final = ("Construcións Rías Baixas", "Ferretería La Llave")
DEACTIVATED: Final = {"deactivated": 2, "failed": 0, "unknown": 0, "not_attempted": 0}
TYPED: Final = (3, 2)  # the number is misread at first
QUARTER: Final = "2026-Q3"
# What the sandbox holds of that quarter; the missing one has no PDF yet.
QUARTER_COUNTS: Final = {"included": 6, "missing": 1, "not_attempted": 0}
WIDTH: Final = 88


@dataclass
class Demo:
    """One run: its client, the expectations that failed, and what the person will type."""

    client: Client
    language: Language
    failures: list[str] = field(default_factory=list)
    typing: list[int] = field(default_factory=lambda: list(TYPED))
    step: int = 0

    def title(self, en: str, es: str) -> None:
        """Print the title of the next step."""
        self.step += 1
        print(f"\n{self.step}. {localized(self.language, en=en, es=es)}")

    def line(self, en: str, es: str) -> None:
        """Print a line of a step."""
        print(f"   {localized(self.language, en=en, es=es)}")

    def quote(self, text: str) -> None:
        """Print what an app shows to the person, set apart."""
        for line in filter(None, text.splitlines()):
            for part in textwrap.wrap(line, WIDTH):
                print(f"     | {part}")

    def expect(self, what: str, found: object, wanted: object) -> None:
        """Hold what was found against what was promised."""
        if found != wanted:
            self.failures.append(f"{what}: {found!r}, promised {wanted!r}")
            print(f"   !! {self.failures[-1]}")

    def expect_facts(self, answer: Mapping[str, Any], **wanted: object) -> None:
        """Hold fields of an answer against what was promised."""
        for name, value in wanted.items():
            self.expect(name, answer.get(name), value)

    async def call(self, tool: str, **arguments: Any) -> dict[str, Any]:
        """Call a tool and give its structure; an error is a failure."""
        result = await self.client.call_tool(tool, arguments)
        structure: dict[str, Any] = result.structured_content or {}
        if result.is_error:
            self.expect(tool, structure.get("message"), "an answer without an error")
        return structure

    async def allow(self, plan: Mapping[str, Any]) -> dict[str, Any]:
        """Show the plan's statement as an app does, and confirm it."""
        self.quote(str(plan.get("statement")))
        self.line("You allow it.", "Usted lo autoriza.")
        return await self.confirm(plan)

    async def confirm(self, plan: Mapping[str, Any]) -> dict[str, Any]:
        """Confirm a plan."""
        agreed = {"plan_id": plan.get("plan_id"), "statement": plan.get("statement")}
        return await self.call("confirm_plan", **agreed)

    async def find(self, names: Sequence[str], *, active: bool = True) -> list[str]:
        """Find customers by their names; gives the ids of all that match."""
        found = [await self.call("find_customers", search=name, active=active) for name in names]
        return [one["customer_id"] for answer in found for one in answer.get("customers", [])]

    async def fill_in_form(self, context: object, params: object) -> ElicitResult:
        """Show the app's question, and type the next number, as the person would."""
        del context
        if not isinstance(params, ElicitRequestFormParams) or not self.typing:
            self.expect("a question that was not expected", params, None)
            return ElicitResult(action="cancel")
        self.line("The app asks you:", "La aplicación le pregunta:")
        self.quote(params.message)
        number = self.typing.pop(0)
        for question in params.requested_schema["properties"].values():
            self.quote(f"{question['title']}  {number}")
        return ElicitResult(action="accept", content={"count": number})


def run_demo(language: Language) -> bool:
    """Run the demo on the sandbox; True if every expectation held."""
    return anyio.run(_run, language)


async def _run(language: Language) -> bool:
    with tempfile.TemporaryDirectory(prefix="beel-mcp-demo-") as folder:
        server = _server(folder, language)
        async with Client(server, read_timeout_seconds=60) as client:
            demo = Demo(client, language)
            await _show_status(demo)
            corrected = await _correct(demo, await _validate(demo))
            await _create(demo, corrected)
            await _find(demo)
            await _validate_again(demo)
            await _delete_without_forms(demo)
            await _delete_a_draft(demo)
            await _download_the_quarter(demo)
        # An app is one that shows forms from its first message on, or it is not.
        async with Client(
            server, read_timeout_seconds=60, elicitation_callback=demo.fill_in_form
        ) as demo.client:
            await _deactivate_with_a_form(demo)
    print()
    if demo.failures:
        demo.line("The demo failed.", "La demostración ha fallado.")
    else:
        demo.line("The demo ended without errors.", "Demostración terminada sin errores.")
    return not demo.failures


def _server(folder: str, language: Language) -> StdioServerParameters:
    env = {
        "BEEL_FILES_DIR": folder,
        "BEEL_STATE_DIR": folder,
        "BEEL_IMPORT_DIRS": str(example.example_list().parent),
        "BEEL_LANGUAGE": language,
    }
    args = ["-m", "beel_mcp", "--sandbox"]
    return StdioServerParameters(command=sys.executable, args=args, env=env)


async def _show_status(demo: Demo) -> None:
    demo.title("Where are we?", "¿Dónde estamos?")
    status = await demo.call("get_status")
    company = status.get("company")
    demo.expect_facts(status, environment="sandbox")
    demo.expect("company known", company is not None, wanted=True)
    demo.line(
        f"In the sandbox of {company}: nothing here is real.",
        f"En la simulación incluida, empresa {company}: nada de esto es real.",
    )


async def _validate(demo: Demo) -> dict[str, Any]:
    demo.title(
        f"Check the list {example.LIST_NAME}; nothing is created",
        f"Comprobar la lista {example.LIST_NAME}; todavía no se da de alta a nadie",
    )
    answer = await demo.call("validate_customers", source_path=example.LIST_NAME)
    demo.expect_facts(
        answer, counts=example.EXPECTED_COUNTS, total=example.TOTAL, importable=example.IMPORTABLE
    )
    total, importable, counts = answer.get("total"), answer.get("importable"), answer.get("counts")
    demo.line(
        f"{total} customers, {importable} can be created:",
        f"{total} clientes; {importable} se pueden dar de alta:",
    )
    for kind, (en, es) in example.KINDS.items():
        number = (counts or {}).get(kind, 0)
        demo.line(f"  {number:>3} {en}", f"  {number:>3} {es}")
    for problem in answer.get("problems", []):
        _print_problem(demo, problem)
    return answer


def _print_problem(demo: Demo, problem: Mapping[str, Any]) -> None:
    """Print a group of problems as a colleague would say it: where, what, and an example."""
    message = Sentence(problem["message"], problem["message"])
    en, es = example.PROBLEMS.get((problem["kind"], problem["field"]), message)
    sample, numbers = problem["example"], problem["rows"]
    about = " · ".join(filter(None, (sample["name"], sample.get("value"))))
    rows = ", ".join(map(str, numbers))
    demo.line(
        f"{plural(len(numbers), 'row', 'rows')} {rows}: {en} ({about})",
        f"{plural(len(numbers), 'fila', 'filas')} {rows}: {es} ({about})",
    )


async def _correct(demo: Demo, checked: Mapping[str, Any]) -> dict[str, Any]:
    demo.title(
        "Correct two rows; the person was asked about them",
        "Corregir dos filas, después de preguntarle a usted",
    )
    for correction in example.CORRECTIONS:
        text = f"{correction['row']}: {correction['value']}"
        demo.line(f"row {text}", f"fila {text}")
    batch_id = checked.get("batch_id")
    answer = await demo.call(
        "validate_customers", batch_id=batch_id, corrections=list(example.CORRECTIONS)
    )
    importable = example.IMPORTABLE + len(example.CORRECTIONS)
    errors = example.EXPECTED_COUNTS["error"] - len(example.CORRECTIONS)
    demo.expect_facts(answer, total=example.TOTAL, importable=importable)
    demo.expect("errors left", answer.get("counts", {}).get("error"), errors)
    demo.expect("another batch", answer.get("batch_id") != batch_id, wanted=True)
    demo.line(f"Now {importable} can be created.", f"Ahora se pueden dar de alta {importable}.")
    return answer


async def _create(demo: Demo, checked: Mapping[str, Any]) -> None:
    demo.title(
        "Create the customers that can be created",
        "Dar de alta los clientes que se pueden dar de alta",
    )
    importable = checked.get("importable", 0)
    call = {"batch_id": checked.get("batch_id"), "expected_count": importable}
    answer = await demo.call("create_customers", **call, skip_problems=True)
    counts = answer.get("counts", {})
    created, skipped = counts.get("created"), counts.get("skipped")
    demo.expect("created", created, importable)
    demo.expect("left out", skipped, example.TOTAL - importable)
    demo.expect("every row is accounted for", sum(counts.values()), example.TOTAL)
    demo.line(
        f"{created} created, {skipped} left out.",
        f"Dados de alta: {created}. Se han dejado fuera: {skipped}.",
    )
    again = await demo.call("create_customers", **call, skip_problems=True)
    demo.expect("the same call creates nothing more", again.get("counts"), counts)
    demo.line("Repeating the call creates no duplicates.", "Repetir la llamada no duplica a nadie.")


async def _find(demo: Demo) -> None:
    demo.title(f"Find {SEARCH}", f"Buscar {SEARCH}")
    answer = await demo.call("find_customers", search=SEARCH)
    demo.expect_facts(answer, total=1)
    for customer in answer.get("customers", []):
        text = f"{customer['name']} · {customer.get('nif')} · {customer.get('city')}"
        demo.line(text, text)


async def _validate_again(demo: Demo) -> None:
    demo.title("Check the same list again", "Comprobar otra vez la misma lista")
    answer = await demo.call("validate_customers", source_path=example.LIST_NAME)
    demo.expect_facts(answer, importable=0, total=example.TOTAL)
    demo.line(
        "The customers created are there; the rows left out still have to be corrected.",
        "Los dados de alta ya son clientes; las filas que quedaron fuera siguen por corregir.",
    )


async def _delete_without_forms(demo: Demo) -> None:
    """Get a plan, show its statement, confirm it, and see the customers gone."""
    demo.title(
        "Delete two customers, in an app that shows no forms",
        "Eliminar dos clientes, en una aplicación sin formularios",
    )
    ids = await demo.find(MISTAKEN)
    plan = await demo.call("deactivate_customers", customer_ids=ids)
    demo.expect_facts(plan, status="confirmation_required", count=len(MISTAKEN))
    demo.expect("customers before the yes", len(await demo.find(MISTAKEN)), len(MISTAKEN))
    demo.line(
        "Nothing has been changed yet. Before it goes on, the app shows you this sentence:",
        "Todavía no se ha cambiado nada. Antes de seguir, la aplicación le muestra esta frase:",
    )
    done = await demo.allow(plan)
    demo.expect_facts(done, status="done", counts=DEACTIVATED)
    _expect_backup(demo, done)
    demo.expect("customers after it", len(await demo.find(MISTAKEN)), 0)
    again = await demo.confirm(plan)
    demo.expect_facts(again, replayed=True)
    demo.line(
        "They are customers no longer. Confirming again deletes nothing more.",
        "Ya no figuran como clientes. Volver a confirmar no elimina nada más.",
    )


def _expect_backup(demo: Demo, done: Mapping[str, Any]) -> None:
    """Look for the deleted customers in the file that was saved before."""
    path = Path(done.get("backup_path") or "")
    text = path.read_text(encoding="utf-8-sig") if path.is_file() else ""
    saved = [name for name in MISTAKEN if name in text]
    demo.expect("saved before they were deleted", saved, list(MISTAKEN))
    demo.line(
        f"{len(saved)} deleted for good. Before that they were saved in “{path.name}”,"
        " a list that can be imported again.",
        f"Eliminados definitivamente: {len(saved)}. Antes se han guardado en «{path.name}»,"
        " una lista que se puede volver a importar.",
    )


async def _delete_a_draft(demo: Demo) -> None:
    demo.title("A draft that nobody needs any more", "Un borrador que ya no hace falta")
    drafts = await demo.call("find_invoices", status=["DRAFT"], quarter=QUARTER)
    ids = [invoice["invoice_id"] for invoice in drafts.get("invoices", [])]
    demo.expect("drafts of the quarter", len(ids), 1)
    plan = await demo.call("delete_draft_invoice", invoice_ids=ids)
    demo.expect_facts(plan, status="confirmation_required")
    demo.line(
        "Before it goes, the app shows you this sentence:",
        "Antes de eliminarlo, la aplicación le muestra esta frase:",
    )
    done = await demo.allow(plan)
    demo.expect_facts(done, deleted=ids)
    left = await demo.call("find_invoices", status=["DRAFT"], quarter=QUARTER)
    demo.expect_facts(left, total=0)
    demo.line("The draft is gone.", "El borrador se ha eliminado.")


async def _download_the_quarter(demo: Demo) -> None:
    demo.title("The quarter's PDFs for the accountant", "Los PDF del trimestre para la gestoría")
    answer = await demo.call("download_invoices_zip", quarter=QUARTER)
    counts = answer.get("counts", {})
    included, missing = counts.get("included"), counts.get("missing")
    requested = answer.get("requested")
    demo.expect_facts(answer, counts=QUARTER_COUNTS)
    demo.expect("every invoice is accounted for", sum(counts.values()), requested)
    path = Path(answer.get("path") or "")
    _expect_contents(demo, path, included, requested)
    demo.line(
        f"“{path.name}”: {included} PDFs and a manifest;"
        f" {missing} missing, because BeeL has no PDF of it yet.",
        f"«{path.name}»: {included} PDF y un listado; falta"
        f" {missing}, porque BeeL todavía no tiene su PDF.",
    )


def _expect_contents(demo: Demo, path: Path, included: object, requested: object) -> None:
    """Hold the PDFs and the manifest in a ZIP against what was said about it."""
    demo.expect("the ZIP is there", path.is_file(), wanted=True)
    if not path.is_file():
        return
    with zipfile.ZipFile(path) as package:
        demo.expect("damaged entries", package.testzip(), None)
        pdfs = [name for name in package.namelist() if name.endswith(".pdf")]
        manifest = package.read("manifest.csv").decode("utf-8-sig")
    separator = localized(demo.language, en=",", es=";")
    lines = list(csv.reader(io.StringIO(manifest), delimiter=separator))
    demo.expect("PDFs in the ZIP", len(pdfs), included)
    demo.expect("lines of the manifest", len(lines) - 1, requested)
    for name in sorted(pdfs)[:3]:
        demo.quote(name)


async def _deactivate_with_a_form(demo: Demo) -> None:
    """Be told that customers with invoices stay, and mark them inactive from a form."""
    demo.title(
        "Two customers with invoices, in an app that shows forms",
        "Dos clientes con facturas, en una aplicación con formularios",
    )
    ids, number = await demo.find(WITH_INVOICES), len(WITH_INVOICES)
    refused = await demo.call("deactivate_customers", customer_ids=ids)
    demo.expect_facts(refused, status="nothing_done")
    demo.line(
        "BeeL does not delete customers with invoices; they can be marked as inactive.",
        "BeeL no elimina clientes con facturas; sí se pueden marcar como inactivos.",
    )
    misread = await demo.call("deactivate_customers", customer_ids=ids, mode="inactive")
    demo.expect_facts(misread, status="not_confirmed")
    demo.expect("active after it", len(await demo.find(WITH_INVOICES)), number)
    demo.line(
        "That is not the number: nothing was changed. Once more.",
        "Ese no es el número: no se ha cambiado nada. Otra vez.",
    )
    done = await demo.call("deactivate_customers", customer_ids=ids, mode="inactive")
    demo.expect_facts(done, status="done", counts=DEACTIVATED)
    demo.expect("questions that were not asked", demo.typing, [])
    demo.expect("active in the end", len(await demo.find(WITH_INVOICES)), 0)
    inactive = len(await demo.find(WITH_INVOICES, active=False))
    demo.expect("inactive in the end", inactive, number)
    demo.line(
        f"{inactive} are inactive now; they keep their invoices and can be made active again.",
        f"Han quedado inactivos: {inactive}. Conservan sus facturas y se pueden reactivar.",
    )
