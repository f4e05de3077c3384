"""Makes a release with a person at the terminal, who types its version and says yes before it goes.

It checks everything, builds into dist/, and shows what it built. Nothing leaves this machine before
the person's yes, and what follows on other people's machines is left to the person.
"""

import hashlib
import re
import subprocess
import sys
import tomllib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
PLACEHOLDER = "owner-to-be-set"
HEADING = re.compile(r"^## (\S+) \((.+)\)$", re.MULTILINE)
DAY = re.compile(r"\d{4}-\d\d-\d\d")
LEFT = """Left to you, in this order:
  git tag v{version} && git push origin v{version}
  a release of that tag with dist/NOTES.md, {bundle}, the wheel and the sdist
  cd dist && mcp-publisher login github && mcp-publisher publish"""


class RefusedError(Exception):
    """The release stops here; the text says why, and what to do."""


@dataclass(frozen=True)
class Release:
    """A release of the tree in `root`; `run` raises CalledProcessError, `ask` gives an answer."""

    root: Path
    run: Callable[[Sequence[str]], str]
    ask: Callable[[str], str]

    def make(self) -> None:
        """Go from the tree to the index.

        Raises:
            RefusedError: the tree is not ready, or the person did not say so.
            CalledProcessError: a check or a build failed; nothing was uploaded.
        """
        version = self._ready()
        if self.ask("The version to release, typed out: ").strip() != version:
            raise RefusedError(f"pyproject.toml says {version}; nothing was done")
        self.run([str(self.root / ".ci" / "run")])
        built = self._built()
        self.run([sys.executable, "-m", "twine", "check", "--strict", *built])
        for line in self._summary(version):
            print(line)
        if self.ask("Upload the wheel and the sdist to the Python index? (yes) ").strip() != "yes":
            raise RefusedError("nothing was uploaded; what was built lies in dist/")
        self.run([sys.executable, "-m", "twine", "upload", *built])
        print(LEFT.format(version=version, bundle=f"beel-mcp-{version}.mcpb"))

    def _ready(self) -> str:
        """Give the version of a tree that may be released."""
        text = (self.root / "pyproject.toml").read_text(encoding="utf-8")
        version: str = tomllib.loads(text)["project"]["version"]
        if PLACEHOLDER in text:
            raise RefusedError(f"{PLACEHOLDER} is no owner: docs/releasing.md says how to set it")
        if self.run(["git", "status", "--porcelain"]).strip():
            raise RefusedError("the tree has changes that are not committed")
        if self.run(["git", "tag", "--list", f"v{version}"]).strip():
            raise RefusedError(f"v{version} has been released: a release is never made twice")
        self._notes(version)
        if (self.root / "dist").exists():
            raise RefusedError("dist/ is there from another time: remove it")
        return version

    def _notes(self, version: str) -> str:
        """Give what the changelog says of a version, which must be the newest and have a day."""
        text = (self.root / "CHANGELOG.md").read_text(encoding="utf-8")
        newest = HEADING.search(text)
        if newest is None or newest[1] != version or not DAY.fullmatch(newest[2]):
            raise RefusedError(f"CHANGELOG.md must begin with ## {version} (YYYY-MM-DD)")
        return text[newest.end() :].partition("\n## ")[0].strip() + "\n"

    def _built(self) -> list[str]:
        """Build what the index takes, the bundle and the registry's entry."""
        dist = self.root / "dist"
        self.run([sys.executable, "-m", "build", "--outdir", str(dist), str(self.root)])
        self.run([sys.executable, str(self.root / ".ci" / "packaging" / "build.py"), str(dist)])
        built = [str(path) for path in sorted(dist.iterdir()) if path.suffix in (".whl", ".gz")]
        if len(built) != 2:
            raise RefusedError("dist/ does not hold one wheel and one sdist")
        return built

    def _summary(self, version: str) -> Iterator[str]:
        notes = self._notes(version)
        (self.root / "dist" / "NOTES.md").write_text(notes, encoding="utf-8")
        yield notes
        for path in sorted((self.root / "dist").iterdir()):
            if path.is_file():
                yield f"{hashlib.sha256(path.read_bytes()).hexdigest()}  {path.name}"


def run(words: Sequence[str]) -> str:
    """Run a command; what it prints is shown, except where git is asked something."""
    asked = words[0] == "git"
    done = subprocess.run(
        words, cwd=ROOT, check=True, text=True, stdout=subprocess.PIPE if asked else None
    )
    return done.stdout or ""


def main() -> int:
    """Give 0 for a release that was uploaded, 1 for one that was not."""
    if not sys.stdin.isatty():
        print("A release is made by a person at a terminal.", file=sys.stderr)
        return 1
    try:
        Release(ROOT, run, input).make()
    except RefusedError as error:
        print(f"No release: {error}.", file=sys.stderr)
        return 1
    except subprocess.CalledProcessError as error:
        print(f"No release: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
