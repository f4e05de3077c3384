"""Batches never change their rows, always add up, and are forgotten in time."""

import json
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from beel_mcp.errors import CallerError
from beel_mcp.lists import batch_store
from beel_mcp.lists.batch import Batch, PartCheck
from beel_mcp.lists.batch_store import BatchStore
from beel_mcp.lists.model import ROW_STATUSES, Problem, Row, RowStatus, Verdict
from beel_mcp.messages import verbatim

pytestmark = pytest.mark.anyio

NOON = datetime(2026, 7, 1, 12, tzinfo=UTC)


class Clock:
    """A clock that a test moves."""

    def __init__(self) -> None:
        self.time = NOON

    def __call__(self) -> datetime:
        return self.time

    def pass_minutes(self, minutes: float) -> None:
        self.time += timedelta(minutes=minutes)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def store(clock: Clock) -> BatchStore:
    return BatchStore(clock)


WRONG = verbatim("wrong")


def rows(count: int, **values: object) -> tuple[Row, ...]:
    return tuple(
        Row(number, {"legal_name": f"Cliente {number}", **values}) for number in range(1, count + 1)
    )


def batch(count: int = 3, caller: str = "local", **more: object):
    return Batch(caller, "inline", rows(count), **more)


async def expired(store: BatchStore, batch_id: str, caller: str = "local") -> CallerError:
    with pytest.raises(CallerError) as caught:
        await store.get(batch_id, caller)
    assert caught.value.code == "batch_expired"
    assert "validate_customers" in caught.value.remedy
    return caught.value


@given(st.lists(st.sampled_from(ROW_STATUSES), max_size=30), st.integers(0, 30))
def test_counts_have_every_kind_and_add_up(kinds: list[RowStatus], judged: int):
    made = batch(len(kinds))
    verdicts = {number: Verdict(kind) for number, kind in enumerate(kinds[:judged], 1)}
    made = made.judged(verdicts)
    counts = made.counts()
    assert set(counts) == set(ROW_STATUSES)
    assert sum(counts.values()) == len(made.rows)
    assert len(made.importable()) == counts["valid"] + counts["warning"]
    assert len(made.of_kind("unchecked")) == counts["unchecked"]


def test_a_row_that_could_not_be_read_is_an_error_whatever_beel_says():
    fault = Problem("nif", verbatim("Expected text."), severity="error")
    made = Batch("local", "inline", (Row(1, {}, (fault,)),))
    assert made.counts()["error"] == 1
    made = made.judged({1: Verdict("valid")})
    assert made.counts()["error"] == 1
    assert made.importable() == ()


def test_more_verdicts_add_to_those_that_are_there():
    first = batch(2).judged({1: Verdict("valid")})
    second = first.judged({**first.verdicts, 2: Verdict("duplicate")})
    assert second.counts() == {**dict.fromkeys(ROW_STATUSES, 0), "valid": 1, "duplicate": 1}
    assert second.batch_id == first.batch_id
    assert second.payload_digest == first.payload_digest
    assert first.counts()["unchecked"] == 1


def test_verdicts_on_strange_rows_and_times_without_zone_are_defects():
    with pytest.raises(ValueError, match="has not"):
        batch(2).judged({3: Verdict("valid")})
    with pytest.raises(ValueError, match="zone"):
        PartCheck("", datetime(2026, 7, 1))  # noqa: DTZ001


def test_nobody_can_write_to_a_row():
    source = {"address": {"city": "Vigo"}, "billing_emails": ["a@b.es"]}
    row = Row(1, source)
    source["address"]["city"] = "Lugo"
    with pytest.raises(TypeError):
        row.values["address"]["city"] = "Lugo"
    row.payload()["address"]["city"] = "Lugo"
    assert row.payload() == {"address": {"city": "Vigo"}, "billing_emails": ["a@b.es"]}
    json.dumps(row.payload())


def test_the_digest_knows_the_same_list_again_and_no_other():
    assert batch().payload_digest == batch().payload_digest
    assert batch().payload_digest != batch(4).payload_digest
    one = Batch("local", "a.csv", (Row(2, {"nif": "1", "legal_name": "A"}),))
    other = Batch("local", "inline", (Row(1, {"legal_name": "A", "nif": "1"}),))
    assert one.payload_digest == other.payload_digest


def test_names_and_identifiers_are_fit_to_show():
    assert Row(1, {"legal_name": "x" * 100}).name == "x" * 59 + "…"
    assert Row(1, {}).name == ""
    assert Row(1, {"nif": "es-b12.345.674"}).identifier == "B12345674"
    assert Row(1, {"alternative_id": {"number": "AB-1"}}).identifier == "AB-1"
    assert Row(1, {}).identifier == ""


def test_no_value_shows_in_what_a_log_would_print():
    iban = "ES9121000418450200051332"
    row = Row(1, {"notes": "secreto", "preferred_payment_method": {"iban": iban}})
    made = Batch("local", "inline", (row,))
    assert "secreto" not in repr(row) + repr(made)
    assert iban not in repr(row) + repr(made)


def test_problems_of_many_rows_become_groups_with_an_example():
    said = [
        Verdict(
            "nif_invalid",
            (Problem("nif", verbatim(f"El NIF {n}2345678A no existe"), f"{n}2345678A"),),
        )
        for n in range(1, 8)
    ]
    made = batch(9).judged(dict(enumerate(said, 2)))
    duplicate = Problem("nif", verbatim("Ya existe"), "1")
    found = Verdict("duplicate", (duplicate,), (), "c-1")
    made = made.judged({**made.verdicts, 1: found})
    (first, second), more = made.problem_groups(10)
    assert (first.kind, first.message, first.count) == ("nif_invalid", "El NIF … no existe", 7)
    assert first.rows == (2, 3, 4, 5, 6)
    assert (first.example.row, first.example.name) == (2, "Cliente 2")
    assert first.example.value == "12345678A"
    assert second.example.existing_customer_id == "c-1"
    assert more == ()


def test_groups_are_capped_and_the_rest_is_given_apart():
    verdicts = {n: Verdict("error", (Problem(f"field{n}", WRONG),)) for n in range(1, 13)}
    groups, more = batch(12).judged(verdicts).problem_groups(10)
    assert [group.rows for group in groups] == [(n,) for n in range(1, 11)]
    assert [group.field for group in more] == ["field11", "field12"]


def test_the_same_problem_twice_in_a_row_counts_the_row_once():
    twice = Problem("billing_emails", WRONG, "a"), Problem("billing_emails", WRONG, "b")
    groups, _ = batch(1).judged({1: Verdict("error", twice)}).problem_groups(5)
    assert [group.count for group in groups] == [1]


def test_rows_that_beel_has_not_seen_keep_their_local_advice():
    advice = Problem("nif", verbatim("wrong letter"))
    made = Batch("local", "inline", (Row(1, {}, (advice,)),))
    (group,), _ = made.problem_groups(5)
    assert (group.kind, group.field) == ("warning", "nif")


def test_ids_are_long_random_and_safe_in_an_address():
    ids = {batch().batch_id for _ in range(100)}
    assert len(ids) == 100
    for made in ids:
        assert made.startswith("bat_")
        assert len(made) == 26
        assert made.replace("-", "").replace("_", "").isalnum()


async def test_a_batch_is_kept_for_half_an_hour_after_its_last_use(store, clock):
    made = batch()
    assert await store.add(made) == NOON + timedelta(minutes=30)
    clock.pass_minutes(29)
    assert await store.get(made.batch_id, "local") is made
    clock.pass_minutes(29)
    assert await store.expires_at(made.batch_id, "local") == clock() + timedelta(minutes=30)
    clock.pass_minutes(31)
    await expired(store, made.batch_id)


async def test_another_callers_batch_looks_like_an_unknown_one(store):
    made = batch(caller="ana", origin={"source_path": "clientes.csv"})
    await store.add(made)
    unknown = await expired(store, "bat_unknown", "eva")
    hidden = await expired(store, made.batch_id, "eva")
    assert (hidden.message, hidden.remedy, hidden.next_calls) == (
        unknown.message,
        unknown.remedy,
        unknown.next_calls,
    )
    assert await store.get(made.batch_id, "ana") is made


async def test_an_expired_batch_from_a_file_comes_with_the_call_that_makes_it_again(store, clock):
    made = batch(caller="ana", origin={"source_path": "clientes.csv"})
    await store.add(made)
    clock.pass_minutes(31)
    (call,) = (await expired(store, made.batch_id, "ana")).next_calls
    assert (call.tool, call.arguments) == ("validate_customers", {"source_path": "clientes.csv"})
    assert (await expired(store, made.batch_id, "eva")).next_calls == ()


async def test_newer_verdicts_take_the_place_of_older_ones(store):
    made = batch()
    await store.add(made)
    judged = made.judged({1: Verdict("valid")})
    await store.replace(judged)
    assert (await store.get(made.batch_id, "local")).counts()["valid"] == 1


async def test_other_rows_cannot_take_the_place_of_a_batch(store):
    from dataclasses import replace

    made = batch()
    await store.add(made)
    with pytest.raises(ValueError, match="never changes"):
        await store.replace(replace(made, rows=rows(5)))
    with pytest.raises(CallerError):
        await store.replace(batch())
    with pytest.raises(CallerError):
        await store.replace(replace(made, caller="eva"))


async def test_a_caller_keeps_twenty_batches_the_least_used_goes_first(store, clock):
    made = [batch() for _ in range(20)]
    for one in made:
        await store.add(one)
        clock.pass_minutes(0.1)
    await store.get(made[0].batch_id, "local")
    await store.add(batch())
    await expired(store, made[1].batch_id)
    assert await store.get(made[0].batch_id, "local") is made[0]


async def test_all_callers_together_keep_two_hundred(store):
    made = [batch(1, caller=f"caller {n // 20}") for n in range(201)]
    for one in made:
        await store.add(one)
    await expired(store, made[0].batch_id, "caller 0")
    assert await store.get(made[1].batch_id, "caller 0") is made[1]
    assert len(store._kept) == 200


async def test_what_is_remembered_of_files_is_bounded_too(store):
    for n in range(300):
        await store.add(batch(1, origin={"source_path": f"{n}.csv"}))
    assert len(store._origins) <= 200


async def test_many_large_lists_are_kept_only_as_far_as_memory_is_set_apart(store, monkeypatch):
    monkeypatch.setattr(batch_store, "MAX_ROWS", 10)
    made = [batch(4, caller=f"caller {n}") for n in range(4)]
    for one in made:
        await store.add(one)
    for n in (0, 1):
        await expired(store, made[n].batch_id, f"caller {n}")
    assert await store.get(made[2].batch_id, "caller 2") is made[2]
    large = batch(50)
    await store.add(large)
    assert await store.get(large.batch_id, "local") is large, "the newest stays, however large"


async def test_a_file_read_by_chosen_columns_is_read_by_them_again_without_long_corrections(
    store: BatchStore, clock: Clock
):
    columns = [{"header": "a", "field": "legal_name"}]
    fixes = [{"row": row, "field": "email", "value": "a@example.com"} for row in range(50)]
    origin = {"source_path": "a.csv", "columns": columns, "corrections": fixes}
    made = batch(origin=origin)
    await store.add(made)
    clock.pass_minutes(31)
    error = await expired(store, made.batch_id)
    assert error.next_calls[0].arguments == {"source_path": "a.csv", "columns": columns}
    assert "corrections" in error.remedy
