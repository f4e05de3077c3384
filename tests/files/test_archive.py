"""A ZIP from elsewhere: what is whole is read, anything else is refused, and memory stays flat."""

import io
import random
import struct
import subprocess
import sys
import tempfile
import tracemalloc
import zipfile
import zlib
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import BinaryIO

import pytest
from hypothesis import given
from hypothesis import settings as tuned
from hypothesis import strategies as st

from beel_mcp.files import zip_check as module
from beel_mcp.files.zip_check import Archive, BadArchiveError
from tests.support.crafted_zips import PDF, Entry, craft, end_record, listed, local_header

ONE = Entry()
TWO = Entry(name=b"factura_F26-0002.pdf", content=PDF + b"two")
STORED = Entry(method=0)
GOOD = craft(ONE, TWO)
CRC, PACKED, UNPACKED = zlib.crc32(PDF), len(ONE.data), len(PDF)
STREAMED = ONE.both(flags=8)
NOTHING_YET = {"crc": 0, "packed": 0, "unpacked": 0, "flags": 8}
WIDE = {"packed": 0xFFFFFFFF, "unpacked": 0xFFFFFFFF}


def zipped(name: str = "x.pdf", content: bytes = PDF, **options: int) -> bytes:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", **options) as archive:
        archive.writestr(name, content)
    return made.getvalue()


def overlapping() -> bytes:
    """Write a file whose second line in the directory means the first entry's bytes again."""
    body = local_header(ONE) + ONE.data
    lines = listed(ONE, 0) + listed(replace(ONE, name=b"b.pdf"), 0)
    return body + lines + end_record(here=2, total=2, length=len(lines), start=len(body))


def inside() -> bytes:
    """Write an entry whose data are another entry, header and all."""
    inner = local_header(STORED) + PDF
    outer = Entry(name=b"outer.pdf", method=0, content=PDF + inner)
    head = local_header(outer)
    lines = listed(outer, 0) + listed(STORED, len(head) + len(PDF))
    body = head + PDF + inner
    return body + lines + end_record(here=2, total=2, length=len(lines), start=len(body))


def wide_end(entries: int) -> bytes:
    """Write an end in eight bytes each, and its locator."""
    return struct.pack("<4sQ2H2L4Q", b"PK\x06\x06", 44, 45, 45, 0, 0, entries, entries, 99, 0) + (
        struct.pack("<4sLQL", b"PK\x06\x07", 0, len(GOOD), 1)
    )


def zeros(size: int) -> Entry:
    return Entry(content=b"%PDF-" + bytes(size))


CORPUS: dict[str, bytes] = {
    # No ZIP at all
    "nothing": b"",
    "a magic number": b"PK\x03\x04",
    "a page": b"<!doctype html><title>Error</title>",
    "a PDF": PDF,
    "zeros": bytes(1_000),
    "an empty ZIP": end_record(here=0, total=0, length=0, start=0),
    # Cut, or something added
    **{f"cut after {part} of 8": GOOD[: len(GOOD) * part // 8] for part in range(1, 8)},
    "a byte short": GOOD[:-1],
    "no end record": GOOD[:-22],
    "a byte behind": GOOD + b"\0",
    "a line behind": GOOD + b"\r\n",
    "a script behind": GOOD + b"<script>",
    "a script before": b"#!/bin/sh\n" + GOOD,
    "a program before, places right": craft(replace(ONE, before=b"MZ" + bytes(64)), TWO),
    "something between entries": craft(ONE, replace(TWO, before=b"hidden")),
    "a hidden entry": craft(ONE, replace(TWO, before=local_header(ONE) + ONE.data)),
    "something before the directory": craft(ONE, TWO, between=b"hidden"),
    "something behind the directory": craft(ONE, TWO, behind=b"hidden"),
    "two in one": GOOD + GOOD,
    "a comment": craft(ONE, comment=b"hello"),
    "an end in the comment": craft(
        ONE, comment=end_record(here=0, total=0, length=0, start=0)
    ),
    # The end record lies
    "another magic": craft(ONE, magic=b"PK\x05\x07"),
    "one entry too few": craft(ONE, TWO, here=1, total=1),
    "one entry too many": craft(ONE, here=2, total=2),
    "counts differ": craft(ONE, TWO, here=1, total=2),
    "65,535 entries": craft(ONE, here=65_535, total=65_535),
    "another disk": craft(ONE, disk=1),
    "begins on another disk": craft(ONE, start_disk=1),
    "the directory begins later": craft(ONE, start=len(local_header(ONE) + ONE.data) + 1),
    "the directory begins at 0": craft(ONE, start=0),
    "the directory begins nowhere": craft(ONE, start=0xFFFFFFFF),
    "the directory is shorter": craft(ONE, length=46),
    "the directory is longer": craft(ONE, length=5_000),
    "a wide end": craft(ONE, behind=wide_end(1)),
    "a wide end that lies": craft(ONE, behind=wide_end(10**9)),
    # Entries that are no files, or not to be opened
    "encrypted": craft(ONE.both(flags=1)),
    "strongly encrypted": craft(ONE.both(flags=0x41)),
    "a patch": craft(ONE.both(flags=0x20)),
    **{
        f"method {method}": craft(replace(ONE, method=method, packed=PDF))
        for method in (1, 6, 9, 12, 14, 93, 98, 99)
    },
    "bzip2 that is bzip2": zipped(compression=zipfile.ZIP_BZIP2),
    "lzma that is lzma": zipped(compression=zipfile.ZIP_LZMA),
    "a link": craft(replace(ONE, listed={"attributes": 0o120777 << 16})),
    "a device": craft(replace(ONE, listed={"attributes": 0o020666 << 16})),
    "a pipe": craft(replace(ONE, listed={"attributes": 0o010666 << 16})),
    "a folder": craft(replace(ONE, name=b"a/")),
    "a folder by its mode": craft(replace(ONE, listed={"attributes": 0o040755 << 16})),
    "no name": craft(replace(ONE, name=b"")),
    "half a name": craft(replace(ONE, name=b"a.pdf\0.exe")),
    "a name that is no text": craft(replace(ONE, name=b"\xff\xfe.pdf").both(flags=0x800)),
    # Two of a name
    "a name twice": craft(ONE, replace(TWO, name=ONE.name)),
    "a name in capitals": craft(ONE, replace(TWO, name=ONE.name.upper())),
    "a name composed otherwise": craft(
        replace(ONE, name="ñ.pdf".encode()).both(flags=0x800),
        replace(TWO, name="n\u0303.pdf".encode()).both(flags=0x800),
    ),
    # Entries over each other
    "the same bytes twice": overlapping(),
    "an entry in another": inside(),
    "entries in a row that overlap": craft(ONE, replace(TWO, listed={"offset": 10})),
    "an entry from nowhere": craft(ONE, replace(TWO, listed={"offset": 10**6})),
    # The header and the directory disagree
    "another name inside": craft(replace(ONE, local={"name": b"factura_F26-9999.pdf"})),
    "another method inside": craft(replace(ONE, local={"method": 0})),
    "other flags inside": craft(replace(ONE, local={"flags": 2})),
    "another sum inside": craft(replace(ONE, local={"crc": 1})),
    "another length inside": craft(replace(ONE, local={"unpacked": 1})),
    "another packed length inside": craft(replace(ONE, local={"packed": 1})),
    "no magic inside": craft(replace(ONE, local={"magic": b"PK\x03\x05"})),
    # The content is not what it should be
    "a wrong sum": craft(ONE.both(crc=1)),
    "a length too large": craft(ONE.both(unpacked=UNPACKED + 1)),
    "a length too small": craft(ONE.both(unpacked=UNPACKED - 1)),
    "packed longer than it is": craft(ONE.both(packed=PACKED + 1)),
    "packed shorter than it is": craft(ONE.both(packed=PACKED - 1)),
    "stored with two lengths": craft(STORED.both(packed=UNPACKED - 1)),
    "packed badly": craft(replace(ONE, packed=b"\xff" * 40)),
    "nothing in it": craft(Entry(content=b"")),
    "nothing in it, stored": craft(Entry(content=b"", method=0)),
    "a page in it": craft(Entry(content=b"<html>sign in</html>")),
    "a ZIP in it": craft(Entry(content=GOOD)),
    "a program in it": craft(Entry(content=b"MZ\x90\0" + PDF)),
    "a space before the PDF": craft(Entry(content=b" " + PDF)),
    "one good, one bad": craft(ONE, Entry(name=b"b.pdf", content=b"GIF89a")),
    # Descriptors
    "a descriptor that lies": craft(
        replace(STREAMED, descriptor=b"PK\x07\x08" + struct.pack("<3L", 1, PACKED, UNPACKED))
    ),
    "a descriptor of junk": craft(replace(STREAMED, descriptor=b"x" * 16)),
    "a descriptor nobody announced": craft(
        replace(ONE, descriptor=b"PK\x07\x08" + struct.pack("<3L", CRC, PACKED, UNPACKED))
    ),
    "a descriptor too long": craft(replace(STREAMED, descriptor=b"x" * 25)),
    "a half descriptor": craft(replace(STREAMED, descriptor=struct.pack("<L", CRC))),
    # Wide sizes that lie
    "wide without saying how": craft(replace(ONE, local=WIDE)),
    "wide and wrong inside": craft(
        replace(ONE, local={**WIDE, "extra": struct.pack("<2H2Q", 1, 16, 2**40, PACKED)})
    ),
    "wide and wrong in the directory": craft(
        replace(ONE, listed={**WIDE, "extra": struct.pack("<2H2Q", 1, 16, 2**40, PACKED)})
    ),
    "wide in the directory without saying how": craft(replace(ONE, listed=WIDE)),
    # Too much
    "a bomb": craft(zeros(30_000_000)),
    "a small bomb": craft(zeros(200_000)),
    "more than asked for": craft(*(Entry(name=b"%d.pdf" % n) for n in range(11))),
    "a directory of a million": bytes(46 * 30_000) + end_record(
        here=1, total=1, length=46 * 30_000, start=0
    ),
}  # fmt: skip


def look_through(body: bytes, most: int = 10) -> Archive:
    return whole(io.BytesIO(body), most)


def whole(file: BinaryIO, most: int = 10) -> Archive:
    archive = Archive(file, most)
    archive.read_through(archive.entries)
    return archive


def test_the_corpus_is_large_enough() -> None:
    assert len(CORPUS) >= 60
    assert len(set(CORPUS.values())) == len(CORPUS)


@pytest.mark.parametrize("kind", CORPUS)
def test_a_crafted_zip_is_refused_without_a_word_of_the_library(kind: str) -> None:
    with pytest.raises(BadArchiveError) as caught:
        look_through(CORPUS[kind])
    assert caught.value.code == "bad_archive"
    assert caught.value.changed == "nothing"
    assert "zipfile" not in caught.value.message


ON_DISK = ("a byte short", "a script behind", "a bomb", "an entry in another", "a wrong sum")


@pytest.mark.parametrize("kind", ON_DISK)
def test_a_crafted_zip_is_refused_on_a_real_disk_too(kind: str, tmp_path: Path) -> None:
    path = tmp_path / "answer"
    path.write_bytes(CORPUS[kind])
    with path.open("rb") as file, pytest.raises(BadArchiveError):
        whole(file)


def test_over_50_mb_is_refused_before_it_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MOST_BYTES", len(GOOD) - 1)
    with pytest.raises(BadArchiveError, match="too large"):
        look_through(GOOD)


def test_over_200_mb_unpacked_is_refused_before_it_is_unpacked(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(module, "MOST_UNPACKED", 2 * len(PDF))
    with pytest.raises(BadArchiveError, match="unpacked"):
        look_through(GOOD)


def via_pipe(name: str) -> bytes:
    """Write as programs do that cannot go back: sizes and sums come behind the content."""

    class Pipe(io.RawIOBase):
        def __init__(self) -> None:
            self.data = b""

        def writable(self) -> bool:
            return True

        def write(self, data: bytes) -> int:  # type: ignore[override]
            self.data += bytes(data)
            return len(data)

    pipe = Pipe()
    with zipfile.ZipFile(pipe, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(name, PDF)
    return pipe.data


def forced_wide() -> bytes:
    made = io.BytesIO()
    with (
        zipfile.ZipFile(made, "w") as archive,
        archive.open("x.pdf", "w", force_zip64=True) as stream,
    ):
        stream.write(PDF)
    return made.getvalue()


PRODUCERS: dict[str, Callable[[], bytes]] = {
    "stored": zipped,
    "deflated": lambda: zipped(compression=zipfile.ZIP_DEFLATED),
    "streamed": lambda: via_pipe("x.pdf"),
    "wide": forced_wide,
    "crafted": lambda: GOOD,
    "crafted, stored": lambda: craft(STORED),
    "an accent": lambda: zipped("factura ñ.pdf"),
    "no mode": lambda: craft(replace(ONE, listed={"attributes": 0})),
    "of Java": lambda: craft(
        replace(
            ONE,
            local=NOTHING_YET,
            listed={"flags": 8, "attributes": 0},
            descriptor=b"PK\x07\x08" + struct.pack("<3L", CRC, PACKED, UNPACKED),
        )
    ),
    "without the magic": lambda: craft(
        replace(
            ONE,
            local=NOTHING_YET,
            listed={"flags": 8},
            descriptor=struct.pack("<3L", CRC, PACKED, UNPACKED),
        )
    ),
    "with times in extra": lambda: craft(
        replace(ONE, local={"extra": b"UT\x05\0\x01abcd"}, listed={"extra": b"UT\x05\0\x01abcd"})
    ),
}


@pytest.mark.parametrize("producer", PRODUCERS)
def test_what_honest_programs_write_is_read_to_the_last_byte(producer: str) -> None:
    archive = look_through(PRODUCERS[producer]())
    first = b"".join(archive.read(archive.entries[0]))
    assert first == PDF


SYSTEM_ZIP = """
import subprocess, sys
subprocess.run(["zip", "-q", "-X", "-r", sys.argv[1], "x.pdf"], cwd=sys.argv[2], check=True)
"""


def test_what_info_zip_writes_is_read(tmp_path: Path) -> None:
    import shutil

    if not shutil.which("zip"):
        pytest.skip("Info-ZIP is not installed")
    (tmp_path / "x.pdf").write_bytes(PDF)
    made = tmp_path / "made.zip"
    subprocess.run(
        [sys.executable, "-c", SYSTEM_ZIP, str(made), str(tmp_path)], check=True, timeout=60
    )
    archive = look_through(made.read_bytes())
    assert b"".join(archive.read(archive.entries[0])) == PDF


@tuned(deadline=None, max_examples=300)
@given(st.data())
def test_a_changed_byte_is_refused_or_changes_nothing_that_is_used(data: st.DataObject) -> None:
    """Times, versions and modes may differ; names and contents may not."""
    place = data.draw(st.integers(0, len(GOOD) - 1))
    other = data.draw(st.integers(1, 255))
    body = GOOD[:place] + bytes([GOOD[place] ^ other]) + GOOD[place + 1 :]
    with tempfile.TemporaryFile() as file:
        file.write(body)
        try:
            archive = whole(file)
        except BadArchiveError:
            return
        found = {entry.filename: b"".join(archive.read(entry)) for entry in archive.entries}
    assert found == {ONE.name.decode(): ONE.content, TWO.name.decode(): TWO.content}


def shuffled(chance: random.Random) -> bytes:
    pieces = [local_header(ONE), ONE.data, listed(ONE, 0), b"PK\x07\x08" * 4, PDF, bytes(9)]
    pieces += [end_record(here=1, total=1, length=chance.randrange(300), start=9), GOOD, b"PK\x06"]
    return b"".join(chance.choices(pieces, k=chance.randrange(1, 9)))


@pytest.mark.parametrize("seed", range(20))
def test_pieces_of_zips_in_any_order_never_crash(seed: int, tmp_path: Path) -> None:
    chance = random.Random(seed)
    for _ in range(200):
        body = shuffled(chance)
        path = tmp_path / "answer"
        path.write_bytes(body)
        with path.open("rb") as file:
            try:
                archive = whole(file)
            except BadArchiveError:
                continue
            found = {b"".join(archive.read(entry)) for entry in archive.entries}
        assert found <= {ONE.content, TWO.content}


@pytest.mark.parametrize("kind", ["a bomb", "a directory of a million"])
def test_memory_stays_flat_whatever_a_zip_says_of_itself(kind: str) -> None:
    file = io.BytesIO(CORPUS[kind])
    tracemalloc.start()
    try:
        with pytest.raises(BadArchiveError):
            whole(file)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 2_000_000


def test_memory_stays_flat_while_a_large_pdf_is_read() -> None:
    body = zipped(content=b"%PDF-" + random.Random(1).randbytes(20_000_000))
    file = io.BytesIO(body)
    tracemalloc.start()
    try:
        whole(file, 1)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 2_000_000
