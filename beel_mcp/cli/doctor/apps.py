"""What stands in the files of the apps that start this server. A key is compared, never shown."""

import re
import shutil
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, NamedTuple

from beel_mcp.cleaning import Said, quoted
from beel_mcp.cli.app_file import SERVERS, AppFile, AppFileError, place_of
from beel_mcp.cli.arguments import WRITTEN_HOSTS
from beel_mcp.cli.doctor.app_log import check_log
from beel_mcp.cli.doctor.findings import Finding, finding
from beel_mcp.cli.doctor.program import is_ours, is_running
from beel_mcp.redaction import redact
from beel_mcp.settings import KEY_PLACEHOLDER


class _App(NamedTuple):
    """An app that `config` writes for: its name, and under which one its servers stand."""

    name: str
    servers: str = SERVERS
    takes_comments: bool = False


_APPS: Final = {
    "claude-desktop": _App("Claude Desktop"),
    "cursor": _App("Cursor"),
    "vscode": _App("VS Code", servers="servers", takes_comments=True),
    "claude-code": _App("Claude Code"),
}
_BY_ERROR: Final = {
    "refused.no_json": "app.no_json",
    "refused.repeated": "app.repeated",
    "refused.no_servers": "app.no_servers",
    "refused.unreadable": "app.unreadable",
    "refused.several": "app.several_places",
}
_PLAIN: Final = re.compile(r"[\w-]{1,60}")


@dataclass(frozen=True)
class _Entry:
    """One of an app's servers that is this program, as far as it has the shape of one."""

    host: str
    name: str
    command: str
    arguments: tuple[str, ...]
    env: Mapping[str, str]

    @property
    def shown(self) -> Said:
        return quoted(redact(self.name), 60)

    @property
    def company(self) -> str:
        return self.env["BEEL_COMPANY_ID"]

    @property
    def is_sandbox(self) -> bool:
        return "--sandbox" in self.arguments or self.env["BEEL_SANDBOX"] in ("1", "true")

    def command_again(self) -> str:
        """Give the command that writes this entry anew, or shows it, for the same company."""
        options = {"--name": self.name, "--company": self.company}
        words = [
            f"{option} {value}" for option, value in options.items() if _PLAIN.fullmatch(value)
        ]
        sandbox = ["--sandbox"] if self.is_sandbox else []
        return redact(" ".join([_command_for(self.host), *words, *sandbox]))


def check_apps(environ: Mapping[str, str]) -> Iterator[Finding]:
    """Look into the file of each app that is installed, and into its log."""
    for host, app in _APPS.items():
        try:
            place = place_of(host, environ)
            if place.exists() if host == "claude-code" else place.parent.is_dir():
                yield from _check_file(host, place, environ)
            project = Path(".mcp.json")  # of the folder where we are
            if host == "claude-code" and project.is_file():
                yield from _check_file(host, project.absolute(), environ)
        except AppFileError as error:
            is_comment = app.takes_comments and error.code == "refused.no_json"
            code = "app.maybe_comments" if is_comment else _BY_ERROR[error.code]
            yield finding(code, None, app=app.name, **error.facts)


def _check_file(host: str, place: Path, environ: Mapping[str, str]) -> Iterator[Finding]:
    servers = _APPS[host].servers
    content = AppFile(place, servers).read()
    yield from _check(host, place, list(_entries(host, content.get(servers, {}))), environ)


def _command_for(host: str) -> str:
    return f"beel-mcp {'install' if host in WRITTEN_HOSTS else 'config'} {host}"


def _entries(host: str, servers: Mapping[str, Any]) -> Iterator[_Entry]:
    for name, server in servers.items():
        if not isinstance(server, dict):
            continue
        command, arguments, env = (server.get(part) for part in ("command", "args", "env"))
        listed = arguments if isinstance(arguments, list) else []
        words = tuple(word for word in listed if isinstance(word, str))
        texts: defaultdict[str, str] = defaultdict(str)
        for variable, value in (env if isinstance(env, dict) else {}).items():
            texts[variable] = str(value).strip()
        if isinstance(command, str) and any(map(is_ours, (command, *words))):
            yield _Entry(host, name, command, words, texts)


def _check(
    host: str, place: Path, entries: list[_Entry], environ: Mapping[str, str]
) -> Iterator[Finding]:
    app = _APPS[host].name
    if not entries:
        yield finding("app.absent", app=app, path=place, command=_command_for(host))
        return
    names = ", ".join(entry.shown for entry in entries)
    yield finding("app.present", app=app, path=place, names=names)
    for entry in entries:
        yield from _command(app, entry, environ)
        if entry.env["BEEL_API_KEY"] in KEY_PLACEHOLDER and not entry.is_sandbox:
            yield finding("app.no_key", app=app, name=entry.shown, path=place)
    yield from _twins(app, entries)
    if host == "claude-desktop":
        for entry in entries:
            yield from check_log(entry.name, place, environ)


def _command(app: str, entry: _Entry, environ: Mapping[str, str]) -> Iterator[Finding]:
    """See whether the command is there, and starts the copy that is looking."""
    facts = {
        "app": app,
        "name": entry.shown,
        "command": quoted(redact(entry.command), 200),
        "again": entry.command_again(),
    }
    if not Path(entry.command).is_absolute():
        if not shutil.which(entry.command, path=environ.get("PATH", "")):
            yield finding("app.command_unfound", **facts)
    elif not Path(entry.command).is_file():
        yield finding("app.command_gone", **facts)
    elif _is_another_copy(entry):
        yield finding("app.another_copy", **facts)


def _is_another_copy(entry: _Entry) -> bool:
    # What uvx and pipx start is theirs to choose.
    is_named = is_ours(entry.command) or "beel_mcp" in entry.arguments
    return is_named and not is_running(entry.command, entry.arguments)


def _twins(app: str, entries: list[_Entry]) -> Iterator[Finding]:
    """Name the entries that open the same books with the same key: each tool is there twice."""
    alike: defaultdict[tuple[str, str, bool], list[str]] = defaultdict(list)
    for entry in entries:
        key = "" if entry.is_sandbox else entry.env["BEEL_API_KEY"]
        alike[key, entry.company.upper(), entry.is_sandbox].append(entry.shown)
    for names in alike.values():
        if len(names) > 1:
            yield finding("app.twice", app=app, names=", ".join(names))
