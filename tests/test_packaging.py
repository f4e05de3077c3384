"""What is shipped: prompts, the example list and types in the wheel; tests only in the sdist."""

import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent


def build(target: str, folder: Path) -> Path:
    """Build with the backend itself: no network, no environment of its own."""
    pytest.importorskip("hatchling", reason="hatchling is not installed: nothing can be built")
    done = subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-t", target, "-d", str(folder)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    [built] = folder.iterdir()
    return built


def names(folder: Path, pattern: str = "*") -> set[str]:
    return {path.name for path in folder.glob(pattern) if path.is_file()}


def test_the_wheel_holds_what_runs_and_nothing_else(tmp_path: Path) -> None:
    with zipfile.ZipFile(build("wheel", tmp_path)) as wheel:
        shipped = set(wheel.namelist())
        prompt = wheel.read("beel_mcp/_prompts/import-customers.es.md")
        metadata = next(name for name in shipped if name.endswith(".dist-info/METADATA"))
        text = wheel.read(metadata).decode()
    in_tree = {
        str(path.relative_to(ROOT))
        for path in (ROOT / "beel_mcp").rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    ours = {name for name in shipped if ".dist-info/" not in name}
    extra = ours - in_tree
    assert in_tree <= ours
    assert {name for name in extra if name.startswith("beel_mcp/_examples/")} == {
        "beel_mcp/_examples/customers.csv"
    }
    prompts = {name.rsplit("/", 1)[1] for name in extra if name.startswith("beel_mcp/_prompts/")}
    assert prompts == names(ROOT / "prompts")
    assert all(name.startswith(("beel_mcp/_prompts/", "beel_mcp/_examples/")) for name in extra)
    tables = {"beel_mcp/sandbox/schema.sql", "beel_mcp/sandbox/seed.toml"}
    assert {"beel_mcp/py.typed"} | tables <= ours
    assert prompt == (ROOT / "prompts" / "import-customers.es.md").read_bytes()
    assert "License-Expression: MIT" in text
    assert "Requires-Python: >=3.11" in text


def test_the_sdist_holds_what_a_developer_needs(tmp_path: Path) -> None:
    with tarfile.open(build("sdist", tmp_path)) as sdist:
        shipped = {name.split("/", 1)[1] for name in sdist.getnames() if "/" in name}
    for folder in ("prompts", "examples", "tests"):
        wanted = {
            str(path.relative_to(ROOT))
            for path in (ROOT / folder).rglob("*")
            if path.is_file() and path.suffix in {".py", ".md", ".csv", ".json"}
        }
        assert wanted
        assert wanted <= shipped
    assert {"README.md", "LICENSE", "CHANGELOG.md", "pyproject.toml"} <= shipped
    assert {"ARCHITECTURE.md", ".github/CONTRIBUTING.md", ".pre-commit-config.yaml"} <= shipped
    assert any(name.startswith("docs/decisions/") for name in shipped)
    assert not [name for name in shipped if "__pycache__" in name or name.endswith(".pyc")]


@pytest.mark.slow
def test_an_installed_wheel_finds_its_prompts_and_its_list(tmp_path: Path) -> None:
    site = tmp_path / "site"
    (tmp_path / "dist").mkdir()
    with zipfile.ZipFile(build("wheel", tmp_path / "dist")) as wheel:
        wheel.extractall(site)
    snippet = (
        "import sys\n"
        f"sys.path.insert(0, {str(site)!r})\n"
        "from beel_mcp.cli.demo import example_list\n"
        "from beel_mcp.server.prompts import read_prompts\n"
        "print(example_list())\n"
        "print([prompt.name for prompt in read_prompts('es')])\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", snippet],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    found, prompts = done.stdout.splitlines()
    assert found == str(site / "beel_mcp" / "_examples" / "customers.csv")
    assert "import-customers" in prompts


def test_no_lock_file_is_kept() -> None:
    assert not {"uv.lock", "poetry.lock", "package-lock.json", "Pipfile.lock"} & names(ROOT)
