"""The control plane and the request log."""

from __future__ import annotations

from typing import Any

import pytest
import requests

from tests.contract.arm_client import PREVIEW, REGISTERED, SUBSCRIPTION, Arm, cluster_path, wrapped
from tests.contract.conftest import Start


def control(arm: Arm, method: str, path: str, body: Any = None) -> requests.Response:
    """Ask the control plane, without a token."""
    return arm.session.request(method, f"{arm.emulator.url}/_emulator/{path}", json=body)


def test_the_request_log(start: Start) -> None:
    arm = start(features=REGISTERED)
    arm.emulator.clear_requests()
    arm.ask("GET", cluster_path(), headers={"x-ms-client-request-id": "mine"})
    arm.put({"location": "westeurope", "properties": {}})
    arm.ask("GET", cluster_path("no"))
    control(arm, "GET", "")
    log = control(arm, "GET", "requests").json()
    assert log == arm.emulator.requests()
    assert [(e["method"], e["path"], e["api_version"], e["status"]) for e in log] == [
        ("GET", cluster_path(), PREVIEW, 200),
        ("PUT", cluster_path(), PREVIEW, 200),
        ("GET", cluster_path("no"), PREVIEW, 404),
    ]
    assert [entry["body"] for entry in log] == [None, {"location": "westeurope", "properties": {}}, None]
    assert log[0]["client_request_id"] == "mine"
    assert len({entry["port"] for entry in log}) == 1  # the session keeps its connection
    assert log[0]["principal"] == arm.environment["AZURE_CLIENT_ID"]
    assert [entry["error_code"] for entry in log] == [None, None, "ResourceNotFound"]
    assert "authorization" not in log[0]["headers"]
    assert control(arm, "DELETE", "requests").status_code == 204
    assert control(arm, "GET", "requests").json() == []


def test_changing_a_cluster_behind_everyones_back(start: Start) -> None:
    arm = start()
    before = arm.get()
    patch = {"tags": {"a": "b"}, "properties": {"fqdn": None}}
    path = f"clusters/{SUBSCRIPTION}/RG1/C1"
    changed = control(arm, "POST", path, patch).json()
    after = arm.get()
    assert after == changed == control(arm, "GET", path).json() == control(arm, "GET", "clusters/c1").json()
    assert after["tags"] == {"a": "b"}
    assert "fqdn" not in after["properties"]
    assert after["eTag"] != before["eTag"]
    assert arm.emulator.change_cluster("c1", {"eTag": "given"})["eTag"] == "given"
    assert control(arm, "GET", "clusters").json() == [arm.get()]
    wrapped(control(arm, "GET", "clusters/none"), 400, "InvalidControlRequest")
    wrapped(control(arm, "POST", "clusters/c1", []), 400, "InvalidControlRequest")


def test_faults(start: Start) -> None:
    arm = start()
    order = {"fault": "server_error", "match": {"method": "GET"}, "times": 3, "skip": 1, "with": {"status": 502}}
    assert control(arm, "POST", "faults", order).status_code == 201
    assert control(arm, "POST", "faults", [{"fault": "slow", "match": {"method": "PUT"}}]).status_code == 201
    assert [arm.ask("GET", cluster_path()).status_code for _unused in range(2)] == [200, 502]
    listed = control(arm, "GET", "faults").json()
    assert listed[0] == {**order, "skip": 0, "chance": 1.0, "struck": 1, "with": {"status": 502, "shape": "json"}}
    assert listed[1]["fault"] == "slow"
    assert control(arm, "DELETE", "faults").status_code == 204
    assert control(arm, "GET", "faults").json() == []
    message = wrapped(control(arm, "POST", "faults", {"fault": "nonsense"}), 400, "InvalidControlRequest")
    assert message.startswith("fault.fault: must be one of")


def test_the_clock(start: Start) -> None:
    arm = start()
    begin = control(arm, "GET", "clock").json()
    assert begin["speed"] == 0
    later = control(arm, "POST", "clock", {"advance": 1000}).json()
    assert later["now"] == pytest.approx(begin["now"] + 1000, abs=0.01)
    wrapped(control(arm, "POST", "clock", {"advance": -1}), 400, "InvalidControlRequest")
    wrapped(control(arm, "POST", "clock", {}), 400, "InvalidControlRequest")


def test_reset(start: Start) -> None:
    arm = start()
    control(arm, "POST", "faults", {"fault": "server_error", "times": None})
    shown = control(arm, "POST", "reset", {"clusters": [{"name": "other"}]}).json()
    assert shown["clusters"] == [cluster_path("other").replace("resourceGroups", "resourcegroups")]
    assert arm.get("other")["name"] == "other"
    message = wrapped(control(arm, "POST", "reset", {"clusters": [{"nam": "x"}]}), 400, "InvalidControlRequest")
    assert message == "clusters[0]: unknown key 'nam'; did you mean 'name'?"
    assert arm.get("other")["name"] == "other"


def test_mistakes(start: Start) -> None:
    arm = start()
    assert "/_emulator/faults" in wrapped(control(arm, "GET", "nonsense"), 404, "NotFound")
    answer = arm.session.post(f"{arm.emulator.url}/_emulator/faults", data=b"{")
    assert "no JSON" in wrapped(answer, 400, "InvalidControlRequest")
    for method, path in (("GET", "clusters/rg1/c1"), ("DELETE", "kubernetes/c1"), ("DELETE", "clusters")):
        wrapped(control(arm, method, path), 400, "InvalidControlRequest")
    assert len(control(arm, "GET", "clusters").json()) == 1


def test_throttling_counters(start: Start) -> None:
    arm = start()
    arm.get()
    buckets = {entry["bucket"] for entry in control(arm, "GET", "throttling").json()}
    assert buckets == {"read", "cluster_get"}
