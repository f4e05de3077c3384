"""The file in which an app keeps its servers: where it is, and changed without a loss."""

import json
import os
import secrets
import sys
from collections.abc import Mapping
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from typing import Any, Final

from beel_mcp.cleaning import quoted
from beel_mcp.files.safe_dir import open_private, replace
from beel_mcp.language import Sentence
from beel_mcp.messages import sentence
from beel_mcp.redaction import redact

SERVERS: Final = "mcpServers"


class AppFileError(Exception):
    """The file cannot be used, or must not be; nothing was changed."""

    def __init__(self, code: str, **facts: object) -> None:
        self.code, self.facts = code, facts
        self.sentence: Sentence = sentence("install", code, **facts)
        super().__init__(self.sentence.en)


class _RepeatedNameError(ValueError):
    """A name stands twice: an app would take the last, and we would lose the first."""

    def __init__(self, name: str) -> None:
        self.name = quoted(redact(name), 60)
        super().__init__(self.name)


def place_of(host: str, environ: Mapping[str, str]) -> Path:
    """Tell where an app keeps its servers, on this system.

    Raises:
        AppFileError: there are several places, and nothing tells which the app reads.
    """
    home = Path(environ.get("USERPROFILE" if sys.platform == "win32" else "HOME") or Path.home())
    if host == "cursor":
        return home / ".cursor" / "mcp.json"
    if host == "claude-code":  # what holds for every folder
        return home / ".claude.json"
    if host == "vscode":
        return _settings_folder(environ, home) / "Code" / "User" / "mcp.json"
    is_windows = sys.platform == "win32"
    folder = _windows_folder(environ, home) if is_windows else _settings_folder(environ, home)
    return (folder if is_windows else folder / "Claude") / "claude_desktop_config.json"


def _settings_folder(environ: Mapping[str, str], home: Path) -> Path:
    """Tell where this system has apps keep their settings."""
    if sys.platform == "darwin":
        return home / "Library" / "Application Support"
    if sys.platform == "win32":
        return Path(environ.get("APPDATA") or home / "AppData" / "Roaming")
    return Path(environ.get("XDG_CONFIG_HOME") or home / ".config")


def _windows_folder(environ: Mapping[str, str], home: Path) -> Path:
    """Find Claude's folder: from the Store, and from its own installer since 2026, it is walled in.

    Windows shows such an app a folder of its own in place of %APPDATA%, where alone it reads.
    """
    local = Path(environ.get("LOCALAPPDATA") or home / "AppData" / "Local")
    walled = sorted((local / "Packages").glob("Claude_*/LocalCache/Roaming/Claude"))
    used = [one for one in walled if (one / "claude_desktop_config.json").exists()] or walled
    if len(used) > 1:
        raise AppFileError("refused.several", folders=", ".join(map(str, used)))
    if used:
        return used[0]
    return _settings_folder(environ, home) / "Claude"


class AppFile:
    """A file of JSON that is the app's; we change one entry of its servers."""

    def __init__(self, path: Path, servers: str = SERVERS) -> None:
        self.path = Path(os.path.realpath(path))  # a link to it stays a link
        self._servers = servers  # under which name
        self._read: bytes | None = None

    def read(self) -> dict[str, Any]:
        """Read all that stands there; {} if there is no such file yet.

        Raises:
            AppFileError: it cannot be read, or is not what an app writes.
        """
        try:
            self._read = self._bytes()
            content = _parsed((self._read or b"").decode("utf-8-sig"))
        except OSError as error:
            raise _refused("refused.unreadable", self.path, error) from None
        except json.JSONDecodeError as error:
            raise AppFileError("refused.no_json", path=self.path, line=error.lineno) from None
        except _RepeatedNameError as error:
            raise AppFileError("refused.repeated", path=self.path, name=error.name) from None
        except ValueError:  # no UTF-8
            raise AppFileError("refused.no_json", path=self.path, line=1) from None
        if not isinstance(content, dict) or not isinstance(content.get(self._servers, {}), dict):
            raise AppFileError("refused.no_servers", path=self.path, part=self._servers)
        return content

    def write(self, content: Mapping[str, Any]) -> None:
        """Write it whole or not at all, unless somebody changed it since it was read.

        Raises:
            AppFileError: it was changed, or cannot be written.
        """
        text = json.dumps(content, ensure_ascii=False, indent=2) + "\n"
        made = self.path.with_name(f".{self.path.name}.{secrets.token_hex(8)}")
        try:
            _write_new(made, text.encode())
            if self._bytes() != self._read:
                raise AppFileError("refused.changed", path=self.path)
            replace(made, self.path)
        except OSError as error:
            raise _refused("refused.unwritable", self.path, error) from None
        finally:
            with suppress(OSError):
                made.unlink(missing_ok=True)
        self._read = text.encode()

    def keep_copy(self, name: str) -> Path:
        """Keep the file as it was read, before the entry of that name is changed.

        Raises:
            AppFileError: it cannot be kept.
        """
        time = datetime.now().astimezone().strftime("%Y%m%d-%H%M%S-%f")
        copy = self.path.with_name(f"{self.path.stem}.before-{name}.{time}.json")
        try:
            _write_new(copy, self._read or b"{}\n")
        except OSError as error:
            raise _refused("refused.unwritable", copy, error) from None
        return copy

    def copies(self, name: str) -> list[Path]:
        """List what was kept before changes of an entry, the newest first."""
        return sorted(self.path.parent.glob(f"{self.path.stem}.before-{name}.*.json"), reverse=True)

    def _bytes(self) -> bytes | None:
        try:
            return self.path.read_bytes()
        except FileNotFoundError:
            return None


def _refused(code: str, path: Path, error: OSError) -> AppFileError:
    return AppFileError(code, path=path, kind=type(error).__name__)


def _write_new(path: Path, content: bytes) -> None:
    """Write a file that only its owner reads: a key may stand in it."""
    with os.fdopen(open_private(path, os.O_EXCL), "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())


def _parsed(text: str) -> Any:
    return json.loads(text, object_pairs_hook=_without_repeats) if text.strip() else {}


def _without_repeats(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Refuse a name that stands twice: one of the two would be lost."""
    made: dict[str, Any] = {}
    for name, value in pairs:
        if name in made:
            raise _RepeatedNameError(name)
        made[name] = value
    return made
