"""What playbooks put around tasks works with modules that run in the worker, as it does with ordinary ones."""

from __future__ import annotations

import re
import time
from typing import Any

import pytest

from tests.emulator import Emulator
from tests.emulator.fleet import SUBSCRIPTION
from tests.support.playbook import LOCAL, MODULE, Ansible, Inventory, play, task

INFO, CONFIG, VERIFY = "aks.kube_proxy.config_info", "aks.kube_proxy.config", "aks.kube_proxy.verify"
GROUP = "group/aks.kube_proxy.aks"
REGISTERED = {SUBSCRIPTION: {"KubeProxyConfigurationPreview": "Registered"}}


def cluster(name: str) -> dict[str, str]:
    """The options that name a cluster."""
    return {"resource_group": "rg1", "name": name}


@pytest.fixture
def azure(hurried: Emulator) -> Emulator:
    """An Azure with three clusters."""
    names = ("c1", "c2", "c3")
    hurried.reset({"clusters": [{"name": name} for name in names], "features": REGISTERED})
    return hurried


# Values of environment: that are no strings; a shell would get them as text.
ODD = {"HTTP_TIMEOUT": 30, "AZURE_DISABLE_INSTANCE_DISCOVERY": True, "NO_VALUE": None}


@pytest.mark.parametrize("way", ["auto", "module"])
def test_environment(way: str, ansible: Ansible, azure: Emulator) -> None:
    """Credentials that only C(environment) gives do their work, and are gone with their task."""
    given = azure.environment()
    tasks = [
        task("from the play", INFO, cluster("c1")),
        task("from the task", INFO, cluster("c1"), environment={"AZURE_SECRET": "{{ wrong }}"}),
        task("not leaked", INFO, cluster("c1"), environment={}),
    ]
    bare = [
        task("templated whole", INFO, cluster("c1"), environment="{{ given }}"),
        task("nothing left", INFO, cluster("c1"), environment=[{}]),
    ]
    plays = [
        play(*tasks, environment={**given, "AZURE_CLIENT_ID": "{{ client }}", **ODD}),
        play(*bare, environment={}),
    ]
    variables = {"aks_execution": way, "given": given, "client": given["AZURE_CLIENT_ID"], "wrong": "not-a-secret"}
    inventory = {"localhost": {**LOCAL["localhost"], **variables}}
    run = ansible.play(plays, inventory=inventory)
    for name in ("from the play", "not leaked", "templated whole"):
        assert run.result(name).event == "ok", run
    assert "AADSTS7000215" in run.result("from the task").message
    assert run.result("nothing left").event == "failed"
    assert "AZURE_CLIENT_ID" in run.result("nothing left").message


def test_loops_hosts_and_conditions(ansible: Ansible, azure: Emulator) -> None:
    inventory: Inventory = {name: {**LOCAL["localhost"], "cluster": name} for name in ("c1", "c2", "c3")}
    mine = {"name": "{{ cluster }}"}
    tasks = [
        task("defaults of the group", INFO, mine, register="read"),
        task("registered", "ansible.builtin.debug", {"msg": "{{ read.clusters[0].kube_proxy.mode }}"}),
        task("once", INFO, mine, run_once=True),
        task("loop", INFO, {"name": "{{ item }}"}, loop=["c1", "nobody", "c3"], run_once=True),
        task("fails when", INFO, mine, failed_when="true", register="wrong", run_once=True),
        task(
            "until", INFO, mine, run_once=True, register="r", until="r.attempts is defined and r.attempts > 1", delay=0
        )
        | {"retries": 3},
        task("skipped", INFO, mine, when="false"),
        task(
            "predicted", CONFIG, {**mine, "mode": "IPVS"}, check_mode=True, diff=True, notify="handler", run_once=True
        ),
        task("same", CONFIG, {**mine, "mode": "IPTABLES"}, notify="wrong handler", run_once=True),
        task("switched", CONFIG, {**mine, "mode": "NFTABLES"}, notify="handler", throttle=2),
        task("proven", VERIFY, {**mine, "settle_seconds": 0, "poll_interval": 1}, throttle=2, register="proof"),
        task("standing", "ansible.builtin.debug", {"msg": "{{ proof.clusters[cluster].state }}"}),
    ]
    handlers = [
        {"name": name, "ansible.builtin.debug": {"msg": "handled"}, "listen": name}
        for name in ("handler", "wrong handler")
    ]
    run = ansible.play(
        [play(*tasks, handlers=handlers, module_defaults={GROUP: {"resource_group": "rg1"}})],
        inventory=inventory,
        environ=azure.environment(),
    )
    assert [result.message for result in run.results_of("registered")] == ["IPTABLES"] * 3, run
    assert len(run.results_of("once")) == 1
    assert [item.event for item in run.items_of("loop")] == ["item ok", "item failed", "item ok"]
    assert run.result("fails when").event == "failed"
    assert run.result("until").values["attempts"] == 2, run.result("until")
    assert {result.event for result in run.results_of("skipped")} == {"skipped"}
    assert run.result("predicted").values["diff"]["after"]["properties"]["networkProfile"]["kubeProxyConfig"]
    assert [result.values["changed"] for result in run.results_of("switched")] == [True] * 3
    assert [result.message for result in run.results_of("standing")] == ["verified"] * 3, run
    assert {result.host for result in run.results_of("handler")} == {"c1", "c2", "c3"}
    assert run.results_of("wrong handler") == []
    assert '"mode": "IPVS"' in run.stdout  # the diff that C(diff: true) shows
    puts = [call for call in azure.requests() if call["method"] == "PUT"]
    assert len(puts) == 3


def test_async(ansible: Ansible, azure: Emulator) -> None:
    """In the background it is an ordinary module, which outlives its worker."""
    tasks = [
        task("started", CONFIG, {**cluster("c2"), "mode": "NFTABLES"}, register="job", poll=0) | {"async": 60},
        task(
            "ended",
            "ansible.builtin.async_status",
            {"jid": "{{ job.ansible_job_id }}"},
            register="status",
            until="status is finished",
            retries=60,
            delay=1,
        ),
    ]
    run = ansible.play([play(*tasks)], "-vvv", environ=azure.environment())
    assert run.ways["started"] == MODULE
    assert run.result("ended").event == "ok", run
    assert run.result("ended").values["changed"] is True
    assert run.result("ended").values["kube_proxy"]["mode"] == "NFTABLES"


def test_time_limit(ansible: Ansible, unhurried: Emulator) -> None:
    """The keyword C(timeout) ends a task in the middle of its wait."""
    fleet: dict[str, Any] = {"clusters": [{"name": "c1"}], "features": REGISTERED}
    unhurried.reset({**fleet, "behaviour": {"operation_seconds": 600, "put_seconds": 0}})
    arguments = {**cluster("c1"), "mode": "NFTABLES", "poll_interval": 1}
    started = time.monotonic()
    run = ansible.play(
        [play(task("limited", CONFIG, arguments, timeout=4), task("next", INFO, cluster("c1")))],
        environ=unhurried.environment(),
    )
    assert time.monotonic() - started < 120
    assert run.result("limited").event == "failed"
    # Ansible's own words, those of ansible-core 2.16 to 2.18 last.
    assert re.search("timed out|expected time frame", run.result("limited").message, re.IGNORECASE)
    assert run.result("next").values["clusters"][0]["provisioning_state"] == "Updating", run
    assert len([call for call in unhurried.requests() if call["method"] == "PUT"]) == 1
