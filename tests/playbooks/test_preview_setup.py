"""The playbook preview_setup: the flag once for each subscription, from whatever tells of subscriptions."""

from __future__ import annotations

import os
import signal
from collections import Counter
from collections.abc import Sequence
from typing import Any

import pytest

from tests.emulator.fleet import SUBSCRIPTION
from tests.playbooks.processes import eventually, rolling
from tests.playbooks.support import FLAG, ROLLOUT, Estate, Rollout, cluster, named
from tests.support.playbook import IN_PROCESS, Run

SETUP = "aks.kube_proxy.preview_setup"
OTHER = "22222222-2222-2222-2222-222222222222"
FLEET = [cluster(f"c{number}", subscription=(SUBSCRIPTION, OTHER)[number % 2]) for number in range(6)]
HOSTS = {one["name"]: {"aks_subscription_id": one["subscription"]} for one in FLEET}
HOUR = 3600.0
FULL_FLAG = f"Microsoft.ContainerService/{FLAG}"


def registered(done: Rollout) -> dict[str, int]:
    """How often the flag was asked for, by subscription."""
    paths = [entry["path"] for entry in done.requests if entry["path"].endswith(f"/features/{FLAG}/register")]
    return dict(Counter(path.split("/")[2] for path in paths))


def refreshed(done: Rollout) -> dict[str, int]:
    """How often the provider was registered again, by subscription."""
    paths = [entry["path"] for entry in done.requests if entry["path"].endswith("ContainerService/register")]
    return dict(Counter(path.split("/")[2] for path in paths))


def set_up(estate: Estate, *options: str, hosts: Any = HOSTS, **variables: Any) -> Rollout:
    inventory = {"all": {"hosts": hosts}} if hosts else {"all": {}}
    return estate.roll(FLEET[:0], *options, playbook=SETUP, inventory=inventory, **variables)


def laid_out(estate: Estate) -> None:
    estate.lay_out(*FLEET, flag="NotRegistered")


def test_once_for_each_subscription_however_many_hosts(estate: Estate, settings: dict[str, str]) -> None:
    laid_out(estate)
    predicted = set_up(estate, "--check", settings=settings)
    assert (predicted.status, predicted.writes) == (0, []), predicted.run
    assert sum(predicted.counted("changed").values()) == 1
    done = set_up(estate, settings=settings)
    assert done.status == 0, done.run
    assert registered(done) == refreshed(done) == {SUBSCRIPTION: 1, OTHER: 1}
    assert [estate.azure.feature_state(FULL_FLAG, one) for one in (SUBSCRIPTION, OTHER)] == ["Registered"] * 2
    again = set_up(estate, settings=settings)
    assert (again.status, again.writes, sum(again.counted("changed").values())) == (0, [], 0), again.run


def test_limit_leaves_the_other_subscriptions_alone(estate: Estate) -> None:
    laid_out(estate)
    assert registered(set_up(estate, "--limit", "c1")) == {OTHER: 1}


def test_without_an_inventory_the_credentials_subscription_or_a_list_is_set_up(estate: Estate) -> None:
    laid_out(estate)
    assert registered(set_up(estate, hosts=None)) == {SUBSCRIPTION: 1}
    laid_out(estate)
    named = set_up(estate, hosts=None, preview_setup_subscriptions=f"{SUBSCRIPTION}, {OTHER}")
    assert registered(named) == {SUBSCRIPTION: 1, OTHER: 1}


def test_a_flag_on_its_way_is_waited_for_and_passed_on(estate: Estate) -> None:
    estate.lay_out(*FLEET, flag="Registering", registration_seconds=900)
    done = set_up(estate, "--limit", "c0")
    assert done.status == 0, done.run
    assert (registered(done), refreshed(done)) == ({}, {SUBSCRIPTION: 1})


def killed_while_the_flag_registers(estate: Estate, command: Sequence[str]) -> None:
    """A run that is killed while it waits for the flag, which Azure registers then."""
    slow = 10 * HOUR
    estate.lay_out(*FLEET, flag="NotRegistered", registration_seconds=slow)
    estate.azure.clear_requests()
    with rolling(estate, command) as run:
        run.watch_until(lambda: asked_about(estate) >= 3, "it waits for the flag")
        run.kill(signal.SIGKILL)
        eventually(lambda: not run.members(), "the end of all workers")
    assert [
        entry["path"] for entry in estate.azure.requests() if entry["path"].endswith("ContainerService/register")
    ] == []
    estate.azure.advance(slow)
    assert estate.azure.feature_state(FULL_FLAG, SUBSCRIPTION) == "Registered"


def asked_about(estate: Estate) -> int:
    """How often the state of the flag was asked for."""
    entries = estate.azure.requests()
    return len([entry for entry in entries if entry["method"] == "GET" and entry["path"].endswith(f"/features/{FLAG}")])


def test_a_rollout_that_was_killed_while_the_flag_registers_is_taken_up(estate: Estate) -> None:
    """Nobody has told the provider, and nothing shows it but its refusal: the first switch makes up for it."""
    ours = [one for one in FLEET if one["subscription"] == SUBSCRIPTION]
    killed_while_the_flag_registers(estate, estate.command(ours, mode="NFTABLES"))
    done = estate.roll(ours, mode="NFTABLES")
    assert done.status == 0, done.run
    assert set(done.states.values()) == {"switched"}
    assert (registered(done), refreshed(done)) == ({}, {SUBSCRIPTION: 1})
    again = estate.roll(ours, mode="NFTABLES")
    assert (again.status, again.writes) == (0, []), again.run


@pytest.mark.parametrize(
    ("state", "refresh", "times"),
    [("NotRegistered", "never", 0), ("Registered", "always", 1), ("Registered", "auto", 0)],
)
def test_the_provider_is_refreshed_as_set(estate: Estate, state: str, refresh: str, times: int) -> None:
    estate.lay_out(*FLEET, flag=state)
    done = set_up(estate, "--limit", "c0", preview_setup_refresh_provider=refresh)
    assert done.status == 0, done.run
    assert registered(done) == ({SUBSCRIPTION: 1} if state == "NotRegistered" else {})
    assert sum(refreshed(done).values()) == times


def test_another_feature_can_be_set_up(estate: Estate) -> None:
    laid_out(estate)
    name = "NodeAutoProvisioningPreview"
    done = set_up(estate, "--limit", "c0", preview_setup_feature=name)
    assert done.status == 0, done.run
    assert (registered(done), refreshed(done)) == ({}, {SUBSCRIPTION: 1})
    states = [estate.azure.feature_state(f"Microsoft.ContainerService/{one}", SUBSCRIPTION) for one in (name, FLAG)]
    assert states == ["Registered", "NotRegistered"]


@pytest.mark.parametrize(
    ("host", "playbook"), [("far", SETUP), ("far", ROLLOUT), ("localhost", SETUP)], ids=["far", "rollout", "localhost"]
)
def test_the_extension_goes_to_its_host_by_the_hosts_own_connection(estate: Estate, host: str, playbook: str) -> None:
    """Hosts that say nothing are reached as Ansible is set to; what talks to Azure stays on the controller."""
    one = FLEET[0]
    estate.lay_out(one, flag="NotRegistered")
    az = estate.folder / "az"
    az.write_text("#!/bin/sh\necho this is no Azure CLI >&2; exit 1\n")
    az.chmod(0o755)
    environ = {"ANSIBLE_TRANSPORT": "elsewhere", "PATH": f"{estate.folder}{os.pathsep}{estate.ansible.environ['PATH']}"}
    hosts = {
        one["name"]: {"aks_subscription_id": SUBSCRIPTION, "aks_resource_group": "rg1"},
        "far": {},
        "localhost": {},
    }

    def run(**variables: Any) -> Run:
        done = estate.roll(
            [one],
            "-vvv",
            playbook=playbook,
            inventory={"all": {"hosts": hosts}},
            settings=environ,
            rolling_update_mode="NFTABLES",
            rolling_update_hosts=one["name"],
            preview_setup_hosts=one["name"],
            preview_setup_cli_host=host,
            **variables,
        )
        return done.run

    failed = run(preview_setup_cli_extension=True)
    assert failed.result(named("Install the Azure CLI extension", "preview_setup")).event == "failed", failed
    assert "this is no Azure CLI" in failed.stdout, "it is the module that has failed, on its host"
    assert (f"<{host}> ESTABLISH CONNECTION elsewhere" in failed.stdout) == (host == "far")
    done = run()
    assert done.status == 0, done
    assert "ESTABLISH CONNECTION elsewhere" not in done.stdout
    assert done.ways[named("Ask for the feature flag", "preview_setup")] == IN_PROCESS


def test_a_flag_that_cannot_be_had_ends_the_run(estate: Estate) -> None:
    laid_out(estate)
    estate.azure.fault("forbidden", match={"path": "register"}, times=None)
    done = set_up(estate)
    assert done.status == 2
    assert "AuthorizationFailed" in done.run.stdout + done.run.stderr
