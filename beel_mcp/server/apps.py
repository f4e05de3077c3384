"""MCP Apps: the one document that an app shows beside an answer, and what it is handed for it.

Whoever did not negotiate Apps sees nothing of this: neither in the list of tools nor in an answer.
Text and structure of an answer are the same for everybody.
"""

import logging
from collections.abc import Mapping
from typing import Any, Final

from anyio import to_thread
from mcp.server.apps import APP_MIME_TYPE, Apps
from mcp.server.context import HandlerResult
from mcp.server.lowlevel.helper_types import ReadResourceContents

from beel_mcp.context import AppState, caller
from beel_mcp.language import Language

logger = logging.getLogger(__name__)

CARD: Final = "ui://beel/card.html"
# What the document looks for in `_meta` of an answer; its script has this name, too.
DRAWING: Final = "beel-mcp/card"
TOOLS_WITH_CARDS: Final = frozenset(
    {
        *("validate_customers", "create_customers", "update_customers", "deactivate_customers"),
        *("create_draft_invoice", "delete_draft_invoice", "send_invoices", "confirm_plan"),
        "download_invoices_zip",
    }
)


def advertised() -> Apps:
    """Say in the handshake that cards are there; tools and resources are ours to serve."""
    return Apps()


async def read_card(language: Language) -> ReadResourceContents:
    """Give the document; what it shows of an answer comes with the answer."""
    return ReadResourceContents(
        await to_thread.run_sync(_shell, language),
        APP_MIME_TYPE,
        # It loads nothing and connects to nothing: no domain is named.
        meta={"ui": {"csp": {}, "prefersBorder": True}},
    )


def _shell(language: Language) -> str:
    # Templates are read by those alone who look at something.
    from beel_mcp.pages.rendering import render_shell  # noqa: PLC0415

    return render_shell(language)


def with_card(result: HandlerResult) -> HandlerResult:
    """Name the document at each tool whose answers it can show."""
    if not isinstance(result, dict):
        return result
    meta = {"ui": {"resourceUri": CARD}}
    tools = [
        {**tool, "_meta": {**tool.get("_meta", {}), **meta}}
        if tool["name"] in TOOLS_WITH_CARDS
        else tool
        for tool in result["tools"]
    ]
    return {**result, "tools": tools}


async def with_drawing(
    result: Mapping[str, Any], tool: object, state: AppState
) -> Mapping[str, Any]:
    """Put beside an answer what the document shows of it; text and structure stay as they are."""
    answer = result.get("structuredContent")
    if tool not in TOOLS_WITH_CARDS or not answer or result.get("isError"):
        return result
    # Templates are read by those alone who look at something.
    from beel_mcp.pages.cards import card_of  # noqa: PLC0415

    try:
        drawing = await card_of(state, answer, caller())
    except Exception:
        # The answer may tell what has been done, and the document can show its text.
        logger.exception("the card of an answer could not be drawn")
        return result
    if drawing is None:
        return result
    return {**result, "_meta": {**result.get("_meta", {}), DRAWING: drawing}}
