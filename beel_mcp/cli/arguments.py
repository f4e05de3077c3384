"""The words of the command line: commands, options and their help."""

import argparse
import difflib
import gettext
import re
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Final, NoReturn

from beel_mcp import __version__
from beel_mcp.cleaning import clean
from beel_mcp.language import localized
from beel_mcp.settings import Language

# What a person can meet; a sentence that argparse words differently one day stays English.
SPANISH: Final = {
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


@contextmanager
def speaking(language: Language) -> Iterator[None]:
    """Let argparse speak the person's language while the block lasts.

    Its module keeps the function that translates under gettext's usual name. Another catalogue
    would be chosen by the locale, and BEEL_LANGUAGE may say otherwise.
    """
    names = vars(argparse)
    own = names.get("_", gettext.gettext)
    names["_"] = (lambda text: SPANISH.get(text, text)) if language == "es" else own
    try:
        yield
    finally:
        names["_"] = own


HOSTS: Final = ("claude-desktop", "claude-code", "vscode", "cursor")


class Parser(argparse.ArgumentParser):
    """Says what is wrong in two lines: the fault, and where help is."""

    def __init__(self, language: Language = "en", **rest: object) -> None:
        super().__init__(**rest)  # type: ignore[arg-type]
        self._language = language

    def error(self, message: str) -> NoReturn:
        """End with 2."""
        more = localized(self._language, en="For help:", es="Más ayuda:")
        self.exit(2, f"beel-mcp: {message}\n{more} {self.prog} --help\n")


def read_arguments(argv: Sequence[str] | None, language: Language) -> argparse.Namespace:
    """Read the command line; a word that cannot be right ends the program with 2."""
    words = sys.argv[1:] if argv is None else list(argv)
    with speaking(language):
        made = parser(language)
        if any("beel_sk_" in word for word in words):
            made.error(_no_key_here(language))
        # No option before the command takes a value: the first plain word is the command.
        command = next((word for word in words if not word.startswith("-")), None)
        if command is not None and command not in _COMMANDS:
            made.error(_no_such_command(command, language))
        return made.parse_args(words)


def _no_key_here(language: Language) -> str:
    return localized(
        language,
        en="the key is never an argument, where other programs could see it: set BEEL_API_KEY",
        es="la clave nunca se escribe como argumento, donde otros programas podrían verla:"
        " póngala en BEEL_API_KEY",
    )


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


def parser(language: Language) -> argparse.ArgumentParser:
    """Make the parser of the command line, in the person's language."""
    made = Parser(
        language,
        prog="beel-mcp",
        add_help=False,  # in the person's language
        allow_abbrev=False,  # a shortened --sandbox must be an error, never the real account
        description=localized(
            language,
            en="MCP server for BeeL. Without a command it serves over stdio, as hosts expect.",
            es="Servidor MCP para BeeL. Sin orden alguna atiende por stdio, como esperan las"
            " aplicaciones.",
        ),
    )
    _add_help(made, language)
    made.add_argument(
        "--version",
        action="version",
        version=f"beel-mcp {__version__}",
        help=localized(language, en="show the version and end", es="muestra la versión y termina"),
    )
    made.set_defaults(sandbox=False)
    _add_sandbox_option(made, language)
    commands = made.add_subparsers(
        dest="command",
        title=localized(language, en="commands", es="órdenes"),
        metavar=" | ".join(_COMMANDS),
    )
    for name, (describe, en, es) in _COMMANDS.items():
        words = localized(language, en=en, es=es)
        describe(
            commands.add_parser(
                name, language=language, help=words, add_help=False, allow_abbrev=False
            ),
            language,
        )
    return made


def _add_help(parser: argparse.ArgumentParser, language: Language) -> None:
    parser.add_argument(
        "-h",
        "--help",
        action="help",
        help=localized(language, en="show this help and end", es="muestra esta ayuda y termina"),
    )


def _add_sandbox_option(parser: argparse.ArgumentParser, language: Language) -> None:
    parser.add_argument(
        "--sandbox",
        action="store_true",
        default=argparse.SUPPRESS,  # before the command and behind it
        help=localized(
            language,
            en="use the built-in sandbox: no account, no network, nothing real",
            es="usa el BeeL de prueba incluido: sin cuenta, sin red, nada es real",
        ),
    )


def _describe_serve(parser: argparse.ArgumentParser, language: Language) -> None:
    _add_help(parser, language)
    _add_sandbox_option(parser, language)
    parser.add_argument(
        "--http",
        action="store_true",
        required=True,
        help=localized(language, en="streamable HTTP", es="HTTP con transmisión continua"),
    )
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=_port, default=8931)
    parser.add_argument(
        "--no-token",
        action="store_true",
        help=localized(
            language,
            en="ask callers for no token; for development, on loopback only",
            es="no pide token a quien llama; para desarrollo, solo en esta máquina",
        ),
    )


def _describe_sandbox(parser: argparse.ArgumentParser, language: Language) -> None:
    _add_help(parser, language)
    parser.add_argument("--port", type=_port, default=8932)
    parser.add_argument(
        "--state",
        type=Path,
        metavar="FILE",
        help=localized(
            language,
            en="keep the records in this file (otherwise in memory)",
            es="guarda los datos en este archivo (si no, en memoria)",
        ),
    )
    parser.add_argument("--generation", choices=("current", "seeds"), default="current")
    parser.add_argument(
        "--rate-limit",
        type=_positive,
        metavar="N",
        help=localized(
            language, en="requests per minute and key", es="peticiones por minuto y clave"
        ),
    )


def _describe_report(parser: argparse.ArgumentParser, language: Language) -> None:
    _add_help(parser, language)
    _add_sandbox_option(parser, language)
    _add_json_option(parser, language)


def _add_json_option(parser: argparse.ArgumentParser, language: Language) -> None:
    parser.add_argument(
        "--json",
        action="store_true",
        help=localized(language, en="for programs, as JSON", es="para programas, en JSON"),
    )


def _describe_config(parser: argparse.ArgumentParser, language: Language) -> None:
    _add_help(parser, language)
    _add_sandbox_option(parser, language)
    parser.add_argument("host", choices=HOSTS, metavar="HOST", help=", ".join(HOSTS))
    parser.add_argument(
        "--name",
        type=_name,
        help=localized(
            language,
            en="the server's name in the app; another one for each company",
            es="el nombre del servidor en la aplicación; otro por cada empresa",
        ),
    )
    parser.add_argument(
        "--company",
        metavar="NIF",
        help=localized(
            language,
            en="the company to work in: its NIF, or its id in BeeL",
            es="la empresa en la que se trabaja: su NIF, o su id en BeeL",
        ),
    )


_COMMANDS: Final = {
    "serve": (_describe_serve, "serve MCP over HTTP", "atiende MCP por HTTP"),
    "demo": (
        _add_help,
        "import a list into the sandbox and remove customers, step by step",
        "importa una lista y retira clientes en el BeeL de prueba, paso a paso",
    ),
    "sandbox": (
        _describe_sandbox,
        "serve the built-in BeeL sandbox over HTTP",
        "atiende por HTTP el BeeL de prueba incluido",
    ),
    "doctor": (
        _describe_report,
        "check key, company, folders and network, and say what to do; changes nothing in BeeL",
        (
            "revisa la clave, la empresa, las carpetas y la red, y dice qué hacer; en BeeL no"
            " cambia nada"
        ),
    ),
    "config": (
        _describe_config,
        "print the configuration for an app (HOST); never the key",
        "muestra la configuración para una aplicación (HOST); nunca la clave",
    ),
    "tools": (
        _describe_report,
        "list the tools and what each costs the assistant, in tokens",
        "enumera las herramientas y lo que cuesta cada una al asistente, en tokens",
    ),
    "purge": (
        _add_help,
        "remove the customers' data that is still kept",
        "borra los datos de clientes que aún se conservan",
    ),
}


def _port(text: str) -> int:
    if not text.isdecimal() or not 1 <= int(text) <= 65_535:
        raise argparse.ArgumentTypeError("1 … 65535")
    return int(text)


def _positive(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError("1 …")
    return int(text)


def _name(text: str) -> str:
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9_-]{0,31}", text):
        raise argparse.ArgumentTypeError("A-Z a-z 0-9 - _, 1 … 32")
    return text
