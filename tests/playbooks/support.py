"""An estate to roll over: a fleet in the emulator, an inventory of the same clusters, and what a run left behind."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from tests.emulator import Emulator
from tests.emulator.fleet import SUBSCRIPTION
from tests.support.operations import CREDENTIAL, WRITES
from tests.support.playbook import Ansible, Run

ROLLOUT = "aks.kube_proxy.rollout"
GROUP = "rg1"
FLAG = "KubeProxyConfigurationPreview"
NFTABLES = {"enabled": True, "mode": "NFTABLES"}
IPTABLES = {"enabled": True, "mode": "IPTABLES"}
QUICK = {"put_seconds": 2.0, "operation_seconds": 20.0, "registration_seconds": 20.0, "propagation_seconds": 5.0}
"""What a write takes on the emulator's clock: long enough to be watched, short enough to be waited for."""
HURRIED = {
    "rolling_update_poll_interval": 1,
    "preview_setup_poll_interval": 1,
    "rolling_update_verify": "off",
    "rolling_update_settle_seconds": 1,
    "rolling_update_verify_timeout": 5,
    "rolling_update_verify_interval": 1,
    "rolling_update_verify_parallel": 50,
}
"""Short times; and the clusters themselves are asked only where a test says so."""

ANY_ERRORS_FATAL = {"ANSIBLE_ANY_ERRORS_FATAL": "1"}
SETTINGS: dict[str, dict[str, str]] = {"plain": {}, "any_errors_fatal": ANY_ERRORS_FATAL}
"""Settings of an estate under which a rollout has to come to the same end."""

Cluster = Mapping[str, Any]
Variables = Mapping[str, Any]
Command = Callable[[list[str], dict[str, str]], Run]


@dataclass(frozen=True)
class Rollout:
    """A finished ansible-playbook, and what it left behind in Azure and in files.

    Attributes:
        run: the process.
        requests: what it asked of Resource Manager, in order.
        asked: what it asked of the clusters' Kubernetes APIs, in order.
        after: the clusters' stored C(kubeProxyConfig) by name, None where there is none.
        summary: the last summary file that it wrote, None without one.
        journal: the lines of the journal, of earlier runs too.
        files: all files in the folder of journal and summary.
    """

    run: Run
    requests: list[dict[str, Any]] = field(repr=False)
    asked: list[dict[str, Any]] = field(repr=False)
    after: dict[str, Any]
    summary: dict[str, Any] | None = field(repr=False)
    journal: list[dict[str, Any]] = field(repr=False)
    files: list[str] = field(repr=False)

    @property
    def status(self) -> int:
        """The exit status."""
        return self.run.status

    @property
    def writes(self) -> list[str]:
        """What was written, in order: method, the name of what it went to, and the answer's status.

        Credentials are asked for by POST, which writes nothing.
        """
        return [
            f"{entry['method']} {entry['path'].rsplit('/', 1)[1]} {entry['status']}"
            for entry in self.requests
            if entry["method"] in WRITES and not entry["path"].endswith(CREDENTIAL)
        ]

    @property
    def puts(self) -> list[tuple[str, str]]:
        """The clusters that were written to and the modes that were sent, in order."""
        return [
            (entry["path"].rsplit("/", 1)[1], mode_in(entry["body"]))
            for entry in self.requests
            if entry["method"] == "PUT"
        ]

    @property
    def table(self) -> list[str]:
        """The lines of the closing table."""
        lines: list[str] = self.run.result(named("Show the summary")).values["lines"]
        return lines

    def row(self, host: str) -> dict[str, Any]:
        """The host's row of the summary file."""
        assert self.summary is not None, f"no summary was written\n{self.run}"
        found = [row for row in self.summary["clusters"] if row["host"] == host]
        assert len(found) == 1, f"{len(found)} rows of {host}: {self.summary}"
        return dict(found[0])

    @property
    def states(self) -> dict[str, str]:
        """What the summary file says became of each host."""
        assert self.summary is not None, f"no summary was written\n{self.run}"
        return {row["host"]: row["state"] for row in self.summary["clusters"]}

    def asked_of(self, host: str) -> list[str]:
        """The paths that a cluster's Kubernetes API was asked for, each of which can only have been read."""
        entries = [entry for entry in self.asked if entry["cluster"] == host]
        assert {entry["method"] for entry in entries} <= {"GET"}, entries
        return [entry["path"] for entry in entries]

    def counted(self, end: str) -> dict[str, int]:
        """How often each host came to an end such as C(changed) or C(failed), by the recap."""
        return {host: counts[end] for host, counts in sorted(self.run.recap.items())}


def mode_in(body: Mapping[str, Any]) -> str:
    """The mode in a cluster's body as sent."""
    sent = body["properties"]["networkProfile"].get("kubeProxyConfig")
    if sent is None:
        return "absent"
    return str(sent["mode"]) if sent.get("enabled") else "disabled"


def assert_keeps_to_its_schema(summary: Any) -> None:
    """Hold a summary against the published schema, where the development tools bring what it takes."""
    if find_spec("jsonschema"):
        schema = Path(__file__).parents[2] / "docs" / "summary.schema.json"
        import_module("jsonschema").validate(summary, json.loads(schema.read_text(encoding="utf-8")))


def named(task: str, role: str = "rolling_update") -> str:
    """A role's task as callbacks call it."""
    return f"aks.kube_proxy.{role} : {task}"


def cluster(name: str, environment: str | None = None, **layout: Any) -> dict[str, Any]:
    """A cluster in the words of the emulator's fleet file, in the usual group, tagged C(environment) where given."""
    tags = {"environment": environment} if environment else {}
    return {"name": name, "resource_group": GROUP, "tags": tags, **layout}


def static_inventory(
    clusters: Sequence[Cluster],
    *,
    groups: Mapping[str, Sequence[str]] | None = None,
    hosts: Mapping[str, Variables] | None = None,
) -> dict[str, Any]:
    """A static inventory of clusters, in YAML's form.

    Args:
        clusters: the clusters as laid out; each becomes a host of its name, with its tags.
        groups: names of hosts by group.
        hosts: further variables of hosts, and further hosts.
    """
    known: dict[str, dict[str, Any]] = {
        one["name"]: {"aks_resource_group": one["resource_group"], "aks_tags": dict(one.get("tags") or {})}
        for one in clusters
    }
    for host, variables in (hosts or {}).items():
        known[host] = {**known.get(host, {}), **variables}
    children = {group: {"hosts": dict.fromkeys(members)} for group, members in (groups or {}).items()}
    return {"all": {"hosts": known, "children": children}}


@dataclass(frozen=True)
class Estate:
    """Ansible, an Azure, and a folder in which ansible-playbook is started.

    Attributes:
        ansible: the Ansible under test.
        azure: the emulator.
    """

    ansible: Ansible
    azure: Emulator

    @property
    def folder(self) -> Path:
        """Where ansible-playbook is started, and where journal and summary go without another word."""
        return self.ansible.folder

    @property
    def records(self) -> Path:
        """The folder of journal and summary."""
        return self.folder / "aks-kube-proxy"

    def lay_out(self, *clusters: Cluster, flag: str = "Registered", **behaviour: Any) -> None:
        """Begin again with these clusters and this state of the preview flag."""
        self.azure.reset(
            {
                "clusters": [dict(one) for one in clusters],
                "features": {SUBSCRIPTION: {FLAG: flag}},
                "behaviour": {**QUICK, **behaviour},
            }
        )

    def command(
        self,
        clusters: Sequence[Cluster],
        *options: str,
        playbook: str = ROLLOUT,
        inventory: Mapping[str, Any] | Path | None = None,
        **variables: Any,
    ) -> list[str]:
        """The command that rolls over the clusters; C(variables) without C(rolling_update_) are those of that role."""
        extra = {
            **HURRIED,
            **{name if name.startswith(PREFIXES) else f"rolling_update_{name}": it for name, it in variables.items()},
        }
        hosts = static_inventory(clusters) if inventory is None else inventory
        return self.ansible.named_command(playbook, "-e", json.dumps(extra), *options, inventory=hosts)

    def environ(self, **more: str) -> dict[str, str]:
        """The environment of such a command: the credentials."""
        return {**self.azure.environment(), **more}

    def roll(
        self,
        clusters: Sequence[Cluster],
        *options: str,
        settings: Mapping[str, str] | None = None,
        through: Command | None = None,
        **words: Any,
    ) -> Rollout:
        """Run the playbook to its end, and look at what it left behind.

        Args:
            clusters: the clusters as laid out.
            options: further words of the command line.
            settings: further environment variables.
            through: what runs the command in place of a process without a terminal.
            words: the rest of C(command).
        """
        command = self.command(clusters, *options, **words)
        environ = self.environ(**(settings or {}))
        self.azure.clear_requests()
        self.azure.clear_kubernetes_requests()
        if through:
            run = through(command, self.ansible.variables(environ))
        else:
            run = self.ansible.finished(self.ansible.run(*command, environ=environ, seconds=400))
        return self.left(run, clusters)

    def left(self, run: Run, clusters: Sequence[Cluster]) -> Rollout:
        """What a finished run left behind."""
        return Rollout(
            run,
            [entry for entry in self.azure.requests() if entry["path"].startswith("/subscriptions/")],
            self.azure.kubernetes_requests(),
            {one["name"]: self.stored(one["name"]) for one in clusters},
            self.summary(),
            self.journal(),
            sorted(path.name for path in self.records.glob("*")),
        )

    def stored(self, name: str) -> Any:
        """A cluster's C(kubeProxyConfig) as Azure keeps it, None without one."""
        return self.azure.cluster(name)["properties"]["networkProfile"].get("kubeProxyConfig")

    def summary(self) -> dict[str, Any] | None:
        """The newest summary file."""
        found = sorted(self.records.glob("summary-*.json"), key=lambda path: path.stat().st_mtime_ns)
        return dict(json.loads(found[-1].read_text(encoding="utf-8"))) if found else None

    def journal(self) -> list[dict[str, Any]]:
        """The lines of the journal, each parsed."""
        path = self.records / "journal.jsonl"
        return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()] if path.exists() else []


PREFIXES = ("rolling_update_", "preview_setup_", "aks_", "awx_")
