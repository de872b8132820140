# Copyright (c) 2026, the aks.kube_proxy contributors
# BSD 2-Clause License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause
"""What evidence from the clusters themselves changes in a wave's verdicts. Private to this collection. Pure: no I/O."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible_collections.aks.kube_proxy.plugins.module_utils._domain import verdict as ends
from ansible_collections.aks.kube_proxy.plugins.module_utils._domain import verification
from ansible_collections.aks.kube_proxy.plugins.module_utils._domain.compatibility import WARN
from ansible_collections.aks.kube_proxy.plugins.module_utils._domain.kube_proxy import DISABLED
from ansible_collections.aks.kube_proxy.plugins.module_utils._domain.safety import Finding
from ansible_collections.aks.kube_proxy.plugins.module_utils._domain.summary import named

Verdicts = Mapping[str, Mapping[str, Any]]


def worth_asking(verdicts: Verdicts, phase: str) -> list[str]:
    """The hosts whose clusters evidence is to be had of: those about to be switched, or those that are as asked for."""
    if phase == verification.BEFORE:
        return [host for host, verdict in verdicts.items() if verdict["state"] == ends.WOULD_SWITCH]
    return [host for host, verdict in verdicts.items() if verdict["ok"] and verdict["verified"] == ends.AZURE]


def evidence_clusters(verdicts: Verdicts, phase: str, ways: Mapping[str, Mapping[str, Any]]) -> list[dict[str, Any]]:
    """The option C(clusters) of the module verify for a wave's clusters.

    Args:
        verdicts: of the wave, by host; what a cluster has, or is to get, is looked for.
        phase: C(before) or C(after).
        ways: how to reach each cluster's Kubernetes API: the options C(access), C(kubeconfig) and C(context), by host.
    """
    return [_cluster(host, verdicts[host], ways.get(host, {})) for host in worth_asking(verdicts, phase)]


def _cluster(host: str, verdict: Mapping[str, Any], way: Mapping[str, Any]) -> dict[str, Any]:
    current, before = verdict["current"], named(verdict["previous"])
    entry = {
        "host": host,
        "resource_id": verdict["id"],
        "enabled": current["enabled"],
        "mode": current["mode"],
        "ipvs_config": current["ipvs_config"],
        "previous_mode": None if before in ("-", DISABLED) else before,
        **way,
    }
    return {name: value for name, value in entry.items() if value not in (None, "")}


def with_safety(
    verdicts: Verdicts, found: Verdicts, *, required: bool = False, asked: bool = True, error: str = ""
) -> dict[str, dict[str, Any]]:
    """A preflight's verdicts with the evidence from before the switch: what it speaks against is blocked.

    Args:
        verdicts: of the preflight, by host.
        found: what the module verify returned, by host.
        required: whether a cluster is blocked too when it could not be asked.
        asked: whether the clusters were to be asked at all; then a cluster without an answer is unverified.
        error: why nobody could be asked; empty when that was not tried, or somebody was.
    """
    answers = _with_silence(verdicts, found, verification.BEFORE, error) if asked else {}
    return {host: _safe(verdict, answers.get(host), required) for host, verdict in verdicts.items()}


def _with_silence(verdicts: Verdicts, found: Verdicts, phase: str, error: str) -> dict[str, Mapping[str, Any]]:
    """What was found of the clusters worth asking; those that nothing was found of are unverified."""
    advice = "" if error else "Run again."  # an error brings its own
    reason = error or f"Nothing was heard of it. {advice}"
    nothing = verification.Verification(
        "", ends.UNVERIFIED, reason=reason, advice=advice, code=ends.NO_EVIDENCE
    ).as_result()
    return {host: found.get(host, nothing) for host in worth_asking(verdicts, phase)}


def _safe(verdict: Mapping[str, Any], evidence: Mapping[str, Any] | None, required: bool) -> dict[str, Any]:
    if evidence is None:
        return dict(verdict)
    missing = evidence["state"] == ends.UNVERIFIED
    findings = [*verdict["findings"], *evidence["findings"], *([_unknown(evidence)] if missing else ())]
    if evidence["ok"] or (missing and not required):
        return {**verdict, "findings": findings}
    text = "The cluster itself could not be asked, and evidence is required. " if missing else ""
    return {
        **verdict,
        "state": ends.BLOCKED,
        "ok": False,
        "changed": False,
        "current": verdict["previous"],
        "reason": f"refused before any write. {text}{evidence['reason']}",
        "advice": evidence["advice"],
        "code": ends.NO_EVIDENCE if missing else evidence["code"],
        "findings": findings,
    }


def _unknown(evidence: Mapping[str, Any]) -> dict[str, Any]:
    """The finding that nobody knows whether a switch is safe."""
    return Finding(
        rule="no-evidence",
        severity=WARN,
        target=str(evidence["expected"]),
        object="",
        count=0,
        reason=str(evidence["reason"]),
        remedy=str(evidence["advice"]),
        source="",
    ).as_result()


def with_proof(
    verdicts: Verdicts, found: Verdicts, *, asked: bool = True, error: str = ""
) -> dict[str, dict[str, Any]]:
    """A wave's verdicts with the evidence from after the switch: proven, contradicted or unverified.

    Args:
        verdicts: of the wave, by host.
        found: what the module verify returned, by host.
        asked: whether the clusters were to be asked at all; then a cluster without an answer is unverified.
        error: why nobody could be asked; empty when that was not tried, or somebody was.
    """
    answers = _with_silence(verdicts, found, verification.AFTER, error) if asked else {}
    return {host: _proven(verdict, answers.get(host)) for host, verdict in verdicts.items()}


def _proven(verdict: Mapping[str, Any], evidence: Mapping[str, Any] | None) -> dict[str, Any]:
    if evidence is None:
        return dict(verdict)
    known = {
        **verdict,
        "findings": [*verdict["findings"], *evidence["findings"]],
        "evidence": {"how": evidence["how"], **verification.abridged(evidence)},  # not thousands of rows
        "seconds": round(verdict["seconds"] + evidence["seconds"], 1),
    }
    if evidence["state"] == verification.VERIFIED:
        return {**known, "verified": ends.NODES}
    contradicted = evidence["state"] == ends.CONTRADICTED
    return {
        **known,
        "state": ends.CONTRADICTED if contradicted else ends.UNVERIFIED,
        "ok": False,
        "reason": f"Azure reports {named(verdict['current'])}. {evidence['reason']}",
        "advice": evidence["advice"],
        "code": evidence["code"],
    }
