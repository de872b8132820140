#!/usr/bin/python
# Copyright (c) 2026, the aks.kube_proxy contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Set the kube-proxy configuration of an AKS cluster."""

from __future__ import annotations

DOCUMENTATION = r"""
module: config
short_description: Set the kube-proxy configuration of an AKS cluster
version_added: 1.0.0
author:
  - The aks.kube_proxy contributors (@aks-kube-proxy)
description:
  - Sets which proxy mode kube-proxy runs in on an existing Azure Kubernetes Service (AKS) cluster, or switches kube-proxy off
    where the cluster brings its own network plugin.
  - The cluster is read, C(networkProfile.kubeProxyConfig) is changed, and everything else goes back to Azure as it came,
    properties that this collection does not know included. Where the cluster has an eTag, Azure is told to take the change
    only if nobody else has changed the cluster meanwhile.
  - The kube-proxy configuration of AKS is a preview. Register it first with M(aks.kube_proxy.preview_feature).
  - Where the feature is registered and Azure still refuses the switch, the resource provider is registered once more, which spreads
    the news, and the switch is tried for up to ten minutes. An identity that may not do that waits all the same.
  - Changing the mode reprograms every Linux node and may interrupt traffic to Services for a moment. That Azure reports
    success means that the setting was taken, not that every node runs it already.
options:
  resource_group:
    description: The resource group of the cluster. Goes with O(name).
    type: str
  name:
    description: The name of the cluster. Goes with O(resource_group); the subscription is that of the credentials.
    type: str
  resource_id:
    description: The ARM resource id of the cluster, in place of O(resource_group) and O(name).
    type: str
  enabled:
    description:
      - Whether AKS runs kube-proxy on the cluster. V(false) is only possible with network plugin C(none), and goes without
        O(mode) and O(ipvs_config).
      - A disabled kube-proxy is only enabled again when this is V(true), so that a O(mode) by itself never brings
        kube-proxy back on a cluster where something else handles Services.
    type: bool
  mode:
    description:
      - The proxy mode. What is left out stays as it is. A cluster that was never configured runs V(IPTABLES), so asking for
        V(IPTABLES) changes nothing there.
      - V(NFTABLES) needs Kubernetes 1.33, V(IPVS) needs 1.22 and is deprecated upstream.
      - Switching away from V(IPVS) drops O(ipvs_config).
    type: str
    choices:
      - IPTABLES
      - IPVS
      - NFTABLES
  ipvs_config:
    description:
      - Settings of IPVS. What is left out stays as it is.
      - A single setting cannot be unset. Switching to another mode and back drops them all.
    type: dict
    suboptions:
      scheduler:
        description: How connections are spread over endpoints.
        type: str
        choices:
          - RoundRobin
          - LeastConnection
      tcp_timeout_seconds:
        description: Seconds after which an idle TCP connection is forgotten.
        type: int
      tcp_fin_timeout_seconds:
        description: Seconds after which a TCP connection that received FIN is forgotten.
        type: int
      udp_timeout_seconds:
        description: Seconds after which an idle UDP flow is forgotten.
        type: int
  preflight:
    description:
      - What happens when a compatibility rule forbids the switch.
      - With V(enforce) it is refused before any write, with the rule, its reason and its source.
      - With V(warn) it is tried, and the rules that speak against it are warnings.
      - With V(skip) the rules are not looked at.
    type: str
    choices:
      - enforce
      - warn
      - skip
    default: enforce
  failed_clusters:
    description:
      - What happens when the cluster's last operation failed. A switch sends the whole cluster, so it would also resume
        whatever had failed, an upgrade too.
      - With V(refuse) the task fails and tells so, even if the cluster already asks for the wanted mode, since that may never
        have reached the nodes. O(preflight) does not overrule this.
      - With V(repair) the cluster is sent again.
    type: str
    choices:
      - refuse
      - repair
    default: refuse
  wait:
    description:
      - Whether to wait for the operation to end, and to join an operation that runs on the cluster already.
      - With V(false) the task ends when Azure has accepted the switch; nothing is read back.
    type: bool
    default: true
  wait_timeout:
    description:
      - How many seconds to wait for everything together. Operations take two minutes as a rule; one that is joined may take
        longer.
      - When the time is over the task fails, while Azure goes on. Running it again waits for the end.
    type: int
    default: 1800
  poll_interval:
    description: Seconds between two looks at the cluster.
    type: int
    default: 15
  api_version:
    description:
      - The ARM API version to speak. With V(auto) it is the newest preview that this collection knows and the cloud offers.
      - Only preview versions from V(2025-09-02-preview) on have the kube-proxy configuration with NFTABLES. Stable versions
        leave it out of their answers.
    type: str
    default: auto
extends_documentation_fragment:
  - aks.kube_proxy.azure
  - aks.kube_proxy.attributes
  - aks.kube_proxy.attributes.change
seealso:
  - module: aks.kube_proxy.config_info
  - module: aks.kube_proxy.preview_feature
  - name: Configure kube-proxy in AKS
    description: Microsoft's documentation of the feature.
    link: https://learn.microsoft.com/azure/aks/configure-kube-proxy
"""

EXAMPLES = r"""
- name: Switch a cluster to nftables
  aks.kube_proxy.config:
    resource_group: rg-web
    name: aks-web-dev
    mode: NFTABLES

- name: See what would change, without a write
  aks.kube_proxy.config:
    resource_group: rg-web
    name: aks-web-dev
    mode: IPTABLES
  check_mode: true
  diff: true

- name: IPVS with settings, for a cluster named by its id
  aks.kube_proxy.config:
    resource_id: >-
      /subscriptions/00000000-0000-0000-0000-000000000000/resourceGroups/rg-web/providers/Microsoft.ContainerService/managedClusters/aks-web-test
    mode: IPVS
    ipvs_config:
      scheduler: LeastConnection
      tcp_timeout_seconds: 900

- name: Do without kube-proxy on a cluster with a network plugin of one's own
  aks.kube_proxy.config:
    resource_group: rg-web
    name: aks-byo
    enabled: false
"""

RETURN = r"""
id:
  description: The ARM resource id of the cluster.
  returned: when the cluster is known
  type: str
  sample: >-
    /subscriptions/00000000-0000-0000-0000-000000000000/resourceGroups/rg-web/providers/Microsoft.ContainerService/managedClusters/aks-web-dev
name:
  description: The name of the cluster.
  returned: when the cluster is known
  type: str
  sample: aks-web-dev
resource_group:
  description: The resource group of the cluster.
  returned: when the cluster is known
  type: str
  sample: rg-web
subscription_id:
  description: The subscription of the cluster.
  returned: when the cluster is known
  type: str
  sample: 00000000-0000-0000-0000-000000000000
kube_proxy:
  description: The configuration that the cluster has now; in check mode, and with O(wait=false), the one that it is going to have.
  returned: success
  type: dict
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
previous:
  description: The configuration that the cluster had before, in the form of RV(kube_proxy).
  returned: when the cluster could be read
  type: dict
  sample: {"enabled": true, "mode": "IPTABLES", "ipvs_config": null, "configured": false}
operation:
  description: The operation that the switch started; none without a write, or when its answer was lost.
  returned: when the cluster is known
  type: dict
  contains:
    id:
      description: Azure's id of the operation.
      type: str
      returned: success
      sample: 5f0c9bd2-3a54-4b39-8d0e-9f3f4a0c0b11
    correlation_id:
      description: What Azure's support asks for.
      type: str
      returned: success
      sample: 0d6f6f6e-2c7a-4f0e-9f59-0a5c5ad1a3b7
    seconds:
      description: How long it took from Azure's acceptance to its end.
      type: float
      returned: success
      sample: 85.3
    polls:
      description: How often the cluster was looked at.
      type: int
      returned: success
      sample: 6
findings:
  description: What speaks against the switch or should be known about it.
  returned: when the cluster is known
  type: list
  elements: dict
  contains:
    rule:
      description: The rule's name.
      type: str
      returned: success
      sample: nftables-kubernetes-version
    severity:
      description: V(block) or V(warn).
      type: str
      returned: success
      sample: block
    target:
      description: The mode that was judged, or V(DISABLED).
      type: str
      returned: success
      sample: NFTABLES
    reason:
      description: What is wrong here.
      type: str
      returned: success
      sample: NFTABLES needs Kubernetes 1.33, the cluster runs 1.32.7.
    remedy:
      description: What to do.
      type: str
      returned: success
      sample: Upgrade the cluster first.
    source:
      description: Where that is written.
      type: str
      returned: success
      sample: https://github.com/Azure/AKS/releases
code:
  description:
    - Azure's error code, or the name of the rule that forbids the switch.
    - V(Timeout) when O(wait_timeout) was over, V(NotApplied) when Azure reports success and the cluster reads otherwise,
      V(OperationFailed) or V(OperationCanceled) when an operation ended so without a reason, V(OperationInProgress) when one
      runs and O(wait=false), V(LostAnswer) when Azure's answers were lost, V(InvalidRequest) when what is asked for does not fit what
      the cluster has.
  returned: failure, where there is one
  type: str
  sample: OperationNotAllowed
subcode:
  description: The AKS provider's finer code.
  returned: failure, if Azure gave one
  type: str
  sample: OperationBlockedByNodeDisruptionPolicy
status:
  description: The HTTP status of Azure's refusal.
  returned: failure, if a request was refused
  type: int
  sample: 409
correlation_id:
  description: What Azure's support asks for.
  returned: failure, if Azure gave one
  type: str
  sample: 0d6f6f6e-2c7a-4f0e-9f59-0a5c5ad1a3b7
"""

from ansible_collections.aks.kube_proxy.plugins.module_utils._operations.config import OPERATION
from ansible_collections.aks.kube_proxy.plugins.module_utils._operations.operation import run_module


def main() -> None:
    """Entry point."""
    run_module(OPERATION)


if __name__ == "__main__":
    main()
