"""Settings: what is refused, what is passed over with a word, and what a key decides."""

import os
import re
import subprocess
import sys
from pathlib import Path

import certifi
import pytest
from hypothesis import given
from hypothesis import strategies as st

from beel_mcp.settings import IGNORED_VARIABLES, VARIABLES, Settings, SettingsError
from tests.conftest import TEST_KEY, Connect

ROOT = Path(__file__).parent.parent
LIVE_KEY = "beel_sk_live_0a1b2c3d4e5f"
TAIL = "0a1b2c3d4e5f"

BAD_KEYS = {
    "newline behind": f"{TEST_KEY}\n",
    "newline before": f"\n{TEST_KEY}",
    "newline inside": "beel_sk_test_0a1b\n2c3d4e5f",
    "carriage return": f"{TEST_KEY}\r",
    "both": f"{TEST_KEY}\r\n",
    "NUL behind": f"{TEST_KEY}\0",
    "NUL inside": "beel_sk_test_0a1b\0002c3d4e5f",
    "space behind": f"{TEST_KEY} ",
    "space before": f" {TEST_KEY}",
    "space inside": "beel_sk_test_0a1b 2c3d4e5f",
    "tab": f"{TEST_KEY}\t",
    "non-breaking space": f"{TEST_KEY}\u00a0",
    "zero-width space": f"{TEST_KEY}\u200b",
    "byte order mark": f"\ufeff{TEST_KEY}",
    "double quotes": f'"{TEST_KEY}"',
    "single quotes": f"'{TEST_KEY}'",
    "typographic quotes": f"“{TEST_KEY}”",
    "Bearer": f"Bearer {TEST_KEY}",
    "a header": f"Authorization: Bearer {TEST_KEY}",
    "a shell line": f"BEEL_API_KEY={TEST_KEY}",
    "placeholder your": "beel_sk_test_your_key_here",
    "placeholder xs": "beel_sk_test_xxxxxxxxxxxx",
    "placeholder X": "beel_sk_live_XXXXXXXX",
    "placeholder changeme": "beel_sk_test_changeme00",
    "placeholder example": "beel_sk_test_example1234",
    "placeholder dots": "beel_sk_test_...",
    "one letter": "beel_sk_test_aaaaaaaaaaaa",
    "angle brackets": f"<{TEST_KEY}>",
    "a variable": "${BEEL_API_KEY}",
    "two keys with a comma": f"{TEST_KEY},{LIVE_KEY}",
    "two keys with a blank": f"{TEST_KEY} {LIVE_KEY}",
    "two keys run together": f"{TEST_KEY}{LIVE_KEY}",
    "10 KB": f"beel_sk_test_{TAIL * 853}",
    "too short": "beel_sk_test_0a1b",
    "no tail": "beel_sk_test_",
    "no environment": f"beel_sk_{TAIL}",
    "another environment": f"beel_sk_prod_{TAIL}",
    "capital prefix": f"BEEL_SK_TEST_{TAIL}",
    "another service": f"sk_test_{TAIL}",
    "no key at all": TAIL,
    "Cyrillic look-alike": "beel_sk_test_0а1b2c3d4e5f",  # noqa: RUF001
    "full-width digits": "beel_sk_test_" + "\uff10\uff11\uff12\uff13" * 3,
    "percent": "beel_sk_test_0a1b%0a2c3d4e5f",
    "a URL": f"https://app.beel.es/?key={TEST_KEY}",
}


def run(
    *arguments: str, cwd: Path | None = None, **environ: str
) -> subprocess.CompletedProcess[str]:
    """Start the program with a small environment, as hosts do, and nothing on its stdin."""
    env = {"PATH": os.environ["PATH"], "PYTHONDONTWRITEBYTECODE": "1", **environ}
    return subprocess.run(
        [sys.executable, "-m", "beel_mcp", *arguments],
        env=env,
        cwd=cwd,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        encoding="utf-8",
        timeout=60,
        check=False,
    )


def refusal(**environ: str) -> SettingsError:
    with pytest.raises(SettingsError) as caught:
        Settings.from_env(environ)
    return caught.value


@pytest.mark.parametrize("name", BAD_KEYS)
def test_a_malformed_key_is_refused_without_a_byte_of_it(name: str) -> None:
    value = BAD_KEYS[name]
    error = refusal(BEEL_API_KEY=value)
    for text in (str(error), repr(error), *error.sentence):
        assert re.search("BEEL_API_KEY.*: (must|holds|debe|tiene)", text)
        assert value not in text.replace("beel_sk_test_…", "")
        assert TAIL not in text
        assert len(text) < 300


def test_at_least_thirty_malformed_keys_are_tried() -> None:
    assert len(BAD_KEYS) >= 30


@pytest.mark.parametrize("name", ["newline inside", "Bearer", "two keys with a comma", "10 KB"])
@pytest.mark.parametrize("language", ["es", "en"])
def test_a_start_with_a_malformed_key_ends_with_2_and_one_line(name: str, language: str) -> None:
    ended = run(BEEL_API_KEY=BAD_KEYS[name], BEEL_LANGUAGE=language)
    assert ended.returncode == 2
    assert ended.stdout == ""
    [line] = ended.stderr.splitlines()
    assert line.startswith("beel-mcp: BEEL_API_KEY: " + {"es": "debe", "en": "must"}[language])
    assert TAIL not in ended.stderr


@given(st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=80))
def test_whatever_is_put_for_a_key_it_is_a_key_or_refused_unseen(value: str) -> None:
    # A letter or two of it may stand in the rule by chance.
    if not re.search("beel|key|must|test|live|nothing|else", value) and len(value) >= 5:
        assert value not in str(refusal(BEEL_API_KEY=value))


def test_a_good_key_is_kept_as_it_is_and_shown_nowhere() -> None:
    settings = Settings.from_env({"BEEL_API_KEY": TEST_KEY})
    assert settings.api_key is not None
    assert settings.api_key.get_secret_value() == TEST_KEY
    assert TAIL not in repr(settings)


@pytest.mark.anyio
@pytest.mark.slow
@pytest.mark.parametrize("sandbox", [False, True])
@pytest.mark.parametrize("read_only", [False, True])
@pytest.mark.parametrize(
    ("key", "environment"), [(None, "none"), (TEST_KEY, "test"), (LIVE_KEY, "live")]
)
async def test_the_key_and_the_switches_decide_the_label_and_the_tools(
    connect: Connect, key: str | None, environment: str, *, read_only: bool, sandbox: bool
) -> None:
    async with connect(key=key, read_only=read_only, sandbox=sandbox) as client:
        tools = (await client.list_tools()).tools
        answer = await client.call_tool("get_status", {})
    writing = {t.name for t in tools if t.annotations and not t.annotations.read_only_hint}
    assert ("create_customers" in writing) is not read_only
    if read_only:
        assert not {name for name in writing if name.startswith(("create_", "update_", "delete_"))}
    structure = answer.structured_content or {}
    assert structure["environment"] == ("sandbox" if sandbox else environment)


HOSTILE_URLS = (
    "http://app.beel.es/api",
    "http://127.0.0.1.evil.example/api",
    "http://localhost.evil.example/api",
    "http://localhost@evil.example/api",
    "http://2130706433/api",
    "http://0x7f000001/api",
    "http://0177.0.0.1/api",
    "http://[::ffff:127.0.0.1]/api",
    "http://0.0.0.0/api",
    "https://user:secret@app.beel.es/api",
    "https://app.beel.es@evil.example/api",
    "https://app.beel.es/api?next=https://evil.example",
    "https://app.beel.es/api?",
    "https://app.beel.es/api#frag",
    "https://app.beel.es/api#",
    "https://app.beel.es\\@evil.example/api",
    "https://app.beel.es/a pi",
    " https://app.beel.es/api",
    "https://app.beel.es/api\n",
    "https://app.beel.es/\tapi",
    "https://app.beel.es/api\0",
    "https://аpp.beel.es/api",  # noqa: RUF001 - a Cyrillic letter
    "https://app.beel.es%2eevil.example/api",
    "https://app.beel.es:99999/api",
    "https://app.beel.es:0/api",
    "https://app.beel.es:port/api",
    "https:///api",
    "https://:443/api",
    "https:app.beel.es/api",
    "//app.beel.es/api",
    "app.beel.es/api",
    "ftp://app.beel.es/api",
    "file:///etc/passwd",
    "javascript:alert(1)",
    "unix:///run/beel.sock",
    "https://[::1/api",
)


@pytest.mark.parametrize("url", HOSTILE_URLS, ids=ascii)
def test_a_hostile_base_url_is_refused_and_not_shown(url: str) -> None:
    error = refusal(BEEL_BASE_URL=url, BEEL_API_KEY=TEST_KEY)
    assert error.variable == "BEEL_BASE_URL"
    assert not any(part in str(error) for part in (url, "evil", "secret"))


def test_at_least_25_hostile_urls_are_tried() -> None:
    assert len(set(HOSTILE_URLS)) >= 25


def test_plain_http_is_for_loopback_and_never_for_a_live_key() -> None:
    for host in ("127.0.0.1", "localhost", "[::1]"):
        url = f"http://{host}:8932"
        assert Settings.from_env({"BEEL_BASE_URL": url, "BEEL_API_KEY": TEST_KEY}).base_url == url
        refusal(BEEL_BASE_URL=url, BEEL_API_KEY=LIVE_KEY)


def test_a_host_that_is_not_beels_is_named() -> None:
    url = "https://beel.gestoria.example/api"
    settings = Settings.from_env({"BEEL_BASE_URL": url, "BEEL_LANGUAGE": "es"})
    [warning] = settings.warnings
    assert "beel.gestoria.example" in warning.en
    assert "no es el servidor de BeeL" in warning.es
    assert Settings.from_env({"BEEL_BASE_URL": "https://app.beel.es/api/"}).warnings == ()


@pytest.mark.slow
def test_files_of_the_working_directory_are_not_read(tmp_path: Path) -> None:
    hostile = {
        ".env": f"BEEL_API_KEY={LIVE_KEY}\nBEEL_BASE_URL=https://evil.example\n",
        ".netrc": "machine app.beel.es login evil password evil\n",
        "_netrc": "machine app.beel.es login evil password evil\n",
        "pyproject.toml": '[tool.beel-mcp]\nBEEL_LOG_LEVEL = "loud"\n',
        "beel_mcp.toml": f'api_key = "{LIVE_KEY}"\n',
        "settings.json": f'{{"BEEL_API_KEY": "{LIVE_KEY}"}}\n',
    }
    for name, text in hostile.items():
        (tmp_path / name).write_text(text, encoding="utf-8")
    # An audit hook is told of every file that is opened.
    snippet = (
        "import sys\n"
        "opened = []\n"
        "sys.addaudithook(lambda event, args: opened.append(str(args[0]))"
        " if event == 'open' else None)\n"
        "from beel_mcp.server import create_server\n"
        "from beel_mcp.settings import Settings\n"
        "settings = Settings.from_env()\n"
        "create_server(settings)\n"
        "print(settings.environment, settings.base_url)\n"
        f"print([name for name in opened if name.split('/')[-1] in {sorted(hostile)!r}])\n"
    )
    ended = subprocess.run(
        [sys.executable, "-c", snippet],
        cwd=tmp_path,
        env={"PATH": os.environ["PATH"], "HOME": str(tmp_path)},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert ended.stdout.splitlines() == ["none https://app.beel.es/api", "[]"], ended.stderr


@pytest.mark.parametrize("case", [str.upper, str.lower])
def test_every_ignored_variable_is_named_in_one_warning(case: type[str]) -> None:
    environ = {case(name): "http://sink.example:9" for name in IGNORED_VARIABLES}
    [warning] = Settings.from_env(environ).warnings
    for sentence in warning:
        assert all(name in sentence for name in IGNORED_VARIABLES)
        assert "BEEL_PROXY" in sentence
        assert "BEEL_CA_BUNDLE" in sentence
        assert "sink.example" not in sentence


@pytest.mark.slow
def test_an_ignored_variable_is_told_once_at_start(tmp_path: Path) -> None:
    ended = run(HOME=str(tmp_path), HTTPS_PROXY="http://127.0.0.1:9", BEEL_LANGUAGE="es")
    assert ended.returncode == 0
    [line] = ended.stderr.splitlines()
    assert line == "beel-mcp: HTTPS_PROXY: sin efecto; use BEEL_PROXY y BEEL_CA_BUNDLE"


@pytest.mark.parametrize(
    ("misspelt", "right"),
    [
        ("BEEL_APIKEY", "BEEL_API_KEY"),
        ("BEEL_KEY", "BEEL_API_KEY"),
        ("BEELAPI_KEY", "BEEL_API_KEY"),
        ("beel_api_key", "BEEL_API_KEY"),
        ("BEEL_READONLY", "BEEL_READ_ONLY"),
        ("BEEL_SANDBOXED", "BEEL_SANDBOX"),
        ("BEEL_COMPANY", "BEEL_COMPANY_ID"),
        ("BEEL_URL_BASE", "BEEL_BASE_URL"),
        ("BEEL_LANG", "BEEL_LANGUAGE"),
        ("BEEL_LOGLEVEL", "BEEL_LOG_LEVEL"),
    ],
)
def test_a_misspelt_variable_is_named_with_the_right_one(misspelt: str, right: str) -> None:
    settings = Settings.from_env({misspelt: TEST_KEY, "BEEL_LANGUAGE": "es"})
    [(warning, in_spanish)] = settings.warnings
    assert f"{misspelt} is not a setting" in warning
    assert f"did you mean {right}?" in warning
    assert f"¿quería decir {right}?" in in_spanish
    assert TAIL not in warning + in_spanish
    assert settings.environment == "none"


def test_a_variable_of_somebody_else_is_passed_over() -> None:
    assert Settings.from_env({"BEELZEBUB_HOME": "x", "PATH": "y"}).warnings == ()


def test_the_name_of_a_variable_cannot_add_a_line_to_the_warning() -> None:
    [warning] = Settings.from_env({"BEEL_\nIgnore all that\x1b[31m" + "x" * 900: "1"}).warnings
    for sentence in warning:
        assert sentence.isprintable()
        assert len(sentence) < 200


BAD_VALUES = {
    "BEEL_SANDBOX": ("yes", "True", "2", "01", " 1", "${BEEL_SANDBOX}"),
    "BEEL_READ_ONLY": ("yes", "on", "TRUE"),
    "BEEL_OUTPUT_SCHEMA": ("no", "-1"),
    "BEEL_CONFIRM": ("yes", "never", "ask plan"),
    "BEEL_CONFIRM_CREATES": ("verdadero", "yes"),
    "BEEL_ROUTES": ("automatic", "both"),
    "BEEL_LANGUAGE": ("fr", "es_ES", "español"),
    "BEEL_LOG_LEVEL": ("TRACE", "10"),
    "BEEL_COMPANY_ID": ("Demo Taller SL", "98765432", "B123456\uff17A", "B12345674 B12345674"),
    "BEEL_FILES_DIR": ("relative/folder", ".", "~nobody-by-this-name/x", "/a\0b"),
    "BEEL_STATE_DIR": ("state", "../state"),
    "BEEL_IMPORT_DIRS": ("downloads", f"/tmp{os.pathsep}downloads"),
    "BEEL_PROXY": ("proxy:3128", "socks5://proxy:1080", "http://proxy:99999", "http://a b"),
    "BEEL_CA_BUNDLE": ("/no/such/file.pem", "ca.pem", "/" + "x" * 5000, str(ROOT / "README.md")),
    "BEEL_HTTP_TOKEN": ("short", "a" * 40, "with a blank in it, and long", TEST_KEY * 2),
    "BEEL_HTTP_ALLOWED_HOSTS": ("*", "mcp.local:*", "http://mcp.local", "a b.example", "*.local"),
}


@pytest.mark.parametrize(
    ("variable", "value"),
    [(variable, value) for variable, bad in BAD_VALUES.items() for value in bad],
)
def test_a_bad_value_is_refused_in_one_line_that_names_the_variable(
    variable: str, value: str
) -> None:
    error = refusal(**{variable: value})
    assert error.variable == variable
    for text in error.sentence:
        assert text.startswith(f"{variable}: ")
        assert "\n" not in text
        assert len(value) < 4 or value not in text
    assert error.sentence.en != error.sentence.es


@pytest.mark.parametrize("variable", ["BEEL_LOG_LEVEL", "BEEL_FILES_DIR", "BEEL_LANGUAGE"])
def test_a_start_with_a_bad_value_ends_with_2_and_one_line(variable: str) -> None:
    ended = run(cwd=None, **{variable: "surely/wrong"})
    assert (ended.returncode, ended.stdout) == (2, "")
    [line] = ended.stderr.splitlines()
    assert line.startswith(f"beel-mcp: {variable}: must be")
    assert "surely" not in line


def test_good_values_are_taken_as_they_are(tmp_path: Path) -> None:
    environ = {
        "BEEL_SANDBOX": "1",
        "BEEL_COMPANY_ID": "B12345674",
        "BEEL_FILES_DIR": str(tmp_path),
        "BEEL_IMPORT_DIRS": f"{tmp_path}{os.pathsep}/srv/lists",
        "BEEL_PROXY": "http://user:word@proxy.local:3128",
        "BEEL_CA_BUNDLE": certifi.where(),
        "BEEL_HTTP_TOKEN": "0123456789abcdefghijklmn",
        "BEEL_HTTP_ALLOWED_HOSTS": "MCP.gestoria.example, [::1]:8931",
    }
    settings = Settings.from_env(environ)
    assert settings.environment == "sandbox"
    assert settings.company_id == "B12345674"
    assert settings.import_dirs == (tmp_path, Path("/srv/lists"))
    assert settings.proxy == environ["BEEL_PROXY"]
    assert settings.ca_bundle == Path(certifi.where())
    assert settings.http_allowed_hosts == ("mcp.gestoria.example", "[::1]:8931")
    assert settings.warnings == ()


def test_an_empty_variable_counts_as_not_set() -> None:
    assert Settings.from_env(dict.fromkeys(VARIABLES, "")) == Settings.from_env({})


def test_a_field_that_an_app_left_as_it_stands_in_a_bundle_counts_as_not_set() -> None:
    left = {name: f"${{user_config.{name.lower()}}}" for name in VARIABLES}
    assert Settings.from_env(left) == Settings.from_env({})


@pytest.mark.parametrize("name", ["sandbox", "read_only", "confirm_creates", "output_schema"])
def test_a_check_box_of_an_app_is_the_switch_that_it_stands_for(name: str) -> None:
    variable = f"BEEL_{name.upper()}"
    for written, meant in {"true": True, "false": False, "1": True, "0": False}.items():
        assert getattr(Settings.from_env({variable: written}), name) is meant


def test_what_a_person_types_into_a_field_is_taken_in_any_case() -> None:
    typed = {"BEEL_LANGUAGE": "ES ", "BEEL_CONFIRM": "Ask", "BEEL_LOG_LEVEL": "debug"}
    settings = Settings.from_env(typed)
    assert (settings.language, settings.confirm, settings.log_level) == ("es", "ask", "DEBUG")
    for company in ("b12345674", " B-12345674 ", "B12.345.674"):
        assert Settings.from_env({"BEEL_COMPANY_ID": company}).company_id == "B12345674"


@pytest.mark.parametrize("readme", ["README.md", "README.es.md"])
def test_the_settings_table_of_the_readme_has_every_variable(readme: str) -> None:
    text = (ROOT / readme).read_text(encoding="utf-8")
    heading = {"README.md": "## Settings", "README.es.md": "## Ajustes"}[readme]
    table = text.split(heading)[1].split("\n## ")[0]
    rows = [line for line in table.splitlines() if line.startswith("| `")]
    named = [name for row in rows for name in re.findall(r"`(BEEL_\w+)`", row.split("|")[1])]
    assert sorted(named) == sorted(VARIABLES)


def test_the_language_comes_from_the_locale_unless_it_is_set() -> None:
    for locale, language in (
        ("es_ES.UTF-8", "es"),
        ("ca_ES", "es"),
        ("en_GB.UTF-8", "en"),
        ("C", "en"),
        ("", "en"),
    ):
        assert Settings.from_env({"LANG": locale}).language == language
    assert Settings.from_env({"LANG": "es_ES", "BEEL_LANGUAGE": "en"}).language == "en"
    assert Settings.from_env({"LANG": "en_US", "LC_ALL": "es_ES"}).language == "es"


@pytest.mark.slow
def test_without_home_and_with_the_c_locale_the_program_starts() -> None:
    ended = run("--sandbox", LANG="C")
    assert (ended.returncode, ended.stdout, ended.stderr) == (0, "", "")


def test_an_unknown_home_is_one_line_and_never_a_folder_of_the_working_directory(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(os.path, "expanduser", lambda path: path)
    for folders, missing in (
        ({}, "BEEL_FILES_DIR"),
        ({"BEEL_FILES_DIR": "/srv/beel"}, "BEEL_STATE_DIR"),
    ):
        for name in ("XDG_STATE_HOME", "XDG_DOWNLOAD_DIR"):
            monkeypatch.delenv(name, raising=False)
        error = refusal(**folders)
        assert error.variable == missing
        assert "home folder" in str(error)


def test_folders_that_were_set_need_no_home(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os.path, "expanduser", lambda path: path)
    monkeypatch.delenv("XDG_DOWNLOAD_DIR", raising=False)
    environ = {"BEEL_FILES_DIR": "/srv/beel", "BEEL_STATE_DIR": "/srv/state"}
    settings = Settings.from_env(environ)
    assert all(folder.is_absolute() for folder in settings.import_dirs)


@pytest.mark.slow
def test_a_home_that_cannot_be_written_stops_no_reading(tmp_path: Path) -> None:
    home = tmp_path / "home"
    home.mkdir(mode=0o500)
    ended = run("--sandbox", HOME=str(home))
    assert (ended.returncode, ended.stderr) == (0, "")
    assert list(home.iterdir()) == []
