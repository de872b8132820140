# Copyright (c) 2026, the aks.kube_proxy contributors
# BSD 2-Clause License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause
"""The packages beside the Azure SDK that asking a cluster takes, under guard.

Private to this collection. Both come along with others (urllib3 with azure-core, PyYAML with ansible-core), but an
ordinary module may run on a host without ansible-core.
"""

from __future__ import annotations

from importlib import import_module

from ansible.module_utils.basic import missing_required_lib
from ansible_collections.aks.kube_proxy.plugins.module_utils._azure.errors import AzureError

PACKAGES = {"urllib3": "urllib3", "yaml": "PyYAML"}

MISSING: list[str] = []

for module, package in PACKAGES.items():
    try:
        import_module(module)
    except ImportError:
        MISSING.append(package)


def require() -> None:
    """Fail with Ansible's usual words when a package of requirements.txt cannot be imported.

    Raises:
        AzureError: names the missing packages and the Python that lacks them.
    """
    if MISSING:
        raise AzureError(missing_required_lib(", ".join(MISSING), reason="to ask a cluster's Kubernetes API"))
