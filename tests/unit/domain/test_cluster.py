"""What is read out of a cluster's body, in the spellings and gaps that Azure's answers have."""

from __future__ import annotations

import copy
import re
from typing import Any

import pytest
from ansible_collections.aks.kube_proxy.plugins.module_utils._domain.cluster import (
    Cluster,
    ClusterId,
    Pool,
    reaches,
    read_body,
    version_tuple,
)

from tests.unit.domain.builders import SUBSCRIPTION, body, cluster, pool


def test_reads_a_whole_cluster() -> None:
    read = cluster(
        kube_proxy={"enabled": True, "mode": "NFTABLES"}, sku={"name": "Automatic"}, tags={"a": "b"}, eTag="one"
    )
    assert read.id == ClusterId(SUBSCRIPTION, "rg-one", "aks-one")
    assert read.name == "aks-one"
    assert read.kube_proxy.mode == "NFTABLES"
    assert read.etag == "one"
    assert read.provisioning_state == "Succeeded"
    assert read.power_state == "Running"
    assert (read.version, read.goal_version) == ("1.34.2", "1.34")
    assert read.sku == "Automatic"
    assert read.tags == {"a": "b"}
    assert read.network["networkPlugin"] == "azure"
    assert read.pools == [
        Pool("system", "Linux", "Ubuntu2404", "AKSUbuntu-2404gen2containerd-202607.09.0", "1.34.2", "1.34", "Succeeded")
    ]


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"properties": None, "sku": None, "tags": None},
        {"properties": {"networkProfile": None, "powerState": None, "agentPoolProfiles": None}, "sku": {"name": None}},
    ],
)
def test_what_is_missing_has_a_default(body: dict[str, Any]) -> None:
    read = Cluster(body)
    assert not read.kube_proxy.configured
    assert read.etag is None
    assert read.provisioning_state == "Succeeded"
    assert not read.in_progress
    assert read.power_state == "Running"
    assert (read.version, read.goal_version) == ("", "")
    assert read.sku == "Base"
    assert read.tags == {}
    assert read.network == {}
    assert read.pools == []


def test_the_etag_has_two_spellings() -> None:
    assert cluster(etag="old").etag == "old"
    assert cluster(eTag="new", etag="old").etag == "new"


def test_the_version_that_is_asked_for_stands_in_where_none_is_reported() -> None:
    assert cluster(currentKubernetesVersion=None).version == "1.34"


def test_gaps_of_a_pool() -> None:
    (bare,) = cluster(pools=[{}]).pools
    assert bare == Pool(
        name="", os_type="Linux", os_sku="", node_image="", version="", goal_version="", state="Succeeded"
    )
    (named,) = cluster(pools=[pool(currentOrchestratorVersion=None, osType="Windows")]).pools
    assert (named.version, named.goal_version, named.os_type) == ("1.34", "1.34", "Windows")


@pytest.mark.parametrize(
    ("state", "running"),
    [
        ("Succeeded", False),
        ("Failed", False),
        ("Canceled", False),
        ("Creating", True),
        ("Updating", True),
        ("Upgrading", True),
        ("Starting", True),
        ("SomethingNew", True),
    ],
)
def test_everything_but_three_states_is_in_progress(state: str, running: bool) -> None:
    assert cluster(provisioningState=state).in_progress is running


def test_what_runs_is_told_in_the_words_of_azures_refusals() -> None:
    assert cluster(provisioningState="Updating").activity == "Updating"
    pools = [pool(name="a", provisioningState="Upgrading"), pool(), pool(name="b", provisioningState="Creating")]
    assert cluster(pools=pools).activity == "a - Upgrading, b - Creating"
    assert cluster().activity == ""


def test_the_group_of_the_machines_may_be_unknown() -> None:
    assert cluster(nodeResourceGroup="MC_one").machines == f"/subscriptions/{SUBSCRIPTION}/resourceGroups/MC_one"
    assert cluster().machines == ""


WHOLE = {**body(sku={"name": "Base"}, tags={"a": "b"}), "location": "westeurope"}


@pytest.mark.parametrize(
    "answer",
    [
        None,
        "<html>",
        [WHOLE],
        {},
        {**WHOLE, "properties": None},
        {**WHOLE, "properties": []},
        {**WHOLE, "location": ""},
        {**WHOLE, "id": None},
        {**WHOLE, "id": "/subscriptions"},
    ],
)
def test_what_is_no_cluster_is_refused(answer: Any) -> None:
    with pytest.raises(ValueError, match=r"^what Azure answered is not an AKS cluster\. Is a proxy in between\?$"):
        read_body(answer)


POOL = "properties.agentPoolProfiles.*"
FORMS: dict[str, Any] = {
    **dict.fromkeys(("sku", "tags"), 1),
    **dict.fromkeys(("location", "eTag", "etag", "sku.name", "tags.a"), 1),
    **dict.fromkeys(
        (
            "properties.networkProfile",
            "properties.powerState",
            "properties.agentPoolProfiles",
            POOL,
            "properties.apiServerAccessProfile",
            "properties.aadProfile",
            "properties.provisioningState",
            "properties.powerState.code",
            "properties.currentKubernetesVersion",
            "properties.kubernetesVersion",
            "properties.nodeResourceGroup",
            "properties.fqdn",
            "properties.privateFQDN",
            "properties.networkProfile.networkPlugin",
            "properties.networkProfile.networkDataplane",
            "properties.networkProfile.networkPolicy",
            f"{POOL}.name",
            f"{POOL}.osType",
            f"{POOL}.osSKU",
            f"{POOL}.nodeImageVersion",
            f"{POOL}.currentOrchestratorVersion",
            f"{POOL}.orchestratorVersion",
            f"{POOL}.provisioningState",
        ),
        True,
    ),
}


@pytest.mark.parametrize("path", FORMS)
def test_what_has_another_form_is_named_and_nothing_is_decided_on_it(path: str) -> None:
    answer = copy.deepcopy(WHOLE)
    *way, last = path.split(".")
    where: Any = answer
    for name in way:
        where = where[0 if name == "*" else name]
    where[0 if last == "*" else last] = FORMS[path]
    told = re.escape(f"'{path.replace('tags.a', 'tags.*')}' is {FORMS[path]!r}.")
    with pytest.raises(ValueError, match=rf"^what Azure answered of the cluster aks-one cannot be understood: {told} "):
        read_body(answer)


def test_a_whole_answer_is_a_cluster_and_null_is_no_other_form() -> None:
    assert read_body(WHOLE).name == "aks-one"
    assert read_body({**WHOLE, "tags": None, "sku": None}).tags == {}
    network = {"properties": {**WHOLE["properties"], "networkProfile": None}}
    assert read_body({**WHOLE, **network}).network == {}
    odd = {**WHOLE, **body(kube_proxy={"enabled": "yes"})}
    with pytest.raises(ValueError, match=r"understood: .*enabled.* Nothing is decided"):
        read_body(odd)


@pytest.mark.parametrize(
    ("version", "minor"),
    [
        ("1.33", (1, 33)),
        ("1.33.0", (1, 33)),
        ("v1.9.11", (1, 9)),
        ("1.100.2-beta", (1, 100)),
        ("", (0, 0)),
        ("1", (0, 0)),
        ("latest", (0, 0)),
    ],
)
def test_version_tuple(version: str, minor: tuple[int, int]) -> None:
    assert version_tuple(version) == minor


@pytest.mark.parametrize(
    ("version", "goal", "there"),
    [
        ("1.35.5", "1.35.5", True),
        ("1.35.5", "1.35", True),
        ("1.35", "1.35", True),
        ("1.34.9", "1.35", False),
        ("1.35.5", "1.35.6", False),
        ("1.35.5", "1.3", False),
        ("1.35.50", "1.35.5", False),
        ("1.35.5", "", True),
        ("", "1.35", False),
    ],
)
def test_reaches(version: str, goal: str, there: bool) -> None:
    assert reaches(version, goal) is there
