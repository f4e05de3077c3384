"""The bundle as an app meets it: built, unpacked, and its settings filled into its command."""

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType
from typing import Any
from zipfile import ZipFile

from mcp import Client, StdioServerParameters

from beel_mcp.messages import words_of

ROOT = Path(__file__).parent.parent.parent
SCRIPTS = ROOT / ".ci" / "packaging"
SNAPSHOTS = ROOT / "tests" / "snapshots" / "tools"


def script(name: str) -> ModuleType:
    """Load a script of .ci/packaging, which finds its neighbours as it does when it is run."""
    spec = spec_from_file_location(f"packaging_{name}", SCRIPTS / f"{name}.py")
    assert spec
    assert spec.loader
    loaded = module_from_spec(spec)
    sys.path.insert(0, str(SCRIPTS))
    try:
        spec.loader.exec_module(loaded)
    finally:
        sys.path.remove(str(SCRIPTS))
    return loaded


def built(folder: Path) -> Path:
    """Build everything into a folder, as a release does, and give the bundle."""
    done = subprocess.run(
        [sys.executable, str(SCRIPTS / "build.py"), str(folder)],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    [bundle] = folder.glob("*.mcpb")
    return bundle


@dataclass(frozen=True)
class Unpacked:
    """An unpacked bundle."""

    folder: Path
    manifest: dict[str, Any]

    @classmethod
    def of(cls, bundle: Path, folder: Path) -> "Unpacked":
        with ZipFile(bundle) as files:
            files.extractall(folder)
        manifest = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
        return cls(folder, manifest)


def asked(manifest: dict[str, Any], folder: str, **answers: bool | str) -> dict[str, Any]:
    """Fill a person's answers into the command, as an app does.

    Defaults first, then answers; "true" and "false" for a check box; what has neither stays as it
    stands, and a name inside of a value is not looked at again.
    """
    fields = manifest["user_config"]
    values = {name: field["default"] for name, field in fields.items() if "default" in field}
    values |= answers
    named = {"${__dirname}": folder}
    for name, value in values.items():
        text = {True: "true", False: "false"}.get(value, value) if value in (True, False) else value
        named[f"${{user_config.{name}}}"] = str(text)
    config = manifest["server"]["mcp_config"]
    return {
        "command": config["command"],
        "args": [named.get(word, word) for word in config["args"]],
        "env": {name: named.get(value, value) for name, value in config["env"].items()},
    }


async def check_served(parameters: StdioServerParameters) -> None:
    """Start a bundle's server; it serves the tools of the snapshots, on the sandbox in Spanish."""
    async with Client(parameters, read_timeout_seconds=60) as client:
        tools = (await client.list_tools()).tools
        status = await client.call_tool("get_status", {})
        prompts = (await client.list_prompts()).prompts
    served = {
        tool.name: tool.model_dump(mode="json", by_alias=True, exclude_none=True) for tool in tools
    }
    titles = words_of("tool_titles")
    assert served == {
        file.stem: json.loads(file.read_text(encoding="utf-8")) | {"title": titles[file.stem]["es"]}
        for file in SNAPSHOTS.glob("*.json")
    }
    assert prompts
    assert (status.structured_content or {})["environment"] == "sandbox"
    assert (status.structured_content or {})["language"] == "es"


def small_environment(home: Path) -> dict[str, str]:
    """Give what an app's own process has, and nothing of ours."""
    kept = {
        name: os.environ[name] for name in ("PATH", "SYSTEMROOT", "TMPDIR") if name in os.environ
    }
    return {**kept, "HOME": str(home), "USERPROFILE": str(home)}
