"""How the findings are told: a line each, and one more for what to do; or JSON."""

from collections.abc import Sequence
from typing import Final

from beel_mcp.cli.doctor.findings import Finding, Topic, exit_code
from beel_mcp.cli.terminal import paint, print_json
from beel_mcp.language import localized
from beel_mcp.settings import Language, Sentence

_TOPICS: Final[dict[Topic, Sentence]] = {
    "installation": Sentence("Program", "Programa"),
    "settings": Sentence("Settings", "Ajustes"),
    "files_folder": Sentence("Files folder", "Carpeta de archivos"),
    "import_folders": Sentence("Lists are read from", "Carpetas de listas"),
    "state_folder": Sentence("State folder", "Carpeta de estado"),
    "journal": Sentence("Journal", "Registro de cambios"),
    "key": Sentence("Key", "Clave"),
    "beel": Sentence("BeeL", "BeeL"),
    "company": Sentence("Company", "Empresa"),
    "scopes": Sentence("What the key may do", "Permisos de la clave"),
    "routes": Sentence("Routes", "Rutas"),
    "clock": Sentence("Clock", "Reloj"),
}


def print_findings(findings: Sequence[Finding], language: Language) -> None:
    """Tell a person."""
    for one in findings:
        mark = paint("!!", "red") if one.fault else paint("ok", "green")
        print(f"{mark}  {_say(language, _TOPICS[one.topic])}: {_say(language, one.fact)}")
        if one.remedy:
            print(f"    -> {_say(language, one.remedy)}")
    faults = sum(one.fault is not None for one in findings)
    print()
    if faults:
        print(localized(language, en=f"To be mended: {faults}.", es=f"Por arreglar: {faults}."))
    else:
        print(localized(language, en="All is well.", es="Todo en orden."))


def print_findings_as_json(findings: Sequence[Finding], language: Language) -> None:
    """Tell a program."""
    checks = [
        {
            "check": one.topic,
            "ok": one.fault is None,
            "message": _say(language, one.fact),
            **({"fault": one.fault} if one.fault else {}),
            **({"remedy": _say(language, one.remedy)} if one.remedy else {}),
        }
        for one in findings
    ]
    code = exit_code(findings)
    print_json({"ok": code == 0, "exit_code": code, "checks": checks})


def _say(language: Language, sentence: Sentence) -> str:
    return localized(language, **sentence._asdict())
