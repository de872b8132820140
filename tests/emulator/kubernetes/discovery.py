"""What the API server tells of itself: its version, its groups, and the resources that the emulator has of them."""

from __future__ import annotations

from dataclasses import dataclass

from ..wire import JsonObject
from .rollout import minor_of


@dataclass(frozen=True)
class Resource:
    """One kind of object."""

    group: str
    plural: str
    singular: str
    kind: str
    namespaced: bool
    short: tuple[str, ...] = ()
    verbs: tuple[str, ...] = ("get", "list", "watch")

    @property
    def api_version(self) -> str:
        """Group and version, as objects say it."""
        return f"{self.group}/v1" if self.group else "v1"


RESOURCES = (
    Resource("", "namespaces", "namespace", "Namespace", False, ("ns",)),
    Resource("", "nodes", "node", "Node", False, ("no",)),
    Resource("", "pods", "pod", "Pod", True, ("po",)),
    Resource("", "services", "service", "Service", True, ("svc",)),
    Resource("apps", "daemonsets", "daemonset", "DaemonSet", True, ("ds",)),
    Resource("operator.tigera.io", "installations", "installation", "Installation", False),
)
CALICO = "operator.tigera.io"


def find(group: str, plural: str, *, calico: bool) -> Resource | None:
    """The resource of a path."""
    known = [r for r in RESOURCES if (r.group, r.plural) == (group, plural) and (calico or r.group != CALICO)]
    return known[0] if known else None


def groups(*, calico: bool) -> list[str]:
    """The named groups that are served."""
    return ["apps", *([CALICO] if calico else [])]


def answer(pieces: list[str], version: str, *, calico: bool) -> JsonObject | None:
    """The document of a discovery path; None for any other path."""
    if pieces == ["version"]:
        return _version(version)
    if pieces == ["api"]:
        return {"kind": "APIVersions", "versions": ["v1"], "serverAddressByClientCIDRs": []}
    if pieces == ["apis"]:
        found = [_group(name) for name in groups(calico=calico)]
        return {"kind": "APIGroupList", "apiVersion": "v1", "groups": found}
    if pieces == ["api", "v1"]:
        return _resources("")
    if (
        len(pieces) in (2, 3)
        and pieces[0] == "apis"
        and pieces[1] in groups(calico=calico)
        and pieces[2:] in ([], ["v1"])
    ):
        return _resources(pieces[1]) if pieces[2:] else {"kind": "APIGroup", "apiVersion": "v1", **_group(pieces[1])}
    return None


def _group(name: str) -> JsonObject:
    version = {"groupVersion": f"{name}/v1", "version": "v1"}
    return {"name": name, "versions": [version], "preferredVersion": version}


def _resources(group: str) -> JsonObject:
    listed: list[JsonObject] = []
    for resource in RESOURCES:
        if resource.group != group:
            continue
        listed.append(
            {
                "name": resource.plural,
                "singularName": resource.singular,
                "namespaced": resource.namespaced,
                "kind": resource.kind,
                "verbs": list(resource.verbs),
                **({"shortNames": list(resource.short)} if resource.short else {}),
            }
        )
        if resource.plural == "pods":
            verbs = ["create", "delete", "get", "patch", "update"]
            proxy = {"name": "pods/proxy", "singularName": "", "namespaced": True, "kind": "PodProxyOptions"}
            listed.append({**proxy, "verbs": verbs})
    version = f"{group}/v1" if group else "v1"
    return {"kind": "APIResourceList", "apiVersion": "v1", "groupVersion": version, "resources": listed}


def _version(version: str) -> JsonObject:
    major, minor = minor_of(version)
    return {
        "major": str(major),
        "minor": str(minor),
        "gitVersion": f"v{version}",
        "gitCommit": "0000000000000000000000000000000000000000",
        "gitTreeState": "clean",
        "buildDate": "2026-06-30T00:00:00Z",
        "goVersion": "go1.24.4",
        "compiler": "gc",
        "platform": "linux/amd64",
    }
