"""What this machine's journal says is still open in these books."""

from collections.abc import Iterator

from beel_mcp.api.company import Account
from beel_mcp.cli.doctor.findings import Finding, well
from beel_mcp.settings import Sentence, Settings
from beel_mcp.writes.journal.database import JournalError
from beel_mcp.writes.journal.journal import Journal
from beel_mcp.writes.journal.records import utc_now


def look_for_unsettled(settings: Settings, account: Account) -> Iterator[Finding]:
    """Count the writes nobody knows the outcome of; a journal that cannot be read was told."""
    journal = Journal(settings.state_dir, utc_now)
    try:
        unsettled = len(journal.open_operations(account))
    except (JournalError, OSError):
        return
    finally:
        journal.close()
    if not unsettled:
        yield well("journal", "no write is unsettled", "ningún cambio quedó a medias")
        return
    yield Finding(
        "journal",
        Sentence(
            f"writes of unknown outcome, or running right now: {unsettled}",
            f"cambios en curso o de resultado desconocido: {unsettled}",
        ),
        "finding",
        Sentence(
            "Ask the assistant to look with check_operation, which only reads.",
            "Pida al asistente que lo mire con check_operation, que solo lee.",
        ),
    )
