"""Prompts are Markdown files; this reads them and makes MCP prompts."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from string import Template

from mcp.server.mcpserver.prompts import Prompt
from mcp.server.mcpserver.prompts.base import PromptArgument

from beel_mcp.cleaning import clean
from beel_mcp.settings import Language

ARGUMENT_LIMIT = 500


@dataclass(frozen=True)
class PromptFile:
    """A prompt in one language: front matter, arguments with their defaults, body."""

    name: str
    title: str
    description: str
    arguments: Mapping[str, tuple[str, str]]
    body: str


def prompt_folder() -> Path | None:
    """Find the prompts in an installed package, else in a checkout."""
    package = Path(__file__).parent
    installed = package / "_prompts"
    if installed.is_dir():
        return installed
    checkout = package.parent / "prompts"
    return checkout if (package.parent / "pyproject.toml").is_file() else None


def load_prompts(language: Language) -> list[Prompt]:
    """Make the prompts of a language."""
    folder = prompt_folder()
    files = sorted(folder.glob(f"*.{language}.md")) if folder else []
    return [_prompt(read_prompt(file)) for file in files]


def read_prompt(path: Path) -> PromptFile:
    """Read one file: `key: value` lines between two `---`, then Markdown."""
    _, front, body = path.read_text(encoding="utf-8").split("---\n", 2)
    facts = dict(line.split(": ", 1) for line in front.splitlines())
    arguments = {}
    for key, value in facts.items():
        if key.startswith("argument."):
            description, _, default = value.partition(" = ")
            arguments[key.removeprefix("argument.")] = (description, default)
    return PromptFile(
        path.name.split(".")[0], facts["title"], facts["description"], arguments, body.strip()
    )


def _prompt(file: PromptFile) -> Prompt:
    def render(**values: str) -> str:
        # A value is data: it stands in a quoted block, on one line, whatever it says.
        blocks = {
            name: "> " + clean(values.get(name) or default, ARGUMENT_LIMIT)
            for name, (_, default) in file.arguments.items()
        }
        return Template(file.body).substitute(blocks)

    return Prompt(
        name=file.name,
        title=file.title,
        description=file.description,
        arguments=[
            PromptArgument(name=name, description=description, required=False)
            for name, (description, _) in file.arguments.items()
        ],
        fn=render,
    )
