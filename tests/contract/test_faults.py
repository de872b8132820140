"""Faults by name: each does what docs/emulator.md says, as often and where it was told to."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import pytest
import requests

from tests.contract.arm_client import REGISTERED, Arm, cluster_path, flat, wrapped
from tests.contract.conftest import Start
from tests.emulator import FleetError
from tests.emulator.faults import FAULTS

NFTABLES = {"enabled": True, "mode": "NFTABLES"}
IPTABLES = {"enabled": True, "mode": "IPTABLES"}
CUT = (requests.ConnectionError, requests.exceptions.ChunkedEncodingError)


def ready(start: Start, *names: str, **fleet: Any) -> Arm:
    return start([{"name": name, "mode": "IPTABLES"} for name in names or ["c1"]], features=REGISTERED, **fleet)


def config(arm: Arm) -> Any:
    return arm.emulator.cluster("c1")["properties"]["networkProfile"]["kubeProxyConfig"]


def writes(arm: Arm) -> int:
    return sum(entry["method"] == "PUT" for entry in arm.emulator.requests())


def test_throttled(start: Start) -> None:
    arm = ready(start)
    arm.emulator.fault("throttled")
    arm.emulator.fault("throttled", retry_after=7)
    arm.emulator.fault("throttled", shape="arm", retry_after=3)
    first, second, third = (arm.ask("GET", cluster_path()) for _unused in range(3))
    flat(first, 429, "Throttled")
    assert "Retry-After" not in first.headers
    flat(second, 429, "Throttled")
    assert second.headers["Retry-After"] == "7"
    assert "after '3' seconds" in wrapped(third, 429, "SubscriptionRequestsThrottled")
    assert third.headers["Retry-After"] == "3"
    assert arm.ask("GET", cluster_path()).status_code == 200


def test_server_errors(start: Start) -> None:
    arm = ready(start)
    arm.emulator.fault("server_error", status=503)
    wrapped(arm.ask("GET", cluster_path()), 503, "InternalServerError")
    arm.emulator.fault("server_error", status=502, shape="html")
    page = arm.ask("GET", cluster_path())
    assert (page.status_code, page.headers["Content-Type"]) == (502, "text/html; charset=utf-8")
    assert page.text.startswith("<html>")


def test_cut_before_and_after(start: Start) -> None:
    arm = ready(start)
    body = arm.get()
    body["properties"]["networkProfile"]["kubeProxyConfig"] = NFTABLES
    arm.emulator.fault("cut_before", match={"method": "PUT"})
    with pytest.raises(CUT):
        arm.put(body)
    assert config(arm) == IPTABLES
    arm.emulator.fault("cut_after", match={"method": "PUT"})
    with pytest.raises(CUT):
        arm.put(body)
    assert config(arm) == NFTABLES
    assert arm.get()["properties"]["provisioningState"] == "Updating"
    assert [entry["status"] for entry in arm.emulator.requests() if entry["method"] == "PUT"] == [None, None]


def test_cut_within(start: Start, capfd: pytest.CaptureFixture[str]) -> None:
    arm = ready(start)
    body = arm.get()
    body["properties"]["networkProfile"]["kubeProxyConfig"] = NFTABLES
    arm.emulator.fault("cut_within", match={"method": "PUT"})
    with pytest.raises(CUT):
        arm.put(body)
    assert config(arm) == NFTABLES
    assert arm.get()["properties"]["provisioningState"] == "Updating"
    assert capfd.readouterr().err == ""


def test_slow(start: Start) -> None:
    arm = ready(start)
    arm.emulator.fault("slow", seconds=0.3)
    begin = time.monotonic()
    arm.get()
    assert time.monotonic() - begin > 0.3


def test_etag_race(start: Start) -> None:
    arm = ready(start)
    arm.emulator.fault("etag_race")
    answer = arm.switch(NFTABLES)
    flat(answer, 409, "EtagMismatch", "PutManagedClusterAndComponents_FailedPrecondition")
    assert answer.json()["details"] == [
        {"code": "Unspecified", "message": "rpc error: code = FailedPrecondition desc = Etag mismatched"}
    ]
    assert config(arm) == IPTABLES


def test_changed_underneath(start: Start) -> None:
    arm = ready(start)
    body = arm.get()
    arm.emulator.fault("changed_underneath", patch={"tags": {"by": "other"}})
    flat(arm.put(body, headers={"If-Match": body["eTag"]}), 412, "PreConditionFailed")
    assert arm.get()["tags"] == {"by": "other"}
    arm.emulator.fault("changed_underneath")
    assert arm.put(body).status_code == 200
    assert "tags" not in arm.get()


def test_conflicts(start: Start) -> None:
    arm = ready(start)
    arm.emulator.fault("operation_in_progress", operation="nodepool1 - Updating")
    assert "(nodepool1 - Updating) is in progress" in flat(arm.switch(NFTABLES), 409, "OperationNotAllowed")
    arm.emulator.fault("operation_in_progress", pool=True)
    assert "Another agentpool operation (Updating)" in flat(arm.switch(NFTABLES), 409, "OperationNotAllowed")
    arm.emulator.fault("blocked_by_node_disruption_policy")
    message = flat(arm.switch(NFTABLES), 409, "OperationNotAllowed", "OperationBlockedByNodeDisruptionPolicy")
    assert "'PutManagedClusterHandler.PUT'" in message
    arm.emulator.fault("feature_not_propagated")
    flat(arm.switch(NFTABLES), 400, "KubeProxyConfigFeatureNotRegistered", "1132")
    assert config(arm) == IPTABLES


@pytest.mark.parametrize(("kept", "left"), [("kept", NFTABLES), ("restored", IPTABLES)])
def test_a_failing_operation(start: Start, kept: str, left: Any) -> None:
    arm = ready(start)
    arm.emulator.fault("operation_failed", code="AllocationFailed", message="No room.", config=kept)
    operation = arm.settle(arm.switch(NFTABLES))
    assert operation["status"] == "Failed"
    assert operation["error"] == {"code": "AllocationFailed", "message": "No room."}
    assert arm.get()["properties"]["provisioningState"] == "Failed"
    assert arm.get()["properties"]["agentPoolProfiles"][0]["provisioningState"] == "Failed"
    assert config(arm) == left
    arm.settle(arm.switch(NFTABLES))
    assert arm.get()["properties"]["provisioningState"] == "Succeeded"


def test_canceled_and_stuck_operations(start: Start) -> None:
    arm = ready(start)
    arm.emulator.fault("operation_canceled")
    operation = arm.settle(arm.switch(NFTABLES))
    assert (operation["status"], operation["error"]["code"]) == ("Canceled", "OperationPreempted")
    assert arm.get()["properties"]["provisioningState"] == "Canceled"
    arm.emulator.fault("operation_stuck")
    assert arm.settle(arm.switch(NFTABLES))["status"] == "ProvisioningControlPlane"
    assert arm.get()["properties"]["provisioningState"] == "Updating"


def test_ignored(start: Start) -> None:
    arm = ready(start)
    arm.emulator.fault("ignored")
    answer = arm.switch(NFTABLES)
    assert answer.json()["properties"]["networkProfile"]["kubeProxyConfig"] == NFTABLES
    assert arm.settle(answer)["status"] == "Succeeded"
    assert config(arm) == IPTABLES


def test_refusals_that_need_no_fleet(start: Start) -> None:
    arm = ready(start)
    for name, status, code in (
        ("forbidden", 403, "AuthorizationFailed"),
        ("policy_denied", 403, "RequestDisallowedByPolicy"),
        ("scope_locked", 409, "ScopeLocked"),
        ("token_expired", 401, "ExpiredAuthenticationToken"),
    ):
        arm.emulator.fault(name, match={"method": "PUT"})
        assert cluster_path() in wrapped(arm.switch(NFTABLES), status, code) or name in (
            "policy_denied",
            "token_expired",
        )
    assert config(arm) == IPTABLES


def test_answers_that_are_no_answers(start: Start) -> None:
    arm = ready(start)
    arm.emulator.fault("garbage")
    answer = arm.ask("GET", cluster_path())
    assert answer.status_code == 200
    with pytest.raises(requests.exceptions.JSONDecodeError):
        answer.json()
    arm.emulator.fault("wrong_content")
    answer = arm.ask("GET", cluster_path())
    assert (answer.status_code, answer.headers["Content-Type"]) == (200, "text/html; charset=utf-8")


def test_matching(start: Start) -> None:
    arm = ready(start, "c1", "c2")

    def status(name: str, method: str = "GET") -> int:
        body = {"location": "westeurope", "properties": {}} if method == "PUT" else None
        return arm.ask(method, cluster_path(name), body=body).status_code

    arm.emulator.fault("server_error", match={"cluster": "C2"}, times=None)
    assert [status("c1"), status("c2"), status("c2")] == [200, 500, 500]
    arm.emulator.clear_faults()
    arm.emulator.fault("server_error", match={"path": "clusters/c[1]$", "method": "put"}, times=2, skip=1)
    seen = [status("c1"), status("c2", "PUT"), *(status("c1", "PUT") for _unused in range(4))]
    assert seen == [200, 200, 200, 500, 500, 409]


def test_faults_reach_the_token_endpoint_only_by_its_path(start: Start) -> None:
    arm = ready(start)
    for name in ("server_error", "forbidden"):
        arm.emulator.fault(name)
    assert arm.token().status_code == 200
    arm.emulator.clear_faults()
    arm.emulator.fault("server_error", match={"path": "oauth2"}, status=503)
    assert arm.token().status_code == 503
    assert arm.token().status_code == 200


def test_faults_by_chance_are_the_same_with_the_same_seed(start: Start) -> None:
    def run() -> list[int]:
        arm = ready(start)
        arm.emulator.fault("server_error", chance=0.5, times=None, match={"method": "GET"})
        return [arm.ask("GET", cluster_path()).status_code for _unused in range(30)]

    first = run()
    assert first == run()
    assert set(first) == {200, 500}


@pytest.mark.parametrize(
    ("order", "complaint"),
    [
        ({"name": "trottled"}, "must be one of"),
        ({"name": "slow", "retry_after": 1}, "no parameter 'retry_after'"),
        ({"name": "slow", "match": {"claster": "c"}}, "did you mean 'cluster'"),
        ({"name": "slow", "match": {"path": "("}}, "fault.match.path"),
        ({"name": "slow", "times": 0}, "fault.times"),
    ],
)
def test_wrong_orders(start: Start, order: Any, complaint: str) -> None:
    arm = ready(start)
    with pytest.raises(FleetError, match=complaint):
        arm.emulator.fault(**order)


def test_every_fault_has_a_test_here() -> None:
    here = Path(__file__)
    text = "".join(path.read_text(encoding="utf-8") for path in (here, here.with_name("test_behind.py")))
    assert [name for name in FAULTS if f'"{name}"' not in text] == []
