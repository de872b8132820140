# Copyright (c) 2026, the aks.kube_proxy contributors
# BSD 2-Clause License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause
"""Access tokens, kept in the memory of this process and nowhere else.

Private to this collection.

Ansible forks a worker for each task. What the parent holds here (after a live inventory parse, say) the workers
inherit; what a worker gets is gone with it.
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Hashable
from concurrent.futures import Future
from contextlib import closing
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

if TYPE_CHECKING:
    from ansible_collections.aks.kube_proxy.plugins.module_utils._azure.errors import AzureError
    from azure.core.credentials import AccessToken, TokenCredential

    class Credential(TokenCredential, Protocol):
        """What azure-identity's credentials are."""

        def close(self) -> None:
            """Close the connections."""


LEAST_SECONDS_LEFT = 300
"""A token is used again while it lives longer than this. azure-core's pipeline asks for a new one from here on too."""


class TokenKey(NamedTuple):
    """Who a token is for and what it is good for. Holds no secret (a fingerprint of one at most)."""

    credential: Hashable
    scopes: tuple[str, ...]
    tenant: str | None
    continuous_evaluation: bool


class TokenCache:
    """Tokens by whom and what they are for.

    Safe with threads: for one key one request is under way at a time, and all who wait for it get its result, or
    its error. Safe with fork: see C(forget_requests).

    Args:
        now: the clock, seconds since the epoch.
    """

    def __init__(self, now: Callable[[], float] = time.time) -> None:
        self._now = now
        self._tokens: dict[Hashable, AccessToken] = {}
        self.forget_requests()

    def forget_requests(self) -> None:
        """Start without requests under way, as a forked child does: the threads that made them are not in it."""
        self._lock = threading.Lock()
        self._requests: dict[Hashable, Future[AccessToken]] = {}

    def get(self, key: Hashable, fetch: Callable[[], AccessToken], claims: str | None = None) -> AccessToken:
        """Give the token kept for a key, or fetch one and keep it.

        Args:
            key: who asks for what.
            fetch: asks the token service.
            claims: set after a claims challenge: a token kept is not good enough then, and the new one replaces it.

        Raises:
            Exception: whatever C(fetch) raises, in every thread that waited for it. Nothing is kept then.
        """
        with self._lock:
            kept = self._tokens.get(key)
            if kept is not None and claims is None and kept.expires_on - self._now() > LEAST_SECONDS_LEFT:
                return kept
            request = self._requests.get((key, claims))
            mine = request is None
            if request is None:
                request = self._requests[key, claims] = Future()
        if not mine:
            return request.result()
        try:
            token = fetch()
        except BaseException as error:
            with self._lock:
                del self._requests[key, claims]
            request.set_exception(error)
            raise
        with self._lock:
            self._tokens[key] = token
            del self._requests[key, claims]
        request.set_result(token)
        return token

    def forget(self, is_meant: Callable[[Hashable], bool]) -> None:
        """Drop the tokens whose key is meant."""
        with self._lock:
            self._tokens = {key: token for key, token in self._tokens.items() if not is_meant(key)}

    def __repr__(self) -> str:
        return f"<{type(self).__name__}: {len(self._tokens)} tokens>"


TOKENS = TokenCache()
os.register_at_fork(after_in_child=TOKENS.forget_requests)


class CachedCredential:
    """A credential as azure-core's pipelines want it, in front of another whose tokens it keeps.

    The other one exists only while a token is fetched, so that no connection is left open for workers to inherit.

    Args:
        build: makes the credential to ask when no token is kept.
        key: tells this credential from others: authority, tenant, client or source, and a fingerprint of what
            proves the identity, so that a wrong secret never gets the token of the right one.
        explain: turns azure-identity's exceptions into an error for users.
        tokens: where tokens are kept.
    """

    def __init__(
        self,
        build: Callable[[], Credential],
        key: Hashable,
        explain: Callable[[Exception], AzureError],
        tokens: TokenCache = TOKENS,
    ) -> None:
        self._build = build
        self._key = key
        self._explain = explain
        self._tokens = tokens

    def get_token(
        self,
        *scopes: str,
        claims: str | None = None,
        tenant_id: str | None = None,
        enable_cae: bool = False,
        **kwargs: Any,
    ) -> AccessToken:
        """Get a token with more than five minutes to live.

        Args:
            scopes: what it is for.
            claims: from a claims challenge (continuous access evaluation); passes the kept token by.
            tenant_id: another tenant than the credential's own.
            enable_cae: whether the caller can answer a claims challenge.
            kwargs: handed on.

        Raises:
            AzureError: no token can be got; says why and what to do.
        """

        def fetch() -> AccessToken:
            try:
                return self._fetch(*scopes, claims=claims, tenant_id=tenant_id, enable_cae=enable_cae, **kwargs)
            except Exception as error:
                explained = self._explain(error)
            raise explained  # out here, so that it does not carry the SDK's error along with its connections and locals

        key = TokenKey(self._key, scopes, tenant_id, enable_cae)
        return self._tokens.get(key, fetch, claims)

    def _fetch(self, *scopes: str, **options: Any) -> AccessToken:
        with closing(self._build()) as credential:
            return credential.get_token(*scopes, **options)

    def forget(self) -> None:
        """Drop what is kept for this credential: a service refused the token before its time (HTTP 401)."""
        self._tokens.forget(lambda key: isinstance(key, TokenKey) and key.credential == self._key)

    def __repr__(self) -> str:
        return f"<{type(self).__name__}>"
