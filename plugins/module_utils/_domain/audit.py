# Copyright (c) 2026, the aks.kube_proxy contributors
# BSD 2-Clause License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause
"""Who runs what, who can go where, and who has to leave IPVS by when. Private to this collection. Pure: no I/O."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from ansible_collections.aks.kube_proxy.plugins.module_utils._domain.kube_proxy import IPVS, MODES, TARGETS
from ansible_collections.aks.kube_proxy.plugins.module_utils._domain.summary import aligned

# https://github.com/kubernetes/enhancements/issues/5495
IPVS_EXIT = (
    "Upstream has deprecated IPVS since Kubernetes 1.35, switches it off by default in 1.40, where kube-proxy ends "
    "with an error, and removes it in 1.43: leave it before a cluster is upgraded to 1.40."
)


def audit(clusters: Sequence[Mapping[str, Any]], missing: Sequence[str] = ()) -> dict[str, Any]:
    """The record of an audit.

    Args:
        clusters: as the module config_info returns them, with C(host) where that is not the name.
        missing: hosts whose clusters were not found.

    Returns:
        C(clusters), each with its C(mode), the targets that it C(can) go to and what C(blocked) the others; C(counts)
        by mode; C(leave_ipvs), the names of those that have to.
    """
    rows = [_row(cluster) for cluster in clusters]
    return {
        "clusters": rows,
        "counts": dict(Counter(row["mode"] for row in rows)),
        "leave_ipvs": [row["host"] for row in rows if row["mode"] == IPVS],
        "missing": list(missing),
    }


def _row(cluster: Mapping[str, Any]) -> dict[str, Any]:
    targets = cluster["targets"]
    blocked = {
        target: [finding["rule"] for finding in targets[target]["findings"] if finding["severity"] == "block"]
        for target in TARGETS
        if not targets[target]["possible"]
    }
    return {
        "host": cluster.get("host") or cluster["name"],
        "id": cluster["id"],
        "kubernetes_version": cluster["kubernetes_version"],
        "mode": next((target for target in TARGETS if targets[target]["current"]), cluster["kube_proxy"]["mode"]),
        "feature_state": cluster["feature_state"],
        "can": [target for target in TARGETS if targets[target]["possible"] and not targets[target]["current"]],
        "blocked": blocked,
    }


def audit_table(record: Mapping[str, Any]) -> list[str]:
    """The lines in which people read an audit."""
    rows = [
        (row["host"], row["kubernetes_version"], row["mode"], " ".join(row["can"]) or "-", _blocked(row["blocked"]))
        for row in record["clusters"]
    ]
    lines = aligned([("cluster", "version", "runs", "can go to", "blocked"), *rows])
    counts = ", ".join(f"{count} {mode}" for mode, count in sorted(record["counts"].items()))
    lines += ["", f"{len(rows)} cluster(s): {counts}"]
    if record["leave_ipvs"]:
        lines += [f"Have to leave IPVS: {', '.join(record['leave_ipvs'])}. {IPVS_EXIT}"]
    if record["missing"]:
        lines += [f"Not found in Azure: {', '.join(record['missing'])}"]
    return lines


def _blocked(blocked: Mapping[str, Sequence[str]]) -> str:
    """The rules that block a mode, with the modes that they block: most rules block several."""
    by_rule: dict[str, list[str]] = {}
    for mode in MODES:
        for rule in blocked.get(mode, ()):
            by_rule.setdefault(rule, []).append(mode)
    return "; ".join(f"{rule} ({' '.join(targets)})" for rule, targets in by_rule.items()) or "-"
