"""Whatever is wrong: one clear message, no secret, and a cluster that is as it was or as asked for."""

from __future__ import annotations

import copy
import json
import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.aks.kube_proxy.plugins.module_utils._azure.tokens import TOKENS
from ansible_collections.aks.kube_proxy.plugins.module_utils._operations import config, config_info, preview_feature

from tests.operations.bad_input import ROWS, Row
from tests.support.operations import Azure

Lay = Callable[..., Azure]
GUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
# What may stand behind the question mark of an operation's URL, and what every token of the emulator begins with.
SIGNED = re.compile(r"https?://[^\s\"']*\?|[?&](sig|[tcsh])=", re.IGNORECASE)
TOKEN = "eyJ"
SECRETS = ("emulator~secret~of~nobody", "wrong~secret", "parameter~secret")


def surroundings(cloud: Azure, row: Row, monkeypatch: pytest.MonkeyPatch, home: Path) -> dict[str, str]:
    """The environment of a row. HOME and PATH are empty, so that no profile and no Azure CLI plays a part."""
    environ = {**cloud.emulator.environment(), "HOME": str(home), "PATH": str(home)}
    monkeypatch.setenv("HOME", str(home))
    for name, value in row.environ.items():
        environ.pop(name, None)
        monkeypatch.delenv(name, raising=False)
        if value is not None:
            environ[name] = value
            monkeypatch.setenv(name, value)
    return environ


def laid_out(azure: Lay, row: Row) -> Azure:
    cloud = azure({"name": "c1", **row.cluster}, **copy.deepcopy(row.fleet))
    for name, arguments in row.faults:
        cloud.emulator.fault(name, **arguments)
    return cloud


def asked(cloud: Azure, row: Row, environ: dict[str, str]) -> dict[str, Any]:
    named = {"name": "c1", "resource_group": "rg1"} if row.by_name else {}
    arguments: dict[str, Any] = {**named, **row.ask}
    return cloud.call(row.operation, environ=environ, **arguments)


def told_apart(body: dict[str, Any]) -> tuple[Any, dict[str, Any]]:
    """A stored cluster as its kube-proxy configuration and the rest, without what every operation moves."""
    rest = copy.deepcopy(body)
    found = rest["properties"]["networkProfile"].pop("kubeProxyConfig", None)
    for part in (rest, rest["properties"], *rest["properties"]["agentPoolProfiles"]):
        for key in ("eTag", "provisioningState", "tags"):
            part.pop(key, None)
    network = rest["properties"]["networkProfile"]
    network["loadBalancerSku"] = network["loadBalancerSku"].lower()  # lower case until the operation has ended
    return found, rest


@pytest.mark.parametrize("row", ROWS, ids=lambda row: str(row.name))
def test_bad_input(azure: Lay, row: Row, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    cloud = laid_out(azure, row)
    before = cloud.emulator.cluster("c1")
    result = asked(cloud, row, surroundings(cloud, row, monkeypatch, tmp_path))

    message = result["msg"]
    assert result["failed"] is True
    assert "exception" not in result
    assert "not written for" not in message
    assert "\n" not in message
    assert "  " not in message
    assert ".. " not in message
    assert ". ." not in message
    for part in row.says:
        assert part in message
    assert result.get("code") == row.code
    assert result.get("status") == row.status
    if row.correlated:
        assert GUID.fullmatch(result["correlation_id"])
        assert f"Correlation id: {result['correlation_id']}." in message
    assert row.changed is None or result.get("changed", False) is row.changed

    assert len(cloud.arm_requests()) <= row.requests
    assert cloud.time.seconds <= row.seconds

    (was, rest_was), (now, rest_now) = told_apart(before), told_apart(cloud.emulator.cluster("c1"))
    assert now in (was, {"enabled": True, "mode": "NFTABLES"})
    assert rest_now == rest_was

    everything = json.dumps(result, default=str)
    assert not SIGNED.search(everything)
    assert not [secret for secret in (*SECRETS, TOKEN) if secret in everything]
    assert not [token.token for token in TOKENS._tokens.values() if token.token in everything]


@pytest.mark.parametrize("fault", ["garbage", "wrong_content"])
def test_an_answer_to_a_put_that_nobody_can_read_is_found_out_about(azure: Lay, fault: str) -> None:
    cloud = azure({"name": "c1"})
    cloud.emulator.fault(fault, match={"method": "PUT"})
    result = cloud.call(config.OPERATION, resource_group="rg1", name="c1", mode="NFTABLES")
    assert not result.get("failed"), result["msg"]
    assert result["changed"] is True
    assert len(cloud.writes()) == 1


@pytest.mark.parametrize(("method", "writes"), [("GET", 1), ("PUT", 2)])
def test_a_token_that_was_revoked_is_renewed_once(azure: Lay, method: str, writes: int) -> None:
    cloud = azure({"name": "c1"})
    cloud.emulator.fault("token_expired", match={"method": method, "cluster": "c1"})
    result = cloud.call(config.OPERATION, resource_group="rg1", name="c1", mode="NFTABLES")
    assert not result.get("failed"), result["msg"]
    assert len(cloud.writes()) == writes
    assert len([entry for entry in cloud.emulator.requests() if entry["path"].endswith("/token")]) == 2


@pytest.mark.parametrize(
    ("fault", "says"),
    [
        ("wrong_content", "is not Azure Resource Manager"),
        ("garbage", "is not Azure Resource Manager"),
    ],
)
@pytest.mark.parametrize("path", ["/managedClusters$", "/features/"])
def test_a_list_or_a_flag_that_nobody_can_read_is_an_error(azure: Lay, path: str, fault: str, says: str) -> None:
    cloud = azure({"name": "c1"})
    cloud.emulator.fault(fault, match={"method": "GET", "path": path}, times=None)
    result = cloud.call(config_info.OPERATION)
    assert result["failed"] and says in result["msg"]
    assert "not written for" not in result["msg"]


# What an ordinary module does in a Python that lacks a package: importing it fails, as it does there.
LACKING = """
import json, sys
class Lacking:
    def find_spec(self, name, path=None, target=None):
        if name == {module!r}:
            raise ModuleNotFoundError(name, name=name)
sys.meta_path.insert(0, Lacking())
from ansible_collections.aks.kube_proxy.plugins.module_utils._azure.runtime import Runtime
from ansible_collections.aks.kube_proxy.plugins.module_utils._operations.config_info import OPERATION
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
parameters = ArgumentSpecValidator(OPERATION.argument_spec).validate({{}}).validated_parameters
print(json.dumps(OPERATION.outcome(parameters, Runtime())))
"""


@pytest.mark.parametrize(
    ("module", "packages"),
    [
        ("azure", "azure-core, azure-identity, azure-mgmt-core"),
        ("azure.core", "azure-core"),
        ("azure.identity", "azure-identity"),
        ("azure.mgmt.core", "azure-mgmt-core"),
    ],
)
def test_a_missing_package_is_named(module: str, packages: str) -> None:
    environ = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    command = [sys.executable, "-c", LACKING.format(module=module)]
    found = subprocess.run(command, env=environ, capture_output=True, text=True, check=True)
    result = json.loads(found.stdout)
    assert result["failed"] is True
    assert f"Failed to import the required Python library ({packages})" in result["msg"]
    assert "not written for" not in result["msg"]


def test_a_package_that_only_the_provider_needs_is_named_then(azure: Lay, monkeypatch: pytest.MonkeyPatch) -> None:
    cloud = azure(features={})
    monkeypatch.setitem(sys.modules, "azure.mgmt.resource.resources", None)
    result = cloud.call(preview_feature.OPERATION)
    assert result["failed"] is True
    assert "Failed to import the required Python library (azure-mgmt-resource)" in result["msg"]
    assert result["state"] == "Registered"
    assert result["changed"] is True
