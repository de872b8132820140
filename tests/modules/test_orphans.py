"""A controller that is killed leaves a worker behind: it must not write any more, and must end by itself."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.emulator import Emulator
from tests.emulator.fleet import SUBSCRIPTION
from tests.support.operations import WRITES
from tests.support.playbook import INTERRUPTIBLE, Ansible, play, task

POLL = 1
"""Seconds between two looks at the cluster."""
SLACK = 60.0
"""Seconds for a request that was on its way, on a busy machine."""
SLOW = 4.0
"""Seconds that an answer is held back."""
SWITCH = play(
    task(
        "switch",
        "aks.kube_proxy.config",
        {"resource_group": "rg1", "name": "c1", "mode": "NFTABLES", "poll_interval": POLL},
    )
)

LOOK = play(
    task(
        "look",
        "aks.kube_proxy.verify",
        {"resource_group": "rg1", "name": "c1", "mode": "NFTABLES", "poll_interval": POLL},
    )
)


def eventually(holds: Callable[[], Any], seconds: float, what: str) -> None:
    """Wait until something holds."""
    end = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < end, f"not within {seconds} seconds: {what}"
        time.sleep(0.05)


def children(process: int) -> set[int]:
    """The ids of a process's children."""
    lists = Path(f"/proc/{process}/task").glob("*/children")
    return {int(number) for children in lists for number in children.read_text().split()}


def runs(process: int) -> bool:
    """Whether a process runs; one that has ended and that nobody has asked about yet does not."""
    try:
        state = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return False
    return state not in "ZX"


def cluster_calls(azure: Emulator, *methods: str) -> list[dict[str, Any]]:
    """The requests for the cluster."""
    return [
        call for call in azure.requests() if call["method"] in methods and "managedClusters/c1" in str(call["path"])
    ]


@contextmanager
def playing(ansible: Ansible, azure: Emulator, plays: dict[str, Any]) -> Iterator[subprocess.Popen[bytes]]:
    """The playbook, running; nothing of it is left over afterwards."""
    process = subprocess.Popen(
        [*INTERRUPTIBLE, *ansible.command([plays])],
        env=ansible.variables(azure.environment()),
        cwd=ansible.folder,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    family: set[int] = set()
    try:
        yield process
    finally:
        family |= {process.pid} | children(process.pid)
        for member in filter(runs, family):
            os.kill(member, signal.SIGKILL)
        process.wait(60)


@pytest.fixture
def azure(unhurried: Emulator) -> Iterator[Emulator]:
    """An Azure with one cluster, in which time passes as outside."""
    unhurried.clear_faults()
    unhurried.reset(
        {
            "clusters": [{"name": "c1"}],
            "features": {SUBSCRIPTION: {"KubeProxyConfigurationPreview": "Registered"}},
            "behaviour": {"operation_seconds": 600, "put_seconds": 0},
        }
    )
    yield unhurried
    unhurried.clear_faults()


def kill(process: subprocess.Popen[bytes], number: signal.Signals, whole_group: bool) -> set[int]:
    """Send the signal to the controller, or to its group as a terminal does; the workers that it had."""
    workers = children(process.pid)
    assert workers, "the task runs in a worker"
    if whole_group:
        os.killpg(process.pid, number)
    else:
        os.kill(process.pid, number)
    process.wait(60)
    return workers


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM], ids=["kill", "terminate"])
def test_killed_while_looking(number: signal.Signals, ansible: Ansible, azure: Emulator) -> None:
    """The threads that ask a cluster end with their worker."""
    with playing(ansible, azure, LOOK) as process:
        eventually(lambda: len(azure.kubernetes_requests()) >= 6, 60, "looks")
        workers = kill(process, number, False)
        eventually(lambda: not any(map(runs, workers)), POLL + SLACK, "the worker's end")
        asked = len(azure.kubernetes_requests())
        time.sleep(POLL + 0.5)
        assert len(azure.kubernetes_requests()) == asked, "somebody goes on asking"


def rerun(ansible: Ansible, azure: Emulator) -> dict[str, Any]:
    """The result of the same playbook, run again to its end."""
    run = ansible.play([SWITCH], environ=azure.environment())
    assert run.status == 0, run
    return run.result("switch").values


@pytest.mark.parametrize(
    ("number", "whole_group"),
    [(signal.SIGKILL, False), (signal.SIGTERM, False), (signal.SIGINT, True)],
    ids=["kill", "terminate", "interrupt"],
)
def test_killed_while_waiting(number: signal.Signals, whole_group: bool, ansible: Ansible, azure: Emulator) -> None:
    """Nothing is asked later than one poll after, the worker ends, and a rerun finds the switch done."""
    with playing(ansible, azure, SWITCH) as process:
        eventually(lambda: len(cluster_calls(azure, "GET")) >= 3, 60, "polls")
        workers = kill(process, number, whole_group)
        eventually(lambda: not any(map(runs, workers)), POLL + SLACK, "the worker's end")
        asked = len(azure.requests())
        time.sleep(POLL + 0.5)
        assert len(azure.requests()) == asked, "somebody goes on asking"
    assert len(cluster_calls(azure, "PUT")) == 1
    azure.advance(600)
    result = rerun(ansible, azure)
    assert result["changed"] is False
    assert result["kube_proxy"]["mode"] == "NFTABLES"
    assert len(cluster_calls(azure, "PUT")) == 1


def test_killed_between_reading_and_writing(ansible: Ansible, azure: Emulator) -> None:
    """The read had been answered too late: what it says is not acted on any more."""
    azure.fault("slow", match={"method": "GET", "cluster": "c1"}, seconds=SLOW)
    with playing(ansible, azure, SWITCH) as process:
        eventually(lambda: cluster_calls(azure, "GET"), 60, "the first read")
        workers = kill(process, signal.SIGKILL, False)
        eventually(lambda: not any(map(runs, workers)), SLOW + SLACK, "the worker's end")
    assert [call for call in azure.requests() if call["method"] in WRITES and "c1" in str(call["path"])] == []
    azure.advance(0)
    stored = azure.cluster("c1")["properties"]
    assert "kubeProxyConfig" not in stored["networkProfile"]
    with playing(ansible, azure, SWITCH) as process:
        eventually(lambda: cluster_calls(azure, "PUT"), 60, "the switch of the second run")
        azure.advance(600)
        assert process.wait(60) == 0
    assert azure.cluster("c1")["properties"]["networkProfile"]["kubeProxyConfig"]["mode"] == "NFTABLES"


def test_killed_while_the_write_is_under_way(ansible: Ansible, azure: Emulator) -> None:
    """Azure has taken the PUT: it is the last one, and a rerun joins the operation."""
    azure.fault("slow", match={"method": "PUT", "cluster": "c1"}, seconds=SLOW)
    with playing(ansible, azure, SWITCH) as process:
        eventually(lambda: cluster_calls(azure, "PUT"), 60, "the write")
        workers = kill(process, signal.SIGKILL, False)
        eventually(lambda: not any(map(runs, workers)), SLOW + SLACK, "the worker's end")
    before = len(azure.requests())
    with playing(ansible, azure, SWITCH) as process:
        eventually(lambda: len(azure.requests()) > before and len(cluster_calls(azure, "GET")) >= 3, 60, "joining")
        azure.advance(600)
        assert process.wait(60) == 0
    assert len(cluster_calls(azure, "PUT")) == 1
    assert azure.cluster("c1")["properties"]["provisioningState"] == "Succeeded"
