# Copyright (c) 2026, the aks.kube_proxy contributors
# BSD 2-Clause License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause
"""The decision how to sign in, apart from doing it.

Private to this collection. Pure but for the reader of profiles, which is handed in.

A credential comes whole from one source: a client id from a task and a secret from the environment are never
combined, since they may belong to different clients. A C(tenant) in the task's parameters is the one exception;
with the wrong one a sign-in can only fail.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

from ansible_collections.aks.kube_proxy.plugins.module_utils._azure.auth_options import (
    AUTH_SOURCES,
    CREDENTIALS,
    ENVIRONMENT,
    PATHS,
    SETTINGS,
)
from ansible_collections.aks.kube_proxy.plugins.module_utils._azure.auth_profile import DEFAULT_PROFILE
from ansible_collections.aks.kube_proxy.plugins.module_utils._azure.auth_source import (
    Source,
    environment,
    listed,
    parameters,
)
from ansible_collections.aks.kube_proxy.plugins.module_utils._azure.errors import AzureError

AZURE_CLI = "cli"
MANAGED_IDENTITY = "msi"


class Proof(NamedTuple):
    """An option that proves who one is: what the sign-in with it is called, and what else it needs."""

    option: str
    label: str
    needs: tuple[str, ...]


PROOFS = (
    Proof("secret", "client secret", ("client_id", "tenant")),
    Proof("x509_certificate_path", "certificate", ("client_id", "tenant")),
    Proof("oidc_token", "federated token", ("client_id", "tenant")),
    Proof("oidc_token_file_path", "federated token file", ("client_id", "tenant")),
    Proof("ad_user", "user and password", ("password",)),
)
SERVICE_PRINCIPAL_PROOFS = tuple(proof.option for proof in PROOFS if "client_id" in proof.needs)
SECRET_PARTS = (*SERVICE_PRINCIPAL_PROOFS, "password")
IDENTITY_PARTS = ("client_id", "ad_user", *SECRET_PARTS)

LABELS = {AZURE_CLI: "Azure CLI", MANAGED_IDENTITY: "managed identity"} | {
    proof.option: proof.label for proof in PROOFS
}
"""What messages call a method."""


class Setting(NamedTuple):
    """An option's value, and what the place it came from calls it."""

    value: str
    spelled: str


@dataclass(frozen=True)
class Choice:
    """How to sign in.

    Attributes:
        method: a key of LABELS: the option that proves the identity, or the source that does.
        source: where the credentials came from, for messages.
        credentials: the options that make up the identity. Never shown.
        settings: the options that are found one by one.
        passed_over: why the sources before this one were not used.
    """

    method: str
    source: str
    credentials: Mapping[str, str] = field(default_factory=dict, repr=False)
    settings: Mapping[str, Setting] = field(default_factory=dict)
    passed_over: tuple[str, ...] = ()


def choose(options: Mapping[str, Any], environ: Mapping[str, str], read_profile: Callable[[str], Source]) -> Choice:
    """Decide how to sign in, by azure.azcollection's rules.

    Args:
        options: a task's parameters, those not given being C(None).
        environ: the environment.
        read_profile: reads a profile by its name.

    Raises:
        AzureError: what is given is incomplete or contradicts itself; tells what was found where, and what lacks.
    """
    given, surroundings = parameters(options), environment(environ)
    source = given if "auth_source" in given.values else surroundings
    wanted = source.values.get("auth_source", "auto")
    if wanted not in AUTH_SOURCES:
        raise AzureError(f"{source.spell(['auth_source'])} is {wanted!r}. It is one of {listed(AUTH_SOURCES, 'or')}.")
    return CHOOSERS[wanted](given, surroundings, read_profile)


ReadProfile = Callable[[str], Source]


def _auto(given: Source, surroundings: Source, read_profile: ReadProfile) -> Choice:
    if "profile" in given.values:
        rivals = [option for option in IDENTITY_PARTS if option in given.values]
        if rivals:
            raise AzureError(
                f"The module parameters name a profile and also hold {given.spell(rivals)}. Give one or the other."
            )
        return _from_profile(given.values["profile"], given, surroundings, read_profile)
    if given.names_someone:
        return _from(given, given, surroundings)
    strays = [option for option in SECRET_PARTS if option in given.values]
    if strays:
        raise AzureError(_incomplete(given, f"{given.spell(strays)}, but neither client_id nor ad_user", surroundings))
    if "profile" in surroundings.values or surroundings.names_someone:
        return _env(given, surroundings, read_profile)
    profile = read_profile(DEFAULT_PROFILE)
    if profile.names_someone:
        return _from(profile, given, surroundings)
    return _cli(given, surroundings, passed_over=(_nobody(given), _nobody(surroundings), _nobody(profile)))


def _env(given: Source, surroundings: Source, read_profile: ReadProfile) -> Choice:
    if "profile" in surroundings.values:
        return _from_profile(surroundings.values["profile"], given, surroundings, read_profile)
    if not surroundings.names_someone:
        raise AzureError(
            f"auth_source is env, but nobody is named in {_nobody(surroundings)}. Set AZURE_CLIENT_ID, AZURE_TENANT "
            "and AZURE_SECRET."
        )
    return _from(surroundings, given, surroundings)


def _credential_file(given: Source, surroundings: Source, read_profile: ReadProfile) -> Choice:
    name = given.values.get("profile") or surroundings.values.get("profile") or DEFAULT_PROFILE
    return _from_profile(name, given, surroundings, read_profile)


def _cli(given: Source, surroundings: Source, passed_over: tuple[str, ...] = ()) -> Choice:
    tenant = {"tenant": given.values["tenant"]} if "tenant" in given.values else {}
    return Choice(AZURE_CLI, "the Azure CLI", tenant, _settings(given, surroundings), passed_over)


def _msi(given: Source, surroundings: Source) -> Choice:
    client = given.values.get("client_id") or surroundings.values.get("client_id")
    credentials = {"client_id": client} if client else {}
    return Choice(MANAGED_IDENTITY, "this host's managed identity", credentials, _settings(given, surroundings))


CHOOSERS: dict[str, Callable[[Source, Source, ReadProfile], Choice]] = {
    "auto": _auto,
    "env": _env,
    "credential_file": _credential_file,
    AZURE_CLI: lambda given, surroundings, read_profile: _cli(given, surroundings),
    MANAGED_IDENTITY: lambda given, surroundings, read_profile: _msi(given, surroundings),
}


def _from_profile(name: str, given: Source, surroundings: Source, read_profile: ReadProfile) -> Choice:
    profile = read_profile(name)
    if profile.note:
        raise AzureError(f"Cannot use {profile.label}: {profile.note}. Correct the name, or add the profile.")
    if not profile.names_someone:
        raise AzureError(f"Nobody is named in {_nobody(profile)}. Add client_id, secret and tenant to it.")
    return _from(profile, given, surroundings)


def _from(source: Source, given: Source, surroundings: Source) -> Choice:
    """Take the credential that one source holds, if it is whole and only one."""
    found = {option: source.values[option] for option in CREDENTIALS if option in source.values}
    found |= {option: str(Path(found[option]).expanduser()) for option in PATHS if option in found}
    proofs = [proof for proof in PROOFS if proof.option in found]
    if len(proofs) > 1:
        rivals = source.spell([proof.option for proof in proofs])
        raise AzureError(
            f"Contradictory credentials in {source.label}: {rivals} are set, and each of them is a way to sign in. "
            "Keep one."
        )
    if not proofs:
        choices = [source.spelled.get(option, option) for option in SERVICE_PRINCIPAL_PROOFS]
        raise AzureError(
            _incomplete(source, f"{source.spell(found)}, but none of {listed(choices, 'or')}", surroundings)
            + " If it is a managed identity's client id, set auth_source to msi."
        )
    if "tenant" in given.values:
        found["tenant"] = given.values["tenant"]
    missing = [option for option in proofs[0].needs if option not in found]
    if missing:
        raise AzureError(_incomplete(source, f"{source.spell(found)}, but not {source.spell(missing)}", surroundings))
    return Choice(proofs[0].option, source.label, found, _settings(given, source, surroundings))


def _settings(*sources: Source) -> dict[str, Setting]:
    settings = {}
    for option in SETTINGS:
        for source in sources:
            if option in source.values:
                settings[option] = Setting(source.values[option], source.spell([option]))
                break
    return settings


def _nobody(source: Source) -> str:
    """Say that a source names nobody, and what it holds instead."""
    if source.note:
        return f"{source.label}: {source.note}"
    parts = [option for option in CREDENTIALS if option in source.values]
    but = f"{source.spell(parts)}, but " if parts else ""
    return f"{source.label}: {but}neither {source.spell(['client_id'])} nor {source.spell(['ad_user'])}"


def _incomplete(source: Source, what: str, surroundings: Source) -> str:
    message = f"Incomplete credentials in {source.label}: found {what}. Set what lacks there."
    elsewhere = [option for option in CREDENTIALS if option in surroundings.values]
    if source is not surroundings and elsewhere:
        names = listed([surroundings.spelled.get(option, ENVIRONMENT[option][0]) for option in elsewhere])
        message += f" The environment sets {names}, but a credential's parts are taken from one source."
    return message
