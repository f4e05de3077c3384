"""This installation: Python, the libraries it was made for, and variables that mean nothing."""

import platform
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, requires, version

from packaging.requirements import Requirement

from beel_mcp import __version__
from beel_mcp.cli.doctor.findings import Finding, well
from beel_mcp.settings import Sentence, Settings


def look_at_installation(settings: Settings) -> Iterator[Finding]:
    """Tell versions and whether they fit together; then what is odd about the settings."""
    misfits = sorted(_misfits())
    versions = f"beel-mcp {__version__}, Python {platform.python_version()}, mcp {version('mcp')}"
    if misfits:
        listed = "; ".join(misfits)
        yield Finding(
            "installation",
            Sentence(
                f"{versions}; libraries it was not made for: {listed}",
                f"{versions}; bibliotecas con las que no se ha hecho: {listed}",
            ),
            "environment",
            Sentence(
                "Install beel-mcp again, in an environment of its own.",
                "Instale beel-mcp de nuevo, en un entorno propio.",
            ),
        )
    else:
        yield well("installation", versions, versions)
    for en, es in zip(settings.warnings, settings.warnings_told, strict=True):
        yield Finding(
            "settings",
            Sentence(en, es if settings.language == "es" else en),
            "finding",
            Sentence("Correct or remove it.", "Corríjalo o quítelo."),
        )


def _misfits() -> Iterator[str]:
    """Name the libraries whose version is not in the range that pyproject.toml gives."""
    for line in requires("beel-mcp") or ():
        needed = Requirement(line)
        if needed.marker and not needed.marker.evaluate({"extra": ""}):
            continue
        try:
            found = version(needed.name)
        except PackageNotFoundError:
            yield f"{needed.name}{needed.specifier} (-)"
            continue
        if not needed.specifier.contains(found, prereleases=True):
            yield f"{needed.name}{needed.specifier} ({found})"
