"""Stages and waves: who is switched when, and what follows from a wave's outcome."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.aks.kube_proxy.plugins.module_utils._domain.waves import (
    BadPlan,
    Host,
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
        ([150], 200, [150, 50]),
        (["33%"], 6, [1, 1, 1, 1, 1, 1]),
        ([" 50% "], 2, [1, 1]),
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
    assert [wave.gate for wave in waves] == [False, False, False, True, True, True, True, True]
    assert [wave.last for wave in waves] == [False] * 7 + [True]
    assert waves[1].as_result()["soak_seconds"] == 60


def test_a_text_where_a_list_is_meant_is_a_list_of_one() -> None:
    stages: list[dict[str, Any]] = [
        {"name": "a", "tag": "environment", "values": "dev"},
        {"name": "b", "groups": "staging", "waves": 2},
    ]
    waves, _unused = plan_waves(hosts(), stages)
    assert [wave.hosts for wave in waves] == [("d1",), ("s0", "s1"), ("s2",)]


def test_only_some_stages_leave_the_others_hosts_alone() -> None:
    waves, left = plan_waves(hosts(), STAGES, only=["staging"])
    assert [wave.hosts for wave in waves] == [("s0",), ("s1", "s2")]
    assert waves[-1].last
    assert left == ["nobody's"]
    with pytest.raises(BadPlan, match="no stage 'stagign'; declared are dev, staging, production"):
        plan_waves(hosts(), STAGES, only=["stagign", "other"])


def test_the_order_of_the_inventory_does_not_matter() -> None:
    assert plan_waves(hosts(), STAGES) == plan_waves(list(reversed(hosts())), STAGES)


def test_the_first_stage_that_takes_a_host_has_it_and_without_stages_all_go_together() -> None:
    twice: list[dict[str, Any]] = [{"name": "one", "groups": ["staging"]}, {"name": "two", "groups": ["web"]}]
    waves, _unused = plan_waves(hosts(), twice)
    assert [wave.stage for wave in waves] == ["one"]
    (everybody,), left = plan_waves(hosts(), [])
    assert (everybody.stage, len(everybody.hosts), everybody.soak_seconds, everybody.gate, left) == (
        "all",
        14,
        0,
        False,
        [],
    )


def test_a_tag_without_values_takes_whoever_has_it() -> None:
    waves, _left = plan_waves(hosts(), [{"name": "tagged", "tag": "OTHER"}])
    assert [wave.hosts for wave in waves] == [("nobody's",)]


def test_a_wave_as_playbooks_see_it() -> None:
    (wave,), _left = plan_waves([Host("one", ("g",))], [{"name": "a", "groups": ("g",)}])
    assert wave.as_result() == {
        "stage": "a",
        "number": 1,
        "of": 1,
        "hosts": ["one"],
        "soak_seconds": 0,
        "gate": False,
        "last": True,
    }


def test_nobody_makes_no_wave() -> None:
    assert plan_waves([], STAGES) == ([], [])


@pytest.mark.parametrize(
    ("stages", "says"),
    [
        ({"name": "a"}, "The stages are {'name': 'a'}, they have to be a list."),
        (["a"], "A stage is 'a', it has to be a table with a 'name'."),
        ([{"waves": [1]}], "A stage has no name: {'waves': [1]}."),
        ([{"name": ""}], "A stage has no name: {'name': ''}."),
        ([{"name": "a"}, {"name": "a"}], "Stages need different names, these are: a, a."),
        (
            [{"name": "a", "wave": 1, "gates": True}],
            "Stage 'a' has the unknown key 'gates'; known are name, groups, tag, values, waves, soak_seconds, gate.",
        ),
        ([{"name": "a", "values": ["x"]}], "Stage 'a' has 'values' without the 'tag' that they belong to."),
        ([{"name": "a", "soak_seconds": -1}], "Stage 'a': 'soak_seconds' is -1, it has to be a number of seconds."),
        ([{"name": "a", "soak_seconds": "5m"}], "Stage 'a': 'soak_seconds' is '5m', it has to be a number of seconds."),
        ([{"name": "a", "soak_seconds": True}], "Stage 'a': 'soak_seconds' is True, it has to be a number of seconds."),
        (
            [{"name": "a", "waves": "some"}],
            "'waves' has 'some': a wave is a number of clusters or a percentage such as '25%'.",
        ),
        ([{"name": "a", "waves": [1.5]}], "Stage 'a': 'waves' is [1.5], it has to be a list of names."),
        ([{"name": "a", "groups": {"b": 1}}], "Stage 'a': 'groups' is {'b': 1}, it has to be a list of names."),
        ([{"name": "a", "groups": [True]}], "Stage 'a': 'groups' is [True], it has to be a list of names."),
        ([{"name": "a", "gate": "no"}], "Stage 'a': 'gate' is 'no', it has to be true or false."),
        ([{"name": "a", "tag": ["b"]}], "Stage 'a': 'tag' is ['b'], it has to be the key of a tag."),
    ],
)
def test_odd_stages_are_refused(stages: Any, says: str) -> None:
    with pytest.raises(BadPlan) as refused:
        plan_waves([Host("one")], stages)
    assert str(refused.value) == says


def test_tags_that_are_no_table_are_refused_with_the_host() -> None:
    odd: Any = ["environment"]
    with pytest.raises(BadPlan) as refused:
        plan_waves([Host("one", (), odd)], STAGES)
    assert str(refused.value) == "Host one: its tags ('aks_tags') are ['environment'], they have to be a table."
