# Copyright (c) 2026, the aks.kube_proxy contributors
# BSD 2-Clause License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause
"""aks.kube_proxy.wave: the switch of many clusters at once. Private to this collection."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from ansible_collections.aks.kube_proxy.plugins.module_utils._azure.api_versions import check_version
from ansible_collections.aks.kube_proxy.plugins.module_utils._azure.arm import Arm
from ansible_collections.aks.kube_proxy.plugins.module_utils._azure.errors import AzureError
from ansible_collections.aks.kube_proxy.plugins.module_utils._azure.runtime import Runtime
from ansible_collections.aks.kube_proxy.plugins.module_utils._domain.compatibility import (
    PRODUCTION_TAG_KEYS,
    PRODUCTION_TAG_VALUES,
)
from ansible_collections.aks.kube_proxy.plugins.module_utils._domain.plan import Policy
from ansible_collections.aks.kube_proxy.plugins.module_utils._domain.production import Guard
from ansible_collections.aks.kube_proxy.plugins.module_utils._domain.targets import (
    Target,
    assert_different,
    read_target,
)
from ansible_collections.aks.kube_proxy.plugins.module_utils._operations.config import OPERATION as CONFIG
from ansible_collections.aks.kube_proxy.plugins.module_utils._operations.journal import Journal, earlier_lines
from ansible_collections.aks.kube_proxy.plugins.module_utils._operations.operation import (
    Operation,
    Parameters,
    sign_in,
    subscription_of,
)
from ansible_collections.aks.kube_proxy.plugins.module_utils._operations.parallel import SwitchMany
from ansible_collections.aks.kube_proxy.plugins.module_utils._operations.waiting import Waiting, check_waiting

# Watched every 15 seconds, so many clusters use up the 25 reads a second that Azure Resource Manager allows.
MOST_PARALLEL = 300
PARALLEL = 50


def run(parameters: Parameters, runtime: Runtime) -> dict[str, Any]:
    """Switch the clusters; what becomes of a single one is a verdict, never a failure.

    Raises:
        AzureError: nothing could be begun: no credentials, no journal, or a cluster named twice.
    """
    journal: Journal | None = None
    with _nothing_begun():
        waiting, version, targets, arm = _prepared(parameters, runtime)
        earlier = earlier_lines(parameters["journal"]) if parameters["journal"] else {}
        if parameters["journal"] and not runtime.check_mode:
            journal = Journal(parameters["journal"], {"run": parameters["run"], "wave": parameters["label"]})
    try:
        return SwitchMany(
            arm,
            runtime if parameters["progress"] else _silent(runtime),
            targets=targets,
            version=version,
            policy=Policy(parameters["preflight"], parameters["failed_clusters"], guard(parameters["production"])),
            waiting=waiting,
            max_parallel=parameters["max_parallel"],
            journal=journal,
            earlier=earlier,
            label=parameters["label"],
        ).run()
    finally:
        if journal:
            journal.close()


@contextmanager
def _nothing_begun() -> Iterator[None]:
    """Mark failures from before any cluster is looked at: without the mark, a task may have died at its work."""
    try:
        yield
    except AzureError as error:
        error.details = {**error.details, "begun": False}
        raise


def _prepared(parameters: Parameters, runtime: Runtime) -> tuple[Waiting, str, list[Target], Arm]:
    """What the wave works with, after a sign-in.

    Raises:
        AzureError: an option is wrong, or there are no credentials.
    """
    waiting = Waiting(True, parameters["wait_timeout"], parameters["poll_interval"])
    try:
        check_waiting(waiting)
        version = check_version(parameters["api_version"])
        if not 1 <= parameters["max_parallel"] <= MOST_PARALLEL:
            raise ValueError(f"'max_parallel' is {parameters['max_parallel']}: it has to be 1 to {MOST_PARALLEL}.")
        arm = sign_in(parameters, runtime)
        targets = _targets(parameters, arm)
    except ValueError as error:
        raise AzureError(str(error)) from None
    if targets:
        arm.sign_in("Wave")  # a sign-in that fails is one failure, not one for each cluster
    return waiting, version, targets, arm


def _silent(runtime: Runtime) -> Runtime:
    return runtime.but(say=lambda _line: None)


def _targets(parameters: Parameters, arm: Arm) -> list[Target]:
    """The clusters and what they shall have.

    Raises:
        ValueError: an element is malformed, or they are not different.
        AzureError: no subscription is known for a cluster that is given by its name alone.
    """
    entries = parameters["clusters"]
    named_alone = any(not (entry["resource_id"] or entry["subscription_id"]) for entry in entries)
    subscription = subscription_of(arm.session) if named_alone else ""
    targets = [read_target(entry, subscription) for entry in entries]
    assert_different(targets)
    return targets


def guard(declared: Mapping[str, Any] | None) -> Guard | None:
    """The guard that the option C(production) asks for; None when it is not set, or allows production clusters."""
    if not declared or declared["allowed"]:
        return None
    return Guard(declared["tag"], tuple(declared["values"]), declared["untagged"])


OPERATION = Operation(
    name="aks.kube_proxy.wave",
    run=run,
    options={
        "clusters": {
            "type": "list",
            "elements": "dict",
            "required": True,
            "options": {
                "host": {"type": "str"},
                "resource_id": {"type": "str"},
                "subscription_id": {"type": "str"},
                **{name: CONFIG.options[name] for name in ("resource_group", "name", "enabled", "mode", "ipvs_config")},
                "exact": {"type": "bool", "default": False},
                "expected": {"type": "dict"},
            },
        },
        "max_parallel": {"type": "int", "default": PARALLEL},
        "journal": {"type": "path"},
        "run": {"type": "str"},
        "label": {"type": "str", "default": "wave"},
        "progress": {"type": "bool", "default": True},
        "production": {
            "type": "dict",
            "options": {
                "tag": {"type": "str", "default": PRODUCTION_TAG_KEYS[0]},
                "values": {"type": "list", "elements": "str", "default": list(PRODUCTION_TAG_VALUES)},
                "untagged": {"type": "bool", "default": False},
                "allowed": {"type": "bool", "default": False},
            },
        },
        **{
            name: CONFIG.options[name]
            for name in ("preflight", "failed_clusters", "wait_timeout", "poll_interval", "api_version")
        },
    },
)
