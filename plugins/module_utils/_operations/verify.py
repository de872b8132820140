# Copyright (c) 2026, the aks.kube_proxy contributors
# BSD 2-Clause License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause
"""aks.kube_proxy.verify: evidence from clusters themselves. Private to this collection."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible_collections.aks.kube_proxy.plugins.module_utils._azure.api_versions import AUTO, check_version
from ansible_collections.aks.kube_proxy.plugins.module_utils._azure.arm import Arm
from ansible_collections.aks.kube_proxy.plugins.module_utils._azure.errors import AzureError
from ansible_collections.aks.kube_proxy.plugins.module_utils._azure.runtime import Runtime
from ansible_collections.aks.kube_proxy.plugins.module_utils._domain import verification as ends
from ansible_collections.aks.kube_proxy.plugins.module_utils._domain.kube_proxy import MODES, Request
from ansible_collections.aks.kube_proxy.plugins.module_utils._domain.proof_look import IGNORE, WAIT, Care
from ansible_collections.aks.kube_proxy.plugins.module_utils._domain.proof_problems import UNVERIFIED
from ansible_collections.aks.kube_proxy.plugins.module_utils._domain.safety import tolerated
from ansible_collections.aks.kube_proxy.plugins.module_utils._domain.targets import assert_different, read_subject
from ansible_collections.aks.kube_proxy.plugins.module_utils._kubernetes.access import ACCESS_ARGUMENT_SPEC
from ansible_collections.aks.kube_proxy.plugins.module_utils._operations.config import OPERATION as CONFIG
from ansible_collections.aks.kube_proxy.plugins.module_utils._operations.operation import (
    Operation,
    Parameters,
    concerning,
    named_cluster,
    sign_in,
    subscription_of,
)
from ansible_collections.aks.kube_proxy.plugins.module_utils._operations.verify_many import (
    Access,
    Subject,
    VerifyMany,
)
from ansible_collections.aks.kube_proxy.plugins.module_utils._operations.waiting import Waiting, check_waiting

# Each cluster is read by up to eight threads of its own.
MOST_PARALLEL = 100
PARALLEL = 50

FAIL = "fail"
WARN = "warn"

# What tells which cluster, what it shall run, and how to reach it; the same for one and for each of many.
_ONE = {
    "resource_group": {"type": "str"},
    "name": {"type": "str"},
    "resource_id": {"type": "str"},
    **{name: CONFIG.options[name] for name in ("enabled", "mode", "ipvs_config")},
    "previous_mode": {"type": "str", "choices": list(MODES)},
    "tolerate": {"type": "list", "elements": "str"},
}


def run(parameters: Parameters, runtime: Runtime) -> dict[str, Any]:
    """Ask the clusters.

    Raises:
        AzureError: nothing could be begun, or a cluster is neither verified nor safe and that shall fail.
    """
    waiting = Waiting(True, parameters["wait_timeout"], parameters["poll_interval"])
    with concerning(None if parameters["clusters"] is not None else named_cluster(parameters)):
        check_waiting(waiting)
        version = check_version(parameters["api_version"])
        if not 1 <= parameters["max_parallel"] <= MOST_PARALLEL:
            raise ValueError(f"'max_parallel' is {parameters['max_parallel']}: it has to be 1 to {MOST_PARALLEL}.")
        for name in ("joining_seconds", "settle_seconds"):
            if parameters[name] < 0:
                raise ValueError(f"'{name}' is {parameters[name]}: it cannot be negative.")
        arm = sign_in(parameters, runtime)
        subjects = _subjects(parameters, arm)
    result = VerifyMany(
        arm,
        runtime if parameters["progress"] else runtime.but(say=lambda _line: None),
        subjects=subjects,
        version=version,
        phase=parameters["phase"],
        care=Care(
            parameters["not_ready_nodes"],
            parameters["cordoned_nodes"],
            parameters["joining_seconds"],
            parameters["settle_seconds"],
        ),
        waiting=waiting,
        max_parallel=parameters["max_parallel"],
        nodes=parameters["nodes"],
    ).run()
    bad = {host: one for host, one in result["clusters"].items() if not one["ok"]}
    told = {host: one for host, one in bad.items() if one["state"] != UNVERIFIED or parameters["unverified"] == FAIL}
    result["warnings"] += ends.messages({host: one for host, one in bad.items() if host not in told})
    if told:
        raise AzureError(*(line for text in ends.messages(told) for line in text.split("\n")), **result)
    return result


def _subjects(parameters: Parameters, arm: Arm) -> list[Subject]:
    """The clusters to ask.

    Raises:
        ValueError: an element is malformed, or they are not different.
        AzureError: no subscription is known for a cluster that is given by its name alone.
    """
    entries = [parameters] if parameters["clusters"] is None else parameters["clusters"]
    named_alone = any(not (entry["resource_id"] or entry.get("subscription_id")) for entry in entries)
    subscription = subscription_of(arm.session) if named_alone else ""
    subjects = [_subject(entry, parameters, subscription) for entry in entries]
    assert_different([subject.target for subject in subjects])
    return subjects


def _subject(entry: Mapping[str, Any], parameters: Parameters, subscription: str) -> Subject:
    target = read_subject(entry, subscription)
    if parameters["phase"] == ends.BEFORE and target.request == Request():
        raise ValueError(f"Cluster {target.host}: 'phase: before' has to know what it is to get: set 'mode'.")
    way, kubeconfig, context, tolerate = (
        entry[name] if entry[name] is not None else parameters[name]
        for name in ("access", "kubeconfig", "context", "tolerate")
    )
    tolerated([], tolerate or ())
    return Subject(target, Access(way, kubeconfig, context), entry["previous_mode"] or "", tuple(tolerate or ()))


OPERATION = Operation(
    name="aks.kube_proxy.verify",
    run=run,
    options={
        **_ONE,
        **ACCESS_ARGUMENT_SPEC,
        "clusters": {
            "type": "list",
            "elements": "dict",
            "options": {
                "host": {"type": "str"},
                "subscription_id": {"type": "str"},
                **_ONE,
                **{name: {**spec, "default": None} for name, spec in ACCESS_ARGUMENT_SPEC.items()},
            },
        },
        "phase": {"type": "str", "choices": list(ends.PHASES), "default": ends.AFTER},
        "not_ready_nodes": {"type": "str", "choices": [WAIT, IGNORE], "default": WAIT},
        "cordoned_nodes": {"type": "str", "choices": [WAIT, IGNORE], "default": WAIT},
        "joining_seconds": {"type": "int", "default": 600},
        "settle_seconds": {"type": "int", "default": 35},
        "nodes": {"type": "str", "choices": [ends.ALL, ends.OTHERS], "default": ends.ALL},
        "unverified": {"type": "str", "choices": [FAIL, WARN], "default": FAIL},
        "max_parallel": {"type": "int", "default": PARALLEL},
        "progress": {"type": "bool", "default": True},
        "wait_timeout": {"type": "int", "default": 600},
        "poll_interval": {"type": "int", "default": 10},
        "api_version": {"type": "str", "default": AUTO},
    },
    constraints={
        "required_one_of": [("clusters", "resource_id", "name")],
        "mutually_exclusive": [
            ("clusters", "resource_id", "name"),
            ("clusters", "resource_group"),
            ("resource_id", "resource_group"),
            *(("clusters", option) for option in ("enabled", "mode", "ipvs_config", "previous_mode")),
        ],
        "required_together": [("resource_group", "name")],
    },
)
