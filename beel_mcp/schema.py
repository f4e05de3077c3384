"""Input schemas that every host accepts: flat, closed, without references or unions."""

from typing import Any

_DROPPED = ("title", "$defs", "default")


class SchemaError(TypeError):
    """A tool's signature gives a schema that some hosts reject."""


def flatten(schema: dict[str, Any], *, closed: bool = True) -> dict[str, Any]:
    """Inline references, make optional mean absent, and close every object.

    Raises:
        SchemaError: the schema has a union that is more than "or absent".

    """
    flat = _flat(schema, schema.get("$defs", {}), closed=closed)
    if not isinstance(flat, dict):  # a JSON schema of a model is always an object
        raise SchemaError("not an object schema")
    return flat


def _flat(node: Any, definitions: dict[str, Any], *, closed: bool) -> Any:
    if isinstance(node, list):
        return [_flat(item, definitions, closed=closed) for item in node]
    if not isinstance(node, dict):
        return node
    node = _resolved(node, definitions)
    flat: dict[str, Any] = {}
    for key, value in node.items():
        if key == "properties":
            flat[key] = {
                name: _flat(field, definitions, closed=closed) for name, field in value.items()
            }
        elif key == "const":
            flat["enum"] = [value]
        elif key == "additionalProperties":
            continue
        elif key not in _DROPPED or (key == "default" and value is not None):
            flat[key] = _flat(value, definitions, closed=closed)
    if closed and "properties" in flat:
        flat["additionalProperties"] = False
    return flat


def _resolved(node: dict[str, Any], definitions: dict[str, Any]) -> dict[str, Any]:
    """Replace `$ref` and `T | None` by what they stand for; siblings win."""
    if "anyOf" in node:
        branches = [branch for branch in node["anyOf"] if branch != {"type": "null"}]
        if len(branches) != 1:
            raise SchemaError(f"a union that hosts reject: {node['anyOf']}")
        siblings = {key: value for key, value in node.items() if key != "anyOf"}
        return _resolved({**branches[0], **siblings}, definitions)
    if "$ref" in node:
        target = definitions[node["$ref"].removeprefix("#/$defs/")]
        siblings = {key: value for key, value in node.items() if key != "$ref"}
        return _resolved({**target, **siblings}, definitions)
    if forbidden := {"oneOf", "allOf"} & node.keys():
        raise SchemaError(f"hosts reject {forbidden}")
    return node
