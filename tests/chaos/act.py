"""The record of a story that was played: what its invariants are judged by."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.chaos.story import Story
from tests.chaos.witness import Arrival

RERUN, AGAIN = "rerun", "rollback again"
"""The acts without faults, in which everything has to come right."""


@dataclass
class Act:
    """One act as it was played.

    Attributes:
        name: which one.
        struck: the clusters at which each fault struck, by the faults' names; of what strikes at no cluster, all.
        statuses: exit statuses of the controllers; None for one that had to be ended since it hung.
        output: what they printed.
        arrivals: what arrived at Resource Manager, in order.
        requests: the emulator's log of Resource Manager and of sign-ins.
        asked: the emulator's log of the Kubernetes APIs.
        before: the clusters' bodies at the beginning, by name.
        after: the same at the end; a deleted one is missing.
        summaries: what the controllers summed up.
        noted: how many lines the journal has got.
        killed: when the controllers were killed, on the monotonic clock.
        gone: when clusters were deleted, on the same clock, by name.
        stalled: the longest time in seconds for which the machine let nobody look on.
        left: how many of their processes were there still when the aftermath was over.
        seconds: how long it took.
        modes: the modes that the nodes of each cluster run at the end, by its name.
        differences: what has changed of the clusters beside kube-proxy's configuration, and not by the story.
    """

    name: str
    before: dict[str, Any] = field(repr=False)
    struck: dict[str, set[str]] = field(default_factory=dict)
    statuses: list[int | None] = field(default_factory=list)
    output: str = field(default="", repr=False)
    arrivals: list[Arrival] = field(default_factory=list, repr=False)
    requests: list[dict[str, Any]] = field(default_factory=list, repr=False)
    asked: list[dict[str, Any]] = field(default_factory=list, repr=False)
    after: dict[str, Any] = field(default_factory=dict, repr=False)
    summaries: list[dict[str, Any]] = field(default_factory=list, repr=False)
    noted: int = 0
    killed: float | None = None
    gone: dict[str, float] = field(default_factory=dict)
    stalled: float = 0.0
    left: int = 0
    seconds: float = 0.0
    modes: dict[str, set[str]] = field(default_factory=dict)
    differences: list[str] = field(default_factory=list)

    def strike(self, fault: str, clusters: Iterable[str]) -> None:
        """Note that a fault has struck."""
        self.struck.setdefault(fault, set()).update(clusters)

    @property
    def clean(self) -> bool:
        """Whether nothing was to go wrong in it."""
        return self.name in (RERUN, AGAIN)


@dataclass(frozen=True)
class Played:
    """A story that was played.

    Attributes:
        story: which one.
        acts: its acts, in order.
        folder: where the runs left their files.
    """

    story: Story
    acts: list[Act]
    folder: Path

    def act(self, name: str) -> Act | None:
        """An act by name, None when it was not played."""
        return next((act for act in self.acts if act.name == name), None)
