"""Several answers to one prompt as one stream of (index, event), in the order in which they come."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from typing import TypeVar

Item = TypeVar("Item")


async def merged(sources: Sequence[AsyncGenerator[Item, None]]) -> AsyncGenerator[tuple[int, Item], None]:
    """All items with the number of their source. The first error ends all; closing the result closes every source."""
    # An empty list says that a source ended.
    inbox: asyncio.Queue[tuple[int, list[Item]]] = asyncio.Queue()

    async def drain(number: int, source: AsyncGenerator[Item, None]) -> None:
        try:
            async with aclosing(source):
                async for item in source:
                    inbox.put_nowait((number, [item]))
        finally:
            inbox.put_nowait((number, []))

    tasks = [asyncio.create_task(drain(number, source)) for number, source in enumerate(sources)]
    try:
        left = len(tasks)
        while left:
            number, items = await inbox.get()
            for item in items:
                yield number, item
            if not items:
                await tasks[number]
                left -= 1
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
