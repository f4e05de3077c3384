"""What is doubtful about a mail: invoices that went to the same address before, odd addresses."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any, Final

from beel_mcp.cleaning import quoted, replace_ibans
from beel_mcp.language import Sentence
from beel_mcp.writes.consent.statement import moment_of
from beel_mcp.writes.journal.records import RowRecord, Sending, WriteRow
from beel_mcp.writes.journal.remarks import Remark

# How the letters of other alphabets are spelt in the name of a domain.
ENCODED: Final = "xn--"
_MOST_TOLD: Final = 2
_ADDRESS_LIMIT: Final = 80


def mail_remarks(
    mail: Mapping[str, Any], invoice_ids: Collection[str], sendings: Sequence[Sending]
) -> tuple[Remark, ...]:
    """Say what of a mail was sent within a day, or may have been, and what is odd about it."""
    addresses = [*mail.get("recipients", ()), *mail.get("cc", ())]
    found = [one for sending in sendings for one in _earlier(sending, addresses, invoice_ids)]
    odd = [*_of_addresses(addresses), *_of_message(mail.get("message", ""))]
    return (*found[:_MOST_TOLD], *odd)


def known_mails(sendings: Sequence[Sending]) -> set[str]:
    """Give the ids of the mails that our operations are known to have sent."""
    return {
        row.facts["email_id"]
        for sending in sendings
        for row in sending.rows
        if isinstance(row, RowRecord) and "email_id" in row.facts
    }


def _earlier(
    sending: Sending, addresses: Sequence[str], invoice_ids: Collection[str]
) -> Iterator[Remark]:
    """Remark that the same invoices went to one of the addresses, each of which once."""
    went_to = {address.lower() for row in sending.rows for address in _addresses_of(row)}
    same = [address for address in addresses if address.lower() in went_to]
    number = sum(_is_of(row, invoice_ids) for row in sending.rows)
    if same and number:
        yield Remark.said(
            "recipients",
            "mailed_before" if sending.is_certain else "maybe_mailed",
            "",
            number=str(number),
            to=quoted(same[0], _ADDRESS_LIMIT),
            when=Sentence(en=moment_of(sending.at, "en"), es=moment_of(sending.at, "es")),
        )


def _is_of(row: WriteRow | RowRecord, invoice_ids: Collection[str]) -> bool:
    has_left = not isinstance(row, RowRecord) or row.verdict == "done"
    return has_left and row.record_id.lower() in invoice_ids


def _addresses_of(row: WriteRow | RowRecord) -> Sequence[str]:
    if isinstance(row, RowRecord):
        return row.facts.get("to", "").split(", ")
    return [*row.payload.get("recipients", ()), *row.payload.get("cc", ())]


def _of_addresses(addresses: Sequence[str]) -> Iterator[Remark]:
    for address in addresses:
        if ENCODED in address.lower():
            shown = quoted(address, _ADDRESS_LIMIT)
            yield Remark.said("recipients", "address_encoded", "", address=shown)


def _of_message(message: str) -> Iterator[Remark]:
    if replace_ibans(message, lambda _: "") != message:
        yield Remark.said("message", "account_in_message", "")
