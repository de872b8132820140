# Copyright (c) 2026, the aks.kube_proxy contributors
# BSD 2-Clause License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause
"""What kube-proxy's page of metrics tells of its rule updates under nftables.

Private to this collection. Pure: no I/O.
"""

from __future__ import annotations

import re

from ansible_collections.aks.kube_proxy.plugins.module_utils._domain.kube_objects import metric

SYNC_FAILURES = "kubeproxy_sync_proxy_rules_nftables_sync_failures_total"
"""Counts rule updates that the kernel refused: https://github.com/kubernetes/enhancements/issues/3866"""

LAST_SYNC = "kubeproxy_sync_proxy_rules_last_timestamp_seconds"
"""When kube-proxy last wrote its rules. An update that the kernel refuses leaves it as it is: before a first success,
newer releases do not tell it, and older ones tell 0."""

LAST_QUEUED = "kubeproxy_sync_proxy_rules_last_queued_timestamp_seconds"
"""When an update was last asked for. Newer releases tell it for each IP family that kube-proxy serves."""

COUNTER_LINES = re.compile(f"^(?:{SYNC_FAILURES}|{LAST_SYNC}|{LAST_QUEUED})")
"""The lines of the page that tell it."""


def wrote_rules(page: str) -> bool:
    """Whether kube-proxy tells that it has written its rules at least once, for each IP family that it serves."""
    written = _families(page, LAST_SYNC)
    return bool(written) and _families(page, LAST_QUEUED) <= written


def failed_updates(page: str) -> float | None:
    """How many rule updates the kernel refused since kube-proxy started; None where the page does not tell.

    Newer releases count by IP family, so that there is no count before something has failed: where it is told when
    rules were written, that means 0. A count that is there counts whether rules were ever written or not.
    """
    count = metric(page, SYNC_FAILURES)
    return 0.0 if count is None and _families(page, LAST_SYNC) else count


def _families(page: str, name: str) -> set[str]:
    """The IP families for which a metric tells a time, where 0 means never; an empty name where it is one for all."""
    found = re.findall(rf"^{name}(?:\{{(?:[^}}\n]*,)?ip_family=\"(\w+)\"[^}}\n]*\}})?[ \t]+(\S+)", page, re.MULTILINE)
    return {family for family, value in found if _is_above_zero(value)}


def _is_above_zero(value: str) -> bool:
    try:
        return float(value) > 0
    except ValueError:
        return False
