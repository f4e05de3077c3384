"""The tools as a host lists them, and what each costs the model that reads them."""

import json
from dataclasses import asdict, dataclass
from typing import Any, Final

import anyio
from mcp.types import Tool

from beel_mcp.cli.terminal import paint, print_json
from beel_mcp.language import Language, Sentence, localized
from beel_mcp.server import create_server
from beel_mcp.settings import Settings
from beel_mcp.tools import TOOLS
from beel_mcp.tools.declare import Kind

# No tokenizer comes without a vocabulary of megabytes. In OpenAI's o200k vocabulary these texts
# take one token per 4.2 characters: a test holds the sum to 5 % and each tool to 20 %.
CHARACTERS_PER_TOKEN: Final = 4.2
_EFFECTS: Final[dict[Kind, Sentence]] = {
    "read": Sentence("reads", "lee"),
    "saves": Sentence("saves a file", "guarda un archivo"),
    "write": Sentence("adds in BeeL", "añade en BeeL"),
    "guarded": Sentence("changes or removes", "cambia o quita"),
    "confirms": Sentence("changes or removes", "cambia o quita"),
}


@dataclass(frozen=True)
class ToolCost:
    """A tool, what it may do, and its tokens, estimated; apart, what hosts rarely hand over."""

    name: str
    kind: Kind
    tokens: int
    output_schema_tokens: int


def list_tools(settings: Settings, *, as_json: bool) -> None:
    """Print the list, as the settings in force here have it served."""
    tools = anyio.run(create_server(settings).list_tools)
    kinds = {tool.name: tool.kind for tool in TOOLS}
    costs = [_cost(tool, kinds[tool.name]) for tool in tools]
    if as_json:
        described = {tool.name: tool.description for tool in tools}
        print_json(
            {
                "tools": [{**asdict(cost), "description": described[cost.name]} for cost in costs],
                "tokens": sum(cost.tokens for cost in costs),
                "tokens_are": f"estimated: characters / {CHARACTERS_PER_TOKEN}",
            }
        )
        return
    for line in _table(costs, settings.language):
        print(line)


def estimated_tokens(value: Any) -> int:
    """Estimate what a value costs a model, as the compact JSON that hosts hand over."""
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    return round(len(text) / CHARACTERS_PER_TOKEN)


def _cost(tool: Tool, kind: Kind) -> ToolCost:
    shown = {
        "name": tool.name,
        "description": tool.description,
        "inputSchema": tool.input_schema,
    }
    schema = tool.output_schema
    return ToolCost(
        tool.name,
        kind,
        estimated_tokens(shown),
        estimated_tokens(schema) if schema else 0,
    )


def _table(costs: list[ToolCost], language: Language) -> list[str]:
    tool = localized(language, en="tool", es="herramienta")
    effect = localized(language, en="effect", es="efecto")
    rows = [
        (tool, effect, "tokens"),
        *((cost.name, _EFFECTS[cost.kind].localized(language), str(cost.tokens)) for cost in costs),
        ("", "", str(sum(cost.tokens for cost in costs))),
    ]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    head, *lines = [
        f"{name:{widths[0]}}  {does:{widths[1]}}  {tokens:>{widths[2]}}"
        for name, does, tokens in rows
    ]
    about = localized(
        language,
        en=f"Tokens are estimated: one per {CHARACTERS_PER_TOKEN} characters of name, description"
        " and arguments.",
        es="Los tokens son una estimación: uno por cada"
        f" {str(CHARACTERS_PER_TOKEN).replace('.', ',')} caracteres de nombre, descripción y"
        " argumentos.",
    )
    return [paint(head, "bold"), *lines, about]
