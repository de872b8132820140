"""Hosts' names: of their own, whatever the clusters are called; and the variables of a host."""

from __future__ import annotations

import random

import pytest
from ansible_collections.aks.kube_proxy.plugins.module_utils._domain.cluster import Cluster, ClusterId
from ansible_collections.aks.kube_proxy.plugins.module_utils._domain.inventory import (
    FORMS,
    NAME,
    NAME_GROUP,
    NAME_GROUP_SUBSCRIPTION,
    TAKEN,
    UNIQUE,
    NameClash,
    cluster_of,
    host_names,
    host_variables,
    lengthened,
)
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.domain import builders

ONE, TWO = "00000000-0000-0000-0000-00000000000a", "00000000-0000-0000-0000-00000000000B"
A = ClusterId(ONE, "rg1", "web")
SAME_NAME = ClusterId(ONE, "RG2", "Web")
SAME_NAME_AND_GROUP = ClusterId(TWO, "rg1", "web")
OTHER = ClusterId(TWO, "rg1", "db")


@pytest.mark.parametrize(
    ("clusters", "names"),
    [
        ([], []),
        ([A, OTHER], ["web", "db"]),
        ([A, OTHER, SAME_NAME], ["web.rg1", "db", "Web.rg2"]),
        ([A, SAME_NAME_AND_GROUP, OTHER], [f"web.rg1.{ONE}", f"web.rg1.{TWO.lower()}", "db"]),
        (
            [A, SAME_NAME, SAME_NAME_AND_GROUP],
            [f"web.rg1.{ONE}", f"Web.rg2.{ONE}", f"web.rg1.{TWO.lower()}"],
        ),
        ([ClusterId(ONE, "rg1", "localhost")], ["localhost.rg1"]),
        ([ClusterId(ONE, "rg1", "ALL"), OTHER], ["ALL.rg1", "db"]),
    ],
)
def test_names_are_as_short_as_they_can_be(clusters: list[ClusterId], names: list[str]) -> None:
    found = host_names(clusters, UNIQUE)
    assert list(found.values()) == names
    assert lengthened(found) == sorted(name for name in names if "." in name)


@pytest.mark.parametrize(
    ("form", "name"),
    [(NAME, "Web"), (NAME_GROUP, "Web.rg2"), (NAME_GROUP_SUBSCRIPTION, f"Web.rg2.{ONE}")],
)
def test_with_a_fixed_form_a_name_depends_on_its_cluster_alone(form: str, name: str) -> None:
    assert host_names([SAME_NAME], form) == {SAME_NAME: name}
    assert host_names([OTHER, SAME_NAME], form)[SAME_NAME] == name


@pytest.mark.parametrize(
    ("clusters", "form", "says"),
    [
        ([A, SAME_NAME], NAME, "2 clusters would be called web"),
        ([A, SAME_NAME_AND_GROUP, OTHER], NAME_GROUP, "2 clusters would be called web.rg1"),
        ([ClusterId(ONE, "rg1", "aks_clusters")], NAME, "something else"),
    ],
)
def test_names_that_clash_are_an_error(clusters: list[ClusterId], form: str, says: str) -> None:
    with pytest.raises(NameClash, match=says) as caught:
        host_names(clusters, form)
    assert str(clusters[0]) in str(caught.value)


# Names, groups and subscriptions that are easily mistaken for each other.
CLUSTERS = st.lists(
    st.builds(
        ClusterId,
        st.sampled_from([ONE, TWO]),
        st.sampled_from(["a", "a.b", f"a.{ONE}", f"a.{TWO}", "b_a", "(a)"]),
        st.sampled_from(["web", "web_a", "Web", "a", "all"]),
    ),
    unique_by=lambda cluster: str(cluster).casefold(),
)


@pytest.mark.parametrize("name", ["all", "ungrouped", "localhost", "aks_clusters"])
def test_names_that_ansible_knows_are_not_given(name: str) -> None:
    one = ClusterId("s", "g", name)
    assert host_names([one], UNIQUE) == {one: f"{name}.g"}
    with pytest.raises(NameClash, match=f"would be called {name}, which means something else to Ansible"):
        host_names([one], "name")


@given(CLUSTERS, st.randoms(use_true_random=False))
def test_names_are_unique_whatever_the_case_and_the_order(clusters: list[ClusterId], order: random.Random) -> None:
    names = host_names(clusters, UNIQUE)
    assert list(names) == clusters
    assert len({name.casefold() for name in names.values()}) == len(clusters)
    assert not {name.casefold() for name in names.values()} & set(TAKEN)
    order.shuffle(clusters)
    assert host_names(clusters, UNIQUE) == names


@given(CLUSTERS)
def test_the_longest_form_never_clashes(clusters: list[ClusterId]) -> None:
    names = host_names(clusters, NAME_GROUP_SUBSCRIPTION)
    assert len({name.casefold() for name in names.values()}) == len(clusters)


def test_the_host_variables() -> None:
    body = {
        **builders.body(
            kube_proxy={"enabled": True, "mode": "NFTABLES"},
            tags={"env": "dev"},
            network={"networkDataplane": "azure", "networkPolicy": "calico"},
            pools=[builders.pool(name="system", mode="System", count=3, nodeImageVersion="AKSUbuntu-2404-x")],
        ),
        "location": "westeurope",
    }
    variables = host_variables(Cluster(body), "2026-11-22T10:00:00Z")
    targets = variables.pop("aks_targets")
    assert {target for target, outlook in targets.items() if outlook["current"]} == {"NFTABLES"}
    assert "feature-not-registered" not in str(targets)
    pool = variables["aks_pools"][0]
    assert (pool["name"], pool["mode"], pool["count"]) == ("system", "System", 3)
    assert (pool["os_type"], pool["node_image"], pool["state"]) == ("Linux", "AKSUbuntu-2404-x", "Succeeded")
    del variables["aks_pools"]
    assert variables == {
        "aks_resource_id": str(Cluster(body).id),
        "aks_name": "aks-one",
        "aks_resource_group": "rg-one",
        "aks_subscription_id": builders.SUBSCRIPTION,
        "aks_location": "westeurope",
        "aks_tags": {"env": "dev"},
        "aks_kubernetes_version": "1.34.2",
        "aks_sku": "Base",
        "aks_network_plugin": "azure",
        "aks_network_dataplane": "azure",
        "aks_network_policy": "calico",
        "aks_power_state": "Running",
        "aks_provisioning_state": "Succeeded",
        "aks_kube_proxy": {"enabled": True, "mode": "NFTABLES", "ipvs_config": None, "configured": True},
        "aks_read_at": "2026-11-22T10:00:00Z",
    }
    assert cluster_of(variables) == ClusterId(builders.SUBSCRIPTION, "rg-one", "aks-one")


def test_the_documented_forms_are_those_that_there_are() -> None:
    assert list(FORMS) == [NAME, NAME_GROUP, NAME_GROUP_SUBSCRIPTION]
