"""Tokens in memory: when they are used again, by whom, and never shown."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Hashable
from dataclasses import dataclass, field
from typing import Any

import pytest
from ansible_collections.aks.kube_proxy.plugins.module_utils._azure.errors import AzureError
from ansible_collections.aks.kube_proxy.plugins.module_utils._azure.tokens import TOKENS, CachedCredential, TokenCache
from azure.core.credentials import AccessToken

SCOPE = "https://management.azure.com/.default"
HOUR = 3600


@dataclass
class Clock:
    """A clock that goes when it is told to."""

    time: float = 1_000_000.0


@dataclass
class Service:
    """A token service: hour-long tokens, numbered."""

    clock: Callable[[], float]
    asked: list[tuple[tuple[str, ...], dict[str, Any]]] = field(default_factory=list)
    closed: int = 0

    def get_token(self, *scopes: str, **kwargs: Any) -> AccessToken:
        """Issue a token, and note what was asked for."""
        self.asked.append((scopes, kwargs))
        return AccessToken(f"token-{len(self.asked)}", int(self.clock()) + HOUR)

    def close(self) -> None:
        """Close the connections."""
        self.closed += 1


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def service(clock: Clock) -> Service:
    return Service(lambda: clock.time)


@pytest.fixture
def tokens(clock: Clock) -> TokenCache:
    return TokenCache(lambda: clock.time)


def credential(service: Any, tokens: TokenCache, key: Hashable = "me") -> CachedCredential:
    return CachedCredential(lambda: service, key, lambda error: AzureError(f"explained: {error}"), tokens)


def test_a_token_is_used_again_while_more_than_five_minutes_are_left(
    service: Service, tokens: TokenCache, clock: Clock
) -> None:
    mine = credential(service, tokens)
    assert mine.get_token(SCOPE).token == "token-1"
    clock.time += HOUR - 301
    assert mine.get_token(SCOPE).token == "token-1"
    clock.time += 1
    assert mine.get_token(SCOPE).token == "token-2"
    assert mine.get_token(SCOPE).token == "token-2"


def test_two_credentials_of_one_identity_share(service: Service, tokens: TokenCache) -> None:
    assert credential(service, tokens).get_token(SCOPE) == credential(service, tokens).get_token(SCOPE)
    assert len(service.asked) == 1


@pytest.mark.parametrize(
    "other",
    [
        lambda service, tokens: credential(service, tokens, "you").get_token(SCOPE),
        lambda service, tokens: credential(service, tokens).get_token("https://vault.azure.net/.default"),
        lambda service, tokens: credential(service, tokens).get_token(SCOPE, tenant_id="other"),
        lambda service, tokens: credential(service, tokens).get_token(SCOPE, enable_cae=True),
    ],
    ids=["identity", "scope", "tenant", "continuous evaluation"],
)
def test_what_differs_does_not_share(service: Service, tokens: TokenCache, other: Any) -> None:
    credential(service, tokens).get_token(SCOPE)
    assert other(service, tokens).token == "token-2"


def test_claims_pass_the_kept_token_by_and_replace_it(service: Service, tokens: TokenCache) -> None:
    mine = credential(service, tokens)
    mine.get_token(SCOPE, enable_cae=True)
    assert mine.get_token(SCOPE, claims='{"access_token":{}}', enable_cae=True).token == "token-2"
    assert service.asked[-1][1]["claims"] == '{"access_token":{}}'
    assert mine.get_token(SCOPE, enable_cae=True).token == "token-2"


def test_a_refused_token_can_be_forgotten(service: Service, tokens: TokenCache) -> None:
    mine, yours = credential(service, tokens), credential(service, tokens, "you")
    mine.get_token(SCOPE)
    assert yours.get_token(SCOPE).token == "token-2"
    mine.forget()
    assert yours.get_token(SCOPE).token == "token-2"
    assert mine.get_token(SCOPE).token == "token-3"


def test_no_connection_is_left_open(service: Service, tokens: TokenCache) -> None:
    """A forked worker must not share one with its parent."""
    mine = credential(service, tokens)
    assert service.closed == 0
    mine.get_token(SCOPE)
    assert service.closed == 1


def test_a_failure_is_explained_and_not_kept(clock: Clock, tokens: TokenCache) -> None:
    class Moody(Service):
        def get_token(self, *scopes: str, **kwargs: Any) -> AccessToken:
            token = super().get_token(*scopes, **kwargs)
            if len(self.asked) == 1:
                raise ValueError("no")
            return token

    mine = credential(Moody(lambda: clock.time), tokens)
    with pytest.raises(AzureError, match="explained: no"):
        mine.get_token(SCOPE)
    assert mine.get_token(SCOPE).token == "token-2"


def in_threads(count: int, work: Callable[[], None]) -> None:
    threads = [threading.Thread(target=work) for _number in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(10)
    assert not any(thread.is_alive() for thread in threads)


@pytest.mark.parametrize("fails", [False, True])
def test_threads_share_one_request_and_its_outcome(clock: Clock, tokens: TokenCache, fails: bool) -> None:
    class Slow(Service):
        def get_token(self, *scopes: str, **kwargs: Any) -> AccessToken:
            token = super().get_token(*scopes, **kwargs)
            time.sleep(0.2)
            if fails:
                raise ValueError("no")
            return token

    slow, outcomes = Slow(lambda: clock.time), []

    def work() -> None:
        try:
            outcomes.append(credential(slow, tokens).get_token(SCOPE).token)
        except AzureError as error:
            outcomes.append(error.message)

    in_threads(8, work)
    assert outcomes == ["explained: no" if fails else "token-1"] * 8
    assert len(slow.asked) == 1


def in_child(work: Callable[[], str]) -> str:
    """Run in a forked child, as Ansible's workers are, and give what it says."""
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            os.write(writing, work().encode())
        finally:
            os._exit(0)
    os.close(writing)
    with os.fdopen(reading) as pipe:
        said = pipe.read()
    os.waitpid(child, 0)
    return said


@pytest.fixture
def own_key() -> Any:
    """A key of this test in the process's own cache, cleared away afterwards."""
    key = object()
    yield key
    TOKENS.forget(lambda token: getattr(token, "credential", None) is key)


def test_workers_inherit_tokens(own_key: Hashable) -> None:
    service = Service(time.time)
    credential(service, TOKENS, own_key).get_token(SCOPE)
    assert in_child(lambda: credential(service, TOKENS, own_key).get_token(SCOPE).token) == "token-1"
    assert len(service.asked) == 1


@pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")
def test_a_fork_during_a_request_does_not_hang_the_worker(own_key: Hashable) -> None:
    """The parent's thread that fetches, and its lock, are not in the child."""
    asking, go_on = threading.Event(), threading.Event()

    class Waiting(Service):
        def get_token(self, *scopes: str, **kwargs: Any) -> AccessToken:
            asking.set()
            go_on.wait(10)
            return super().get_token(*scopes, **kwargs)

    thread = threading.Thread(target=lambda: credential(Waiting(time.time), TOKENS, own_key).get_token(SCOPE))
    thread.start()
    asking.wait(10)

    def work() -> str:
        said: list[str] = []
        quick = Service(time.time)
        inner = threading.Thread(
            target=lambda: said.append(credential(quick, TOKENS, own_key).get_token(SCOPE).token), daemon=True
        )
        inner.start()
        inner.join(5)
        return said[0] if said else "hung"

    try:
        assert in_child(work) == "token-1"
    finally:
        go_on.set()
        thread.join(10)


def test_nothing_shows_a_token(service: Service, tokens: TokenCache) -> None:
    mine = credential(service, tokens, key="fingerprint")
    mine.get_token(SCOPE)
    assert repr(tokens) == "<TokenCache: 1 tokens>"
    assert repr(mine) == "<CachedCredential>"
