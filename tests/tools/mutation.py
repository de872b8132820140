"""Mutation check: change the code in one place, run the tests that reach that place, and see whether one fails.

What no test notices is a survivor: it is shown as the line and the change. Survivors that somebody looked at stand
with their reason in mutation-survivors.yml. The exit status is 1 if there are others, or entries without a survivor.
All results are kept in .cache/mutation/results.jsonl, one line each, as they come.

How it is fast enough: one run of all tests tells which of them run which line, and what they import. A mutant then is a
fork that runs the tests it needs, quickest first, and ends at the first failure. Needs Python 3.12, for sys.monitoring.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, replace
from fnmatch import fnmatch
from pathlib import Path

from tests.tools.mutation_coverage import Tried
from tests.tools.mutation_operators import Mutant, mutants
from tests.tools.mutation_report import KILLED, NOTICED, RESULTS, Result, noticed_always, read_results, report
from tests.tools.mutation_runs import Job, load, try_afresh, try_in_place, try_without_change

ROOT = Path(__file__).resolve().parents[2]
# Decisions have to be seen by their own unit tests; what an operation does, by what it does to an Azure too.
SUBJECTS = {
    "plugins/module_utils/_domain": ["tests/unit/domain", "tests/unit/plugin_utils"],
    "plugins/module_utils/_operations": ["tests/unit/operations", "tests/operations"],
}


def affordable(tests: Sequence[str], tried: Tried, budget: float, patience: float) -> tuple[list[str], float]:
    """Return as many tests as fit into a time in seconds, and a time in which they have surely ended.

    Args:
        tests: in the order in which they shall run.
        tried: how long each lasts.
        budget: seconds for all.
        patience: seconds to start in, beside four times what the tests themselves need.
    """
    taken: list[str] = []
    total = 0.0
    for test in tests:
        if total + tried.seconds[test] <= budget or not taken:
            taken.append(test)
            total += tried.seconds[test]
    return taken, patience + 4 * total


def chosen(files: Sequence[Path], options: argparse.Namespace) -> list[tuple[Path, Mutant]]:
    """Return the mutants of files, or a sample of them."""
    found = [(file, mutant) for file in files for mutant in mutants(file.read_text(encoding="utf-8"))]
    if options.sample and options.sample < len(found):
        numbers = random.Random(options.seed).sample(range(len(found)), options.sample)
        found = [found[number] for number in sorted(numbers)]
    return found


def check(subjects: Mapping[str, Sequence[str]], options: argparse.Namespace) -> Iterator[Result]:
    """Try the mutants of the folders that are keys with the tests that are values."""
    root = options.root.resolve()
    for source, tests in subjects.items():
        files = [
            file
            for pattern in options.only
            for file in sorted((root / source).rglob("*.py"))
            if fnmatch(str(file.relative_to(root)), f"*{pattern}*")
        ]
        if files:
            with tempfile.TemporaryDirectory(prefix="mutation-") as folder:
                sys.dont_write_bytecode, sys.pycache_prefix = False, folder  # compiled once for all forks
                print(f"{source}: the tests without a change", flush=True)
                tried = try_without_change(tests, root, Path(folder))
                load(tried.independent_of([str(file) for file in files]))
                yield from check_files(files, tried, Path(folder), options)


def check_files(files: Sequence[Path], tried: Tried, folder: Path, options: argparse.Namespace) -> Iterator[Result]:
    """Try the mutants of files; with C(again), what earlier runs saw noticed is taken as it was."""
    root = options.root.resolve()
    known = noticed_always(read_results(root / RESULTS)) if options.again else set()
    jobs = []
    for file, mutant in chosen(files, options):
        where = str(file.relative_to(root))
        result = Result(where, mutant.line, mutant.text, mutant.change, KILLED, mutant.column)
        if result.key in known:
            yield result
        else:
            reach = tried.tests_of(str(file), mutant.lines, mutant.at_import)
            jobs.append(Job(result, str(file), mutant, *affordable(reach, tried, options.seconds, options.patience)))
    print(f"{len(jobs)} mutants to try with {len(tried.seconds)} tests", flush=True)
    afresh = [job for job in jobs if job.mutant.at_import]
    for job, outcome in try_in_place([job for job in jobs if not job.mutant.at_import], folder, options.jobs):
        if outcome in NOTICED:
            yield replace(job.result, outcome=outcome)
        else:
            afresh.append(job)
    for job, outcome in try_afresh(afresh, tried, folder, options.jobs):
        yield replace(job.result, outcome=outcome)


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", nargs="+", default=[""], help="parts of files' paths, may hold *")
    parser.add_argument("--sample", type=int, default=0, help="so many mutants of each folder, chosen by the seed")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--again", action="store_true", help="leave out what earlier runs saw noticed")
    parser.add_argument("--jobs", type=int, default=2, help="mutants at a time")
    parser.add_argument("--seconds", type=float, default=30, help="of tests that a mutant gets at most")
    parser.add_argument("--patience", type=float, default=8, help="seconds to start in; more where a machine is busy")
    parser.add_argument("--root", type=Path, default=ROOT)
    parser.add_argument("--source", help="another folder than this collection's")
    parser.add_argument("--tests", nargs="+", default=["tests"], help="the tests of that folder")
    options = parser.parse_args()
    os.chdir(options.root)
    kept = options.root.resolve() / RESULTS
    kept.parent.mkdir(parents=True, exist_ok=True)
    results = []
    for result in check({options.source: options.tests} if options.source else SUBJECTS, options):
        results.append(result)
        with kept.open("a", encoding="utf-8") as file:  # at once: who stops it keeps what was found
            file.write(json.dumps(asdict(result)) + "\n")
    sys.exit(report(results, options.root.resolve(), whole=not options.sample))


if __name__ == "__main__":
    main()
