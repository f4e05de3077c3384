"""The command line as data: commands, their options, and their help in both languages."""

import argparse
import difflib
import gettext
import re
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final, NamedTuple, NoReturn

from beel_mcp import __version__
from beel_mcp.cleaning import clean
from beel_mcp.language import Language, Sentence, localized

HOSTS: Final = ("claude-desktop", "claude-code", "vscode", "cursor")
WRITTEN_HOSTS: Final = ("claude-desktop", "cursor")  # whose file `install` writes
# What a person can meet; a sentence that argparse words differently one day stays English.
_ARGPARSE_IN_SPANISH: Final = {
    "usage: ": "uso: ",
    "options": "opciones",
    "positional arguments": "argumentos",
    "argument %(argument_name)s: %(message)s": "argumento %(argument_name)s: %(message)s",
    "expected one argument": "falta su valor",
    "ignored explicit argument %r": "no lleva el valor %r",
    "invalid choice: %(value)r (choose from %(choices)s)": "%(value)r no vale; elija entre"
    " %(choices)s",
    "the following arguments are required: %s": "falta: %s",
    "unrecognized arguments: %s": "no se entiende: %s",
}


_NO_KEY_HERE: Final = Sentence(
    "the key is never an argument, where other programs could see it: set BEEL_API_KEY",
    "la clave nunca se escribe como argumento, donde otros programas podrían verla:"
    " póngala en BEEL_API_KEY",
)


class Option(NamedTuple):
    """An option or argument: its names, its help, and the rest as `add_argument` takes it."""

    names: tuple[str, ...]
    help: Sentence | None
    rest: dict[str, Any]


def _option(*names: str, en: str = "", es: str = "", **rest: Any) -> Option:
    return Option(names, Sentence(en, es) if en else None, rest)


def _port(text: str) -> int:
    if not text.isdecimal() or not 1 <= int(text) <= 65_535:
        raise argparse.ArgumentTypeError("1 … 65535")
    return int(text)


def _positive(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError("1 …")
    return int(text)


def _server_name(text: str) -> str:
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9_-]{0,31}", text):
        raise argparse.ArgumentTypeError("A-Z a-z 0-9 - _, 1 … 32")
    return text


_HELP: Final = _option(
    *("-h", "--help"),
    en="show this help and end",
    es="muestra esta ayuda y termina",
    action="help",
)
_VERSION: Final = _option(
    "--version",
    en="show the version and end",
    es="muestra la versión y termina",
    action="version",
    version=f"beel-mcp {__version__}",
)
_SANDBOX: Final = _option(
    "--sandbox",
    en="use the built-in sandbox: no account, no network, nothing real",
    es="usa la simulación incluida: sin cuenta, sin red, nada es real",
    action="store_true",
    default=argparse.SUPPRESS,  # before the command and behind it
)
_JSON: Final = _option(
    "--json", en="for programs, as JSON", es="para programas, en JSON", action="store_true"
)
_SERVE: Final = (
    _HELP,
    _SANDBOX,
    _option(
        "--http",
        en="streamable HTTP",
        es="HTTP con transmisión continua",
        action="store_true",
        required=True,
    ),
    _option(
        "--host",
        en="where to listen (127.0.0.1: this machine alone)",
        es="dónde atiende (127.0.0.1: solo esta máquina)",
        default="127.0.0.1",
    ),
    _option("--port", en="8931 unless given", es="8931 si no se indica", type=_port, default=8931),
    _option(
        "--no-token",
        en="ask callers for no token; for development, on loopback only",
        es="no pide token a quien llama; para desarrollo, solo en esta máquina",
        action="store_true",
    ),
)
_RUN_SANDBOX: Final = (
    _HELP,
    _option("--port", en="8932 unless given", es="8932 si no se indica", type=_port, default=8932),
    _option(
        "--state",
        en="keep the records in this file (otherwise in memory)",
        es="guarda los datos en este archivo (si no, en memoria)",
        type=Path,
        metavar="FILE",
    ),
    _option(
        "--generation",
        en="which contract of BeeL: today's, or the one first published",
        es="qué contrato de BeeL: el actual o el primero que se publicó",
        choices=("current", "seeds"),
        default="current",
    ),
    _option(
        "--rate-limit",
        en="requests per minute and key",
        es="peticiones por minuto y clave",
        type=_positive,
        metavar="N",
    ),
)
_KEEP: Final = _option(
    "--keep",
    en="keep the files that it saves in this folder (otherwise they are removed)",
    es="conserva en esta carpeta los archivos que guarda (si no, se borran)",
    type=Path,
    metavar="FOLDER",
)
_CONFIG: Final = (
    _HELP,
    _SANDBOX,
    _option("host", en=", ".join(HOSTS), es=", ".join(HOSTS), choices=HOSTS, metavar="HOST"),
    _option(
        "--name",
        en="the server's name in the app; another one for each company",
        es="el nombre del servidor en la aplicación; otro por cada empresa",
        type=_server_name,
    ),
    _option(
        "--company",
        en="the company to work in: its NIF, or its id in BeeL",
        es="la empresa en la que se trabaja: su NIF, o su id en BeeL",
        metavar="NIF",
    ),
)
_INSTALL: Final = (
    *(option for option in _CONFIG if option.names != ("host",)),
    _option(
        "host",
        en=", ".join(WRITTEN_HOSTS),
        es=", ".join(WRITTEN_HOSTS),
        choices=WRITTEN_HOSTS,
        metavar="HOST",
    ),
    _option(
        "--undo",
        en="put that server back as it was before; the others stay as they are",
        es="deja ese servidor como estaba antes; los demás no se tocan",
        action="store_true",
    ),
    _option("--yes", en="write without asking", es="escribe sin preguntar", action="store_true"),
)
_COMMANDS: Final[dict[str, tuple[tuple[Option, ...], Sentence]]] = {
    "serve": (_SERVE, Sentence("serve MCP over HTTP", "atiende MCP por HTTP")),
    "demo": (
        (_HELP, _KEEP),
        Sentence(
            "import a list into the built-in sandbox and remove customers, step by step",
            "importa una lista y retira clientes en la simulación incluida, paso a paso",
        ),
    ),
    "sandbox": (
        _RUN_SANDBOX,
        Sentence(
            "serve the built-in sandbox over HTTP",
            "atiende por HTTP la simulación incluida",
        ),
    ),
    "doctor": (
        (_HELP, _SANDBOX, _JSON),
        Sentence(
            "check key, company, folders and network, and say what to do; changes nothing in BeeL",
            "revisa la clave, la empresa, las carpetas y la red, y dice qué hacer; en BeeL no"
            " cambia nada",
        ),
    ),
    "config": (
        _CONFIG,
        Sentence(
            "print the configuration for an app (HOST); never the key",
            "muestra la configuración para una aplicación (HOST); nunca la clave",
        ),
    ),
    "install": (
        _INSTALL,
        Sentence(
            "write the configuration into an app's own file (HOST), after showing it",
            "escribe la configuración en el archivo de una aplicación (HOST), tras mostrarla",
        ),
    ),
    "tools": (
        (_HELP, _SANDBOX, _JSON),
        Sentence(
            "list the tools and what each costs the assistant, in tokens",
            "enumera las herramientas y lo que cuesta cada una al asistente, en tokens",
        ),
    ),
    "purge": (
        (_HELP,),
        Sentence(
            "remove the customers' data that is still kept",
            "borra los datos de clientes que aún se conservan",
        ),
    ),
}


# What whoever calls a server has to send.
_WHO_CALLS: Final = {
    "serve": Sentence(
        "Callers send “Authorization: Bearer TOKEN”: the one of BEEL_HTTP_TOKEN, or the one that is"
        " printed at the start. The BeeL key stays here, in BEEL_API_KEY. Ctrl-C ends it.",
        "Quien llama envía «Authorization: Bearer TOKEN»: el de BEEL_HTTP_TOKEN o el que se muestra"
        " al empezar. La clave de BeeL se queda aquí, en BEEL_API_KEY. Ctrl-C lo termina.",
    ),
    "sandbox": Sentence(
        "Send “Authorization: Bearer beel_sk_test_…” with eight letters or digits, or more, behind"
        " it: any such key is accepted. Ctrl-C ends it.",
        "Envíe «Authorization: Bearer beel_sk_test_…» con ocho letras o cifras cualesquiera, o más:"
        " se acepta toda clave así. Ctrl-C lo termina.",
    ),
}


class Parser(argparse.ArgumentParser):
    """An argument parser that says what is wrong in two lines: the fault, and where help is."""

    def __init__(self, language: Language = "en", **rest: Any) -> None:
        # Help is an option of ours, in the person's language. A shortened --sandbox must be an
        # error, never the real account.
        super().__init__(add_help=False, allow_abbrev=False, **rest)
        self._language = language

    def add_options(self, options: Sequence[Option]) -> None:
        for option in options:
            help_text = option.help and option.help.localized(self._language)
            self.add_argument(*option.names, help=help_text, **option.rest)

    def error(self, message: str) -> NoReturn:
        more = localized(self._language, en="For help:", es="Más ayuda:")
        self.exit(2, f"beel-mcp: {message}\n{more} {self.prog} --help\n")


def read_arguments(argv: Sequence[str] | None, language: Language) -> argparse.Namespace:
    """Read the command line; a word that cannot be right ends the program with 2."""
    words = sys.argv[1:] if argv is None else list(argv)
    with argparse_in(language):
        made = parser(language)
        if any("beel_sk_" in word for word in words):
            made.error(_NO_KEY_HERE.localized(language))
        # No option before the command takes a value: the first plain word is the command.
        command = next((word for word in words if not word.startswith("-")), None)
        if command is not None and command not in _COMMANDS:
            made.error(_no_such_command(command, language))
        return made.parse_args(words)


def parser(language: Language) -> Parser:
    """Build the parser of the command line, in the person's language."""
    made = Parser(
        language,
        prog="beel-mcp",
        description=localized(
            language,
            en="MCP server for BeeL. Without a command it serves over stdio, as hosts expect.",
            es="Servidor MCP para BeeL. Sin orden alguna atiende por stdio, como esperan las"
            " aplicaciones.",
        ),
    )
    made.add_options((_HELP, _VERSION, _SANDBOX))
    made.set_defaults(sandbox=False)
    commands = made.add_subparsers(
        dest="command",
        title=localized(language, en="commands", es="órdenes"),
        metavar=" | ".join(_COMMANDS),
    )
    for name, (options, summary) in _COMMANDS.items():
        command = commands.add_parser(name, language=language, help=summary.localized(language))
        command.add_options(options)
        if name in _WHO_CALLS:
            command.epilog = _WHO_CALLS[name].localized(language)
    return made


@contextmanager
def argparse_in(language: Language) -> Iterator[None]:
    """Let argparse speak the person's language while the block lasts.

    WARNING: this replaces the global `_` of the module argparse, which is not ours, and puts it
    back. argparse translates by that name (it imports gettext's function as `_`) and offers no
    other way in: a gettext catalogue would be chosen by the locale, and BEEL_LANGUAGE may say
    otherwise. It is done in this one place, by the command line only and before any thread
    starts. Without that name, in some later Python, its words stay English.
    """
    names = vars(argparse)
    own = names.get("_", gettext.gettext)
    spanish = _ARGPARSE_IN_SPANISH
    names["_"] = (lambda text: spanish.get(text, text)) if language == "es" else own
    try:
        yield
    finally:
        names["_"] = own


def _no_such_command(word: str, language: Language) -> str:
    near = difflib.get_close_matches(word, _COMMANDS, n=1, cutoff=0.5)
    shown = clean(word, 40)
    listed = ", ".join(_COMMANDS)
    return localized(
        language,
        en=f"there is no command “{shown}”; "
        + (f"did you mean {near[0]}?" if near else f"the commands are {listed}"),
        es=f"no existe la orden «{shown}»; "
        + (f"¿quería decir {near[0]}?" if near else f"las órdenes son {listed}"),
    )
