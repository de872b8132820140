# Copyright (c) 2026, the aks.kube_proxy contributors
# BSD 2-Clause License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause
"""One place that credentials can come from, and what it holds.

Private to this collection.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from ansible_collections.aks.kube_proxy.plugins.module_utils._azure.auth_options import ENVIRONMENT, from_environment

PARAMETERS = "the module parameters"
ENVIRONMENT_VARIABLES = "the environment"


@dataclass(frozen=True)
class Source:
    """What one source holds.

    Attributes:
        label: what messages call it.
        values: options and their values. Never shown.
        spelled: what the source calls an option, where it is not the option's own name.
        note: why it holds nothing.
    """

    label: str
    values: Mapping[str, str] = field(default_factory=dict, repr=False)
    spelled: Mapping[str, str] = field(default_factory=dict)
    note: str = ""

    def spell(self, options: Iterable[str]) -> str:
        """List options for a message, as this source calls them."""
        return listed([self.spelled.get(option, option) for option in options])

    @property
    def names_someone(self) -> bool:
        """Whether it says who is to sign in. azure.azcollection takes a source by this alone."""
        return "client_id" in self.values or "ad_user" in self.values


def parameters(options: Mapping[str, Any]) -> Source:
    """The options that a task gave; empty ones are left out."""
    given = {name: str(value).strip() for name, value in options.items() if name in ENVIRONMENT and value is not None}
    return Source(PARAMETERS, {option: value for option, value in given.items() if value})


def environment(environ: Mapping[str, str]) -> Source:
    """The options that environment variables give."""
    values, spelled = {}, {}
    for option, names in ENVIRONMENT.items():
        found = from_environment(option, environ)
        spelled[option] = found[0] if found else names[0]
        if found:
            values[option] = found[1]
    return Source(ENVIRONMENT_VARIABLES, values, spelled)


def listed(words: Iterable[str], conjunction: str = "and") -> str:
    """Join words as in prose: "a, b and c"."""
    words = list(words)
    if len(words) < 2:
        return "".join(words)
    return f"{', '.join(words[:-1])} {conjunction} {words[-1]}"
