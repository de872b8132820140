"""Many clusters at once: side by side but not too many, each with its own end, and nobody asks once nobody waits."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.aks.kube_proxy.plugins.module_utils._kubernetes.access import WAYS
from ansible_collections.aks.kube_proxy.plugins.module_utils._operations.verify import OPERATION

from tests.operations.verifying import Lay, begin_switch, gets, verify, with_nodes

GROUP = "/subscriptions/11111111-1111-4111-8111-111111111111/resourceGroups/rg1"


def named(*names: str, **each: Any) -> list[dict[str, Any]]:
    return [{"resource_group": "rg1", "name": name, **each} for name in names]


def states(result: dict[str, Any]) -> dict[str, str]:
    return {host: found["state"] for host, found in result["clusters"].items()}


def test_each_cluster_ends_in_its_own_way(azure: Lay) -> None:
    cloud = azure(
        with_nodes(1, "good", mode="NFTABLES"),
        with_nodes(1, "bad", mode="IPTABLES"),
        with_nodes(1, "dark", mode="NFTABLES", inside={"api": "unreachable"}),
        with_nodes(1, "other", mode="IPVS"),
    )
    clusters = [
        *named("good", "bad", "dark", "gone", mode="NFTABLES"),
        {"resource_id": f"{GROUP}/providers/Microsoft.ContainerService/managedClusters/other", "host": "by id"},
    ]
    result = cloud.call(OPERATION, clusters=clusters, wait_timeout=20)
    assert states(result) == {
        "good": "verified",
        "bad": "contradicted",
        "dark": "unverified",
        "gone": "unverified",
        "by id": "verified",
    }
    assert (result["ok"], result["changed"], result["failed"]) == (False, False, True)
    starts = [line.split(".")[0] for line in result["msg"].splitlines() if ": " in line]
    assert [start for start in starts if start in ("bad: contradicted", "dark: unverified", "gone: unverified")] == [
        "bad: contradicted",
        "dark: unverified",
        "gone: unverified",
    ]
    assert "observed" in result["msg"], "the table of nodes"
    assert "good" not in result["msg"]
    told = [line.split(" ", 1)[1] for line in cloud.said]
    assert len(told) == 5
    assert all(line.startswith("evidence after ") for line in told)
    assert [line for line in told if " bad: contradicted after " in line]


def test_before_a_switch_all_is_told_at_the_end_and_once(azure: Lay) -> None:
    cloud = azure(with_nodes(1, "dark", inside={"api": "unauthorized"}), with_nodes(1, "good"))
    result = cloud.call(OPERATION, clusters=named("dark", "good", mode="NFTABLES"), phase="before")
    assert states(result) == {"dark": "unverified", "good": "safe"}
    assert result["msg"].startswith("dark: unverified.")
    assert cloud.said == []


def test_missing_evidence_only_warns_when_that_is_asked_for(azure: Lay) -> None:
    layout = [
        with_nodes(1, "good", mode="NFTABLES"),
        with_nodes(1, "dark", mode="NFTABLES", inside={"api": "unauthorized"}),
        with_nodes(1, "bad", mode="IPTABLES"),
    ]
    cloud = azure(*layout)
    warned = cloud.call(OPERATION, clusters=named("good", "dark", mode="NFTABLES"), unverified="warn")
    assert "failed" not in warned
    assert (warned["ok"], states(warned)) == (False, {"good": "verified", "dark": "unverified"})
    (warning,) = warned["warnings"]
    assert warning == f"dark: unverified. {warned['clusters']['dark']['reason']}"
    failed = cloud.call(OPERATION, clusters=named("dark", "bad", mode="NFTABLES"), unverified="warn", wait_timeout=10)
    assert failed["failed"] is True
    assert failed["msg"].startswith("bad: contradicted")
    assert "dark" not in failed["msg"]
    assert [text.split(".")[0] for text in failed["warnings"]] == ["dark: unverified"]


def test_no_clusters_are_nothing_to_ask(azure: Lay) -> None:
    cloud = azure()
    result = cloud.call(OPERATION, clusters=[])
    assert (result["ok"], result["clusters"], result["warnings"]) == (True, {}, [])


@pytest.mark.parametrize(("at_once", "together"), [(1, False), (3, True)])
def test_no_more_clusters_than_allowed_are_asked_at_a_time(at_once: int, together: bool, azure: Lay) -> None:
    """What the request log shows: the clusters one after the other, or interleaved."""
    names = ("c1", "c2", "c3")
    cloud = azure(*(with_nodes(4, name, mode="IPTABLES") for name in names))
    for name in names:
        slow = {"api": "kubernetes", "cluster": name, "path": "/daemonsets/kube-proxy$"}
        cloud.emulator.fault("slow", match=slow, seconds=0.3)
    result = cloud.call(OPERATION, clusters=named(*names), max_parallel=at_once)
    assert result["ok"] is True
    order = [entry["cluster"] for entry in cloud.emulator.kubernetes_requests()]
    changes = sum(one != other for one, other in pairwise(order))
    assert (changes > 2) is together, order


def test_a_cluster_that_cannot_be_understood_is_told(azure: Lay) -> None:
    cloud = azure(with_nodes(1, "c1", mode="NFTABLES"), with_nodes(1, "c2", mode="NFTABLES"))
    cloud.emulator.change_cluster("c1", {"properties": {"aadProfile": "odd"}})
    result = cloud.call(OPERATION, clusters=named("c1", "c2"))
    assert states(result) == {"c1": "unverified", "c2": "verified"}
    assert result["clusters"]["c1"]["code"] == "Unreadable"
    assert "'properties.aadProfile' is 'odd'" in result["clusters"]["c1"]["reason"]


def test_one_clusters_surprise_hides_nothing_of_the_others(azure: Lay, monkeypatch: pytest.MonkeyPatch) -> None:
    """Something that nobody has thought of."""
    cloud = azure(with_nodes(1, "c1", mode="NFTABLES"), with_nodes(1, "c2", mode="NFTABLES"))

    def surprise(_request: Any) -> Any:
        raise AttributeError("nobody has thought of it")

    monkeypatch.setitem(WAYS, "run_command", surprise)
    result = cloud.call(OPERATION, clusters=[*named("c1", access="run_command"), *named("c2")])
    assert states(result) == {"c1": "unverified", "c2": "verified"}
    assert result["clusters"]["c1"]["code"] == "Unexpected"
    assert "AttributeError" in result["clusters"]["c1"]["reason"]


@pytest.mark.parametrize(
    ("clusters", "told"),
    [
        (named("c1", "c1"), "names c1 twice"),
        (
            [{"host": "a", **named("c1")[0]}, {"host": "b", "resource_group": "RG1", "name": "C1"}],
            "one cluster under two names (a, b)",
        ),
        ([{"name": "c1"}], "Cluster c1: 'resource_id' is missing"),
        ([{"resource_id": "/x"}], "not the resource id of an AKS cluster"),
        (named("c1", mode="NFTABLES", enabled=False), "Cluster c1: 'enabled: false'"),
    ],
)
def test_wrong_clusters_end_the_task_before_anything_is_asked(
    clusters: list[dict[str, Any]], told: str, azure: Lay
) -> None:
    cloud = azure(with_nodes(1))
    result = cloud.call(OPERATION, clusters=clusters)
    assert result["failed"] is True
    assert told in result["msg"]
    assert cloud.arm_requests() == []


def test_each_cluster_can_have_a_way_of_its_own(azure: Lay) -> None:
    entra = {"entra": True}
    cloud = azure(*(with_nodes(1, name, mode="IPTABLES", inside=entra) for name in ("c1", "c2", "c3")))
    clusters = [*named("c1"), *named("c2", access="admin"), *named("c3", access="run_command")]
    result = cloud.call(OPERATION, clusters=clusters, access="user")
    assert result["ok"] is True, result
    users = {entry["cluster"]: entry["user"] for entry in cloud.emulator.kubernetes_requests() if "path" in entry}
    principal = "44444444-4444-4444-8444-444444444444"
    assert users == {"c1": principal, "c2": "masterclient", "c3": principal}
    assert result["clusters"]["c3"]["how"] == "runCommand"
    assert result["clusters"]["c2"]["how"] == "the API server at localhost"


def test_a_clusters_own_kubeconfig_and_context_win(azure: Lay, tmp_path: Path) -> None:
    path = tmp_path / "config"
    path.write_text("{apiVersion: v1, kind: Config, clusters: [], contexts: [], users: []}")
    cloud = azure(with_nodes(1, "c1"), with_nodes(1, "c2"))
    clusters = [*named("c1"), *named("c2", kubeconfig=str(path), context="hers")]
    found = cloud.call(OPERATION, clusters=clusters, kubeconfig="/nowhere/config", context="ours")["clusters"]
    assert "/nowhere/config" in found["c1"]["reason"]
    assert "hers" in found["c2"]["reason"]
    assert gets(cloud) == []


def test_what_is_tolerated_of_one_is_not_of_the_other(azure: Lay) -> None:
    cloud = azure(*(with_nodes(1, name, inside={"localhost_nodeports": 1}) for name in ("c1", "c2")))
    clusters = [*named("c1", mode="NFTABLES", tolerate=["localhost-nodeports"]), *named("c2", mode="NFTABLES")]
    result = cloud.call(OPERATION, clusters=clusters, phase="before")
    assert states(result) == {"c1": "safe", "c2": "unsafe"}
    told = [line for line in cloud.said if " c1: " in line]
    assert told == [], "before a switch only those are told of that are not safe"


def test_nodes_that_nobody_wants_to_see_are_counted(azure: Lay) -> None:
    inside = {"stuck_nodes": 1}
    cloud = azure(with_nodes(3, mode="IPTABLES", inside=inside))
    begin_switch(cloud)
    found = verify(cloud, nodes="others", wait_timeout=160)["clusters"]["c1"]
    assert [row["standing"] for row in found["nodes"]] == ["contradicted"]
    assert (found["proven"], found["left_out"]) == (2, 0)


def test_warnings_are_gathered_by_rule(azure: Lay) -> None:
    names = [f"c{number}" for number in range(7)]
    cloud = azure(*(with_nodes(1, name, inside={"kernel": "5.15.0-1"}) for name in names))
    result = cloud.call(OPERATION, clusters=named(*names, mode="NFTABLES"), phase="before")
    (warning,) = result["warnings"]
    assert re.match(r"(c[0-4] \(aks-pool-\S+ \(kernel 5\.15\.0-1\)\)(, )?){5} and 2 more: ", warning)
    assert "Prefer Ubuntu 24.04" in warning


def test_an_orphan_asks_nothing_more(azure: Lay, monkeypatch: pytest.MonkeyPatch) -> None:
    cloud = azure(with_nodes(2, "c1", mode="NFTABLES"), with_nodes(2, "c2", mode="NFTABLES"))
    real = os.getppid()
    monkeypatch.setattr(os, "getppid", lambda: real + bool(gets(cloud)))
    result = cloud.call(OPERATION, clusters=named("c1", "c2"), max_parallel=1)
    assert states(result) == {"c1": "unverified", "c2": "unverified"}
    assert "is gone" in result["clusters"]["c1"]["reason"]
    assert len(gets(cloud)) == 1
    assert {entry["cluster"] for entry in cloud.emulator.kubernetes_requests()} == {"c1"}


def test_an_interrupt_calls_the_threads_off(azure: Lay) -> None:
    cloud = azure(*(with_nodes(1, name, mode="IPTABLES") for name in ("c1", "c2", "c3")))

    def interrupt(_line: str) -> None:
        raise KeyboardInterrupt

    cloud.say = interrupt
    slow = {"api": "kubernetes", "cluster": "c2"}
    cloud.emulator.fault("slow", match=slow, seconds=0.5)
    with pytest.raises(KeyboardInterrupt):
        cloud.call(OPERATION, clusters=named("c1", "c2", "c3"), max_parallel=1)
    asked = [entry["cluster"] for entry in cloud.emulator.kubernetes_requests()]
    assert asked.count("c2") <= 1
    assert "c3" not in asked


def test_a_rolling_cluster_does_not_hold_up_the_others(azure: Lay) -> None:
    cloud = azure(with_nodes(3, "c1", mode="IPTABLES"), with_nodes(1, "c2", mode="NFTABLES"))
    begin_switch(cloud)
    result = cloud.call(OPERATION, clusters=named("c1", "c2"), max_parallel=2)
    assert states(result) == {"c1": "verified", "c2": "verified"}


def test_progress_can_be_turned_off(azure: Lay) -> None:
    cloud = azure(with_nodes(1, mode="IPTABLES"))
    verify(cloud, progress=False)
    assert cloud.said == []


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"wait_timeout": 0}, "Cluster c1: 'wait_timeout' is 0: it has to be 1 second or more."),
        ({"poll_interval": -1}, "Cluster c1: 'poll_interval' is -1: it has to be 1 second or more."),
        ({"max_parallel": 0}, "Cluster c1: 'max_parallel' is 0: it has to be 1 to 100."),
        ({"max_parallel": 101}, "Cluster c1: 'max_parallel' is 101: it has to be 1 to 100."),
        ({"joining_seconds": -1}, "Cluster c1: 'joining_seconds' is -1: it cannot be negative."),
        ({"settle_seconds": -1}, "Cluster c1: 'settle_seconds' is -1: it cannot be negative."),
        ({"api_version": "2026-08-01"}, "Cluster c1: "),
        ({"phase": "before"}, "'phase: before' has to know what it is to get: set 'mode'"),
        ({"phase": "during"}, "value of phase must be one of: after, before, got: during"),
        ({"access": "magic"}, "value of access must be one of: auto, kubeconfig, user, admin, run_command"),
        ({"not_ready_nodes": "drop"}, "value of not_ready_nodes must be one of: wait, ignore"),
        ({"mode": "NFTABLES", "ipvs_config": {"scheduler": "RoundRobin"}}, "'ipvs_config' belongs to 'mode: IPVS'"),
        ({"clusters": named("c2")}, "mutually exclusive: clusters|resource_id|name"),
        ({"name": None, "resource_group": None}, "one of the following is required: clusters, resource_id, name"),
        ({"resource_group": None}, "required together: resource_group, name"),
        ({"name": None, "resource_group": None, "clusters": [], "mode": "IPVS"}, "mutually exclusive: clusters|mode"),
    ],
    ids=lambda value: str(value)[:50],
)
def test_wrong_options_end_the_task_before_anything_is_asked(options: dict[str, Any], says: str, azure: Lay) -> None:
    cloud = azure(with_nodes(1))
    given = {
        name: value for name, value in {"resource_group": "rg1", "name": "c1", **options}.items() if value is not None
    }
    result = cloud.call(OPERATION, **given)
    assert result["failed"] is True
    assert says in result["msg"]
    assert "\n" not in result["msg"]
    assert "not written for" not in result["msg"]
    assert cloud.arm_requests() == []


# Verifies c1 in a process of its own, and tells how much memory Python had at most, beside what was loaded before.
MEASURED = """
import json, tracemalloc
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible_collections.aks.kube_proxy.plugins.module_utils._azure.runtime import Runtime
from ansible_collections.aks.kube_proxy.plugins.module_utils._operations.verify import OPERATION
asked = {"resource_group": "rg1", "name": "c1"}
checked = ArgumentSpecValidator(OPERATION.argument_spec, **OPERATION.constraints).validate(asked)
tracemalloc.start()
result = OPERATION.outcome(checked.validated_parameters, Runtime())
print(json.dumps([len(result["clusters"]["c1"]["nodes"]), tracemalloc.get_traced_memory()[1] / 2**20]))
"""


def test_memory_is_that_of_a_page_whatever_the_number_of_nodes(azure: Lay) -> None:
    """A page of 250 nodes takes about 10 MiB while it is read. Twice as many nodes must not take twice as much."""
    most = []
    for nodes in (250, 500):
        cloud = azure(with_nodes(nodes, mode="IPTABLES", inside={"pod_proxy": "forbidden"}))
        environ = {**os.environ, **cloud.emulator.environment(), "PYTHONPATH": os.pathsep.join(sys.path)}
        ran = subprocess.run([sys.executable, "-c", MEASURED], env=environ, capture_output=True, text=True, check=True)
        known, mebibytes = json.loads(ran.stdout)
        assert known == nodes
        most.append(mebibytes)
    one_page, two_pages = most
    assert two_pages < 1.4 * one_page, most
    assert two_pages < 40, most
