"""The switch of one cluster: what is written, what is not, and what comes between."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from ansible_collections.aks.kube_proxy.plugins.module_utils._operations import config, preview_feature
from ansible_collections.aks.kube_proxy.plugins.module_utils._operations.switch import MOST_RACES

from tests.support.operations import Azure

Lay = Callable[..., Azure]
SUBSCRIPTION = "11111111-1111-4111-8111-111111111111"


def switch(azure: Azure, name: str = "c1", **arguments: Any) -> dict[str, Any]:
    return azure.call(config.OPERATION, resource_group="rg1", name=name, **arguments)


def stored(azure: Azure, name: str = "c1") -> Any:
    return azure.emulator.cluster(name)["properties"]["networkProfile"].get("kubeProxyConfig")


def puts(azure: Azure) -> list[dict[str, Any]]:
    return [entry for entry in azure.writes() if entry["method"] == "PUT"]


def refreshes(azure: Azure) -> list[dict[str, Any]]:
    return [entry for entry in azure.writes() if entry["path"].endswith("Microsoft.ContainerService/register")]


def test_a_switch_is_one_put_and_the_second_run_changes_nothing(azure: Lay) -> None:
    cloud = azure({"name": "c1"})
    first = switch(cloud, mode="NFTABLES")
    assert first["changed"] is True
    assert first["kube_proxy"] == {"enabled": True, "mode": "NFTABLES", "ipvs_config": None, "configured": True}
    assert first["previous"]["configured"] is False
    assert stored(cloud) == {"enabled": True, "mode": "NFTABLES"}
    assert len(cloud.writes()) == 1
    cloud.emulator.clear_requests()
    second = switch(cloud, mode="NFTABLES")
    assert second["changed"] is False
    assert second["diff"]["before"] == second["diff"]["after"]
    assert [entry["method"] for entry in cloud.arm_requests()] == ["GET"]


def test_the_operation_is_reported_without_its_signature(azure: Lay) -> None:
    cloud = azure({"name": "c1"}, behaviour={"operation_seconds": 85})
    operation = switch(cloud, mode="NFTABLES", poll_interval=15)["operation"]
    assert operation["id"] and "?" not in operation["id"]
    assert operation["correlation_id"]
    assert 85 <= operation["seconds"] <= 100
    assert operation["polls"] == 6


@pytest.mark.parametrize(
    ("cluster", "arguments"),
    [
        ({}, {"mode": "IPTABLES"}),
        ({}, {"enabled": True}),
        ({"mode": "NFTABLES"}, {"mode": "NFTABLES"}),
        ({"mode": "NFTABLES"}, {"enabled": True}),
        ({"mode": "IPVS"}, {"enabled": True, "mode": "IPVS"}),
        ({"plugin": "none", "kube_proxy": {}}, {"enabled": False}),
    ],
)
def test_what_holds_already_is_not_written(azure: Lay, cluster: dict[str, Any], arguments: dict[str, Any]) -> None:
    cloud = azure({"name": "c1", **cluster})
    result = switch(cloud, **arguments)
    assert not result.get("failed"), result["msg"]
    assert result["changed"] is False
    assert cloud.writes() == []


def test_check_mode_predicts_and_writes_nothing(azure: Lay) -> None:
    cloud = azure({"name": "c1", "mode": "IPVS"}, features={})
    before = cloud.emulator.cluster("c1")
    result = switch(cloud, mode="NFTABLES", check=True)
    assert result["changed"] is True
    assert result["kube_proxy"]["mode"] == "NFTABLES"
    network = {"kubeProxyConfig": {"enabled": True, "mode": "NFTABLES"}}
    assert result["diff"]["after"] == {"properties": {"networkProfile": network}}
    assert "feature-not-registered" in [finding["rule"] for finding in result["findings"]]
    assert cloud.writes() == []
    assert cloud.emulator.cluster("c1") == before


def test_check_mode_waits_for_nothing(azure: Lay) -> None:
    cloud = azure({"name": "c1", "provisioning_state": "Updating"})
    result = switch(cloud, mode="NFTABLES", check=True)
    assert result["changed"] is True
    assert "operation-in-progress" in [finding["rule"] for finding in result["findings"]]
    assert cloud.time.slept == []


def test_leaving_ipvs_drops_its_settings(azure: Lay) -> None:
    cloud = azure({"name": "c1"})
    settings = {"scheduler": "LeastConnection", "tcp_timeout_seconds": 900}
    there = switch(cloud, mode="IPVS", ipvs_config=settings)
    assert there["kube_proxy"]["ipvs_config"] == settings
    assert stored(cloud)["ipvsConfig"] == {"scheduler": "LeastConnection", "tcpTimeoutSeconds": 900}
    more = switch(cloud, ipvs_config={"udp_timeout_seconds": 30})
    assert more["kube_proxy"]["ipvs_config"] == {**settings, "udp_timeout_seconds": 30}
    back = switch(cloud, mode="IPTABLES")
    assert back["kube_proxy"]["ipvs_config"] is None
    assert stored(cloud) == {"enabled": True, "mode": "IPTABLES"}


def test_a_disabled_kube_proxy_comes_back_only_by_name(azure: Lay) -> None:
    cloud = azure({"name": "c1", "plugin": "none"})
    off = switch(cloud, enabled=False)
    assert off["kube_proxy"] == {"enabled": False, "mode": None, "ipvs_config": None, "configured": True}
    refused = switch(cloud, mode="NFTABLES")
    assert refused["failed"] and "enabled: true" in refused["msg"] and "c1" in refused["msg"]
    on = switch(cloud, enabled=True, mode="NFTABLES")
    assert on["kube_proxy"]["mode"] == "NFTABLES"


def test_an_operation_in_progress_is_joined(azure: Lay) -> None:
    cloud = azure({"name": "c1"}, behaviour={"operation_seconds": 60})
    running = switch(cloud, mode="IPVS", wait=False)
    assert running["operation"]["id"]
    assert running["kube_proxy"]["mode"] == "IPVS"
    result = switch(cloud, mode="NFTABLES")
    assert not result.get("failed"), result["msg"]
    assert result["previous"]["mode"] == "IPVS"
    assert [entry["status"] for entry in puts(cloud)] == [200, 200]


def test_a_killed_run_is_picked_up_without_a_second_write(azure: Lay) -> None:
    cloud = azure({"name": "c1"}, behaviour={"operation_seconds": 60})
    switch(cloud, mode="NFTABLES", wait=False)
    result = switch(cloud, mode="NFTABLES")
    assert result["changed"] is False
    assert cloud.emulator.cluster("c1")["properties"]["provisioningState"] == "Succeeded"
    assert len(puts(cloud)) == 1


def test_without_waiting_a_busy_cluster_is_an_error(azure: Lay) -> None:
    cloud = azure({"name": "c1", "provisioning_state": "Upgrading"})
    result = switch(cloud, mode="NFTABLES", wait=False)
    assert "Upgrading" in result["msg"] and "wait: true" in result["msg"]
    assert cloud.writes() == []


def test_a_conflict_that_passes_is_waited_for(azure: Lay) -> None:
    cloud = azure({"name": "c1"})
    cloud.emulator.fault("operation_in_progress", match={"method": "PUT"}, times=2)
    result = switch(cloud, mode="NFTABLES")
    assert not result.get("failed"), result["msg"]
    assert [entry["status"] for entry in puts(cloud)] == [409, 409, 200]


def test_a_conflict_that_stays_is_not(azure: Lay) -> None:
    cloud = azure({"name": "c1"})
    cloud.emulator.fault("blocked_by_node_disruption_policy", match={"method": "PUT"}, times=None)
    result = switch(cloud, mode="NFTABLES")
    assert result["subcode"] == "OperationBlockedByNodeDisruptionPolicy"
    assert result["changed"] is False
    assert len(puts(cloud)) == 1


@pytest.mark.parametrize("fault", ["etag_race", "changed_underneath"])
def test_another_writer_makes_it_read_and_decide_again(azure: Lay, fault: str) -> None:
    cloud = azure({"name": "c1"})
    cloud.emulator.fault(fault, match={"method": "PUT"}, times=1)
    result = switch(cloud, mode="NFTABLES")
    assert not result.get("failed"), result["msg"]
    assert stored(cloud) == {"enabled": True, "mode": "NFTABLES"}
    assert [entry["status"] for entry in puts(cloud)][-1] == 200
    assert len(puts(cloud)) == 2


def test_endless_races_end(azure: Lay) -> None:
    cloud = azure({"name": "c1"})
    cloud.emulator.fault("etag_race", match={"method": "PUT"}, times=None)
    result = switch(cloud, mode="NFTABLES")
    assert result["failed"] and result["changed"] is False
    assert len(puts(cloud)) == MOST_RACES + 1


def test_a_flag_that_has_not_spread_is_waited_for(azure: Lay) -> None:
    cloud = azure({"name": "c1"})
    cloud.emulator.fault("feature_not_propagated", match={"method": "PUT"}, times=3)
    result = switch(cloud, mode="NFTABLES")
    assert not result.get("failed"), result["msg"]
    assert [entry["status"] for entry in puts(cloud)] == [400, 400, 400, 200]


def test_a_flag_that_never_spreads_is_given_up_in_bounded_time(azure: Lay) -> None:
    cloud = azure({"name": "c1"})
    cloud.emulator.fault("feature_not_propagated", match={"method": "PUT"}, times=None)
    result = switch(cloud, mode="NFTABLES")
    assert "the resource provider was refreshed" in result["msg"] and "run again later" in result["msg"]
    assert 600 <= cloud.time.seconds <= 660
    assert all(entry["status"] == 400 for entry in puts(cloud)), "the cluster's bucket of PUTs was not run dry"
    assert len(refreshes(cloud)) == 1


def test_when_the_time_is_over_before_the_flag_has_spread_the_advice_is_the_same(azure: Lay) -> None:
    cloud = azure({"name": "c1"})
    cloud.emulator.fault("feature_not_propagated", match={"method": "PUT"}, times=None)
    result = switch(cloud, mode="NFTABLES", wait_timeout=60)
    assert "KubeProxyConfigFeatureNotRegistered" in result["msg"]
    assert "the resource provider was refreshed" in result["msg"] and "run again later" in result["msg"]
    assert "Register the preview feature" not in result["msg"]


def test_a_flag_that_is_missing_is_not_waited_for(azure: Lay) -> None:
    cloud = azure({"name": "c1"}, features={})
    result = switch(cloud, mode="NFTABLES")
    assert "aks.kube_proxy.preview_feature" in result["msg"] and "The flag is NotRegistered" in result["msg"]
    assert cloud.time.slept == [] and refreshes(cloud) == []
    assert len(puts(cloud)) == 1


@pytest.mark.parametrize(("fault", "sent"), [("cut_after", 1), ("cut_within", 1), ("cut_before", 2)])
def test_after_a_lost_answer_it_finds_out(azure: Lay, fault: str, sent: int) -> None:
    cloud = azure({"name": "c1"})
    cloud.emulator.fault(fault, match={"method": "PUT"}, times=1)
    result = switch(cloud, mode="NFTABLES")
    assert not result.get("failed"), result["msg"]
    assert result["changed"] is True
    assert result["previous"]["mode"] == "IPTABLES"
    assert stored(cloud) == {"enabled": True, "mode": "NFTABLES"}
    assert len(puts(cloud)) == sent


def test_a_put_whose_answer_was_lost_and_which_failed_is_told(azure: Lay) -> None:
    cloud = azure({"name": "c1"})
    cloud.emulator.fault("operation_failed", match={"cluster": "c1"}, times=1)
    cloud.emulator.fault("cut_after", match={"method": "PUT"}, times=1)
    result = switch(cloud, mode="NFTABLES")
    assert result["failed"] and result["changed"] is True
    assert "Failed" in result["msg"] and "repair" in result["msg"]
    assert len(puts(cloud)) == 1


def test_a_failed_operation_says_what_azure_said(azure: Lay) -> None:
    cloud = azure({"name": "c1"})
    cloud.emulator.fault("operation_failed", times=1, code="VMExtensionError", message="the node did not answer")
    result = switch(cloud, mode="NFTABLES")
    assert result["failed"] and result["changed"] is True
    assert result["code"] == "VMExtensionError"
    assert "the node did not answer" in result["msg"] and "c1" in result["msg"]
    assert result["correlation_id"]
    again = switch(cloud, mode="NFTABLES")
    assert again["code"] == "last-operation-failed"
    assert again["changed"] is False
    repaired = switch(cloud, mode="NFTABLES", failed_clusters="repair")
    assert repaired["changed"] is True
    assert cloud.emulator.cluster("c1")["properties"]["provisioningState"] == "Succeeded"
    assert switch(cloud, mode="NFTABLES")["changed"] is False


def test_a_failed_cluster_is_refused_whatever_the_preflight(azure: Lay) -> None:
    cloud = azure({"name": "c1", "provisioning_state": "Failed"})
    for preflight in ("enforce", "warn", "skip"):
        assert switch(cloud, mode="NFTABLES", preflight=preflight)["code"] == "last-operation-failed"
    assert cloud.writes() == []


def test_an_operation_without_end_times_out(azure: Lay) -> None:
    cloud = azure({"name": "c1"})
    cloud.emulator.fault("operation_stuck", times=1)
    result = switch(cloud, mode="NFTABLES", wait_timeout=120)
    assert result["code"] == "Timeout" and result["changed"] is True
    assert "120 seconds" in result["msg"] and "run again" in result["msg"]
    assert cloud.time.seconds <= 121


def test_a_setting_that_azure_ignores_is_noticed(azure: Lay) -> None:
    cloud = azure({"name": "c1"})
    cloud.emulator.fault("ignored", match={"method": "PUT"}, times=1)
    result = switch(cloud, mode="NFTABLES")
    assert result["code"] == "NotApplied"
    assert "IPTABLES instead of NFTABLES" in result["msg"]


def test_a_refusal_comes_before_any_write_and_can_be_overruled(azure: Lay) -> None:
    cloud = azure({"name": "c1", "version": "1.32.7"}, behaviour={"release": "before"})
    refused = switch(cloud, mode="NFTABLES")
    assert refused["code"] == "nftables-kubernetes-version"
    assert "1.32.7" in refused["msg"]
    assert cloud.writes() == []
    tried = switch(cloud, mode="NFTABLES", preflight="warn")
    assert tried["changed"] is True
    assert any("nftables-kubernetes-version" in warning for warning in tried["warnings"])
    known = switch(cloud, mode="NFTABLES")
    assert known["changed"] is False
    assert any("nftables-kubernetes-version" in warning for warning in known["warnings"]), "a silent fallback is said"


def test_skipped_rules_are_not_looked_at(azure: Lay) -> None:
    cloud = azure({"name": "c1", "version": "1.32.7"}, behaviour={"release": "v20260717"})
    result = switch(cloud, mode="NFTABLES", preflight="skip")
    assert result["findings"] == []
    assert result["status"] == 400
    assert len(puts(cloud)) == 1


def test_the_etag_goes_along_where_there_is_one(azure: Lay) -> None:
    for etag in (True, False):
        cloud = azure({"name": "c1"}, behaviour={"etag": etag})
        switch(cloud, mode="NFTABLES")
        headers = {name.lower() for name in puts(cloud)[0]["headers"]}
        assert ("if-match" in headers) is etag


@pytest.mark.parametrize("omitted", ["preserves", "resets"])
def test_iptables_is_written_out(azure: Lay, omitted: str) -> None:
    cloud = azure({"name": "c1", "mode": "NFTABLES"}, behaviour={"omitted": omitted})
    assert switch(cloud, mode="IPTABLES")["kube_proxy"]["mode"] == "IPTABLES"
    assert stored(cloud) == {"enabled": True, "mode": "IPTABLES"}


def test_the_resource_id_names_the_cluster_in_any_subscription(azure: Lay) -> None:
    other = "99999999-9999-4999-8999-999999999999"
    cloud = azure(
        {"name": "c1", "subscription": other}, features={other: {"KubeProxyConfigurationPreview": "Registered"}}
    )
    named = f"/subscriptions/{other}/resourcegroups/rg1/providers/Microsoft.ContainerService/managedClusters/c1"
    result = cloud.call(config.OPERATION, resource_id=named, mode="NFTABLES")
    assert not result.get("failed"), result["msg"]
    assert result["subscription_id"] == other


def test_after_throttling_it_reads_again_before_it_writes(azure: Lay) -> None:
    cloud = azure({"name": "c1", "tags": {"owner": "a"}}, behaviour={"etag": False})
    cloud.emulator.fault("throttled", match={"method": "PUT"}, times=1, retry_after=60)
    sleep = cloud.time.sleep

    def meanwhile(seconds: float) -> None:
        cloud.emulator.change_cluster("c1", {"tags": {"owner": "b"}})
        sleep(seconds)

    cloud.time.sleep = meanwhile  # type: ignore[method-assign]
    result = switch(cloud, mode="NFTABLES")
    assert not result.get("failed"), result["msg"]
    assert [entry["status"] for entry in puts(cloud)] == [429, 200]
    assert cloud.emulator.cluster("c1")["tags"] == {"owner": "b"}, "what another writer did stays"


def test_an_answer_cut_in_the_middle_is_asked_for_again(azure: Lay) -> None:
    cloud = azure({"name": "c1"})
    cloud.emulator.fault("cut_within", match={"method": "GET", "cluster": "c1"}, times=1)
    result = switch(cloud, mode="NFTABLES")
    assert not result.get("failed"), result["msg"]
    assert stored(cloud) == {"enabled": True, "mode": "NFTABLES"}


@pytest.mark.parametrize("method", ["GET", "PUT"])
def test_no_wait_passes_the_deadline(azure: Lay, method: str) -> None:
    cloud = azure({"name": "c1"})
    cloud.emulator.fault("throttled", match={"method": method, "cluster": "c1"}, times=None, retry_after=280)
    result = switch(cloud, mode="NFTABLES", wait_timeout=30)
    assert result["status"] == 429
    assert cloud.time.seconds <= 30


def test_a_busy_pool_is_waited_for_by_looking_not_by_writing(azure: Lay) -> None:
    cloud = azure({"name": "c1", "pools": [{"name": "system"}, {"name": "work", "provisioning_state": "Upgrading"}]})
    result = switch(cloud, mode="NFTABLES", wait_timeout=120)
    assert result["code"] == "Timeout"
    assert "work - Upgrading" in result["msg"]
    assert cloud.writes() == []


def test_writes_that_never_arrive_are_no_change(azure: Lay) -> None:
    cloud = azure({"name": "c1"})
    cloud.emulator.fault("cut_before", match={"method": "PUT"}, times=1)
    cloud.emulator.fault("forbidden", match={"method": "PUT"}, times=None)
    result = switch(cloud, mode="NFTABLES")
    assert result["status"] == 403
    assert result["changed"] is False


def registered_without_a_refresh(azure: Lay, **fleet: Any) -> Azure:
    """Somebody asked for the flag and did not see it through: Azure has registered it, the provider does not know."""
    slow = {"registration_seconds": 60, "propagation_seconds": 60}
    cloud = azure({"name": "c1"}, features={}, behaviour=slow, **fleet)
    left = cloud.call(preview_feature.OPERATION, wait=False)
    assert (left["state"], left["provider_refreshed"]) == ("Registering", False)
    cloud.emulator.advance(120)
    assert cloud.call(preview_feature.OPERATION)["changed"] is False
    return cloud


def test_a_flag_registered_without_a_refresh_is_mended_on_the_way(azure: Lay) -> None:
    cloud = registered_without_a_refresh(azure)
    switched = switch(cloud, mode="NFTABLES")
    assert not switched.get("failed"), switched["msg"]
    assert switched["kube_proxy"]["mode"] == "NFTABLES"
    assert len(refreshes(cloud)) == 1
    assert [text for text in switched["warnings"] if "the resource provider was refreshed" in text]
    assert not [text for text in switch(cloud, mode="IPVS")["warnings"] if "refreshed" in text]


def test_check_mode_refreshes_nothing(azure: Lay) -> None:
    cloud = registered_without_a_refresh(azure)
    before = cloud.writes()
    assert switch(cloud, mode="NFTABLES", check=True)["changed"] is True
    assert cloud.writes() == before


@pytest.mark.parametrize(
    ("state", "advice"),
    [
        ("Registering", "Run aks.kube_proxy.preview_feature, which waits until it is registered"),
        ("Pending", "needs Microsoft's approval"),
        ("Unregistered", "Register the preview feature"),
    ],
)
def test_a_flag_on_its_way_is_told_with_what_helps(azure: Lay, state: str, advice: str) -> None:
    flags = {SUBSCRIPTION: {"KubeProxyConfigurationPreview": state}}
    cloud = azure({"name": "c1"}, features=flags, behaviour={"registration_seconds": 3600})
    result = switch(cloud, mode="NFTABLES")
    assert f"The flag is {state} in this subscription. " in result["msg"] and advice in result["msg"]
    assert ("Register the preview feature" in result["msg"]) == (state == "Unregistered")
    assert refreshes(cloud) == []


def test_a_later_operation_of_someone_else_is_not_blamed_on_the_switch(azure: Lay) -> None:
    cloud = azure({"name": "c1"}, behaviour={"operation_seconds": 40})
    sleep = cloud.time.sleep

    def and_then_another_fails(seconds: float) -> None:
        sleep(seconds)
        if cloud.emulator.cluster("c1")["properties"]["provisioningState"] == "Succeeded":
            cloud.emulator.change_cluster("c1", {"properties": {"provisioningState": "Failed"}})

    cloud.time.sleep = and_then_another_fails  # type: ignore[method-assign]
    result = switch(cloud, mode="NFTABLES")
    assert result["code"] == "OperationFailed"
    assert "the switch succeeded, but another operation" in result["msg"]
