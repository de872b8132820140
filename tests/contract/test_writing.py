"""PUT, PATCH and DELETE: what is stored, what is refused, how it ends."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from tests.contract.arm_client import PREVIEW, REGISTERED, STABLE, cluster_path, flat, wrapped
from tests.contract.conftest import Start

NFTABLES = {"enabled": True, "mode": "NFTABLES"}
STRIPPED = ("eTag", "provisioningState")


def _without_service_fields(body: Any) -> Any:
    """A body less what any operation renews."""
    if isinstance(body, dict):
        return {key: _without_service_fields(value) for key, value in body.items() if key not in STRIPPED}
    if isinstance(body, list):
        return [_without_service_fields(item) for item in body]
    return body


def _config(body: Any) -> Any:
    return body["properties"]["networkProfile"].get("kubeProxyConfig")


def test_a_switch_from_beginning_to_end(start: Start) -> None:
    arm = start(features=REGISTERED)
    before = arm.get()
    answer = arm.switch(NFTABLES)
    assert answer.status_code == 200
    assert not {"location", "retry-after", "etag"} & {name.lower() for name in answer.headers}
    said = answer.json()
    assert _config(said) == NFTABLES
    assert said["properties"]["provisioningState"] == "Updating"
    assert said["properties"]["agentPoolProfiles"][0]["provisioningState"] == "Updating"
    assert said["properties"]["networkProfile"]["loadBalancerSku"] == "standard"
    during = arm.get()
    assert (during["properties"]["provisioningState"], during["eTag"]) == ("Updating", said["eTag"])
    assert said["eTag"] != before["eTag"]

    operation = arm.settle(answer)
    assert (operation["status"], "error" in operation) == ("Succeeded", False)
    after = arm.get()
    assert after["properties"]["provisioningState"] == "Succeeded"
    assert after["properties"]["agentPoolProfiles"][0]["provisioningState"] == "Succeeded"
    assert after["eTag"] not in (before["eTag"], said["eTag"])
    pools = [body["properties"]["agentPoolProfiles"][0]["eTag"] for body in (before, said, after)]
    assert len(set(pools)) == 3
    expected = copy.deepcopy(before)
    expected["properties"]["networkProfile"]["kubeProxyConfig"] = NFTABLES
    assert _without_service_fields(after) == _without_service_fields(expected)


def test_phases_of_an_update(start: Start) -> None:
    arm = start(features=REGISTERED, behaviour={"operation_seconds": 100})
    url = arm.switch(NFTABLES).headers["azure-asyncoperation"]

    def status() -> Any:
        return arm.ask("GET", url).json()

    seen = [status()]
    for seconds in (14, 2, 80, 5):
        arm.emulator.advance(seconds)
        seen.append(status())
    assert [view["status"] for view in seen] == [
        "InProgress", "InProgress", "ProvisioningControlPlane", "ProvisioningControlPlane", "Succeeded",
    ]  # fmt: skip
    assert set(seen[0]) == {"name", "status", "startTime"}
    assert set(seen[-1]) == {"name", "status", "startTime", "endTime"}
    assert seen[0]["name"] in url


def test_operation_urls_are_signed_and_checked(start: Start) -> None:
    arm = start(features=REGISTERED)
    url = arm.switch(NFTABLES).headers["azure-asyncoperation"]
    assert 3500 < len(url) < 4500
    assert "api-version=2025-03-01" in url
    assert all(f"&{part}=" in url for part in "tcsh")
    bare = url.partition("?")[0]
    wrapped(arm.ask("GET", bare, "2025-03-01"), 403, "InvalidOperationSignature")
    wrapped(arm.ask("GET", url.replace("api-version=2025-03-01", "api-version=2017-08-31"), None), 403,
            "InvalidOperationSignature")  # fmt: skip
    position = url.index("&s=") + 10
    spoilt = url[:position] + ("A" if url[position] != "A" else "B") + url[position + 1 :]
    wrapped(arm.ask("GET", spoilt), 403, "InvalidOperationSignature")
    guid = bare.rpartition("/")[2]
    wrapped(arm.ask("GET", url.replace(guid, "0" * 8 + guid[8:])), 404, "NotFound")
    assert arm.ask("GET", url).status_code == 200


@pytest.mark.parametrize(
    ("cluster", "config", "error"),
    [
        (
            {},
            {"enabled": True, "mode": "NFTABLES", "ipvsConfig": {"scheduler": "RoundRobin"}},
            (400, "KubeProxyConfigFieldUnsupported", "1133"),
        ),
        ({"dataplane": "cilium"}, NFTABLES, (400, "BadRequest", "CiliumDataplaneRequiresKubeProxyConfigDisabled")),
        ({"sku": "Automatic"}, NFTABLES, (400, "BadRequest", "CiliumDataplaneRequiresKubeProxyConfigDisabled")),
        (
            {"sku": "Automatic", "dataplane": "azure"},
            NFTABLES,
            (400, "BadRequest", "CiliumDataplaneRequiresKubeProxyConfigDisabled"),
        ),
        ({}, {"enabled": False}, (400, "KubeProxyConfigDisabledBYOCNIOnly", "")),
        ({"plugin": "kubenet"}, {"enabled": False}, (400, "KubeProxyConfigDisabledBYOCNIOnly", "")),
        ({}, {"mode": "NFTABLES"}, (400, "KubeProxyConfigDisabledBYOCNIOnly", "")),
        ({"version": "1.32.9"}, NFTABLES, (400, "KubeProxyConfigModeUnsupported", "KubernetesVersionTooLow")),
        (
            {"version": "1.21.9"},
            {"enabled": True, "mode": "IPVS"},
            (400, "KubeProxyConfigModeUnsupported", "KubernetesVersionTooLow"),
        ),
        ({}, {"enabled": True, "mode": "nftables"}, (400, "InvalidParameter", "")),
        ({}, {"enabled": True, "mode": "EBPF"}, (400, "InvalidParameter", "")),
        ({}, {"enabled": True, "mode": "IPVS", "ipvsConfig": {"udpTimeoutSeconds": 0}}, (400, "InvalidParameter", "")),
        ({}, {"enabled": True, "mode": "IPVS", "ipvsConfig": {"scheduler": "wrr"}}, (400, "InvalidParameter", "")),
        (
            {},
            {"enabled": True, "mode": "IPVS", "ipvsConfig": {"scheduler": "roundrobin"}},
            (400, "InvalidParameter", ""),
        ),
        ({}, {"enabled": "yes", "mode": "IPVS"}, (400, "UnmarshalError", "")),
        ({}, {"enabled": True, "mode": "IPVS", "ipvsConfig": {"udpTimeoutSeconds": "9"}}, (400, "UnmarshalError", "")),
        ({}, {"enabled": True, "mode": "IPVS", "ipvsConfig": {"weight": 3}}, (400, "UnmarshalError", "")),
        ({}, {"enabled": True, "kind": "IPVS"}, (400, "UnmarshalError", "")),
        ({"power": "Stopped"}, NFTABLES, (400, "OperationNotAllowed", "")),
        ({"provisioning_state": "Upgrading"}, NFTABLES, (409, "OperationNotAllowed", "")),
    ],
)
def test_refused(start: Start, cluster: Any, config: Any, error: tuple[int, str, str]) -> None:
    arm = start([{"name": "c1", **cluster}], features=REGISTERED)
    before = arm.get()
    flat(arm.switch(config), *error)
    assert arm.get() == before


@pytest.mark.parametrize(
    ("cluster", "config"),
    [
        ({"version": "1.33.0"}, NFTABLES),
        ({"version": "1.22.0"}, {"enabled": True, "mode": "IPVS"}),
        ({"policy": "azure"}, {"enabled": True, "mode": "IPVS"}),
        ({"policy": "calico", "plugin": "kubenet"}, NFTABLES),
        ({"plugin": "none"}, {"enabled": False}),
        ({"plugin": "none"}, {}),
        ({"dataplane": "cilium"}, {"enabled": False}),
        ({}, {"enabled": True, "mode": "IPVS", "ipvsConfig": {"scheduler": "LeastConnection"}}),
        (
            {},
            {
                "enabled": True,
                "mode": "IPVS",
                "ipvsConfig": {
                    "tcpTimeoutSeconds": 900,
                    "tcpFinTimeoutSeconds": 120,
                    "udpTimeoutSeconds": 300,
                    "scheduler": "RoundRobin",
                },
            },
        ),
    ],
)
def test_accepted_and_stored_as_sent(start: Start, cluster: Any, config: Any) -> None:
    arm = start([{"name": "c1", **cluster}], features=REGISTERED)
    arm.settle(arm.switch(config))
    assert _config(arm.get()) == {key: value for key, value in config.items() if value is not False}


def test_what_messages_say(start: Start) -> None:
    arm = start([{"name": "c1"}, {"name": "busy", "provisioning_state": "Upgrading"}], features=REGISTERED)
    message = flat(arm.switch(NFTABLES, "busy"), 409, "OperationNotAllowed")
    assert message.startswith("Operation is not allowed: Another operation (Upgrading) is in progress,")
    assert "aka.ms/aks-pending-operation" in message
    message = flat(arm.switch({"enabled": False}), 400, "KubeProxyConfigDisabledBYOCNIOnly")
    assert message.startswith(
        "Preflight validation check for resource(s) for container service c1 in resource group rg1 failed."
    )
    arm.emulator.change_cluster(
        "c1", {"properties": {"agentPoolProfiles": [{"name": "p", "provisioningState": "Updating"}]}}
    )
    assert "(p - Updating)" in flat(arm.switch(NFTABLES), 409, "OperationNotAllowed")


def test_case_of_keys_does_not_matter_as_in_go(start: Start) -> None:
    arm = start(features=REGISTERED)
    sent = {"Enabled": True, "MODE": "IPVS", "ipvsconfig": {"TCPTimeoutSeconds": 900, "TCPFINTimeoutSeconds": 120}}
    arm.settle(arm.switch(sent))
    ipvs = {"tcpTimeoutSeconds": 900, "tcpFinTimeoutSeconds": 120}
    assert _config(arm.get()) == {"enabled": True, "mode": "IPVS", "ipvsConfig": ipvs}


def test_nftables_is_not_in_the_enum_of_versions_before_it(start: Start) -> None:
    arm = start(features=REGISTERED)
    body = arm.get()
    body["properties"]["networkProfile"]["kubeProxyConfig"] = NFTABLES
    assert "NFTABLES" in flat(arm.put(body, version="2025-08-02-preview"), 400, "InvalidParameter")


def test_stable_versions_refuse_the_field_and_keep_what_they_do_not_know(start: Start) -> None:
    arm = start([{"name": "c1", "mode": "IPVS"}], features=REGISTERED, behaviour={"omitted": "resets"})
    stable = arm.get(version=STABLE)
    arm.settle(arm.put(stable, version=STABLE))
    assert _config(arm.get()) == {"enabled": True, "mode": "IPVS"}
    assert "controlPlanePluginProfiles" in arm.get()["properties"]
    stable["properties"]["networkProfile"]["kubeProxyConfig"] = NFTABLES
    message = flat(arm.put(stable, version=STABLE), 400, "UnmarshalError")
    assert message.startswith('UnmarshalEntity encountered error: json: unknown field "kubeProxyConfig" Check that the')


def test_versions_before_2024_drop_unknown_fields_silently(start: Start) -> None:
    arm = start(features=REGISTERED)
    body = arm.get(version="2023-11-01")
    body["properties"]["networkProfile"]["kubeProxyConfig"] = NFTABLES
    arm.settle(arm.put(body, version="2023-11-01"))
    assert _config(arm.get()) is None


@pytest.mark.parametrize(("omitted", "left"), [("preserves", {"enabled": True, "mode": "IPVS"}), ("resets", None)])
def test_leaving_it_out_of_a_preview_put(start: Start, omitted: str, left: Any) -> None:
    arm = start([{"name": "c1", "mode": "IPVS"}], features=REGISTERED, behaviour={"omitted": omitted})
    body = arm.get()
    del body["properties"]["networkProfile"]["kubeProxyConfig"]
    arm.settle(arm.put(body))
    assert _config(arm.get()) == left


def test_the_object_without_enabled_can_mean_enabled_too(start: Start) -> None:
    arm = start(features=REGISTERED, behaviour={"missing_enabled": "enabled"})
    arm.settle(arm.switch({"mode": "NFTABLES"}))
    assert _config(arm.get()) == {"mode": "NFTABLES"}


def test_a_put_replaces_but_the_services_own_fields_stay(start: Start) -> None:
    arm = start(features=REGISTERED)
    before = arm.get()
    body = copy.deepcopy(before)
    for name in ("fqdn", "currentKubernetesVersion", "maxAgentPools", "resourceUID", "provisioningState", "powerState"):
        del body["properties"][name]
    for name in ("id", "name", "type", "eTag"):
        del body[name]
    del body["identity"]["principalId"]
    del body["properties"]["autoUpgradeProfile"], body["properties"]["servicePrincipalProfile"]
    body["properties"]["fqdn"] = "mine.example"
    body["properties"]["supportPlan"] = None
    arm.settle(arm.put(body))
    expected = copy.deepcopy(before)
    del expected["properties"]["autoUpgradeProfile"], expected["properties"]["supportPlan"]
    assert _without_service_fields(arm.get()) == _without_service_fields(expected)


def test_pools_cannot_be_lost_by_a_put(start: Start) -> None:
    arm = start([{"name": "c1", "pools": [{"name": "a"}, {"name": "b"}]}])
    body = arm.get()
    body["properties"]["agentPoolProfiles"] = body["properties"]["agentPoolProfiles"][:1]
    assert "'b'" in flat(arm.put(body), 400, "InvalidParameter")
    del body["properties"]["agentPoolProfiles"]
    arm.settle(arm.put(body))
    assert [pool["name"] for pool in arm.get()["properties"]["agentPoolProfiles"]] == ["a", "b"]


def test_location_is_required_and_fixed(start: Start) -> None:
    arm = start()
    body = arm.get()
    wrapped(arm.put({**body, "location": "eastus"}), 409, "InvalidResourceLocation")
    wrapped(arm.put({key: value for key, value in body.items() if key != "location"}), 400, "LocationRequired")
    assert arm.put({**body, "location": "West Europe"}).status_code == 200


def test_a_put_resumes_an_upgrade(start: Start) -> None:
    arm = start([{"name": "c1", "version": "1.33.4", "kubernetes_version": "1.34.1", "provisioning_state": "Failed",
                  "pools": [{"name": "p", "version": "1.33.4", "goal_version": "1.34.1"}]}])  # fmt: skip
    arm.settle(arm.put(arm.get()))
    properties = arm.get()["properties"]
    assert properties["currentKubernetesVersion"] == "1.34.1"
    assert properties["agentPoolProfiles"][0]["currentOrchestratorVersion"] == "1.34.1"
    assert properties["provisioningState"] == "Succeeded"


def test_a_minor_alias_is_no_upgrade(start: Start) -> None:
    arm = start([{"name": "c1", "version": "1.35.5", "kubernetes_version": "1.35"}])
    arm.settle(arm.put(arm.get()))
    properties = arm.get()["properties"]
    assert (properties["kubernetesVersion"], properties["currentKubernetesVersion"]) == ("1.35", "1.35.5")


def test_create(start: Start) -> None:
    arm = start(features=REGISTERED, behaviour={"operation_seconds": 100})
    body = {
        "location": "westeurope",
        "identity": {"type": "SystemAssigned"},
        "properties": {
            "kubernetesVersion": "1.34",
            "dnsPrefix": "new",
            "agentPoolProfiles": [{"name": "p", "count": 1, "vmSize": "Standard_D2s_v5", "mode": "System"}],
            "networkProfile": {"networkPlugin": "azure", "kubeProxyConfig": NFTABLES},
        },
    }
    wrapped(arm.put({key: value for key, value in body.items() if key != "location"}, "new"), 400, "LocationRequired")
    answer = arm.put(body, "new")
    assert answer.status_code == 201
    assert answer.json()["properties"]["provisioningState"] == "Creating"
    assert "eTag" not in answer.text
    statuses = []
    for seconds in (1, 10, 75, 20):
        arm.emulator.advance(seconds)
        statuses.append(arm.ask("GET", answer.headers["azure-asyncoperation"]).json()["status"])
    assert statuses == ["InProgress", "ProvisioningControlPlane", "ReconcilingAddons", "Succeeded"]
    made = arm.get("new")
    assert made["eTag"]
    assert made["properties"]["provisioningState"] == "Succeeded"
    assert made["properties"]["currentKubernetesVersion"].startswith("1.34.")
    assert made["properties"]["powerState"] == {"code": "Running"}
    assert made["properties"]["networkProfile"]["loadBalancerSku"] == "Standard"
    assert _config(made) == NFTABLES


def test_patch_takes_tags_alone_and_not_during_an_operation(start: Start) -> None:
    arm = start()
    answer = arm.ask("PATCH", cluster_path(), body={"tags": {"a": "1"}})
    assert answer.status_code == 200
    flat(arm.ask("PATCH", cluster_path(), body={"tags": {"a": "2"}}), 409, "OperationNotAllowed")
    arm.settle(answer)
    assert arm.get()["tags"] == {"a": "1"}
    flat(arm.ask("PATCH", cluster_path(), body={"properties": {}}), 400, "UnmarshalError")
    flat(arm.ask("PATCH", cluster_path(), body={"tags": {"a": 1}}), 400, "UnmarshalError")


def test_delete(start: Start) -> None:
    arm = start()
    answer = arm.ask("DELETE", cluster_path())
    assert (answer.status_code, answer.content) == (202, b"")
    assert "/operationresults/" in answer.headers["location"]
    assert arm.get()["properties"]["provisioningState"] == "Deleting"
    assert arm.ask("GET", answer.headers["location"]).status_code == 202
    assert arm.settle(answer)["status"] == "Succeeded"
    assert arm.ask("GET", answer.headers["location"]).status_code == 204
    wrapped(arm.ask("GET", cluster_path()), 404, "ResourceNotFound")
    assert arm.ask("DELETE", cluster_path()).status_code == 204


@pytest.mark.parametrize(
    ("headers", "name", "status"),
    [
        ({"If-Match": "ETAG"}, "c1", 200),
        ({"If-Match": '"ETAG"'}, "c1", 200),
        ({"If-Match": "*"}, "c1", 200),
        ({"If-Match": ""}, "c1", 200),
        ({"If-Match": "stale"}, "c1", 412),
        ({"If-Match": "*"}, "new", 412),
        ({"If-None-Match": "*"}, "c1", 412),
        ({"If-None-Match": "*"}, "new", 201),
        ({"If-None-Match": "ETAG"}, "c1", 400),
        ({"If-None-Match": "*", "If-Match": "*"}, "c1", 400),
    ],
)
def test_conditional_puts(start: Start, headers: Any, name: str, status: int) -> None:
    arm = start()
    body = arm.get()
    given = {key: value.replace("ETAG", body["eTag"]) for key, value in headers.items()}
    answer = arm.put(body, name, headers=given)
    assert answer.status_code == status, answer.text
    if status >= 400:
        flat(answer, status, {412: "PreConditionFailed", 400: "BadRequest"}[status])
        assert arm.get() == body


def test_properties_that_no_schema_knows_pass_when_the_cluster_holds_them(start: Start) -> None:
    future = {
        "hologramProfile": {"rays": 3},
        "networkProfile": {"teleport": [{"a": 1}], "kubeProxyConfig": {"enabled": True, "mode": "IPVS", "warp": 9}},
    }
    arm = start([{"name": "c1", "merge": {"properties": future}}], features=REGISTERED)
    before = arm.get()
    body = copy.deepcopy(before)
    body["properties"]["networkProfile"]["kubeProxyConfig"]["mode"] = "NFTABLES"
    arm.settle(arm.put(body))
    assert _without_service_fields(arm.get()) == _without_service_fields(body)
    assert "json: unknown field" in flat(
        arm.put({**before, "properties": {**before["properties"], "networkProfile": {"kubeProxyConfig": {"woof": 1}}}}),
        400,
        "UnmarshalError",
    )


@pytest.mark.parametrize(("given", "code"), [("v20260717", None), ("before", "KubeProxyConfigFeatureNotRegistered")])
def test_unrelated_updates_of_a_cluster_that_has_the_object(start: Start, given: str, code: str | None) -> None:
    """Release v20260717 lets them pass without the flag."""
    arm = start([{"name": "c1", "mode": "IPVS"}], behaviour={"release": given})
    body = arm.get()
    body["tags"] = {"a": "1"}
    answer = arm.put(body)
    if code:
        flat(answer, 400, code, "1132")
    else:
        arm.settle(answer)
        assert arm.get()["tags"] == {"a": "1"}


def test_nftables_on_old_kubernetes_before_the_release(start: Start) -> None:
    arm = start([{"name": "c1", "version": "1.32.1"}], features=REGISTERED, behaviour={"release": "before"})
    arm.settle(arm.switch(NFTABLES))
    assert _config(arm.get()) == NFTABLES


def test_disabling_on_byo_cni_needs_no_flag(start: Start) -> None:
    arm = start([{"name": "c1", "plugin": "none"}])
    flat(arm.switch(NFTABLES), 400, "KubeProxyConfigFeatureNotRegistered", "1132")
    arm.settle(arm.switch({"enabled": False}))
    assert _config(arm.get()) == {}
    body = arm.get(version=PREVIEW)
    arm.settle(arm.put(body))
    assert _config(arm.get()) == {}
