"""The folders on this machine: there or possible, ours, closed to others; and the journal."""

import errno
import os
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from beel_mcp.cli.doctor.findings import Finding, Topic, well
from beel_mcp.files.safe_dir import open_dir
from beel_mcp.settings import Sentence, Settings, usual_import_dirs
from beel_mcp.writes.journal.database import JournalError
from beel_mcp.writes.journal.journal import Journal
from beel_mcp.writes.journal.records import utc_now

_VARIABLES: Final[dict[Topic, str]] = {
    "files_folder": "BEEL_FILES_DIR",
    "state_folder": "BEEL_STATE_DIR",
}


def look_at_folders(settings: Settings) -> Iterator[Finding]:
    """Look at the folders of the settings; nothing is made, nothing is changed."""
    yield _link_on_the_way(settings.files_dir) or _kept("files_folder", settings.files_dir)
    yield _lists_from(settings)
    yield _kept("state_folder", settings.state_dir)
    yield from _journal(settings)


def _kept(topic: Topic, folder: Path) -> Finding:
    """Look at a folder that we write to."""
    try:
        status = folder.stat()
    except FileNotFoundError:
        return _to_be_made(topic, folder)
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
    return well(topic, f"{folder}: writable and private", f"{folder}: se puede escribir, privada")


def _to_be_made(topic: Topic, folder: Path) -> Finding:
    above = next(parent for parent in folder.parents if parent.exists())
    if not above.is_dir() or not os.access(above, os.W_OK | os.X_OK):
        return _unusable(topic, folder, "PermissionError")
    return well(
        topic,
        f"{folder}: not there yet; made private when it is first needed",
        f"{folder}: aún no existe; se creará privada cuando haga falta",
    )


def _unusable(topic: Topic, folder: Path, why: str) -> Finding:
    variable = _VARIABLES[topic]
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


def _link_on_the_way(folder: Path) -> Finding | None:
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


def _lists_from(settings: Settings) -> Finding:
    """Look at the folders of lists: a usual one may be missing, one that somebody named not."""
    usual = usual_import_dirs(settings.files_dir)
    folders = ", ".join(map(str, settings.import_dirs))
    missing = [
        str(one)
        for one in settings.import_dirs
        if settings.import_dirs != usual and not os.access(one, os.R_OK | os.X_OK)
    ]
    if not missing:
        return well("import_folders", folders, folders)
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


def _journal(settings: Settings) -> Iterator[Finding]:
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
