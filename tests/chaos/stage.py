"""Plays a story: real ansible-playbook processes, an emulated Azure, and whatever the story lets go wrong."""

from __future__ import annotations

import json
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from tests.chaos.act import AGAIN, RERUN, Act, Played
from tests.chaos.deeds import Neighbours
from tests.chaos.faults import KUBERNETES, PREVIEW, ROLLBACK, ROLLOUT
from tests.chaos.story import Story, Strike
from tests.chaos.witness import Witness, lines_of
from tests.emulator import Emulator
from tests.playbooks.processes import Rolling, rolling
from tests.playbooks.support import Estate, static_inventory
from tests.support.playbook import Ansible

SPEED = 60.0
POLL = 1.0
"""Seconds between two looks of a run at a cluster."""
WAIT_TIMEOUT, VERIFY_TIMEOUT = 25, 10
LONGEST_WAIT = 300
"""Seconds in place of those two where nothing goes wrong, so that a slow machine is no fault."""
LONGEST_ACT = 600.0
"""Seconds after which a run is taken to hang."""
AFTERMATH = 20.0
"""Seconds after the controllers' death in which somebody who works on would be seen."""
LONGEST_DYING = 120.0
"""Seconds in which a controller has to obey a signal."""
LOOK = 0.02
"""Seconds between two looks of the stage at what has arrived."""
SMALL_DISK = "4k"

KILL, SECOND = "kill", "second_controller"
FULL_JOURNAL, FULL_SUMMARY = "fill_journal", "fill_summary"
OF_THE_ACT = (SECOND, FULL_JOURNAL, FULL_SUMMARY)
"""Deeds that concern an act from its beginning."""


class Stage:
    """A stage with an emulator, for one story after the other.

    Args:
        bin_folder: the folder of the Ansible under test.
        variables: environment variables of whatever it starts; the home is each story's own.
    """

    def __init__(self, bin_folder: Path, variables: Mapping[str, str]) -> None:
        self.bin, self.variables = bin_folder, variables
        self.witness = Witness()
        self.azure = Emulator(speed=SPEED, observer=self.witness)

    def __enter__(self) -> Stage:
        """Start the emulator."""
        self.azure.start()
        return self

    def __exit__(self, *_error: object) -> None:
        """Stop it."""
        self.azure.stop()

    def play(self, story: Story, folder: Path) -> Played:
        """Play a story in a folder of its own.

        Where putting everything back was left undone by its faults, it is done once more without any.
        """
        home = folder / "home"
        home.mkdir()
        scratch = folder / "tmp"
        scratch.mkdir()
        variables = {**self.variables, "HOME": str(home), "TMPDIR": str(scratch)}
        estate = Estate(Ansible(self.bin, variables, folder), self.azure)
        self.azure.clear_faults()
        estate.lay_out(*story.fleet, flag=story.flag, daemonset_seconds=2.0, node_seconds=4.0)
        play = _Play(self, story, estate)
        for name in (PREVIEW, ROLLOUT, RERUN, ROLLBACK) if story.previews else (ROLLOUT, RERUN, ROLLBACK):
            last = play.run(name)
        if last.statuses != [0]:
            play.run(AGAIN)
        return Played(story, play.acts, folder)


class _Play:
    """A story while it is played."""

    def __init__(self, stage: Stage, story: Story, estate: Estate) -> None:
        self.azure, self.witness = stage.azure, stage.witness
        self.story, self.estate = story, estate
        self.neighbours = Neighbours(stage.azure, story.names, stage.witness)
        self.journal = estate.records / "journal.jsonl"
        self.small_disk = estate.folder / "small"
        self.acts: list[Act] = []

    def run(self, name: str) -> Act:
        """Play one act, and mend what went wrong in it."""
        act = Act(name, before=self.neighbours.bodies())
        self.acts.append(act)
        strikes = self.story.strikes.get(name, ())
        deeds = [strike for strike in strikes if strike.fault.deed]
        scripts = [strike for strike in strikes if strike.fault.order]
        known = set(self.estate.records.glob("summary-*.json"))
        old = len(lines_of(self.journal))
        started = time.monotonic()
        with ExitStack() as stack:
            variables = self._variables(act, deeds, stack)
            self._script(scripts)
            self.azure.clear_requests()
            self.azure.clear_kubernetes_requests()
            self.witness.begin(self.journal)
            controllers = [
                stack.enter_context(rolling(estate, self._command(act, estate, variables)))
                for estate in self._estates(act, deeds)
            ]
            self._watch(act, controllers, [strike for strike in deeds if strike.fault.deed not in OF_THE_ACT])
            act.statuses = [None if one.runs else one.process.returncode for one in controllers]
            act.output = "\n".join(str(one) for one in controllers)
            act.left = sum(len(one.members()) for one in controllers)
            (self.estate.folder / f"{len(self.acts)} {name}.txt").write_text(act.output, encoding="utf-8")
        act.seconds = time.monotonic() - started
        act.arrivals, act.requests, act.asked = (
            list(self.witness.arrivals),
            self.azure.requests(),
            self.azure.kubernetes_requests(),
        )
        for strike, script in zip(scripts, self.azure.faults(), strict=True):
            if script["struck"]:
                act.strike(strike.fault.name, self._struck_at(act, strike))
        act.noted = len(lines_of(self.journal)) - old
        new = set(self.estate.records.glob("summary-*.json")) - known
        act.summaries = [json.loads(path.read_text(encoding="utf-8")) for path in sorted(new)]
        act.differences = self.neighbours.taken()
        act.after, act.modes = self.neighbours.bodies(), self.neighbours.modes()
        self.neighbours.mend()
        return act

    def _struck_at(self, act: Act, strike: Strike) -> set[str]:
        """The clusters at which a fault has struck."""
        if strike.fault.order and strike.fault.order.match == KUBERNETES:
            return {entry["cluster"] for entry in act.asked if entry["faults"]}
        return set(act.before) if strike.fault.everywhere else {strike.cluster}

    def _estates(self, act: Act, deeds: list[Strike]) -> Iterator[Estate]:
        yield self.estate
        if any(strike.fault.deed == SECOND for strike in deeds):
            folder = self.estate.folder / f"second {act.name}"
            folder.mkdir()
            act.strike("two controllers", act.before)
            yield replace(self.estate, ansible=replace(self.estate.ansible, folder=folder))

    def _variables(self, act: Act, deeds: list[Strike], stack: ExitStack) -> dict[str, Any]:
        """The variables of a run, once its disks are as full as the story has it."""
        found: dict[str, Any] = {
            "directory": str(self.estate.records),
            "journal": str(self.journal),
            "poll_interval": POLL,
            "wait_timeout": LONGEST_WAIT if act.clean else WAIT_TIMEOUT,
            "verify_timeout": LONGEST_WAIT if act.clean else VERIFY_TIMEOUT,
            **self.story.variables,
        }
        record = self.journal
        for strike in deeds:
            if strike.fault.deed == FULL_JOURNAL:
                record = stack.enter_context(full_file(self.journal))
                act.strike(strike.fault.name, act.before)
            if strike.fault.deed == FULL_SUMMARY and stack.enter_context(small_disk(self.small_disk)):
                found["directory"] = str(self.small_disk)
                act.strike(strike.fault.name, act.before)
        if act.name in (ROLLBACK, AGAIN):
            return {
                **{key: value for key, value in found.items() if key not in ("mode", "enabled", "stages")},
                "record": str(record),
            }
        if act.name == RERUN:
            found |= {"failed_clusters": "repair", "policy": "halt"}
        return found

    def _command(self, act: Act, estate: Estate, variables: dict[str, Any]) -> list[str]:
        fleet = [one for one in self.story.fleet if one["name"] in self.neighbours.there]
        playbook = "aks.kube_proxy.rollback" if act.name in (ROLLBACK, AGAIN) else "aks.kube_proxy.rollout"
        options = ["--check"] if act.name == PREVIEW else []
        if self.story.verbosity:
            options.append("-" + "v" * self.story.verbosity)
        return estate.command(fleet, *options, playbook=playbook, inventory=static_inventory(fleet), **variables)

    def _script(self, scripts: list[Strike]) -> None:
        for strike in scripts:
            order = strike.fault.order
            assert order
            match = dict(order.match) if order.anywhere else {**order.match, "cluster": strike.cluster}
            self.azure.fault(order.fault, match=match, times=order.times, skip=strike.after, **order.parameters)

    def _watch(self, act: Act, controllers: list[Rolling], deeds: list[Strike]) -> None:
        """Look on until all controllers have ended; do what the story has for the moments that come."""
        end = time.monotonic() + LONGEST_ACT
        waiting = sorted(deeds, key=lambda strike: strike.after)
        looked = time.monotonic()
        while any(one.runs for one in controllers) and time.monotonic() < end:
            while waiting and len(self.witness.arrivals) >= waiting[0].after:
                self._do(act, waiting.pop(0), controllers)
                looked = time.monotonic()
            looked = _looked(act, looked)
        if act.killed is not None:
            end = act.killed + AFTERMATH
            while any(one.members() for one in controllers) and time.monotonic() < end:
                looked = _looked(act, looked)

    def _do(self, act: Act, strike: Strike, controllers: list[Rolling]) -> None:
        fault = strike.fault
        if fault.deed != KILL:
            if self.neighbours.do(fault.deed, strike.cluster, fault.arguments):
                act.strike(fault.name, act.before if fault.everywhere else {strike.cluster})
                if strike.cluster not in self.neighbours.there:
                    act.gone[strike.cluster] = time.monotonic()
            return
        living = [one for one in controllers if one.runs]
        for one in living:
            one.process.send_signal(signal.Signals[fault.arguments["number"]])
        end = time.monotonic() + LONGEST_DYING
        while any(one.runs for one in living) and time.monotonic() < end:
            time.sleep(0.02)
        act.killed = time.monotonic()
        act.strike(fault.name, act.before)


def _looked(act: Act, last: float) -> float:
    """Wait a moment before the next look; notes how long the machine took for it. Returns when that was."""
    time.sleep(LOOK)
    now = time.monotonic()
    act.stalled = max(act.stalled, now - last - LOOK)
    return now


@contextmanager
def full_file(path: Path) -> Iterator[Path]:
    """A file that nothing can be written to, since its disk is full. What it held is elsewhere for so long."""
    kept = path.with_suffix(".kept")
    path.parent.mkdir(exist_ok=True)
    if path.exists():
        path.rename(kept)
    path.symlink_to("/dev/full")
    try:
        yield kept
    finally:
        path.unlink()
        if kept.exists():
            kept.rename(path)


@contextmanager
def small_disk(folder: Path) -> Iterator[bool]:
    """A disk with room for next to nothing; False where this user may not mount one. What it holds is kept."""
    folder.mkdir(exist_ok=True)
    command = ["mount", "-t", "tmpfs", "-o", f"size={SMALL_DISK}", "tmpfs", str(folder)]
    mounted = subprocess.run(command, capture_output=True, check=False).returncode == 0
    try:
        yield mounted
    finally:
        if mounted:
            shutil.copytree(folder, folder.with_name("small disk"), dirs_exist_ok=True)
            subprocess.run(["umount", "--lazy", str(folder)], check=True)
