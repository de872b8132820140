"""What the emulator serves and takes, against Microsoft's own JSON schemas."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from tests.contract.arm_client import REGISTERED, flat
from tests.contract.conftest import Start
from tests.emulator import fields
from tests.emulator.fields import known_as_read_only
from tests.emulator.refusals import RefusalError

FOLDER = fields.find_folder(None, None)
needs_schemas = pytest.mark.skipif(FOLDER is None, reason="Microsoft's schemas are not beside the repository")
VERSIONS = ("2025-09-02-preview", "2026-05-02-preview")


def writable(body: Any, path: str = "") -> Any:
    """A body less the service's own fields, enums of other case included."""
    if isinstance(body, dict):
        return {
            key: writable(value, f"{path}.{key}".lstrip("."))
            for key, value in body.items()
            if not known_as_read_only(f"{path}.{key}".lstrip("."))
        }
    if isinstance(body, list):
        return [writable(item, f"{path}.*") for item in body]
    return body


@needs_schemas
@pytest.mark.parametrize("version", VERSIONS)
def test_served_bodies_are_valid(start: Start, version: str) -> None:
    variants: list[Any] = [
        {}, {"mode": "IPVS"}, {"plugin": "none", "mode": "disabled"}, {"dataplane": "cilium"}, {"sku": "Automatic"},
        {"power": "Stopped"}, {"plugin": "kubenet", "policy": "calico"}, {"autoscaler": {"min": 1, "max": 3}},
        {"pools": [{"name": "w", "os_type": "Windows"}]},
    ]  # fmt: skip
    arm = start([{"name": f"c{i}", **variant} for i, variant in enumerate(variants)])
    schema = fields.schemas(FOLDER)[version]
    for i in range(len(variants)):
        body = writable(arm.get(f"c{i}", version))
        network = body["properties"]["networkProfile"]
        # The service spells two enums its own way (recorded traffic).
        assert network["loadBalancerSku"] == "Standard"
        assert network["loadBalancerProfile"]["backendPoolType"] == "nodeIPConfiguration"
        network["loadBalancerSku"] = "standard"
        network["loadBalancerProfile"]["backendPoolType"] = "NodeIPConfiguration"
        jsonschema.Draft4Validator(schema).validate(body)


@needs_schemas
@pytest.mark.parametrize("version", VERSIONS)
def test_no_field_that_a_schema_has_is_called_read_only(version: str) -> None:
    """A wrong entry in the emulator's list would let it drop what a client may write."""
    root = fields.schemas(FOLDER)[version]

    def resolve(schema: Any) -> Any:
        while "$ref" in schema:
            schema = root["definitions"][schema["$ref"].rpartition("/")[2]]
        return schema

    def walk(schema: Any, path: str, depth: int) -> list[str]:
        schema = resolve(schema)
        if depth > 6:
            return []
        found = []
        for key, below in (schema.get("properties") or {}).items():
            where = f"{path}.{key}".lstrip(".")
            found += [where, *walk(below, where, depth + 1)]
        for below in (schema.get("items"), schema.get("additionalProperties")):
            if isinstance(below, dict):
                found += walk(below, f"{path}.*", depth + 1)
        return found

    named = [path for path in walk(root, "", 0) if known_as_read_only(path)]
    # Schemas of deployment templates name these, for what stands in the URL of a PUT.
    assert sorted(named) == ["name", "type"]
    assert "properties.networkProfile.kubeProxyConfig.ipvsConfig.scheduler" in walk(root, "", 0)


@needs_schemas
def test_the_built_in_schema_agrees_with_microsofts() -> None:
    for version in VERSIONS:
        theirs = fields.schemas(FOLDER)[version]
        config = theirs["definitions"]["ContainerServiceNetworkProfileKubeProxyConfig"]["properties"]
        network = fields.BUILT_IN["properties"]["properties"]["properties"]["networkProfile"]["properties"]
        ours = network["kubeProxyConfig"]["properties"]
        assert set(ours) == set(config)
        assert ours["mode"]["enum"] == config["mode"]["enum"]
        ipvs = theirs["definitions"]["ContainerServiceNetworkProfileKubeProxyConfigIpvsConfig"]["properties"]
        assert set(ours["ipvsConfig"]["properties"]) == set(ipvs)
        assert ours["ipvsConfig"]["properties"]["scheduler"]["enum"] == ipvs["scheduler"]["enum"]


@needs_schemas
@pytest.mark.parametrize(
    ("patch", "code", "part"),
    [
        ({"enableRBAC": "yes"}, "UnmarshalError", "string into Go struct field properties.enableRBAC of type bool"),
        ({"agentPoolProfiles": [{"name": "nodepool1", "count": "3"}]}, "UnmarshalError", "of type int"),
        ({"agentPoolProfiles": [{"name": "nodepool1", "warp": 9}]}, "UnmarshalError", 'unknown field "warp"'),
        ({"agentPoolProfiles": ["nodepool1"]}, "UnmarshalError", "agentPoolProfiles.0 of type struct"),
        ({"agentPoolProfiles": "nodepool1"}, "UnmarshalError", "agentPoolProfiles of type []interface"),
        ({"agentPoolProfiles": [{"count": 1}]}, "InvalidParameter", "'name' is a required property"),
        ({"networkProfile": {"outboundType": "pigeon"}}, "InvalidParameter", "networkProfile.outboundType"),
        ({"networkProfile": {"serviceCidr": "rubbish"}}, "InvalidParameter", "networkProfile.serviceCidr"),
        ({"hologramProfile": {}}, "UnmarshalError", 'unknown field "hologramProfile"'),
        ({"networkProfile": {"teleport": 1}}, "UnmarshalError", 'unknown field "teleport"'),
    ],
)  # fmt: skip
def test_wrong_values_and_fields_of_anything_are_refused(start: Start, patch: Any, code: str, part: str) -> None:
    arm = start()
    body = arm.get()
    body["properties"].update(patch)
    assert part in flat(arm.put(body), 400, code)


@needs_schemas
def test_a_property_that_no_schema_knows_stays_with_its_pool(start: Start) -> None:
    pools = [{"name": "a", "count": 1}, {"name": "b", "count": 1, "warp": 9}]
    arm = start([{"name": "c1", "merge": {"properties": {"agentPoolProfiles": pools}}}])
    body = arm.get()
    body["properties"]["agentPoolProfiles"][0]["warp"] = 9
    assert 'unknown field "warp"' in flat(arm.put(body), 400, "UnmarshalError")
    assert arm.put(arm.get()).status_code == 200


def test_future_properties_can_be_allowed(start: Start) -> None:
    arm = start(behaviour={"future_properties": True})
    body = arm.get()
    body["properties"]["hologramProfile"] = {"rays": 3}
    arm.settle(arm.put(body))
    assert arm.get()["properties"]["hologramProfile"] == {"rays": 3}


def test_without_schemas_kube_proxy_alone_is_checked() -> None:
    body = {"properties": {"anything": 1, "networkProfile": {"kubeProxyConfig": {"enabled": True}, "odd": 2}}}
    kept = fields.unmarshal(copy.deepcopy(body), "2025-09-02-preview", {}, folder=None, accept_future=False)
    assert kept == body
    body["properties"]["networkProfile"]["kubeProxyConfig"]["speed"] = 9  # type: ignore[index]
    with pytest.raises(RefusalError):
        fields.unmarshal(body, "2025-09-02-preview", {}, folder=None, accept_future=False)


def test_where_schemas_are_looked_for(tmp_path: Path) -> None:
    asked, environment = tmp_path / "asked", tmp_path / "environment"
    environment.mkdir()
    assert fields.find_folder(asked, str(environment)) == environment
    asked.mkdir()
    assert fields.find_folder(asked, str(environment)) == asked


def test_a_switch_in_a_frozen_fleet_uses_the_schemas_of_its_version(start: Start) -> None:
    """`enableFIPS` of the cluster came between the two schemas."""
    if FOLDER is None:
        pytest.skip("Microsoft's schemas are not beside the repository")
    arm = start(features=REGISTERED)
    body = {**arm.get(), "properties": {**arm.get()["properties"], "enableFIPS": False}}
    assert "enableFIPS" in flat(arm.put(body), 400, "UnmarshalError")
    assert arm.put(body, version="2026-05-02-preview").status_code == 200
