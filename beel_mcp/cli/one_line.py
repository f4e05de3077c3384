"""What puts this server into an app in one line: a command, or a link that the app opens."""

import base64
import json
import shlex
import subprocess
import sys
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote, urlencode

BUILD_CONTAINER = "docker build -f .ci/packaging/Containerfile -t beel-mcp ."


def run_container(*, is_sandbox: bool) -> str:
    """Give the command that serves over HTTP from a container; no secret stands in it."""
    key = "BEEL_SANDBOX=1" if is_sandbox else "BEEL_API_KEY"
    return (
        "docker run --rm --stop-timeout 20 -p 127.0.0.1:8931:8931 -v beel:/data"
        f" -e {key} -e BEEL_HTTP_TOKEN -e BEEL_HTTP_ALLOWED_HOSTS=localhost:8931 beel-mcp"
    )


def one_line(host: str, name: str, content: Mapping[str, Any]) -> str:
    """Give the line for an app; `content` is what goes into its file."""
    servers = content.get("mcpServers") or content["servers"]
    if host == "claude-desktop":
        company = servers[name]["env"].get("BEEL_COMPANY_ID")
        options = [*(["--company", company] if company else []), "--name", name]
        sandbox = ["--sandbox"] if "--sandbox" in servers[name]["args"] else []
        return " ".join(["beel-mcp install claude-desktop", *options, *sandbox])
    if host == "claude-code":
        return _command(name, servers[name])
    if host == "cursor":
        return f"cursor://anysphere.cursor-deeplink/mcp/install?{_cursor_query(name, servers)}"
    whole = {"name": name, **servers[name], **_inputs(content)}
    return f"vscode:mcp/install?{quote(json.dumps(whole, separators=(',', ':')))}"


def web_link(host: str, name: str, content: Mapping[str, Any]) -> str:
    """Give the link that pages may show, where the apps' own are not let through."""
    if host == "cursor":
        query = _cursor_query(name, content["mcpServers"])
        return f"https://cursor.com/en/install-mcp?{query}"
    parts = {"name": name, "config": content["servers"][name], **_inputs(content)}
    texts = {
        part: value if isinstance(value, str) else json.dumps(value, separators=(",", ":"))
        for part, value in parts.items()
    }
    return f"https://insiders.vscode.dev/redirect/mcp/install?{urlencode(texts, quote_via=quote)}"


def _command(name: str, server: Mapping[str, Any]) -> str:
    """Give the command for Claude Code; into the project's file, where the key is no secret."""
    settings = [word for one in server["env"].items() for word in ("--env", "=".join(one))]
    words = ["claude", "mcp", "add", *settings, "--scope", "project", "--transport", "stdio", name]
    words += ["--", server["command"], *server["args"]]
    return subprocess.list2cmdline(words) if sys.platform == "win32" else shlex.join(words)


def _cursor_query(name: str, servers: Mapping[str, Any]) -> str:
    config = json.dumps(servers[name], separators=(",", ":")).encode()
    return urlencode({"name": name, "config": base64.b64encode(config).decode()}, quote_via=quote)


def _inputs(content: Mapping[str, Any]) -> dict[str, Any]:
    return {"inputs": content["inputs"]} if "inputs" in content else {}
