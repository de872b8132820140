# Copyright (c) 2026, the aks.kube_proxy contributors
# BSD 2-Clause License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause
"""The Kubernetes API straight from the API server.

Private to this collection. docs/decisions.md tells why over urllib3 and not by the official client.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_EXCEPTION, ThreadPoolExecutor, wait
from contextlib import suppress
from dataclasses import dataclass
from threading import Event, Lock
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import unquote

from ansible_collections.aks.kube_proxy.plugins.module_utils._azure.arm import USER_AGENT
from ansible_collections.aks.kube_proxy.plugins.module_utils._azure.auth_errors import UNREACHABLE, UNTRUSTED
from ansible_collections.aks.kube_proxy.plugins.module_utils._azure.runtime import Runtime
from ansible_collections.aks.kube_proxy.plugins.module_utils._kubernetes import libraries
from ansible_collections.aks.kube_proxy.plugins.module_utils._kubernetes.answers import (
    Trouble,
    moment_of,
    refusal,
    trouble_of,
    wait_after,
    wait_after_trouble,
)
from ansible_collections.aks.kube_proxy.plugins.module_utils._kubernetes.api import NoAccess, Reply, kept
from ansible_collections.aks.kube_proxy.plugins.module_utils._kubernetes.connection import proxy_of, tls
from ansible_collections.aks.kube_proxy.plugins.module_utils._kubernetes.entries import Server
from ansible_collections.aks.kube_proxy.plugins.module_utils._kubernetes.pod_pages import PodPages, is_pod_page

with suppress(ImportError):  # libraries.require() tells
    import urllib3

if TYPE_CHECKING:
    from urllib3.response import BaseHTTPResponse

T = TypeVar("T")

PARALLEL = 8
PAGE_SIZE = 250
"""Items of a list for one request: a node is about 15 kB, and may be several times that."""
CONNECT_SECONDS = 10
READ_SECONDS = 60
"""An API server gives up after as long: https://kubernetes.io/docs/reference/command-line-tools-reference/kube-apiserver/
(--request-timeout)."""
POD_READ_SECONDS = 30
"""For a page of a pod: a few kilobytes, from a port that answers at once or not at all."""
TOTAL_SECONDS = 90.0
"""For one request from the connection to the last byte, however slowly that comes."""
MOST_BYTES = 16 * 2**20
CHUNK_BYTES = 2**16
UNAUTHORIZED = 401
_SENDABLE = re.compile(r"[!-~]+")


@dataclass(frozen=True)
class Words:
    """What to say when a cluster cannot be asked.

    Attributes:
        about: the cluster, as messages call it.
        unreachable: what to do when its API server cannot be reached.
        unauthorized: what to do when it does not know the credentials.
    """

    about: str
    unreachable: str
    unauthorized: str


class Direct:
    """The Kubernetes API of a cluster over HTTPS; a C(KubernetesApi).

    Args:
        server: where to, and whom to trust.
        runtime: time, and whether anyone still waits.
        words: what to say.
        certificate: a client certificate (PEM); empty for none.
        key: its private key (PEM).
        token: gives a bearer token, a fresh one when called with C(True); None for none. One thread calls it at a time.

    Raises:
        NoAccess: the certificates or the proxy cannot be used.
    """

    def __init__(
        self,
        server: Server,
        runtime: Runtime,
        words: Words,
        *,
        certificate: str = "",
        key: str = "",
        token: Callable[[bool], str] | None = None,
    ) -> None:
        libraries.require()
        self.page_size = PAGE_SIZE
        self.how = f"the API server at {server.host}"
        self.requests = 0
        self._server = server
        self._runtime = runtime
        self._words = words
        self._token = token
        self._lock = Lock()
        self._taking = Lock()
        self._pool = _pool(server, runtime, certificate, key)

    def read(self, paths: Sequence[str], take: Callable[[Reply], T], *, keep: re.Pattern[str] | None = None) -> list[T]:
        """GET each path, eight at a time. C(take) is called by one thread at a time, but not always by the caller's.

        Once eight pages of pods in a row have failed in the same way, and none was given, the other pages are answered
        alike without asking: C(PodPages).

        Raises:
            NoAccess: the API server cannot be reached at all, or knows nobody by these credentials (401).
            Unwanted: nobody waits for the result any more.
        """
        stop = Event()
        stopped = self._runtime.stopped
        runtime = self._runtime.but(stopped=lambda: stop.is_set() or stopped())
        pages = PodPages()

        def one(path: str) -> T:
            reply = self._get(path, keep, runtime, pages)
            if is_pod_page(path):
                pages.note(reply)
            with self._taking:
                return take(reply)

        if len(paths) < 2:
            return [one(path) for path in paths]
        with ThreadPoolExecutor(min(PARALLEL, len(paths)), "kubernetes") as pool:
            futures = [pool.submit(one, path) for path in paths]
            try:
                ended = wait(futures, return_when=FIRST_EXCEPTION).done
                for future in ended:
                    future.result()
            except BaseException:
                stop.set()  # the others end before their next request
                pool.shutdown(wait=False, cancel_futures=True)
                raise
        return [future.result() for future in futures]

    def close(self) -> None:
        """Close the connections and forget the credentials."""
        self._pool.clear()
        self._token = None

    def _get(self, path: str, keep: re.Pattern[str] | None, runtime: Runtime, pages: PodPages) -> Reply:
        """GET a path, again where that may help; a page of a pod only while others are not given up."""
        proxied = is_pod_page(path)
        token, renewed, attempt = self._bearer(), False, 0
        while True:
            runtime.assert_wanted()
            if proxied and (taken := pages.given_up()):
                return taken
            attempt += 1
            until = runtime.now() + TOTAL_SECONDS
            try:
                response = self._send(path, token)
                text = _text(response, runtime, until)
            except (urllib3.exceptions.HTTPError, OSError) as error:
                trouble = trouble_of(error)
                pause = wait_after_trouble(trouble, attempt, proxied=proxied)
                if pause is None:
                    return self._silence(trouble, proxied)
                runtime.sleep(pause)
                continue
            if response.status == UNAUTHORIZED:
                token = self._other_token(token) if token and not renewed else ""
                if not token:
                    raise NoAccess(
                        f"{self._words.about}: its API server does not take these credentials (HTTP 401: "
                        f"{refusal(text or '')}). {self._words.unauthorized}",
                        code="Unauthorized",
                    )
                renewed = True
                continue
            pause = wait_after(response.status, response.headers, attempt, proxied=proxied)
            if pause is None:
                return _reply(response, text, keep)
            runtime.sleep(pause)

    def _send(self, path: str, token: str) -> BaseHTTPResponse:
        with self._lock:
            self.requests += 1
        headers = {"Accept": "application/json, */*", "User-Agent": USER_AGENT}
        if token:
            if not _SENDABLE.fullmatch(token):
                raise NoAccess(
                    f"{self._words.about}: what is given as a token for its API server is none.", code="NoCredentials"
                )
            headers["Authorization"] = f"Bearer {token}"
        proxied = is_pod_page(path)
        if not proxied:  # what a pod sends is not unpacked: a little may become a lot
            headers["Accept-Encoding"] = "gzip"
        return self._pool.request(
            "GET",
            self._server.url + path,
            headers=headers,
            timeout=urllib3.Timeout(connect=CONNECT_SECONDS, read=POD_READ_SECONDS if proxied else READ_SECONDS),
            retries=False,
            redirect=False,
            preload_content=False,
        )

    def _silence(self, trouble: Trouble, proxied: bool) -> Reply:
        """No answer came, and none will."""
        if proxied and trouble.sent:  # the API server is there: it is the pod that says nothing
            return Reply(0, trouble.reason)
        host = self._server.host
        if trouble.code == UNTRUSTED:
            trusted = "the kubeconfig's certificate authority" if self._server.ca else "this host's authorities"
            raise NoAccess(
                f"{self._words.about}: the TLS certificate of its API server {host} is not trusted: {trouble.reason} "
                f"(by {trusted}). Is the kubeconfig an old one, or of another cluster? Or does a proxy look into TLS?",
                code=UNTRUSTED,
            )
        raise NoAccess(
            f"{self._words.about}: its API server {host} cannot be reached: {trouble.reason}. "
            f"{self._words.unreachable}",
            code=trouble.code,
        )

    def _bearer(self) -> str:
        with self._lock:
            return self._token(False) if self._token else ""

    def _other_token(self, refused: str) -> str:
        """Another token than the one that was refused; empty where there is none. Of many threads, one fetches it."""
        with self._lock:
            if self._token is None:
                return ""
            token = self._token(False)
            if token == refused:
                token = self._token(True)
        return "" if token == refused else token


def _pool(server: Server, runtime: Runtime, certificate: str, key: str) -> urllib3.PoolManager:
    """Connections that are kept, as many as there are threads."""
    settings: dict[str, Any] = {
        "num_pools": 1,
        "maxsize": PARALLEL,
        "ssl_context": tls(server, certificate, key),
        # None of its own: the context checks the name, by what TLS asked for.
        "server_hostname": server.tls_name or None,
    }
    proxy = proxy_of(server, runtime.environ)
    if not proxy:
        return urllib3.PoolManager(**settings)
    try:
        parts = urllib3.util.parse_url(proxy)
        headers = urllib3.make_headers(proxy_basic_auth=unquote(parts.auth)) if parts.auth else None
    except (urllib3.exceptions.HTTPError, ValueError):
        raise NoAccess(f"What is named as the proxy on the way to {server.host} is no URL.", code=UNREACHABLE) from None
    if not parts.host:
        raise NoAccess(f"The URL of the proxy on the way to {server.host} names no host.", code=UNREACHABLE)
    if parts.scheme not in ("http", "https"):
        raise NoAccess(
            f"The proxy on the way to {server.host} is one of the kind {parts.scheme}, but only http and https are "
            "supported.",
            code=UNREACHABLE,
        )
    return urllib3.ProxyManager(proxy, proxy_headers=headers, **settings)


def _text(response: BaseHTTPResponse, runtime: Runtime, until: float) -> str | None:
    """The body of an answer; None when it is too large. A TimeoutError when it is not there by then."""
    parts, size = [], 0
    for chunk in _chunks(response):
        if runtime.now() > until:
            response.close()
            raise TimeoutError
        size += len(chunk)
        if size > MOST_BYTES:
            response.close()
            return None
        parts.append(chunk)
    response.release_conn()
    return b"".join(parts).decode(errors="replace")


def _chunks(response: BaseHTTPResponse) -> Iterator[bytes]:
    """The body as it comes. A stream waits until a chunk is full, with time anew for each byte: hours, at worst."""
    if hasattr(response, "read1"):  # urllib3 has not always had it
        return iter(lambda: response.read1(CHUNK_BYTES, decode_content=True), b"")
    return response.stream(CHUNK_BYTES, decode_content=True)


def _reply(response: BaseHTTPResponse, text: str | None, keep: re.Pattern[str] | None) -> Reply:
    moment = moment_of(response.headers)
    if text is None:
        return Reply(0, f"the answer is larger than {MOST_BYTES >> 20} MiB", moment)
    if response.status != 200:
        return Reply(response.status, refusal(text) or str(response.reason or ""), moment)
    return Reply(200, kept(text, keep), moment)
