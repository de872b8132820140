"""The custom role that is shipped: enough for everything, and nothing in it that is not needed."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.aks.kube_proxy.plugins.module_utils._azure.api_versions import OLDEST
from ansible_collections.aks.kube_proxy.plugins.module_utils._operations import config, config_info, preview_feature
from ansible_collections.aks.kube_proxy.plugins.module_utils._operations.operation import Operation

from tests.support.operations import Azure

Lay = Callable[..., Azure]
DOCS = Path(__file__).resolve().parents[2] / "docs"
ROLE = json.loads((DOCS / "roles" / "kube-proxy-operator.json").read_text(encoding="utf-8"))
ACTIONS: list[str] = ROLE["Actions"]
SUBSCRIPTION = "11111111-1111-4111-8111-111111111111"
FLAG = "KubeProxyConfigurationPreview"
C1: dict[str, Any] = {"resource_group": "rg1", "name": "c1"}
SWITCH: dict[str, Any] = {**C1, "mode": "NFTABLES"}
OLD_CLOUD = {"behaviour": {"api_versions": {"offered": [OLDEST]}}}


def signed_in(azure: Lay, actions: list[str], *, state: str = "Registered", **fleet: Any) -> Azure:
    """The emulator with one cluster, for somebody who may do these actions and nothing else."""
    who = {
        "client_id": "33333333-3333-4333-8333-333333333333",
        "secret": "emulator~secret~of~nobody",
        "actions": actions,
    }
    return azure({"name": "c1"}, principals=[who], features={SUBSCRIPTION: {FLAG: state}}, **fleet)


def test_everything_works_with_exactly_this_role(azure: Lay) -> None:
    cloud = signed_in(azure, ACTIONS, state="NotRegistered", **OLD_CLOUD)

    def done(operation: Operation, **arguments: Any) -> dict[str, Any]:
        result = cloud.call(operation, **arguments)
        assert not result.get("failed"), result["msg"]
        return result

    assert done(preview_feature.OPERATION)["changed"] is True
    assert done(config.OPERATION, check=True, **SWITCH)["changed"] is True
    assert done(config.OPERATION, **SWITCH)["changed"] is True
    assert done(config_info.OPERATION)["clusters"][0]["feature_state"] == "Registered"
    assert done(config_info.OPERATION, **C1)["clusters"][0]["kube_proxy"]["mode"] == "NFTABLES"
    assert cloud.call(preview_feature.OPERATION, state="absent")["code"] == "FeatureInUse"
    assert done(preview_feature.OPERATION, state="absent", force=True)["state"] == "Unregistered"
    done(preview_feature.OPERATION)
    cloud.emulator.fault("operation_failed", code="VMExtensionError", message="the node did not answer")
    assert cloud.call(config.OPERATION, **C1, mode="IPVS")["code"] == "VMExtensionError"
    assert 403 not in [entry["status"] for entry in cloud.arm_requests()]


# action -> the module that needs it, its parameters, and what else is laid out
NEEDED: dict[str, tuple[Operation, dict[str, Any], dict[str, Any]]] = {
    "Microsoft.ContainerService/managedClusters/read": (config_info.OPERATION, {}, {}),
    "Microsoft.ContainerService/managedClusters/write": (config.OPERATION, SWITCH, {}),
    "Microsoft.ContainerService/register/action": (preview_feature.OPERATION, {}, {"state": "Registering"}),
    "Microsoft.Features/providers/features/read": (preview_feature.OPERATION, {}, {}),
    "Microsoft.Features/providers/features/register/action": (
        preview_feature.OPERATION,
        {},
        {"state": "NotRegistered"},
    ),
    "Microsoft.Features/providers/features/unregister/action": (preview_feature.OPERATION, {"state": "absent"}, {}),
    "Microsoft.Resources/subscriptions/providers/read": (config.OPERATION, SWITCH, OLD_CLOUD),
}
# Without these something is only said less well; the tests below say what.
SOFT = {"Microsoft.ContainerService/locations/operations/read"}


def test_each_action_has_a_test() -> None:
    assert {*NEEDED, *SOFT} == set(ACTIONS)
    assert len(ACTIONS) == len(set(ACTIONS))


@pytest.mark.parametrize("action", NEEDED)
def test_without_an_action_azure_refuses_and_the_message_names_it(azure: Lay, action: str) -> None:
    operation, arguments, laid_out = NEEDED[action]
    whole = signed_in(azure, ACTIONS, **laid_out)
    assert not whole.call(operation, **arguments).get("failed")

    cloud = signed_in(azure, [other for other in ACTIONS if other != action], **laid_out)
    result = cloud.call(operation, **arguments)
    assert result["failed"] is True
    assert result["status"] == 403
    assert result["code"] == "AuthorizationFailed"
    assert f"'{action}'" in result["msg"]
    assert "docs/permissions.md" in result["msg"]
    assert result["correlation_id"] in result["msg"]
    assert [entry["status"] for entry in cloud.arm_requests()].count(403) == 1


def test_without_reading_operations_a_failure_is_told_without_its_reason(azure: Lay) -> None:
    cloud = signed_in(azure, [action for action in ACTIONS if action not in SOFT])
    cloud.emulator.fault("operation_failed", code="VMExtensionError", message="the node did not answer")
    result = cloud.call(config.OPERATION, **SWITCH)
    assert result["failed"] is True
    assert "ended Failed" in result["msg"]
    assert "VMExtensionError" not in result["msg"]
    assert "Azure gave no reason" not in result["msg"], "Azure has one, it may only not be read"
    assert "Microsoft.ContainerService/locations/operations/read" in result["msg"]
    assert result["correlation_id"] in result["msg"]


def test_an_auditor_needs_only_to_read(azure: Lay) -> None:
    clusters, flag = (
        "Microsoft.ContainerService/managedClusters/read",
        "Microsoft.Features/providers/features/read",
    )
    for actions, state in (([clusters, flag], "Registered"), ([clusters], None)):
        cloud = signed_in(azure, actions)
        for operation, arguments in ((config_info.OPERATION, C1), (config.OPERATION, {**SWITCH, "check": True})):
            result = cloud.call(operation, **arguments)
            assert not result.get("failed"), result["msg"]
        assert cloud.call(config_info.OPERATION)["clusters"][0]["feature_state"] == state


def test_the_documented_table_is_the_role() -> None:
    text = (DOCS / "permissions.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| `(Microsoft\.[\w./]+)` \|", text, re.MULTILINE)
    assert sorted(rows) == sorted(ACTIONS)
    assert not [action for action in ACTIONS if "*" in action]
    assert not [ROLE[key] for key in ("NotActions", "DataActions", "NotDataActions") if ROLE[key]]
