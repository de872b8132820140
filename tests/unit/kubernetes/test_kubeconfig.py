"""Reading kubeconfigs as kubectl does, and saying what is wrong with one."""

from __future__ import annotations

import base64
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible_collections.aks.kube_proxy.plugins.module_utils._kubernetes.api import NoAccess
from ansible_collections.aks.kube_proxy.plugins.module_utils._kubernetes.entries import ENTRA_SERVER, Plugin
from ansible_collections.aks.kube_proxy.plugins.module_utils._kubernetes.kubeconfig import (
    Kubeconfig,
    load,
    merge,
    parse,
)

OWN = "80FAEBAC-5f1c-4a2d-8b3e-0123456789ab"
SECRET = "s3cr3t-of-the-cluster"
PEM = f"-----BEGIN CERTIFICATE-----\n{SECRET}\n-----END CERTIFICATE-----\n"
DATA = base64.b64encode(PEM.encode()).decode()


def body(
    cluster: dict[str, Any] | None = None, user: dict[str, Any] | None = None, name: str = "one"
) -> dict[str, Any]:
    """A kubeconfig of one context, C(one), with what is given in addition."""
    return {
        "clusters": [{"name": name, "cluster": {"server": f"https://{name}.example:443/", **(cluster or {})}}],
        "users": [{"name": name, "user": user or {}}],
        "contexts": [{"name": name, "context": {"cluster": name, "user": name}}],
        "current-context": name,
    }


def read(content: Any, folder: Path = Path("/nowhere")) -> Kubeconfig:
    return parse(content if isinstance(content, str) else yaml.safe_dump(content), folder, "The kubeconfig X")


def refused(content: Any, folder: Path = Path("/nowhere")) -> NoAccess:
    def use() -> None:
        config = read(content, folder)
        config.server("one")
        config.user("one")

    with pytest.raises(NoAccess) as caught:
        use()
    assert SECRET not in caught.value.message
    return caught.value


def test_a_context_leads_to_its_server() -> None:
    extra = {"certificate-authority-data": DATA, "tls-server-name": "Inner.example", "proxy-url": "http://proxy:1"}
    server = read(body(extra)).server("one")
    assert (server.url, server.ca) == ("https://one.example:443", PEM)
    assert (server.host, server.known_as, server.proxy) == ("one.example", "inner.example", "http://proxy:1")
    assert read(body()).server("one").known_as == "one.example"
    assert read(body({"insecure-skip-tls-verify": False})).server("one").host == "one.example"


def test_data_is_read_whether_or_not_it_is_wrapped() -> None:
    wrapped = "\n".join([DATA[:40], DATA[40:]])
    assert read(body({"certificate-authority-data": wrapped})).server("one").ca == PEM


def test_files_are_looked_for_from_the_kubeconfigs_folder(tmp_path: Path) -> None:
    (tmp_path / "ca.pem").write_text("the authority")
    (tmp_path / "me.pem").write_text("the certificate")
    (tmp_path / "me.key").write_text("the key")
    user = {"client-certificate": "me.pem", "client-key": str(tmp_path / "me.key"), "tokenFile": "token"}
    config = read(body({"certificate-authority": "ca.pem"}, user), tmp_path)
    assert config.server("one").ca == "the authority"
    found = config.user("one")
    assert (found.certificate, found.key) == ("the certificate", "the key")
    assert found.token_file == str(tmp_path / "token")


def test_data_counts_before_a_file() -> None:
    both = {"certificate-authority-data": DATA, "certificate-authority": "not-there.pem"}
    assert read(body(both)).server("one").ca == PEM


@pytest.mark.parametrize(
    ("command", "found"),
    [("kubelogin", "kubelogin"), ("./bin/login", "/nowhere/bin/login"), ("/opt/login", "/opt/login")],
)
def test_a_plugins_program_is_looked_for_as_kubectl_does(command: str, found: str) -> None:
    wish = {
        "apiVersion": "client.authentication.k8s.io/v1",
        "command": command,
        "args": ["get-token", 7],
        "env": [{"name": "A", "value": "b"}],
        "installHint": "Get it.",
        "provideClusterInfo": True,
    }
    assert read(body(user={"exec": wish})).user("one").plugin == Plugin(
        command=found,
        args=("get-token", "7"),
        env=(("A", "b"),),
        api_version="client.authentication.k8s.io/v1",
        hint="Get it.",
        wants_cluster=True,
        interactive="IfAvailable",
    )


@pytest.mark.parametrize(("config", "found"), [({"apiserver-id": OWN}, OWN), ({}, ENTRA_SERVER), (None, ENTRA_SERVER)])
def test_the_azure_auth_provider_tells_the_application(config: Any, found: str) -> None:
    assert read(body(user={"auth-provider": {"name": "azure", "config": config}})).user("one").entra_server == found


@pytest.mark.parametrize(
    ("content", "code", "words"),
    [
        ("a: [", "BadKubeconfig", "The kubeconfig X is no YAML (line "),
        (f"a: {SECRET}\n b: - {SECRET}", "BadKubeconfig", "is no YAML (line 2)"),
        ("just words", "BadKubeconfig", "is no kubeconfig"),
        ({"clusters": {"a": 1}}, "BadKubeconfig", "'clusters' is no list"),
        ("", "NoSuchContext", "has no context 'one'. It has none."),
        ({"contexts": [{"name": f"c{n:02}"} for n in range(12)]}, "NoSuchContext", "'c00', 'c01'"),
        ({"contexts": [{"name": f"c{n:02}"} for n in range(12)]}, "NoSuchContext", "and 2 more."),
        ({"contexts": [{"name": "one", "context": {"cluster": "x"}}]}, "BadKubeconfig", "needs the cluster 'x'"),
        ({**body(), "users": None}, "BadKubeconfig", "needs the user 'one', which is not there"),
        ({**body(), "users": body()["users"] * 2}, "BadKubeconfig", "'users' has 'one' twice"),
        (body({"server": "http://one.example"}), "BadKubeconfig", "no https URL"),
        (body({"server": None}), "BadKubeconfig", "no https URL"),
        *(
            (body({"insecure-skip-tls-verify": given, **more}), "Untrusted", "certificate-authority-data")
            for given in (True, "true", 1)
            for more in ({}, {"certificate-authority-data": DATA}, {"tls-server-name": "inner.example"})
        ),
        (
            body(user={"auth-provider": {"name": "azure", "config": {"apiserver-id": "https://management.azure.com"}}}),
            "BadKubeconfig",
            "is named by no GUID",
        ),
        (
            body({"certificate-authority": "not-there.pem"}),
            "NoCredentials",
            "not-there.pem cannot be read: No such file",
        ),
        (
            body({"certificate-authority-data": SECRET}),
            "BadKubeconfig",
            "certificate-authority-data is no PEM in Base64",
        ),
        (body(user={"client-key-data": SECRET}), "BadKubeconfig", "client-key-data is no PEM"),
        (body(user={"client-certificate-data": DATA}), "BadKubeconfig", "goes with a key"),
        (
            body(user={"username": "me", "password": SECRET}),
            "NoCredentials",
            "user name and password are not supported",
        ),
        (body(user={"exec": {"args": [SECRET]}}), "BadKubeconfig", "its exec plugin has no command"),
        (body(user={"exec": SECRET}), "BadKubeconfig", "its exec plugin has no command"),
        (body(user={"auth-provider": {"name": "gcp"}}), "NoCredentials", "'gcp' is not supported"),
    ],
)
def test_what_is_wrong_is_said_without_secrets(content: Any, code: str, words: str) -> None:
    error = refused(content)
    assert words in error.message
    assert error.details["code"] == code


def test_nothing_secret_is_in_a_representation() -> None:
    user = {"token": SECRET, "exec": {"command": "x", "args": [SECRET], "env": [{"name": "A", "value": SECRET}]}}
    config = read(body({"certificate-authority-data": DATA, "proxy-url": f"http://a:{SECRET}@b"}, user))
    keys = read(body(user={"client-certificate-data": DATA, "client-key-data": DATA}))
    shown = [repr(thing) for thing in (config, config.server("one"), config.user("one"), keys, keys.user("one"))]
    assert SECRET not in "".join(shown)
    assert DATA not in "".join(shown)


# --- several files ---


def test_of_several_files_the_first_that_has_an_entry_counts_whole() -> None:
    first = read({**body(user={"token": "first"}), "current-context": ""})
    second = read(body({"server": "https://other.example"}, {"token": "second", "tokenFile": "x"}))
    third = read(body(name="two"))
    merged = merge([first, second, third])
    assert merged.server("one").url == "https://one.example:443"
    assert (merged.user("one").token, merged.user("one").token_file) == ("first", "")
    assert merged.server("two").host == "two.example"
    assert merged.current == "one"


def test_parts_of_a_context_may_lie_in_several_files() -> None:
    parts = [read({key: rows, "current-context": "one"}) for key, rows in body().items() if key != "current-context"]
    assert merge(parts).server("one").host == "one.example"


def test_the_named_file_counts_then_the_environment_then_the_home(tmp_path: Path) -> None:
    home = tmp_path / ".kube"
    home.mkdir()
    (home / "config").write_text(yaml.safe_dump(body(name="home")))
    for name in ("a", "b", "named"):
        (tmp_path / name).write_text(yaml.safe_dump(body(name=name)))
    environ = {"HOME": str(tmp_path)}
    listed = {**environ, "KUBECONFIG": f"{tmp_path}/a:{tmp_path}/not-there::{tmp_path}/b"}
    assert load(None, environ).current == "home"
    assert load(None, {**environ, "KUBECONFIG": ""}).current == "home"
    assert set(load(None, listed).contexts) == {"a", "b"}
    assert set(load(str(tmp_path / "named"), listed).contexts) == {"named"}


def test_no_file_is_said(tmp_path: Path) -> None:
    with pytest.raises(NoAccess, match=f"{tmp_path}/.kube/config is not there") as caught:
        load(None, {"HOME": str(tmp_path)})
    assert caught.value.details["code"] == "NoKubeconfig"
    with pytest.raises(NoAccess, match=f"The kubeconfig {tmp_path}/x cannot be read: No such file"):
        load(f"{tmp_path}/x", {})
    (tmp_path / "binary").write_bytes(b"\xff\xfe")
    with pytest.raises(NoAccess, match="it is no text"):
        load(f"{tmp_path}/binary", {})
