# Copyright (c) 2026, the aks.kube_proxy contributors
# BSD 2-Clause License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause
"""The Azure SDK, imported once and under guard.

Private to this collection.

The imports stand at the top on purpose: an action plugin is imported by Ansible's parent process, and
the workers it forks share what was imported there. A missing package is reported when it is needed,
by L(require, #require), so that documentation and argument errors work without the SDK.
"""

from __future__ import annotations

import traceback
from importlib import import_module

from ansible.module_utils.basic import missing_required_lib
from ansible_collections.aks.kube_proxy.plugins.module_utils._azure.errors import AzureError

PACKAGES = ("azure-core", "azure-identity", "azure-mgmt-core")

IMPORT_ERROR: str | None = None
MISSING: str | None = None

try:
    for name in ("azure.core.exceptions", "azure.identity", "azure.mgmt.core"):
        import_module(name)
except ImportError as error:
    IMPORT_ERROR = traceback.format_exc()
    named = [package for package in PACKAGES if (error.name or "").startswith(package.replace("-", "."))]
    MISSING = ", ".join(named or PACKAGES)  # where nothing of Azure is there, only "azure" is reported


def require() -> None:
    """Fail with Ansible's usual words when a package of requirements.txt cannot be imported.

    Raises:
        AzureError: names the missing package and the Python that lacks it.
    """
    if MISSING is not None:
        raise AzureError(missing_required_lib(MISSING, reason="to talk to Azure"), exception=IMPORT_ERROR)
