"""What the doctor found: a fact, and for a fault what to do about it."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Literal

from beel_mcp.settings import Sentence

Topic = Literal[
    "installation",
    "settings",
    "files_folder",
    "import_folders",
    "state_folder",
    "journal",
    "key",
    "beel",
    "company",
    "scopes",
    "routes",
    "clock",
]
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
    """One thing looked at. Without a fault all is well; with one, the remedy is one line."""

    topic: Topic
    fact: Sentence
    fault: Fault | None = None
    remedy: Sentence | None = None


def well(topic: Topic, en: str, es: str) -> Finding:
    """Report something that is as it should be."""
    return Finding(topic, Sentence(en, es))


def exit_code(findings: Sequence[Finding]) -> int:
    """Give 0 for well, 1 for a finding, 2 for settings, 3 for the environment; the highest."""
    return max(_EXIT_CODES[one.fault] for one in findings)
