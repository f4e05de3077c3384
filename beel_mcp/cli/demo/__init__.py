"""`beel-mcp demo`: the main job, end to end, through a real MCP client over stdio."""

import sys
import tempfile

import anyio
from mcp import Client, StdioServerParameters

from beel_mcp.cli.demo.deactivating import Person, deactivate_with_a_form, delete_without_forms
from beel_mcp.cli.demo.example import EXPECTED_COUNTS, ExampleMissingError, example_list
from beel_mcp.cli.demo.importing import import_list
from beel_mcp.cli.demo.invoicing import delete_a_draft, download_the_quarter
from beel_mcp.cli.demo.telling import Demo
from beel_mcp.settings import Language

__all__ = ["EXPECTED_COUNTS", "ExampleMissingError", "example_list", "run_demo"]


def run_demo(language: Language) -> bool:
    """Run the demo on the sandbox; True if every promise was kept."""
    return anyio.run(_run, language)


async def _run(language: Language) -> bool:
    with tempfile.TemporaryDirectory(prefix="beel-mcp-demo-") as folder:
        server = _server(folder, language)
        async with Client(server, read_timeout_seconds=60) as client:
            demo = Demo(client, language)
            await import_list(demo)
            await delete_without_forms(demo)
            await delete_a_draft(demo)
            await download_the_quarter(demo)
        # An app is one that shows forms from its first message on, or it is not.
        person = Person(demo)
        async with Client(
            server, read_timeout_seconds=60, elicitation_callback=person.answer
        ) as demo.client:
            await deactivate_with_a_form(demo, person)
    print()
    if demo.failures:
        demo.say(en="The demo failed.", es="La demostración ha fallado.")
    else:
        demo.say(en="The demo ended without errors.", es="Demostración terminada sin errores.")
    return not demo.failures


def _server(folder: str, language: Language) -> StdioServerParameters:
    return StdioServerParameters(
        command=sys.executable,
        args=["-m", "beel_mcp", "--sandbox"],
        env={
            "BEEL_FILES_DIR": folder,
            "BEEL_STATE_DIR": folder,
            "BEEL_IMPORT_DIRS": str(example_list().parent),
            "BEEL_LANGUAGE": language,
        },
    )
