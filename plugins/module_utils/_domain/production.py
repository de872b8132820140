# Copyright (c) 2026, the aks.kube_proxy contributors
# BSD 2-Clause License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause
"""The guard that keeps a preview away from production clusters, unless somebody allows it by name.

Private to this collection. Pure: no I/O.
"""

from __future__ import annotations

from dataclasses import dataclass

from ansible_collections.aks.kube_proxy.plugins.module_utils._domain.cluster import Cluster
from ansible_collections.aks.kube_proxy.plugins.module_utils._domain.compatibility import BLOCK, Finding
from ansible_collections.aks.kube_proxy.plugins.module_utils._domain.wording import one_line

PRODUCTION_GUARD = "production-guard"
PREVIEW_POLICY = "https://learn.microsoft.com/azure/aks/support-policies#preview-features-or-feature-flags"


@dataclass(frozen=True)
class Guard:
    """Which clusters count as production, by one Azure tag.

    Attributes:
        tag: the tag's key, compared without case, as Azure does.
        values: the tag's values that mean production, compared without case.
        untagged: whether a cluster without the tag counts as production too.
    """

    tag: str
    values: tuple[str, ...]
    untagged: bool = False

    def findings(self, cluster: Cluster, target: str) -> list[Finding]:
        """What forbids to touch the cluster; nothing when it does not count as production."""
        tags = {key.casefold(): str(value) for key, value in cluster.tags.items()}
        value = tags.get(self.tag.casefold())
        if value is None:
            if not self.untagged:
                return []
            why = f"The cluster has no tag {self.tag!r}, which counts as production"
        elif value.strip().casefold() in {wanted.strip().casefold() for wanted in self.values}:
            why = f"The tag {self.tag}={one_line(value)} marks the cluster as production"
        else:
            return []
        return [
            Finding(
                PRODUCTION_GUARD,
                BLOCK,
                target,
                f"{why}, and the feature is a preview.",
                "Leave the cluster out, or allow production clusters explicitly.",
                PREVIEW_POLICY,
            )
        ]
