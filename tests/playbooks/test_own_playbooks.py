"""Playbooks of one's own: the role without a plan, other strategies, and copies of the rollout that go astray."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

from tests.playbooks.support import NFTABLES, Estate, Rollout, cluster

ROLLOUT_FILE = Path(__file__).parents[2] / "playbooks" / "rollout.yml"
FLEET = [cluster("a1"), cluster("b1")]
STAGES = [{"name": "all", "waves": [1]}]


def written(estate: Estate, plays: list[dict[str, Any]]) -> str:
    """A playbook in the estate's folder."""
    path = estate.folder / "own.yml"
    path.write_text(yaml.safe_dump(plays, sort_keys=False), encoding="utf-8")
    return str(path)


def role(entry: str = "main", **keywords: Any) -> dict[str, Any]:
    """A play that runs an entry point of the role on all hosts."""
    update = {"name": "aks.kube_proxy.rolling_update", "tasks_from": entry}
    step = {"name": "Update", "ansible.builtin.import_role": update}
    return {"hosts": "all", "connection": "local", "gather_facts": False, "tasks": [step], **keywords}


def roll(estate: Estate, plays: list[dict[str, Any]], *options: str, **words: Any) -> Rollout:
    return estate.roll(FLEET, *options, playbook=written(estate, plays), mode="NFTABLES", directory="", **words)


def test_the_role_without_a_plan_stops_at_a_failure_whatever_tag_it_has(
    estate: Estate, settings: dict[str, str]
) -> None:
    estate.lay_out(*FLEET)
    plays = [role(serial=1, any_errors_fatal=False, tags=["own"]), role("judge", any_errors_fatal=False, tags=["own"])]
    done = roll(estate, plays, "--tags", "own", settings=settings)
    assert (done.status, done.after) == (0, {"a1": NFTABLES, "b1": NFTABLES}), str(done.run)
    estate.lay_out(*FLEET)
    estate.azure.fault("operation_failed", match={"cluster": "a1"})
    done = roll(estate, plays, "--tags", "own", settings=settings)
    assert (done.status, done.puts) == (2, [("a1", "NFTABLES")]), str(done.run)
    assert [line.split()[-1] for line in done.table if line.startswith("a1 ")] == ["failed"]
    assert any(line.startswith("Stopped: ") for line in done.table), "it has not only predicted"


def test_the_role_without_a_plan_predicts_where_its_switch_is_left_out(estate: Estate) -> None:
    estate.lay_out(*FLEET)
    done = roll(estate, [role(), role("judge")], "--tags", "preflight")
    assert (done.status, done.writes) == (0, []), str(done.run)
    assert [line.split()[-2:] for line in done.table[1:3]] == [["would", "switch"]] * 2


def test_a_strategy_that_does_not_know_run_once_is_refused(estate: Estate) -> None:
    estate.lay_out(*FLEET)
    done = roll(estate, [role(strategy="free"), role("judge")])
    assert (done.status, done.writes) == (2, []), str(done.run)
    assert "The strategy 'free' does not know run_once" in done.run.stdout


def copied(estate: Estate, place: int, *more: dict[str, Any]) -> list[dict[str, Any]]:
    """The plays of the rollout with further ones in between."""
    plays: list[dict[str, Any]] = yaml.safe_load(ROLLOUT_FILE.read_text(encoding="utf-8"))
    assert estate.azure and plays[2]["name"] == "Roll the waves"
    return [*plays[:place], *more, *plays[place:]]


def test_a_host_that_fails_before_the_waves_lets_nobody_move_up_past_its_wave(estate: Estate) -> None:
    fleet = [cluster("a1"), cluster("a2"), cluster("b1")]
    estate.lay_out(*fleet)
    fails = {"name": "Fail", "ansible.builtin.fail": {"msg": "Something else."}, "when": "inventory_hostname == 'a1'"}
    between = {"hosts": "all", "connection": "local", "gather_facts": False, "tasks": [fails]}
    playbook = written(estate, copied(estate, 2, between))
    done = estate.roll(fleet, playbook=playbook, mode="NFTABLES", stages=[{"name": "all", "waves": [2, 1]}])
    assert (done.status, done.puts) == (2, []), str(done.run)
    # whether the batch has lost a host or got a stranger for it depends on the core
    assert "The hosts of the batch are not those of the wave: a1" in done.row("b1")["reason"]
    assert done.row("b1")["reason"].endswith("Did a host fail before?")


def test_a_play_of_its_own_does_not_go_on_after_a_wave_that_failed(estate: Estate) -> None:
    estate.lay_out(*FLEET)
    estate.azure.fault("operation_failed", match={"cluster": "a1"})
    waves = yaml.safe_load(ROLLOUT_FILE.read_text(encoding="utf-8"))[2]
    again = {**{key: value for key, value in waves.items() if key != "serial"}, "hosts": "b1"}
    done = estate.roll(FLEET, playbook=written(estate, copied(estate, 3, again)), mode="NFTABLES", stages=STAGES)
    assert (done.status, done.puts) == (2, [("a1", "NFTABLES")]), str(done.run)
    assert done.states == {"a1": "failed", "b1": "not_started"}
    assert "Clusters of earlier waves have failed." in done.row("b1")["reason"]
