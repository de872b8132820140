"""Tables, which `kubectl get` asks for to show people: the API server chooses the columns and tells ages."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any

from ..wire import JsonObject
from .discovery import Resource

Cell = Callable[[JsonObject], Any]
MINUTE, HOUR, DAY = 60, 3600, 86400


def wanted(accept: str) -> bool:
    """Whether the header `Accept` asks for a table first."""
    first = accept.split(",", maxsplit=1)[0].replace(" ", "")
    return "as=Table" in first and "v=v1;" in f"{first};"


def table(resource: Resource, items: list[JsonObject], meta: JsonObject, now: float) -> JsonObject:
    """Objects as rows."""
    columns: dict[str, Cell] = {
        "Name": lambda item: item["metadata"]["name"],
        **COLUMNS.get(resource.plural, {}),
        "Age": lambda item: age(item["metadata"]["creationTimestamp"], now),
    }
    return {
        "kind": "Table",
        "apiVersion": "meta.k8s.io/v1",
        "metadata": meta,
        "columnDefinitions": [
            {
                "name": name,
                "type": "string",
                "format": "name" if name == "Name" else "",
                "description": "",
                "priority": 0,
            }
            for name in columns
        ],
        "rows": [
            {
                "cells": [cell(item) for cell in columns.values()],
                "object": {
                    "kind": "PartialObjectMetadata",
                    "apiVersion": "meta.k8s.io/v1",
                    "metadata": item["metadata"],
                },
            }
            for item in items
        ],
    }


def age(born: str, now: float) -> str:
    """How long ago something was made, as Kubernetes shortens it."""
    seconds = max(0, int(now - datetime.fromisoformat(born.replace("Z", "+00:00")).timestamp()))
    steps = (
        (2 * MINUTE, f"{seconds}s"),
        (10 * MINUTE, f"{seconds // MINUTE}m{seconds % MINUTE}s"),
        (3 * HOUR, f"{seconds // MINUTE}m"),
        (8 * HOUR, f"{seconds // HOUR}h{seconds % HOUR // MINUTE}m"),
        (2 * DAY, f"{seconds // HOUR}h"),
        (8 * DAY, f"{seconds // DAY}d{seconds % DAY // HOUR}h"),
    )
    return next((text for limit, text in steps if seconds < limit), f"{seconds // DAY}d")


def _node_status(item: JsonObject) -> str:
    ready = next(row["status"] for row in item["status"]["conditions"] if row["type"] == "Ready")
    cordoned = ",SchedulingDisabled" if item["spec"].get("unschedulable") else ""
    return ("Ready" if ready == "True" else "NotReady") + cordoned


def _containers(item: JsonObject) -> list[JsonObject]:
    found: list[JsonObject] = item["status"].get("containerStatuses") or []
    return found


def _pod_status(item: JsonObject) -> str:
    if "deletionTimestamp" in item["metadata"]:
        return "Terminating"
    reasons = [row["state"]["waiting"]["reason"] for row in _containers(item) if "waiting" in row["state"]]
    return str(reasons[0] if reasons else item["status"]["phase"])


def _pods_ready(item: JsonObject) -> str:
    known = _containers(item)
    ready = sum(row["ready"] for row in known) if known else len(item["spec"]["containers"])
    return f"{ready}/{len(item['spec']['containers'])}"


def _number(key: str) -> Cell:
    return lambda item: item["status"].get(key, 0)


def _selector(item: JsonObject) -> str:
    chosen = item["spec"]["template"]["spec"].get("nodeSelector") or {}
    return ",".join(f"{name}={value}" for name, value in chosen.items()) or "<none>"


# Between name and age, by resource. Where a row has an age, that is its place.
COLUMNS: dict[str, dict[str, Cell]] = {
    "nodes": {
        "Status": _node_status,
        "Roles": lambda item: "<none>",
        "Age": lambda item: "",
        "Version": lambda item: item["status"]["nodeInfo"]["kubeletVersion"],
    },
    "pods": {
        "Ready": _pods_ready,
        "Status": _pod_status,
        "Restarts": lambda item: sum(row["restartCount"] for row in _containers(item)),
    },
    "daemonsets": {
        "Desired": _number("desiredNumberScheduled"),
        "Current": _number("currentNumberScheduled"),
        "Ready": _number("numberReady"),
        "Up-to-date": _number("updatedNumberScheduled"),
        "Available": _number("numberAvailable"),
        "Node Selector": _selector,
    },
    "services": {
        "Type": lambda item: item["spec"]["type"],
        "Cluster-IP": lambda item: item["spec"]["clusterIP"],
        "Port(s)": lambda item: ",".join(f"{port['port']}/{port['protocol']}" for port in item["spec"]["ports"]),
    },
    "namespaces": {"Status": lambda item: item["status"]["phase"]},
}
