"""How kube-proxy's DaemonSet follows a switch, and how it fails to."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.contract.arm_client import REGISTERED, Arm
from tests.contract.cluster_client import DAEMON_SETS, NODES, SELECTOR, Inside
from tests.contract.conftest import Start
from tests.emulator import FleetError
from tests.emulator.fleet import load

NFTABLES = {"enabled": True, "mode": "NFTABLES"}
OPERATION, DAEMON_SET, NODE = 110, 5, 8  # seconds: the defaults of the behaviour


def enter(start: Start, folder: Path, behaviour: dict[str, Any] | None = None, **cluster: Any) -> tuple[Arm, Inside]:
    arm = start([{"name": "c1", **cluster}], features=REGISTERED, behaviour=behaviour or {})
    return arm, Inside(arm, folder)


def switch(arm: Arm, config: Any) -> None:
    """Switch, and let the operation end: the DaemonSet changes five seconds later."""
    assert arm.switch(config).status_code == 200
    arm.emulator.advance(OPERATION + 0.1)


def generations(inside: Inside) -> tuple[int, int, int]:
    found = inside.daemon_set()
    return (
        found["metadata"]["generation"],
        found["status"]["observedGeneration"],
        found["status"].get("updatedNumberScheduled", 0),
    )


def shown(inside: Inside) -> list[str]:
    """The column STATUS that kubectl shows of kube-proxy's pods."""
    done = inside.kubectl("get", "pods", "-n", "kube-system", "-l", "tier=node", "--no-headers")
    return [line.split()[2] for line in done.stdout.splitlines()]


def wait_for(happened: Callable[[], bool]) -> None:
    """Ask again and again, for half a minute at most."""
    deadline = time.monotonic() + 30
    while not happened():
        assert time.monotonic() < deadline
        time.sleep(0.15)


def waiting(pod: Any) -> str:
    return str(pod["status"]["containerStatuses"][0]["state"].get("waiting", {}).get("reason", ""))


def test_the_daemon_set_rolls_node_by_node(start: Start, tmp_path: Path) -> None:
    arm, inside = enter(start, tmp_path)
    switch(arm, NFTABLES)
    old = {pod["metadata"]["uid"] for pod in inside.pods()}
    assert generations(inside) == (1, 1, 3)
    arm.emulator.advance(DAEMON_SET)
    assert generations(inside) == (2, 1, 3)
    arm.emulator.advance(1)
    assert generations(inside) == (2, 2, 0)
    assert "deletionTimestamp" in inside.pods()[0]["metadata"]
    assert sorted(shown(inside)) == ["Running", "Running", "Terminating"]
    assert inside.modes() == ["iptables"] * 3
    arm.emulator.advance(3)
    assert generations(inside) == (2, 2, 1)
    assert waiting(inside.pods()[0]) == "ContainerCreating"
    assert sorted(shown(inside)) == ["ContainerCreating", "Running", "Running"]
    assert inside.modes() == ["-", "iptables", "iptables"]
    arm.emulator.advance(NODE)
    assert inside.modes() == ["nftables", "-", "iptables"]
    arm.emulator.advance(2 * NODE)
    assert inside.modes() == ["nftables"] * 3
    assert generations(inside) == (2, 2, 3)
    pods = inside.pods()
    assert not old & {pod["metadata"]["uid"] for pod in pods}
    assert {pod["metadata"]["labels"]["pod-template-generation"] for pod in pods} == {"2"}
    assert "--proxy-mode=nftables" in pods[0]["spec"]["containers"][0]["command"]


def test_kubectl_rollout_status_sees_it_through(start: Start, tmp_path: Path) -> None:
    arm, inside = enter(start, tmp_path)
    switch(arm, NFTABLES)
    arm.emulator.advance(DAEMON_SET)
    command, environment = inside.kubectl_command("rollout", "status", "ds/kube-proxy", "-n", "kube-system")

    def ended() -> bool:
        arm.emulator.advance(2)
        return running.poll() is not None

    with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True) as running:
        try:
            wait_for(lambda: any(r["query"].get("watch") for r in arm.emulator.kubernetes_requests()))
            wait_for(ended)
        finally:
            running.kill()
        assert running.stdout is not None
        said = running.stdout.read()
    assert running.returncode == 0
    assert said.startswith("Waiting for daemon set spec update to be observed...")
    for count in range(3):
        assert f"{count} out of 3 new pods have been updated" in said
    assert said.endswith('daemon set "kube-proxy" successfully rolled out\n')


def test_a_watch_tells_what_changed_since_a_list(start: Start, tmp_path: Path) -> None:
    arm, inside = enter(start, tmp_path)
    version = inside.json(DAEMON_SETS)["metadata"]["resourceVersion"]
    switch(arm, NFTABLES)
    arm.emulator.advance(60)
    quiet = inside.ask(f"{DAEMON_SETS}?watch=true&timeoutSeconds=1&resourceVersion={version}")
    (event,) = quiet.text.splitlines()
    assert event.startswith('{"type": "MODIFIED", "object": {"kind": "DaemonSet", "apiVersion": "apps/v1"')
    assert inside.ask(f"{DAEMON_SETS}?watch=true&timeoutSeconds=1").text.count('"ADDED"') == 6
    assert inside.ask(f"{DAEMON_SETS}?watch=true&sendInitialEvents=true").status_code == 422


def test_ten_of_a_hundred_nodes_roll_at_once(start: Start, tmp_path: Path) -> None:
    arm, inside = enter(start, tmp_path, pools=[{"name": "a", "count": 100}])
    switch(arm, NFTABLES)
    arm.emulator.advance(DAEMON_SET + 1 + NODE - 0.5)
    assert inside.daemon_set()["status"]["updatedNumberScheduled"] == 10
    arm.emulator.advance(NODE)
    assert inside.daemon_set()["status"]["updatedNumberScheduled"] == 20


def test_a_share_is_rounded_up(start: Start, tmp_path: Path) -> None:
    arm, inside = enter(start, tmp_path, pools=[{"name": "a", "count": 11}])
    switch(arm, NFTABLES)
    arm.emulator.advance(DAEMON_SET + 1 + NODE - 0.5)
    assert inside.daemon_set()["status"]["updatedNumberScheduled"] == 2


@pytest.mark.parametrize(("given", "good"), [("25%", True), (3, True), ("0%", False), (0, False), ("many", False)])
def test_how_many_at_once(given: Any, good: bool) -> None:
    fleet = {"behaviour": {"nodes_at_once": given}}
    if good:
        assert load(fleet).behaviour.nodes_at_once == given
    else:
        with pytest.raises(FleetError, match="nodes_at_once"):
            load(fleet)


def test_going_back_counts_pods_of_the_old_template_as_updated(start: Start, tmp_path: Path) -> None:
    arm, inside = enter(start, tmp_path, kubernetes={"stuck_nodes": 1})
    switch(arm, NFTABLES)
    arm.emulator.advance(60)
    assert generations(inside) == (2, 2, 2)
    stuck = inside.pods()[0]["metadata"]["name"]
    switch(arm, {"enabled": True, "mode": "IPTABLES"})
    arm.emulator.advance(60)
    assert generations(inside) == (3, 3, 3)
    assert inside.modes() == ["iptables"] * 3
    assert inside.pods()[0]["metadata"]["name"] == stuck


@pytest.mark.parametrize("fault", ["operation_failed", "operation_canceled", "ignored"])
def test_a_switch_that_fails_changes_no_node(start: Start, tmp_path: Path, fault: str) -> None:
    arm, inside = enter(start, tmp_path)
    arm.emulator.fault(fault)
    switch(arm, NFTABLES)
    arm.emulator.advance(60)
    assert generations(inside) == (1, 1, 3)
    assert inside.modes() == ["iptables"] * 3


def test_the_silent_fallback_of_the_old_release(start: Start, tmp_path: Path) -> None:
    arm, inside = enter(start, tmp_path, {"release": "before"}, version="1.32.9")
    switch(arm, NFTABLES)
    arm.emulator.advance(60)
    assert arm.get()["properties"]["networkProfile"]["kubeProxyConfig"]["mode"] == "NFTABLES"
    assert generations(inside) == (1, 1, 3)
    assert inside.modes() == ["iptables"] * 3


def test_a_cluster_whose_daemon_set_stays_as_it_was(start: Start, tmp_path: Path) -> None:
    arm, inside = roll(start, tmp_path, silent=True)
    assert arm.get()["properties"]["networkProfile"]["kubeProxyConfig"]["mode"] == "NFTABLES"
    assert generations(inside) == (1, 1, 3)
    assert inside.modes() == ["iptables"] * 3
    arm.emulator.change_kubernetes("c1", {"silent": False})
    switch(arm, {"enabled": True, "mode": "IPVS"})
    arm.emulator.advance(60)
    assert inside.modes() == ["ipvs"] * 3


def test_disabled_and_enabled_again(start: Start, tmp_path: Path) -> None:
    arm, inside = enter(start, tmp_path, plugin="none")
    first = inside.daemon_set()["metadata"]["uid"]
    switch(arm, {"enabled": False})
    arm.emulator.advance(10)
    assert inside.ask(f"{DAEMON_SETS}/kube-proxy").status_code == 404
    assert inside.pods() == []
    switch(arm, NFTABLES)
    arm.emulator.advance(20)
    assert inside.modes() == ["nftables"] * 3
    again = inside.daemon_set()
    assert again["metadata"]["generation"] == 1
    assert again["metadata"]["uid"] != first


def test_an_upgrade_rolls_it_too(start: Start, tmp_path: Path) -> None:
    arm, inside = enter(start, tmp_path)
    body = arm.get()
    body["properties"]["kubernetesVersion"] = "1.35.1"
    assert arm.put(body).status_code == 200
    arm.emulator.advance(300)
    assert inside.pods()[0]["spec"]["containers"][0]["image"].endswith("kube-proxy:v1.35.1")
    assert generations(inside) == (2, 2, 3)


# -- deviations, each as kubectl shows it


def roll(start: Start, folder: Path, **settings: Any) -> tuple[Arm, Inside]:
    arm, inside = enter(start, folder, kubernetes=settings)
    switch(arm, NFTABLES)
    arm.emulator.advance(120)
    return arm, inside


def kubectl_pods(inside: Inside) -> list[Any]:
    found: list[Any] = inside.kubectl_json("get", "pods", "-n", "kube-system", "-l", "component=kube-proxy")["items"]
    return sorted(found, key=lambda pod: str(pod["spec"]["nodeName"]))


def test_stuck_nodes(start: Start, tmp_path: Path) -> None:
    arm, inside = roll(start, tmp_path, stuck_nodes=1)
    commands = [pod["spec"]["containers"][0]["command"] for pod in kubectl_pods(inside)]
    assert ["--proxy-mode=nftables" in command for command in commands] == [False, True, True]
    assert inside.modes() == ["iptables", "nftables", "nftables"]
    assert generations(inside) == (2, 2, 2)
    arm.emulator.change_kubernetes("c1", {"stuck_nodes": 0})
    assert inside.modes() == ["nftables"] * 3


def test_lying_nodes(start: Start, tmp_path: Path) -> None:
    _arm, inside = roll(start, tmp_path, lying_nodes=1)
    pods = kubectl_pods(inside)
    assert all("--proxy-mode=nftables" in pod["spec"]["containers"][0]["command"] for pod in pods)
    assert inside.modes() == ["iptables", "nftables", "nftables"]
    assert generations(inside) == (2, 2, 3)


def test_crashing_nodes_hold_the_rollout_up(start: Start, tmp_path: Path) -> None:
    arm, inside = roll(start, tmp_path, crashing_nodes=1)
    first, second, _third = kubectl_pods(inside)
    assert waiting(first) == "CrashLoopBackOff"
    assert "CrashLoopBackOff" in shown(inside)
    assert first["status"]["containerStatuses"][0]["restartCount"] >= 1
    assert inside.says(first).endswith("connection refused")
    assert second["metadata"]["labels"]["pod-template-generation"] == "1"
    assert inside.modes() == ["-", "iptables", "iptables"]
    assert inside.daemon_set()["status"]["numberUnavailable"] == 1
    arm.emulator.change_kubernetes("c1", {"crashing_nodes": 0})
    assert inside.modes() == ["nftables"] * 3


def test_a_container_that_crashes_may_run_in_between(start: Start, tmp_path: Path) -> None:
    """In its first minute, then not, and again five minutes after it was made."""
    arm, inside = enter(start, tmp_path, kubernetes={"crashing_nodes": 1, "crash_after_seconds": 60.0})
    switch(arm, NFTABLES)
    states = []
    for seconds in (DAEMON_SET + 1 + NODE, 100, 200):
        arm.emulator.advance(seconds)
        status = inside.pods()[0]["status"]["containerStatuses"][0]
        states.append((status["ready"], *status["state"], status["restartCount"], inside.modes()[0]))
    assert states == [(True, "running", 0, "nftables"), (False, "waiting", 1, "-"), (True, "running", 1, "nftables")]


def test_nodes_that_are_not_ready_keep_their_pod(start: Start, tmp_path: Path) -> None:
    _arm, inside = roll(start, tmp_path, not_ready_nodes=1)
    assert inside.modes() == ["-", "nftables", "nftables"]
    assert kubectl_pods(inside)[0]["metadata"]["labels"]["pod-template-generation"] == "1"


@pytest.mark.parametrize("reboots", [True, False])
def test_reboots_after_a_switch_between_iptables_and_ipvs(start: Start, tmp_path: Path, reboots: bool) -> None:
    arm, inside = enter(start, tmp_path, kubernetes={"rebooted_after_switch": reboots})
    before = {node["status"]["nodeInfo"]["bootID"] for node in inside.items(NODES)}
    switch(arm, {"enabled": True, "mode": "IPVS"})
    arm.emulator.advance(120)
    after = {node["status"]["nodeInfo"]["bootID"] for node in inside.items(NODES)}
    assert (not before & after) == reboots
    for pod in inside.pods():
        status = pod["status"]["containerStatuses"][0]
        assert status["restartCount"] == int(reboots)
        assert (status["state"]["running"]["startedAt"] > pod["metadata"]["creationTimestamp"]) is True
        assert bool(status["lastState"]) == reboots
    assert inside.modes() == ["ipvs"] * 3


def test_a_pod_proxy_that_reaches_nothing(start: Start, tmp_path: Path) -> None:
    _arm, inside = roll(start, tmp_path, pod_proxy="unreachable")
    done = inside.kubectl("get", "--raw", f"/api/v1/namespaces/kube-system/pods/{inside.pods()[0]['metadata']['name']}"
                          ":10249/proxy/proxyMode")  # fmt: skip
    assert done.stderr.startswith("Error from server (ServiceUnavailable): error trying to reach service")


# -- the control plane


def test_settings_are_changed_and_checked(start: Start, tmp_path: Path) -> None:
    arm = start()
    place = f"{arm.emulator.control_url}/kubernetes/c1"
    assert arm.session.post(place, json={"cordoned_nodes": 2, "entra": True}).json()["cordoned_nodes"] == 2
    assert arm.session.get(place).json()["cordoned_nodes"] == 2
    assert arm.get()["properties"]["aadProfile"]["managed"] is True
    for wrong in ({"cordoned": 2}, {"services": -1}, {"node_ports": ["x"]}, {"calico": {"linux_dataplane": "x"}}):
        answer = arm.session.post(place, json=wrong)
        assert (answer.status_code, answer.json()["error"]["code"]) == (400, "InvalidControlRequest")
    with pytest.raises(FleetError, match=r"clusters\[0\] \(c1\).kubernetes: unknown key 'stuck'"):
        load({"clusters": [{"name": "c1", "kubernetes": {"stuck": 1}}]})


def test_a_change_behind_everyones_back_rolls_too(start: Start, tmp_path: Path) -> None:
    arm, inside = enter(start, tmp_path)
    arm.emulator.change_cluster("c1", {"properties": {"networkProfile": {"kubeProxyConfig": NFTABLES}}})
    arm.emulator.advance(60)
    assert inside.modes() == ["nftables"] * 3


def test_the_log_of_requests(start: Start, tmp_path: Path) -> None:
    arm = start()
    inside = Inside(arm, tmp_path)
    inside.ask(f"{NODES}?{SELECTOR}")
    inside.token = None
    inside.ask("/api/v1/secrets")
    place = f"{arm.emulator.control_url}/kubernetes/requests"
    first, second = arm.session.get(place).json()
    moment = first.pop("time")
    assert moment == pytest.approx(arm.emulator.now(), abs=1)
    query = {"labelSelector": "component=kube-proxy"}
    assert first == {"method": "GET", "cluster": "c1", "path": NODES, "query": query,
                     "status": 200, "user": "masterclient", "via": "network", "faults": []}  # fmt: skip
    assert (second["status"], second["user"]) == (401, None)
    assert not [entry for entry in arm.emulator.requests() if NODES in entry["path"]]
    assert arm.session.delete(place).status_code == 204
    assert arm.emulator.kubernetes_requests() == []
