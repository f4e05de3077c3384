"""What goes wrong with a call of the machine: on the wire, in BeeL, or with the process itself."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Final

from tests.support.machine.beel import Fault
from tests.support.machine.process import Death

WELL: Final = "well"
ON_THE_WAY: Final[Mapping[str, Fault]] = {
    "never left": Fault("never left"),
    "never left, three times": Fault("never left", times=3),
    "lost before": Fault("reset"),
    "lost after": Fault("reset", committed=True),
    "timed out before": Fault("timeout"),
    "timed out after": Fault("timeout", committed=True),
    "lost twice after": Fault("reset", committed=True, times=2),
    "late": Fault("late"),
    "500 kept before": Fault("fail"),
    "500 kept after": Fault("fail", committed=True),
    "500 before": Fault("spoil", how="500"),
    "500 after": Fault("spoil", committed=True, how="500"),
    "502 after": Fault("spoil", committed=True, how="502 in HTML"),
    "503 before": Fault("spoil", how="503"),
    "empty 200 before": Fault("spoil", how="empty 200"),
    "empty 200 after": Fault("spoil", committed=True, how="empty 200"),
    "429": Fault("spoil", how="429, in 1 s"),
    "429 always": Fault("spoil", how="429, in 1 s", times=9),
    "key in use": Fault("spoil", how="409, key in use"),
    "404 of a proxy": Fault("spoil", how="404 in HTML"),
    "killed before": Fault("kill"),
    "killed after": Fault("kill", committed=True),
    "others meanwhile": Fault("meanwhile"),
    "reads lost": Fault("reset", on="all", times=3),
    "reads time out": Fault("timeout", on="all", times=9),
    "reads fail": Fault("spoil", how="500", on="all", times=9),
    "killed at a read": Fault("kill", on="all"),
    "others between reads": Fault("meanwhile", on="all"),
}
DEATHS: Final[Mapping[str, Death]] = {
    f"killed {moment}": Death(moment, 0)
    for moment in ("before a record", "half way", "after a record")
}
# Most calls go well: a machine in which nothing ever comes about would prove little.
WRONGS: Final = (*(WELL,) * 16, *ON_THE_WAY, *DEATHS)


def fault_of(wrong: str, after: int) -> Fault | None:
    """Make the fault of this name, for the request after so many that go well."""
    fault = ON_THE_WAY.get(wrong)
    if fault is None:
        return None
    return replace(fault, after=after if fault.on == "all" else after % 2)


def death_of(wrong: str, nth: int) -> Death | None:
    death = DEATHS.get(wrong)
    return replace(death, nth=nth) if death else None
