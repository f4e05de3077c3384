"""An answer of BeeL as it could arrive: other bytes, other types, another status, no end."""

import gzip
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import cache
from typing import Any, Final

REASONS: Final = {200: "OK", 201: "Created", 202: "Accepted", 204: "No Content"}
PAGE = b"<!DOCTYPE html><html><head><title>Sign in</title></head><body>secret-page</body></html>"
HTML: Final = {"content-type": "text/html"}
JSON: Final = {"content-type": "application/json"}


@dataclass(frozen=True)
class Answer:
    """Status, headers and body; `wire` adds the length, unless the headers have one of their own.

    `before` is sent in front of the status line.
    """

    status: int
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=lambda: JSON)
    before: bytes = b""

    def head(self, **headers: str) -> bytes:
        """Spell the status line and the headers, with others in place of the length."""
        lines = [f"HTTP/1.1 {self.status} {REASONS.get(self.status, 'No')}"]
        lines += [f"{name}: {value}" for name, value in {**self.headers, **headers}.items()]
        return self.before + "\r\n".join([*lines, "", ""]).encode("latin-1")

    def wire(self, connection: str = "close") -> bytes:
        length = {"content-length": str(len(self.body))}
        return self.head(**length, connection=connection) + self.body

    @property
    def json(self) -> Any:
        """The body; an empty envelope where it is none (a PDF, a template)."""
        try:
            value = json.loads(self.body)
        except ValueError:
            value = None
        return value if isinstance(value, dict) else {"success": True, "data": {}}

    def with_json(self, value: Any) -> "Answer":
        """Give the same answer with another body."""
        text = json.dumps(value, ensure_ascii=False)
        return self.with_text(text.encode())

    def with_text(self, body: bytes) -> "Answer":
        kept = {name: text for name, text in self.headers.items() if name != "content-type"}
        return replace(self, body=body, headers={**kept, **JSON})


Spoil = Callable[[Answer], Answer]


def refusal(status: int, code: str = "NOT_TODAY", **headers: str) -> Spoil:
    """Make the answer a refusal or a failure in BeeL's envelope."""
    body = {"success": False, "error": {"code": code, "message": "No."}}
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return lambda _: Answer(status, json.dumps(body).encode(), {**JSON, **named})


def limited(retry_after: str) -> Spoil:
    return refusal(429, "RATE_LIMIT_EXCEEDED", retry_after=retry_after)


def redirect(status: int) -> Spoil:
    return lambda _: Answer(status, b"", {"location": "http://127.0.0.1:1/elsewhere"})


def data(value: Any) -> Spoil:
    """Put something else into the envelope."""
    return lambda answer: answer.with_json({**answer.json, "data": value})


def text(body: bytes) -> Spoil:
    return lambda answer: answer.with_text(body)


def flipped(value: Any) -> Any:
    """Give every text as a number, every number as a text, every list as an object."""
    match value:
        case dict():
            return {name: flipped(one) for name, one in value.items()}
        case list():
            return {"0": [flipped(one) for one in value]}
        case str():
            return 7
        case None:
            return "null"
        case _:
            return str(value)


def enriched(value: Any) -> Any:
    """Give every object a member that nobody knows."""
    if isinstance(value, dict):
        return {**{name: enriched(one) for name, one in value.items()}, "since_today": [{"a": 1}]}
    return [enriched(one) for one in value] if isinstance(value, list) else value


def _in_data(change: Callable[[Any], Any]) -> Spoil:
    def spoil(answer: Answer) -> Answer:
        envelope = answer.json
        return answer.with_json({**envelope, "data": change(envelope["data"])})

    return spoil


def _extra(answer: Answer) -> Answer:
    is_json = answer.headers.get("content-type", "").startswith("application/json")
    return _in_data(enriched)(answer) if is_json else answer


@cache
def _bomb() -> bytes:
    return gzip.compress(bytes(32 * 1024**2), 9)


def _zipped(answer: Answer, body: bytes) -> Answer:
    return replace(answer, body=body, headers={**answer.headers, "content-encoding": "gzip"})


def _says(status: int, *, success: bool) -> Spoil:
    return lambda answer: replace(
        answer.with_json({**answer.json, "success": success}), status=status
    )


def _early(answer: Answer) -> Answer:
    return replace(answer, before=b"HTTP/1.1 103 Early Hints\r\nlink: </a>\r\n\r\n")


HARMLESS: Final[dict[str, Spoil]] = {"members nobody knows": _extra, "early hints": _early}
# Whatever BeeL did: what comes back says nothing about it that can be believed.
BLIND: Final[dict[str, Spoil]] = {
    "HTML": lambda _: Answer(200, PAGE, HTML),
    "HTML called JSON": lambda _: Answer(200, PAGE),
    "502 in HTML": lambda _: Answer(502, PAGE, HTML),
    "empty 200": lambda _: Answer(200),
    "202 without a body": lambda _: Answer(202),
    "500": refusal(500, "INTERNAL_ERROR"),
    "503": refusal(503, "UNAVAILABLE", retry_after="2"),
    "504": refusal(504, "TIMEOUT"),
    "408": refusal(408, "TIMEOUT"),
    **{str(status): redirect(status) for status in (301, 302, 303, 307, 308)},
}
# BeeL's own answer, changed on the way.
CHANGED: Final[dict[str, Spoil]] = {
    "no envelope": text(b'{"ok": true}'),
    "no data": data(None),
    "data as text": data("done"),
    "data as list": data([]),
    "empty data": data({}),
    "wrong types": _in_data(flipped),
    "200 without success": _says(200, success=False),
    "400 with success": _says(400, success=True),
    "plain text": lambda answer: replace(answer, headers={"content-type": "text/plain"}),
    "gzip unasked": lambda answer: _zipped(answer, gzip.compress(answer.body)),
    "gzip bomb": lambda answer: _zipped(answer, _bomb()),
    "deep JSON": lambda answer: answer.with_text(
        b'{"success":true,"data":' + b"[" * 100_000 + b"]" * 100_000 + b"}"
    ),
    "huge JSON": lambda answer: answer.with_text(
        b'{"success":true,"data":"' + b"0" * 10_000_001 + b'"}'
    ),
    "long number": lambda answer: answer.with_text(
        b'{"success":true,"data":{"total_created":' + b"9" * 1_000_000 + b"}}"
    ),
    "NaN": text(b'{"success":true,"data":{"a":NaN}}'),
    "named twice": lambda answer: answer.with_text(
        b'{"success":true,' + answer.body.lstrip()[1:] if answer.body[:1] == b"{" else b"{}"
    ),
    "BOM": lambda answer: answer.with_text(b"\xef\xbb\xbf" + answer.body),
    "half a surrogate": text(b'{"success":true,"data":{"a":"\\ud800"}}'),
    "bad UTF-8": text(b'{"success":true,"data":{"a":"\xff"}}'),
    "header flood": lambda answer: replace(
        answer, headers={**answer.headers, "x-flood": "a" * 200_000}
    ),
}
# A definite no, before anything was done.
REFUSALS: Final[dict[str, Spoil]] = {
    "400": refusal(400, "INVALID_JSON_FORMAT"),
    "401": refusal(401, "UNAUTHORIZED"),
    "403": refusal(403, "INSUFFICIENT_SCOPE"),
    "404": refusal(404, "NOT_FOUND"),
    "404 in HTML": lambda _: Answer(404, PAGE, HTML),
    "404 of the route": refusal(404, "ENDPOINT_NOT_FOUND"),
    "406": refusal(406, "NOT_ACCEPTABLE"),
    "409": refusal(409, "CONCURRENT_MODIFICATION"),
    "409, key in use": refusal(409, "IDEMPOTENCY_KEY_PROCESSING", retry_after="2"),
    "413": refusal(413, "PAYLOAD_TOO_LARGE"),
    "422": refusal(422, "VALIDATION_ERROR"),
    "429": refusal(429, "RATE_LIMIT_EXCEEDED"),
    "429, in 1 s": limited("1"),
    "429, in 41 s": limited("41"),
    "429, in a billion s": limited("1000000000"),
    "429, in -5 s": limited("-5"),
    "429, soon": limited("soon"),
    "429, on a day": limited("Wed, 21 Oct 2065 07:28:00 GMT"),
}
SPOILS: Final[dict[str, Spoil]] = {**HARMLESS, **BLIND, **CHANGED, **REFUSALS}
