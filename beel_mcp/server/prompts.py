"""MCP prompts from the Markdown files in prompts/, and completions for prompts and resources."""

from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from string import Template
from typing import Final, get_args

from mcp.server.mcpserver.prompts import Prompt
from mcp.server.mcpserver.prompts.base import PromptArgument
from mcp.types import Completion, CompletionArgument, PromptReference, ResourceTemplateReference

from beel_mcp.cleaning import clean
from beel_mcp.context import AppState, app_state, current_request
from beel_mcp.errors import BeelMcpError
from beel_mcp.language import Language
from beel_mcp.server.resources import TEMPLATES, open_batches
from beel_mcp.tools.parameters import InvoiceStatuses

ARGUMENT_LIMIT: Final = 500
# A completion holds at most this many values, by the protocol.
COMPLETION_LIMIT: Final = 100
QUARTERS: Final = 8
# An invoice in one of these states has no PDF for an accountant.
_WITHOUT_PDF: Final = ("DRAFT", "SCHEDULED", "ACTIVE", "CONVERTED", "EXPIRED")
[_LITERAL] = get_args(get_args(InvoiceStatuses)[0])
STATUSES: Final = tuple(status for status in get_args(_LITERAL) if status not in _WITHOUT_PDF)
Reference = PromptReference | ResourceTemplateReference
Completer = Callable[[Reference, CompletionArgument, object], Awaitable[Completion]]


@dataclass(frozen=True)
class Argument:
    """An argument of a prompt; completion offers `choices` and what `source` has, by its name."""

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
    """Find the folder of prompts: in an installed package, else in a checkout."""
    package = Path(__file__).parent.parent
    installed = package / "_prompts"
    if installed.is_dir():
        return installed
    checkout = package.parent / "prompts"
    return checkout if (package.parent / "pyproject.toml").is_file() else None


def read_prompts(language: Language) -> list[PromptFile]:
    """Read the prompt files of a language."""
    folder = prompt_folder()
    files = sorted(folder.glob(f"*.{language}.md")) if folder else []
    return [read_prompt(file) for file in files]


def read_prompt(path: Path) -> PromptFile:
    """Read one file: `key: value` lines between two `---`, then Markdown."""
    _, front, body = path.read_text(encoding="utf-8").split("---\n", 2)
    keys = dict(line.split(": ", 1) for line in front.splitlines())
    arguments = {}
    for key, value in keys.items():
        kind, _, name = key.partition(".")
        if kind == "argument":
            description, _, default = value.partition(" = ")
            choices = keys.get(f"choices.{name}")
            arguments[name] = Argument(
                description,
                default,
                tuple(choices.split(" | ")) if choices else (),
                keys.get(f"source.{name}"),
            )
    return PromptFile(
        path.name.split(".")[0], keys["title"], keys["description"], body.strip(), arguments
    )


def as_prompt(file: PromptFile) -> Prompt:
    """Make an MCP prompt of a file."""

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


def completer(prompts: Iterable[PromptFile], language: Language) -> Completer:
    """Make what completes arguments of prompts and of resource templates.

    It gives the values that begin with what was typed; none for an unknown argument.
    """
    files = {prompt.name: prompt for prompt in prompts}
    sources: dict[str, Callable[[AppState], Sequence[str]]] = {
        "quarters": lambda state: last_quarters(_today(state), language),
        "statuses": lambda _: STATUSES,
        "batches": open_batches,
    }

    async def complete(reference: Reference, typed: CompletionArgument, _: object) -> Completion:
        state = app_state(current_request())
        if not isinstance(reference, PromptReference):
            values = await _template_values(reference.uri, typed.name, state)
            return _completion(values, typed.value)
        file = files.get(reference.name)
        argument = file.arguments.get(typed.name) if file else None
        if argument is None:
            return _completion((), typed.value)
        found = sources[argument.source](state) if argument.source else ()
        return _completion([*argument.choices, *found], typed.value)

    return complete


def last_quarters(today: date, language: Language) -> list[str]:
    """Name the current quarter and those before it, behind the last one that has ended."""
    letter = "T" if language == "es" else "Q"
    number = today.year * 4 + (today.month - 1) // 3
    ended_first = [number - 1, number, *(number - back for back in range(2, QUARTERS))]
    return [f"{quarter // 4}-{letter}{quarter % 4 + 1}" for quarter in ended_first]


async def _template_values(uri: str, name: str, state: AppState) -> Sequence[str]:
    for template in TEMPLATES:
        if (template.definition.uri_template, template.variable) == (uri, name):
            try:
                return await template.values(state)
            except BeelMcpError:
                return ()  # nothing can be offered; a call says why
    return ()


def _completion(values: Sequence[str], typed: str) -> Completion:
    prefix = typed.strip().casefold()
    found = [value for value in values if value.casefold().startswith(prefix)]
    return Completion(
        values=found[:COMPLETION_LIMIT],
        total=len(found),
        has_more=len(found) > COMPLETION_LIMIT,
    )


def _today(state: AppState) -> date:
    return state.timing.now().astimezone().date()
