"""Prompts are Markdown files; this reads them and makes MCP prompts."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from string import Template

from mcp.server.mcpserver.prompts import Prompt
from mcp.server.mcpserver.prompts.base import PromptArgument

from beel_mcp.cleaning import clean
from beel_mcp.settings import Language

ARGUMENT_LIMIT = 500


@dataclass(frozen=True)
class Argument:
    """What a prompt asks for: `choices` are its usual values, `source` is where more come from."""

    description: str
    default: str
    choices: tuple[str, ...] = ()
    source: str | None = None


@dataclass(frozen=True)
class PromptFile:
    """A prompt in one language: front matter, arguments with their defaults, body."""

    name: str
    title: str
    description: str
    body: str
    arguments: Mapping[str, Argument] = field(default_factory=dict)


def prompt_folder() -> Path | None:
    """Find the prompts in an installed package, else in a checkout."""
    package = Path(__file__).parent
    installed = package / "_prompts"
    if installed.is_dir():
        return installed
    checkout = package.parent / "prompts"
    return checkout if (package.parent / "pyproject.toml").is_file() else None


def read_prompts(language: Language) -> list[PromptFile]:
    """Read the prompts of a language."""
    folder = prompt_folder()
    files = sorted(folder.glob(f"*.{language}.md")) if folder else []
    return [read_prompt(file) for file in files]


def read_prompt(path: Path) -> PromptFile:
    """Read one file: `key: value` lines between two `---`, then Markdown."""
    _, front, body = path.read_text(encoding="utf-8").split("---\n", 2)
    facts = dict(line.split(": ", 1) for line in front.splitlines())
    arguments = {}
    for key, value in facts.items():
        kind, _, name = key.partition(".")
        if kind == "argument":
            description, _, default = value.partition(" = ")
            choices = facts.get(f"choices.{name}")
            arguments[name] = Argument(
                description,
                default,
                tuple(choices.split(" | ")) if choices else (),
                facts.get(f"source.{name}"),
            )
    return PromptFile(
        path.name.split(".")[0], facts["title"], facts["description"], body.strip(), arguments
    )


def as_prompt(file: PromptFile) -> Prompt:
    """Make the SDK's prompt of a file."""

    def render(**values: str) -> str:
        # A value is data: it stands in a quoted block, on one line, whatever it says.
        blocks = {
            name: "> " + (clean(values.get(name) or "", ARGUMENT_LIMIT) or argument.default)
            for name, argument in file.arguments.items()
        }
        return Template(file.body).substitute(blocks)

    return Prompt(
        name=file.name,
        title=file.title,
        description=file.description,
        arguments=[
            PromptArgument(name=name, description=argument.description, required=False)
            for name, argument in file.arguments.items()
        ],
        fn=render,
    )
