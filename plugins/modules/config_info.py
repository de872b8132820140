#!/usr/bin/python
# Copyright (c) 2026, the aks.kube_proxy contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Read the kube-proxy configuration of AKS clusters."""

from __future__ import annotations

DOCUMENTATION = r"""
module: config_info
short_description: Read the kube-proxy configuration of AKS clusters
version_added: 1.0.0
author:
  - The aks.kube_proxy contributors (@aks-kube-proxy)
description:
  - Reads which proxy mode Azure Kubernetes Service (AKS) clusters are set to, and judges for each mode whether a cluster
    can be switched to it.
  - Reads one cluster, the clusters of a resource group, or those of one or several subscriptions. Lists are complete or an
    error.
  - What is returned is what Azure has recorded, which is not proof of what runs on the nodes.
options:
  resource_group:
    description: Only the clusters of this resource group, in the credentials' subscription. Not together with O(subscriptions).
    type: str
  name:
    description: Only the cluster with this name. Needs O(resource_group).
    type: str
  resource_id:
    description: Only the cluster with this ARM resource id, without O(resource_group), O(name) and O(subscriptions).
    type: str
  subscriptions:
    description: The ids of the subscriptions to read. By default it is the credentials' subscription.
    type: list
    elements: str
  tags:
    description:
      - Only clusters that have all of these tags, each written as C(key) or C(key:value).
      - Keys are compared without regard to case, as Azure does, values are not.
    type: list
    elements: str
  api_version:
    description:
      - The ARM API version to speak. With V(auto) it is the newest preview that this collection knows and the cloud offers.
    type: str
    default: auto
extends_documentation_fragment:
  - aks.kube_proxy.azure
  - aks.kube_proxy.attributes
  - aks.kube_proxy.attributes.info
seealso:
  - module: aks.kube_proxy.config
"""

EXAMPLES = r"""
- name: Read one cluster
  aks.kube_proxy.config_info:
    resource_group: rg-web
    name: aks-web-dev
  register: one

- name: Show its mode
  ansible.builtin.debug:
    msg: "{{ one.clusters[0].kube_proxy.mode }}"

- name: Read the clusters of two subscriptions that are tagged for development
  aks.kube_proxy.config_info:
    subscriptions:
      - 00000000-0000-0000-0000-000000000000
      - 11111111-1111-1111-1111-111111111111
    tags:
      - environment:dev
  register: fleet

- name: List those that can move to nftables
  ansible.builtin.debug:
    msg: "{{ fleet.clusters | selectattr('targets.NFTABLES.possible') | rejectattr('targets.NFTABLES.current') | map(attribute='name') }}"
"""

RETURN = r"""
clusters:
  description: The clusters, in Azure's order.
  returned: success
  type: list
  elements: dict
  contains:
    id:
      description: The ARM resource id.
      type: str
      returned: success
      sample: >-
        /subscriptions/00000000-0000-0000-0000-000000000000/resourceGroups/rg-web/providers/Microsoft.ContainerService/managedClusters/aks-web-dev
    name:
      description: The name.
      type: str
      returned: success
      sample: aks-web-dev
    resource_group:
      description: The resource group.
      type: str
      returned: success
      sample: rg-web
    subscription_id:
      description: The subscription.
      type: str
      returned: success
      sample: 00000000-0000-0000-0000-000000000000
    location:
      description: The Azure region.
      type: str
      returned: success
      sample: westeurope
    tags:
      description: The tags.
      type: dict
      returned: success
      sample: {"environment": "dev"}
    kubernetes_version:
      description: The Kubernetes version that runs.
      type: str
      returned: success
      sample: 1.34.2
    sku:
      description: V(Base) or V(Automatic).
      type: str
      returned: success
      sample: Base
    network_plugin:
      description: The network plugin.
      type: str
      returned: success
      sample: azure
    network_dataplane:
      description: The network dataplane.
      type: str
      returned: success
      sample: azure
    network_policy:
      description: The network policy engine.
      type: str
      returned: success
      sample: calico
    power_state:
      description: V(Running) or V(Stopped).
      type: str
      returned: success
      sample: Running
    provisioning_state:
      description: What the last operation came to, or is doing.
      type: str
      returned: success
      sample: Succeeded
    feature_state:
      description: The state of the preview feature flag in the subscription; none where it may not be read.
      type: str
      returned: success
      sample: Registered
    kube_proxy:
      description: The configuration, normalised.
      type: dict
      returned: success
      contains:
        enabled:
          description: Whether AKS runs kube-proxy.
          type: bool
          returned: success
          sample: true
        mode:
          description: The proxy mode; none when disabled.
          type: str
          returned: success
          sample: NFTABLES
        ipvs_config:
          description: The settings of IPVS by option name, those that were set; none without any.
          type: dict
          returned: success
          sample: {"scheduler": "LeastConnection"}
        configured:
          description: Whether the cluster has a kube-proxy configuration at all. Without one, AKS's default holds, which is iptables.
          type: bool
          returned: success
          sample: true
    targets:
      description:
        - For each of C(IPTABLES), C(IPVS), C(NFTABLES) and C(DISABLED), whether it is C(current), whether a switch to it is C(possible),
          and the C(findings), in the form that M(aks.kube_proxy.config) returns.
      type: dict
      returned: success
      sample:
        NFTABLES:
          current: false
          possible: false
          findings:
            - rule: nftables-kubernetes-version
              severity: block
              target: NFTABLES
              reason: NFTABLES needs Kubernetes 1.33, the cluster runs 1.32.7.
              remedy: Upgrade the cluster first.
              source: https://github.com/Azure/AKS/releases
code:
  description: Azure's error code.
  returned: failure, if Azure gave one
  type: str
  sample: AuthorizationFailed
subcode:
  description: The AKS provider's finer code.
  returned: failure, if Azure gave one
  type: str
  sample: ""
status:
  description: The HTTP status of Azure's refusal.
  returned: failure, if a request was refused
  type: int
  sample: 403
correlation_id:
  description: What Azure's support asks for.
  returned: failure, if Azure gave one
  type: str
  sample: 0d6f6f6e-2c7a-4f0e-9f59-0a5c5ad1a3b7
"""

from ansible_collections.aks.kube_proxy.plugins.module_utils._operations.config_info import OPERATION
from ansible_collections.aks.kube_proxy.plugins.module_utils._operations.operation import run_module


def main() -> None:
    """Entry point."""
    run_module(OPERATION)


if __name__ == "__main__":
    main()
