"""send_invoices: what was asked for becomes one mail, to addresses that are what they look like."""

from collections.abc import Iterator, Sequence
from typing import Any, Final

from mcp.server.mcpserver import Context

from beel_mcp.api.mails import MESSAGE_LIMIT, MOST_MAILED, SUBJECT_LIMIT
from beel_mcp.cleaning import clean, quoted
from beel_mcp.context import AppState
from beel_mcp.errors import CallerError, FieldError, NextCall
from beel_mcp.lists.checks.contacts import emails_of, is_email
from beel_mcp.memory.selections import MOST_SELECTED
from beel_mcp.usecases.confirmation import chosen
from beel_mcp.writes.kinds.mails.mail_statement import ADDRESSES_ROOM, addresses_width
from beel_mcp.writes.kinds.protocol import unique_ids

MOST_ADDRESSES: Final = 10
_ADDRESS_LENGTH: Final = range(5, 256)  # that BeeL takes
_SHOWN: Final = 80


def mail_arguments(
    ctx: Context[AppState],
    invoice_ids: Sequence[str] | None,
    selection_id: str | None,
    recipients: Sequence[str],
    cc: Sequence[str],
    subject: str | None,
    message: str | None,
) -> dict[str, Any]:
    """Give the arguments that a plan keeps: ids, clean addresses, and what the mail says.

    Raises:
        CallerError: it is more than one mail holds, or something about it is not right.
    """
    faults: list[FieldError] = []
    to = list(_addresses("recipients", recipients, (), faults))
    copies = list(_addresses("cc", cc, to, faults))
    says = {"subject": clean(subject or "", MESSAGE_LIMIT), "message": _lines(message or "")}
    for (name, text), limit in zip(says.items(), (SUBJECT_LIMIT, MESSAGE_LIMIT), strict=True):
        if len(text) > limit:
            faults.append(FieldError(name, f"has {len(text)} characters; BeeL takes {limit}"))
    if not to and not faults:
        faults.append(FieldError("recipients", "is required: who is to get the invoices?"))
    if faults:
        raise CallerError(
            "Nothing was mailed, and nobody was asked: the mail is not right.",
            field_errors=faults[:5],
        )
    mail = {"recipients": to, "cc": copies, **{name: text for name, text in says.items() if text}}
    _check_room(mail)
    ids = chosen(ctx, "invoices", invoice_ids, selection_id, most=MOST_SELECTED)["invoice_ids"]
    _check_number(unique_ids(ids), selection_id)
    return {"invoice_ids": ids, **mail}


def _addresses(
    field: str, given: Sequence[str], besides: Sequence[str], faults: list[FieldError]
) -> Iterator[str]:
    """Give each address once, as BeeL takes it; what is none is a fault."""
    seen = {address.lower() for address in besides}
    for index, text in enumerate(given):
        line = clean(text, len(text) + 1)
        for address in [line] if is_email(line) else emails_of(line) or [line]:
            if fault := _fault(address):
                faults.append(FieldError(f"{field}.{index}", fault))
            elif address.lower() not in seen:
                seen.add(address.lower())
                yield address


def _fault(address: str) -> str | None:
    """Say what is wrong with an address, if anything is."""
    if not is_email(address) or len(address) not in _ADDRESS_LENGTH:
        return f"is {quoted(address, _SHOWN)}, which is no e-mail address"
    if not address.isascii():  # guard: no letters that only look like others
        return (
            f"is {quoted(address, _SHOWN)}, with letters that may only look like others; written"
            f" plainly it is {quoted(_plain(address), _SHOWN)}: ask the person which one is meant"
        )
    return None


def _plain(address: str) -> str:
    """Spell an address in ASCII, as mail servers do, so that a letter of another alphabet shows."""
    name, _, domain = address.rpartition("@")
    try:
        domain = domain.encode("idna").decode("ascii")
    except UnicodeError:
        domain = ascii(domain)[1:-1]
    return f"{ascii(name)[1:-1]}@{domain}"


def _lines(text: str) -> str:
    """Clean a message, line by line."""
    return "\n".join(clean(line, len(line) + 1) for line in text.splitlines()).strip()


def _check_room(mail: dict[str, Any]) -> None:
    """Refuse more addresses than a person can read in the statement.

    Raises:
        CallerError: they are too many, or too long together.
    """
    number = len(mail["recipients"]) + len(mail["cc"])
    too_long = addresses_width(mail) > ADDRESSES_ROOM
    if too_long or number > MOST_ADDRESSES:  # guard: whoever gets the mail is read in full
        raise CallerError(
            f"A mail goes to at most {MOST_ADDRESSES} addresses, copies among them, of no more than"
            f" {ADDRESSES_ROOM} characters together, so that the person can read them all.",
            code="too_many_recipients",
            remedy="Mail them in parts, one call after the other.",
        )


def _check_number(ids: Sequence[str], selection_id: str | None) -> None:
    """Refuse more invoices than one mail holds: they are never divided without a word.

    Raises:
        CallerError: there are more.
    """
    if len(ids) > MOST_MAILED:
        reason = "one package that the person can send"
        by_zip = NextCall("download_invoices_zip", {"selection_id": selection_id}, reason)
        raise CallerError(
            f"A mail takes at most {MOST_MAILED} invoices; these are {len(ids)}.",
            code="too_many_invoices",
            remedy="Mail them in parts, such as month by month, each of which the person agrees to;"
            " or make one package with download_invoices_zip, for the person to send.",
            next_calls=(by_zip,) if selection_id else (),
        )
