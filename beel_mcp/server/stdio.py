"""The stdio door: every line gets its answer, also one that the SDK's parser refuses.

mcp 2.x hands such a line to the dispatcher as an exception, which drops it: the app that sent it
waits for ever. The streams of the SDK stay as they are; what passes between them and the server
is looked at here.
"""

import json
import logging
import os
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from io import TextIOWrapper
from typing import Any, Final

import anyio
from anyio.streams.memory import MemoryObjectSendStream
from mcp.server.stdio import stdio_server
from mcp.shared.message import SessionMessage
from mcp.types import INVALID_REQUEST, PARSE_ERROR, ErrorData, JSONRPCError
from mcp_types import jsonrpc_message_adapter
from pydantic import ValidationError

logger = logging.getLogger(__name__)

Incoming = SessionMessage | Exception
# Windows editors and shells begin a text with it; RFC 8259 lets a reader pass over it.
_BYTE_ORDER_MARK: Final = "\ufeff"
_LONGEST_ID: Final = 200
_WORDS: Final = {
    PARSE_ERROR: "This line is not JSON that can be read: lone surrogates, numbers of thousands of"
    " digits and more than 200 levels are refused, too.",
    INVALID_REQUEST: "This line is no request of JSON-RPC 2.0.",
}


@asynccontextmanager
async def answering_stdio() -> AsyncIterator[tuple[Any, Any]]:
    """Open stdin and stdout; yields what the server reads from and writes to."""
    async with (
        _stdout() as stdout,
        stdio_server(stdout=stdout) as (lines, out),
        anyio.create_task_group() as group,
    ):
        to_server, incoming = anyio.create_memory_object_stream[Incoming](0)
        group.start_soon(_relay, lines, to_server, out)
        try:
            yield incoming, out
        finally:
            incoming.close()
            group.cancel_scope.cancel()


@asynccontextmanager
async def _stdout() -> AsyncIterator[anyio.AsyncFile[str] | None]:
    r"""Take stdout for the protocol where the SDK would end its lines with \r\n, as on Windows.

    What else is printed goes to stderr, as the SDK has it.
    """
    if os.linesep == "\n":
        yield None
        return
    with os.fdopen(os.dup(1), "wb") as wire:
        os.dup2(2, 1)
        lines = TextIOWrapper(wire, encoding="utf-8", newline="\n")
        yield anyio.wrap_file(lines)
        lines.detach()


async def _relay(lines: Any, to_server: MemoryObjectSendStream[Incoming], out: Any) -> None:
    async with to_server:
        async for line in lines:
            message = _taken(line) if isinstance(line, ValidationError) else line
            if isinstance(message, JSONRPCError):
                await out.send(SessionMessage(message))
            elif message is not None:
                try:
                    await to_server.send(message)
                except anyio.BrokenResourceError:  # the server has ended
                    return


def _taken(refusal: ValidationError) -> SessionMessage | JSONRPCError | None:
    """Give the message of a refused line, or the answer to it; None where none is due."""
    sent = _sent(refusal)
    if isinstance(sent, str):
        if not sent.strip():
            return None
        if sent.startswith(_BYTE_ORDER_MARK):
            return _without_mark(sent.lstrip(_BYTE_ORDER_MARK))
        logger.warning("a line on stdin is not JSON")
        return _error(PARSE_ERROR, _parsed(sent))
    if isinstance(sent, Mapping) and not _wants_an_answer(sent):
        return None
    logger.warning("a line on stdin is no request of JSON-RPC")
    return _error(INVALID_REQUEST, sent)


def _sent(refusal: ValidationError) -> Any:
    """Find what was sent in the parser's complaint: a line, or the value that it stood for."""
    faults = refusal.errors(include_url=False, include_context=False)
    # What lacks a member is shown whole; every message lacks one of those of an answer.
    whole = [fault["input"] for fault in faults if fault["type"] in ("missing", "json_invalid")]
    return whole[0] if whole else faults[0]["input"]


def _without_mark(line: str) -> SessionMessage | JSONRPCError | None:
    try:
        return SessionMessage(jsonrpc_message_adapter.validate_json(line, by_name=False))
    except ValidationError as refusal:
        return _taken(refusal)


def _wants_an_answer(sent: Mapping[str, Any]) -> bool:
    """Tell a request from a notification and from an answer to a question of ours."""
    return not ("result" in sent or "error" in sent or ("method" in sent and "id" not in sent))


def _parsed(line: str) -> Any:
    """Read with a more patient parser, for the sake of the id alone."""
    try:
        return json.loads(line, parse_int=lambda digits: int(digits[:_LONGEST_ID]))
    except (ValueError, RecursionError):
        return None


def _error(code: int, sent: Any) -> JSONRPCError:
    named = sent.get("id") if isinstance(sent, Mapping) else None
    is_id = isinstance(named, str | int) and not isinstance(named, bool)
    known = named if is_id and len(str(named)) < _LONGEST_ID and _is_text(str(named)) else None
    return JSONRPCError(jsonrpc="2.0", id=known, error=ErrorData(code=code, message=_WORDS[code]))


def _is_text(text: str) -> bool:
    return not any("\ud800" <= character <= "\udfff" for character in text)
