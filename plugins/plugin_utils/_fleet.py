# Copyright (c) 2026, the aks.kube_proxy contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reads the clusters that an inventory is made of, with LIST calls alone: all of them, or an error.

Private to this collection.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

from ansible_collections.aks.kube_proxy.plugins.module_utils._azure.api_versions import AUTO, check_version
from ansible_collections.aks.kube_proxy.plugins.module_utils._azure.arm import VERSION, Arm
from ansible_collections.aks.kube_proxy.plugins.module_utils._azure.auth_choice import (
    AZURE_CLI,
    choose,
)
from ansible_collections.aks.kube_proxy.plugins.module_utils._azure.auth_profile import read_profile
from ansible_collections.aks.kube_proxy.plugins.module_utils._azure.authentication import authenticate
from ansible_collections.aks.kube_proxy.plugins.module_utils._azure.clusters import Clusters
from ansible_collections.aks.kube_proxy.plugins.module_utils._azure.errors import AzureError
from ansible_collections.aks.kube_proxy.plugins.module_utils._azure.problems import ArmError
from ansible_collections.aks.kube_proxy.plugins.module_utils._azure.runtime import Runtime
from ansible_collections.aks.kube_proxy.plugins.module_utils._azure.subscriptions import visible_subscriptions
from ansible_collections.aks.kube_proxy.plugins.module_utils._domain.cluster import (
    Cluster,
    check_resource_group,
    check_subscription,
)
from ansible_collections.aks.kube_proxy.plugins.module_utils._domain.inventory import host_variables
from ansible_collections.aks.kube_proxy.plugins.module_utils._domain.wording import one_line
from ansible_collections.aks.kube_proxy.plugins.module_utils._operations.config_info import has_tags
from ansible_collections.aks.kube_proxy.plugins.module_utils._operations.operation import subscription_of

PARALLEL_LISTS = 8
"""How many lists are read at a time. Each of them takes about a second; Azure counts them by subscription."""

CLI_FILES = ("azureProfile.json", "clouds.config", "config")
"""Where the Azure CLI keeps its accounts, its subscriptions and its cloud: what C(az login), C(az account set) and
C(az cloud set) change. No secret is in them."""


class Controller(Runtime):
    """The runtime of the process that the user started: it is nobody's worker, so it has no parent to lose."""

    def assert_wanted(self) -> None:
        """Go on."""


@dataclass(frozen=True)
class Scope:
    """Which clusters are wanted.

    Attributes:
        subscriptions: ids; none stands for the credentials' own subscription.
        all_subscriptions: whether all that the credentials see are meant.
        resource_groups: only the clusters of these; none stands for all.
        tags: only the clusters that have all of these, each C(key) or C(key:value).
        api_version: the API version to speak, or C(auto).
    """

    subscriptions: tuple[str, ...] = ()
    all_subscriptions: bool = False
    resource_groups: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    api_version: str = AUTO

    def checked(self) -> Scope:
        """The scope itself, when it makes sense.

        Raises:
            AzureError: it does not; tells which part.
        """
        if self.subscriptions and self.all_subscriptions:
            raise AzureError("'subscriptions' and 'all_subscriptions' exclude each other: keep one of them.")
        checks: tuple[tuple[str, Callable[[str], str], tuple[str, ...]], ...] = (
            ("subscriptions: ", check_subscription, self.subscriptions),
            ("resource_groups: ", check_resource_group, self.resource_groups),
            ("", check_version, (self.api_version,)),
        )
        for prefix, check, values in checks:
            for value in values:
                try:
                    check(value)
                except ValueError as error:
                    raise AzureError(f"{prefix}{error}") from None
        return self


@dataclass(frozen=True)
class Fleet:
    """What was read.

    Attributes:
        clusters: the host variables of each cluster, plain JSON without secrets.
        warnings: what the user has to know.
    """

    clusters: list[dict[str, Any]]
    warnings: list[str]

    def as_json(self) -> dict[str, Any]:
        """The form in which a cache keeps it."""
        return asdict(self)


def read_fleet(options: Mapping[str, Any], scope: Scope, runtime: Runtime) -> Fleet:
    """Sign in and read all clusters of a scope.

    Args:
        options: the options of AUTH_ARGUMENT_SPEC.
        scope: a checked one.
        runtime: the process's; see Controller.

    Raises:
        AzureError: a part could not be read; names the subscription, and tells what Azure said and what to do.
    """
    read_at = datetime.now(timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")
    arm = Arm(authenticate(options, runtime.environ), runtime)
    subscriptions, warnings = _subscriptions(arm, scope)
    access = Clusters(arm, scope.api_version)
    found = _find(access, subscriptions, scope.resource_groups)
    kept = [cluster for cluster in found if has_tags(cluster.tags, list(scope.tags))]
    return Fleet([host_variables(cluster, read_at) for cluster in kept], [*warnings, *access.warnings])


def _subscriptions(arm: Arm, scope: Scope) -> tuple[list[str], list[str]]:
    """The subscriptions to read, and warnings about those that are passed over."""
    if not scope.all_subscriptions:
        wanted = scope.subscriptions or (_own_subscription(arm),)
        return list({subscription.lower(): subscription for subscription in wanted}.values()), []
    visible = visible_subscriptions(arm)
    usable = [subscription.id for subscription in visible if subscription.usable]
    if not usable:
        seen = "disabled ones only" if visible else "none"
        raise AzureError(
            f"The credentials (from {arm.session.source}) shall show all subscriptions, but they see {seen}. Assign "
            "the identity a role in the subscriptions, or name them in 'subscriptions'."
        )
    warnings = [
        one_line(
            f"Subscription {passed_over.id} ({passed_over.name}) is {passed_over.state}: its clusters cannot be "
            "changed and are left out. Name it in 'subscriptions' to have them all the same."
        )
        for passed_over in visible
        if not passed_over.usable
    ]
    return usable, warnings


def _own_subscription(arm: Arm) -> str:
    """The credentials' own subscription.

    Raises:
        AzureError: nothing names one, or it is malformed.
    """
    try:
        return check_subscription(subscription_of(arm.session))
    except ValueError as error:
        raise AzureError(str(error)) from None


def _find(access: Clusters, subscriptions: list[str], groups: tuple[str, ...]) -> list[Cluster]:
    """The clusters of the subscriptions, or of some resource groups in them, in a fixed order and each one once."""
    places = [(subscription, group) for subscription in subscriptions for group in groups or (None,)]
    with ThreadPoolExecutor(max_workers=min(PARALLEL_LISTS, len(places))) as pool:
        lists = [pool.submit(_find_in, access, *place) for place in places]
        try:
            answers = [each.result() for each in lists]
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise
    for group in groups:
        missing = [
            answer
            for place, answer in zip(places, answers, strict=True)
            if place[1] == group and isinstance(answer, ArmError)
        ]
        if len(missing) == len(subscriptions):
            raise missing[0]
    found = [cluster for answer in answers if isinstance(answer, list) for cluster in answer]
    return list({str(cluster.id).casefold(): cluster for cluster in found}.values())


def _find_in(access: Clusters, subscription: str, group: str | None) -> list[Cluster] | ArmError:
    """The clusters of a place. A resource group that is not in a subscription may be in another: that is returned.

    Where the provider is not registered there are no clusters, since Azure does not let it be unregistered before:
    https://learn.microsoft.com/azure/azure-resource-manager/management/resource-providers-and-types
    """
    try:
        return access.find(subscription, group)
    except ArmError as error:
        if error.problem.code == "MissingSubscriptionRegistration":
            return []
        if error.problem.code == "ResourceGroupNotFound":
            return error
        raise


def fingerprint(options: Mapping[str, Any], scope: Scope, environ: Mapping[str, str]) -> str:
    """Tell apart what has to be cached apart: who asks, where, and for what. No secret goes into it.

    A managed identity without a client id is the host's, and so is its cache. Of the Azure CLI the files count that
    say who is signed in.

    Raises:
        AzureError: the credentials are incomplete or contradict each other.
    """
    choice = choose(options, environ, read_profile)
    parts: dict[str, Any] = {
        "version": VERSION,
        "scope": asdict(scope),
        "method": choice.method,
        "who": {
            name: choice.credentials[name] for name in ("client_id", "tenant", "ad_user") if name in choice.credentials
        },
        "where": {
            name: choice.settings[name].value
            for name in ("cloud_environment", "subscription_id", "adfs_authority_url")
            if name in choice.settings
        },
    }
    if choice.method == AZURE_CLI:
        home = Path(environ.get("AZURE_CONFIG_DIR") or Path(environ.get("HOME", "~")).expanduser() / ".azure")
        parts["cli"] = [(home / name).read_text(encoding="utf-8") for name in CLI_FILES if (home / name).is_file()]
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()[:32]
