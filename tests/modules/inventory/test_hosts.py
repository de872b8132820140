"""Clusters as hosts, as real ansible-inventory and ansible-playbook see them."""

from __future__ import annotations

import re
from datetime import datetime, timezone
from typing import Any

import pytest

from tests.emulator.fleet import SUBSCRIPTION
from tests.modules.inventory.conftest import Estate
from tests.support.playbook import controller_python, play

OTHER = "99999999-9999-4999-8999-999999999999"
REGISTERED = {"KubeProxyConfigurationPreview": "Registered"}
FLAGS = {SUBSCRIPTION: REGISTERED, OTHER: REGISTERED}
EVIL = {"sum": "{{ 1+1 }}", "raw": "{% raw %}", "call": "{{ lookup('env', 'HOME') }}", "{{ 3*3 }}": "key"}
CLUSTERS: list[dict[str, Any]] = [
    {"name": "web", "tags": {"environment": "dev", **EVIL}},
    {"name": "old", "mode": "IPVS", "version": "1.32.7", "location": "northeurope"},
    {"name": "byo", "resource_group": "RG2", "plugin": "none", "mode": "disabled", "tags": {"environment": "prod"}},
    {"name": "web", "subscription": OTHER, "mode": "NFTABLES", "power": "Stopped"},
]
GROUPED = {
    "compose": {"owner": "aks_tags.owner | default('nobody')", "copied": "aks_tags.sum", "cost": "rate * 2"},
    "groups": {"can_go": "aks_targets.NFTABLES.possible", "dev": "aks_tags.environment | default('') == 'dev'"},
    "keyed_groups": [
        {"key": "aks_location", "prefix": "location"},
        {"key": "aks_kube_proxy.mode | default('disabled', true)", "prefix": "mode"},
        {"key": "aks_tags", "prefix": "tag"},
    ],
    "use_extra_vars": True,
}
VALID = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


@pytest.fixture(autouse=True)
def _clusters(estate: Estate) -> None:
    estate.azure.reset({"clusters": CLUSTERS, "features": FLAGS})


def test_hosts_their_variables_and_groups(estate: Estate) -> None:
    before = datetime.now(timezone.utc).replace(microsecond=0)
    shown = estate.list({**GROUPED, "subscriptions": [SUBSCRIPTION, OTHER]}, "-e", '{"rate": 21}')
    here, there = f"web.rg1.{SUBSCRIPTION}", f"web.rg1.{OTHER}"
    assert shown.status == 0, shown
    assert sorted(shown.hosts) == sorted([here, "old", "byo", there])
    assert shown.says(f"which another one has too or Ansible means otherwise: {here}, {there}.")
    groups = {name: hosts for name, hosts in shown.groups.items() if not name.startswith("tag_")}
    assert groups == {
        "aks_clusters": sorted(shown.hosts),
        "can_go": sorted([here, "byo"]),
        "dev": [here],
        "location_westeurope": sorted([here, "byo", there]),
        "location_northeurope": ["old"],
        "mode_IPTABLES": [here],
        "mode_IPVS": ["old"],
        "mode_disabled": ["byo"],
        "mode_NFTABLES": [there],
    }
    assert all(VALID.fullmatch(name) for name in shown.groups)
    for variables in shown.hosts.values():
        assert variables["owner"] == "nobody"
        assert str(variables["cost"]) == "42"  # a string before ansible-core 2.19
        assert variables["ansible_connection"] == "local"
        assert variables["ansible_python_interpreter"] == str(controller_python(estate.ansible.bin))
        read_at = datetime.strptime(variables["aks_read_at"], "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=timezone.utc)
        assert before <= read_at <= datetime.now(timezone.utc)
    assert shown.hosts[here]["aks_tags"] == {"environment": "dev", **EVIL}
    assert shown.hosts[here]["copied"] == "{{ 1+1 }}"
    assert shown.hosts["byo"]["aks_resource_group"] == "RG2"
    assert shown.hosts["byo"]["aks_kube_proxy"]["enabled"] is False
    assert shown.hosts[there]["aks_power_state"] == "Stopped"
    assert shown.hosts["old"]["aks_pools"][0]["count"] == 3


def test_a_play_on_the_hosts(estate: Estate) -> None:
    """The variables say what the module reads; one token does for all; nothing is ever evaluated."""
    more = [{"name": f"c{number}"} for number in range(3)]
    estate.azure.reset({"clusters": [*CLUSTERS, *more], "features": FLAGS})
    estate.azure.clear_requests()
    tasks = [
        {
            "name": "read",
            "aks.kube_proxy.config_info": {"resource_id": "{{ aks_resource_id }}"},
            "register": "found",
        },
        {
            "name": "tags",
            "ansible.builtin.debug": {
                "msg": "{{ aks_tags.sum }} and {{ copied }}, {{ aks_tags['raw'] }}, {{ aks_tags }}"
            },
            "when": "inventory_hostname == 'web'",
        },
    ]
    source = estate.write({"compose": {"copied": "aks_tags.sum"}})
    run = estate.ansible.play([play(*tasks, hosts="aks_clusters")], "-i", str(source), environ=estate.environ())
    assert run.status == 0, run
    # Six clusters, then a list, and for each cluster itself and the flag.
    assert estate.requests() == {"tokens": 1, "arm": 1 + 2 * 6}
    said = run.result("tags", "web").message
    assert said.startswith("{{ 1+1 }} and {{ 1+1 }}, {% raw %}, ")
    assert EVIL["call"] in said.replace('\\"', '"').replace("\\'", "'")
    listed = estate.list({}).hosts
    for result in run.results_of("read"):
        (cluster,) = result.values["clusters"]
        known = listed[result.host]
        assert cluster.pop("id") == known["aks_resource_id"]
        assert cluster.pop("feature_state") == "Registered"
        assert cluster == {name: known[f"aks_{name}"] for name in cluster}


def test_every_play_gets_a_token_where_the_inventory_left_none(estate: Estate) -> None:
    """What the test above counts is the inventory's doing: a static inventory costs a token for each host."""
    hosts = {name: {"ansible_connection": "local"} for name in ("web", "old")}
    estate.azure.clear_requests()
    tasks = [{"aks.kube_proxy.config_info": {"resource_group": "rg1", "name": "{{ inventory_hostname }}"}}]
    run = estate.ansible.play([play(*tasks)], inventory=hosts, environ=estate.environ())
    assert run.status == 0, run
    assert estate.requests()["tokens"] == 2


@pytest.mark.parametrize(
    ("form", "hosts"),
    [
        ("name_group", {"web.rg1", "old.rg1", "byo.rg2"}),
        ("name_group_subscription", {f"{each}.{SUBSCRIPTION}" for each in ("web.rg1", "old.rg1", "byo.rg2")}),
    ],
)
def test_names_of_a_fixed_form(estate: Estate, form: str, hosts: set[str]) -> None:
    assert set(estate.list({"hostnames": form}).hosts) == hosts


def test_filters(estate: Estate) -> None:
    old = "88888888-8888-4888-8888-888888888888"
    subscriptions = [{"id": SUBSCRIPTION}, {"id": old, "name": "Old", "state": "Disabled"}]
    estate.azure.reset({"clusters": CLUSTERS, "subscriptions": subscriptions})
    scope = {"all_subscriptions": True, "resource_groups": ["rg2", "rg1"], "tags": ["ENVIRONMENT:prod"]}
    shown = estate.list(scope)
    assert set(shown.hosts) == {"byo"}
    assert shown.says(f"Subscription {old} (Old) is Disabled: its clusters cannot be changed and are left out.")


def test_options_may_be_templates(estate: Estate) -> None:
    options = {
        "client_id": "{{ lookup('env', 'WHO') }}",
        "secret": "{{ the_secret }}",
        "tenant": "{{ lookup('env', 'AZURE_TENANT') }}",
        "subscriptions": ["{{ lookup('env', 'AZURE_SUBSCRIPTION_ID') }}"],
        "tags": ["environment:{{ stage }}"],
        "use_extra_vars": True,
    }
    given = estate.azure.environment()
    extra = ("-e", f'{{"stage": "prod", "the_secret": "{given["AZURE_SECRET"]}"}}')
    shown = estate.list(options, *extra, WHO=given["AZURE_CLIENT_ID"], AZURE_CLIENT_ID="", AZURE_SECRET="")
    assert set(shown.hosts) == {"byo"}, shown.stderr


def test_only_files_of_its_name_are_read(estate: Estate) -> None:
    files = [estate.write({"tags": [tag]}, name) for tag, name in (
        ("environment:prod", "prod.aks_clusters.yaml"),
        ("environment:dev", "clusters.yml"),
    )]  # fmt: skip
    shown = estate.list_files(files)
    assert set(shown.hosts) == {"byo"}
    assert shown.says(f"Unable to parse {files[1]} as an inventory source")
