"""What is read of nodes, pods, DaemonSets and metrics pages: documented answers, and anything else without failing."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from ansible_collections.aks.kube_proxy.plugins.module_utils._domain.kube_objects import (
    DaemonSet,
    Node,
    Pod,
    flag,
    metric,
    mode_of,
    moment,
    proxy_path,
    read_daemon_set,
    read_node,
    read_pod,
    release,
)
from ansible_collections.aks.kube_proxy.plugins.module_utils._domain.safety_evidence import (
    Counters,
    read_counters,
    read_installation,
    read_node_port,
    read_software,
)
from hypothesis import given
from hypothesis import strategies as st

READERS: list[Callable[[Any], Any]] = [
    read_node,
    read_pod,
    read_daemon_set,
    read_installation,
    read_node_port,
    read_software,
]

CREATED, STARTED = "2026-11-01T10:00:00Z", "2026-11-02T10:00:00Z"
NODE = {
    "metadata": {
        "name": "aks-system-1",
        "creationTimestamp": CREATED,
        "labels": {"kubernetes.azure.com/agentpool": "system", "agentpool": "older", "kubernetes.io/os": "linux"},
    },
    "spec": {"unschedulable": True},
    "status": {
        "conditions": [
            {"type": "MemoryPressure", "status": "False", "lastTransitionTime": CREATED},
            {"type": "Ready", "status": "True", "lastTransitionTime": STARTED},
        ],
        "nodeInfo": {"kernelVersion": "5.15.0-1116-azure", "osImage": "Ubuntu 22.04.5 LTS", "operatingSystem": "linux"},
    },
}
CONTAINER = {
    "name": "kube-proxy",
    "image": "mcr.microsoft.com/oss/v2/kubernetes/kube-proxy:v1.34.2",
    "command": ["kube-proxy", "--proxy-mode=nftables"],
    "args": ["--v=3"],
    "env": [{"name": "NODE_NAME", "valueFrom": {"fieldRef": {"fieldPath": "spec.nodeName"}}}],
}
POD = {
    "metadata": {"name": "kube-proxy-abcde", "creationTimestamp": CREATED},
    "spec": {"nodeName": "aks-system-1", "containers": [{"name": "sidecar", "command": ["sleep"]}, CONTAINER]},
    "status": {
        "conditions": [{"type": "Ready", "status": "True"}],
        "containerStatuses": [
            {"name": "sidecar", "restartCount": 7},
            {"name": "kube-proxy", "restartCount": 2, "state": {"running": {"startedAt": STARTED}}},
        ],
    },
}
DAEMON_SET = {
    "metadata": {"namespace": "kube-system", "name": "kube-proxy", "generation": 3},
    "spec": {
        "selector": {"matchLabels": {"component": "kube-proxy", "tier": "node"}},
        "template": {"spec": {"containers": [CONTAINER]}},
    },
    "status": {"observedGeneration": 2, "desiredNumberScheduled": 5, "updatedNumberScheduled": 4},
}
INSTALLATION = {
    "spec": {"variant": "Calico", "calicoNetwork": {"linuxDataplane": "Nftables"}},
    "status": {"variant": "Calico", "calicoVersion": "v3.30.1"},
}
SERVICE = {"metadata": {"namespace": "default", "name": "web"}, "spec": {"type": "NodePort"}}

# Values of every JSON type, at their extremes.
LEAVES = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.just(10**4000)
    | st.floats()
    | st.text()
    | st.sampled_from(["", "\x00", "\ud800", "٣", "9" * 5000 + "." + "9" * 5000, "-", "True", CREATED, "--proxy-mode"])
)
ANYTHING = st.recursive(
    LEAVES, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3), max_leaves=8
)


def spoilt(draw: st.DrawFn, value: Any) -> Any:
    """A copy in which parts are missing, doubled, or something else altogether."""
    fate = draw(st.integers(0, 9))
    if fate == 0:
        return draw(ANYTHING)
    if isinstance(value, dict):
        return {key: spoilt(draw, part) for key, part in value.items() if draw(st.integers(0, 9))}
    if isinstance(value, list):
        return [spoilt(draw, part) for part in value for _copy in range(draw(st.integers(0, 2)))]
    return value


@st.composite
def almost(draw: st.DrawFn) -> Any:
    """Something like one of the documented objects."""
    body = draw(st.sampled_from([NODE, POD, DAEMON_SET, INSTALLATION, SERVICE]))
    return spoilt(draw, body)


@pytest.mark.parametrize("read", READERS)
@given(body=ANYTHING | almost())
def test_any_json_is_read_as_something(read: Callable[[Any], Any], body: Any) -> None:
    found = read(body)
    if isinstance(found, Node):
        major, minor = found.kernel_version
        assert isinstance(major, int) and isinstance(minor, int)
    if isinstance(found, Pod | DaemonSet):
        assert all(isinstance(word, str) for word in found.command)
        assert isinstance(mode_of(found.command), str)


@given(body=almost())
def test_no_value_of_another_type_gets_into_a_text(body: Any) -> None:
    node, pod = read_node(body), read_pod(body)
    texts = [node.name, node.pool, node.system, node.os_image, node.kernel, pod.name, pod.node, pod.trouble]
    assert all(isinstance(text, str) and not text.startswith(("{", "[")) for text in texts)


def test_a_node() -> None:
    node = read_node(NODE)
    assert node == Node(
        name="aks-system-1",
        pool="system",
        system="linux",
        os_image="Ubuntu 22.04.5 LTS",
        kernel="5.15.0-1116-azure",
        ready=True,
        ready_since=moment(STARTED),
        cordoned=True,
        created=moment(CREATED),
        virtual=False,
    )
    assert node.kernel_version == (5, 15)


@pytest.mark.parametrize(
    ("labels", "pool", "system", "virtual"),
    [
        ({"agentpool": "older"}, "older", "linux", False),
        ({"kubernetes.io/os": "windows"}, "", "windows", False),
        ({"type": "virtual-kubelet"}, "", "linux", True),
        ({"agentpool": 5, "kubernetes.io/os": ["linux"]}, "", "linux", False),
        ({}, "", "linux", False),
    ],
)
def test_what_the_labels_of_a_node_tell(labels: dict[str, Any], pool: str, system: str, virtual: bool) -> None:
    node = read_node({"metadata": {"labels": labels}})
    assert (node.pool, node.system, node.virtual) == (pool, system, virtual)


def test_the_system_and_the_taint_tell_too_where_labels_are_missing() -> None:
    assert read_node({"status": {"nodeInfo": {"operatingSystem": "windows"}}}).system == "windows"
    assert read_node({"spec": {"taints": [{"key": "virtual-kubelet.io/provider"}]}}).virtual
    assert not read_node({"spec": {"taints": [{"key": "other"}]}}).virtual
    bare = Node("n", "p")
    assert (bare.os_image, bare.kernel) == ("", "")


def test_a_node_without_a_condition_is_not_ready() -> None:
    node = read_node({"metadata": {"name": "new"}, "status": {}})
    assert not node.ready
    assert node.ready_since is None
    assert not node.cordoned
    assert node.kernel_version == (0, 0)


def test_a_pod() -> None:
    assert read_pod(POD) == Pod(
        name="kube-proxy-abcde",
        node="aks-system-1",
        command=("kube-proxy", "--proxy-mode=nftables", "--v=3"),
        ready=True,
        deleting=False,
        started=moment(STARTED),
        created=moment(CREATED),
        restarts=2,
        trouble="",
    )


@pytest.mark.parametrize(
    ("state", "trouble"),
    [
        ({"waiting": {"reason": "CrashLoopBackOff"}}, "CrashLoopBackOff"),
        ({"terminated": {"reason": "OOMKilled"}}, "OOMKilled"),
        ({"running": {"startedAt": STARTED}}, ""),
    ],
)
def test_why_a_pod_does_not_run(state: dict[str, Any], trouble: str) -> None:
    pod = read_pod({"status": {"containerStatuses": [{"name": "other", "restartCount": 4, "state": state}]}})
    assert (pod.trouble, pod.restarts, pod.ready) == (trouble, 4, False)


@pytest.mark.parametrize(("stamp", "deleting"), [(CREATED, True), (None, False)])
def test_a_pod_on_its_way_out(stamp: str | None, deleting: bool) -> None:
    assert read_pod({"metadata": {"deletionTimestamp": stamp}}).deleting is deleting


def test_a_daemon_set() -> None:
    assert read_daemon_set(DAEMON_SET) == DaemonSet(
        generation=3,
        observed=2,
        desired=5,
        updated=4,
        command=("kube-proxy", "--proxy-mode=nftables", "--v=3"),
        selector={"component": "kube-proxy", "tier": "node"},
    )


@pytest.mark.parametrize(
    ("given", "desired", "number"),
    [
        (1, 20, 1),
        (3, 20, 3),
        ("10%", 20, 2),
        ("10%", 21, 3),
        ("1%", 500, 5),
        ("100%", 7, 7),
        ("0%", 7, 1),
        (0, 7, 1),
        (None, 7, 1),
        ("many", 7, 1),
        (True, 7, 1),
    ],
)
def test_how_many_pods_may_be_away_is_read_as_kubernetes_reads_it(given: Any, desired: int, number: int) -> None:
    """Percentages are rounded up; without surge at least one pod may be away."""
    body = {
        "spec": {"updateStrategy": {"type": "RollingUpdate", "rollingUpdate": {"maxUnavailable": given}}},
        "status": {"desiredNumberScheduled": desired, "numberUnavailable": 4},
    }
    found = read_daemon_set(body)
    assert (found.at_once, found.unavailable) == (number, 4)


def test_a_container_of_another_name_tells_the_command_when_there_is_no_kube_proxy() -> None:
    body = {"spec": {"containers": [{"name": "proxy", "command": ["a", "--proxy-mode=ipvs"]}, {"command": ["b"]}]}}
    assert read_pod(body).command == ("a", "--proxy-mode=ipvs")


@pytest.mark.parametrize(("unschedulable", "cordoned"), [(True, True), (False, False), (None, False), ("yes", False)])
def test_a_cordoned_node(unschedulable: Any, cordoned: bool) -> None:
    assert read_node({"spec": {"unschedulable": unschedulable}}).cordoned is cordoned


@pytest.mark.parametrize("count", [True, "5", 5.0, None])
def test_a_count_of_another_type_counts_nothing(count: Any) -> None:
    assert read_daemon_set({"status": {"desiredNumberScheduled": count}}).desired == 0


@pytest.mark.parametrize(
    ("written", "seconds"),
    [
        ("1970-01-01T00:01:00Z", 60.0),
        ("1970-01-01T00:01:00", None),
        ("1970-01-01 00:01:00Z", None),
        ("2026-02-30T00:00:00Z", None),
        ("", None),
        (None, None),
        (60, None),
    ],
)
def test_times(written: Any, seconds: float | None) -> None:
    assert moment(written) == seconds


@pytest.mark.parametrize(
    ("version", "expected"),
    [
        ("5.15.0-1116-azure", (5, 15)),
        ("6.6.143.1-1.azl3", (6, 6)),
        ("v3.29.1", (3, 29)),
        ("master", (0, 0)),
        ("5", (0, 0)),
        ("", (0, 0)),
        ("9" * 5000 + ".1", (0, 0)),
    ],
)
def test_versions(version: str, expected: tuple[int, int]) -> None:
    assert release(version) == expected


@pytest.mark.parametrize(
    ("command", "value", "mode"),
    [
        (["kube-proxy", "--proxy-mode=nftables"], "nftables", "NFTABLES"),
        (["kube-proxy", "--proxy-mode", "ipvs", "--v=3"], "ipvs", "IPVS"),
        (["kube-proxy", "--proxy-mode=ipvs", "--proxy-mode=nftables"], "nftables", "NFTABLES"),
        (["kube-proxy", "-proxy-mode=ipvs"], "ipvs", "IPVS"),
        (["kube-proxy", "--v=3", "--proxy-mode"], "", "IPTABLES"),
        (["kube-proxy", "--proxy-mode="], "", "IPTABLES"),
        (["kube-proxy", "--proxy-modes=ipvs", "x--proxy-mode=ipvs"], None, "IPTABLES"),
        (["kube-proxy", "--config=/etc/kube-proxy.yaml"], None, ""),
        (["kube-proxy", "--config=/etc/kube-proxy.yaml", "--proxy-mode=ipvs"], "ipvs", "IPVS"),
        ([], None, ""),
    ],
)
def test_flags(command: list[str], value: str | None, mode: str) -> None:
    assert flag(command, "proxy-mode") == value
    assert mode_of(command) == mode


def test_the_path_of_a_page_goes_through_the_pod() -> None:
    assert proxy_path("kube-proxy-1", "proxyMode") == (
        "/api/v1/namespaces/kube-system/pods/kube-proxy-1:10249/proxy/proxyMode"
    )


PAGE = """\
# HELP kubeproxy_failures_total [ALPHA] kubeproxy_failures_total 99
# TYPE kubeproxy_failures_total counter
kubeproxy_failures_total{ip_family="IPv4",note="a } \\" b"} 2
kubeproxy_failures_total{ip_family="IPv6"} 1.5e+00 1700000000000
kubeproxy_failures_total_longer 100
other_kubeproxy_failures_total 100
kubeproxy_plain_total 7
kubeproxy_zero_total 0
kubeproxy_odd_total what
kubeproxy_nan_total NaN
kubeproxy_inf_total +Inf
kubeproxy_exemplar_total{le="1"} 3 # {trace="x"} 9
"""


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("kubeproxy_failures_total", 3.5),
        ("kubeproxy_plain_total", 7.0),
        ("kubeproxy_zero_total", 0.0),
        ("kubeproxy_odd_total", None),
        ("kubeproxy_nan_total", None),
        ("kubeproxy_inf_total", float("inf")),
        ("kubeproxy_exemplar_total", 3.0),
        ("kubeproxy_missing_total", None),
        ("kubeproxy.plain.total", None),
    ],
)
def test_metrics(name: str, value: float | None) -> None:
    assert metric(PAGE, name) == value
    assert metric(PAGE.replace("\n", "\r\n"), name) == value


@given(st.text() | st.lists(st.sampled_from([*PAGE.splitlines(), "{", '"', "\\", "\ud800", " "])).map("\n".join))
def test_any_page_is_read(page: str) -> None:
    counters = read_counters(page) or Counters()
    assert all(value is None or isinstance(value, float) for value in (counters.localhost, counters.conntrack))
    found = metric(page, "kubeproxy_failures_total")
    assert found is None or isinstance(found, float)


@given(st.dictionaries(st.sampled_from(["a", "b"]), st.text(alphabet='"\\}{, x', max_size=5)), st.integers(0, 10**9))
def test_a_value_is_found_behind_any_labels(labels: dict[str, str], value: int) -> None:
    written = ",".join(f"{name}={json.dumps(label)}" for name, label in labels.items())
    assert metric(f"before 1\nwanted{{{written}}} {value}\nafter 1\n", "wanted") == value
