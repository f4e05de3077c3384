"""The statement of a mail: every address in full, how many invoices, what they add up to."""

from collections.abc import Mapping, Sequence
from datetime import date
from decimal import Decimal
from typing import Any, Final

from beel_mcp.cleaning import Said, joined, mask_iban, one_word, quoted, replace_ibans, width
from beel_mcp.language import localized, plural
from beel_mcp.settings import Language
from beel_mcp.writes.consent.statement import LONGEST, compose, day_of, money
from beel_mcp.writes.journal.plan import Affected, Preview

# What all addresses together may take: the sentence has other things to say, and cuts none of them.
ADDRESSES_ROOM: Final = 300
REMARKS_ROOM: Final = 190
_NUMBER_LIMIT: Final = 30
_NAME_LIMIT: Final = 40
# Of subject and message: as much as fits, but never less than this.
_SHOWN: Final = ((120, 120), (80, 60), (60, 20))


def mail_statement(
    environment: str, preview: Preview, mail: Mapping[str, Any], language: Language
) -> str:
    """Put it together; what is cut is what the mail says, and never to whom."""
    labels = [_label(invoice, language) for invoice in preview.affected]
    undo = localized(
        language, en="A mail cannot be taken back.", es="Un correo enviado no se puede retirar."
    )
    text = ""
    for subject_limit, message_limit in _SHOWN:
        says = _says(mail, subject_limit, message_limit, language)
        opening = f"{_what(preview.affected, language)} {_to(mail, language)}{says}"
        text = compose(
            environment,
            opening,
            preview,
            [undo],
            language,
            labels=labels,
            remarks_room=REMARKS_ROOM,
        )
        if width(text) <= LONGEST:
            break
    return text


def addresses_width(mail: Mapping[str, Any]) -> int:
    """Measure what the addresses of a mail take in its statement."""
    every = [*mail.get("recipients", ()), *mail.get("cc", ())]
    return sum(width(_shown(address)) + len(", ") for address in every)


def _what(invoices: Sequence[Affected], language: Language) -> str:
    """Count the invoices, with what they add up to, their numbers and their days."""
    number = len(invoices)
    total = money(sum((Decimal(one.facts["total"]) for one in invoices), Decimal()), language)
    which = f" ({_range(invoices, language)})" if number > 1 else ""
    return localized(
        language,
        en=f"mail {number} {plural(number, 'invoice', 'invoices')} for {total}{which}",
        es=f"enviar por correo {number} {plural(number, 'factura', 'facturas')} por {total}{which}",
    )


def _range(invoices: Sequence[Affected], language: Language) -> str:
    """Name the first and the last, by day and then by number."""
    in_order = sorted(invoices, key=lambda one: (one.facts["date"], one.identifier))
    first, last = in_order[0], in_order[-1]
    days = [day_of(date.fromisoformat(one.facts["date"]), language) for one in (first, last)]
    numbers = [one_word(one.identifier, _NUMBER_LIMIT) for one in (first, last)]
    return localized(
        language,
        en=f"from {numbers[0]} of {days[0]} to {numbers[1]} of {days[1]}",
        es=f"de la {numbers[0]}, del {days[0]}, a la {numbers[1]}, del {days[1]}",
    )


def _to(mail: Mapping[str, Any], language: Language) -> str:
    to, copies = (
        ", ".join(_shown(address) for address in mail.get(name, ()))
        for name in ("recipients", "cc")
    )
    if not copies:
        return localized(language, en=f"to {to}", es=f"a {to}")
    return localized(
        language, en=f"to {to}, with a copy to {copies}", es=f"a {to}, con copia a {copies}"
    )


def _says(
    mail: Mapping[str, Any], subject_limit: int, message_limit: int, language: Language
) -> str:
    """Show what the mail says, or that the words are BeeL's."""
    subject, message = (
        replace_ibans(mail.get(name, ""), mask_iban) for name in ("subject", "message")
    )
    shown = quoted(subject, subject_limit) if subject else ""
    parts = [
        localized(language, en=f"subject {shown}", es=f"asunto {shown}")
        if shown
        else localized(language, en="with BeeL's own subject", es="con el asunto de BeeL")
    ]
    if message:
        text, length = quoted(message, message_limit), len(mail["message"])
        parts.append(
            localized(
                language,
                en=f"message {text} ({length} characters)",
                es=f"mensaje {text} ({length} caracteres)",
            )
        )
    return "".join(f", {part}" for part in parts)


def _shown(address: str) -> str:
    """Show an address in full: none is longer than BeeL takes."""
    return quoted(address, 255)


def _label(invoice: Affected, language: Language) -> str:
    return joined(
        one_word(invoice.identifier, _NUMBER_LIMIT) if invoice.identifier else None,
        quoted(invoice.name, _NAME_LIMIT) if invoice.name else None,
        Said(money(Decimal(invoice.facts["total"]), language)),
    )
