"""`beel-mcp doctor`: checks everything a day's work needs, and says what to do. Only reads."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import anyio

from beel_mcp.cli.doctor.beel import check_beel
from beel_mcp.cli.doctor.findings import Finding, exit_code
from beel_mcp.cli.doctor.machine import check_folders, check_installation, check_journal
from beel_mcp.cli.terminal import paint, print_json, waiting
from beel_mcp.language import Language, localized
from beel_mcp.settings import Settings

if TYPE_CHECKING:
    from starlette.applications import Starlette


def run_doctor(settings: Settings, *, sandbox_app: "Starlette | None", as_json: bool) -> int:
    """Check, print the findings, and give the exit code."""
    with waiting(localized(settings.language, en="Asking BeeL …", es="Preguntando a BeeL …")):
        findings = examine(settings, sandbox_app=sandbox_app)
    if as_json:
        _print_json(findings, settings.language)
    else:
        _print_lines(findings, settings.language)
    return exit_code(findings)


def examine(settings: Settings, *, sandbox_app: "Starlette | None" = None) -> list[Finding]:
    """Check this installation, the settings and folders, and BeeL with this key."""
    return [
        *check_installation(settings),
        *check_folders(settings),
        *anyio.run(check_journal, settings),
        *anyio.run(check_beel, settings, sandbox_app),
    ]


def _print_lines(findings: Sequence[Finding], language: Language) -> None:
    for finding in findings:
        mark = paint("!!", "red") if finding.fault else paint("ok", "green")
        title, fact = (text.localized(language) for text in (finding.title(), finding.fact))
        print(f"{mark}  {title}: {fact}")
        if finding.remedy:
            print(f"    -> {finding.remedy.localized(language)}")
    faults = sum(finding.fault is not None for finding in findings)
    print()
    if faults:
        print(localized(language, en=f"To be mended: {faults}.", es=f"Por arreglar: {faults}."))
    else:
        print(localized(language, en="All is well.", es="Todo en orden."))


def _print_json(findings: Sequence[Finding], language: Language) -> None:
    checks = [
        {
            "check": finding.topic,
            "ok": finding.fault is None,
            "message": finding.fact.localized(language),
            **({"fault": finding.fault} if finding.fault else {}),
            **({"remedy": finding.remedy.localized(language)} if finding.remedy else {}),
        }
        for finding in findings
    ]
    code = exit_code(findings)
    print_json({"ok": code == 0, "exit_code": code, "checks": checks})
