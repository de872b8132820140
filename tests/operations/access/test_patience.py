"""How long is waited for an answer that does not come, or does not end."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
import urllib3
import yaml
from ansible_collections.aks.kube_proxy.plugins.module_utils._azure.runtime import Runtime
from ansible_collections.aks.kube_proxy.plugins.module_utils._domain.kube_objects import proxy_path
from ansible_collections.aks.kube_proxy.plugins.module_utils._kubernetes import direct
from ansible_collections.aks.kube_proxy.plugins.module_utils._kubernetes.access import USER
from ansible_collections.aks.kube_proxy.plugins.module_utils._kubernetes.api import NoAccess, Reply
from ansible_collections.aks.kube_proxy.plugins.module_utils._kubernetes.direct import Direct, Words
from ansible_collections.aks.kube_proxy.plugins.module_utils._kubernetes.entries import Server

from tests.support.caller import LIST_PODS, VERSION, Caller

PAGE = proxy_path("kube-proxy-x", "metrics")
OTHER_PAGE = proxy_path("kube-proxy-y", "metrics")


class Slow(BaseHTTPRequestHandler):
    """A server that sends a byte now and then, or for the other pod nothing at all, until all is over."""

    protocol_version = "HTTP/1.1"
    over: threading.Event
    asked: list[str]
    chunked: bool

    def do_GET(self) -> None:
        """Begin to answer."""
        self.asked.append(self.path)
        if "kube-proxy-y" in self.path:
            self.over.wait(20)
            return
        self.send_response(200)
        self.send_header(*(("Transfer-Encoding", "chunked") if self.chunked else ("Content-Length", "100000")))
        self.end_headers()
        while not self.over.wait(0.02):
            self.wfile.write(b"1\r\nx\r\n" if self.chunked else b"x")

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - its name in Python
        """Say nothing."""


@pytest.fixture(params=[True, False], ids=["chunked", "with a length"])
def slow(request: pytest.FixtureRequest) -> Iterator[tuple[Direct, list[str]]]:
    """Return a way to such a server, and the list of what it is asked for."""
    if not request.param and not hasattr(urllib3.HTTPResponse, "read1"):
        pytest.skip("this urllib3 reads a body with a length in whole chunks only")
    over, asked = threading.Event(), list[str]()
    handler = type("Handler", (Slow,), {"over": over, "asked": asked, "chunked": request.param})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    server.handle_error = lambda *_unused: None  # type: ignore[method-assign] # whoever asked has gone
    thread = threading.Thread(target=server.serve_forever, args=(0.05,))
    thread.start()
    where = Server(f"http://127.0.0.1:{server.server_address[1]}")  # without TLS: it makes no difference to time
    with closing(Direct(where, Runtime(sleep=lambda _seconds: None), Words("web", "", ""))) as api:
        yield api, asked
    over.set()
    server.shutdown()
    thread.join()
    server.server_close()


def test_an_answer_that_drips_is_given_up(slow: tuple[Direct, list[str]], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(direct, "TOTAL_SECONDS", 0.3)
    api, asked = slow
    started = time.monotonic()
    assert api.read([PAGE], lambda reply: reply) == [Reply(0, "no answer in time")]
    assert 0.6 <= time.monotonic() - started < 5
    assert asked == [PAGE] * 2
    with pytest.raises(NoAccess, match="cannot be reached: no answer in time"):
        api.read([VERSION], lambda reply: reply)
    assert asked == [PAGE] * 2 + [VERSION] * 2


def test_a_pods_page_is_waited_for_less_long(slow: tuple[Direct, list[str]], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(direct, "POD_READ_SECONDS", 0.2)
    api, asked = slow
    started = time.monotonic()
    assert api.read([OTHER_PAGE], lambda reply: reply) == [Reply(0, "no answer in time")]
    assert time.monotonic() - started < 5
    assert asked == [OTHER_PAGE] * 2


def test_pods_that_nobody_reaches_are_not_asked_one_by_one(call: Callable[..., Caller]) -> None:
    caller = call({"pod_proxy": "unreachable"})
    pod = yaml.safe_load(caller.ask(USER, LIST_PODS)[0].text)["items"][0]["metadata"]["name"]
    page = proxy_path(pod, "proxyMode")
    caller.azure.emulator.clear_kubernetes_requests()
    with closing(caller.connect(USER)) as api:
        *pages, version = api.read([*[page] * 60, VERSION], lambda reply: reply)
        assert version.ok
        assert {reply.status for reply in pages} == {503}
        assert pages[-1].text.startswith("not asked, as 8 others in a row failed like this: error trying to reach")
        assert 8 <= caller.gets().count(page) <= 32  # twice each, and some are under way while the eighth fails
        caller.azure.emulator.change_kubernetes("web", {"pod_proxy": "ok"})
        assert [reply.status for reply in api.read([page] * 60, lambda reply: reply)] == [200] * 60
