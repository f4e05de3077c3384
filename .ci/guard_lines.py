"""Takes each line marked `# guard:` away, one at a time: some test must fail without it.

An `if` never holds, an operand of `and` always does, a condition of an SQL statement is gone.
"""

import os
import re
import shutil
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

ROOT = Path(__file__).parent.parent
TESTS = "tests/guards/test_guard_lines.py"
MARK = re.compile(r"#\s*guard:")
KINDS = (
    (re.compile(r"^(\s*)if .*:(\s*#.*)$"), r"\1if False:\2"),
    (re.compile(r'^(\s*)"[^"]*"(,?)(\s*#.*)$'), r'\1""\2\3'),
    (re.compile(r"^(\s*)and .*?(\s\s#.*)$"), r"\1and True\2"),
    (re.compile(r"^(\s*)\S.*?(\s\s#.*)$"), r"\1True\2"),
)


def without(line: str) -> str:
    """Give the line as it would be without its guard."""
    for pattern, replacement in KINDS:
        if pattern.match(line):
            return pattern.sub(replacement, line)
    raise ValueError(line)


def guards() -> list[tuple[Path, int]]:
    """Find every marked line of the package."""
    return [
        (path.relative_to(ROOT), number)
        for path in sorted((ROOT / "beel_mcp").rglob("*.py"))
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines())
        if MARK.search(line)
    ]


def fails_without(guard: tuple[Path, int] | None) -> bool:
    """Run the tests on a copy without one guard, or with all of them."""
    with tempfile.TemporaryDirectory(prefix="beel-mcp-guard-") as folder:
        copy = Path(folder)
        for name in ("beel_mcp", "tests", "prompts", "examples", "pyproject.toml"):
            source = ROOT / name
            if source.is_dir():
                shutil.copytree(source, copy / name, ignore=shutil.ignore_patterns("__pycache__"))
            else:
                shutil.copy(source, copy / name)
        if guard:
            path, number = guard
            lines = (copy / path).read_text(encoding="utf-8").splitlines()
            lines[number] = without(lines[number])
            (copy / path).write_text("\n".join(lines) + "\n", encoding="utf-8")
        ended = subprocess.run(
            [sys.executable, "-m", "pytest", "-x", "-q", "-p", "no:cacheprovider", TESTS],
            cwd=copy,
            env={**os.environ, "PYTHONPATH": str(copy)},
            capture_output=True,
            text=True,
            check=False,
        )
    if ended.returncode not in (0, 1):  # neither passed nor failed: the job itself is broken
        raise RuntimeError(ended.stdout[-2000:] + ended.stderr[-2000:])
    return ended.returncode == 1


def main() -> int:
    """Tell of each guard whether it is missed; 1 if one of them is not."""
    marked = guards()
    if not marked or fails_without(None):
        print("no guards, or the tests fail with all of them in place")
        return 1
    with ThreadPoolExecutor(max_workers=os.cpu_count()) as workers:
        missed = list(workers.map(fails_without, marked))
    for (path, number), is_missed in zip(marked, missed, strict=True):
        print(f"{'missed' if is_missed else 'NOT MISSED'}  {path}:{number + 1}")
    return 0 if all(missed) else 1


if __name__ == "__main__":
    sys.exit(main())
