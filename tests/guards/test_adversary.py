"""A caller that tries everything, in any order: nothing is removed without a recorded yes."""

import os

import pytest
from hypothesis import HealthCheck, seed, settings
from hypothesis.stateful import run_state_machine_as_test

from tests.support.people.adversary import STATS, Caller


def run(examples: int, steps: int, number: int) -> None:

    run_state_machine_as_test(
        seed(number)(Caller),
        settings=settings(
            max_examples=examples,
            stateful_step_count=steps,
            deadline=None,
            database=None,
            suppress_health_check=list(HealthCheck),
        ),
    )


@pytest.mark.proof
@pytest.mark.parametrize("number", range(4))
def test_ten_thousand_tries_remove_nothing_without_a_recorded_yes(number: int) -> None:
    STATS.clear()
    run(examples=66, steps=50, number=number)
    print(dict(STATS))
    assert STATS["steps"] >= 2_500
    # A proof about calls that all fail would prove nothing.
    assert STATS["changed"] >= 50
    assert STATS["undone"] >= 1
    assert STATS["mailed"] >= 1
    assert STATS["pages"] >= 10
    assert STATS["links"] >= 10


@pytest.mark.nightly
def test_a_million_tries_remove_nothing_without_a_recorded_yes() -> None:
    run(examples=int(os.environ.get("TESTS_TRIES", "1000000")) // 100, steps=100, number=0)
