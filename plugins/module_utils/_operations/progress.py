# Copyright (c) 2026, the aks.kube_proxy contributors
# BSD 2-Clause License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause
"""Progress of a wave as plain lines, fit for a terminal, a log file and AWX. Private to this collection.

Two lines for a cluster that is switched, one for a cluster in trouble, none for one that is as asked for already; and
a sign of life when nothing has happened for a minute.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import datetime, timezone
from typing import Protocol

from ansible_collections.aks.kube_proxy.plugins.module_utils._azure.runtime import Runtime
from ansible_collections.aks.kube_proxy.plugins.module_utils._domain.plan import Plan
from ansible_collections.aks.kube_proxy.plugins.module_utils._domain.record import SUBMITTING
from ansible_collections.aks.kube_proxy.plugins.module_utils._domain.verdict import (
    STATES,
    UNCHANGED,
    WOULD_SWITCH,
    tally,
)
from ansible_collections.aks.kube_proxy.plugins.module_utils._domain.wording import one_line, told

SILENCE_SECONDS = 60.0
LONGEST_REASON = 300


class End(Protocol):
    """What became of a cluster, as far as people are told while others are still under way."""

    @property
    def state(self) -> str:
        """The word for it."""

    @property
    def seconds(self) -> float:
        """How long it took."""

    @property
    def reason(self) -> str:
        """Why it is not as asked for; empty when it is."""


class Progress:
    """Tells how far a wave is.

    Args:
        runtime: time, and how to speak to the user.
        label: what the user calls the wave.
        total: how many clusters it has.
        order: the ends that a cluster can come to, in the order in which they are counted up.
    """

    patience = SILENCE_SECONDS

    def __init__(self, runtime: Runtime, label: str, total: int, order: Sequence[str] = STATES) -> None:
        self.runtime = runtime
        self.order = order
        self.label = label
        self.total = total
        self.started = runtime.now()
        self._states: list[str] = []
        self._under_way: dict[str, float] = {}

    def begin(self, at_a_time: int) -> None:
        """The wave begins."""
        if not self.runtime.check_mode:
            self._say(f"{self.total} cluster(s), up to {at_a_time} at a time")

    def submitting(self, host: str, cluster: str, plan: Plan) -> None:
        """A write is about to be sent.

        What the cluster had is told as in a line of the journal, so that the playbook rollback can read it out of a log
        where a container's files are gone.
        """
        self._under_way.setdefault(host, self.runtime.now())
        record = {
            "event": SUBMITTING,
            "id": cluster,
            "before": plan.current.as_result(),
            "target": plan.target.as_result(),
        }
        self._say(f"{host}: {plan.current.target} -> {plan.target.target} {json.dumps(record)}")

    def ended(self, host: str, verdict: End) -> None:
        """A cluster is through."""
        self._under_way.pop(host, None)
        self._states.append(verdict.state)
        if verdict.state in (UNCHANGED, WOULD_SWITCH) or self.runtime.check_mode:
            return
        reason = " ".join(verdict.reason.split())
        why = f": {reason[:LONGEST_REASON]}{'…' if len(reason) > LONGEST_REASON else ''}" if reason else ""
        self._say(told(f"{host}: {verdict.state} after {verdict.seconds:.0f} s{why}"))

    def quiet(self) -> None:
        """Nothing has happened for a while."""
        if self._under_way:
            host, since = min(self._under_way.items(), key=lambda item: item[1])
            longest = f", the longest for {self.runtime.now() - since:.0f} s ({host})"
            self._say(f"{len(self._under_way)} under way{longest}")
        else:
            self._say("looking and waiting")

    def finish(self) -> None:
        """The last cluster is through."""
        if not self.runtime.check_mode:
            self._say(f"done in {self.runtime.now() - self.started:.0f} s: {tally(self._states, self.order)}")

    def _say(self, text: str) -> None:
        time = datetime.now(timezone.utc).strftime("%H:%M:%SZ")
        width = len(str(self.total))
        self.runtime.say(f"{time} {one_line(self.label)} {len(self._states):{width}}/{self.total} {one_line(text)}")
