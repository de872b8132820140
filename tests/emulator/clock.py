"""The emulator's own clock, and what is to happen on it."""

from __future__ import annotations

import asyncio
import heapq
import itertools
import time
from collections.abc import Callable
from datetime import datetime, timezone


class Clock:
    """Time that runs `speed` times as fast as the wall clock; speed 0 stands still and is advanced by hand.

    Everything timed (operations, registrations, token buckets, latency) runs on it. Tokens do not: clients judge
    their age by their own clock.
    """

    def __init__(self, speed: float = 1.0) -> None:
        """Start at the present moment."""
        self.speed = speed
        self._wall_start = time.monotonic()
        self._start = time.time()
        self._advanced = 0.0
        self._skew = 0.0
        self._agenda: list[tuple[float, int, Callable[[float], None]]] = []
        self._order = itertools.count()

    def now(self) -> float:
        """Emulated seconds since the epoch."""
        return self._start + self._advanced + (time.monotonic() - self._wall_start) * self.speed

    def advance(self, seconds: float) -> None:
        """Jump forward and do what falls due."""
        self._advanced += seconds
        self.run_due()

    def shown(self) -> float:
        """The time that the service tells its clients, in `Date` headers."""
        return self.now() + self._skew

    def jump(self, seconds: float) -> None:
        """Set what the service tells forward or, negative, back. What is to happen keeps its time."""
        self._skew += seconds

    def after(self, seconds: float, action: Callable[[float], None]) -> None:
        """Have `action(moment)` done `seconds` from now; `moment` is the emulated time it was due."""
        self.at(self.now() + seconds, action)

    def at(self, moment: float, action: Callable[[float], None]) -> None:
        """Have `action(moment)` done at `moment`."""
        heapq.heappush(self._agenda, (moment, next(self._order), action))

    def run_due(self) -> None:
        """Do what has fallen due, in order. Called before every request, so nobody can see a late state."""
        now = self.now()
        while self._agenda and self._agenda[0][0] <= now:
            moment, _unused, action = heapq.heappop(self._agenda)
            action(moment)

    def in_wall_seconds(self, seconds: float) -> float:
        """How long `seconds` of emulated time last on the wall clock; nothing on a frozen clock."""
        return seconds / self.speed if self.speed else 0.0

    async def sleep(self, seconds: float) -> None:
        """Let emulated seconds pass. On a frozen clock there is nothing to wait for."""
        await asyncio.sleep(self.in_wall_seconds(seconds))


def timestamp(moment: float) -> str:
    """Write a moment as Azure does."""
    return datetime.fromtimestamp(moment, timezone.utc).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
