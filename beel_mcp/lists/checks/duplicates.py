"""Customers that stand twice in a list: by their identifier, or by name and address."""

import re
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Final

from beel_mcp.cleaning import clean
from beel_mcp.lists.model import Problem, Row, get_value
from beel_mcp.messages import Message
from beel_mcp.spelling import folded, plain_name

# Alike enough to ask: one letter wrong in a name of ten, or the words in another order.
_NAMES_ALIKE: Final = 90
_STREETS_ALIKE: Final = 80
# At an address shared by many customers only the neighbours in the alphabet are compared.
_NEIGHBOURS: Final = 5
_SAME_IDENTIFIER: Final = Message("duplicate.identifier")
_SAME_NAME: Final = Message("duplicate.name")


def with_duplicates(rows: Sequence[Row]) -> tuple[Row, ...]:
    """Add to each row that repeats an earlier one a remark that says so; nothing is removed."""
    found: dict[int, Problem] = {}
    first: dict[str, Row] = {}
    for row in rows:
        if (identity := row.identity) and (earlier := first.setdefault(identity, row)) is not row:
            hint = Message("duplicate.row_has_it", row=earlier.number)
            found[row.number] = Problem("nif", _SAME_IDENTIFIER, row.identifier, hint)
    for earlier, later in _by_name(rows):
        if later.number not in found:
            name = clean(earlier.name, 40)
            hint = Message("duplicate.row_named", row=earlier.number, name=name)
            found[later.number] = Problem("legal_name", _SAME_NAME, later.name, hint)
    if not found:
        return tuple(rows)
    return tuple(
        replace(row, problems=(*row.problems, found[row.number])) if row.number in found else row
        for row in rows
    )


def without_duplicates(row: Row) -> Row:
    """Take away the remarks on a row's duplicates: they may be others now."""
    remarks = (_SAME_IDENTIFIER, _SAME_NAME)
    kept = tuple(problem for problem in row.problems if problem.message not in remarks)
    return row if kept == row.problems else replace(row, problems=kept)


def _by_name(rows: Sequence[Row]) -> Iterator[tuple[Row, Row]]:
    """Compare the names of those who share a postal code and the number of a house."""
    houses: defaultdict[tuple[str, str], list[Row]] = defaultdict(list)
    for row in rows:
        address = row.values.get("address")
        if address and "legal_name" in row.values:
            town = address.get("postal_code") or address.get("city", "").casefold()
            if town:
                houses[town, address.get("number", "").casefold()].append(row)
    for neighbours in houses.values():
        if len(neighbours) > 1:
            yield from _alike(neighbours)


def names_alike(name: str, other: str) -> bool:
    """Whether two names, legal forms aside, are nearly the same."""
    return _nearly(plain_name(name), plain_name(other))


def words_of(name: str) -> list[str]:
    """Give the words that tell a name from others, as they are written, the longest first."""
    telling = plain_name(name).split()
    words = dict.fromkeys(word for word in re.findall(r"\w+", name) if folded(word) in telling)
    return sorted((word for word in words if len(word) > 2), key=len, reverse=True)


def _nearly(name: str, other: str) -> bool:
    from rapidfuzz import fuzz  # noqa: PLC0415 - start-up is measured

    if re.findall("[0-9]+", name) != re.findall("[0-9]+", other):
        return False  # a community of owners and the one next door
    return fuzz.token_sort_ratio(name, other) >= _NAMES_ALIKE


def _alike(rows: Sequence[Row]) -> Iterator[tuple[Row, Row]]:
    from rapidfuzz import fuzz  # noqa: PLC0415 - start-up is measured

    named = sorted((plain_name(row.values["legal_name"]), row.number, row) for row in rows)
    for index, (name, _, row) in enumerate(named):
        for other_name, _, other in named[index + 1 : index + 1 + _NEIGHBOURS]:
            if not _nearly(name, other_name):
                continue
            streets = [
                folded(get_value(each.values, "address.street") or "") for each in (row, other)
            ]
            if all(streets) and fuzz.token_set_ratio(*streets) < _STREETS_ALIKE:
                continue
            yield (row, other) if row.number < other.number else (other, row)
