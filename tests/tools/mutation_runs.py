"""How mutants are run: each in a fork of a process that has loaded what it needs.

There are two ways. In place: all tests are collected once, and a fork puts the changed code into the functions that
are there already. That takes hardly longer than the test that fails. Afresh: a fork of a process without our code
imports the changed file and the files of its tests, as an ordinary run would: for what runs at import, and to make
sure of each survivor.
"""

from __future__ import annotations

import contextlib
import gc
import importlib
import importlib.abc
import importlib.util
import os
import pickle
import resource
import shutil
import signal
import sys
import time
import types
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from hypothesis import Phase, settings

from tests.tools.mutation_coverage import Tried, Watch
from tests.tools.mutation_operators import Mutant
from tests.tools.mutation_report import KILLED, NOT_RUN, SURVIVED, TIMED_OUT, UNKNOWN, Result

MEMORY = 6 << 30  # bytes that a mutant may take: one that never ends takes more and more
OUTCOMES = {
    int(pytest.ExitCode.OK): SURVIVED,
    int(pytest.ExitCode.NO_TESTS_COLLECTED): SURVIVED,  # the change took away the tests themselves
    int(pytest.ExitCode.TESTS_FAILED): KILLED,
    -signal.SIGXCPU: TIMED_OUT,
}


def outcome_of(status: int) -> str:
    """Tell what an exit status says. Another signal is a crash; pytest's other statuses say nothing of the tests."""
    return OUTCOMES.get(status, KILLED if status < 0 else UNKNOWN)


@dataclass(frozen=True)
class Job:
    """A mutant of a file, and the tests that can notice it.

    Attributes:
        result: where it is, and what it changes.
        file: the file's real path.
        mutant: the change.
        tests: in the order in which they run.
        seconds: how long they may take together.
    """

    result: Result
    file: str
    mutant: Mutant
    tests: list[str]
    seconds: float


class Selection:
    """A pytest plugin that runs some tests in a given order, and ends the process at the first failure."""

    def __init__(self, tests: Sequence[str]) -> None:
        self.order = {test: number for number, test in enumerate(tests)}

    @pytest.hookimpl(trylast=True)
    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        """Leave out the other tests. Of a property, a failure is all that is wanted, not the smallest one."""
        items[:] = sorted((item for item in items if item.nodeid in self.order), key=lambda i: self.order[i.nodeid])
        settings.register_profile("mutation", parent=settings(), phases=[Phase.explicit, Phase.generate])
        settings.load_profile("mutation")

    @pytest.hookimpl(wrapper=True)
    def pytest_load_initial_conftests(self) -> Generator[None, None, None]:
        """A conftest.py that cannot be imported any more is a failure. For pytest it would be wrong usage."""
        try:
            yield
        except Exception:
            os._exit(pytest.ExitCode.TESTS_FAILED)

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        """A file of tests that cannot be imported any more is a failure."""
        if report.failed:
            os._exit(pytest.ExitCode.TESTS_FAILED)

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_makereport(self, call: pytest.CallInfo[None]) -> None:
        """End at once: whoever waits for this process also ends what the test started."""
        if call.excinfo and not call.excinfo.errisinstance(pytest.skip.Exception):
            os._exit(pytest.ExitCode.TESTS_FAILED)


class InPlace(Selection):
    """A pytest plugin that collects tests once and then tries mutants, each in a fork."""

    def __init__(self, jobs: Sequence[Job], folder: Path, at_a_time: int, told: Callable[[int, str], None]) -> None:
        super().__init__([test for job in jobs for test in job.tests])
        self.jobs, self.folder, self.at_a_time, self.told = jobs, folder, at_a_time, told

    def pytest_runtestloop(self, session: pytest.Session) -> bool:
        """Try the mutants instead of running the tests."""
        items = {item.nodeid: item for item in session.items}
        functions = functions_of({job.file for job in self.jobs})
        gc.freeze()  # what is loaded now need not be looked through again in each fork

        def run(job: Job, _own: Path) -> int:
            put_in_place(job, functions[job.file])
            tests = [items[test] for test in job.tests if test in items]
            for item, following in zip(tests, [*tests[1:], None], strict=True):
                item.config.hook.pytest_runtest_protocol(item=item, nextitem=following)
            return 0

        numbers = {id(job): number for number, job in enumerate(self.jobs)}
        for job, outcome in try_all(self.jobs, run, self.folder, self.at_a_time):
            self.told(numbers[id(job)], outcome)
        return True


def functions_of(files: set[str]) -> dict[str, dict[str, types.FunctionType]]:
    """Return the functions that were defined in files, by file and qualified name; none that has its name twice."""
    real: dict[str, str] = {}
    found: dict[str, dict[str, list[types.FunctionType]]] = {file: {} for file in files}
    for thing in gc.get_objects():
        if isinstance(thing, types.FunctionType):
            path = thing.__code__.co_filename
            file = real.setdefault(path, os.path.realpath(path))
            if file in found:
                found[file].setdefault(qualified_name(thing.__code__), []).append(thing)
    return {file: {name: own[0] for name, own in named.items() if len(own) == 1} for file, named in found.items()}


def qualified_name(code: types.CodeType) -> str:
    """Return the name of code within its file."""
    name: str = getattr(code, "co_qualname", "")  # Python 3.11; types are checked for the oldest one
    return name


def put_in_place(job: Job, functions: Mapping[str, types.FunctionType]) -> None:
    """Put changed code into functions. Where that cannot be done, nothing is changed: it survives for now."""
    waiting: list[Any] = [compile(job.mutant.source, job.file, "exec", dont_inherit=True)]
    while waiting:
        code = waiting.pop()
        waiting += [part for part in code.co_consts if isinstance(part, types.CodeType)]
        function = functions.get(qualified_name(code))
        if function:
            with contextlib.suppress(ValueError):  # with other free variables it is no function of the same kind
                function.__code__ = code


class Changed(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """Imports a file with other contents, under each name that it has."""

    def __init__(self, file: str, names: Sequence[str], source: str) -> None:
        self.file, self.names, self.source = file, names, source

    def find_spec(self, name: str, _path: Any = None, _target: Any = None) -> Any:
        """The finder of a name is this object itself, or another one's business."""
        return importlib.util.spec_from_file_location(name, self.file, loader=self) if name in self.names else None

    def create_module(self, spec: Any) -> None:
        """An ordinary module will do."""

    def exec_module(self, module: Any) -> None:
        """Run the changed file."""
        exec(compile(self.source, self.file, "exec", dont_inherit=True), vars(module))  # noqa: S102


def options_for(folder: Path) -> list[str]:
    """Return pytest's options for runs that write nothing but into a folder of their own, and start fast."""
    quiet = ["-q", "-s", "--tb=short", "--no-header", "-p", "no:xdist", "--assert=plain"]
    # Hypothesis works without its plugin, which reads all of the code for constants when tests are collected.
    left_out = ["-p", "no:hypothesispytest"]
    return [*quiet, *left_out, f"--basetemp={folder / 'tmp'}", "-o", f"cache_dir={folder / 'cache'}"]


def files_of(tests: Sequence[str]) -> list[str]:
    """Return the files of tests, each once."""
    return list(dict.fromkeys(test.partition("::")[0] for test in tests))


def in_a_fork(work: Callable[[], int], log: Path) -> int:
    """Start a function in a process and a process group of its own; its result is the exit status."""
    child = os.fork()
    if child:
        return child
    status = int(pytest.ExitCode.INTERNAL_ERROR)
    try:
        os.setsid()
        output = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
        os.dup2(output, 1)
        os.dup2(output, 2)
        status = work()
    finally:
        sys.stdout.flush()
        os._exit(status)


def end(child: int) -> None:
    """End a fork's process group: what its tests started and left behind ends with it."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(child, signal.SIGKILL)


def try_all(
    jobs: Sequence[Job], run: Callable[[Job, Path], int], folder: Path, at_a_time: int
) -> Iterator[tuple[Job, str]]:
    """Run each mutant in a fork and yield what became of it, as they end."""
    waiting = list(enumerate(jobs))[::-1]
    running: dict[int, tuple[Job, Path, float]] = {}
    try:
        while waiting or running:
            while waiting and len(running) < at_a_time:
                number, job = waiting.pop()
                if not job.tests:
                    yield job, NOT_RUN
                    continue
                own = folder / str(number)
                own.mkdir()
                child = in_a_fork(lambda job=job, own=own: limited(run, job, own), own / "log")  # type: ignore[misc]
                running[child] = job, own, time.monotonic() + job.seconds
            time.sleep(0.002)
            for child, (job, own, until) in list(running.items()):
                ended, status = os.waitpid(child, os.WNOHANG)
                if not ended and time.monotonic() < until:
                    continue
                end(child)
                if not ended:
                    os.waitpid(child, 0)
                del running[child]
                shutil.rmtree(own, ignore_errors=True)
                yield job, outcome_of(os.waitstatus_to_exitcode(status)) if ended else TIMED_OUT
    finally:
        for child in running:
            end(child)


def limited(run: Callable[[Job, Path], int], job: Job, own: Path) -> int:
    """Run a mutant with bounded memory, and with bounded computing: it ends even if nobody waits for it any more."""
    seconds = int(2 * job.seconds)
    resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds))
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    return run(job, own)


def try_in_place(jobs: Sequence[Job], folder: Path, at_a_time: int) -> Iterator[tuple[Job, str]]:
    """Try mutants of functions in a process that has collected all their tests; survivors may turn out to be none."""
    reading, writing = os.pipe()
    own = folder / "in-place"
    own.mkdir()

    def work() -> int:
        os.close(reading)  # so that writing fails when nobody reads any more, which ends this process

        def told(number: int, outcome: str) -> None:
            os.write(writing, f"{number} {outcome}\n".encode())

        plugin = InPlace(jobs, own, at_a_time, told)
        return int(pytest.main([*files_of(list(plugin.order)), *options_for(own)], plugins=[plugin]))

    child = in_a_fork(work, folder / "in-place.log")
    os.close(writing)
    try:
        with open(reading, encoding="utf-8") as lines:  # noqa: PTH123  (a descriptor, no path)
            for line in lines:
                number, outcome = line.rstrip("\n").split(" ", 1)
                yield jobs[int(number)], outcome
    finally:
        end(child)
        os.waitpid(child, 0)


def try_afresh(jobs: Sequence[Job], tried: Tried, folder: Path, at_a_time: int) -> Iterator[tuple[Job, str]]:
    """Try mutants as an ordinary run would, everything of ours imported anew."""

    def run(job: Job, own: Path) -> int:
        sys.meta_path.insert(0, Changed(job.file, tried.names[job.file], job.mutant.source))
        return int(pytest.main([*files_of(job.tests), *options_for(own)], plugins=[Selection(job.tests)]))

    yield from try_all(jobs, run, folder, at_a_time)


def try_without_change(tests: Sequence[str], root: Path, folder: Path) -> Tried:
    """Run all tests as they are, in a fork. Those that fail, where a machine is too busy, are named and left out.

    Raises:
        SystemExit: they could not be run, or none passes.
    """
    found, log = folder / "tried", folder / "tried.log"

    def work() -> int:
        watch = Watch(root)
        status = watch.run([*tests, *options_for(folder)])
        found.write_bytes(pickle.dumps(watch.tried))
        return status

    _child, status = os.waitpid(in_a_fork(work, log), 0)
    tried: Tried = pickle.loads(found.read_bytes()) if found.exists() else Tried()  # noqa: S301  (our own)
    if os.waitstatus_to_exitcode(status) not in (pytest.ExitCode.OK, pytest.ExitCode.TESTS_FAILED) or not tried.seconds:
        sys.exit(f"The tests fail without any change:\n{log.read_text(encoding='utf-8')[-4000:]}")
    for test in sorted(tried.failed):
        print(f"Left out, since it fails without any change: {test}", flush=True)
    return tried


def load(names: Sequence[str]) -> None:
    """Import modules, as far as they can be imported by their names."""
    for name in names:
        if name not in sys.modules:
            with contextlib.suppress(Exception):
                importlib.import_module(name)
    gc.freeze()
