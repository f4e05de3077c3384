"""Bulk deletions: every id sent gets one verdict, whatever BeeL's answer holds."""

import logging
from collections import Counter
from itertools import product

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from beel_mcp.api.bulk import read_deletion
from beel_mcp.api.http.responses import ApiResponse
from beel_mcp.api.routes import DELETE_CUSTOMERS
from beel_mcp.errors import UnknownOutcomeError

INVENTED = "z-9"


def answer(**data):
    return ApiResponse(DELETE_CUSTOMERS, "company", 200, data, "req-1")


def row(customer_id="a", status="DELETED", **error):
    return {"customer_id": customer_id, "status": status, **({"error": error} if error else {})}


def failure(customer_id="a", code="CLIENT_HAS_INVOICES", message="No."):
    return {"customer_id": customer_id, "error": {"code": code, "message": message}}


def verdict(sent=("a",), **data):
    [only] = read_deletion(answer(**data), sent).rows
    return only


@pytest.mark.parametrize(
    ("told", "status", "code"),
    [
        (row(), "deleted", None),
        (row(status="NOT_FOUND", code="NOT_FOUND", message="x"), "not_found", "NOT_FOUND"),
        (row(status="NOT_FOUND"), "not_found", "NOT_FOUND"),
        (row(status="HAS_INVOICES", code="CLIENT_HAS_INVOICES"), "has_invoices",
         "CLIENT_HAS_INVOICES"),
        (row(status="HAS_INVOICES"), "has_invoices", "HAS_INVOICES"),
        (row(status="HAS_RECURRING_INVOICE"), "has_recurring_invoice", "HAS_RECURRING_INVOICE"),
        (row(status="HAS_RECURRING_INVOICE", code="CLIENT_HAS_INVOICES"), "has_recurring_invoice",
         "HAS_RECURRING_INVOICE"),
        (row(status="ERROR", code="INTERNAL_ERROR"), "failed", "INTERNAL_ERROR"),
        (row(status="ERROR"), "failed", "ERROR"),
        (row(status="HAS_QUOTES", code="CLIENT_HAS_QUOTES"), "failed", "CLIENT_HAS_QUOTES"),
        (row(status="HAS_QUOTES", message="It has."), "failed", "HAS_QUOTES"),
        # What may as well be a success in new words is not called a failure.
        (row(status="ARCHIVED"), "unknown", "ARCHIVED"),
        (row(status=None), "unknown", None),
        (row(status=["DELETED"]), "unknown", None),
        (row(code="INTERNAL_ERROR"), "unknown", "INTERNAL_ERROR"),
        (row("A"), "deleted", None),
    ],
)  # fmt: skip
def test_a_row_of_todays_has_a_verdict(told, status, code):
    found = verdict(customers_deletion=[told])
    assert (found.customer_id, found.status, found.code) == ("a", status, code)


@pytest.mark.parametrize(
    ("code", "status"),
    [
        ("CLIENT_HAS_INVOICES", "has_invoices"),
        ("HAS_RECURRING_INVOICE", "has_recurring_invoice"),
        ("NOT_FOUND", "not_found"),
        ("INTERNAL_ERROR", "failed"),
        ("SOMETHING_NEW", "failed"),
        ("DELETED", "unknown"),
    ],
)
def test_an_error_of_the_seeds_has_a_verdict(code, status):
    found = verdict(deactivated_ids=[], errors=[failure(code=code)])
    assert (found.status, found.code, found.message) == (status, code, "No.")


def test_the_seeds_list_what_they_deactivated():
    data = {"total": 2, "successful": 1, "failed": 1, "deactivated_ids": ["B"]}
    result = read_deletion(answer(**data, errors=[failure("a")]), ["a", "b"])
    assert [(r.customer_id, r.status) for r in result.rows] == [
        ("a", "has_invoices"),
        ("b", "deleted"),
    ]
    assert (result.request_id, result.invented) == ("req-1", 0)


@pytest.mark.parametrize(
    "data",
    [
        {"customers_deletion": []},
        {"customers_deletion": ["a", None, 7, {"status": "DELETED"}]},
        {"customers_deletion": [row(), row()]},
        {"customers_deletion": [row(), row(status="NOT_FOUND")]},
        {"customers_deletion": [row()], "errors": [failure()]},
        {"customers_deletion": [row(status="HAS_INVOICES")], "deleted_ids": ["a"]},
        {"customers_deletion": [row(status="ERROR")], "deactivated_ids": ["A"]},
        {"customers_deletion": [], "deleted_ids": ["a"], "deactivated_ids": ["a"]},
        {"deactivated_ids": ["a", "a"]},
        {"deactivated_ids": ["a"], "errors": [failure()]},
        {"deactivated_ids": [7, None, {"id": "a"}]},
        {"deactivated_ids": [], "errors": []},
        {"errors": [failure(), failure()]},
    ],
)
def test_what_is_missing_repeated_or_contradicted_is_unknown(data):
    assert verdict(**data).status == "unknown"


@pytest.mark.parametrize(
    "counters",
    [
        {"total": 10, "successful": 10, "failed": 0},
        {"total": 0, "successful": 0, "failed": 9},
        {"statistics": {"deleted": 99}, "metadata": {"total_customers": 5}},
    ],
)
def test_counters_are_not_believed(counters):
    told = {"customers_deletion": [row(status="HAS_INVOICES")]}
    assert verdict(**told, **counters).status == "has_invoices"
    assert verdict(deactivated_ids=["a"], **counters).status == "deleted"


def test_invented_ids_are_noted_and_give_no_row(caplog):
    caplog.set_level(logging.WARNING)
    told = {"customers_deletion": [row(), row(INVENTED), row(None)]}
    result = read_deletion(answer(**told), ["a"])
    assert ([r.status for r in result.rows], result.invented) == (["deleted"], 2)
    assert "2 customers that were not sent" in caplog.text
    assert INVENTED not in caplog.text


def test_messages_are_cleaned():
    told = row(status="ERROR", code="a b", message="No\x1b[31m\u202e ES9121000418450200051332")
    found = verdict(customers_deletion=[told])
    assert (found.code, found.message) == ("ERROR", "No [IBAN]")


@pytest.mark.parametrize(
    "data",
    [
        {},
        {"total": 1, "successful": 1, "failed": 0},
        {"deleted_ids": ["a"]},
        {"customers_deletion": {"a": "DELETED"}},
        {"customers_deletion": None, "deactivated_ids": "a"},
        {"customers_deletion": [row()], "metadata": {"is_dry_run": True}},
    ],
)
def test_an_answer_that_says_nothing_leaves_all_unknown(data):
    with pytest.raises(UnknownOutcomeError) as caught:
        read_deletion(answer(**data), ["a"])
    assert (caught.value.changed, caught.value.request_id) == ("unknown", "req-1")


IDS = st.lists(st.sampled_from("abcdefgh"), min_size=1, unique=True)
TOLD = st.lists(
    st.tuples(
        st.sampled_from(["a", "b", "c", "d", "e", "F", "g", "h", INVENTED, None, 7]),
        st.sampled_from(["DELETED", "NOT_FOUND", "HAS_INVOICES", "ERROR", "NEW", None]),
    ),
    max_size=12,
)


@pytest.mark.slow
@settings(max_examples=2_000, derandomize=True, deadline=None)
@given(sent=IDS, told=TOLD, is_today=st.booleans(), total=st.integers(-5, 500))
def test_every_id_sent_is_in_exactly_one_list(sent, told, is_today, total):
    if is_today:
        data = {"customers_deletion": [row(*item) for item in told]}
    else:
        done = [customer_id for customer_id, status in told if status == "DELETED"]
        failed = [failure(*item) for item in told if item[1] != "DELETED"]
        data = {"deactivated_ids": done, "errors": failed}
    result = read_deletion(answer(**data, total=total, successful=total), sent)
    assert [r.customer_id for r in result.rows] == sent
    named = Counter(str(customer_id).lower() for customer_id, _ in told)
    statuses = {str(customer_id).lower(): status for customer_id, status in told}
    for found in result.rows:
        is_clear = named[found.customer_id] == 1
        assert (found.status == "deleted") == (
            is_clear and statuses[found.customer_id] == "DELETED"
        )
        assert is_clear or found.status == "unknown"


@pytest.mark.parametrize(("is_done", "is_failed"), [*product([False, True], repeat=2)])
def test_todays_answer_may_repeat_itself_in_the_seeds_words(is_done, is_failed):
    data = {"customers_deletion": [row()]}
    data |= {"deactivated_ids": ["a"]} if is_done else {"deactivated_ids": []}
    data |= {"errors": [failure()]} if is_failed else {}
    assert verdict(**data).status == ("unknown" if is_failed else "deleted")
