"""The CSV template: the exact request, and bytes that are taken as they are or not at all."""

import gzip

import httpx
import pytest

from beel_mcp.api.customers import CAP_BYTES
from beel_mcp.errors import ApiError, InvalidRequestError, RouteRetiredError, UnknownOutcomeError
from tests.support.servers.answers import BASE, envelope, refusal

from .test_operations import client, family, sent

__all__ = ["client", "family"]  # the fixtures: one client in each family
pytestmark = pytest.mark.anyio

ROUTE = {
    "flat": ("POST", "/v1/customers/templates/csv"),
    "company": ("GET", "/v1/templates/customer-import"),
}
CSV = {"content-type": "text/csv; charset=utf-8"}
HEADER = ("nombre_fiscal", "nif", "email")
TEMPLATE = "\ufeffnombre_fiscal;nif;email\r\nPeña «SL»;B65120347;a@example.com\r\n\r\n".encode()


@pytest.fixture
def answering(beel, family):
    def script(*answers):
        method, path = ROUTE[family]
        return beel.request(method, path).mock(side_effect=[*answers])

    return script


def good(content=TEMPLATE, **headers):
    return httpx.Response(200, content=content, headers={**CSV, **headers})


async def test_the_template_is_asked_for_without_a_body_and_kept_to_the_byte(
    client, family, answering
):
    route = answering(good())
    template = await client.customers.template()
    request, rest = sent(route, family, accept="text/csv, application/json")
    assert (request.method, str(request.url)) == (ROUTE[family][0], BASE + ROUTE[family][1])
    assert request.content == b""
    assert rest in ({}, {"content-length": "0"})
    assert template.content == TEMPLATE
    assert (template.columns, template.example_rows) == (HEADER, 1)


@pytest.mark.parametrize(
    ("content", "columns", "rows"),
    [
        (b"nombre_fiscal;nif;email\n", HEADER, 0),
        (b"nombre_fiscal;nif;email", HEADER, 0),
        (b"nombre_fiscal,nif,email\r\n;;\r\n ; ;\r\n", HEADER, 2),
        (b'"nombre_fiscal"\tnif\t email \nA\tB\tC\n', HEADER, 1),
        ('\ufeff"a\nb";nif\r\n"Uno;\nDos";X\r\n'.encode(), ("a b", "nif"), 1),
        (b"a\xe2\x80\xaeb;nif\n", ("ab", "nif"), 0),
    ],
)
async def test_any_header_that_can_be_read_makes_a_template(
    client, answering, content, columns, rows
):
    answering(good(content))
    template = await client.customers.template()
    assert (template.content, template.columns) == (content, columns)
    assert template.example_rows == rows


HTML = b"<html>sign; in</html>"
NO_TEMPLATES = {
    "html": httpx.Response(200, html=HTML.decode()),
    "html called csv": good(HTML),
    "html behind blanks": good(b"\xef\xbb\xbf \r\n" + HTML),
    "json": httpx.Response(200, json=envelope({"a": "b;c"})),
    "json called csv": good(b'{"success": true; "data": {}}'),
    "a list called csv": good(b"[1; 2]"),
    "csv called text": good(**{"content-type": "text/plain"}),
    "csv without a name": httpx.Response(200, content=TEMPLATE),
    "empty": good(b""),
    "a mark alone": good(b"\xef\xbb\xbf"),
    "blank": good(b"\r\n\r\n"),
    "one column": good(b"nombre_fiscal\r\n"),
    "a header with a gap": good(b"nombre_fiscal;;nif\r\n"),
    "101 columns": good(b";".join(b"c%d" % n for n in range(101))),
    "quotes that do not pair up": good(b'nombre_fiscal;nif\r\n"x;y\r\n'),
    "zero bytes": good(TEMPLATE.decode("utf-8-sig").encode("utf-16")),
    "not utf-8": good("señor;nif\r\n".encode("cp1252")),
    "over the cap": good(b"a;b\n".ljust(CAP_BYTES + 1, b"\n")),
    "no content": httpx.Response(204),
    "created": httpx.Response(201, content=TEMPLATE, headers=CSV),
    "partial": httpx.Response(206, content=TEMPLATE, headers=CSV),
    "redirect": httpx.Response(302, headers={"location": "https://evil.example/x.csv"}),
    "gzip": good(gzip.compress(TEMPLATE), **{"content-encoding": "gzip"}),
}


@pytest.mark.parametrize("shape", NO_TEMPLATES)
async def test_what_is_no_template_is_refused_without_showing_it(client, answering, shape):
    route = answering(*(copy_of(NO_TEMPLATES[shape]) for _ in range(3)))
    with pytest.raises(UnknownOutcomeError) as caught:
        await client.customers.template()
    assert (caught.value.code, caught.value.changed) == ("unexpected_answer", "nothing")
    assert "sign" not in caught.value.message
    assert route.call_count == (1 if shape == "redirect" else 3)


def copy_of(answer):
    headers = {k: v for k, v in answer.headers.items() if k != "transfer-encoding"}
    body = httpx.ByteStream(b"".join(answer.stream))
    return httpx.Response(answer.status_code, stream=body, headers=headers)


@pytest.mark.slow
async def test_a_template_of_the_largest_size_is_taken(client, answering):
    content = b"a;b\n".ljust(CAP_BYTES, b"\n")
    answering(good(content))
    assert (await client.customers.template()).content == content


async def test_it_is_asked_for_again_like_any_read(client, answering):
    route = answering(httpx.ReadError("x"), httpx.Response(503), good())
    assert (await client.customers.template()).content == TEMPLATE
    assert route.call_count == 3


@pytest.mark.parametrize(("status", "code"), [(403, "INSUFFICIENT_SCOPE"), (422, "SOMETHING")])
async def test_a_refusal_is_told_in_beels_words_and_not_repeated(client, answering, status, code):
    route = answering(httpx.Response(status, json=refusal(code)))
    with pytest.raises(ApiError) as caught:
        await client.customers.template()
    assert (caught.value.code, caught.value.status, route.call_count) == (code, status, 1)


async def test_a_refusal_called_csv_is_still_a_refusal(client, answering):
    answering(httpx.Response(400, content=TEMPLATE, headers=CSV))
    with pytest.raises(InvalidRequestError):
        await client.customers.template()


async def test_a_flat_route_that_is_gone_is_said_to_be_gone(client, family, answering):
    answering(httpx.Response(404, json=refusal("NOT_FOUND")))
    with pytest.raises(RouteRetiredError if family == "flat" else ApiError):
        await client.customers.template()
