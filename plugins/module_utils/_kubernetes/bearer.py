# Copyright (c) 2026, the aks.kube_proxy contributors
# BSD 2-Clause License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause
"""Bearer tokens from where a kubeconfig has them: itself, a file, or a program.

Private to this collection.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

from ansible_collections.aks.kube_proxy.plugins.module_utils._kubernetes import exec_credential
from ansible_collections.aks.kube_proxy.plugins.module_utils._kubernetes.api import NoAccess
from ansible_collections.aks.kube_proxy.plugins.module_utils._kubernetes.entries import Plugin, Server
from ansible_collections.aks.kube_proxy.plugins.module_utils._kubernetes.exec_credential import Given

Token = Callable[[bool], str]
"""Gives a token; called with C(True), another one than before where it can."""


def fixed(token: str) -> Token | None:
    """Always the same; None where it is empty."""
    return (lambda _fresh: token) if token else None


def from_file(path: str) -> Token:
    """What a file holds at that moment: it is renewed from outside."""

    def give(_fresh: bool) -> str:
        try:
            return Path(path).read_text(encoding="ascii").strip()
        except (OSError, UnicodeDecodeError):
            raise NoAccess(f"The kubeconfig's token file {path} cannot be read.", code="NoCredentials") from None

    return give


class Plugged:
    """What a kubeconfig's exec plugin gives; the program runs at once, and again for a fresh token.

    Attributes:
        given: what it gave last.

    Raises:
        NoAccess: it gives nothing.
    """

    def __init__(self, plugin: Plugin, server: Server, environ: Mapping[str, str]) -> None:
        self._run: Callable[[], Given] = lambda: exec_credential.run(plugin, server, environ)
        self.given = self._run()

    def __call__(self, fresh: bool) -> str:
        """Give the token; empty where it gave a client certificate only."""
        if fresh:
            self.given = self._run()
        return self.given.token
