"""A ZIP over a real socket: cut in three framings, stalled, dripping, or not a ZIP at all."""

import io
import zipfile
from collections.abc import AsyncIterator
from pathlib import Path

import anyio
import anyio.lowlevel
import pytest
from pydantic import SecretStr
from starlette.applications import Starlette

from beel_mcp.api import zip as zips
from beel_mcp.api.client import BeelClient
from beel_mcp.api.http.retry import Retries
from beel_mcp.errors import UnknownOutcomeError
from beel_mcp.sandbox.seed import invoice_id
from beel_mcp.settings import Settings
from tests.conftest import TEST_KEY
from tests.support.servers.fault_server import FaultServer, http

pytestmark = pytest.mark.anyio

IDS = [invoice_id(1), invoice_id(22)]
HEAD = "HTTP/1.1 200 OK\r\ncontent-type: application/zip\r\nconnection: close\r\n"


async def at_once(_: float) -> None:
    await anyio.lowlevel.checkpoint()


@pytest.fixture
async def client(
    beel: FaultServer, tmp_path: Path, sandbox: Starlette
) -> AsyncIterator[BeelClient]:
    settings = Settings(
        files_dir=tmp_path,
        import_dirs=(),
        state_dir=tmp_path,
        api_key=SecretStr(TEST_KEY),
        base_url=beel.url,
    )
    opened = BeelClient(settings, retries=Retries(sleep=at_once))
    yield opened
    await opened.aclose()


async def whole_zip(client: BeelClient) -> bytes:
    sink = io.BytesIO()
    await client.invoices.download_zip(IDS, sink)
    with zipfile.ZipFile(sink) as archive:
        assert len(archive.namelist()) == 2
    return sink.getvalue()


def framings(body: bytes) -> dict[str, bytes]:
    half = body[: len(body) // 2]
    return {
        "content-length": f"{HEAD}content-length: {len(body)}\r\n\r\n".encode() + half,
        "chunked": f"{HEAD}transfer-encoding: chunked\r\n\r\n{len(body):x}\r\n".encode() + half,
        "until closed": f"{HEAD}\r\n".encode() + half,
    }


@pytest.mark.parametrize("framing", ["content-length", "chunked", "until closed"])
async def test_a_zip_that_is_cut_short_is_asked_for_again_whatever_the_framing(
    beel: FaultServer, client: BeelClient, framing: str
) -> None:
    body = await whole_zip(client)
    beel.fault("answer", raw=framings(body)[framing], path="pdf-archive")
    sink = io.BytesIO()
    await client.invoices.download_zip(IDS, sink)
    assert sink.getvalue() == body
    assert len([path for _, path in beel.seen if path.endswith("pdf-archive")]) == 3


@pytest.mark.parametrize(
    "raw",
    [
        http("200 OK", b"<html>login</html>", content_type="text/html"),
        http("200 OK", b"", content_type="application/zip"),
        http("200 OK", b"x" * 100, "content-encoding: gzip", content_type="application/zip"),
        *framings(b"PK\x03\x04" + bytes(500)).values(),
    ],
)
async def test_what_never_becomes_a_zip_is_an_error_after_three_attempts(
    beel: FaultServer, client: BeelClient, raw: bytes
) -> None:
    beel.fault("answer", raw=raw, path="pdf-archive", times=99)
    sink = io.BytesIO()
    with pytest.raises(UnknownOutcomeError) as caught:
        await client.invoices.download_zip(IDS, sink)
    assert (caught.value.changed, sink.getvalue()) == ("nothing", b"")
    assert len([path for _, path in beel.seen if path.endswith("pdf-archive")]) == 3


async def test_a_body_that_stalls_is_given_up_when_patience_ends(
    beel: FaultServer, client: BeelClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(zips, "PATIENCE_S", 0.1)
    beel.fault("half", committed=True, path="pdf-archive", times=99)
    sink = io.BytesIO()
    with anyio.fail_after(20), pytest.raises(UnknownOutcomeError, match="too slow"):
        await client.invoices.download_zip(IDS, sink)
    assert sink.getvalue() == b""
