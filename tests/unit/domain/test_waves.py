"""Stages and waves: who is switched when, and what follows from a wave's outcome."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.aks.kube_proxy.plugins.module_utils._domain.waves import (
    BadPlan,
    Consequence,
    Host,
    consequence,
    plan_waves,
    wave_sizes,
)
from hypothesis import given
from hypothesis import strategies as st

STAGES: list[dict[str, Any]] = [
    {"name": "dev", "tag": "environment", "values": ["dev"], "waves": ["100%"]},
    {"name": "staging", "groups": ["staging"], "waves": [1, "100%"], "soak_seconds": 60},
    {"name": "production", "tag": "Environment", "values": ["PROD"], "waves": [1, "25%"], "gate": True},
]


def hosts() -> list[Host]:
    production = [Host(f"p{number}", (), {"environment": "prod"}) for number in range(9)]
    staging = [Host(f"s{number}", ("staging", "web"), {}) for number in range(3)]
    return [*production, Host("d1", (), {"ENVIRONMENT": "Dev"}), *staging, Host("nobody's", (), {"other": "dev"})]


@pytest.mark.parametrize(
    ("declared", "total", "sizes"),
    [
        (["100%"], 5, [5]),
        ([2], 5, [2, 2, 1]),
        ([1, "25%"], 9, [1, 2, 2, 2, 2]),
        ([1, "50%", "100%"], 10, [1, 5, 4]),
        (["1%"], 3, [1, 1, 1]),
        (["100%"], 0, []),
        ([], 4, [4]),
        (["3"], 4, [3, 1]),
    ],
)
def test_sizes(declared: list[int | str], total: int, sizes: list[int]) -> None:
    assert wave_sizes(declared, total) == sizes


@pytest.mark.parametrize("size", [0, -1, "0%", "101%", "half", "", 1.5])
def test_odd_sizes_are_refused(size: Any) -> None:
    with pytest.raises(BadPlan, match="'waves'"):
        wave_sizes([size], 4)


@given(st.lists(st.integers(1, 40) | st.integers(1, 100).map("{}%".format), min_size=1), st.integers(0, 200))
def test_waves_take_in_everybody_once(declared: list[int | str], total: int) -> None:
    sizes = wave_sizes(declared, total)
    assert sum(sizes) == total
    assert all(size > 0 for size in sizes)


def test_stages_come_in_their_order_and_hosts_in_that_of_names() -> None:
    waves, left = plan_waves(hosts(), STAGES)
    assert [(wave.stage, wave.number, wave.of, wave.hosts) for wave in waves] == [
        ("dev", 1, 1, ("d1",)),
        ("staging", 1, 2, ("s0",)),
        ("staging", 2, 2, ("s1", "s2")),
        ("production", 1, 5, ("p0",)),
        ("production", 2, 5, ("p1", "p2")),
        ("production", 3, 5, ("p3", "p4")),
        ("production", 4, 5, ("p5", "p6")),
        ("production", 5, 5, ("p7", "p8")),
    ]
    assert left == ["nobody's"]
    assert [wave.gate for wave in waves] == [False, False, False, True, False, False, False, False]
    assert waves[1].as_result()["soak_seconds"] == 60


def test_the_order_of_the_inventory_does_not_matter() -> None:
    assert plan_waves(hosts(), STAGES) == plan_waves(list(reversed(hosts())), STAGES)


def test_the_first_stage_that_takes_a_host_has_it_and_without_stages_all_go_together() -> None:
    twice: list[dict[str, Any]] = [{"name": "one", "groups": ["staging"]}, {"name": "two", "groups": ["web"]}]
    waves, _unused = plan_waves(hosts(), twice)
    assert [wave.stage for wave in waves] == ["one"]
    (everybody,), left = plan_waves(hosts(), [])
    assert (len(everybody.hosts), left) == (14, [])


@pytest.mark.parametrize(
    ("stages", "says"),
    [
        ([{"waves": [1]}], "no name"),
        ([{"name": "a"}, {"name": "a"}], "different names"),
        ([{"name": "a", "wave": 1}], "unknown key 'wave'"),
        ([{"name": "a", "values": ["x"]}], "'tag'"),
        ([{"name": "a", "soak_seconds": -1}], "soak_seconds"),
        ([{"name": "a", "soak_seconds": "5m"}], "soak_seconds"),
        ([{"name": "a", "waves": "some"}], "'waves'"),
    ],
)
def test_odd_stages_are_refused(stages: list[dict[str, Any]], says: str) -> None:
    with pytest.raises(BadPlan, match=says):
        plan_waves([Host("one")], stages)


GOOD = {"ok": True, "changed": True}
SAME = {"ok": True, "changed": False}
FAILED = {"ok": False, "changed": True}
REFUSED = {"ok": False, "changed": False}


@pytest.mark.parametrize(
    ("policy", "rollback", "stop"),
    [
        ("halt", (), True),
        ("continue", (), False),
        ("rollback", ("bad",), True),
        ("rollback_wave", ("good", "bad"), True),
    ],
)
def test_consequences_of_a_failure(policy: str, rollback: tuple[str, ...], stop: bool) -> None:
    verdicts = {"good": GOOD, "same": SAME, "bad": FAILED, "refused": REFUSED}
    found = consequence(verdicts, policy)
    assert (found.rollback, found.stop) == (rollback, stop)
    assert ("bad, refused" in found.reason) is stop


@pytest.mark.parametrize("policy", ["halt", "rollback", "rollback_wave", "continue"])
def test_a_good_wave_has_none(policy: str) -> None:
    assert consequence({"a": GOOD, "b": SAME}, policy, failed_before=9, ceiling=1) == Consequence()


def test_the_ceiling_ends_a_rollout_that_would_go_on() -> None:
    assert not consequence({"a": FAILED}, "continue", failed_before=1, ceiling=3).stop
    reached = consequence({"a": FAILED}, "continue", failed_before=2, ceiling=3)
    assert reached.stop
    assert "the ceiling is 3" in reached.reason
    assert reached.as_result() == {"rollback": [], "stop": True, "reason": reached.reason}
