"""Builds what apps and registries take: the bundle (.mcpb), its folder, and server.json.

`python .ci/packaging/build.py dist` needs nothing but Python. The same tree gives the same bytes.
"""

import hashlib
import json
import re
import sys
import tomllib
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from icon import png

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
LOCALES = ("es", "es-ES")  # an app may look for the one or the other
ICON_SIZE = 512
# What makes an environment of the sources; what tests and linters need would be resolved, too.
SECTIONS = ("build-system", "project", "project.scripts", "project.urls")
SECTIONS += ("tool.hatch.build.targets.wheel", "tool.hatch.build.targets.wheel.force-include")
SCHEMA = "https://static.modelcontextprotocol.io/schemas/2025-12-11/server.schema.json"
CHOICES = {"BEEL_LANGUAGE": ["es", "en"], "BEEL_CONFIRM": ["auto", "ask", "plan", "page"]}
FORMATS = {"boolean": "boolean", "directory": "filepath"}


def read(path: str) -> str:
    """Read a file of the tree."""
    return (ROOT / path).read_text(encoding="utf-8")


def project() -> dict[str, Any]:
    """Give the project's metadata, from pyproject.toml."""
    found: dict[str, Any] = tomllib.loads(read("pyproject.toml"))["project"]
    return found


def tools(readme: str) -> list[dict[str, str]]:
    """Give the tools with their sentence, from the table that a test holds against the server."""
    table = read(readme).partition("<!-- tools")[2].partition("<!-- /tools -->")[0]
    rows = re.findall(r"^\| `(\w+)` \|[^|]*\| (.*) \|$", table, re.MULTILINE)
    return [{"name": name, "description": sentence} for name, sentence in rows]


def manifest() -> dict[str, Any]:
    """Give the manifest: what stands in its file, and what the project says elsewhere.

    The specification translates descriptions and tools, and says nothing of settings: those stand
    in both languages, so that nobody meets a form that they cannot read.
    """
    about, spanish = project(), translation()
    made: dict[str, Any] = json.loads((HERE / "manifest.json").read_text(encoding="utf-8"))
    for name, field in made["user_config"].items():
        field["title"] += f" · {spanish['user_config'][name]['title']}"
        field["description"] += f" — {spanish['user_config'][name]['description']}"
    urls = about["urls"]
    return made | {
        "version": about["version"],
        "description": about["description"],
        "license": about["license"],
        "keywords": about["keywords"],
        "repository": {"type": "git", "url": urls["Repository"]},
        "documentation": urls["Documentation"],
        "support": urls["Issues"],
        "tools": tools("README.md"),
    }


def translation() -> dict[str, Any]:
    """Give the manifest's Spanish words."""
    words: dict[str, Any] = json.loads((HERE / "manifest.es.json").read_text(encoding="utf-8"))
    return words | {"tools": tools("README.es.md")}


def bundled_pyproject() -> str:
    """Cut pyproject.toml down to what an environment is made of."""
    parts = re.split(r"^(?=\[)", read("pyproject.toml"), flags=re.MULTILINE)
    return "".join(part for part in parts if part[1:].partition("]")[0] in SECTIONS)


def contents() -> dict[str, bytes]:
    """Give every file of the bundle by its name in it: sources, and what describes them."""
    made = {path: (ROOT / path).read_bytes() for path in sources()}
    made["pyproject.toml"] = bundled_pyproject().encode()
    made["manifest.json"] = _json(manifest())
    made["icon.png"] = png(ICON_SIZE)
    made |= {f"mcpb-resources/{locale}.json": _json(translation()) for locale in LOCALES}
    return dict(sorted(made.items()))


def sources() -> Iterator[str]:
    """Name what goes into the bundle as it stands."""
    yield from ("LICENSE", "README.md", "examples/customers.csv")
    for folder in ("beel_mcp", "prompts"):
        for path in (ROOT / folder).rglob("*"):
            if path.is_file() and "__pycache__" not in path.parts:
                yield path.relative_to(ROOT).as_posix()


def _json(value: object) -> bytes:
    return (json.dumps(value, ensure_ascii=False, indent=2) + "\n").encode()


def write_bundle(files: dict[str, bytes], path: Path) -> None:
    """Pack the files, with one date and one mode for all."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as bundle:
        for name, content in files.items():
            entry = zipfile.ZipInfo(name)  # of 1980, as old as a ZIP can be
            entry.external_attr = 0o100644 << 16
            entry.create_system = 3  # Unix, on Windows too
            entry.compress_type = zipfile.ZIP_DEFLATED
            bundle.writestr(entry, content, compresslevel=9)


def write_folder(files: dict[str, bytes], folder: Path) -> None:
    """Lay the files out as an app unpacks them."""
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)


def server_json(bundle: str, sha256: str) -> dict[str, Any]:
    """Give the entry of the MCP registry: the package on PyPI, and the bundle of the release."""
    about, described = project(), manifest()
    repository = about["urls"]["Repository"]
    owner = repository.split("/")[-2]
    name, version = about["name"], about["version"]
    stdio = {"type": "stdio"}
    package = {
        "registryType": "pypi",
        "identifier": name,
        "version": version,
        "runtimeHint": "uvx",
        "transport": stdio,
        "environmentVariables": list(_variables()),
    }
    released = {
        "registryType": "mcpb",
        "identifier": f"{repository}/releases/download/v{version}/{bundle}",
        "version": version,
        "fileSha256": sha256,
        "transport": stdio,
    }
    return {
        "$schema": SCHEMA,
        "name": f"io.github.{owner}/{name}",
        "title": described["display_name"],
        "description": about["description"],
        "version": version,
        "repository": {"url": repository, "source": "github"},
        "packages": [package, released],
    }


def _variables() -> Iterator[dict[str, Any]]:
    """Describe the variables as the bundle's form does, in English."""
    made = json.loads((HERE / "manifest.json").read_text(encoding="utf-8"))
    for variable, value in made["server"]["mcp_config"]["env"].items():
        if not variable.startswith("BEEL_"):
            continue
        field = made["user_config"][value.removeprefix("${user_config.").removesuffix("}")]
        told = {"name": variable, "description": f"{field['title']}. {field['description']}"}
        if "default" in field and field["default"] is not False:
            told["default"] = json.dumps(field["default"]).strip('"')
        yield told | {
            **({"format": FORMATS[field["type"]]} if field["type"] in FORMATS else {}),
            **({"isSecret": True} if field.get("sensitive") else {}),
            **({"choices": CHOICES[variable]} if variable in CHOICES else {}),
        }


def main(folder: Path) -> None:
    """Write all of it into a folder, and say what."""
    files, about = contents(), project()
    folder.mkdir(parents=True, exist_ok=True)
    bundle = folder / f"{about['name']}-{about['version']}.mcpb"
    write_bundle(files, bundle)
    write_folder(files, folder / "bundle")
    content = bundle.read_bytes()
    entry = server_json(bundle.name, hashlib.sha256(content).hexdigest())
    (folder / "server.json").write_bytes(_json(entry))
    print(f"{bundle}: {len(files)} files, {len(content):,} bytes")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
