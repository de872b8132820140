"""What happens behind everyone's back, by order or as a fault the moment a request arrives."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import Any

import pytest
import requests
from aiohttp import web

from tests.contract.arm_client import REGISTERED, SUBSCRIPTION, Arm, cluster_path, flat, wrapped
from tests.contract.cluster_client import NODES, Inside
from tests.contract.conftest import Start
from tests.contract.test_control import control
from tests.contract.test_faults import CUT, IPTABLES, NFTABLES, config, ready
from tests.emulator import Emulator, FleetError, certificates
from tests.emulator.door import HOST, Door


@pytest.fixture
def arm(start: Start) -> Arm:
    return ready(start, "c1", "c2")


def state(arm: Arm, name: str = "c1") -> Any:
    return arm.get(name)["properties"]["provisioningState"]


def pools(arm: Arm) -> list[Any]:
    found: list[Any] = arm.get()["properties"]["agentPoolProfiles"]
    return found


# -- by order


def test_a_cluster_is_deleted(arm: Arm) -> None:
    write = arm.switch(NFTABLES)
    arm.emulator.delete_cluster("c1")
    wrapped(arm.ask("GET", cluster_path()), 404, "ResourceNotFound")
    operation = arm.settle(write)
    assert (operation["status"], operation["error"]["code"]) == ("Canceled", "OperationPreempted")
    assert control(arm, "DELETE", "clusters/c2").status_code == 204
    wrapped(control(arm, "DELETE", "clusters/c2"), 400, "InvalidControlRequest")


def test_the_api_server_of_a_deleted_cluster_is_gone(arm: Arm, tmp_path: Path) -> None:
    inside = Inside(arm, tmp_path)
    arm.emulator.delete_cluster("c1")
    with pytest.raises(CUT):
        inside.ask(NODES)


def test_a_cluster_is_stopped(arm: Arm, tmp_path: Path) -> None:
    inside = Inside(arm, tmp_path)
    arm.emulator.stop_cluster("c1")
    assert arm.get()["properties"]["powerState"] == {"code": "Stopped"}
    assert [pool["powerState"] for pool in pools(arm)] == [{"code": "Stopped"}]
    flat(arm.switch(NFTABLES), 400, "OperationNotAllowed")
    with pytest.raises(CUT):
        inside.ask(NODES)


def test_somebody_elses_operation(arm: Arm) -> None:
    before = arm.get()["eTag"]
    arm.emulator.begin_operation("c1", state="Upgrading", seconds=50, status="Failed")
    assert [state(arm), pools(arm)[0]["provisioningState"]] == ["Upgrading", "Upgrading"]
    assert arm.get()["eTag"] != before
    assert "(Upgrading) is in progress" in flat(arm.switch(NFTABLES), 409, "OperationNotAllowed")
    with pytest.raises(FleetError, match="c1 is Upgrading already"):
        arm.emulator.begin_operation("c1")
    arm.emulator.advance(49)
    assert state(arm) == "Upgrading"
    arm.emulator.advance(2)
    assert state(arm) == "Failed"
    path = "operations/c1"
    assert control(arm, "POST", path, {"seconds": 5, "status": "stuck"}).json()["properties"]["provisioningState"]
    arm.emulator.advance(10_000)
    assert state(arm) == "Updating"
    for wrong in ({"state": "Succeeded"}, {"status": "Done"}, {"second": 1}):
        wrapped(control(arm, "POST", "operations/c2", wrong), 400, "InvalidControlRequest")


def test_locks_come_and_go(arm: Arm) -> None:
    arm.emulator.lock("c1")
    wrapped(arm.switch(NFTABLES), 409, "ScopeLocked")
    assert state(arm, "c2") == "Succeeded"
    arm.emulator.lock(cluster_path("c2"), "CanNotDelete")
    wrapped(arm.ask("DELETE", cluster_path("c2")), 409, "ScopeLocked")
    assert [lock["level"] for lock in control(arm, "GET", "locks").json()] == ["ReadOnly", "CanNotDelete"]
    arm.emulator.unlock("c1")
    assert arm.switch(NFTABLES).status_code == 200
    assert control(arm, "POST", "locks", {"scope": cluster_path("c2")}).status_code == 200
    assert control(arm, "DELETE", f"locks?scope={cluster_path('C2')}").status_code == 204
    assert control(arm, "GET", "locks").json() == []
    wrapped(control(arm, "POST", "locks", {"level": "ReadOnly"}), 400, "InvalidControlRequest")


def test_pools_are_patched_by_name(start: Start) -> None:
    two = [{"name": "sys"}, {"name": "work", "autoscaler": {"min": 1, "max": 9}}]
    arm = start([{"name": "c1", "pools": two}])
    before = pools(arm)
    patch = {"properties": {"agentPoolProfiles": {"work": {"count": 7}, "*": {"vmSize": "S"}}}}
    arm.emulator.change_cluster("c1", patch)
    after = pools(arm)
    assert [(pool["name"], pool["count"], pool["vmSize"]) for pool in after] == [("sys", 3, "S"), ("work", 7, "S")]
    assert {key: value for key, value in after[1].items() if key not in ("count", "vmSize", "eTag")} == {
        key: value for key, value in before[1].items() if key not in ("count", "vmSize", "eTag")
    }
    assert after[1]["eTag"] != before[1]["eTag"]
    arm.emulator.change_cluster("c1", {"properties": {"agentPoolProfiles": {"work": None, "new": {"count": 1}}}})
    assert [(pool["name"], pool["count"]) for pool in pools(arm)] == [("sys", 3), ("new", 1)]


def test_the_service_tells_another_time(arm: Arm, tmp_path: Path) -> None:
    inside = Inside(arm, tmp_path)

    def told() -> list[float]:
        answers = arm.ask("GET", cluster_path()), inside.ask(NODES)
        return [parsedate_to_datetime(answer.headers["Date"]).timestamp() for answer in answers]

    now = arm.emulator.now()
    assert told() == [pytest.approx(now, abs=2)] * 2
    arm.emulator.jump(-3600)
    assert told() == [pytest.approx(now - 3600, abs=2)] * 2
    assert arm.emulator.now() == pytest.approx(now, abs=2)
    assert control(arm, "POST", "clock", {"jump": 600}).status_code == 200
    assert told() == [pytest.approx(now - 3000, abs=2)] * 2
    wrapped(control(arm, "POST", "clock", {"jump": "back"}), 400, "InvalidControlRequest")


# -- connections refused


LONG = 600.0
"""Seconds: longer than any of these tests, on however slow a machine."""
PATIENCE = 60.0
"""Seconds in which what is sure to happen has happened."""


@pytest.fixture
def own() -> Iterator[Arm]:
    """A client of an emulator of its own, which may refuse to the end."""
    fleet = {"clusters": [{"name": name, "mode": "IPTABLES"} for name in ("c1", "c2")], "features": REGISTERED}
    with Emulator(fleet, speed=0) as emulator:
        arm = Arm(emulator)
        yield arm
        arm.session.close()


def connect(arm: Arm) -> requests.Response:
    """Ask over a new connection."""
    with requests.Session() as session:
        session.trust_env, session.verify = False, str(arm.emulator.ca_path)
        return session.get(f"{arm.emulator.url}/metadata/endpoints?api-version=2019-05-01", timeout=PATIENCE)


def refused(arm: Arm) -> bool:
    try:
        connect(arm)
    except requests.ConnectionError as error:
        return "Connection refused" in str(error)
    return False


def opens(arm: Arm) -> bool:
    """Wait until connections are taken."""
    until = time.monotonic() + PATIENCE
    while refused(arm) and time.monotonic() < until:
        time.sleep(0.05)
    return not refused(arm)


def test_connections_are_refused(own: Arm) -> None:
    own.emulator.refuse(LONG)
    with pytest.raises(requests.ConnectionError):  # the kept connection is closed, too
        own.get()
    assert refused(own)


def test_connections_are_refused_for_a_while(own: Arm) -> None:
    begin = time.monotonic()
    own.emulator.refuse(0.6)
    assert opens(own)
    assert time.monotonic() - begin > 0.6
    assert own.get()["name"] == "c1"


def test_the_longest_of_several_refusals_counts(own: Arm) -> None:
    for seconds in (0.1, LONG, 0.1):
        own.emulator.refuse(seconds)
    time.sleep(0.3)
    assert refused(own)


@pytest.mark.parametrize("turns", range(6))
def test_a_refusal_while_the_door_opens_again_is_not_lost(turns: int, tmp_path: Path) -> None:
    async def nothing(_request: web.BaseRequest) -> web.Response:
        return web.Response()

    async def try_it() -> None:
        door = Door(nothing, certificates.make(tmp_path)[0])
        await door.open()
        door.refuse(0)
        for _unused in range(turns):  # of the event loop: at one of them the door is about to open
            await asyncio.sleep(0)
        door.refuse(LONG)
        await asyncio.sleep(0.1)
        try:
            with pytest.raises(ConnectionRefusedError):
                await asyncio.open_connection(HOST, door.port)
        finally:
            await door.close()

    asyncio.run(try_it())


def test_a_request_under_way_gets_its_answer_while_connections_are_refused(own: Arm) -> None:
    own.emulator.fault("connections_refused", seconds=LONG)
    own.emulator.fault("slow", seconds=0.2)
    answer = own.ask("GET", cluster_path())
    assert answer.status_code == 200
    assert answer.headers["Connection"] == "close"
    assert refused(own)


def test_refused_by_the_control_plane(own: Arm) -> None:
    wrapped(control(own, "POST", "refuse", {}), 400, "InvalidControlRequest")
    assert control(own, "POST", "refuse", {"seconds": LONG}).status_code == 204
    assert refused(own)


def test_an_api_server_alone_refuses(own: Arm, tmp_path: Path) -> None:
    one, two = Inside(own, tmp_path), Inside(own, tmp_path, "c2")
    own.emulator.refuse(LONG, cluster="c1")
    with pytest.raises(requests.ConnectionError, match="Connection refused"):
        one.ask(NODES)
    assert two.ask(NODES).status_code == own.ask("GET", cluster_path()).status_code == 200


def test_an_emulator_that_refuses_can_end() -> None:
    with Emulator() as emulator:
        emulator.refuse(LONG)


# -- as faults: the world changes as a request arrives


def test_a_cluster_that_goes_between_reading_and_writing(arm: Arm) -> None:
    arm.emulator.fault("cluster_deleted", match={"method": "PUT"})
    assert arm.switch(NFTABLES).status_code == 201  # as Azure would: without If-Match it is made again
    arm.emulator.fault("cluster_deleted", match={"method": "PUT", "cluster": "c2"})
    flat(arm.switch(NFTABLES, "c2", headers={"If-Match": "*"}), 412, "PreConditionFailed")


def test_a_cluster_that_stops_between_reading_and_writing(arm: Arm) -> None:
    arm.emulator.fault("cluster_stopped", match={"method": "PUT"})
    flat(arm.switch(NFTABLES), 400, "OperationNotAllowed")
    assert config(arm) == IPTABLES


def test_an_operation_that_begins_between_reading_and_writing(arm: Arm) -> None:
    arm.emulator.fault("operation_begun", match={"method": "PUT"}, state="Upgrading", seconds=30)
    flat(arm.switch(NFTABLES), 409, "OperationNotAllowed")
    assert state(arm) == "Upgrading"
    arm.emulator.advance(31)
    assert state(arm) == "Succeeded"
    assert arm.switch(NFTABLES).status_code == 200


def test_what_cannot_be_does_not_strike_yet(arm: Arm) -> None:
    arm.switch(NFTABLES)
    arm.emulator.fault("operation_begun", match={"method": "GET"})
    assert state(arm) == "Updating"
    assert control(arm, "GET", "faults").json()[0]["struck"] == 0
    assert arm.emulator.requests()[-1]["faults"] == []
    arm.emulator.advance(3600)
    assert state(arm) == "Updating"  # the other's
    assert control(arm, "GET", "faults").json()[0]["struck"] == 1


def test_a_fault_of_a_cluster_waits_for_a_request_that_names_one(arm: Arm) -> None:
    arm.emulator.fault("cluster_deleted")
    path = f"/subscriptions/{SUBSCRIPTION}/providers/Microsoft.ContainerService/managedClusters"
    assert len(arm.ask("GET", path).json()["value"]) == 2
    wrapped(arm.ask("GET", cluster_path()), 404, "ResourceNotFound")
    arm.emulator.fault("cluster_deleted", match={"path": "managedClusters$"}, cluster="c2")
    assert arm.ask("GET", path).json()["value"] == []


def test_a_lock_that_comes_and_goes(arm: Arm) -> None:
    arm.emulator.fault("lock_set", match={"method": "PUT"}, seconds=60)
    wrapped(arm.switch(NFTABLES), 409, "ScopeLocked")
    arm.emulator.advance(61)
    assert arm.switch(NFTABLES).status_code == 200


def test_an_autoscaler_between_reading_and_writing(arm: Arm) -> None:
    body = arm.get()
    patch = {"properties": {"agentPoolProfiles": {"*": {"count": 9}}}}
    arm.emulator.fault("changed_underneath", patch=patch)
    flat(arm.put(body, headers={"If-Match": body["eTag"]}), 412, "PreConditionFailed")
    assert pools(arm)[0]["count"] == 9


def test_trouble_inside_begins_with_a_request_for_another_cluster(arm: Arm, tmp_path: Path) -> None:
    inside = Inside(arm, tmp_path)
    settings = {"api": "unreachable"}
    arm.emulator.fault("inside_changed", match={"cluster": "c2"}, cluster="c1", settings=settings)
    assert inside.ask(NODES).status_code == 200
    arm.get("c2")
    with pytest.raises(CUT):
        inside.ask(NODES)
    arm.emulator.fault("inside_changed", match={"api": "kubernetes", "cluster": "c1"}, settings={"api": "ok"})
    assert inside.ask(NODES).status_code == 200


def test_connections_are_refused_after_a_request(own: Arm, tmp_path: Path) -> None:
    inside = Inside(own, tmp_path)
    own.emulator.fault("connections_refused", match={"method": "PUT"}, seconds=LONG)
    own.emulator.fault("api_server_refused", match={"method": "GET"}, seconds=LONG)
    own.get()
    with pytest.raises(requests.ConnectionError, match="Connection refused"):
        inside.ask(NODES)
    assert own.switch(NFTABLES).status_code == 200
    assert refused(own)


def test_the_clock_jumps_with_a_request(arm: Arm) -> None:
    arm.emulator.fault("clock_jumped", match={"method": "GET"}, seconds=-600)
    told = parsedate_to_datetime(arm.ask("GET", cluster_path()).headers["Date"]).timestamp()
    assert told == pytest.approx(arm.emulator.now() - 600, abs=2)


@pytest.mark.parametrize(
    "order",
    [
        {"name": "inside_changed", "settings": []},
        {"name": "connections_refused", "seconds": "2"},
        {"name": "slow", "seconds": True},
        {"name": "operation_begun", "match": {"api": "kubernetes"}, "state": 1},
        {"name": "changed_underneath", "match": {"api": "kubernetes"}},
    ],
)
def test_wrong_parameters(arm: Arm, order: Any) -> None:
    with pytest.raises(FleetError, match=r"fault\.(with|match)"):
        arm.emulator.fault(**order)


# -- who sees it


def test_the_log_names_the_faults_that_struck(arm: Arm, tmp_path: Path) -> None:
    inside = Inside(arm, tmp_path)
    arm.emulator.clear_requests()
    arm.emulator.fault("slow", match={"method": "PUT"}, seconds=0.01)
    arm.emulator.fault("operation_in_progress")
    arm.emulator.fault("changed_underneath")
    arm.emulator.fault("operation_stuck")
    arm.emulator.fault("cut_before", match={"path": "oauth2"})
    arm.emulator.fault("cut_before", match={"api": "kubernetes"})
    arm.switch(NFTABLES)
    arm.switch(NFTABLES)
    with pytest.raises(CUT):
        arm.token()
    with pytest.raises(CUT):
        inside.ask(NODES)
    expected = [
        ("GET", 200, []),
        ("PUT", 409, ["changed_underneath", "operation_in_progress", "slow"]),
        ("GET", 200, []),
        ("PUT", 200, ["operation_stuck"]),  # the first PUT did not come so far
        ("POST", None, ["cut_before"]),
    ]
    assert [(entry["method"], entry["status"], entry["faults"]) for entry in arm.emulator.requests()] == expected
    assert [(e["status"], e["faults"]) for e in arm.emulator.kubernetes_requests()] == [(None, ["cut_before"])]


def test_a_fault_that_a_refusal_forestalls_strikes_later(arm: Arm) -> None:
    arm.emulator.fault("operation_failed")
    arm.emulator.lock("c1")
    wrapped(arm.switch(NFTABLES), 409, "ScopeLocked")
    arm.emulator.unlock("c1")
    assert arm.settle(arm.switch(NFTABLES))["status"] == "Failed"


Seen = list[tuple[Any, Any]]


@pytest.fixture
def watched() -> Iterator[tuple[Arm, Seen]]:
    """A client, and what the observer saw."""
    seen: Seen = []
    fleet = {"clusters": [{"name": "c1", "mode": "IPTABLES"}], "features": REGISTERED}
    with Emulator(fleet, speed=0, observer=lambda *what: seen.append(what)) as emulator:
        arm = Arm(emulator)
        yield arm, seen
        arm.session.close()


def test_the_observer_sees_requests_as_they_arrive(watched: tuple[Arm, Seen], tmp_path: Path) -> None:
    arm, seen = watched
    inside = Inside(arm, tmp_path)
    before = arm.get()
    arm.emulator.fault("changed_underneath", patch={"tags": {"by": "other"}})
    arm.emulator.fault("cut_before", match={"method": "PUT"})
    with pytest.raises(CUT):
        arm.put(before)
    inside.ask(NODES)
    control(arm, "GET", "clusters")
    assert [(entry["method"], entry["status"]) for entry, _unused in seen] == [
        (method, None) for method in ("POST", "POST", "GET", "PUT", "GET")
    ]
    assert "client_secret" not in str(seen[0]) or "(not logged)" in str(seen[0])
    assert [stored for _unused, stored in seen if stored] == [arm.emulator.cluster("c1")]
    assert seen[3][1]["tags"] == {"by": "other"}  # what the request met
    assert seen[3][0]["body"] == before
    assert seen[4][0]["cluster"] == "c1"


def test_the_observer_may_use_the_emulator() -> None:
    states: list[Any] = []

    def look(entry: Any, stored: Any) -> None:
        if entry["method"] == "GET":
            emulator.delete_cluster("c1")
            states.append((emulator.requests()[-1]["method"], stored))

    with Emulator({"clusters": [{"name": "c1"}]}, speed=0, observer=look) as emulator:
        arm = Arm(emulator)
        wrapped(arm.ask("GET", cluster_path()), 404, "ResourceNotFound")
        arm.session.close()
    assert states == [("POST", None)]


def test_what_the_observer_raises_comes_out_at_the_end() -> None:
    def complain(entry: Any, _stored: Any) -> None:
        raise AssertionError(entry["path"])

    emulator = Emulator({"clusters": [{"name": "c1"}]}, speed=0, observer=complain).start()
    arm = Arm(emulator)
    assert arm.get()["name"] == "c1"
    arm.session.close()
    with pytest.raises(AssertionError, match="oauth2"):
        emulator.stop()
