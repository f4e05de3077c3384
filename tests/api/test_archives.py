"""ZIPs of PDFs: the exact request, what counts as one, and what is believed of the headers."""

import gzip
import io
import json
import zipfile
from base64 import b64encode

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from beel_mcp.api.http.wire import Incoming
from beel_mcp.api.routes import DOWNLOAD_INVOICES
from beel_mcp.api.zip import LeftOut, read_zip
from beel_mcp.errors import (
    ApiError,
    CallerError,
    InternalError,
    InvalidRequestError,
    NoPdfError,
    NotFoundError,
    NotSentError,
    RouteRetiredError,
    TooLargeError,
    UnauthorizedError,
    UnknownOutcomeError,
    error_text,
)
from tests.support.servers.answers import PREFIX, envelope, refusal

from .test_operations import client, family, sent

__all__ = ["client", "family"]  # the fixtures: one client in each family
pytestmark = pytest.mark.anyio

ONE = "550e8400-e29b-41d4-a716-446655440001"
TWO = "550e8400-e29b-41d4-a716-44665544000B"
PATH = {"flat": "/invoices/bulk/pdf", "company": "/invoices/pdf-archive"}
ZIP = {"content-type": "application/zip"}
BEFORE = b"what was there"


def zipped(comment=b""):
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr(zipfile.ZipInfo("factura.pdf"), b"%PDF-1.4 " + b"x" * 300)
        archive.comment = comment
    return file.getvalue()


WHOLE = zipped()


@pytest.fixture
def url(family):
    return PREFIX[family] + PATH[family]


@pytest.fixture
def sink():
    file = io.BytesIO()
    file.write(BEFORE)
    return file


def good(content=WHOLE, **headers):
    return httpx.Response(200, content=content, headers={**ZIP, **headers})


def encoded(items):
    text = items if isinstance(items, bytes) else json.dumps(items).encode()
    return b64encode(text).decode()


async def test_a_zip_is_asked_for_by_ids_and_lands_in_the_sink_as_it_came(
    beel, client, family, url, sink
):
    counts = {"x-bulk-total": "2", "x-bulk-successful": "1", "x-bulk-failed": "1"}
    route = beel.post(url).mock(return_value=good(**counts))
    told = await client.invoices.download_zip([ONE, TWO], sink)
    request, rest = sent(route, family, accept="application/zip, application/json")
    assert request.content == f'{{"invoice_ids":["{ONE}","{TWO}"]}}'.encode()
    assert (request.url.query, "idempotency-key" in rest) == (b"", False)
    assert sink.getvalue() == BEFORE + WHOLE
    assert (told.size_bytes, told.status) == (len(WHOLE), 200)
    assert (told.total, told.successful, told.failed, told.left_out) == (2, 1, 1, None)
    assert told.request_id is None


async def test_chunks_are_as_large_as_the_family_takes(client, family):
    assert await client.invoices.zip_chunk_size() == {"flat": 20, "company": 100}[family]


@pytest.mark.parametrize(
    ("ids", "kind"),
    [
        ([], InternalError),
        ([ONE, ONE.upper()], InternalError),
        ([ONE[:-3] + f"{n:03d}" for n in range(501)], InternalError),
        ([ONE, "F26-0001"], CallerError),
        ([ONE + "\n"], CallerError),
    ],
)
async def test_what_cannot_be_asked_for_is_not_sent(beel, client, url, sink, ids, kind):
    route = beel.post(url).mock(return_value=good())
    with pytest.raises(kind):
        await client.invoices.download_zip(ids, sink)
    assert not route.called


@pytest.mark.parametrize(
    "kind", ["application/zip", "application/octet-stream", "application/x-zip-compressed", ""]
)
@pytest.mark.parametrize("comment", [b"", b"made by BeeL", b"c" * 1_000])
async def test_bytes_make_a_zip_whatever_they_are_called(beel, client, url, sink, kind, comment):
    answer = httpx.Response(200, content=zipped(comment))
    answer.headers["content-type"] = kind
    beel.post(url).mock(return_value=answer)
    await client.invoices.download_zip([ONE], sink)
    assert sink.getvalue() == BEFORE + zipped(comment)


HTML = "<html>sign in</html>"
NO_ZIPS = {
    "html": httpx.Response(200, html=HTML),
    "html called zip": good(HTML.encode()),
    "html before a zip": good(b"<html>" + WHOLE),
    "json": httpx.Response(200, json=envelope({"failures": []})),
    "json without success": httpx.Response(200, json=refusal("ODD")),
    "empty": good(b""),
    "empty and nameless": httpx.Response(200, content=b""),
    "no content": httpx.Response(204),
    "accepted": httpx.Response(202, content=WHOLE, headers=ZIP),
    "created": httpx.Response(201, content=WHOLE, headers=ZIP),
    "redirect": httpx.Response(302, headers={"location": "https://evil.example/x.zip"}),
    "an empty zip": good(b"PK\x05\x06" + bytes(18)),
    "one byte": good(b"P"),
    "gzip": good(gzip.compress(WHOLE), **{"content-encoding": "gzip"}),
    "brotli": good(WHOLE, **{"content-encoding": "br"}),
    "cut in the end record": good(WHOLE[:-1]),
    "cut in the middle": good(WHOLE[: len(WHOLE) // 2]),
    "something behind it": good(WHOLE + b"\n"),
    "an end inside the end": good(zipped(b"PK\x05\x06" * 9)),
    "fewer bytes than announced": good(**{"content-length": str(len(WHOLE) + 1)}),
}


@pytest.mark.parametrize("shape", NO_ZIPS)
async def test_what_is_no_whole_zip_is_asked_for_again_and_leaves_no_trace(
    beel, client, url, sink, shape
):
    route = beel.post(url).mock(side_effect=lambda _: copy_of(NO_ZIPS[shape]))
    with pytest.raises(UnknownOutcomeError) as caught:
        await client.invoices.download_zip([ONE], sink)
    assert sink.getvalue() == BEFORE
    assert caught.value.changed == "nothing"
    assert "<html" not in error_text(caught.value)
    assert route.call_count == (1 if shape == "redirect" else 3)


def copy_of(answer):
    headers = {k: v for k, v in answer.headers.items() if k != "transfer-encoding"}
    return httpx.Response(
        answer.status_code, stream=httpx.ByteStream(raw_of(answer)), headers=headers
    )


def raw_of(answer):
    return b"".join(answer.stream)


@pytest.mark.parametrize(
    ("status", "code", "kind"),
    [
        (400, "VALIDATION_ERROR", NoPdfError),
        (400, "SOMETHING_NEW", NoPdfError),
        (400, "INVALID_JSON_FORMAT", InvalidRequestError),
        (401, "UNAUTHORIZED", UnauthorizedError),
        (413, "FILE_TOO_LARGE", TooLargeError),
        (413, "PAYLOAD_TOO_LARGE", TooLargeError),
        (422, "VALIDATION_ERROR", TooLargeError),
    ],
)
async def test_a_refusal_says_what_to_do_and_is_not_asked_again(
    beel, client, url, sink, status, code, kind
):
    route = beel.post(url).respond(status, json=refusal(code))
    with pytest.raises(kind) as caught:
        await client.invoices.download_zip([ONE, TWO], sink)
    error = caught.value
    assert (type(error), error.status, error.code) == (kind, status, code)
    assert (error.request_id, error.changed) == ("req-1", "nothing")
    assert "rows" not in error.remedy
    assert (route.call_count, sink.getvalue()) == (1, BEFORE)


async def test_a_single_invoice_is_never_too_many(beel, client, url, sink):
    beel.post(url).respond(422, json=refusal("VALIDATION_ERROR"))
    with pytest.raises(InvalidRequestError) as caught:
        await client.invoices.download_zip([ONE], sink)
    assert type(caught.value) is InvalidRequestError


async def test_a_400_that_is_not_beels_says_nothing_about_pdfs(beel, client, url, sink):
    beel.post(url).respond(400, html="<html>Bad Request</html>")
    with pytest.raises(InvalidRequestError) as caught:
        await client.invoices.download_zip([ONE], sink)
    assert type(caught.value) is InvalidRequestError


async def test_a_route_that_is_gone_is_said_to_be_gone(beel, client, family, url, sink):
    beel.post(url).respond(404, json=refusal("NOT_FOUND"))
    with pytest.raises(RouteRetiredError if family == "flat" else NotFoundError):
        await client.invoices.download_zip([ONE], sink)


FAILURES = [
    (httpx.ConnectError, 3), (httpx.ReadTimeout, 3), (httpx.ReadError, 3),
    (httpx.RemoteProtocolError, 3), (429, 3), (502, 3), (503, 3), (504, 3),
    (500, 1), (501, 1), (524, 1), (403, 1), (409, 1),
]  # fmt: skip


@pytest.mark.parametrize(("failure", "requests"), FAILURES)
async def test_each_failure_is_met_as_the_table_says(beel, client, url, sink, failure, requests):
    answer = failure if isinstance(failure, type) else httpx.Response(failure, json=refusal("X"))
    route = beel.post(url).mock(side_effect=answer if isinstance(answer, type) else [answer] * 3)
    with pytest.raises(ApiError):
        await client.invoices.download_zip([ONE], sink)
    assert (route.call_count, sink.getvalue()) == (requests, BEFORE)


def told(**headers):
    names = {f"x-bulk-{name}": value for name, value in headers.items()}
    incoming = Incoming(200, names, None, streamed_bytes=9)
    return read_zip(incoming, DOWNLOAD_INVOICES, "flat").data


@pytest.mark.parametrize(
    "text",
    ["", "-1", "+1", "1.0", "1e3", "0x1", "one", "\u0661", "1" * 7, "2, 2", "1 2", "null", "1\x00"],
)
def test_a_count_that_is_none_counts_as_not_said(text):
    found = told(total=text, successful=text, failed=text)
    assert (found.total, found.successful, found.failed) == (None, None, None)


BAD_FAILURES = [
    "", "%%%", "W10", "[]", encoded(b"\xff"), encoded(b"{}"), encoded(b"[NaN]"), encoded(b"[1"),
    encoded(b'[{"a":1,"a":2}]'), encoded({"invoice_id": ONE}), encoded([{}] * 501),
    encoded(b"[" * 50_000), encoded([{"x": "y" * 60_000}]), "é", "W10=\x00",
]  # fmt: skip


@pytest.mark.parametrize("text", BAD_FAILURES)
def test_a_list_of_failures_that_is_none_counts_as_not_said(text):
    assert told(failures=text).left_out is None


@pytest.mark.slow
@given(st.text(max_size=200) | st.binary(max_size=200).map(encoded))
def test_no_header_makes_the_reader_fail(text):
    found = told(failures=text, total=text)
    assert found.left_out is None or all(type(item) is LeftOut for item in found.left_out)


async def test_failures_are_kept_for_invoices_that_were_asked_for(beel, client, url, sink):
    items = [
        {"invoice_id": ONE, "error_code": "NO_PDF", "error_message": "No\x1b[31m \u202ePDF"},
        {"invoice_id": TWO.lower(), "error": {"code": "NOT_FOUND", "message": "Gone"}},
        {"invoice_id": ONE, "error_code": "SECOND"},
        {"invoice_id": "another", "error_code": "X"},
        {"invoice_id": ["x"]}, "text", None, {},
    ]  # fmt: skip
    beel.post(url).mock(return_value=good(**{"x-bulk-failures": encoded(items)}))
    answer = await client.invoices.download_zip([TWO, ONE], sink)
    assert answer.left_out == (
        LeftOut(TWO, "NOT_FOUND", "Gone"),
        LeftOut(ONE, "NO_PDF", "No PDF"),
    )


async def test_failures_of_strangers_alone_name_nobody(beel, client, url, sink):
    items = encoded([{"invoice_id": "another"}])
    beel.post(url).mock(return_value=good(**{"x-bulk-failures": items, "x-request-id": "r-1"}))
    answer = await client.invoices.download_zip([ONE], sink)
    assert (answer.left_out, answer.request_id) == (None, "r-1")


async def test_without_a_connection_the_sink_stays_as_it_was(beel, client, url, sink):
    beel.post(url).mock(side_effect=httpx.ConnectError)
    with pytest.raises(NotSentError):
        await client.invoices.download_zip([ONE], sink)
    assert sink.getvalue() == BEFORE
