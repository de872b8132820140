# Copyright (c) 2026, the aks.kube_proxy contributors
# BSD 2-Clause License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause
"""When to stop asking pods for pages that none of them gives.

Private to this collection. Pure but for its memory of one reading.
"""

from __future__ import annotations

from threading import Lock

from ansible_collections.aks.kube_proxy.plugins.module_utils._kubernetes.answers import TRANSIENT
from ansible_collections.aks.kube_proxy.plugins.module_utils._kubernetes.api import Reply

MOST_FAILED = 8
FAILED = (0, *TRANSIENT)


def is_pod_page(path: str) -> bool:
    """Whether the API server has to get it from a pod (the subresource C(proxy))."""
    return "/proxy/" in path


class PodPages:
    """What became of the pods' pages in one reading. Threads share it.

    After eight in a row that failed in the same way (no answer in time, or the same status of 500, 502, 503 and 504),
    while none was given before, the others are taken to fail alike and are not asked for. Where the network lets nobody
    to the nodes' port, a page costs half a minute and more: hours for some hundred nodes. One page that a pod gave, or
    that was refused to us (403, 404), shows that there is more to learn, and all are asked for.
    """

    def __init__(self) -> None:
        self._lock = Lock()
        self._first: Reply | None = None
        self._failed = 0
        self._open = False

    def note(self, reply: Reply) -> None:
        """Remember what came of a page that was asked for."""
        with self._lock:
            if reply.status not in FAILED:
                self._open = True
            elif self._first is None or self._first.status != reply.status:
                self._first, self._failed = reply, 1
            else:
                self._failed += 1

    def given_up(self) -> Reply | None:
        """What to take for the answer of a page that need not be asked for; None where it has to be."""
        with self._lock:
            first = self._first
            if first is None or self._open or self._failed < MOST_FAILED:
                return None
        text = f"not asked, as {MOST_FAILED} others in a row failed like this: {first.text}"
        return Reply(first.status, text, first.moment)
