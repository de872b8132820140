# Copyright (c) 2026, the aks.kube_proxy contributors
# BSD 2-Clause License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause
"""Resource providers of a subscription: which API versions they offer, and registering them.

Private to this collection. A stable API, so azure-mgmt-resource speaks it; imported only when used,
since that takes a quarter of a second.
"""

from __future__ import annotations

from typing import Any

from ansible.module_utils.basic import missing_required_lib
from ansible_collections.aks.kube_proxy.plugins.module_utils._azure.arm import (
    BACKOFF_SECONDS,
    CONNECTION_TRIES,
    USER_AGENT,
    Arm,
    retry_wait,
    text_of,
)
from ansible_collections.aks.kube_proxy.plugins.module_utils._azure.authentication import explain_request_error
from ansible_collections.aks.kube_proxy.plugins.module_utils._azure.errors import AzureError
from ansible_collections.aks.kube_proxy.plugins.module_utils._azure.problems import ArmError, read_problem


def offered_versions(arm: Arm, subscription: str, namespace: str, resource_type: str, *, about: str) -> list[str]:
    """The API versions that a provider offers for a resource type, newest first.

    Raises:
        ArmError: Azure refused.
        AzureError: no connection, or azure-mgmt-resource is missing.
    """
    provider = _call(arm, subscription, "get", namespace, about)
    for offered in provider.resource_types or ():
        if str(offered.resource_type).casefold() == resource_type.casefold():
            return sorted(offered.api_versions or (), reverse=True)
    return []


def register_provider(arm: Arm, subscription: str, namespace: str, *, about: str) -> str:
    """Register a provider (again): this is what spreads a newly registered feature flag. Its state after that.

    Raises:
        ArmError: Azure refused.
        AzureError: no connection, or azure-mgmt-resource is missing.
    """
    return str(_call(arm, subscription, "register", namespace, about).registration_state)


def _call(arm: Arm, subscription: str, verb: str, namespace: str, about: str) -> Any:
    try:
        from azure.core.exceptions import AzureError as SdkError
        from azure.core.exceptions import HttpResponseError
        from azure.mgmt.resource.resources import ResourceManagementClient
    except ImportError as error:
        raise AzureError(missing_required_lib("azure-mgmt-resource", reason="to talk to Azure")) from error
    session = arm.session
    client = ResourceManagementClient(
        session.credential,
        subscription,
        base_url=session.cloud.resource_manager,
        credential_scopes=[session.cloud.scope],
        connection_verify=session.verify,
        user_agent=USER_AGENT,
        retry_total=0,  # the SDK's own retries look at no life line and may take a quarter of an hour
    )
    attempt = 0
    arm.sign_in(about)
    while True:
        attempt += 1
        arm.runtime.assert_wanted()
        try:
            return getattr(client.providers, verb)(namespace)
        except HttpResponseError as error:
            answer: Any = error.response
            if answer is None:
                known = explain_request_error(error, session)
                raise AzureError(f"{about}: {known.message}", **known.details) from None
            text = text_of(answer)
            wait = retry_wait(answer.status_code, answer.headers, text, attempt)
            if wait is None or not arm.pause(wait):
                raise ArmError(about, read_problem(answer.status_code, answer.headers, text)) from None
        except SdkError as error:
            final = attempt >= CONNECTION_TRIES or "CERTIFICATE_VERIFY_FAILED" in str(error)
            if final or not arm.pause(BACKOFF_SECONDS[attempt - 1]):
                known = explain_request_error(error, session)
                raise AzureError(f"{about}: {known.message}", **known.details) from None
