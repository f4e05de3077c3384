"""Ready configurations for the apps that start this server. The key never stands in them."""

import shutil
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from beel_mcp.language import Sentence, localized
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

_PLACES: Final = {
    "claude-desktop": Sentence(
        "Claude Desktop: Settings > Developer > Edit Config opens"
        " claude_desktop_config.json ({folder}).",
        "Claude Desktop: Configuración > Desarrollador > Editar configuración abre"
        " claude_desktop_config.json ({folder}).",
    ),
    "claude-code": Sentence(
        "Claude Code: this goes into .mcp.json, in the folder where you start claude.",
        "Claude Code: esto va en .mcp.json, en la carpeta desde la que inicia claude.",
    ),
    "vscode": Sentence(
        "VS Code: command palette > MCP: Open User Configuration opens the file mcp.json.",
        "VS Code: paleta de comandos > MCP: Open User Configuration abre el archivo mcp.json.",
    ),
    "cursor": Sentence(
        "Cursor: this goes into ~/.cursor/mcp.json.", "Cursor: esto va en ~/.cursor/mcp.json."
    ),
}
_MERGE: Final = Sentence(
    "If other servers stand there already, add this one beside them. Then restart the app.",
    "Si ya hay otros servidores, añada este junto a ellos. Después, reinicie la aplicación.",
)
_KEYS: Final = {
    "vscode": Sentence(
        "VS Code asks for the key when it first starts the server, and keeps it safe.",
        "VS Code pide la clave la primera vez que inicia el servidor y la guarda a salvo.",
    ),
    "claude-code": Sentence(
        "The key comes from the environment variable BEEL_API_KEY, to be set before claude"
        " starts; it does not stand in the file.",
        "La clave se toma de la variable de entorno BEEL_API_KEY, que debe estar puesta"
        " antes de iniciar claude; no queda en el archivo.",
    ),
}
_KEY_IN_FILE: Final = Sentence(
    "Put the key from BeeL's dashboard in place of {placeholder}; keep the file to yourself.",
    "Ponga la clave del panel de BeeL en lugar de {placeholder}; no comparta el archivo.",
)
_SEVERAL_COMPANIES: Final = Sentence(
    "Several companies: one server each, with its own --company and --name.",
    "Varias empresas: un servidor para cada una, con su --company y su --name.",
)
_PROXY_LEFT_OUT: Final = Sentence(
    "BEEL_PROXY holds a password and was left out: add it by hand.",
    "BEEL_PROXY contiene una contraseña y se ha omitido: añádalo a mano.",
)


@dataclass(frozen=True)
class Configuration:
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
    return "${BEEL_API_KEY}" if host == "claude-code" else _placeholder(settings)


def _placeholder(settings: Settings) -> str:
    return localized(settings.language, en="PUT-YOUR-KEY-HERE", es="PONGA-AQUI-SU-CLAVE")


def _key_input(settings: Settings, name: str) -> dict[str, Any]:
    """Ask for the key, as VS Code does for a server's `inputs`."""
    words = localized(settings.language, en="BeeL API key", es="Clave de API de BeeL")
    return {
        "type": "promptString",
        "id": f"{name}-key",
        "description": f"{words} ({name})",
        "password": True,
    }


def _advice(host: str, settings: Settings, environ: Mapping[str, str]) -> Iterator[str]:
    """Say where this goes, what becomes of the key, and what else its owner has to know."""
    folder = _DESKTOP_FOLDERS.get(sys.platform, "~/.config/Claude")
    placeholder = _placeholder(settings)
    sentences = [_PLACES[host], _MERGE]
    if not settings.sandbox:
        sentences += [_KEYS.get(host, _KEY_IN_FILE), _SEVERAL_COMPANIES]
    if _has_password(environ):
        sentences.append(_PROXY_LEFT_OUT)
    for sentence in sentences:
        text = sentence.localized(settings.language)
        yield text.replace("{folder}", folder).replace("{placeholder}", placeholder)
