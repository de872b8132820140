# Copyright (c) 2026, the aks.kube_proxy contributors
# BSD 2-Clause License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause
"""What Azure says when it refuses: read from either error shape, and told apart by meaning.

Private to this collection. Pure: no I/O.

ARM's front door answers C({"error": {"code", "message"}}), the AKS provider C({"code", "message", "subcode"})
without the wrapper. One code, OperationNotAllowed, stands for what passes by itself and for what does not,
so that kinds are told by code, subcode and message together.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ansible_collections.aks.kube_proxy.plugins.module_utils._azure.errors import AzureError
from ansible_collections.aks.kube_proxy.plugins.module_utils._domain.parsing import parsed
from ansible_collections.aks.kube_proxy.plugins.module_utils._domain.wording import one_line

# Kinds of refusal that the code reacts to; everything else is only reported.
NOT_FOUND = "not found"
IN_PROGRESS = "another operation in progress"
CHANGED_MEANWHILE = "changed meanwhile"
FEATURE_MISSING = "feature not registered"
API_VERSION = "API version not offered"
FORBIDDEN = "forbidden"
THROTTLED = "throttled"

MOST_CODE = 200
MOST_MESSAGE = 4000
"""Characters: a policy's message may be long, but not endless."""


@dataclass(frozen=True)
class Problem:
    """A refusal, as Azure worded it.

    Attributes:
        status: the HTTP status, 0 for the error of an operation.
        code: Azure's code, or C(HTTP status) where the answer was not Azure's.
        subcode: the AKS provider's finer code; may be empty.
        message: Azure's text, without signed URLs and tokens.
        correlation_id: what Azure's support asks for; may be empty.
    """

    status: int
    code: str
    subcode: str
    message: str
    correlation_id: str = ""

    @property
    def kind(self) -> str | None:
        """The kind of refusal, when it is one that the code reacts to."""
        text = f"{self.subcode} {self.message}"
        for kind, statuses, codes, pattern in KINDS:
            if (
                (statuses is None or self.status in statuses)
                and re.search(codes, self.code)
                and re.search(pattern, text)
            ):
                return kind
        return None

    @property
    def details(self) -> dict[str, Any]:
        """What of it stands in a failed result by itself: what there is."""
        found = {
            "code": self.code,
            "subcode": self.subcode,
            "status": self.status,
            "correlation_id": self.correlation_id,
        }
        return {name: value for name, value in found.items() if value}

    def as_text(self) -> str:
        """Status, code, subcode and message as one sentence."""
        code = f"{self.code}/{self.subcode}" if self.subcode else self.code
        status = f"HTTP {self.status}" if self.status else code
        known = status if status == code else f"{status}, {code}"
        message = self.message.rstrip(" :;,")
        end = "" if message.endswith((".", "!", "?")) else "."
        return f"{known}: {message}{end}" if message else f"{known}."

    @property
    def reference(self) -> str:
        """The sentence that tells what Azure's support asks for; empty where there is nothing to tell."""
        return f" Correlation id: {self.correlation_id}." if self.correlation_id else ""


# kind, HTTP statuses (None: any), pattern of the code, pattern of subcode and message. The first row that fits counts.
# OperationNotAllowed for a stopped cluster or a node disruption policy matches none: waiting would not help.
KINDS: tuple[tuple[str, tuple[int, ...] | None, str, str], ...] = (
    (THROTTLED, (429,), r"", r""),
    (CHANGED_MEANWHILE, (412,), r"", r""),
    (CHANGED_MEANWHILE, (409,), r"EtagMismatch|_FailedPrecondition$", r""),
    (
        IN_PROGRESS,
        (409,),
        r"OperationNotAllowed|OperationPreempted|AnotherOperationInProgress|Conflict",
        r"in progress",
    ),
    (FEATURE_MISSING, None, r"KubeProxyConfigFeatureNotRegistered", r""),
    (FEATURE_MISSING, (400,), r"", r"^1132 |KubeProxyConfigFeatureNotRegistered"),
    (FEATURE_MISSING, (400,), r"", r"[Ff]eature .*KubeProxyConfigurationPreview.* not registered"),
    (API_VERSION, (400, 404), r"NoRegisteredProviderFound|InvalidResourceType", r""),
    (API_VERSION, (400, 404), r"InvalidApiVersionParameter|UnsupportedApiVersion", r""),
    (NOT_FOUND, (404,), r"", r""),
    (FORBIDDEN, (401, 403), r"", r""),
)

# What a user can do, by code, subcode or message. The first row that fits counts.
REMEDIES: tuple[tuple[str, str], ...] = (
    (
        r"AuthorizationFailed",
        "Give the identity a role with that action at that scope, see docs/permissions.md of aks.kube_proxy.",
    ),
    (
        r"SubscriptionNotFound|InvalidSubscriptionId",
        "Check the subscription id, and that this identity may see the subscription.",
    ),
    (r"ResourceGroupNotFound", "Check the resource group's name and the subscription."),
    (r"FeatureNotFound|InvalidResourceNamespace", "Check the feature's name and namespace."),
    (r"NotFound", "Check the name, the resource group and the subscription."),
    (r"ReadOnlyDisabledSubscription", "Have the subscription enabled again, then run again."),
    (r"ScopeLocked", "Remove the lock, or ask its owner, and run again."),
    (r"RequestDisallowedByPolicy", "Change the cluster as the policy asks, or get an exemption from its owner."),
    (
        r"OperationBlockedByNodeDisruptionPolicy",
        "The cluster's node disruption policy forbids it now: wait for its window, or change the policy.",
    ),
    (
        r"FeatureNotRegistered|/1132 |[Ff]eature .* not registered",
        "Register the preview feature with aks.kube_proxy.preview_feature first.",
    ),
    (
        r"MissingSubscriptionRegistration",
        "Register the resource provider in the subscription: az provider register -n Microsoft.ContainerService.",
    ),
    (
        r"KubeProxyConfigFieldUnsupported",
        "The cluster's 'ipvs_config' does not go with this mode: it belongs to 'mode: IPVS' alone.",
    ),
    (
        r"KubeProxyConfigDisabledBYOCNIOnly",
        "kube-proxy can only be disabled on clusters made with network plugin 'none'.",
    ),
    (
        r"CiliumDataplaneRequiresKubeProxyConfigDisabled",
        "Cilium replaces kube-proxy: there is no mode to choose on this cluster.",
    ),
    (r"KubernetesVersionTooLow", "Upgrade the cluster first, or choose another mode."),
    (
        r"UnmarshalError|InvalidParameter",
        "Azure did not understand the cluster's definition in this API version: try another 'api_version'.",
    ),
    (
        r"NoRegisteredProviderFound|InvalidResourceType|InvalidApiVersionParameter|UnsupportedApiVersion",
        "Leave 'api_version' at 'auto', or give a version that this cloud offers.",
    ),
    (
        r"EtagMismatch|_FailedPrecondition|Pre[Cc]onditionFailed|^HTTP 412",
        "Something else changes the cluster at the same time: run again when it has ended.",
    ),
    (
        r"ExpiredAuthenticationToken|InvalidAuthenticationToken",
        "Sign in again, and check 'cloud_environment' and the machine's clock.",
    ),
    (
        r"Throttled|TooManyRequests|^HTTP 429",
        "Azure asks for fewer requests: run again later, with fewer clusters at a time.",
    ),
    (r"in progress", "Run again when that has ended, or let 'wait: true' wait for it."),
    (r"stopped state", "Start the cluster first: az aks start."),
    (
        r"^HTTP 5|InternalServerError|InternalOperationError|ServiceUnavailable",
        "Azure, or a proxy on the way, had a fault: run again later.",
    ),
)


def read_problem(status: int, headers: Mapping[str, str], text: str) -> Problem:
    """Read a refused request's answer, whichever shape it has; anything else becomes C(HTTP status)."""
    correlation = headers.get("x-ms-correlation-request-id") or headers.get("x-ms-request-id") or ""
    found = problem_of(parsed(text), status=status, correlation_id=correlation)
    if found is not None:
        return found
    words = re.sub(r"<head>.*?</head>|<[^>]*>|\s+", " ", text, flags=re.DOTALL | re.IGNORECASE).strip()
    return Problem(status, f"HTTP {status}", "", one_line(redact(re.sub(r" +", " ", words)))[:300], correlation)


def problem_of(body: Any, *, status: int = 0, correlation_id: str = "") -> Problem | None:
    """The problem that a JSON body tells of, wrapped or flat; None when it tells of none."""
    error = body.get("error", body) if isinstance(body, Mapping) else None
    if not isinstance(error, Mapping) or not error.get("code"):
        return None
    message = str(error.get("message") or "")
    details = error.get("details")
    for detail in details if isinstance(details, list) else ():
        text = str(detail.get("message") or "") if isinstance(detail, Mapping) else ""
        if text and text not in message:
            message = f"{message} {text}".strip()
    code, subcode = (one_line(str(error.get(key) or ""))[:MOST_CODE] for key in ("code", "subcode"))
    return Problem(status, code, subcode, one_line(redact(message))[:MOST_MESSAGE], correlation_id)


def remedy(problem: Problem) -> str:
    """What to do about it, in a sentence; empty where there is nothing better to say than Azure did."""
    text = f"{problem.code}/{problem.subcode} {problem.message}"
    return next((advice for pattern, advice in REMEDIES if re.search(pattern, text)), "")


# A path with or without its host: errors of connections quote the path alone.
_QUERY = re.compile(r"(/[^\s?\"'<>]*)\?[^\s\"'<>]+")
_TOKEN = re.compile(r"eyJ[\w-]{8,}(\.[\w-]+)+|\b(?i:bearer)\s+[\w.~+/-]{16,}=*")


def redact(text: str) -> str:
    """The text without the queries of URLs and paths (operation URLs are signed) and without tokens."""
    return _TOKEN.sub("[token removed]", _QUERY.sub(r"\1", text))


class ArmError(AzureError):
    """A request that Azure refused.

    Args:
        about: what the request was about, as the user knows it: "cluster NAME in resource group GROUP".
        problem: what Azure said.
        wait: after how many seconds it asks to be asked again, if it does.
    """

    def __init__(self, about: str, problem: Problem, wait: float | None = None) -> None:
        verdict = "Azure refused with" if problem.status else "Azure reports"
        super().__init__(
            f"{about}: {verdict} {problem.as_text()} {remedy(problem)}".rstrip() + problem.reference,
            **problem.details,
        )
        self.about = about
        self.problem = problem
        self.wait = wait


class LostAnswer(AzureError):
    """A write was sent, but what Azure made of it is not known: it may have taken it or not.

    Args:
        about: what the request was about.
        what: what came in place of an answer, as a sentence.
        problem: what Azure said, if anything.
    """

    def __init__(self, about: str, what: str, problem: Problem | None = None) -> None:
        super().__init__(
            f"{about}: {what} Azure may have carried it out all the same: run again, which finds out."
            + (problem.reference if problem else ""),
            **(problem.details if problem else {"code": "LostAnswer"}),
        )
        self.what = what
