"""Exec plugins: real programs, told what kubectl tells them, and no word of theirs too many."""

from __future__ import annotations

import json
import os
import sys
import time
from pathlib import Path

import pytest
from ansible_collections.aks.kube_proxy.plugins.module_utils._kubernetes import exec_credential
from ansible_collections.aks.kube_proxy.plugins.module_utils._kubernetes.api import NoAccess
from ansible_collections.aks.kube_proxy.plugins.module_utils._kubernetes.bearer import Plugged, fixed, from_file
from ansible_collections.aks.kube_proxy.plugins.module_utils._kubernetes.entries import Plugin, Server
from ansible_collections.aks.kube_proxy.plugins.module_utils._kubernetes.exec_credential import Given, run

V1 = "client.authentication.k8s.io/v1"
TOKEN = "the-token-itself"
SERVER = Server("https://one.example", ca="the authority", tls_name="inner.example")
JWT = "eyJ0eXAiOiJKV1QiLCJhbGciOiJSUzI1NiJ9.eyJhdWQiOiJodHRwczovL21hbmFnZW1lbnQifQ.c2lnbmF0dXJl"


def program(folder: Path, code: str) -> str:
    """A program in Python."""
    path = folder / "login"
    path.write_text(f"#!{sys.executable}\nimport json, os, sys, time\n{code}\n")
    path.chmod(0o755)
    return str(path)


def printing(status: object) -> str:
    return f"print(json.dumps({{'kind': 'ExecCredential', 'apiVersion': {V1!r}, 'status': {status!r}}}))"


def refused(plugin: Plugin, environ: dict[str, str] | None = None) -> str:
    with pytest.raises(NoAccess) as caught:
        run(plugin, SERVER, environ or {})
    assert caught.value.details == {"code": "NoCredentials"}
    assert TOKEN not in caught.value.message
    return caught.value.message


@pytest.mark.parametrize(
    ("status", "given"),
    [
        ({"token": TOKEN}, Given(TOKEN)),
        ({"clientCertificateData": "c", "clientKeyData": "k"}, Given("", "c", "k")),
        ({"token": TOKEN, "clientCertificateData": "c", "clientKeyData": "k"}, Given(TOKEN, "c", "k")),
    ],
)
def test_what_a_plugin_gives(status: object, given: Given, tmp_path: Path) -> None:
    found = run(Plugin(program(tmp_path, printing(status)), api_version=V1), SERVER, {})
    assert found == given
    assert TOKEN not in repr(found)


@pytest.mark.parametrize("version", [V1, f"{V1}beta1"])
def test_it_is_told_what_kubectl_tells_it(version: str, tmp_path: Path) -> None:
    code = f"""open({str(tmp_path / "told")!r}, "w").write(json.dumps([
        sys.argv[1:], os.environ["A"], os.environ["B"], json.loads(os.environ["KUBERNETES_EXEC_INFO"]),
        sys.stdin.read(), os.getsid(0) == os.getpid()]))
{printing({"token": TOKEN})}"""
    plugin = Plugin(
        program(tmp_path, code), args=("get-token", "x y"), env=(("A", "2"),), api_version=version, wants_cluster=True
    )
    run(plugin, SERVER, {"A": "1", "B": "1"})
    told = json.loads((tmp_path / "told").read_text())
    spec = {
        "interactive": False,
        "cluster": {
            "server": "https://one.example",
            "tls-server-name": "inner.example",
            "certificate-authority-data": "dGhlIGF1dGhvcml0eQ==",
        },
    }
    info = {"apiVersion": version, "kind": "ExecCredential", "spec": spec}
    assert told == [["get-token", "x y"], "2", "1", info, "", True]


def test_it_is_looked_for_in_the_path_of_the_environment(tmp_path: Path) -> None:
    program(tmp_path, printing({"token": TOKEN}))
    assert run(Plugin("login", api_version=V1), SERVER, {"PATH": str(tmp_path)}).token == TOKEN
    message = refused(Plugin("login", api_version=V1, hint="Get it at\nhttps://x.example"), {"PATH": "/nowhere"})
    assert "exec plugin login is not installed" in message
    assert "The kubeconfig says: Get it at https://x.example" in message


@pytest.mark.parametrize(
    ("code", "words"),
    [
        ("sys.exit(3)", "failed: exit status 3."),
        (
            f"print({TOKEN!r}); sys.stderr.write('AADSTS50076: no\\nway {JWT}'); sys.exit(1)",
            "AADSTS50076: no way [token removed]",
        ),
        ("sys.stderr.write('x' * 9999); sys.exit(1)", f"failed: {'x' * 300}."),
        (f"print({TOKEN!r})", "printed no ExecCredential"),
        ("print('[]')", "printed no ExecCredential"),
        (f"print(json.dumps({{'kind': 'Secret', 'status': {{'token': {TOKEN!r}}}}}))", "printed no ExecCredential"),
        (printing(None), "printed no ExecCredential"),
        (printing({}), "gave neither a token nor a client certificate with its key"),
        (printing({"token": TOKEN, "clientCertificateData": "c"}), "gave neither a token nor a client certificate"),
    ],
)
def test_what_goes_wrong_is_said_without_its_output(code: str, words: str, tmp_path: Path) -> None:
    assert words in refused(Plugin(program(tmp_path, code), api_version=V1))


@pytest.mark.parametrize(
    ("plugin", "words"),
    [
        (
            Plugin("login", api_version="client.authentication.k8s.io/v1alpha1"),
            "spoken to in client.authentication.k8s.io/v1alpha1",
        ),
        (Plugin("login"), "spoken to in no version"),
        (Plugin("login", api_version=V1, interactive="Always"), "wants to ask somebody"),
    ],
)
def test_what_cannot_work_is_not_run(plugin: Plugin, words: str, tmp_path: Path) -> None:
    program(tmp_path, f"open({str(tmp_path / 'ran')!r}, 'w'); {printing({'token': TOKEN})}")
    assert words in refused(plugin, {"PATH": str(tmp_path)})
    assert not (tmp_path / "ran").exists()


def test_one_that_waits_is_ended_with_all_it_started(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(exec_credential, "TIMEOUT_SECONDS", 1)
    code = f"pid = os.fork()\nopen({str(tmp_path)!r} + f'/pid{{pid}}', 'w')\ntime.sleep(60)"
    started = time.monotonic()
    assert "gave nothing within 1 seconds" in refused(Plugin(program(tmp_path, code), api_version=V1))
    assert time.monotonic() - started < 20
    (child,) = [int(path.name[3:]) for path in tmp_path.glob("pid[1-9]*")]
    for _attempt in range(100):
        try:
            os.kill(child, 0)
        except ProcessLookupError:
            return
        if Path(f"/proc/{child}/stat").read_text().rpartition(")")[2].split()[0] == "Z":
            return
        time.sleep(0.05)
    pytest.fail("what the plugin started still runs")


# --- where tokens come from ---


def test_a_plugin_runs_again_for_a_fresh_token_only(tmp_path: Path) -> None:
    count = tmp_path / "count"
    code = f"""open({str(count)!r}, 'a').write('x')
token = 'T%d' % os.path.getsize({str(count)!r})
print(json.dumps({{'kind': 'ExecCredential', 'status': {{'token': token}}}}))"""
    give = Plugged(Plugin(program(tmp_path, code), api_version=V1), SERVER, {})
    assert [give(False), give(False), give(True), give(False)] == ["T1", "T1", "T2", "T2"]


def test_a_token_file_is_read_each_time(tmp_path: Path) -> None:
    path = tmp_path / "token"
    give = from_file(str(path))
    path.write_text("one\n")
    assert give(False) == "one"
    path.write_text("two\n")
    assert give(False) == "two"
    path.unlink()
    with pytest.raises(NoAccess, match=r"token file .*/token cannot be read"):
        give(False)


def test_no_token_is_none() -> None:
    assert fixed("") is None
    give = fixed(TOKEN)
    assert give
    assert give(True) == TOKEN
