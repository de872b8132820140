"""Which cluster is switched in which wave, and which are kept out of it: stages, slices, the production guard."""

from __future__ import annotations

from typing import Any

import pytest

from tests.playbooks.support import GROUP, NFTABLES, Estate, Rollout, cluster, named, static_inventory


def planned(done: Rollout) -> list[str]:
    """The lines of the plan."""
    lines: list[str] = done.run.result(named("Show the plan")).values["lines"]
    return lines


def said(done: Rollout) -> str:
    """All that was printed, without line breaks."""
    return " ".join(f"{done.run.stdout} {done.run.stderr}".split())


STAGED = [
    cluster("canary", "production"),
    cluster("d1", "dev"),
    cluster("d2", "Dev"),
    cluster("s1", "staging"),
    cluster("s2", "staging"),
    cluster("x1", "playground"),
]
STAGES: list[dict[str, Any]] = [
    {"name": "canary", "groups": ["canaries"], "tag": "ENVIRONMENT"},
    {"name": "dev", "tag": "environment", "values": ["dev"], "waves": ["50%"], "soak_seconds": 60},
    {"name": "rest", "groups": ["europe", "canaries"], "waves": [1, "100%"], "gate": True},
]
GROUPS = {"canaries": ["canary", "x1"], "europe": ["canary", "d1", "s1", "s2"]}
INVENTORY = static_inventory(STAGED, groups=GROUPS, hosts={"x1": {"aks_tags": {}}})


def test_stages_take_hosts_by_tag_and_group_in_their_order(estate: Estate) -> None:
    """Neither gate nor soak holds a prediction up, and a closed gate does not end it."""
    estate.lay_out(*STAGED)
    done = estate.roll(STAGED, "--check", inventory=INVENTORY, mode="NFTABLES", stages=STAGES, allow_production=True)
    assert planned(done) == [
        "canary 1/1: canary",
        "dev 1/2: d1; soaks 60 s",
        "dev 2/2: d2; soaks 60 s",
        "rest 1/2: gate; s1",
        "rest 2/2: s2, x1",
    ]
    assert (done.status, done.writes) == (0, []), str(done.run)
    assert [line.split()[:3] for line in done.table[1:7]] == [
        ["canary", "canary", "1/1"],
        ["d1", "dev", "1/2"],
        ["d2", "dev", "2/2"],
        ["s1", "rest", "1/2"],
        ["s2", "rest", "2/2"],
        ["x1", "rest", "2/2"],
    ]


def test_one_stage_of_a_slice_runs_alone_and_hosts_in_no_stage_are_named(estate: Estate) -> None:
    fleet = [*STAGED[1:4], STAGED[5]]
    estate.lay_out(*fleet)
    done = estate.roll(fleet, mode="NFTABLES", stages=[{**STAGES[1], "soak_seconds": 0}], stage="dev", sliced=True)
    assert (done.status, sorted(done.puts)) == (0, [("d1", "NFTABLES"), ("d2", "NFTABLES")]), str(done.run)
    assert done.summary is not None
    assert done.summary["left_out"] == ["s1", "x1"]
    assert "Left out: s1, x1" in done.table


REFUSED: dict[str, tuple[dict[str, Any], str]] = {
    "unknown stage": ({"stage": "prod"}, "There is no stage 'prod'; declared are canary, dev, rest."),
    "slice": ({"sliced": True}, "Run one stage per job: set 'rolling_update_stage'."),
    "job of a sliced template": ({"extra": '{"awx_workflow_job_id": 7}'}, "Run one stage per job"),
    "bad wave": ({"stages": [{"name": "all", "waves": ["none"]}]}, "'waves' has 'none'"),
    "unknown policy": ({"policy": "undo"}, "undo"),
    "bad ceiling": ({"policy": "continue", "max_failures": "many"}, "'many'"),
    "mode": ({"mode": "nftables"}, "nftables"),
}


@pytest.mark.parametrize(("words", "message"), REFUSED.values(), ids=REFUSED)
def test_what_cannot_be_planned_is_an_error_before_azure_is_asked(
    estate: Estate, words: dict[str, Any], message: str
) -> None:
    variables = {"mode": "NFTABLES", "stages": STAGES, **words}
    options = ["-e", variables.pop("extra")] if "extra" in variables else []
    estate.lay_out(*STAGED)
    done = estate.roll(STAGED, *options, inventory=INVENTORY, **variables)
    assert (done.status, done.requests, done.files) == (2, [], []), str(done.run)
    assert message in said(done)


LIVE = [
    cluster("dev1", "dev"),
    cluster("prod1", "Production"),
    cluster("prod2", tags={"Environment": "PROD"}),
    cluster("retagged", "production"),
    cluster("untagged"),
]
GUARDED = [
    ({}, {"prod1", "prod2", "retagged"}, "plain"),
    ({}, {"prod1", "prod2", "retagged"}, "any_errors_fatal"),
    ({"production": {"untagged": True}}, {"prod1", "prod2", "retagged", "untagged"}, "any_errors_fatal"),
    ({"production": {"tag": "ENVIRONMENT", "values": ["Dev"]}}, {"dev1"}, "plain"),
    ({"allow_production": True}, set(), "any_errors_fatal"),
]


@pytest.mark.parametrize(
    ("words", "kept_out", "settings"),
    GUARDED,
    ids=["defaults", "defaults, any_errors_fatal", "untagged too", "another key and value", "allowed"],
    indirect=["settings"],
)
def test_production_clusters_are_kept_out_by_the_tags_that_azure_has_now(
    estate: Estate, settings: dict[str, str], words: dict[str, Any], kept_out: set[str]
) -> None:
    """Whatever an inventory, which may be old, says about their tags."""
    estate.lay_out(*LIVE)
    old = static_inventory(LIVE, hosts={"retagged": {"aks_tags": {"environment": "dev"}}})
    done = estate.roll(LIVE, settings=settings, inventory=old, mode="NFTABLES", blocked="skip", **words)
    assert done.after == {one["name"]: None if one["name"] in kept_out else NFTABLES for one in LIVE}, str(done.run)
    for name, state in done.states.items():
        assert state == ("blocked" if name in kept_out else "switched")
        assert (done.row(name)["code"] == "production-guard") == (name in kept_out)
    assert done.status == 0


def test_a_host_that_is_no_cluster_is_refused_by_name(estate: Estate) -> None:
    fleet = [cluster("c1")]
    estate.lay_out(*fleet)
    inventory = static_inventory(fleet, hosts={"bastion": {}, "localhost": {"ansible_connection": "local"}})
    refused = estate.roll(fleet, inventory=inventory, mode="NFTABLES")
    assert (refused.status, refused.requests) == (2, []), str(refused.run)
    assert "bastion, localhost: no cluster is known by that name" in said(refused)
    taken = estate.roll(fleet, inventory=inventory, mode="NFTABLES", hosts="all:!bastion:!localhost")
    assert (taken.status, taken.puts) == (0, [("c1", "NFTABLES")]), str(taken.run)


def test_hosts_may_differ_in_what_they_shall_have_and_in_how_they_are_named(estate: Estate) -> None:
    fleet = [
        cluster("a"),
        cluster("b", mode="NFTABLES"),
        cluster("c", plugin="none"),
        cluster("d", kube_proxy={"enabled": True, "mode": "IPVS"}),
    ]
    estate.lay_out(*fleet)
    identity = estate.azure.cluster("a")["id"]
    hosts = {
        "by-id": {"aks_resource_id": identity, "rolling_update_mode": "NFTABLES"},
        "by-name": {"aks_resource_group": GROUP, "aks_name": "b", "rolling_update_mode": "IPTABLES"},
        "c": {"aks_resource_group": GROUP, "rolling_update_enabled": False},
        "d": {
            "aks_resource_group": GROUP,
            "rolling_update_mode": "IPVS",
            "rolling_update_ipvs_config": {"scheduler": "LeastConnection"},
        },
    }
    done = estate.roll(fleet, inventory={"all": {"hosts": hosts}})
    assert done.status == 0, str(done.run)
    assert {name: stored.get("mode", "disabled") for name, stored in done.after.items()} == {
        "a": "NFTABLES",
        "b": "IPTABLES",
        "c": "disabled",
        "d": "IPVS",
    }
    assert done.after["d"]["ipvsConfig"] == {"scheduler": "LeastConnection"}
    assert done.states == dict.fromkeys(hosts, "switched")
