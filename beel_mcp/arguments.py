"""The words of the command line: commands, options and their help."""

import argparse
from pathlib import Path
from typing import Final

from beel_mcp import __version__
from beel_mcp.language import say
from beel_mcp.settings import Language


def parser(language: Language) -> argparse.ArgumentParser:
    """Make the parser of the command line, in the person's language."""
    made = argparse.ArgumentParser(
        prog="beel-mcp",
        add_help=False,  # in the person's language
        allow_abbrev=False,  # a shortened --sandbox must be an error, never the real account
        description=say(
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
        help=say(language, en="show the version and end", es="muestra la versión y termina"),
    )
    made.set_defaults(sandbox=False)
    _add_sandbox_option(made, language)
    commands = made.add_subparsers(
        dest="command",
        title=say(language, en="commands", es="órdenes"),
        metavar=" | ".join(_COMMANDS),
    )
    for name, (describe, en, es) in _COMMANDS.items():
        words = say(language, en=en, es=es)
        describe(
            commands.add_parser(name, help=words, add_help=False, allow_abbrev=False), language
        )
    return made


def _add_help(parser: argparse.ArgumentParser, language: Language) -> None:
    parser.add_argument(
        "-h",
        "--help",
        action="help",
        help=say(language, en="show this help and end", es="muestra esta ayuda y termina"),
    )


def _add_sandbox_option(parser: argparse.ArgumentParser, language: Language) -> None:
    parser.add_argument(
        "--sandbox",
        action="store_true",
        default=argparse.SUPPRESS,  # before the command and behind it
        help=say(
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
        help=say(language, en="streamable HTTP", es="HTTP con transmisión continua"),
    )
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=_port, default=8931)
    parser.add_argument(
        "--no-token",
        action="store_true",
        help=say(
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
        help=say(
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
        help=say(language, en="requests per minute and key", es="peticiones por minuto y clave"),
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
