"""The guard of production clusters."""

from __future__ import annotations

import pytest
from ansible_collections.aks.kube_proxy.plugins.module_utils._domain.cluster import Cluster
from ansible_collections.aks.kube_proxy.plugins.module_utils._domain.production import Guard


@pytest.mark.parametrize(
    ("guard", "tags", "refused"),
    [
        (Guard("environment", ("production", "prod")), {"environment": "prod"}, True),
        (Guard("Environment", ("PROD",)), {"ENVIRONMENT": " prod "}, True),
        (Guard("environment", ("prod",)), {"environment": "nonprod"}, False),
        (Guard("environment", ("prod",)), {"env": "prod"}, False),
        (Guard("environment", ("prod",), untagged=True), {"env": "dev"}, True),
        (Guard("environment", ("prod",), untagged=True), {"environment": "dev"}, False),
        (Guard("environment", ("prod",), untagged=True), None, True),
        (Guard("environment", ("",)), {"environment": ""}, True),
    ],
)
def test_who_counts_as_production(guard: Guard, tags: dict[str, str] | None, refused: bool) -> None:
    cluster = Cluster({"id": "", "name": "c1", "location": "x", "tags": tags, "properties": {}})
    found = guard.findings(cluster, "NFTABLES")
    assert [(finding.rule, finding.severity) for finding in found] == [("production-guard", "block")] * refused


@pytest.mark.parametrize(
    ("tags", "why"),
    [
        ({}, "The cluster has no tag 'Env', which counts as production, and the feature is a preview."),
        ({"env": "prod\n"}, "The tag Env=prod  marks the cluster as production, and the feature is a preview."),
    ],
)
def test_the_reason_names_the_tag(tags: dict[str, str], why: str) -> None:
    cluster = Cluster({"id": "", "name": "c1", "location": "x", "tags": tags, "properties": {}})
    (found,) = Guard("Env", ("prod ",), untagged=True).findings(cluster, "NFTABLES")
    assert (found.reason, found.target) == (why, "NFTABLES")
    assert "allow production clusters explicitly" in found.remedy
    assert found.source.startswith("https://learn.microsoft.com/azure/aks/support-policies")
