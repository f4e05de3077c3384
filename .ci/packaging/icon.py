"""Renders the icon, beel_mcp/data/icon.svg, as a PNG: polygons and lines with round ends.

It reads what our own icon is drawn with and nothing more: no library for pictures is needed.
"""

import math
import struct
import sys
import zlib
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple
from xml.etree import ElementTree as ET

SVG = Path(__file__).parents[2] / "beel_mcp" / "data" / "icon.svg"
TILE = 8  # pixels a side
Point = tuple[float, float]
Colour = tuple[int, int, int]


class Shape(NamedTuple):
    """A line through points, as wide as said, or the area that it encloses."""

    points: Sequence[Point]
    closed: bool
    colour: Colour
    width: float

    def distance(self, x: float, y: float) -> float:
        """Tell how far a point lies outside the shape; inside it is below 0."""
        ends = [*self.points, self.points[0]] if self.closed else self.points
        near = min(_to_line(x, y, *pair) for pair in pairwise(ends))
        return (-near if self.closed and self._holds(x, y) else near) - self.width / 2

    def _holds(self, x: float, y: float) -> bool:
        """Count how often a line to the right crosses the edge."""
        inside, (last_x, last_y) = False, self.points[-1]
        for here_x, here_y in self.points:
            crosses = (here_y > y) != (last_y > y)
            if crosses and x < (last_x - here_x) * (y - here_y) / (last_y - here_y) + here_x:
                inside = not inside
            last_x, last_y = here_x, here_y
        return inside


def _to_line(x: float, y: float, start: Point, end: Point) -> float:
    along, across = end[0] - start[0], end[1] - start[1]
    part = ((x - start[0]) * along + (y - start[1]) * across) / (along**2 + across**2)
    part = max(0.0, min(1.0, part))
    return math.hypot(x - start[0] - part * along, y - start[1] - part * across)


def shapes() -> tuple[float, list[Shape]]:
    """Read the drawing: the length of its side, and its shapes from the back to the front."""
    drawing = ET.parse(SVG).getroot()  # noqa: S314 - our own file
    found = []
    for node in drawing:
        kind = node.tag.rpartition("}")[2]
        points = [tuple(map(float, pair.split(","))) for pair in node.attrib["points"].split()]
        colour = tuple(bytes.fromhex(node.attrib["stroke"].lstrip("#")))
        found.append(Shape(points, kind == "polygon", colour, float(node.attrib["stroke-width"])))
    return float(drawing.attrib["viewBox"].split()[2]), found


def png(size: int) -> bytes:
    """Render the icon with as many pixels a side, on a transparent ground."""
    side, drawn = shapes()
    scale = side / size
    pixels = bytearray(4 * size * size)
    for top in range(0, size, TILE):
        for left in range(0, size, TILE):
            _paint(pixels, size, (left, top), scale, drawn)
    rows = (pixels[start : start + 4 * size] for start in range(0, len(pixels), 4 * size))
    head = struct.pack(">IIBBBBB", size, size, 8, 6, 0, 0, 0)
    content = b"".join(b"\0" + row for row in rows)  # each row begins with its filter: none
    chunks = ((b"IHDR", head), (b"IDAT", zlib.compress(content, 9)), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(_chunk(*chunk) for chunk in chunks)


def _paint(
    pixels: bytearray, size: int, corner: Point, scale: float, drawn: Sequence[Shape]
) -> None:
    """Fill a tile. What covers it wholly, or lies elsewhere, is asked about once."""
    left, top = map(int, corner)
    middle = ((left + TILE / 2) * scale, (top + TILE / 2) * scale)
    far = TILE * scale  # more than half of the diagonal, with a pixel to spare
    here = [(shape, shape.distance(*middle)) for shape in drawn]
    here = [(shape, distance) for shape, distance in here if distance < far]
    whole = all(distance < -far for _, distance in here)
    colour = _pixel(*middle, scale, [shape for shape, _ in here])
    for row in range(top, min(top + TILE, size)):
        for column in range(left, min(left + TILE, size)):
            if not whole:
                x, y = (column + 0.5) * scale, (row + 0.5) * scale
                colour = _pixel(x, y, scale, [shape for shape, _ in here])
            start = 4 * (row * size + column)
            pixels[start : start + 4] = colour


def _pixel(x: float, y: float, scale: float, drawn: Sequence[Shape]) -> bytes:
    red = green = blue = opaque = 0.0
    for shape in drawn:
        cover = max(0.0, min(1.0, 0.5 - shape.distance(x, y) / scale))
        if cover:
            red, green, blue = (
                old + (new - old) * (cover if opaque else 1.0)
                for old, new in zip((red, green, blue), shape.colour, strict=True)
            )
            opaque += (1 - opaque) * cover
    return bytes((round(red), round(green), round(blue), round(255 * opaque)))


def _chunk(kind: bytes, content: bytes) -> bytes:
    end = struct.pack(">I", zlib.crc32(kind + content))
    return struct.pack(">I", len(content)) + kind + content + end


if __name__ == "__main__":
    Path(sys.argv[1]).write_bytes(png(int(sys.argv[2])))
