"""What Azure sees of a story, noted in the moment in which it arrives."""

from __future__ import annotations

import json
import time
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

WRITES = ("PUT", "POST", "PATCH", "DELETE")
READING_ACTIONS = ("/listClusterUserCredential", "/listClusterAdminCredential", "/runCommand")
"""POSTs that change nothing."""


@dataclass(frozen=True)
class Arrival:
    """A request as it arrives at Resource Manager.

    Attributes:
        moment: when, on this machine's monotonic clock.
        method: the HTTP method.
        path: the path, without the query.
        sent: the body of a PUT of a cluster.
        stored: that cluster's body before it.
        faults: the emulator's faults that have struck already as it arrives.
        announced: how many times the journal has announced a write of that cluster, since the act began.
        before: what the last of these lines says that the cluster had.
    """

    moment: float
    method: str
    path: str
    sent: dict[str, Any] | None = None
    stored: dict[str, Any] | None = None
    faults: tuple[str, ...] = ()
    announced: int = 0
    before: Mapping[str, Any] | None = None

    @property
    def writes(self) -> bool:
        """Whether it changes anything."""
        return self.method in WRITES and not self.path.endswith(READING_ACTIONS)

    @property
    def cluster(self) -> str:
        """The name of the cluster that it is about; empty for what is about none."""
        _before, found, rest = self.path.partition("/managedClusters/")
        return rest.partition("/")[0] if found else ""


class Witness:
    """Takes down what arrives; to be called by the emulator, between requests.

    Attributes:
        journal: where the run under way writes its journal.
        arrivals: what has arrived since the act began.
    """

    def __init__(self) -> None:
        self.journal = Path()
        self.arrivals: list[Arrival] = []
        self._old = 0

    def begin(self, journal: Path) -> None:
        """A new act begins."""
        self.journal, self.arrivals = journal, []
        self._old = len(lines_of(journal))

    def __call__(self, entry: Mapping[str, Any], stored: Mapping[str, Any] | None) -> None:
        """Take a request down."""
        moment, method, path = time.monotonic(), str(entry["method"]), str(entry["path"])
        if not path.startswith("/subscriptions/"):
            return
        if method != "PUT" or stored is None:
            self.arrivals.append(Arrival(moment, method, path))
            return
        lines = [
            line
            for line in lines_of(self.journal)[self._old :]
            if line.get("event") == "submitting" and line["id"].casefold() == path.casefold()
        ]
        before = lines[-1]["before"] if lines else None
        faults = tuple(entry.get("faults", ()))
        self.arrivals.append(Arrival(moment, method, path, entry["body"], dict(stored), faults, len(lines), before))


def lines_of(journal: Path) -> list[dict[str, Any]]:
    """The lines of a journal; of one that is torn there is nothing in it."""
    if not journal.is_file():
        return []
    return [_line(line) for line in journal.read_text("utf-8", errors="replace").split("\n")[:-1]]


def _line(text: str) -> dict[str, Any]:
    try:
        line = json.loads(text)
    except ValueError:
        return {}
    return line if isinstance(line, dict) else {}


def arrived(arrivals: list[Arrival]) -> Counter[str]:
    """How many PUTs of each cluster have arrived, by name."""
    return Counter(one.cluster for one in arrivals if one.sent is not None)
