# Copyright (c) 2026, the aks.kube_proxy contributors
# BSD 2-Clause License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause
"""Which cluster shall have what, as a user writes it for many clusters. Private to this collection. Pure: no I/O."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from ansible_collections.aks.kube_proxy.plugins.module_utils._domain.cluster import (
    ClusterId,
    cluster_id,
    parse_resource_id,
)
from ansible_collections.aks.kube_proxy.plugins.module_utils._domain.kube_proxy import (
    Request,
    check_request,
    from_result,
)
from ansible_collections.aks.kube_proxy.plugins.module_utils._domain.wording import one_line

# option -> what a user may write there; templates make texts of everything
FORMS: dict[str, tuple[type, ...]] = {
    **dict.fromkeys(("host", "resource_id", "subscription_id", "resource_group", "name", "mode"), (str,)),
    "enabled": (bool, str),
    "ipvs_config": (Mapping,),
    "expected": (Mapping,),
}


@dataclass(frozen=True)
class Target:
    """One cluster's part in a wave: what the user calls it, which one it is, what it shall have."""

    host: str
    cluster: ClusterId
    request: Request


def read_target(entry: Mapping[str, Any], subscription: str) -> Target:
    """Read an element of the option C(clusters) of the module wave.

    Args:
        entry: the element; what is missing counts as not set.
        subscription: where a cluster is that is given by its name alone.

    Raises:
        ValueError: it names no cluster, asks for nothing, or contradicts itself. The text begins with the cluster.
    """
    target = read_subject(entry, subscription)
    if target.request == Request():
        raise ValueError(f"Cluster {target.host}: nothing is asked for: set 'mode', 'enabled' or 'ipvs_config'.")
    expected = from_result(entry["expected"]) if entry.get("expected") else None
    return replace(target, request=replace(target.request, exact=bool(entry.get("exact")), expected=expected))


def read_subject(entry: Mapping[str, Any], subscription: str) -> Target:
    """Read which cluster an element is about, and what is said of its configuration, which may be nothing.

    Args:
        entry: the element; what is missing counts as not set.
        subscription: where a cluster is that is given by its name alone.

    Raises:
        ValueError: it names no cluster, or contradicts itself. The text begins with the cluster.
    """
    if not isinstance(entry, Mapping):
        raise ValueError(f"A cluster is {entry!r:.80}, it has to be a table such as that of the module wave.")
    label = entry.get("host") or entry.get("name") or entry.get("resource_id") or "without a name"
    try:
        for key, forms in FORMS.items():
            if entry.get(key) is not None and not isinstance(entry[key], forms):
                raise ValueError(f"{key!r} is {entry[key]!r:.80}, which it cannot be.")
        cluster = _cluster(entry, subscription)
        request = Request(entry.get("enabled"), entry.get("mode"), _ipvs(entry.get("ipvs_config") or {}) or None)
        check_request(request)
    except ValueError as error:
        raise ValueError(one_line(f"Cluster {label}: {error}")) from None
    return Target(entry.get("host") or cluster.name, cluster, request)


def _ipvs(declared: Mapping[str, Any]) -> dict[str, Any]:
    """The settings that are set. A template may have made a text of a number, as Ansible takes it for one.

    Raises:
        ValueError: a timeout is no number of seconds.
    """
    ipvs = {name: value for name, value in declared.items() if value is not None}
    for name, value in ipvs.items():
        if name.endswith("_seconds"):
            if isinstance(value, bool) or not re.fullmatch(r"-?\d{1,9}", str(value)):
                raise ValueError(f"'ipvs_config.{name}' is {value!r:.80}, it has to be a number of seconds.")
            ipvs[name] = int(value)
    return ipvs


def _cluster(entry: Mapping[str, Any], subscription: str) -> ClusterId:
    name, group = entry.get("name"), entry.get("resource_group")
    if entry.get("resource_id"):
        if name or group:
            raise ValueError("give either 'resource_id', or 'resource_group' and 'name'.")
        return parse_resource_id(entry["resource_id"])
    if name and group:
        return cluster_id(entry.get("subscription_id") or subscription, group, name)
    raise ValueError("'resource_id' is missing, or 'resource_group' and 'name'.")


def assert_different(targets: Sequence[Target]) -> None:
    """Refuse a list that names a cluster twice, or two clusters alike.

    Raises:
        ValueError: which ones.
    """
    seen: dict[str, str] = {}
    for target in targets:
        for key in (f"host {target.host}", str(target.cluster).casefold()):
            if key in seen:
                raise ValueError(
                    f"'clusters' names {target.host} twice, or one cluster under two names ({seen[key]}, "
                    f"{target.host}). Set 'host' where clusters of one name differ in resource group or subscription."
                )
            seen[key] = target.host
