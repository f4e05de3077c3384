"""The command line: what each command does, and its exit code."""

import argparse
import logging
import os
import socket
import sys
from collections.abc import Sequence
from contextlib import nullcontext, redirect_stdout
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

# stdout belongs to the protocol: what a dependency prints when it is imported goes elsewhere.
with redirect_stdout(sys.stderr):
    from beel_mcp.cli.arguments import read_arguments
    from beel_mcp.cli.terminal import (
        ended_by_one_interrupt,
        send_the_rest_nowhere,
        spell_everything,
    )
    from beel_mcp.language import Language, localized, preferred_language
    from beel_mcp.settings import Settings, SettingsError

if TYPE_CHECKING:
    from starlette.applications import Starlette

WELL, PROMISE_FAILED, USAGE, ENVIRONMENT, INTERRUPTED = 0, 1, 2, 3, 130
READER_GONE = 141  # as whatever a closed pipe ends


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command and give its exit code."""
    spell_everything()
    try:
        try:
            return _command(argv)
        finally:
            sys.stdout.flush()  # a reader that has gone is noticed here, where it can be caught
    except KeyboardInterrupt:
        return INTERRUPTED
    except BrokenPipeError:
        return _without_reader()
    except BaseExceptionGroup as several:  # of what ran side by side
        if several.split(KeyboardInterrupt)[0]:
            return INTERRUPTED
        if several.split(BrokenPipeError)[1]:
            raise
        return _without_reader()


def _command(argv: Sequence[str] | None) -> int:
    language = preferred_language(os.environ)
    arguments = read_arguments(argv, language)
    try:
        return _run(arguments, language)
    except SettingsError as error:
        return _complain(error.sentence.localized(language), USAGE)


def _without_reader() -> int:
    """End in silence: who reads what is printed has seen enough (`demo | head`)."""
    send_the_rest_nowhere(sys.stdout)
    return READER_GONE


def _complain(line: str, code: int) -> int:
    print(f"beel-mcp: {line}", file=sys.stderr)
    return code


def _run(arguments: argparse.Namespace, language: Language) -> int:
    if arguments.command == "demo":  # has settings of its own
        from beel_mcp.cli.demo import run_demo

        keep = arguments.keep and arguments.keep.resolve()
        return WELL if run_demo(language, keep) else PROMISE_FAILED
    try:
        settings = Settings.from_env(_environ(arguments), sandbox=arguments.sandbox)
    except SettingsError as error:
        if not getattr(arguments, "json", False) or arguments.command != "doctor":
            raise
        from beel_mcp.cli.doctor import report_wrong_settings

        return report_wrong_settings(error, _environ(arguments), language)
    if arguments.command == "doctor":  # tells of warnings itself
        return _examine(arguments, settings)
    _configure_logging(settings)
    for warning in settings.warnings:
        print(f"beel-mcp: {warning.localized(settings.language)}", file=sys.stderr)
    commands = {
        "sandbox": _serve_sandbox,
        "serve": _serve_http,
        "config": _print_configuration,
        "install": _install,
        "tools": _list_tools,
        "purge": _purge,
        None: _serve_stdio,
    }
    return commands[arguments.command](arguments, settings)


def _environ(arguments: argparse.Namespace) -> dict[str, str]:
    """Give the environment, with what the command line says instead."""
    company = getattr(arguments, "company", None)
    return {**os.environ, **({"BEEL_COMPANY_ID": company} if company else {})}


def _serve_stdio(_: argparse.Namespace, settings: Settings) -> int:
    is_terminal = sys.stdin is not None and sys.stdin.isatty()
    if is_terminal:
        print(_nothing_to_type(settings.language), file=sys.stderr, flush=True)
    with redirect_stdout(sys.stderr):
        from beel_mcp.server import create_server

        server = create_server(settings, sandbox_app=_sandbox_app(settings))
    # Whatever a dependency prints must not wait in a buffer and land between two messages.
    if hasattr(sys.stdout, "reconfigure"):
        sys.stdout.reconfigure(line_buffering=True)
    try:
        with ended_by_one_interrupt() if is_terminal else nullcontext():
            server.run("stdio")
    finally:
        os.dup2(2, 1)  # nor must the rest of it come behind the last one
    return WELL


def _nothing_to_type(language: Language) -> str:
    return localized(
        language,
        en="beel-mcp is waiting for an app to talk to it; there is nothing to type here. Apps start"
        " it themselves: “beel-mcp config --help” says how. To see what it does: “beel-mcp demo”."
        " Ctrl-C ends it.",
        es="beel-mcp espera a que una aplicación hable con él; aquí no hay nada que escribir. Las"
        " aplicaciones lo inician solas: «beel-mcp config --help» dice cómo. Para ver lo que hace:"
        " «beel-mcp demo». Ctrl-C lo termina.",
    )


def _serve_http(arguments: argparse.Namespace, settings: Settings) -> int:
    from beel_mcp.cli.http import ListenAddress, refuse_if_open, serve

    address = ListenAddress(arguments.host, arguments.port, needs_token=not arguments.no_token)
    refuse_if_open(settings, address)
    if not _is_free(address.host, address.port, settings.language):
        return ENVIRONMENT
    serve(settings, address, sandbox_app=_sandbox_app(settings))
    return INTERRUPTED  # SIGTERM does not come back here


def _serve_sandbox(arguments: argparse.Namespace, settings: Settings) -> int:
    import uvicorn

    from beel_mcp.sandbox import SandboxOptions, create_app

    if not _is_free("127.0.0.1", arguments.port, settings.language):
        return ENVIRONMENT
    options = SandboxOptions(
        generation="legacy" if arguments.generation == "seeds" else arguments.generation,
        state=arguments.state,
        rate_limit=arguments.rate_limit,
    )
    try:
        app = create_app(options)
    except Exception:  # noqa: BLE001 - the database has its own errors for a file it cannot use
        unusable = localized(
            settings.language,
            en=f"{arguments.state} cannot be used as --state FILE: no folder, or another file",
            es=f"{arguments.state} no sirve para --state FILE: no hay carpeta, o es otro archivo",
        )
        return _complain(unusable, ENVIRONMENT)
    words = localized(
        settings.language,
        en="The built-in sandbox answers on",
        es="La simulación incluida atiende en",
    )
    print(f"{words} http://127.0.0.1:{arguments.port}/v1/", file=sys.stderr, flush=True)
    uvicorn.run(app, host="127.0.0.1", port=arguments.port, log_config=None, access_log=False)
    return INTERRUPTED


def _examine(arguments: argparse.Namespace, settings: Settings) -> int:
    from beel_mcp.cli.doctor import run_doctor

    is_wanted = settings.log_level in ("DEBUG", "INFO")
    _configure_logging(settings if is_wanted else replace(settings, log_level="ERROR"))
    app = _sandbox_app(settings)
    return run_doctor(settings, _environ(arguments), sandbox_app=app, as_json=arguments.json)


def _print_configuration(arguments: argparse.Namespace, settings: Settings) -> int:
    from beel_mcp.cli.client_config import configuration
    from beel_mcp.cli.terminal import print_json

    made = configuration(arguments.host, settings, _environ(arguments), arguments.name)
    print_json(made.content)  # alone on stdout: it can go right into a file
    for line in made.advice:
        print(line, file=sys.stderr)
    return WELL


def _install(arguments: argparse.Namespace, settings: Settings) -> int:
    from beel_mcp.cli.app_file import AppFileError
    from beel_mcp.cli.install import install

    try:
        return install(arguments, settings, _environ(arguments))
    except AppFileError as error:
        return _complain(error.sentence.localized(settings.language), ENVIRONMENT)


def _list_tools(arguments: argparse.Namespace, settings: Settings) -> int:
    from beel_mcp.cli.tool_list import list_tools

    list_tools(settings, as_json=arguments.json)
    return WELL


def _purge(_: argparse.Namespace, settings: Settings) -> int:
    import anyio

    from beel_mcp.writes.journal.database import JournalError
    from beel_mcp.writes.journal.journal import Journal
    from beel_mcp.writes.journal.records import utc_now

    journal = Journal(settings.state_dir, utc_now)
    try:
        removed, kept = anyio.run(journal.purge)
        packages = _purge_files(settings.state_dir)
    except JournalError:
        unusable = localized(
            settings.language,
            en=f"the journal in {settings.state_dir} cannot be used",
            es=f"no se puede usar el registro de operaciones de {settings.state_dir}",
        )
        return _complain(unusable, ENVIRONMENT)
    except OSError:
        left = localized(
            settings.language,
            en=f"not all that is kept in {settings.state_dir} can be removed; call purge again",
            es=f"no se puede borrar todo lo guardado en {settings.state_dir}; repita purge",
        )
        return _complain(left, ENVIRONMENT)
    finally:
        journal.close()
    print(
        localized(
            settings.language,
            en=f"Operations whose customers' data was removed from this machine: {removed}."
            f" Kept because their outcome is not known yet: {kept}. Unfinished packages of PDFs"
            f" removed: {packages}. Nothing was removed in BeeL.",
            es=f"Operaciones cuyos datos de clientes se han borrado de este equipo: {removed}."
            f" Se conservan, por no saberse aún su resultado: {kept}. Paquetes de PDF sin terminar"
            f" borrados: {packages}. En BeeL no se ha borrado nada.",
        )
    )
    return WELL


def _purge_files(state_dir: Path) -> int:
    """Remove what stands beside the journal; how many unfinished packages there were.

    Raises:
        OSError: something is still there.
    """
    from beel_mcp.files.failed_pdfs import FAILED_PDFS
    from beel_mcp.files.output import forget_files
    from beel_mcp.files.staging import PACKAGES, purge_packages

    packages = purge_packages(state_dir / PACKAGES)
    forget_files(state_dir)
    (state_dir / FAILED_PDFS).unlink(missing_ok=True)
    return packages


def _sandbox_app(settings: Settings) -> "Starlette | None":
    if not settings.sandbox:
        return None
    from beel_mcp.sandbox import create_app

    return create_app()


def _is_free(host: str, port: int, language: Language) -> bool:
    """Try the address first: the server's own complaint is a traceback."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        if sys.platform != "win32":  # there it means to share the port with whoever has it
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except (OSError, UnicodeError):  # taken, not ours, or no name at all
            taken = localized(
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
