#!/usr/bin/python
# Copyright (c) 2026, the aks.kube_proxy contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Ask clusters themselves whether a switch is safe, or has happened."""

from __future__ import annotations

DOCUMENTATION = r"""
module: verify
short_description: Ask AKS clusters themselves whether a switch is safe, or has happened
version_added: 1.0.0
author:
  - The aks.kube_proxy contributors (@aks-kube-proxy)
description:
  - Azure answering that a cluster has a mode is a wish, not evidence. Older releases of AKS took V(NFTABLES) and went on with iptables.
    This module asks the Kubernetes API of the clusters, and through it each node. It only reads.
  - After a switch (O(phase=after)) it waits until the DaemonSet of kube-proxy has the flags, every Linux node has a ready pod with
    these flags, and each kube-proxy itself says that it runs the mode. Under nftables the number of rule updates that the kernel
    refused has to stand still for O(settle_seconds).
  - Before a switch (O(phase=before)) it looks for what would break or should be known. That is traffic that needs what only iptables
    mode has, kernels that are too old, NodePort Services, Calico's data plane, and other software that works on kube-proxy's rules.
  - Evidence of failure and missing evidence are told apart. The first makes a cluster V(contradicted) or V(unsafe), the second
    V(unverified). Neither is ever called fine.
  - The guide is in C(docs/evidence.md), with the number of requests and the permissions that it takes.
options:
  clusters:
    description:
      - Several clusters, asked side by side. In place of O(resource_id) or O(name).
      - What is not set for a cluster of O(access), O(kubeconfig), O(context) and O(tolerate) is taken from the task.
    type: list
    elements: dict
    suboptions:
      host:
        description: What the cluster is called in results, usually its host in the inventory. Without it, the cluster's name.
        type: str
      subscription_id:
        description: The subscription of a cluster that is given by O(clusters[].name). Without it, that of the credentials.
        type: str
      resource_id:
        description: As O(resource_id).
        type: str
      resource_group:
        description: As O(resource_group).
        type: str
      name:
        description: As O(name).
        type: str
      enabled:
        description: As O(enabled).
        type: bool
      mode:
        description: As O(mode).
        type: str
        choices:
          - IPTABLES
          - IPVS
          - NFTABLES
      ipvs_config:
        description: As O(ipvs_config).
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
      previous_mode:
        description: As O(previous_mode).
        type: str
        choices:
          - IPTABLES
          - IPVS
          - NFTABLES
      tolerate:
        description: As O(tolerate).
        type: list
        elements: str
      access:
        description: As O(access).
        type: str
        choices:
          - auto
          - kubeconfig
          - user
          - admin
          - run_command
      kubeconfig:
        description: As O(kubeconfig).
        type: path
      context:
        description: As O(context).
        type: str
  resource_group:
    description: The resource group of the cluster. Goes with O(name).
    type: str
  name:
    description: The name of the cluster. Goes with O(resource_group).
    type: str
  resource_id:
    description: The ARM resource id of the cluster, in place of O(resource_group) and O(name).
    type: str
  enabled:
    description:
      - Whether kube-proxy shall run.
      - Without O(enabled), O(mode) and O(ipvs_config), O(phase=after) looks for what Azure has recorded.
    type: bool
  mode:
    description:
      - With O(phase=after) the mode that the nodes shall run, with O(phase=before) the one that the cluster is to get.
      - O(phase=before) needs one of O(enabled), O(mode) and O(ipvs_config).
    type: str
    choices:
      - IPTABLES
      - IPVS
      - NFTABLES
  ipvs_config:
    description: Settings of IPVS that the flags of kube-proxy shall have. A flag that is not there is not held against the cluster.
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
  previous_mode:
    description:
      - The mode that the cluster had before. After a switch between V(IPTABLES) and V(IPVS), nodes that have not been rebooted since
        are named in the finding C(iptables-ipvs-stale-rules).
    type: str
    choices:
      - IPTABLES
      - IPVS
      - NFTABLES
  phase:
    description: Whether to prove that a switch has happened, or to ask whether one would be safe.
    type: str
    choices:
      - after
      - before
    default: after
  not_ready_nodes:
    description:
      - What to do about nodes that are not ready. With V(wait) they have to come back until O(wait_timeout) is over, else the cluster is
        V(unverified). When only nodes are missing that have been gone for longer than O(joining_seconds), nobody waits.
      - With V(ignore) they are named and left out.
    type: str
    choices:
      - wait
      - ignore
    default: wait
  cordoned_nodes:
    description:
      - What to do about nodes that are cordoned. With V(wait) they count like others, since their pods go on using Services.
      - With V(ignore) they are named and left out.
    type: str
    choices:
      - wait
      - ignore
    default: wait
  joining_seconds:
    description:
      - A node younger than this is left out as long as kube-proxy on it is starting. It starts with the new flags anyway.
      - A node on which kube-proxy crashes counts, however young it is.
    type: int
    default: 600
  settle_seconds:
    description:
      - For how long the number of rule updates that the kernel refused has to stand still, under nftables.
      - kube-proxy tries a failed update again every 30 seconds, so less than that proves little.
    type: int
    default: 35
  tolerate:
    description: Names of rules of O(phase=before) that shall not stop a switch. Their findings become warnings.
    type: list
    elements: str
  nodes:
    description:
      - Which nodes RV(clusters.nodes) lists. With V(others) those that are not proven.
      - The others are counted all the same, in RV(clusters.proven).
    type: str
    choices:
      - all
      - others
    default: all
  unverified:
    description: Whether the task fails or only warns when evidence is missing. Evidence of failure always fails it.
    type: str
    choices:
      - fail
      - warn
    default: fail
  max_parallel:
    description: How many clusters are asked at a time, 100 at most. Each is read by up to eight connections of its own.
    type: int
    default: 50
  progress:
    description:
      - Whether to show plain lines while the task runs inside Ansible's worker, for each cluster that is through and when there was no
        news for a minute.
      - With O(phase=before) only the latter, since all is told at the end within seconds.
    type: bool
    default: true
  wait_timeout:
    description:
      - How many seconds to wait for the nodes of each cluster. O(settle_seconds) may come on top of it.
      - A rollout of kube-proxy that still goes on then is no failure, the cluster is V(unverified). It stands still, which is evidence of
        failure, once no node has come forward for two minutes; with less time than that nobody can tell.
      - What is sure is not waited for, such as a kube-proxy that crashes again and again, or a DaemonSet that Azure has left as it was for
        three minutes.
    type: int
    default: 600
  poll_interval:
    description: Seconds between two looks at a cluster whose nodes are not there yet.
    type: int
    default: 10
  api_version:
    description: The ARM API version to speak. With V(auto) it is the newest preview that this collection knows and the cloud offers.
    type: str
    default: auto
extends_documentation_fragment:
  - aks.kube_proxy.azure
  - aks.kube_proxy.kubernetes
  - aks.kube_proxy.attributes
  - aks.kube_proxy.attributes.info
seealso:
  - module: aks.kube_proxy.config
  - module: aks.kube_proxy.wave
"""

EXAMPLES = r"""
- name: Prove that the nodes run what Azure has recorded
  aks.kube_proxy.verify:
    resource_group: rg-web
    name: aks-web-dev

- name: Ask whether two clusters can go to nftables
  aks.kube_proxy.verify:
    phase: before
    clusters:
      - resource_group: rg-web
        name: aks-web-dev
        mode: NFTABLES
      - resource_id: >-
          /subscriptions/00000000-0000-0000-0000-000000000000/resourceGroups/rg-web/providers/Microsoft.ContainerService/managedClusters/aks-web-test
        mode: NFTABLES
    tolerate:
      - localhost-nodeports
    unverified: warn
  register: evidence

- name: Show where the nodes stand
  ansible.builtin.debug:
    msg: "{{ evidence.clusters | dict2items | map(attribute='value.state') | list }}"

- name: Prove it on a private cluster that only Azure reaches
  aks.kube_proxy.verify:
    resource_group: rg-web
    name: aks-web-private
    mode: NFTABLES
    access: run_command
    not_ready_nodes: ignore
"""

RETURN = r"""
ok:
  description: Whether the evidence speaks for every cluster.
  returned: when clusters were asked
  type: bool
  sample: true
clusters:
  description: What the evidence of each cluster came to, by O(clusters[].host) or by its name.
  returned: when clusters were asked
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
        - V(verified) or V(contradicted) after a switch, V(safe) or V(unsafe) before one.
        - V(unverified) when evidence is missing, before a switch also when something could not be read.
      type: str
      returned: success
      sample: contradicted
    ok:
      description: Whether the state is V(verified) or V(safe).
      type: bool
      returned: success
      sample: false
    expected:
      description: The mode that was looked for, or that the cluster is to get; V(DISABLED) for none. Empty when it was not known.
      type: str
      returned: success
      sample: NFTABLES
    how:
      description: On which way the Kubernetes API was reached; empty when it was not.
      type: str
      returned: success
      sample: the API server at aks-web-dev-0a1b2c3d.hcp.westeurope.azmk8s.io
    reason:
      description: Why the cluster is neither verified nor safe, and what to do; empty when it is.
      type: str
      returned: success
      sample: >-
        kube-proxy's DaemonSet has no --proxy-mode, which means iptables, not NFTABLES. Azure has taken the setting without
        applying it. Look whether the cluster's Kubernetes version has the mode (NFTABLES needs 1.33), and put the former mode back, so
        that record and nodes agree.
    advice:
      description: The part of RV(clusters.reason) that tells what to do, where that can be told apart.
      type: str
      returned: success
      sample: ""
    code:
      description: The kind of trouble, the rule that blocks a switch, or the code of the error that kept the cluster from being asked.
      type: str
      returned: success
      sample: DaemonSetUnchanged
    nodes:
      description: Where each node stands; only with O(phase=after).
      type: list
      elements: dict
      returned: success
      contains:
        node:
          description: The name of the node.
          type: str
          returned: success
          sample: aks-nodepool1-12345678-vmss000000
        pool:
          description: Its node pool.
          type: str
          returned: success
          sample: nodepool1
        kernel:
          description: Its kernel.
          type: str
          returned: success
          sample: 6.8.0-1059-azure
        os_image:
          description: Its operating system.
          type: str
          returned: success
          sample: Ubuntu 24.04.3 LTS
        expected:
          description: The mode that it shall run.
          type: str
          returned: success
          sample: NFTABLES
        observed:
          description: The mode that it runs, by its own answer, else by the flags of its pod; empty when not known.
          type: str
          returned: success
          sample: IPTABLES
        since:
          description: Since when it is so, in UTC; none when not known.
          type: str
          returned: success
          sample: "2026-11-23T03:00:00Z"
        standing:
          description: V(proven), V(contradicted), V(unverified), V(settling) or V(left_out).
          type: str
          returned: success
          sample: contradicted
        reason:
          description: What is wrong, or why it is left out; empty when it is proven.
          type: str
          returned: success
          sample: still has a pod with IPTABLES (kube-proxy-x7k2p)
    proven:
      description: How many nodes prove it.
      type: int
      returned: success
      sample: 2
    left_out:
      description: How many nodes do not count, such as those with Windows.
      type: int
      returned: success
      sample: 0
    findings:
      description: What speaks against a switch or should be known; after a switch, the nodes that may keep stale rules.
      type: list
      elements: dict
      returned: success
      contains:
        rule:
          description: The name of the rule.
          type: str
          returned: success
          sample: localhost-nodeports
        severity:
          description: V(block) or V(warn).
          type: str
          returned: success
          sample: block
        target:
          description: The mode that it speaks against.
          type: str
          returned: success
          sample: NFTABLES
        object:
          description: The nodes or objects that it is about, the first of them.
          type: str
          returned: success
          sample: aks-nodepool1-12345678-vmss000000
        count:
          description: How many these are.
          type: int
          returned: success
          sample: 1
        reason:
          description: Why that matters.
          type: str
          returned: success
          sample: Something uses NodePorts on 127.0.0.1, which the nftables mode does not serve.
        remedy:
          description: What to do.
          type: str
          returned: success
          sample: Use the node's own address.
        source:
          description: Where that is written.
          type: str
          returned: success
          sample: https://kubernetes.io/docs/reference/networking/virtual-ips/
        tolerated:
          description: Whether O(tolerate) names it.
          type: bool
          returned: success
          sample: false
    services:
      description: How many Services the cluster has; none after a switch, and when they could not be counted.
      type: int
      returned: success
      sample: 240
    seconds:
      description: How long the cluster took.
      type: float
      returned: success
      sample: 41.3
    requests:
      description: How many requests its Kubernetes API got.
      type: int
      returned: success
      sample: 13
"""

from ansible_collections.aks.kube_proxy.plugins.module_utils._operations.operation import run_module
from ansible_collections.aks.kube_proxy.plugins.module_utils._operations.verify import OPERATION


def main() -> None:
    """Entry point."""
    run_module(OPERATION)


if __name__ == "__main__":
    main()
