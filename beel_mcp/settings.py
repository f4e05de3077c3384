"""Settings from the environment: read once, checked by shape, never guessed."""

import difflib
import os
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Final, Literal, TypeVar, get_args
from urllib.parse import urlsplit
from uuid import UUID

from platformdirs import user_downloads_path, user_state_path
from pydantic import SecretStr

from beel_mcp.language import Language, Sentence, preferred_language

__all__ = [
    "DEFAULT_BASE_URL",
    "VARIABLES",
    "Confirm",
    "Environment",
    "Language",
    "Settings",
    "SettingsError",
]

Environment = Literal["sandbox", "test", "live", "none"]
Routes = Literal["auto", "company", "flat"]
Confirm = Literal["auto", "ask", "plan", "page"]
LogLevel = Literal["DEBUG", "INFO", "WARNING", "ERROR"]
T = TypeVar("T", bound=str)

DEFAULT_BASE_URL: Final = "https://app.beel.es/api"
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
# What `config` puts in the key's place. Left there it is no key yet, as the assistant then says.
KEY_PLACEHOLDER: Final = Sentence("PUT-YOUR-KEY-HERE", "PONGA-AQUI-SU-CLAVE")
_PLACEHOLDER: Final = re.compile(
    r"your|example|placeholder|changeme|replace|insert|xxxx", re.IGNORECASE
)
# What an app writes for a field of a bundle that the person left empty, where it has no value.
_LEFT_EMPTY: Final = re.compile(r"\$\{user_config\.[A-Za-z0-9_.-]+\}")
_NIF: Final = re.compile(r"[A-Z0-9][0-9]{7}[A-Z0-9]")
_HOST: Final = r"(?:[A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?|\[[0-9A-Fa-f:]+\])"
_LOOPBACK: Final = ("127.0.0.1", "localhost", "::1")


class SettingsError(ValueError):
    """A setting with a value that breaks its rule; the text names both, never the value."""

    def __init__(self, variable: str, en: str, es: str) -> None:
        self.variable = variable
        self.sentence = Sentence(f"{variable}: {en}", f"{variable}: {es}")
        super().__init__(self.sentence.en)


@dataclass(frozen=True)
class Settings:
    """What the operator decided. No tool argument can change any of it."""

    files_dir: Path
    import_dirs: tuple[Path, ...]
    state_dir: Path
    api_key: SecretStr | None = None
    sandbox: bool = False
    base_url: str = DEFAULT_BASE_URL
    company_id: str | None = None
    routes: Routes = "auto"
    read_only: bool = False
    confirm: Confirm = "auto"
    confirm_creates: bool = False
    open_browser: bool = False
    view: bool = False
    proxy: str | None = None
    ca_bundle: Path | None = None
    http_token: SecretStr | None = None
    http_allowed_hosts: tuple[str, ...] = ()
    language: Language = "en"
    output_schema: bool = True
    log_level: LogLevel = "WARNING"
    warnings: tuple[Sentence, ...] = ()
    has_pages: bool = True  # callers are at this computer; the command line knows

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
        """Read the environment. An empty variable, or a field that an app left, is not set.

        Raises:
            SettingsError: a value breaks its rule.
        """
        source = os.environ if environ is None else environ
        env = {
            name: value
            for name, value in source.items()
            if value and not _LEFT_EMPTY.fullmatch(value)
        }
        key = _api_key(env)
        files_dir = _folder(env, "BEEL_FILES_DIR", lambda: Path("~/BeeL").expanduser())
        url = _base_url(env, key)
        return cls(
            files_dir=files_dir,
            import_dirs=_import_dirs(env) or usual_import_dirs(files_dir),
            state_dir=_folder(env, "BEEL_STATE_DIR", lambda: user_state_path("beel-mcp")),
            api_key=key,
            sandbox=sandbox or _flag(env, "BEEL_SANDBOX", default=False),
            base_url=url,
            company_id=_company_id(env),
            routes=_choice(env, "BEEL_ROUTES", ("auto", "company", "flat"), "auto"),
            read_only=_flag(env, "BEEL_READ_ONLY", default=False),
            confirm=_choice(env, "BEEL_CONFIRM", ("auto", "ask", "plan", "page"), "auto"),
            confirm_creates=_flag(env, "BEEL_CONFIRM_CREATES", default=False),
            open_browser=_flag(env, "BEEL_OPEN_BROWSER", default=False),
            view=_flag(env, "BEEL_VIEW", default=True),
            proxy=_proxy(env),
            ca_bundle=_ca_bundle(env),
            http_token=_http_token(env),
            http_allowed_hosts=_allowed_hosts(env),
            language=_choice(env, "BEEL_LANGUAGE", ("es", "en"), preferred_language(env)),
            output_schema=_flag(env, "BEEL_OUTPUT_SCHEMA", default=True),
            log_level=_choice(env, "BEEL_LOG_LEVEL", get_args(LogLevel), "WARNING"),
            warnings=(*_unknown(env), *_ignored(env), *_foreign_host(url), *_left_out(env)),
        )


# Every field is a variable, by its name.
VARIABLES: Final = tuple(
    f"BEEL_{field.name.upper()}"
    for field in fields(Settings)
    if field.name not in ("warnings", "has_pages")
)


def usual_import_dirs(files_dir: Path) -> tuple[Path, ...]:
    """Name the folders that lists usually lie in."""
    downloads = _absolute_or_none(user_downloads_path)
    return (files_dir, downloads) if downloads else (files_dir,)


def _api_key(env: Mapping[str, str]) -> SecretStr | None:
    name, value = "BEEL_API_KEY", env.get("BEEL_API_KEY")
    if value is None or value in KEY_PLACEHOLDER:
        return None
    if not _KEY.fullmatch(value) or value.count("beel_sk_") != 1:
        shapes = "beel_sk_test_… {} beel_sk_live_…"
        raise SettingsError(
            name,
            f"must be one BeeL key as BeeL shows it: {shapes.format('or')}, nothing else",
            f"debe ser una clave tal como la muestra BeeL: {shapes.format('o')}, y nada más",
        )
    tail = value.split("_", 3)[3]
    if _PLACEHOLDER.search(tail) or len(set(tail)) < 4:
        raise SettingsError(
            name,
            "holds a placeholder; put the key from BeeL there",
            "tiene un texto de muestra; ponga la clave que da BeeL",
        )
    return SecretStr(value)


def _left_out(env: Mapping[str, str]) -> Iterator[Sentence]:
    if env.get("BEEL_API_KEY") in KEY_PLACEHOLDER:
        yield Sentence(
            "BEEL_API_KEY still holds the words in the key's place; put the key from BeeL there",
            "BEEL_API_KEY tiene aún el texto que ocupa el lugar de la clave; ponga la que da BeeL",
        )


def _base_url(env: Mapping[str, str], key: SecretStr | None) -> str:
    name, value = "BEEL_BASE_URL", env.get("BEEL_BASE_URL", DEFAULT_BASE_URL)
    shape = re.fullmatch(
        rf"(https?)://({_HOST})(:[0-9]{{1,5}})?(/[!-~]*)?", value, re.ASCII | re.IGNORECASE
    )
    if not shape or re.search(r"[\\?#]", value) or not _port_is_right(value):
        raise SettingsError(
            name,
            "must be https://, a host and a path, with no user name, query or blank",
            "debe ser https://, un servidor y una ruta, sin usuario, consulta ni espacios",
        )
    url = urlsplit(value)
    live = key is not None and key.get_secret_value().startswith("beel_sk_live_")
    if url.scheme == "http" and (live or url.hostname not in _LOOPBACK):
        raise SettingsError(
            name,
            "must start with https://; plain http only to loopback with a test key",
            "debe empezar por https://; http solo en esta máquina y con una clave de pruebas",
        )
    return value.rstrip("/")


def _port_is_right(url: str) -> bool:
    try:
        return urlsplit(url).port != 0
    except ValueError:
        return False


def _company_id(env: Mapping[str, str]) -> str | None:
    value = env.get("BEEL_COMPANY_ID")
    if value is None:
        return None
    nif = re.sub(r"[ .-]", "", value).upper()
    if _NIF.fullmatch(nif):
        return nif
    try:
        return str(UUID(value))
    except ValueError:
        raise SettingsError(
            "BEEL_COMPANY_ID",
            "must be the company's id (UUID) or its NIF, such as B12345674",
            "debe ser el id de la empresa (UUID) o su NIF, por ejemplo B12345674",
        ) from None


def _proxy(env: Mapping[str, str]) -> str | None:
    value = env.get("BEEL_PROXY")
    shape = rf"https?://(?:[!-.0-~]+@)?{_HOST}(?::[0-9]{{1,5}})?/?"
    if value is None or (re.fullmatch(shape, value) and _port_is_right(value)):
        return value
    example = "http://proxy.local:3128"
    raise SettingsError(
        "BEEL_PROXY", f"must be a URL such as {example}", f"debe ser una URL como {example}"
    )


def _http_token(env: Mapping[str, str]) -> SecretStr | None:
    name, value = "BEEL_HTTP_TOKEN", env.get("BEEL_HTTP_TOKEN")
    if value is None:
        return None
    if "beel_sk_" in value:
        raise SettingsError(
            name,
            "must be a token of its own, not the BeeL key",
            "debe ser un token propio, no la clave de BeeL",
        )
    if not re.fullmatch(r"[A-Za-z0-9_.~+/=-]{22,200}", value) or len(set(value)) < 8:
        raise SettingsError(
            name,
            "must have 22 to 200 random letters, digits or -._~+/=",
            "debe tener de 22 a 200 letras, cifras o -._~+/= al azar",
        )
    return SecretStr(value)


def _allowed_hosts(env: Mapping[str, str]) -> tuple[str, ...]:
    name = "BEEL_HTTP_ALLOWED_HOSTS"
    hosts = _list(env, name, ",")
    # A port of `*` would be matched as a prefix: `mcp.local:1.evil.example` would pass.
    if not all(re.fullmatch(rf"{_HOST}(?::[0-9]{{1,5}})?", host) for host in hosts):
        raise SettingsError(
            name,
            "must list host or host:port, with commas and without wildcards",
            "debe enumerar servidor o servidor:puerto, con comas y sin comodines",
        )
    return tuple(host.lower() for host in hosts)


def _import_dirs(env: Mapping[str, str]) -> tuple[Path, ...]:
    name = "BEEL_IMPORT_DIRS"
    return tuple(_absolute(name, folder) for folder in _list(env, name, os.pathsep))


def _folder(env: Mapping[str, str], name: str, usual: Callable[[], Path]) -> Path:
    if name in env:
        return _absolute(name, env[name])
    folder = _absolute_or_none(usual)
    if folder is None:
        raise SettingsError(
            name,
            "must be set, because this user has no home folder",
            "hay que indicarla, porque este usuario no tiene carpeta personal",
        )
    return folder


def _ca_bundle(env: Mapping[str, str]) -> Path | None:
    name = "BEEL_CA_BUNDLE"
    if name not in env:
        return None
    path = _absolute(name, env[name])
    try:
        # Not for use: whether it can be read, and holds certificates at all.
        import ssl  # noqa: PLC0415 - start-up is measured

        ssl.create_default_context(cafile=path)
    except OSError:
        raise SettingsError(
            name,
            "must name a file of certificates (PEM) that can be read",
            "debe ser un archivo de certificados (PEM) que se pueda leer",
        ) from None
    return path


def _absolute(name: str, value: str) -> Path:
    path = _absolute_or_none(lambda: Path(value).expanduser())
    if path is None or "\0" in value:
        raise SettingsError(name, "must be an absolute path", "debe ser una ruta absoluta")
    return path


def _absolute_or_none(find: Callable[[], Path]) -> Path | None:
    try:
        path = find()
    except RuntimeError:  # neither HOME nor an entry for this user, or for ~somebody
        return None
    return path if path.is_absolute() else None


def _list(env: Mapping[str, str], name: str, separator: str) -> tuple[str, ...]:
    return tuple(part.strip() for part in env.get(name, "").split(separator) if part.strip())


def _flag(env: Mapping[str, str], name: str, *, default: bool) -> bool:
    value = env.get(name, "1" if default else "0")
    if value not in ("0", "1", "false", "true"):  # the words are those of an app's check box
        raise SettingsError(name, "must be 0 or 1", "debe ser 0 o 1")
    return value in ("1", "true")


def _choice(env: Mapping[str, str], name: str, choices: tuple[T, ...], default: T) -> T:
    value = env.get(name, default).strip().casefold()
    for choice in choices:
        if value == choice.casefold():
            return choice
    listed = ", ".join(choices)
    raise SettingsError(name, f"must be one of {listed}", f"debe ser uno de {listed}")


def _foreign_host(base_url: str) -> tuple[Sentence, ...]:
    host = urlsplit(base_url).hostname
    if host == urlsplit(DEFAULT_BASE_URL).hostname:
        return ()
    en = f"BEEL_BASE_URL: calls go to {host}, which is not BeeL's own host"
    return (Sentence(en, f"BEEL_BASE_URL: se llama a {host}, que no es el servidor de BeeL"),)


def _unknown(env: Mapping[str, str]) -> Iterator[Sentence]:
    for name in sorted(env):
        if name in VARIABLES or not name.upper().startswith("BEEL"):
            continue
        near = difflib.get_close_matches(name.upper(), VARIABLES, n=1, cutoff=0.6)
        if near or name.startswith("BEEL_"):
            shown = ascii(name)[1:61].rstrip("'")
            en = f"{shown} is not a setting of beel-mcp and is ignored"
            es = f"{shown} no es un ajuste de beel-mcp y no se tiene en cuenta"
            yield Sentence(
                en + (f"; did you mean {near[0]}?" if near else ""),
                es + (f"; ¿quería decir {near[0]}?" if near else ""),
            )


def _ignored(env: Mapping[str, str]) -> Iterator[Sentence]:
    found = ", ".join(name for name in IGNORED_VARIABLES if env.get(name) or env.get(name.lower()))
    if found:
        yield Sentence(
            f"{found} ignored: use BEEL_PROXY and BEEL_CA_BUNDLE instead",
            f"{found}: sin efecto; use BEEL_PROXY y BEEL_CA_BUNDLE",
        )


def ignored_variables(env: Mapping[str, str]) -> tuple[Sentence, ...]:
    """Say which variables of HTTP clients in general are set, and have no effect."""
    return tuple(_ignored(env))
