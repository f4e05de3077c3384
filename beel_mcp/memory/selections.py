"""Selections: the ids that a search found, kept for a while under one short id."""

import json
import secrets
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final, Literal

from beel_mcp.errors import CallerError, FieldError, NextCall
from beel_mcp.memory.recently_used import MAX_IN_ALL, RecentlyUsed

Noun = Literal["customers", "invoices"]
SELECTION_TTL: Final = timedelta(minutes=30)
MOST_SELECTED: Final = 2_000
# Of characters, in all selections together.
_MAX_SIZE: Final = 8_000_000
# A call with longer arguments is not remembered.
_CALL_LIMIT: Final = 1_000


@dataclass(frozen=True)
class Selection:
    """The ids that one call selected, in order. `arguments` make it again."""

    selection_id: str
    caller: str
    noun: Noun
    ids: tuple[str, ...]
    arguments: Mapping[str, Any]

    @property
    def size(self) -> int:
        return sum(map(len, self.ids)) + len(json.dumps(self.arguments, ensure_ascii=False))

    @property
    def again(self) -> NextCall | None:
        """Give the call that makes it again, if it is not too long for an answer."""
        if len(json.dumps(self.arguments, ensure_ascii=False)) > _CALL_LIMIT:
            return None
        return NextCall(f"find_{self.noun}", self.arguments, "selects them again")


class SelectionStore:
    """Keeps selections in memory for 30 minutes after their last use, each for its caller alone.

    It holds 20 selections of a caller, 200 in all and eight million characters; the least
    recently used goes first. The calls that made those that are gone are remembered for a while.
    """

    def __init__(self, now: Callable[[], datetime]) -> None:
        self._kept = RecentlyUsed[Selection](
            now, SELECTION_TTL, lambda selection: selection.size, self._forget
        )
        self._gone: OrderedDict[str, tuple[str, NextCall | None]] = OrderedDict()

    def add(
        self, noun: Noun, ids: Sequence[str], arguments: Mapping[str, Any], caller: str
    ) -> Selection:
        """Keep the ids that a call of `find_customers` or `find_invoices` selected.

        Raises:
            CallerError: there are more than a selection holds.
        """
        if len(ids) > MOST_SELECTED:
            raise too_large(noun, len(ids), MOST_SELECTED, "a selection holds")
        selection_id = f"sel_{secrets.token_urlsafe(16)}"
        selection = Selection(selection_id, caller, noun, tuple(ids), dict(arguments))
        self._kept.add(selection_id, caller, selection, most=_MAX_SIZE)
        return selection

    def get(self, selection_id: str, noun: Noun, caller: str) -> Selection:
        """Find a caller's selection, and keep it for another while.

        Raises:
            CallerError: it is of something else, or there is none of this caller, or no more.
        """
        selection = self._kept.find(selection_id, caller)
        if selection is None:
            raise self._missing(selection_id, noun, caller)
        if selection.noun != noun:
            raise CallerError(
                f"This selection is of {selection.noun}, not of {noun}.",
                code="unknown_selection",
                next_calls=(_anew(noun),),
            )
        self._kept.put(selection_id, caller, selection)
        return selection

    def _forget(self, selection_id: str, caller: str, selection: Selection) -> None:
        self._gone[selection_id] = (caller, selection.again)
        if len(self._gone) > MAX_IN_ALL:
            self._gone.popitem(last=False)

    def _missing(self, selection_id: str, noun: Noun, caller: str) -> CallerError:
        owner, again = self._gone.get(selection_id, ("", None))
        is_known = owner == caller
        calls = ((again,) if again else ()) if is_known else (_anew(noun),)
        return CallerError(
            "There is no selection with this selection_id: they are kept in memory for 30 minutes"
            " after their last use, and not across a restart of this server.",
            code="selection_expired" if is_known else "unknown_selection",
            remedy=f"Call find_{noun} again with select_all and the same filters, and use the new"
            " selection_id.",
            next_calls=calls,
        )

    def ids(
        self,
        noun: Noun,
        caller: str,
        given: Sequence[str] | None,
        selection_id: str | None,
        *,
        most: int,
    ) -> list[str]:
        """Give the ids that a call names, or those of the selection that stands in their place.

        An empty list or text counts as absent.

        Raises:
            CallerError: neither or both were given, or the selection is none or too large.
        """
        argument = f"{noun.removesuffix('s')}_ids"
        if given and selection_id:
            both = FieldError("selection_id", f"stands in place of {argument}: give one of them")
            raise CallerError(f"Which {noun}? There are two answers.", field_errors=(both,))
        if given:
            return list(given)
        if not selection_id:
            missing = f"is required, or a selection_id: find_{noun} gives both"
            raise CallerError(f"Which {noun}?", field_errors=(FieldError(argument, missing),))
        selection = self.get(selection_id, noun, caller)
        if not selection.ids:
            raise CallerError(
                f"This selection is empty: no {noun} matched.", code="empty_selection"
            )
        if len(selection.ids) > most:
            raise too_large(noun, len(selection.ids), most, "this takes")
        return list(selection.ids)


def too_large(noun: Noun, number: int, most: int, who: str) -> CallerError:
    """Say that a selection is larger than something takes."""
    return CallerError(
        f"These are {number} {noun}; {who} at most {most} at once.",
        code="selection_too_large",
        remedy=f"Narrow it down with more filters in find_{noun} and select_all, one part after"
        f" the other, or give {noun.removesuffix('s')}_ids.",
    )


def _anew(noun: Noun) -> NextCall:
    reason = f"selects {noun}; add the filters, without any it selects all"
    return NextCall(f"find_{noun}", {"select_all": True}, reason)
