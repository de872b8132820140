"""Run the steps of a tier, two at a time, and sum up.

Usage: steps.py test                what make test runs
       steps.py all [--minutes N]   the same, then what make test-all adds; a step starts only if its time is left

Each step is a make target and can be called alone. The output of a step is printed in one piece when the step ends, so
that parallel steps stay readable. A failing step does not stop the others; the exit status is 1 when any failed. The
last line counts tests; a step that leaves no test report in .cache/results counts as one test.
"""

from __future__ import annotations

import argparse
import concurrent.futures
import dataclasses
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from xml.etree import ElementTree as ET

ROOT = Path(__file__).resolve().parents[2]
RESULTS = ROOT / ".cache" / "results"

SKIPPED = "skipped: "
"""A step that cannot run on this machine says why on a line that starts so, and succeeds."""


@dataclasses.dataclass(frozen=True)
class Step:
    """A make target with the time that it may need on two cores, installation included."""

    target: str
    minutes: float


# What make test runs; the longest first, so that two workers end at about the same time.
TEST = (
    Step("playbooks", 24),
    Step("modules", 7),
    Step("sanity", 5),
    Step("molecule", 6),
    Step("contract", 3),
    Step("operations", 3),
    Step("packaging", 3),
    Step("demo", 3),
    Step("chaos", 3),
    Step("ansible-lint", 2),
    Step("unit", 2),
    Step("types", 2),
    Step("docs-lint", 2),
    Step("audit", 2),
    Step("lint", 1),
)
# What make test-all adds; what matters most first, since time may run out.
REST = (
    Step("test-core-2.16", 30),
    Step("test-core-next", 30),
    Step("sanity-core-2.16", 8),
    Step("test-azcollection", 15),
    Step("test-clients", 18),
    Step("test-long", 10),
    Step("test-core-2.20", 30),
    Step("test-core-2.18", 30),
    Step("sanity-core-next", 8),
)
TIERS = {"test": TEST, "all": TEST + REST}

HARD_LIMIT = 3
"""A step is ended, and has failed, after this many times its minutes: nothing may hang."""


@dataclasses.dataclass(frozen=True)
class Outcome:
    """What became of a step."""

    target: str
    state: str
    seconds: float
    passed: int = 0
    failed: int = 0
    skipped: int = 0


class Runner:
    """Runs steps, and ends what still runs when it is interrupted."""

    def __init__(self, deadline: float | None) -> None:
        """Take the time, on the monotonic clock, after which no step may be running."""
        self.deadline = deadline
        self.lock = threading.Lock()
        self.running: set[subprocess.Popen[str]] = set()
        self.interrupted = False

    def run(self, step: Step) -> Outcome:
        """Run one step and print its output in one piece."""
        start = time.monotonic()
        if self.interrupted or (self.deadline and start + step.minutes * 60 > self.deadline):
            return Outcome(step.target, "not run", 0)
        report = RESULTS / f"{step.target}.xml"
        report.unlink(missing_ok=True)
        # A make above this script would offer its own job slots to the one below.
        variables = {name: value for name, value in os.environ.items() if not name.startswith("MAKE")}
        process = subprocess.Popen(
            ["make", "--no-print-directory", step.target],
            cwd=ROOT,
            env=variables,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            start_new_session=True,
        )
        self.running.add(process)
        watchdog = threading.Timer(HARD_LIMIT * step.minutes * 60, end, [process])
        watchdog.start()
        output, _none = process.communicate()
        watchdog.cancel()
        self.running.discard(process)
        seconds = time.monotonic() - start
        outcome = judge(step.target, process.returncode, output, seconds, report)
        with self.lock:
            sys.stdout.write(output)
            print(f"<== {step.target}: {outcome.state} after {seconds:.0f} s", flush=True)
        return outcome

    def stop(self, _signal: int, _frame: object) -> None:
        """End everything (called on SIGINT and SIGTERM)."""
        self.interrupted = True
        for process in list(self.running):
            end(process)


def end(process: subprocess.Popen[str]) -> None:
    """End a step with all that it started."""
    if process.poll() is None:
        os.killpg(process.pid, signal.SIGTERM)


def judge(target: str, status: int, output: str, seconds: float, report: Path) -> Outcome:
    """Tell what became of a step from its exit status, its output and its test report, if it left one."""
    skip = any(line.startswith(SKIPPED) for line in output.splitlines())
    state = "failed" if status else "skipped" if skip else "passed"
    if not report.is_file():
        return Outcome(target, state, seconds, **{state: 1})
    suites = list(ET.parse(report).iter("testsuite"))  # noqa: S314 - our own pytest wrote it

    def total(*names: str) -> int:
        return sum(int(suite.get(name, 0)) for suite in suites for name in names)

    bad, skipped = total("failures", "errors"), total("skipped")
    # A step can fail beside its tests; that has to show in the counts too.
    failed = bad or int(state == "failed")
    return Outcome(target, state, seconds, total("tests") - bad - skipped, failed, skipped)


def summarise(outcomes: list[Outcome]) -> None:
    """Print a line per step and the counts."""
    print("\n==> summary")
    for outcome in outcomes:
        tests = f"{outcome.passed} passed, {outcome.failed} failed, {outcome.skipped} skipped"
        print(f"  {outcome.target:18} {outcome.state:8} {outcome.seconds:5.0f} s   {tests}")
    not_run = [outcome.target for outcome in outcomes if outcome.state == "not run"]
    if not_run:
        print(f"Not run, for lack of time: {', '.join(not_run)}")
    sums = [sum(getattr(outcome, name) for outcome in outcomes) for name in ("passed", "failed", "skipped")]
    print("{} passed, {} failed, {} skipped".format(*sums), flush=True)


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description="Run the steps of a tier, two at a time, and sum up.")
    parser.add_argument("tier", choices=sorted(TIERS))
    parser.add_argument("--minutes", type=float, help="start a step only if its time is left of so many minutes")
    parser.add_argument("--jobs", type=int, default=2, help="how many steps run at once (default: 2)")
    arguments = parser.parse_args()
    runner = Runner(time.monotonic() + arguments.minutes * 60 if arguments.minutes is not None else None)
    signal.signal(signal.SIGINT, runner.stop)
    signal.signal(signal.SIGTERM, runner.stop)
    RESULTS.mkdir(parents=True, exist_ok=True)
    with concurrent.futures.ThreadPoolExecutor(arguments.jobs) as pool:
        outcomes = list(pool.map(runner.run, TIERS[arguments.tier]))
    summarise(outcomes)
    sys.exit(1 if runner.interrupted or any(outcome.state == "failed" for outcome in outcomes) else 0)


if __name__ == "__main__":
    main()
