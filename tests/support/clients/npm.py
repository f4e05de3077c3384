"""Other people's clients for Node, from the npm index."""

import json
import re
import shutil
import subprocess
from pathlib import Path

from tests.support.clients.installs import UnavailableError, installed, obey

CLIENTS = (
    "@modelcontextprotocol/inspector@2.12.0",
    "@modelcontextprotocol/sdk@1.32.2",
    "@modelcontextprotocol/client@2.4.0",
    "@modelcontextprotocol/conformance@0.2.0-alpha.12",
    "@anthropic-ai/mcpb@2.1.2",
)
# What tests/browser needs: a judge of accessibility, and the host's half of MCP Apps with the
# packages it stands on; esbuild makes one script of it.
FOR_BROWSER = (
    "axe-core@4.14.1",
    "@modelcontextprotocol/ext-apps@2.0.4",
    "@modelcontextprotocol/client@2.4.0",
    "@modelcontextprotocol/core@2.4.0",
    "@modelcontextprotocol/server@2.4.0",
    "zod@4.6.7",
    "esbuild@0.28.2",
)
NODE = "node@24"
OLDEST_NODE = (22, 19)  # what the Inspector asks for; an older one gets other flags, silently
_FLAGS = (
    *("--no-package-lock", "--no-audit", "--no-fund", "--loglevel=error"),
    *("--fetch-retry-mintimeout=1000", "--fetch-retry-maxtimeout=3000"),
)


def installed_clients() -> Path:
    """Give the folder whose node_modules holds the clients, installing them at most once.

    Raises:
        UnavailableError: npm is missing, said no, or took too long.

    """
    words = CLIENTS if _is_recent("node") else (NODE, *CLIENTS)
    return installed(words, lambda half: _install(half, words))


def installed_for_browser() -> Path:
    """Give the folder whose node_modules holds what runs in a browser, installing it at most once.

    Raises:
        UnavailableError: npm is missing, said no, or took too long.

    """
    return installed(FOR_BROWSER, lambda half: _fetch(half, FOR_BROWSER))


def node_program(clients: Path) -> str:
    """Give a Node that is recent enough: the machine's own, or the one beside the clients."""
    ours = clients / "node_modules" / ".bin" / "node"
    return str(ours) if ours.exists() else (shutil.which("node") or "node")


def _install(half: Path, words: tuple[str, ...]) -> None:
    shown = _fetch(half, words)
    if not _is_recent(node_program(half)):
        raise UnavailableError(f"`{shown}` left no Node of at least {OLDEST_NODE}")


def _fetch(half: Path, words: tuple[str, ...]) -> str:
    """Install with npm; the command as it is shown."""
    npm = shutil.which("npm")
    if npm is None:
        raise UnavailableError("npm: command not found")
    (half / "package.json").write_text(json.dumps({"private": True}), encoding="utf-8")
    shown = " ".join(["npm", "install", *words])
    obey([npm, "install", *_FLAGS, *words], half, shown)
    return shown


def _is_recent(node: str) -> bool:
    try:
        said = subprocess.run(
            [node, "--version"], capture_output=True, text=True, timeout=30, check=False
        ).stdout
    except (OSError, subprocess.TimeoutExpired):
        return False
    version = re.match(r"v(\d+)\.(\d+)", said)
    return version is not None and (int(version[1]), int(version[2])) >= OLDEST_NODE
