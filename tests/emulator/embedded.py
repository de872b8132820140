"""The emulator inside a test's own process."""

from __future__ import annotations

import asyncio
import copy
import threading
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Any, TypeVar

from . import control, faults, server
from .fleet import load
from .wire import JsonObject

T = TypeVar("T")


class Emulator:
    """The same server as `python -m tests.emulator`, in a background thread, on a free port.

    >>> with Emulator({"clusters": [{"name": "c1"}]}, speed=1000) as emulator:
    ...     emulator.url, emulator.environment()

    Raises FleetError for a mistake in the fleet.
    """

    def __init__(
        self, fleet: JsonObject | Path | None = None, *, speed: float = 1.0, seed: int = 0, specs: Path | None = None
    ) -> None:
        """Check the fleet; nothing runs before `start` or `with`."""
        self._server = server.make(load(fleet), speed=speed, seed=seed, specs=specs)
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="aks-emulator", daemon=True)

    def start(self) -> Emulator:
        """Start; the port answers when this returns."""
        self._thread.start()
        try:
            asyncio.run_coroutine_threadsafe(self._server.start(), self._loop).result()
        except BaseException:
            self.stop()
            raise
        return self

    def stop(self) -> None:
        """Stop and clean up."""
        asyncio.run_coroutine_threadsafe(self._server.stop(), self._loop).result()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def __enter__(self) -> Emulator:
        """Start."""
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop."""
        self.stop()

    @property
    def url(self) -> str:
        """The cloud's address: ARM, sign-in and control plane alike. No slash at the end."""
        return self._server.url

    @property
    def ca_path(self) -> Path:
        """The certificate to trust."""
        return self._server.ca_path

    @property
    def control_url(self) -> str:
        """Where the control plane is."""
        return f"{self.url}/{control.PREFIX}"

    def environment(self) -> dict[str, str]:
        """Variables with which clients reach the emulator; what `--write-env` writes."""
        return self._call(lambda: server.environment(self._server))

    def managed_identity_environment(self, kind: str = "app_service") -> dict[str, str]:
        """Variables of a host with a managed identity: `app_service` or `imds`."""
        return self._call(lambda: server.managed_identity_environment(self._server, kind))

    def requests(self) -> list[JsonObject]:
        """The request log."""
        return self._call(lambda: copy.deepcopy(self._server.desk.world.log))

    def clear_requests(self) -> None:
        """Empty the request log."""
        self._call(self._server.desk.world.log.clear)

    def fault(
        self,
        name: str,
        *,
        match: dict[str, str] | None = None,
        times: int | None = 1,
        skip: int = 0,
        chance: float = 1.0,
        **parameters: Any,
    ) -> None:
        """Script a fault; docs/emulator.md lists names and parameters. FleetError for a wrong one."""
        order = {
            "fault": name,
            "match": match or {},
            "times": times,
            "skip": skip,
            "chance": chance,
            "with": parameters,
        }
        fault = faults.parse(order)
        self._call(lambda: self._server.desk.world.faults.faults.append(fault))

    def clear_faults(self) -> None:
        """Drop all faults."""
        self._call(self._server.desk.world.faults.faults.clear)

    def change_cluster(self, wanted: str, patch: JsonObject) -> JsonObject:
        """Merge a JSON patch into a cluster, behind everyone's back. Name it by id or by unique name."""
        return self._call(lambda: copy.deepcopy(control.change_cluster(self._server.desk.world, wanted, patch)))

    def cluster(self, wanted: str) -> JsonObject:
        """The stored body of a cluster, by id or unique name."""
        return self._call(lambda: copy.deepcopy(control.found(self._server.desk.world, wanted).body))

    def feature_state(self, name: str, subscription: str | None = None) -> str:
        """The state of a preview flag, by its full name."""
        return self._call(lambda: self._server.desk.world.feature_state(name, subscription))

    def advance(self, seconds: float) -> None:
        """Let emulated time jump."""
        self._call(lambda: self._server.desk.world.clock.advance(seconds))

    def reset(self, fleet: JsonObject | Path | None = None) -> None:
        """Start again with another fleet, at the same address and with the same certificate."""
        checked = load(fleet)
        self._call(lambda: self._server.desk.reset(checked))

    def throttling(self) -> list[JsonObject]:
        """The token buckets and their counters."""
        return self._call(self._server.desk.world.throttle.view)

    def _call(self, work: Callable[[], T]) -> T:
        """Run `work` on the server's thread, between requests, with everything due done."""

        async def run() -> T:
            self._server.desk.world.clock.run_due()
            return work()

        return asyncio.run_coroutine_threadsafe(run(), self._loop).result()
