"""Whatever Azure answers: errors are our own, nothing is written on what was not understood, and every wait ends."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any
from urllib.parse import urlsplit

import pytest
from ansible_collections.aks.kube_proxy.plugins.module_utils._azure.arm import Arm
from ansible_collections.aks.kube_proxy.plugins.module_utils._azure.clusters import Clusters
from ansible_collections.aks.kube_proxy.plugins.module_utils._azure.errors import AzureError
from ansible_collections.aks.kube_proxy.plugins.module_utils._azure.features import Flag
from ansible_collections.aks.kube_proxy.plugins.module_utils._azure.subscriptions import visible_subscriptions
from ansible_collections.aks.kube_proxy.plugins.module_utils._domain.cluster import parse_resource_id, read_body
from ansible_collections.aks.kube_proxy.plugins.module_utils._domain.kube_proxy import Request
from ansible_collections.aks.kube_proxy.plugins.module_utils._domain.plan import SKIP, Policy
from ansible_collections.aks.kube_proxy.plugins.module_utils._kubernetes.api import NoAccess
from ansible_collections.aks.kube_proxy.plugins.module_utils._kubernetes.handed_out import FOR_USERS, hand_out
from ansible_collections.aks.kube_proxy.plugins.module_utils._kubernetes.run_command import RunCommand
from ansible_collections.aks.kube_proxy.plugins.module_utils._operations.shared_flag import SharedFlag
from ansible_collections.aks.kube_proxy.plugins.module_utils._operations.switch import Switch
from ansible_collections.aks.kube_proxy.plugins.module_utils._operations.waiting import Waiting
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.emulator.fleet import SUBSCRIPTION
from tests.fuzz import samples
from tests.fuzz.network import connected
from tests.fuzz.readers import assert_tellable
from tests.fuzz.spoiling import spoilt, spoilt_text

FEW = settings(max_examples=settings().max_examples * 2 // 5)
CLUSTER = parse_resource_id(samples.RESOURCE_ID)
ROOT = "https://management.azure.com"
BODY = samples.clusters()[0]
UNREADABLE: tuple[Mapping[str, Any], ...] = (
    {"kubeProxyConfig": "NFTABLES"},
    {"kubeProxyConfig": []},
    {"kubeProxyConfig": {"enabled": "true", "mode": "NFTABLES"}},
    {"kubeProxyConfig": {"enabled": 1}},
    {"kubeProxyConfig": {"enabled": True, "mode": {"name": "NFTABLES"}}},
    {"kubeProxyConfig": {"enabled": True, "mode": "{{ mode }}"}},
    {"kubeProxyConfig": {"enabled": True, "mode": "disabled"}},
    {"kubeProxyConfig": {"enabled": True, "mode": "IPVS", "ipvsConfig": "fast"}},
    {"kubeProxyConfig": {"enabled": True, "mode": "IPVS", "ipvsConfig": {"tcpTimeoutSeconds": "900"}}},
    {"kubeProxyConfig": {"enabled": True, "mode": "IPVS", "ipvsConfig": {"scheduler": 1}}},
    {"kubeProxyConfig": {"enabled": True, "Enabled": False}},
    {"kubeProxyConfig": {"enabled": True}, "kubeproxyconfig": {"enabled": False}},
)


@pytest.fixture
def patch() -> Iterator[pytest.MonkeyPatch]:
    with pytest.MonkeyPatch.context() as made:
        yield made


def always(status: int, body: Any, **headers: str) -> Any:
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    return lambda _method, _url, _body: (status, headers, content)


class UnknownFlag(SharedFlag):
    """A flag that nobody may read."""

    def state(self, _arm: Arm) -> str | None:
        """Not known."""
        return None


def switched(arm: Arm) -> dict[str, Any]:
    """A switch that nothing but what Azure answers could keep from writing."""
    return Switch(
        Clusters(arm),
        arm.runtime,
        cluster=CLUSTER,
        request=Request(enabled=True, mode="NFTABLES"),
        policy=Policy(preflight=SKIP),
        waiting=Waiting(timeout=100.0),
        flag=UnknownFlag(CLUSTER.subscription),
    ).run()


def in_words(work: Any) -> AzureError | None:
    """The error, when there is one; it has to be ours, and fit for a terminal."""
    error = None
    try:
        work()
    except AzureError as raised:
        error = raised
    assert error is None or error.message.strip()
    assert_tellable(error.message if error else "")
    return error


@pytest.mark.parametrize("network", UNREADABLE, ids=lambda network: json.dumps(network)[:60])
def test_a_configuration_that_cannot_be_read_is_never_written_over(
    network: Mapping[str, Any], patch: pytest.MonkeyPatch
) -> None:
    properties = {**BODY["properties"], "networkProfile": {**BODY["properties"]["networkProfile"], **network}}
    arm, wire = connected(patch, always(200, {**BODY, "properties": properties}))
    error = in_words(lambda: switched(arm))
    assert error is not None
    assert error.details["code"] == "Unreadable"
    assert "cluster c1 cannot be understood" in error.message
    assert wire.written == []


@pytest.mark.parametrize("key", ["networkProfile", "powerState", "agentPoolProfiles", "provisioningState"])
def test_other_parts_that_cannot_be_read_keep_from_writing_too(key: str, patch: pytest.MonkeyPatch) -> None:
    arm, wire = connected(patch, always(200, {**BODY, "properties": {**BODY["properties"], key: 7}}))
    error = in_words(lambda: switched(arm))
    assert error is not None
    assert f"properties.{key}" in error.message
    assert wire.written == []


def test_a_cluster_without_a_network_profile_is_not_taken_for_unconfigured(patch: pytest.MonkeyPatch) -> None:
    properties = {key: value for key, value in BODY["properties"].items() if key != "networkProfile"}
    arm, wire = connected(patch, always(200, {**BODY, "properties": properties}))
    error = in_words(lambda: switched(arm))
    assert error is not None
    assert "has no 'properties.networkProfile'" in error.message
    assert wire.written == []
    arm, _wire = connected(patch, always(200, {"value": [BODY, {**BODY, "properties": properties}]}))
    assert len(Clusters(arm).find(SUBSCRIPTION)) == 2, "the others are listed, and it is too"


@FEW
@given(body=st.sampled_from(samples.clusters()).flatmap(spoilt))
def test_what_is_written_is_what_was_read_but_for_the_configuration(body: Any) -> None:
    with pytest.MonkeyPatch.context() as patch:
        arm, wire = connected(patch, always(200, body))
        error = in_words(lambda: switched(arm))
        for sent in wire.written:
            assert parse_resource_id(body["id"])
            network, sent_network = (it["properties"]["networkProfile"] for it in (body, sent))
            assert set(sent_network) - set(network) <= {"kubeProxyConfig"}
            stored = network.get("kubeProxyConfig")
            assert stored is None or isinstance(stored.get("enabled") or False, bool)
    assert error is not None or wire.written == [], "what is answered never becomes NFTABLES"


@FEW
@given(
    text=st.sampled_from([json.dumps(BODY), json.dumps(samples.REFUSALS[0]), "[]", "<html>"]).flatmap(spoilt_text),
    status=st.sampled_from([200, 201, 202, 204, 400, 403, 404, 409, 412, 429, 500, 503]),
    wait=st.sampled_from(["", "0", "3", "9" * 400, "-1", "soon", "٣"]),
)
def test_any_answer_to_a_request_is_an_end(text: str, status: int, wait: str) -> None:
    with pytest.MonkeyPatch.context() as patch:
        content = text.encode("utf-8", "surrogatepass")
        headers = {"retry-after": wait} if wait.isascii() else {}
        arm, wire = connected(patch, always(status, content, **headers))
        in_words(lambda: switched(arm))
        in_words(lambda: Flag(arm, SUBSCRIPTION).state())
        in_words(lambda: Clusters(arm).find(SUBSCRIPTION))
        in_words(lambda: visible_subscriptions(arm))
        assert len(wire.asked) < 200


@pytest.mark.parametrize("charset", ["utf-8", "ascii", "utf-16", "rot13", "nobody-knows"])
def test_a_refusal_in_another_charset_than_it_names_is_a_refusal(charset: str, patch: pytest.MonkeyPatch) -> None:
    headers = {"content-type": f"text/html; charset={charset}"}
    page = b"<p>La passerelle a un d\xe9faut.</p>"

    def refusing(*methods: str) -> Any:
        return lambda method, _url, _body: (
            (502, headers, page) if method in methods else (200, {}, json.dumps(BODY).encode())
        )

    arm, wire = connected(patch, refusing("PUT"))
    error = in_words(lambda: switched(arm))
    assert error is not None
    assert "502" in error.message
    assert error.details["changed"] is False
    assert len(wire.written) > 1, "it was found out that Azure had not taken it"
    arm, wire = connected(patch, refusing("GET"))
    error = in_words(lambda: switched(arm))
    assert error is not None
    assert "502" in error.message


ADDRESSES = (
    "https://evil.example.",
    "https://evil.example/x",
    "https://evil.example\\.management.azure.com/x",
    "https://evil.example\\@management.azure.com/x",
    "https://management.azure.com@evil.example/x",
    "https://management.azure.com.evil.example/x",
    "https://evilmanagement.azure.com/x",
    "https://[evil",
    "http://management.azure.com/x",
    "//evil.example/x",
    "https://evil.example\t.management.azure.com/x",
    "https://evil.example#.management.azure.com/x",
    "https://evil.example?.management.azure.com/x",
    7,
    ["https://management.azure.com/x"],
    {"href": "x"},
)


@pytest.mark.parametrize("own", ["https://[::1]:8443", "https://user@localhost", "https://löcal"])
def test_a_cloud_whose_own_address_is_odd_is_left_for_no_other(own: str, patch: pytest.MonkeyPatch) -> None:
    arm, wire = connected(patch, always(200, {"value": [], "nextLink": "https://evil.example./x"}))
    arm.session = replace(arm.session, cloud=replace(arm.session.cloud, resource_manager=own))
    assert in_words(lambda: arm.get_url("https://evil.example./x", about="The list")) is not None
    assert wire.asked == []


@pytest.mark.parametrize("address", ADDRESSES, ids=repr)
def test_no_address_leads_the_token_elsewhere(address: Any, patch: pytest.MonkeyPatch) -> None:
    arm, wire = connected(patch, always(200, {"value": [], "nextLink": address}))
    error = in_words(lambda: list(arm.pages("/subscriptions", "2022-12-01", about="The list")))
    assert error is not None
    assert "not followed" in error.message
    assert {urlsplit(url).hostname for _method, url, _body in wire.asked} == {"management.azure.com"}


@FEW
@given(address=st.sampled_from([f"{ROOT}/subscriptions?$skiptoken=a", *map(str, ADDRESSES)]).flatmap(spoilt_text))
def test_no_spoilt_address_does_either(address: str) -> None:
    with pytest.MonkeyPatch.context() as patch:
        arm, wire = connected(patch, always(200, {"value": [], "nextLink": address}))
        in_words(lambda: list(arm.pages("/subscriptions", "2022-12-01", about="The list")))
        hosts = {(urlsplit(url).hostname or "").removeprefix(".") for _method, url, _body in wire.asked}
        assert all(host == "management.azure.com" or host.endswith(".management.azure.com") for host in hosts)


def test_a_list_that_leads_in_a_circle_ends(patch: pytest.MonkeyPatch) -> None:
    arm, wire = connected(patch, always(200, {"value": [], "nextLink": f"{ROOT}/subscriptions?page=2"}))
    error = in_words(lambda: list(arm.pages("/subscriptions", "2022-12-01", about="The list")))
    assert error is not None
    assert "leads back" in error.message
    assert len(wire.asked) == 2


@pytest.mark.parametrize("body", [{"properties": "x"}, {"properties": {"state": {}}}, {"properties": None}, {}])
def test_a_flag_without_a_state_is_an_error(body: Any, patch: pytest.MonkeyPatch) -> None:
    arm, _wire = connected(patch, always(200, body))
    error = in_words(lambda: Flag(arm, SUBSCRIPTION).state())
    assert error is not None
    assert "holds no state" in error.message


@pytest.mark.parametrize("wait", ["99999999", "9" * 400])
def test_a_command_that_never_ends_is_given_up_in_time(wait: str, patch: pytest.MonkeyPatch) -> None:
    headers = {"location": f"{ROOT}/result", "retry-after": wait}
    arm, wire = connected(patch, lambda _method, _url, _body: (202, headers, b""))
    command = RunCommand(read_body(BODY), Clusters(arm), arm.runtime)
    with pytest.raises(NoAccess, match="no result within 180 seconds"):
        command.read(["/api/v1/nodes"], lambda reply: reply)
    assert len(wire.asked) < 5
    assert arm.runtime.now() < 1000


@FEW
@given(body=spoilt({"kubeconfigs": [{"name": "clusterUser", "value": "YXBpVmVyc2lvbjogdjE="}]}))
def test_whatever_is_handed_out_is_credentials_or_none(body: Any) -> None:
    with pytest.MonkeyPatch.context() as patch:
        arm, _wire = connected(patch, always(200, body))
        error = in_words(lambda: hand_out(Clusters(arm), CLUSTER, FOR_USERS, {}))
        assert isinstance(error, AzureError)
