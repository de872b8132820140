"""Tasks whose results are compared between the two ways to run a module, and what each has to come to."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, field
from typing import Any

from ansible.parsing.vault import VaultLib, VaultSecret

from tests.emulator.fleet import CLIENT, SECRET, SUBSCRIPTION, TENANT
from tests.support.playbook import Tagged

UNPREPARED = "55555555-5555-4555-8555-555555555555"
"""A subscription without the feature flag."""
ELSEWHERE = f"/subscriptions/{SUBSCRIPTION}/resourceGroups/rg1/providers/Microsoft.ContainerService/managedClusters"
VAULT_PASSWORD = "open sesame"
WRONG = "hush-hush-nobody-must-see"
"""A secret that is none."""
SECRETS = {"right": SECRET, "wrong": WRONG}
"""Variables: what stands in a playbook itself is shown by ansible-core 2.19 and later around a failed task."""

OK = {"changed": False, "failed": False}
CHANGED = {"changed": True, "failed": False}


def failed(says: str) -> dict[str, Any]:
    """What a failure has to come to; C(says) is a part of its message."""
    return {"changed": False, "failed": True, "says": says}


def vaulted(text: str) -> Tagged:
    """The text, encrypted as with C(ansible-vault encrypt_string)."""
    secret = VaultSecret(VAULT_PASSWORD.encode())
    return Tagged("!vault", VaultLib([("default", secret)]).encrypt(text.encode()).decode())


@dataclass(frozen=True)
class Row:
    """One task.

    Attributes:
        name: the task's name, and the name of its cluster.
        arguments: the module's options; those of C(config), C(config_info) and C(verify) get group and name of the
            cluster unless C(whole) is set.
        outcome: what has to come of it.
        cluster: how the cluster is laid out, in the fleet file's words; none by default settings alone.
        keywords: the task's keywords.
    """

    name: str
    arguments: dict[str, Any]
    outcome: dict[str, Any]
    cluster: dict[str, Any] = field(default_factory=dict)
    keywords: dict[str, Any] = field(default_factory=dict)
    whole: bool = False

    def task_arguments(self, named: bool) -> dict[str, Any]:
        """The options as the task gives them."""
        return {"resource_group": "rg1", "name": self.name, **self.arguments} if named else self.arguments


NFT = {"mode": "NFTABLES"}
NODE_PORTS = {"localhost_nodeports": 3}
CONFIG = [
    Row("switch", NFT, CHANGED),
    Row("check-diff", NFT, CHANGED, keywords={"diff": True, "check_mode": True}),
    Row("again", NFT, OK, {"mode": "NFTABLES"}),
    Row("default-is-iptables", {"mode": "IPTABLES"}, OK),
    Row("ipvs", {"mode": "IPVS", "ipvs_config": {"scheduler": "RoundRobin", "tcp_timeout_seconds": "900"}}, CHANGED),
    Row("disable", {"enabled": "no"}, CHANGED, {"plugin": "none"}),
    Row("no-wait", {**NFT, "wait": False}, CHANGED),
    Row("by-id", {**NFT, "resource_id": f"{ELSEWHERE}/by-id"}, CHANGED, whole=True),
    Row("warned", {"mode": "IPVS", "preflight": "warn"}, CHANGED, {"policy": "azure"}),
    # refused, by a rule or by Azure
    Row("too-old", NFT, failed("1.33"), {"version": "1.32.7"}),
    Row("too-old-check", NFT, failed("1.33"), {"version": "1.32.7"}, {"check_mode": True}),
    Row("stopped", NFT, failed("stopped"), {"power": "Stopped"}),
    Row("failed-before", NFT, failed("Failed"), {"provisioning_state": "Failed"}),
    Row("absent", {**NFT, "name": "nobody"}, failed("ResourceNotFound")),
    Row("no-group", {**NFT, "resource_group": "rg-nowhere"}, failed("ResourceGroupNotFound")),
    Row("no-flag", {**NFT, "subscription_id": UNPREPARED}, failed("KubeProxyConfig"), {"subscription": UNPREPARED}),
    Row("stable", {**NFT, "api_version": dt.date(2026, 8, 1)}, failed("2026-08-01")),
]

CONFIG_ARGUMENTS = [
    Row("unknown-option", {**NFT, "modus": "x"}, failed("Unsupported parameters for (aks.kube_proxy.config) module")),
    Row("missing", {}, failed("one of the following is required: mode, enabled, ipvs_config")),
    Row("missing-name", NFT, failed("one of the following is required: resource_id, name"), whole=True),
    Row("without-group", {**NFT, "name": "x"}, failed("required together: resource_group, name"), whole=True),
    Row("both", {**NFT, "resource_id": f"{ELSEWHERE}/both"}, failed("mutually exclusive: resource_id|name")),
    Row("wrong-choice", {"mode": "nftables"}, failed("value of mode must be one of: IPTABLES, IPVS, NFTABLES")),
    Row("wrong-bool", {**NFT, "wait": "maybe"}, failed("argument 'wait' is of type")),
    Row("wrong-int", {**NFT, "wait_timeout": "soon"}, failed("argument 'wait_timeout' is of type")),
    Row("wrong-dict", {"mode": "IPVS", "ipvs_config": "rr"}, failed("dictionary requested")),
    Row("wrong-suboption", {"mode": "IPVS", "ipvs_config": {"sched": "x"}}, failed("ipvs_config.sched")),
    Row("impossible", {**NFT, "enabled": False}, failed("enabled")),
    Row("no-time", {**NFT, "wait_timeout": 0}, failed("'wait_timeout' is 0")),
    Row("no-id", {**NFT, "resource_id": "c1"}, failed("c1"), whole=True),
    # what YAML and templates make of arguments
    Row("date", {**NFT, "name": dt.date(2026, 1, 2)}, CHANGED, {"name": "2026-01-02"}),
    Row("moment", {**NFT, "name": dt.datetime(2026, 1, 2, 3, 4, 5)}, failed("2026-01-02T03:04:05")),  # noqa: DTZ001
    Row("number", {**NFT, "name": 42}, CHANGED, {"name": "42"}),
    Row("truth", {**NFT, "name": True}, CHANGED, {"name": "True"}),
    Row("null", {**NFT, "ipvs_config": None, "enabled": None}, CHANGED),
    Row("unsafe", {**NFT, "name": Tagged("!unsafe", "c-{{ 1 + 1 }}")}, failed("c-{{ 1 + 1 }}")),
    Row("vaulted", {**NFT, "name": vaulted("vaulted")}, CHANGED),
    Row(
        "templated",
        {"mode": "{{ 'IP' ~ 'VS' }}", "ipvs_config": "{{ ipvs }}", "wait": "{{ 1 == 1 }}", "wait_timeout": "{{ 900 }}"},
        CHANGED,
        keywords={"vars": {"ipvs": {"udp_timeout_seconds": "{{ 200 + 100 }}"}}},
    ),
    Row("omitted", {**NFT, "wait": "{{ nowhere | default(omit) }}"}, CHANGED),
    # secrets
    Row("good-secret", {**NFT, "client_id": CLIENT, "tenant": TENANT, "secret": vaulted(SECRET)}, CHANGED),
    Row("bad-secret", {**NFT, "client_id": CLIENT, "tenant": TENANT, "secret": "{{ wrong }}"}, failed("AADSTS7000215")),
    Row(
        "choice-is-secret", {"mode": "{{ wrong }}", "secret": "{{ wrong }}"}, failed("IPTABLES, IPVS, NFTABLES, got: ")
    ),
    Row("name-is-secret", {**NFT, "name": "_{{ wrong }}_", "secret": "{{ wrong }}"}, failed("Cluster ")),
    Row("censored", NFT, {"changed": True, "failed": False, "censored": True}, keywords={"no_log": True}),
]

CONFIG_INFO = [
    Row("one", {}, OK, {"mode": "IPVS", "tags": {"environment": "dev"}}),
    Row("one-check", {}, OK, keywords={"check_mode": True, "diff": True}),
    Row(
        "tag-is-secret",
        {"client_id": CLIENT, "tenant": TENANT, "secret": "{{ right }}"},
        OK,
        {"tags": {"note": SECRET}},
    ),
    Row("group", {"resource_group": "rg-many"}, OK, {"resource_group": "rg-many"}, whole=True),
    Row("lists", {"subscriptions": f"{SUBSCRIPTION},{UNPREPARED}", "tags": ["environment:dev"]}, OK, whole=True),
    Row("nothing", {"tags": "no-such-tag"}, OK, whole=True),
    Row("absent", {"name": "nobody"}, failed("ResourceNotFound")),
    Row("no-subscription", {"subscriptions": TENANT}, failed("SubscriptionNotFound"), whole=True),
    Row("numbers", {"subscriptions": [1]}, failed("1"), whole=True),
    Row("wrong-list", {"tags": {"environment": "dev"}}, failed("argument 'tags' is of type"), whole=True),
    Row("both", {"resource_id": f"{ELSEWHERE}/both"}, failed("mutually exclusive: resource_id|name")),
    Row("without-group", {"name": "x"}, failed("'name': resource_group"), whole=True),
]

QUICK = {"wait_timeout": 1, "poll_interval": 1, "settle_seconds": 1}
"""Seconds are real ones here."""
STAYS = {"mode": "NFTABLES"}
VERIFY = [
    Row("proven", QUICK, OK, STAYS),
    Row("proven-check", {**NFT, **QUICK}, OK, STAYS, {"check_mode": True, "diff": True}),
    Row("by-id", {**QUICK, "resource_id": f"{ELSEWHERE}/by-id"}, OK, {"mode": "IPVS"}, whole=True),
    Row(
        "many",
        {"clusters": [{"host": "web", "resource_group": "rg1", "name": "many", "access": "admin"}], **QUICK},
        OK,
        whole=True,
    ),
    Row("safe", {**NFT, "phase": "before"}, OK),
    Row("tolerated", {**NFT, "phase": "before", "tolerate": "localhost-nodeports"}, OK, {"kubernetes": NODE_PORTS}),
    Row("silent", {**QUICK, "unverified": "warn"}, OK, {"kubernetes": {"api": "unauthorized"}}),
    Row("rebooted", {**QUICK, "mode": "IPVS", "previous_mode": "IPTABLES"}, OK, {"mode": "IPVS"}),
    Row("by-command", {**QUICK, "access": "run_command"}, OK, {"kubernetes": {"private": True}}),
    # evidence of failure, and missing evidence
    Row("contradicted", {**NFT, **QUICK}, failed("which means iptables")),
    Row("unsafe", {**NFT, "phase": "before"}, failed("[localhost-nodeports]"), {"kubernetes": NODE_PORTS}),
    Row("forbidden", {**NFT, **QUICK}, failed("HTTP 403"), {**STAYS, "kubernetes": {"pod_proxy": "forbidden"}}),
    Row("unknown", QUICK, failed("HTTP 401"), {"kubernetes": {"api": "unauthorized"}}),
    Row("stopped", QUICK, failed("az aks start"), {"power": "Stopped"}),
    Row("absent", {**QUICK, "name": "nobody"}, failed("ResourceNotFound")),
    # arguments
    Row("wrong-phase", {"phase": "during"}, failed("value of phase must be one of: after, before")),
    Row("wrong-rule", {**NFT, "phase": "before", "tolerate": ["x"]}, failed("There is no rule x.")),
    Row("both", {"clusters": []}, failed("mutually exclusive: clusters|resource_id|name")),
    Row("twice", {"clusters": [{"resource_group": "rg1", "name": "x"}] * 2}, failed("names x twice"), whole=True),
    Row("no-kubeconfig", {**QUICK, "kubeconfig": "/nowhere/config"}, failed("/nowhere/config")),
]

PREVIEW_FEATURE = [
    Row("registered", {}, OK),
    Row("predict", {"name": "OnePreview"}, CHANGED, keywords={"check_mode": True, "diff": True}),
    Row("register", {"name": "TwoPreview", "poll_interval": 1}, CHANGED, keywords={"diff": True}),
    Row("ask", {"name": "ThreePreview", "wait": "false"}, CHANGED),
    Row("in-use", {"state": "absent"}, failed("in-use-holder"), {"name": "in-use-holder", "mode": "IPVS"}),
    Row("give-back", {"name": "FourPreview", "state": "absent", "force": True, "poll_interval": 1}, CHANGED),
    Row("pending", {"name": "FivePreview", "wait_timeout": 1, "poll_interval": 1}, failed("approv")),
    Row("wrong-state", {"state": "registered"}, failed("value of state must be one of: present, absent")),
    Row("wrong-name", {"name": "a b"}, failed("a b")),
    Row("nobody", {"subscription_id": TENANT}, failed("SubscriptionNotFound")),
]
FLAGS = {
    "KubeProxyConfigurationPreview": "Registered",
    "OnePreview": "NotRegistered",
    "TwoPreview": "Unregistered",
    "ThreePreview": "NotRegistered",
    "FourPreview": "Registered",
    "FivePreview": "Pending",
}
