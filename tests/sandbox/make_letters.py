"""Makes what the sandbox's invoices are written with: widths.toml, and letters.ttf.

`python tests/sandbox/make_letters.py FOLDER` takes LiberationSans-Regular.ttf and -Bold.ttf of
Liberation 2 in that folder, and needs fontTools. Liberation is as wide as Helvetica and Arial. The
font that comes of it has what WinAnsi lacks, in the order of LETTERS: glyph 1 is the first of them.
It has a name of its own, as its licence asks (beel_mcp/sandbox/paper/OFL.txt).
"""

import sys
import textwrap
from pathlib import Path

PAPER = Path(__file__).parents[2] / "beel_mcp" / "sandbox" / "paper"
PLAIN = [bytes([code]).decode("cp1252", "ignore") for code in range(32, 256)]
# Latin Extended-A, what Romanian has besides, Greek and Cyrillic of today.
RANGES = ((0x100, 0x17F), (0x218, 0x21B), (0x384, 0x3CE), (0x400, 0x45F), (0x490, 0x491))
COPYRIGHT = (
    "Digitized data copyright (c) 2010 Google Corporation. Copyright (c) 2012 Red Hat, Inc. "
    "Licensed under the SIL Open Font License, Version 1.1."
)
HEAD = """\
# How wide letters are, in thousandths of their size. `plain` is WinAnsi from the space on, in the
# fonts of every reader of PDFs; `letters` is what letters.ttf has, from its first glyph on. Made by
# tests/sandbox/make_letters.py.

letters = \"\"\"\\
{letters}\\
\"\"\"
"""


def letters_of(font):
    known = font.getBestCmap()
    wanted = (chr(code) for first, last in RANGES for code in range(first, last + 1))
    return "".join(one for one in wanted if ord(one) in known and one not in PLAIN)


def widths_of(font, letters):
    known, metrics, em = font.getBestCmap(), font["hmtx"].metrics, font["head"].unitsPerEm
    glyphs = (known.get(ord(one)) if one else None for one in letters)
    numbers = (round(metrics[one][0] * 1000 / em) if one else 0 for one in glyphs)
    return textwrap.fill(
        ", ".join(map(str, numbers)), 98, initial_indent="  ", subsequent_indent="  "
    )


def build_font(source, letters, path):
    from fontTools.fontBuilder import FontBuilder
    from fontTools.pens.recordingPen import DecomposingRecordingPen
    from fontTools.pens.ttGlyphPen import TTGlyphPen

    known, shapes = source.getBestCmap(), source.getGlyphSet()
    drawn, metrics = {}, {}
    for name, old in [
        (".notdef", ".notdef"),
        *((f"uni{ord(one):04X}", known[ord(one)]) for one in letters),
    ]:
        outline, pen = DecomposingRecordingPen(shapes), TTGlyphPen(None)
        shapes[old].draw(outline)
        outline.replay(pen)
        drawn[name], metrics[name] = pen.glyph(), source["hmtx"].metrics[old]
    builder = FontBuilder(source["head"].unitsPerEm, isTTF=True)
    builder.setupGlyphOrder(list(drawn))
    builder.setupCharacterMap({ord(one): f"uni{ord(one):04X}" for one in letters})
    builder.setupGlyf(drawn)
    builder.setupHorizontalMetrics(metrics)
    builder.setupHorizontalHeader(ascent=1854, descent=-434)
    name = {"familyName": "Sandbox Letters", "styleName": "Regular", "psName": "SandboxLetters"}
    builder.setupNameTable({**name, "copyright": COPYRIGHT}, mac=False)
    builder.setupOS2(sTypoAscender=1491, sTypoDescender=-431)
    builder.setupPost(keepGlyphNames=False)
    builder.updateHead(created=0, modified=0)
    builder.font.recalcTimestamp = False
    builder.save(path)


def main(folder):
    from fontTools.ttLib import TTFont

    regular, bold = (TTFont(folder / f"LiberationSans-{name}.ttf") for name in ("Regular", "Bold"))
    letters = letters_of(regular)
    parts = [HEAD.format(letters="\\\n".join(textwrap.wrap(letters, 64)))]
    for name, font in (("regular", regular), ("bold", bold)):
        rows = [f"plain = [\n{widths_of(font, PLAIN)},\n]"]
        if name == "regular":
            rows.append(f"letters = [\n{widths_of(font, letters)},\n]")
        parts.append(f"[{name}]\n" + "\n".join(rows) + "\n")
    (PAPER / "widths.toml").write_text("\n".join(parts), encoding="utf-8")
    build_font(regular, letters, PAPER / "letters.ttf")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
