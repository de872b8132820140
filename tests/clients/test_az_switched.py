"""The Azure CLI and our modules on the same clusters: it reads what they have switched, and they use its login."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from tests.clients.az import Az
from tests.clients.conftest import GROUP, ansible_in
from tests.clients.requests_log import asked, entries
from tests.emulator import Emulator
from tests.support.playbook import IN_PROCESS, MODULE, Ansible, play, task

PREVIEW, STABLE = "2026-05-02-preview", "2026-06-01"
NFTABLES = {"enabled": True, "mode": "NFTABLES"}

MakeAnsible = Callable[[Path, Mapping[str, str]], Ansible]


def cluster_id(emulator: Emulator, name: str) -> str:
    """The resource id of a cluster."""
    return str(emulator.cluster(name)["id"])


def kube_proxy(emulator: Emulator, name: str) -> Any:
    """What Azure has recorded for a cluster."""
    return emulator.cluster(name)["properties"]["networkProfile"].get("kubeProxyConfig")


@pytest.fixture(scope="module")
def switched(emulator: Emulator, ansible_bin: Path, tmp_path_factory: pytest.TempPathFactory) -> str:
    """The name of a cluster that our modules have switched, as a user would, with ansible-playbook."""
    ansible = ansible_in(tmp_path_factory.mktemp("switch"), ansible_bin, emulator.environment())
    run = ansible.play(
        [
            play(
                task("flag", "aks.kube_proxy.preview_feature", {"poll_interval": 1}),
                task("switch", "aks.kube_proxy.config", {"resource_group": GROUP, "name": "aks-a", "mode": "NFTABLES"}),
            )
        ]
    )
    assert run.result("flag").values["changed"], run
    assert run.result("switch").values["changed"], run
    return "aks-a"


def test_az_rest_shows_the_configuration(az: Az, emulator: Emulator, switched: str) -> None:
    url = f"{emulator.url}{cluster_id(emulator, switched)}?api-version={PREVIEW}"
    shown = az("rest", "--method", "get", "--url", url)
    assert shown["properties"]["networkProfile"]["kubeProxyConfig"] == NFTABLES
    assert shown["properties"]["provisioningState"] == "Succeeded"


def test_az_resource_show_with_a_preview_version_does_too(az: Az, emulator: Emulator, switched: str) -> None:
    shown = az("resource", "show", "--ids", cluster_id(emulator, switched), "--api-version", PREVIEW)
    assert shown["properties"]["networkProfile"]["kubeProxyConfig"] == NFTABLES


def test_az_knows_nothing_of_it_in_stable_versions(az: Az, emulator: Emulator, switched: str) -> None:
    shown = az("aks", "show", "-g", GROUP, "-n", switched)
    assert shown["networkProfile"]["networkPlugin"] == "azure"
    assert "kubeproxy" not in json.dumps(shown).lower()
    url = f"{emulator.url}{cluster_id(emulator, switched)}?api-version={STABLE}"
    shown = az("rest", "--method", "get", "--url", url)["properties"]["networkProfile"]
    assert shown["networkPlugin"] == "azure"
    assert "kubeProxyConfig" not in shown


def test_az_aks_update_of_tags_leaves_the_mode(
    az: Az, log: Emulator, switched: str, make_ansible: MakeAnsible, ansible_bin: Path
) -> None:
    az("aks", "update", "-g", GROUP, "-n", switched, "--tags", "team=green")
    (put,) = entries(log, "PUT")
    assert "kubeProxyConfig" not in put["body"]["properties"]["networkProfile"]
    assert log.cluster(switched)["tags"] == {"team": "green"}
    assert kube_proxy(log, switched) == NFTABLES
    again = task("again", "aks.kube_proxy.config", {"resource_group": GROUP, "name": switched, "mode": "NFTABLES"})
    run = make_ansible(ansible_bin, log.environment()).play([play(again)])
    assert run.result("again").values["changed"] is False, run


@pytest.mark.usefixtures("switched")
@pytest.mark.usefixtures("switched")  # which registers the flag
def test_switching_by_hand_with_az_rest(az: Az, log: Emulator, tmp_path: Path) -> None:
    url = f"{log.url}{cluster_id(log, 'aks-b')}?api-version={PREVIEW}"
    body = az("rest", "--method", "get", "--url", url)
    body["properties"]["networkProfile"]["kubeProxyConfig"] = NFTABLES
    file = tmp_path / "body.json"
    file.write_text(json.dumps(body))
    answer = az("rest", "--method", "put", "--url", url, "--body", f"@{file}")
    assert answer["properties"]["provisioningState"] == "Updating"
    assert [request.method for request in asked(log)] == ["GET", "PUT"]
    assert kube_proxy(log, "aks-b") == NFTABLES


@pytest.mark.usefixtures("switched")  # which registers the flag
def test_switching_by_hand_with_az_resource_update(az: Az, log: Emulator) -> None:
    az(
        *("resource", "update", "--ids", cluster_id(log, "aks-c"), "--api-version", PREVIEW),
        *("--set", f"properties.networkProfile.kubeProxyConfig={json.dumps(NFTABLES)}"),
    )
    (put,) = entries(log, "PUT")
    assert {"provisioningState", "fqdn"} <= put["body"]["properties"].keys()
    assert kube_proxy(log, "aks-c") == NFTABLES


@pytest.mark.usefixtures("switched")
def test_by_hand_what_the_cluster_cannot_have_is_only_found_out_by_a_write(az: Az, log: Emulator) -> None:
    refused = az.run(
        *("resource", "update", "--ids", cluster_id(log, "aks-c"), "--api-version", PREVIEW),
        *("--set", 'properties.networkProfile.kubeProxyConfig={"enabled":false}'),
    )
    assert refused.returncode == 1
    assert "Disabling kube-proxy is only allowed for bring your own" in refused.stderr
    assert len(entries(log, "PUT")) == 1


@pytest.fixture
def surroundings(az: Az, ansible_bin: Path) -> dict[str, str]:
    """The variables of a user who works with az: no credentials among them."""
    kept = ("AZURE_CONFIG_DIR", "AZURE_EXTENSION_DIR", "REQUESTS_CA_BUNDLE", "AZURE_CORE_INSTANCE_DISCOVERY")
    path = os.pathsep.join([str(ansible_bin), str(az.program.parent), os.defpath])
    return {"PATH": path, **{name: az.environ[name] for name in kept}}


@pytest.mark.usefixtures("switched")
@pytest.mark.parametrize("way", [IN_PROCESS, MODULE])
def test_our_modules_use_the_login_of_az(
    log: Emulator, surroundings: dict[str, str], make_ansible: MakeAnsible, ansible_bin: Path, way: str
) -> None:
    cluster = {"resource_group": GROUP, "name": "aks-d", "auth_source": "cli"}
    mode = "NFTABLES" if way == IN_PROCESS else "IPTABLES"
    run = make_ansible(ansible_bin, surroundings).play(
        [
            play(
                task("info", "aks.kube_proxy.config_info", cluster),
                task("switch", "aks.kube_proxy.config", {**cluster, "mode": mode}),
                task("flag", "aks.kube_proxy.preview_feature", {"auth_source": "cli"}),
                vars={"aks_execution": "module" if way == MODULE else "auto"},
            )
        ],
        "-vvv",
    )
    assert set(run.ways.values()) == {way}
    assert [item["name"] for item in run.result("info").values["clusters"]] == ["aks-d"], run
    assert run.result("switch").values["changed"], run
    assert run.result("flag").values["changed"] is False, run
    assert kube_proxy(log, "aks-d")["mode"] == mode
    # The token was got when az logged in. Nobody has signed in since, and the modules could not have by themselves.
    assert not [entry for entry in log.requests() if entry["path"].endswith("/token")]


def test_the_login_of_az_counts_when_nothing_else_is_given(
    surroundings: dict[str, str], make_ansible: MakeAnsible, ansible_bin: Path
) -> None:
    run = make_ansible(ansible_bin, surroundings).play([play(task("info", "aks.kube_proxy.config_info"))])
    assert len(run.result("info").values["clusters"]) == 4, run


def test_without_a_login_of_az_the_remedy_is_named(
    surroundings: dict[str, str], make_ansible: MakeAnsible, ansible_bin: Path, tmp_path: Path
) -> None:
    nobody = {**surroundings, "AZURE_CONFIG_DIR": str(tmp_path / "nothing")}
    wanted = task("info", "aks.kube_proxy.config_info", {"auth_source": "cli"})
    result = make_ansible(ansible_bin, nobody).play([play(wanted)]).result("info")
    assert result.event == "failed"
    assert "az login" in result.message
    assert "Traceback" not in json.dumps(result.values)
