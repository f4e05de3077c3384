"""The bundle through the tools of its own specification, and started by uv as apps start it."""

import json
import zipfile
from pathlib import Path
from typing import Any

import pytest
from mcp import StdioServerParameters

from tests.interop.conftest import Node
from tests.support.bundles import Unpacked, asked, built, check_served, small_environment
from tests.support.clients.installs import UnavailableError, obey
from tests.support.clients.venvs import UV, indexes_for_uv, installed_python

pytestmark = pytest.mark.interop
# The code by which an app fills a person's answers into a bundle's command.
FILLING = """
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { pathToFileURL } from "node:url";
const [clients, folder, answers] = process.argv.slice(1);
const found = createRequire(clients + "/").resolve("@anthropic-ai/mcpb");
const { getMcpConfigForManifest } = await import(pathToFileURL(found));
const manifest = JSON.parse(readFileSync(folder + "/manifest.json", "utf-8"));
const userConfig = JSON.parse(answers);
const systemDirs = { HOME: "/home/ana", DOCUMENTS: "/home/ana/Documents" };
const options = { manifest, extensionPath: folder, systemDirs, userConfig, pathSeparator: "/" };
console.log(JSON.stringify(await getMcpConfigForManifest(options)));
"""


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return built(tmp_path_factory.mktemp("dist"))


def filled_in(node: Node, folder: Path, **answers: bool | str) -> dict[str, Any]:
    words = ["--input-type=module", "-e", FILLING, str(node.clients), str(folder)]
    done = node.run_node(*words, json.dumps(answers))
    assert done.code == 0, done.err
    return done.json()


def test_the_official_tool_finds_nothing_to_remark_and_packs_the_same(
    node: Node, bundle: Path
) -> None:
    folder, packed = bundle.parent / "bundle", node.home / "official.mcpb"
    valid = node.run("mcpb", "validate", str(folder / "manifest.json"))
    assert (valid.code, valid.err) == (0, "")
    assert "ERROR" not in valid.out
    made = node.run("mcpb", "pack", str(folder), str(packed))
    assert made.code == 0, made.err
    with zipfile.ZipFile(bundle) as ours, zipfile.ZipFile(packed) as theirs:
        assert {name: ours.read(name) for name in ours.namelist()} == {
            name: theirs.read(name) for name in theirs.namelist()
        }


def test_an_app_fills_answers_in_as_our_tests_do(node: Node, bundle: Path) -> None:
    folder = bundle.parent / "bundle"
    manifest = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
    answered = {"sandbox": False, "company": "B12345674", "lists_folder": "/home/ana/Listas"}
    for answers in ({}, answered):
        assert filled_in(node, folder, **answers) == asked(manifest, str(folder), **answers)


@pytest.mark.anyio
async def test_uv_starts_an_unpacked_bundle_that_serves_the_tools_of_the_snapshots(
    node: Node, bundle: Path, tmp_path: Path
) -> None:
    """No file of pip is read by uv: this machine's index is carried over by its variables."""
    unpacked = Unpacked.of(bundle, tmp_path / "bundle")
    config = filled_in(node, unpacked.folder)
    env = small_environment(tmp_path) | indexes_for_uv() | config["env"]
    try:
        uv = installed_python(UV).with_name(config["command"])
        # What the start would do by itself, for a reason that can be told.
        obey([str(uv), "sync"], unpacked.folder, "uv sync", env)
    except UnavailableError as error:
        pytest.skip(f"UV DID NOT START THE BUNDLE, only this Python in its place did: {error}")
    parameters = StdioServerParameters(command=str(uv), args=config["args"], env=env)
    await check_served(parameters)
