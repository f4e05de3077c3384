"""The quarter: a stray draft goes, then every PDF comes in one ZIP that adds up."""

import csv
import io
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from beel_mcp.cli.demo.telling import Demo
from beel_mcp.language import localized

QUARTER = "2026-Q3"
# What the sandbox holds of that quarter, by number; the last one has no PDF yet.
INCLUDED = 6
MISSING = 1


async def delete_a_draft(demo: Demo) -> None:
    """Find the quarter's draft, and delete it from a plan."""
    demo.title(
        en="A draft that nobody needs any more",
        es="Un borrador que ya no hace falta",
    )
    drafts = await demo.call("find_invoices", {"status": ["DRAFT"], "quarter": QUARTER})
    ids = [one["invoice_id"] for one in drafts.get("invoices", [])]
    demo.promise("drafts of the quarter", len(ids), 1)
    plan = await demo.call("delete_draft_invoice", {"invoice_ids": ids})
    demo.promise("waits for a yes", plan.get("status"), "confirmation_required")
    demo.say(
        en="Before it goes, the app shows you this sentence:",
        es="Antes de eliminarlo, la aplicación le muestra esta frase:",
    )
    demo.show(str(plan.get("statement")))
    demo.say(en="You allow it.", es="Usted lo autoriza.")
    done = await demo.call(
        "confirm_plan", {"plan_id": plan.get("plan_id"), "statement": plan.get("statement")}
    )
    demo.promise("deleted", done.get("deleted"), ids)
    left = await demo.call("find_invoices", {"status": ["DRAFT"], "quarter": QUARTER})
    demo.promise("drafts left", left.get("total"), 0)
    demo.say(en="The draft is gone.", es="El borrador se ha eliminado.")


async def download_the_quarter(demo: Demo) -> None:
    """Save the quarter's package, and look into it."""
    demo.title(
        en="The quarter's PDFs for the accountant",
        es="Los PDF del trimestre para la gestoría",
    )
    answer = await demo.call("download_invoices_zip", {"quarter": QUARTER})
    counts = answer.get("counts", {})
    demo.promise("counts", counts, {"included": INCLUDED, "missing": MISSING, "not_attempted": 0})
    demo.promise("every invoice is accounted for", sum(counts.values()), answer.get("requested"))
    name = _look_into(demo, answer)
    demo.say(
        en=f"“{name}”: {counts.get('included')} PDFs and a manifest;"
        f" {counts.get('missing')} missing, because BeeL has no PDF of it yet.",
        es=f"«{name}»: {counts.get('included')} PDF y un listado; falta"
        f" {counts.get('missing')}, porque BeeL todavía no tiene su PDF.",
    )


def _look_into(demo: Demo, answer: Mapping[str, Any]) -> str:
    """Hold the ZIP against what was said about it, PDFs and lines of the manifest; its name."""
    path = Path(answer.get("path") or "")
    if not path.is_file():
        demo.promise("the ZIP is there", path.is_file(), wanted=True)
        return path.name
    with zipfile.ZipFile(path) as package:
        demo.promise("damaged entries", package.testzip(), None)
        pdfs = [name for name in package.namelist() if name.endswith(".pdf")]
        manifest = package.read("manifest.csv").decode("utf-8-sig")
    separator = localized(demo.language, en=",", es=";")
    lines = list(csv.reader(io.StringIO(manifest), delimiter=separator))
    demo.promise("PDFs in the ZIP", len(pdfs), answer.get("counts", {}).get("included"))
    demo.promise("lines of the manifest", len(lines) - 1, answer.get("requested"))
    for name in sorted(pdfs)[:3]:
        demo.show(name)
    return path.name
