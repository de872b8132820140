"""Settings that count for a whole run: one host cannot decide them for the others."""

from __future__ import annotations

from typing import Any

import pytest
import yaml

from tests.playbooks.support import Estate, cluster, static_inventory
from tests.support.playbook import play

FLEET = [cluster("a-canary", "production"), cluster("b-prod", "production")]
OF_ONE: dict[str, dict[str, Any]] = {
    "the guard of production": {"rolling_update_allow_production": True},
    "a gate of its own": {"rolling_update_gate": True},
}
"""Variables of the first host of the wave, which templates its tasks."""


@pytest.mark.parametrize("variables", OF_ONE.values(), ids=OF_ONE)
def test_what_one_host_has_otherwise_is_refused_before_anything_is_asked(
    estate: Estate, settings: dict[str, str], variables: dict[str, Any]
) -> None:
    estate.lay_out(*FLEET, flag="NotRegistered")
    inventory = static_inventory(FLEET, hosts={"a-canary": variables})
    done = estate.roll(FLEET, settings=settings, inventory=inventory, mode="NFTABLES")
    assert (done.status, done.requests) == (2, []), str(done.run)
    (name,) = variables
    assert f"{name} (a-canary / b-prod)" in done.run.stdout


def test_the_role_by_itself_refuses_it_too(estate: Estate) -> None:
    estate.lay_out(*FLEET)
    role = {"name": "aks.kube_proxy.rolling_update"}
    variables = {"rolling_update_mode": "NFTABLES", "rolling_update_verify": "off"}
    playbook = estate.folder / "own.yml"
    step = {"ansible.builtin.import_role": role, "vars": variables, "name": "Update"}
    playbook.write_text(yaml.safe_dump([play(step, connection="local")], sort_keys=False), encoding="utf-8")
    inventory = static_inventory(FLEET, hosts={"a-canary": {"rolling_update_allow_production": True}})
    done = estate.roll(FLEET, playbook=str(playbook), inventory=inventory)
    assert (done.status, done.requests) == (2, []), str(done.run)
    assert "rolling_update_allow_production (a-canary / b-prod)" in done.run.stdout
