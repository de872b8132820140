"""Everything that can be wrong, as a table: what is laid out, what is asked, and what the user must be told."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from ansible_collections.aks.kube_proxy.plugins.module_utils._operations import config, config_info, preview_feature
from ansible_collections.aks.kube_proxy.plugins.module_utils._operations.operation import Operation

SUBSCRIPTION = "11111111-1111-4111-8111-111111111111"
OTHER_SUBSCRIPTION = "99999999-9999-4999-8999-999999999999"
GROUP_SCOPE = f"/subscriptions/{SUBSCRIPTION}/resourceGroups/rg1"
CLUSTER_ID = f"{GROUP_SCOPE}/providers/Microsoft.ContainerService/managedClusters/c1"
# No credentials at all: an account of one's own on a machine without the Azure CLI.
NOBODY = dict.fromkeys(("AZURE_CLIENT_ID", "AZURE_SECRET", "AZURE_CLIENT_SECRET", "AZURE_TENANT", "AZURE_TENANT_ID"))
SOMEBODY = {"client_id": "33333333-3333-4333-8333-333333333333", "secret": "emulator~secret~of~nobody"}


@dataclass(frozen=True)
class Row:
    """One thing that is wrong.

    Attributes:
        name: the test's id.
        says: what the message must hold: the cluster, Azure's code, the remedy.
        ask: the module's parameters, beside the cluster's name and group.
        by_name: whether the cluster is named by name and group.
        cluster: how the cluster c1 differs from a usual one.
        fleet: what else is laid out.
        faults: name and arguments of scripted faults.
        environ: environment variables that differ; None takes one away.
        code: C(code) of the result; None where Azure was not asked or said nothing.
        status: C(status) of the result.
        requests: how many requests to ARM there may be at most.
        seconds: how long it may take at most, in emulated seconds.
        correlated: whether Azure's answer carried a correlation id that the message must repeat.
        changed: C(changed) of the result; None where the module cannot say.
    """

    name: str
    says: tuple[str, ...]
    ask: dict[str, Any] = field(default_factory=lambda: {"mode": "NFTABLES"})
    operation: Operation = config.OPERATION
    by_name: bool = True
    cluster: dict[str, Any] = field(default_factory=dict)
    fleet: dict[str, Any] = field(default_factory=dict)
    faults: tuple[tuple[str, dict[str, Any]], ...] = ()
    environ: Mapping[str, str | None] = field(default_factory=dict)
    code: str | None = None
    status: int | None = None
    requests: int = 0
    seconds: float = 0
    correlated: bool = False
    changed: bool | None = False


def fault(name: str, method: str | None = "PUT", times: int | None = None, **more: Any) -> tuple[str, dict[str, Any]]:
    """A scripted fault that strikes at clusters, by default for ever."""
    match = {"cluster": "c1", **({"method": method} if method else {})}
    return name, {"match": match, "times": times, **more}


ARGUMENTS = (
    Row("unknown mode", ("value of mode must be one of", "NFTABLES", "nft"), {"mode": "nft"}, changed=None),
    Row(
        "unknown scheduler",
        ("value of scheduler must be one of", "RoundRobin"),
        {"ipvs_config": {"scheduler": "Random"}},
        changed=None,
    ),
    Row("nothing asked", ("one of the following is required: mode, enabled, ipvs_config",), {}, changed=None),
    Row(
        "name without group",
        ("resource_group",),
        {"mode": "NFTABLES", "name": "c1"},
        by_name=False,
        changed=None,
    ),
    Row(
        "IPVS settings with another mode",
        ("c1", "'ipvs_config' belongs to 'mode: IPVS', not to 'mode: NFTABLES'"),
        {"mode": "NFTABLES", "ipvs_config": {"scheduler": "RoundRobin"}},
    ),
    Row(
        "IPVS settings on a cluster with another mode",
        ("Cluster c1", "runs IPTABLES", "add 'mode: IPVS'"),
        {"ipvs_config": {"scheduler": "RoundRobin"}},
        code="InvalidRequest",
        requests=1,
    ),
    *(
        Row(
            f"{option} {seconds}",
            ("c1", f"'ipvs_config.{option}' is {seconds}", "1 second or more"),
            {"mode": "IPVS", "ipvs_config": {option: seconds}},
        )
        for option in ("tcp_timeout_seconds", "tcp_fin_timeout_seconds", "udp_timeout_seconds")
        for seconds in (0, -5)
    ),
    *(
        Row(f"{option} 0", ("c1", f"'{option}' is 0", "1 second or more"), {"mode": "NFTABLES", option: 0})
        for option in ("wait_timeout", "poll_interval")
    ),
    Row(
        "disabled with a mode",
        ("c1", "'enabled: false'", "leave out 'mode'"),
        {"enabled": False, "mode": "NFTABLES"},
    ),
    Row(
        "disabled with IPVS settings",
        ("c1", "'enabled: false'", "'ipvs_config'"),
        {"enabled": False, "ipvs_config": {"scheduler": "RoundRobin"}},
    ),
    Row(
        "mode on a disabled kube-proxy",
        ("Cluster c1", "disabled", "add 'enabled: true'"),
        cluster={"plugin": "none", "mode": "disabled"},
        code="InvalidRequest",
        requests=1,
    ),
    *(
        Row(
            f"malformed id {number}",
            (wrong, "is not the resource id of an AKS cluster", "resourceGroups/GROUP"),
            {"mode": "NFTABLES", "resource_id": wrong},
            by_name=False,
        )
        for number, wrong in enumerate(
            (
                "c1",
                CLUSTER_ID.replace("managedClusters", "containers"),
                CLUSTER_ID + "/agentPools/nodepool1",
                CLUSTER_ID.lstrip("/"),
                CLUSTER_ID.replace("resourceGroups/rg1/", ""),
            )
        )
    ),
    Row(
        "id of a subscription that is none",
        ("'production' is not a subscription id", "GUID"),
        {"mode": "NFTABLES", "resource_id": CLUSTER_ID.replace(SUBSCRIPTION, "production")},
        by_name=False,
    ),
    Row(
        "subscription that is none",
        ("c1", "'production' is not a subscription id", "GUID"),
        {"mode": "NFTABLES", "subscription_id": "production"},
    ),
    Row(
        "name that bends the path",
        ("'../c2'", "not the name of an AKS cluster"),
        {"mode": "NFTABLES", "name": "../c2", "resource_group": "rg1"},
        by_name=False,
    ),
    Row(
        "group that bends the path",
        ("'rg1/x'", "not a resource group's name"),
        {"mode": "NFTABLES", "name": "c1", "resource_group": "rg1/x"},
        by_name=False,
    ),
    Row(
        "feature that bends the path",
        ("'../x'", "no name of a feature"),
        {"name": "../x"},
        preview_feature.OPERATION,
        by_name=False,
        changed=None,
    ),
    Row(
        "list of a subscription that is none",
        ("'production' is not a subscription id",),
        {"subscriptions": ["production"]},
        config_info.OPERATION,
        by_name=False,
        changed=None,
    ),
)

CREDENTIALS = (
    Row("no credentials", ("c1", "No Azure credentials found", "AZURE_CLIENT_ID", "az login"), environ=NOBODY),
    Row(
        "half a credential",
        ("c1", "AZURE_CLIENT_ID", "Set what lacks"),
        environ={"AZURE_SECRET": None, "AZURE_CLIENT_SECRET": None},
    ),
    Row(
        "contradictory credentials",
        ("c1", "Contradictory", "AZURE_SECRET", "AZURE_X509_CERTIFICATE_PATH", "Keep one"),
        environ={"AZURE_X509_CERTIFICATE_PATH": "/nowhere.pem"},
    ),
    Row(
        "secret and profile",
        ("c1", "profile", "secret", "Give one or the other"),
        {"mode": "NFTABLES", "profile": "mine", "secret": "parameter~secret"},
    ),
    Row(
        "wrong secret",
        ("Cluster c1", "AADSTS7000215", "The client secret is wrong", "AZURE_SECRET"),
        environ={"AZURE_SECRET": "wrong~secret"},
        code="AADSTS7000215",
        correlated=True,
    ),
    Row(
        "no subscription",
        ("c1", "No subscription is known", "AZURE_SUBSCRIPTION_ID"),
        environ={"AZURE_SUBSCRIPTION_ID": None},
    ),
    Row(
        "unreachable endpoint",
        ("c1", "Cannot reach localhost:9", "the connection is refused", "HTTPS_PROXY"),
        environ={"AZURE_CLOUD_ENVIRONMENT": "https://localhost:9"},
        code="Unreachable",
    ),
    Row(
        "endpoint without a name",
        ("c1", "Cannot reach no-such-host.invalid", "cannot be resolved"),
        environ={"AZURE_CLOUD_ENVIRONMENT": "https://no-such-host.invalid"},
        code="Unreachable",
    ),
    Row(
        "endpoint over http",
        ("c1", "cloud_environment", "https"),
        environ={"AZURE_CLOUD_ENVIRONMENT": "http://localhost:9"},
    ),
    Row(
        "untrusted certificate",
        ("c1", "certificate of localhost", "is not trusted", "REQUESTS_CA_BUNDLE"),
        environ={"REQUESTS_CA_BUNDLE": None},
        code="Untrusted",
    ),
    Row(
        "missing CA bundle",
        ("c1", "/nowhere/ca.pem", "REQUESTS_CA_BUNDLE", "does not exist"),
        environ={"REQUESTS_CA_BUNDLE": "/nowhere/ca.pem"},
    ),
)

REFUSALS = (
    Row(
        "cluster not found",
        ("Cluster c2", "resource group rg1", "ResourceNotFound", "Check the name"),
        {"mode": "NFTABLES", "name": "c2", "resource_group": "rg1"},
        by_name=False,
        code="ResourceNotFound",
        status=404,
        requests=1,
        correlated=True,
    ),
    Row(
        "group not found",
        ("Cluster c1", "ResourceGroupNotFound", "rg9", "Check the resource group's name"),
        {"mode": "NFTABLES", "name": "c1", "resource_group": "rg9"},
        by_name=False,
        code="ResourceGroupNotFound",
        status=404,
        requests=1,
        correlated=True,
    ),
    Row(
        "subscription not found",
        ("Cluster c1", "SubscriptionNotFound", OTHER_SUBSCRIPTION, "Check the subscription id"),
        {"mode": "NFTABLES", "subscription_id": OTHER_SUBSCRIPTION},
        code="SubscriptionNotFound",
        status=404,
        requests=1,
        correlated=True,
    ),
    Row(
        "feature not found",
        ("Preview feature Microsoft.ContainerService/NoSuchPreview", "FeatureNotFound", "Check the feature's name"),
        {"name": "NoSuchPreview"},
        preview_feature.OPERATION,
        by_name=False,
        code="FeatureNotFound",
        status=404,
        requests=1,
        correlated=True,
    ),
    Row(
        "forbidden to read",
        ("Cluster c1", "AuthorizationFailed", "managedClusters/read", "docs/permissions.md"),
        fleet={"principals": [{**SOMEBODY, "actions": ["Microsoft.Features/*"]}]},
        code="AuthorizationFailed",
        status=403,
        requests=1,
        correlated=True,
    ),
    Row(
        "forbidden to write",
        ("Cluster c1", "AuthorizationFailed", "managedClusters/write", "docs/permissions.md"),
        fleet={"principals": [{**SOMEBODY, "role": "reader"}]},
        code="AuthorizationFailed",
        status=403,
        requests=2,
        correlated=True,
    ),
    Row(
        "locked",
        ("Cluster c1", "ScopeLocked", "resourceGroups/rg1", "Remove the lock"),
        fleet={"locks": [{"scope": GROUP_SCOPE}]},
        code="ScopeLocked",
        status=409,
        requests=2,
        correlated=True,
    ),
    Row(
        "denied by policy",
        ("Cluster c1", "RequestDisallowedByPolicy", "no-nftables-here", "exemption"),
        fleet={"policies": [{"scope": GROUP_SCOPE, "name": "no-nftables-here"}]},
        code="RequestDisallowedByPolicy",
        status=403,
        requests=2,
        correlated=True,
    ),
    Row(
        "disabled subscription",
        ("Cluster c1", "ReadOnlyDisabledSubscription", "enabled again"),
        fleet={"subscriptions": [{"id": SUBSCRIPTION, "state": "Disabled"}]},
        code="ReadOnlyDisabledSubscription",
        status=409,
        requests=2,
        correlated=True,
    ),
    Row(
        "412 for ever",
        ("Cluster c1", "PreConditionFailed", "Something else changes the cluster"),
        faults=(fault("changed_underneath"),),
        code="PreConditionFailed",
        status=412,
        requests=12,
        correlated=True,
    ),
    Row(
        "eTag race for ever",
        ("Cluster c1", "EtagMismatch", "Something else changes the cluster"),
        faults=(fault("etag_race"),),
        code="EtagMismatch",
        status=409,
        requests=12,
        correlated=True,
    ),
    Row(
        "another operation for ever",
        ("Cluster c1", "OperationNotAllowed", "in progress", "Run again when that has ended"),
        {"mode": "NFTABLES", "wait_timeout": 300},
        faults=(fault("operation_in_progress"),),
        code="OperationNotAllowed",
        status=409,
        requests=50,
        seconds=300,
        correlated=True,
    ),
    Row(
        "another operation, and no waiting",
        ("Cluster c1", "OperationNotAllowed", "in progress", "wait: true"),
        {"mode": "NFTABLES", "wait": False},
        faults=(fault("operation_in_progress"),),
        code="OperationNotAllowed",
        status=409,
        requests=2,
        correlated=True,
    ),
    Row(
        "a disruption policy that forbids it",
        ("Cluster c1", "OperationBlockedByNodeDisruptionPolicy", "node disruption policy forbids it now"),
        faults=(fault("blocked_by_node_disruption_policy"),),
        code="OperationNotAllowed",
        status=409,
        requests=2,
        correlated=True,
    ),
    Row(
        "flag not registered",
        ("Cluster c1", "KubeProxyConfigFeatureNotRegistered", "aks.kube_proxy.preview_feature", "NotRegistered"),
        fleet={"features": {}},
        code="KubeProxyConfigFeatureNotRegistered",
        status=400,
        requests=3,
        correlated=True,
    ),
    Row(
        "a stopped cluster that is tried all the same",
        ("Cluster c1", "OperationNotAllowed", "stopped state", "az aks start"),
        {"mode": "NFTABLES", "preflight": "skip"},
        cluster={"power": "Stopped"},
        code="OperationNotAllowed",
        status=400,
        requests=2,
        correlated=True,
    ),
    Row(
        "disabling outside BYO CNI that is tried all the same",
        ("Cluster c1", "KubeProxyConfigDisabledBYOCNIOnly", "network plugin 'none'"),
        {"enabled": False, "preflight": "warn"},
        code="KubeProxyConfigDisabledBYOCNIOnly",
        status=400,
        requests=2,
        correlated=True,
    ),
    Row(
        "Cilium that is tried all the same",
        ("Cluster c1", "CiliumDataplaneRequiresKubeProxyConfigDisabled", "Cilium replaces kube-proxy"),
        {"mode": "NFTABLES", "preflight": "warn"},
        cluster={"dataplane": "cilium"},
        code="BadRequest",
        status=400,
        requests=2,
        correlated=True,
    ),
    Row(
        "an old version that is tried all the same",
        ("Cluster c1", "KubernetesVersionTooLow", "1.33", "Upgrade"),
        {"mode": "NFTABLES", "preflight": "warn"},
        cluster={"version": "1.32.7"},
        code="KubeProxyConfigModeUnsupported",
        status=400,
        requests=2,
        correlated=True,
    ),
    Row(
        "expired token",
        ("Cluster c1", "ExpiredAuthenticationToken", "machine's clock"),
        faults=(fault("token_expired", method=None),),
        code="ExpiredAuthenticationToken",
        status=401,
        requests=3,
        correlated=True,
    ),
)

TROUBLE = (
    *(
        Row(
            f"429 for ever, {shape}, {'with' if wait else 'without'} Retry-After, at a {method}",
            ("Cluster c1", code, "Azure asks for fewer requests"),
            faults=(fault("throttled", method, shape=shape, retry_after=wait),),
            code=code,
            status=429,
            requests=12 if method == "PUT" else 7,  # before each PUT the cluster is read again
            seconds=160,
            correlated=True,
        )
        for method in ("GET", "PUT")
        for shape, code in (("aks", "Throttled"), ("arm", "SubscriptionRequestsThrottled"))
        for wait in (7, None)
    ),
    Row(
        "a 429 that asks for an hour",
        ("Cluster c1", "Throttled", "Azure asks for fewer requests"),
        faults=(fault("throttled", "GET", retry_after=3600),),
        code="Throttled",
        status=429,
        requests=1,
        correlated=True,
    ),
    Row(
        "503 of a proxy at a GET",
        ("Cluster c1", "HTTP 503", "Bad Gateway", "run again later"),
        faults=(fault("server_error", "GET", status=503, shape="html"),),
        code="HTTP 503",
        status=503,
        requests=6,
        seconds=120,
        correlated=True,
    ),
    Row(
        "500 at a GET",
        ("Cluster c1", "InternalServerError", "run again later"),
        faults=(fault("server_error", "GET"),),
        code="InternalServerError",
        status=500,
        requests=6,
        seconds=120,
        correlated=True,
    ),
    Row(
        "500 at every PUT",
        ("Cluster c1", "HTTP 500, InternalServerError", "4 times", "found unchanged", "Run again"),
        faults=(fault("server_error"),),
        code="InternalServerError",
        status=500,
        requests=9,
        seconds=120,
        changed=False,
    ),
    Row(
        "a connection cut before each PUT",
        ("Cluster c1", "The connection to Azure broke", "4 times", "found unchanged", "Run again"),
        faults=(fault("cut_before"),),
        code="LostAnswer",
        requests=9,
        seconds=120,
        changed=False,
    ),
    Row(
        "a connection cut at each GET",
        ("Cluster c1", "Cannot reach localhost", "the connection was cut"),
        faults=(fault("cut_before", "GET"),),
        code="Unreachable",
        requests=4,
        seconds=120,
    ),
    Row(
        "half an answer to a GET",
        ("Cluster c1", "is not Azure Resource Manager", "proxy", "Run again"),
        faults=(fault("garbage", "GET"),),
        code="NotAzure",
        requests=4,
        seconds=120,
    ),
    Row(
        "a login page in place of a GET's answer",
        ("Cluster c1", "is not Azure Resource Manager", "proxy", "Run again"),
        faults=(fault("wrong_content", "GET"),),
        code="NotAzure",
        requests=4,
        seconds=120,
    ),
)

OPERATIONS = (
    *(
        Row(
            f"an operation that fails, its setting {kept}",
            ("Cluster c1", "VMExtensionError", "the node did not answer", "failed_clusters: repair"),
            faults=(
                fault(
                    "operation_failed",
                    times=1,
                    code="VMExtensionError",
                    message="the node did not answer",
                    config=kept,
                ),
            ),
            code="VMExtensionError",
            requests=15,
            seconds=200,
            correlated=True,
            changed=True,
        )
        for kept in ("kept", "reverted")
    ),
    Row(
        "an operation that is canceled",
        ("Cluster c1", "Canceled", "OperationPreempted", "failed_clusters: repair"),
        faults=(fault("operation_canceled", times=1),),
        code="OperationPreempted",
        requests=15,
        seconds=200,
        correlated=True,
        changed=True,
    ),
    Row(
        "an operation without end",
        ("Cluster c1", "still Updating after 120 seconds", "wait_timeout"),
        {"mode": "NFTABLES", "wait_timeout": 120},
        faults=(fault("operation_stuck", times=1),),
        code="Timeout",
        requests=15,
        seconds=120,
        correlated=True,
        changed=True,
    ),
    Row(
        "someone else's operation without end",
        ("Cluster c1", "still Upgrading after 60 seconds", "wait_timeout"),
        {"mode": "NFTABLES", "wait_timeout": 60},
        cluster={"provisioning_state": "Upgrading"},
        fleet={"behaviour": {"operation_seconds": 1e6}},
        code="Timeout",
        requests=6,
        seconds=60,
    ),
    Row(
        "a setting that Azure ignores",
        ("Cluster c1", "reads IPTABLES instead of NFTABLES", "run again"),
        faults=(fault("ignored", times=1),),
        code="NotApplied",
        requests=15,
        seconds=200,
        correlated=True,
        changed=True,
    ),
    Row(
        "a failed cluster",
        ("Cluster c1", "the cluster's ended Failed", "failed_clusters: repair"),
        cluster={"provisioning_state": "Failed"},
        code="last-operation-failed",
        requests=1,
    ),
)

ROWS = (*ARGUMENTS, *CREDENTIALS, *REFUSALS, *TROUBLE, *OPERATIONS)
