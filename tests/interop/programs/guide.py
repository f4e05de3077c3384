"""A client does what it is told on stdin, a line each, and tells what it was answered."""

import json
import sys
from typing import Any

import anyio.to_thread

WANTED = json.loads(sys.argv[1])


class Person:
    """Fills in the forms that the client shows, as was said beforehand."""

    def __init__(self) -> None:
        self.questions: list[dict[str, Any]] = []
        self._left = list(WANTED.get("answers") or ())

    def answer(self, message: str, schema: Any) -> dict[str, Any]:
        self.questions.append({"message": message, "schema": schema})
        return self._left.pop(0)


def plain(value: Any) -> Any:
    """Spell what a client gives as it stands in the protocol."""
    if isinstance(value, list):
        return [plain(one) for one in value]
    return value.model_dump(mode="json", by_alias=True, exclude_none=True)


async def obey(guided: Any) -> None:
    """Do one thing per line, each a method of `guided`, until stdin ends."""
    while line := await anyio.to_thread.run_sync(sys.stdin.readline):
        words = json.loads(line)
        try:
            said = {"done": await getattr(guided, words.pop("doing"))(**words)}
        except Exception as error:  # noqa: BLE001 - whatever a client makes of a refusal
            code = getattr(getattr(error, "error", None), "code", None)
            said = {"refused": {"code": code, "message": str(error)}}
        print(json.dumps(said), flush=True)
