# Copyright (c) 2026, the aks.kube_proxy contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every AKS cluster as a host."""

from __future__ import annotations

DOCUMENTATION = r"""
name: aks_clusters
short_description: Every AKS cluster as a host, with its kube-proxy configuration
version_added: 1.0.0
author:
  - The aks.kube_proxy contributors (@aks-kube-proxy)
description:
  - Makes a host of each Azure Kubernetes Service (AKS) cluster, with what Azure tells of it as host variables.
  - The inventory is complete or an error. When a subscription, a page of a list or a sign-in fails, there are no hosts at all,
    and nothing is cached.
  - Clusters are read with a few LIST requests for each subscription, up to eight at a time. No request is made for a single cluster.
  - Needs a YAML configuration file whose name ends with C(aks_clusters.yml) or C(aks_clusters.yaml).
  - All hosts join the group C(aks_clusters). Their connection is C(local) and their Python is the one that runs Ansible, so that
    modules of this collection run on the controller, with the token that the inventory got.
extends_documentation_fragment:
  - aks.kube_proxy.azure
  - ansible.builtin.constructed
  - ansible.builtin.inventory_cache
options:
  plugin:
    description: Says that the file is meant for this plugin.
    type: str
    required: true
    choices: [aks.kube_proxy.aks_clusters]
  subscriptions:
    description: The ids of the subscriptions to read. By default it is the credentials' subscription.
    type: list
    elements: str
    default: []
  all_subscriptions:
    description:
      - Whether to read all subscriptions that the credentials see. Not together with O(subscriptions).
      - Subscriptions that are disabled are left out with a warning, since nothing can be changed in them.
    type: bool
    default: false
  resource_groups:
    description:
      - Only the clusters of these resource groups. The identity then needs rights on these groups alone.
      - Each of them has to exist, in one at least of several subscriptions.
    type: list
    elements: str
    default: []
  tags:
    description:
      - Only clusters that have all of these tags, each written as C(key) or C(key:value).
      - Keys are compared without regard to case, as Azure does, values are not.
    type: list
    elements: str
    default: []
  hostnames:
    description:
      - How hosts are called.
      - V(name) is the cluster's name, V(name_group) is C(cluster.group), and V(name_group_subscription) is C(cluster.group.subscription-id),
        with group and subscription in lower case. A cluster's name has no dot, so C(inventory_hostname_short) is always the cluster's name.
      - V(unique) is the cluster's name as long as no other cluster of the inventory has it, otherwise V(name_group) for all of those
        that share it, or V(name_group_subscription) where that is not enough. A warning tells when that happens. So a new cluster elsewhere
        can rename a host, and C(host_vars) files of the old name then no longer count.
      - With the other values a host's name depends on its own cluster alone and never changes. Use one of them where there are C(host_vars).
        With V(name) and V(name_group) it is an error when clusters share a name; V(name_group_subscription) is always unique.
    type: str
    choices: [unique, name, name_group, name_group_subscription]
    default: unique
  api_version:
    description:
      - The ARM API version to speak. With V(auto) it is the newest preview that this collection knows and the cloud offers.
    type: str
    default: auto
notes:
  - The host variables are C(aks_resource_id), C(aks_name), C(aks_resource_group), C(aks_subscription_id), C(aks_location),
    C(aks_tags) (a dictionary), C(aks_kubernetes_version), C(aks_sku), C(aks_network_plugin), C(aks_network_dataplane), C(aks_network_policy),
    C(aks_pools), C(aks_power_state), C(aks_provisioning_state), C(aks_kube_proxy), C(aks_targets) and C(aks_read_at).
  - C(aks_kube_proxy) and C(aks_targets) have the form that M(aks.kube_proxy.config_info) returns as C(kube_proxy) and C(targets).
    The findings in C(aks_targets) do not look at the preview feature flag, which no list tells of.
  - C(aks_pools) is a list of dictionaries with C(name), C(mode), C(os_type), C(os_sku), C(count), C(node_image), C(version) and C(state).
  - C(aks_read_at) is when Azure was asked, in UTC, such as C(2026-11-22T10:00:00Z). With a cache it tells how old the data is.
    What is decided on should be read again; the modules always do that.
  - What comes from Azure, such as tags, is never evaluated as a template.
  - Options for signing in that are strings, and those that say which clusters are meant, may be templates. Extra variables count in them if
    O(use_extra_vars) is set.
  - Ansible goes on without hosts when an inventory fails. Set E(ANSIBLE_INVENTORY_ANY_UNPARSED_IS_FAILED) to V(true), or
    C(any_unparsed_is_failed) in the section C(inventory) of C(ansible.cfg), and it stops.
  - A cache is used for the same options and the same identity alone. It holds the host variables, never credentials.
"""

EXAMPLES = r"""
---
# aks_clusters.yml: the clusters of the credentials' subscription
plugin: aks.kube_proxy.aks_clusters

# fleet.aks_clusters.yml: two subscriptions, with groups such as location_westeurope, mode_NFTABLES and environment_dev
# plugin: aks.kube_proxy.aks_clusters
# subscriptions:
#   - 00000000-0000-0000-0000-000000000000
#   - 11111111-1111-1111-1111-111111111111
# hostnames: name_group
# keyed_groups:
#   - key: aks_location
#     prefix: location
#   - key: aks_kube_proxy.mode | default('disabled', true)
#     prefix: mode
#   - key: aks_tags.environment | default('untagged')
#     prefix: environment

# development.aks_clusters.yml: what is tagged for development, in all subscriptions, read from Azure once an hour at most
# plugin: aks.kube_proxy.aks_clusters
# all_subscriptions: true
# tags:
#   - environment:dev
# cache: true
# cache_plugin: ansible.builtin.jsonfile
# cache_connection: ~/.cache/aks_clusters
# cache_timeout: 3600

# move.aks_clusters.yml: who can go to nftables, and who has to leave IPVS
# plugin: aks.kube_proxy.aks_clusters
# groups:
#   can_go_to_nftables: aks_targets.NFTABLES.possible and not aks_targets.NFTABLES.current
#   must_leave_ipvs: aks_kube_proxy.mode == 'IPVS'
# compose:
#   owner: aks_tags.owner | default('nobody')
"""

import logging
import sys
import traceback
from collections.abc import Mapping
from typing import Any

from ansible import template
from ansible.errors import AnsibleError, AnsibleParserError
from ansible.inventory.data import InventoryData
from ansible.plugins.inventory import BaseInventoryPlugin, Cacheable, Constructable
from ansible.utils.unsafe_proxy import wrap_var
from ansible_collections.aks.kube_proxy.plugins.module_utils._azure.auth_options import AUTH_ARGUMENT_SPEC
from ansible_collections.aks.kube_proxy.plugins.module_utils._azure.errors import AzureError
from ansible_collections.aks.kube_proxy.plugins.module_utils._azure.problems import redact
from ansible_collections.aks.kube_proxy.plugins.module_utils._domain.inventory import (
    GROUP,
    NAME_GROUP,
    NAME_GROUP_SUBSCRIPTION,
    UNIQUE,
    NameClash,
    cluster_of,
    host_names,
    lengthened,
)
from ansible_collections.aks.kube_proxy.plugins.plugin_utils._fleet import (
    Controller,
    Fleet,
    Scope,
    fingerprint,
    read_fleet,
)
from ansible_collections.aks.kube_proxy.plugins.plugin_utils._plain import plain

SUFFIXES = ("aks_clusters.yml", "aks_clusters.yaml")

DATA_IS_TRUSTED = not hasattr(template, "trust_as_template")
"""Whether this ansible-core takes inventory data for templates unless told otherwise, as before 2.19."""


class InventoryModule(BaseInventoryPlugin, Constructable, Cacheable):
    """The inventory plugin of aks.kube_proxy.aks_clusters."""

    NAME = "aks.kube_proxy.aks_clusters"

    def verify_file(self, path: str) -> bool:
        """Whether the file is meant for this plugin."""
        return bool(super().verify_file(path)) and path.endswith(SUFFIXES)

    def parse(self, inventory: Any, loader: Any, path: str, cache: bool = True) -> None:
        """Add the hosts to the inventory, all of them or none.

        Raises:
            AnsibleParserError: they cannot be had; says why and what to do.
        """
        super().parse(inventory, loader, path, cache)
        for name in ("azure", "msal", "urllib3"):
            logging.getLogger(name).setLevel(logging.WARNING)  # Ansible's log file takes in what libraries log
        try:
            self._refuse_unknown(self._read_config_data(path))
            fleet = self._fleet(path, use_cache=cache)
            hosts = self._hosts(fleet)
            # First on trial: a mistake in an expression must not leave a part of the hosts behind.
            for target in (InventoryData(), inventory):
                self._fill(target, hosts)
        except AzureError as error:
            raise AnsibleParserError(error.message) from None
        except AnsibleError:
            raise
        except Exception as error:  # what nobody thought of: say so, with the way to report it
            self.display.vvv(redact(traceback.format_exc()))
            raise AnsibleParserError(
                f"{self.NAME} met something that it was not written for: {redact(f'{type(error).__name__}: {error}')}. "
                "Please report it at https://github.com/aks-kube-proxy/aks.kube_proxy/issues."
            ) from None
        for warning in fleet.warnings:
            self.display.warning(warning)

    def _refuse_unknown(self, config: Mapping[str, Any]) -> None:
        """Refuse what is no option: a slip such as C(subscription) must not end in another set of hosts.

        Raises:
            AzureError: there is such a key; names it.
        """
        unknown = sorted(str(key) for key in config if not self.has_option(key))
        if unknown:
            raise AzureError(
                f"{', '.join(unknown)}: no such option. ansible-doc -t inventory {self.NAME} lists those that there are."
            )

    def _fleet(self, path: str, *, use_cache: bool) -> Fleet:
        """The clusters, from the cache where that is wanted and has them, otherwise from Azure."""
        self.templar.available_variables = (self._vars or {}) if self.get_option("use_extra_vars") else {}
        credentials = {name: self._value(name) for name in AUTH_ARGUMENT_SPEC}
        scope = Scope(
            subscriptions=self._texts("subscriptions"),
            all_subscriptions=self.get_option("all_subscriptions"),
            resource_groups=self._texts("resource_groups"),
            tags=self._texts("tags"),
            api_version=str(self._value("api_version")),
        ).checked()
        runtime = Controller()
        if not self.get_option("cache"):
            return read_fleet(credentials, scope, runtime)
        key = f"{self.get_cache_key(path)}_{fingerprint(credentials, scope, runtime.environ)}"
        kept = self._cache.get(key) if use_cache else None
        if kept is not None:
            return Fleet(**kept)
        fleet = read_fleet(credentials, scope, runtime)
        self._cache[key] = fleet.as_json()
        return fleet

    def _value(self, option: str) -> Any:
        """An option's value, a template evaluated, without Ansible's tags."""
        value = self.get_option(option)
        return plain(self.templar.template(value) if isinstance(value, str) else value)

    def _texts(self, option: str) -> tuple[str, ...]:
        """A list of strings.

        Raises:
            AzureError: something else is in it.
        """
        entries = [self.templar.template(entry) for entry in self.get_option(option) or ()]
        for entry in entries:
            if entry is None or isinstance(entry, (Mapping, list)):
                raise AzureError(f"'{option}' has to be a list of strings, but {plain(entry)!r} is in it.")
        return tuple(str(plain(entry)) for entry in entries)

    def _hosts(self, fleet: Fleet) -> dict[str, dict[str, Any]]:
        """The variables of each host.

        Raises:
            AzureError: hosts cannot be told apart.
        """
        form = self.get_option("hostnames")
        clusters = {cluster_of(variables): variables for variables in fleet.clusters}
        try:
            names = host_names(clusters, form)
        except NameClash as clash:
            raise AzureError(
                f"{clash} Set 'hostnames' to {NAME_GROUP} or {NAME_GROUP_SUBSCRIPTION}, or to {UNIQUE}."
            ) from None
        if form == UNIQUE and lengthened(names):
            self.display.warning(
                "These hosts are called by more than their cluster's name, which another one has too or Ansible means "
                f"otherwise: {', '.join(lengthened(names))}. Where hosts have variables of their own, set 'hostnames' to "
                f"{NAME_GROUP} or {NAME_GROUP_SUBSCRIPTION}: then a new cluster elsewhere never renames a host."
            )
        return {names[cluster]: variables for cluster, variables in clusters.items()}

    def _fill(self, inventory: Any, hosts: Mapping[str, dict[str, Any]]) -> None:
        """Add hosts, their variables and their groups to an inventory.

        Raises:
            AnsibleError: an expression is wrong, and C(strict) is set.
        """
        self.inventory = inventory
        strict = self.get_option("strict")
        inventory.add_group(GROUP)
        for name, known in hosts.items():
            variables = wrap_var(known) if DATA_IS_TRUSTED else known
            variables = {
                **variables,
                "ansible_connection": "local",
                "ansible_python_interpreter": sys.executable,  # as a path: what is set here is never a template
            }
            inventory.add_host(name, group=GROUP)
            for variable, value in variables.items():
                inventory.set_variable(name, variable, value)
            self._set_composite_vars(self.get_option("compose"), variables, name, strict=strict)
            self._add_host_to_composed_groups(self.get_option("groups"), variables, name, strict=strict)
            self._add_host_to_keyed_groups(self.get_option("keyed_groups"), variables, name, strict=strict)
