#!/usr/bin/python
# Copyright (c) 2026, the aks.kube_proxy contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Set the kube-proxy configuration of many AKS clusters at once."""

from __future__ import annotations

DOCUMENTATION = r"""
module: wave
short_description: Set the kube-proxy configuration of many AKS clusters at once
version_added: 1.0.0
author:
  - The aks.kube_proxy contributors (@aks-kube-proxy)
description:
  - Does for a list of clusters what M(aks.kube_proxy.config) does for one, side by side in one task, so that a wave takes about
    as long as its slowest cluster.
  - The task does not fail for what happens to a cluster. Each gets a verdict, and what follows from the verdicts is up to the
    playbook; RV(ok) tells whether all went well. It fails where nothing could be begun, with wrong options, without credentials or
    when the journal cannot be written.
  - When C(ansible-playbook) is killed the task stops before its next request, as long as it runs on the controller itself, as the user
    who started Ansible, and without C(async). Elsewhere it works on to its end.
  - Where the preview feature is registered and Azure still refuses a switch, the resource provider is registered once more, once for
    each subscription, as M(aks.kube_proxy.config) does.
  - The role P(aks.kube_proxy.rolling_update#role) and the playbook C(aks.kube_proxy.rollout) are built on this module. It needs
    neither of them, nor an inventory.
options:
  clusters:
    description: The clusters, and what each of them shall have.
    type: list
    elements: dict
    required: true
    suboptions:
      host:
        description:
          - What the cluster is called in results and progress lines, usually its host in the inventory. It has to be unique.
          - Without it, the cluster's name.
        type: str
      resource_id:
        description: The ARM resource id of the cluster, in place of O(clusters[].resource_group) and O(clusters[].name).
        type: str
      subscription_id:
        description: The subscription of a cluster that is given by O(clusters[].name). Without it, that of the credentials.
        type: str
      resource_group:
        description: The resource group of the cluster. Goes with O(clusters[].name).
        type: str
      name:
        description: The name of the cluster. Goes with O(clusters[].resource_group).
        type: str
      enabled:
        description: Whether AKS runs kube-proxy on the cluster, as in M(aks.kube_proxy.config).
        type: bool
      mode:
        description: The proxy mode, as in M(aks.kube_proxy.config).
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
      exact:
        description:
          - Whether the cluster shall have just the settings of O(clusters[].ipvs_config), and lose those that are not named.
          - This is for putting back what a cluster had before.
        type: bool
        default: false
      expected:
        description:
          - What the cluster has to have for this, in the form of RV(clusters.previous). A cluster that was changed since is blocked.
          - This is for putting back what a cluster had before, without overwriting what somebody has decided meanwhile.
        type: dict
  max_parallel:
    description:
      - How many clusters are switched at a time, 300 at most.
      - Azure Resource Manager grants 25 reads a second, which is more than 300 clusters take that are looked at every 15 seconds.
    type: int
    default: 50
  journal:
    description:
      - A file to which a line of JSON is appended before each write, with what the cluster has then, and one when the switch has ended.
        The playbook C(aks.kube_proxy.rollback) reads it.
      - It is made where it is missing, its folder too, readable by its owner only. When it cannot be written, nothing is switched.
      - A cluster whose last operation failed is sent again when the journal tells that this was a switch of its own, and the
        cluster's eTag tells that nothing has happened to it since. Others are up to O(failed_clusters).
      - Where an earlier run did not see the end of its switch, as it was killed or O(wait_timeout) was over, the cluster is sent again
        when it asks for what the journal's line announced within the last 24 hours, and no upgrade is left that this would go on with.
      - Not written in check mode.
    type: path
  run:
    description: A name of the run, for the lines of the journal.
    type: str
  label:
    description: A name of the wave, for progress lines and the journal.
    type: str
    default: wave
  progress:
    description:
      - Whether to show progress as plain lines while the task runs, among them one with what a cluster had before each write.
      - There are none when the module does not run inside Ansible's worker, for example on another host.
    type: bool
    default: true
  production:
    description:
      - A guard that keeps the preview away from production clusters, whatever O(preflight) says. Without this option there is none.
      - The clusters' tags are read from Azure.
    type: dict
    suboptions:
      tag:
        description: The key of the tag that tells, in whatever case.
        type: str
        default: environment
      values:
        description: The tag's values that mean production, in whatever case.
        type: list
        elements: str
        default:
          - production
          - prod
      untagged:
        description: Whether a cluster without the tag counts as production.
        type: bool
        default: false
      allowed:
        description: Whether production clusters may be switched all the same.
        type: bool
        default: false
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
      - With V(refuse) the cluster is blocked and its verdict tells so, even if the cluster already asks for the wanted mode, since that may never
        have reached the nodes. O(preflight) does not overrule this.
      - With V(repair) the cluster is sent again.
    type: str
    choices:
      - refuse
      - repair
    default: refuse
  wait_timeout:
    description:
      - How many seconds to wait for each cluster, from the moment that its turn comes.
      - Azure goes on with what has begun then. The cluster's verdict is V(running), and another run waits for the end.
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
  - module: aks.kube_proxy.config
  - module: aks.kube_proxy.config_info
"""

EXAMPLES = r"""
- name: Switch two clusters at once
  aks.kube_proxy.wave:
    clusters:
      - resource_group: rg-web
        name: aks-web-dev
        mode: NFTABLES
      - resource_id: >-
          /subscriptions/00000000-0000-0000-0000-000000000000/resourceGroups/rg-web/providers/Microsoft.ContainerService/managedClusters/aks-web-test
        mode: IPTABLES
    journal: kube-proxy-journal.jsonl
  register: wave

- name: Fail when a cluster is not as asked for
  ansible.builtin.assert:
    that: wave.ok
    fail_msg: "{{ wave.clusters | dict2items | rejectattr('value.ok') | map(attribute='value.reason') | list }}"

- name: Ask what would happen to the hosts of a group
  aks.kube_proxy.wave:
    clusters:
      - host: aks-web-dev
        resource_group: rg-web
        name: aks-web-dev
        mode: IPVS
        ipvs_config:
          scheduler: LeastConnection
    production:
      tag: environment
      untagged: true
  check_mode: true
"""

RETURN = r"""
ok:
  description: Whether every cluster is as asked for; in check mode, whether it would be.
  returned: success
  type: bool
  sample: false
clusters:
  description: The verdicts, by O(clusters[].host).
  returned: success
  type: dict
  contains:
    id:
      description: The ARM resource id of the cluster.
      type: str
      returned: success
      sample: >-
        /subscriptions/00000000-0000-0000-0000-000000000000/resourceGroups/rg-web/providers/Microsoft.ContainerService/managedClusters/aks-web-dev
    state:
      description:
        - V(switched), V(unchanged) or V(would_switch) when the cluster is as asked for, or would be.
        - V(blocked) when a rule or the request itself forbids the switch; nothing was written.
        - V(failed) when it did not succeed. RV(clusters.changed) tells whether the cluster was written to.
        - V(running) when O(wait_timeout) was over and Azure goes on.
        - V(stopped) when the run was interrupted before the cluster was through.
      type: str
      returned: success
      sample: blocked
    ok:
      description: Whether the cluster is as asked for, or in check mode would be.
      type: bool
      returned: success
      sample: false
    changed:
      description: Whether the cluster was written to, or in check mode would be.
      type: bool
      returned: success
      sample: false
    previous:
      description:
        - The configuration that the cluster had before, as M(aks.kube_proxy.config) returns it; none when it could not be read.
        - Where a failed switch of an earlier run is sent again, what the cluster had before that, by the journal.
      type: dict
      returned: success
      sample: {"enabled": true, "mode": "IPTABLES", "ipvs_config": null, "configured": false}
    current:
      description: The configuration that the cluster asks for now, as last read; in check mode the one that it is going to have.
      type: dict
      returned: success
      sample: {"enabled": true, "mode": "IPTABLES", "ipvs_config": null, "configured": false}
    verified:
      description:
        - Who confirmed the end. V(azure) means that Azure's record was read back after the operation's end. The nodes have not been asked.
        - None when nobody did.
      type: str
      returned: success
      sample: azure
    seconds:
      description: How long the cluster took.
      type: float
      returned: success
      sample: 0.4
    reason:
      description: Why the cluster is not as asked for, and what to do; empty when it is.
      type: str
      returned: success
      sample: >-
        refused before any write. NFTABLES needs Kubernetes 1.33, the cluster runs 1.32.7. [nftables-kubernetes-version] Upgrade the
        cluster first.
    advice:
      description: The part of RV(clusters.reason) that tells what to do, where that can be told apart.
      type: str
      returned: success
      sample: ""
    code:
      description: Azure's error code, the name of the rule that forbids the switch, or one of the codes of M(aks.kube_proxy.config).
      type: str
      returned: success
      sample: nftables-kubernetes-version
    correlation_id:
      description: What Azure's support asks for; none without a failure that Azure gave one for.
      type: str
      returned: success
      sample: 0d6f6f6e-2c7a-4f0e-9f59-0a5c5ad1a3b7
    findings:
      description: What speaks against the switch or should be known about it, as M(aks.kube_proxy.config) returns it.
      type: list
      elements: dict
      returned: success
      sample: []
begun:
  description:
    - Always V(false). The module itself gave up before it looked at any cluster, so that nothing was written.
    - A failed task without it, and without RV(clusters), may have ended in the middle of its work, for example since its process was
      killed. What it announced stands in O(journal); what became of it is in Azure.
  returned: failure of the module itself
  type: bool
  sample: false
code:
  description: Why nothing was begun, V(Journal) when the journal could not be written.
  returned: failure, where there is one
  type: str
  sample: Journal
"""

from ansible_collections.aks.kube_proxy.plugins.module_utils._operations.operation import run_module
from ansible_collections.aks.kube_proxy.plugins.module_utils._operations.wave import OPERATION


def main() -> None:
    """Entry point."""
    run_module(OPERATION)


if __name__ == "__main__":
    main()
