"""A page as a program sees it that reads it aloud: headings, labels, captions, fields, links."""

from dataclasses import dataclass, field
from html.parser import HTMLParser

VOID = {"meta", "input", "br", "hr", "link", "img", "base", "col"}
Attributes = dict[str, str]


@dataclass
class Outline:
    """What stands in a page, in its order."""

    language: str = ""
    tags: list[str] = field(default_factory=list)
    attributes: list[tuple[str, Attributes]] = field(default_factory=list)
    headings: list[tuple[int, str]] = field(default_factory=list)
    titles: list[str] = field(default_factory=list)
    captions: list[str] = field(default_factory=list)
    links: list[tuple[str, str]] = field(default_factory=list)  # address and words
    labels: dict[str, str] = field(default_factory=dict)  # by the id of the field
    cells: list[list[str]] = field(default_factory=list)
    tables: dict[str, list[list[str]]] = field(default_factory=dict)  # by their captions
    text: str = ""

    @property
    def fields(self) -> dict[str, Attributes]:
        """Give what can be filled in, by name; of several of one name the last."""
        kinds = ("input", "textarea", "select")
        return {one["name"]: one for tag, one in self.attributes if tag in kinds and "name" in one}

    def unlabelled(self) -> list[str]:
        """Name the fields that say nothing of what goes into them."""
        return [
            one.get("name", "?")
            for tag, one in self.attributes
            if tag in ("input", "textarea", "select") and one.get("type") != "hidden"
            if one.get("id") not in self.labels and "aria-label" not in one
        ]

    def unreachable(self) -> list[Attributes]:
        """Name what scrolls by itself and no key can reach, or has no name of its own."""
        scrolling = [one for _, one in self.attributes if one.get("class") == "wide"]
        names = [one.get("aria-label") or one.get("aria-labelledby") for one in scrolling]
        assert len(set(names)) == len(names)
        return [
            one
            for one, name in zip(scrolling, names, strict=True)
            if not (name and one.get("role") == "region" and one.get("tabindex") == "0")
        ]

    def skipped_headings(self) -> list[str]:
        """Name the headings that leave out a level."""
        levels = [0, *(level for level, _ in self.headings)]
        pairs = zip(levels, self.headings, strict=False)
        return [words for before, (level, words) in pairs if level > before + 1]


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.seen = Outline()
        self.open: list[tuple[str, Attributes, list[str]]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        attributes = {name: value or "" for name, value in attrs}
        self.seen.tags.append(tag)
        self.seen.attributes.append((tag, attributes))
        if tag == "html":
            self.seen.language = attributes.get("lang", "")
        if tag == "option" and "selected" in attributes:
            self.open[-1][1]["value"] = attributes["value"]  # of the choice around it
        if tag == "tr":
            self.seen.cells.append([])
            self.seen.tables[self.seen.captions[-1]].append(self.seen.cells[-1])
        if tag not in VOID:
            self.open.append((tag, attributes, []))

    def handle_data(self, data: str) -> None:
        if any(tag == "style" for tag, _, _ in self.open):
            return
        self.seen.text += data
        for _, _, words in self.open:
            words.append(data)

    def handle_endtag(self, tag: str) -> None:
        opened, attributes, pieces = self.open.pop()
        assert opened == tag, f"<{opened}> is closed by </{tag}>"
        words = " ".join("".join(pieces).split())
        if tag in {"h1", "h2", "h3", "h4"}:
            self.seen.headings.append((int(tag[1]), words))
        elif tag == "title":
            self.seen.titles.append(words)
        elif tag == "caption":
            self.seen.captions.append(words)
            self.seen.tables[words] = []
        elif tag == "a":
            self.seen.links.append((attributes.get("href", ""), words))
        elif tag == "label" and "for" in attributes:
            self.seen.labels[attributes["for"]] = words
        elif tag in {"td", "th"}:
            self.seen.cells[-1].append(words)
        elif tag == "textarea":
            attributes["value"] = "".join(pieces).removeprefix("\n")


def outline(html: str) -> Outline:
    """Read a page; what is opened must be closed, in order."""
    reader = _Reader()
    reader.feed(html)
    reader.close()
    assert not reader.open, [tag for tag, _, _ in reader.open]
    return reader.seen
