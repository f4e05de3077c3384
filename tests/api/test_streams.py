"""A ZIP on its way to the sink: pieces, breaks, the cap, a full disk, and a body that drips."""

import io

import anyio
import httpx
import pytest

from beel_mcp.api import zip as zips
from beel_mcp.errors import TooLargeError, UnknownOutcomeError

from .test_archives import BEFORE, ONE, TWO, WHOLE, ZIP, client, family, good, sink, url

__all__ = ["client", "family", "sink", "url"]  # the fixtures: one client in each family
pytestmark = pytest.mark.anyio


class Broken(httpx.AsyncByteStream):
    """Gives some of a body, then an error."""

    def __init__(self, *parts):
        self.parts = parts

    async def __aiter__(self):
        for part in self.parts:
            if isinstance(part, type):
                raise part("x")
            yield part


async def test_what_a_broken_attempt_wrote_is_gone_before_the_next_one(beel, client, url, sink):
    broken = httpx.Response(200, stream=Broken(WHOLE[:200], httpx.ReadError), headers=ZIP)
    beel.post(url).mock(side_effect=[broken, good(WHOLE[:50]), good()])
    told = await client.invoices.download_zip([ONE], sink)
    assert (sink.getvalue(), told.size_bytes) == (BEFORE + WHOLE, len(WHOLE))


async def test_a_zip_may_come_in_pieces_of_any_size(beel, client, url, sink):
    pieces = [b"", *(WHOLE[n : n + 1] for n in range(len(WHOLE))), b""]
    beel.post(url).mock(return_value=httpx.Response(200, stream=Broken(*pieces), headers=ZIP))
    await client.invoices.download_zip([ONE], sink)
    assert sink.getvalue() == BEFORE + WHOLE


async def test_over_50_mb_is_not_taken_and_not_asked_for_again(
    beel, client, url, sink, monkeypatch
):
    monkeypatch.setattr(zips, "CAP_BYTES", len(WHOLE) - 1)
    answer = httpx.Response(200, stream=Broken(WHOLE[:99], WHOLE[99:]), headers=ZIP)
    route = beel.post(url).mock(return_value=answer)
    with pytest.raises(TooLargeError) as caught:
        await client.invoices.download_zip([ONE, TWO], sink)
    assert caught.value.code == "zip_too_large"
    assert (route.call_count, sink.getvalue()) == (1, BEFORE)


async def test_what_is_announced_as_over_50_mb_is_not_even_read(beel, client, url, sink):
    headers = {**ZIP, "content-length": str(50 * 1024**2 + 1)}
    unread = httpx.Response(200, stream=Broken(AssertionError), headers=headers)
    beel.post(url).mock(return_value=unread)
    with pytest.raises(TooLargeError):
        await client.invoices.download_zip([ONE, TWO], sink)


async def test_a_bad_beginning_is_seen_through_the_smallest_pieces(beel, client, url, sink):
    body = b"PKxx" + WHOLE[4:]
    pieces = [body[n : n + 1] for n in range(len(body))]
    beel.post(url).mock(
        side_effect=lambda _: httpx.Response(200, stream=Broken(*pieces), headers=ZIP)
    )
    with pytest.raises(UnknownOutcomeError, match="not a ZIP"):
        await client.invoices.download_zip([ONE], sink)


async def test_exactly_as_much_as_the_cap_is_taken(beel, client, url, sink, monkeypatch):
    monkeypatch.setattr(zips, "CAP_BYTES", len(WHOLE))
    beel.post(url).mock(return_value=good())
    assert (await client.invoices.download_zip([ONE], sink)).size_bytes == len(WHOLE)


def test_the_cap_is_50_mb_and_the_pace_10_kb_a_second_over_30_s():
    assert zips.CAP_BYTES == 52_428_800
    assert (zips.PACE_BYTES_PER_S, zips.PATIENCE_S) == (10_000, 30)


class FullDisk(io.BytesIO):
    def write(self, data):
        super().write(data[:10])
        raise OSError(28, "No space left on device")


async def test_a_full_disk_is_neither_beels_fault_nor_tried_again(beel, client, url):
    sink = FullDisk()
    route = beel.post(url).mock(return_value=good())
    with pytest.raises(OSError, match="No space left") as caught:
        await client.invoices.download_zip([ONE], sink)
    assert (caught.value.errno, caught.value.__cause__, caught.value.__context__) == (
        28,
        None,
        None,
    )
    assert (route.call_count, sink.getvalue()) == (1, b"")


async def test_a_download_that_is_cancelled_leaves_nothing_behind(beel, client, url, sink):
    class Endless(httpx.AsyncByteStream):
        async def __aiter__(self):
            yield WHOLE[:100]
            scope.cancel()
            await anyio.sleep_forever()

    beel.post(url).mock(return_value=httpx.Response(200, stream=Endless(), headers=ZIP))
    with anyio.CancelScope() as scope:
        await client.invoices.download_zip([ONE], sink)
    assert (scope.cancelled_caught, sink.getvalue()) == (True, BEFORE)


class Paced:
    """A clock for streams.py, which only the body moves."""

    def __init__(self, monkeypatch):
        self.at = anyio.current_time()
        monkeypatch.setattr(zips.anyio, "current_time", lambda: self.at)

    async def body(self, *steps):
        for seconds, size in steps:
            self.at += seconds
            yield bytes(size)


@pytest.mark.parametrize(
    ("steps", "left_s"),
    [
        ([], 30),
        ([(0, 1_000_000)], 30),  # nobody saves up patience
        ([(20, 0)], 10),
        ([(20, 50_000)], 15),
        ([(10, 100_000)] * 9, 30),
        ([(1, 9_000)] * 100, 20),
        ([(1, 1_000)] * 30, 3),
    ],
)
async def test_bytes_buy_time_at_the_pace_and_never_more_than_30_s(monkeypatch, steps, left_s):
    begun = anyio.current_time()
    scopes = []
    scope_class = anyio.CancelScope

    def scope(**bounds):
        scopes.append(scope_class(**bounds))
        return scopes[-1]

    paced = Paced(monkeypatch)
    paced.at = begun
    monkeypatch.setattr(zips.anyio, "CancelScope", scope)
    monkeypatch.setattr(zips, "_begins_well", lambda _: True)
    await zips.stream(paced.body(*steps), zips.RollbackFile(io.BytesIO()), {})
    assert scopes[0].deadline - paced.at == pytest.approx(left_s)


async def test_a_body_that_stalls_or_drips_is_given_up(beel, client, url, sink, monkeypatch):
    class Dripping(httpx.AsyncByteStream):
        async def __aiter__(self):
            yield WHOLE[:100]
            while True:
                await anyio.sleep(0.001)
                yield b"x"

    monkeypatch.setattr(zips, "PATIENCE_S", 0.05)
    route = beel.post(url).mock(
        side_effect=lambda _: httpx.Response(200, stream=Dripping(), headers=ZIP)
    )
    with anyio.fail_after(30), pytest.raises(UnknownOutcomeError) as caught:
        await client.invoices.download_zip([ONE], sink)
    assert "too slow" in caught.value.message
    assert (route.call_count, sink.getvalue()) == (3, BEFORE)
