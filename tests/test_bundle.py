"""The bundle (.mcpb) and the registry's entry: what an app asks a person, and what it starts."""

import hashlib
import json
import struct
import sys
import tomllib
import zipfile
from pathlib import Path
from typing import Any, get_args
from xml.etree import ElementTree as ET

import pytest
from mcp import StdioServerParameters

from beel_mcp import __version__
from beel_mcp.language import Language
from beel_mcp.settings import VARIABLES, Confirm, Settings
from beel_mcp.tools import TOOLS
from tests.conftest import TEST_KEY, Connect
from tests.support.bundles import (
    ROOT,
    SCRIPTS,
    Unpacked,
    asked,
    built,
    check_served,
    script,
    small_environment,
)

ICON = ROOT / "beel_mcp" / "data" / "icon.svg"


@pytest.fixture(scope="module")
def manifest() -> dict[str, Any]:
    return script("build").manifest()


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return built(tmp_path_factory.mktemp("dist"))


def settings(manifest: dict[str, Any], **answers: bool | str) -> Settings:
    return Settings.from_env(asked(manifest, "/bundle", **answers)["env"])


def test_whoever_answers_nothing_tries_it_on_the_sandbox_in_spanish(
    manifest: dict[str, Any],
) -> None:
    found = settings(manifest)
    usual = Settings.from_env({"BEEL_SANDBOX": "1", "BEEL_LANGUAGE": "es"})
    assert found == usual
    assert found.environment == "sandbox"


def test_an_empty_field_is_one_that_was_not_answered(manifest: dict[str, Any]) -> None:
    empty = {name: "" for name, field in manifest["user_config"].items() if "default" not in field}
    assert settings(manifest, **empty) == settings(manifest)


def test_every_answer_arrives_where_it_is_meant(manifest: dict[str, Any], tmp_path: Path) -> None:
    answers: dict[str, bool | str] = {
        "sandbox": False,
        "key": TEST_KEY,
        "company": "b-12345674",
        "lists_folder": str(tmp_path / "listas"),
        "results_folder": str(tmp_path / "resultados"),
        "language": "EN",
        "read_only": True,
        "confirm": "Ask",
        "confirm_creates": True,
    }
    assert answers.keys() == manifest["user_config"].keys()
    found = settings(manifest, **answers)
    assert found.environment == "test"
    assert found.company_id == "B12345674"
    assert found.import_dirs == (tmp_path / "listas",)
    assert found.files_dir == tmp_path / "resultados"
    assert (found.language, found.confirm) == ("en", "ask")
    assert found.read_only
    assert found.confirm_creates
    assert found.warnings == ()


def test_a_key_is_not_used_until_the_person_leaves_the_sandbox(manifest: dict[str, Any]) -> None:
    assert settings(manifest, key=TEST_KEY).environment == "sandbox"


def test_the_command_names_only_settings_that_exist_and_fields_that_are_asked(
    manifest: dict[str, Any],
) -> None:
    env = manifest["server"]["mcp_config"]["env"]
    ours = {name: value for name, value in env.items() if name.startswith("BEEL_")}
    assert ours.keys() <= set(VARIABLES)
    assert sorted(ours.values()) == sorted(f"${{user_config.{n}}}" for n in manifest["user_config"])


def test_the_key_is_kept_as_a_secret_and_no_default_waits_to_be_filled_in(
    manifest: dict[str, Any],
) -> None:
    """Some app leaves `${HOME}` as it stands in a default: it would be no folder."""
    fields = manifest["user_config"]
    assert [name for name, field in fields.items() if field.get("sensitive")] == ["key"]
    assert not [name for name, field in fields.items() if "$" in str(field.get("default", ""))]
    assert not [name for name, field in fields.items() if field.get("required")]


def test_the_choices_are_those_that_the_settings_know() -> None:
    choices = script("build").CHOICES
    assert choices == {
        "BEEL_LANGUAGE": list(get_args(Language)),
        "BEEL_CONFIRM": list(get_args(Confirm)),
    }


def test_every_field_and_tool_is_told_in_both_languages(manifest: dict[str, Any]) -> None:
    spanish = script("build").translation()
    english = json.loads((SCRIPTS / "manifest.json").read_text(encoding="utf-8"))["user_config"]
    assert spanish["user_config"].keys() == english.keys()
    for name, field in manifest["user_config"].items():
        for part in ("title", "description"):
            assert english[name][part] in field[part]
            assert spanish["user_config"][name][part] in field[part]
    served = [tool.name for tool in TOOLS]
    for told in (manifest["tools"], spanish["tools"]):
        assert [tool["name"] for tool in told] == served
    assert not {tool["description"] for tool in spanish["tools"]} & {
        tool["description"] for tool in manifest["tools"]
    }


def test_the_package_the_manifest_and_the_registry_have_one_version(
    manifest: dict[str, Any],
) -> None:
    entry = script("build").server_json("beel-mcp.mcpb", "0" * 64)
    versions = [manifest["version"], entry["version"]]
    versions += [package["version"] for package in entry["packages"]]
    assert versions == [__version__] * 4


def test_the_registry_finds_its_mark_in_each_readme_and_one_owner_everywhere() -> None:
    entry = script("build").server_json("beel-mcp.mcpb", "0" * 64)
    for readme in ("README.md", "README.es.md"):
        text = (ROOT / readme).read_text(encoding="utf-8")
        assert text.count(f"mcp-name: {entry['name']} ") == 1
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    owner = entry["name"].removeprefix("io.github.").partition("/")[0]
    assert all(
        url.startswith(f"https://github.com/{owner}/beel-mcp") for url in project["urls"].values()
    )


# What the registry's schema of 2025-12-11 asks of an entry such as ours, in our own words.
_TEXT = {"type": "string", "minLength": 1}
_LINK = {"type": "string", "pattern": "^https://[^ ]+$", "maxLength": 255}
_INPUT = {
    "type": "object",
    "required": ["name", "description"],
    "additionalProperties": False,
    "properties": {
        "name": {"enum": list(VARIABLES)},
        "description": _TEXT,
        "default": _TEXT,
        "format": {"enum": ["string", "number", "boolean", "filepath"]},
        "isSecret": {"type": "boolean"},
        "choices": {"type": "array", "items": _TEXT},
    },
}
_PACKAGE = {
    "type": "object",
    "required": ["registryType", "identifier", "version", "transport"],
    "additionalProperties": False,
    "properties": {
        "registryType": {"enum": ["pypi", "mcpb"]},
        "identifier": _TEXT,
        "version": {"type": "string", "pattern": r"^\d+\.\d+\.\d+$"},
        "fileSha256": {"type": "string", "pattern": "^[a-f0-9]{64}$"},
        "runtimeHint": {"const": "uvx"},
        "transport": {"const": {"type": "stdio"}},
        "environmentVariables": {"type": "array", "items": _INPUT},
    },
    # A file that is fetched is told by its hash, and lies where a release keeps its files.
    "if": {"properties": {"registryType": {"const": "mcpb"}}},
    "then": {
        "required": ["fileSha256"],
        "properties": {
            "identifier": {"pattern": r"^https://github\.com/.+/releases/download/.+\.mcpb$"}
        },
    },
}
ENTRY = {
    "type": "object",
    "required": ["$schema", "name", "title", "description", "version", "repository", "packages"],
    "additionalProperties": False,
    "properties": {
        "$schema": {"type": "string", "pattern": r"/2025-12-11/server\.schema\.json$"},
        "name": {
            "type": "string",
            "pattern": "^io\\.github\\.[a-zA-Z0-9-]+/[a-zA-Z0-9._-]+$",
            "minLength": 3,
            "maxLength": 200,
        },
        "title": _TEXT | {"maxLength": 100},
        "description": _TEXT | {"maxLength": 100},
        "version": {"type": "string", "maxLength": 255},
        "repository": {
            "type": "object",
            "required": ["url", "source"],
            "properties": {"url": _LINK, "source": {"const": "github"}},
        },
        "packages": {"type": "array", "items": _PACKAGE},
    },
}


def test_the_entry_is_what_the_registry_takes() -> None:
    import jsonschema

    entry = script("build").server_json("beel-mcp-1.2.3.mcpb", "0" * 64)
    jsonschema.validate(entry, ENTRY)
    package, released = entry["packages"]
    assert (package["registryType"], released["registryType"]) == ("pypi", "mcpb")
    secrets = [one["name"] for one in package["environmentVariables"] if one.get("isSecret")]
    assert secrets == ["BEEL_API_KEY"]


def test_the_bundle_asks_for_what_runs_and_not_for_what_tests() -> None:
    cut = tomllib.loads(script("build").bundled_pyproject())
    whole = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    del whole["project"]["optional-dependencies"]
    assert cut["project"] == whole["project"]
    assert cut["build-system"] == whole["build-system"]
    assert cut["tool"] == {
        "hatch": {
            "build": {"targets": {"wheel": whole["tool"]["hatch"]["build"]["targets"]["wheel"]}}
        }
    }


def test_what_python_leaves_beside_the_sources_stays_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "beel_mcp" / "__pycache__").mkdir(parents=True)
    (tmp_path / "beel_mcp" / "cleaning.py").touch()
    (tmp_path / "beel_mcp" / "__pycache__" / "cleaning.pyc").touch()
    build = script("build")
    monkeypatch.setattr(build, "ROOT", tmp_path)
    assert {name for name in build.sources() if name.startswith("beel_mcp")} == {
        "beel_mcp/cleaning.py"
    }


def test_the_icon_is_small_and_can_do_nothing() -> None:
    assert ICON.stat().st_size <= 2_000
    names = {node.tag.rpartition("}")[2] for node in ET.parse(ICON).iter()}
    assert names <= {"svg", "polygon", "polyline"}
    assert "href" not in ICON.read_text(encoding="utf-8")


@pytest.mark.anyio
async def test_the_server_carries_its_icon_and_tools_and_their_answers_none(
    connect: Connect,
) -> None:
    async with connect() as client:
        [icon] = client.server_info.icons or []
        tools = (await client.list_tools()).tools
        answer = await client.call_tool("get_status", {})
    assert icon.src.startswith("data:image/svg+xml;base64,")
    assert len(icon.src) < 800
    assert not [tool.name for tool in tools if tool.icons]
    assert "image/svg" not in answer.model_dump_json()


@pytest.mark.slow
def test_the_picture_is_the_drawing_on_a_transparent_ground() -> None:
    from zlib import decompress

    content = script("icon").png(64)
    assert struct.unpack(">II", content[16:24]) == (64, 64)
    length = struct.unpack(">I", content[33:37])[0]
    rows = decompress(content[41 : 41 + length])

    def pixel(x: int, y: int) -> tuple[int, ...]:
        start = y * (4 * 64 + 1) + 1 + 4 * x
        return tuple(rows[start : start + 4])

    honey, ink = (0xF7, 0xB5, 0x00, 255), (0x3A, 0x2A, 0x00, 255)
    assert pixel(0, 0)[3] == pixel(63, 63)[3] == 0
    assert pixel(32, 10) == honey  # between the edge and the first line
    assert pixel(32, 20) == pixel(25, 30) == pixel(32, 47) == ink
    assert pixel(40, 30) == honey  # right of the short line


@pytest.mark.slow
def test_the_same_tree_gives_the_same_bytes_and_the_registry_their_hash(
    bundle: Path, tmp_path: Path
) -> None:
    again = built(tmp_path)
    assert again.read_bytes() == bundle.read_bytes()
    entry = json.loads((tmp_path / "server.json").read_text(encoding="utf-8"))
    hashes = [one["fileSha256"] for one in entry["packages"] if "fileSha256" in one]
    assert hashes == [hashlib.sha256(bundle.read_bytes()).hexdigest()]


@pytest.mark.slow
def test_the_bundle_holds_sources_and_nothing_of_this_machine(bundle: Path) -> None:
    with zipfile.ZipFile(bundle) as files:
        names, icon = files.namelist(), files.read("icon.png")
    tops = {name.partition("/")[0] for name in names}
    assert tops == {
        *("manifest.json", "mcpb-resources", "icon.png", "pyproject.toml"),
        *("README.md", "LICENSE", "beel_mcp", "prompts", "examples"),
    }
    assert {"mcpb-resources/es.json", "mcpb-resources/es-ES.json"} <= set(names)
    assert len(icon) <= 20_000
    assert struct.unpack(">II", icon[16:24]) == (512, 512)


@pytest.mark.slow
@pytest.mark.anyio
@pytest.mark.parametrize("how", ["command", "entry point"])
async def test_an_unpacked_bundle_starts_and_serves_the_tools_of_the_snapshots(
    bundle: Path, tmp_path: Path, how: str
) -> None:
    """Start it with this Python in uv's place; tests/interop has uv itself."""
    unpacked = Unpacked.of(bundle, tmp_path / "bundle")
    config = asked(unpacked.manifest, str(unpacked.folder))
    runner = ["run", "--directory", str(unpacked.folder), "python"]
    assert [config["command"], *config["args"][:4]] == ["uv", *runner]
    entry_point = unpacked.manifest["server"]["entry_point"]
    arguments = config["args"][4:] if how == "command" else [entry_point]
    parameters = StdioServerParameters(
        command=sys.executable,
        args=arguments,
        cwd=unpacked.folder,
        env={
            **small_environment(tmp_path),
            **config["env"],
            "PYTHONPATH": str(unpacked.folder),  # uv installs the sources where they lie
        },
    )
    await check_served(parameters)
