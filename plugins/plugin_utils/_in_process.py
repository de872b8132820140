# Copyright (c) 2026, the aks.kube_proxy contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs a module's operation inside Ansible's worker process, where that makes no difference but time.

Private to this collection.

An ordinary module starts a Python and imports the SDK for every task. A worker is forked from a process that has
imported it already, so the same operation costs a tenth. It runs here when the task is for the controller itself
and asks for nothing that needs a process of its own: another interpreter, another user, async.
Set the variable C(aks_execution) to C(module) to always have ordinary modules.
"""

from __future__ import annotations

import logging
import os
import sys
from collections.abc import Mapping
from importlib.util import find_spec
from multiprocessing import parent_process
from pathlib import Path
from typing import Any

from ansible import constants
from ansible.errors import AnsibleActionFail
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible.module_utils.common.parameters import remove_values
from ansible.module_utils.errors import UnsupportedError
from ansible.plugins.action import ActionBase
from ansible_collections.aks.kube_proxy.plugins.module_utils._azure import connections
from ansible_collections.aks.kube_proxy.plugins.module_utils._azure.runtime import CONTROLLER, Runtime
from ansible_collections.aks.kube_proxy.plugins.module_utils._operations.operation import Operation
from ansible_collections.aks.kube_proxy.plugins.plugin_utils._plain import plain

connections.prepare()  # Ansible's strategies import action plugins in the parent, before it forks workers

AUTO = "auto"
MODULE = "module"
INVOCATION = "INJECT_INVOCATION"
"""The setting whether results tell their arguments. It came with ansible-core 2.21; before, results always do."""

MASKED_BY_CORE = find_spec("ansible.module_utils.secrets") is not None
"""Whether ansible-core masks secrets wherever it prints, as from 2.22 on; checking arguments makes them known to it."""


def masked(outcome: dict[str, Any], secrets: set[str]) -> dict[str, Any]:
    """The result as a module hands it over: without secrets, unless Ansible masks them later."""
    if MASKED_BY_CORE:
        return outcome
    without: dict[str, Any] = plain(remove_values(outcome, secrets))
    return without


def controller() -> int:
    """The process id of the controller that forked this worker, whether or not it still lives.

    The system would name whoever has taken over a worker whose controller was killed before this is asked.
    """
    parent = parent_process()
    return os.getppid() if parent is None or parent.pid is None else parent.pid


def is_this_python(path: str) -> bool:
    """Whether a path is this process's Python, under whichever of its names (C(python), C(python3)).

    Only names in one folder count: Pythons of different virtual environments are the same file in the end, and have
    other packages.
    """
    other, this = Path(os.path.abspath(path)), Path(os.path.abspath(sys.executable))  # noqa: PTH100 - keeps links
    return other == this or (other.parent == this.parent and other.resolve() == this.resolve())


class InProcessAction(ActionBase):
    """The base of this collection's action plugins, one for each module.

    Attributes:
        OPERATION: the module's operation.
    """

    OPERATION: Operation
    TRANSFERS_FILES = False
    _supports_async = True
    _supports_check_mode = True

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        """Run the operation here, or the ordinary module where the task was sent."""
        result: dict[str, Any] = super().run(tmp, task_vars) or {}
        variables = dict(task_vars or {})
        interpreter = self._interpreter(variables)
        if self._runs_here(variables, interpreter):
            result.update(self._outcome(variables))
            return result
        if self._is_local and interpreter is None:
            # Discovery may find a Python without the SDK; the controller's own has what is installed beside Ansible.
            variables = self._with_interpreter(variables, sys.executable)
        in_background = bool(self._task.async_val)
        if self._is_local and not in_background:
            # A module of this machine inherits a worker's environment, and can ask whether its controller still lives.
            os.environ[CONTROLLER] = str(controller())
        result.update(self._execute_module(task_vars=variables, wrap_async=in_background))
        if not in_background:
            self._remove_tmp_path(self._connection._shell.tmpdir)
        return result

    @property
    def _is_local(self) -> bool:
        return bool(self._connection.transport == "local")

    def _runs_here(self, variables: Mapping[str, Any], interpreter: str | None) -> bool:
        execution = self._templar.template(variables.get("aks_execution", AUTO))
        if execution not in (AUTO, MODULE):
            raise AnsibleActionFail(f"aks_execution is {execution!r}: it has to be '{AUTO}' or '{MODULE}'.")
        return (
            execution == AUTO
            and self._is_local
            and (interpreter is None or is_this_python(interpreter))
            and not self._play_context.become
            and not self._task.async_val
        )

    def _host_variables(self, variables: Mapping[str, Any]) -> Mapping[str, Any]:
        """The variables of the host where the task is sent."""
        host = self._task.delegate_to
        if not host:
            return variables
        delegated: Mapping[str, Any] = (variables.get("ansible_delegated_vars") or {}).get(host) or {}
        return delegated

    def _interpreter(self, variables: Mapping[str, Any]) -> str | None:
        """The Python that variables or configuration ask for; None when it is left to discovery."""
        configured = constants.config.get_config_value(
            "INTERPRETER_PYTHON", variables=dict(self._host_variables(variables))
        )
        path = str(self._templar.template(configured))
        return None if path.startswith("auto") else path

    def _with_interpreter(self, variables: dict[str, Any], interpreter: str) -> dict[str, Any]:
        host = self._task.delegate_to
        if not host:
            return {**variables, "ansible_python_interpreter": interpreter}
        delegated = dict(variables.get("ansible_delegated_vars") or {})
        delegated[host] = {**(delegated.get(host) or {}), "ansible_python_interpreter": interpreter}
        return {**variables, "ansible_delegated_vars": delegated}

    def _outcome(self, variables: dict[str, Any]) -> dict[str, Any]:
        """What the module would have returned."""
        environment: dict[str, Any] = {}
        self._compute_environment_string(environment)
        os.environ.update(
            {name: str(value) for name, value in plain(environment).items()}
        )  # a worker is one fork for one task, so this ends with it
        for name in ("azure", "msal", "urllib3"):
            logging.getLogger(name).setLevel(logging.WARNING)  # Ansible's log file takes in what libraries log
        checked = ArgumentSpecValidator(self.OPERATION.argument_spec, **self.OPERATION.constraints).validate(
            plain(self._task.args)
        )
        secrets = checked._no_log_values  # AnsibleModule takes them from there too
        if checked.error_messages:
            error = checked.errors[0]
            message = str(error)
            if isinstance(error, UnsupportedError):
                message = f"Unsupported parameters for ({self._task.action}) module: {message}"
            outcome: dict[str, Any] = {"failed": True, "msg": message}
        else:
            runtime = Runtime(check_mode=self._task.check_mode, parent=controller(), say=self._display.display)
            outcome = self.OPERATION.outcome(checked.validated_parameters, runtime)
        if not outcome.get("warnings"):
            outcome.pop("warnings", None)
        if self._tells_invocation(variables):
            outcome["invocation"] = {"module_args": checked.validated_parameters}
        return masked(plain(outcome), secrets)

    def _tells_invocation(self, variables: dict[str, Any]) -> bool:
        if not hasattr(constants, INVOCATION):
            return True
        return bool(constants.config.get_config_value(INVOCATION, variables=variables))
