# Copyright (c) 2026, the aks.kube_proxy contributors
# BSD 2-Clause License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause
"""Kubeconfigs: from files to the server and the credentials of one context.

Private to this collection. Read as kubectl reads them:
https://kubernetes.io/docs/concepts/configuration/organize-cluster-access-kubeconfig/.
docs/decisions.md tells why not by the official client.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ansible_collections.aks.kube_proxy.plugins.module_utils._kubernetes.api import NoAccess
from ansible_collections.aks.kube_proxy.plugins.module_utils._kubernetes.entries import (
    Entry,
    Server,
    User,
    read_server,
    read_text,
    read_user,
    text_of,
)

with suppress(ImportError):  # libraries.require() tells
    import yaml

NAMES_SHOWN = 10


@dataclass(frozen=True)
class Kubeconfig:
    """One or several kubeconfigs as one.

    Attributes:
        source: the files, for messages.
        clusters: by name.
        users: by name.
        contexts: by name.
        current: the current context; empty where none is set.
    """

    source: str
    clusters: Mapping[str, Entry] = field(repr=False)
    users: Mapping[str, Entry] = field(repr=False)
    contexts: Mapping[str, Entry] = field(repr=False)
    current: str = ""

    def server(self, context: str) -> Server:
        """The server of a context.

        Raises:
            NoAccess: there is no such context, or it leads to no usable server.
        """
        return read_server(self._part(context, "cluster", self.clusters), f"{self.source}, context {context!r}")

    def user(self, context: str) -> User:
        """The credentials of a context.

        Raises:
            NoAccess: there is no such context, or no usable credentials in it.
        """
        return read_user(self._part(context, "user", self.users), f"{self.source}, context {context!r}")

    def _part(self, context: str, kind: str, entries: Mapping[str, Entry]) -> Entry:
        if context not in self.contexts:
            raise NoAccess(
                f"{self.source} has no context {context!r}. It has {_some(self.contexts)}.", code="NoSuchContext"
            )
        name = text_of(self.contexts[context].values, kind)
        if name not in entries:
            raise NoAccess(
                f"{self.source}: the context {context!r} needs the {kind} {name!r}, which is not there.",
                code="BadKubeconfig",
            )
        return entries[name]


def parse(text: str, folder: Path, source: str) -> Kubeconfig:
    """Read a kubeconfig's text.

    Args:
        text: YAML.
        folder: from where its relative paths are.
        source: what to call it in messages.

    Raises:
        NoAccess: it is none. The message holds nothing of it but a line number.
    """
    try:
        # The fast one of the two safe loaders, where it was built.
        body = yaml.load(text, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))  # noqa: S506
    except (yaml.YAMLError, ValueError, RecursionError) as error:  # ValueError: of a date such as 2026-99-99
        mark = getattr(error, "problem_mark", None)
        where = f" (line {mark.line + 1})" if mark else ""
        raise NoAccess(f"{source} is no YAML{where}.", code="BadKubeconfig") from None
    if body is None:  # kubectl takes an empty file as well
        body = {}
    if not isinstance(body, dict):
        raise NoAccess(f"{source} is no kubeconfig.", code="BadKubeconfig")
    return Kubeconfig(
        source=source,
        clusters=_entries(body, "clusters", "cluster", folder, source),
        users=_entries(body, "users", "user", folder, source),
        contexts=_entries(body, "contexts", "context", folder, source),
        current=text_of(body, "current-context"),
    )


def merge(configs: Sequence[Kubeconfig]) -> Kubeconfig:
    """Several as one: of entries of one name the first counts, and the first current context that is set."""

    def first(tables: Iterable[Mapping[str, Entry]]) -> dict[str, Entry]:
        merged: dict[str, Entry] = {}
        for table in tables:
            merged = {**table, **merged}
        return merged

    return Kubeconfig(
        source=" and ".join(config.source for config in configs),
        clusters=first(config.clusters for config in configs),
        users=first(config.users for config in configs),
        contexts=first(config.contexts for config in configs),
        current=next((config.current for config in configs if config.current), ""),
    )


def load(path: str | None, environ: Mapping[str, str]) -> Kubeconfig:
    """Read a kubeconfig from disk: the one that is named, else those of E(KUBECONFIG), else C(~/.kube/config).

    Raises:
        NoAccess: there is none, or it cannot be read.
    """
    if path:
        return _load(Path(path))
    listed = [Path(name) for name in environ.get("KUBECONFIG", "").split(os.pathsep) if name]
    home = Path(environ.get("HOME") or Path.home()) / ".kube" / "config"
    found = [name for name in listed or [home] if name.exists()]  # as kubectl does, which passes over those not there
    if not found:
        names = " and ".join(str(name) for name in listed or [home])
        raise NoAccess(
            f"There is no kubeconfig: {names} is not there. Name one in 'kubeconfig' or in KUBECONFIG, or set 'access' "
            "to 'user', which needs none.",
            code="NoKubeconfig",
        )
    return merge([_load(name) for name in found])


def _load(path: Path) -> Kubeconfig:
    text = read_text(path, f"The kubeconfig {path}", "NoKubeconfig")
    return parse(text, path.absolute().parent, f"The kubeconfig {path}")


def _entries(body: Mapping[str, Any], key: str, kind: str, folder: Path, source: str) -> dict[str, Entry]:
    rows = body.get(key) or []
    if not isinstance(rows, list):
        raise NoAccess(f"{source}: {key!r} is no list.", code="BadKubeconfig")
    found: dict[str, Entry] = {}
    for row in rows:
        values = row.get(kind) if isinstance(row, Mapping) else None
        if not isinstance(values, Mapping):  # kubectl writes "user: {}", so that null is as good as that
            values = {}
        name = text_of(row, "name") if isinstance(row, Mapping) else ""
        if name in found:
            raise NoAccess(f"{source}: {key!r} has {name!r} twice.", code="BadKubeconfig")
        found[name] = Entry(values, folder)
    return found


def _some(names: Iterable[str]) -> str:
    """Names for a message; not hundreds."""
    ordered = sorted(repr(name) for name in names)
    shown = ", ".join(ordered[:NAMES_SHOWN]) or "none"
    return shown if len(ordered) <= NAMES_SHOWN else f"{shown} and {len(ordered) - NAMES_SHOWN} more"
