#!/usr/bin/python
# Copyright (c) 2026, the aks.kube_proxy contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Install, pin, upgrade or remove an extension of the Azure CLI."""

from __future__ import annotations

DOCUMENTATION = r"""
module: cli_extension
short_description: Install, pin, upgrade or remove an extension of the Azure CLI
version_added: 1.0.0
author:
  - The aks.kube_proxy contributors (@aks-kube-proxy)
description:
  - Manages an extension of the Azure CLI (C(az)), such as C(aks-preview), on the host where the task runs.
  - The other modules of this collection need neither the Azure CLI nor an extension. This one is for people who work with
    C(az aks) beside them, and for hosts that other automation runs C(az) on.
  - Needs no sign-in to Azure, and takes no options for it.
requirements:
  - The Azure CLI on the host where the task runs, of 2024 or later where previews are installed; tested with 2.91.
options:
  name:
    description: The name of the extension.
    type: str
    required: true
  state:
    description:
      - V(present) sees that the extension is there, in O(version) if that is given, else in whichever version. Where it is there
        already, nothing is asked of the network.
      - V(latest) sees that it is there in the newest version of the index that goes with the host's Azure CLI. It never goes back
        from a version that the index has to an older one. It needs the index every time.
      - V(absent) removes it. This needs no network either.
    type: str
    choices:
      - present
      - latest
      - absent
    default: present
  version:
    description:
      - Exactly this version, newer or older than the one that is there.
      - Quote it, since YAML reads V(1.10) as the number V(1.1).
      - Goes with O(state=present) alone.
    type: str
  source:
    description:
      - A wheel to install in place of one from the index, as a path on the host where the task runs, or as a URL.
      - Its file name tells the version. When that version is there already, nothing is done, whatever the wheel contains.
      - It has to end in C(.whl), which signed URLs seldom do. Fetch such a wheel with M(ansible.builtin.get_url) first.
      - C(az) gets it as an argument, which others on that host can read while C(az) runs. Put no password into it.
      - Goes with O(state=present) alone.
    type: str
  index_url:
    description:
      - The index to take the extension from, by default what the environment variable E(AZURE_EXTENSION_INDEX_URL) or the
        settings of C(az) say, and else Microsoft's.
      - The module puts it into E(AZURE_EXTENSION_INDEX_URL) for C(az). Messages never show what may be secret in it.
    type: str
  allow_preview:
    description:
      - Whether preview versions may be installed from the index.
      - Without it the rule of C(az) holds, which is to take previews of those extensions only that have no other versions.
        C(aks-preview) is such a one. A O(version) that is named may be a preview then.
      - With V(false) a preview that is there already stays, but O(state=latest) fails where the index has only previews.
    type: bool
  executable:
    description: The Azure CLI, as a path or as a name to look up in E(PATH).
    type: path
    default: az
  timeout:
    description:
      - How many seconds each call of C(az) may take. There are up to four. One that takes longer is killed, with all that it
        started.
      - C(az) itself waits for a server that does not answer for ever. Killed while it replaces a version, it may leave
        the extension removed. The failure tells what is there then, and the next run installs it.
    type: int
    default: 600
attributes:
  check_mode:
    description: Can run in C(check_mode) and return changed status prediction without modifying target.
    details:
      - Looks at what is there, and in the index where there is something to install, so that it refuses what the real run would
        refuse. It downloads no wheel.
    support: full
  diff_mode:
    description: Will return details on what has changed (or possibly needs changing in C(check_mode)), when in diff mode.
    support: full
  idempotent:
    description: When run twice in a row outside check mode, with the same arguments, the second invocation indicates no change.
    details: With O(state=latest), a version that came out in between is a change.
    support: full
  in_process:
    description: Runs inside Ansible's worker process where the task is for the controller.
    details: It is an ordinary module. What it takes is the time of C(az).
    support: none
notes:
  - The defaults of C(group/aks.kube_proxy.aks) do not reach this module. They are credentials for Azure, which it does not take.
  - An extension belongs to a user, in C(~/.azure/cliextensions) unless E(AZURE_EXTENSION_DIR) or E(AZURE_CONFIG_DIR) say otherwise. Run
    the task as that user, with C(become) if need be. The keyword C(environment) sets these variables.
  - An extension in the folder for all users (C(--system)) is found too. C(az) itself moves it to the user's folder when its
    version is changed, therefore there is no option for it.
  - C(az) installs with C(pip), which may ask a package index for what the extension needs.
  - Set E(REQUESTS_CA_BUNDLE), E(HTTPS_PROXY) and E(NO_PROXY) with the keyword C(environment) where the host needs them.
seealso:
  - module: aks.kube_proxy.preview_feature
  - name: Extensions of the Azure CLI
    description: Microsoft's documentation.
    link: https://learn.microsoft.com/cli/azure/azure-cli-extensions-overview
"""

EXAMPLES = r"""
- name: Have aks-preview, in whichever version
  aks.kube_proxy.cli_extension:
    name: aks-preview

- name: Have exactly this version, on every host alike
  aks.kube_proxy.cli_extension:
    name: aks-preview
    version: "21.0.0b8"

- name: Have the newest version that goes with the host's Azure CLI
  aks.kube_proxy.cli_extension:
    name: aks-preview
    state: latest

- name: Remove it
  aks.kube_proxy.cli_extension:
    name: aks-preview
    state: absent

- name: Install a wheel where no index can be reached
  aks.kube_proxy.cli_extension:
    name: aks-preview
    source: /var/cache/wheels/aks_preview-21.0.0b8-py2.py3-none-any.whl
"""

RETURN = r"""
name:
  description: The name of the extension.
  returned: once it is known what is there
  type: str
  sample: aks-preview
previous_version:
  description: The version that was there; none without any, and where the Azure CLI cannot read it.
  returned: once it is known what is there
  type: str
  sample: 20.0.0b3
version:
  description: The version that is there now, in check mode the one that would be; none without any.
  returned: once it is known what is there
  type: str
  sample: 21.0.0b8
preview:
  description: Whether this version is a preview; none without any, and where check mode would have to look into a wheel.
  returned: once it is known what is there
  type: bool
  sample: true
folder:
  description: The folder that it is in; none without any, and where check mode predicts that it is installed for the first time.
  returned: once it is known what is there
  type: str
  sample: /home/deploy/.azure/cliextensions/aks-preview
"""

from ansible_collections.aks.kube_proxy.plugins.module_utils._operations.cli_extension import OPERATION
from ansible_collections.aks.kube_proxy.plugins.module_utils._operations.operation import run_module


def main() -> None:
    """Entry point."""
    run_module(OPERATION)


if __name__ == "__main__":
    main()
