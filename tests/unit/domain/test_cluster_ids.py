"""Names and ids of clusters: none of them may bend the path of a request."""

from __future__ import annotations

import pytest
from ansible_collections.aks.kube_proxy.plugins.module_utils._domain.cluster import (
    ClusterId,
    check_resource_group,
    check_subscription,
    cluster_id,
    parse_resource_id,
)
from hypothesis import example, given
from hypothesis import strategies as st

from tests.unit.domain.builders import RESOURCE_ID, SUBSCRIPTION

GOOD = (
    f"/subscriptions/{SUBSCRIPTION}/resourceGroups/rg-one/providers/Microsoft.ContainerService/managedClusters/aks-one"
)
# What would lead a request elsewhere, or end its path early.
TRICKS = (
    "",
    ".",
    "..",
    "../other",
    "a/b",
    "a\\b",
    "a?x=1",
    "a#b",
    "a%2fb",
    "%2e%2e",
    "a b",
    "a\n",
    "\na",
    "a\tb",
    "a\0",
    "a;b",
    "a:b",
    "a@b",
    "*",
)


@pytest.mark.parametrize(
    "text",
    [
        GOOD,
        RESOURCE_ID,  # ARM's own spelling, with lower-case resourcegroups
        f"{GOOD}/",
        GOOD.replace("managedClusters", "managedclusters"),
        GOOD.replace("Microsoft.ContainerService", "microsoft.containerservice"),
        GOOD.replace("/subscriptions/", "/SUBSCRIPTIONS/"),
    ],
)
def test_reads_an_id_in_any_case_and_writes_it_in_one(text: str) -> None:
    read = parse_resource_id(text)
    assert read == ClusterId(SUBSCRIPTION, "rg-one", "aks-one")
    assert str(read) == GOOD


def test_the_case_of_names_is_kept() -> None:
    assert parse_resource_id(GOOD.replace("rg-one", "RG-One").replace("aks-one", "AKS-One")) == ClusterId(
        SUBSCRIPTION, "RG-One", "AKS-One"
    )


@pytest.mark.parametrize(
    "text",
    [
        "",
        "aks-one",
        GOOD[1:],
        f" {GOOD}",
        f"{GOOD}\n",
        f"{GOOD}//",
        f"{GOOD}/agentPools/system",
        f"{GOOD}?api-version=1",
        f"{GOOD}/..",
        f"https://management.azure.com{GOOD}",
        GOOD.replace("managedClusters", "virtualMachines"),
        GOOD.replace("Microsoft.ContainerService", "Microsoft.Compute"),
        GOOD.replace("Microsoft.ContainerService", "MicrosoftXContainerService"),
        GOOD.replace(SUBSCRIPTION, "my-subscription"),
        GOOD.replace("/resourceGroups/rg-one", ""),
        GOOD.replace("rg-one", ""),
        GOOD.replace("rg-one", "rg/../other"),
    ],
)
def test_refuses_what_is_no_cluster_id(text: str) -> None:
    with pytest.raises(ValueError, match="is not "):
        parse_resource_id(text)


def test_what_is_refused_is_shown_with_the_form_that_is_asked_for() -> None:
    with pytest.raises(ValueError, match=r"^'me' is not a subscription id \(a GUID such as 00000000-"):
        check_subscription("me")
    with pytest.raises(ValueError, match=r"^'g/' is not a resource group's name\.$"):
        check_resource_group("g/")
    assert check_resource_group("g") == "g"
    with pytest.raises(ValueError, match=r"^'c/' is not the name of an AKS cluster \(letters, "):
        cluster_id(SUBSCRIPTION, "g", "c/")
    form = "/subscriptions/SUBSCRIPTION/resourceGroups/GROUP/providers/Microsoft.ContainerService/managedClusters/NAME."
    with pytest.raises(ValueError, match=rf"^'c' is not the resource id of an AKS cluster\. It has the form {form}$"):
        parse_resource_id("c")


@pytest.mark.parametrize("trick", TRICKS)
def test_refuses_tricks_in_every_part(trick: str) -> None:
    with pytest.raises(ValueError, match="is not a subscription id"):
        cluster_id(trick, "rg-one", "aks-one")
    with pytest.raises(ValueError, match="is not a resource group's name"):
        cluster_id(SUBSCRIPTION, trick, "aks-one")
    with pytest.raises(ValueError, match="is not the name of an AKS cluster"):
        cluster_id(SUBSCRIPTION, "rg-one", trick)
    for part in (SUBSCRIPTION, "rg-one", "aks-one"):
        with pytest.raises(ValueError, match="is not "):
            parse_resource_id(GOOD.replace(part, trick))


@pytest.mark.parametrize("name", ["a", "A1", "a-b", "a_b", "0", "x" * 63])
def test_accepts_names_of_clusters(name: str) -> None:
    assert cluster_id(SUBSCRIPTION, "rg-one", name).name == name


@pytest.mark.parametrize("name", ["x" * 64, "-a", "a-", "_a", "a_", "a.b", "ä"])
def test_refuses_names_of_clusters(name: str) -> None:
    with pytest.raises(ValueError, match="is not the name of an AKS cluster"):
        cluster_id(SUBSCRIPTION, "rg-one", name)


@pytest.mark.parametrize("group", ["r", "rg.one", "(rg)", "-rg-", "_", "..rg", "grün", "x" * 90])
def test_accepts_names_of_resource_groups(group: str) -> None:
    assert cluster_id(SUBSCRIPTION, group, "aks-one").resource_group == group


@pytest.mark.parametrize("group", ["rg.", "x" * 91])
def test_refuses_names_of_resource_groups(group: str) -> None:
    with pytest.raises(ValueError, match="is not a resource group's name"):
        cluster_id(SUBSCRIPTION, group, "aks-one")


@pytest.mark.parametrize(
    "subscription",
    [SUBSCRIPTION.upper(), "ABCDEF00-1111-2222-3333-444444444444", "abcdef00-1111-2222-3333-444444444444"],
)
def test_accepts_subscription_ids(subscription: str) -> None:
    assert check_subscription(subscription) == subscription


@pytest.mark.parametrize(
    "subscription",
    [
        SUBSCRIPTION[:-1],
        f"{SUBSCRIPTION}0",
        SUBSCRIPTION.replace("-", ""),
        f"{{{SUBSCRIPTION}}}",
        f"{SUBSCRIPTION}\n",
        "g" + SUBSCRIPTION[1:],
    ],
)
def test_refuses_subscription_ids(subscription: str) -> None:
    with pytest.raises(ValueError, match="is not a subscription id"):
        check_subscription(subscription)


@given(st.text(alphabet="a.-_()/%?#\\\n ", max_size=5), st.text(alphabet="a.-_/%?#\\\n ", max_size=5))
@example("a", "a")
@example("..", "a")
@example("a", "a\n")
def test_whatever_is_accepted_leads_where_it_says(group: str, name: str) -> None:
    try:
        accepted = cluster_id(SUBSCRIPTION, group, name)
    except ValueError:
        return
    assert str(accepted).split("/") == [*GOOD.split("/")[:4], group, *GOOD.split("/")[5:8], name]
    assert not {"", ".", ".."} & {group, name}
    assert not set("/%?#\\\n ") & set(group + name)
    assert parse_resource_id(str(accepted)) == accepted
