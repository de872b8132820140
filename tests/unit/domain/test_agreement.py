"""Hosts that do not agree on what is set for a whole run are told of by the setting's name."""

from __future__ import annotations

from pathlib import Path

import yaml
from ansible_collections.aks.kube_proxy.plugins.module_utils._domain.agreement import differing_settings


def test_hosts_that_agree_are_fine_whatever_the_order_of_a_table() -> None:
    assert differing_settings({}) == ""
    assert differing_settings({"a": {"production": {"tag": "env", "untagged": False}}}) == ""
    one, other = {"tag": "env", "untagged": False}, {"untagged": False, "tag": "env"}
    assert differing_settings({"a": {"production": one}, "b": {"production": other}}) == ""


def test_each_setting_that_differs_is_named_with_the_hosts_of_each_value() -> None:
    settings = {
        "a": {"policy": "halt", "allow": True, "same": 1},
        "b": {"policy": "continue", "allow": False, "same": 1},
        "c": {"policy": "halt", "allow": False, "same": 1},
    }
    text = differing_settings(settings)
    assert "allow (a / b, c); policy (a, c / b)." in text
    assert "same" not in text.replace("be the same", "")


def test_a_number_is_not_its_text_and_nothing_is_not_false() -> None:
    assert "parallel (a / b)" in differing_settings({"a": {"parallel": 1}, "b": {"parallel": "1"}})
    assert "window (a / b)" in differing_settings({"a": {"window": None}, "b": {"window": False}})


def test_of_many_hosts_the_first_are_named() -> None:
    many = {f"h{number}": {"mode": number > 0} for number in range(9)}
    assert "mode (h0 / h1, h2, h3, h4, h5 and 3 more)" in differing_settings(many)


OF_EACH_HOST = ("mode", "enabled", "ipvs_config", "access", "kubeconfig", "context", "tolerate")
ROLE = Path(__file__).parents[3] / "roles" / "rolling_update"


def test_every_other_option_of_the_role_has_to_be_the_same_for_all_hosts() -> None:
    """Tasks that run once read it from the first host."""
    entry_points = yaml.safe_load((ROLE / "meta" / "argument_specs.yml").read_text("utf-8"))["argument_specs"]
    options = {name for entry_point in entry_points.values() for name in entry_point["options"]}
    shared = yaml.safe_load((ROLE / "vars" / "main.yml").read_text("utf-8"))["rolling_update_shared"]
    assert set(shared) == options - {f"rolling_update_{name}" for name in OF_EACH_HOST}
    assert {name: text.strip() for name, text in shared.items()} == {name: f"{{{{ {name} }}}}" for name in shared}
