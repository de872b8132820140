# Copyright (c) 2026, the aks.kube_proxy contributors
# BSD 2-Clause License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause
"""What a module is made of, so that an ordinary module, an action plugin and a test run the very same thing.

Private to this collection.
"""

from __future__ import annotations

import os
import traceback
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.aks.kube_proxy.plugins.module_utils._azure.arm import Arm
from ansible_collections.aks.kube_proxy.plugins.module_utils._azure.authentication import (
    AUTH_ARGUMENT_SPEC,
    Session,
    authenticate,
)
from ansible_collections.aks.kube_proxy.plugins.module_utils._azure.errors import AzureError
from ansible_collections.aks.kube_proxy.plugins.module_utils._azure.problems import redact
from ansible_collections.aks.kube_proxy.plugins.module_utils._azure.runtime import Runtime, named_controller

Parameters = Mapping[str, Any]


@dataclass(frozen=True)
class Operation:
    """A module's options and what it does with them.

    Attributes:
        name: the module's full name.
        run: from validated parameters and a runtime to a result; raises AzureError with a message for the user.
        options: the argument spec without the options for authentication, which all modules share.
        constraints: C(mutually_exclusive) and the like, as AnsibleModule takes them.
    """

    name: str
    run: Callable[[Parameters, Runtime], dict[str, Any]]
    options: Mapping[str, Any]
    constraints: Mapping[str, Any] = field(default_factory=dict)

    @property
    def argument_spec(self) -> dict[str, Any]:
        """All options, those for authentication included."""
        return {**AUTH_ARGUMENT_SPEC, **self.options}

    def outcome(self, parameters: Parameters, runtime: Runtime) -> dict[str, Any]:
        """Run it; an error becomes a failed result, so that nobody ever reads a traceback as an answer."""
        try:
            return self.run(parameters, runtime)
        except AzureError as error:
            return {"failed": True, "msg": error.message, **error.details}
        except Exception as error:  # what nobody thought of: say so, with the way to report it
            return {
                "failed": True,
                "msg": f"{self.name} met something that it was not written for: "
                f"{redact(f'{type(error).__name__}: {error}')}. "
                "Please report it at https://github.com/aks-kube-proxy/aks.kube_proxy/issues.",
                "exception": redact(traceback.format_exc()),
            }


def run_module(operation: Operation) -> None:
    """The C(main) of an ordinary module."""
    module = AnsibleModule(argument_spec=operation.argument_spec, supports_check_mode=True, **operation.constraints)
    runtime = Runtime(check_mode=module.check_mode, controller=named_controller(os.environ))
    result = operation.outcome(module.params, runtime)
    for text in result.pop("warnings", ()):  # ansible-core 2.23 takes them no longer as a part of the result
        module.warn(text)
    if result.pop("failed", False):
        module.fail_json(**result)
    module.exit_json(**result)


@contextmanager
def concerning(subject: str | None) -> Iterator[None]:
    """Let what fails before the first request to Azure begin with what it is about, in place of a bare reason.

    Args:
        subject: a cluster or a feature, as the user named it; None where nothing single is meant.

    Raises:
        AzureError: in place of the ValueError of a check, or of another AzureError.
    """
    try:
        yield
    except (ValueError, AzureError) as error:
        details = error.details if isinstance(error, AzureError) else {}
        raise AzureError(f"{subject}: {error}" if subject else str(error), **details) from None


def named_cluster(parameters: Parameters) -> str | None:
    """How messages call the cluster before its subscription is known; None where no single one is named."""
    name = parameters["name"] or (parameters["resource_id"] or "").rstrip("/").rpartition("/")[2]
    return f"Cluster {name}" if name else None


def sign_in(parameters: Parameters, runtime: Runtime) -> Arm:
    """Azure Resource Manager with the credentials that the parameters and the environment give.

    Raises:
        AzureError: they are missing, contradict each other, or the cloud cannot be found.
    """
    return Arm(authenticate(parameters, runtime.environ), runtime)


def subscription_of(session: Session) -> str:
    """The session's subscription.

    Raises:
        AzureError: nothing names one.
    """
    if not session.subscription_id:
        raise AzureError(
            f"No subscription is known (credentials come from: {session.source}). Set 'subscription_id', or "
            "AZURE_SUBSCRIPTION_ID in the environment."
        )
    return session.subscription_id
