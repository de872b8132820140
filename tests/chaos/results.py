"""What a campaign came to: how often each fault met each invariant, and what did not hold."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from tests.chaos.act import Played
from tests.chaos.faults import ALL, KILLS, PREVIEW
from tests.chaos.invariants import AFTERWARDS, INVARIANTS

ENOUGH = 20
"""How often a pair has to be exercised in a full campaign."""

IMPOSSIBLE = {
    **{
        (fault.name, "no write in check mode"): "it needs a write, or nodes that were switched"
        for fault in ALL
        if PREVIEW not in fault.acts or fault.nodes
    },
    **{(fault.name, "failures speak"): "a run that is killed sums nothing up" for fault in KILLS},
    **{
        ("cluster deleted", name): "nothing is left of it that could be judged"
        for name in ("the end is known", "rerun converges", "rollback restores")
    },
    ("journal's disk full", "only kubeProxyConfig changes"): "no PUT is sent",
}
"""Pairs that cannot meet, with the reason."""


@dataclass
class Results:
    """The count.

    Attributes:
        stories: how many stories were played.
        runs: how many times ansible-playbook was run.
        exercised: how often a fault struck at a cluster of which an invariant had something to judge in that act.
        violations: how often it did not hold.
        told: what did not hold, in words.
    """

    stories: int = 0
    runs: int = 0
    exercised: Counter[tuple[str, str]] = field(default_factory=Counter)
    violations: Counter[tuple[str, str]] = field(default_factory=Counter)
    told: list[str] = field(default_factory=list)

    def take(self, played: Played) -> list[str]:
        """Judge a story and count it; what did not hold in it."""
        told: list[str] = []
        before: dict[str, set[str]] = {}
        for act in played.acts:
            for name, holds in INVARIANTS.items():
                judged = holds(played, act)
                strikes = [act.struck, before if act.clean and name in AFTERWARDS else {}]
                met = {fault for struck in strikes for fault, where in struck.items() if where & set(judged.clusters)}
                self.exercised.update((fault, name) for fault in met)
                if judged.findings:
                    self.violations.update((fault, name) for fault in met)
                    told += [
                        f"story {played.story.seed}/{played.story.number}, {act.name}: {name}: {text}"
                        for text in judged.findings
                    ]
            before = act.struck
        self.stories += 1
        self.runs += sum(len(act.statuses) for act in played.acts)
        self.told += told
        return told

    def add(self, other: Results) -> None:
        """Add another count."""
        self.stories += other.stories
        self.runs += other.runs
        self.exercised.update(other.exercised)
        self.violations.update(other.violations)
        self.told += other.told

    def as_json(self) -> dict[str, Any]:
        """The count as JSON."""
        counts = {
            name: [[*pair, many] for pair, many in getattr(self, name).items()] for name in ("exercised", "violations")
        }
        return {"stories": self.stories, "runs": self.runs, "told": self.told, **counts}

    @classmethod
    def from_json(cls, known: dict[str, Any]) -> Results:
        """The reverse."""
        counts = {
            name: Counter({(fault, invariant): many for fault, invariant, many in known[name]})
            for name in ("exercised", "violations")
        }
        return cls(known["stories"], known["runs"], told=known["told"], **counts)

    def gaps(self, enough: int = ENOUGH) -> list[str]:
        """The pairs that were not exercised often enough."""
        return [
            f"{fault.name} x {name}: {self.exercised[fault.name, name]}"
            for fault in ALL
            for name in INVARIANTS
            if (fault.name, name) not in IMPOSSIBLE and self.exercised[fault.name, name] < enough
        ]

    def table(self) -> list[str]:
        """The table for readers: how often each fault met each invariant; in brackets how often it did not hold."""
        names = list(INVARIANTS)
        head = ["fault", *names]
        return [
            _line(head),
            _line(["---", *("--:" for _name in names)]),
            *(_line(self._cells(fault.name, names)) for fault in ALL),
        ]

    def _cells(self, fault: str, names: Iterable[str]) -> list[str]:
        return [fault, *(self._cell(fault, name) for name in names)]

    def _cell(self, fault: str, name: str) -> str:
        if (fault, name) in IMPOSSIBLE:
            return "-"
        wrong = self.violations[fault, name]
        return f"{self.exercised[fault, name]}{f' ({wrong})' if wrong else ''}"


def _line(cells: Iterable[str]) -> str:
    return f"| {' | '.join(cells)} |"
