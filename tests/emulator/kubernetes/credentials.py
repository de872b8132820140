"""The kubeconfigs that ARM hands out."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING

import yaml

from ..wire import JsonObject
from . import access, settings

if TYPE_CHECKING:
    from ..world import Cluster, World

INSTALL_HINT = """
kubelogin is not installed which is required to connect to AAD enabled cluster.

To learn more, please go to https://aka.ms/aks/kubelogin
"""


def kubeconfig(world: World, cluster: Cluster, role: str, form: str) -> str:
    """Write one. `role`: clusterUser, clusterAdmin; `form`: exec, azure, how users of Entra ID get their tokens."""
    user, context = f"{role}_{cluster.group}_{cluster.name}", cluster.name
    if role == "clusterAdmin" and settings.entra(cluster.properties):
        context += "-admin"
    if role == "clusterUser" and settings.entra(cluster.properties):
        secret = FORMS[form](world.fleet.tenant)
    else:
        secret = _local(world, cluster)
    return yaml.safe_dump(
        {
            "apiVersion": "v1",
            "clusters": [
                {
                    "cluster": {
                        "certificate-authority-data": _encoded(world.issuer.certificate),
                        "server": _server(world, cluster),
                    },
                    "name": cluster.name,
                }
            ],
            "contexts": [{"context": {"cluster": cluster.name, "user": user}, "name": context}],
            "current-context": context,
            "kind": "Config",
            "preferences": {},
            "users": [{"name": user, "user": secret}],
        }
    )


def _server(world: World, cluster: Cluster) -> str:
    if settings.private(cluster.properties):
        return f"https://{cluster.properties['privateFQDN']}:443"
    return world.network.api_server(cluster.key)


def _encoded(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


def _local(world: World, cluster: Cluster) -> JsonObject:
    certificate, key = world.issuer.client(cluster)
    return {
        "client-certificate-data": _encoded(certificate),
        "client-key-data": _encoded(key),
        "token": access.local_token(world, cluster),
    }


def _exec(tenant: str) -> JsonObject:
    return {
        "exec": {
            "apiVersion": "client.authentication.k8s.io/v1beta1",
            "args": [
                "get-token", "--environment", "AzurePublicCloud", "--server-id", access.SERVER_APPLICATION,
                "--client-id", access.CLIENT_APPLICATION, "--tenant-id", tenant, "--login", "devicecode",
            ],
            "command": "kubelogin",
            "env": None,
            "installHint": INSTALL_HINT,
            "provideClusterInfo": False,
        }
    }  # fmt: skip


def _auth_provider(tenant: str) -> JsonObject:
    config = {
        "apiserver-id": access.SERVER_APPLICATION,
        "client-id": access.CLIENT_APPLICATION,
        "config-mode": "1",
        "environment": "AzurePublicCloud",
        "tenant-id": tenant,
    }
    return {"auth-provider": {"name": "azure", "config": config}}


# The query's `format`; exec is the default since Kubernetes 1.24.
FORMS = {"exec": _exec, "azure": _auth_provider}
