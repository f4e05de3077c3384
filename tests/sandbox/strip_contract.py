"""Writes contract.json: the contract without its prose, named as the only argument.

Descriptions, summaries and examples are somebody's sentences; the shapes are facts.
"""

import json
import sys
from pathlib import Path
from typing import Any

import yaml

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


def stripped_text(contract: Path) -> str:
    """Give the text of contract.json."""
    shapes = strip(yaml.safe_load(contract.read_text(encoding="utf-8")))
    return json.dumps(shapes, ensure_ascii=False, separators=(",", ":")) + "\n"


if __name__ == "__main__":
    target = Path(__file__).with_name("contract.json")
    target.write_text(stripped_text(Path(sys.argv[1])), encoding="utf-8")
