"""What the tests themselves stand on."""

import pytest

from tests.support.cases import Cases


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
