# Copyright (c) 2026, the aks.kube_proxy contributors
# BSD 2-Clause License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause
"""Warnings for many clusters. Private to this collection. Pure: no I/O."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from ansible_collections.aks.kube_proxy.plugins.module_utils._domain.compatibility import WARN
from ansible_collections.aks.kube_proxy.plugins.module_utils._domain.wording import listed

NAMES_SHOWN = 5


def grouped(warned: Iterable[tuple[str, str, str]]) -> list[str]:
    """One warning for each rule and reason, with the clusters that it is about, in place of one for each cluster.

    Args:
        warned: host, rule and reason, in the order in which they are to be told.
    """
    found: dict[tuple[str, str], list[str]] = {}
    for host, rule, reason in warned:
        found.setdefault((rule, reason), []).append(host)
    texts = []
    for (rule, reason), hosts in found.items():
        texts.append(f"{listed(hosts, NAMES_SHOWN)}: {reason} [{rule}]")
    return texts


def warnings_of(found: Iterable[tuple[str, Iterable[Mapping[str, Any]]]]) -> list[str]:
    """The warnings among findings: for each where it was seen, why it matters and what to do.

    Args:
        found: hosts with their findings, in the form in which modules return them.
    """
    return grouped(_told(host, finding) for host, findings in found for finding in only_warnings(findings))


def only_warnings(findings: Iterable[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """Those among findings that warn."""
    return [finding for finding in findings if finding["severity"] == WARN]


def _told(host: str, finding: Mapping[str, Any]) -> tuple[str, str, str]:
    where = f"{host} ({finding['object']})" if finding.get("object") else host
    return where, finding["rule"], f"{finding['reason']} {finding['remedy']}".rstrip()
