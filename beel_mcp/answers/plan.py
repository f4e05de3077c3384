"""A plan that waits for its yes, or a yes that did not come, in words."""

from collections.abc import Sequence
from typing import Any, Final, Literal, Self

from pydantic import BaseModel, Field, PrivateAttr

from beel_mcp.answers.answer import (
    SHORT_NAME_LIMIT,
    VIEW,
    Answer,
    capped,
    capped_fields,
    next_steps,
    plural,
    view_line,
)
from beel_mcp.cleaning import clean, quoted, width
from beel_mcp.errors import NextCall
from beel_mcp.writes.consent.statement import REMARKS_ROOM, difference_words
from beel_mcp.writes.journal.plan import Difference, Plan
from beel_mcp.writes.journal.remarks import Remark
from beel_mcp.writes.run.gate import NotConfirmed, Waiting

CHANGED_CAP: Final = 5
REMARKS_CAP: Final = 3  # beside a statement that stands there twice
REMARK_LIMIT: Final = 160
READ_FIRST: Final = "only after the person has read it and agreed"
_IN_CHAT: Final = "Show the person this statement word for word. The plan ends after 10 minutes."
_ON_PAGE: Final = (
    "The person has a page open that shows it, and answers there; nobody else can. It ends after"
    " 10 minutes."
)


class RemarkItem(BaseModel):
    """Something doubtful, which forbids nothing: tell the person."""

    code: str
    field: str
    message: str


class WriteAnswer(Answer):
    """The fields that all answers about writes share: of a plan, and of what became of it."""

    changed: Literal["nothing", "something", "unknown"] | None = None
    plan_id: str | None = None
    statement: str | None = None
    expires_at: str | None = None
    count: int | None = Field(None, description="Records that will change if the person agrees.")
    differences: list[str] | None = None
    remarks: list[RemarkItem] | None = None
    more_remarks: int | None = None
    detail: str | None = None
    view: str | None = Field(None, description=VIEW)
    operation_id: str | None = None
    replayed: bool | None = None
    retry_after_s: int | None = None
    # What is not as it was shown: for who tells it in the person's language.
    _changed: Sequence[tuple[str, Difference]] = PrivateAttr(())

    @property
    def changed_since(self) -> Sequence[tuple[str, Difference]]:
        """Name the records that are not as they were shown, and how."""
        return self._changed

    def with_changed(self, changed: Sequence[tuple[str, Difference]]) -> Self:
        """Keep what is not as it was shown."""
        self._changed = changed
        return self

    def lines(self) -> Sequence[str]:
        """Give the statement, which must fit whatever else does, and what is different."""
        return [
            f"Statement: {self.statement}" if self.statement else "",
            self.detail or "",
            view_line(self.view),
            *(f"Different now: {line}." for line in self.differences or ()),
            *(f"Remark ({one.code}): {one.message}" for one in self.remarks or ()),
            f"And {plural(self.more_remarks, 'more remark')}." if self.more_remarks else "",
        ]

    def next_lines(self) -> Sequence[str]:
        """Name the call that confirms the statement; neither is ever left out."""
        if self.plan_id is None:
            return super().next_lines()
        call = f"Next: confirm_plan with plan_id {self.plan_id} and the statement above"
        reason = self.next[0].reason if self.next else READ_FIRST
        return [f"{call}, word for word - {reason}"]


def waiting(result: Waiting) -> dict[str, Any]:
    """Give the fields of a plan that waits."""
    plan = result.plan
    is_on_page = plan.shown_as == "page"
    confirm = NextCall(
        "confirm_plan",
        {"plan_id": plan.plan_id, "statement": plan.statement},
        "waits for their answer on the page, and decides nothing" if is_on_page else READ_FIRST,
    )
    return {
        "status": "confirmation_required",
        "summary": _waits(plan),
        "changed": "nothing",
        "plan_id": plan.plan_id,
        "statement": plan.statement,
        "expires_at": plan.expires_at.isoformat(timespec="seconds"),
        "count": plan.count,
        "differences": _differences(result.changed),
        **remark_fields(plan.preview.remarks, plan.count),
        "detail": _ON_PAGE if is_on_page else _IN_CHAT,
        "next": next_steps(confirm),
    }


def _waits(plan: Plan) -> str:
    """Say that nothing has happened yet, and to how many records it would."""
    if plan.kind == "send_invoices":
        whom = f"{plural(plan.count, 'invoice')} will go out in one mail"
        return f"Nothing has been mailed yet: {whom}, if the person agrees."
    whom = plural(plan.count, "record")
    return f"Nothing has been changed yet: {whom} will be, if the person agrees."


def remark_fields(remarks: Sequence[Remark], number: int = 1) -> dict[str, Any]:
    """Give what is doubtful about a write of so many records, as much as there is room for."""
    items = [
        RemarkItem(
            code=one.code,
            field=one.field,
            message=clean(one.text("en", number), REMARK_LIMIT),
        )
        for one in remarks
    ]
    cap = REMARKS_CAP
    while cap > 1 and sum(width(item.message) for item in items[:cap]) > REMARKS_ROOM:
        cap -= 1
    return capped_fields("remarks", items, cap)


def not_confirmed(result: NotConfirmed) -> dict[str, Any]:
    """Say that no yes arrived, which is not to say that the person declined."""
    summary = (
        "Nothing was changed. No confirmation arrived: it was declined, or this app answered"
        " without showing the question."
    )
    detail = (
        "Any answer but the right one counts as no. Ask the person in the chat what they want,"
        " and call this again, which asks them again, only if they want it. If they saw no"
        " question, the person who set the server up can set BEEL_CONFIRM=plan."
    )
    if result.is_no:
        summary = "Nothing was changed: the person said no on the page."
        detail = "Ask them in the chat what they want instead."
    if result.changed:
        # A plan that was taken cannot be confirmed any more.
        again = f"Call {result.plan.kind if result.plan else 'the tool'} again"
        summary = "Nothing was changed: what the person was shown is no longer so."
        detail = f"{again} to see what is so now; the person has to agree to that."
    return {
        "status": "not_confirmed",
        "summary": summary,
        "changed": "nothing",
        "differences": _differences(result.changed),
        "detail": detail,
    }


def _differences(changed: Sequence[tuple[str, Difference]]) -> list[str] | None:
    lines = [
        f"{quoted(name, SHORT_NAME_LIMIT)} {difference_words(how, 'en')}" for name, how in changed
    ]
    shown, more = capped(lines, CHANGED_CAP)
    return [*shown, *([f"{more} more"] if more else [])] or None
