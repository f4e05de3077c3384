"""A few requests at once, never many."""

from collections.abc import Awaitable, Callable, Iterable
from typing import Final, TypeVar

import anyio

AT_ONCE: Final = 4
T = TypeVar("T")


async def at_once(work: Callable[[T], Awaitable[None]], items: Iterable[T]) -> None:
    """Run `work` for every item, four at a time; of several errors the first is raised."""
    limiter = anyio.CapacityLimiter(AT_ONCE)

    async def one(item: T) -> None:
        async with limiter:
            await work(item)

    try:
        async with anyio.create_task_group() as group:
            for item in items:
                group.start_soon(one, item)
    except ExceptionGroup as several:
        raise several.exceptions[0] from None
