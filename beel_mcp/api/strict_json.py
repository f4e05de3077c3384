"""JSON without leniencies: what two readers may take differently is refused."""

import json
from decimal import Decimal
from typing import Any


class StrictJsonError(ValueError):
    """The text is not JSON, or JSON that we do not take."""


def parse(raw: bytes) -> Any:
    """Read JSON in UTF-8: no BOM, NaN, Infinity, twice-named members or half surrogates.

    Raises:
        StrictJsonError: it is anything else, or nested too deeply to read.

    """
    problem = ""
    try:
        text = raw.decode("utf-8")
        value = json.loads(
            text,
            object_pairs_hook=_object,
            parse_constant=_no_constant,
            parse_float=Decimal,
        )
        if "\\u" in text:  # only an escape can smuggle in half a surrogate pair
            json.dumps(value, ensure_ascii=False, default=str).encode("utf-8")
    except (ValueError, RecursionError, ArithmeticError) as error:
        problem = type(error).__name__
    if problem:  # raised out here, so that the body cannot travel along as the context
        raise StrictJsonError(problem)
    return value


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise StrictJsonError("a member is named twice")
    return members


def _no_constant(name: str) -> Any:
    raise StrictJsonError(name)
