"""ARM's front door: paths, versions, errors, headers."""

from __future__ import annotations

import pytest

from tests.contract.arm_client import (
    PREVIEW,
    SUBSCRIPTION,
    cluster_path,
    feature_path,
    flat,
    group_path,
    wrapped,
)
from tests.contract.conftest import Start


def test_absent_things(start: Start) -> None:
    arm = start()
    message = wrapped(arm.ask("GET", cluster_path("no")), 404, "ResourceNotFound")
    assert message == (
        "The Resource 'Microsoft.ContainerService/managedClusters/no' under resource group 'rg1' was not found. "
        "For more details please go to https://aka.ms/ARMResourceNotFoundFix"
    )
    assert "'no'" in wrapped(arm.ask("GET", cluster_path("c1", "no")), 404, "ResourceGroupNotFound")
    assert "'no'" in wrapped(arm.ask("GET", cluster_path("c1", "rg1", "no")), 404, "SubscriptionNotFound")
    wrapped(arm.ask("GET", f"{cluster_path()}/agentPools/no"), 404, "ResourceNotFound")
    unknown = f"{group_path()}/providers/Microsoft.ContainerService/nothings/x"
    wrapped(arm.ask("GET", unknown), 404, "InvalidResourceType")
    wrapped(
        arm.ask("GET", f"/subscriptions/{SUBSCRIPTION}/providers/No.Such", "2021-04-01"),
        404,
        "InvalidResourceNamespace",
    )
    wrapped(arm.ask("GET", feature_path("NoSuchFlag"), "2021-07-01"), 404, "FeatureNotFound")


def test_what_is_not_emulated_says_so_in_arms_shape(start: Start) -> None:
    arm = start()
    message = wrapped(arm.ask("POST", f"{cluster_path()}/stop"), 501, "NotImplementedByEmulator")
    assert "/stop" in message
    wrapped(arm.ask("GET", "/nowhere/at/all"), 501, "NotImplementedByEmulator")


@pytest.mark.parametrize(
    ("version", "status", "code"),
    [
        (None, 400, "MissingApiVersionParameter"),
        ("2025-09-03-preview", 400, "NoRegisteredProviderFound"),
        ("2022-08-02-preview", 400, "NoRegisteredProviderFound"),
        ("rubbish", 400, "NoRegisteredProviderFound"),
    ],
)
def test_api_versions_that_are_not_offered(start: Start, version: str | None, status: int, code: str) -> None:
    message = wrapped(start().ask("GET", cluster_path(), version), status, code)
    assert version is None or ("The supported api-versions are" in message and PREVIEW in message)


def test_other_families_word_a_bad_version_their_way(start: Start) -> None:
    arm = start()
    assert "2021-07-01" in wrapped(arm.ask("GET", feature_path(), "2021-07-02"), 404, "InvalidResourceType")
    wrapped(arm.ask("GET", group_path(), "1999-01-01"), 400, "InvalidApiVersionParameter")


def test_a_fleet_can_expire_versions_and_add_some_and_the_provider_says_so(start: Start) -> None:
    versions = {"expired": [PREVIEW], "added": ["2027-01-02-preview"]}
    arm = start(behaviour={"api_versions": versions, "throttling": False})
    wrapped(arm.ask("GET", cluster_path(), PREVIEW), 400, "NoRegisteredProviderFound")
    assert arm.ask("GET", cluster_path(), "2027-01-02-preview").status_code == 200
    provider = arm.ask(
        "GET", f"/subscriptions/{SUBSCRIPTION}/providers/Microsoft.ContainerService", "2021-04-01"
    ).json()
    kinds = {kind["resourceType"]: kind["apiVersions"] for kind in provider["resourceTypes"]}
    assert kinds["managedClusters"][0] == "2027-01-02-preview"
    assert PREVIEW not in kinds["managedClusters"]
    for version in kinds["managedClusters"]:
        assert arm.ask("GET", cluster_path(), version).status_code == 200


def test_only_the_offered_versions_when_a_fleet_lists_them(start: Start) -> None:
    arm = start(behaviour={"api_versions": {"offered": ["2024-08-01"]}})
    assert arm.ask("GET", cluster_path(), "2024-08-01").status_code == 200
    wrapped(arm.ask("GET", cluster_path(), PREVIEW), 400, "NoRegisteredProviderFound")


def test_case_and_doubled_slashes_do_not_matter(start: Start) -> None:
    arm = start()
    path = (
        cluster_path().replace("resourceGroups", "resourcegroups").replace("managedClusters/c1", "MANAGEDclusters/C1")
    )
    assert arm.ask("GET", path).json()["name"] == "c1"
    assert arm.ask("GET", cluster_path().replace("/managedClusters", "//managedClusters")).status_code == 200


def test_every_answer_carries_arms_headers(start: Start) -> None:
    arm = start()
    for answer in (
        arm.ask("GET", cluster_path(), headers={"x-ms-client-request-id": "mine"}),
        arm.ask("GET", cluster_path("no"), headers={"x-ms-client-request-id": "mine"}),
        arm.ask("POST", f"{cluster_path()}/stop", headers={"x-ms-client-request-id": "mine"}),
    ):
        assert len(answer.headers["x-ms-request-id"]) == 36
        assert len(answer.headers["x-ms-correlation-request-id"]) == 36
        assert answer.headers["x-ms-client-request-id"] == "mine"
    asked = {"x-ms-correlation-request-id": "yours"}
    assert arm.ask("GET", cluster_path(), headers=asked).headers["x-ms-correlation-request-id"] == "yours"


def test_remaining_requests_are_told(start: Start) -> None:
    arm = start()
    reads = [
        int(arm.ask("GET", cluster_path()).headers["x-ms-ratelimit-remaining-subscription-global-reads"])
        for _unused in "ab"
    ]
    assert reads[1] == reads[0] - 1
    assert "x-ms-ratelimit-remaining-subscription-writes" in arm.put(arm.get()).headers


@pytest.mark.parametrize("content", [b"{", b"[]", b'"text"', b"\xff"])
def test_bodies_that_are_no_json_object(start: Start, content: bytes) -> None:
    arm = start()
    answer = arm.session.put(
        f"{arm.emulator.url}{cluster_path()}?api-version={PREVIEW}",
        data=content,
        headers={"Authorization": f"Bearer {arm.bearer}", "Content-Type": "application/json"},
    )
    wrapped(answer, 400, "InvalidRequestContent")


def test_a_body_beyond_all_measure(start: Start) -> None:
    arm = start()
    wrapped(arm.put({"location": "x" * 17_000_000}), 413, "RequestEntityTooLarge")
    assert arm.get()["name"] == "c1"


def test_a_subscription_without_the_provider(start: Start) -> None:
    arm = start(behaviour={"registered_provider": False})
    message = wrapped(arm.ask("GET", cluster_path()), 409, "MissingSubscriptionRegistration")
    assert "Microsoft.ContainerService" in message


def test_a_disabled_subscription_can_only_be_read(start: Start) -> None:
    arm = start(subscriptions=[{"id": SUBSCRIPTION, "state": "Disabled"}])
    assert arm.ask("PUT", cluster_path(), body=arm.get()).json()["error"]["code"] == "ReadOnlyDisabledSubscription"


def test_tenants_subscriptions_groups(start: Start) -> None:
    other = "99999999-9999-4999-8999-999999999999"
    arm = start(
        clusters=[{"name": "c1"}, {"name": "c2", "resource_group": "rg2"}, {"name": "c3", "subscription": other}],
        subscriptions=[{"id": SUBSCRIPTION, "name": "Main"}],
    )
    assert [t["tenantId"] for t in arm.ask("GET", "/tenants", "2022-12-01").json()["value"]] == [
        arm.environment["AZURE_TENANT"]
    ]
    listed = arm.ask("GET", "/subscriptions", "2022-12-01").json()["value"]
    assert [(s["subscriptionId"], s["displayName"], s["state"]) for s in listed] == [
        (SUBSCRIPTION, "Main", "Enabled"),
        (other, other, "Enabled"),
    ]
    assert arm.ask("GET", f"/subscriptions/{other}", "2022-12-01").json()["subscriptionId"] == other
    groups = arm.ask("GET", f"/subscriptions/{SUBSCRIPTION}/resourcegroups", "2021-04-01").json()["value"]
    assert [group["name"] for group in groups] == ["rg1", "rg2"]
    assert arm.ask("GET", group_path("RG2"), "2021-04-01").json()["name"] == "rg2"
    assert arm.ask("HEAD", group_path("rg2"), "2021-04-01").status_code == 204
    assert arm.ask("HEAD", group_path("rg9"), "2021-04-01").status_code == 404
    created = arm.ask("PUT", group_path("rg9"), "2021-04-01", {"location": "eastus"})
    assert (created.status_code, created.json()["location"]) == (201, "eastus")
    assert arm.ask("HEAD", group_path("rg9"), "2021-04-01").status_code == 204


def test_a_fault_in_the_emulator_itself_is_a_500_in_arms_shape(start: Start, capfd: pytest.CaptureFixture[str]) -> None:
    # A version without numbers: no cluster that AKS could return.
    arm = start()
    arm.emulator.change_cluster("c1", {"properties": {"currentKubernetesVersion": "rubbish"}})
    wrapped(arm.ask("GET", f"{cluster_path()}/upgradeProfiles/default"), 500, "InternalServerError")
    assert "Traceback" in capfd.readouterr().err


def test_paging_token_that_was_never_handed_out(start: Start) -> None:
    arm = start()
    path = f"/subscriptions/{SUBSCRIPTION}/providers/Microsoft.ContainerService/managedClusters"
    answer = arm.ask("GET", f"{path}?api-version={PREVIEW}&$skipToken=rubbish")
    flat(answer, 400, "InvalidParameter")
