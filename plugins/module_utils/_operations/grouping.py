# Copyright (c) 2026, the aks.kube_proxy contributors
# BSD 2-Clause License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause
"""Warnings for many clusters. Private to this collection."""

from __future__ import annotations

from collections.abc import Iterable

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
        more = f" and {len(hosts) - NAMES_SHOWN} more" if len(hosts) > NAMES_SHOWN else ""
        texts.append(f"{', '.join(hosts[:NAMES_SHOWN])}{more}: {reason} [{rule}]")
    return texts
