"""What a mutation check tells: the score by file, and the survivors that nobody explained."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

EXPLAINED = Path("tests/tools/mutation-survivors.yml")
RESULTS = Path(".cache/mutation/results.jsonl")
KILLED, TIMED_OUT, SURVIVED, NOT_RUN, UNKNOWN = "killed", "timed out", "survived", "not run", "could not be tried"
NOTICED = (KILLED, TIMED_OUT)


@dataclass(frozen=True)
class Result:
    """What became of a mutant.

    Attributes:
        file: the path below the project's root.
        line: the line's number, from 1.
        text: the line without its indentation.
        change: what was replaced by what.
        outcome: killed, timed out, survived, not run: no test reaches the line, or could not be tried: pytest itself
            failed, which says nothing of the tests.
        column: where the change begins.
    """

    file: str
    line: int
    text: str
    change: str
    outcome: str
    column: int = 0

    @property
    def key(self) -> tuple[str, str, str]:
        """What stays the same when other lines come and go."""
        return self.file, self.text, self.change

    def shown(self) -> str:
        """The survivor for a reader."""
        return f"{self.file}:{self.line}: {self.outcome}\n    {self.text}\n    {self.change}"


def read_results(path: Path) -> list[Result]:
    """Read the results of earlier runs, a JSON object in each line; of a mutant tried more than once, the last one."""
    lines = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
    found = [Result(**json.loads(line)) for line in lines]
    return list({(*result.key, result.line, result.column): result for result in found}.values())


def noticed_always(results: Iterable[Result]) -> set[tuple[str, str, str]]:
    """Return the keys of mutants that were noticed, wherever in the file the same line has the same change."""
    results = list(results)
    return {r.key for r in results if r.outcome in NOTICED} - {r.key for r in results if r.outcome not in NOTICED}


def read_explained(path: Path) -> dict[tuple[str, str, str], str]:
    """Read the survivors that somebody looked at: by file, line and change, the reason.

    The file is a list; each entry has C(file), C(why) and C(survivors), which has lists of changes by the line's text.
    """
    entries: list[Mapping[str, Any]] = yaml.safe_load(path.read_text(encoding="utf-8")) if path.exists() else []
    return {
        (entry["file"], text, change): entry["why"]
        for entry in entries or ()
        for text, changes in entry["survivors"].items()
        for change in changes
    }


def score_lines(results: Sequence[Result], explained: Iterable[tuple[str, str, str]]) -> list[str]:
    """Return a table: by file and in all, how many mutants were killed, timed out, are explained, and are neither.

    A test that waits for ever notices a change, and so does a machine that is too busy. So the two count apart.
    """
    known = set(explained)
    rows = []
    for file in [*sorted({result.file for result in results}), ""]:
        own = [result for result in results if file in ("", result.file)]
        outcomes = Counter(result.outcome for result in own)
        noticed = sum(outcomes[outcome] for outcome in NOTICED)
        looked_at = sum(result.outcome not in NOTICED and result.key in known for result in own)
        left = len(own) - noticed - looked_at
        share = f"{100 * noticed / len(own):.1f} %" if own else "-"
        slow = f"{100 * outcomes[TIMED_OUT] / len(own):.1f} %" if own else "-"
        rows.append((file or "all", len(own), outcomes[KILLED], outcomes[TIMED_OUT], looked_at, left, share, slow))
    header = ("file", "mutants", "killed", "timed out", "explained", "survivors", "score", "by time-out")
    return ["{:<58}{:>8}{:>9}{:>11}{:>11}{:>11}{:>9}{:>13}".format(*row) for row in [header, *rows]]


def report(results: Sequence[Result], root: Path, whole: bool) -> int:
    """Print the results and return the exit status.

    Args:
        results: what became of the mutants.
        root: the project's folder.
        whole: whether all mutants of these files were tried: only then is an entry known to be of no use any more.
    """
    explained = read_explained(root / EXPLAINED)
    survivors = [result for result in results if result.outcome not in NOTICED]
    open_ones = [result for result in survivors if result.key not in explained or result.outcome == UNKNOWN]
    tried = {result.file for result in results if whole}
    stale = sorted(key for key in set(explained) - {result.key for result in survivors} if key[0] in tried)
    for result in sorted(open_ones, key=lambda result: (result.file, result.line, result.column)):
        print(result.shown())
    for file, text, change in stale:
        print(f"{EXPLAINED}: no such survivor\n    {file}: {text}\n    {change}")
    print("\n".join(score_lines(results, explained)))
    return 1 if open_ones or stale else 0
