"""A rollout that is killed stops writing at once, leaves nothing behind, and goes on where it was when run again."""

from __future__ import annotations

import json
import os
import signal
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from tests.emulator import Emulator
from tests.playbooks.processes import PATIENCE, Rolling, eventually, rolling
from tests.playbooks.support import IPTABLES, NFTABLES, SETTINGS, Estate, Rollout, cluster
from tests.support.playbook import play, task

POLL = 1.0
"""Seconds between two looks at a cluster."""
SLACK = 60.0
"""Seconds for a request that was on its way and for the end of a process, on a busy machine."""
PUT_SECONDS = 1.0
"""How long Azure takes to accept a write."""
OPERATION = 600.0
"""How long an operation takes: for ever, as long as the clock is not moved on."""
SLOW = 3.0
"""How long an answer is held back, to be killed before it."""
SOAK = 4
LOOKUPS = Path(__file__).parent / "lookups"
HURRY = 100.0

IPVS = {"enabled": True, "mode": "IPVS", "ipvsConfig": {"scheduler": "LeastConnection", "tcpTimeoutSeconds": 900}}
FLEET = [cluster("c1"), cluster("c2", kube_proxy=IPVS), cluster("c3", mode="disabled", plugin="none"), cluster("c4")]
WAVES = {"c1": 1, "c2": 1, "c3": 2, "c4": 2}
ROLL: dict[str, Any] = {
    "mode": "NFTABLES",
    "enabled": True,
    "stages": [{"name": "all", "waves": [2, "100%"], "soak_seconds": SOAK}],
    "max_parallel": 1,
}


@pytest.fixture(scope="module")
def azure() -> Iterator[Emulator]:
    """An emulator in which a second is a second, unless the test moves its clock on."""
    with Emulator(speed=1) as emulator:
        yield emulator


@pytest.fixture
def laid(estate: Estate) -> Estate:
    """The estate with the fleet of four: two waves of two, one cluster at a time."""
    estate.azure.clear_faults()
    estate.lay_out(*FLEET, put_seconds=PUT_SECONDS, operation_seconds=OPERATION)
    return estate


def calls(estate: Estate, method: str, name: str = "") -> list[dict[str, Any]]:
    """The requests for a cluster, or for any, in their order."""
    return [
        entry
        for entry in estate.azure.requests()
        if entry["method"] == method and f"managedClusters/{name}" in entry["path"]
    ]


def written(estate: Estate) -> list[str]:
    """The clusters that were written to, in order, whether or not the answer came."""
    return [entry["path"].rsplit("/", 1)[1] for entry in calls(estate, "PUT")]


def watched(estate: Estate, name: str) -> bool:
    """Whether a cluster was looked at twice since it was last written to."""
    since = [entry["time"] for entry in calls(estate, "PUT", name)]
    return bool(since) and len([entry for entry in calls(estate, "GET", name) if entry["time"] > since[-1]]) >= 2


def soaks(estate: Estate) -> bool:
    """Whether the first wave is through and summed up."""
    summary = estate.summary()
    return summary is not None and summary["counts"] == {"switched": 2, "not_started": 2}


def assert_announced(estate: Estate) -> None:
    """Every write that Azure has seen stands in the journal already, with its cluster's id."""
    seen = Counter(entry["path"].casefold() for entry in calls(estate, "PUT"))
    announced = Counter(line["id"].casefold() for line in estate.journal() if line["event"] == "submitting")
    assert not seen - announced, f"written without a line in the journal: {seen - announced}"


@dataclass(frozen=True)
class Point:
    """A moment at which a rollout is killed.

    Attributes:
        written: the clusters that were written to by then. Azure's clock is moved on until they are.
        reached: whether it has come after that.
        hurry: how far Azure's clock is moved on at each look for it.
        takes: real seconds that a worker may need to notice, beyond a poll.
        finishes: whether the operations that run come to their end before the rerun.
    """

    written: tuple[str, ...]
    reached: Callable[[Estate], object] = lambda _estate: True
    hurry: float = 0.0
    takes: float = 0.0
    finishes: bool = False


POINTS = {
    "during the preflight": Point((), lambda estate: calls(estate, "GET", "c1"), takes=SLOW),
    "as the first write is on its way": Point(("c1",), takes=PUT_SECONDS),
    "while the wave's last operation runs": Point(("c1", "c2"), lambda estate: watched(estate, "c2")),
    "while an operation runs that ends before the rerun": Point(
        ("c1",), lambda estate: watched(estate, "c1"), finishes=True
    ),
    # What sleeps then is ansible.builtin.pause, which does not notice; it ends by itself and does nothing else.
    "between waves": Point(("c1", "c2"), soaks, hurry=HURRY, takes=SOAK, finishes=True),
    "in the second wave": Point(("c1", "c2", "c3"), takes=PUT_SECONDS),
}
MOMENTS = [
    ("during the preflight", signal.SIGKILL),
    ("as the first write is on its way", signal.SIGKILL),
    ("while the wave's last operation runs", signal.SIGKILL),
    ("while an operation runs that ends before the rerun", signal.SIGTERM),
    ("between waves", signal.SIGKILL),
    ("in the second wave", signal.SIGINT),
]


def joined(estate: Estate, name: str, since: float) -> bool:
    """Whether a cluster is waited for: after the preflight's look and the wave's, the third is a watcher's."""
    return len([entry for entry in calls(estate, "GET", name) if entry["time"] > since]) >= 3


def rerun(estate: Estate, settings: Mapping[str, str]) -> Rollout:
    """The rollout, run again to its end. What is under way is waited for."""
    busy = [name for name in WAVES if estate.azure.cluster(name)["properties"]["provisioningState"] == "Updating"]
    before = estate.azure.now()
    with rolling(estate, estate.command(FLEET, **ROLL), **settings) as run:
        for name in busy:
            run.watch_until(partial(joined, estate, name, before), f"it joins {name}")
            assert written(estate)[-1] == name, "nothing else is begun meanwhile"
        return run.ended(FLEET, hurry=HURRY)


DECISIVE = ("as the first write is on its way", "between waves")
"""The points that every run of the tests tries under either setting."""
CASES = [
    pytest.param(
        point,
        number,
        settings,
        id=f"{point}, {number.name}, {name}",
        marks=[pytest.mark.long] if name != "plain" and point not in DECISIVE else [],
    )
    for name, settings in SETTINGS.items()
    for point, number in MOMENTS
]


@pytest.mark.parametrize(("point", "number", "settings"), CASES)
def test_killed_and_run_again(point: str, number: signal.Signals, laid: Estate, settings: dict[str, str]) -> None:
    """No write after it, nobody left, and the rerun switches what is left, and that only."""
    assert_rerun_converges(POINTS[point], number, laid, settings)


def assert_rerun_converges(point: Point, number: signal.Signals, estate: Estate, settings: Mapping[str, str]) -> None:
    if not point.written:
        estate.azure.fault("slow", match={"method": "GET", "cluster": "c1"}, seconds=SLOW)
    with rolling(estate, estate.command(FLEET, **ROLL), **settings) as run:
        run.watch_until(lambda: written(estate) == list(point.written), "the writes", hurry=HURRY)
        run.watch_until(lambda: point.reached(estate), "the moment", hurry=point.hurry)
        run.kill(number)
        assert_announced(estate)
        if point.finishes:
            estate.azure.advance(OPERATION)
        eventually(lambda: not run.members(), "the end of all workers", POLL + point.takes + SLACK)
    assert written(estate) == list(point.written)
    assert max([entry["time"] for entry in calls(estate, "PUT")], default=0.0) <= run.killed + POLL
    first = {line["host"]: line["wave"] for line in estate.journal()}

    done = rerun(estate, settings)
    assert done.status == 0, done.run
    assert written(estate) == ["c1", "c2", "c3", "c4"], "each cluster is written to once, in the waves' order"
    assert_announced(estate)
    assert done.after == dict.fromkeys(WAVES, NFTABLES)
    assert done.summary is not None
    rows = done.summary["clusters"]
    assert {row["host"]: row["wave"] for row in rows} == WAVES
    assert {row["host"]: row["verified"] for row in rows} == dict.fromkeys(WAVES, "azure")
    assert done.states == {name: "unchanged" if name in point.written else "switched" for name in WAVES}
    again = {line["host"]: line["wave"] for line in done.journal}
    assert again == {name: f"all {number}/2" for name, number in WAVES.items()}
    assert first == {name: again[name] for name in point.written}, "a rerun makes the same waves"


def wave_task(*names: str, **arguments: Any) -> dict[str, Any]:
    """A task that switches clusters, one at a time."""
    clusters = [{"resource_group": "rg1", "name": name, "mode": "NFTABLES"} for name in names]
    keywords = {name: arguments.pop(name) for name in ("timeout", "vars") if name in arguments}
    options = {"clusters": clusters, "max_parallel": 1, "poll_interval": 1, **arguments}
    return task("switch", "aks.kube_proxy.wave", options, **keywords)


def test_killed_before_the_task_began_its_work(laid: Estate) -> None:
    """A worker that never saw its controller alive knows all the same that it is gone."""
    task = wave_task("c1", label="{{ lookup('last_breath', 'late') }}")
    with rolling(laid, laid.ansible.command([play(task)]), ANSIBLE_LOOKUP_PLUGINS=str(LOOKUPS)) as run:
        run.process.wait(PATIENCE)
        eventually(lambda: not run.members(), "the worker's end", POLL + SLACK)
    assert run.process.returncode == -signal.SIGKILL, run
    assert calls(laid, "GET") + calls(laid, "PUT") == []


@pytest.mark.parametrize("settings", ["any_errors_fatal"], indirect=True)
def test_killed_while_it_puts_clusters_back(laid: Estate, settings: dict[str, str]) -> None:
    """The rest is not put back any more; the rerun repairs it, since the journal tells whose failure it was."""
    fleet = [cluster("c1"), cluster("c2"), cluster("c3")]
    laid.lay_out(*fleet, put_seconds=PUT_SECONDS, operation_seconds=OPERATION)
    command = laid.command(fleet, mode="NFTABLES", max_parallel=1, policy="rollback")
    for name in ("c1", "c2"):
        laid.azure.fault("operation_failed", match={"cluster": name})
    with rolling(laid, command, **settings) as run:
        run.watch_until(lambda: len(written(laid)) == 4, "the first write of the rollback", hurry=HURRY)
        run.kill(signal.SIGKILL)
        assert_announced(laid)
        laid.azure.advance(OPERATION)
        eventually(lambda: not run.members(), "the end of all workers", POLL + PUT_SECONDS + SLACK)
    assert written(laid) == ["c1", "c2", "c3", "c1"]
    laid.azure.fault("operation_failed", match={"cluster": "c1"})
    with rolling(laid, command, **settings) as run:
        done = run.ended(fleet, hurry=HURRY)
    assert done.status == 2, done.run
    assert written(laid)[4:] == ["c1", "c2", "c1"]
    assert done.after == {"c1": IPTABLES, "c2": NFTABLES, "c3": NFTABLES}
    assert done.states == {"c1": "rolled_back", "c2": "switched", "c3": "unchanged"}
    assert {done.row(name)["verified"] for name in done.states} == {"azure"}
    assert_announced(laid)


def test_killed_and_put_back(laid: Estate) -> None:
    """The journal of a killed run is enough to give every cluster what it had, also the one that is in the middle."""
    with rolling(laid, laid.command(FLEET, **ROLL)) as run:
        run.watch_until(lambda: "c3" in written(laid), "the second wave", hurry=HURRY)
        run.kill(signal.SIGKILL)
        eventually(lambda: not run.members(), "the end of all workers", POLL + PUT_SECONDS + SLACK)
    with rolling(laid, laid.command(FLEET, playbook="aks.kube_proxy.rollback", max_parallel=4)) as run:
        done = run.ended(FLEET, hurry=HURRY)
    assert done.status == 0, done.run
    assert sorted(written(laid)) == ["c1", "c1", "c2", "c2", "c3", "c3"]
    assert done.after == {"c1": IPTABLES, "c2": IPVS, "c3": {"enabled": False}, "c4": None}
    assert done.states == dict.fromkeys(("c1", "c2", "c3"), "switched")
    assert_announced(laid)


def test_a_time_limit_ends_the_wave(laid: Estate) -> None:
    """Its threads are called off before the task ends, so that later tasks are alone with Azure."""
    look = task("look", "aks.kube_proxy.config_info", {"resource_group": "rg1", "name": "c2"})
    plays = [play(wave_task("c1", "c2", timeout=10), look)]
    run = laid.ansible.play(plays, environ=laid.environ(), seconds=PATIENCE)
    assert run.result("switch").event == "failed", run
    assert "10" in run.result("switch").message, run
    laid.azure.advance(OPERATION)
    assert written(laid) == ["c1"]
    assert run.result("look").values["clusters"][0]["kube_proxy"]["mode"] == "IPVS"
    asked = [entry["path"] for entry in calls(laid, "GET")]
    assert [path.rsplit("/", 1)[1] for path in asked].count("c2") == 1
    assert asked[-1].endswith("/c2")


@pytest.mark.parametrize("way", ["local", "elsewhere"])
def test_an_ordinary_module(way: str, laid: Estate) -> None:
    """On the controller it stops before its next request; elsewhere nobody can tell it, and it works on to its end."""
    journal = laid.folder / "journal.jsonl"
    variables = {"aks_execution": "module", "ansible_connection": way}
    plays = [play(wave_task("c1", "c2", journal=str(journal), vars=variables))]
    with rolling(laid, laid.ansible.command(plays)) as run:
        run.watch_until(lambda: watched(laid, "c1"), "the first operation")
        run.kill(signal.SIGKILL)
        if way == "elsewhere":
            laid.azure.advance(OPERATION)
            eventually(lambda: written(laid) == ["c1", "c2"], "the second write")
            laid.azure.advance(2 * OPERATION)
        eventually(lambda: not run.members(), "the module's end")
    ended = [json.loads(line) for line in journal.read_text(encoding="utf-8").splitlines()]
    states = [line["state"] for line in ended if line["event"] == "ended"]
    if way == "elsewhere":
        assert states == ["switched", "switched"]
        assert [laid.stored(name) for name in ("c1", "c2")] == [NFTABLES, NFTABLES]
        return
    assert states == ["stopped"]
    assert written(laid) == ["c1"]


def kill_module(run: Rolling, name: str) -> None:
    """Kill a module's own process, whoever started it."""
    for process in sorted(run.members()):
        if f"AnsiballZ_{name}".encode() in Path(f"/proc/{process}/cmdline").read_bytes():
            os.kill(process, signal.SIGKILL)


def test_a_module_that_dies_at_work_does_not_say_that_nothing_was_begun(laid: Estate) -> None:
    """What a playbook has to know before it calls clusters untouched."""
    plays = [play(wave_task("c1", "c2", vars={"aks_execution": "module"}))]
    with rolling(laid, laid.ansible.command(plays)) as run:
        run.watch_until(lambda: written(laid) == ["c1"], "the first write")
        kill_module(run, "wave")
        done = run.ended(FLEET)
    result = done.run.result("switch")
    assert result.event == "failed", done.run
    assert "begun" not in result.values and "clusters" not in result.values


@pytest.mark.parametrize("policy", ["halt", "rollback"])
def test_a_rollout_whose_module_dies_says_what_was_begun(policy: str, laid: Estate) -> None:
    """The journal tells which clusters were written to; they have failed, and the policy decides about them."""
    command = laid.command(FLEET, "-e", "aks_execution=module", **{**ROLL, "policy": policy})
    with rolling(laid, command) as run:
        run.watch_until(lambda: written(laid) == ["c1"], "the first write")
        kill_module(run, "wave")
        done = run.ended(FLEET, hurry=HURRY)
    back = policy == "rollback"
    assert done.status == 2, done.run
    assert written(laid) == (["c1", "c1"] if back else ["c1"])
    assert done.states == {
        "c1": "rolled_back" if back else "failed",
        "c2": "failed",
        "c3": "not_started",
        "c4": "not_started",
    }
    assert [done.row(name)["changed"] for name in ("c1", "c2")] == [True, False]
    assert {done.row(name)["code"] for name in ("c1", "c2")} == {"Interrupted"}
    assert "Run again" in done.row("c2")["reason"]
    assert done.after["c1"] == (IPTABLES if back else NFTABLES)
