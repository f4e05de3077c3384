"""Paths as people and systems give them are understood inside the import folders alone."""

import unicodedata
from pathlib import Path
from urllib.parse import quote

import pytest

from beel_mcp.errors import CallerError
from beel_mcp.files.import_file import read_import_file
from tests.support.cases import Cases
from tests.support.systems.marks import HAS_FOLDER_DESCRIPTORS

NAME = "Año 2026 (más).csv"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "Números"
    made.mkdir()
    (made / NAME).write_bytes(b"uno")
    (tmp_path / "secret.csv").write_bytes(b"secret")
    return made


def written(path: str) -> list[str]:
    """Write a path as the Explorer, the Finder, a shell, a browser and a chat give it."""
    address = quote(path)
    return [
        *(path, f'"{path}"', f"'{path}'", f"`{path}`", f"\u201c{path}\u201d", f"<{path}>"),
        *(f"  {path} \n", f"\u202a{path}", f'\ufeff "{path}" ', f"\xa0{path}"),
        *(f"file://{address}", f"file:{address}", f"file://localhost{address}", f"FILE://{path}"),
        *(f'"file://{address}"', path.replace(" ", "\\ ").replace("(", "\\(").replace(")", "\\)")),
        *(unicodedata.normalize(form, path) for form in ("NFC", "NFD")),
        quote(f"file://{unicodedata.normalize('NFD', path)}", safe=":/"),
    ]


def test_a_file_is_found_however_its_path_is_written(folder: Path) -> None:
    with Cases() as cases:
        for path in written(str(folder / NAME)):
            with cases.one(ascii(path)):
                assert read_import_file(path, [folder]) == b"uno"
        for path in (f'"{NAME}"', f" {NAME}", unicodedata.normalize("NFD", NAME)):
            with cases.one(ascii(path)):
                assert read_import_file(path, [folder]) == b"uno"


def test_a_name_with_decomposed_accents_on_disk_is_found_by_composed_ones(folder: Path) -> None:
    name = unicodedata.normalize("NFD", "Peña.csv")
    (folder / name).write_bytes(b"dos")
    assert read_import_file("Peña.csv", [folder]) == b"dos"
    assert read_import_file(str(folder / "Peña.csv"), [folder]) == b"dos"


def test_the_address_of_a_saved_file_is_its_name_in_the_files_folder(folder: Path) -> None:
    for address in (f"beel://files/{quote(NAME, safe='')}", f"beel://files/{NAME}"):
        assert read_import_file(address, [folder], files_dir=folder) == b"uno"
    for stray in ("../secret.csv", "..%2Fsecret.csv", "%2e%2e/secret.csv", "", "..", "a%00.csv"):
        with pytest.raises(CallerError):
            read_import_file(f"beel://files/{stray}", [folder], files_dir=folder)


def test_the_files_folder_is_no_import_folder_by_its_address(folder: Path, tmp_path: Path) -> None:
    with pytest.raises(CallerError) as caught:
        read_import_file("beel://files/secret.csv", [folder], files_dir=tmp_path)
    assert caught.value.code == "path_not_allowed"


def test_nothing_outside_is_read_however_its_path_is_written(folder: Path, tmp_path: Path) -> None:
    with Cases() as cases:
        outside = str(tmp_path / "secret.csv")
        for path in (
            *written(outside),
            f"file://{folder}/../secret.csv",
            f'"{folder}/../secret.csv"',
        ):
            with cases.one(ascii(path)), pytest.raises(CallerError) as caught:
                read_import_file(path, [folder])
            assert caught.value.code == "path_not_allowed"


@pytest.mark.parametrize(
    ("path", "what"),
    [
        ("https://example.com/clientes.csv", "an address on the web"),
        ("file://server/share/clientes.csv", "a file on another machine"),
        ("sandbox:/mnt/data/clientes.csv", "an address, not a file"),
        ("data:text/csv;base64,AAAA", "an address, not a file"),
        ("beel://batches/bat_1", "a list that was read before"),
    ],
)
def test_what_is_no_path_is_refused_as_what_it_is(folder: Path, path: str, what: str) -> None:
    with pytest.raises(CallerError) as caught:
        read_import_file(path, [folder])
    assert what in caught.value.message
    assert caught.value.remedy


@pytest.mark.parametrize(
    "path", ["C:\\Users\\ana\\c.csv", "file:///C:/Users/ana/c.csv", "\\\\nas\\c\\c.csv"]
)
def test_a_path_of_windows_is_named_as_one_where_there_is_none(folder: Path, path: str) -> None:
    with pytest.raises(CallerError) as caught:
        read_import_file(path, [folder])
    assert "a path of Windows" in caught.value.message


def test_a_file_whose_name_looks_like_an_address_or_has_quotes_is_itself(folder: Path) -> None:
    names = ["'uno'.csv", " dos.csv", "50%20.csv"]
    names += ["informe: clientes.csv"] * HAS_FOLDER_DESCRIPTORS  # no name on Windows has a colon
    for name in names:
        (folder / name).write_bytes(name.encode())
        assert read_import_file(name, [folder]) == name.encode()
