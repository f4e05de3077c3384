"""Mails with invoices attached, and the account's history of mails."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any, Final

from pydantic import BeforeValidator, Field

from beel_mcp.api.company import Client, IdentityApi
from beel_mcp.api.http.wire import code_of, sanitized
from beel_mcp.api.models import NONE_IS_EMPTY, Id, Pagination, Wire
from beel_mcp.api.routes import GET_MAIL, LIST_MAILS, MAIL_INVOICES, Call
from beel_mcp.errors import InternalError

MOST_MAILED: Final = 200
SUBJECT_LIMIT: Final = 200
MESSAGE_LIMIT: Final = 2_000
_PAGE_SIZE: Final = 100
_MOST_PAGES: Final = 5
# Accepted by BeeL and not handed over yet: the history has no time for these.
_QUEUED: Final = "QUEUED"
_NEVER_LEFT: Final = ("REJECTED", "FAILED")
Addresses = Annotated[tuple[str, ...], NONE_IS_EMPTY]


@dataclass(frozen=True)
class Mail:
    """One mail: with which invoices, to whom, and what it says; "" leaves it BeeL's own words."""

    invoice_ids: Sequence[str]
    recipients: Sequence[str]
    cc: Sequence[str] = ()
    subject: str = ""
    message: str = ""

    def body(self) -> dict[str, Any]:
        """Give the body. Without `cc` BeeL would add copies of its own, so it is always there."""
        given = {"subject": self.subject, "message": self.message}
        return {
            "invoice_ids": list(self.invoice_ids),
            "recipients": list(self.recipients),
            "cc": list(self.cc),
            **{name: text for name, text in given.items() if text},
        }


class NotAttached(Wire):
    """An invoice that a mail went without, and why."""

    invoice_id: str
    code: Annotated[str | None, BeforeValidator(code_of)] = Field(None, alias="error_code")
    message: Annotated[str, BeforeValidator(sanitized)] = Field("", alias="error_message")


class DeliveryData(Wire):
    """What BeeL says of a mail that it sent."""

    email_id: Id
    sent_to: Addresses = ()
    sent_at: datetime
    invoices_attached: int
    failures: Annotated[tuple[NotAttached, ...], NONE_IS_EMPTY] = ()
    request_id: str | None = None


class RecordedMail(Wire):
    """A mail of the history. `status` is an open set."""

    id: Id
    recipients: Addresses = ()
    cc: Addresses = ()
    subject: str | None = None
    status: str
    sent_at: datetime | None = None
    related_entity_id: str | None = None

    @property
    def has_left(self) -> bool:
        """Tell whether it went out, or will: neither stopped nor failed."""
        return self.status not in _NEVER_LEFT


class MailedInvoice(Wire):
    """An invoice that a mail carried."""

    id: str


class MailDetail(RecordedMail):
    """A mail of the history with the invoices that it carried."""

    related_invoices: Annotated[tuple[MailedInvoice, ...], NONE_IS_EMPTY] = ()


class MailsData(Wire):
    """A page of the history."""

    emails: tuple[RecordedMail, ...]
    pagination: Pagination


class MailsApi:
    """Mails of the active company's invoices. The history is the account's."""

    def __init__(self, beel: Client, identity: IdentityApi) -> None:
        self._beel = beel
        self._identity = identity

    async def check_routes(self) -> None:
        """Find out whether anything can be mailed by the routes in use.

        Raises:
            OperatorError: these are the flat ones.
        """
        MAIL_INVOICES.route((await self._beel.active_company()).family)

    async def mail_invoices(self, mail: Mail, *, idempotency_key: str) -> DeliveryData:
        """Send one mail with the PDFs of invoices: POST /invoices/deliveries. It is never repeated.

        Raises:
            InvalidRequestError: BeeL has a PDF of none of them, or does not take it.
            ForbiddenError: it may not go to one of these addresses, or the key may not mail.
            TooLargeError: the PDFs weigh too much for one mail.
            UnknownOutcomeError: no answer that can be trusted; it may have gone out.
        """
        ids = {invoice_id.lower() for invoice_id in mail.invoice_ids}
        if not 1 <= len(ids) == len(mail.invoice_ids) <= MOST_MAILED or not mail.recipients:
            raise InternalError("A mail has recipients, and 1 to 200 invoices, each once.")
        call = Call(MAIL_INVOICES, body=lambda _: mail.body(), idempotency_key=idempotency_key)
        response = await self._beel.send(call)
        data = response.read_as(DeliveryData)
        missing = {failure.invoice_id.lower() for failure in data.failures}
        if not missing <= ids or data.invoices_attached != len(ids) - len(missing):
            raise response.unexpected("BeeL does not say plainly which invoices it mailed.")
        return data.model_copy(update={"request_id": response.request_id})

    async def history(self, recipient: str, since: datetime) -> list[RecordedMail]:
        """List the mails to an address since a time, also those that have no time yet.

        GET /accounts/{account_id}/emails, the newest first, at most 500 of them.

        Raises:
            ForbiddenError: the key may not read the history (scope emails:read).
        """
        account_id = (await self._identity.get()).account_id
        found: dict[str, RecordedMail] = {}
        for status in (None, _QUEUED):
            for page in range(1, _MOST_PAGES + 1):
                query = {"recipient": recipient, "status": status, "page": page}
                call = Call(
                    LIST_MAILS,
                    ids={"account_id": account_id},
                    query={**query, "limit": _PAGE_SIZE},
                )
                data = (await self._beel.send(call)).read_as(MailsData)
                recent = [
                    mail for mail in data.emails if mail.sent_at is None or mail.sent_at >= since
                ]
                found |= {mail.id: mail for mail in recent}
                if len(recent) < len(data.emails) or not data.pagination.has_more:
                    break
        return list(found.values())

    async def get(self, email_id: str) -> MailDetail:
        """Read a mail of the history: GET /accounts/{account_id}/emails/{email_id}.

        Raises:
            NotFoundError: there is none with this id.
            ForbiddenError: the key may not read the history.
        """
        account_id = (await self._identity.get()).account_id
        call = Call(GET_MAIL, ids={"account_id": account_id, "email_id": email_id})
        response = await self._beel.send(call)
        mail = response.read_as(MailDetail)
        if mail.id.lower() != email_id.lower():
            raise response.unexpected("BeeL answered with another mail than the one asked for.")
        return mail
