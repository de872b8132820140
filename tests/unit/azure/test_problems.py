"""What Azure says when it refuses: every refusal that is known, in the shape that it really has."""

from __future__ import annotations

import json
from typing import Any, NamedTuple

import pytest
from ansible_collections.aks.kube_proxy.plugins.module_utils._azure.problems import (
    API_VERSION,
    CHANGED_MEANWHILE,
    FEATURE_MISSING,
    FORBIDDEN,
    IN_PROGRESS,
    NOT_FOUND,
    REMEDIES,
    THROTTLED,
    ArmError,
    LostAnswer,
    Problem,
    problem_of,
    read_problem,
    remedy,
)
from hypothesis import example, given
from hypothesis import strategies as st

SCOPE = "/subscriptions/00000000-1111-2222-3333-444444444444/resourceGroups/rg"


def wrapped(code: str, message: str, **more: Any) -> str:
    """The shape of ARM's front door."""
    return json.dumps({"error": {"code": code, "message": message, **more}})


def flat(code: str, message: str, subcode: str = "", details: Any = None) -> str:
    """The shape of the AKS provider."""
    return json.dumps({"code": code, "details": details, "message": message, "subcode": subcode})


class Refusal(NamedTuple):
    """A refused request: what it means to the code, and the words of the remedy that a user reads."""

    name: str
    status: int
    text: str
    kind: str | None
    advice: str


ETAG_DETAILS = [{"code": "Unspecified", "message": "rpc error: code = FailedPrecondition desc = Etag mismatched"}]
PREFLIGHT = (
    "Preflight validation check for resource(s) for container service aks-one in resource group rg failed. "
    "Message: Disabling kube-proxy is only allowed for bring your own (BYO) CNI clusters."
)
OUR_FLAG = "Preview feature Microsoft.ContainerService/KubeProxyConfigurationPreview"
BUSY = "Operation is not allowed: Another"
GONE = (
    "The Resource 'Microsoft.ContainerService/managedClusters/aks-one' under resource group 'rg' was not found. "
    "For more details please go to https://aka.ms/ARMResourceNotFoundFix"
)
LOCKED = (
    f"The scope '{SCOPE}' cannot perform write operation because following scope(s) are locked: '{SCOPE}'. "
    "Please remove the lock and try again."
)
UNKNOWN_FIELD = (
    'UnmarshalEntity encountered error: json: unknown field "kubeProxyConfig" Check that the field is in the '
    "right location"
)
EXPIRED = (
    "No registered resource provider found for location 'eastus' and API version '2025-09-02-preview' for type "
    "'managedClusters'."
)
DENIED = "The client 'c' with object id 'o' does not have authorization to perform action 'a' over scope 's'."
POLICY = [{"type": "PolicyViolation", "info": {"policyDefinitionDisplayName": "No previews"}}]

# words of remedies that several rows have
FLAG = "Register the preview feature"
LATER = "Run again when that has ended"
VERSION = "Leave 'api_version' at 'auto'"
NAMES = "Check the name, the resource group"
FEWER = "fewer requests"

REFUSALS = [
    # the feature flag
    Refusal(
        "flag missing",
        400,
        flat("KubeProxyConfigFeatureNotRegistered", "Feature flag is missing."),
        FEATURE_MISSING,
        FLAG,
    ),
    Refusal(
        "flag missing by subcode",
        400,
        flat("BadRequest", "Not now.", "KubeProxyConfigFeatureNotRegistered"),
        FEATURE_MISSING,
        FLAG,
    ),
    Refusal("flag missing by number", 400, flat("BadRequest", "Not now.", "1132"), FEATURE_MISSING, FLAG),
    Refusal(
        "flag missing, generic",
        400,
        flat("PreviewFeatureNotRegistered", f"{OUR_FLAG} not registered."),
        FEATURE_MISSING,
        FLAG,
    ),
    Refusal(
        "flag missing by message", 400, flat("BadRequest", f"{OUR_FLAG} is not registered."), FEATURE_MISSING, FLAG
    ),
    Refusal(
        "another flag missing",
        400,
        flat("PreviewFeatureNotRegistered", "Preview feature Microsoft.ContainerService/OtherPreview not registered."),
        None,
        FLAG,
    ),
    Refusal(
        "a cluster named 1132",
        400,
        flat("BadRequest", "Container service aks-1132 in resource group rg 1132 is invalid."),
        None,
        "",
    ),
    # the configuration
    Refusal(
        "IPVS fields with another mode",
        400,
        flat("KubeProxyConfigFieldUnsupported", "ipvsConfig is not supported.", "1133"),
        None,
        "belongs to 'mode: IPVS' alone",
    ),
    Refusal(
        "disabled without BYO CNI",
        400,
        flat("KubeProxyConfigDisabledBYOCNIOnly", PREFLIGHT),
        None,
        "network plugin 'none'",
    ),
    Refusal(
        "Cilium",
        400,
        flat("BadRequest", "Not with Cilium.", "CiliumDataplaneRequiresKubeProxyConfigDisabled"),
        None,
        "Cilium replaces kube-proxy",
    ),
    Refusal("unknown field", 400, flat("UnmarshalError", UNKNOWN_FIELD), None, "try another 'api_version'"),
    # other operations
    Refusal(
        "operation running",
        409,
        flat("OperationNotAllowed", f"{BUSY} operation (Updating) is in progress, please wait."),
        IN_PROGRESS,
        LATER,
    ),
    Refusal(
        "pool operation running",
        409,
        flat("OperationNotAllowed", f"{BUSY} agentpool operation (nodepool1 - Updating) is in progress."),
        IN_PROGRESS,
        LATER,
    ),
    Refusal(
        "node disruption policy",
        409,
        flat(
            "OperationNotAllowed",
            "Operation 'PutManagedClusterHandler.PUT' is blocked.",
            "OperationBlockedByNodeDisruptionPolicy",
        ),
        None,
        "node disruption policy forbids it",
    ),
    Refusal(
        "stopped",
        400,
        flat("OperationNotAllowed", "Managed Cluster is in stopped state, no operations except for start are allowed."),
        None,
        "az aks start",
    ),
    Refusal(
        "etag race",
        409,
        flat("EtagMismatch", "Operation failed.", "PutManagedClusterAndComponents_FailedPrecondition", ETAG_DETAILS),
        CHANGED_MEANWHILE,
        "run again",
    ),
    Refusal(
        "etag race by code",
        409,
        flat("PutManagedClusterAndComponents_FailedPrecondition", "Etag mismatched"),
        CHANGED_MEANWHILE,
        "run again",
    ),
    Refusal("If-Match", 412, flat("PreConditionFailed", "The etag does not match."), CHANGED_MEANWHILE, "run again"),
    Refusal("If-Match, no JSON", 412, "", CHANGED_MEANWHILE, "run again"),
    # throttling
    Refusal("throttled by AKS", 429, flat("Throttled", "Too many requests."), THROTTLED, FEWER),
    Refusal(
        "throttled by ARM",
        429,
        wrapped("SubscriptionRequestsThrottled", "Please try again after '6' seconds."),
        THROTTLED,
        FEWER,
    ),
    Refusal("throttled without JSON", 429, "slow down", THROTTLED, FEWER),
    # not found
    Refusal("cluster", 404, wrapped("ResourceNotFound", GONE), NOT_FOUND, NAMES),
    Refusal(
        "resource group",
        404,
        wrapped("ResourceGroupNotFound", "Resource group 'rg' could not be found."),
        NOT_FOUND,
        "Check the resource group's name",
    ),
    Refusal(
        "subscription",
        404,
        wrapped("SubscriptionNotFound", "The subscription 'x' could not be found."),
        NOT_FOUND,
        "Check the subscription id",
    ),
    Refusal(
        "feature",
        404,
        wrapped("FeatureNotFound", "The feature 'X' could not be found."),
        NOT_FOUND,
        "Check the feature's name",
    ),
    Refusal(
        "subscription disabled",
        409,
        wrapped("ReadOnlyDisabledSubscription", "The subscription is disabled."),
        None,
        "enabled again",
    ),
    Refusal(
        "too old for the mode",
        400,
        flat("KubernetesVersionTooLow", "NFTABLES needs 1.33."),
        None,
        "Upgrade the cluster first",
    ),
    # permissions
    Refusal("no role", 403, wrapped("AuthorizationFailed", DENIED), FORBIDDEN, "docs/permissions.md"),
    Refusal(
        "policy",
        403,
        wrapped(
            "RequestDisallowedByPolicy",
            "Resource 'aks-one' was disallowed by policy.",
            target="aks-one",
            additionalInfo=POLICY,
        ),
        FORBIDDEN,
        "as the policy asks",
    ),
    Refusal("locked", 409, wrapped("ScopeLocked", LOCKED), None, "Remove the lock"),
    Refusal(
        "token refused",
        401,
        wrapped("ExpiredAuthenticationToken", "The access token expiry UTC time is earlier than current UTC time."),
        FORBIDDEN,
        "Sign in again",
    ),
    Refusal(
        "provider not registered",
        409,
        wrapped(
            "MissingSubscriptionRegistration",
            "The subscription is not registered to use namespace 'Microsoft.ContainerService'.",
        ),
        None,
        "az provider register",
    ),
    # API versions
    Refusal("expired version", 400, wrapped("NoRegisteredProviderFound", EXPIRED), API_VERSION, VERSION),
    Refusal(
        "expired version by type",
        404,
        wrapped("InvalidResourceType", "The resource type could not be found in the namespace."),
        API_VERSION,
        VERSION,
    ),
    Refusal(
        "malformed version",
        400,
        wrapped("InvalidApiVersionParameter", "The api-version '1' is invalid."),
        API_VERSION,
        VERSION,
    ),
    Refusal("unsupported version", 400, wrapped("UnsupportedApiVersion", "Not supported."), API_VERSION, VERSION),
    # faults
    Refusal(
        "fault", 500, wrapped("InternalServerError", "Encountered internal server error."), None, "run again later"
    ),
    Refusal("gateway", 502, "<html><body><h1>502 Bad Gateway</h1></body></html>", None, "run again later"),
    # nothing better to say than Azure did
    Refusal(
        "both conditional headers", 400, flat("BadRequest", "If-Match and If-None-Match cannot be both set."), None, ""
    ),
]


@pytest.mark.parametrize("refusal", REFUSALS, ids=lambda refusal: refusal.name)
def test_refusal(refusal: Refusal) -> None:
    problem = read_problem(refusal.status, {"x-ms-correlation-request-id": "corr"}, refusal.text)
    assert (problem.status, problem.correlation_id) == (refusal.status, "corr")
    assert problem.kind == refusal.kind
    assert refusal.advice in remedy(problem)
    assert bool(refusal.advice) == bool(remedy(problem))


def test_every_remedy_is_given_for_some_refusal() -> None:
    given_for = {remedy(read_problem(refusal.status, {}, refusal.text)) for refusal in REFUSALS}
    assert {advice for _unused, advice in REMEDIES} <= given_for


@pytest.mark.parametrize(
    ("status", "code", "message", "kind"),
    [
        (400, "OperationNotAllowed", "Another operation is in progress", None),  # only a conflict passes by itself
        (409, "SomethingElse", "Another operation is in progress", None),
        (409, "OperationPreempted", "preempted, another operation in progress", IN_PROGRESS),
        (400, "EtagMismatch", "", None),
        (0, "KubeProxyConfigFeatureNotRegistered", "", FEATURE_MISSING),  # the error of an operation has no status
        (403, "BadRequest", "KubeProxyConfigFeatureNotRegistered", FORBIDDEN),
        (409, "NoRegisteredProviderFound", "", None),
        (0, "ResourceNotFound", "", None),
    ],
)
def test_kinds_need_status_and_code_and_text(status: int, code: str, message: str, kind: str | None) -> None:
    assert Problem(status, code, "", message).kind == kind


def test_the_words_of_both_shapes() -> None:
    assert read_problem(409, {}, flat("EtagMismatch", "Operation failed.", "Sub_Code", ETAG_DETAILS)).as_text() == (
        "HTTP 409, EtagMismatch/Sub_Code: Operation failed. "
        "rpc error: code = FailedPrecondition desc = Etag mismatched."
    )
    assert read_problem(404, {}, wrapped("ResourceNotFound", "Gone.")).as_text() == "HTTP 404, ResourceNotFound: Gone."
    assert read_problem(404, {}, wrapped("ResourceNotFound", "")).as_text() == "HTTP 404, ResourceNotFound."


@pytest.mark.parametrize(
    ("problem", "sentence"),
    [
        (Problem(0, "Odd", "", ""), "Odd."),
        (Problem(0, "Odd", "Sub", "Why"), "Odd/Sub: Why."),
        (Problem(409, "Odd", "", "Why:"), "HTTP 409, Odd: Why."),
        (Problem(409, "Odd", "", "Why?"), "HTTP 409, Odd: Why?"),
        (Problem(502, "HTTP 502", "", "Bad Gateway"), "HTTP 502: Bad Gateway."),
        (Problem(502, "HTTP 502", "", ""), "HTTP 502."),
    ],
)
def test_a_problem_is_one_sentence(problem: Problem, sentence: str) -> None:
    assert problem.as_text() == sentence


def test_details_say_nothing_twice() -> None:
    details = [{"message": "Why."}, {"message": "Operation failed."}, {"code": "x"}, "text", None, {"message": None}]
    assert read_problem(400, {}, flat("X", "Operation failed.", "", details)).message == "Operation failed. Why."
    assert read_problem(400, {}, flat("X", "", "", [{"message": "Why."}])).message == "Why."


def test_the_correlation_id_has_a_stand_in() -> None:
    both = {"x-ms-correlation-request-id": "corr", "x-ms-request-id": "request"}
    assert read_problem(400, both, "").correlation_id == "corr"
    assert read_problem(400, {"x-ms-request-id": "request"}, "").correlation_id == "request"
    assert read_problem(400, {}, "").correlation_id == ""


@pytest.mark.parametrize(
    "body",
    [
        None,
        5,
        "text",
        [],
        [{"code": "X"}],
        {},
        {"error": None},
        {"error": "invalid_client"},
        {"error": []},
        {"error": {"message": "no code"}},
        {"code": ""},
        {"status": "Succeeded"},
    ],
)
def test_bodies_that_tell_of_no_problem(body: Any) -> None:
    assert problem_of(body) is None


@pytest.mark.parametrize("details", [None, 5, True, "text", {"a": 1}, {}])
def test_details_of_any_shape(details: Any) -> None:
    assert problem_of({"code": "X", "message": "Why.", "details": details}) == Problem(0, "X", "", "Why.")


def test_the_error_of_an_operation() -> None:
    body = {"name": "guid", "status": "Failed", "error": {"code": 17, "message": {"value": "odd"}, "subcode": None}}
    assert problem_of(body, correlation_id="corr") == Problem(0, "17", "", "{'value': 'odd'}", "corr")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", ""),
        ("  \n ", ""),
        ("<html><head><title>502</title></head>\n<body><p>Bad\n\tGateway</p></body></html>", "Bad Gateway"),
        ("{not json", "{not json"),
        ("\x00\ufffd", "\\x00\ufffd"),
        ("x" * 1000, "x" * 300),
        ('"just a string"', '"just a string"'),
    ],
)
def test_an_answer_that_is_not_azures(text: str, words: str) -> None:
    assert read_problem(502, {}, text) == Problem(502, "HTTP 502", "", words)


@given(st.integers(400, 599), st.text(max_size=60) | st.binary(max_size=60).map(lambda raw: raw.decode("latin-1")))
@example(500, "[" * 50)
def test_garbage_is_a_problem_too(status: int, text: str) -> None:
    problem = read_problem(status, {}, text)
    assert problem.status == status
    assert problem.code
    assert len(problem.message) <= 300


def test_an_error_tells_all() -> None:
    problem = read_problem(409, {"x-ms-correlation-request-id": "corr"}, wrapped("ScopeLocked", "It is locked."))
    error = ArmError("Cluster aks-one", problem)
    assert error.message == (
        "Cluster aks-one: Azure refused with HTTP 409, ScopeLocked: It is locked. "
        "Remove the lock, or ask its owner, and run again. Correlation id: corr."
    )
    assert error.details == {"code": "ScopeLocked", "status": 409, "correlation_id": "corr"}
    assert (error.about, error.problem) == ("Cluster aks-one", problem)


def test_an_error_leaves_out_what_is_not_known() -> None:
    error = ArmError("Cluster aks-one", Problem(0, "Odd", "Sub", ""))
    assert error.message == "Cluster aks-one: Azure reports Odd/Sub."
    assert error.details == {"code": "Odd", "subcode": "Sub"}


def test_a_lost_answer_tells_what_to_do() -> None:
    lost = LostAnswer("Cluster aks-one", "The connection broke.")
    assert lost.message == (
        "Cluster aks-one: The connection broke. Azure may have carried it out all the same: run again, which finds out."
    )
    assert lost.details == {"code": "LostAnswer"}
    answered = LostAnswer("Cluster aks-one", "HTTP 502.", Problem(502, "HTTP 502", "", "", "corr"))
    assert answered.message.endswith("which finds out. Correlation id: corr.")
    assert answered.details == {"code": "HTTP 502", "status": 502, "correlation_id": "corr"}
