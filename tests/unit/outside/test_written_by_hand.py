"""What users write, in another form than it has to be: a message that names it, never an error of Python's."""

from __future__ import annotations

import json
from datetime import datetime, timezone
from typing import Any

import pytest
from ansible_collections.aks.kube_proxy.plugins.module_utils._domain.targets import read_target
from ansible_collections.aks.kube_proxy.plugins.module_utils._domain.waves import BadPlan, Host, plan_waves
from ansible_collections.aks.kube_proxy.plugins.module_utils._domain.window import BadWindow, closed_window

from tests.emulator.fleet import SUBSCRIPTION
from tests.fuzz import samples

NOW = datetime(2026, 11, 22, 20, 0, tzinfo=timezone.utc)


@pytest.mark.parametrize(
    ("stages", "words"),
    [
        ("dev", "The stages are 'dev'"),
        ({"name": "dev"}, "they have to be a list"),
        (["dev"], "A stage is 'dev'"),
        ([{"name": ["dev"]}], "has no name"),
        ([{"name": "dev", "waves": [True]}], "'waves' is"),
        ([{"name": "dev", "waves": "9" * 5000}], "'waves' has"),
        ([{"name": "dev", "a": 1, 2: 3}], "unknown key"),
    ],
    ids=lambda value: json.dumps(value, default=str)[:40] if not isinstance(value, str) else value[:20],
)
def test_stages_of_another_form(stages: Any, words: str) -> None:
    with pytest.raises(BadPlan, match=words):
        plan_waves([Host("c1")], stages)


@pytest.mark.parametrize("tags", ["dev", ["dev"], 7])
def test_tags_of_another_form(tags: Any) -> None:
    with pytest.raises(BadPlan, match="Host c1: its tags"):
        plan_waves([Host("c1", (), tags)], [{"name": "dev", "tag": "environment"}])


@pytest.mark.parametrize(
    ("window", "words"),
    [
        ("22:00", "The time window is '22:00'"),
        (["mon"], "it has to be a table"),
        ({**samples.WINDOW, "days": 5}, "'days' are 5"),
        ({1: 2, "a": 3}, "unknown key"),
    ],
)
def test_a_window_of_another_form(window: Any, words: str) -> None:
    with pytest.raises(BadWindow, match=words):
        closed_window(window, NOW)


@pytest.mark.parametrize(
    ("entry", "words"),
    [
        ("c1", "A cluster is 'c1'"),
        ({"resource_id": 7, "mode": "IPVS"}, "'resource_id' is 7"),
        ({"resource_id": samples.RESOURCE_ID, "mode": ["IPVS"]}, "'mode' is"),
        ({"resource_id": samples.RESOURCE_ID, "ipvs_config": "fast"}, "'ipvs_config' is 'fast'"),
        ({**samples.TARGET, "ipvs_config": {"tcp_timeout_seconds": "soon"}}, "has to be a number of seconds"),
        ({**samples.TARGET, "ipvs_config": {"tcp_timeout_seconds": True}}, "has to be a number of seconds"),
        ({**samples.TARGET, "expected": "IPTABLES"}, "'expected' is 'IPTABLES'"),
        ({**samples.TARGET, "host": "a\n\x1b[2J", "mode": 1}, r"Cluster a \\x1b\[2J: 'mode' is 1"),
        ({**samples.TARGET, "mode": "I-\udca3S"}, r"belongs to 'mode: IPVS', not to 'mode: I-\\udca3S'"),
    ],
)
def test_a_cluster_of_another_form(entry: Any, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        read_target(entry, SUBSCRIPTION)


def test_a_number_may_be_a_text_as_templates_make_it() -> None:
    found = read_target({**samples.TARGET, "ipvs_config": {"tcp_timeout_seconds": "900"}}, SUBSCRIPTION)
    assert found.request.ipvs == {"tcp_timeout_seconds": 900}
