"""What get_status answers."""

from collections.abc import Sequence
from typing import Literal

from pydantic import BaseModel

from beel_mcp.answers.answer import Answer
from beel_mcp.answers.operations import OpenOperation

# What the assistant has to know before it calls a tool that changes records.
_CONFIRMATION = {
    "form": "Changes: the server asks the person itself, with a form in this app.",
    "plan": "Changes: a plan is returned; confirm_plan runs it once the person has agreed.",
    "page": "Changes: the person says yes or no on a page that opens for them.",
    "unavailable": "Changes are refused: this app can show no question, as BEEL_CONFIRM wants.",
}


class RoutesInUse(BaseModel):
    """Which family of BeeL's routes is used, and why."""

    family: str
    reason: str
    retirement: str | None = None


class Problem(BaseModel):
    """What keeps this server from working with BeeL, and who can mend it how."""

    code: str
    message: str
    remedy: str | None = None


class Limits(BaseModel):
    """How much fits into one call."""

    inline_rows: int
    file_rows: int
    file_megabytes: int
    batch_minutes: int
    call_seconds: int


class StatusAnswer(Answer):
    """Where this server works and what it may do there."""

    problem: Problem | None = None
    scopes: list[str] | None = None
    routes: RoutesInUse | None = None
    read_only: bool | None = None
    confirmation: Literal["form", "page", "plan", "unavailable"] | None = None
    language: str | None = None
    files_folder: str | None = None
    import_folders: list[str] | None = None
    limits: Limits | None = None
    unsettled: list[OpenOperation] | None = None
    more_unsettled: int | None = None
    today: str | None = None
    state_folder: str | None = None
    warnings: list[str] | None = None
    version: str | None = None

    def lines(self) -> Sequence[str]:
        problem = self.problem
        return [
            f"Problem: {problem.message} {problem.remedy or ''}".rstrip() if problem else "",
            "Read-only: tools that write to BeeL are not offered." if self.read_only else "",
            _CONFIRMATION[self.confirmation] if self.confirmation and not self.read_only else "",
            self._routes_line(),
            f"Key scopes: {', '.join(self.scopes)}." if self.scopes else "",
            *(f"Unsettled: {operation.line()}." for operation in self.unsettled or ()),
            f"Today (24 h): {self.today}." if self.today else "",
            f"Lists can be read from: {', '.join(self.import_folders or ())}.",
            *(f"Warning: {warning}" for warning in self.warnings or ()),
        ]

    def _routes_line(self) -> str:
        if self.routes is None:
            return ""
        line = f"Routes: {self.routes.family}. {self.routes.reason}"
        if self.routes.retirement:
            line += f" BeeL retires the flat routes on {self.routes.retirement}."
        return line
