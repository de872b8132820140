"""Which proxy is on the way, and which context leads to which cluster."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from ansible_collections.aks.kube_proxy.plugins.module_utils._kubernetes.access import choose_context
from ansible_collections.aks.kube_proxy.plugins.module_utils._kubernetes.api import NoAccess
from ansible_collections.aks.kube_proxy.plugins.module_utils._kubernetes.connection import proxy_of
from ansible_collections.aks.kube_proxy.plugins.module_utils._kubernetes.entries import Entry, Plugin, Server, User
from ansible_collections.aks.kube_proxy.plugins.module_utils._kubernetes.handed_out import entra_server
from ansible_collections.aks.kube_proxy.plugins.module_utils._kubernetes.kubeconfig import Kubeconfig

OWN = "80FAEBAC-5f1c-4a2d-8b3e-0123456789ab"
PROXY = "http://proxy:3128"
FQDN = "aks-web-x1.hcp.westeurope.azmk8s.io"
PRIVATE = "aks-web-x1.abc.privatelink.westeurope.azmk8s.io"


@pytest.mark.parametrize(
    ("url", "environ", "proxy"),
    [
        ("https://a.example", {}, ""),
        ("https://a.example", {"HTTPS_PROXY": PROXY}, PROXY),
        ("https://a.example", {"https_proxy": PROXY}, PROXY),
        ("https://a.example", {"HTTPS_PROXY": "proxy:3128"}, PROXY),
        ("https://a.example", {"HTTP_PROXY": PROXY}, ""),
        ("https://localhost:1", {"HTTPS_PROXY": PROXY}, ""),
        ("https://127.0.0.2:1", {"HTTPS_PROXY": PROXY}, ""),
        ("https://[::1]:1", {"HTTPS_PROXY": PROXY}, ""),
        *(
            ("https://a.example", {"HTTPS_PROXY": PROXY, "NO_PROXY": excepted}, proxy)
            for excepted, proxy in [
                ("*", ""),
                ("a.example", ""),
                ("A.Example", ""),
                ("b, example", ""),
                (".example", ""),
                ("*.example", ""),
                ("*.Example:443", ""),
                ("*.example:8443", PROXY),
                (".a.example", PROXY),
                ("*.a.example", PROXY),
                ("*example", PROXY),
                ("xample", PROXY),
                ("b.a.example", PROXY),
                ("a.example:443", ""),
                ("a.example:8443", PROXY),
                ("10.0.0.0/8", PROXY),
                (",", PROXY),
            ]
        ),
        ("https://a.example", {"HTTPS_PROXY": PROXY, "no_proxy": "a.example"}, ""),
        ("https://10.1.2.3", {"HTTPS_PROXY": PROXY, "NO_PROXY": "10.0.0.0/8"}, ""),
        ("https://10.1.2.3", {"HTTPS_PROXY": PROXY, "NO_PROXY": "10.1.2.3"}, ""),
        ("https://11.1.2.3", {"HTTPS_PROXY": PROXY, "NO_PROXY": "10.0.0.0/8"}, PROXY),
    ],
)
def test_the_environments_proxy(url: str, environ: dict[str, str], proxy: str) -> None:
    assert proxy_of(Server(url), environ) == proxy


def test_the_kubeconfigs_proxy_counts_first() -> None:
    assert proxy_of(Server("https://localhost", proxy="http://own:1"), {"HTTPS_PROXY": PROXY, "NO_PROXY": "*"}) == (
        "http://own:1"
    )


# --- contexts ---


def config(current: str = "", /, **servers: str | tuple[str, str]) -> Kubeconfig:
    """A kubeconfig with a context for each host, or for a host and the name on its certificate."""

    def entry(values: dict[str, Any]) -> Entry:
        return Entry(values, Path("/"))

    rows = {name: given if isinstance(given, tuple) else (given, "") for name, given in servers.items()}
    return Kubeconfig(
        source="The kubeconfig X",
        clusters={
            name: entry({"server": f"https://{host}:443", "tls-server-name": tls}) for name, (host, tls) in rows.items()
        },
        users={name: entry({}) for name in rows},
        contexts={name: entry({"cluster": name, "user": name}) for name in rows},
        current=current,
    )


@pytest.mark.parametrize(
    ("kubeconfig", "wanted", "found"),
    [
        (config(web=FQDN, other="x.example"), None, "web"),
        (config(web=FQDN.upper()), None, "web"),
        (config(web=PRIVATE), None, "web"),
        (config("web", web="y.example", right=FQDN), "right", "right"),
        (config("now", now=FQDN), None, "now"),
        (config(web=("127.0.0.1", FQDN)), None, "web"),
        (config(tunnel="localhost"), "tunnel", "tunnel"),
    ],
)
def test_the_context_that_leads_to_the_cluster(kubeconfig: Kubeconfig, wanted: str | None, found: str) -> None:
    assert choose_context(kubeconfig, "web", [FQDN, PRIVATE], wanted) == found


@pytest.mark.parametrize(
    ("kubeconfig", "wanted", "code"),
    [
        (config(web="other.example"), None, "WrongCluster"),
        (config("web", web="other.example", right=FQDN), None, "WrongCluster"),
        (config("now", now="other.example"), None, "WrongCluster"),
        (config("now", now="localhost"), None, "WrongCluster"),
        (config(web="localhost"), None, "WrongCluster"),
        (config(other="other.example"), "other", "WrongCluster"),
        (config(web=(FQDN, "other.example")), "web", "WrongCluster"),
        (config(other=FQDN), None, "NoSuchContext"),
        (config(web=FQDN), "elsewhere", "NoSuchContext"),
    ],
)
def test_no_other_cluster_is_asked(kubeconfig: Kubeconfig, wanted: str | None, code: str) -> None:
    with pytest.raises(NoAccess) as caught:
        choose_context(kubeconfig, "web", [FQDN, PRIVATE], wanted)
    assert caught.value.details["code"] == code


def test_where_azure_names_no_host_a_context_has_to_be_named() -> None:
    assert choose_context(config(a="x.example"), "web", [], "a") == "a"
    with pytest.raises(NoAccess, match="Azure names none"):
        choose_context(config(web="x.example"), "web", [], None)


@pytest.mark.parametrize(
    ("user", "application"),
    [
        (User(token="x"), ""),
        (User(plugin=Plugin("kubelogin", ("get-token", "--server-id", OWN, "--client-id", "x"))), OWN),
        (User(plugin=Plugin("kubelogin", (f"--server-id={OWN}",))), OWN),
        (User(plugin=Plugin("kubelogin", ("get-token",))), "6dae42f8-4368-4678-94ff-3960e28e3630"),
        (User(plugin=Plugin("kubelogin", ("--server-id",))), "6dae42f8-4368-4678-94ff-3960e28e3630"),
        (User(entra_server=OWN), OWN),
    ],
)
def test_the_application_that_a_token_has_to_be_for(user: User, application: str) -> None:
    assert entra_server(user, "here") == application


@pytest.mark.parametrize("named", ["https://management.azure.com", f"{OWN}/x", f"api://{OWN}", "abc"])
def test_no_token_is_for_anything_but_an_application(named: str) -> None:
    with pytest.raises(NoAccess, match="here: the application that tokens are for is named by no GUID") as caught:
        entra_server(User(plugin=Plugin("kubelogin", ("--server-id", named))), "here")
    assert caught.value.details["code"] == "BadKubeconfig"
