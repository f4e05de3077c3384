"""The house: which way imports point, how large a room may be, which words name nothing."""

import ast
import re
from collections import Counter
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PACKAGE = ROOT / "beel_mcp"
FILES = sorted(PACKAGE.rglob("*.py"))

# A room may import the rooms named here, and itself.
LEAVES = {"errors", "redaction", "cleaning", "settings", "language", "identity"}
LEAVES |= {"messages", "spelling", "countries"}
ARROWS: dict[str, set[str]] = {
    "errors": set(),
    "identity": set(),
    "cleaning": set(),
    "redaction": set(),
    "settings": {"language"},
    "language": set(),
    "messages": {"language"},
    "countries": {"cleaning", "messages"},
    "spelling": {"cleaning", "identity", "messages", "countries"},
    "sandbox": set(),
    "api": LEAVES,
    "lists": {"memory", *LEAVES},
    "files": LEAVES,
    "memory": {"files", *LEAVES},
    "door": LEAVES,
    "writes": set(),
    "writes.journal": {"api", *LEAVES},
    "writes.consent": {"writes.journal", "api", *LEAVES},
    "writes.kinds": {"writes.consent", "writes.journal", "api", *LEAVES},
    "writes.run": {"writes.kinds", "writes.consent", "writes.journal", "api", *LEAVES},
    "answers": {
        *("writes.run", "writes.kinds", "writes.consent", "writes.journal"),
        *("lists", *LEAVES),
    },
    "context": {"writes.consent", "writes.journal", "door", "memory", "api", "lists", *LEAVES},
    "usecases": {
        *("writes.run", "writes.kinds", "writes.consent", "writes.journal"),
        *("answers", "context", "door", "memory", "lists", "files", "api", *LEAVES),
    },
    "pages": {
        *("writes.run", "writes.kinds", "writes.consent", "writes.journal"),
        *("door", "usecases", "answers", "context", "memory", "lists", "files", *LEAVES),
    },
    "tools": {
        *("writes.run", "writes.consent"),
        *("usecases", "answers", "context", "door", "memory", "lists", "files", "api"),
        *("__init__", *LEAVES),
    },
    "server": {
        *("writes.run", "writes.consent", "writes.journal", "door", "pages"),
        *("tools", "answers", "context", "memory", "lists", "files", "api"),
        *("__init__", *LEAVES),
    },
    "cli": {
        *("server", "tools", "sandbox", "writes.journal", "files", "api", "__init__", *LEAVES),
    },
    "__init__": {"server", "settings"},
    "__main__": {"cli"},
}
# Inside of `lists` imports point to the left, or to a neighbour of the same layer.
LAYERS_OF_LISTS = (
    {"model"},
    {"headers"},
    {"checks"},
    {"batch", "batch_store", "choices", "inline", "edits"},
    {"files"},
    {"export"},
)
# Third parties that belong to some rooms only.
PLACES: dict[str, set[str]] = {
    "httpx": {"api"},
    "httpx2": set(),
    "starlette": {"sandbox", "door", "pages", "server", "cli"},
    "uvicorn": {"cli", "door"},
    "mcp": {"usecases", "tools", "writes.consent", "context", "server", "cli"},
    "stdnum": {"lists", "sandbox"},
    "sqlite3": {"writes.journal", "sandbox"},
    "filelock": {"writes.journal", "files"},
    "python_calamine": {"lists"},
    "olefile": {"lists"},
    # How alike two names are is asked of lists and of searches.
    "rapidfuzz": {"lists", "usecases"},
    "xlsxwriter": {"lists"},
    "jinja2": {"pages"},
    "markupsafe": {"pages"},
    "pydyf": {"sandbox"},
    "segno": {"sandbox"},
}
# Methods of the API that change or remove a record that exists; a new one is added here.
GUARDED_METHODS = ("delete", "delete_bulk", "update_fields", "mail_invoices")
# A POST that adds nothing of ours, and cannot be taken back either.
GUARDED_POSTS = {"mail_invoices"}
# Whoever needs more says in a commit of its own what for.
MOST_LINES = 40_100
FORBIDDEN_NAMES = {"utils", "helpers", "common", "manager", "base", "handler", "service", "data"}


@cache
def tree_of(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


@pytest.fixture(autouse=True, scope="module")
def parsed() -> None:
    """Parse the package once, before the first test and not as a part of it."""
    for path in FILES:
        tree_of(path)


def room(path: Path) -> str:
    return room_of(".".join(path.relative_to(PACKAGE).with_suffix("").parts))


def room_of(module: str) -> str:
    """Name the room of a module without its package: `writes` has rooms of its own."""
    parts = module.split(".")
    if parts[0] == "writes" and (PACKAGE / "writes" / (parts[1] if parts[1:] else "")).is_dir():
        return ".".join(parts[:2])
    return parts[0]


def imported(path: Path) -> Iterator[str]:
    for node in ast.walk(tree_of(path)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level <= 1, f"{path}: an import that leaves its room is written out"
            if node.level == 1:
                continue
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def named(path: Path) -> str:
    return str(path.relative_to(ROOT))


def arrows_up(path: Path) -> Iterator[str]:
    """Name the imports of a file that its room may not have."""
    home = room(path)
    for name in imported(path):
        top, _, rest = name.partition(".")
        if top == "beel_mcp":
            target = room_of(rest)
            if target not in ARROWS:
                target = "__init__"
            if target != home and target not in ARROWS[home]:
                yield f"{named(path)}: {home} imports {target}"
        elif top in PLACES and home not in PLACES[top]:
            yield f"{named(path)}: {home} imports {top}"


def test_imports_point_down() -> None:
    assert [fault for path in FILES for fault in arrows_up(path)] == []


def layer_of_lists(module: str) -> int:
    [layer] = [
        n for n, names in enumerate(LAYERS_OF_LISTS) if module.split(".", maxsplit=1)[0] in names
    ]
    return layer


def test_imports_inside_of_lists_point_down() -> None:
    inside = "beel_mcp.lists."
    for path in (PACKAGE / "lists").rglob("*.py"):
        for name in imported(path):
            if name.startswith(inside):
                home = str(path.relative_to(PACKAGE / "lists").with_suffix("")).replace("/", ".")
                above = layer_of_lists(name.removeprefix(inside)) > layer_of_lists(home)
                assert not above, f"{home} imports {name}"


def calls_of_the_api(tree: ast.AST) -> Iterator[str]:
    """Find what is taken from a `….customers`, `….invoices` or other API, called or not."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and node.attr in GUARDED_METHODS:
            yield node.attr
        elif isinstance(node, ast.Constant) and node.value in GUARDED_METHODS[1:]:
            yield str(node.value)  # a name that could be looked up


def test_only_the_guards_change_or_remove_a_record_that_exists() -> None:
    callers = {
        (room(path), name)
        for path in FILES
        for name in calls_of_the_api(tree_of(path))
        if room(path) != "sandbox"  # the BeeL that answers, and not our way to it
    }
    assert callers == {("writes.kinds", name) for name in GUARDED_METHODS}


def test_every_method_of_the_api_that_changes_or_removes_is_known_to_be_guarded() -> None:
    """Hold the tuple against the operations: a new DELETE, PUT or PATCH needs a line in it."""
    found = set()
    for path in (PACKAGE / "api").glob("*.py"):
        for node in ast.walk(tree_of(path)):
            if isinstance(node, ast.AsyncFunctionDef):
                names = {one.id for one in ast.walk(node) if isinstance(one, ast.Name)}
                if names & changing_operations():
                    found.add(node.name)
    assert found | GUARDED_POSTS == set(GUARDED_METHODS)


def test_nobody_but_the_api_can_spell_a_request_of_its_own() -> None:
    for path in FILES:
        if room(path) != "api":
            assert not any(name.startswith("beel_mcp.api.routes") for name in imported(path)), path


def changing_operations() -> set[str]:
    """Name the operations that BeeL changes or removes something by."""
    from beel_mcp.api import routes

    return {
        name
        for name, one in vars(routes).items()
        if isinstance(one, routes.Endpoint)
        and {"DELETE", "PUT", "PATCH"}
        & {route.method for route in (one.company, one.flat) if route}
    }


def test_every_room_has_its_arrows() -> None:
    assert {room(path) for path in FILES} | {"writes"} == ARROWS.keys()


def test_resources_never_import_sideways() -> None:
    columns = {"customers", "imports", "status", "invoices", "downloads"}
    for path in (PACKAGE / "tools").glob("*.py"):
        if path.stem in columns:
            others = {f"beel_mcp.tools.{column}" for column in columns - {path.stem}}
            assert not any(name.startswith(tuple(others)) for name in imported(path)), path


def sizes_over_the_limit(path: Path) -> Iterator[str]:
    """Name what is no room to live in: a file over 400 lines or under 40, a function over 40."""
    source = path.read_text(encoding="utf-8")
    lines = len(source.splitlines())
    if lines > 400 or (lines < 40 and path.stem not in ("__init__", "__main__")):
        yield f"{named(path)} has {lines} lines"
    for node in ast.walk(tree_of(path)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            length = (node.end_lineno or 0) - node.lineno + 1
            if length > 40:
                yield f"{named(path)}: {node.name} has {length} lines"


def test_files_and_functions_are_small_enough_to_see() -> None:
    assert [fault for path in FILES for fault in sizes_over_the_limit(path)] == []


def test_folders_hold_12_files_at_most() -> None:
    folders = Counter(path.parent for path in FILES if path.stem != "__init__")
    assert {named(folder): count for folder, count in folders.items() if count > 12} == {}


def test_the_package_stays_within_its_lines() -> None:
    lines = sum(len(path.read_text(encoding="utf-8").splitlines()) for path in FILES)
    assert lines <= MOST_LINES


def test_tool_bodies_have_at_most_25_lines() -> None:
    from beel_mcp.tools import TOOLS

    for declaration in TOOLS:
        code = Path(declaration.function.__code__.co_filename)
        for node in ast.walk(ast.parse(code.read_text(encoding="utf-8"))):
            if isinstance(node, ast.AsyncFunctionDef) and node.name == declaration.name:
                first = node.body[1]  # behind the docstring
                assert (node.end_lineno or 0) - first.lineno + 1 <= 25, declaration.name


def test_no_drawer_is_named_after_nothing() -> None:
    for path in FILES:
        assert path.stem not in FORBIDDEN_NAMES, path
    # Tables that are no code may lie in `data`.
    assert not [name for name in FORBIDDEN_NAMES if list(PACKAGE.rglob(f"{name}/**/*.py"))]


def test_every_module_says_what_lives_in_it() -> None:
    for path in FILES:
        assert ast.get_docstring(tree_of(path)), path


def test_the_top_level_holds_only_what_the_house_names() -> None:
    import subprocess

    listed = subprocess.run(
        ["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    if listed.returncode != 0:
        pytest.skip("not a git checkout: the tracked files are not known")
    tops = {line.split("/")[0] for line in listed.stdout.splitlines()}
    allowed = {
        *("pyproject.toml", "README.md", "README.es.md", "LICENSE", "CHANGELOG.md"),
        *("SECURITY.md", "ARCHITECTURE.md", "beel_mcp", "docs", "tests", "prompts", "examples"),
    }
    assert {top for top in tops if not top.startswith(".")} <= allowed


def test_no_file_names_a_package_index_or_a_path_of_this_machine() -> None:
    import subprocess

    listed = subprocess.run(
        ["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    if listed.returncode != 0:
        pytest.skip("not a git checkout: the tracked files are not known")
    hosts = re.compile(r"(?:files\.)?python" + r"hosted|pypi\." + r"org|registry\.npm" + "js")
    paths = re.compile(r"(?<![\w.-])/(?:work|farm|root)/")
    for line in listed.stdout.splitlines():
        path = ROOT / line
        if path.suffix in {".py", ".md", ".toml", ".json", ".csv", ".sql", ".mjs", ""}:
            text = path.read_text(encoding="utf-8")
            assert not hosts.search(text), line
            assert not paths.search(text), line
