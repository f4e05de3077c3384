"""What Windows makes of names and paths, held against Python's own rules for Windows."""

import ntpath
from pathlib import PureWindowsPath

import pytest
from hypothesis import given
from hypothesis import strategies as st

from beel_mcp.files.portable_names import is_windows_name, leads_away, long_path

FOLDERS = (PureWindowsPath(r"C:\Users\ana\BeeL"), PureWindowsPath(r"\\srv\gestoria\listas"))
NAME = st.text(st.sampled_from("aé .:\\/<>|?*~\0\n1$"), max_size=8) | st.builds(
    "{}{}{}".format,
    st.sampled_from(["CON", "nul", "Aux", "COM1", "lpt9", "conin$", "prn", "COM¹", "console"]),
    st.sampled_from(["", " ", ".csv", " .csv", "x"]),
    st.sampled_from(["", ".", " ", ":b", ".xlsx"]),
)
STRANGERS = [
    *(r"\\evil\share\a.csv", "//evil/share/a.csv", r"/\evil\share\a.csv", r"\\evil@80\x\a.csv"),
    *(r"\\.\COM1", r"\\?\C:\Users\ana\BeeL\a.csv", r"\\?\UNC\evil\share\a.csv", r"\\srv\other\a"),
]


def is_reserved(name: str) -> bool:
    known = getattr(ntpath, "isreserved", None)  # since Python 3.13, which deprecates the other
    return known(name) if known else PureWindowsPath(name).is_reserved()


@given(NAME)
def test_a_name_that_is_taken_is_that_of_one_file_by_the_rules_of_windows(name: str) -> None:
    if is_windows_name(name):
        assert not is_reserved(name)
        assert PureWindowsPath(r"C:\BeeL", name).parts == ("C:\\", "BeeL", name)
        assert ntpath.splitdrive(name)[0] == ""
        assert ":" not in name
        assert name == name.rstrip(" .")


def test_names_that_people_give_their_lists_are_taken() -> None:
    names = ("clientes.csv", "Año 2026 (ñ).xlsx", "~$a.xlsx", "conta.csv", "com10.csv", ".oculto")
    assert [name for name in names if not is_windows_name(name)] == []
    others = ("NUL.csv", "con", "a.csv:b", "a.csv::$DATA", "a.csv.", "a.csv ", "com1 .csv", "")
    assert [name for name in others if is_windows_name(name)] == []


@pytest.mark.parametrize("path", STRANGERS)
def test_another_machine_or_a_device_is_not_even_asked(path: str) -> None:
    assert leads_away(path, FOLDERS)


def test_what_the_operator_named_may_lie_on_another_machine() -> None:
    for path in (
        r"\\srv\gestoria\listas\a.csv",
        r"\\SRV\Gestoria\listas\2026\a.csv",
        r"C:\x\a.csv",
    ):
        assert not leads_away(path, FOLDERS), path
    assert not leads_away("a.csv", FOLDERS)


PART = st.text(st.sampled_from("ab é.1~"), min_size=1, max_size=90).filter(is_windows_name)


@given(st.sampled_from(["C:\\", "d:\\", "\\\\srv\\share\\"]), st.lists(PART, max_size=6))
def test_a_long_path_is_the_same_path(anchor: str, parts: list[str]) -> None:
    path = ntpath.join(anchor, *parts)
    spelt = long_path(path)
    assert long_path(spelt) == spelt
    assert spelt.startswith("\\\\?\\")
    plain = spelt[4:]
    assert plain == path or "\\" + plain[3:] == path  # \\?\UNC\srv\share
    assert long_path(path.replace("\\", "/")) == spelt
