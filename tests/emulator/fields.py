"""Which JSON fields a PUT may carry, and of what type: what AKS's unmarshalling does.

Two sources: a small schema of kubeProxyConfig below, and Microsoft's JSON schemas where somebody has put them (they
are large, so the project does not ship them; docs/emulator.md says where they are looked for).
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

from jsonschema import Draft4Validator

from .api_versions import has_kube_proxy, refuses_unknown_fields
from .refusals import refusal
from .wire import JsonObject

# What the service returns and ignores in a PUT; Microsoft's template schemas leave these out. `*` stands for any key
# or list item. (SDK 41.9.0b1's read-only fields.)
READ_ONLY = (
    "eTag", "id", "name", "type", "systemData",
    "properties.provisioningState", "properties.powerState", "properties.maxAgentPools",
    "properties.currentKubernetesVersion", "properties.fqdn", "properties.privateFQDN",
    "properties.azurePortalFQDN", "properties.resourceUID", "properties.controlPlanePluginProfiles",
    "properties.agentPoolProfiles.*.eTag", "properties.agentPoolProfiles.*.currentOrchestratorVersion",
    "properties.agentPoolProfiles.*.provisioningState",
    "properties.networkProfile.loadBalancerProfile.effectiveOutboundIPs",
    "properties.networkProfile.natGatewayProfile.effectiveOutboundIPs",
    "properties.oidcIssuerProfile.issuerURL", "properties.addonProfiles.*.identity",
    "identity.principalId", "identity.tenantId",
    "identity.userAssignedIdentities.*.clientId", "identity.userAssignedIdentities.*.principalId",
)  # fmt: skip
KUBE_PROXY = "properties.networkProfile.kubeProxyConfig"
# Values whose case counts; the service is lenient with all other enums (`Standard`, `standard`).
EXACT_ENUMS = (f"{KUBE_PROXY}.mode", f"{KUBE_PROXY}.ipvsConfig.scheduler")

_OPEN = {"type": "object", "additionalProperties": True}
_SECONDS = {"type": "integer"}
BUILT_IN: JsonObject = {
    **_OPEN,
    "required": ["properties"],
    "properties": {
        "location": {"type": "string"},
        "tags": {"type": "object", "additionalProperties": {"type": "string"}},
        "properties": {
            **_OPEN,
            "properties": {
                "agentPoolProfiles": {
                    "type": "array",
                    "items": {**_OPEN, "required": ["name"], "properties": {"name": {"type": "string"}}},
                },
                "networkProfile": {
                    **_OPEN,
                    "properties": {
                        "kubeProxyConfig": {
                            "type": "object",
                            "properties": {
                                "enabled": {"type": "boolean"},
                                "mode": {"type": "string", "enum": ["IPTABLES", "IPVS", "NFTABLES"]},
                                "ipvsConfig": {
                                    "type": "object",
                                    "properties": {
                                        "scheduler": {"type": "string", "enum": ["RoundRobin", "LeastConnection"]},
                                        "tcpTimeoutSeconds": _SECONDS,
                                        "tcpFinTimeoutSeconds": _SECONDS,
                                        "udpTimeoutSeconds": _SECONDS,
                                    },
                                },
                            },
                        }
                    },
                },
            },
        },
    },
}
GO_TYPES = {"boolean": "bool", "integer": "int", "number": "float64", "array": "[]interface", "object": "struct"}
JSON_TYPES = {bool: "bool", str: "string", int: "number", float: "number", list: "array", dict: "object"}


@cache
def schemas(folder: Path | None) -> dict[str, JsonObject]:
    """Read Microsoft's schemas of managedClusters in a folder: API version -> schema."""
    found = {}
    for path in sorted(folder.glob("Microsoft.ContainerService.Aks-*.json")) if folder else ():
        document = _without_expressions(json.loads(path.read_text(encoding="utf-8")))
        root = {**document["resourceDefinitions"]["managedClusters"], "definitions": document["definitions"]}
        # They describe deployment templates: what stands in the URL of a PUT is no field of its body.
        root["required"] = ["properties"]
        found[path.stem.partition("-")[2]] = root
    return found


def _without_expressions(node: Any) -> Any:
    """Drop the alternative "or a template expression" that every property has: a PUT has no expressions."""
    if isinstance(node, list):
        return [_without_expressions(item) for item in node]
    if not isinstance(node, dict):
        return node
    options = [
        option for option in node.get("oneOf", []) if "definitions.json#/definitions/expression" not in str(option)
    ]
    rest = {key: _without_expressions(value) for key, value in node.items() if key != "oneOf"}
    if len(options) == 1:
        return {**rest, **_without_expressions(options[0])}
    return {**rest, "oneOf": _without_expressions(options)} if options else rest


def schema_for(folder: Path | None, version: str) -> JsonObject:
    """The schema nearest to a version: the newest that is not newer, else the oldest, else the built-in one."""
    found = schemas(folder)
    if not found:
        return BUILT_IN
    older = [known for known in found if known <= version]
    return found[max(older) if older else min(found)]


@cache
def _read_only(path: str) -> bool:
    return any(re.fullmatch(re.escape(rule).replace(r"\*", "[^.]+"), path, re.IGNORECASE) for rule in READ_ONLY)


def known_as_read_only(path: str) -> bool:
    """Tell whether a field is the service's alone. List items and keys of maps count as `*`."""
    return _read_only(path)


@dataclass
class Reading:
    """A PUT body on its way through the checks."""

    root: JsonObject
    version: str
    accept_future: bool
    unknown: list[str] = field(default_factory=list)

    def clean(self, value: Any, schema: JsonObject, stored: Any, path: str) -> tuple[Any, Any]:
        """Return the value twice: to be stored, and to be checked.

        The first has known fields in their canonical case, and neither nulls nor read-only fields. The second lacks
        the fields that no schema knows, too, and has enums in their canonical case.
        """
        schema = self._resolve(schema)
        if isinstance(value, dict):
            return self._clean_object(value, schema, stored, path)
        if isinstance(value, list):
            known = stored if isinstance(stored, list) else []
            pairs = [
                self.clean(item, schema.get("items", {}), self._same_item(item, known), f"{path}.*") for item in value
            ]
            return [kept for kept, _unused in pairs], [checked for _unused, checked in pairs]
        if isinstance(value, str) and path not in EXACT_ENUMS:
            return value, next((e for e in schema.get("enum", []) if str(e).lower() == value.lower()), value)
        return value, value

    def _clean_object(self, value: JsonObject, schema: JsonObject, stored: Any, path: str) -> tuple[Any, Any]:
        properties = schema.get("properties") or {}
        closed = bool(properties) and not schema.get("additionalProperties")
        rest = schema.get("additionalProperties")
        canonical = {name.lower(): name for name in properties}
        held = {key.lower(): key for key in stored} if isinstance(stored, dict) else {}
        kept, checked = {}, {}
        for key, item in value.items():
            name = canonical.get(key.lower())
            where = f"{path}.{name or key}".lstrip(".")
            before = stored.get(held.get(key.lower())) if isinstance(stored, dict) else None
            if item is None or known_as_read_only(where):
                continue
            if where == KUBE_PROXY and not has_kube_proxy(self.version):
                self.unknown.append(key)
            elif name is not None:
                kept[name], checked[name] = self.clean(item, properties[name], before, where)
            elif not closed:
                inner = rest if isinstance(rest, dict) else {}
                kept[key], checked[key] = self.clean(item, inner, before, where)
            elif key.lower() in held or self.accept_future:
                kept[key] = item
            else:
                self.unknown.append(key)
        return kept, checked

    def _resolve(self, schema: JsonObject) -> JsonObject:
        while "$ref" in schema:
            schema = self.root["definitions"][schema["$ref"].rpartition("/")[2]]
        return schema

    @staticmethod
    def _same_item(item: Any, known: list[Any]) -> Any:
        """The stored list item that a sent one stands for: by name, else any item with all their keys."""
        if not isinstance(item, dict):
            return None
        named = [old for old in known if isinstance(old, dict) and "name" in old and old["name"] == item.get("name")]
        if named:
            return named[0]
        merged: JsonObject = {}
        for old in known:
            merged.update(old if isinstance(old, dict) else {})
        return merged


def unmarshal(
    content: JsonObject, version: str, stored: JsonObject, *, folder: Path | None, accept_future: bool
) -> JsonObject:
    """Check a PUT body against the schema of its API version and return it in its canonical spelling.

    Fields that no schema knows pass when the stored cluster holds them (a service that returns a field knows it) or
    `accept_future`; else they are refused, or dropped by versions from before 2024. `folder`: Microsoft's schemas.
    """
    root = schema_for(folder, version)
    reading = Reading(root, version, accept_future)
    kept, checked = reading.clean(content, root, stored, "")
    if reading.unknown and refuses_unknown_fields(version):
        raise refusal("UnknownField", field=reading.unknown[0])
    error = next(
        iter(sorted(_validator(folder, version).iter_errors(checked), key=lambda e: list(map(str, e.path)))), None
    )
    if error is not None:
        where = ".".join(str(part) for part in error.absolute_path)
        if error.validator == "type":
            found = JSON_TYPES.get(type(error.instance), "null")
            expected = GO_TYPES.get(str(error.validator_value), str(error.validator_value))
            raise refusal("WrongType", found=found, field=where, expected=expected)
        raise refusal("InvalidParameter", field=where.removeprefix("properties.") or "body", reason=error.message)
    result: JsonObject = kept
    return result


@cache
def _validator(folder: Path | None, version: str) -> Draft4Validator:
    return Draft4Validator(schema_for(folder, version))


def find_folder(asked: Path | None, environment: str | None) -> Path | None:
    """Where Microsoft's schemas are: as asked, by the environment variable, or beside the repository."""
    beside = Path(__file__).resolve().parents[3] / "shared" / "specs"
    for folder in (asked, Path(environment) if environment else None, beside):
        if folder is not None and folder.is_dir():
            return folder
    return None
