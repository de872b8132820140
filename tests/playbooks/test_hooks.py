"""The user's own tasks around a wave: what they see, when they run, and what follows when they fail."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.playbooks.support import IPTABLES, NFTABLES, Estate, cluster, named, static_inventory

FLEET = [cluster("a1"), cluster("a2"), cluster("b1")]
STAGES = [{"name": "all", "waves": [2, 1]}]
FAIL = "ansible.builtin.fail"
MESSAGE = {"msg": "The change ticket is closed."}
ON_A2: dict[str, Any] = {"name": "Ask", FAIL: MESSAGE, "when": "inventory_hostname == 'a2'"}
FOR_ALL_AT_ONCE: dict[str, Any] = {"name": "Ask", FAIL: MESSAGE, "run_once": True}
ON_EACH: dict[str, Any] = {"name": "Ask", FAIL: MESSAGE}


def hook(folder: Path, name: str, *tasks: dict[str, Any]) -> str:
    """A file with tasks; what is returned is its path from the folder."""
    path = folder / "hooks" / f"{name}.yml"
    path.parent.mkdir(exist_ok=True)
    path.write_text(yaml.safe_dump(list(tasks), sort_keys=False), encoding="utf-8")
    return str(path.relative_to(folder))


@dataclass(frozen=True)
class Failing:
    """A hook that fails, and what has to come of it.

    Attributes:
        moment: C(before_wave) or C(after_wave).
        tasks: the hook's task, which every wave would run.
        policy: the failure policy.
        states: what becomes of the clusters.
        after: what they have then.
    """

    moment: str
    tasks: dict[str, Any]
    policy: str
    states: dict[str, str]
    after: dict[str, Any]


UNTOUCHED = {"a1": None, "a2": None, "b1": None}
FAILING = {
    "before, one host": Failing(
        "before_wave", ON_A2, "rollback", {"a1": "not_started", "a2": "failed", "b1": "not_started"}, UNTOUCHED
    ),
    "before, run_once": Failing(
        "before_wave", FOR_ALL_AT_ONCE, "continue", {"a1": "failed", "a2": "failed", "b1": "not_started"}, UNTOUCHED
    ),
    "after, one host, halt": Failing(
        "after_wave",
        ON_A2,
        "halt",
        {"a1": "switched", "a2": "failed", "b1": "not_started"},
        {"a1": NFTABLES, "a2": NFTABLES, "b1": None},
    ),
    "after, one host, rollback": Failing(
        "after_wave",
        ON_A2,
        "rollback",
        {"a1": "switched", "a2": "rolled_back", "b1": "not_started"},
        {"a1": NFTABLES, "a2": IPTABLES, "b1": None},
    ),
    "after, run_once, rollback_wave": Failing(
        "after_wave",
        FOR_ALL_AT_ONCE,
        "rollback_wave",
        {"a1": "rolled_back", "a2": "rolled_back", "b1": "not_started"},
        {"a1": IPTABLES, "a2": IPTABLES, "b1": None},
    ),
    "after, all hosts, continue": Failing(
        "after_wave",
        ON_EACH,
        "continue",
        {"a1": "failed", "a2": "failed", "b1": "failed"},
        {"a1": NFTABLES, "a2": NFTABLES, "b1": NFTABLES},
    ),
}
BAD = {"failed", "rolled_back"}


@pytest.mark.parametrize("case", FAILING.values(), ids=FAILING)
def test_a_failed_hook_is_a_failure_of_its_clusters_and_nobody_vanishes(
    estate: Estate, settings: dict[str, str], case: Failing
) -> None:
    estate.lay_out(*FLEET)
    words: dict[str, Any] = {case.moment: hook(estate.folder, "ask", case.tasks)}
    done = estate.roll(FLEET, settings=settings, mode="NFTABLES", policy=case.policy, stages=STAGES, **words)
    assert (done.after, done.states) == (case.after, case.states), str(done.run)
    bad = {host: state in BAD for host, state in case.states.items()}
    for host, failed in bad.items():
        row = done.row(host)
        assert (row["code"] == "HookFailed" and "hook" in row["reason"]) == failed, row
        written = sum(name == host for name, _mode in done.puts)
        assert written == {"not_started": 0, "rolled_back": 2}.get(row["state"], int(case.moment == "after_wave"))
        assert done.run.recap[host]["changed"] == int(written > 0)
        assert done.run.recap[host]["failed"] == int(failed)
        (line,) = [line for line in done.table if line.startswith(f"{host} ")]
        assert line.endswith(row["state"].replace("_", " "))
    assert done.status == 2
    assert done.summary is not None
    assert (done.summary["stopped"] is None) == (case.moment == "after_wave" and case.policy == "continue")


LOOK = {
    "ansible.builtin.debug": {
        "msg": {
            "label": "{{ rolling_update_label }}",
            "hosts": "{{ rolling_update_wave.hosts }}",
            "pending": "{{ rolling_update_pending }}",
            "checked": "{{ rolling_update_checked.clusters[inventory_hostname].state }}",
            "switched": "{{ (rolling_update_switched[inventory_hostname] | default({})).state | default('-') }}",
        }
    }
}
ALL_DAY = {"start": "00:00", "end": "00:00", "timezone": "UTC"}


def test_hooks_see_their_wave_and_a_second_run_does_nothing(estate: Estate, settings: dict[str, str]) -> None:
    """A wave without a change is held up by nothing: no hook, no gate, no soak."""
    fleet = [cluster("a1", mode="NFTABLES"), cluster("a2"), cluster("b1", mode="NFTABLES")]
    estate.lay_out(*fleet)
    stages = [{"name": "all", "waves": [2, 1], "soak_seconds": 1, "gate": True}]
    words: dict[str, Any] = {
        "settings": settings,
        "mode": "NFTABLES",
        "before_wave": hook(estate.folder, "before", {"name": "Look before", **LOOK}),
        "after_wave": str(estate.folder / hook(estate.folder, "after", {"name": "Look after", **LOOK})),
        "stages": stages,
        "window": ALL_DAY,
    }
    first = estate.roll(fleet, confirmed=["all"], **words)
    assert (first.status, first.puts) == (0, [("a2", "NFTABLES")]), str(first.run)
    wave = {"label": "all 1/2", "hosts": ["a1", "a2"], "pending": ["a2"]}
    seen = {
        (moment, result.host): result.values["msg"]
        for moment in ("before", "after")
        for result in first.run.results
        if result.task.endswith(f"Look {moment}")
    }
    assert seen == {
        ("before", "a1"): {**wave, "checked": "unchanged", "switched": "-"},
        ("before", "a2"): {**wave, "checked": "would_switch", "switched": "-"},
        ("after", "a1"): {**wave, "checked": "unchanged", "switched": "unchanged"},
        ("after", "a2"): {**wave, "checked": "would_switch", "switched": "switched"},
    }
    soak = [result.event for result in first.run.results_of(named("Let it soak before the next wave"))]
    assert soak == ["ok", "skipped"], "the wave with a change soaks, the one without does not"

    second = estate.roll(fleet, **words)
    assert (second.status, second.writes) == (0, []), str(second.run)
    assert second.counted("changed") == {"a1": 0, "a2": 0, "b1": 0}
    assert second.states == dict.fromkeys(("a1", "a2", "b1"), "unchanged")
    assert second.journal == first.journal
    tasks = {
        result.task.removeprefix("aks.kube_proxy.rolling_update : ")
        for result in second.run.results
        if result.event == "ok"
    }
    assert not tasks & {"Look before", "Look after", "Wait at the gate", "Let it soak before the next wave"}


UNREACHABLE = {"ansible_connection": "ssh", "ansible_host": "127.0.0.1", "ansible_port": 1}
"""A port on which nobody listens."""
ON_THE_HOST: dict[str, Any] = {"name": "Look", "ansible.builtin.raw": "true", "when": "inventory_hostname == 'a2'"}
A_STEP_MORE: dict[str, Any] = {"name": "Look further", "ansible.builtin.debug": {"msg": "It is fine."}}
BEYOND_REACH = {
    ("before_wave", "halt"): {"a1": "not_started", "a2": "failed", "b1": "not_started"},
    ("before_wave", "continue"): {"a1": "not_started", "a2": "failed", "b1": "not_started"},
    ("before_wave", "rollback"): {"a1": "not_started", "a2": "failed", "b1": "not_started"},
    ("after_wave", "halt"): {"a1": "switched", "a2": "failed", "b1": "not_started"},
    ("after_wave", "continue"): {"a1": "switched", "a2": "failed", "b1": "switched"},
    ("after_wave", "rollback"): {"a1": "switched", "a2": "rolled_back", "b1": "not_started"},
}
WRITTEN = {"not_started": None, "switched": NFTABLES, "rolled_back": IPTABLES}


@pytest.mark.parametrize(("moment", "policy"), BEYOND_REACH)
def test_a_host_that_the_hook_cannot_reach_is_a_failure_and_takes_no_further_part(
    estate: Estate, settings: dict[str, str], moment: str, policy: str
) -> None:
    """It must not be brought back into the middle of the hook, from where it would pass."""
    estate.lay_out(*FLEET)
    states = BEYOND_REACH[moment, policy]
    words: dict[str, Any] = {moment: hook(estate.folder, "look", ON_THE_HOST, A_STEP_MORE)}
    inventory = static_inventory(FLEET, hosts={"a2": UNREACHABLE})
    words |= {"inventory": inventory, "settings": settings, "policy": policy, "stages": STAGES}
    done = estate.roll(FLEET, mode="NFTABLES", **words)
    assert done.states == states, str(done.run)
    assert done.status not in (0, 1)
    assert done.row("a2")["code"] == "HookFailed"
    failed = NFTABLES if moment == "after_wave" else None
    assert done.after == {host: WRITTEN.get(state, failed) for host, state in states.items()}
    assert [result.host for result in done.run.results_of("Look further")].count("a2") == 0
    assert ("a2", "IPTABLES") not in done.puts or done.puts.count(("a2", "IPTABLES")) == int(
        states["a2"] == "rolled_back"
    )


ENDS = {
    "end_host": {"name": "Leave", "ansible.builtin.meta": "end_host", "when": "inventory_hostname == 'a2'"},
    "end_batch": {"name": "Leave", "ansible.builtin.meta": "end_batch"},
}


@pytest.mark.parametrize(
    ("way", "moment"), [("end_host", "before_wave"), ("end_host", "after_wave"), ("end_batch", "after_wave")]
)
def test_a_hook_that_leaves_early_hides_nothing(estate: Estate, way: str, moment: str) -> None:
    estate.lay_out(*FLEET)
    words: dict[str, Any] = {moment: hook(estate.folder, "leave", ENDS[way])}
    done = estate.roll(FLEET, mode="NFTABLES", stages=STAGES, **words)
    assert done.status == 2, str(done.run)
    assert (done.states["a2"], done.row("a2")["code"]) == ("failed", "HookFailed")
    assert (done.states["b1"], done.after["b1"]) == ("not_started", None)
