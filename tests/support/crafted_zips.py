"""ZIPs written byte by byte, so that any of their fields can say something else."""

import struct
import zlib
from dataclasses import dataclass, field, replace
from typing import Any

PDF = b"%PDF-1.4\n" + b"1 0 obj << >> endobj\n" * 20 + b"%%EOF\n"


@dataclass(frozen=True)
class Entry:
    """An entry; `local` and `listed` override fields of its header and of its directory line."""

    name: bytes = b"factura_F26-0001.pdf"
    content: bytes = PDF
    method: int = 8
    packed: bytes | None = None
    local: dict[str, Any] = field(default_factory=dict)
    listed: dict[str, Any] = field(default_factory=dict)
    descriptor: bytes = b""
    before: bytes = b""

    @property
    def data(self) -> bytes:
        if self.packed is not None:
            return self.packed
        if self.method == 0:
            return self.content
        packer = zlib.compressobj(9, zlib.DEFLATED, -15)
        return packer.compress(self.content) + packer.flush()

    def both(self, **changes: Any) -> "Entry":
        return replace(self, local={**self.local, **changes}, listed={**self.listed, **changes})

    def fields(self, changes: dict[str, Any]) -> dict[str, Any]:
        return {
            "magic": b"PK\x03\x04",
            "version": 20,
            "flags": 0,
            "method": self.method,
            "crc": zlib.crc32(self.content),
            "packed": len(self.data),
            "unpacked": len(self.content),
            "name": self.name,
            "extra": b"",
            "attributes": 0o100644 << 16,
            "disk": 0,
            **changes,
        }


def local_header(entry: Entry) -> bytes:
    one = entry.fields(entry.local)
    return (
        one["magic"]
        + struct.pack(
            "<5H3L2H",
            *(one["version"], one["flags"], one["method"], 0, 0x21),
            *(one["crc"], one["packed"], one["unpacked"]),
            *(len(one["name"]), len(one["extra"])),
        )
        + one["name"]
        + one["extra"]
    )


def listed(entry: Entry, offset: int) -> bytes:
    one = entry.fields({"magic": b"PK\x01\x02", "offset": offset, **entry.listed})
    return (
        one["magic"]
        + struct.pack(
            "<6H3L5H2L",
            *(20, one["version"], one["flags"], one["method"], 0, 0x21),
            *(one["crc"], one["packed"], one["unpacked"]),
            *(len(one["name"]), len(one["extra"]), 0, one["disk"], 0),
            *(one["attributes"], one["offset"]),
        )
        + one["name"]
        + one["extra"]
    )


def end_record(**fields: Any) -> bytes:
    one = {"magic": b"PK\x05\x06", "disk": 0, "start_disk": 0, "comment": b"", **fields}
    return (
        one["magic"]
        + struct.pack(
            "<4H2LH",
            *(one["disk"], one["start_disk"], one["here"], one["total"]),
            *(one["length"], one["start"], len(one["comment"])),
        )
        + one["comment"]
    )


def craft(*entries: Entry, between: bytes = b"", behind: bytes = b"", **end: Any) -> bytes:
    """Write entries, `between` them and the directory, the directory, `behind` it, the end."""
    body, offsets = b"", []
    for entry in entries:
        body += entry.before
        offsets.append(len(body))
        body += local_header(entry) + entry.data + entry.descriptor
    body += between
    lines = b"".join(map(listed, entries, offsets))
    facts = {
        "here": len(entries),
        "total": len(entries),
        "length": len(lines) + len(behind),
        "start": len(body),
        **end,
    }
    return body + lines + behind + end_record(**facts)
