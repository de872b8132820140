"""Many clusters at once: verdicts, the journal, progress, and that nothing goes on once nobody waits."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.aks.kube_proxy.plugins.module_utils._domain.record import recorded
from ansible_collections.aks.kube_proxy.plugins.module_utils._operations import parallel, wave

from tests.support.operations import Azure

Lay = Callable[..., Azure]
RULE = "nftables-kubernetes-version"
IPVS_CONFIG = {"scheduler": "LeastConnection", "tcpTimeoutSeconds": 900}
IPVS = {"name": "c1", "kube_proxy": {"enabled": True, "mode": "IPVS", "ipvsConfig": IPVS_CONFIG}}


def switch(azure: Azure, *names: str, check: bool = False, each: dict[str, Any] | None = None, **options: Any) -> Any:
    """A wave over clusters of rg1, one after the other, since the emulator's time has one hand."""
    clusters = [{"resource_group": "rg1", "name": name, **(each or {"mode": "NFTABLES"})} for name in names]
    return azure.call(wave.OPERATION, check=check, clusters=clusters, max_parallel=1, **options)


def states(result: dict[str, Any]) -> dict[str, str]:
    return {host: verdict["state"] for host, verdict in result["clusters"].items()}


def lines(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text().splitlines()]


def test_each_cluster_gets_a_verdict_and_the_task_does_not_fail(azure: Lay) -> None:
    cloud = azure(
        {"name": "c1"}, {"name": "done", "mode": "NFTABLES"}, {"name": "old", "version": "1.32.7"}, {"name": "c2"}
    )
    cloud.emulator.fault("operation_failed", match={"cluster": "c2"})
    result = switch(cloud, "c1", "done", "old", "c2", "missing")
    assert "failed" not in result
    assert result["ok"] is False and result["changed"] is True
    assert states(result) == {
        "c1": "switched",
        "done": "unchanged",
        "old": "blocked",
        "c2": "failed",
        "missing": "failed",
    }
    verdicts = result["clusters"]
    assert verdicts["c1"]["previous"]["mode"] == "IPTABLES" and verdicts["c1"]["current"]["mode"] == "NFTABLES"
    assert [verdict["verified"] for verdict in verdicts.values()] == ["azure", "azure", None, None, None]
    assert [verdict["changed"] for verdict in verdicts.values()] == [True, False, False, True, False]
    assert verdicts["old"]["code"] == RULE and "1.32.7" in verdicts["old"]["reason"]
    assert verdicts["c2"]["code"] and verdicts["c2"]["correlation_id"]
    assert verdicts["missing"]["code"] == "ResourceNotFound"
    assert verdicts["c1"]["seconds"] > 0
    assert len([entry for entry in cloud.writes() if entry["method"] == "PUT"]) == 2


def test_check_mode_predicts_without_a_write_or_a_journal(azure: Lay, tmp_path: Path) -> None:
    cloud = azure({"name": "c1"}, {"name": "old", "version": "1.32.7"})
    journal = tmp_path / "journal.jsonl"
    result = switch(cloud, "c1", "old", check=True, journal=str(journal))
    assert states(result) == {"c1": "would_switch", "old": "blocked"}
    assert result["clusters"]["c1"]["current"]["mode"] == "NFTABLES"
    assert result["clusters"]["c1"]["verified"] is None
    assert [entry["after"]["properties"]["networkProfile"]["kubeProxyConfig"]["mode"] for entry in result["diff"]] == [
        "NFTABLES"
    ]
    assert cloud.writes() == [] and not journal.exists() and cloud.said == []


def test_the_journal_tells_what_was_before_each_write(azure: Lay, tmp_path: Path) -> None:
    cloud = azure(IPVS, {"name": "done", "mode": "NFTABLES"}, {"name": "old", "version": "1.32.7"})
    journal = tmp_path / "new" / "journal.jsonl"
    switch(cloud, "c1", "done", "old", journal=str(journal), run="r1", label="dev 1/2")
    submitting, ended = lines(journal)
    assert submitting["event"] == "submitting" and submitting["host"] == "c1"
    assert submitting["id"].endswith("/managedClusters/c1")
    assert submitting["before"]["ipvs_config"] == {"scheduler": "LeastConnection", "tcp_timeout_seconds": 900}
    assert submitting["target"]["mode"] == "NFTABLES"
    assert (submitting["run"], submitting["wave"]) == ("r1", "dev 1/2")
    assert ended["event"] == "ended" and ended["state"] == "switched"
    assert journal.stat().st_mode & 0o777 == 0o600


def test_what_was_before_is_told_before_the_write(azure: Lay) -> None:
    cloud = azure({"name": "c1"})
    written_when_told: list[int] = []

    def say(line: str) -> None:
        if "IPTABLES -> NFTABLES" in line:
            time.sleep(0.3)
            written_when_told.append(len(cloud.writes()))

    cloud.say = say
    assert switch(cloud, "c1")["ok"] is True
    assert written_when_told == [0]


def test_without_a_journal_line_there_is_no_write(azure: Lay) -> None:
    cloud = azure({"name": "c1"})
    result = switch(cloud, "c1", journal="/dev/full")
    assert cloud.writes() == []
    assert result["clusters"]["c1"]["state"] == "failed"
    assert result["clusters"]["c1"]["code"] == "Journal"
    assert "/dev/full" in result["clusters"]["c1"]["reason"]


def test_a_journal_that_cannot_be_opened_ends_the_task(azure: Lay, tmp_path: Path) -> None:
    cloud = azure({"name": "c1"})
    (tmp_path / "file").touch()
    result = switch(cloud, "c1", journal=str(tmp_path / "file" / "journal.jsonl"))
    assert result["failed"] is True and result["code"] == "Journal" and result["begun"] is False
    assert cloud.arm_requests() == []


def test_only_what_ends_before_the_work_says_that_nothing_was_begun(
    azure: Lay, monkeypatch: pytest.MonkeyPatch
) -> None:
    cloud = azure({"name": "c1"})
    clusters = [{"resource_group": "rg1", "name": "c1", "mode": "NFTABLES"}]
    assert cloud.call(wave.OPERATION, clusters=clusters, secret="wrong")["begun"] is False
    assert cloud.call(wave.OPERATION, clusters=clusters, max_parallel=0)["begun"] is False
    assert "begun" not in cloud.call(wave.OPERATION, clusters=clusters, check=True)

    def dies(_self: parallel.SwitchMany) -> dict[str, Any]:
        raise RuntimeError("died at work")

    monkeypatch.setattr(parallel.SwitchMany, "run", dies)
    died = cloud.call(wave.OPERATION, clusters=clusters)
    assert died["failed"] is True and "begun" not in died


def test_a_torn_last_line_is_closed_off(azure: Lay, tmp_path: Path) -> None:
    cloud = azure({"name": "c1"})
    journal = tmp_path / "journal.jsonl"
    journal.write_text('{"event": "submitting", "id": "/sub')
    assert switch(cloud, "c1", journal=str(journal))["ok"] is True
    torn, *whole = journal.read_text().splitlines()
    assert torn == '{"event": "submitting", "id": "/sub'
    assert [json.loads(line)["event"] for line in whole] == ["submitting", "ended"]


def test_a_failed_switch_of_our_own_is_sent_again_but_not_what_came_after_it(azure: Lay, tmp_path: Path) -> None:
    journal = str(tmp_path / "journal.jsonl")
    cloud = azure({"name": "c1"}, {"name": "c2"})
    for name in ("c1", "c2"):
        cloud.emulator.fault("operation_failed", match={"cluster": name})
    assert set(states(switch(cloud, "c1", "c2", journal=journal)).values()) == {"failed"}
    cloud.emulator.change_cluster("c2", {"tags": {"touched": "by somebody"}})
    assert states(switch(cloud, "c1", "c2")) == {"c1": "blocked", "c2": "blocked"}
    again = switch(cloud, "c1", "c2", journal=journal)
    assert states(again) == {"c1": "switched", "c2": "blocked"}
    assert again["clusters"]["c2"]["code"] == "last-operation-failed"


def left_behind(cloud: Azure, journal: str, how: str) -> None:
    """A switch to NFTABLES whose end the run did not see: it waited too shortly, or was killed before that."""
    cloud.emulator.fault("operation_failed", match={"cluster": "c1"})
    ended = switch(cloud, "c1", journal=journal, run="r1", wait_timeout=30)
    assert states(ended) == {"c1": "running"}
    if how == "killed":
        path = Path(journal)
        path.write_text(path.read_text().splitlines(keepends=True)[0])
    cloud.emulator.advance(600)


@pytest.mark.parametrize("how", ["waited", "killed"])
def test_a_switch_whose_end_nobody_saw_and_which_failed_is_sent_again(azure: Lay, tmp_path: Path, how: str) -> None:
    journal = str(tmp_path / "journal.jsonl")
    cloud = azure(IPVS)
    left_behind(cloud, journal, how)
    assert states(switch(cloud, "c1")) == {"c1": "blocked"}, "without the journal nobody knows"
    preview = switch(cloud, "c1", journal=journal, check=True)
    assert states(preview) == {"c1": "would_switch"}
    cloud.emulator.fault("operation_failed", match={"cluster": "c1"})
    again = switch(cloud, "c1", journal=journal)
    assert states(again) == {"c1": "failed"}
    assert again["clusters"]["c1"]["previous"]["mode"] == "IPVS", "what an undo needs is from before the first try"
    assert again["clusters"]["c1"]["current"]["mode"] == "NFTABLES"
    assert [line["before"]["mode"] for line in lines(Path(journal)) if "before" in line] == ["IPVS", "NFTABLES"]
    assert recorded(Path(journal).read_text()).popitem()[1]["before"]["mode"] == "IPVS"


def test_an_operation_that_is_joined_and_fails_is_sent_again(azure: Lay, tmp_path: Path) -> None:
    journal = str(tmp_path / "journal.jsonl")
    cloud = azure(IPVS)
    cloud.emulator.fault("operation_failed", match={"cluster": "c1"})
    assert states(switch(cloud, "c1", journal=journal, wait_timeout=30)) == {"c1": "running"}
    joined = switch(cloud, "c1", journal=journal)
    assert states(joined) == {"c1": "switched"}
    assert joined["clusters"]["c1"]["previous"]["mode"] == "IPVS"


def test_an_end_that_a_later_run_finds_is_noted_so_that_no_later_failure_is_taken_for_ours(
    azure: Lay, tmp_path: Path
) -> None:
    journal = tmp_path / "journal.jsonl"
    cloud = azure({"name": "c1"})
    assert states(switch(cloud, "c1", journal=str(journal), wait_timeout=30)) == {"c1": "running"}
    assert states(switch(cloud, "c1", journal=str(journal))) == {"c1": "unchanged"}
    assert [(line["event"], line.get("state"), line.get("settled")) for line in lines(journal)] == [
        ("submitting", None, None),
        ("ended", "running", False),
        ("ended", "unchanged", True),
    ]
    cloud.emulator.change_cluster("c1", {"properties": {"provisioningState": "Failed"}})
    assert states(switch(cloud, "c1", journal=str(journal))) == {"c1": "blocked"}
    assert switch(cloud, "c1", journal=str(journal))["clusters"]["c1"]["previous"]["mode"] == "NFTABLES"
    assert len(lines(journal)) == 3


def test_the_provider_is_refreshed_once_for_each_subscription(azure: Lay) -> None:
    ones, twos = "11111111-1111-4111-8111-111111111111", "22222222-2222-4222-8222-222222222222"
    fleet = [{"name": f"c{number}", "subscription": (ones, twos)[number % 2]} for number in range(4)]
    flag = {"KubeProxyConfigurationPreview": "Registered"}
    cloud = azure(*fleet, features={ones: flag, twos: flag})
    for one in fleet:
        cloud.emulator.fault("feature_not_propagated", match={"method": "PUT", "cluster": one["name"]}, times=2)
    wanted = [{"resource_group": "rg1", "name": c["name"], "subscription_id": c["subscription"]} for c in fleet]
    result = cloud.call(wave.OPERATION, clusters=[{**one, "mode": "NFTABLES"} for one in wanted], max_parallel=4)
    assert set(states(result).values()) == {"switched"}
    posts = [entry["path"].split("/")[2] for entry in cloud.writes() if entry["method"] == "POST"]
    assert sorted(posts) == [ones, twos]
    assert len([text for text in result["warnings"] if "the resource provider was refreshed" in text]) == 2


def test_exact_takes_away_the_settings_that_are_not_named(azure: Lay) -> None:
    cloud = azure(IPVS)
    each = {"enabled": True, "mode": "IPVS", "ipvs_config": {"scheduler": "LeastConnection"}}
    assert states(switch(cloud, "c1", each=each)) == {"c1": "unchanged"}
    assert states(switch(cloud, "c1", each={**each, "exact": True})) == {"c1": "switched"}
    stored = cloud.emulator.cluster("c1")["properties"]["networkProfile"]["kubeProxyConfig"]
    assert stored["ipvsConfig"] == {"scheduler": "LeastConnection"}


def test_progress_tells_what_was_before_and_how_it_ended(azure: Lay) -> None:
    cloud = azure({"name": "c1"}, {"name": "done", "mode": "NFTABLES"}, {"name": "old", "version": "1.32.7"})
    switch(cloud, "c1", "done", "old", label="dev 1/2")
    texts = [line.split(" ", 1)[1] for line in cloud.said]
    assert texts[0] == "dev 1/2 0/3 3 cluster(s), up to 1 at a time"
    assert texts[1].startswith("dev 1/2 0/3 c1: IPTABLES -> NFTABLES {")
    (known,) = recorded("\n".join(["Some log", *cloud.said])).values()
    assert known["id"].endswith("/managedClusters/c1")
    assert (known["before"]["mode"], known["target"]["mode"]) == ("IPTABLES", "NFTABLES")
    assert texts[2].startswith("dev 1/2 1/3 c1: switched after ")
    assert texts[3].startswith("dev 1/2 3/3 old: blocked after ") and RULE in texts[3]
    assert texts[4].endswith("1 switched, 1 unchanged, 1 blocked")
    assert len(texts) == 5
    cloud.said.clear()
    cloud.emulator.change_cluster("c1", {"properties": {"networkProfile": {"kubeProxyConfig": {"mode": "IPTABLES"}}}})
    switch(cloud, "c1", progress=False)
    assert cloud.said == []


@pytest.mark.parametrize(
    ("guard", "expected"),
    [
        (None, "switched"),
        ({}, "blocked"),
        ({"allowed": True}, "switched"),
        ({"tag": "ENVIRONMENT", "values": ["LIVE", " prod "]}, "blocked"),
        ({"values": ["live"]}, "switched"),
        ({"tag": "tier"}, "switched"),
        ({"tag": "tier", "untagged": True}, "blocked"),
    ],
)
def test_the_production_guard(azure: Lay, guard: dict[str, Any] | None, expected: str) -> None:
    cloud = azure({"name": "c1", "tags": {"Environment": "Prod"}})
    result = switch(cloud, "c1", preflight="skip", production=guard)
    assert states(result) == {"c1": expected}
    assert (len(cloud.writes()) == 0) == (expected == "blocked")
    if expected == "blocked":
        assert result["clusters"]["c1"]["code"] == "production-guard"


def test_the_guard_leaves_a_cluster_alone_that_is_as_asked_for(azure: Lay) -> None:
    cloud = azure({"name": "c1", "mode": "NFTABLES", "tags": {"environment": "prod"}})
    assert states(switch(cloud, "c1", production={})) == {"c1": "unchanged"}


@pytest.mark.parametrize(
    ("clusters", "told"),
    [
        ([{"name": "c1", "mode": "NFTABLES"}], "Cluster c1: 'resource_id' is missing"),
        ([{"resource_id": "/x", "mode": "NFTABLES"}], "not the resource id of an AKS cluster"),
        ([{"resource_group": "rg1", "name": "c1"}], "Cluster c1: nothing is asked for"),
        ([{"resource_group": "rg1", "name": "c1", "mode": "IPVS", "enabled": False}], "Cluster c1: 'enabled: false'"),
        ([{"resource_group": "rg1", "name": "c1", "mode": "IPVS"}] * 2, "names c1 twice"),
        (
            [
                {"host": "a", "resource_group": "rg1", "name": "c1", "mode": "IPVS"},
                {"host": "b", "resource_group": "RG1", "name": "C1", "mode": "IPTABLES"},
            ],
            "one cluster under two names (a, b)",
        ),
    ],
)
def test_wrong_clusters_end_the_task_before_anything_is_asked(
    azure: Lay, clusters: list[dict[str, Any]], told: str
) -> None:
    cloud = azure({"name": "c1"})
    result = cloud.call(wave.OPERATION, clusters=clusters)
    assert result["failed"] is True and told in result["msg"] and result["begun"] is False
    assert cloud.arm_requests() == []


def test_warnings_are_gathered_by_rule(azure: Lay) -> None:
    cloud = azure(*({"name": f"c{number}", "mode": "IPVS"} for number in range(7)))
    result = switch(cloud, *(f"c{number}" for number in range(7)), each={"mode": "IPTABLES"}, check=True)
    (warning,) = [text for text in result["warnings"] if "stale" in text]
    assert warning.startswith("c0, c1, c2, c3, c4 and 2 more: ")


def test_an_orphan_stops_before_its_next_write(azure: Lay, monkeypatch: pytest.MonkeyPatch) -> None:
    cloud = azure({"name": "c1"}, {"name": "c2"})
    real = os.getppid()
    looked: list[int] = []

    def parent() -> int:
        looked.append(1)
        return real if not cloud.writes() else real + 1

    monkeypatch.setattr(os, "getppid", parent)
    result = switch(cloud, "c1", "c2")
    assert states(result) == {"c1": "stopped", "c2": "stopped"}
    assert result["clusters"]["c1"]["changed"] is True
    assert len(cloud.writes()) == 1


def test_an_interrupt_calls_the_threads_off(azure: Lay) -> None:
    cloud = azure({"name": "c1"}, {"name": "c2"})

    def interrupt(line: str) -> None:
        if "c1: IPTABLES" in line:
            raise KeyboardInterrupt

    cloud.say = interrupt
    with pytest.raises(KeyboardInterrupt):
        switch(cloud, "c1", "c2")
    assert [entry["path"] for entry in cloud.writes() if entry["path"].endswith("/c2")] == []


def test_a_line_after_a_torn_one_can_be_read(azure: Lay, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The disk is full for the first cluster, and has room again for the second."""
    cloud = azure({"name": "c1"}, {"name": "c2"})
    journal = tmp_path / "journal.jsonl"
    real = os.write
    torn: list[bytes] = []

    def write(file: int, data: bytes) -> int:
        if b"submitting" in data and not torn:
            torn.append(data)
            return real(file, data[:20])
        return real(file, data)

    monkeypatch.setattr(os, "write", write)
    result = switch(cloud, "c1", "c2", journal=str(journal))
    assert states(result) == {"c1": "failed", "c2": "switched"}
    assert [entry["path"].rsplit("/", 1)[1] for entry in cloud.writes()] == ["c2"]
    first, *rest = journal.read_text().splitlines()
    assert len(first) == 20
    assert [(json.loads(line)["host"], json.loads(line)["event"]) for line in rest] == [
        ("c2", "submitting"),
        ("c2", "ended"),
    ]


@pytest.mark.parametrize(("now", "state"), [("NFTABLES", "switched"), ("IPVS", "blocked"), ("IPTABLES", "unchanged")])
def test_what_was_changed_since_is_not_overwritten(azure: Lay, now: str, state: str) -> None:
    cloud = azure({"name": "c1", "mode": now})
    expected = {"enabled": True, "mode": "NFTABLES", "ipvs_config": None, "configured": True}
    each = {"enabled": True, "mode": "IPTABLES", "exact": True, "expected": expected}
    result = switch(cloud, "c1", each=each, preflight="warn")
    assert states(result) == {"c1": state}
    if state == "blocked":
        assert result["clusters"]["c1"]["code"] == "changed-since"
        assert cloud.writes() == []
