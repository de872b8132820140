"""Token buckets, as documented, on the emulator's clock."""

from __future__ import annotations

from typing import Any

import pytest

from tests.contract.arm_client import SUBSCRIPTION, Arm, cluster_path, flat, group_path, wrapped
from tests.contract.conftest import Start
from tests.emulator.throttling import AKS_RULES

LIST = f"/subscriptions/{SUBSCRIPTION}/providers/Microsoft.ContainerService/managedClusters"
GROUP_LIST = f"{group_path()}/providers/Microsoft.ContainerService/managedClusters"


def use_up(arm: Arm, method: str, path: str, number: int, **more: Any) -> None:
    """Send `number` requests, none of which may be throttled."""
    for _unused in range(number):
        assert arm.ask(method, path, **more).status_code not in (403, 429)


@pytest.mark.parametrize(
    ("method", "path", "size", "wait"),
    [
        ("PUT", cluster_path(), 20, 60),
        ("GET", cluster_path(), 60, 1),
        ("GET", GROUP_LIST, 60, 1),
        ("GET", f"{cluster_path()}/agentPools", 60, 1),
    ],
)
def test_buckets_of_the_provider(start: Start, method: str, path: str, size: int, wait: int) -> None:
    arm = start()
    body = {"location": "elsewhere"} if method == "PUT" else None
    use_up(arm, method, path, size, body=body)
    answer = arm.ask(method, path, body=body)
    flat(answer, 429, "Throttled")
    assert answer.headers["Retry-After"] == str(wait)
    arm.emulator.advance(wait - 0.5)
    assert arm.ask(method, path, body=body).status_code == 429
    arm.emulator.advance(0.5)
    use_up(arm, method, path, 1, body=body)
    assert arm.ask(method, path, body=body).status_code == 429
    arm.emulator.advance(1e6)
    use_up(arm, method, path, size, body=body)
    assert arm.ask(method, path, body=body).status_code == 429


def test_the_large_buckets_are_as_documented() -> None:
    assert {name: (rule.size, rule.refill, rule.scope) for name, rule in AKS_RULES.items()} == {
        "cluster_put": (20, 1 / 60, "cluster"),
        "pool_put": (20, 1 / 60, "pool"),
        "cluster_get": (60, 1, "cluster"),
        "operation_get": (200, 2, "subscription"),
        "list_subscription": (500, 1, "subscription"),
        "list_group": (60, 1, "group"),
        "other": (60, 1, "subscription"),
    }


def test_buckets_belong_to_one_cluster_or_group(start: Start) -> None:
    arm = start([{"name": "c1"}, {"name": "c2"}, {"name": "c3", "resource_group": "rg2"}])
    use_up(arm, "GET", cluster_path(), 60)
    flat(arm.ask("GET", cluster_path("C1", "RG1")), 429, "Throttled")
    use_up(arm, "GET", cluster_path("c2"), 1)
    use_up(arm, "GET", GROUP_LIST, 60)
    flat(arm.ask("GET", GROUP_LIST), 429, "Throttled")
    use_up(arm, "GET", GROUP_LIST.replace("rg1", "rg2"), 1)


def test_operation_polls_have_a_bucket_of_the_subscription(start: Start) -> None:
    arm = start([{"name": "c1"}, {"name": "c2"}])
    urls = [arm.put(arm.get(name), name).headers["azure-asyncoperation"] for name in ("c1", "c2")]
    for _unused in range(100):
        use_up(arm, "GET", urls[0], 1)
        use_up(arm, "GET", urls[1], 1)
    answer = arm.ask("GET", urls[0])
    flat(answer, 429, "Throttled")
    assert answer.headers["Retry-After"] == "1"


def test_arms_own_limits_come_first(start: Start) -> None:
    arm = start()
    path = f"/subscriptions/{SUBSCRIPTION}/resourcegroups"
    use_up(arm, "GET", path, 250, version="2021-04-01")
    answer = arm.ask("GET", path, "2021-04-01")
    message = wrapped(answer, 429, "SubscriptionRequestsThrottled")
    assert message.startswith(f"Number of 'read' requests for subscription '{SUBSCRIPTION}' actor '")
    assert message.endswith("Please try again after '1' seconds.")
    assert answer.headers["Retry-After"] == "1"
    wrapped(arm.ask("GET", cluster_path()), 429, "SubscriptionRequestsThrottled")
    arm.emulator.advance(1)
    use_up(arm, "GET", path, 25, version="2021-04-01")
    assert arm.ask("GET", path, "2021-04-01").status_code == 429


def test_counters_and_switching_off(start: Start) -> None:
    arm = start(behaviour={"throttling": False})
    use_up(arm, "GET", cluster_path(), 100)
    counters = {(entry["bucket"], entry["owner"]): entry for entry in arm.emulator.throttling()}
    mine = counters[("cluster_get", f"{SUBSCRIPTION}/rg1/c1")]
    assert (mine["taken"], mine["refused"], mine["size"]) == (60, 40, 60)
    assert ("read", f"{SUBSCRIPTION}/{'44444444-4444-4444-8444-444444444444'}") in counters
