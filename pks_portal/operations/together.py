"""Questions that many ask at the same time, answered for all of them at once."""

import asyncio
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Collection, Hashable
from typing import Generic, TypeVar

Key = TypeVar("Key", bound=Hashable)
Value = TypeVar("Value")


class Together(Generic[Key, Value]):
    """Keep an answer for each key that somebody has joined with, and renew all of them in one look.

    A look is taken when somebody asks and the last is `seconds` old; who asks meanwhile gets the last answer, unless
    that is twice as old: then all wait for the new one.
    """

    def __init__(self, look: Callable[[Collection[Key]], Awaitable[dict[Key, Value]]], *, seconds: float) -> None:
        self._look, self.seconds = look, seconds
        self._joined: Counter[Key] = Counter()
        self._answers: dict[Key, Value] = {}
        self._renewed = 0.0
        self._renewal: asyncio.Task[None] | None = None

    async def join(self, key: Key) -> None:
        """Begin to ask about a key; its first answer is of now."""
        first = await self._look([key])
        self._joined[key] += 1
        self._answers |= first

    def leave(self, key: Key) -> None:
        """Ask no more about it."""
        self._joined[key] -= 1
        if self._joined[key] <= 0:
            del self._joined[key]
            self._answers.pop(key, None)

    async def get(self, key: Key) -> Value | None:
        """Return the answer about a key, at most twice `seconds` old; None when nobody has joined with it."""
        age = time.monotonic() - self._renewed
        if age > self.seconds:
            if self._renewal is None or self._renewal.done():
                self._renewal = asyncio.create_task(self._renew())
            if age > 2 * self.seconds or key not in self._answers:
                await asyncio.shield(self._renewal)
        return self._answers.get(key)

    async def _renew(self) -> None:
        began = time.monotonic()
        fresh = await self._look(list(self._joined))
        self._answers |= {key: answer for key, answer in fresh.items() if key in self._joined}
        self._renewed = began
