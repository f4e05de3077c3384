"""Writes contract.json: `python strip_contract.py CONTRACT`, a YAML or JSON file of BeeL's.

Descriptions, summaries and examples are somebody's sentences; the shapes are facts. Of what is
stored beside this tree, a subset of 1.8.0 with the pages before it, since_1_8_0.yaml makes a subset
of 1.9.0; any other contract is only stripped. `info.version` in contract.json says what it is.
"""

import json
import sys
from pathlib import Path
from typing import Any

import yaml

HERE = Path(__file__).parent
PROSE = ("description", "summary")
EXAMPLES = ("example", "examples")


def strip(node: Any) -> Any:
    """Leave out prose and examples; a property that is called description stays."""
    if isinstance(node, list):
        return [strip(item) for item in node]
    if not isinstance(node, dict):
        return node
    return {
        name: strip(value)
        for name, value in node.items()
        if not (name in PROSE and isinstance(value, str))
        and name not in EXAMPLES
        and name != "x-no-successor"
    }


def overlaid(node: Any, change: Any) -> Any:
    """Give the node as the change makes it; see since_1_8_0.yaml for how one is written."""
    if not isinstance(change, dict):
        return change
    merged = dict(node) if isinstance(node, dict) else {}
    for name, value in change.items():
        if value is None:
            merged.pop(name, None)
        elif name.endswith("+"):
            merged[name[:-1]] = [*merged.get(name[:-1], []), *value]
        else:
            merged[name] = overlaid(merged.get(name), value)
    return merged


def read_contract(path: Path) -> dict[str, Any]:
    """Read a contract as its shapes."""
    read = json.loads if path.suffix == ".json" else yaml.safe_load
    shapes: dict[str, Any] = strip(read(path.read_text(encoding="utf-8")))
    return shapes


def stripped_text(contract: Path) -> str:
    """Give the text of contract.json."""
    shapes = read_contract(contract)
    later = yaml.safe_load((HERE / "since_1_8_0.yaml").read_text(encoding="utf-8"))
    if shapes["info"]["version"] == later["of"]:
        shapes = overlaid(shapes, later["changes"])
    return json.dumps(shapes, ensure_ascii=False, separators=(",", ":")) + "\n"


if __name__ == "__main__":
    (HERE / "contract.json").write_text(stripped_text(Path(sys.argv[1])), encoding="utf-8")
