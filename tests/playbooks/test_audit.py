"""The playbook audit: who runs what, who can go where, who has to leave IPVS; from whatever tells of clusters."""

from __future__ import annotations

import json
from pathlib import Path

import yaml

from tests.emulator.fleet import SUBSCRIPTION
from tests.playbooks.support import Estate, Rollout, cluster, static_inventory

AUDIT = "aks.kube_proxy.audit"
OTHER = "22222222-2222-2222-2222-222222222222"
FLEET = [
    cluster("ipt"),
    cluster("ipvs", mode="IPVS"),
    cluster("old", version="1.32.7"),
    cluster("far", subscription=OTHER, mode="NFTABLES"),
]
TABLE = [
    "cluster  version  runs      can go to          blocked",
    "ipt      1.34.2   IPTABLES  IPVS NFTABLES      -",
    "ipvs     1.34.2   IPVS      IPTABLES NFTABLES  -",
    "old      1.32.7   IPTABLES  IPVS               nftables-kubernetes-version (NFTABLES)",
]


def shown(done: Rollout) -> list[str]:
    """The lines of the audit."""
    assert done.status == 0, done.run
    lines: list[str] = done.run.result("Show the audit").values["lines"]
    return lines


def pages(done: Rollout) -> list[str]:
    """The subscriptions whose clusters were listed; single clusters are never read."""
    lists = [entry["path"] for entry in done.requests if entry["path"].lower().endswith("/managedclusters")]
    singles = [entry["path"] for entry in done.requests if "/managedclusters/" in entry["path"].lower()]
    assert singles == [] and done.writes == []
    return [path.split("/")[2] for path in lists]


def fixed(estate: Estate) -> None:
    estate.lay_out(*({"version": "1.34.2", **one} for one in FLEET))


def test_static_hosts_are_looked_up_by_two_names_and_missing_ones_are_told(estate: Estate, tmp_path: Path) -> None:
    fixed(estate)
    file = tmp_path / "audit.json"
    hosts = static_inventory([*FLEET[:3], cluster("gone")])
    done = estate.roll(FLEET[:3], "-e", f"audit_file={file}", playbook=AUDIT, inventory=hosts)
    lines = shown(done)
    assert lines[:4] == TABLE
    assert "3 cluster(s): 2 IPTABLES, 1 IPVS" in lines
    assert any(line.startswith("Have to leave IPVS: ipvs. ") and "1.40" in line for line in lines)
    assert lines[-1] == "Not found in Azure: gone"
    assert pages(done) == [SUBSCRIPTION]
    record = json.loads(file.read_text(encoding="utf-8"))
    assert (record["leave_ipvs"], record["missing"]) == (["ipvs"], ["gone"])
    assert record["clusters"][2]["blocked"]["NFTABLES"] == ["nftables-kubernetes-version"]


def test_limit_asks_for_the_hosts_that_are_left(estate: Estate) -> None:
    fixed(estate)
    lines = shown(estate.roll(FLEET[:3], "--limit", "old", playbook=AUDIT))
    assert [line.split()[0] for line in lines if line][:2] == ["cluster", "old"]
    assert "1 cluster(s): 1 IPTABLES" in lines


def test_the_inventory_of_clusters_brings_all_subscriptions_and_other_hosts_do_not_matter(
    estate: Estate, tmp_path: Path
) -> None:
    fixed(estate)
    source = tmp_path / "fleet.aks_clusters.yml"
    content = {"plugin": "aks.kube_proxy.aks_clusters", "subscriptions": [SUBSCRIPTION, OTHER]}
    source.write_text(yaml.dump(content), encoding="utf-8")
    others = tmp_path / "others.yml"
    others.write_text(yaml.dump({"all": {"hosts": {"web1": None, "localhost": None}}}), encoding="utf-8")
    done = estate.roll(FLEET[:0], "-i", str(others), playbook=AUDIT, inventory=source)
    lines = shown(done)
    assert "4 cluster(s): 2 IPTABLES, 1 IPVS, 1 NFTABLES" in lines
    assert not any("Not found" in line for line in lines)


def test_without_an_inventory_the_credentials_subscription_is_audited(estate: Estate) -> None:
    fixed(estate)
    done = estate.roll(FLEET[:0], playbook=AUDIT, inventory={"all": {}})
    assert shown(done)[:4] == TABLE
    assert pages(done) == [SUBSCRIPTION]
    named = estate.roll(FLEET[:0], "-e", f"audit_subscriptions={OTHER}", playbook=AUDIT, inventory={"all": {}})
    assert "1 cluster(s): 1 NFTABLES" in shown(named)


def test_settings_are_checked_before_anything_is_asked(estate: Estate) -> None:
    fixed(estate)
    wrong = estate.roll(FLEET, "-e", '{"audit_subscriptions": {"a": 1}}', playbook=AUDIT)
    assert (wrong.status, wrong.requests) == (2, []), wrong.run
    assert "audit_subscriptions" in str(wrong.run)
