"""azure.azcollection and this collection side by side: one environment, one set of variables, the same clusters."""

from __future__ import annotations

import json
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.clients.conftest import GROUP, ansible_in
from tests.clients.requests_log import entries
from tests.emulator import Emulator
from tests.support.playbook import Run, Task, play, task

NFTABLES = {"enabled": True, "mode": "NFTABLES"}
THEIR_VERSION = "2024-08-01"  # azure.azcollection 3.21.0's version of the AKS API


@pytest.fixture(scope="module")
def packages(azcollection_bin: Path) -> Path:
    """The site-packages folder of the environment."""
    (found,) = azcollection_bin.parent.glob("lib/python3*/site-packages")
    return found


def test_both_sets_of_requirements_live_in_one_environment(azcollection_bin: Path) -> None:
    checked = subprocess.run(
        [str(azcollection_bin / "python"), "-m", "pip", "check"], capture_output=True, text=True, check=False
    )
    assert checked.returncode == 0, checked.stdout + checked.stderr


def test_every_pin_of_azcollection_is_kept(azcollection_bin: Path, packages: Path) -> None:
    collection = packages / "ansible_collections" / "azure" / "azcollection"
    manifest = json.loads((collection / "MANIFEST.json").read_text())
    assert manifest["collection_info"]["version"] == "3.21.0"
    pins = dict(re.findall(r"^([\w.-]+)(?:\[\w+\])?==([^\s;]+)", (collection / "requirements.txt").read_text(), re.M))
    assert len(pins) > 50
    listed = subprocess.run(
        [str(azcollection_bin / "python"), "-m", "pip", "list", "--format", "json"],
        capture_output=True,
        text=True,
        check=True,
    )
    installed = {plain(row["name"]): row["version"] for row in json.loads(listed.stdout)}
    assert {name: installed.get(plain(name)) for name in pins} == pins


def plain(name: str) -> str:
    """A package's name as PyPI compares it."""
    return re.sub(r"[-_.]+", "-", name).lower()


def aks(name: str, **changes: Any) -> Task:
    """A task that states a cluster as it is, with azure_rm_aks, apart from changes."""
    arguments = {
        "resource_group": GROUP,
        "name": name,
        "dns_prefix": name,
        "kubernetes_version": "1.34.2",
        "enable_rbac": True,
        "agent_pool_profiles": [
            {
                "name": "nodepool1",
                "count": 3,
                "vm_size": "Standard_D4ds_v5",
                "mode": "System",
                "type": "VirtualMachineScaleSets",
            }
        ],
        "network_profile": {"network_plugin": "azure"},
        **changes,
    }
    return task(f"aks {name}", "azure.azcollection.azure_rm_aks", arguments)


def switch(name: str, to: str, **keywords: Any) -> Task:
    """A task of ours."""
    return task(to, "aks.kube_proxy.config", {"resource_group": GROUP, "name": name, "mode": "NFTABLES"}, **keywords)


@pytest.fixture(scope="module")
def run(emulator: Emulator, azcollection_bin: Path, packages: Path, tmp_path_factory: pytest.TempPathFactory) -> Run:
    """One playbook with tasks of both collections: ours switch three clusters, theirs read and change them."""
    ours = azcollection_bin.parent / "collections"
    environ = {**emulator.environment(), "ANSIBLE_COLLECTIONS_PATH": f"{ours}:{packages}"}
    ansible = ansible_in(tmp_path_factory.mktemp("azcollection"), azcollection_bin, environ)
    return ansible.play(
        [
            play(
                task("flag", "aks.kube_proxy.preview_feature", {"poll_interval": 1}),
                switch("aks-a", "switch in-process"),
                switch("aks-b", "switch by module", vars={"aks_execution": "module"}),
                switch("aks-c", "switch another"),
                task("read", "azure.azcollection.azure_rm_aks_info", {"resource_group": GROUP, "name": "aks-a"}),
                aks("aks-b", tags={"team": "red"}),
                aks("aks-c", tags={"team": "red"}, enable_rbac=False),
                task("ours", "aks.kube_proxy.config_info", {"resource_group": GROUP}),
                switch("aks-b", "second time after tags"),
                switch("aks-c", "second time after everything"),
            )
        ],
        "-vvv",
        seconds=300,
    )


def kube_proxy(emulator: Emulator, name: str) -> Any:
    """What Azure has recorded for a cluster."""
    return emulator.cluster(name)["properties"]["networkProfile"].get("kubeProxyConfig")


def modes_afterwards(run: Run) -> dict[str, str]:
    """The modes that our module read when azure.azcollection had done its work."""
    return {item["name"]: item["kube_proxy"]["mode"] for item in run.result("ours").values["clusters"]}


def theirs(emulator: Emulator, name: str, *methods: str) -> list[dict[str, Any]]:
    """What azure.azcollection asked about a cluster with one of these methods."""
    return [
        entry
        for entry in entries(emulator, *methods)
        if entry["path"].endswith(f"/managedClusters/{name}") and entry["api_version"] == THEIR_VERSION
    ]


@pytest.mark.parametrize(("name", "way"), [("switch in-process", "in-process"), ("switch by module", "module")])
def test_our_modules_run_beside_the_pinned_sdk(run: Run, name: str, way: str) -> None:
    assert run.result(name).values["changed"], run
    assert run.result(name).values["kube_proxy"]["mode"] == "NFTABLES"
    assert run.ways[name] == way


def test_aks_info_signs_in_alike_and_reads_the_switched_cluster(run: Run, emulator: Emulator) -> None:
    (cluster,) = run.result("read").values["aks"]
    assert cluster["id"] == emulator.cluster("aks-a")["id"]
    assert cluster["provisioning_state"] == "Succeeded"
    assert cluster["network_profile"]["network_plugin"] == "azure"
    assert theirs(emulator, "aks-a", "GET")[0]["principal"] == emulator.environment()["AZURE_CLIENT_ID"]


def test_aks_info_does_not_show_the_mode(run: Run, emulator: Emulator) -> None:
    assert kube_proxy(emulator, "aks-a") == NFTABLES
    assert not re.search("kube.?proxy|nftables", json.dumps(run.result("read").values["aks"]), re.IGNORECASE)


def test_tags_alone_are_a_patch_that_leaves_the_mode(run: Run, emulator: Emulator) -> None:
    assert run.result("aks aks-b").values["changed"], run
    (patch,) = theirs(emulator, "aks-b", "PATCH", "PUT")
    assert patch["method"] == "PATCH"
    # It hands the tags over as a bare dictionary, which its SDK takes for an object without any: nothing is sent.
    assert patch["body"] == {}
    assert emulator.cluster("aks-b")["tags"] == {"team": "blue"}
    assert modes_afterwards(run)["aks-b"] == "NFTABLES"


def test_tags_with_another_difference_are_a_put_made_from_arguments(run: Run, emulator: Emulator) -> None:
    assert run.result("aks aks-c").values["changed"], run
    (put,) = theirs(emulator, "aks-c", "PATCH", "PUT")
    assert put["method"] == "PUT"
    assert emulator.cluster("aks-c")["tags"] == put["body"]["tags"] == {"team": "red"}
    assert "if-match" not in put["headers"]
    assert put["body"]["properties"]["networkProfile"] == {"networkPlugin": "azure", "outboundType": "loadBalancer"}
    # What the cluster has and the request leaves out; it is not known what Azure makes of that.
    writable = {"networkProfile", "oidcIssuerProfile", "storageProfile", "metricsProfile", "nodeResourceGroup"}
    before = emulator.cluster("aks-a")["properties"]
    assert writable <= before.keys()
    assert not (writable - {"networkProfile"}) & put["body"]["properties"].keys()
    # The emulator keeps the mode, since a stable version knows nothing of it (an inference: fact sheet, section 1).
    assert modes_afterwards(run)["aks-c"] == "NFTABLES"


def test_our_modules_agree_afterwards(run: Run) -> None:
    assert modes_afterwards(run) == {"aks-a": "NFTABLES", "aks-b": "NFTABLES", "aks-c": "NFTABLES", "aks-d": "IPTABLES"}
    for name in ("second time after tags", "second time after everything"):
        assert run.result(name).values["changed"] is False, run
