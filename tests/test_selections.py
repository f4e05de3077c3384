"""Selections: whose they are, how long they last, how many there are."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from beel_mcp.errors import CallerError
from beel_mcp.memory import selections
from beel_mcp.memory.selections import MOST_SELECTED, SelectionStore

ASKED = {"missing": ["email"], "select_all": True}


class Clock:
    def __init__(self) -> None:
        self.time = datetime(2026, 7, 1, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.time

    def pass_minutes(self, minutes: int) -> None:
        self.time += timedelta(minutes=minutes)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def store(clock: Clock) -> SelectionStore:
    return SelectionStore(clock)


def add(store: SelectionStore, *ids: str, caller: str = "ana", **arguments: Any) -> str:
    return store.add("customers", ids or ("a", "b"), arguments or ASKED, caller).selection_id


def refusal(store: SelectionStore, selection_id: str, noun: Any = "customers") -> CallerError:
    with pytest.raises(CallerError) as refused:
        store.get(selection_id, noun, "ana")
    return refused.value


def test_ids_come_back_in_their_order_under_an_id_nobody_guesses(store: SelectionStore) -> None:
    made = {add(store, "b", "a", "c") for _ in range(5)}
    assert len(made) == 5
    for selection_id in made:
        assert store.get(selection_id, "customers", "ana").ids == ("b", "a", "c")
        assert selection_id.startswith("sel_")
        assert len(selection_id) == 26  # 128 bits


def test_a_selection_lasts_half_an_hour_from_its_last_use(
    store: SelectionStore, clock: Clock
) -> None:
    selection_id = add(store)
    for _ in range(3):
        clock.pass_minutes(29)
        store.get(selection_id, "customers", "ana")
    clock.pass_minutes(31)
    error = refusal(store, selection_id)
    assert error.code == "selection_expired"
    [again] = error.next_calls
    assert (again.tool, again.arguments) == ("find_customers", ASKED)


def test_another_callers_selection_is_unknown_and_says_nothing_of_it(
    store: SelectionStore, clock: Clock
) -> None:
    selection_id = add(store, caller="berta")
    for _ in range(2):  # while it lives, and when it is gone
        error = refusal(store, selection_id)
        assert error.code == "unknown_selection"
        assert "email" not in str(error.next_calls)
        clock.pass_minutes(31)


def test_a_selection_of_invoices_is_none_of_customers(store: SelectionStore) -> None:
    selection_id = store.add("invoices", ["i"], {"select_all": True}, "ana").selection_id
    error = refusal(store, selection_id)
    assert error.code == "unknown_selection"
    assert error.message == "This selection is of invoices, not of customers."
    assert error.next_calls[0].tool == "find_customers"


def test_too_many_for_a_selection_are_refused_with_what_to_do(store: SelectionStore) -> None:
    with pytest.raises(CallerError) as refused:
        add(store, *map(str, range(MOST_SELECTED + 1)))
    assert refused.value.code == "selection_too_large"
    assert "more filters" in refused.value.remedy


def test_the_least_recently_used_goes_first(store: SelectionStore) -> None:
    first, second, *_ = [add(store) for _ in range(20)]
    store.get(first, "customers", "ana")
    theirs = add(store, caller="berta")
    add(store)
    assert refusal(store, second).code == "selection_expired"
    assert store.get(first, "customers", "ana")
    assert store.get(theirs, "customers", "berta")


def test_all_selections_together_are_bounded_in_number_and_size(
    store: SelectionStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = add(store)
    for number in range(200):
        add(store, caller=f"caller {number}")
    assert refusal(store, first).code == "selection_expired"
    monkeypatch.setattr(selections, "_MAX_SIZE", 100)
    small, large = add(store), add(store, "x" * 200)
    assert refusal(store, small).code == "selection_expired"
    assert store.get(large, "customers", "ana")  # one that is larger than all may be stays


def test_a_call_too_long_for_an_answer_is_not_repeated_in_one(
    store: SelectionStore, clock: Clock
) -> None:
    selection_id = add(store, search="x" * 2_000, select_all=True)
    clock.pass_minutes(31)
    error = refusal(store, selection_id)
    assert error.code == "selection_expired"
    assert error.next_calls == ()
    assert "Call find_customers again with select_all" in error.remedy


def test_a_call_names_ids_or_a_selection_and_never_both(store: SelectionStore) -> None:
    selection_id = add(store, "b", "a")
    wanted = {"noun": "customers", "caller": "ana", "most": 2}
    ids: Any = store.ids
    assert ids(given=["x"], selection_id="", **wanted) == ["x"]
    for nothing in ([], None):
        assert ids(given=nothing, selection_id=selection_id, **wanted) == ["b", "a"]
        with pytest.raises(CallerError) as refused:
            ids(given=nothing, selection_id=None, **wanted)
        assert refused.value.field_errors[0].field == "customer_ids"
    with pytest.raises(CallerError) as refused:
        ids(given=["x"], selection_id=selection_id, **wanted)
    assert refused.value.field_errors[0].field == "selection_id"
    with pytest.raises(CallerError) as refused:
        ids(given=None, selection_id=add(store, "a", "b", "c"), **wanted)
    assert refused.value.code == "selection_too_large"
    with pytest.raises(CallerError) as refused:
        ids(given=None, selection_id=add_none(store), **wanted)
    assert refused.value.code == "empty_selection"


def add_none(store: SelectionStore) -> str:
    return store.add("customers", [], ASKED, "ana").selection_id
