# Copyright (c) 2026, the aks.kube_proxy contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How the collection's modules ask a cluster itself."""

from __future__ import annotations


class ModuleDocFragment:
    """The options of the way to a cluster's Kubernetes API."""

    DOCUMENTATION = r"""
options:
  access:
    description:
      - The way to the cluster's Kubernetes API. It is only read.
      - V(user) has Azure hand out the address and the credentials of a user of the cluster
        (C(listClusterUserCredential)). For clusters with Microsoft Entra ID these hold no secret, and the identity that
        the module signs in to Azure with gets a token for the cluster. It needs a role in the cluster then. No kubelogin
        is needed.
      - V(admin) has Azure hand out the credentials of the cluster's administrator (C(listClusterAdminCredential)), which
        are refused where local accounts are disabled.
      - V(kubeconfig) takes a context of O(kubeconfig).
      - V(run_command) has Azure run C(kubectl get --raw) in a pod of the cluster (C(az aks command invoke)). It reaches
        private clusters from anywhere, but Microsoft does not mean it for programs. Each command takes some ten seconds,
        and gets 20 nodes or pods of a list, so that it suits clusters of up to some 200 nodes, and waiting may have to be
        longer. For each command a pod runs in the cluster, in check mode too. It is never chosen unless it is
        asked for.
      - V(auto) is V(kubeconfig) where O(kubeconfig) or O(context) is given, and else V(user).
    type: str
    choices: [auto, kubeconfig, user, admin, run_command]
    default: auto
  kubeconfig:
    description:
      - A kubeconfig on the host where the module runs, for O(access=kubeconfig) and O(access=auto). The other ways ignore
        it, so that it may be set for all clusters and O(access) for some.
      - Without it the files of E(KUBECONFIG) count, and then C(~/.kube/config).
      - Tokens, token files, client certificates and exec plugins are supported as C(kubectl) does it. Plugins cannot ask
        anybody.
      - The server's certificate is always checked. C(insecure-skip-tls-verify) is refused.
    type: path
  context:
    description:
      - The context of the kubeconfig, for O(access=kubeconfig) and O(access=auto). The other ways ignore it.
      - Without it the one named like the cluster counts, as C(az aks get-credentials) names it, and then the current one.
      - Its server has to be the host that Azure names for the cluster (C(fqdn) or C(privateFQDN)), lest another cluster
        be asked. Behind a tunnel or a bastion, set C(tls-server-name) in the kubeconfig to that host. Only a context that
        is named here may lead to C(localhost).
    type: str
requirements:
  - The Python packages C(PyYAML) and C(urllib3) on the host where the module runs
notes:
  - Roles of Azure for each way, and Kubernetes roles that suffice, are in C(docs/permissions.md) of the collection.
  - On clusters without Microsoft Entra ID, V(user) and V(run_command) act as cluster administrator, as V(admin) does.
seealso:
  - name: Access a private cluster with runCommand
    description: What it can do, and its limits.
    link: https://learn.microsoft.com/azure/aks/access-private-cluster
  - name: Kubernetes role-based access control with Microsoft Entra ID
    description: How an identity gets a role in a cluster.
    link: https://learn.microsoft.com/azure/aks/azure-ad-rbac
"""
