"""What reading costs, and how it goes on when something fails."""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from urllib.parse import urlsplit

import pytest
import yaml
from ansible_collections.aks.kube_proxy.plugins.module_utils._azure.clusters import Clusters
from ansible_collections.aks.kube_proxy.plugins.module_utils._azure.runtime import Orphaned, Unwanted
from ansible_collections.aks.kube_proxy.plugins.module_utils._domain.kube_objects import NODES_PATH, proxy_path
from ansible_collections.aks.kube_proxy.plugins.module_utils._kubernetes import direct
from ansible_collections.aks.kube_proxy.plugins.module_utils._kubernetes.access import (
    RUN_COMMAND,
    USER,
    connect,
)
from ansible_collections.aks.kube_proxy.plugins.module_utils._kubernetes.api import Reply
from ansible_collections.aks.kube_proxy.plugins.module_utils._operations.reading import Reader

from tests.support.caller import LIST_PODS, VERSION, Caller

Call = Callable[..., Caller]
ESTABLISHED = "01"
"""A connection's state in the kernel's table."""


def test_paths_are_read_side_by_side_and_answered_in_order(call: Call) -> None:
    caller = call()
    paths = [f"/api/v1/namespaces/kube-system/pods/none-{number}" for number in range(60)]
    threads: set[int] = set()

    def take(reply: Reply) -> str:
        threads.add(threading.get_ident())
        return reply.text

    with closing(caller.connect(USER)) as api:
        found = api.read(paths, take)
        assert api.requests == 60
    assert found == [f'pods "none-{number}" not found' for number in range(60)]
    assert 1 < len(threads) <= 8
    assert sorted(caller.gets()) == sorted(paths)
    assert caller.posts() == ["listClusterUserCredential"]


def test_only_the_lines_that_are_wanted_are_kept(call: Call) -> None:
    caller = call()
    pod = yaml.safe_load(caller.ask(USER, LIST_PODS)[0].text)["items"][0]["metadata"]["name"]
    keep = re.compile("^kubeproxy_sync_proxy_rules_iptables_total")
    texts = [caller.ask(way, proxy_path(pod, "metrics"), keep=keep)[0].text for way in (USER, RUN_COMMAND)]
    for text in texts:
        assert text
        assert all(keep.search(line) for line in text.splitlines())


def test_an_answer_without_end_is_none(call: Call, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(direct, "MOST_BYTES", 2**20)
    caller = call({"services": 3000})
    services, version = caller.ask(USER, "/api/v1/services", VERSION)
    assert (services.status, services.text) == (0, "the answer is larger than 1 MiB")
    assert version.ok


def test_throttling_is_obeyed(call: Call) -> None:
    caller = call()
    caller.azure.emulator.fault("throttled", match={"api": "kubernetes"}, retry_after=7)
    assert caller.ask(USER)[0].ok
    assert caller.azure.time.slept == [7]


@pytest.mark.parametrize("fault", ["server_error", "cut_before", "cut_after", "cut_within"])
def test_a_passing_fault_is_passed_over(fault: str, call: Call) -> None:
    caller = call()
    caller.azure.emulator.fault(fault, match={"api": "kubernetes"}, times=2)
    assert caller.ask(USER)[0].ok
    assert caller.azure.time.slept == [1, 2]


def test_half_an_answer_is_none(call: Call) -> None:
    caller = call()
    caller.azure.emulator.fault("cut_within", match={"api": "kubernetes"}, times=None)
    assert caller.refused(USER).details["code"] == "Unreachable"


@pytest.mark.parametrize("way", [USER, RUN_COMMAND])
def test_an_orphan_asks_nothing(way: str, call: Call) -> None:
    caller = call()
    cluster = caller.cluster()
    orphan = caller.runtime.but(parent=-1)
    clusters = Clusters(caller.clusters.arm.beside(orphan)) if way == RUN_COMMAND else caller.clusters
    with closing(connect(way, cluster, clusters, orphan)) as api, pytest.raises(Orphaned):
        api.read([VERSION] * 20, lambda reply: reply)
    assert caller.gets() == []
    assert "runCommand" not in caller.posts()


def test_a_pod_whose_page_breaks_off_is_no_answer_of_the_cluster(call: Call) -> None:
    caller = call()
    pod = yaml.safe_load(caller.ask(USER, LIST_PODS)[0].text)["items"][0]["metadata"]["name"]
    caller.azure.emulator.fault("cut_within", match={"api": "kubernetes", "path": "/proxy/"}, times=None)
    caller.azure.emulator.clear_kubernetes_requests()
    page, version = caller.ask(USER, proxy_path(pod, "proxyMode"), VERSION)
    assert (page.status, page.text) == (0, "the connection was cut")
    assert version.ok
    assert len(caller.gets()) == 3


def test_when_one_fails_the_others_ask_no_more(call: Call) -> None:
    caller = call()
    caller.azure.emulator.fault("throttled", match={"api": "kubernetes", "path": "/slow"}, times=None, retry_after=1)
    runtime = caller.runtime.but(sleep=lambda _seconds: time.sleep(0.3))

    def take(reply: Reply) -> None:
        raise ValueError(reply.status)

    with (
        closing(connect(USER, caller.cluster(), caller.clusters, runtime)) as api,
        pytest.raises(ValueError, match="200"),
    ):
        api.read([VERSION, "/slow"], take)
    assert caller.gets().count("/slow") == 1


def test_work_that_is_called_off_ends(call: Call) -> None:
    caller = call()
    called_off = threading.Event()

    def take(reply: Reply) -> None:
        called_off.set()

    runtime = replace(caller.runtime, stopped=called_off.is_set)
    with closing(connect(USER, caller.cluster(), caller.clusters, runtime)) as api, pytest.raises(Unwanted):
        api.read([VERSION] * 200, take)
    assert len(caller.gets()) < 30


def connections(port: int) -> int:
    """How many connections to a port of this machine have a client that has not closed them."""
    tables = [Path(f"/proc/net/{name}") for name in ("tcp", "tcp6")]  # the second one is not there without IPv6
    lines = [line.split() for table in tables if table.exists() for line in table.read_text().splitlines()]
    return sum(f":{port:04X}" in remote and state == ESTABLISHED for _slot, _local, remote, state, *_rest in lines)


def test_no_connection_stays_open(call: Call, tmp_path: Path) -> None:
    caller = call()
    content = yaml.safe_load(caller.kubeconfig(tmp_path).read_text())
    port = urlsplit(content["clusters"][0]["cluster"]["server"]).port
    assert port
    api = caller.connect(USER)
    api.read([VERSION] * 20, lambda reply: reply)
    assert connections(port) > 0
    api.close()
    assert connections(port) == 0


def test_of_many_clusters_one_page_is_taken_apart_at_a_time(call: Call) -> None:
    """Each cluster is read by a thread of its own; what many pages take in memory at once is not left to chance."""
    names = ("web", "c2", "c3", "c4")
    caller = call({}, *({"name": name} for name in names[1:]))
    apis = [caller.connect(USER, name) for name in names]
    busy, most = list[object](), list[int]()

    def make(item: object) -> None:
        busy.append(item)
        most.append(len(busy))
        time.sleep(0.02)
        busy.remove(item)

    with ThreadPoolExecutor(len(apis)) as pool:
        found = list(pool.map(lambda api: Reader(api, "it").every(NODES_PATH, make), apis))
    assert [len(nodes) for nodes in found] == [len(found[0])] * len(names)
    assert max(most) == 1
    for api in apis:
        api.close()
