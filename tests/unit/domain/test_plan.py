"""What is done with a cluster: every policy against every state, with the same and with another configuration."""

from __future__ import annotations

from typing import Any, NamedTuple

import pytest
from ansible_collections.aks.kube_proxy.plugins.module_utils._domain.kube_proxy import (
    InvalidRequest,
    KubeProxy,
    Request,
)
from ansible_collections.aks.kube_proxy.plugins.module_utils._domain.plan import (
    FAILED_CLUSTERS,
    PREFLIGHTS,
    Policy,
    difference,
    plan,
)
from ansible_collections.aks.kube_proxy.plugins.module_utils._domain.production import Guard

from tests.unit.domain.builders import RESOURCE_ID, cluster

NFTABLES = {"enabled": True, "mode": "NFTABLES"}

# state of the cluster -> what makes it
STATES: dict[str, dict[str, Any]] = {
    "healthy": {},
    "failed": {"provisioningState": "Failed"},
    "stopped": {"powerState": {"code": "Stopped"}},
    "failed and stopped": {"provisioningState": "Canceled", "powerState": {"code": "Stopped"}},
    "production": {"tags": {"env": "prod"}},
}


class Row(NamedTuple):
    """A row of the matrix; rules by name."""

    preflight: str
    failed_clusters: str
    state: str
    same: bool
    write: bool
    refused: tuple[str, ...] = ()
    warns: tuple[str, ...] = ()


F, S, P = "last-operation-failed", "stopped", "production"
MATRIX = [
    Row("enforce", "refuse", "healthy", False, True),
    Row("enforce", "refuse", "healthy", True, False),
    Row("enforce", "refuse", "failed", False, True, (F,)),
    Row("enforce", "refuse", "failed", True, False, (F,)),
    Row("enforce", "refuse", "stopped", False, True, (S,)),
    Row("enforce", "refuse", "stopped", True, False, (), (S,)),
    Row("enforce", "refuse", "failed and stopped", False, True, (F, S)),
    Row("enforce", "refuse", "failed and stopped", True, False, (F,), (S,)),
    Row("enforce", "refuse", "production", False, True, (), (P,)),
    Row("enforce", "refuse", "production", True, False),
    Row("enforce", "repair", "healthy", False, True),
    Row("enforce", "repair", "healthy", True, False),
    Row("enforce", "repair", "failed", False, True, (), (F,)),
    Row("enforce", "repair", "failed", True, True, (), (F,)),
    Row("enforce", "repair", "stopped", False, True, (S,)),
    Row("enforce", "repair", "stopped", True, False, (), (S,)),
    Row("enforce", "repair", "failed and stopped", False, True, (S,), (F,)),
    Row("enforce", "repair", "failed and stopped", True, True, (S,), (F,)),
    Row("enforce", "repair", "production", False, True, (), (P,)),
    Row("enforce", "repair", "production", True, False),
    Row("warn", "refuse", "healthy", False, True),
    Row("warn", "refuse", "healthy", True, False),
    Row("warn", "refuse", "failed", False, True, (F,)),
    Row("warn", "refuse", "failed", True, False, (F,)),
    Row("warn", "refuse", "stopped", False, True, (), (S,)),
    Row("warn", "refuse", "stopped", True, False, (), (S,)),
    Row("warn", "refuse", "failed and stopped", False, True, (F,), (S,)),
    Row("warn", "refuse", "failed and stopped", True, False, (F,), (S,)),
    Row("warn", "refuse", "production", False, True, (), (P,)),
    Row("warn", "refuse", "production", True, False),
    Row("warn", "repair", "healthy", False, True),
    Row("warn", "repair", "healthy", True, False),
    Row("warn", "repair", "failed", False, True, (), (F,)),
    Row("warn", "repair", "failed", True, True, (), (F,)),
    Row("warn", "repair", "stopped", False, True, (), (S,)),
    Row("warn", "repair", "stopped", True, False, (), (S,)),
    Row("warn", "repair", "failed and stopped", False, True, (), (S, F)),
    Row("warn", "repair", "failed and stopped", True, True, (), (S, F)),
    Row("warn", "repair", "production", False, True, (), (P,)),
    Row("warn", "repair", "production", True, False),
    Row("skip", "refuse", "healthy", False, True),
    Row("skip", "refuse", "healthy", True, False),
    Row("skip", "refuse", "failed", False, True, (F,)),
    Row("skip", "refuse", "failed", True, False, (F,)),
    Row("skip", "refuse", "stopped", False, True),
    Row("skip", "refuse", "stopped", True, False),
    Row("skip", "refuse", "failed and stopped", False, True, (F,)),
    Row("skip", "refuse", "failed and stopped", True, False, (F,)),
    Row("skip", "refuse", "production", False, True),
    Row("skip", "refuse", "production", True, False),
    Row("skip", "repair", "healthy", False, True),
    Row("skip", "repair", "healthy", True, False),
    Row("skip", "repair", "failed", False, True, (), (F,)),
    Row("skip", "repair", "failed", True, True, (), (F,)),
    Row("skip", "repair", "stopped", False, True),
    Row("skip", "repair", "stopped", True, False),
    Row("skip", "repair", "failed and stopped", False, True, (), (F,)),
    Row("skip", "repair", "failed and stopped", True, True, (), (F,)),
    Row("skip", "repair", "production", False, True),
    Row("skip", "repair", "production", True, False),
]


@pytest.mark.parametrize(
    "row", MATRIX, ids=lambda r: f"{r.preflight}-{r.failed_clusters}-{r.state}-{'same' if r.same else 'other'}"
)
def test_policy(row: Row) -> None:
    made = cluster(kube_proxy=NFTABLES if row.same else {"enabled": True, "mode": "IPTABLES"}, **STATES[row.state])
    decided = plan(made, Request(mode="NFTABLES"), Policy(row.preflight, row.failed_clusters))
    assert decided.write is row.write
    assert tuple(finding.rule for finding in decided.refused) == row.refused
    assert tuple(text.split("[")[1].split("]")[0] for text in decided.warnings) == row.warns
    assert decided.current == made.kube_proxy
    assert decided.target == KubeProxy(mode="NFTABLES", configured=True)


def test_the_matrix_is_whole() -> None:
    every = {(p, f, s, same) for p in PREFLIGHTS for f in FAILED_CLUSTERS for s in STATES for same in (True, False)}
    assert {row[:4] for row in MATRIX} == every
    assert len(MATRIX) == len(every)


def test_careful_unless_told_otherwise() -> None:
    assert Policy() == Policy("enforce", "refuse", None)


def test_skip_hides_all_but_the_failed_operation() -> None:
    made = cluster(**STATES["failed and stopped"])
    assert [f.rule for f in plan(made, Request(mode="NFTABLES"), Policy("skip")).findings] == [F]
    assert [f.rule for f in plan(made, Request(mode="NFTABLES"), Policy("warn")).findings] == [S, F]


@pytest.mark.parametrize(
    ("stored", "request_", "write"),
    [
        (None, Request(mode="IPTABLES"), False),  # the default is in effect where nothing was ever configured
        (None, Request(enabled=True), False),
        (None, Request(mode="NFTABLES"), True),
        (None, Request(enabled=False), True),
        ({}, Request(enabled=False), False),
        ({}, Request(enabled=True), True),
        ({"enabled": True, "mode": "IPVS"}, Request(mode="IPVS", ipvs={"scheduler": "RoundRobin"}), True),
    ],
)
def test_the_three_read_states(stored: dict[str, Any] | None, request_: Request, write: bool) -> None:
    made = cluster(kube_proxy=stored, network={"networkPlugin": "none"})
    decided = plan(made, request_, Policy())
    assert (decided.write, decided.refused) == (write, [])


def test_the_target_is_judged_not_the_present_mode() -> None:
    made = cluster(network={"networkPolicy": "azure"}, kube_proxy={"enabled": True, "mode": "IPVS"})
    assert [f.rule for f in plan(made, Request(mode="IPVS", ipvs={"udp_timeout_seconds": 1}), Policy()).refused] == [
        "ipvs-azure-npm"
    ]
    assert plan(made, Request(mode="NFTABLES"), Policy()).refused == []


def test_the_flag_is_looked_at_where_it_is_known() -> None:
    assert plan(cluster(), Request(mode="NFTABLES"), Policy()).warnings == []
    (warning,) = plan(cluster(), Request(mode="NFTABLES"), Policy(), "Unregistered").warnings
    assert "[feature-not-registered]" in warning


def test_a_request_that_does_not_fit_is_an_error() -> None:
    with pytest.raises(InvalidRequest, match="disabled"):
        plan(cluster(kube_proxy={}), Request(mode="NFTABLES"), Policy())


GUARD = Guard("env", ("prod",))


def test_the_guard_of_production_stands_above_the_preflight_and_only_before_a_write() -> None:
    made = cluster(**STATES["production"])
    for preflight in PREFLIGHTS:
        decided = plan(made, Request(mode="NFTABLES"), Policy(preflight, production=GUARD))
        assert [finding.rule for finding in decided.refused] == ["production-guard"]
        assert decided.findings[0] == decided.refused[0]
    assert plan(made, Request(mode="IPTABLES"), Policy(production=GUARD)).refused == []
    assert plan(cluster(), Request(mode="NFTABLES"), Policy(production=GUARD)).refused == []


@pytest.mark.parametrize(
    ("stored", "mode", "state", "refused"),
    [
        ({"enabled": True, "mode": "IPVS"}, "NFTABLES", "Succeeded", ["changed-since"]),
        ({"enabled": True, "mode": "IPVS"}, "IPVS", "Succeeded", []),  # nothing to write
        ({"enabled": True, "mode": "IPVS"}, "NFTABLES", "Failed", []),  # what is there may be half of ours
        (None, "NFTABLES", "Succeeded", []),
    ],
)
def test_what_somebody_has_changed_since_is_not_overwritten(
    stored: dict[str, Any] | None, mode: str, state: str, refused: list[str]
) -> None:
    made = cluster(kube_proxy=stored, provisioningState=state)
    decided = plan(made, Request(mode=mode, expected=KubeProxy()), Policy("warn", "repair"))
    assert [finding.rule for finding in decided.refused] == refused
    for finding in decided.refused:
        assert (finding.severity, finding.target, finding.source) == ("block", "NFTABLES", "")
        assert finding.reason == "It asks for IPVS, but was left with IPTABLES: somebody has changed it since."
        assert finding.remedy == "Leave it alone, or say that it is to be overwritten."


TARGET = KubeProxy(mode="NFTABLES", configured=True)


@pytest.mark.parametrize(
    ("stored", "target", "before", "after"),
    [
        (None, TARGET, {}, {"kubeProxyConfig": NFTABLES}),
        ({}, TARGET, {"kubeProxyConfig": {}}, {"kubeProxyConfig": NFTABLES}),
        (NFTABLES, None, {"kubeProxyConfig": NFTABLES}, {"kubeProxyConfig": NFTABLES}),
        (None, None, {}, {}),
        (
            NFTABLES,
            KubeProxy(enabled=False, mode=None),
            {"kubeProxyConfig": NFTABLES},
            {"kubeProxyConfig": {"enabled": False}},
        ),
    ],
)
def test_difference(
    stored: dict[str, Any] | None, target: KubeProxy | None, before: dict[str, Any], after: dict[str, Any]
) -> None:
    assert difference(cluster(kube_proxy=stored), target) == {
        "before": {"properties": {"networkProfile": before}},
        "after": {"properties": {"networkProfile": after}},
        "before_header": RESOURCE_ID,
        "after_header": RESOURCE_ID,
    }


def test_difference_shows_the_spelling_that_azure_used() -> None:
    made = cluster(network={"KubeProxyConfig": {"Enabled": True}})
    assert difference(made, TARGET)["before"] == {
        "properties": {"networkProfile": {"KubeProxyConfig": {"Enabled": True}}}
    }
