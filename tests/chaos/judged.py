"""What an invariant comes to when it has looked at an act."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass


@dataclass(frozen=True)
class Judged:
    """What an invariant came to.

    Attributes:
        clusters: names of those of which it had something to judge.
        findings: what did not hold.
    """

    clusters: Collection[str] = ()
    findings: Collection[str] = ()


NOTHING = Judged()
