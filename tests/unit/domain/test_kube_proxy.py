"""The kube-proxy configuration: how Azure's answers are read, what requests make of them, what is sent."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from ansible_collections.aks.kube_proxy.plugins.module_utils._domain.kube_proxy import (
    IPVS_PROPERTIES,
    KNOWN_PROPERTIES,
    MODES,
    SCHEDULERS,
    InvalidRequest,
    KubeProxy,
    Request,
    Unreadable,
    check_request,
    desired,
    from_arm,
    from_result,
    to_arm,
)
from hypothesis import assume, given
from hypothesis import strategies as st

from tests.unit.domain.builders import JSON

FULL_IPVS = {
    "scheduler": "LeastConnection",
    "tcpTimeoutSeconds": 900,
    "tcpFinTimeoutSeconds": 120,
    "udpTimeoutSeconds": 300,
}
FULL_OPTIONS = {
    "scheduler": "LeastConnection",
    "tcp_timeout_seconds": 900,
    "tcp_fin_timeout_seconds": 120,
    "udp_timeout_seconds": 300,
}
NEVER = KubeProxy()
DISABLED = KubeProxy(enabled=False, mode=None, configured=True)


def ipvs(settings: dict[str, Any]) -> dict[str, Any]:
    return {"enabled": True, "mode": "IPVS", "ipvsConfig": settings}


def running(mode: str, **ipvs: Any) -> KubeProxy:
    return KubeProxy(mode=mode, ipvs=ipvs, configured=True)


@pytest.mark.parametrize(
    ("network", "read"),
    [
        # absent: never configured
        (None, NEVER),
        ({}, NEVER),
        ({"kubeProxyConfig": None}, NEVER),
        ({"networkPlugin": "azure"}, NEVER),
        # an empty object, or one without a true 'enabled': disabled
        ({"kubeProxyConfig": {}}, DISABLED),
        ({"kubeProxyConfig": {"enabled": False}}, DISABLED),
        ({"kubeProxyConfig": {"enabled": None}}, DISABLED),
        ({"kubeProxyConfig": {"enabled": False, "mode": "IPVS", "ipvsConfig": FULL_IPVS}}, DISABLED),
        ({"kubeProxyConfig": {"mode": "NFTABLES"}}, DISABLED),
        # content: as it was sent
        ({"kubeProxyConfig": {"enabled": True}}, running("IPTABLES")),
        ({"kubeProxyConfig": {"enabled": True, "mode": None}}, running("IPTABLES")),
        ({"kubeProxyConfig": {"enabled": True, "mode": "NFTABLES"}}, running("NFTABLES")),
        ({"kubeProxyConfig": {"enabled": True, "mode": "NEWER"}}, running("NEWER")),
        ({"kubeProxyConfig": {"enabled": True, "mode": "IPVS"}}, running("IPVS")),
        ({"kubeProxyConfig": {"enabled": True, "mode": "IPVS", "ipvsConfig": None}}, running("IPVS")),
        (
            {"kubeProxyConfig": {"enabled": True, "mode": "IPVS", "ipvsConfig": FULL_IPVS}},
            running("IPVS", **FULL_OPTIONS),
        ),
        (
            {
                "kubeProxyConfig": {
                    "enabled": True,
                    "mode": "IPVS",
                    "ipvsConfig": {"scheduler": "RoundRobin", "udpTimeoutSeconds": None},
                }
            },
            running("IPVS", scheduler="RoundRobin"),
        ),
        # IPVS settings that were left behind mean nothing in another mode
        ({"kubeProxyConfig": {"enabled": True, "mode": "IPTABLES", "ipvsConfig": FULL_IPVS}}, running("IPTABLES")),
        # whatever case: users send TCPTimeoutSeconds, and Azure takes it
        (
            {
                "KUBEPROXYCONFIG": {
                    "ENABLED": True,
                    "Mode": "ipvs",
                    "IpvsConfig": {"Scheduler": "leastconnection", "TCPTimeoutSeconds": 900},
                }
            },
            running("IPVS", scheduler="LeastConnection", tcp_timeout_seconds=900),
        ),
        # unknown properties and values stay as they are
        (
            {"kubeProxyConfig": {"enabled": True, "mode": "NFTABLES", "newThing": {"a": [1]}}},
            KubeProxy(mode="NFTABLES", configured=True, unknown={"newThing": {"a": [1]}}),
        ),
        (
            {
                "kubeProxyConfig": {
                    "enabled": True,
                    "mode": "IPVS",
                    "ipvsConfig": {"scheduler": "MagLev", "newTimeout": 3},
                }
            },
            running("IPVS", scheduler="MagLev", newTimeout=3),
        ),
    ],
)
def test_reads(network: dict[str, Any] | None, read: KubeProxy) -> None:
    assert from_arm(network) == read


@pytest.mark.parametrize(
    ("config", "sent"),
    [
        (DISABLED, {"enabled": False}),
        (KubeProxy(enabled=False, mode=None, ipvs=FULL_OPTIONS, unknown={"x": 1}), {"enabled": False}),
        (NEVER, {"enabled": True, "mode": "IPTABLES"}),
        (running("NFTABLES"), {"enabled": True, "mode": "NFTABLES"}),
        (running("IPVS"), {"enabled": True, "mode": "IPVS"}),
        (running("IPVS", **FULL_OPTIONS), {"enabled": True, "mode": "IPVS", "ipvsConfig": FULL_IPVS}),
        (running("IPVS", newTimeout=3), {"enabled": True, "mode": "IPVS", "ipvsConfig": {"newTimeout": 3}}),
        (
            KubeProxy(mode="NFTABLES", configured=True, unknown={"newThing": 1}),
            {"enabled": True, "mode": "NFTABLES", "newThing": 1},
        ),
    ],
)
def test_writes(config: KubeProxy, sent: dict[str, Any]) -> None:
    assert to_arm(config) == sent


@pytest.mark.parametrize(
    ("config", "target", "result"),
    [
        (NEVER, "IPTABLES", {"enabled": True, "mode": "IPTABLES", "ipvs_config": None, "configured": False}),
        (
            KubeProxy(mode=None),
            "IPTABLES",
            {"enabled": True, "mode": None, "ipvs_config": None, "configured": False},
        ),
        (DISABLED, "DISABLED", {"enabled": False, "mode": None, "ipvs_config": None, "configured": True}),
        (
            running("IPVS", scheduler="RoundRobin"),
            "IPVS",
            {"enabled": True, "mode": "IPVS", "ipvs_config": {"scheduler": "RoundRobin"}, "configured": True},
        ),
    ],
)
def test_is_shown(config: KubeProxy, target: str, result: dict[str, Any]) -> None:
    assert config.target == target
    assert config.as_result() == result


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        (NEVER, running("IPTABLES"), True),
        (DISABLED, KubeProxy(enabled=False, mode="IPVS"), True),
        (NEVER, running("NFTABLES"), False),
        (NEVER, DISABLED, False),
        (running("IPVS"), running("IPVS", scheduler="RoundRobin"), False),
        (running("IPVS", udp_timeout_seconds=1), running("IPVS", udp_timeout_seconds=2), False),
        (running("NFTABLES"), KubeProxy(mode="NFTABLES", configured=True, unknown={"newThing": 1}), False),
    ],
)
def test_means_the_same(one: KubeProxy, other: KubeProxy, same: bool) -> None:
    assert one.means(other) is same
    assert other.means(one) is same


@pytest.mark.parametrize(
    ("wanted", "plainly", "exactly"),
    [
        (running("IPVS", scheduler="RoundRobin"), True, True),
        (running("IPVS"), True, False),  # Azure has added to it
        (running("IPVS", scheduler="LeastConnection"), False, False),
        (running("IPVS", scheduler="RoundRobin", udp_timeout_seconds=1), False, False),
        (running("NFTABLES"), False, False),
    ],
)
def test_fulfils(wanted: KubeProxy, plainly: bool, exactly: bool) -> None:
    has = running("IPVS", scheduler="RoundRobin")
    assert has.fulfils(wanted) is plainly
    assert has.fulfils(wanted, exact=True) is exactly


@pytest.mark.parametrize("config", [NEVER, DISABLED, running("NFTABLES"), running("IPVS", scheduler="RoundRobin")])
def test_what_a_module_returned_is_read_back(config: KubeProxy) -> None:
    read = from_result(config.as_result())
    assert read.means(config)
    assert read.configured
    assert read == replace(config, configured=True)


@pytest.mark.parametrize(
    ("stored", "says"),
    [
        ([], "'kubeProxyConfig' is []."),
        ("x" * 99, "'kubeProxyConfig' is '" + "x" * 59 + "."),
        ({"mode": "IPVS", "Mode": "IPVS"}, "'kubeProxyConfig' has a key in two spellings."),
        ({"enabled": "yes"}, "'enabled' in 'kubeProxyConfig' is 'yes'."),
        ({"enabled": 1}, "'enabled' in 'kubeProxyConfig' is 1."),
        ({"enabled": True, "mode": 3}, "'mode' in 'kubeProxyConfig' is 3."),
        ({"enabled": True, "mode": "two words"}, "'mode' in 'kubeProxyConfig' is 'two words'."),
        ({"enabled": True, "mode": "Disabled"}, "'mode' in 'kubeProxyConfig' is 'Disabled'."),
        ({"enabled": True, "mode": "m" * 41}, "'mode' in 'kubeProxyConfig' is '" + "m" * 41 + "'."),
        ({"enabled": False, "ipvsConfig": []}, "'ipvsconfig' in 'kubeProxyConfig' is []."),
        (ipvs({"scheduler": 1}), "'scheduler' in 'ipvsConfig' is 1."),
        (ipvs({"tcpTimeoutSeconds": True}), "'tcptimeoutseconds' in 'ipvsConfig' is True."),
        (ipvs({"tcpFinTimeoutSeconds": "1"}), "'tcpfintimeoutseconds' in 'ipvsConfig' is '1'."),
        (ipvs({"udpTimeoutSeconds": 1.5}), "'udptimeoutseconds' in 'ipvsConfig' is 1.5."),
        (ipvs({"scheduler": None, "Scheduler": None}), "'ipvsConfig' has a key in two spellings."),
    ],
)
def test_what_cannot_be_read_is_not_guessed(stored: Any, says: str) -> None:
    with pytest.raises(Unreadable) as error:
        from_arm({"kubeProxyConfig": stored})
    assert str(error.value) == says


def test_the_network_profile_itself_may_be_odd() -> None:
    odd: Any = "azure"
    with pytest.raises(Unreadable, match=r"^'networkProfile' is 'azure'\.$"):
        from_arm(odd)
    assert from_arm({"kubeProxyConfig": {"enabled": True, "mode": ""}}) == running("IPTABLES")
    assert from_arm({"kubeProxyConfig": {"enabled": True, "mode": "m" * 40}}).mode == "M" * 40


IPVS_RR = running("IPVS", scheduler="RoundRobin", udp_timeout_seconds=300)
WITH_UNKNOWN = KubeProxy(mode="IPVS", ipvs={"scheduler": "RoundRobin"}, configured=True, unknown={"newThing": 1})


@pytest.mark.parametrize(
    ("current", "request_", "target"),
    [
        # nothing asked for: as it is, written out
        (NEVER, Request(), running("IPTABLES")),
        (running("NFTABLES"), Request(), running("NFTABLES")),
        (IPVS_RR, Request(), IPVS_RR),
        # enabled
        (NEVER, Request(enabled=True), running("IPTABLES")),
        (running("NFTABLES"), Request(enabled=True), running("NFTABLES")),
        (DISABLED, Request(enabled=True), running("IPTABLES")),
        (DISABLED, Request(enabled=True, mode="NFTABLES"), running("NFTABLES")),
        (
            DISABLED,
            Request(enabled=True, mode="IPVS", ipvs={"scheduler": "RoundRobin"}),
            running("IPVS", scheduler="RoundRobin"),
        ),
        # disabled: nothing of the old configuration stays
        (NEVER, Request(enabled=False), DISABLED),
        (WITH_UNKNOWN, Request(enabled=False), DISABLED),
        (DISABLED, Request(enabled=False), DISABLED),
        # modes
        (NEVER, Request(mode="NFTABLES"), running("NFTABLES")),
        (running("NFTABLES"), Request(mode="IPTABLES"), running("IPTABLES")),
        (running("NEWER"), Request(mode="NFTABLES"), running("NFTABLES")),
        (running("NEWER"), Request(), running("NEWER")),
        # IPVS settings: kept one by one inside IPVS, dropped on the way out of it
        (IPVS_RR, Request(mode="IPVS"), IPVS_RR),
        (
            IPVS_RR,
            Request(ipvs={"udp_timeout_seconds": 10}),
            running("IPVS", scheduler="RoundRobin", udp_timeout_seconds=10),
        ),
        (
            IPVS_RR,
            Request(mode="IPVS", ipvs={"scheduler": None, "tcp_timeout_seconds": 1}),
            running("IPVS", scheduler="RoundRobin", udp_timeout_seconds=300, tcp_timeout_seconds=1),
        ),
        (IPVS_RR, Request(mode="NFTABLES"), running("NFTABLES")),
        (NEVER, Request(mode="IPVS"), running("IPVS")),
        (NEVER, Request(ipvs={"scheduler": None}), running("IPTABLES")),
        # exactly these settings: what is not named goes
        (IPVS_RR, Request(mode="IPVS", exact=True), running("IPVS")),
        (
            IPVS_RR,
            Request(ipvs={"scheduler": "LeastConnection", "tcp_timeout_seconds": None}, exact=True),
            running("IPVS", scheduler="LeastConnection"),
        ),
        # unknown properties stay
        (WITH_UNKNOWN, Request(mode="NFTABLES"), KubeProxy(mode="NFTABLES", configured=True, unknown={"newThing": 1})),
        (
            running("IPVS", newTimeout=3),
            Request(ipvs={"scheduler": "RoundRobin"}),
            running("IPVS", newTimeout=3, scheduler="RoundRobin"),
        ),
    ],
)
def test_desired(current: KubeProxy, request_: Request, target: KubeProxy) -> None:
    assert desired(current, request_) == target


@pytest.mark.parametrize(
    ("request_", "says"),
    [
        (Request(enabled=False, mode="IPTABLES"), "'enabled: false' switches kube-proxy off"),
        (Request(enabled=False, ipvs={"scheduler": "RoundRobin"}), "'enabled: false' switches kube-proxy off"),
        (Request(mode="NFTABLES", ipvs={"scheduler": "RoundRobin"}), "not to 'mode: NFTABLES'"),
        (Request(mode="IPTABLES", ipvs={"udp_timeout_seconds": 1}), "not to 'mode: IPTABLES'"),
        (Request(mode="IPVS", ipvs={"tcp_timeout_seconds": 0}), "'ipvs_config.tcp_timeout_seconds' is 0"),
        (Request(mode="IPVS", ipvs={"tcp_fin_timeout_seconds": -1}), "'ipvs_config.tcp_fin_timeout_seconds' is -1"),
        (Request(ipvs={"udp_timeout_seconds": 0}), "'ipvs_config.udp_timeout_seconds' is 0"),
        (
            Request(mode="IPVS", ipvs={"scheduler": "roundrobin"}),
            "is 'roundrobin': choose from RoundRobin, LeastConnection",
        ),
    ],
)
def test_a_request_that_contradicts_itself(request_: Request, says: str) -> None:
    with pytest.raises(InvalidRequest, match=says):
        check_request(request_)
    with pytest.raises(InvalidRequest, match=says):
        desired(running("IPVS"), request_)


@pytest.mark.parametrize(
    ("current", "request_", "says"),
    [
        (DISABLED, Request(mode="NFTABLES"), "is disabled on this cluster: add 'enabled: true'"),
        (DISABLED, Request(mode="IPVS", ipvs={"scheduler": "RoundRobin"}), "is disabled on this cluster"),
        (DISABLED, Request(), "is disabled on this cluster"),
        (NEVER, Request(ipvs={"scheduler": "RoundRobin"}), "this cluster runs IPTABLES: add 'mode: IPVS'"),
        (running("NFTABLES"), Request(ipvs={"udp_timeout_seconds": 1}), "this cluster runs NFTABLES: add 'mode: IPVS'"),
    ],
)
def test_a_request_that_does_not_fit_the_cluster(current: KubeProxy, request_: Request, says: str) -> None:
    check_request(request_)
    with pytest.raises(InvalidRequest, match=says):
        desired(current, request_)


@pytest.mark.parametrize(
    "request_",
    [
        Request(),
        Request(enabled=False),
        Request(enabled=False, ipvs={}),
        Request(mode="IPVS", ipvs={"scheduler": "LeastConnection", "tcp_timeout_seconds": 1}),
        Request(mode="NFTABLES", ipvs={}),
        Request(ipvs={"scheduler": None, "udp_timeout_seconds": None}),
    ],
)
def test_a_request_in_order(request_: Request) -> None:
    check_request(request_)


# Every state that Azure can answer with, and every request that a user can make.
NEW_NAMES = st.text(min_size=1, max_size=6).filter(
    lambda name: name.casefold() not in {known.casefold() for known in (*KNOWN_PROPERTIES, *IPVS_PROPERTIES.values())}
)
TIMEOUTS = st.integers(1, 10**6)
IPVS_STORED = st.fixed_dictionaries(
    {},
    optional={
        "scheduler": st.sampled_from(SCHEDULERS),
        "tcpTimeoutSeconds": TIMEOUTS,
        "tcpFinTimeoutSeconds": TIMEOUTS,
        "udpTimeoutSeconds": TIMEOUTS,
    },
)
STORED = st.none() | st.builds(
    lambda known, new: {**new, **known},
    st.fixed_dictionaries(
        {},
        optional={
            "enabled": st.sampled_from((True, True, True, False, None)),
            "mode": st.none() | st.sampled_from((*MODES, "ipvs", "NEWER")),
            "ipvsConfig": st.none() | IPVS_STORED,
        },
    ),
    st.dictionaries(NEW_NAMES, JSON, max_size=2),
)
CONFIGURATIONS = STORED.map(lambda stored: from_arm({"kubeProxyConfig": stored}))
REQUESTS = st.builds(
    Request,
    enabled=st.sampled_from((True, True, False, None)),
    mode=st.none() | st.sampled_from(MODES),
    ipvs=st.none()
    | st.fixed_dictionaries(
        {},
        optional={
            "scheduler": st.none() | st.sampled_from(SCHEDULERS),
            **{option: st.none() | TIMEOUTS for option in IPVS_PROPERTIES if option != "scheduler"},
        },
    ),
)


def reached(current: KubeProxy, request: Request) -> KubeProxy:
    """The desired configuration; requests that are refused are no examples."""
    try:
        return desired(current, request)
    except InvalidRequest:
        assume(False)
        raise


@given(CONFIGURATIONS)
def test_what_is_written_reads_back_as_it_was(config: KubeProxy) -> None:
    read = from_arm({"kubeProxyConfig": to_arm(config)})
    assert read.means(config)
    assert read == from_arm({"kubeProxyConfig": to_arm(read)})
    assert read.configured


@given(CONFIGURATIONS, REQUESTS)
def test_the_second_run_changes_nothing(current: KubeProxy, request: Request) -> None:
    target = reached(current, request)
    read_back = from_arm({"kubeProxyConfig": to_arm(target)})
    assert read_back.means(target)
    assert desired(read_back, request) == target


@given(CONFIGURATIONS, REQUESTS)
def test_what_is_asked_for_is_what_comes(current: KubeProxy, request: Request) -> None:
    target = reached(current, request)
    assert request.enabled in (None, target.enabled)
    assert request.mode in (None, target.mode)
    assert (target.mode is None) == (not target.enabled)
    assert target.configured
    for option, value in (request.ipvs or {}).items():
        assert value is None or target.ipvs[option] == value
    if target.mode != "IPVS":
        assert not target.ipvs


@given(CONFIGURATIONS.filter(lambda config: config.enabled))
def test_what_is_left_out_stays(current: KubeProxy) -> None:
    assert desired(current, Request()).means(current)
    assert desired(current, Request(enabled=True)).means(current)
