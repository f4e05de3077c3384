"""Ready configurations for the apps that start this server. The key never stands in them."""

import shutil
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final, NamedTuple

from beel_mcp.messages import sentence
from beel_mcp.settings import VARIABLES, Settings

# Secrets stay where they are; the sandbox is an option, and the language always stands there.
_NOT_CARRIED: Final = (
    "BEEL_API_KEY",
    "BEEL_SANDBOX",
    "BEEL_LANGUAGE",
    "BEEL_HTTP_TOKEN",
    "BEEL_HTTP_ALLOWED_HOSTS",
)
_DESKTOP_FOLDERS: Final = {
    "darwin": "~/Library/Application Support/Claude",
    "win32": "%APPDATA%\\Claude",
}


class Configuration(NamedTuple):
    """What goes into the app's file, and what its owner has to know."""

    content: Mapping[str, Any]
    advice: tuple[str, ...]


def configuration(
    host: str, settings: Settings, environ: Mapping[str, str], name: str | None
) -> Configuration:
    """Make the configuration for an app, with the settings that are in force here."""
    name = name or _usual_name(settings)
    command, *arguments = start_command()
    server = {
        "command": command,
        "args": [*arguments, *(["--sandbox"] if settings.sandbox else [])],
        "env": {
            **({} if settings.sandbox else {"BEEL_API_KEY": _key(host, settings, name)}),
            "BEEL_LANGUAGE": settings.language,
            **_carried(environ),
        },
    }
    advice = tuple(_advice(host, settings, environ))
    if host != "vscode":
        return Configuration({"mcpServers": {name: server}}, advice)
    inputs = {} if settings.sandbox else {"inputs": [_key_input(settings, name)]}
    servers = {"servers": {name: {"type": "stdio", **server}}}
    return Configuration({**inputs, **servers}, advice)


def start_command() -> list[str]:
    """Name the program by its whole path: apps search for programs in fewer places than shells."""
    found = shutil.which("beel-mcp")
    own = Path(sys.executable).with_name("beel-mcp")
    # Another environment's script of that name would be another version.
    if found and own.exists() and own.samefile(found):
        return [str(Path(found).absolute())]
    return [sys.executable, "-m", "beel_mcp"]


def _usual_name(settings: Settings) -> str:
    return f"beel-{settings.company_id[:9].strip('-').lower()}" if settings.company_id else "beel"


def _carried(environ: Mapping[str, str]) -> dict[str, str]:
    wanted = {name: environ.get(name, "") for name in VARIABLES if name not in _NOT_CARRIED}
    if _has_password(environ):
        del wanted["BEEL_PROXY"]
    return {name: value for name, value in wanted.items() if value}


def _has_password(environ: Mapping[str, str]) -> bool:
    return "@" in environ.get("BEEL_PROXY", "")


def _key(host: str, settings: Settings, name: str) -> str:
    """Give what stands in the key's place: the app's own way to a secret, or words to replace."""
    if host == "vscode":
        return f"${{input:{name}-key}}"
    return "${BEEL_API_KEY}" if host == "claude-code" else _words(settings, "key.placeholder")


def _key_input(settings: Settings, name: str) -> dict[str, Any]:
    """Ask for the key, as VS Code does for a server's `inputs`."""
    return {
        "type": "promptString",
        "id": f"{name}-key",
        "description": _words(settings, "key.question", server=name),
        "password": True,
    }


def _advice(host: str, settings: Settings, environ: Mapping[str, str]) -> Iterator[str]:
    """Say where this goes, what becomes of the key, and what else its owner has to know."""
    folder = _DESKTOP_FOLDERS.get(sys.platform, "~/.config/Claude")
    yield _words(settings, f"place.{host}", folder=folder)
    yield _words(settings, "file.merge")
    if not settings.sandbox:
        code = f"key.{host}" if host in ("vscode", "claude-code") else "key.file"
        yield _words(settings, code, placeholder=_words(settings, "key.placeholder"))
        yield _words(settings, "file.several_companies")
    if _has_password(environ):
        yield _words(settings, "file.no_proxy")


def _words(settings: Settings, code: str, **facts: object) -> str:
    return sentence("apps", code, **facts).localized(settings.language)
