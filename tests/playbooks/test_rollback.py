"""The playbook rollback: clusters get back what the journal or a summary says that they had."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.emulator.fleet import SUBSCRIPTION
from tests.playbooks.support import IPTABLES, NFTABLES, Estate, assert_keeps_to_its_schema, cluster, named

ROLLBACK = "aks.kube_proxy.rollback"
SETTINGS = {"scheduler": "LeastConnection", "tcpTimeoutSeconds": 777}
IPVS = {"enabled": True, "mode": "IPVS", "ipvsConfig": SETTINGS}
FLEET = [
    cluster("never", "dev"),
    cluster("ipvs", "dev", kube_proxy=IPVS),
    cluster("byo", "prod", plugin="none", mode="disabled"),
    cluster("done", "prod", mode="NFTABLES"),
]
ELSEWHERE = (
    f"/subscriptions/{SUBSCRIPTION}/resourceGroups/rg9/providers/Microsoft.ContainerService/managedClusters/never"
)
BEFORE = {"never": IPTABLES, "ipvs": IPVS, "byo": {"enabled": False}, "done": NFTABLES}
FORWARD: dict[str, Any] = {"mode": "NFTABLES", "enabled": True, "allow_production": True}
# What was given to the rollout is given to the rollback too: it must not turn it into another rollout.
SAME: dict[str, Any] = {
    **FORWARD,
    "allow_production": False,
    "stages": [{"name": "dev", "tag": "environment", "gate": True}],
}


@pytest.fixture
def rolled(estate: Estate) -> Estate:
    """An estate after a rollout."""
    estate.lay_out(*FLEET)
    forward = estate.roll(FLEET, **FORWARD)
    assert forward.status == 0, forward.run
    assert set(map(str, forward.after.values())) == {str(NFTABLES)}
    return estate


def test_all_get_back_what_they_had_and_a_second_time_changes_nothing(rolled: Estate, settings: dict[str, str]) -> None:
    predicted = rolled.roll(FLEET, "--check", "--diff", playbook=ROLLBACK, settings=settings, **SAME)
    assert (predicted.status, predicted.writes) == (0, []), predicted.run
    back = rolled.roll(FLEET, playbook=ROLLBACK, settings=settings, **SAME)
    assert back.status == 0, back.run
    assert back.after == BEFORE
    assert back.states == {"never": "switched", "ipvs": "switched", "byo": "switched"}
    assert back.counted("changed") == {"never": 1, "ipvs": 1, "byo": 1, "done": 0}
    assert sorted(predicted.counted("changed")) == sorted(back.counted("changed"))
    assert [line["restores"] for line in back.journal if line["event"] == "submitting"] == [False] * 3 + [True] * 3
    again = rolled.roll(FLEET, playbook=ROLLBACK, settings=settings, **SAME)
    assert (again.status, again.writes, set(again.counted("changed").values())) == (0, [], {0}), again.run


def test_limit_puts_back_only_some(rolled: Estate) -> None:
    back = rolled.roll(FLEET, "--limit", "ipvs", playbook=ROLLBACK)
    assert back.status == 0, back.run
    assert back.after == {**dict.fromkeys(BEFORE, NFTABLES), "ipvs": IPVS}


def test_a_summary_serves_as_a_record_where_the_journal_is_lost(rolled: Estate) -> None:
    (file,) = rolled.records.glob("summary-*.json")
    assert_keeps_to_its_schema(json.loads(file.read_text(encoding="utf-8")))
    (rolled.records / "journal.jsonl").unlink()
    back = rolled.roll(FLEET, playbook=ROLLBACK, record=f"aks-kube-proxy/{file.name}")
    assert back.status == 0, back.run
    assert back.after == BEFORE


@pytest.mark.parametrize("settings", ["any_errors_fatal"], indirect=True)
def test_a_cluster_that_cannot_be_put_back_keeps_none_of_the_others_from_it(
    rolled: Estate, settings: dict[str, str]
) -> None:
    rolled.azure.fault("operation_failed", match={"cluster": "ipvs"})
    back = rolled.roll(FLEET, playbook=ROLLBACK, settings=settings)
    assert back.status == 2, back.run
    assert back.states == {"never": "switched", "ipvs": "failed", "byo": "switched"}
    assert back.counted("failed") == {"never": 0, "ipvs": 1, "byo": 0, "done": 0}
    again = rolled.roll(FLEET, playbook=ROLLBACK)
    assert (again.status, again.after) == (0, BEFORE), again.run


@pytest.mark.parametrize(
    ("content", "says"),
    [
        ("", "records no switch"),
        ("{}", "records no switch"),
        (None, "given.jsonl"),
        (
            json.dumps(
                {"event": "submitting", "id": ELSEWHERE, "host": "other", "before": {"enabled": True, "mode": "IPVS"}}
            ),
            "None of the hosts of this play is among the 1 cluster(s) of the record: /subscriptions/",
        ),
    ],
)
def test_what_is_no_record_ends_the_run_before_anything_is_asked(
    estate: Estate, tmp_path: Path, content: str | None, says: str
) -> None:
    estate.lay_out(*FLEET)
    record = tmp_path / "given.jsonl"
    if content is not None:
        record.write_text(content, encoding="utf-8")
    done = estate.roll(FLEET, playbook=ROLLBACK, record=str(record))
    assert (done.status, done.requests) == (2, [])
    assert says in done.run.result(named("Read the record")).message


def test_what_somebody_has_changed_since_is_left_alone_unless_asked_for(rolled: Estate) -> None:
    """It is no success either, although what the rollout was given says that blocked clusters are skipped."""
    network = {"kubeProxyConfig": {"mode": "IPTABLES"}}
    rolled.azure.change_cluster("ipvs", {"properties": {"networkProfile": network}})
    back = rolled.roll(FLEET, playbook=ROLLBACK, max_failures=1, overwrite="false", blocked="skip")
    assert back.status == 2, back.run
    assert back.states == {"never": "switched", "ipvs": "blocked", "byo": "switched"}
    assert back.row("ipvs")["code"] == "changed-since"
    over = rolled.roll(FLEET, playbook=ROLLBACK, overwrite="true")
    assert (over.status, over.after) == (0, BEFORE), over.run


def test_the_printed_lines_of_a_job_serve_as_a_record(estate: Estate, tmp_path: Path) -> None:
    estate.lay_out(*FLEET)
    forward = estate.roll(FLEET, directory="", **FORWARD)
    assert (forward.status, forward.files) == (0, []), forward.run
    log = tmp_path / "job.log"
    log.write_text(forward.run.stdout, encoding="utf-8")
    back = estate.roll(FLEET, playbook=ROLLBACK, record=str(log))
    assert (back.status, back.after) == (0, BEFORE), back.run


def test_a_cluster_of_the_same_name_elsewhere_is_not_taken_for_it(rolled: Estate) -> None:
    other = {"never": {"aks_resource_group": "rg2"}, "ipvs": {"aks_resource_group": "rg1"}}
    back = rolled.roll(FLEET, playbook=ROLLBACK, inventory={"all": {"hosts": other}})
    assert back.status == 0, back.run
    assert back.after == {**dict.fromkeys(BEFORE, NFTABLES), "ipvs": IPVS}
    assert "Left out: " in back.run.stdout and "managedClusters/never" in back.run.stdout
