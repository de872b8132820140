"""How clusters are reached may differ from host to host; what opens them is nowhere to be read afterwards."""

from __future__ import annotations

import base64
import re
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
import yaml

from tests.contract.arm_client import Arm, cluster_path
from tests.emulator.fleet import SECRET
from tests.playbooks.support import NFTABLES, Estate, cluster, static_inventory

FLEET = [
    cluster("admin", kubernetes={"not_ready_nodes": 1}),
    cluster("command", kubernetes={"private": True, "entra": True}),
    cluster("file", kubernetes={"cordoned_nodes": 1}),
    cluster("missing"),
    cluster("stranger"),
    cluster("user", kubernetes={"entra": True, "localhost_nodeports": 5}),
]
WAYS: dict[str, dict[str, Any]] = {
    "admin": {"rolling_update_access": "admin"},
    "command": {"rolling_update_access": "run_command"},
    "file": {"rolling_update_kubeconfig": "kube/config", "rolling_update_context": "by hand"},
    "missing": {"rolling_update_kubeconfig": "kube/nothing"},
    "stranger": {"rolling_update_access": "kubeconfig", "rolling_update_kubeconfig": "kube/config"},
    "user": {"rolling_update_access": "user"},
}
TOKEN = re.compile(r"eyJ[\w-]{10,}\.[\w-]{10,}\.")


def kubeconfig(estate: Estate, name: str) -> dict[str, Any]:
    """What ARM hands out for a cluster, with its context called C(by hand)."""
    answer = Arm(estate.azure).ask("POST", f"{cluster_path(name)}/listClusterUserCredential")
    found: dict[str, Any] = yaml.safe_load(base64.b64decode(answer.json()["kubeconfigs"][0]["value"]))
    found["contexts"][0]["name"] = found["current-context"] = "by hand"
    return found


@pytest.fixture
def scratch() -> Iterator[Path]:
    """A folder for temporary files whose path is short enough for sockets."""
    with TemporaryDirectory() as folder:
        yield Path(folder)


def test_each_host_is_reached_on_its_own_way_and_no_secret_is_left_behind(estate: Estate, scratch: Path) -> None:
    estate.lay_out(*FLEET)
    given = kubeconfig(estate, "file")
    path = estate.folder / "kube" / "config"
    path.parent.mkdir()
    path.write_text(yaml.safe_dump(given), encoding="utf-8")
    log = estate.folder / "ansible.log"
    done = estate.roll(
        FLEET,
        "-vvvv",
        "--diff",
        inventory=static_inventory(FLEET, hosts=WAYS),
        settings={"ANSIBLE_LOG_PATH": str(log), "TMPDIR": str(scratch)},
        mode="NFTABLES",
        tolerate=["localhost-nodeports"],
        not_ready_nodes="ignore",
        cordoned_nodes="ignore",
        verify="when_possible",
    )
    assert (done.status, done.after) == (0, dict.fromkeys(WAYS, NFTABLES)), str(done.run)
    assert done.states == {
        **dict.fromkeys(("admin", "command", "file", "user"), "switched"),
        **dict.fromkeys(("missing", "stranger"), "unverified"),
    }

    # on which way
    asked = {entry["cluster"]: entry for entry in done.asked}
    assert sorted(asked) == ["admin", "command", "file", "user"]
    assert {name: entry["via"] for name, entry in asked.items() if entry["via"] != "network"} == {
        "command": "runCommand"
    }
    lent = [entry["path"].rsplit("/", 2)[1:] for entry in done.requests if entry["path"].endswith("Credential")]
    assert {tuple(one) for one in lent} == {
        ("admin", "listClusterAdminCredential"),
        ("user", "listClusterUserCredential"),
    }
    how = {name: done.row(name)["evidence"]["how"] for name in asked}
    assert "runCommand" in how["command"] and "API server" in how["file"], how
    assert "kube/nothing" in done.row("missing")["reason"]
    assert "kube/config" in done.row("stranger")["reason"], done.row("stranger")

    # what the options of the rollout ask for
    left_out = {name: done.row(name)["evidence"]["left_out"] for name in asked}
    assert left_out == {"admin": 1, "command": 0, "file": 1, "user": 0}

    # what was used is nowhere, at any verbosity: not in what was printed, nor in any file that is left
    (hers, his) = (config["users"][0]["user"] for config in (given, kubeconfig(estate, "admin")))
    secrets = [SECRET, *map(str, hers.values()), *map(str, his.values()), "PRIVATE KEY", "Bearer ", "clusterToken"]
    assert len(secrets) == 10 and all(secrets)
    found = [*estate.folder.rglob("*"), *scratch.rglob("*")]
    files = [file for file in found if file.is_file() and file != path]
    assert {"summary", "journal", "ansible", "record"} <= {
        file.name.partition("-")[0].partition(".")[0] for file in files
    }
    texts = [done.run.stdout, done.run.stderr, *(file.read_bytes().decode(errors="replace") for file in files)]
    for text in texts:
        assert [secret for secret in secrets if secret in text] == []
        assert not TOKEN.search(text)
