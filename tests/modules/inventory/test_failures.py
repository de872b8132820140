"""No inventory is ever a part of one, and its messages say what to do, without secrets."""

from __future__ import annotations

import re
from typing import Any

from tests.emulator.fleet import SECRET, SUBSCRIPTION
from tests.modules.inventory.conftest import PLUGIN, Estate, squeezed

GOOD = {"name": "good"}
# Each fails in a subscription of its own: fault, its parameters, what is said.
FAULTS: dict[str, tuple[str, dict[str, Any], str]] = {
    "10000000-0000-4000-8000-000000000000": ("forbidden", {}, "Azure refused with HTTP 403, AuthorizationFailed"),
    "20000000-0000-4000-8000-000000000000": (
        "throttled",
        {"retry_after": 400},
        "Azure refused with HTTP 429, Throttled",
    ),
    "30000000-0000-4000-8000-000000000000": ("wrong_content", {"skip": 1, "times": None}, "what answered at localhost"),
    "40000000-0000-4000-8000-000000000000": ("garbage", {"skip": 1, "times": None}, "what answered at localhost"),
}


def test_one_part_that_fails_is_enough(estate: Estate) -> None:
    bad = [{"name": f"b{number}", "subscription": each} for each in FAULTS for number in range(2)]
    estate.azure.reset({"clusters": [GOOD, *bad], "behaviour": {"page_size": 1}})
    for subscription, (fault, parameters, _says) in FAULTS.items():
        estate.azure.fault(fault, match={"path": f"{subscription}.*managedClusters$"}, **parameters)
    sources = [
        estate.write({"subscriptions": [SUBSCRIPTION, subscription]}, f"{subscription[0]}.aks_clusters.yml")
        for subscription in FAULTS
    ]
    shown = estate.list_files(sources, "-vvvv")
    assert shown.hosts == {}
    assert shown.groups == {}
    for subscription, (_fault, _parameters, says) in FAULTS.items():
        assert shown.says(f"Clusters of subscription {subscription}: {says}"), shown.stderr
        assert shown.says(f"Unable to parse {estate.folder}/{subscription[0]}.aks_clusters.yml")
    for word in (SECRET, "eyJ", "skipToken"):
        assert word not in squeezed(shown.stdout + shown.stderr)


def test_ansible_can_be_told_to_stop(estate: Estate) -> None:
    estate.azure.reset({"clusters": [GOOD]})
    estate.azure.fault("forbidden")
    shown = estate.list({}, ANSIBLE_INVENTORY_ANY_UNPARSED_IS_FAILED="true")
    assert shown.status != 0
    assert shown.says(f"Clusters of subscription {SUBSCRIPTION}: ")


def test_signing_in_that_fails(estate: Estate) -> None:
    estate.azure.reset({"clusters": [GOOD]})
    given = estate.azure.environment()
    wrong = {"client_id": given["AZURE_CLIENT_ID"], "tenant": given["AZURE_TENANT"], "secret": "not~the~secret"}
    sources = [
        estate.write(wrong, "a.aks_clusters.yml"),
        estate.write({"adfs_authority_url": "https://localhost:1"}, "b.aks_clusters.yml"),
        estate.write({"cloud_environment": "https://localhost:1"}, "c.aks_clusters.yml"),
        estate.write({"client_id": "me"}, "d.aks_clusters.yml"),
    ]
    shown = estate.list_files(sources)
    assert shown.hosts == {}
    for says in ("AADSTS7000215", "Cannot reach localhost:1", "Incomplete credentials"):
        assert shown.says(says), shown.stderr
    assert not shown.says("not~the~secret")


# Options as a YAML text, and what is said about them.
MISTAKES = {
    "subscription: x": "subscription: no such option",
    "subscriptions: {a: b}": "list",
    "subscriptions: [production]": "subscriptions: 'production' is not a subscription id",
    "subscriptions: [[a]]": "'subscriptions' has to be a list of strings, but ['a'] is in it",
    "resource_groups: [a/b]": "resource_groups: 'a/b' is not a resource group's name",
    "tags: [{environment: dev}]": "'tags' has to be a list of strings, but {'environment': 'dev'} is in it",
    "tags: ['{{ nowhere }}']": "'nowhere' is undefined",
    "hostnames: short": "unique, name, name_group",
    f"all_subscriptions: true\nsubscriptions: [{SUBSCRIPTION}]": "exclude each other",
    "api_version: '2026-08-01'": "'api_version' is '2026-08-01'",
    "strict: true\ncompose: {x: nowhere}": "'nowhere' is undefined",
    "strict: true\ngroups: {x: nowhere}": "'nowhere' is undefined",
    "keyed_groups: [key]": "Invalid keyed group entry",
}


def test_mistakes_in_the_options(estate: Estate) -> None:
    """Each is one message that names the file, and no host is left behind, though Azure has some.

    Ansible shows what a failed source left behind only if another one was read.
    """
    estate.azure.reset({"clusters": [GOOD, {"name": "better"}]})
    sources = [
        estate.write(f"plugin: {PLUGIN}\n{text}\n", f"{number:02}.aks_clusters.yml")
        for number, text in enumerate(MISTAKES)
    ]
    static = estate.folder / "static.yml"
    static.write_text("all: {hosts: {another: {known: true}}}\n", encoding="utf-8")
    shown = estate.list_files([*sources, static])
    assert shown.hosts == {"another": {"known": True}}
    assert shown.groups == {}
    parts = re.split("Unabletoparse.+?asaninventorysource", squeezed(shown.stderr))
    assert len(parts) == len(MISTAKES) + 1
    for source, part, (text, says) in zip(sources, parts, MISTAKES.items(), strict=False):
        assert str(source) in part, text
        assert squeezed(says) in part, f"{text}: {part}"
        assert "Traceback" not in part and "wasnotwrittenfor" not in part


def test_names_that_clash(estate: Estate) -> None:
    estate.azure.reset({"clusters": [{"name": "web"}, {"name": "web", "resource_group": "rg2"}]})
    shown = estate.list({"hostnames": "name"})
    assert shown.hosts == {}
    assert shown.says("2 clusters would be called web")
    assert shown.says("Set 'hostnames' to name_group")


def test_a_cluster_as_nobody_expects_it(estate: Estate) -> None:
    """It ends in a message that names it, not in a traceback or in a host less."""
    odd = {"name": "odd", "merge": {"properties": {"agentPoolProfiles": "none"}}}
    estate.azure.reset({"clusters": [GOOD, odd]})
    shown = estate.list({})
    assert shown.hosts == {}
    assert shown.says("of the cluster odd cannot be understood: 'properties.agentPoolProfiles' is 'none'.")
