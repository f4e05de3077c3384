"""What the tests themselves stand on."""

import hypothesis
import pytest

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
