"""The emulator inside a test's own process."""

from __future__ import annotations

import asyncio
import copy
import threading
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Any, TypeVar

from . import behind, control, faults, server
from .call_log import Observer
from .fleet import load
from .kubernetes import metrics, pods
from .wire import JsonObject
from .world import World

T = TypeVar("T")


class Emulator:
    """The same server as `python -m tests.emulator`, in a background thread, on a free port.

    >>> with Emulator({"clusters": [{"name": "c1"}]}, speed=1000) as emulator:
    ...     emulator.url, emulator.environment()

    Raises FleetError for a mistake in the fleet.
    """

    def __init__(
        self,
        fleet: JsonObject | Path | None = None,
        *,
        speed: float = 1.0,
        seed: int = 0,
        specs: Path | None = None,
        observer: Observer | None = None,
    ) -> None:
        """Check the fleet; nothing runs before `start` or `with`.

        `observer(entry, stored)` is called with every request as it arrives, before anything is answered: with its log
        entry as far as there is one, and for a PUT with the stored body of the cluster that it is to replace. It runs
        on the emulator's thread, which waits for it, and may use this object. What it raises does not reach the client
        but is raised by `stop`, the first of it.
        """
        self._observer, self._observer_errors = observer, list[BaseException]()
        self._server = server.make(
            load(fleet), speed=speed, seed=seed, specs=specs, observer=self._observe if observer else None
        )
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
        """Stop and clean up. Raises what the observer raised first."""
        asyncio.run_coroutine_threadsafe(self._server.stop(), self._loop).result()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()
        if self._observer_errors:
            raise self._observer_errors[0]

    def __enter__(self) -> Emulator:
        """Start."""
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop."""
        self.stop()

    def _observe(self, entry: JsonObject, stored: JsonObject | None) -> None:
        assert self._observer is not None, "asked for only with an observer"
        try:
            self._observer(entry, stored)
        except BaseException as error:  # pytest's own outcomes are no Exceptions
            self._observer_errors.append(error)

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
        return self._call(lambda: copy.deepcopy(self._world.log))

    def clear_requests(self) -> None:
        """Empty the request log."""
        self._call(self._world.log.clear)

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
        self._call(lambda: self._world.faults.faults.append(fault))

    def faults(self) -> list[JsonObject]:
        """The faults in force and those that are used up, in the order in which they were scripted."""
        return self._call(lambda: [fault.view() for fault in self._world.faults.faults])

    def clear_faults(self) -> None:
        """Drop all faults."""
        self._call(self._world.faults.faults.clear)

    def change_cluster(self, wanted: str, patch: JsonObject) -> JsonObject:
        """Merge a JSON patch into a cluster, behind everyone's back. Name it by id or by unique name.

        A table in place of the list of pools patches them by name; `*` means all.
        """

        def change() -> JsonObject:
            cluster = behind.found(self._world, wanted)
            behind.change(self._world, cluster, patch)
            return copy.deepcopy(cluster.body)

        return self._call(change)

    def delete_cluster(self, wanted: str) -> None:
        """Take a cluster away, behind everyone's back."""
        self._call(lambda: behind.delete(self._world, behind.found(self._world, wanted)))

    def stop_cluster(self, wanted: str) -> None:
        """Stop a cluster, behind everyone's back."""
        self.change_cluster(wanted, behind.STOPPED)

    def begin_operation(
        self, wanted: str, *, state: str = "Updating", seconds: float = 110.0, status: str = "Succeeded"
    ) -> None:
        """Begin somebody else's operation: `state` for emulated `seconds`, then `status`; `stuck`: it never ends.

        FleetError while another one runs, as Azure would refuse it.
        """
        self._call(
            lambda: behind.begin_operation(
                self._world, behind.found(self._world, wanted), state=state, seconds=seconds, status=status
            )
        )

    def lock(self, wanted: str, level: str = "ReadOnly") -> None:
        """Lock a scope, or a cluster by its unique name."""
        self._call(lambda: behind.lock(self._world, {"scope": self._scope(wanted), "level": level}))

    def unlock(self, wanted: str) -> None:
        """Take the locks of a scope, or of a cluster, away."""
        self._call(lambda: behind.unlock(self._world, self._scope(wanted)))

    def refuse(self, seconds: float, cluster: str | None = None) -> None:
        """Refuse connections for real `seconds`: to ARM and sign-in, or to the API server of `cluster`."""
        self._call(
            lambda: self._world.network.refuse(seconds, behind.found(self._world, cluster).key if cluster else None)
        )

    def change_kubernetes(self, wanted: str, given: JsonObject) -> JsonObject:
        """Change a cluster's inside, in the words of a fleet file's `kubernetes`. Return all its settings."""
        return self._call(
            lambda: copy.deepcopy(behind.change_inside(self._world, behind.found(self._world, wanted), given))
        )

    def proxy_modes(self, wanted: str) -> set[str]:
        """The modes in which the kube-proxies of a cluster's nodes run, by their own words."""

        def look() -> set[str]:
            cluster = behind.found(self._world, wanted)
            running = pods.kube_proxies(cluster, self._world.behaviour, self._world.clock.now())
            return {metrics.mode(cluster, pod) for pod in running}

        return self._call(look)

    def kubernetes_requests(self) -> list[JsonObject]:
        """The log of requests to the clusters' API servers."""
        return self._call(lambda: copy.deepcopy(self._world.kubernetes_log))

    def clear_kubernetes_requests(self) -> None:
        """Empty that log."""
        self._call(self._world.kubernetes_log.clear)

    def cluster(self, wanted: str) -> JsonObject:
        """The stored body of a cluster, by id or unique name."""
        return self._call(lambda: copy.deepcopy(behind.found(self._world, wanted).body))

    def feature_state(self, name: str, subscription: str | None = None) -> str:
        """The state of a preview flag, by its full name."""
        return self._call(lambda: self._world.feature_state(name, subscription))

    def now(self) -> float:
        """The present moment on the emulator's clock, in seconds since the epoch, as the request log has it."""
        return self._call(self._world.clock.now)

    def advance(self, seconds: float) -> None:
        """Let emulated time jump."""
        self._call(lambda: self._world.clock.advance(seconds))

    def jump(self, seconds: float) -> None:
        """Set the time that `Date` headers tell forward or, negative, back. Nothing happens earlier or later for it."""
        self._call(lambda: self._world.clock.jump(seconds))

    def reset(self, fleet: JsonObject | Path | None = None) -> None:
        """Start again with another fleet, at the same address and with the same certificate."""
        checked = load(fleet)
        self._call(lambda: self._server.desk.reset(checked))

    def throttling(self) -> list[JsonObject]:
        """The token buckets and their counters."""
        return self._call(self._world.throttle.view)

    def _call(self, work: Callable[[], T]) -> T:
        """Run `work` on the server's thread, between requests, with everything due done."""

        async def run() -> T:
            self._world.clock.run_due()
            return work()

        if threading.current_thread() is self._thread:  # an observer asks
            return work()
        return asyncio.run_coroutine_threadsafe(run(), self._loop).result()

    @property
    def _world(self) -> World:
        return self._server.desk.world

    def _scope(self, wanted: str) -> str:
        return wanted if wanted.startswith("/") else str(behind.found(self._world, wanted).body["id"])
