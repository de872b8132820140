"""Watches: a stream of events, one JSON object a line."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ..wire import Answer, JsonObject
from . import lists, tables
from .discovery import Resource
from .objects import moment_of
from .status import error

if TYPE_CHECKING:
    from ..world import World

LOOK_EVERY = 0.05  # real seconds
LONGEST = 1800  # real seconds that a watch lasts unless the client asks for less
Snapshot = Callable[[float], list[JsonObject]]


@dataclass(frozen=True)
class Watch:
    """One watch on what `snapshot(moment)` lists. It ends after `timeoutSeconds`, or when the emulator is reset."""

    world: World
    resource: Resource
    query: Mapping[str, str]
    snapshot: Snapshot
    table: bool = False  # whether events carry tables of one row in place of objects

    def answer(self) -> Answer:
        """Start it."""
        if "sendInitialEvents" in self.query:
            text = "sendInitialEvents is forbidden for watch unless the WatchList feature gate is enabled"
            raise error(422, f'ListOptions.meta.k8s.io "" is invalid: sendInitialEvents: Forbidden: {text}')
        try:
            begun = moment_of(self.query.get("resourceVersion") or "0")
            seconds = int(self.query.get("timeoutSeconds") or LONGEST)
        except ValueError:
            raise error(400, "invalid resourceVersion or timeoutSeconds") from None
        known = self._at(begun) if begun else {}
        return Answer(200, stream=lambda: self._events(known, seconds))

    def _at(self, moment: float) -> dict[str, JsonObject]:
        items = lists.select(self.resource.plural, self.snapshot(moment), self.query)
        return {f"{item['metadata'].get('namespace')}/{item['metadata']['name']}": item for item in items}

    async def _events(self, known: dict[str, JsonObject], seconds: float) -> AsyncIterator[bytes]:
        loop = asyncio.get_running_loop()
        end = loop.time() + seconds
        while loop.time() < end and not self.world.ended:
            self.world.clock.run_due()
            present = self._at(self.world.clock.now())
            for key, item in present.items():
                if key not in known or known[key] != item:
                    yield self._line("MODIFIED" if key in known else "ADDED", item)
            for key in known.keys() - present.keys():
                yield self._line("DELETED", known[key])
            known = present
            await asyncio.sleep(LOOK_EVERY)

    def _line(self, kind: str, item: JsonObject) -> bytes:
        whole = {"kind": self.resource.kind, "apiVersion": self.resource.api_version, **item}
        if self.table:
            whole = tables.table(self.resource, [item], {}, self.world.clock.now())
        return json.dumps({"type": kind, "object": whole}).encode() + b"\n"
