"""The fonts of a document: Helvetica, which readers have, and one of our own where it is needed."""

from functools import cache
from importlib.resources import files
from typing import Final

import pydyf

from .letters import letters

# What the fonts are called on a page.
PLAIN: Final = {"R": "/Helvetica", "B": "/Helvetica-Bold"}
OWN: Final = "L"
OWN_NAME: Final = "/BEELMC+SandboxLetters"  # six letters before a plus: a part of a font


def add_fonts(pdf: pydyf.PDF, *, with_own: bool) -> pydyf.Dictionary:
    """Put the fonts into a document; gives them by what they are called on its pages."""
    fonts = {name: _plain_font(base) for name, base in PLAIN.items()}
    if with_own:
        fonts[OWN] = _own_font(pdf)
    return pydyf.Dictionary({name: _added(pdf, font) for name, font in fonts.items()})


@cache
def font_file() -> bytes:
    """Read the font of our own."""
    return files(__package__).joinpath("letters.ttf").read_bytes()


def _added(pdf: pydyf.PDF, added: pydyf.Object) -> bytes:
    """Put an object into a document; gives what others name it by."""
    pdf.add_object(added)
    return bytes(added.reference)


def _plain_font(name: str) -> pydyf.Dictionary:
    facts = {"Type": "/Font", "Subtype": "/Type1", "BaseFont": name}
    return pydyf.Dictionary({**facts, "Encoding": "/WinAnsiEncoding"})


def _own_font(pdf: pydyf.PDF) -> pydyf.Dictionary:
    """Make the font of our own; the codes of its letters are the numbers of its glyphs."""
    meanings = pydyf.Stream([_unicode_map()])
    return pydyf.Dictionary(
        {
            "Type": "/Font",
            "Subtype": "/Type0",
            "BaseFont": OWN_NAME,
            "Encoding": "/Identity-H",
            "DescendantFonts": pydyf.Array([_added(pdf, _glyphs(pdf))]),
            "ToUnicode": _added(pdf, meanings),
        }
    )


def _glyphs(pdf: pydyf.PDF) -> pydyf.Dictionary:
    """Make the font as its glyphs are numbered."""
    system = {"Registry": pydyf.String("Adobe"), "Ordering": pydyf.String("Identity")}
    wide = pydyf.Array([width for _, width in letters().values()])
    return pydyf.Dictionary(
        {
            "Type": "/Font",
            "Subtype": "/CIDFontType2",
            "BaseFont": OWN_NAME,
            "CIDSystemInfo": pydyf.Dictionary({**system, "Supplement": 0}),
            "CIDToGIDMap": "/Identity",
            "FontDescriptor": _added(pdf, _descriptor(pdf)),
            "W": pydyf.Array([1, wide]),
        }
    )


def _descriptor(pdf: pydyf.PDF) -> pydyf.Dictionary:
    """Describe the font as a whole: the measures of Liberation Sans."""
    file = pydyf.Stream([font_file()], {"Length1": len(font_file())})
    return pydyf.Dictionary(
        {
            "Type": "/FontDescriptor",
            "FontName": OWN_NAME,
            "Flags": 4,  # other letters than those of Latin
            "FontBBox": pydyf.Array([-544, -303, 1302, 980]),
            "ItalicAngle": 0,
            "Ascent": 905,
            "Descent": -212,
            "CapHeight": 729,
            "StemV": 88,
            "FontFile2": _added(pdf, file),
        }
    )


@cache
def _unicode_map() -> bytes:
    """Say which letter each glyph is, so that the text can be searched and copied."""
    pairs = [f"<{glyph:04X}> <{ord(one):04X}>" for one, (glyph, _) in letters().items()]
    blocks = [pairs[start : start + 100] for start in range(0, len(pairs), 100)]
    return "\n".join(
        [
            "/CIDInit /ProcSet findresource begin 12 dict begin begincmap",
            "/CIDSystemInfo << /Registry (Adobe) /Ordering (UCS) /Supplement 0 >> def",
            "/CMapName /Adobe-Identity-UCS def /CMapType 2 def",
            "1 begincodespacerange <0000> <FFFF> endcodespacerange",
            *("\n".join([f"{len(block)} beginbfchar", *block, "endbfchar"]) for block in blocks),
            "endcmap CMapName currentdict /CMap defineresource pop end end",
        ]
    ).encode()
