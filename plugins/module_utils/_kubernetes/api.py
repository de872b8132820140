# Copyright (c) 2026, the aks.kube_proxy contributors
# BSD 2-Clause License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause
"""What this collection wants of a Kubernetes API: GET some paths. Two transports offer it, all evidence is built on it.

Private to this collection.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol, TypeVar

from ansible_collections.aks.kube_proxy.plugins.module_utils._azure.errors import AzureError

T = TypeVar("T")


class NoAccess(AzureError):
    """The Kubernetes API of a cluster cannot be asked: no way to it, or no credentials. That is evidence of nothing.

    Its C(code) in the details tells which: C(Unreachable), C(Unauthorized), C(NoCredentials), C(RunCommandDisabled) and
    the like.
    """


@dataclass(frozen=True)
class Reply:
    """What the API server said to one GET.

    Attributes:
        status: the HTTP status; 0 when no answer came.
        text: the body, or those of its lines that were asked for; in place of an answer, why none came.
        moment: the server's own time then, in seconds since the epoch; None where the transport cannot tell.
    """

    status: int
    text: str
    moment: float | None = None

    @property
    def ok(self) -> bool:
        """Whether it is what was asked for."""
        return self.status == 200


class KubernetesApi(Protocol):
    """A way to the Kubernetes API of one cluster. Its methods may be called by one thread at a time.

    Attributes:
        page_size: how many items of a list to ask for at once.
        how: the way, for messages: C(the API server at HOST), C(runCommand).
        requests: how many GETs it has sent so far, those that were sent again included.
    """

    page_size: int
    how: str
    requests: int

    def read(self, paths: Sequence[str], take: Callable[[Reply], T], *, keep: re.Pattern[str] | None = None) -> list[T]:
        """GET each path, side by side where the transport can.

        Args:
            paths: absolute, with their query.
            take: makes what is needed of a reply as soon as it is there, so that many large ones need little memory.
            keep: a pattern of the lines to keep of each body; None for the whole body.

        Returns:
            what C(take) made of the replies, in the order of the paths.

        Raises:
            NoAccess: the API server cannot be reached at all, or knows nobody by these credentials (401).
            Unwanted: nobody waits for the result any more.
        """

    def close(self) -> None:
        """Let go of connections and secrets."""


def kept(text: str, keep: re.Pattern[str] | None) -> str:
    """The lines of a text in which a pattern is found; the text itself without one."""
    return text if keep is None else "".join(line for line in text.splitlines(keepends=True) if keep.search(line))


def said(reply: Reply) -> str:
    """What the API server said in place of what was asked for."""
    return f"HTTP {reply.status}: {reply.text}".rstrip(": ") if reply.status else reply.text
