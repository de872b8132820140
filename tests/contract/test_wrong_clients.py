"""What a client that does something wrong gets: a refusal, as from Azure or from an API server, and nothing changed."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.contract.arm_client import (
    PREVIEW,
    REGISTERED,
    SUBSCRIPTION,
    Arm,
    cluster_path,
    feature_path,
    flat,
    group_path,
    wrapped,
)
from tests.contract.cluster_client import DAEMON_SETS, NODES, PODS, Inside, refused
from tests.contract.conftest import Start

NFTABLES = {"enabled": True, "mode": "NFTABLES"}
NEW: dict[str, Any] = {
    "location": "westeurope",
    "identity": {"type": "SystemAssigned"},
    "properties": {
        "dnsPrefix": "new",
        "agentPoolProfiles": [{"name": "p", "count": 1, "vmSize": "Standard_D2s_v5", "mode": "System"}],
    },
}


@pytest.fixture
def arm(start: Start) -> Arm:
    return start(
        [{"name": "c1", "version": "1.34.2", "pools": [{"name": "a"}, {"name": "b"}]}, {"name": "c2"}],
        features=REGISTERED,
    )


# -- bodies


@pytest.mark.parametrize("kind", [None, "text/plain", "application/x-www-form-urlencoded", "application/jsonx"])
def test_a_body_has_to_say_that_it_is_json(arm: Arm, kind: str | None) -> None:
    def send(method: str, path: str, content: bytes, kind: str | None) -> Any:
        url = f"{arm.emulator.url}{path}?api-version={PREVIEW}"
        headers = {"Authorization": f"Bearer {arm.bearer}", **({"Content-Type": kind} if kind else {})}
        return arm.session.request(method, url, data=content, headers=headers)

    for method, path, content in (
        ("PUT", cluster_path(), b'{"location": "westeurope", "properties": {}}'),
        ("PATCH", cluster_path(), b'{"tags": {}}'),
        ("POST", f"{cluster_path()}/runCommand", b'{"command": "kubectl get --raw /version"}'),
    ):
        message = wrapped(send(method, path, content, kind), 415, "UnsupportedMediaType")
        assert message.startswith(f"The content media type '{kind or '<null>'}' is not supported.")
        assert send(method, path, content, "Application/JSON; charset=utf-8").status_code in (200, 202)
        arm.emulator.advance(3600)


@pytest.mark.parametrize("number", [b"NaN", b"Infinity", b"-Infinity"])
def test_numbers_that_are_no_json(arm: Arm, number: bytes) -> None:
    answer = arm.session.put(
        f"{arm.emulator.url}{cluster_path()}?api-version={PREVIEW}",
        data=b'{"location": "westeurope", "properties": {"maxAgentPools": ' + number + b"}}",
        headers={"Authorization": f"Bearer {arm.bearer}", "Content-Type": "application/json"},
    )
    assert number.decode() in wrapped(answer, 400, "InvalidRequestContent")


Change = Callable[[Any], object]


@pytest.mark.parametrize(
    ("change", "target"),
    [
        (lambda p: p.update(dnsPrefix="other"), "dnsPrefix"),
        (lambda p: p.update(fqdnSubdomain="other"), "fqdnSubdomain"),
        (lambda p: p.update(nodeResourceGroup="other"), "nodeResourceGroup"),
        (lambda p: p["networkProfile"].update(dnsServiceIP="10.0.0.11"), "networkProfile.dnsServiceIP"),
        (lambda p: p["networkProfile"].update(serviceCidr="10.1.0.0/16"), "networkProfile.serviceCidr"),
        (lambda p: p["networkProfile"].update(serviceCidrs=["10.1.0.0/16"]), "networkProfile.serviceCidrs"),
        (lambda p: p.update(servicePrincipalProfile={"clientId": "other"}), "servicePrincipalProfile.clientId"),
        (lambda p: p["agentPoolProfiles"][1].update(vmSize="Standard_B2s"), "agentPoolProfile.vmSize"),
        (lambda p: p["agentPoolProfiles"][0].update(osType="Windows"), "agentPoolProfile.osType"),
    ],
)
def test_what_no_update_can_change(arm: Arm, change: Change, target: str) -> None:
    before = arm.get()
    body = arm.get()
    change(body["properties"])
    answer = arm.put(body)
    assert answer.status_code == 400
    assert answer.json() == {
        "code": "PropertyChangeNotAllowed",
        "details": None,
        "message": f"Changing property '{target}' is not allowed.",
        "subcode": "",
        "target": target,
    }
    assert arm.get() == before


@pytest.mark.parametrize(
    ("goal", "good"), [("1.34.1", False), ("1.33", False), ("1.9.9", False), ("1.34", True), ("1.35.0", True)]
)
def test_kubernetes_does_not_go_back(arm: Arm, goal: str, good: bool) -> None:
    body = arm.get()
    body["properties"]["kubernetesVersion"] = goal
    answer = arm.put(body)
    if good:
        assert answer.status_code == 200
    else:
        assert f"1.34.2 to {goal} is not allowed" in flat(answer, 400, "OperationNotAllowed")


def test_a_version_that_was_asked_for_before_may_be_sent_back(start: Start) -> None:
    arm = start([{"name": "c1", "version": "1.34.2", "kubernetes_version": "1.33.0"}])
    assert arm.put(arm.get()).status_code == 200


def without(body: Any, *path: str) -> Any:
    """A copy of a body less one part of it."""
    first, *rest = path
    if not rest:
        return {key: value for key, value in body.items() if key != first}
    return {**body, first: without(body[first], *rest)}


USER_POOL = {**NEW, "properties": {**NEW["properties"], "agentPoolProfiles": [{"name": "p", "mode": "User"}]}}
TWINS = {**NEW, "properties": {"agentPoolProfiles": [*NEW["properties"]["agentPoolProfiles"]] * 2}}


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (without(NEW, "identity"), "Required parameter servicePrincipalProfile is missing (null)."),
        (without(NEW, "properties", "agentPoolProfiles"), "Required parameter agentPoolProfiles is missing (null)."),
        (USER_POOL, "Must define at least one system pool."),
        (TWINS, "'p' is not unique"),
    ],
)
def test_what_a_new_cluster_needs(arm: Arm, body: Any, message: str) -> None:
    assert message in flat(arm.put(body, "new"), 400, "InvalidParameter")
    wrapped(arm.ask("GET", cluster_path("new")), 404, "ResourceNotFound")


@pytest.mark.parametrize(
    "body",
    [
        NEW,
        {**without(NEW, "identity"), "properties": {**NEW["properties"], "servicePrincipalProfile": {"clientId": "x"}}},
        {**without(NEW, "properties", "agentPoolProfiles"), "sku": {"name": "Automatic", "tier": "Standard"}},
    ],
)
def test_what_is_enough(arm: Arm, body: Any) -> None:
    assert arm.put(body, "new").status_code == 201


def test_pools_of_one_name_in_an_update(arm: Arm) -> None:
    body = arm.get()
    body["properties"]["agentPoolProfiles"].append(body["properties"]["agentPoolProfiles"][0])
    assert "'a' is not unique" in flat(arm.put(body), 400, "InvalidParameter")


# -- addresses


@pytest.mark.parametrize("option", ["$filter=tagName eq 'a'", "$top=1", "$expand=x", "$Filter=a"])
def test_options_that_would_not_be_heard(arm: Arm, option: str) -> None:
    path = f"/subscriptions/{SUBSCRIPTION}/providers/Microsoft.ContainerService/managedClusters"
    answer = arm.ask("GET", f"{path}?api-version={PREVIEW}&{option}")
    assert option.partition("=")[0].lower() in wrapped(answer, 501, "NotImplementedByEmulator")


def test_an_operation_at_another_place(arm: Arm) -> None:
    url = arm.switch(NFTABLES).headers["azure-asyncoperation"]
    wrapped(arm.ask("GET", url.replace("/westeurope/", "/eastus/")), 403, "InvalidOperationSignature")
    assert arm.ask("GET", url.replace("/westeurope/", "/WestEurope/")).status_code == 200


def test_an_operation_under_another_subscription(start: Start) -> None:
    other = "99999999-9999-4999-8999-999999999999"
    arm = start([{"name": "c1"}, {"name": "c2", "subscription": other}], features=REGISTERED)
    url = arm.switch(NFTABLES).headers["azure-asyncoperation"]
    wrapped(arm.ask("GET", url.replace(SUBSCRIPTION, other)), 403, "InvalidOperationSignature")


@pytest.mark.parametrize(
    ("method", "path", "version"),
    [
        ("POST", cluster_path(), PREVIEW),
        ("PUT", feature_path(), "2021-07-01"),
        ("GET", f"{feature_path()}/register", "2021-07-01"),
        ("GET", f"{cluster_path()}/listClusterUserCredential", PREVIEW),
        ("GET", f"{cluster_path()}/runCommand", PREVIEW),
        ("DELETE", group_path(), "2021-04-01"),
        ("PUT", f"{cluster_path()}/agentPools/a", PREVIEW),
    ],
)
def test_the_wrong_method(arm: Arm, method: str, path: str, version: str) -> None:
    before = arm.get()
    wrapped(arm.ask(method, path, version, {} if method in ("PUT", "POST") else None), 501, "NotImplementedByEmulator")
    assert arm.get() == before


# -- clusters' API servers


@pytest.fixture
def inside(arm: Arm, tmp_path: Path) -> Inside:
    return Inside(arm, tmp_path)


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE"])
@pytest.mark.parametrize(
    "path", [NODES, f"{NODES}/x", PODS, f"{DAEMON_SETS}/kube-proxy", "/version", "/healthz", "/api/v1", "/apis"]
)
def test_nothing_inside_takes_writes(inside: Inside, method: str, path: str) -> None:
    refused(inside.ask(path, method), 405, "MethodNotAllowed")
    assert inside.daemon_set()["metadata"]["generation"] == 1


@pytest.mark.parametrize(
    "selector",
    ["a=b/c", "a b", "=b", "-a", "a=-b", "a=" + "x" * 64, "a in (b)", "a=b,c=d e", "!", "a!=b=c", "prefix/=x"],
)
def test_label_selectors_that_are_none(inside: Inside, selector: str) -> None:
    answer = inside.ask(PODS, params={"labelSelector": selector})
    message = refused(answer, 400, "BadRequest")
    assert message.startswith("unable to parse requirement")
    assert ("takes no sets" in message) == ("(" in selector)


@pytest.mark.parametrize("selector", ["a=", "kubernetes.io/os!=x", " component = kube-proxy ", "!a,b.c/d==e_f.g-h", ""])
def test_label_selectors_that_are_some(inside: Inside, selector: str) -> None:
    assert inside.ask(PODS, params={"labelSelector": selector}).status_code == 200


@pytest.mark.parametrize(
    "query",
    ["limit=1.5", "watch=true&timeoutSeconds=1.5", "watch=true&timeoutSeconds=soon", "fieldSelector=metadata.name"],
)
def test_parameters_that_are_none(inside: Inside, query: str) -> None:
    refused(inside.ask(f"{NODES}?{query}"), 400, "BadRequest")


def test_credentials_of_another_cluster(arm: Arm, inside: Inside, tmp_path: Path) -> None:
    other = Inside(arm, tmp_path, "c2")
    inside.token, inside.pair = other.token, other.pair
    refused(inside.ask(NODES), 401, "Unauthorized")
    refused(inside.ask(NODES, cert=other.pair), 401, "Unauthorized")
    inside.token = arm.bearer
    refused(inside.ask(NODES), 401, "Unauthorized")


@pytest.mark.parametrize(
    "path", ["/api/v1/pods/x", "/api/v1/namespaces/kube-system/nodes", "/api/v1/namespaces/kube-system/nothings"]
)
def test_paths_that_lead_nowhere(inside: Inside, path: str) -> None:
    refused(inside.ask(path), 404, "NotFound")


def test_the_proxy_of_pods_elsewhere(inside: Inside) -> None:
    name = inside.pods()[0]["metadata"]["name"]
    elsewhere = f"/api/v1/namespaces/default/pods/{name}:10249/proxy/proxyMode"
    refused(inside.ask(elsewhere), 404, "NotFound")
    assert "connection refused" in refused(inside.ask(f"{PODS}/{name}:10250/proxy/metrics"), 503, "ServiceUnavailable")
    assert inside.ask(f"{PODS}/{name}:10249/proxy/configz").status_code == 404
    refused(inside.ask(f"{PODS}/{name}/log"), 404, "NotFound")
    refused(inside.ask(f"{PODS}/{name}/exec?command=sh", "POST"), 404, "NotFound")
