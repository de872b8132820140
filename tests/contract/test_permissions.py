"""Roles, locks and policies."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.contract.arm_client import SUBSCRIPTION, cluster_path, feature_path, group_path, wrapped
from tests.contract.conftest import Start

READ = "Microsoft.ContainerService/managedClusters/read"
CLIENT = "aaaaaaaa-0000-4000-8000-00000000000a"
ME: dict[str, Any] = {"client_id": CLIENT, "object_id": "bbbbbbbb-0000-4000-8000-00000000000b", "secret": "s"}


def test_a_missing_action_is_named_with_everything_else(start: Start) -> None:
    arm = start(principals=[{**ME, "actions": [READ]}])
    body = arm.get()
    assert wrapped(arm.put(body), 403, "AuthorizationFailed") == (
        f"The client '{CLIENT}' with object id '{ME['object_id']}' does not have authorization to perform action "
        f"'Microsoft.ContainerService/managedClusters/write' over scope '{cluster_path()}' or the scope is invalid. "
        "If access was recently granted, please refresh your credentials."
    )
    assert "'Microsoft.ContainerService/register/action'" in wrapped(
        arm.ask("POST", f"/subscriptions/{SUBSCRIPTION}/providers/Microsoft.ContainerService/register", "2021-04-01"),
        403,
        "AuthorizationFailed",
    )
    assert "features/register/action" in wrapped(
        arm.ask("POST", f"{feature_path()}/register", "2021-07-01"), 403, "AuthorizationFailed"
    )


@pytest.mark.parametrize(
    ("rights", "may_read", "may_write"),
    [
        ({"role": "owner"}, True, True),
        ({"role": "reader"}, True, False),
        ({"actions": ["microsoft.containerservice/*"]}, True, True),
        ({"actions": ["*"], "not_actions": ["*/write"]}, True, False),
        ({"actions": ["Microsoft.Network/*"]}, False, False),
        ({}, True, True),
    ],
)
def test_roles(start: Start, rights: Any, may_read: bool, may_write: bool) -> None:
    arm = start(principals=[{**ME, **rights}])
    assert (arm.ask("GET", cluster_path()).status_code == 200) == may_read
    body = {"location": "westeurope", "properties": {}}
    assert (arm.put(body).status_code == 200) == may_write


@pytest.mark.parametrize(
    "role",
    [
        {"Name": "r", "Actions": [READ], "NotActions": []},
        {"properties": {"roleName": "r", "permissions": [{"actions": [READ], "notActions": []}]}},
    ],
)
def test_a_custom_role_from_a_file(start: Start, tmp_path: Path, role: Any) -> None:
    path = tmp_path / "role.json"
    path.write_text(json.dumps(role))
    arm = start(principals=[{**ME, "role_file": str(path)}])
    assert arm.get()["name"] == "c1"
    wrapped(arm.put(arm.get()), 403, "AuthorizationFailed")


@pytest.mark.parametrize("scope", [cluster_path(), group_path().upper(), f"/subscriptions/{SUBSCRIPTION}"])
def test_a_read_only_lock_blocks_every_write(start: Start, scope: str) -> None:
    arm = start([{"name": "c1"}], locks=[{"scope": scope}])
    body = arm.get()
    message = wrapped(arm.put(body), 409, "ScopeLocked")
    assert message == (
        f"The scope '{cluster_path()}' cannot perform write operation because following scope(s) are locked: "
        f"'{scope}'. Please remove the lock and try again."
    )
    assert "delete operation" in wrapped(arm.ask("DELETE", cluster_path()), 409, "ScopeLocked")
    wrapped(arm.ask("POST", f"{cluster_path()}/listClusterUserCredential"), 409, "ScopeLocked")


def test_other_locks(start: Start) -> None:
    locks = [{"scope": cluster_path("c2")}, {"scope": cluster_path(), "level": "CanNotDelete"}]
    arm = start([{"name": "c1"}, {"name": "c22"}], locks=locks)
    assert arm.put(arm.get("c22"), "c22").status_code == 200
    wrapped(arm.ask("DELETE", cluster_path()), 409, "ScopeLocked")
    assert arm.put(arm.get()).status_code == 200


def test_policies(start: Start) -> None:
    arm = start(policies=[{"scope": group_path(), "name": "no-changes"}])
    answer = arm.put(arm.get())
    assert "no-changes" in wrapped(answer, 403, "RequestDisallowedByPolicy")
    error = answer.json()["error"]
    assert error["target"] == "c1"
    (info,) = error["additionalInfo"]
    assert info["type"] == "PolicyViolation"
    assert info["info"]["policyAssignmentName"] == "no-changes"
    wrapped(arm.ask("PATCH", cluster_path(), body={"tags": {}}), 403, "RequestDisallowedByPolicy")
