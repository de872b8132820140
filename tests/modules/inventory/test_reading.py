"""What the inventory asks Azure for: few lists, all of them to their ends, or an error that tells which one failed."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import pytest
from ansible_collections.aks.kube_proxy.plugins.module_utils._azure.errors import AzureError
from ansible_collections.aks.kube_proxy.plugins.module_utils._azure.runtime import Runtime
from ansible_collections.aks.kube_proxy.plugins.plugin_utils._fleet import Controller, Fleet, Scope, read_fleet

from tests.emulator import Emulator
from tests.emulator.fleet import SECRET
from tests.support.operations import Azure, emulated

FIRST = "11111111-1111-4111-8111-111111111111"
SECOND = "99999999-9999-4999-8999-999999999999"
UNKNOWN = "77777777-7777-4777-8777-777777777777"
OLD = "88888888-8888-4888-8888-888888888888"
PROVIDER = "/providers/Microsoft.ContainerService/managedClusters"
BOTH = (FIRST, SECOND)

ESTATE: tuple[dict[str, Any], ...] = (
    {"name": "a1", "tags": {"Team": "blue", "env": "test"}},
    {"name": "a2", "mode": "NFTABLES", "tags": {"team": "green"}},
    {"name": "a3", "resource_group": "rg2"},
    {"name": "b1", "subscription": SECOND, "tags": {"team": "blue"}},
    {"name": "b2", "subscription": SECOND, "resource_group": "rg3"},
)

Lay = Callable[..., Azure]


@pytest.fixture
def azure(unhurried: Emulator, monkeypatch: pytest.MonkeyPatch) -> Iterator[Lay]:
    """Return a function that lays out the estate."""
    with ExitStack() as stack:

        def lay_out(**fleet: Any) -> Azure:
            layout = {"clusters": list(ESTATE), **fleet}
            return stack.enter_context(emulated(monkeypatch, unhurried, layout))

        yield lay_out


def read(cloud: Azure, scope: Scope | None = None, **options: Any) -> Fleet:
    runtime = Runtime(now=cloud.time.now, sleep=cloud.time.sleep, environ=cloud.emulator.environment())
    return read_fleet(options, (scope or Scope()).checked(), runtime)


def names(fleet: Fleet) -> list[str]:
    return [variables["aks_name"] for variables in fleet.clusters]


def asked(cloud: Azure) -> list[str]:
    """The paths that were asked for below /subscriptions, in order; nothing but GET was."""
    assert {entry["method"] for entry in cloud.arm_requests()} <= {"GET"}
    return sorted(entry["path"].removeprefix("/subscriptions/") for entry in cloud.arm_requests())


@pytest.mark.parametrize(
    ("scope", "found", "paths"),
    [
        (Scope(), ["a1", "a2", "a3"], [FIRST + PROVIDER]),
        (Scope(subscriptions=(SECOND,)), ["b1", "b2"], [SECOND + PROVIDER]),
        (Scope(subscriptions=(*BOTH, SECOND)), ["a1", "a2", "a3", "b1", "b2"], [FIRST + PROVIDER, SECOND + PROVIDER]),
        (Scope(subscriptions=(SECOND, FIRST)), ["b1", "b2", "a1", "a2", "a3"], [FIRST + PROVIDER, SECOND + PROVIDER]),
        (Scope(resource_groups=("rg2",)), ["a3"], [f"{FIRST}/resourceGroups/rg2{PROVIDER}"]),
        (
            Scope(subscriptions=BOTH, resource_groups=("RG2", "rg1")),
            ["a3", "a1", "a2", "b1"],
            [f"{each}/resourceGroups/{group}{PROVIDER}" for each in BOTH for group in ("RG2", "rg1")],
        ),
        (
            Scope(resource_groups=("rg2", "RG2")),
            ["a3"],
            [f"{FIRST}/resourceGroups/{group}{PROVIDER}" for group in ("rg2", "RG2")],
        ),
        (Scope(tags=("TEAM:blue",)), ["a1"], [FIRST + PROVIDER]),
        (Scope(tags=("team:Blue",)), [], [FIRST + PROVIDER]),
        (Scope(subscriptions=BOTH, tags=("team",)), ["a1", "a2", "b1"], [FIRST + PROVIDER, SECOND + PROVIDER]),
    ],
)
def test_what_is_found_with_one_list_for_each_place(
    azure: Lay, scope: Scope, found: list[str], paths: list[str]
) -> None:
    cloud = azure()
    fleet = read(cloud, scope)
    assert (names(fleet), fleet.warnings) == (found, [])
    assert asked(cloud) == sorted(paths)


def test_all_subscriptions_that_are_seen_page_by_page(azure: Lay) -> None:
    states = {FIRST: "Enabled", OLD: "Disabled", SECOND: "Enabled"}
    cloud = azure(
        subscriptions=[{"id": each, "name": "Some", "state": state} for each, state in states.items()],
        behaviour={"page_size": 1},
    )
    cloud.emulator.clear_requests()
    fleet = read(cloud, Scope(all_subscriptions=True))
    assert names(fleet) == ["a1", "a2", "a3", "b1", "b2"]
    (warning,) = fleet.warnings
    assert f"Subscription {OLD} (Some) is Disabled" in warning
    paths = [entry["path"] for entry in cloud.emulator.requests()]
    assert paths.count("/subscriptions") == 3
    assert [path for path in paths if OLD in path] == []


def test_a_subscription_that_is_named_is_read_in_whatever_state(azure: Lay) -> None:
    cloud = azure(subscriptions=[{"id": FIRST, "state": "Disabled"}])
    assert names(read(cloud, Scope(subscriptions=(FIRST,)))) == ["a1", "a2", "a3"]


BLIND = {"client_id": "33333333-3333-4333-8333-333333333333", "secret": SECRET, "actions": []}


@pytest.mark.parametrize(
    ("fleet", "says"),
    [
        ({"principals": [BLIND]}, "they see none"),
        ({"subscriptions": [{"id": each, "state": "Disabled"} for each in BOTH]}, "they see disabled ones only"),
    ],
)
def test_to_see_no_subscription_is_an_error(azure: Lay, fleet: dict[str, Any], says: str) -> None:
    with pytest.raises(AzureError, match=says):
        read(azure(**fleet), Scope(all_subscriptions=True))


def test_a_subscription_without_the_provider_has_no_clusters(azure: Lay) -> None:
    cloud = azure(clusters=[], subscriptions=[{"id": FIRST}], behaviour={"registered_provider": False})
    assert names(read(cloud)) == []


def test_a_resource_group_has_to_exist_somewhere(azure: Lay) -> None:
    cloud = azure()
    both = read(cloud, Scope(subscriptions=BOTH, resource_groups=("rg2", "rg3")))
    assert names(both) == ["a3", "b2"]
    with pytest.raises(AzureError, match=f"resource group rg9 in subscription {FIRST}.*ResourceGroupNotFound"):
        read(cloud, Scope(subscriptions=BOTH, resource_groups=("rg2", "rg9")))


LIST = {"path": f"{SECOND}.*managedClusters$"}
EVER = {"times": None}


@pytest.mark.parametrize(
    ("fault", "arguments", "says"),
    [
        ("forbidden", {}, "HTTP 403, AuthorizationFailed.*docs/permissions.md"),
        ("throttled", EVER, "HTTP 429, Throttled.*fewer requests"),
        ("throttled", {**EVER, "shape": "arm", "skip": 1}, "HTTP 429, SubscriptionRequestsThrottled"),
        ("throttled", {"retry_after": 301}, "HTTP 429"),
        ("server_error", {**EVER, "skip": 1}, "HTTP 500"),
        ("server_error", {**EVER, "shape": "html", "status": 502}, "HTTP 502"),
        ("cut_before", EVER, "Cannot reach"),
        ("cut_within", {**EVER, "skip": 1}, "Cannot reach|broke"),
        ("garbage", {**EVER, "skip": 1}, "Is a proxy in between"),
        ("wrong_content", EVER, "Is a proxy in between"),
        ("token_expired", EVER, "HTTP 401, ExpiredAuthenticationToken"),
    ],
)
def test_it_is_complete_or_an_error(azure: Lay, fault: str, arguments: dict[str, Any], says: str) -> None:
    cloud = azure(behaviour={"page_size": 1})
    cloud.emulator.fault(fault, match=LIST, **arguments)
    with pytest.raises(AzureError, match=f"Clusters of subscription {SECOND}: .*({says})") as caught:
        read(cloud, Scope(subscriptions=BOTH))
    assert SECRET not in str(caught.value)
    assert "eyJ" not in str(caught.value) and "skipToken" not in str(caught.value)
    assert cloud.time.seconds <= 120


@pytest.mark.parametrize(("fault", "says"), [("forbidden", "HTTP 403"), ("wrong_content", "Is a proxy in between")])
def test_a_list_of_subscriptions_that_fails_is_an_error(azure: Lay, fault: str, says: str) -> None:
    cloud = azure(behaviour={"page_size": 1})
    cloud.emulator.fault(fault, match={"path": "^/subscriptions$"}, skip=1, times=None)
    with pytest.raises(AzureError, match=f"The subscriptions that the credentials see: .*{says}"):
        read(cloud, Scope(all_subscriptions=True))


def test_a_page_that_stumbles_is_asked_for_again(azure: Lay) -> None:
    cloud = azure(behaviour={"page_size": 1})
    cloud.emulator.fault("throttled", match=LIST, skip=1, times=2, retry_after=3)
    assert names(read(cloud, Scope(subscriptions=(SECOND,)))) == ["b1", "b2"]
    assert cloud.time.slept == [3, 3]


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"subscription_id": UNKNOWN}, f"{UNKNOWN}: .*SubscriptionNotFound"),
        ({"subscription_id": "production"}, "'production' is not a subscription id"),
        ({"cloud_environment": "https://localhost:1"}, "Cannot reach localhost:1"),
    ],
)
def test_where_nobody_can_be_asked_is_an_error(azure: Lay, options: dict[str, str], says: str) -> None:
    with pytest.raises(AzureError, match=says):
        read(azure(), None, **options)


def test_many_subscriptions_take_one_token(azure: Lay) -> None:
    many = [f"00000000-0000-4000-8000-{n:012}" for n in range(20)]
    cloud = azure(clusters=[{"name": "c", "subscription": each} for each in many])
    cloud.emulator.clear_requests()
    assert len(read(cloud, Scope(subscriptions=tuple(many))).clusters) == 20
    requests = cloud.emulator.requests()
    assert len([entry for entry in requests if entry["path"].endswith("/token")]) == 1
    assert len(cloud.arm_requests()) == 20


def test_the_process_that_the_user_started_is_nobodys_worker() -> None:
    """A shell that ends meanwhile, as with nohup, does not end the reading; a worker's controller would."""
    Controller(parent=1).assert_wanted()
