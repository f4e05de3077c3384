"""A server that FastMCP generates from BeeL's contract; run by a Python that has FastMCP.

`generated_server.py CONTRACT URL KEY ROUTES`: ROUTES is `all`, or `current`
for those that are not being retired.
"""

import sys
from pathlib import Path

import httpx2
import yaml
from fastmcp import FastMCP

contract, url, key, routes = sys.argv[1:]
spec = yaml.safe_load(Path(contract).read_text(encoding="utf-8"))
current = ("{company_id}", "/companies", "/identity")
if routes == "current":
    kept = {path: one for path, one in spec["paths"].items() if any(p in path for p in current)}
    spec["paths"] = kept
client = httpx2.AsyncClient(
    base_url=url, headers={"Authorization": f"Bearer {key}"}, timeout=60, trust_env=False
)
FastMCP.from_openapi(spec, client, name="BeeL").run(show_banner=False)
