"""`beel-mcp doctor`: each fault has a line of what to do, and an exit code; it only reads."""

import json
import sqlite3
import sys
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from functools import partial
from pathlib import Path
from typing import Any

import anyio
import anyio.lowlevel
import pytest
from pydantic import SecretStr
from starlette.applications import Starlette
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from beel_mcp.api.client import BeelClient
from beel_mcp.api.http.retry import Retries
from beel_mcp.cli.doctor import beel, examine, machine
from beel_mcp.cli.doctor.findings import Finding, exit_code, finding
from beel_mcp.language import Sentence
from beel_mcp.sandbox import SandboxOptions, create_app
from beel_mcp.settings import Settings
from beel_mcp.writes.journal.database import Database, JournalError
from beel_mcp.writes.journal.journal import Journal
from beel_mcp.writes.journal.records import Decision, PlannedChunk, WriteRow, utc_now
from tests.conftest import TEST_KEY
from tests.support.servers.process import free_port, serving_process
from tests.support.servers.sunset import with_sunset
from tests.support.systems.marks import posix_only
from tests.test_settings import run

# A PATH that leads to this copy and to no other: nothing to remark on.
OWN_PATH = str(Path(sys.executable).parent)
EVERY = ("files_folder", "import_folders", "state_folder", "key", "company", "scopes", "routes")
READS = ("customers:read", "customers:write", "invoices:read", "companies:list")
Examine = Callable[..., list[Finding]]


@pytest.fixture(autouse=True)
def no_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let no retry wait."""

    async def at_once(_: float) -> None:
        await anyio.lowlevel.checkpoint()

    monkeypatch.setattr("beel_mcp.api.client.Retries", partial(Retries, sleep=at_once))


@pytest.fixture
def looked(settings: Settings, tmp_path: Path) -> Examine:
    """Examine a sandbox, or another app in its place, with changed settings."""
    settings.files_dir.chmod(0o700)
    environ = {"HOME": str(tmp_path), "USERPROFILE": str(tmp_path)}

    def look(app: Any = None, **changes: Any) -> list[Finding]:
        return examine(replace(settings, **changes), environ, sandbox_app=app or create_app())

    return look


def faults(findings: list[Finding]) -> list[str]:
    """Give the topics with a fault; each fault says in both languages what to do, in one line."""
    for one in findings:
        assert one.remedy or not one.fault
        for sentence in filter(None, (one.fact, one.remedy)):
            assert sentence.en
            assert sentence.es
            assert "\n" not in sentence.en + sentence.es
    return [one.topic for one in findings if one.fault]


def fault(findings: list[Finding]) -> Finding:
    [topic] = faults(findings)
    return next(one for one in findings if one.topic == topic and one.fault)


def answering(status: int, body: Any, **headers: str) -> ASGIApp:
    """Make a BeeL that gives everybody the same answer."""
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    pairs = [(name.replace("_", "-").encode(), value.encode()) for name, value in headers.items()]
    pairs = [(b"content-type", b"application/json"), *pairs]

    async def app(_: Scope, __: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": status, "headers": pairs})
        await send({"type": "http.response.body", "body": content})

    return app


def dated(app: Starlette, time: datetime) -> ASGIApp:
    """Let a sandbox tell the time, as servers do."""

    async def wrapped(scope: Scope, receive: Receive, send: Send) -> None:
        async def send_dated(message: Message) -> None:
            if message["type"] == "http.response.start":
                date = format_datetime(time, usegmt=True).encode()
                message = {**message, "headers": [*message["headers"], (b"date", date)]}
            await send(message)

        await app(scope, receive, send_dated)

    return wrapped


def refusal(code: str) -> dict[str, Any]:
    return {"success": False, "error": {"code": code, "message": "No."}}


@pytest.mark.parametrize(
    ("language", "words", "end"),
    [
        ("es", ("Clave: ", "Empresa: Demo Taller SL (B12345674)"), "Todo en orden."),
        ("en", ("Key: ", "Company: Demo Taller SL (B12345674)"), "All is well."),
    ],
)
def test_all_is_well_on_the_sandbox_and_nothing_is_left_behind(
    tmp_path: Path, language: str, words: tuple[str, ...], end: str
) -> None:
    environ = {"HOME": str(tmp_path), "PATH": OWN_PATH, "BEEL_LANGUAGE": language}
    ended = run("doctor", "--sandbox", cwd=tmp_path, **environ)
    assert (ended.returncode, ended.stderr) == (0, "")
    *lines, empty, last = ended.stdout.splitlines()
    assert (empty, last) == ("", end)
    assert all(line.startswith("ok  ") for line in lines)
    assert all(any(word in line for line in lines) for word in words)
    assert "\x1b" not in ended.stdout
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("generation", ["current", "legacy"])
@pytest.mark.parametrize("routes", ["auto", "flat"])
@pytest.mark.parametrize("read_only", [False, True])
def test_it_sends_nothing_but_reads(
    looked: Examine, generation: Any, routes: str, *, read_only: bool
) -> None:
    app = create_app(SandboxOptions(generation=generation))
    looked(app, routes=routes, read_only=read_only)
    requests = app.state.store.requests()
    assert len(requests) >= 3
    assert {one["method"] for one in requests} == {"GET"}
    assert app.state.store.ledger() == []


def test_every_topic_is_looked_at(looked: Examine) -> None:
    topics = [one.topic for one in looked()]
    assert [topic for topic in topics if topic in EVERY] == list(EVERY)
    assert faults(looked()) == []


@pytest.mark.parametrize(("language", "words"), [("es", "panel de BeeL"), ("en", "dashboard")])
def test_without_a_key_it_says_where_to_get_one_and_ends_with_2(
    tmp_path: Path, language: str, words: str
) -> None:
    ended = run("doctor", HOME=str(tmp_path), PATH=OWN_PATH, BEEL_LANGUAGE=language)
    assert ended.returncode == 2
    [remedy] = [line for line in ended.stdout.splitlines() if line.startswith("    -> ")]
    assert words in remedy
    assert "BEEL_API_KEY" in remedy


def test_a_bad_value_is_one_line_and_ends_with_2(tmp_path: Path) -> None:
    ended = run("doctor", HOME=str(tmp_path), BEEL_READ_ONLY="yes")
    assert (ended.returncode, ended.stdout) == (2, "")
    assert ended.stderr == "beel-mcp: BEEL_READ_ONLY: must be 0 or 1\n"


@pytest.mark.parametrize(
    "wrong", ["BEEL_READ_ONLY=yes", "BEEL_API_KEY=xyz", "BEEL_FILES_DIR=files", "BEEL_LANGUAGE=fr"]
)
def test_it_prints_json_whatever_is_wrong(tmp_path: Path, wrong: str) -> None:
    name, value = wrong.split("=")
    ended = run("doctor", "--json", HOME=str(tmp_path), **{name: value})
    told = json.loads(ended.stdout)
    assert ended.returncode == told["exit_code"] == 2
    [check] = [check for check in told["checks"] if not check["ok"]]
    assert (check["check"], check["fault"]) == ("settings", "settings")
    assert check["message"].startswith(f"{name}: ")
    assert name in check["remedy"]


def test_what_has_no_effect_is_a_remark_on_the_sandbox_which_asks_nobody(tmp_path: Path) -> None:
    environ = {"HOME": str(tmp_path), "USERPROFILE": str(tmp_path), "SSL_CERT_FILE": "/nowhere"}
    for is_sandbox in (True, False):
        settings = Settings.from_env(environ, sandbox=is_sandbox)
        [found] = machine.check_settings(settings, environ)
        assert "SSL_CERT_FILE" in found.fact.es
        assert found.is_remark is is_sandbox


def test_an_address_with_the_version_at_its_end_is_named_as_that(looked: Examine) -> None:
    app = answering(404, refusal("ENDPOINT_NOT_FOUND"))
    found = fault(looked(app, base_url="http://127.0.0.1:9/v1"))
    assert "/v1" in found.fact.es
    assert "BEEL_BASE_URL" in found.fact.es
    assert exit_code([found]) == 2
    other = fault(looked(app, base_url="http://127.0.0.1:9"))
    assert "BEEL_BASE_URL" not in other.fact.es


def test_a_company_that_the_key_does_not_reach_is_named_beside_those_it_does(
    looked: Examine,
) -> None:
    found = fault(looked(company_id="B99999998"))
    assert "no llega a B99999998" in found.fact.es
    assert "Demo Taller SL (B12345674)" in found.fact.es


@pytest.mark.slow
def test_a_real_server_is_asked_and_the_key_is_never_shown(tmp_path: Path) -> None:
    with serving_process("sandbox") as served:
        url = f"http://127.0.0.1:{served.port}"
        settings = {"HOME": str(tmp_path), "BEEL_BASE_URL": url, "BEEL_API_KEY": TEST_KEY}
        ended = run("doctor", "--json", **settings, BEEL_LANGUAGE="es")
    told = json.loads(ended.stdout)
    by_topic = {one["check"]: one for one in told["checks"]}
    assert by_topic["clock"]["ok"] is True
    assert by_topic["key"]["message"].startswith("de pruebas")
    # That the calls go elsewhere than to BeeL is worth a word.
    assert [one["check"] for one in told["checks"] if not one["ok"]] == ["settings"]
    assert "127.0.0.1" in by_topic["settings"]["message"]
    assert (ended.returncode, told["exit_code"], told["ok"]) == (1, 1, False)
    assert TEST_KEY not in ended.stdout + ended.stderr


@pytest.mark.slow
def test_an_unknown_variable_is_a_finding_with_the_right_name(tmp_path: Path) -> None:
    ended = run("doctor", "--sandbox", HOME=str(tmp_path), BEEL_APIKEY="x")
    assert (ended.returncode, ended.stderr) == (1, "")
    assert "did you mean BEEL_API_KEY?" in ended.stdout
    assert "Problems to fix: 1." in ended.stdout


BAD_ANSWERS: dict[str, tuple[ASGIApp, str, int, str]] = {
    "unknown key": (answering(401, refusal("UNAUTHORIZED")), "key", 2, "UNAUTHORIZED"),
    "no API in the plan": (answering(403, refusal("FEATURE_NOT_AVAILABLE")), "beel", 1, "plan"),
    "no account": (answering(403, refusal("NO_ACTIVE_ACCOUNT")), "beel", 1, "NO_ACTIVE_ACCOUNT"),
    "too many": (
        answering(429, refusal("RATE_LIMIT_EXCEEDED"), retry_after="3600"),
        *("beel", 1, "RATE_LIMIT_EXCEEDED"),
    ),
    "down": (answering(503, b""), "beel", 3, "contesta"),
    "a Wi-Fi's page": (answering(200, b"<html>Sign in</html>"), "beel", 3, "no es BeeL"),
    "a redirect": (answering(302, b"", location="/login"), "beel", 3, "no es BeeL"),
    "bad request": (answering(400, refusal("INVALID")), "beel", 1, "INVALID"),
    "gone": (answering(410, refusal("GONE")), "routes", 2, "retirado"),
}


@pytest.mark.parametrize("case", BAD_ANSWERS)
def test_what_beel_answers_is_explained(looked: Examine, case: str) -> None:
    app, topic, code, word = BAD_ANSWERS[case]
    found = looked(app)
    assert fault(found).topic == topic
    assert word in fault(found).fact.es
    assert exit_code(found) == code


def test_a_key_that_beel_places_elsewhere_is_a_matter_of_settings(looked: Examine) -> None:
    identity = {
        "account_id": "6f1e9c52-0000-4000-8000-0000000000aa",
        "credential": {"type": "api_key", "environment": "PROD", "scopes": []},
    }
    found = looked(answering(200, {"success": True, "data": identity}))
    assert (fault(found).topic, exit_code(found)) == ("key", 2)
    assert "entorno" in fault(found).fact.es


def test_several_companies_are_listed_to_choose_from(looked: Examine) -> None:
    found = looked(create_app(SandboxOptions(companies=2)))
    assert (fault(found).topic, exit_code(found)) == ("company", 2)
    assert "Demo Taller SL (B12345674), id " in fault(found).fact.es
    assert "BEEL_COMPANY_ID" in fault(found).remedy.es
    assert faults(looked(create_app(SandboxOptions(companies=2)), company_id="B12345674")) == []


def test_a_company_that_cannot_be_found_out_is_asked_for_by_its_id(looked: Examine) -> None:
    app = create_app(SandboxOptions(scopes=("customers:read",)))
    found = looked(app, company_id="B12345674")
    assert (fault(found).topic, exit_code(found)) == ("company", 2)
    assert "UUID" in fault(found).remedy.es


def test_missing_scopes_are_named_as_far_as_the_tools_offered_need_them(looked: Examine) -> None:
    found = looked(create_app(SandboxOptions(scopes=("companies:list", "customers:read"))))
    assert (fault(found).topic, exit_code(found)) == ("scopes", 1)
    assert fault(found).fact.en.endswith("lacks customers:write, invoices:read, invoices:write")
    app = create_app(SandboxOptions(scopes=READS))
    assert faults(looked(app, read_only=True)) == []
    assert "invoices:write" in fault(looked(create_app(SandboxOptions(scopes=READS)))).fact.es


def test_routes_that_beel_retires_are_told_with_their_day_and_the_way_out(
    looked: Examine,
) -> None:
    by_choice = fault(looked(routes="flat"))
    scopes = (*(one for one in READS if one != "companies:list"), "invoices:write")
    by_key = fault(looked(create_app(SandboxOptions(scopes=scopes))))
    for one in (by_choice, by_key):
        assert (one.topic, one.fault) == ("routes", "finding")
        assert "2026-12-09" in one.fact.es
    silent = fault(looked(with_sunset(create_app(), None), routes="flat"))
    assert "2026-12-09, según su contrato" in silent.fact.es
    other = fault(looked(with_sunset(create_app(), "Fri, 15 Jan 2027 00:00:00 GMT"), routes="flat"))
    assert other.fact.es.endswith("que BeeL retira el 2027-01-15")
    assert "BEEL_ROUTES" in by_choice.remedy.es
    assert "companies:list" in by_key.remedy.es
    assert faults(looked(create_app(SandboxOptions(generation="legacy")))) == []
    retired = looked(create_app(SandboxOptions(flat_retired=True)), routes="flat")
    assert (fault(retired).topic, exit_code(retired)) == ("routes", 2)


@pytest.mark.parametrize(
    ("minutes", "words"), [(0, None), (1, None), (30, "30 minutos atrasado"), (-5, "adelantado")]
)
def test_the_clock_is_held_against_beels(looked: Examine, minutes: int, words: str | None) -> None:
    found = looked(dated(create_app(), datetime.now(UTC) + timedelta(minutes=minutes)))
    assert "clock" in [one.topic for one in found]
    assert faults(found) == (["clock"] if words else [])
    if words:
        assert words in fault(found).fact.es
        assert exit_code(found) == 3


def test_no_network_ends_with_3(looked: Examine) -> None:
    url = f"http://127.0.0.1:{free_port()}"
    found = looked(sandbox=False, api_key=SecretStr(TEST_KEY), base_url=url)
    assert (fault(found).topic, exit_code(found)) == ("beel", 3)
    assert "BEEL_PROXY" in fault(found).remedy.es


def test_a_beel_that_is_silent_is_not_waited_for_without_end(
    looked: Examine, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def silent(*_: Any) -> None:
        await anyio.sleep_forever()

    for seconds in (0.01, 2.05):  # nothing begins; nothing ends
        monkeypatch.setattr(beel, "LIMIT_S", seconds)
        found = looked(silent)
        assert (fault(found).topic, exit_code(found)) == ("beel", 3)
        assert "contesta" in fault(found).fact.es


def in_the_way(folder: Path) -> None:
    folder.parent.mkdir(parents=True, exist_ok=True)
    folder.write_text("in the way", encoding="utf-8")


@pytest.mark.parametrize("name", ["files", "state"])
def test_a_folder_that_cannot_be_written_to_ends_with_3(
    looked: Examine, tmp_path: Path, name: str
) -> None:
    in_the_way(tmp_path / "file")
    for folder in (tmp_path / "file", tmp_path / "file" / "inside", tmp_path / "file" / "a" / "b"):
        found = looked(**{f"{name}_dir": folder})
        assert (fault(found).topic, exit_code(found)) == (f"{name}_folder", 3)
        assert str(folder) in fault(found).fact.es
        assert f"BEEL_{name.upper()}_DIR" in fault(found).remedy.es


@posix_only
@pytest.mark.parametrize("name", ["files", "state"])
def test_a_folder_open_to_others_is_told_with_the_command_that_closes_it(
    looked: Examine, tmp_path: Path, name: str
) -> None:
    folder = tmp_path / "Mis facturas"
    folder.mkdir()
    for mode in (0o755, 0o750, 0o707, 0o702):
        folder.chmod(mode)
        found = looked(**{f"{name}_dir": folder})
        assert (fault(found).topic, exit_code(found)) == (f"{name}_folder", 1)
        assert fault(found).remedy.es.endswith(f'chmod 700 "{folder}"')
    folder.chmod(0o700)
    assert faults(looked(**{f"{name}_dir": folder})) == []


def test_a_link_in_place_of_the_files_folder_is_told_with_the_folder_itself(
    looked: Examine, tmp_path: Path
) -> None:
    (tmp_path / "real").mkdir(mode=0o700)
    (tmp_path / "link").symlink_to(tmp_path / "real")
    for inside in ("", "there/is/none/yet"):
        found = looked(files_dir=tmp_path / "link" / inside)
        assert (fault(found).topic, exit_code(found)) == ("files_folder", 3)
        assert fault(found).remedy.es.endswith(str(tmp_path / "real" / inside))


@pytest.mark.slow
def test_a_folder_of_lists_that_somebody_named_has_to_be_there(
    looked: Examine, tmp_path: Path
) -> None:
    found = looked(import_dirs=(tmp_path, tmp_path / "Descargas"))
    assert (fault(found).topic, exit_code(found)) == ("import_folders", 3)
    assert "Descargas" in fault(found).fact.es
    ended = run("doctor", "--sandbox", HOME=str(tmp_path))  # the usual ones are not there, either
    assert ended.returncode == 0


def test_a_journal_of_another_program_ends_with_3_and_stays_as_it_is(
    looked: Examine, tmp_path: Path
) -> None:
    state = tmp_path / "other"
    state.mkdir(mode=0o700)
    with sqlite3.connect(state / "journal.sqlite3") as db:
        db.execute("CREATE TABLE other (x)")
    db.close()
    before = (state / "journal.sqlite3").read_bytes()
    found = looked(state_dir=state)
    assert (fault(found).topic, exit_code(found)) == ("journal", 3)
    assert (state / "journal.sqlite3").read_bytes() == before


def test_what_is_unsettled_in_these_books_is_counted(looked: Examine, settings: Settings) -> None:
    anyio.run(sent_and_unsettled, settings)
    found = looked()
    assert (fault(found).topic, exit_code(found)) == ("journal", 1)
    assert fault(found).fact.es.endswith(": 1")
    assert "check_operation" in fault(found).remedy.es


async def sent_and_unsettled(settings: Settings) -> None:
    """Leave a request under way in these books, and one in others."""
    account = await BeelClient(settings, sandbox_app=create_app()).account()
    journal = Journal(settings.state_dir, utc_now)
    for number, books in enumerate((account, replace(account, company_id="another"))):
        decision = Decision("create_customers", "local", f"bat_{number}", "digest", books, 1, 0.0)
        operation = await journal.begin(
            decision, [PlannedChunk([WriteRow(1, {"legal_name": "Acme SL"}, name="Acme SL")])]
        )
        assert operation
        await journal.pending(operation.chunks[0])
    journal.close()


def test_a_library_out_of_its_range_is_named(
    looked: Examine, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = [
        "mcp<3,>=9.1",
        "no-such-library-anywhere>=1",
        "pytest<1; extra == 'test'",
        "pydantic>=2",
    ]
    monkeypatch.setattr(machine, "requires", lambda _: asked)
    found = looked()
    assert (fault(found).topic, exit_code(found)) == ("installation", 3)
    assert "mcp<3,>=9.1" in fault(found).fact.es
    assert "no-such-library-anywhere" in fault(found).fact.es
    assert "pytest" not in fault(found).fact.es
    assert "pydantic" not in fault(found).fact.es


def test_the_first_to_mend_decides_the_exit_code(looked: Examine, tmp_path: Path) -> None:
    in_the_way(tmp_path / "file")
    found = looked(state_dir=tmp_path / "file", sandbox=False, warnings=(Sentence("w", "w"),))
    assert faults(found) == ["settings", "state_folder", "key"]
    assert exit_code(found) == 3


def test_on_windows_the_profile_says_who_can_look_into_a_folder(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(machine.sys, "platform", "win32")
        patch.setattr(Path, "home", lambda: tmp_path / "ana")
        found = {
            folder: machine._privacy(tmp_path / folder, tmp_path.stat())
            for folder in ("ana/BeeL", "otro")
        }
    assert found == {"ana/BeeL": "folder.private", "otro": "folder.outside_of_the_profile"}
    told = finding(found["otro"], "files_folder", folder=tmp_path)
    assert told.fault == "finding"
    assert "carpeta de usuario" in told.fact.es


def test_a_drive_that_is_not_there_is_told_and_not_waited_for(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(Path, "exists", lambda _: False)
    monkeypatch.setattr(machine.os.path, "lexists", lambda _: False)
    found = machine._written_folder("state_folder", tmp_path / "gone")
    assert "PermissionError" in found.fact.en
    with pytest.raises(JournalError):
        anyio.run(Database(tmp_path / "gone").check)
