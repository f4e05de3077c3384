"""Other people's clients, installed once per set of versions, outside the tree."""

import hashlib
import json
import os
import re
import shutil
import subprocess
import tempfile
from pathlib import Path

from filelock import FileLock, Timeout

CLIENTS = (
    "@modelcontextprotocol/inspector@2.12.0",
    "@modelcontextprotocol/sdk@1.32.2",
    "@modelcontextprotocol/client@2.4.0",
    "@modelcontextprotocol/conformance@0.2.0-alpha.12",
)
NODE = "node@24"
OLDEST_NODE = (22, 19)  # what the Inspector asks for; an older one gets other flags, silently
INSTALL_TIMEOUT_S = 240
_FLAGS = (
    *("--no-package-lock", "--no-audit", "--no-fund", "--loglevel=error"),
    *("--fetch-retry-mintimeout=1000", "--fetch-retry-maxtimeout=3000"),
)


class UnavailableError(Exception):
    """Node or a client cannot be had here; the text names the command that failed."""


def installed_clients() -> Path:
    """Give the folder whose node_modules holds the clients, installing them at most once.

    Raises:
        UnavailableError: npm is missing, said no, or took too long.

    """
    words = CLIENTS if _is_recent("node") else (NODE, *CLIENTS)
    name = hashlib.sha256(" ".join(words).encode()).hexdigest()[:12]
    folder = Path(tempfile.gettempdir()) / f"beel-mcp-interop-{os.getuid()}-{name}"
    _own(folder)
    ready = folder / "ready"
    try:
        with FileLock(folder / "lock", timeout=INSTALL_TIMEOUT_S + 30):
            if not ready.exists():
                _install_once_per_run(folder, words)
    except Timeout:
        raise UnavailableError(f"another process still installs into {folder}") from None
    return ready


def node_program(clients: Path) -> str:
    """Give a Node that is recent enough: the machine's own, or the one beside the clients."""
    ours = clients / "node_modules" / ".bin" / "node"
    return str(ours) if ours.exists() else (shutil.which("node") or "node")


def _own(folder: Path) -> None:
    """What is in this folder gets run: nobody else may have made it, or write into it."""
    folder.mkdir(mode=0o700, exist_ok=True)
    found = folder.lstat()
    if folder.is_symlink() or found.st_uid != os.getuid() or found.st_mode & 0o022:
        raise UnavailableError(f"{folder} is not a folder of this user alone")


def _install_once_per_run(folder: Path, words: tuple[str, ...]) -> None:
    """Install, or repeat what another worker of the same run was told."""
    run = os.environ.get("PYTEST_XDIST_TESTRUNUID")
    refusal = folder / f"refused-{run}"
    if run and refusal.exists():
        raise UnavailableError(refusal.read_text(encoding="utf-8"))
    try:
        _install(folder, words)
    except UnavailableError as error:
        if run:
            refusal.write_text(str(error), encoding="utf-8")
        raise


def _install(folder: Path, words: tuple[str, ...]) -> None:
    """Install beside, then rename: an interrupted install is never taken for a whole one."""
    npm = shutil.which("npm")
    if npm is None:
        raise UnavailableError("npm: command not found")
    half = folder / "half"
    shutil.rmtree(half, ignore_errors=True)
    half.mkdir()
    (half / "package.json").write_text(json.dumps({"private": True}), encoding="utf-8")
    command = [npm, "install", *_FLAGS, *words]
    shown = " ".join(["npm", "install", *words])
    try:
        done = subprocess.run(
            command,
            cwd=half,
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
        raise UnavailableError(f"`{shown}` gave {done.returncode}: {' / '.join(said[:3])[:400]}")
    if not _is_recent(node_program(half)):
        raise UnavailableError(f"`{shown}` left no Node of at least {OLDEST_NODE}")
    half.rename(folder / "ready")


def _is_recent(node: str) -> bool:
    try:
        said = subprocess.run(
            [node, "--version"], capture_output=True, text=True, timeout=30, check=False
        ).stdout
    except (OSError, subprocess.TimeoutExpired):
        return False
    version = re.match(r"v(\d+)\.(\d+)", said)
    return version is not None and (int(version[1]), int(version[2])) >= OLDEST_NODE
