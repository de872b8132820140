"""The whole playbook with --check and --diff: what it predicts comes true, and nothing is written or waited for."""

from __future__ import annotations

from collections import Counter
from typing import Any

from tests.emulator.fleet import SECRET, SUBSCRIPTION
from tests.playbooks.support import FLAG, GROUP, IPTABLES, NFTABLES, Estate, Rollout, cluster, named, static_inventory

IPVS = {"enabled": True, "mode": "IPVS", "ipvsConfig": {"scheduler": "RoundRobin"}}
FLEET = [
    cluster("fresh", "dev"),
    cluster("ipvs", "dev", kube_proxy=IPVS),
    cluster("done", "dev", mode="NFTABLES"),
    cluster("old", "staging", version="1.32.7"),
    cluster("iptables", "staging", mode="IPTABLES"),
    cluster("prod", "production"),
]
INVENTORY = static_inventory(FLEET, hosts={"gone": {"aks_resource_group": GROUP, "aks_tags": {"environment": "dev"}}})
STAGES: list[dict[str, Any]] = [
    {"name": "dev", "tag": "environment", "values": ["dev"], "waves": [2], "soak_seconds": 1},
    {"name": "rest", "gate": True},
]
PREDICTED = {
    "done": ("dev", "1/2", "NFTABLES", "NFTABLES", "unchanged"),
    "fresh": ("dev", "1/2", "IPTABLES", "NFTABLES", "would switch"),
    "gone": ("dev", "2/2", "-", "-", "failed"),
    "ipvs": ("dev", "2/2", "IPVS", "NFTABLES", "would switch"),
    "iptables": ("rest", "1/1", "IPTABLES", "NFTABLES", "would switch"),
    "old": ("rest", "1/1", "IPTABLES", "IPTABLES", "blocked"),
    "prod": ("rest", "1/1", "IPTABLES", "IPTABLES", "blocked"),
}


def outcomes(done: Rollout) -> dict[str, tuple[str, ...]]:
    """The rows of the table: stage, wave, before, after and outcome by cluster."""
    rows = [line.split(maxsplit=7) for line in done.table[1 : done.table.index("")]]
    return {host: (stage, wave, before, after, end) for host, stage, wave, before, after, _by, _seconds, end in rows}


def test_a_prediction_on_a_fresh_subscription_writes_nothing_and_comes_true(
    estate: Estate, settings: dict[str, str]
) -> None:
    estate.lay_out(*FLEET, flag="NotRegistered")
    words: dict[str, Any] = {
        "settings": settings,
        "inventory": INVENTORY,
        "mode": "NFTABLES",
        "stages": STAGES,
        "policy": "continue",
        "blocked": "skip",
    }
    check = estate.roll(FLEET, "--check", "--diff", **words)
    assert outcomes(check) == PREDICTED, str(check.run)
    assert (check.writes, check.files, check.summary) == ([], [], None)
    assert {name: stored and stored["mode"] for name, stored in check.after.items()} == {
        "fresh": None,
        "ipvs": "IPVS",
        "done": "NFTABLES",
        "old": None,
        "iptables": "IPTABLES",
        "prod": None,
    }
    # nothing is waited for: each cluster is read once, the flag by the set-up and by each wave
    reads = Counter(entry["path"].rsplit("/", 1)[1] for entry in check.requests)
    assert {host: reads[host] for host in PREDICTED} == dict.fromkeys(PREDICTED, 1)
    assert reads[FLAG] <= 1 + 3, reads
    assert check.status == 2, "a cluster that is not there is a failure in a prediction too"
    told = check.run.results_of(named("Tell the outcome of each cluster"))
    assert {result.host: result.values["changed"] for result in told} == {
        host: end == "would switch" for host, (*_rest, end) in PREDICTED.items()
    }
    asked = check.run.result(named("Ask for the feature flag", "preview_setup"))
    (flag,) = asked.values["results"]
    assert flag["changed"] and "Registered" in str(flag["diff"]["after"]), "the registration is predicted"
    assert '"mode": "NFTABLES"' in check.run.stdout and '"mode": "IPVS"' in check.run.stdout, "the diff is shown"

    real = estate.roll(FLEET, **words, confirmed=["rest"])
    expected = {host: (*row[:4], row[4].replace("would switch", "switched")) for host, row in PREDICTED.items()}
    assert outcomes(real) == expected, str(real.run)
    assert real.status == 2
    assert estate.azure.feature_state(f"Microsoft.ContainerService/{FLAG}", SUBSCRIPTION) == "Registered"
    assert {name for name, mode in real.puts if mode == "NFTABLES"} == {"fresh", "ipvs", "iptables"}
    assert real.after == {
        "fresh": NFTABLES,
        "ipvs": NFTABLES,
        "done": NFTABLES,
        "old": None,
        "iptables": NFTABLES,
        "prod": None,
    }


def test_secrets_are_nowhere_at_any_verbosity(estate: Estate) -> None:
    """Neither in what is printed, nor in journal and summary, when things fail and are put back."""
    fleet = [cluster("c1", mode="IPTABLES"), cluster("c2", mode="IPTABLES")]
    estate.lay_out(*fleet, flag="NotRegistered")
    estate.azure.fault("operation_failed", match={"cluster": "c2"})
    known = estate.azure.environment()
    options = {"client_id": known["AZURE_CLIENT_ID"], "secret": known["AZURE_SECRET"], "tenant": known["AZURE_TENANT"]}
    inventory = static_inventory(fleet)
    inventory["all"]["vars"] = {"aks_options": options}
    done = estate.roll(
        fleet, "-vvvv", "--diff", inventory=inventory, settings={"AZURE_SECRET": ""}, mode="NFTABLES", policy="rollback"
    )
    assert done.after == {"c1": NFTABLES, "c2": IPTABLES}, str(done.run)
    files = [path.read_text(encoding="utf-8") for path in estate.records.iterdir()]
    assert len(files) == 2
    for text in (done.run.stdout, done.run.stderr, *files):
        assert SECRET not in text
        assert "Bearer " not in text and "&s=" not in text, "a token, or the signed address of an operation"


def test_a_prediction_that_could_not_look_at_anything_fails(estate: Estate) -> None:
    """Nothing is predicted then, and an exit status of 0 would say that all is well."""
    fleet = [cluster("one"), cluster("two")]
    estate.lay_out(*fleet)
    estate.azure.fault("server_error", match={"path": "/oauth2/"}, times=None, status=500)
    check = estate.roll(fleet, "--check", "--tags", "preflight", mode="NFTABLES")
    assert (check.status, check.writes) == (2, []), str(check.run)
    assert check.table[-1] == "2 cluster(s): 2 not started"
    assert "Signing in to Azure failed" in " ".join(check.table)
