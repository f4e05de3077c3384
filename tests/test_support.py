"""What the tests themselves stand on."""

import json
from pathlib import Path

import hypothesis
import pytest

from tests.support import figures
from tests.support.cases import Cases
from tests.support.limits import fault_of, processor_s, slowness


def try_four(tried: list[int]) -> None:
    with Cases() as cases:
        for number in range(4):
            with cases.one("number", number):
                tried.append(number)
                assert number != 1
            with cases.one("error", number), pytest.raises(ZeroDivisionError):
                _ = 1 / (0 if number else 1)


def test_a_case_that_fails_is_told_and_the_rest_is_tried() -> None:
    tried: list[int] = []
    with pytest.raises(AssertionError) as caught:
        try_four(tried)
    assert tried == [0, 1, 2, 3]
    told = str(caught.value)
    assert "2 of 8 cases failed" in told
    assert "number / 1: AssertionError" in told
    assert "error / 0: Failed: DID NOT RAISE" in told


def test_cases_that_were_never_tried_prove_nothing() -> None:
    with pytest.raises(AssertionError, match="no case was tried"), Cases():
        pass


@pytest.mark.parametrize(
    ("took_s", "marks", "times_slower", "is_fault"),
    [
        (0.9, {"anyio"}, 1.0, False),
        (1.1, {"anyio"}, 1.0, True),
        (1.1, {"legacy"}, 1.0, True),
        (1.1, {"anyio", "slow"}, 1.0, False),
        (1.9, set(), 2.0, False),
        (2.1, set(), 2.0, True),
    ],
)
def test_a_test_over_a_second_says_so_by_a_marker(
    took_s: float, marks: set[str], times_slower: float, is_fault: bool
) -> None:
    assert bool(fault_of(took_s, marks, lambda: times_slower)) is is_fault


def test_the_processor_is_measured_and_no_machine_counts_as_faster_than_it_is() -> None:
    before = processor_s()
    assert slowness() >= 1.0
    assert processor_s() >= before


def test_no_property_fails_because_the_machine_is_busy() -> None:
    profile = hypothesis.settings()
    assert profile.deadline is None
    assert hypothesis.HealthCheck.too_slow in profile.suppress_health_check


def test_what_tests_counted_becomes_a_page_with_its_date_machine_and_command(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept, page = tmp_path / "figures.jsonl", tmp_path / "page.md"
    monkeypatch.setenv(figures.FILE, str(kept))
    for test, calls in (("a.py::one[1]", 7), ("a.py::one[1]", 1000), ("a.py::one[2]", 234)):
        monkeypatch.setenv("PYTEST_CURRENT_TEST", f"{test} (call)")
        counts = {"find_customers": {"calls": calls}, "get_status": {"calls": 1, "refused": 1}}
        figures.record("Calls", counts, note="All of them.")
    monkeypatch.setenv("PYTEST_CURRENT_TEST", "b.py::two (call)")
    figures.record("Lost", {"customers": 0, "steps": 1300, "lost": 2, "what": "nothing"})
    monkeypatch.setenv("PYTEST_CURRENT_TEST", "c.py::three (call)")
    figures.record("Wire", {"get_status": {"cells": 70, "lost": 0}, "other": {"cells": 5}})
    figures.main([str(kept), str(page), "--command", "pytest -m proof"])
    text = page.read_text(encoding="utf-8")
    at = json.loads(kept.read_text(encoding="utf-8").splitlines()[-1])["at"]
    for line in (
        f"- Date: {at}",
        "- Command: `pytest -m proof`",
        "- In all: 75 cells, 0 points, 1,300 steps; 2 lost, 0 doubled, 0 misreported.",
        "## Calls\n\nAll of them.\n",
        "|  | calls | refused |",
        "| find_customers | 1,234 |  |",
        "| get_status | 2 | 2 |",
        "\n`a.py::one`\n",
        "| customers | 0 |",
        "| what | nothing |",
    ):
        assert line in text, text
    assert text.count("`a.py::one`") == 1


def test_nothing_is_kept_where_nobody_asked_for_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(figures.FILE, raising=False)
    figures.record("Calls", {"calls": 1})
