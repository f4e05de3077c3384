"""`beel-mcp doctor`: looks at everything a day's work needs, and says what to do. Only reads."""

from typing import TYPE_CHECKING

import anyio

from beel_mcp.cli.doctor.asking import ask_beel
from beel_mcp.cli.doctor.findings import Finding, exit_code
from beel_mcp.cli.doctor.folders import look_at_folders
from beel_mcp.cli.doctor.installation import look_at_installation
from beel_mcp.cli.doctor.telling import print_findings, print_findings_as_json
from beel_mcp.cli.terminal import waiting
from beel_mcp.language import localized
from beel_mcp.settings import Settings

if TYPE_CHECKING:
    from starlette.applications import Starlette

__all__ = ["examine", "run_doctor"]


def run_doctor(settings: Settings, *, sandbox_app: "Starlette | None", as_json: bool) -> int:
    """Look, print what was found, and give the exit code."""
    with waiting(localized(settings.language, en="Asking BeeL …", es="Preguntando a BeeL …")):
        findings = examine(settings, sandbox_app=sandbox_app)
    if as_json:
        print_findings_as_json(findings, settings.language)
    else:
        print_findings(findings, settings.language)
    return exit_code(findings)


def examine(settings: Settings, *, sandbox_app: "Starlette | None" = None) -> list[Finding]:
    """Look at this installation, at the settings and folders, and at BeeL with this key."""
    return [
        *look_at_installation(settings),
        *look_at_folders(settings),
        *anyio.run(ask_beel, settings, sandbox_app),
    ]
