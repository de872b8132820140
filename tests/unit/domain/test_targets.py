"""Which cluster shall have what, as a user writes it for many clusters."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.aks.kube_proxy.plugins.module_utils._domain.kube_proxy import KubeProxy, Request
from ansible_collections.aks.kube_proxy.plugins.module_utils._domain.targets import (
    assert_different,
    read_subject,
    read_target,
)

ONES, TWOS = ("11111111-1111-1111-1111-111111111111", "22222222-2222-2222-2222-222222222222")
ID = f"/subscriptions/{TWOS}/resourceGroups/rg/providers/Microsoft.ContainerService/managedClusters/c1"


@pytest.mark.parametrize(
    ("entry", "host", "subscription"),
    [
        ({"resource_id": ID, "mode": "IPVS"}, "c1", TWOS),
        ({"host": "h", "resource_id": ID, "name": None, "resource_group": None, "mode": "IPVS"}, "h", TWOS),
        ({"resource_group": "rg", "name": "c1", "mode": "IPVS"}, "c1", ONES),
        ({"resource_group": "rg", "name": "c1", "subscription_id": TWOS, "mode": "IPVS"}, "c1", TWOS),
    ],
)
def test_a_cluster_is_named_by_its_id_or_by_its_names(entry: dict[str, Any], host: str, subscription: str) -> None:
    target = read_target(entry, ONES)
    assert (target.host, target.cluster.subscription, target.cluster.name) == (host, subscription, "c1")
    assert target.request == Request(mode="IPVS")


def test_settings_that_are_none_are_not_asked_for() -> None:
    ipvs = {"scheduler": None, "tcp_timeout_seconds": 5}
    entry = {"resource_id": ID, "enabled": True, "mode": "IPVS", "ipvs_config": ipvs, "exact": True}
    assert read_target(entry, ONES).request == Request(True, "IPVS", {"tcp_timeout_seconds": 5}, exact=True)


@pytest.mark.parametrize(
    ("entry", "says"),
    [
        ({"mode": "IPVS"}, "Cluster without a name: 'resource_id' is missing, or 'resource_group' and 'name'."),
        ({"host": "h", "name": "c1", "mode": "IPVS"}, "Cluster h: 'resource_id' is missing"),
        ({"resource_group": "rg", "mode": "IPVS"}, "'resource_id' is missing"),
        ({"resource_id": ID, "name": "c1", "mode": "IPVS"}, "Cluster c1: give either 'resource_id', or"),
        ({"resource_id": ID, "resource_group": "rg", "mode": "IPVS"}, f"Cluster {ID}: give either"),
        ({"resource_id": "/x", "mode": "IPVS"}, "Cluster /x: '/x' is not the resource id"),
        ({"resource_group": "rg", "name": "a/b", "mode": "IPVS"}, "not the name of an AKS cluster"),
        ({"host": "h", "resource_id": ID}, "h: nothing is asked for: set 'mode', 'enabled' or 'ipvs_config'."),
        ({"host": ["h"], "resource_id": ID}, "'host' is ['h'], which it cannot be."),
        ({"resource_id": 3}, "'resource_id' is 3, which it cannot be."),
        ({"resource_id": ID, "subscription_id": 3}, "'subscription_id' is 3, which it cannot be."),
        ({"resource_id": ID, "resource_group": 3}, "'resource_group' is 3, which it cannot be."),
        ({"resource_id": ID, "name": 3}, "'name' is 3, which it cannot be."),
        ({"resource_id": ID, "mode": 3}, "'mode' is 3, which it cannot be."),
        ({"resource_id": ID, "enabled": 3}, "'enabled' is 3, which it cannot be."),
        ({"resource_id": ID, "ipvs_config": 3}, "'ipvs_config' is 3, which it cannot be."),
        ({"resource_id": ID, "expected": 3}, "'expected' is 3, which it cannot be."),
        *(
            (
                {"resource_id": ID, "ipvs_config": {"udp_timeout_seconds": odd}},
                f"'ipvs_config.udp_timeout_seconds' is {odd!r}, it has to be a number of seconds.",
            )
            for odd in (True, "soon", 1.5, "1" * 10)
        ),
        ({"resource_id": ID, "exact": True}, "nothing is asked for"),
        ({"resource_id": ID, "enabled": False, "mode": "IPVS"}, "leave out 'mode'"),
    ],
)
def test_what_is_wrong_is_told_with_the_cluster(entry: dict[str, Any], says: str) -> None:
    with pytest.raises(ValueError, match=r"^Cluster ") as error:
        read_target(entry, ONES)
    assert says in str(error.value)


def test_numbers_may_be_texts_and_what_was_expected_is_read() -> None:
    expected = {"enabled": True, "mode": "IPVS", "ipvs_config": {"scheduler": "RoundRobin"}}
    ipvs = {"udp_timeout_seconds": "30", "tcp_timeout_seconds": 999999999}
    entry = {"resource_id": ID, "mode": "IPVS", "ipvs_config": ipvs, "expected": expected}
    request = read_target(entry, ONES).request
    assert request.ipvs == {"udp_timeout_seconds": 30, "tcp_timeout_seconds": 999999999}
    assert request.exact is False
    assert request.expected == KubeProxy(mode="IPVS", ipvs={"scheduler": "RoundRobin"}, configured=True)


def test_what_is_no_table_is_no_cluster() -> None:
    odd: Any = "c1"
    with pytest.raises(
        ValueError, match=r"^A cluster is 'c1', it has to be a table such as that of the module wave\.$"
    ):
        read_target(odd, ONES)


def test_a_subject_need_not_be_asked_anything() -> None:
    assert read_subject({"resource_id": ID}, ONES).request == Request()
    with pytest.raises(ValueError, match=r"^Cluster h: 'resource_id' is missing"):
        read_subject({"host": "h"}, ONES)


def test_nobody_is_named_twice() -> None:
    by_id = read_target({"host": "a", "resource_id": ID.upper().replace("RG", "rg"), "mode": "IPVS"}, ONES)
    by_name = read_target(
        {"host": "b", "resource_group": "RG", "name": "C1", "subscription_id": TWOS, "mode": "IPVS"}, ONES
    )
    other = read_target({"host": "a", "resource_group": "rg", "name": "c2", "mode": "IPVS"}, ONES)
    assert_different([by_id, read_target({"resource_group": "rg", "name": "c2", "mode": "IPVS"}, ONES)])
    with pytest.raises(ValueError, match=r"'clusters' names b twice, or one cluster under two names \(a, b\)\. Set"):
        assert_different([by_id, by_name])
    with pytest.raises(ValueError, match=r"names a twice, or one cluster under two names \(a, a\)"):
        assert_different([by_id, other])
