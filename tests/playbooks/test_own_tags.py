"""A playbook of one's own that gives the rollout a tag: what the tag selects is done, and judged as what it is."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from tests.playbooks.support import NFTABLES, ROLLOUT, Estate, Rollout, cluster

FLEET = [cluster("c1"), cluster("c2")]
STAGES = [{"name": "all", "waves": [1], "gate": True}]


def site(folder: Path) -> str:
    """A playbook that imports the rollout under a tag."""
    path = folder / "site.yml"
    path.write_text(yaml.safe_dump([{"import_playbook": ROLLOUT, "tags": ["kube_proxy"]}]), encoding="utf-8")
    return str(path)


def roll(estate: Estate, *options: str, confirmed: str = "", settings: dict[str, str] | None = None) -> Rollout:
    return estate.roll(
        FLEET,
        "--tags",
        "kube_proxy",
        *options,
        playbook=site(estate.folder),
        settings=settings,
        mode="NFTABLES",
        stages=STAGES,
        confirmed=confirmed,
    )


def test_a_closed_gate_stops_it_and_is_no_success(estate: Estate) -> None:
    estate.lay_out(*FLEET)
    done = roll(estate)
    assert (done.status, done.writes) == (2, []), str(done.run)
    assert done.states == {"c1": "not_started", "c2": "not_started"}


@pytest.mark.parametrize("settings", ["any_errors_fatal"], indirect=True)
def test_what_is_written_is_summed_up_and_a_failure_halts(estate: Estate, settings: dict[str, str]) -> None:
    estate.lay_out(*FLEET)
    estate.azure.fault("operation_failed", match={"cluster": "c2"})
    done = roll(estate, confirmed="all", settings=settings)
    assert (done.status, done.after["c1"]) == (2, NFTABLES), str(done.run)
    assert done.states == {"c1": "switched", "c2": "failed"}
    assert [line["event"] for line in done.journal] == ["submitting", "ended"] * 2


def test_with_the_switch_left_out_it_leaves_the_clusters(estate: Estate) -> None:
    estate.lay_out(*FLEET)
    done = roll(estate, "--skip-tags", "switch", confirmed="all")
    assert (done.status, done.writes, done.files) == (0, [], []), str(done.run)
