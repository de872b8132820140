"""Faults by name: scripted trouble, one table. docs/emulator.md explains each."""

from __future__ import annotations

import random
import re
from dataclasses import dataclass, field
from typing import Any

from . import checks
from .checks import FleetError
from .wire import JsonObject

# name -> when it strikes, and its parameters with their defaults (None: no default value).
# behind: the world changes as the request arrives, which then meets it · front: before the request is looked at ·
# provider: in place of the provider's own checks of a write · operation: shapes what an accepted write leads to ·
# after: the request is carried out, the answer is changed.
FAULTS: dict[str, tuple[str, JsonObject]] = {
    "changed_underneath": ("behind", {"cluster": None, "patch": {"tags": {"changed-underneath": "yes"}}}),
    "cluster_deleted": ("behind", {"cluster": None}),
    "cluster_stopped": ("behind", {"cluster": None}),
    "operation_begun": (
        "behind",
        {"cluster": None, "state": "Updating", "seconds": 110.0, "status": "Succeeded"},
    ),
    "lock_set": ("behind", {"cluster": None, "level": "ReadOnly", "seconds": None}),
    "inside_changed": ("behind", {"cluster": None, "settings": {}}),
    "connections_refused": ("behind", {"seconds": 2.0}),
    "api_server_refused": ("behind", {"cluster": None, "seconds": 2.0}),
    "clock_jumped": ("behind", {"seconds": -3600.0}),
    "throttled": ("front", {"shape": "aks", "retry_after": None}),
    "server_error": ("front", {"status": 500, "shape": "json"}),
    "token_expired": ("front", {}),
    "forbidden": ("front", {}),
    "policy_denied": ("front", {"policy": "deny-kube-proxy-changes"}),
    "scope_locked": ("front", {}),
    "cut_before": ("front", {}),
    "garbage": ("after", {}),
    "wrong_content": ("after", {}),
    "cut_after": ("after", {}),
    "cut_within": ("after", {}),
    "slow": ("after", {"seconds": 2.0}),
    "etag_race": ("provider", {}),
    "operation_in_progress": ("provider", {"operation": "Updating", "pool": False}),
    "blocked_by_node_disruption_policy": ("provider", {}),
    "feature_not_propagated": ("provider", {}),
    "operation_failed": (
        "operation",
        {"code": "InternalOperationError", "message": "Internal server error.", "config": "kept"},
    ),
    "operation_canceled": ("operation", {"config": "kept"}),
    "operation_stuck": ("operation", {}),
    "ignored": ("operation", {}),
}
# Provider and operation faults concern writes of clusters; the others strike at whatever matches.
WRITES_ONLY = {name for name, (stage, _parameters) in FAULTS.items() if stage in ("provider", "operation")} | {
    "changed_underneath"
}
# These speak of a principal or a scope, so they mean nothing outside ARM.
ARM_ONLY = {"token_expired", "forbidden", "policy_denied", "scope_locked"}

FAULT_KEYS: checks.Keys = {
    "fault": tuple(FAULTS),
    "match": dict,
    "times": object,
    "skip": int,
    "chance": float,
    "with": dict,
}
# What a request is for. Faults mean ARM unless they say something else.
ARM, KUBERNETES, SIGN_IN = "arm", "kubernetes", "sign-in"
MATCH_KEYS: checks.Keys = {"api": (ARM, KUBERNETES), "method": str, "path": str, "cluster": str}


@dataclass
class Fault:
    """One scripted fault. `times` None: for ever."""

    name: str
    api: str = ARM
    method: str | None = None
    path: re.Pattern[str] | None = None
    cluster: str | None = None
    times: int | None = 1
    skip: int = 0
    chance: float = 1.0
    parameters: JsonObject = field(default_factory=dict)
    struck: int = 0

    @property
    def stage(self) -> str:
        """When it strikes."""
        return FAULTS[self.name][0]

    def matches(self, method: str, path: str, cluster: str | None, api: str) -> bool:
        """Tell whether a request is meant. `cluster`: the name of the cluster that it is about; `api`: what it is for.

        Of a fault for ARM, a sign-in is meant only where `path` says so.
        """
        return (
            (self.times is None or self.struck < self.times)
            and (self.api == api or (self.api == ARM and api == SIGN_IN and self._means_sign_ins()))
            and (self.name not in WRITES_ONLY or method == "PUT")
            and (self.method is None or self.method == method)
            and (self.path is None or self.path.search(path) is not None)
            and (self.cluster is None or (cluster is not None and self.cluster.lower() == cluster.lower()))
        )

    def _means_sign_ins(self) -> bool:
        return self.path is not None and self.name not in ARM_ONLY

    def view(self) -> JsonObject:
        """The fault as the control plane shows it."""
        return {
            "fault": self.name,
            "match": {
                key: value
                for key, value in (
                    ("api", None if self.api == ARM else self.api),
                    ("method", self.method),
                    ("path", self.path.pattern if self.path else None),
                    ("cluster", self.cluster),
                )
                if value is not None
            },
            "times": self.times,
            "skip": self.skip,
            "chance": self.chance,
            "with": self.parameters,
            "struck": self.struck,
        }


def parse(order: Any) -> Fault:
    """Read a fault order; FleetError tells what is wrong with it."""
    checks.table("fault", order, FAULT_KEYS, ["fault"])
    match = checks.table("fault.match", order.get("match", {}), MATCH_KEYS)
    defaults = FAULTS[order["fault"]][1]
    given = order.get("with", {})
    if unknown := sorted(set(given) - set(defaults)):
        raise FleetError(f"fault.with: {order['fault']} has no parameter {unknown[0]!r}; known are {sorted(defaults)}")
    for key, value in given.items():
        _check_parameter(f"fault.with.{key}", value, defaults[key])
    times = order.get("times", 1)
    if times is not None and (not isinstance(times, int) or isinstance(times, bool) or times < 1):
        raise FleetError(f"fault.times: must be a positive whole number or null, not {times!r}")
    api, name = match.get("api", ARM), order["fault"]
    if api == KUBERNETES and name in ARM_ONLY | WRITES_ONLY:
        raise FleetError(f"fault.match.api: {name} strikes at ARM alone")
    try:
        path = re.compile(match["path"], re.IGNORECASE) if "path" in match else None
    except re.error as error:
        raise FleetError(f"fault.match.path: {error}") from None
    return Fault(
        name=name,
        api=api,
        method=match["method"].upper() if "method" in match else None,
        path=path,
        cluster=match.get("cluster"),
        times=times,
        skip=order.get("skip", 0),
        chance=order.get("chance", 1.0),
        parameters={**defaults, **given},
    )


def _check_parameter(where: str, value: Any, default: Any) -> None:
    """Hold a parameter to the type of its default value, where it has one."""
    kind = (int, float) if isinstance(default, float) else type(default)
    if default is not None and (not isinstance(value, kind) or isinstance(value, bool) != isinstance(default, bool)):
        raise FleetError(f"{where}: must be like {default!r}, not {value!r}")


class Drawn:
    """The faults that may strike at one request, at most one per stage. `struck`: the names of those that did."""

    def __init__(self, by_stage: dict[str, Fault]) -> None:
        """Begin before any of them has struck."""
        self._by_stage = by_stage
        self.struck: list[str] = []

    def get(self, stage: str) -> Fault | None:
        """The fault of a stage."""
        return self._by_stage.get(stage)

    def strike(self, stage: str) -> Fault | None:
        """The fault of a stage, which strikes now and is counted."""
        fault = self.get(stage)
        if fault is not None:
            fault.struck += 1
            self.struck.append(fault.name)
        return fault


class FaultDesk:
    """The faults in force."""

    def __init__(self, dice: random.Random) -> None:
        """Throw `dice` for faults by chance."""
        self._dice = dice
        self.faults: list[Fault] = []

    def draw(self, method: str, path: str, cluster: str | None, api: str) -> Drawn:
        """Choose the faults that may strike at a request; skips and chances are used up."""
        chosen: dict[str, Fault] = {}
        for fault in self.faults:
            if fault.stage in chosen or not fault.matches(method, path, cluster, api):
                continue
            if fault.skip:
                fault.skip -= 1
            elif fault.chance >= 1 or self._dice.random() < fault.chance:
                chosen[fault.stage] = fault
        return Drawn(chosen)
