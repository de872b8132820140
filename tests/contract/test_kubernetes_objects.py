"""What an API server has: objects, lists, selectors, pages, refusals. Read by kubectl and by bare requests."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.contract.arm_client import REGISTERED
from tests.contract.cluster_client import DAEMON_SETS, NODES, PODS, SELECTOR, Inside, refused
from tests.contract.conftest import Start

INSTALLATION = "/apis/operator.tigera.io/v1/installations/default"
CT_INVALID = "kubeproxy_iptables_ct_state_invalid_dropped_packets_total"
LOCALHOST = "kubeproxy_iptables_localhost_nodeports_accepted_packets_total"
LAST_SYNC = "kubeproxy_sync_proxy_rules_last_timestamp_seconds"
FAILURES = "kubeproxy_sync_proxy_rules_nftables_sync_failures_total"


@pytest.fixture
def inside(start: Start, tmp_path: Path) -> Inside:
    return Inside(start(), tmp_path)


def enter(start: Start, folder: Path, **cluster: Any) -> Inside:
    return Inside(start([{"name": "c1", **cluster}]), folder)


def metric(text: str, name: str) -> list[str]:
    """The lines of a metric."""
    return [line for line in text.splitlines() if line.startswith(name)]


def test_kubectl_reads_all_kinds(inside: Inside) -> None:
    nodes = inside.kubectl_json("get", "nodes")["items"]
    assert len(nodes) == 3
    assert all(item["kind"] == "Node" for item in nodes)
    sets = inside.kubectl_json("get", "ds", "-n", "kube-system")["items"]
    assert {"kube-proxy", "azure-cns", "windows-kube-proxy-initializer"} <= {x["metadata"]["name"] for x in sets}
    pods = inside.kubectl_json("get", "pods", "-n", "kube-system", "-l", "component=kube-proxy,tier=node")["items"]
    assert {pod["spec"]["nodeName"] for pod in pods} == {node["metadata"]["name"] for node in nodes}
    everything = inside.kubectl_json("get", "pods", "-A")["items"]
    assert {"coredns"} & {pod["metadata"]["name"].partition("-")[0] for pod in everything}
    assert len(inside.kubectl_json("get", "svc", "-A")["items"]) == 5
    assert "kube-system" in inside.kubectl("get", "ns").stdout
    assert "v1.34.2" in inside.kubectl("version").stdout


def test_kubectl_reads_what_kube_proxy_says(inside: Inside) -> None:
    path = f"{PODS}/{inside.pods()[0]['metadata']['name']}:10249/proxy"
    assert inside.kubectl("get", "--raw", f"{path}/proxyMode").stdout == "iptables"
    assert len(inside.kubectl("get", "--raw", f"{path}/metrics").stdout) > 25_000
    assert "(NotFound): the server could not find the requested resource" in (
        inside.kubectl("get", "--raw", f"{path}/nothing").stderr
    )


def test_kubectl_shows_people_what_they_know(start: Start, tmp_path: Path) -> None:
    inside = enter(start, tmp_path, kubernetes={"not_ready_nodes": 1, "cordoned_nodes": 1, "services": 1})
    nodes, pods, sets, services = (
        [line.split() for line in inside.kubectl("get", *words).stdout.splitlines()]
        for words in (["nodes"], ["pods", "-A", "-l", "tier=node"], ["ds", "kube-proxy", "-n", "kube-system"], ["svc"])
    )
    assert nodes[0] == ["NAME", "STATUS", "ROLES", "AGE", "VERSION"]
    assert [row[1] for row in nodes[1:]] == ["NotReady,SchedulingDisabled", "Ready", "Ready"]
    assert (nodes[1][4], nodes[1][3]) == ("v1.34.2", "30d")
    assert pods[0] == ["NAMESPACE", "NAME", "READY", "STATUS", "RESTARTS", "AGE"]
    assert sorted(row[2] for row in pods[1:]) == ["0/1", "1/1", "1/1"]
    assert sets[1] == ["kube-proxy", "3", "3", "2", "3", "2", "kubernetes.io/os=linux", "30d"]
    assert services[1][1:4] == ["ClusterIP", "10.0.0.1", "443/TCP"]


def test_a_node_as_evidence_reads_it(inside: Inside) -> None:
    node = inside.items(NODES)[0]
    assert len(json.dumps(node)) > 10_000
    labels, info = node["metadata"]["labels"], node["status"]["nodeInfo"]
    assert (labels["kubernetes.azure.com/agentpool"], labels["kubernetes.io/os"]) == ("nodepool1", "linux")
    assert (info["kernelVersion"], info["osImage"]) == ("5.15.0-1116-azure", "Ubuntu 22.04.5 LTS")
    (ready,) = [row for row in node["status"]["conditions"] if row["type"] == "Ready"]
    assert ready["status"] == "True" and ready["lastTransitionTime"].endswith("Z")
    assert "taints" not in node["spec"] and "unschedulable" not in node["spec"]


def test_a_daemon_set_as_evidence_reads_it(inside: Inside) -> None:
    found, pods = inside.daemon_set(), inside.pods()
    assert (found["apiVersion"], found["kind"]) == ("apps/v1", "DaemonSet")
    assert found["spec"]["selector"] == {"matchLabels": {"component": "kube-proxy", "tier": "node"}}
    (container,) = found["spec"]["template"]["spec"]["containers"]
    assert container["command"][0] == "kube-proxy"
    assert "--metrics-bind-address=0.0.0.0:10249" in container["command"]
    assert not any(word.startswith("--proxy-mode") for word in container["command"])
    assert found["status"] == {
        "currentNumberScheduled": 3, "desiredNumberScheduled": 3, "numberAvailable": 3, "numberMisscheduled": 0,
        "numberReady": 3, "observedGeneration": 1, "updatedNumberScheduled": 3,
    }  # fmt: skip
    for pod in pods:
        assert pod["metadata"]["ownerReferences"][0]["uid"] == found["metadata"]["uid"]
        assert pod["metadata"]["labels"]["pod-template-generation"] == "1"
        assert pod["spec"]["containers"][0]["command"] == container["command"]
        assert pod["status"]["containerStatuses"][0]["ready"] is True


@pytest.mark.parametrize(
    ("mode", "command"),
    [
        ({"mode": "IPTABLES"}, []),
        ({"mode": "NFTABLES"}, ["--proxy-mode=nftables"]),
        (
            {"kube_proxy": {"enabled": True, "mode": "IPVS",
                            "ipvsConfig": {"scheduler": "LeastConnection", "tcpTimeoutSeconds": 900}}},
            ["--proxy-mode=ipvs", "--ipvs-scheduler=lc", "--ipvs-tcp-timeout=900s"],
        ),
        ({"mode": "NFTABLES", "version": "1.32.9"}, []),
    ],
)  # fmt: skip
def test_the_flags_of_each_mode(start: Start, tmp_path: Path, mode: dict[str, Any], command: list[str]) -> None:
    inside = enter(start, tmp_path, **mode)
    words = inside.daemon_set()["spec"]["template"]["spec"]["containers"][0]["command"]
    assert [word for word in words if word.startswith(("--proxy-mode", "--ipvs"))] == command
    assert set(inside.modes()) == {command[0].partition("=")[2] if command else "iptables"}


@pytest.mark.parametrize(
    "cluster",
    [
        {"mode": "disabled", "plugin": "none"},
        {"dataplane": "cilium"},
        {"sku": "Automatic", "merge": {"properties": {"networkProfile": {"networkDataplane": None}}}},
    ],
)
def test_where_no_kube_proxy_runs(start: Start, tmp_path: Path, cluster: dict[str, Any]) -> None:
    inside = enter(start, tmp_path, **cluster)
    assert refused(inside.ask(f"{DAEMON_SETS}/kube-proxy"), 404, "NotFound") == (
        'daemonsets.apps "kube-proxy" not found'
    )
    assert inside.pods() == []
    assert len(inside.items(NODES)) == 3


def test_windows_nodes_have_no_pod(start: Start, tmp_path: Path) -> None:
    inside = enter(start, tmp_path, pools=[{"name": "a", "count": 2}, {"name": "win", "os_type": "Windows", "count": 2},
                                           {"name": "off", "power": "Stopped"}])  # fmt: skip
    systems = {node["metadata"]["name"]: node["metadata"]["labels"]["kubernetes.io/os"] for node in inside.items(NODES)}
    assert sorted(systems.values()) == ["linux", "linux", "windows", "windows"]
    assert "akswin000001" in systems
    assert all(systems[pod["spec"]["nodeName"]] == "linux" for pod in inside.pods())
    assert inside.daemon_set()["status"]["desiredNumberScheduled"] == 2
    sets = {item["metadata"]["name"]: item["status"] for item in inside.items(DAEMON_SETS)}
    assert sets["windows-kube-proxy-initializer"]["numberReady"] == 2


# -- lists


def test_five_hundred_nodes_page_by_page(start: Start, tmp_path: Path) -> None:
    inside = enter(start, tmp_path, pools=[{"name": "a", "count": 500}])
    names: list[str] = []
    path, left = f"{NODES}?limit=120", []
    while path:
        page = inside.json(path)
        names += [item["metadata"]["name"] for item in page["items"]]
        left.append(page["metadata"].get("remainingItemCount"))
        token = page["metadata"].get("continue")
        path = f"{NODES}?limit=120&continue={token}" if token else ""
    assert len(names) == len(set(names)) == 500
    assert names == sorted(names)
    assert left == [380, 260, 140, 20, None]
    assert len(inside.kubectl("get", "nodes", "--chunk-size=200", "--no-headers").stdout.splitlines()) == 500


def test_all_pages_show_one_moment(start: Start, tmp_path: Path) -> None:
    arm = start([{"name": "c1", "kubernetes": {"joining_nodes": 1}}])
    inside = Inside(arm, tmp_path)
    first = inside.json(f"{PODS}?{SELECTOR}&limit=1")
    arm.emulator.advance(120)  # the third node's pod is there now
    second = inside.json(f"{PODS}?{SELECTOR}&limit=9&continue={first['metadata']['continue']}")
    assert len(second["items"]) == 1
    assert second["metadata"]["resourceVersion"] == first["metadata"]["resourceVersion"]
    assert "remainingItemCount" not in first["metadata"]
    assert len(inside.pods()) == 3


def test_a_token_that_was_not_handed_out(inside: Inside) -> None:
    for token in ("bWFkZSB1cA", "e30", "5", "%C3%A4"):  # base64 of text, of {}, and none at all
        message = refused(inside.ask(f"{NODES}?limit=1&continue={token}"), 400, "BadRequest")
        assert message.startswith("invalid continue token")
    refused(inside.ask(f"{NODES}?limit=many"), 400, "BadRequest")


def test_selectors(inside: Inside) -> None:
    node = inside.items(NODES)[1]["metadata"]["name"]
    assert len(inside.items(f"{NODES}?fieldSelector=metadata.name%3D{node}")) == 1
    assert len(inside.items(f"{PODS}?{SELECTOR}&fieldSelector=spec.nodeName%3D{node}")) == 1
    for selector, count in (("component", 3), ("component!=kube-proxy", 6), ("!component", 6), ("tier==node", 3)):
        assert len(inside.items(f"{PODS}?labelSelector={selector.replace('=', '%3D')}")) == count, selector
    message = refused(inside.ask(f"{NODES}?fieldSelector=spec.podCIDR%3Dx"), 400, "BadRequest")
    assert message == "field label not supported: spec.podCIDR"


# -- refusals


def test_what_is_not_there(inside: Inside) -> None:
    assert refused(inside.ask(f"{NODES}/x"), 404, "NotFound") == 'nodes "x" not found'
    assert refused(inside.ask("/api/v1/secrets"), 404, "NotFound").startswith("the server could not find")
    for path in (INSTALLATION, "/apis/batch/v1/jobs", "/nothing"):
        answer = inside.ask(path)
        assert (answer.status_code, answer.text) == (404, "404 page not found\n")
        assert answer.headers["Content-Type"].startswith("text/plain")
    done = inside.kubectl("get", "ds", "nothing", "-n", "kube-system")
    assert done.stderr == 'Error from server (NotFound): daemonsets.apps "nothing" not found\n'


def test_it_is_there_to_be_read(inside: Inside) -> None:
    for method in ("POST", "PUT", "PATCH", "DELETE"):
        refused(inside.ask(f"{NODES}/x", method), 405, "MethodNotAllowed")


def test_the_pod_proxy_reaches_kube_proxy_alone(inside: Inside) -> None:
    name = inside.pods()[0]["metadata"]["name"]
    assert inside.ask(f"{PODS}/{name}:10249/proxy/proxyMode").headers["Content-Type"].startswith("text/plain")
    assert refused(inside.ask(f"{PODS}/kube-proxy-x:10249/proxy/metrics"), 404, "NotFound") == (
        'pods "kube-proxy-x" not found'
    )
    for port in ("", ":8080"):
        message = refused(inside.ask(f"{PODS}/{name}{port}/proxy/proxyMode"), 503, "ServiceUnavailable")
        assert message.startswith("error trying to reach service: dial tcp 10.224.0.")
        assert message.endswith("connect: connection refused")


# -- what a fleet file can say


def test_settings_of_nodes(start: Start, tmp_path: Path) -> None:
    given = {"not_ready_nodes": 1, "cordoned_nodes": 2, "kernel": "5.4.0-1100-azure"}
    inside = enter(start, tmp_path, kubernetes=given)
    nodes = inside.kubectl_json("get", "nodes")["items"]
    ready = [next(row for row in node["status"]["conditions"] if row["type"] == "Ready") for node in nodes]
    assert [row["status"] for row in ready] == ["Unknown", "True", "True"]
    assert [node["spec"].get("unschedulable", False) for node in nodes] == [True, True, False]
    assert {node["status"]["nodeInfo"]["kernelVersion"] for node in nodes} == {"5.4.0-1100-azure"}
    lost = inside.pods()[0]
    assert [row["status"] for row in lost["status"]["conditions"] if row["type"] == "Ready"] == ["False"]
    assert inside.says(lost).endswith("i/o timeout")
    assert inside.daemon_set()["status"]["numberUnavailable"] == 1


def test_joining_nodes(start: Start, tmp_path: Path) -> None:
    arm = start()
    inside = Inside(arm, tmp_path)
    arm.emulator.change_kubernetes("c1", {"joining_nodes": 1, "joining_seconds": 40})
    born = [node["metadata"]["creationTimestamp"] for node in inside.items(NODES)]
    assert born[0] > born[1]
    assert len(inside.pods()) == 2
    assert inside.daemon_set()["status"]["desiredNumberScheduled"] == 3
    arm.emulator.advance(45)
    assert inside.modes() == ["iptables"] * 3


def test_tell_tale_metrics(start: Start, tmp_path: Path) -> None:
    arm = start([{"name": "c1", "kubernetes": {"localhost_nodeports": 7, "ct_invalid": 9}}])
    inside = Inside(arm, tmp_path)
    pages = [inside.says(pod, "metrics") for pod in inside.pods()]
    assert [metric(page, CT_INVALID) for page in pages] == [
        [f"{CT_INVALID} 9"],
        [f"{CT_INVALID} 0"],
        [f"{CT_INVALID} 0"],
    ]
    assert metric(pages[0], LOCALHOST) == [f"{LOCALHOST} 7"]
    assert f"# TYPE {LOCALHOST} counter" in pages[0]


@pytest.mark.parametrize("cluster", [{"version": "1.30.4"}, {"mode": "NFTABLES"}, {"mode": "IPVS"}])
def test_where_the_tell_tale_metrics_are_not(start: Start, tmp_path: Path, cluster: dict[str, Any]) -> None:
    inside = enter(start, tmp_path, **cluster)
    page = inside.says(inside.pods()[0], "metrics")
    assert "kubeproxy_iptables_" not in page
    assert 'ip_family="IPv4"' in page or cluster.get("version")


def test_sync_failures_grow(start: Start, tmp_path: Path) -> None:
    arm = start([{"name": "c1", "mode": "NFTABLES", "kubernetes": {"sync_failing_nodes": 1}}])
    inside = Inside(arm, tmp_path)
    seen = []
    for _unused in range(3):
        seen.append(metric(inside.says(inside.pods()[0], "metrics"), FAILURES)[0].split()[1])
        arm.emulator.advance(30)
    assert seen == ["1", "2", "3"]
    assert metric(inside.says(inside.pods()[1], "metrics"), FAILURES) == []


def test_rules_that_were_never_written_have_no_time(start: Start, tmp_path: Path) -> None:
    """The first pod has started since its kernel refuses the rules."""
    arm = start([{"name": "c1", "mode": "IPTABLES", "kubernetes": {"sync_failing_nodes": 1}}], features=REGISTERED)
    inside = Inside(arm, tmp_path)
    arm.switch({"enabled": True, "mode": "NFTABLES"})
    arm.emulator.advance(240)
    first, second, _third = (inside.says(pod, "metrics") for pod in inside.pods())
    assert (metric(first, LAST_SYNC), len(metric(second, LAST_SYNC))) == ([], 2)
    assert metric(first, FAILURES)


def test_services_and_other_daemon_sets(start: Start, tmp_path: Path) -> None:
    given = {"services": 40, "node_ports": ["shop/web"], "daemonsets": ["net/fixer", {"name": "x/y", "image": "i"}]}
    inside = enter(start, tmp_path, kubernetes=given)
    services = inside.items("/api/v1/services")
    assert len(services) == 41
    (port,) = [item for item in services if item["spec"]["type"] == "NodePort"]
    assert (port["metadata"]["namespace"], port["metadata"]["name"]) == ("shop", "web")
    assert port["spec"]["ports"][0]["nodePort"] == 30080
    assert inside.json("/api/v1/namespaces/shop/services/web")["kind"] == "Service"
    assert inside.json("/api/v1/namespaces/net")["status"] == {"phase": "Active"}
    images = {
        f"{item['metadata']['namespace']}/{item['metadata']['name']}": item["spec"]["template"]["spec"]["containers"][0]
        for item in inside.items("/apis/apps/v1/daemonsets")
    }
    assert images["x/y"]["image"] == "i"
    assert "net/fixer" in images


@pytest.mark.parametrize(
    ("cluster", "dataplane"),
    [
        ({"kubernetes": {"calico": {"linux_dataplane": "Iptables", "version": "v3.28.0"}}}, "Iptables"),
        ({"kubernetes": {"calico": {"linux_dataplane": "Nftables"}}, "mode": "NFTABLES"}, "Nftables"),
        ({"policy": "calico"}, "Iptables"),
        ({"policy": "calico", "mode": "NFTABLES"}, "Nftables"),
    ],
)
def test_calico(start: Start, tmp_path: Path, cluster: dict[str, Any], dataplane: str) -> None:
    inside = enter(start, tmp_path, **cluster)
    found = inside.kubectl_json("get", "installations.operator.tigera.io", "default")
    assert found["spec"]["calicoNetwork"]["linuxDataplane"] == dataplane
    assert inside.items("/apis/apps/v1/namespaces/calico-system/daemonsets")
    assert ("labels" in found["metadata"]) == ("policy" in cluster)


def test_nothing_of_the_inside_is_in_another_cluster(start: Start, tmp_path: Path) -> None:
    arm = start([{"name": "c1", "kubernetes": {"services": 9}}, {"name": "c2"}])
    one, two = Inside(arm, tmp_path, "c1"), Inside(arm, tmp_path, "c2")
    assert (len(one.items("/api/v1/services")), len(two.items("/api/v1/services"))) == (9, 5)
    assert one.daemon_set()["metadata"]["uid"] != two.daemon_set()["metadata"]["uid"]
