"""The command line: serve over stdio or HTTP, the demo, the sandbox."""

import argparse
import logging
import os
import socket
import sys
from collections.abc import Sequence
from contextlib import redirect_stdout
from pathlib import Path
from typing import TYPE_CHECKING

# stdout belongs to the protocol: what a dependency prints when it is imported goes elsewhere.
with redirect_stdout(sys.stderr):
    from beel_mcp import __version__
    from beel_mcp.language import say
    from beel_mcp.settings import Language, Settings, SettingsError, preferred_language

if TYPE_CHECKING:
    from starlette.applications import Starlette

WELL, PROMISE_FAILED, USAGE, ENVIRONMENT, INTERRUPTED = 0, 1, 2, 3, 130


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command and give its exit code."""
    if hasattr(sys.stdout, "reconfigure"):
        sys.stdout.reconfigure(errors="replace")  # a terminal without accents is no failure
    language = preferred_language(os.environ)
    arguments = _parser(language).parse_args(argv)
    try:
        return _run(arguments, language)
    except SettingsError as error:
        return _complain(say(language, **error.sentence._asdict()), USAGE)
    except KeyboardInterrupt:
        return INTERRUPTED


def _complain(line: str, code: int) -> int:
    print(f"beel-mcp: {line}", file=sys.stderr)
    return code


def _run(arguments: argparse.Namespace, language: Language) -> int:
    if arguments.command == "demo":  # has settings of its own
        from beel_mcp.demo import run_demo

        return WELL if run_demo(language) else PROMISE_FAILED
    settings = Settings.from_env(sandbox=arguments.sandbox)
    _configure_logging(settings)
    for warning in settings.warnings_told:
        print(f"beel-mcp: {warning}", file=sys.stderr)
    if arguments.command == "sandbox":
        return _serve_sandbox(arguments, settings)
    if arguments.command == "serve":
        return _serve_http(arguments, settings)
    return _serve_stdio(settings)


def _serve_stdio(settings: Settings) -> int:
    with redirect_stdout(sys.stderr):
        from beel_mcp.server import create_server

        server = create_server(settings, sandbox_app=_sandbox_app(settings))
    # Whatever a dependency prints must not wait in a buffer and land between two messages.
    if hasattr(sys.stdout, "reconfigure"):
        sys.stdout.reconfigure(line_buffering=True)
    try:
        server.run("stdio")
    finally:
        os.dup2(2, 1)  # nor must the rest of it come behind the last one
    return WELL


def _serve_http(arguments: argparse.Namespace, settings: Settings) -> int:
    from beel_mcp.serve import Address, refuse_if_open, serve

    address = Address(arguments.host, arguments.port, needs_token=not arguments.no_token)
    refuse_if_open(settings, address)
    if not _is_free(address.host, address.port, settings.language):
        return ENVIRONMENT
    serve(settings, address, sandbox_app=_sandbox_app(settings))
    return WELL


def _serve_sandbox(arguments: argparse.Namespace, settings: Settings) -> int:
    import uvicorn

    from beel_mcp.sandbox import SandboxOptions, create_app

    if not _is_free("127.0.0.1", arguments.port, settings.language):
        return ENVIRONMENT
    options = SandboxOptions(
        generation=arguments.generation,
        state=arguments.state,
        rate_limit=arguments.rate_limit,
    )
    try:
        app = create_app(options)
    except Exception:  # noqa: BLE001 - the database has its own errors for a file it cannot use
        unusable = say(
            settings.language,
            en=f"{arguments.state} cannot be used as --state FILE: no folder, or another file",
            es=f"{arguments.state} no sirve para --state FILE: no hay carpeta, o es otro archivo",
        )
        return _complain(unusable, ENVIRONMENT)
    words = say(settings.language, en="The sandbox answers on", es="El BeeL de prueba atiende en")
    print(f"{words} http://127.0.0.1:{arguments.port}/v1/", file=sys.stderr, flush=True)
    uvicorn.run(app, host="127.0.0.1", port=arguments.port, log_config=None, access_log=False)
    return WELL


def _sandbox_app(settings: Settings) -> "Starlette | None":
    if not settings.sandbox:
        return None
    from beel_mcp.sandbox import create_app

    return create_app()


def _is_free(host: str, port: int, language: Language) -> bool:
    """Try the address first: the server's own complaint is a traceback."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except (OSError, UnicodeError):  # taken, not ours, or no name at all
            taken = say(
                language,
                en=f"cannot listen on {host}:{port}; is it in use? Choose another --port",
                es=f"no se puede escuchar en {host}:{port}; ¿está ocupado? Elija otro --port",
            )
            _complain(taken, ENVIRONMENT)
            return False
    return True


def _configure_logging(settings: Settings) -> None:
    """Log to stderr, before the SDK sets up logging its own way."""
    logging.basicConfig(
        level=settings.log_level,
        stream=sys.stderr,
        format="%(asctime)s %(levelname)s %(name)s: %(message)s",
    )


def _parser(language: Language) -> argparse.ArgumentParser:
    parser = _with_help(
        # A shortened --sandbox must be an error, never the real account.
        argparse.ArgumentParser(
            prog="beel-mcp",
            add_help=False,
            allow_abbrev=False,
            description=say(
                language,
                en="MCP server for BeeL. Without a command it serves over stdio, as hosts expect.",
                es="Servidor MCP para BeeL. Sin orden alguna atiende por stdio, como esperan las"
                " aplicaciones.",
            ),
        ),
        language,
    )
    parser.add_argument(
        "--version",
        action="version",
        version=f"beel-mcp {__version__}",
        help=say(language, en="show the version and end", es="muestra la versión y termina"),
    )
    parser.set_defaults(sandbox=False)
    _add_sandbox_option(parser, language)
    commands = parser.add_subparsers(
        dest="command",
        title=say(language, en="commands", es="órdenes"),
        metavar="serve | demo | sandbox",
    )
    for name, describe, words in (
        ("serve", _describe_serve, ("serve MCP over HTTP", "atiende MCP por HTTP")),
        (
            "demo",
            _with_help,
            (
                "import an example list into the sandbox, step by step",
                "importa una lista de ejemplo en el BeeL de prueba, paso a paso",
            ),
        ),
        (
            "sandbox",
            _describe_sandbox,
            (
                "serve the built-in BeeL sandbox over HTTP",
                "atiende por HTTP el BeeL de prueba incluido",
            ),
        ),
    ):
        help_ = say(language, en=words[0], es=words[1])
        command = commands.add_parser(name, help=help_, add_help=False, allow_abbrev=False)
        describe(command, language)
    return parser


def _with_help(parser: argparse.ArgumentParser, language: Language) -> argparse.ArgumentParser:
    parser.add_argument(
        "-h",
        "--help",
        action="help",
        help=say(language, en="show this help and end", es="muestra esta ayuda y termina"),
    )
    return parser


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
    _with_help(parser, language)
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
    _with_help(parser, language)
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


def _port(text: str) -> int:
    if not text.isdecimal() or not 1 <= int(text) <= 65_535:
        raise argparse.ArgumentTypeError("1 … 65535")
    return int(text)


def _positive(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError("1 …")
    return int(text)
