"""The statement of a plan: typed facts in fixed words, at most 900 characters."""

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime
from decimal import Decimal
from functools import cache
from typing import Final
from zoneinfo import ZoneInfo

from beel_mcp.api.company import Account
from beel_mcp.cleaning import Said, clean, one_word, quoted, width
from beel_mcp.language import localized, plural
from beel_mcp.messages import read_data
from beel_mcp.settings import Language
from beel_mcp.writes.journal.plan import Affected, Difference, LeftOutCode, Preview

LONGEST: Final = 900
_SPANISH_POINTS: Final = str.maketrans(",.", ".,")
NAME_LIMIT: Final = 60
LABEL_LIMIT: Final = 120
NUMBER_LIMIT: Final = 30
REMARKS_ROOM: Final = 330
_ENVIRONMENTS: Final[Mapping[str, tuple[str, str]]] = {
    "sandbox": ("SANDBOX", "SIMULACIÓN"),
    "test": ("TEST", "PRUEBAS"),
    "live": ("LIVE", "REAL"),
}


def environment_label(account: Account, company: str | None, language: Language) -> str:
    """Name environment and company; a company that is not known is told by its key."""
    english, spanish = _ENVIRONMENTS[account.environment]
    label = company or localized(
        language,
        en=f"company of this key …{account.key_fingerprint[-4:]}",
        es=f"empresa de esta clave …{account.key_fingerprint[-4:]}",
    )
    return f"{localized(language, en=english, es=spanish)} · {clean(label, LABEL_LIMIT)}"


def compose(
    environment: str,
    opening: str,
    preview: Preview,
    ending: Sequence[str],
    language: Language,
    *,
    labels: Sequence[str] | None = None,
    remarks_room: int = REMARKS_ROOM,
) -> str:
    """Put the statement together; as many records stand in it as fit, by name unless labelled."""
    head = f"{environment}: {opening}: "
    last = (_remarks(preview, remarks_room, language), _left_out(preview, language))
    tail = "".join(f" {part}" for part in (*ending, *last) if part)
    every = labels or [named(affected) for affected in preview.affected]
    separator = "; " if labels else ", "  # a label has commas of its own
    room = LONGEST - width(head) - width(tail) - 1
    names = _names(every, room, separator, language)
    return f"{head}{names}.{tail}"


def day_of(day: date, language: Language) -> str:
    """Write a day as the person does."""
    return localized(language, en=day.isoformat(), es=f"{day:%d/%m/%Y}")


def in_madrid(moment: datetime) -> datetime:
    """Give a moment by the clock of a bookkeeper in Spain."""
    return moment.astimezone(ZoneInfo("Europe/Madrid"))


def moment_of(at: float, language: Language) -> str:
    """Write a moment as the person does, with its day."""
    moment = in_madrid(datetime.fromtimestamp(at, UTC))
    day = day_of(moment.date(), language)
    return localized(language, en=f"{day} at {moment:%H:%M}", es=f"{day} a las {moment:%H:%M}")


def money(amount: Decimal, language: Language) -> str:
    """Write euros as the person does."""
    sign, text = "-" if amount < 0 else "", f"{abs(amount):,.2f}"
    return localized(language, en=f"{sign}€{text}", es=f"{sign}{text.translate(_SPANISH_POINTS)} €")


def again_words(number: int, language: Language) -> str:
    """Say that what is marked as inactive can be made active again."""
    return localized(
        language,
        en=f"{plural(number, 'It', 'They')} can be made active again.",
        es=f"Se {plural(number, 'puede', 'pueden')} volver a activar.",
    )


def inactive_es(number: int) -> str:
    """Say in Spanish that customers are marked as inactive; "dar de baja" would be to remove."""
    return f"marcar como {plural(number, 'inactivo', 'inactivos')} {number} " + plural(
        number, "cliente", "clientes"
    )


def named(affected: Affected) -> Said:
    """Give what a person knows a record by."""
    name = quoted(affected.name, NAME_LIMIT)
    number = affected.identifier and one_word(affected.identifier, NUMBER_LIMIT)
    return Said(f"{name} ({number})") if number else name


def _names(labels: Sequence[str], room: int, separator: str, language: Language) -> str:
    names: list[str] = []
    for number, label in enumerate(labels, 1):
        names.append(label)
        if width(_joined(names, len(labels) - number, separator, language)) > room:
            names.pop()
            break
    return _joined(names, len(labels) - len(names), separator, language)


def _joined(names: Sequence[str], more: int, separator: str, language: Language) -> str:
    listed = separator.join(names)
    if not names:
        return localized(language, en=f"{more} in all", es=f"{more} en total")
    return (
        listed + localized(language, en=f" and {more} more", es=f" y {more} más")
        if more
        else listed
    )


def _remarks(preview: Preview, room: int, language: Language) -> str:
    """Say what is doubtful; none is cut, and those that find no room are counted."""
    remarks = preview.remarks
    if not remarks:
        return ""
    shown: list[str] = []
    for one in remarks:
        words = one.text(language, len(preview.affected)).rstrip(".")
        words = _without_capital(words)
        if width("; ".join([*shown, words])) > room:
            break
        shown.append(words)
    more = len(remarks) - len(shown)
    single, several = localized(language, en="Remark Remarks", es="Aviso Avisos").split()
    if more:
        word = plural(more, single, several).lower()
        also = localized(language, en=f"{more} more {word}", es=f"{more} {word} más")
        shown.append(f"{localized(language, en='and ', es='y ') if shown else ''}{also}")
    return f"{plural(len(remarks), single, several)}: {'; '.join(shown)}."


def _without_capital(text: str) -> str:
    """Let a sentence go on behind a colon; what is written in capitals stays so."""
    return text[:1].lower() + text[1:] if text[1:2].islower() and text[:4] != "BeeL" else text


def _left_out(preview: Preview, language: Language) -> str:
    """Say what was asked for and will not be touched."""
    codes = [record.code for record in preview.left_out]
    if not codes:
        return ""
    reasons = [
        f"{number} {left_out_words(code, number, language)}"
        for code, number in Counter(codes).items()
    ]
    opening = localized(
        language, en="Left out", es="Queda fuera" if len(codes) == 1 else "Quedan fuera"
    )
    return f"{opening}: {', '.join(reasons)}."


def left_out_words(code: LeftOutCode, number: int, language: Language) -> str:
    """Say why records are left out, behind their number."""
    reasons = _words()["left_out"]
    words = reasons.get(code, reasons["refused"])
    if language == "es" and number != 1:
        return words.get("es_several", words["es"])
    return words[language]


def difference_words(code: Difference, language: Language) -> str:
    """Say how a record is not as it was shown, behind its name."""
    return _words()["difference"][code][language]


@cache
def _words() -> dict[str, dict[str, dict[str, str]]]:
    return read_data("plan_words")
