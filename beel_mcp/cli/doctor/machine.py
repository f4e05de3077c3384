"""What can be found out on this machine: program, settings, folders, the journal."""

import errno
import os
import platform
import stat
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, requires, version
from pathlib import Path
from typing import Final, Literal

from packaging.requirements import Requirement

from beel_mcp import __version__
from beel_mcp.api.company import Account
from beel_mcp.files.safe_dir import open_dir
from beel_mcp.language import Sentence
from beel_mcp.settings import Settings, usual_import_dirs
from beel_mcp.writes.journal.database import JournalError
from beel_mcp.writes.journal.journal import Journal
from beel_mcp.writes.journal.records import utc_now

Topic = Literal[
    "installation",
    "settings",
    "files_folder",
    "import_folders",
    "state_folder",
    "journal",
    "key",
    "beel",
    "company",
    "scopes",
    "routes",
    "clock",
]
# Who is to look at it: whoever uses BeeL, whoever wrote the settings, whoever has the machine.
Fault = Literal["finding", "settings", "environment"]
# Where there are several, the first to mend decides: without network no setting can be judged.
_EXIT_CODES: Final[dict[Fault | None, int]] = {
    None: 0,
    "finding": 1,
    "settings": 2,
    "environment": 3,
}
_FOLDER_VARIABLES: Final[dict[Topic, str]] = {
    "files_folder": "BEEL_FILES_DIR",
    "state_folder": "BEEL_STATE_DIR",
}


@dataclass(frozen=True)
class Finding:
    """The result of one check: without a fault it passed, with one the remedy is one line."""

    topic: Topic
    fact: Sentence
    fault: Fault | None = None
    remedy: Sentence | None = None


def passed(topic: Topic, en: str, es: str) -> Finding:
    """Make the finding of a check that passed."""
    return Finding(topic, Sentence(en, es))


def exit_code(findings: Sequence[Finding]) -> int:
    """Give 0 for well, 1 for a finding, 2 for settings, 3 for the environment; the highest."""
    return max(_EXIT_CODES[finding.fault] for finding in findings)


def check_installation(settings: Settings) -> Iterator[Finding]:
    """Check the versions of program and libraries, and report the settings' warnings."""
    wrong = sorted(_wrong_versions())
    versions = f"beel-mcp {__version__}, Python {platform.python_version()}, mcp {version('mcp')}"
    if wrong:
        listed = "; ".join(wrong)
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
        yield passed("installation", versions, versions)
    for warning in settings.warnings:
        remedy = Sentence("Correct or remove it.", "Corríjalo o quítelo.")
        yield Finding("settings", warning, "finding", remedy)


def _wrong_versions() -> Iterator[str]:
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


def check_folders(settings: Settings) -> Iterator[Finding]:
    """Check the folders of the settings; nothing is created or changed."""
    yield _behind_link(settings.files_dir) or _written_folder("files_folder", settings.files_dir)
    yield _import_folders(settings)
    yield _written_folder("state_folder", settings.state_dir)
    yield from _journal_file(settings)


def _written_folder(topic: Topic, folder: Path) -> Finding:
    """Check a folder that we write to."""
    try:
        status = folder.stat()
    except FileNotFoundError:
        return _missing_folder(topic, folder)
    except OSError as error:
        return _unusable(topic, folder, type(error).__name__)
    if not stat.S_ISDIR(status.st_mode):
        return _unusable(topic, folder, "NotADirectoryError")
    if not os.access(folder, os.R_OK | os.W_OK | os.X_OK):
        return _unusable(topic, folder, "PermissionError")
    # Windows keeps rights elsewhere, and gives every folder the same mode.
    if os.name == "posix" and status.st_mode & 0o077:
        return Finding(
            topic,
            Sentence(
                f"{folder}: other users of this machine can get in",
                f"{folder}: otros usuarios de este equipo pueden entrar",
            ),
            "finding",
            Sentence(f'Close it: chmod 700 "{folder}"', f'Ciérrela: chmod 700 "{folder}"'),
        )
    return passed(topic, f"{folder}: writable and private", f"{folder}: se puede escribir, privada")


def _missing_folder(topic: Topic, folder: Path) -> Finding:
    above = next(parent for parent in folder.parents if parent.exists())
    if not above.is_dir() or not os.access(above, os.W_OK | os.X_OK):
        return _unusable(topic, folder, "PermissionError")
    return passed(
        topic,
        f"{folder}: not there yet; made private when it is first needed",
        f"{folder}: aún no existe; se creará privada cuando haga falta",
    )


def _unusable(topic: Topic, folder: Path, why: str) -> Finding:
    variable = _FOLDER_VARIABLES[topic]
    return Finding(
        topic,
        Sentence(
            f"{folder}: nothing can be written there ({why})",
            f"{folder}: ahí no se puede escribir ({why})",
        ),
        "environment",
        Sentence(
            f"Set {variable} to a folder of yours that can be written to.",
            f"Ponga en {variable} una carpeta suya en la que se pueda escribir.",
        ),
    )


def _behind_link(folder: Path) -> Finding | None:
    """Files are saved through no link, so a link is a fault here though the folder works."""
    try:
        with open_dir(folder, create=False):
            return None
    except OSError as error:
        # A link in place of a folder is reported as no folder by some systems.
        if error.errno not in (errno.ELOOP, errno.ENOTDIR) or folder.resolve() == folder:
            return None
    return Finding(
        "files_folder",
        Sentence(f"{folder}: is, or lies behind, a link", f"{folder}: es, o está tras, un enlace"),
        "environment",
        Sentence(
            f"Set BEEL_FILES_DIR to the folder itself: {folder.resolve()}",
            f"Ponga en BEEL_FILES_DIR la carpeta misma: {folder.resolve()}",
        ),
    )


def _import_folders(settings: Settings) -> Finding:
    """Check the folders of lists: a default one may be missing, one that was set may not."""
    usual = usual_import_dirs(settings.files_dir)
    folders = ", ".join(map(str, settings.import_dirs))
    missing = [
        str(folder)
        for folder in settings.import_dirs
        if settings.import_dirs != usual and not os.access(folder, os.R_OK | os.X_OK)
    ]
    if not missing:
        return passed("import_folders", folders, folders)
    listed = ", ".join(missing)
    return Finding(
        "import_folders",
        Sentence(f"cannot be read: {listed}", f"no se puede leer: {listed}"),
        "environment",
        Sentence(
            "Set BEEL_IMPORT_DIRS to folders that are there.",
            "Ponga en BEEL_IMPORT_DIRS carpetas que existan.",
        ),
    )


def _journal_file(settings: Settings) -> Iterator[Finding]:
    """Open the journal if there is one, as any tool that writes would."""
    journal = Journal(settings.state_dir, utc_now)
    try:
        if journal.exists():
            journal.find("op_", "local")
    except JournalError:
        yield Finding(
            "journal",
            Sentence(
                f"the journal in {settings.state_dir} cannot be read, so nothing can be changed",
                f"no se puede leer el registro de {settings.state_dir}: no se hará ningún cambio",
            ),
            "environment",
            Sentence(
                "It may be another version's: use that one, or set another BEEL_STATE_DIR.",
                "Puede ser de otra versión: use esa, o ponga otra carpeta en BEEL_STATE_DIR.",
            ),
        )
    except OSError:
        return  # no folder to look into: that has been said
    finally:
        journal.close()


def check_unsettled(settings: Settings, account: Account) -> Iterator[Finding]:
    """Count the writes of unknown outcome; `check_folders` reports a journal that is unreadable."""
    journal = Journal(settings.state_dir, utc_now)
    try:
        unsettled = len(journal.open_operations(account))
    except (JournalError, OSError):
        return
    finally:
        journal.close()
    if not unsettled:
        yield passed("journal", "no write is unsettled", "ningún cambio quedó a medias")
        return
    yield Finding(
        "journal",
        Sentence(
            f"writes of unknown outcome, or running right now: {unsettled}",
            f"cambios en curso o de resultado desconocido: {unsettled}",
        ),
        "finding",
        Sentence(
            "Ask the assistant to look with check_operation, which only reads.",
            "Pida al asistente que lo mire con check_operation, que solo lee.",
        ),
    )
