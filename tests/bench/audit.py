"""What it costs to read the state and the findings of a large fleet."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

from tests.bench.cloud import Cloud, cloud, fleet
from tests.bench.measure import Case, compared, figure
from tests.bench.report import Rows, table

SIZES = (10, 100, 1000, 5000)
SUBSCRIPTIONS = 5


def bench(folder: Path, times: int) -> list[str]:
    """Measure, and lay the figures out."""
    rows: Rows = []
    for size in SIZES:
        rows += _of(size, folder / str(size), times)
    return table(["clusters", "what", "wall s", "CPU s", "peak MiB", "requests"], rows)


def _of(size: int, folder: Path, times: int) -> Iterator[list[str]]:
    with cloud(fleet(size, subscriptions=SUBSCRIPTIONS), folder) as azure:
        cases = list(_cases(azure, folder, size))
        for case in cases:
            azure.control("requests", "DELETE")
            found = compared([case], 0, folder)
            assert not found[case.name]
            kinds = Counter(kind(entry) for entry in azure.control("requests"))
            refused = sum(bucket["refused"] for bucket in azure.control("throttling"))
            assert refused == 0, f"{refused} requests were refused"
            samples = compared([case], times, folder)[case.name]
            told = ", ".join(f"{many} {kind}" for kind, many in sorted(kinds.items())) or "none"
            yield [
                str(size),
                case.name,
                figure(samples, "wall").shown(1),
                figure(samples, "cpu").shown(1),
                figure(samples, "memory").shown(0),
                told,
            ]


def kind(entry: dict[str, str]) -> str:
    """What a request is, for counts."""
    if "/oauth2/" in entry["path"] or "openid" in entry["path"] or "/metadata/" in entry["path"]:
        return "sign-in"
    return "LIST" if entry["path"].endswith("/managedClusters") else entry["method"]


def _cases(azure: Cloud, folder: Path, size: int) -> Iterator[Case]:
    inventory = folder / "fleet.aks_clusters.yml"
    inventory.write_text("plugin: aks.kube_proxy.aks_clusters\nall_subscriptions: true\n", encoding="utf-8")
    listed = ["ansible-inventory", "--list", "--inventory"]
    hosts = {f"c{number:04}": _variables(number) for number in range(size)}
    static = folder / "static.json"
    static.write_text(json.dumps({"aks_clusters": {"hosts": hosts}}), encoding="utf-8")
    yield Case("a static inventory of that size", [*listed, str(static)], azure.environ, check=_tells(size))
    yield Case("the inventory aks_clusters", [*listed, str(inventory)], azure.environ, check=_tells(size))
    audit = ["ansible-playbook", "aks.kube_proxy.audit", "--inventory", str(inventory)]
    yield Case("the playbook audit", audit, azure.environ, check=_sums_up(size))


def _variables(number: int) -> dict[str, object]:
    """As many variables as a host of the inventory has."""
    findings = {mode: {"current": False, "possible": True, "findings": []} for mode in ("IPTABLES", "IPVS", "NFTABLES")}
    return {
        "aks_name": f"c{number:04}",
        "aks_pools": [{"name": name, "count": 3, "version": "1.34.2"} for name in ("system", "user")],
        "aks_targets": findings,
        **{f"aks_{number}": "text" for number in range(12)},
    }


def _tells(size: int) -> Callable[[str], None]:
    def check(output: str) -> None:
        assert len(json.loads(output)["_meta"]["hostvars"]) == size

    return check


def _sums_up(size: int) -> Callable[[str], None]:
    def check(output: str) -> None:
        assert f"{size} cluster(s)" in output, output[-2000:]

    return check
