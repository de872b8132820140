"""The feature flag: from each state to each wanted one, what is written on the way, and what is refused."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from ansible_collections.aks.kube_proxy.plugins.module_utils._operations import config, preview_feature

from tests.support.operations import Azure

Lay = Callable[..., Azure]
SUBSCRIPTION = "11111111-1111-4111-8111-111111111111"
FLAG = "Microsoft.ContainerService/KubeProxyConfigurationPreview"
STATES = ("NotRegistered", "Pending", "Registering", "Registered", "Unregistering", "Unregistered")
REGISTERED, UNREGISTERED, PENDING = "Registered", "Unregistered", "Pending"

REGISTER = f"/providers/{FLAG.replace('/', '/features/')}/register"
UNREGISTER = f"/providers/{FLAG.replace('/', '/features/')}/unregister"
SPREAD = "/providers/Microsoft.ContainerService/register"

# wanted state, state at the start -> what is written, and the state at the end; None: it never gets there
WAYS: dict[tuple[str, str], tuple[list[str], str | None]] = {
    ("present", "NotRegistered"): ([REGISTER, SPREAD], REGISTERED),
    ("present", "Pending"): ([], None),
    ("present", "Registering"): ([SPREAD], REGISTERED),
    ("present", "Registered"): ([], REGISTERED),
    ("present", "Unregistering"): ([REGISTER, SPREAD], REGISTERED),
    ("present", "Unregistered"): ([REGISTER, SPREAD], REGISTERED),
    ("absent", "NotRegistered"): ([], "NotRegistered"),
    ("absent", "Pending"): ([UNREGISTER], UNREGISTERED),
    ("absent", "Registering"): ([UNREGISTER], UNREGISTERED),
    ("absent", "Registered"): ([UNREGISTER], UNREGISTERED),
    ("absent", "Unregistering"): ([], UNREGISTERED),
    ("absent", "Unregistered"): ([], UNREGISTERED),
}
BOTH = [(wanted, start) for wanted in ("present", "absent") for start in STATES]


def flag(azure: Lay, state: str, *clusters: dict[str, Any], **fleet: Any) -> Azure:
    return azure(*clusters, features={SUBSCRIPTION: {FLAG: state}}, **fleet)


def call(cloud: Azure, state: str = "present", **arguments: Any) -> dict[str, Any]:
    return cloud.call(preview_feature.OPERATION, state=state, **arguments)


def written(cloud: Azure) -> list[str]:
    """What was POSTed, below the subscription."""
    return [
        entry["path"].removeprefix(f"/subscriptions/{SUBSCRIPTION}").removeprefix("/providers/Microsoft.Features")
        for entry in cloud.writes()
    ]


def test_the_table_has_all_ways() -> None:
    assert set(WAYS) == set(BOTH)


@pytest.mark.parametrize(("wanted", "start"), BOTH)
def test_from_each_state(azure: Lay, wanted: str, start: str) -> None:
    cloud = flag(azure, start)
    writes, end = WAYS[wanted, start]
    result = call(cloud, wanted, wait_timeout=400)
    assert written(cloud) == writes
    assert result["previous_state"] == start
    assert result["provider_refreshed"] is (SPREAD in writes)
    assert result["changed"] is bool(writes)
    if end is None:
        assert result["failed"] is True
        assert result["state"] == start
        return
    assert not result.get("failed"), result["msg"]
    assert result["state"] == end == cloud.emulator.feature_state(FLAG)
    assert (result["diff"]["before"], result["diff"]["after"]) == ({"state": start}, {"state": end})

    cloud.emulator.clear_requests()
    again = call(cloud, wanted)
    assert again["changed"] is False
    assert again["diff"]["before"] == again["diff"]["after"]
    assert [entry["method"] for entry in cloud.arm_requests()] == ["GET"]


@pytest.mark.parametrize(("wanted", "start"), BOTH)
def test_check_mode_predicts_each_way(azure: Lay, wanted: str, start: str) -> None:
    cloud = flag(azure, start)
    writes, end = WAYS[wanted, start]
    predicted = call(cloud, wanted, check=True)
    assert cloud.writes() == []
    assert cloud.time.slept == []
    assert cloud.emulator.feature_state(FLAG) == start
    assert predicted["changed"] is bool(writes)
    assert predicted["state"] == (end or start), "nobody can predict an approval"
    if end is not None:
        done = call(cloud, wanted)
        assert {**predicted, "provider_refreshed": None} == {**done, "provider_refreshed": None}


def test_the_provider_is_told_only_once_the_flag_is_registered(azure: Lay) -> None:
    cloud = flag(azure, "NotRegistered", behaviour={"registration_seconds": 95})
    call(cloud, poll_interval=30)
    requests = [(entry["method"], entry["path"].rpartition("/")[2]) for entry in cloud.arm_requests()]
    name = FLAG.rpartition("/")[2]
    assert requests == [("GET", name), ("POST", "register"), *[("GET", name)] * 4, ("POST", "register")]
    assert written(cloud) == [REGISTER, SPREAD]
    assert cloud.time.slept == [30, 30, 30, 30]


def test_after_it_a_cluster_can_be_switched(azure: Lay) -> None:
    cloud = flag(azure, "NotRegistered", {"name": "c1"})
    assert call(cloud)["changed"] is True
    result = cloud.call(config.OPERATION, resource_group="rg1", name="c1", mode="NFTABLES")
    assert not result.get("failed"), result["msg"]


def test_the_provider_is_left_alone_when_asked(azure: Lay) -> None:
    cloud = flag(azure, "NotRegistered")
    result = call(cloud, refresh_provider="never")
    assert result["provider_refreshed"] is False
    assert written(cloud) == [REGISTER]
    waited = flag(azure, "Registering")
    assert call(waited, refresh_provider="never")["changed"] is False


@pytest.mark.parametrize(
    ("wanted", "start", "writes", "end"),
    [
        ("present", "NotRegistered", [REGISTER], "Registering"),
        ("present", "Registering", [], "Registering"),
        ("present", "Pending", [], "Pending"),
        ("present", "Unregistering", [], "Unregistering"),
        ("absent", "Registered", [UNREGISTER], "Unregistering"),
        ("absent", "Registering", [UNREGISTER], "Unregistering"),
        ("absent", "Pending", [UNREGISTER], "Unregistering"),
        ("absent", "Unregistering", [], "Unregistering"),
    ],
)
def test_without_waiting_it_takes_one_step(azure: Lay, wanted: str, start: str, writes: list[str], end: str) -> None:
    cloud = flag(azure, start)
    result = call(cloud, wanted, wait=False)
    assert not result.get("failed"), result["msg"]
    assert result["state"] == end
    assert written(cloud) == writes
    assert result["changed"] is bool(writes)
    assert cloud.time.slept == []


def test_pending_for_too_long_names_the_approval(azure: Lay) -> None:
    cloud = flag(azure, "NotRegistered", behaviour={"feature_approval": "manual"})
    result = call(cloud, wait_timeout=120)
    assert result["failed"] is True
    assert result["code"] == "Timeout"
    assert result["changed"] is True
    assert result["state"] == PENDING
    assert FLAG in result["msg"]
    assert "still Pending after 120 seconds" in result["msg"]
    assert "needs Microsoft's approval" in result["msg"]
    assert written(cloud) == [REGISTER]
    assert cloud.time.seconds == 120


def test_a_slow_registration_is_waited_for(azure: Lay) -> None:
    cloud = flag(azure, "Registering", behaviour={"registration_seconds": 3000})
    result = call(cloud, wait_timeout=3600, poll_interval=600)
    assert result["state"] == REGISTERED


def test_registering_for_too_long_says_how_to_go_on(azure: Lay) -> None:
    cloud = flag(azure, "Registering", behaviour={"registration_seconds": 10_000})
    result = call(cloud, wait_timeout=60)
    assert "still Registering after 60 seconds" in result["msg"]
    assert "run again" in result["msg"]
    assert "approval" not in result["msg"]
    assert cloud.time.seconds == 60


HOLDERS = ({"name": "c1"}, {"name": "c2", "mode": "NFTABLES"}, {"name": "c3", "plugin": "none", "kube_proxy": {}})


@pytest.mark.parametrize("check", [False, True])
def test_a_flag_in_use_is_kept(azure: Lay, check: bool) -> None:
    cloud = flag(azure, "Registered", *HOLDERS)
    result = call(cloud, "absent", check=check)
    assert result["failed"] is True
    assert result["code"] == "FeatureInUse"
    assert result["clusters"] == ["c2", "c3"]
    assert "c2, c3" in result["msg"]
    assert "force: true" in result["msg"]
    assert result["changed"] is False
    assert cloud.writes() == []


def test_many_clusters_that_hold_it_are_counted(azure: Lay) -> None:
    cloud = flag(azure, "Registered", *({"name": f"c{n:02}", "mode": "IPVS"} for n in range(12)))
    result = call(cloud, "absent")
    assert "12 cluster(s)" in result["msg"]
    assert "c09 and 2 more" in result["msg"]
    assert "c10" not in result["msg"]
    assert len(result["clusters"]) == 12


def test_a_flag_in_use_goes_by_force(azure: Lay) -> None:
    cloud = flag(azure, "Registered", *HOLDERS)
    result = call(cloud, "absent", force=True)
    assert result["state"] == UNREGISTERED
    assert written(cloud) == [UNREGISTER]


def test_clusters_of_another_subscription_do_not_count(azure: Lay) -> None:
    other = "99999999-9999-4999-8999-999999999999"
    cloud = flag(azure, "Registered", {"name": "c1"}, {"name": "c2", "mode": "IPVS", "subscription": other})
    assert call(cloud, "absent")["state"] == UNREGISTERED


def test_another_feature_is_not_guarded(azure: Lay) -> None:
    name = "NodeAutoProvisioningPreview"
    cloud = azure(*HOLDERS, features={SUBSCRIPTION: {name: "Registered"}})
    result = call(cloud, "absent", name=name)
    assert result["state"] == UNREGISTERED
    assert result["name"] == name
    assert result["id"].endswith(f"/providers/Microsoft.ContainerService/features/{name}")


def test_another_namespace_refreshes_its_own_provider(azure: Lay) -> None:
    cloud = azure(features={SUBSCRIPTION: {"Microsoft.Compute/AutomaticThing": "NotRegistered"}})
    result = call(cloud, namespace="Microsoft.Compute", name="AutomaticThing")
    assert result["state"] == REGISTERED
    assert written(cloud)[-1] == "/providers/Microsoft.Compute/register"


def test_another_subscription_can_be_named(azure: Lay) -> None:
    other = "99999999-9999-4999-8999-999999999999"
    cloud = azure(features={SUBSCRIPTION: {FLAG: "NotRegistered"}, other: {FLAG: "NotRegistered"}})
    assert call(cloud, subscription_id=other)["subscription_id"] == other
    assert cloud.emulator.feature_state(FLAG, other) == REGISTERED
    assert cloud.emulator.feature_state(FLAG, SUBSCRIPTION) == "NotRegistered"


def test_a_refresh_that_stumbles_is_tried_again_in_bounded_time(azure: Lay) -> None:
    cloud = flag(azure, "Registering")
    cloud.emulator.fault("server_error", match={"method": "POST", "path": "ContainerService/register$"}, times=2)
    assert call(cloud)["provider_refreshed"] is True
    assert written(cloud) == [SPREAD] * 3

    cloud = flag(azure, "Registering")
    cloud.emulator.fault("server_error", match={"method": "POST", "path": "ContainerService/register$"}, times=None)
    result = call(cloud)
    assert result["failed"] is True
    assert result["code"] == "InternalServerError"
    assert result["state"] == REGISTERED
    assert result["provider_refreshed"] is False
    assert len(written(cloud)) == 6
    assert cloud.time.seconds < 300
