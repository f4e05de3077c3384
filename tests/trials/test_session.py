"""A session lives through what happens in its trial, and where it does not, the bridge says so."""

import socket
import tempfile
from collections.abc import Iterator
from pathlib import Path
from threading import Thread

import anyio
import pytest

from tests.trials import play
from tests.trials.judge import verdict
from tests.trials.task import task_named
from tests.trials.trial import begun

pytestmark = pytest.mark.anyio


async def test_a_server_that_starts_again_within_a_session_is_led_on_to_the_end(
    tmp_path: Path,
) -> None:
    """The session waits for orders in a scope of its own, which the restart must not close."""
    async with begun(task_named("restarted-es"), tmp_path) as trial:
        with anyio.move_on_after(600) as waiting:
            checked = await trial.call("validate_customers", {"source_path": "gimnasio.xlsx"})
            assert not checked["is_error"], checked["text"]
            assert trial.say("Hay 2 filas buenas. ¿Creo los 2 clientes?")["agreed"]
            [step] = checked["structure"]["next"]
            gone = await trial.call(step["tool"], step["arguments"])
            assert (gone["is_error"], gone["structure"]["code"]) == (True, "batch_expired")
            while gone["structure"].get("next"):
                step = gone["structure"]["next"][0]
                gone = await trial.call(step["tool"], step["arguments"])
            trial.end("Creados los 2 clientes, Iria Souto y Pablo Reina.")
        assert not waiting.cancelled_caught
        assert verdict(trial.played()) == []


@pytest.fixture
def short_path() -> Iterator[Path]:
    """A folder for a socket, whose whole path has a hundred characters at most."""
    with tempfile.TemporaryDirectory() as folder:
        yield Path(folder)


@pytest.mark.parametrize("is_answered", [False, True])
def test_a_session_that_dies_is_a_sentence(
    short_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    *,
    is_answered: bool,
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(short_path))
    folder = play.session_folder("paid-es-1")
    folder.mkdir()
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(play.line_of(folder)))
        listener.listen()

        def die() -> None:
            stream, _ = listener.accept()
            if is_answered:
                stream.recv(65_536)
            stream.close()

        thread = Thread(target=die)
        thread.start()
        assert play.main(["call", "paid-es-1", "get_status", "{}"]) == 2
        thread.join()
    assert "the session paid-es-1 has died; its log says why" in capsys.readouterr().err
