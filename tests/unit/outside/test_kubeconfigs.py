"""Kubeconfigs from anywhere: what once ended in an error of Python's is refused in words, or read."""

from __future__ import annotations

import copy
import os
import ssl
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible_collections.aks.kube_proxy.plugins.module_utils._azure.runtime import Runtime
from ansible_collections.aks.kube_proxy.plugins.module_utils._kubernetes.api import NoAccess
from ansible_collections.aks.kube_proxy.plugins.module_utils._kubernetes.connection import tls
from ansible_collections.aks.kube_proxy.plugins.module_utils._kubernetes.direct import Direct, Words
from ansible_collections.aks.kube_proxy.plugins.module_utils._kubernetes.entries import Plugin, Server
from ansible_collections.aks.kube_proxy.plugins.module_utils._kubernetes.exec_credential import run
from ansible_collections.aks.kube_proxy.plugins.module_utils._kubernetes.kubeconfig import load, parse

from tests.fuzz import samples

trustme = pytest.importorskip("trustme")

SERVERS = (
    "https://evil.example\\.hcp.westeurope.azmk8s.io",
    "https://evil.example\\@c1.azmk8s.io",
    "https://somebody@c1.azmk8s.io",
    "https://[",
    "https://c1.azmk8s.io:99999",
    "https://c1.azmk8s.io:0",
    "https://c1.azmk8s.io?x=/",
    "https://c1.azmk8s.io#x",
    "https://c1..azmk8s.io",
    f"https://{'a' * 64}.azmk8s.io",
    "https://c1 .azmk8s.io",
    "http://c1.azmk8s.io",
    7,
    None,
    {"a": "b"},
)


def read(server: Any = None, user: Any = None, **more: Any) -> None:
    """Read both halves of the context of a kubeconfig that differs so from a real one."""
    config: dict[str, Any] = copy.deepcopy(samples.KUBECONFIG)
    config["clusters"][0]["cluster"].update(server or {})
    config["users"][0]["user"].update(user or {})
    found = parse(yaml.safe_dump({**config, **more}), Path("/nowhere"), "The kubeconfig")
    found.server("c1")
    found.user("c1")


def test_the_real_one_is_read() -> None:
    read()
    read({"server": "https://[::1]:6443/k8s/clusters/c1", "tls-server-name": "10.0.0.1"})


@pytest.mark.parametrize("server", SERVERS, ids=repr)
def test_a_server_that_readers_of_urls_see_differently_is_refused(server: Any) -> None:
    with pytest.raises(NoAccess, match="no https URL with a host"):
        read({"server": server})


@pytest.mark.parametrize(
    ("server", "user", "words"),
    [
        ({"tls-server-name": "a..b"}, {}, "no name of a host"),
        ({"tls-server-name": ".a"}, {}, "no name of a host"),
        ({"certificate-authority-data": None, "certificate-authority": "a\0b"}, {}, "no text"),
        ({}, {"exec": {**samples.KUBECONFIG["users"][0]["user"]["exec"], "args": 7}}, "have to be lists"),
        ({}, {"exec": {**samples.KUBECONFIG["users"][0]["user"]["exec"], "env": "x"}}, "have to be lists"),
        ({}, {"exec": "kubelogin"}, "has no command"),
    ],
)
def test_an_entry_of_another_form_is_refused(server: Any, user: Any, words: str) -> None:
    with pytest.raises(NoAccess, match=words):
        read(server, user)


@pytest.mark.parametrize(
    "text",
    ["a: 2026-99-99", "[" * 5000, "a: !!int x", "a: " + "9" * 5000, "\x00", "&a [*a, *a", "!!python/object:a {}"],
)
def test_yaml_that_is_none_is_refused(text: str) -> None:
    with pytest.raises(NoAccess, match="is no YAML"):
        parse(text, Path("/nowhere"), "The kubeconfig")


def test_a_number_that_cannot_be_written_is_no_name() -> None:
    found = parse("current-context: 0x" + "f" * 5000, Path("/nowhere"), "The kubeconfig")
    assert found.current == ""


def test_a_path_that_no_file_has_is_refused() -> None:
    with pytest.raises(NoAccess, match="cannot be read"):
        load("/tmp/a\0b", {})


@pytest.mark.parametrize("env", [(("A=B", "c"),), (("A", "b\0c"),)])
def test_a_plugin_that_no_program_can_be_given_is_refused(env: tuple[tuple[str, str], ...]) -> None:
    plugin = Plugin("true", env=env, api_version="client.authentication.k8s.io/v1")
    with pytest.raises(NoAccess, match="cannot be run"):
        run(plugin, Server("https://c1"), {"PATH": os.defpath})


def direct(server: Server, token: str = "") -> Direct:
    runtime = Runtime(environ={}, sleep=lambda _seconds: None)
    return Direct(server, runtime, Words("Cluster c1", "", ""), token=(lambda _fresh: token) if token else None)


@pytest.mark.parametrize("token", ["a\r\nX-Injected: 1", "a b", "schlüssel", "\ud800", "a\0"])
def test_a_token_cannot_add_a_header(token: str) -> None:
    with pytest.raises(NoAccess, match="is given as a token for its API server is none"):
        direct(Server("https://localhost:9"), token).read(["/api"], lambda reply: reply)


@pytest.mark.parametrize("proxy", ["http://[", "http://ü\ud800@host", "http://", "http://:3128", "socks5://host", "x"])
def test_a_proxy_that_is_none_is_refused(proxy: str) -> None:
    with pytest.raises(NoAccess, match="proxy on the way to c1"):
        direct(Server("https://c1", proxy=proxy))


def test_comments_between_certificates_may_be_in_any_language() -> None:
    pem = trustme.CA().cert_pem.bytes().decode()
    context = tls(Server("https://c1", ca=f"# Főtanúsítvány\n{pem}"), "", "")
    assert isinstance(context, ssl.SSLContext)
    assert len(context.get_ca_certs()) == 1
