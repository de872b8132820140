"""Which API version is spoken: the newest known one at once, and another only where a cloud refuses that."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from ansible_collections.aks.kube_proxy.plugins.module_utils._azure.api_versions import KNOWN, OLDEST
from ansible_collections.aks.kube_proxy.plugins.module_utils._operations import config, config_info, preview_feature
from ansible_collections.aks.kube_proxy.plugins.module_utils._operations.operation import Operation

from tests.support.operations import Azure

Lay = Callable[..., Azure]
SUBSCRIPTION = "11111111-1111-4111-8111-111111111111"
FLAG = "KubeProxyConfigurationPreview"
PROVIDER_PATH = f"/subscriptions/{SUBSCRIPTION}/providers/Microsoft.ContainerService"
STABLE = "2026-08-01"
MODULES: tuple[tuple[Operation, dict[str, Any]], ...] = (
    (config.OPERATION, {"resource_group": "rg1", "name": "c1", "mode": "NFTABLES"}),
    (config_info.OPERATION, {"resource_group": "rg1", "name": "c1"}),
    (config_info.OPERATION, {}),
)
SWITCH = MODULES[0]


def offering(azure: Lay, *versions: str, **behaviour: Any) -> Azure:
    return azure({"name": "c1"}, behaviour={"api_versions": {"offered": list(versions)}, **behaviour})


def spoken(cloud: Azure) -> set[str]:
    """The versions in which clusters were spoken of with success."""
    about_clusters = [entry for entry in cloud.arm_requests() if "/managedClusters" in entry["path"]]
    return {str(entry["api_version"]) for entry in about_clusters if entry["status"] == 200}


def refused(cloud: Azure) -> list[str]:
    return [str(entry["api_version"]) for entry in cloud.arm_requests() if entry["status"] != 200]


def times_asked(cloud: Azure) -> int:
    return [entry["path"] for entry in cloud.arm_requests()].count(PROVIDER_PATH)


def about_versions(result: dict[str, Any]) -> list[str]:
    """The warnings that are about API versions."""
    return [text for text in result["warnings"] if "API version" in text]


@pytest.mark.parametrize(("operation", "arguments"), MODULES)
def test_the_newest_known_version_is_spoken_without_asking(
    azure: Lay, operation: Operation, arguments: dict[str, Any]
) -> None:
    cloud = offering(azure, *KNOWN, "2031-01-02-preview", STABLE)
    result = cloud.call(operation, **arguments)
    assert not result.get("failed"), result["msg"]
    assert spoken(cloud) == {KNOWN[0]}
    assert times_asked(cloud) == 0
    assert about_versions(result) == []


@pytest.mark.parametrize("newest", [KNOWN[1], KNOWN[-2], OLDEST])
@pytest.mark.parametrize(("operation", "arguments"), MODULES)
def test_an_older_cloud_is_asked_once_and_spoken_to_in_the_newest_that_both_know(
    azure: Lay, operation: Operation, arguments: dict[str, Any], newest: str
) -> None:
    cloud = offering(azure, *KNOWN[KNOWN.index(newest) :], STABLE, "2025-08-02-preview")
    result = cloud.call(operation, **arguments)
    assert not result.get("failed"), result["msg"]
    assert spoken(cloud) == {newest}
    assert refused(cloud) == [KNOWN[0]]
    assert times_asked(cloud) == 1
    assert about_versions(result) == []


def test_the_guard_of_the_flag_asks_too(azure: Lay) -> None:
    cloud = azure(
        {"name": "c1", "mode": "IPVS"},
        features={SUBSCRIPTION: {FLAG: "Registered"}},
        behaviour={"api_versions": {"offered": [OLDEST]}},
    )
    assert cloud.call(preview_feature.OPERATION, state="absent")["code"] == "FeatureInUse"


def test_where_no_known_version_is_left_the_newest_is_spoken_with_a_warning(azure: Lay) -> None:
    cloud = offering(azure, "2030-01-02-preview", "2031-01-02-preview", "2031-05-01")
    operation, arguments = SWITCH
    result = cloud.call(operation, **arguments)
    assert not result.get("failed"), result["msg"]
    assert spoken(cloud) == {"2031-01-02-preview"}
    (warning,) = about_versions(result)
    assert "does not know API version 2031-01-02-preview" in warning
    assert "newer release" in warning


@pytest.mark.parametrize(
    ("offered", "newest"), [((STABLE,), "none at all"), ((STABLE, "2025-08-02-preview"), "2025-08-02-preview")]
)
@pytest.mark.parametrize(("operation", "arguments"), MODULES)
def test_a_cloud_that_has_none_gets_a_clear_error(
    azure: Lay, operation: Operation, arguments: dict[str, Any], offered: tuple[str, ...], newest: str
) -> None:
    cloud = offering(azure, *offered)
    result = cloud.call(operation, **arguments)
    assert result["failed"] is True
    assert OLDEST in result["msg"]
    assert f"its newest preview is {newest}" in result["msg"]
    assert "has not arrived there" in result["msg"]
    assert SUBSCRIPTION in result["msg"]
    assert cloud.writes() == []
    assert len(cloud.arm_requests()) == 2


def test_a_version_that_was_asked_for_is_spoken(azure: Lay) -> None:
    operation, arguments = SWITCH
    cloud = offering(azure, *KNOWN)
    result = cloud.call(operation, api_version=OLDEST, **arguments)
    assert not result.get("failed"), result["msg"]
    assert spoken(cloud) == {OLDEST}
    assert times_asked(cloud) == 0


def test_a_version_that_was_asked_for_and_is_not_offered_is_an_error(azure: Lay) -> None:
    operation, arguments = SWITCH
    cloud = offering(azure, OLDEST, KNOWN[1], STABLE)
    result = cloud.call(operation, api_version="2029-01-02-preview", **arguments)
    assert result["failed"] is True
    for part in ("Cluster c1", "does not offer API version 2029-01-02-preview", f"{KNOWN[1]}, {OLDEST}", "'auto'"):
        assert part in result["msg"]
    assert STABLE not in result["msg"]
    assert cloud.writes() == []


@pytest.mark.parametrize("version", [STABLE, "2025-08-02-preview", "newest", "", "2026-08-02-preview\n", "../../x"])
@pytest.mark.parametrize(("operation", "arguments"), MODULES)
def test_a_version_that_cannot_carry_the_configuration_is_refused_before_any_request(
    azure: Lay, operation: Operation, arguments: dict[str, Any], version: str
) -> None:
    cloud = offering(azure, *KNOWN, STABLE)
    result = cloud.call(operation, api_version=version, **arguments)
    assert result["failed"] is True
    assert "only preview versions" in result["msg"]
    assert OLDEST in result["msg"]
    assert cloud.emulator.requests() == []


@pytest.mark.parametrize("offered", [KNOWN, (OLDEST,)])
def test_a_provider_that_is_not_registered_is_named(azure: Lay, offered: tuple[str, ...]) -> None:
    operation, arguments = SWITCH
    cloud = offering(azure, *offered, registered_provider=False)
    result = cloud.call(operation, **arguments)
    assert result["failed"] is True
    assert result["code"] == "MissingSubscriptionRegistration"
    assert "Cluster c1" in result["msg"]
    assert "az provider register" in result["msg"]


@pytest.mark.parametrize(
    ("fault", "arguments", "says"),
    [
        ("forbidden", {}, "Microsoft.Resources/subscriptions/providers/read"),
        ("server_error", {"status": 503, "shape": "html"}, "run again later"),
        ("throttled", {}, "fewer requests"),
        ("cut_before", {}, "Cannot reach"),
    ],
)
def test_a_provider_that_cannot_be_asked_is_an_error_in_bounded_time(
    azure: Lay, fault: str, arguments: dict[str, Any], says: str
) -> None:
    operation, switch = SWITCH
    cloud = offering(azure, OLDEST)
    cloud.emulator.fault(fault, match={"path": "providers/Microsoft.ContainerService$"}, times=None, **arguments)
    result = cloud.call(operation, **switch)
    assert result["failed"] is True
    assert "Cluster c1" in result["msg"]
    assert says in result["msg"]
    assert times_asked(cloud) <= 6
    assert cloud.time.seconds < 120
