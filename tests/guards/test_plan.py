"""A plan as a value: what its digest stands for, what is different, how long it is open."""

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from beel_mcp.writes.journal.plan import Affected, LeftOut, Preview, differences, is_open_at

LOOK = Preview(
    (Affected("a", "Acme SL", "B1", "state a"), Affected("b", "Beta SA", "", "state b")),
    (LeftOut("c", "Gamma SLU", "has_invoices"),),
    {"mode": "delete"},
)


@given(age=st.floats(allow_nan=False, allow_infinity=True))
def test_only_an_age_of_nought_to_ten_minutes_is_open(age: float) -> None:
    assert is_open_at(0.0, age) == (0 <= age <= 600)


def test_no_time_at_all_is_not_open() -> None:
    assert not is_open_at(float("nan"), 0.0)
    assert not is_open_at(0.0, float("nan"))


names = st.text(max_size=20)
records = st.builds(Affected, record_id=names, name=names, identifier=names, state=names)
looks = st.builds(
    Preview,
    st.lists(records, max_size=4, unique_by=lambda one: one.record_id).map(tuple),
    st.just(()),
    st.dictionaries(names, names, max_size=2),
)


@given(look=looks, other=looks)
def test_looks_with_one_digest_show_the_same(look: Preview, other: Preview) -> None:
    def picture(one: Preview) -> Any:
        return [(each.record_id, each.state) for each in one.affected], one.terms

    assert (look.digest == other.digest) == (picture(look) == picture(other))


@given(look=looks)
def test_a_look_has_no_difference_from_itself_and_every_loss_is_named(look: Preview) -> None:
    assert differences(look, look) == []
    nothing = Preview((), (), look.terms)
    assert [how for _, how in differences(look, nothing)] == ["gone"] * len(look.affected)
    assert [how for _, how in differences(nothing, look)] == ["joined"] * len(look.affected)


@pytest.mark.parametrize(
    "change",
    [
        {"affected": LOOK.affected[:1]},
        {"affected": LOOK.affected[::-1]},
        {"affected": (replace(LOOK.affected[0], state="edited"), LOOK.affected[1])},
        {"affected": (replace(LOOK.affected[0], facts={"phone": "1"}), LOOK.affected[1])},
        {"left_out": ()},
        {"left_out": (replace(LOOK.left_out[0], code="not_found"),)},
        {"terms": {"mode": "inactive"}},
    ],
    ids=str,
)
def test_whatever_matters_to_a_person_changes_the_digest(change: dict[str, Any]) -> None:
    assert replace(LOOK, **change).digest != LOOK.digest
