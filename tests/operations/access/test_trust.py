"""Whom to trust, whom to ask, and by which proxy."""

from __future__ import annotations

import base64
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml
from ansible_collections.aks.kube_proxy.plugins.module_utils._kubernetes.access import KUBECONFIG

from tests.support.caller import Caller
from tests.support.tunnel import tunnel

Call = Callable[..., Caller]


def test_another_authority_is_not_trusted(call: Call, tmp_path: Path) -> None:
    caller = call()
    arm_ca = base64.b64encode(caller.azure.emulator.ca_path.read_bytes()).decode()
    path = caller.kubeconfig(tmp_path, **{"certificate-authority-data": arm_ca})
    error = caller.refused(KUBECONFIG, kubeconfig=str(path), context="web")
    assert error.details["code"] == "Untrusted"
    assert "the kubeconfig's certificate authority" in error.message
    assert caller.gets() == []
    assert caller.azure.time.slept == []


def test_without_an_authority_in_the_kubeconfig_a_private_one_is_not_trusted(call: Call, tmp_path: Path) -> None:
    caller = call()
    path = caller.kubeconfig(tmp_path, **{"certificate-authority-data": ""})
    assert "this host's authorities" in caller.refused(KUBECONFIG, kubeconfig=str(path), context="web").message


def test_what_the_system_trusts_counts_only_where_the_kubeconfig_names_no_authority(
    call: Call, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    caller = call()
    content = yaml.safe_load(caller.kubeconfig(tmp_path).read_text())
    own = content["clusters"][0]["cluster"]["certificate-authority-data"]
    (tmp_path / "system.pem").write_bytes(base64.b64decode(own))
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "system.pem"))
    path = caller.kubeconfig(tmp_path, **{"certificate-authority-data": ""})
    assert caller.ask(KUBECONFIG, kubeconfig=str(path), context="web")[0].ok
    other = base64.b64encode(caller.azure.emulator.ca_path.read_bytes()).decode()
    path = caller.kubeconfig(tmp_path, **{"certificate-authority-data": other})
    assert caller.refused(KUBECONFIG, kubeconfig=str(path), context="web").details["code"] == "Untrusted"


def test_the_name_on_the_certificate_counts(call: Call, tmp_path: Path) -> None:
    caller = call()
    fqdn = caller.cluster().properties["fqdn"]
    path = caller.kubeconfig(tmp_path, **{"tls-server-name": fqdn})
    error = caller.refused(KUBECONFIG, kubeconfig=str(path))  # the context leads to the cluster, by that name
    assert error.details["code"] == "Untrusted"
    assert "Hostname mismatch" in error.message
    assert caller.gets() == []


def test_another_cluster_is_not_asked(call: Call, tmp_path: Path) -> None:
    caller = call({}, {"name": "other"})
    path = caller.kubeconfig(tmp_path, "other", server=f"https://{caller.cluster('other').properties['fqdn']}:443")
    for context in (None, "other"):
        error = caller.refused(KUBECONFIG, kubeconfig=str(path), context=context)
        assert error.details["code"] == "WrongCluster"
        assert "leads to other-" in error.message
    assert caller.gets() == []


# --- through a proxy ---


def test_the_kubeconfigs_proxy_is_used(call: Call, tmp_path: Path) -> None:
    caller = call()
    with tunnel() as (address, asked):
        path = caller.kubeconfig(tmp_path, **{"proxy-url": f"http://me:p%40ss@{address}"})
        assert caller.ask(KUBECONFIG, kubeconfig=str(path), context="web")[0].ok
    ((host, credentials),) = asked
    assert host.startswith("localhost:")
    assert credentials == f"Basic {base64.b64encode(b'me:p@ss').decode()}"
