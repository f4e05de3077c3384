"""A BeeL that cannot be reached, says nothing, says no, or says something else than BeeL would."""

from typing import Any

import pytest
from mcp.types import CallToolResult

from tests.conftest import Connect
from tests.support.customers import customer
from tests.support.servers.fault_server import FaultServer, http

pytestmark = pytest.mark.anyio

ENVELOPE = (
    b'{"success": false, "error": {"code": "%s", "message": "%s"}, "meta": {"request_id": "req-1"}}'
)
HTML = b"<!DOCTYPE html><html><head><title>Sign in</title></head><body>secret-page</body></html>"


def refusal(status: str, code: bytes, message: bytes, *headers: str) -> bytes:
    return http(status, ENVELOPE % (code, message), *headers)


ANSWERS: dict[str, tuple[bytes, str]] = {
    "401": (refusal("401 Unauthorized", b"UNAUTHORIZED", b"no"), "UNAUTHORIZED"),
    "403": (refusal("403 Forbidden", b"INSUFFICIENT_SCOPE", b"no"), "INSUFFICIENT_SCOPE"),
    "429": (
        refusal("429 Too Many", b"RATE_LIMIT_EXCEEDED", b"slow", "Retry-After: 41"),
        "RATE_LIMIT_EXCEEDED",
    ),
    "html": (http("200 OK", HTML, content_type="text/html"), "unexpected_answer"),
    "html 502": (http("502 Bad Gateway", HTML, content_type="text/html"), "server_error"),
    "redirect": (http("302 Found", b"", "Location: http://127.0.0.1:1/"), "unexpected_answer"),
    "empty": (http("200 OK", b""), "unexpected_answer"),
    "nonsense": (b"SSH-2.0-OpenSSH_9.2\r\n", "no_answer"),
}
CALLS: dict[str, dict[str, Any]] = {
    "validate_customers": {"customers": [customer(1)]},
    "create_customers": {"customers": [customer(1)]},
    "find_customers": {},
}


def structure_of(result: CallToolResult) -> dict[str, Any]:
    assert result.structured_content is not None
    return result.structured_content


@pytest.mark.parametrize("tool", CALLS)
@pytest.mark.parametrize("answer", ANSWERS)
async def test_a_bad_answer_becomes_a_clear_error_and_nothing_is_written(
    connect_to: Connect, beel: FaultServer, tool: str, answer: str
) -> None:
    raw, code = ANSWERS[answer]
    beel.fault("answer", raw=raw, times=99, path="customers")
    async with connect_to() as client:
        result = await client.call_tool(tool, CALLS[tool])
    structure = structure_of(result)
    assert result.is_error
    assert structure["code"] == code
    assert structure["changed"] == "nothing"
    assert structure["environment"] == "test"
    text = result.content[0].text
    assert "Nothing was changed in BeeL." in text
    assert "secret-page" not in text
    assert "beel_sk" not in text
    assert beel.created == []
    if answer == "429":
        assert structure["retry_after_s"] == 41
        assert structure["retryable"] is True


@pytest.mark.parametrize("tool", CALLS)
async def test_an_unreachable_beel_is_named_and_can_be_tried_again(
    connect_to: Connect, tool: str
) -> None:
    async with connect_to(base_url="http://127.0.0.1:9") as client:
        result = await client.call_tool(tool, CALLS[tool])
    structure = structure_of(result)
    assert result.is_error
    assert structure["code"] == "beel_unreachable"
    assert structure["changed"] == "nothing"
    assert structure["retryable"] is True


async def test_a_retired_flat_route_is_explained_as_that(
    connect_to: Connect, beel: FaultServer
) -> None:
    gone = refusal("410 Gone", b"GONE", b"gone")
    beel.fault("answer", raw=gone, times=99, path="/v1/customers")
    async with connect_to(routes="flat") as client:
        result = await client.call_tool("find_customers", {})
    structure = structure_of(result)
    assert structure["code"] == "route_retired"
    assert "BEEL_COMPANY_ID" in result.content[0].text


async def test_a_dry_run_that_was_none_is_an_alarm(connect_to: Connect, beel: FaultServer) -> None:
    written = (
        b'{"success": true, "data": {"metadata": {"total_customers": 1, "is_dry_run": false,'
        b' "processing_time_ms": 1, "source_type": "BULK_JSON"}, "customers_validation": ['
        b'{"index": 0, "status": "VALID", "errors": [], "warnings": []}], "statistics": '
        b'{"total_processed": 1, "valid": 1, "with_warnings": 0, "with_errors": 0,'
        b' "duplicates": 0, "invalid_nifs": 0, "imported": 1, "success_rate": 1.0}}}'
    )
    beel.fault("answer", raw=http("200 OK", written), path="bulk", dry_run=True)
    async with connect_to() as client:
        result = await client.call_tool("validate_customers", CALLS["validate_customers"])
    structure = structure_of(result)
    assert result.is_error
    assert structure["code"] == "dry_run_not_honoured"
    assert structure["changed"] == "unknown"
