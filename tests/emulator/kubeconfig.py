"""A kubeconfig as AKS hands out: its form is right, its server is not there, its credentials are nobody's."""

from __future__ import annotations

import base64
import json

from .cluster_body import steady_guid
from .world import Cluster


def kubeconfig(cluster: Cluster, role: str) -> str:
    """Write one. JSON is YAML, so that kubectl reads it."""
    user, host = f"{role}_{cluster.group}_{cluster.name}", cluster.properties.get("fqdn", "localhost")
    secret = steady_guid(f"{cluster.key}/{role}")

    def pem(kind: str) -> str:
        text = f"-----BEGIN {kind}-----\n{base64.b64encode(secret.encode()).decode()}\n-----END {kind}-----\n"
        return base64.b64encode(text.encode()).decode()

    return json.dumps(
        {
            "apiVersion": "v1",
            "kind": "Config",
            "clusters": [
                {
                    "name": cluster.name,
                    "cluster": {
                        "server": f"https://{host}:443",
                        "certificate-authority-data": pem("CERTIFICATE"),
                    },
                }
            ],
            "users": [
                {
                    "name": user,
                    "user": {
                        "client-certificate-data": pem("CERTIFICATE"),
                        "client-key-data": pem("RSA PRIVATE KEY"),
                        "token": secret.replace("-", ""),
                    },
                }
            ],
            "contexts": [{"name": cluster.name, "context": {"cluster": cluster.name, "user": user}}],
            "current-context": cluster.name,
        },
        indent=2,
    )
