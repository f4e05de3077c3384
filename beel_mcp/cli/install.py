"""`beel-mcp install`: write this server into an app's own file, after showing it; take it out."""

import argparse
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from getpass import getpass
from typing import Any, Final

from beel_mcp.cli import ENVIRONMENT, USAGE, WELL
from beel_mcp.cli.app_file import SERVERS, AppFile, AppFileError, place_of
from beel_mcp.cli.client_config import configuration, server_name
from beel_mcp.cli.terminal import print_json
from beel_mcp.messages import sentence
from beel_mcp.settings import KEY_PLACEHOLDER, Settings, SettingsError

KEY: Final = "BEEL_API_KEY"
_YES: Final = ("y", "yes", "s", "si", "sí")


@dataclass
class _Installation:
    """One server in one app."""

    arguments: argparse.Namespace
    settings: Settings
    environ: Mapping[str, str]
    file: AppFile
    name: str

    def put_in(self) -> int:
        content = self.file.read()
        servers = content.get(SERVERS, {})
        [made] = configuration(
            self.arguments.host, self.settings, self.environ, self.name
        ).content.values()
        entry = self._with_key(made[self.name], servers.get(self.name))
        if servers.get(self.name) == entry:
            return self._say("said.already", WELL, name=self.name, file=self.file.path)
        others = ", ".join(name for name in servers if name != self.name)
        self._say("said.file", file=self.file.path)
        self._say("said.others" if others else "said.no_others", names=others)
        self._say("said.changes" if self.name in servers else "said.adds", name=self.name)
        print_json(_hidden(entry, self._word("said.hidden")))
        if not self._agreed():
            return self._say("said.unchanged", WELL if self._can_ask else USAGE)
        copy = self.file.keep_copy(self.name)
        self.file.write({**content, SERVERS: {**servers, self.name: entry}})
        self._say("said.copy", copy=copy)
        if entry["env"].get(KEY) == self._placeholder:
            self._say("said.key_missing", placeholder=self._placeholder)
        return self._say(f"done.{self.arguments.host}", WELL)

    def take_out(self) -> int:
        """Put the entry of this name back as it was before; everything else stays as it is now."""
        content = self.file.read()
        servers = dict(content.get(SERVERS, {}))
        copies = self.file.copies(self.name)
        if not copies:
            return self._say(
                "said.nothing_to_undo", ENVIRONMENT, name=self.name, file=self.file.path
            )
        before = AppFile(copies[0]).read().get(SERVERS, {}).get(self.name)
        self._say("said.file", file=self.file.path)
        self._say("said.puts_back" if before else "said.takes_out", name=self.name)
        if before:
            print_json(_hidden(before, self._word("said.hidden")))
        if not self._agreed():
            return self._say("said.unchanged", WELL if self._can_ask else USAGE)
        if before:
            servers[self.name] = before
        else:
            servers.pop(self.name, None)
        self.file.write({**content, SERVERS: servers})
        copies[0].unlink(missing_ok=True)  # the next one back is the one before it
        return self._say("said.undone", WELL)

    def _with_key(self, entry: dict[str, Any], present: Any) -> dict[str, Any]:
        """Give the entry its key: from the environment, as it stands there, or as it is typed."""
        if KEY not in entry["env"]:  # the sandbox needs none
            return entry
        env = present.get("env") if isinstance(present, dict) else None
        kept = env.get(KEY) if isinstance(env, dict) else None
        if self.settings.api_key:
            key = self.settings.api_key.get_secret_value()
        elif isinstance(kept, str) and kept and kept not in KEY_PLACEHOLDER:
            key = kept
        else:
            key = self._typed_key() or self._placeholder
        return {**entry, "env": {**entry["env"], KEY: key}}

    def _typed_key(self) -> str:
        if not self._can_ask or self.arguments.yes:
            return ""
        while key := _answer(getpass, self._word("said.ask_key")):
            try:
                Settings.from_env({KEY: key})
            except SettingsError as error:
                print(error.sentence.localized(self.settings.language), file=sys.stderr)
            else:
                return key
        return ""

    def _agreed(self) -> bool:
        if self.arguments.yes:
            return True
        if not self._can_ask:
            self._say("said.needs_yes")
            return False
        return _answer(input, self._word("said.ask")).lower() in _YES

    @property
    def _can_ask(self) -> bool:
        return sys.stdin.isatty()

    @property
    def _placeholder(self) -> str:
        return KEY_PLACEHOLDER.localized(self.settings.language)

    def _word(self, code: str, **facts: object) -> str:
        return sentence("install", code, **facts).localized(self.settings.language)

    def _say(self, code: str, exit_code: int = WELL, **facts: object) -> int:
        print(self._word(code, **facts))
        return exit_code


def _answer(ask: Callable[[str], str], question: str) -> str:
    try:
        return ask(question).strip()
    except EOFError:  # the terminal was closed
        return ""


def install(arguments: argparse.Namespace, settings: Settings, environ: Mapping[str, str]) -> int:
    """Put the server into an app's file, or take it out; give the exit code.

    Raises:
        AppFileError: the file cannot be used; nothing was changed.
    """
    path = place_of(arguments.host, environ)
    if not path.parent.is_dir():
        raise AppFileError("refused.no_app", folder=path.parent)
    name = arguments.name or server_name(settings)
    one = _Installation(arguments, settings, environ, AppFile(path), name)
    return one.take_out() if arguments.undo else one.put_in()


def _hidden(entry: Any, word: str) -> Any:
    """Show an entry without its secrets."""
    if not isinstance(entry, dict) or not isinstance(entry.get("env"), dict):
        return entry
    env = {
        name: word if isinstance(value, str) and value.startswith("beel_sk_") else value
        for name, value in entry["env"].items()
    }
    return {**entry, "env": env}
