"""Ready configurations for the apps that start this server. The key never stands in them."""

import shutil
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final, NamedTuple

from beel_mcp.cli.app_file import AppFileError, place_of
from beel_mcp.cli.one_line import BUILD_CONTAINER, one_line, run_container
from beel_mcp.messages import sentence
from beel_mcp.settings import KEY_PLACEHOLDER, VARIABLES, Settings

# Secrets stay where they are; the sandbox is an option, and the language always stands there.
_NOT_CARRIED: Final = (
    "BEEL_API_KEY",
    "BEEL_SANDBOX",
    "BEEL_LANGUAGE",
    "BEEL_HTTP_TOKEN",
    "BEEL_HTTP_ALLOWED_HOSTS",
)
_TAKE_HTTP: Final = ("claude-code", "vscode", "cursor")


class Configuration(NamedTuple):
    """What goes into the app's file, and what its owner has to know."""

    content: Mapping[str, Any]
    advice: tuple[str, ...]


def configuration(
    host: str, settings: Settings, environ: Mapping[str, str], name: str | None
) -> Configuration:
    """Make the configuration for an app, with the settings that are in force here."""
    name = name or server_name(settings)
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
    content: dict[str, Any] = {"mcpServers": {name: server}}
    if host == "vscode":
        inputs = {} if settings.sandbox else {"inputs": [_key_input(settings, name)]}
        content = {**inputs, "servers": {name: {"type": "stdio", **server}}}
    line = _words(settings, f"line.{host}", line=one_line(host, name, content))
    lines = [line, *([_container(settings)] if host in _TAKE_HTTP else [])]
    return Configuration(content, (*_advice(host, settings, environ), *lines))


def _container(settings: Settings) -> str:
    run = run_container(is_sandbox=settings.sandbox)
    return _words(settings, "file.container", build=BUILD_CONTAINER, run=run)


def start_command() -> list[str]:
    """Name the program by its whole path: apps search for programs in fewer places than shells."""
    if runner := passing_runner():
        return runner
    found = shutil.which("beel-mcp")
    # Another environment's script of that name would be another version.
    if found:
        own = Path(sys.executable).with_name(Path(found).name)
        if own.exists() and own.samefile(found):
            return [str(Path(found).absolute())]
    return [sys.executable, "-m", "beel_mcp"]


def passing_runner() -> list[str] | None:
    """Give the command that made the environment we run in, if that lies in a cache."""
    parts = {part.lower() for part in Path(sys.prefix).parts}
    if parts & {"archive-v0", "environments-v2", "builds-v0"}:
        tool, arguments = "uvx", ["beel-mcp"]
    elif "pipx" in parts and parts & {".cache", "cache", "caches"}:
        tool, arguments = "pipx", ["run", "beel-mcp"]
    else:
        return None
    return [shutil.which(tool) or tool, *arguments]


def server_name(settings: Settings) -> str:
    """Name the server by its company, if there is one: several stand side by side."""
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
    return (
        "${BEEL_API_KEY}" if host == "claude-code" else KEY_PLACEHOLDER.localized(settings.language)
    )


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
    yield _words(settings, f"place.{host}", folder=_folder(settings, environ))
    yield _words(settings, "file.merge")
    if not settings.sandbox:
        code = f"key.{host}" if host in ("vscode", "claude-code") else "key.file"
        yield _words(settings, code, placeholder=KEY_PLACEHOLDER.localized(settings.language))
        yield _words(settings, "file.several_companies")
    if _has_password(environ):
        yield _words(settings, "file.no_proxy")
    if runner := passing_runner():
        tool = Path(runner[0]).stem
        yield _words(settings, "file.passing_copy", tool=tool, command=" ".join(runner))


def _folder(settings: Settings, environ: Mapping[str, str]) -> str:
    try:
        return str(place_of("claude-desktop", environ).parent)
    except AppFileError as error:
        return error.sentence.localized(settings.language)


def _words(settings: Settings, code: str, **facts: object) -> str:
    return sentence("apps", code, **facts).localized(settings.language)
