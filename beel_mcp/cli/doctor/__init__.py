"""`beel-mcp doctor`: checks everything a day's work needs, and says what to do. Only reads."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import anyio

from beel_mcp.cli.doctor.apps import check_apps
from beel_mcp.cli.doctor.beel import check_beel
from beel_mcp.cli.doctor.findings import Finding, exit_code
from beel_mcp.cli.doctor.findings import finding as found
from beel_mcp.cli.doctor.machine import (
    check_folders,
    check_journal,
    check_settings,
    check_versions,
)
from beel_mcp.cli.doctor.program import check_program
from beel_mcp.cli.terminal import paint, print_json, waiting
from beel_mcp.language import Language, localized
from beel_mcp.settings import Settings, SettingsError

if TYPE_CHECKING:
    from starlette.applications import Starlette


def run_doctor(
    settings: Settings,
    environ: Mapping[str, str],
    *,
    sandbox_app: "Starlette | None",
    as_json: bool,
) -> int:
    """Check, print the findings, and give the exit code."""
    with waiting(localized(settings.language, en="Asking BeeL …", es="Preguntando a BeeL …")):
        findings = examine(settings, environ, sandbox_app=sandbox_app)
    if as_json:
        _print_json(findings, settings.language)
    else:
        _print_lines(findings, settings.language)
    return exit_code(findings)


def report_wrong_settings(
    error: SettingsError, environ: Mapping[str, str], language: Language
) -> int:
    """Say as JSON why the server does not start, and what can be seen without its settings."""
    findings = [
        check_versions(),
        found("settings.wrong", wrong=error.sentence, variable=error.variable),
        *check_program(environ),
        *check_apps(environ),
    ]
    _print_json(findings, language)
    return exit_code(findings)


def examine(
    settings: Settings, environ: Mapping[str, str], *, sandbox_app: "Starlette | None" = None
) -> list[Finding]:
    """Check this installation, the apps, the settings and folders, and BeeL with this key."""
    return [
        check_versions(),
        *check_settings(settings, environ),
        *check_program(environ),
        *check_apps(environ),
        *check_folders(settings, environ),
        *anyio.run(check_journal, settings),
        *anyio.run(check_beel, settings, sandbox_app),
    ]


def _print_lines(findings: Sequence[Finding], language: Language) -> None:
    for finding in findings:
        title, fact = (text.localized(language) for text in (finding.title(), finding.fact))
        print(f"{_mark(finding)}  {title}: {fact}")
        if finding.remedy:
            print(f"    -> {finding.remedy.localized(language)}")
    faults = sum(finding.fault is not None for finding in findings)
    remarks = sum(finding.is_remark for finding in findings)
    ends = [
        localized(
            language, en=f"Problems to fix: {faults}.", es=f"Problemas que resolver: {faults}."
        )
        if faults
        else localized(language, en="All is well.", es="Todo en orden.")
    ]
    if remarks:
        ends.append(localized(language, en=f"Remarks: {remarks}.", es=f"Observaciones: {remarks}."))
    print()
    print(*ends)


def _mark(finding: Finding) -> str:
    if finding.fault:
        return paint("!!", "red")
    return paint("--", "yellow") if finding.is_remark else paint("ok", "green")


def _print_json(findings: Sequence[Finding], language: Language) -> None:
    checks = [
        {
            "check": finding.topic,
            "ok": finding.fault is None,
            **({"remark": True} if finding.is_remark else {}),
            "message": finding.fact.localized(language),
            **({"fault": finding.fault} if finding.fault else {}),
            **({"remedy": finding.remedy.localized(language)} if finding.remedy else {}),
        }
        for finding in findings
    ]
    code = exit_code(findings)
    print_json({"ok": code == 0, "exit_code": code, "checks": checks})
