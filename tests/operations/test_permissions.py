"""The roles that are shipped, of Azure and of Kubernetes: enough for everything, and nothing that is not needed."""

from __future__ import annotations

import copy
import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible_collections.aks.kube_proxy.plugins.module_utils._azure.api_versions import OLDEST
from ansible_collections.aks.kube_proxy.plugins.module_utils._kubernetes.access import ADMIN, RUN_COMMAND, USER
from ansible_collections.aks.kube_proxy.plugins.module_utils._operations import (
    config,
    config_info,
    preview_feature,
    verify,
)
from ansible_collections.aks.kube_proxy.plugins.module_utils._operations.operation import Operation

from tests.support.operations import Azure

Lay = Callable[..., Azure]
DOCS = Path(__file__).resolve().parents[2] / "docs"
ROLES: dict[str, dict[str, Any]] = {
    path.name: json.loads(path.read_text(encoding="utf-8")) for path in sorted((DOCS / "roles").glob("*.json"))
}
OPERATOR = "kube-proxy-operator.json"
ACTIONS: list[str] = ROLES[OPERATOR]["Actions"]
VERIFIERS = {
    USER: "kube-proxy-verifier.json",
    ADMIN: "kube-proxy-verifier-admin.json",
    RUN_COMMAND: "kube-proxy-verifier-run-command.json",
}
MANIFEST: list[dict[str, Any]] = yaml.safe_load(
    (DOCS / "roles" / "kubernetes-verify.yaml").read_text(encoding="utf-8")
)["items"]
SUBSCRIPTION = "11111111-1111-4111-8111-111111111111"
FLAG = "KubeProxyConfigurationPreview"
C1: dict[str, Any] = {"resource_group": "rg1", "name": "c1"}
SWITCH: dict[str, Any] = {**C1, "mode": "NFTABLES"}
OLD_CLOUD = {"behaviour": {"api_versions": {"offered": [OLDEST]}}}


NOBODY = {"client_id": "33333333-3333-4333-8333-333333333333", "secret": "emulator~secret~of~nobody"}


def signed_in(azure: Lay, actions: list[str], *, state: str = "Registered", **fleet: Any) -> Azure:
    """The emulator with one cluster, for somebody who may do these actions and nothing else."""
    who = {**NOBODY, "actions": actions}
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


def test_without_the_refresh_a_switch_waits_for_the_flag_all_the_same_and_says_what_is_missing(azure: Lay) -> None:
    refresh = "Microsoft.ContainerService/register/action"
    cloud = signed_in(azure, [action for action in ACTIONS if action != refresh])
    cloud.emulator.fault("feature_not_propagated", match={"method": "PUT"}, times=2)
    assert cloud.call(config.OPERATION, **SWITCH)["changed"] is True
    assert [entry["status"] for entry in cloud.arm_requests()].count(403) == 1, "it is tried once"
    cloud.emulator.fault("feature_not_propagated", match={"method": "PUT"}, times=None)
    result = cloud.call(config.OPERATION, **C1, mode="IPVS")
    assert result["failed"] is True and result["code"] == "KubeProxyConfigFeatureNotRegistered"
    assert f"'{refresh}'" in result["msg"]
    assert "'refresh_provider: always'" in result["msg"]


def test_without_reading_the_flag_a_refusal_says_both_things_that_may_be_missing(azure: Lay) -> None:
    read = "Microsoft.Features/providers/features/read"
    cloud = signed_in(azure, [action for action in ACTIONS if action != read], state="NotRegistered")
    result = cloud.call(config.OPERATION, **SWITCH)
    assert "Register the preview feature" in result["msg"] and "'refresh_provider: always'" in result["msg"]


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


# --- evidence from the clusters themselves ---

CALICO = {"linux_dataplane": "Nftables", "version": "v3.31.0"}
# Each right that the manifest gives, one resource and one verb: where it stands there.
RIGHTS = [
    pytest.param(document, rule, id=f"{role['metadata']['name']}-{rule['verbs'][0]}-{rule['resources'][0]}")
    for document, role in enumerate(MANIFEST)
    for rule in role.get("rules", [])
]


def may_verify(
    azure: Lay, actions: list[str], *, manifest: Path | None = None, state: dict[str, Any] | None = None, **fleet: Any
) -> Azure:
    """The emulator with a cluster of Entra ID, for somebody who may do this there, and nothing without a manifest."""
    inside = {"kubernetes_role_file": str(manifest)} if manifest else {"kubernetes": "none"}
    cluster = {"name": "c1", "mode": "IPTABLES", "kubernetes": {"entra": True, "calico": CALICO, **(state or {})}}
    return azure(cluster, principals=[{**NOBODY, "actions": actions, **inside}], **fleet)


def asked(cloud: Azure, phase: str, way: str) -> dict[str, Any]:
    """What the evidence of the cluster comes to."""
    mode: dict[str, Any] = {"mode": "NFTABLES"} if phase == "before" else {}
    result = cloud.call(verify.OPERATION, **C1, **mode, phase=phase, access=way, unverified="warn")
    assert not result.get("failed"), result["msg"]
    found: dict[str, Any] = result["clusters"]["c1"]
    return found


def written(folder: Path, documents: list[dict[str, Any]]) -> Path:
    """A manifest with these documents."""
    path = folder / "roles.yaml"
    path.write_text(yaml.safe_dump_all(documents), encoding="utf-8")
    return path


@pytest.mark.parametrize("way", VERIFIERS)
def test_evidence_can_be_had_with_exactly_these_roles(azure: Lay, tmp_path: Path, way: str) -> None:
    manifest = None if way == ADMIN else written(tmp_path, MANIFEST)
    cloud = may_verify(azure, ROLES[VERIFIERS[way]]["Actions"], manifest=manifest, **OLD_CLOUD)
    assert asked(cloud, "before", way)["state"] == "safe"
    assert asked(cloud, "after", way)["state"] == "verified"
    answers = [*cloud.emulator.kubernetes_requests(), *cloud.arm_requests()]
    assert 403 not in [entry.get("status") for entry in answers]


@pytest.mark.parametrize(
    ("way", "action"), [(way, a) for way, name in VERIFIERS.items() for a in ROLES[name]["Actions"]]
)
def test_without_an_action_nothing_is_verified_and_the_message_names_it(
    azure: Lay, tmp_path: Path, way: str, action: str
) -> None:
    actions = [other for other in ROLES[VERIFIERS[way]]["Actions"] if other != action]
    found = asked(may_verify(azure, actions, manifest=written(tmp_path, MANIFEST), **OLD_CLOUD), "after", way)
    assert (found["state"], found["ok"], found["code"]) == ("unverified", False, "AuthorizationFailed")
    assert f"'{action}'" in found["reason"]


@pytest.mark.parametrize("way", [USER, RUN_COMMAND])
@pytest.mark.parametrize(("document", "rule"), RIGHTS)
def test_without_a_right_in_the_cluster_nothing_is_verified_and_the_message_names_it(
    azure: Lay, tmp_path: Path, document: int, rule: dict[str, Any], way: str
) -> None:
    rest = copy.deepcopy(MANIFEST)
    rest[document]["rules"].remove(rule)
    cloud = may_verify(azure, ROLES[VERIFIERS[way]]["Actions"], manifest=written(tmp_path, rest))
    only_before = MANIFEST[document]["metadata"]["name"].endswith("-before")
    for phase in ("before", "after"):
        found = asked(cloud, phase, way)
        if phase == "after" and only_before:
            assert found["state"] == "verified"
            continue
        assert (found["state"], found["ok"]) == ("unverified", False)
        counters = phase == "before" and rule["resources"] == ["pods/proxy"]
        assert f'cannot {rule["verbs"][0]} resource "{rule["resources"][0]}"' in found["reason"]
        assert counters or "docs/permissions.md" in found["reason"]


def test_the_phase_after_needs_neither_the_role_nor_the_binding_of_the_other(azure: Lay, tmp_path: Path) -> None:
    rest = [document for document in MANIFEST if not document["metadata"]["name"].endswith("-before")]
    assert len(MANIFEST) - len(rest) == 2
    cloud = may_verify(azure, ROLES[VERIFIERS[USER]]["Actions"], manifest=written(tmp_path, rest))
    assert asked(cloud, "after", USER)["state"] == "verified"


def test_a_switch_to_nftables_is_proven_with_exactly_these_roles(azure: Lay, tmp_path: Path) -> None:
    actions = [*ACTIONS, *ROLES[VERIFIERS[USER]]["Actions"]]
    cloud = may_verify(azure, actions, manifest=written(tmp_path, MANIFEST))
    assert cloud.call(config.OPERATION, **SWITCH)["changed"] is True
    assert asked(cloud, "after", USER)["state"] == "verified"


def test_the_operators_role_hands_out_no_credentials(azure: Lay, tmp_path: Path) -> None:
    cloud = may_verify(azure, ACTIONS, manifest=written(tmp_path, MANIFEST))
    for way, action in ((USER, "listClusterUserCredential"), (RUN_COMMAND, "runcommand")):
        assert f"managedClusters/{action}/action'" in asked(cloud, "after", way)["reason"]


def test_the_rights_in_the_cluster_are_narrow() -> None:
    roles = [document for document in MANIFEST if "rules" in document]
    rules = [(role, rule) for role in roles for rule in role["rules"]]
    for role, rule in rules:
        assert [len(rule[key]) for key in ("apiGroups", "resources", "verbs")] == [1, 1, 1]
        assert rule["verbs"][0] in ("get", "list")
        assert "*" not in json.dumps(rule)
        if rule["resources"][0].startswith("pods"):
            assert (role["kind"], role["metadata"]["namespace"]) == ("Role", "kube-system")
        # a name can narrow what is got by a name that is known: kube-proxy's pods have generated ones
        assert ("resourceNames" in rule) == (rule["verbs"] == ["get"] and rule["resources"] != ["pods/proxy"])
    assert "nodes/proxy" not in [rule["resources"][0] for _role, rule in rules]


# --- what is documented ---


def sections() -> dict[str, str]:
    """The parts of docs/permissions.md, by the file with roles to which the first link of each leads."""
    text = (DOCS / "permissions.md").read_text(encoding="utf-8")
    parts = re.split(r"^## .*$", text, flags=re.MULTILINE)
    links = [(re.search(r"\(roles/([\w.-]+)\)", part), part) for part in parts]
    return {link[1]: part for link, part in links if link}


def test_the_documented_tables_are_the_roles() -> None:
    known = sections()
    assert set(known) == {*ROLES, "kubernetes-verify.yaml"}
    for name, role in ROLES.items():
        rows = re.findall(r"^\| `(Microsoft\.[\w./]+)` \|", known[name], re.MULTILINE)
        assert sorted(rows) == sorted(role["Actions"]), name
        assert len(rows) == len(set(rows))
        assert not [action for action in rows if "*" in action]
        assert not [role[key] for key in ("NotActions", "DataActions", "NotDataActions") if role[key]]
    rows = re.findall(r"^\| `([\w/]+)` \| `(\w+)` \|", known["kubernetes-verify.yaml"], re.MULTILINE)
    rights = [(rule["resources"][0], rule["verbs"][0]) for role in MANIFEST for rule in role.get("rules", [])]
    assert sorted(rows) == sorted(rights)
