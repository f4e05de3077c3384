"""Hosts that forward only the text, or only the structure, of an answer: both finish the job."""

import csv
import io
import json
import re
import zipfile
from abc import ABC, abstractmethod
from pathlib import Path
from typing import Any

import pytest
from mcp import Client
from mcp.types import CallToolResult
from starlette.applications import Starlette

from beel_mcp.sandbox import SandboxOptions, create_app
from tests.conftest import Connect
from tests.support.customers import customer

pytestmark = [pytest.mark.anyio, pytest.mark.slow]

Step = tuple[str, dict[str, Any]]
# More than a page of check_operation; two rows cannot be created.
ROWS = [customer(number) for number in range(45)]
ROWS[3] = customer(3, legal_name="")
ROWS[4] = customer(4, nif="12345678A")
WORLDS = [("current", "auto"), ("current", "flat"), ("legacy", "auto")]


class Host(ABC):
    """Calls tools, and keeps nothing of an answer but the half that it forwards."""

    def __init__(self, client: Client) -> None:
        self._client = client

    async def call(self, tool: str, arguments: dict[str, Any]) -> None:
        """Call; what was read before is gone."""
        self.read(await self._client.call_tool(tool, arguments))

    @abstractmethod
    def read(self, result: CallToolResult) -> None:
        """Take one half in."""

    @abstractmethod
    def next(self) -> Step | None:
        """Give the call that the answer names, if it names one."""

    @abstractmethod
    def plan(self) -> Step:
        """Give the call that confirms the plan of the answer."""

    @abstractmethod
    def created_ids(self) -> list[str]:
        """Give the ids of the customers that an operation's page says were created."""

    @abstractmethod
    def numbers(self, *names: str) -> tuple[int, ...]:
        """Give counts of the answer."""

    @abstractmethod
    def path(self) -> str:
        """Give the file that was saved."""


class TextHost(Host):
    """Forwards text blocks. Links, structure and the error flag are lost."""

    text = ""

    def read(self, result: CallToolResult) -> None:
        self.text = "\n".join(block.text for block in result.content if block.type == "text")

    def next(self) -> Step | None:
        found = re.search(r"^Next: (\w+) (\{.*\}) - ", self.text, re.MULTILINE)
        return (found[1], json.loads(found[2])) if found else None

    def plan(self) -> Step:
        plan_id = self.found(r"^Next: confirm_plan with plan_id (\S+) ")
        return "confirm_plan", {"plan_id": plan_id, "statement": self.found("^Statement: (.+)$")}

    def created_ids(self) -> list[str]:
        return re.findall(r'^row \d+ ".*": created (\S+)$', self.text, re.MULTILINE)

    def numbers(self, *names: str) -> tuple[int, ...]:
        return tuple(int(self.found(rf"\b(\d+) {name}\b")) for name in names)

    def path(self) -> str:
        return self.found(r"^File: (.+) \(\d+ bytes\)")

    def found(self, pattern: str) -> str:
        found = re.search(pattern, self.text, re.MULTILINE)
        assert found, f"no {pattern} in: {self.text}"
        return found[1]


class StructureHost(Host):
    """Forwards structuredContent. Every block of text is lost."""

    structure: dict[str, Any]

    def read(self, result: CallToolResult) -> None:
        self.structure = result.structured_content or {}

    def next(self) -> Step | None:
        for step in self.structure.get("next", ()):
            return step["tool"], step["arguments"]
        return None

    def plan(self) -> Step:
        step = self.next()
        assert step
        # A host that shows the person what it confirms finds the sentence on its own as well.
        assert step[1]["statement"] == self.structure["statement"]
        return step

    def created_ids(self) -> list[str]:
        rows = self.structure["rows"]
        return [row["customer_id"] for row in rows if row["outcome"] == "created"]

    def numbers(self, *names: str) -> tuple[int, ...]:
        return tuple(self.structure["counts"][name] for name in names)

    def path(self) -> str:
        return str(self.structure["path"])


async def follow(host: Host, tool: str) -> None:
    """Make the call that the answer names, which must be this one."""
    step = host.next()
    assert step
    assert step[0] == tool
    await host.call(*step)


def customers(app: Starlette) -> list[str]:
    """Give the ids of the list's customers that are active in BeeL."""
    where = "nif LIKE '2000%' AND active = 1 AND deleted_at IS NULL"
    return [row["id"] for row in app.state.store.rows(f"SELECT id FROM customers WHERE {where}")]


@pytest.mark.parametrize(("generation", "routes"), WORLDS)
@pytest.mark.parametrize("kind", [TextHost, StructureHost])
@pytest.mark.parametrize("output_schema", [True, False], ids=["schemas", "no schemas"])
async def test_either_half_of_the_answers_is_enough_for_the_main_job(
    connect: Connect, kind: type[Host], generation: Any, routes: str, *, output_schema: bool
) -> None:
    app = create_app(SandboxOptions(generation=generation))
    async with connect(app, routes=routes, output_schema=output_schema) as client:
        host = kind(client)
        await host.call("validate_customers", {"customers": ROWS})
        await follow(host, "create_customers")
        assert host.numbers("created", "skipped") == (43, 2)
        assert len(customers(app)) == 43
        ids: list[str] = []
        while host.next():  # every page of what was created
            await follow(host, "check_operation")
            ids += host.created_ids()
        assert sorted(ids) == sorted(customers(app))
        await host.call("deactivate_customers", {"customer_ids": ids})
        assert len(customers(app)) == 43
        await host.call(*host.plan())
        assert host.numbers("deleted") == (43,)
        assert customers(app) == []
        await download(host)


async def download(host: Host) -> None:
    """Collect the quarter, and find in the file what the answer said of it."""
    await host.call("download_invoices_zip", {"quarter": "2026-Q3"})
    while (step := host.next()) and step[0] == "download_invoices_zip":
        await host.call(*step)
    with zipfile.ZipFile(host.path()) as package:
        pdfs = [name for name in package.namelist() if name.endswith(".pdf")]
        manifest = package.read("manifest.csv").decode("utf-8-sig")
    assert Path(host.path()).is_absolute()
    assert len(pdfs) == 6
    assert len(list(csv.reader(io.StringIO(manifest)))) == 1 + 7
