# Copyright (c) 2026, the aks.kube_proxy contributors
# BSD 2-Clause License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause
"""Profiles of the credentials file that azure.azcollection knows too.

Private to this collection.
"""

from __future__ import annotations

import configparser
from pathlib import Path

from ansible_collections.aks.kube_proxy.plugins.module_utils._azure.auth_options import CREDENTIALS, SETTINGS
from ansible_collections.aks.kube_proxy.plugins.module_utils._azure.auth_source import Source
from ansible_collections.aks.kube_proxy.plugins.module_utils._azure.errors import AzureError

CREDENTIALS_FILE = "~/.azure/credentials"
DEFAULT_PROFILE = "default"


def read_profile(name: str) -> Source:
    """Read one section of the credentials file, an INI file whose keys are the options' names.

    Args:
        name: the section, with regard to case.

    Returns:
        What the section holds. Where file or section are missing it holds nothing and says so in C(note).

    Raises:
        AzureError: the file is there and cannot be read or understood. Its text, which may hold secrets, is
            not repeated, nor is the parser's message, which would quote it.
    """
    label = f"profile '{name}' of {CREDENTIALS_FILE}"
    parser = configparser.ConfigParser(interpolation=None)
    try:
        with Path(CREDENTIALS_FILE).expanduser().open(encoding="utf-8-sig") as file:
            parser.read_file(file)
    except FileNotFoundError:
        return Source(label, note="the file does not exist")
    except OSError as error:
        raise AzureError(f"Cannot read {CREDENTIALS_FILE}: {error.strerror}.") from None
    except (configparser.Error, UnicodeDecodeError) as error:
        line = getattr(error, "lineno", None) or next(iter(getattr(error, "errors", ())), (None,))[0]
        where = f" (line {line})" if line else ""
        raise AzureError(
            f"Cannot understand {CREDENTIALS_FILE}{where}: it is to be an INI file with sections such as [default] "
            "and lines such as client_id=…, each key once."
        ) from None
    if not parser.has_section(name):
        others = ", ".join(parser.sections()) or "none"
        return Source(label, note=f"there is no such section; the file has: {others}")
    found = {key: value.strip() for key, value in parser.items(name) if value.strip()}
    return Source(label, {option: found[option] for option in (*CREDENTIALS, *SETTINGS) if option in found})
