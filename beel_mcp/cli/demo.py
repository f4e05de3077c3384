"""`beel-mcp demo`: a bookkeeper's chores on the sandbox, end to end, by a real client over stdio.

Every answer is held against what the example list and the sandbox hold; a difference is printed
and makes the demo fail.
"""

import csv
import io
import json
import shlex
import shutil
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

from beel_mcp.cli.client_config import passing_runner, start_command
from beel_mcp.language import Language, Sentence, localized, plural
from beel_mcp.messages import sentence, words_of

LIST_NAME: Final = "customers.csv"
# What the example list holds, row by row.
EXPECTED_COUNTS: Final = {
    "valid": 17,
    "warning": 4,
    "error": 3,
    "duplicate": 3,
    "nif_invalid": 3,
    "unchecked": 0,
}
TOTAL: Final = sum(EXPECTED_COUNTS.values())
IMPORTABLE: Final = EXPECTED_COUNTS["valid"] + EXPECTED_COUNTS["warning"]
# What a person says of two of the rows, asked about them; both are right then.
CORRECTIONS: Final = (
    {"row": 21, "field": "email", "value": "secretaria@babel.example"},
    {"row": 26, "field": "phone", "value": "600 471 208"},
)

SEARCH: Final = "Panadería Lourdes"
# Created a moment ago, by mistake, let us say.
MISTAKEN: Final = ("Garaje Etxaniz", "Quesos La Trashumancia")
WITH_INVOICES: Final = ("Construcións Rías Baixas", "Ferretería La Llave")
DELETED: Final = {"deleted": 2, "failed": 0, "unknown": 0, "not_attempted": 0}
DEACTIVATED: Final = {"deactivated": 2, "failed": 0, "unknown": 0, "not_attempted": 0}
TYPED: Final = (3, 2)  # the number is misread at first
QUARTER: Final = "2026-Q3"
# What the sandbox holds of that quarter; the missing one has no PDF yet.
QUARTER_COUNTS: Final = {"included": 6, "missing": 1, "not_attempted": 0}
SHOWN: Final = 3  # of the PDFs' names
WIDTH: Final = 88


@dataclass
class Demo:
    """One run: its client, the expectations that failed, and what the person will type."""

    client: Client
    language: Language
    failures: list[str] = field(default_factory=list)
    typing: list[int] = field(default_factory=lambda: list(TYPED))
    step: int = 0

    def title(self, code: str, **facts: object) -> None:
        self.step += 1
        print(f"\n{self.step}. {sentence('demo', code, **facts).localized(self.language)}")

    def line(self, code: str, **facts: object) -> None:
        print(f"   {sentence('demo', code, **facts).localized(self.language)}")

    def quote(self, text: str) -> None:
        """Print what an app shows to the person, set apart."""
        for line in filter(None, text.splitlines()):
            for part in textwrap.wrap(line, WIDTH):
                print(f"     | {part}")

    def expect(self, what: str, found: object, wanted: object) -> None:
        """Hold what was found against what was promised."""
        if found != wanted:
            shown, promised = (
                json.dumps(one, ensure_ascii=False, default=str) for one in (found, wanted)
            )
            self.failures.append(f"{what}: {shown}, promised {promised}")
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
        self.line("delete.allowed")
        return await self.confirm(plan)

    async def confirm(self, plan: Mapping[str, Any]) -> dict[str, Any]:
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
        self.line("form.asks")
        self.quote(params.message)
        number = self.typing.pop(0)
        for question in params.requested_schema["properties"].values():
            self.quote(f"{question['title']}  {number}")
        return ElicitResult(action="accept", content={"count": number})


def run_demo(language: Language, keep: Path | None = None) -> bool:
    """Run the demo on the sandbox; True if every expectation held.

    The files that it saves go into `keep`, or vanish with the demo.
    """
    return anyio.run(_run, language, keep)


async def _run(language: Language, keep: Path | None) -> bool:
    with tempfile.TemporaryDirectory(prefix="beel-mcp-demo-") as folder:
        server = _server(keep or Path(folder), folder, language)
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
    demo.line("end.failed" if demo.failures else "end.well")
    if keep:
        demo.line("end.kept", folder=keep)
    if not demo.failures:
        demo.line("end.next")
        print(f"     {_typed('config', 'claude-desktop', '--sandbox')}")
    return not demo.failures


def _typed(*arguments: str) -> str:
    """Give a command as it works in the terminal where this one was typed."""
    typed = Path(sys.argv[0])
    if passing_runner() or typed.stem != "beel-mcp":
        return shlex.join([*start_command(), *arguments])
    is_on_path = Path(shutil.which("beel-mcp") or "").absolute() == typed.absolute()
    return shlex.join(["beel-mcp" if is_on_path else sys.argv[0], *arguments])


def _server(files: Path, state: str, language: Language) -> StdioServerParameters:
    env = {
        "BEEL_FILES_DIR": str(files),
        "BEEL_STATE_DIR": state,
        "BEEL_IMPORT_DIRS": str(example_list().parent),
        "BEEL_LANGUAGE": language,
    }
    args = ["-m", "beel_mcp", "--sandbox"]
    return StdioServerParameters(command=sys.executable, args=args, env=env)


async def _show_status(demo: Demo) -> None:
    demo.title("status.title")
    status = await demo.call("get_status")
    company = status.get("company")
    demo.expect_facts(status, environment="sandbox")
    demo.expect("company known", company is not None, wanted=True)
    demo.line("status.company", company=company)


async def _validate(demo: Demo) -> dict[str, Any]:
    demo.title("validate.title", list=LIST_NAME)
    answer = await demo.call("validate_customers", source_path=LIST_NAME)
    demo.expect_facts(answer, counts=EXPECTED_COUNTS, total=TOTAL, importable=IMPORTABLE)
    demo.line("validate.total", total=answer.get("total"), importable=answer.get("importable"))
    counts = answer.get("counts") or {}
    for kind, words in words_of("demo")["kinds"].items():
        demo.line("validate.kind", number=counts.get(kind, 0), kind=Sentence(**words))
    for problem in answer.get("problems", []):
        _print_problem(demo, problem)
    if more := answer.get("more_problems"):
        demo.line(plural(more, "validate.more_one", "validate.more"), number=more)
    return answer


def _print_problem(demo: Demo, problem: Mapping[str, Any]) -> None:
    """Print a group of problems as a colleague would say it: where, what, and an example."""
    message = {"en": problem["message"], "es": problem["message"]}
    words = words_of("demo")["problems"].get(problem["kind"], {}).get(problem["field"], message)
    sample, numbers = problem["example"], problem["rows"]
    demo.line(
        plural(len(numbers), "validate.row", "validate.rows"),
        numbers=", ".join(map(str, numbers)),
        problem=Sentence(**words),
        about=" · ".join(filter(None, (sample["name"], sample.get("value")))),
    )


async def _correct(demo: Demo, checked: Mapping[str, Any]) -> dict[str, Any]:
    demo.title("correct.title")
    for correction in CORRECTIONS:
        demo.line("correct.row", **correction)
    batch_id = checked.get("batch_id")
    answer = await demo.call("validate_customers", batch_id=batch_id, corrections=list(CORRECTIONS))
    importable = IMPORTABLE + len(CORRECTIONS)
    errors = EXPECTED_COUNTS["error"] - len(CORRECTIONS)
    demo.expect_facts(answer, total=TOTAL, importable=importable)
    demo.expect("errors left", answer.get("counts", {}).get("error"), errors)
    demo.expect("another batch", answer.get("batch_id") != batch_id, wanted=True)
    demo.line("correct.importable", importable=importable)
    return answer


async def _create(demo: Demo, checked: Mapping[str, Any]) -> None:
    demo.title("create.title")
    importable = checked.get("importable", 0)
    call = {"batch_id": checked.get("batch_id"), "expected_count": importable}
    answer = await demo.call("create_customers", **call, skip_problems=True)
    counts = answer.get("counts", {})
    created, skipped = counts.get("created"), counts.get("skipped")
    demo.expect("created", created, importable)
    demo.expect("left out", skipped, TOTAL - importable)
    demo.expect("every row is accounted for", sum(counts.values()), TOTAL)
    demo.line("create.done", created=created, skipped=skipped)
    again = await demo.call("create_customers", **call, skip_problems=True)
    demo.expect("the same call creates nothing more", again.get("counts"), counts)
    demo.line("create.again")


async def _find(demo: Demo) -> None:
    demo.title("find.title", name=SEARCH)
    answer = await demo.call("find_customers", search=SEARCH)
    demo.expect_facts(answer, total=1)
    for one in answer.get("customers", []):
        demo.line("find.found", name=one["name"], nif=one.get("nif"), city=one.get("city"))


async def _validate_again(demo: Demo) -> None:
    demo.title("validate_again.title")
    answer = await demo.call("validate_customers", source_path=LIST_NAME)
    demo.expect_facts(answer, importable=0, total=TOTAL)
    demo.line("validate_again.done")


async def _delete_without_forms(demo: Demo) -> None:
    """Get a plan, show its statement, confirm it, and see the customers gone."""
    demo.title("delete.title")
    ids = await demo.find(MISTAKEN)
    plan = await demo.call("deactivate_customers", customer_ids=ids)
    demo.expect_facts(plan, status="confirmation_required", count=len(MISTAKEN))
    demo.expect("customers before the yes", len(await demo.find(MISTAKEN)), len(MISTAKEN))
    demo.line("delete.statement")
    done = await demo.allow(plan)
    demo.expect_facts(done, status="done", counts=DELETED)
    _expect_backup(demo, done)
    demo.expect("customers after it", len(await demo.find(MISTAKEN)), 0)
    again = await demo.confirm(plan)
    demo.expect_facts(again, replayed=True)
    demo.line("delete.again")


def _expect_backup(demo: Demo, done: Mapping[str, Any]) -> None:
    """Look for the deleted customers in the file that was saved before."""
    path = Path(done.get("backup_path") or "")
    text = path.read_text(encoding="utf-8-sig") if path.is_file() else ""
    saved = [name for name in MISTAKEN if name in text]
    demo.expect("saved before they were deleted", saved, list(MISTAKEN))
    demo.line("delete.saved", number=len(saved), file=path.name)


async def _delete_a_draft(demo: Demo) -> None:
    demo.title("draft.title")
    drafts = await demo.call("find_invoices", status=["DRAFT"], quarter=QUARTER)
    ids = [invoice["invoice_id"] for invoice in drafts.get("invoices", [])]
    demo.expect("drafts of the quarter", len(ids), 1)
    plan = await demo.call("delete_draft_invoice", invoice_ids=ids)
    demo.expect_facts(plan, status="confirmation_required")
    demo.line("draft.statement")
    done = await demo.allow(plan)
    demo.expect_facts(done, deleted=ids)
    left = await demo.call("find_invoices", status=["DRAFT"], quarter=QUARTER)
    demo.expect_facts(left, total=0)
    demo.line("draft.gone")


async def _download_the_quarter(demo: Demo) -> None:
    demo.title("quarter.title")
    answer = await demo.call("download_invoices_zip", quarter=QUARTER)
    counts = answer.get("counts", {})
    included, missing = counts.get("included"), counts.get("missing")
    requested = answer.get("requested")
    demo.expect_facts(answer, counts=QUARTER_COUNTS)
    demo.expect("every invoice is accounted for", sum(counts.values()), requested)
    path = Path(answer.get("path") or "")
    _expect_contents(demo, path, included, requested)
    demo.line("quarter.done", file=path.name, included=included, missing=missing)


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
    for name in sorted(pdfs)[:SHOWN]:
        demo.quote(name)
    if (more := len(pdfs) - SHOWN) > 0:
        demo.quote(sentence("demo", "quarter.more", number=more).localized(demo.language))


async def _deactivate_with_a_form(demo: Demo) -> None:
    """Be told that customers with invoices stay, and mark them inactive from a form."""
    demo.title("form.title")
    ids, number = await demo.find(WITH_INVOICES), len(WITH_INVOICES)
    refused = await demo.call("deactivate_customers", customer_ids=ids)
    demo.expect_facts(refused, status="nothing_done")
    demo.line("form.refused")
    misread = await demo.call("deactivate_customers", customer_ids=ids, mode="inactive")
    demo.expect_facts(misread, status="not_confirmed")
    demo.expect("active after it", len(await demo.find(WITH_INVOICES)), number)
    demo.line("form.misread")
    done = await demo.call("deactivate_customers", customer_ids=ids, mode="inactive")
    demo.expect_facts(done, status="done", counts=DEACTIVATED)
    demo.expect("questions that were not asked", demo.typing, [])
    demo.expect("active in the end", len(await demo.find(WITH_INVOICES)), 0)
    inactive = len(await demo.find(WITH_INVOICES, active=False))
    demo.expect("inactive in the end", inactive, number)
    demo.line("form.done", number=inactive)


def example_list() -> Path:
    """Find the list in an installed package, else in a checkout.

    Raises:
        FileNotFoundError: neither has it.
    """
    package = Path(__file__).parent.parent
    installed = package / "_examples" / LIST_NAME
    checkout = package.parent / "examples" / LIST_NAME
    if installed.is_file():
        return installed
    if checkout.is_file() and (package.parent / "pyproject.toml").is_file():
        return checkout
    raise FileNotFoundError(LIST_NAME)
