"""Settings from the environment: read once, checked by shape, never guessed."""

import difflib
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Final, Literal
from urllib.parse import urlsplit

from platformdirs import user_state_path
from pydantic import SecretStr

from beel_mcp.settings import values
from beel_mcp.settings.values import (
    DEFAULT_BASE_URL,
    Language,
    Sentence,
    SettingsError,
    preferred_language,
)

__all__ = [
    "DEFAULT_BASE_URL",
    "VARIABLES",
    "Confirm",
    "Environment",
    "Language",
    "Settings",
    "SettingsError",
    "preferred_language",
]

Environment = Literal["sandbox", "test", "live", "none"]
Routes = Literal["auto", "company", "flat"]
Confirm = Literal["auto", "ask", "plan"]
LogLevel = Literal["DEBUG", "INFO", "WARNING", "ERROR"]

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
    proxy: str | None = None
    ca_bundle: Path | None = None
    http_token: SecretStr | None = None
    http_allowed_hosts: tuple[str, ...] = ()
    language: Language = "en"
    output_schema: bool = True
    log_level: LogLevel = "WARNING"
    # In English for the model, and as the person reads them.
    warnings: tuple[str, ...] = ()
    warnings_told: tuple[str, ...] = ()

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
        key = values.api_key(env)
        files_dir = values.folder(env, "BEEL_FILES_DIR", values.usual_files_dir)
        base_url = values.base_url(env, key)
        language = preferred_language(env)
        warnings = (*_unknown(env), *_ignored(env), *_foreign_host(base_url))
        return cls(
            files_dir=files_dir,
            import_dirs=values.import_dirs(env) or values.usual_import_dirs(files_dir),
            state_dir=values.folder(env, "BEEL_STATE_DIR", lambda: user_state_path("beel-mcp")),
            api_key=key,
            sandbox=sandbox or values.flag(env, "BEEL_SANDBOX", default=False),
            base_url=base_url,
            company_id=values.company_id(env),
            routes=values.choice(env, "BEEL_ROUTES", ("auto", "company", "flat"), "auto"),
            read_only=values.flag(env, "BEEL_READ_ONLY", default=False),
            confirm=values.choice(env, "BEEL_CONFIRM", ("auto", "ask", "plan"), "auto"),
            confirm_creates=values.flag(env, "BEEL_CONFIRM_CREATES", default=False),
            proxy=values.proxy(env),
            ca_bundle=values.ca_bundle(env),
            http_token=values.http_token(env),
            http_allowed_hosts=values.allowed_hosts(env),
            language=values.choice(env, "BEEL_LANGUAGE", ("es", "en"), language),
            output_schema=values.flag(env, "BEEL_OUTPUT_SCHEMA", default=True),
            log_level=values.choice(
                env, "BEEL_LOG_LEVEL", ("DEBUG", "INFO", "WARNING", "ERROR"), "WARNING"
            ),
            warnings=tuple(warning.en for warning in warnings),
            warnings_told=tuple(getattr(warning, language) for warning in warnings),
        )


# Every field is a variable, by its name.
VARIABLES: Final = tuple(
    f"BEEL_{field.name.upper()}"
    for field in fields(Settings)
    if not field.name.startswith("warnings")
)


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
    found = ", ".join(name for name in IGNORED_VARIABLES if name in env or name.lower() in env)
    if found:
        yield Sentence(
            f"{found} ignored: use BEEL_PROXY and BEEL_CA_BUNDLE instead",
            f"{found}: sin efecto; use BEEL_PROXY y BEEL_CA_BUNDLE",
        )
