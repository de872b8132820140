"""Gates and time windows: what is closed stops the rollout before a write, and is no success."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import datetime, timedelta, timezone
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from tests.playbooks.support import NFTABLES, Estate, Rollout, cluster, named
from tests.playbooks.terminal import answered
from tests.support.playbook import Run

QUESTION = "Type 'yes' to go on"


def gated(*stages: str) -> list[dict[str, Any]]:
    """Stages behind a gate each, one cluster at a time."""
    return [{"name": stage, "tag": "environment", "values": [stage], "waves": [1], "gate": True} for stage in stages]


def typed(estate: Estate, *answers: str, meanwhile: Callable[[], Any] = lambda: None) -> Any:
    """What runs a command on a terminal on which somebody types these answers."""

    def run(command: list[str], environ: dict[str, str]) -> Run:
        done = answered(command, environ, estate.folder, question=QUESTION, answers=answers, meanwhile=meanwhile)
        return estate.ansible.finished(done)

    return run


FLEET = [cluster("d1", "dev"), cluster("s1", "staging"), cluster("s2", "staging")]


def assert_stopped_at_staging(done: Rollout) -> None:
    assert (done.after, done.puts) == ({"d1": NFTABLES, "s1": None, "s2": None}, [("d1", "NFTABLES")]), str(done.run)
    assert done.states == {"d1": "switched", "s1": "not_started", "s2": "not_started"}
    assert done.summary is not None
    assert done.summary["stopped"].startswith("staging 1/2: The gate before staging 1/2 was not opened.")
    assert (done.status, done.counted("failed")) == (2, {"d1": 0, "s1": 1, "s2": 1})
    assert done.counted("changed") == {"d1": 1, "s1": 0, "s2": 0}


def test_without_a_terminal_a_gate_is_closed_unless_its_stage_is_confirmed(
    estate: Estate, settings: dict[str, str]
) -> None:
    estate.lay_out(*FLEET)
    assert_stopped_at_staging(
        estate.roll(FLEET, settings=settings, mode="NFTABLES", stages=gated("dev", "staging"), confirmed="dev")
    )


@pytest.mark.parametrize(("answer", "settings"), [("y", "plain"), ("", "any_errors_fatal")], indirect=["settings"])
def test_a_gate_stays_closed_on_any_answer_but_yes(estate: Estate, settings: dict[str, str], answer: str) -> None:
    estate.lay_out(*FLEET)
    stages = gated("dev", "staging")
    done = estate.roll(FLEET, settings=settings, through=typed(estate, "yes", answer), mode="NFTABLES", stages=stages)
    assert done.run.stdout.count(QUESTION) == 2
    assert_stopped_at_staging(done)


def test_in_awx_nobody_is_asked_although_there_is_a_terminal(estate: Estate) -> None:
    estate.lay_out(*FLEET)
    stages = gated("dev", "staging")
    done = estate.roll(FLEET, through=typed(estate), mode="NFTABLES", stages=stages, confirmed="dev", awx_job_id=7)
    assert QUESTION not in done.run.stdout
    assert_stopped_at_staging(done)


def test_yes_opens_a_gate_once_for_its_stage_and_nobody_is_asked_without_a_change(
    estate: Estate, settings: dict[str, str]
) -> None:
    fleet = [cluster("d1", "dev", mode="NFTABLES"), *FLEET[1:]]
    estate.lay_out(*fleet)
    done = estate.roll(
        fleet, settings=settings, through=typed(estate, "yes"), mode="NFTABLES", stages=gated("dev", "staging")
    )
    assert done.status == 0, str(done.run)
    assert done.run.stdout.count(QUESTION) == 1
    assert "staging 1/2: 1 cluster(s) are next: s1" in done.run.stdout
    assert done.states == {"d1": "unchanged", "s1": "switched", "s2": "switched"}
    assert done.puts == [("s1", "NFTABLES"), ("s2", "NFTABLES")]


ZONE = "Asia/Kathmandu"


def far_from_now() -> dict[str, Any]:
    """A window of one hour a week, three days away from any moment of a test."""
    day = datetime.now(ZoneInfo(ZONE)) + timedelta(days=3)
    return {"days": [f"{day:%a}".lower()], "start": "12:00", "end": "13:00", "timezone": ZONE}


def test_outside_its_time_window_a_rollout_stops_and_says_when_it_may_write(
    estate: Estate, settings: dict[str, str]
) -> None:
    """The time zone is told. Who is done already is no failure."""
    fleet = [cluster("c1", mode="NFTABLES"), cluster("c2")]
    estate.lay_out(*fleet, flag="NotRegistered")
    window = far_from_now()
    done = estate.roll(fleet, settings=settings, mode="NFTABLES", window=window)
    assert done.writes == [], f"the set-up of the preview is held back too\n{done.run}"
    assert done.states == {"c1": "unchanged", "c2": "not_started"}
    assert (done.status, done.counted("failed")) == (2, {"c1": 0, "c2": 1})
    assert done.summary is not None
    stopped = done.summary["stopped"]
    assert stopped.endswith(f"{ZONE}, outside the time window {window['days'][0]} 12:00 to 13:00 {ZONE}.")
    assert any(stopped in line for line in done.table)


def test_a_prediction_outside_the_time_window_goes_on_and_says_so(estate: Estate) -> None:
    fleet = [cluster("c1"), cluster("c2")]
    estate.lay_out(*fleet)
    done = estate.roll(fleet, "--check", mode="NFTABLES", window=far_from_now(), stages=[{"name": "all", "waves": [1]}])
    assert (done.status, done.writes) == (0, []), str(done.run)
    plan = done.run.result(named("Show the plan")).values["lines"]
    assert any(line.startswith("Time window: closed now. It is ") for line in plan), plan
    assert [line.split()[-2:] for line in done.table[1:3]] == [["would", "switch"]] * 2
    assert any(line.startswith("Would stop: all 1/2: It is ") for line in done.table), done.table


ALL_DAY = {"start": "00:00", "end": "00:00", "timezone": "UTC"}


@pytest.mark.parametrize("held_up_by", ["hook", "gate"])
def test_a_window_that_closes_while_the_gate_or_the_hook_takes_its_time_stops_the_wave(
    estate: Estate, held_up_by: str
) -> None:
    """The window is read from a file, which says something else in the end."""
    fleet = [cluster("c1")]
    estate.lay_out(*fleet)
    window, hook = estate.folder / "window.json", estate.folder / "hook.yml"
    window.write_text(json.dumps(ALL_DAY), encoding="utf-8")
    closed = json.dumps(far_from_now())
    close = {
        "name": "Close",
        "ansible.builtin.copy": {"dest": str(window), "content": closed},
        "delegate_to": "localhost",
    }
    hook.write_text(json.dumps([close]), encoding="utf-8")
    words: dict[str, Any] = {
        "hook": {"before_wave": str(hook)},
        "gate": {
            "stages": [{"name": "all", "gate": True}],
            "through": typed(estate, "yes", meanwhile=lambda: window.write_text(closed, encoding="utf-8")),
        },
    }
    declared = "{{ lookup('ansible.builtin.file', '" + str(window) + "') | from_json }}"
    done = estate.roll(fleet, mode="NFTABLES", window=declared, **words[held_up_by])
    assert (done.status, done.writes) == (2, []), str(done.run)
    assert done.states == {"c1": "not_started"}
    assert "outside the time window" in done.row("c1")["reason"]


def test_in_its_time_window_a_rollout_writes(estate: Estate, settings: dict[str, str]) -> None:
    fleet = [cluster("c1")]
    estate.lay_out(*fleet)
    now = datetime.now(timezone.utc)
    days = [f"{now + timedelta(days=step):%a}".lower() for step in (-1, 0, 1)]
    window = {"days": days, "start": "00:00", "end": "00:00", "timezone": "UTC"}
    done = estate.roll(fleet, settings=settings, mode="NFTABLES", window=window)
    assert (done.status, done.puts) == (0, [("c1", "NFTABLES")]), str(done.run)


BAD_WINDOWS = {
    "timezone": ({"start": "22:00", "end": "05:00", "timezone": "Mars/Olympus"}, "'timezone' is 'Mars/Olympus'"),
    "unquoted time": ({"start": 79200, "end": "05:00", "timezone": "UTC"}, "write a time in quotes"),
    "missing": ({"start": "22:00", "timezone": "UTC"}, "has no 'end'"),
}


@pytest.mark.parametrize(("window", "message"), BAD_WINDOWS.values(), ids=BAD_WINDOWS)
def test_a_time_window_that_cannot_be_understood_is_an_error_before_azure_is_asked(
    estate: Estate, window: dict[str, Any], message: str
) -> None:
    fleet = [cluster("c1")]
    estate.lay_out(*fleet)
    done = estate.roll(fleet, mode="NFTABLES", window=window)
    assert (done.status, done.requests) == (2, []), str(done.run)
    assert message in " ".join(f"{done.run.stdout} {done.run.stderr}".split())
