"""What is not ours is installed once per set of versions, outside the tree."""

import hashlib
import os
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from filelock import FileLock, Timeout

INSTALL_TIMEOUT_S = 240


class UnavailableError(Exception):
    """A client cannot be had here; the text names the command that failed."""


def installed(words: Sequence[str], install: Callable[[Path], None]) -> Path:
    """Give the folder that `install` filled for these words, now or in an earlier run.

    Raises:
        UnavailableError: the installer is missing, said no, or took too long.

    """
    name = hashlib.sha256(" ".join(words).encode()).hexdigest()[:12]
    folder = Path(tempfile.gettempdir()) / f"beel-mcp-interop-{os.getuid()}-{name}"
    _own(folder)
    ready = folder / "ready"
    try:
        with FileLock(folder / "lock", timeout=INSTALL_TIMEOUT_S + 30):
            if not ready.exists():
                _install_once_per_run(folder, install)
    except Timeout:
        raise UnavailableError(f"another process still installs into {folder}") from None
    return ready


def obey(
    command: Sequence[str], folder: Path, shown: str, env: Mapping[str, str] | None = None
) -> None:
    """Run an installer to its end, in our environment if it is given none.

    Raises:
        UnavailableError: it gave anything but 0, or took too long; the text says `shown`.

    """
    try:
        done = subprocess.run(
            command,
            cwd=folder,
            env=env,
            capture_output=True,
            text=True,
            timeout=INSTALL_TIMEOUT_S,
            check=False,
            stdin=subprocess.DEVNULL,
        )
    except subprocess.TimeoutExpired:
        raise UnavailableError(f"`{shown}` took more than {INSTALL_TIMEOUT_S} s") from None
    if done.returncode != 0:
        said = (done.stderr.strip() or "nothing").splitlines()
        # pip's warnings about its index stand before the reason.
        errors = [line for line in said if line.lower().startswith(("error", "npm err"))] or said
        raise UnavailableError(f"`{shown}` gave {done.returncode}: {' / '.join(errors[:3])[:400]}")


def _own(folder: Path) -> None:
    """What is in this folder gets run: nobody else may have made it, or write into it."""
    folder.mkdir(mode=0o700, exist_ok=True)
    found = folder.lstat()
    if folder.is_symlink() or found.st_uid != os.getuid() or found.st_mode & 0o022:
        raise UnavailableError(f"{folder} is not a folder of this user alone")


def _install_once_per_run(folder: Path, install: Callable[[Path], None]) -> None:
    """Install, or repeat what another worker of the same run was told."""
    run = os.environ.get("PYTEST_XDIST_TESTRUNUID")
    refusal = folder / f"refused-{run}"
    if run and refusal.exists():
        raise UnavailableError(refusal.read_text(encoding="utf-8"))
    # Installed beside, then renamed: an interrupted install is never taken for a whole one.
    half = folder / "half"
    shutil.rmtree(half, ignore_errors=True)
    half.mkdir()
    try:
        install(half)
    except UnavailableError as error:
        if run:
            refusal.write_text(str(error), encoding="utf-8")
        raise
    half.rename(folder / "ready")
