"""What the documentation of the inventory plugin promises: its examples run, its variables are those that there are."""

from __future__ import annotations

import ast
import json
import re
from pathlib import Path
from typing import Any

import yaml
from ansible_collections.aks.kube_proxy.plugins.module_utils._domain.inventory import FORMS, UNIQUE

from tests.modules.inventory.conftest import PLUGIN, Estate, Listing

SOURCE = Path(__file__).resolve().parents[3] / "plugins" / "inventory" / "aks_clusters.py"
ZEROS, ONES = "00000000-0000-0000-0000-000000000000", "11111111-1111-1111-1111-111111111111"
CLUSTERS: list[dict[str, Any]] = [
    {"name": "web", "subscription": ZEROS, "tags": {"environment": "dev", "owner": "blue team"}},
    {"name": "old", "subscription": ZEROS, "mode": "IPVS", "version": "1.32.7"},
    {"name": "byo", "subscription": ONES, "plugin": "none", "mode": "disabled", "tags": {"environment": "dev test"}},
    {"name": "shop", "subscription": ONES, "mode": "NFTABLES", "location": "northeurope"},
]
GROUP_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


def text_of(name: str) -> str:
    """C(DOCUMENTATION) or C(EXAMPLES)."""
    for statement in ast.parse(SOURCE.read_text(encoding="utf-8")).body:
        if isinstance(statement, ast.Assign) and ast.unparse(statement.targets[0]) == name:
            return str(ast.literal_eval(statement.value))
    raise AssertionError(f"there is no {name}")


def test_examples_run(estate: Estate) -> None:
    """Each example under the file name that it gives itself; all but the first stand in comments."""
    minimal, fleet, development, move = text_of("EXAMPLES").removeprefix("\n---\n").split("\n\n")

    def listed(text: str) -> Listing:
        named = re.match(r"# (\S+): .*\n", text)
        assert named, text
        content = re.sub("^# ", "", text[named.end() :], flags=re.MULTILINE)
        shown = estate.list_files([estate.write(content, named[1])], AZURE_SUBSCRIPTION_ID=ZEROS)
        assert shown.status == 0 and shown.hosts, shown.stderr
        assert all(GROUP_NAME.fullmatch(name) for name in shown.groups)
        return shown

    estate.azure.reset({"clusters": CLUSTERS})
    assert listed(minimal).groups == {"aks_clusters": ["old", "web"]}
    assert listed(fleet).groups == {
        "aks_clusters": ["byo.rg1", "old.rg1", "shop.rg1", "web.rg1"],
        "location_westeurope": ["byo.rg1", "old.rg1", "web.rg1"],
        "location_northeurope": ["shop.rg1"],
        "mode_IPTABLES": ["web.rg1"],
        "mode_IPVS": ["old.rg1"],
        "mode_disabled": ["byo.rg1"],
        "mode_NFTABLES": ["shop.rg1"],
        "environment_dev": ["web.rg1"],
        "environment_dev_test": ["byo.rg1"],
        "environment_untagged": ["old.rg1", "shop.rg1"],
    }
    assert listed(development).groups == {"aks_clusters": ["web"]}
    assert list((Path(estate.ansible.environ["HOME"]) / ".cache" / "aks_clusters").iterdir())
    moving = listed(move)
    assert moving.groups == {"aks_clusters": ["old", "web"], "can_go_to_nftables": ["web"], "must_leave_ipvs": ["old"]}
    assert {name: host["owner"] for name, host in moving.hosts.items()} == {"web": "blue team", "old": "nobody"}


def test_the_documented_variables_are_those_that_there_are(estate: Estate) -> None:
    estate.azure.reset({"clusters": [{"name": "web"}]})
    known = estate.list({}).hosts["web"]
    notes = yaml.safe_load(text_of("DOCUMENTATION"))["notes"]
    (variables,) = [note for note in notes if note.startswith("The host variables are")]
    assert set(re.findall(r"C\((aks_\w+)\)", variables)) == {name for name in known if name.startswith("aks_")}
    (pools,) = [note for note in notes if note.startswith("C(aks_pools)")]
    assert set(re.findall(r"C\((\w+)\)", pools)) == {"aks_pools", *known["aks_pools"][0]}


def test_ansible_doc_shows_it(estate: Estate) -> None:
    shown = estate.ansible.run("ansible-doc", "-t", "inventory", "--json", PLUGIN)
    assert shown.returncode == 0, shown.stderr
    options = json.loads(shown.stdout)[PLUGIN]["doc"]["options"]
    assert {"secret", "cloud_environment", "compose", "use_extra_vars", "cache", "cache_timeout"} <= set(options)
    assert options["hostnames"]["choices"] == [UNIQUE, *FORMS]
    assert options["hostnames"]["default"] == UNIQUE
