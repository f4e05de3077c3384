"""What differs between two contracts, fact by fact, for some operations."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

Operation = tuple[str, str]  # a method in lower case and a path
Facts = dict[str, Any]
KEYWORDS: Final = (
    *("type", "format", "pattern", "nullable", "minLength", "maxLength"),
    *("minimum", "maximum", "exclusiveMinimum", "minItems", "maxItems"),
)
# A shape that holds itself is looked into so far.
DEEPEST: Final = 12


def drift(
    ours: Mapping[str, Any], theirs: Mapping[str, Any], operations: Iterable[Operation]
) -> list[str]:
    """Say what the other contract has otherwise, a line for each fact; [] if nothing."""
    lines = []
    for method, path in operations:
        name = f"{method.upper()} {path}"
        before = dict(facts_of(ours, method, path))
        after = dict(facts_of(theirs, method, path))
        if not after:
            lines.append(f"{name}: is gone")
            continue
        for fact in sorted(before.keys() | after.keys()):
            old, new = before.get(fact), after.get(fact)
            if old is None:
                lines.append(f"{name}: {fact} is new: {new}")
            elif new is None:
                lines.append(f"{name}: {fact} is gone")
            elif old != new:
                lines.append(f"{name}: {fact} was {old}, is {new}")
    return lines


def facts_of(document: Mapping[str, Any], method: str, path: str) -> Iterator[tuple[str, Any]]:
    """Give what a client can rely on: scopes, parameters, body, answers and their properties."""
    item = document["paths"].get(path, {})
    operation = item.get(method)
    if operation is None:
        return
    yield "scopes", tuple(operation.get("x-required-scopes", ()))
    for parameter in (*item.get("parameters", ()), *operation.get("parameters", ())):
        declared = _resolved(document, parameter)
        where = f"{declared['in']} {declared['name']}"
        yield f"{where} (required)", bool(declared.get("required"))
        yield from _schema(document, declared.get("schema", {}), where)
    body = _resolved(document, operation.get("requestBody", {}))
    yield from _content(document, body, "body")
    for status, response in operation["responses"].items():
        declared = _resolved(document, response)
        yield f"answer {status}", True
        for header in declared.get("headers", {}):
            yield f"answer {status} header {header}", True
        if status.startswith("2"):
            yield from _content(document, declared, f"answer {status}")


def _content(
    document: Mapping[str, Any], holder: Mapping[str, Any], where: str
) -> Iterator[tuple[str, Any]]:
    for media_type, content in holder.get("content", {}).items():
        yield f"{where} {media_type}", True
        if media_type == "application/json":
            yield from _schema(document, content["schema"], where)


def _schema(
    document: Mapping[str, Any], schema: Mapping[str, Any], where: str, depth: int = 0
) -> Iterator[tuple[str, Any]]:
    """Give the facts of a schema and, below it, those of its properties and items."""
    merged = _merged(document, schema)
    facts = {name: merged[name] for name in KEYWORDS if merged.get(name) not in (None, False)}
    if merged.get("enum"):
        facts["enum"] = sorted(map(str, merged["enum"]))
    yield where, facts
    if depth == DEEPEST:
        return
    for name, part in merged.get("properties", {}).items():
        below = f"{where}.{name}"
        yield f"{below} (required)", name in merged.get("required", ())
        yield from _schema(document, part, below, depth + 1)
    if "items" in merged:
        yield from _schema(document, merged["items"], f"{where}[]", depth + 1)


def _merged(document: Mapping[str, Any], schema: Mapping[str, Any]) -> Facts:
    """Give a schema with its reference and all that it is made of in one."""
    whole: Facts = {}
    found = _resolved(document, schema)
    own = {name: value for name, value in found.items() if name != "allOf"}
    for part in (*(_merged(document, one) for one in found.get("allOf", ())), own):
        properties = {**whole.get("properties", {})}
        for name, shape in part.get("properties", {}).items():
            # Envelopes say `data` twice: what it is at all, and what it is here.
            known = properties.get(name)
            properties[name] = {"allOf": [known, shape]} if known else shape
        required = [*whole.get("required", ()), *part.get("required", ())]
        whole = {**whole, **part, "properties": properties, "required": required}
    return whole


def _resolved(document: Mapping[str, Any], node: Mapping[str, Any]) -> Mapping[str, Any]:
    while "$ref" in node:
        target: Any = document
        for part in node["$ref"].removeprefix("#/").split("/"):
            target = target[part]
        node = target
    return node
