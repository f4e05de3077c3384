"""What a check can find: the table data/doctor.toml has the words, and who is to mend it."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal

from beel_mcp.language import Sentence
from beel_mcp.messages import words_of

# Who is to look at it: whoever uses BeeL, whoever wrote the settings, whoever has the machine.
Fault = Literal["finding", "settings", "environment"]
# Where there are several, the first to mend decides: without network no setting can be judged.
_EXIT_CODES: Final[dict[Fault | None, int]] = {
    None: 0,
    "finding": 1,
    "settings": 2,
    "environment": 3,
}


@dataclass(frozen=True)
class Finding:
    """The result of one check: passed, with a fault, or with a remark, which forbids nothing.

    The remedy of a fault or a remark is one line; what passed has none.
    """

    topic: str
    fact: Sentence
    fault: Fault | None
    remedy: Sentence | None

    @property
    def is_remark(self) -> bool:
        return self.fault is None and self.remedy is not None

    def title(self) -> Sentence:
        return Sentence(**words_of("doctor")[self.topic]["title"])


def finding(code: str, topic: str | None = None, **facts: object) -> Finding:
    """Make the finding topic.name of the table; some belong to several topics."""
    group, _, name = code.partition(".")
    row: dict[str, Any] = words_of("doctor")[group][name]
    remedy = Sentence.filled(row["remedy"], facts) if "remedy" in row else None
    return Finding(topic or group, Sentence.filled(row["fact"], facts), row.get("fault"), remedy)


def exit_code(findings: Sequence[Finding]) -> int:
    """Give 0 for well, 1 for a finding, 2 for settings, 3 for the environment; the highest."""
    return max(_EXIT_CODES[one.fault] for one in findings)
