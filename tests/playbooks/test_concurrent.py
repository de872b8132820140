"""Two rollouts at once: on disjoint slices with one journal, and on the same clusters."""

from __future__ import annotations

import errno
import json
import os
from collections import Counter
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from tests.emulator import Emulator
from tests.playbooks.processes import Rolling, rolling
from tests.playbooks.support import NFTABLES, Estate, Rollout, cluster, mode_in
from tests.support.playbook import Ansible


@pytest.fixture
def estates(ansible_bin: Path, ansible_environment: dict[str, str], azure: Emulator, tmp_path: Path) -> list[Estate]:
    """Two estates with folders of their own over one Azure."""
    folders = [tmp_path / name for name in ("first", "second")]
    for folder in folders:
        folder.mkdir()
    return [Estate(Ansible(ansible_bin, ansible_environment, folder), azure) for folder in folders]


@pytest.fixture
def shared(tmp_path: Path) -> Path:
    """The folder that both keep their journal and summaries in."""
    return tmp_path / "shared"


def summaries(folder: Path) -> list[dict[str, Any]]:
    """The summaries in a folder."""
    return [json.loads(path.read_text(encoding="utf-8")) for path in folder.glob("summary-*.json")]


def gated(estate: Estate) -> dict[str, Any]:
    """Variables of a run that stops before it writes, after its preflight, until its gate is opened."""
    gate = estate.folder / "gate"
    os.mkfifo(gate)
    wait = {"ansible.builtin.command": f"cat {gate}", "run_once": True, "delegate_to": "localhost"}
    hook = estate.folder / "hook.yml"
    hook.write_text(json.dumps([{"name": "Wait for the other run", **wait}]), encoding="utf-8")
    return {"before_wave": str(hook)}


def opened(run: Rolling) -> int:
    """The writing end of a gate that the run has arrived at; as long as it is open, the run waits."""
    found: list[int] = []

    def arrived() -> bool:
        try:
            found.append(os.open(run.estate.folder / "gate", os.O_WRONLY | os.O_NONBLOCK))
        except OSError as error:
            if error.errno != errno.ENXIO:  # nobody reads yet
                raise
        return bool(found)

    run.watch_until(arrived, "its gate")
    return found[0]


def together(
    estates: list[Estate], commands: list[list[str]], fleet: list[dict[str, Any]], **environ: str
) -> list[Rollout]:
    """Run the commands side by side, let them write from the same moment on, and look at what each left behind."""
    with ExitStack() as stack:
        runs = [
            stack.enter_context(rolling(estate, command, **environ))
            for estate, command in zip(estates, commands, strict=True)
        ]
        for gate in [opened(run) for run in runs]:
            os.close(gate)
        return [run.ended(fleet) for run in runs]


def accepted(azure: Emulator) -> list[tuple[str, str]]:
    """The writes that Azure took, in order: the cluster and the mode."""
    return [
        (entry["path"].rsplit("/", 1)[1], mode_in(entry["body"]))
        for entry in azure.requests()
        if entry["method"] == "PUT" and entry["status"] == 200
    ]


@pytest.mark.parametrize("settings", ["any_errors_fatal"], indirect=True)
def test_disjoint_slices(estates: list[Estate], shared: Path, azure: Emulator, settings: dict[str, str]) -> None:
    """Each does its part as if it were alone; they share the journal, and each has its summary."""
    names = [f"c{number:02}" for number in range(12)]
    halves = [names[::2], names[1::2]]
    fleet = [cluster(name) for name in names]
    estates[0].lay_out(*fleet)
    azure.clear_requests()
    commands = [
        estate.command(
            fleet,
            "--limit",
            ",".join(half),
            mode="NFTABLES",
            stages=[{"name": "dev"}],
            sliced=True,
            directory=str(shared),
            **gated(estate),
        )
        for estate, half in zip(estates, halves, strict=True)
    ]
    done = together(estates, commands, fleet, **settings)
    assert [one.status for one in done] == [0, 0], f"{done[0].run}\n{done[1].run}"
    assert Counter(accepted(azure)) == Counter(dict.fromkeys([(name, "NFTABLES") for name in names], 1))
    found = summaries(shared)
    by_hosts = {tuple(sorted(row["host"] for row in summary["clusters"])): summary for summary in found}
    assert set(by_hosts) == {tuple(half) for half in halves}
    for summary in found:
        assert summary["counts"] == {"switched": 6}
        assert {row["verified"] for row in summary["clusters"]} == {"azure"}
    lines = [json.loads(line) for line in (shared / "journal.jsonl").read_text(encoding="utf-8").splitlines()]
    assert Counter((line["event"], line["host"]) for line in lines) == Counter(
        dict.fromkeys([(event, name) for event in ("submitting", "ended") for name in names], 1)
    )
    runs_of = {host: {line["run"] for line in lines if line["host"] == host} for host in names}
    assert runs_of == {host: {by_hosts[tuple(half)]["run"]} for half in halves for host in half}


@pytest.mark.parametrize("modes", [("NFTABLES", "NFTABLES"), ("NFTABLES", "IPVS")], ids=["same mode", "another mode"])
def test_the_same_clusters(modes: tuple[str, str], estates: list[Estate], azure: Emulator) -> None:
    """Both end, each cluster has one of the modes, and either summary tells what that run did and saw."""
    fleet = [cluster(f"c{number}") for number in range(4)]
    estates[0].lay_out(*fleet)
    azure.clear_requests()
    commands = [estate.command(fleet, mode=mode, **gated(estate)) for estate, mode in zip(estates, modes, strict=True)]
    done = together(estates, commands, fleet)
    taken = accepted(azure)
    for one in fleet:
        name = one["name"]
        assert azure.cluster(name)["properties"]["provisioningState"] == "Succeeded"
        sent = [mode for cluster_name, mode in taken if cluster_name == name]
        assert azure.cluster(name)["properties"]["networkProfile"]["kubeProxyConfig"]["mode"] == sent[-1]
        rows = [rollout.row(name) for rollout in done]
        assert sum(row["changed"] for row in rows) == len(sent), (rows, sent)
        for row, mode in zip(rows, modes, strict=True):
            assert row["changed"] == (row["state"] != "unchanged")
            if row["ok"]:
                assert row["verified"] == "azure"
                assert row["after"]["mode"] == mode
                assert mode in sent
            else:
                assert (row["code"], row["verified"]) == ("NotApplied", None), row
                assert row["after"]["mode"] == sent[-1] != mode
        assert any(row["ok"] and mode == sent[-1] for row, mode in zip(rows, modes, strict=True))
    for rollout in done:
        ok = all(row["ok"] for row in rollout.summary["clusters"]) if rollout.summary else False
        assert rollout.status == (0 if ok else 2), rollout.run
    if modes[0] == modes[1]:
        assert [rollout.status for rollout in done] == [0, 0]
        assert sorted(taken) == [(one["name"], "NFTABLES") for one in fleet]
        assert {one["name"]: done[0].after[one["name"]] for one in fleet} == {one["name"]: NFTABLES for one in fleet}
