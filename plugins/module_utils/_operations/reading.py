# Copyright (c) 2026, the aks.kube_proxy contributors
# BSD 2-Clause License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause
"""Reads what evidence needs from a cluster: objects and pages of lists, as small as they can be kept.

Private to this collection.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from threading import Lock
from typing import Any, TypeVar
from urllib.parse import urlencode

from ansible_collections.aks.kube_proxy.plugins.module_utils._domain import kube_objects as objects
from ansible_collections.aks.kube_proxy.plugins.module_utils._domain.parsing import parsed
from ansible_collections.aks.kube_proxy.plugins.module_utils._domain.proof_look import Look
from ansible_collections.aks.kube_proxy.plugins.module_utils._kubernetes.api import (
    KubernetesApi,
    NoAccess,
    Reply,
    said,
)

T = TypeVar("T")
NOT_FOUND = 404
GONE = 410
SERVER_FAULT = 500
LIST_TRIES = 3
ONE_PAGE = Lock()
"""Of all clusters of a task, one page of a list is taken apart at a time: then it takes several times its own size."""
_IN_ARM = re.compile(r"/subscriptions/[^/]+/resourceGroups/[^/]+/", re.IGNORECASE)

# What a refused read lacks, by HTTP status.
REMEDIES = {
    403: "Give this identity the Kubernetes roles that docs/permissions.md of aks.kube_proxy lists.",
    404: "Is this the API server of an AKS cluster?",
    429: "The API server asks for fewer requests: run again later, or with a smaller 'max_parallel'.",
}


class Expired(Exception):
    """A list has changed too much since its first page: it has to be read again."""


class Reader:
    """Reads one cluster.

    Args:
        api: the way to its Kubernetes API.
        about: how messages call the cluster.
        machines: the resource group of its machines, as a path in ARM; empty when not known.

    Attributes:
        moment: the API server's own time when it last answered; None as long as it has not told.
    """

    def __init__(self, api: KubernetesApi, about: str, machines: str = "") -> None:
        self.api = api
        self.about = about
        self.machines = machines
        self.moment: float | None = None

    def one(self, path: str) -> Any:
        """The object at a path; None where there is none.

        Raises:
            NoAccess: it cannot be read.
        """
        (found,) = self.api.read([path], lambda reply: None if reply.status == NOT_FOUND else self._body(reply, path))
        return found

    def every(self, path: str, make: Callable[[Any], T], **query: str) -> list[T]:
        """What is made of the items of a list, page by page, so that only one page is held at a time.

        Raises:
            NoAccess: it cannot be read.
        """
        for _attempt in range(LIST_TRIES):
            try:
                return self._every(path, make, query)
            except Expired:
                continue
        raise NoAccess(
            f"{self.about}: the list {path} changes faster than it can be read. Run again later.", code="Expired"
        )

    def _every(self, path: str, make: Callable[[Any], T], query: Mapping[str, str]) -> list[T]:
        found: list[T] = []
        following, read = "", set()
        while True:
            asked = {**query, "limit": str(self.api.page_size), **({"continue": following} if following else {})}
            items, following = self._page(f"{path}?{urlencode(asked, errors='replace')}", path, make)
            found += items
            if not following:
                return found
            if following in read:
                raise NoAccess(f"{self.about}: the list {path} leads back to a page that was read.", code="NoList")
            read.add(following)

    def _page(self, asked: str, path: str, make: Callable[[Any], T]) -> tuple[list[T], str]:
        """What is made of the items of one page, and the word for the next one; the page itself ends here."""
        (read,) = self.api.read([asked], lambda reply: self._items(reply, path, make))
        return read

    def _items(self, reply: Reply, path: str, make: Callable[[Any], T]) -> tuple[list[T], str]:
        with ONE_PAGE:
            page = self._body(reply, path)
            items = page.get("items")
            if not isinstance(items, list):
                raise NoAccess(f"{self.about}: what answers at {path} holds no list.", code="NoList")
            return [make(item) for item in items], objects.text(objects.table(page, "metadata").get("continue"))

    def pages_of_pods(self, pods: Sequence[str], page: str, take: Callable[[Reply], T], **options: Any) -> list[T]:
        """What is made of what kube-proxy itself says in each pod, side by side.

        Raises:
            NoAccess: the API server cannot be reached.
        """
        return self.api.read([objects.proxy_path(pod, page) for pod in pods], take, **options)

    def assert_ours(self, nodes: Sequence[objects.Node]) -> None:
        """See that these are nodes of this cluster, and not of another one that answers at the same address.

        Raises:
            NoAccess: a node's machine is elsewhere.
        """
        ours = f"{self.machines}/".casefold()
        for node in nodes:
            if self.machines and _IN_ARM.match(node.machine) and not node.machine.casefold().startswith(ours):
                raise NoAccess(
                    f"{self.about}: what answers is another cluster ({self.api.how}): node {node.name} is "
                    f"{node.machine}. Look at 'kubeconfig' and 'context'.",
                    code="WrongCluster",
                )

    def _body(self, reply: Reply, path: str) -> Any:
        if reply.moment is not None:
            self.moment = reply.moment
        if reply.status == GONE:
            raise Expired
        if not reply.ok:
            advice = REMEDIES.get(reply.status, "Run again later." if reply.status >= SERVER_FAULT else "")
            raise NoAccess(
                f"{self.about}: {path} cannot be read ({self.api.how}). {said(reply).rstrip('.')}. {advice}".rstrip(),
                code=f"HTTP {reply.status}" if reply.status else "Unreachable",
            )
        body = parsed(reply.text)
        if not isinstance(body, dict):
            raise NoAccess(
                f"{self.about}: what answers at {path} is no Kubernetes API (no JSON object). Is a proxy in between?",
                code="NoJson",
            )
        return body


def read_look(reader: Reader) -> Look:
    """The nodes, kube-proxy's DaemonSet and its pods as they are now; nobody has been asked for its mode.

    Raises:
        NoAccess: they cannot be read.
    """
    found = reader.one(objects.DAEMON_SET_PATH)
    daemon_set = objects.read_daemon_set(found) if found else None
    selector = daemon_set.selector if daemon_set else objects.LABELS
    labels = ",".join(f"{key}={value}" for key, value in sorted(selector.items()))
    pods = reader.every(objects.PODS_PATH, objects.read_pod, labelSelector=labels)
    nodes = reader.every(objects.NODES_PATH, objects.read_node)
    reader.assert_ours(nodes)
    return Look(reader.moment, daemon_set, tuple(nodes), tuple(pods))
