"""The command line: serve over stdio or HTTP, the demo, the sandbox."""

import argparse
import logging
import socket
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from beel_mcp import __version__
from beel_mcp.language import say
from beel_mcp.settings import Language, Settings, SettingsError

if TYPE_CHECKING:
    from starlette.applications import Starlette

WELL, PROMISE_FAILED, USAGE, ENVIRONMENT, INTERRUPTED = 0, 1, 2, 3, 130


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command and give its exit code."""
    words = sys.argv[1:] if argv is None else list(argv)
    try:
        settings = Settings.from_env(sandbox="--sandbox" in words)
    except SettingsError as error:
        # Help and version answer whatever the settings say.
        if not {"-h", "--help", "--version"} & set(words):
            return _refuse(error)
        settings = Settings(files_dir=Path(), import_dirs=())
    arguments = _parser(settings.language).parse_args(words)
    try:
        return _run(arguments, settings)
    except SettingsError as error:
        return _refuse(error)
    except KeyboardInterrupt:
        return INTERRUPTED


def _refuse(error: SettingsError) -> int:
    print(f"beel-mcp: {error}", file=sys.stderr)
    return USAGE


def _run(arguments: argparse.Namespace, settings: Settings) -> int:
    if arguments.command == "demo":
        from beel_mcp.demo import run_demo

        return WELL if run_demo(settings.language) else PROMISE_FAILED
    _configure_logging(settings)
    for warning in settings.warnings:
        print(f"beel-mcp: {warning}", file=sys.stderr)
    if arguments.command == "sandbox":
        return _serve_sandbox(arguments, settings)
    if arguments.command == "serve":
        return _serve_http(arguments, settings)
    return _serve_stdio(settings)


def _serve_stdio(settings: Settings) -> int:
    from beel_mcp.server import create_server

    # Whatever a dependency prints must not wait in a buffer and land between two messages.
    if hasattr(sys.stdout, "reconfigure"):
        sys.stdout.reconfigure(line_buffering=True)
    create_server(settings, sandbox_app=_sandbox_app(settings)).run("stdio")
    return WELL


def _serve_http(arguments: argparse.Namespace, settings: Settings) -> int:
    from beel_mcp.serve import Address, serve

    address = Address(arguments.host, arguments.port, needs_token=not arguments.no_token)
    if arguments.no_token and not address.is_loopback:
        raise SettingsError("--no-token", "is for development, on loopback only")
    if not _is_free(address.host, address.port, settings.language):
        return ENVIRONMENT
    serve(settings, address, sandbox_app=_sandbox_app(settings))
    return WELL


def _serve_sandbox(arguments: argparse.Namespace, settings: Settings) -> int:
    import uvicorn

    from beel_mcp.sandbox import SandboxOptions, create_app

    if not _is_free("127.0.0.1", arguments.port, settings.language):
        return ENVIRONMENT
    app = create_app(
        SandboxOptions(
            generation=arguments.generation,
            state=arguments.state,
            rate_limit=arguments.rate_limit,
        )
    )
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
        except OSError:
            taken = say(
                language,
                en=f"cannot listen on {host}:{port}; is it in use? Choose another --port",
                es=f"no se puede escuchar en {host}:{port}; ¿está ocupado? Elija otro --port",
            )
            print(f"beel-mcp: {taken}", file=sys.stderr)
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
    parser = argparse.ArgumentParser(
        prog="beel-mcp",
        description=say(
            language,
            en="MCP server for BeeL. Without a command it serves over stdio, as hosts expect.",
            es="Servidor MCP para BeeL. Sin orden alguna atiende por stdio, como esperan las"
            " aplicaciones.",
        ),
    )
    parser.add_argument("--version", action="version", version=f"beel-mcp {__version__}")
    _add_sandbox_option(parser, language)
    commands = parser.add_subparsers(dest="command", metavar="serve | demo | sandbox")
    _describe_serve(
        commands.add_parser(
            "serve", help=say(language, en="serve MCP over HTTP", es="atiende MCP por HTTP")
        ),
        language,
    )
    commands.add_parser(
        "demo",
        help=say(
            language,
            en="import an example list into the sandbox, step by step",
            es="importa una lista de ejemplo en el BeeL de prueba, paso a paso",
        ),
    )
    _describe_sandbox(
        commands.add_parser(
            "sandbox",
            help=say(
                language,
                en="serve the built-in BeeL sandbox over HTTP",
                es="atiende por HTTP el BeeL de prueba incluido",
            ),
        ),
        language,
    )
    return parser


def _add_sandbox_option(parser: argparse.ArgumentParser, language: Language) -> None:
    parser.add_argument(
        "--sandbox",
        action="store_true",
        help=say(
            language,
            en="use the built-in sandbox: no account, no network, nothing real",
            es="usa el BeeL de prueba incluido: sin cuenta, sin red, nada es real",
        ),
    )


def _describe_serve(parser: argparse.ArgumentParser, language: Language) -> None:
    _add_sandbox_option(parser, language)
    parser.add_argument("--http", action="store_true", required=True, help="streamable HTTP")
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
        type=int,
        metavar="N",
        help=say(language, en="requests per minute and key", es="peticiones por minuto y clave"),
    )


def _port(text: str) -> int:
    port = int(text)
    if not 1 <= port <= 65_535:
        raise argparse.ArgumentTypeError("1 to 65535")
    return port
