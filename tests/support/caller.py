"""Somebody who asks emulated clusters' own APIs, in this process."""

from __future__ import annotations

import base64
import re
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible_collections.aks.kube_proxy.plugins.module_utils._azure.authentication import AUTH_ARGUMENT_SPEC
from ansible_collections.aks.kube_proxy.plugins.module_utils._azure.clusters import Clusters
from ansible_collections.aks.kube_proxy.plugins.module_utils._azure.runtime import Runtime
from ansible_collections.aks.kube_proxy.plugins.module_utils._domain.cluster import Cluster, cluster_id
from ansible_collections.aks.kube_proxy.plugins.module_utils._domain.kube_objects import (
    PODS_PATH,
)
from ansible_collections.aks.kube_proxy.plugins.module_utils._kubernetes.access import (
    connect,
)
from ansible_collections.aks.kube_proxy.plugins.module_utils._kubernetes.api import KubernetesApi, NoAccess, Reply
from ansible_collections.aks.kube_proxy.plugins.module_utils._operations.operation import sign_in

from tests.support.operations import Azure

SUBSCRIPTION = "11111111-1111-4111-8111-111111111111"
PRINCIPAL = "44444444-4444-4444-8444-444444444444"
VERSION = "/version"
LIST_PODS = f"{PODS_PATH}?labelSelector=component=kube-proxy"


class Caller:
    """Somebody who asks the clusters of an emulated Azure."""

    def __init__(self, azure: Azure, **runtime: Any) -> None:
        self.azure = azure
        self.runtime = Runtime(
            now=azure.time.now, sleep=azure.time.sleep, environ=azure.emulator.environment(), **runtime
        )
        arm = sign_in(dict.fromkeys(AUTH_ARGUMENT_SPEC), self.runtime)
        self.clusters = Clusters(arm)

    def cluster(self, name: str = "web") -> Cluster:
        """The cluster as Azure answers it."""
        return self.clusters.get(cluster_id(SUBSCRIPTION, "rg1", name))

    def connect(self, way: str, name: str = "web", **options: Any) -> KubernetesApi:
        """The way to its Kubernetes API."""
        return connect(way, self.cluster(name), self.clusters, self.runtime, **options)

    def ask(self, way: str, *paths: str, name: str = "web", **options: Any) -> list[Reply]:
        """What the API server says of some paths."""
        keep = options.pop("keep", None)
        with closing(self.connect(way, name, **options)) as api:
            return api.read(paths or (VERSION,), lambda reply: reply, keep=keep)

    def refused(self, way: str, *paths: str, name: str = "web", **options: Any) -> NoAccess:
        """The error in place of an answer. It says which cluster is meant, and holds no secret."""
        with pytest.raises(NoAccess) as caught:
            self.ask(way, *paths, name=name, **options)
        message = caught.value.message
        assert re.search(rf"\b{name}\b", message)
        assert "eyJ" not in message
        assert "BEGIN" not in message
        return caught.value

    def kubeconfig(self, folder: Path, name: str = "web", action: str = "User", **cluster: str) -> Path:
        """A file with what Azure hands out, changed for a cluster's entry."""
        answer = self.clusters.act(self.cluster(name).id, f"listCluster{action}Credential")
        content = yaml.safe_load(base64.b64decode(answer.body["kubeconfigs"][0]["value"]))
        content["clusters"][0]["cluster"].update(cluster)
        path = folder / f"kubeconfig-{name}"
        path.write_text(yaml.safe_dump(content))
        return path

    def gets(self) -> list[str]:
        """The paths that API servers were asked for."""
        return [entry["path"] for entry in self.azure.emulator.kubernetes_requests() if entry["method"] == "GET"]

    def users(self) -> set[str | None]:
        """Who asked them."""
        return {entry["user"] for entry in self.azure.emulator.kubernetes_requests() if entry["method"] == "GET"}

    def posts(self) -> list[str]:
        """The actions that Azure was asked for."""
        return [entry["path"].rpartition("/")[2] for entry in self.azure.arm_requests() if entry["method"] == "POST"]


def principal(**values: Any) -> dict[str, Any]:
    """The principal that tests sign in as, with these rights."""
    return {
        "principals": [{"client_id": "44444444-4444-4444-8444-444444444444", "secret": "emulator-secret", **values}]
    }
