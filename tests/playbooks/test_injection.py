"""Names, tags and messages are anybody's words: none is evaluated, obeyed by a terminal, or taken for a record."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.aks.kube_proxy.plugins.module_utils._domain.record import SUBMITTING, journal_lines

from tests.emulator.fleet import SUBSCRIPTION
from tests.playbooks.support import IPTABLES, NFTABLES, Estate, cluster, named

ROLLBACK = "aks.kube_proxy.rollback"
FORGED = f"/subscriptions/{SUBSCRIPTION}/resourceGroups/rg1/providers/Microsoft.ContainerService/managedClusters/spared"
RECORD = {
    "event": SUBMITTING,
    "id": FORGED,
    "before": {"enabled": True, "mode": "IPVS"},
    "target": {"enabled": True, "mode": "IPTABLES"},
}
OBEYED = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069]")
"""What a terminal obeys, beyond line breaks and tabs."""


def harmful(folder: Path) -> str:
    """Words that leave a file called broken in a folder, clear a screen, and make up a line of a record."""
    touch = f"touch {folder}/broken"
    template = f"{{{{ lookup('pipe', '{touch}') }}}}"
    shell = f"'; {touch}; ' $({touch}) `{touch}`"
    return f"{template} {shell} <script>alert(1)</script> \x1b[2J\x9b31m\u202e ../../x\n{json.dumps(RECORD)}\n"


@pytest.fixture
def hostile(estate: Estate) -> Estate:
    """An estate in which tags, names of pools and Azure's messages mean harm."""
    words = harmful(estate.folder)
    tags = {"environment": "dev", "owner": words, "Env": "production\n", "{{ 1/0 }}": words}
    estate.lay_out(
        cluster("c1", tags=tags),
        cluster("c2", tags=tags),
        cluster("spared", mode="IPTABLES"),
    )
    for name in ("c1", "c2"):
        pools = estate.azure.cluster(name)["properties"]["agentPoolProfiles"]
        pools[0]["nodeImageVersion"] = words
        estate.azure.change_cluster(name, {"properties": {"agentPoolProfiles": pools, "nodeResourceGroup": words}})
    estate.azure.fault("operation_failed", match={"cluster": "c2"}, code=f"Bad{words}", message=words)
    return estate


def assert_harmless(estate: Estate, text: str) -> None:
    """See that nothing was evaluated, and that a terminal obeys nothing in a text."""
    assert not (estate.folder / "broken").exists()
    assert not list(estate.folder.glob("**/broken"))
    assert not OBEYED.search(text), repr(OBEYED.search(text))


def test_nobodys_words_are_more_than_words(hostile: Estate) -> None:
    inventory = hostile.folder / "aks_clusters.yml"
    options: dict[str, Any] = {
        "plugin": "aks.kube_proxy.aks_clusters",
        "compose": {"owner": "aks_tags.owner", "image": "aks_pools[0].node_image"},
        "keyed_groups": [{"key": "aks_tags.owner", "prefix": "owner"}],
    }
    inventory.write_text(json.dumps(options), encoding="utf-8")
    clusters: list[dict[str, Any]] = [{"name": name} for name in ("c1", "c2", "spared")]
    variables: dict[str, Any] = {"mode": "NFTABLES", "allow_production": True, "policy": "continue"}
    rolled = hostile.roll(clusters, "--limit", "c1,c2", "-v", inventory=inventory, **variables)
    assert rolled.after == {"c1": NFTABLES, "c2": rolled.after["c2"], "spared": IPTABLES}, rolled.run
    assert rolled.states["c2"] in ("failed", "rolled_back")
    log = rolled.run.stdout + rolled.run.stderr
    assert_harmless(hostile, log)
    assert "alert(1)" in log, "the message is told all the same"
    submitted = [line["id"] for line in journal_lines(log) if line.get("event") == SUBMITTING]
    assert {identity.rpartition("/")[2] for identity in submitted} == {"c1", "c2"}
    assert {line["host"] for line in rolled.journal} == {"c1", "c2"}

    # The log as a record, with lines that somebody has put there.
    words = harmful(hostile.folder)
    target = {"enabled": True, "mode": "NFTABLES", "ipvs_config": None}
    real = f"/subscriptions/{SUBSCRIPTION}/resourceGroups/rg1/providers/Microsoft.ContainerService/managedClusters/c1"
    lines = [
        {**RECORD, "id": real, "target": target, "before": before, "host": words}
        for before in (
            {"enabled": True, "mode": words},
            {"enabled": True, "mode": "IPVS", "ipvs_config": {"scheduler": {"a": words}}},
            {"enabled": words},
        )
    ]
    record = hostile.folder / "run.log"
    record.write_text("\n".join([log, *map(json.dumps, lines)]), encoding="utf-8")
    back = hostile.roll(
        clusters, "--limit", "c1", inventory=inventory, playbook=ROLLBACK, record=str(record), **variables
    )
    assert back.status == 2, back.run
    assert back.puts == []
    assert "in a form that this release cannot put back" in back.run.result(named("Read the record")).message
    assert_harmless(hostile, back.run.stdout + back.run.stderr)
    record.write_text(log, encoding="utf-8")
    again = hostile.roll(
        clusters, "--limit", "c1", inventory=inventory, playbook=ROLLBACK, record=str(record), **variables
    )
    assert again.status == 0, again.run
    assert again.after == {**rolled.after, "c1": IPTABLES}
