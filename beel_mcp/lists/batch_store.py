"""The memory that keeps batches for a while, each for its caller alone."""

import json
from collections import OrderedDict
from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import datetime, timedelta
from pathlib import PurePath
from typing import Any, Final, Protocol

from beel_mcp.cleaning import quoted
from beel_mcp.errors import BeelMcpError, CallerError, NextCall
from beel_mcp.lists.batch import Batch
from beel_mcp.memory.recently_used import MAX_IN_ALL, RecentlyUsed

BATCH_TTL: Final = timedelta(minutes=30)
# A row takes about four kilobytes: this is what bounds the memory of a server with many lists.
MAX_ROWS: Final = 40_000
# More characters than this of a next call are not shown.
_CALL_LIMIT: Final = 600


class Origins(Protocol):
    """What outlives this process: the calls that read lists from files again."""

    async def keep_origin(
        self, batch_id: str, caller: str, arguments: Mapping[str, Any], *, is_whole: bool
    ) -> None: ...

    async def find_origin(self, batch_id: str, caller: str) -> tuple[Mapping[str, Any], bool]: ...


class BatchStore:
    """Keeps batches in memory for 30 minutes after their last use, each for its caller alone.

    It holds 20 batches of a caller, 200 in all and 40,000 rows; the least recently used goes
    first. The call that reads an evicted batch again is remembered for the error that says so; of a
    list from a file also by `origins`, for who comes back after a restart.
    """

    def __init__(self, now: Callable[[], datetime], origins: Origins | None = None) -> None:
        self._beyond = origins
        self.revision = 0  # grows whenever a batch comes or goes
        self._kept = RecentlyUsed[Batch](
            now, BATCH_TTL, lambda batch: len(batch.rows), self._forget
        )
        self._origins: OrderedDict[tuple[str, str], Mapping[str, Any]] = OrderedDict()
        self._successors: OrderedDict[tuple[str, str], str] = OrderedDict()

    async def add(self, batch: Batch) -> datetime:
        """Keep a batch, and say until when if nobody uses it."""
        self._kept.add(batch.batch_id, batch.caller, batch, most=MAX_ROWS)
        self.revision += 1
        ends_at = self._kept.ends_at(batch.batch_id)
        await self._remember(batch)
        return ends_at

    async def get(self, batch_id: str, caller: str) -> Batch:
        """Find a caller's batch, and keep it for another while.

        Raises:
            CallerError: there is no such batch of this caller, or there is none any more.
        """
        batch = self._kept.find(batch_id, caller)
        if batch is None:
            newer = self.superseded_by(batch_id, caller)
            if newer and self._kept.find(newer, caller):
                raise superseded(newer)
            raise await self._expired(batch_id, caller)
        self._kept.put(batch_id, caller, batch)
        return batch

    async def replace(self, batch: Batch) -> None:
        """Put newer verdicts in the place of older ones.

        Raises:
            CallerError: the batch is not kept any more.
            ValueError: its rows are not the same.
        """
        kept = await self.get(batch.batch_id, batch.caller)
        if kept.payload_digest != batch.payload_digest:
            raise ValueError("a batch never changes its rows")
        self._kept.put(batch.batch_id, batch.caller, batch)

    def supersede(self, batch_id: str, successor: str, caller: str) -> None:
        """Remember which batch the person made of one; the assistant is told of it.

        What the assistant itself corrects supersedes nothing: it knows.
        """
        self._successors[caller, batch_id] = successor
        if len(self._successors) > MAX_IN_ALL:
            self._successors.popitem(last=False)

    def superseded_by(self, batch_id: str, caller: str) -> str | None:
        """Tell the last batch that the person made of one; None if they made none."""
        newest, seen = batch_id, {batch_id}
        while following := self._successors.get((caller, newest)):
            if following in seen:
                break
            newest = following
            seen.add(newest)
        return None if newest == batch_id else newest

    async def expires_at(self, batch_id: str, caller: str) -> datetime:
        """Tell when a batch goes if nobody uses it; looking counts as use."""
        await self.get(batch_id, caller)
        return self._kept.ends_at(batch_id)

    def of(self, caller: str) -> list[Batch]:
        """List a caller's batches, the last used first; looking at the list is no use of them."""
        return self._kept.of(caller)

    def _forget(self, batch_id: str, caller: str, batch: Batch) -> None:
        self.revision += 1
        if batch.origin:
            self._origins[caller, batch_id] = batch.origin
        if len(self._origins) > MAX_IN_ALL:
            self._origins.popitem(last=False)

    async def _remember(self, batch: Batch) -> None:
        arguments, is_whole = _short(batch.origin)
        if arguments and self._beyond:
            with suppress(BeelMcpError):  # to check a list takes no journal
                await self._beyond.keep_origin(
                    batch.batch_id, batch.caller, arguments, is_whole=is_whole
                )

    async def _recall(self, batch_id: str, caller: str) -> tuple[Mapping[str, Any], bool]:
        if origin := self._origins.get((caller, batch_id)):
            return _short(origin)
        with suppress(BeelMcpError):
            if self._beyond:
                return await self._beyond.find_origin(batch_id, caller)
        return {}, False

    async def _expired(self, batch_id: str, caller: str) -> CallerError:
        arguments, is_whole = await self._recall(batch_id, caller)
        why = "reads the same list again" if is_whole else "reads the file again; correct it anew"
        source = quoted(PurePath(str(arguments.get("source_path", ""))).name, 80)
        whence = f" It was read from {source}." if arguments else ""
        again = "as in next" if arguments else "again with the same customers or source_path"
        corrections = "" if is_whole else " with all corrections made so far,"
        return CallerError(
            "There is no batch with this batch_id: batches are kept in memory for 30 minutes"
            f" after their last use, and not across a restart of this server.{whence}",
            code="batch_expired",
            remedy=f"Call validate_customers {again},{corrections} and use the new batch_id.",
            next_calls=(NextCall("validate_customers", arguments, why),) if arguments else (),
        )


def superseded(newer: str, creating: NextCall | None = None) -> CallerError:
    """Say that the person made another batch of one, and which call goes on with it."""
    looking = NextCall("list_batch_rows", {"batch_id": newer}, "shows what they made of it")
    return CallerError(
        f"The person corrected this list on its page: it is batch {newer} now.",
        code="superseded",
        remedy="Go on with the new batch_id; tell the person its counts and ask again.",
        next_calls=(creating or looking,),
    )


def _short(origin: Mapping[str, Any]) -> tuple[Mapping[str, Any], bool]:
    """Give a call that fits into an answer, and whether it is the whole one."""
    has_account = any(made["field"].endswith("iban") for made in origin.get("corrections", ()))
    if len(json.dumps(origin, ensure_ascii=False)) <= _CALL_LIMIT and not has_account:
        return origin, True
    file = {name: origin[name] for name in ("source_path", "sheet", "columns") if name in origin}
    if len(json.dumps(file, ensure_ascii=False)) > _CALL_LIMIT:
        return {}, False  # read without its columns it would be another list
    return file, False
