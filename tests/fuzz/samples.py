"""Real values of all that comes from outside: what the emulator answers, and what the collection itself writes.

What fuzzing begins with: a reader that is given noise alone is hardly ever reached beyond its first line.
"""

from __future__ import annotations

import json
import re
import tempfile
from functools import cache
from pathlib import Path
from typing import Any

import yaml
from ansible_collections.aks.kube_proxy.plugins.module_utils._domain.kube_proxy import KubeProxy
from ansible_collections.aks.kube_proxy.plugins.module_utils._domain.record import ENDED, SUBMITTING
from ansible_collections.aks.kube_proxy.plugins.module_utils._domain.summary import summary
from ansible_collections.aks.kube_proxy.plugins.module_utils._operations.journal import Journal

from tests.emulator.fleet import SUBSCRIPTION, load

RESOURCE_ID = (
    f"/subscriptions/{SUBSCRIPTION}/resourceGroups/rg1/providers/Microsoft.ContainerService/managedClusters/c1"
)
SETTINGS = {"scheduler": "LeastConnection", "tcpTimeoutSeconds": 777}
FLEET: dict[str, Any] = {
    "clusters": [
        {"name": "c1", "tags": {"environment": "dev", "owner": "Team Blue"}},
        {"name": "c2", "kube_proxy": {"enabled": True, "mode": "IPVS", "ipvsConfig": SETTINGS}},
        {"name": "c3", "plugin": "none", "mode": "disabled"},
        {"name": "c4", "mode": "NFTABLES"},
    ]
}


@cache
def clusters() -> tuple[dict[str, Any], ...]:
    """Clusters as ARM answers them."""
    return tuple(entry.body for entry in load(FLEET).clusters)


IPTABLES = KubeProxy().as_result()
NFTABLES = KubeProxy(mode="NFTABLES", configured=True).as_result()
IPVS = KubeProxy(mode="IPVS", ipvs={"scheduler": "RoundRobin", "tcp_timeout_seconds": 900}, configured=True).as_result()


@cache
def journal() -> str:
    """A journal of two runs: one that was killed, and the rollback of it."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "journal.jsonl"
        written = Journal(str(path), {"run": "r1", "wave": "dev 1/1"})
        for number, before in enumerate((IPTABLES, IPVS), start=1):
            identity, host = RESOURCE_ID.replace("c1", f"c{number}"), f"c{number}"
            written.write(SUBMITTING, identity, host=host, before=before, target=NFTABLES, restores=False)
        written.write(ENDED, RESOURCE_ID, host="c1", state="switched", code=None, etag="e1")
        written.close()
        text = re.sub(r'"time": "[^"]*"', '"time": "2026-11-22T20:00:00.000+00:00"', path.read_text(encoding="utf-8"))
        return text + '{"time": "2026-11-22T20:00:00.000+00:00", "event": "subm'


LOG = "".join(
    (
        "20:00:00Z dev 1/1 0/2 c1: IPTABLES -> NFTABLES ",
        json.dumps({"event": SUBMITTING, "id": RESOURCE_ID, "before": IPTABLES, "target": NFTABLES}),
        "\n20:02:00Z dev 1/1 1/2 c1: switched after 120 s\n",
    )
)


def rollout() -> dict[str, Any]:
    """The summary of a rollout."""
    plan = {
        "run": "r1",
        "started": "2026-11-22T20:00:00+00:00",
        "waves": [{"stage": "dev", "number": 1, "of": 1, "hosts": ["c1"]}],
        "left_out": ["c9"],
    }
    outcome = {
        "id": RESOURCE_ID,
        "state": "switched",
        "ok": True,
        "changed": True,
        "verified": "azure",
        "seconds": 95.4,
        "reason": "",
        "code": None,
        "correlation_id": None,
        "previous": IPVS,
        "current": NFTABLES,
        "findings": [],
    }
    return summary(plan, {"c1": outcome}, ended="2026-11-22T20:10:00+00:00")


REFUSALS: tuple[dict[str, Any], ...] = (
    {
        "error": {
            "code": "OperationNotAllowed",
            "message": "Another operation (Updating) is in progress.",
            "details": [],
        }
    },
    {
        "code": "BadRequest",
        "subcode": "KubeProxyConfigFeatureNotRegistered",
        "message": "Preflight validation check failed. See https://aka.ms/x?sig=abc",
        "details": [{"code": "Unspecified", "message": "rpc error: code = FailedPrecondition"}],
    },
)
STATUS = {"kind": "Status", "status": "Failure", "message": "nodes is forbidden", "reason": "Forbidden", "code": 403}
CREDENTIAL = {"kind": "ExecCredential", "status": {"token": "a-token", "expirationTimestamp": "2026-11-22T20:00:00Z"}}
METADATA = {
    "name": "AzureCloud",
    "resourceManager": "https://localhost:8443/",
    "authentication": {"loginEndpoint": "https://localhost:8443/", "audiences": ["https://management.azure.com/"]},
}

KUBECONFIG: dict[str, Any] = {
    "apiVersion": "v1",
    "kind": "Config",
    "clusters": [
        {
            "name": "c1",
            "cluster": {
                "server": "https://c1-dns.hcp.westeurope.azmk8s.io:443",
                "certificate-authority-data": "LS0tLS1CRUdJTg==",
                "tls-server-name": "c1-dns.hcp.westeurope.azmk8s.io",
                "proxy-url": "http://proxy.example:3128",
            },
        }
    ],
    "contexts": [{"name": "c1", "context": {"cluster": "c1", "user": "u1"}}],
    "current-context": "c1",
    "users": [
        {
            "name": "u1",
            "user": {
                "exec": {
                    "apiVersion": "client.authentication.k8s.io/v1beta1",
                    "command": "kubelogin",
                    "args": ["get-token", "--server-id", "6dae42f8-4368-4678-94ff-3960e28e3630"],
                    "env": [{"name": "A", "value": "b"}],
                    "installHint": "install kubelogin",
                    "provideClusterInfo": True,
                    "interactiveMode": "IfAvailable",
                }
            },
        },
        {
            "name": "u2",
            "user": {"token": "t", "auth-provider": {"name": "azure", "config": {"apiserver-id": "x"}}},
        },
    ],
}
KUBECONFIG_TEXT = yaml.safe_dump(KUBECONFIG)

PROFILES = """[default]
subscription_id=11111111-1111-4111-8111-111111111111
client_id = 33333333-3333-4333-8333-333333333333
secret=a~secret%of;nobody
tenant=22222222-2222-4222-8222-222222222222
; a comment
[other]
ad_user=somebody
cloud_environment=AzureChinaCloud
"""

METRICS = """# HELP kubeproxy_sync_proxy_rules_last_timestamp_seconds The last time.
# TYPE kubeproxy_sync_proxy_rules_last_timestamp_seconds gauge
kubeproxy_sync_proxy_rules_last_timestamp_seconds 1.7637e+09
kubeproxy_iptables_localhost_nodeports_accepted_packets_total 0
kubeproxy_iptables_ct_state_invalid_dropped_packets_total{ip_family="IPv4",a="\\"}"} 12
"""

STAGES: list[dict[str, Any]] = [
    {"name": "dev", "tag": "environment", "values": ["dev", "test"], "waves": [1, "25%"], "soak_seconds": 60},
    {"name": "rest", "groups": ["prod"], "gate": True, "waves": "50%"},
]
WINDOW = {"days": ["mon", "tue"], "start": "22:00", "end": "04:00", "timezone": "Europe/Zurich"}
TARGET = {
    "host": "web",
    "resource_id": RESOURCE_ID,
    "mode": "IPVS",
    "ipvs_config": {"scheduler": "RoundRobin", "tcp_timeout_seconds": 900},
    "expected": IPTABLES,
}

NODE = {
    "metadata": {
        "name": "aks-system-1",
        "creationTimestamp": "2026-11-01T10:00:00Z",
        "labels": {"kubernetes.azure.com/agentpool": "system", "kubernetes.io/os": "linux"},
    },
    "spec": {"providerID": "azure:///subscriptions/s/resourceGroups/g/providers/x/vm", "taints": [{"key": "k"}]},
    "status": {
        "conditions": [{"type": "Ready", "status": "True", "lastTransitionTime": "2026-11-02T10:00:00Z"}],
        "nodeInfo": {"kernelVersion": "5.15.0-1116-azure", "osImage": "Ubuntu 22.04.5 LTS"},
    },
}
CONTAINER = {"name": "kube-proxy", "image": "mcr/kube-proxy:v1.34.2", "command": ["kube-proxy", "--proxy-mode=ipvs"]}
POD = {
    "metadata": {"name": "kube-proxy-abcde", "creationTimestamp": "2026-11-01T10:00:00Z"},
    "spec": {"nodeName": "aks-system-1", "containers": [CONTAINER]},
    "status": {
        "conditions": [{"type": "Ready", "status": "True"}],
        "containerStatuses": [{"name": "kube-proxy", "restartCount": 2, "state": {"waiting": {"reason": "Crash"}}}],
    },
}
DAEMON_SET = {
    "metadata": {"namespace": "kube-system", "name": "kube-proxy", "generation": 3},
    "spec": {
        "selector": {"matchLabels": {"component": "kube-proxy"}},
        "template": {"spec": {"containers": [{**CONTAINER, "args": ["--ipvs-tcp-timeout=15m0s"]}]}},
    },
    "status": {"observedGeneration": 3, "desiredNumberScheduled": 1, "updatedNumberScheduled": 1},
}
INSIDE: dict[str, Any] = {
    "nodes": [NODE],
    "pods": [POD],
    "daemon_set": DAEMON_SET,
    "daemon_sets": [DAEMON_SET],
    "services": [{"metadata": {"namespace": "default", "name": "web"}, "spec": {"type": "NodePort"}}],
    "installation": {"spec": {"calicoNetwork": {"linuxDataplane": "Iptables"}}, "status": {"calicoVersion": "v3.30.1"}},
}
