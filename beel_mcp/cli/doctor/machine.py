"""What can be found out on this machine: program, settings, folders, the journal."""

import errno
import os
import platform
import stat
import sys
from collections.abc import Iterator, Mapping
from contextlib import closing
from importlib.metadata import PackageNotFoundError, requires, version
from pathlib import Path
from typing import Final

from packaging.requirements import Requirement

from beel_mcp import __version__
from beel_mcp.api.company import Account
from beel_mcp.cli.doctor.findings import Finding, finding
from beel_mcp.cli.doctor.guarded import cloud_of, held_files, is_guarded, is_held
from beel_mcp.files.safe_dir import open_dir
from beel_mcp.settings import Settings, ignored_variables, usual_import_dirs
from beel_mcp.writes.journal.database import DATABASE, JournalError
from beel_mcp.writes.journal.journal import Journal
from beel_mcp.writes.journal.records import utc_now

_VARIABLES: Final = {"files_folder": "BEEL_FILES_DIR", "state_folder": "BEEL_STATE_DIR"}


def check_versions() -> Finding:
    """Check the versions of program and libraries."""
    wrong = "; ".join(sorted(_wrong_versions()))
    code = "installation.other_libraries" if wrong else "installation.right"
    versions = f"beel-mcp {__version__}, Python {platform.python_version()}, mcp {version('mcp')}"
    return finding(code, versions=versions, listed=wrong)


def check_settings(settings: Settings, environ: Mapping[str, str]) -> Iterator[Finding]:
    """Report what is odd about the settings; what has no effect harms nobody on the sandbox."""
    idle = list(ignored_variables(environ)) if settings.sandbox else []
    for warning in settings.warnings:
        is_idle = warning in idle
        yield finding("settings.without_effect" if is_idle else "settings.warning", warning=warning)


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


def check_folders(settings: Settings, environ: Mapping[str, str]) -> Iterator[Finding]:
    """Check the folders of the settings; nothing is created or changed."""
    files, state = settings.files_dir, settings.state_dir
    yield _behind_link(files) or _written_folder("files_folder", files)
    if cloud := cloud_of(files, environ):
        yield finding("files_folder.in_a_cloud", folder=files, cloud=cloud)
    yield _import_folders(settings)
    if held := [str(path) for folder in settings.import_dirs for path in held_files(folder)]:
        yield finding("import_folders.held_files", listed=", ".join(held))
    yield _written_folder("state_folder", state)
    if cloud := cloud_of(state, environ):
        yield finding("state_folder.in_a_cloud", folder=state, cloud=cloud)


def _written_folder(topic: str, folder: Path) -> Finding:
    """Check a folder that we write to."""
    try:
        status = folder.stat()
    except FileNotFoundError:
        above = next((parent for parent in folder.parents if parent.exists()), None)
        # There may be none: the drive is not plugged in.
        if above is None or not above.is_dir() or not os.access(above, os.W_OK | os.X_OK):
            return _unusable(topic, folder, "PermissionError")
        return finding("folder.missing", topic, folder=folder)
    except OSError as error:
        return _unusable(topic, folder, type(error).__name__)
    if not stat.S_ISDIR(status.st_mode):
        return _unusable(topic, folder, "NotADirectoryError")
    if not os.access(folder, os.R_OK | os.W_OK | os.X_OK) or is_guarded(folder):
        return _unusable(topic, folder, "PermissionError")
    return finding(_privacy(folder, status), topic, folder=folder)


def _privacy(folder: Path, status: os.stat_result) -> str:
    """Tell who can look into a folder: by its mode, which on Windows is the same for all."""
    if sys.platform != "win32":
        return "folder.open" if status.st_mode & 0o077 else "folder.private"
    try:
        is_ours = folder.is_relative_to(Path.home())
    except RuntimeError:
        is_ours = False
    return "folder.private" if is_ours else "folder.outside_of_the_profile"


def _unusable(topic: str, folder: Path, why: str) -> Finding:
    is_refused = sys.platform == "win32" and why == "PermissionError"
    code = "folder.guarded" if is_refused else "folder.unusable"
    variable = _VARIABLES[topic]
    return finding(code, topic, folder=folder, why=why, variable=variable, program=sys.executable)


def _behind_link(folder: Path) -> Finding | None:
    """Files are saved through no link, so a link is a fault here though the folder works."""
    try:
        with open_dir(folder, create=False):
            return None
    except OSError as error:
        # A link in place of a folder is reported as no folder by some systems.
        if error.errno not in (errno.ELOOP, errno.ENOTDIR) or folder.resolve() == folder:
            return None
    return finding("files_folder.behind_link", folder=folder, resolved=folder.resolve())


def _import_folders(settings: Settings) -> Finding:
    """Check the folders of lists: a default one may be missing, one that was set may not."""
    folders = settings.import_dirs
    missing = [str(folder) for folder in folders if not os.access(folder, os.R_OK | os.X_OK)]
    if missing and folders != usual_import_dirs(settings.files_dir):
        return finding("import_folders.unreadable", listed=", ".join(missing))
    return finding("import_folders.readable", folders=", ".join(map(str, folders)))


async def check_journal(settings: Settings) -> list[Finding]:
    """Open the journal if there is one, as any tool that writes would."""
    with closing(Journal(settings.state_dir, utc_now)) as journal:
        try:
            if journal.exists():
                await journal.find("op_", "local")
        except JournalError:
            is_theirs = is_held(settings.state_dir / DATABASE)
            code = "journal.held" if is_theirs else "journal.unreadable"
            return [finding(code, folder=settings.state_dir)]
        except OSError:
            pass  # no folder to look into: that has been said
    return []


async def check_unsettled(settings: Settings, account: Account) -> list[Finding]:
    """Count the writes of unknown outcome; `check_journal` reports a journal that is unreadable."""
    with closing(Journal(settings.state_dir, utc_now)) as journal:
        try:
            unsettled = len(await journal.open_operations(account))
        except (JournalError, OSError):
            return []
    code = "journal.unsettled" if unsettled else "journal.settled"
    return [finding(code, unsettled=unsettled)]
