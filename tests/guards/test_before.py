"""Old values: what of them may be shown, and that the changes made of them put them back."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from beel_mcp.cleaning import clean
from beel_mcp.lists.edits import CLEARABLE, read_changes
from beel_mcp.lists.model import NAMES, PARTS
from beel_mcp.spelling import spelt
from beel_mcp.writes.kinds.previous_values import IBAN, as_changes, as_shown, is_whole, needs_file
from tests.support.updates import IBAN as ACCOUNT

ODD = {
    "billing_emails": st.lists(st.just("a@x.example") | st.just("b@x.example"), min_size=1),
    "general_discount": st.integers(0, 100) | st.sampled_from([2.5, 7.25]),
    "active": st.booleans(),
    "preferred_payment_method.payment_term_days": st.integers(0, 365),
    IBAN: st.just(ACCOUNT),
}
PATHS = [
    path
    for name in (*NAMES, "active")
    if name != "nif"  # it and the other identifier exclude each other
    for path in ([f"{name}.{part}" for part in PARTS[name]] if name in PARTS else [name])
]
texts = st.text("aZ9ñ -.\n", min_size=1, max_size=400).filter(lambda text: bool(text.strip()))


def value_of(path: str) -> st.SearchStrategy[Any]:
    value = ODD.get(path, texts.map(lambda text: spelt(path, clean(text, 400))))
    return st.none() | value if path in CLEARABLE else value


old_values = st.sets(st.sampled_from(PATHS), min_size=1, max_size=12).flatmap(
    lambda paths: st.fixed_dictionaries({path: value_of(path) for path in sorted(paths)})
)


@given(old_values)
def test_the_changes_made_of_old_values_in_our_spelling_are_read_as_those_values(
    values: dict[str, Any],
) -> None:
    assert read_changes(as_changes(values)) == values


@given(old_values)
def test_nothing_shown_has_the_account_and_what_is_whole_has_everything(
    values: dict[str, Any],
) -> None:
    shown = as_shown(values)
    assert shown.keys() == values.keys()
    assert ACCOUNT not in str(shown)
    assert is_whole(values) == (shown == values)
    if values.get(IBAN):
        assert not is_whole(values)
        assert needs_file({"c-1": values})


def test_a_short_value_needs_no_file_and_many_do() -> None:
    assert not needs_file({"c-1": {"notes": "Una\ndos"}})
    assert needs_file({f"c-{n}": {"notes": "Una nota"} for n in range(40)})
    assert needs_file({"c-1": {"notes": "x" * 301}})
    assert needs_file({"c-1": {"notes": "in\u200bvisible"}})


@pytest.mark.parametrize(
    ("notes", "account"),
    [
        (f"Cuenta {ACCOUNT} y ya", ACCOUNT),
        ("Cuenta ES91 2100 0418 4502 0005 1332", "0418 4502"),
        ("ES91 2100 0418\n4502 0005 1332", "0418\n4502"),
    ],
)
def test_an_account_in_a_text_is_not_shown(notes: str, account: str) -> None:
    shown = as_shown({"notes": notes})["notes"]
    assert account not in shown
    assert account.replace("\n", " ") not in clean(shown, 300)


def test_an_identifier_makes_room_for_the_other_by_itself() -> None:
    other = {"type": "PASSPORT", "number": "X-1"}
    assert as_changes({"nif": "B11111119", "alternative_id": None}) == {"nif": "B11111119"}
    assert as_changes({"nif": None, "alternative_id": other}) == {"alternative_id": other}
    read = read_changes({"alternative_id": other})
    assert read == {"alternative_id.type": "PASSPORT", "alternative_id.number": "X-1"}
