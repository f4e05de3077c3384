"""Settings from the environment: read once, checked by shape, never guessed."""

import difflib
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal, TypeVar
from urllib.parse import urlsplit
from uuid import UUID

from platformdirs import user_downloads_path
from pydantic import SecretStr

Environment = Literal["sandbox", "test", "live", "none"]
Language = Literal["es", "en"]
Routes = Literal["auto", "company", "flat"]
LogLevel = Literal["DEBUG", "INFO", "WARNING", "ERROR"]
T = TypeVar("T", bound=str)

DEFAULT_BASE_URL: Final = "https://app.beel.es/api"
VARIABLES: Final = (
    "BEEL_API_KEY",
    "BEEL_SANDBOX",
    "BEEL_BASE_URL",
    "BEEL_COMPANY_ID",
    "BEEL_ROUTES",
    "BEEL_FILES_DIR",
    "BEEL_IMPORT_DIRS",
    "BEEL_READ_ONLY",
    "BEEL_PROXY",
    "BEEL_CA_BUNDLE",
    "BEEL_HTTP_TOKEN",
    "BEEL_HTTP_ALLOWED_HOSTS",
    "BEEL_LANGUAGE",
    "BEEL_OUTPUT_SCHEMA",
    "BEEL_LOG_LEVEL",
)
# Read by HTTP clients in general; we listen to our own names only, so that a key never
# travels through a proxy that somebody set for something else.
IGNORED_VARIABLES: Final = (
    "HTTP_PROXY",
    "HTTPS_PROXY",
    "ALL_PROXY",
    "NO_PROXY",
    "SSL_CERT_FILE",
    "SSL_CERT_DIR",
    "SSLKEYLOGFILE",
    "NETRC",
)
_KEY: Final = re.compile(r"beel_sk_(test|live)_[A-Za-z0-9_-]{8,200}")
_PLACEHOLDER: Final = re.compile(
    r"your|example|placeholder|changeme|replace|insert|xxxx", re.IGNORECASE
)
_NIF: Final = re.compile(r"[A-Z0-9]\d{7}[A-Z0-9]")
_LOOPBACK: Final = ("127.0.0.1", "localhost", "::1")


class SettingsError(ValueError):
    """A setting with a value that breaks its rule; the text names both, never the value."""

    def __init__(self, variable: str, rule: str) -> None:
        super().__init__(f"{variable}: {rule}")
        self.variable = variable


@dataclass(frozen=True)
class Settings:
    """What the operator decided. No tool argument can change any of it."""

    files_dir: Path
    import_dirs: tuple[Path, ...]
    api_key: SecretStr | None = None
    sandbox: bool = False
    base_url: str = DEFAULT_BASE_URL
    company_id: str | None = None
    routes: Routes = "auto"
    read_only: bool = False
    proxy: str | None = None
    ca_bundle: Path | None = None
    http_token: SecretStr | None = None
    http_allowed_hosts: tuple[str, ...] = ()
    language: Language = "en"
    output_schema: bool = True
    log_level: LogLevel = "WARNING"
    warnings: tuple[str, ...] = ()

    @property
    def environment(self) -> Environment:
        """Where calls go: the prefix of the key decides, not the URL."""
        if self.sandbox:
            return "sandbox"
        if self.api_key is None:
            return "none"
        return "live" if self.api_key.get_secret_value().startswith("beel_sk_live_") else "test"

    @classmethod
    def from_env(
        cls, environ: Mapping[str, str] | None = None, *, sandbox: bool = False
    ) -> "Settings":
        """Read the environment. An empty variable counts as not set.

        Raises:
            SettingsError: a value breaks its rule.

        """
        source = os.environ if environ is None else environ
        env = {name: value for name, value in source.items() if value}
        key = _api_key(env)
        files_dir = _folder(env, "BEEL_FILES_DIR") or Path.home() / "BeeL"
        base_url, url_warnings = _base_url(env, key)
        return cls(
            files_dir=files_dir,
            import_dirs=_import_dirs(env) or (files_dir, user_downloads_path()),
            api_key=key,
            sandbox=sandbox or _flag(env, "BEEL_SANDBOX", default=False),
            base_url=base_url,
            company_id=_company_id(env),
            routes=_choice(env, "BEEL_ROUTES", ("auto", "company", "flat"), "auto"),
            read_only=_flag(env, "BEEL_READ_ONLY", default=False),
            proxy=_proxy(env),
            ca_bundle=_file(env, "BEEL_CA_BUNDLE"),
            http_token=_http_token(env),
            http_allowed_hosts=_list(env, "BEEL_HTTP_ALLOWED_HOSTS", ","),
            language=_choice(env, "BEEL_LANGUAGE", ("es", "en"), _locale_language(env)),
            output_schema=_flag(env, "BEEL_OUTPUT_SCHEMA", default=True),
            log_level=_choice(
                env, "BEEL_LOG_LEVEL", ("DEBUG", "INFO", "WARNING", "ERROR"), "WARNING"
            ),
            warnings=(*_unknown(env), *_ignored(env), *url_warnings),
        )


def _api_key(env: Mapping[str, str]) -> SecretStr | None:
    value = env.get("BEEL_API_KEY")
    if value is None:
        return None
    rule = "must be one BeeL key as BeeL shows it: beel_sk_test_… or beel_sk_live_…, nothing else"
    if not _KEY.fullmatch(value) or value.count("beel_sk_") != 1:
        raise SettingsError("BEEL_API_KEY", rule)
    tail = value.split("_", 3)[3]
    if _PLACEHOLDER.search(tail) or len(set(tail)) < 4:
        raise SettingsError("BEEL_API_KEY", "holds a placeholder; put the key from BeeL there")
    return SecretStr(value)


def _base_url(env: Mapping[str, str], key: SecretStr | None) -> tuple[str, tuple[str, ...]]:
    value = env.get("BEEL_BASE_URL")
    if value is None:
        return DEFAULT_BASE_URL, ()
    name = "BEEL_BASE_URL"
    if not value.isascii() or not value.isprintable() or re.search(r"[\s\\]", value):
        raise SettingsError(name, "must be a plain URL without blanks")
    try:
        url = urlsplit(value)
        host, port = url.hostname, url.port
    except ValueError:
        raise SettingsError(name, "is not a URL") from None
    if "@" in url.netloc:
        raise SettingsError(name, "must not hold a user name or password")
    if not host or port == 0 or url.query or url.fragment or "?" in value or "#" in value:
        raise SettingsError(name, "must be scheme, host and path only")
    if url.scheme == "http":
        live = key is not None and key.get_secret_value().startswith("beel_sk_live_")
        if host not in _LOOPBACK or live:
            raise SettingsError(
                name, "must start with https://; plain http only to loopback with a test key"
            )
    elif url.scheme != "https":
        raise SettingsError(name, "must start with https://")
    warning = f"BEEL_BASE_URL: calls go to {host}, which is not BeeL's own host"
    return value.rstrip("/"), () if host == "app.beel.es" else (warning,)


def _company_id(env: Mapping[str, str]) -> str | None:
    value = env.get("BEEL_COMPANY_ID")
    if value is None or _NIF.fullmatch(value):
        return value
    try:
        return str(UUID(value))
    except ValueError:
        raise SettingsError(
            "BEEL_COMPANY_ID", "must be the company's id (UUID) or its NIF, such as B12345674"
        ) from None


def _proxy(env: Mapping[str, str]) -> str | None:
    value = env.get("BEEL_PROXY")
    if value is not None and not re.fullmatch(r"https?://[^\s/]+/?", value):
        raise SettingsError("BEEL_PROXY", "must be a URL such as http://proxy.local:3128")
    return value


def _http_token(env: Mapping[str, str]) -> SecretStr | None:
    value = env.get("BEEL_HTTP_TOKEN")
    if value is None:
        return None
    if not re.fullmatch(r"[A-Za-z0-9_.~+/=-]{22,200}", value):
        raise SettingsError("BEEL_HTTP_TOKEN", "must have 22 to 200 letters, digits or -._~+/=")
    if "beel_sk_" in value:
        raise SettingsError("BEEL_HTTP_TOKEN", "must be a token of its own, not the BeeL key")
    return SecretStr(value)


def _import_dirs(env: Mapping[str, str]) -> tuple[Path, ...]:
    folders = _list(env, "BEEL_IMPORT_DIRS", os.pathsep)
    return tuple(_absolute("BEEL_IMPORT_DIRS", folder) for folder in folders)


def _folder(env: Mapping[str, str], name: str) -> Path | None:
    return _absolute(name, env[name]) if name in env else None


def _file(env: Mapping[str, str], name: str) -> Path | None:
    path = _folder(env, name)
    if path is not None and not path.is_file():
        raise SettingsError(name, "must name a file that exists")
    return path


def _absolute(name: str, value: str) -> Path:
    path = Path(value).expanduser() if "\0" not in value else Path()
    if not path.is_absolute():
        raise SettingsError(name, "must be an absolute path")
    return path


def _list(env: Mapping[str, str], name: str, separator: str) -> tuple[str, ...]:
    return tuple(part.strip() for part in env.get(name, "").split(separator) if part.strip())


def _flag(env: Mapping[str, str], name: str, *, default: bool) -> bool:
    value = env.get(name)
    if value is None:
        return default
    if value not in ("0", "1"):
        raise SettingsError(name, "must be 0 or 1")
    return value == "1"


def _choice(env: Mapping[str, str], name: str, choices: tuple[T, ...], default: T) -> T:
    value = env.get(name)
    if value is None:
        return default
    for choice in choices:
        if value == choice:
            return choice
    raise SettingsError(name, f"must be one of {', '.join(choices)}")


def _locale_language(env: Mapping[str, str]) -> Language:
    locale = env.get("LC_ALL") or env.get("LC_MESSAGES") or env.get("LANG") or ""
    # Whoever works in Catalan, Basque or Galician keeps books in Spanish, too.
    return "es" if locale[:2].lower() in ("es", "ca", "eu", "gl") else "en"


def _unknown(env: Mapping[str, str]) -> tuple[str, ...]:
    warnings = []
    for name in sorted(env):
        if name.startswith("BEEL_") and name not in VARIABLES:
            near = difflib.get_close_matches(name, VARIABLES, n=1, cutoff=0.6)
            hint = f"; did you mean {near[0]}?" if near else ""
            warnings.append(f"{name} is not a setting of beel-mcp and is ignored{hint}")
    return tuple(warnings)


def _ignored(env: Mapping[str, str]) -> tuple[str, ...]:
    found = [name for name in IGNORED_VARIABLES if name in env or name.lower() in env]
    if not found:
        return ()
    return (f"{', '.join(found)} ignored: use BEEL_PROXY and BEEL_CA_BUNDLE instead",)
