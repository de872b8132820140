"""Ways to start the rollout: parts of the inventory, parts of the work, other settings of the estate."""

from __future__ import annotations

import pytest

from tests.playbooks.support import FLAG, NFTABLES, ROLLOUT, Estate, cluster, named, static_inventory

FLEET = [cluster("d1", "dev"), cluster("d2", "dev"), cluster("s1", "staging")]
STAGES = [
    {"name": "dev", "tag": "environment", "values": ["dev"], "waves": [1]},
    {"name": "staging", "tag": "environment", "values": ["staging"]},
]
GROUPED = static_inventory(FLEET, groups={"team": ["d2", "s1"]})


def test_limit_makes_the_plan_of_the_hosts_that_it_leaves_even_with_another_strategy(estate: Estate) -> None:
    """The strategy free would run the tasks that work on a whole wave once for each host."""
    estate.lay_out(*FLEET)
    done = estate.roll(
        FLEET,
        "--limit",
        "team",
        inventory=GROUPED,
        mode="NFTABLES",
        stages=STAGES,
        settings={"ANSIBLE_STRATEGY": "free"},
    )
    assert (done.status, done.puts) == (0, [("d2", "NFTABLES"), ("s1", "NFTABLES")]), str(done.run)
    assert done.after == {"d1": None, "d2": NFTABLES, "s1": NFTABLES}
    assert list(done.states) == ["d2", "s1"]


def test_limit_to_one_host_and_without_the_preview_setup(estate: Estate) -> None:
    estate.lay_out(*FLEET)
    done = estate.roll(FLEET, "--limit", "d1", "--skip-tags", "preview_setup", mode="NFTABLES", stages=STAGES)
    assert (done.status, done.puts) == (0, [("d1", "NFTABLES")]), str(done.run)
    assert done.run.results_of(named("Ask for the feature flag", "preview_setup")) == []
    assert done.writes == ["PUT d1 200"]


def test_the_preflight_alone_writes_nothing_and_tells_what_would_be(estate: Estate) -> None:
    fleet = [*FLEET, cluster("old", "dev", version="1.32.7")]
    estate.lay_out(*fleet, flag="NotRegistered")
    done = estate.roll(fleet, "--tags", "preflight", mode="NFTABLES", stages=STAGES)
    assert (done.writes, done.journal) == ([], []), str(done.run)
    outcomes = {line.split()[0]: line.split(maxsplit=7)[7] for line in done.table[1:5]}
    assert outcomes == {"d1": "would switch", "d2": "would switch", "s1": "would switch", "old": "blocked"}
    assert done.status == 2


def test_the_preview_setup_alone_registers_the_flag_and_leaves_the_clusters(estate: Estate) -> None:
    estate.lay_out(*FLEET, flag="NotRegistered")
    done = estate.roll(FLEET, "--tags", "preview_setup", mode="NFTABLES", stages=STAGES)
    assert (done.status, done.puts) == (0, []), str(done.run)
    assert {write.split()[0] for write in done.writes} == {"POST"}
    assert estate.azure.feature_state(f"Microsoft.ContainerService/{FLAG}") == "Registered"


@pytest.mark.parametrize("option", ["--syntax-check", "--list-hosts", "--list-tasks"])
def test_looking_at_the_playbook_needs_nothing(estate: Estate, option: str) -> None:
    """No variable is set, and Azure is not asked."""
    estate.lay_out(*FLEET)
    command = estate.ansible.named_command(ROLLOUT, option, inventory=static_inventory(FLEET))
    done = estate.left(estate.ansible.finished(estate.ansible.run(*command)), FLEET)
    assert (done.status, done.requests, done.files) == (0, [], []), str(done.run)
    shown = {"--syntax-check": "playbook: ", "--list-hosts": "d2", "--list-tasks": "Preflight"}[option]
    assert shown in done.run.stdout
