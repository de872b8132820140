"""How Resource Manager is reached: whom to trust, by which way, and at what cost."""

from __future__ import annotations

import shutil
import ssl
import subprocess
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.aks.kube_proxy.plugins.module_utils._azure import connections
from ansible_collections.aks.kube_proxy.plugins.module_utils._azure.arm import Arm
from ansible_collections.aks.kube_proxy.plugins.module_utils._azure.authentication import AUTH_ARGUMENT_SPEC
from ansible_collections.aks.kube_proxy.plugins.module_utils._azure.errors import AzureError
from ansible_collections.aks.kube_proxy.plugins.module_utils._operations.operation import sign_in

from tests.support.caller import Caller
from tests.support.tunnel import tunnel

Call = Callable[..., Caller]


@pytest.fixture
def reads(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """The bundles that have been read, by whomever in this process."""
    found: list[Any] = []
    real = ssl.SSLContext.load_verify_locations

    def load(context: ssl.SSLContext, *arguments: Any, **options: Any) -> None:
        found.append(options.get("cafile") or (arguments[0] if arguments else options.get("capath")))
        real(context, *arguments, **options)

    monkeypatch.setattr(ssl.SSLContext, "load_verify_locations", load)
    return found


def test_the_bundle_is_read_once(call: Call, reads: list[Any], tmp_path: Path) -> None:
    """Not for each of the connections of a wave, nor for each of its tasks."""
    caller = call()
    bundle = shutil.copy(caller.azure.emulator.ca_path, tmp_path / "ca.pem")
    options = {**dict.fromkeys(AUTH_ARGUMENT_SPEC), "ca_path": str(bundle)}
    for arm in [sign_in(options, caller.runtime) for _task in range(2)]:
        caller.clusters.arm = arm
        with ThreadPoolExecutor(4) as pool:
            assert {cluster.id.name for cluster in pool.map(lambda _one: caller.cluster(), range(8))} == {"web"}
    ours = [one for one in reads if one == str(bundle)]
    assert len(ours) <= 1 + 2, "one, and those of the cloud's metadata and of the sign-in"


def test_a_bundle_that_has_changed_is_read_again(reads: list[Any], tmp_path: Path, call: Call) -> None:
    bundle = tmp_path / "ca.pem"
    shutil.copy(call().azure.emulator.ca_path, bundle)
    one = connections.trust(str(bundle))
    assert connections.trust(str(bundle)) is one
    bundle.write_text(bundle.read_text() * 2)
    assert connections.trust(str(bundle)) is not one
    assert len(reads) == 2


def test_a_folder_of_certificates(call: Call, tmp_path: Path) -> None:
    """As openssl rehash lays it out."""
    caller = call()
    shutil.copy(caller.azure.emulator.ca_path, tmp_path / "ca.pem")
    digest = ["openssl", "x509", "-noout", "-hash", "-in", str(tmp_path / "ca.pem")]
    name = subprocess.run(digest, capture_output=True, text=True, check=True).stdout.strip()
    (tmp_path / "ca.pem").rename(tmp_path / f"{name}.0")
    caller.clusters.arm = sign_in({**dict.fromkeys(AUTH_ARGUMENT_SPEC), "ca_path": str(tmp_path)}, caller.runtime)
    assert caller.cluster().id.name == "web"


@pytest.mark.parametrize("text", ["", "no certificate\n"])
def test_a_bundle_without_certificates(text: str, call: Call, tmp_path: Path) -> None:
    caller = call()
    bundle = tmp_path / "ca.pem"
    bundle.write_text(text)
    with pytest.raises(AzureError, match="holds certificates in PEM format") as refusal:
        sign_in({**dict.fromkeys(AUTH_ARGUMENT_SPEC), "ca_path": str(bundle)}, caller.runtime)
    assert refusal.value.details["code"] == "Untrusted"


@pytest.mark.parametrize("known", [True, False])
def test_by_way_of_a_proxy_the_same_are_trusted(known: bool, call: Call, monkeypatch: pytest.MonkeyPatch) -> None:
    """Those of the bundle, and nobody else."""
    caller = call()
    assert caller.cluster().id.name == "web"  # the sign-in is done, so that what follows is about Resource Manager
    for name in ("NO_PROXY", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
    if not known:
        monkeypatch.delenv("REQUESTS_CA_BUNDLE")
        caller.clusters.arm = Arm(replace(caller.clusters.arm.session, verify=True), caller.runtime)
    with tunnel() as (address, asked):
        monkeypatch.setenv("HTTPS_PROXY", f"http://{address}")
        if known:
            assert caller.cluster().id.name == "web"
        else:
            with pytest.raises(AzureError, match=r"certificate of localhost:[0-9]+ is not trusted"):
                caller.cluster()
    assert [host.partition(":")[0] for host, _credentials in asked] == ["localhost"]


def test_nothing_is_checked_where_that_is_asked_for(call: Call, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("REQUESTS_CA_BUNDLE", raising=False)
    caller = call()
    options = {**dict.fromkeys(AUTH_ARGUMENT_SPEC), "cert_validation_mode": "ignore"}
    with pytest.warns(Warning, match="Unverified HTTPS request"):
        arm = sign_in(options, caller.runtime)
    caller.clusters.arm = arm
    with pytest.warns(Warning, match="Unverified HTTPS request"):
        caller.cluster()


@pytest.mark.parametrize(
    ("verify", "environ", "bundle"),
    [
        ("/a", {"REQUESTS_CA_BUNDLE": "/b"}, "/a"),
        (False, {"REQUESTS_CA_BUNDLE": "/b"}, None),
        (True, {"REQUESTS_CA_BUNDLE": "/b", "CURL_CA_BUNDLE": "/c"}, "/b"),
        (True, {"REQUESTS_CA_BUNDLE": "", "CURL_CA_BUNDLE": "/c"}, "/c"),
    ],
)
def test_which_bundle(verify: bool | str, environ: dict[str, str], bundle: str | None) -> None:
    assert connections.bundle_of(verify, environ) == bundle


def test_without_any_setting_it_is_that_of_requests() -> None:
    assert str(connections.bundle_of(True, {})).endswith("cacert.pem")
