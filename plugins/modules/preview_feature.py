#!/usr/bin/python
# Copyright (c) 2026, the aks.kube_proxy contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Register or unregister a preview feature in an Azure subscription."""

from __future__ import annotations

DOCUMENTATION = r"""
module: preview_feature
short_description: Register or unregister a preview feature in an Azure subscription
version_added: 1.0.0
author:
  - The aks.kube_proxy contributors (@aks-kube-proxy)
description:
  - Registers a preview feature flag, by default the one that the kube-proxy configuration of AKS needs, waits until it is
    registered, and then registers the resource provider again, which is what spreads the news.
  - Registering takes some minutes. A flag that needs Microsoft's approval stays C(Pending) until somebody gives it.
options:
  name:
    description: The name of the feature.
    type: str
    default: KubeProxyConfigurationPreview
  namespace:
    description: The resource provider that the feature belongs to.
    type: str
    default: Microsoft.ContainerService
  state:
    description:
      - V(present) registers the feature, V(absent) unregisters it.
      - V(absent) is refused while clusters of the subscription hold a kube-proxy configuration, see O(force).
    type: str
    choices:
      - present
      - absent
    default: present
  wait:
    description:
      - Whether to wait until the flag has settled.
      - With V(false) the task ends after the request, and the provider is not refreshed, since that is only of use once the
        flag is registered. When it is, run this again with O(refresh_provider=always).
    type: bool
    default: true
  wait_timeout:
    description: How many seconds to wait. When they are over the task fails, while Azure goes on.
    type: int
    default: 1800
  poll_interval:
    description: Seconds between two looks at the flag.
    type: int
    default: 10
  refresh_provider:
    description:
      - When to register the resource provider again, which is what spreads a newly registered flag. Nothing shows whether a flag
        has spread.
      - V(auto) does it when the flag has become registered during this run, V(never) does not.
      - V(always) does it in every run, which so counts as a change. It helps where the flag is registered, but was
        registered elsewhere, or by a run that was ended before it came to this. M(aks.kube_proxy.config) and
        M(aks.kube_proxy.wave) do it by themselves where Azure refuses a switch.
    type: str
    choices:
      - auto
      - always
      - never
    default: auto
  force:
    description:
      - Whether to unregister the flag although clusters hold a kube-proxy configuration. In regions where AKS release
        2026-07-17 has not arrived, such clusters cannot be updated at all any more without the flag.
    type: bool
    default: false
extends_documentation_fragment:
  - aks.kube_proxy.azure
  - aks.kube_proxy.attributes
  - aks.kube_proxy.attributes.change
seealso:
  - module: aks.kube_proxy.config
  - name: Preview features in an Azure subscription
    description: Microsoft's documentation of feature flags.
    link: https://learn.microsoft.com/azure/azure-resource-manager/management/preview-features
"""

EXAMPLES = r"""
- name: Make the kube-proxy configuration available in the subscription
  aks.kube_proxy.preview_feature:

- name: Ask for another feature of AKS, and do not wait for it
  aks.kube_proxy.preview_feature:
    name: NodeDisruptionProfilePreview
    wait: false

- name: Give the kube-proxy configuration back, once no cluster uses it any more
  aks.kube_proxy.preview_feature:
    state: absent
"""

RETURN = r"""
id:
  description: The ARM id of the feature.
  returned: when the subscription is known
  type: str
  sample: >-
    /subscriptions/00000000-0000-0000-0000-000000000000/providers/Microsoft.Features/providers/Microsoft.ContainerService/features/KubeProxyConfigurationPreview
name:
  description: The name of the feature.
  returned: when the subscription is known
  type: str
  sample: KubeProxyConfigurationPreview
namespace:
  description: The resource provider that it belongs to.
  returned: when the subscription is known
  type: str
  sample: Microsoft.ContainerService
subscription_id:
  description: The subscription.
  returned: when the subscription is known
  type: str
  sample: 00000000-0000-0000-0000-000000000000
previous_state:
  description: The state that the flag was in.
  returned: when the subscription is known
  type: str
  sample: NotRegistered
state:
  description: The state that the flag is in now; in check mode the one that it would come to.
  returned: when the subscription is known
  type: str
  sample: Registered
provider_refreshed:
  description: Whether the resource provider was registered again.
  returned: when the subscription is known
  type: bool
  sample: true
code:
  description: Azure's error code.
  returned: failure
  type: str
  sample: AuthorizationFailed
subcode:
  description: The resource provider's finer code.
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
clusters:
  description: The clusters that hold a kube-proxy configuration and so keep the flag from being unregistered.
  returned: failure with RV(code=FeatureInUse)
  type: list
  elements: str
  sample: [aks-web-dev]
"""

from ansible_collections.aks.kube_proxy.plugins.module_utils._operations.operation import run_module
from ansible_collections.aks.kube_proxy.plugins.module_utils._operations.preview_feature import OPERATION


def main() -> None:
    """Entry point."""
    run_module(OPERATION)


if __name__ == "__main__":
    main()
