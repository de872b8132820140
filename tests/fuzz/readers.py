"""All that reads what comes from outside, as a table: what it is given, and what has to hold of what it makes of it.

Each takes a text and ends: with a value of its type, or with an error of its own that says something. Another exception
is a finding, and so is an AssertionError. Property-based tests and the coverage-guided run share the table.
"""

from __future__ import annotations

import json
import math
import os
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import yaml
from ansible_collections.aks.kube_proxy.plugins.module_utils._azure.arm import asked_wait, host_of
from ansible_collections.aks.kube_proxy.plugins.module_utils._azure.auth_profile import read_profile
from ansible_collections.aks.kube_proxy.plugins.module_utils._azure.clouds import read_metadata
from ansible_collections.aks.kube_proxy.plugins.module_utils._azure.errors import AzureError
from ansible_collections.aks.kube_proxy.plugins.module_utils._azure.problems import ArmError, read_problem
from ansible_collections.aks.kube_proxy.plugins.module_utils._domain import kube_objects as objects
from ansible_collections.aks.kube_proxy.plugins.module_utils._domain import safety_evidence as safety
from ansible_collections.aks.kube_proxy.plugins.module_utils._domain.cluster import (
    parse_resource_id,
    read_body,
    switch_body,
)
from ansible_collections.aks.kube_proxy.plugins.module_utils._domain.description import described
from ansible_collections.aks.kube_proxy.plugins.module_utils._domain.inventory import host_variables
from ansible_collections.aks.kube_proxy.plugins.module_utils._domain.kube_proxy import (
    InvalidRequest,
    KubeProxy,
    Request,
)
from ansible_collections.aks.kube_proxy.plugins.module_utils._domain.parsing import parsed
from ansible_collections.aks.kube_proxy.plugins.module_utils._domain.plan import Policy, difference, plan
from ansible_collections.aks.kube_proxy.plugins.module_utils._domain.production import Guard
from ansible_collections.aks.kube_proxy.plugins.module_utils._domain.proof import assess
from ansible_collections.aks.kube_proxy.plugins.module_utils._domain.proof_look import Care, Look
from ansible_collections.aks.kube_proxy.plugins.module_utils._domain.record import BadRecord, recorded, restoring
from ansible_collections.aks.kube_proxy.plugins.module_utils._domain.safety import findings
from ansible_collections.aks.kube_proxy.plugins.module_utils._domain.targets import read_target
from ansible_collections.aks.kube_proxy.plugins.module_utils._domain.verification import from_proof, messages
from ansible_collections.aks.kube_proxy.plugins.module_utils._domain.waves import BadPlan, Host, plan_waves
from ansible_collections.aks.kube_proxy.plugins.module_utils._domain.window import BadWindow, closed_window
from ansible_collections.aks.kube_proxy.plugins.module_utils._kubernetes.access import choose_context
from ansible_collections.aks.kube_proxy.plugins.module_utils._kubernetes.answers import refusal
from ansible_collections.aks.kube_proxy.plugins.module_utils._kubernetes.api import NoAccess
from ansible_collections.aks.kube_proxy.plugins.module_utils._kubernetes.exec_credential import _given
from ansible_collections.aks.kube_proxy.plugins.module_utils._kubernetes.kubeconfig import parse
from ansible_collections.aks.kube_proxy.plugins.module_utils._kubernetes.script import replies, script

from tests.emulator.fleet import SUBSCRIPTION
from tests.fuzz import samples

Check = Callable[[str], Any]
NOW = datetime(2026, 11, 22, 20, 0, tzinfo=timezone.utc)
HOSTS = [Host("c1", ("prod",), {"environment": "dev"}), Host("c2", ())]


@dataclass(frozen=True)
class Reader:
    """Something that reads.

    Attributes:
        name: what it reads.
        check: reads a text and asserts what has to hold.
        errors: what it may raise.
        values: real values; texts, or JSON.
        shape: how a value becomes a text.
    """

    name: str
    check: Check
    errors: tuple[type[Exception], ...]
    values: Sequence[Any]
    shape: Callable[[Any], str] = json.dumps

    @property
    def texts(self) -> list[str]:
        """The real values as texts."""
        return [value if isinstance(value, str) else self.shape(value) for value in self.values]

    def run(self, text: str) -> None:
        """Read a text. Whatever this raises is a finding."""
        try:
            self.check(text)
        except Exception as error:
            if not isinstance(error, self.errors):
                raise
            said = getattr(error, "message", None) or str(error)
        else:
            return
        assert said.strip(), "an error that says nothing"
        assert_tellable(said)


def assert_tellable(line: str) -> None:
    """See that no terminal obeys a line, and that nothing in it makes another one."""
    assert line.isprintable(), f"not fit for a terminal: {line!r:.200}"


def resource_id(text: str) -> None:
    """What is accepted leads where it says."""
    found = parse_resource_id(text)
    assert parse_resource_id(str(found)) == found
    assert str(found).count("/") == 8
    assert not set(str(found)) & set("\\%?#{}\"'`$<> \n\0")


def cluster(text: str) -> None:
    """A cluster is refused, or all that is made of it works; nothing that is not understood is taken for a setting."""
    body = parsed(text)
    read = read_body(body)
    (stored,) = [item for key, item in read.network.items() if key.casefold() == "kubeproxyconfig"] or [None]
    assert read.kube_proxy.configured == (stored is not None)
    assert stored is None or isinstance(stored, dict)
    values = {key.casefold(): item for key, item in (stored or {"enabled": True}).items()}
    assert read.kube_proxy.enabled is (values.get("enabled") or False)
    known = [described(read, None), host_variables(read, "now"), difference(read, KubeProxy(mode="NFTABLES"))]
    assert json.dumps(known)
    assert parse_resource_id(read.body["id"]).name == read.name == known[1]["aks_name"]
    sent = switch_body(read, KubeProxy(mode="NFTABLES"))
    assert sent["properties"]["networkProfile"]["kubeProxyConfig"] == {"enabled": True, "mode": "NFTABLES"}
    decided = plan(
        read, Request(mode="NFTABLES"), Policy(production=Guard("environment", ("production",))), "Registered"
    )
    for line in [*decided.warnings, *map(str, decided.refused), read.kube_proxy.target]:
        assert_tellable(line)


def problem(text: str) -> None:
    """A refusal is told in a line, whatever it is."""
    found = read_problem(409, {}, text)
    assert_tellable(found.as_text())
    assert_tellable(ArmError("Cluster c1", found).message)
    assert len(found.as_text()) < 5000
    assert json.dumps(found.details)


def wait(text: str) -> None:
    """What a header or a message asks for is a time."""
    for seconds in (asked_wait({"retry-after": text}), asked_wait({}, text)):
        assert seconds is None or seconds >= 0


def address(text: str) -> None:
    """Of an address that is followed, every reader sees the same host."""
    import urllib3

    found = host_of(text)
    if found:
        other = urllib3.util.parse_url(text)
        assert found == other.netloc
        assert other.auth is None
        assert other.scheme == "https"


def metadata(text: str) -> None:
    """A cloud has addresses with TLS."""
    found = read_metadata("https://localhost:8443", parsed(text))
    assert found.resource_manager.lower().startswith("https://")
    assert found.authority.lower().startswith("https://")


def kubeconfig(text: str) -> None:
    """A kubeconfig, and both halves of each context, are read or refused."""
    config = parse(text, Path("/nowhere"), "The kubeconfig")
    for context in config.contexts:
        for read in (config.server, config.user):
            try:
                read(context)
            except NoAccess as error:
                assert_tellable(error.message)
    server = config.server(choose_context(config, "c1", ["c1-dns.hcp.westeurope.azmk8s.io"], None))
    assert server.known_as == "c1-dns.hcp.westeurope.azmk8s.io"
    assert_tellable(server.host)


def exec_credential(text: str) -> None:
    """Credentials are texts."""
    found = _given(text, "The plugin")
    assert isinstance(found.token + found.certificate + found.key, str)
    assert "a-token" not in repr(found)


def status(text: str) -> None:
    """What a refusal says is short."""
    assert len(refusal(text)) <= 300


def run_command(text: str) -> None:
    """As many replies as there were paths, or none."""
    found = replies(text, 2, None, "M", None)
    assert found is None or len(found) == 2


def metrics(text: str) -> None:
    """Counters are numbers that are some."""
    found = safety.read_counters(text)
    numbers = [found.localhost, found.conntrack] if found else []
    assert all(number is None or not math.isnan(number) for number in numbers)


def inside(text: str) -> None:
    """Any objects of Kubernetes lead to a proof and to findings, and none of them makes up a line."""
    body = parsed(text)
    every = {key: objects.rows(body, key) for key in samples.INSIDE}
    nodes = tuple(map(objects.read_node, every["nodes"]))
    pods = tuple(map(objects.read_pod, every["pods"]))
    daemon_set = objects.read_daemon_set(objects.table(body, "daemon_set"))
    wanted = KubeProxy(mode="IPVS", ipvs={"scheduler": "RoundRobin", "tcp_timeout_seconds": 900})
    proof = assess(wanted, Look(1.0, daemon_set, nodes, pods), Care())
    assert proof.standing != "proven" or not any(row.reason for row in proof.rows)
    told = from_proof(samples.RESOURCE_ID, "IPVS", proof, []).as_result()
    assert json.dumps(told)
    for message in messages({"c1": told}):
        for line in message.split("\n"):
            assert_tellable(line)
    evidence = safety.Evidence(
        nodes=nodes,
        node_ports=tuple(filter(None, map(safety.read_node_port, every["services"]))),
        calico=safety.read_installation(objects.table(body, "installation")),
        software=tuple(map(safety.read_software, every["daemon_sets"])),
    )
    assert json.dumps([finding.as_result() for finding in findings(evidence, "IPTABLES", "NFTABLES")])


def moments(text: str) -> None:
    """Times and versions are read or not."""
    found = objects.moment(text)
    assert found is None or abs(found) < 1e12
    assert all(isinstance(part, int) for part in objects.release(text))


def record(text: str) -> None:
    """What a record says can be asked for: of a mode that there is, and with what the cluster was left with."""
    for entry in recorded(text).values():
        if entry["before"] is None:  # nothing is put back by guessing
            continue
        request = {"resource_id": entry["id"], "expected": entry["target"], **restoring(entry["before"])}
        try:
            found = read_target(request, SUBSCRIPTION).request
        except ValueError as error:
            assert_tellable(f"{error}")
            continue
        assert found.mode in (None, "IPTABLES", "IPVS", "NFTABLES")
        assert found.expected is None or isinstance(found.expected.ipvs, dict)


def profile(text: str) -> None:
    """A profile holds texts; nothing of the file is in a message."""
    with tempfile.TemporaryDirectory() as home:
        (Path(home) / ".azure").mkdir()
        (Path(home) / ".azure" / "credentials").write_bytes(text.encode("utf-8", "surrogatepass"))
        before, told = os.environ.get("HOME"), ""
        os.environ["HOME"] = home
        try:
            found = read_profile("default")
        except AzureError as error:
            told = error.message
            raise
        finally:
            assert "a~secret" not in told
            if before is None:
                del os.environ["HOME"]
            else:
                os.environ["HOME"] = before
    assert all(isinstance(value, str) for value in found.values.values())
    assert "a~secret" not in found.note


def stages(text: str) -> None:
    """Every host is in one wave or left out."""
    waves, left_out = plan_waves(HOSTS, parsed(text) or [])
    assert sorted([host for wave in waves for host in wave.hosts] + left_out) == ["c1", "c2"]
    assert json.dumps([wave.as_result() for wave in waves])


def host_tags(text: str) -> None:
    """Whatever an inventory calls the tags of a host."""
    plan_waves([Host("c1", (), parsed(text))], samples.STAGES)


def window(text: str) -> None:
    """A window is open or says why not."""
    assert isinstance(closed_window(parsed(text), NOW), str)


def target(text: str) -> None:
    """A cluster that is written down leads to a request that can be compared."""
    found = read_target(parsed(text), SUBSCRIPTION)
    assert all(isinstance(item, int) for name, item in (found.request.ipvs or {}).items() if name.endswith("seconds"))
    if found.request.expected:
        KubeProxy(mode="NFTABLES").fulfils(found.request.expected)


_SCRIPT_OUTPUT = "M begin\n{}M 0 0\nError from server (NotFound): pods not found\nM 1 1\n"

READERS: tuple[Reader, ...] = (
    Reader("resource id", resource_id, (ValueError,), [samples.RESOURCE_ID, samples.RESOURCE_ID.lower()]),
    Reader("cluster", cluster, (ValueError, InvalidRequest), samples.clusters()),
    Reader("refusal of ARM", problem, (), samples.REFUSALS),
    Reader("wait", wait, (), ["30", "1.5", "Try again after '17' seconds."]),
    Reader("address", address, (), ["https://management.azure.com/subscriptions?$skiptoken=a%20b&api-version=1"]),
    Reader("metadata of a cloud", metadata, (AzureError,), [samples.METADATA, [samples.METADATA]]),
    Reader("kubeconfig", kubeconfig, (NoAccess,), [samples.KUBECONFIG], yaml.safe_dump),
    Reader("exec credential", exec_credential, (NoAccess,), [samples.CREDENTIAL]),
    Reader("refusal of Kubernetes", status, (), [samples.STATUS]),
    Reader("output of runCommand", run_command, (), [_SCRIPT_OUTPUT, script(["/a", "/b"], None, "M")]),
    Reader("metrics", metrics, (), [samples.METRICS]),
    Reader("objects of Kubernetes", inside, (), [samples.INSIDE]),
    Reader("times", moments, (), ["2026-11-01T10:00:00Z", "2026-11-01T10:00:00.123456+00:00", "v5.15.0-1116-azure"]),
    Reader("journal", record, (BadRecord,), [samples.journal(), samples.LOG, *samples.journal().splitlines()]),
    Reader("summary", record, (BadRecord,), [samples.rollout()]),
    Reader("profile", profile, (AzureError,), [samples.PROFILES]),
    Reader("stages", stages, (BadPlan,), [samples.STAGES]),
    Reader("tags in an inventory", host_tags, (BadPlan,), [{"environment": "dev"}]),
    Reader("time window", window, (BadWindow,), [samples.WINDOW]),
    Reader("cluster that is written down", target, (ValueError,), [samples.TARGET]),
)
