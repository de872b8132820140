"""Errors in Azure's two shapes, as one table.

ARM's front door wraps: {"error": {"code", "message", …}} and says `x-ms-failure-cause: gateway`.
The AKS provider answers flat: {"code", "details", "message", "subcode"} without that header.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from .wire import Answer, JsonObject

ARM_HEADERS = {"x-ms-failure-cause": "gateway"}


class RefusalError(Exception):
    """Raised by a handler; carries the answer to send."""

    def __init__(self, answer: Answer) -> None:
        """Keep `answer`."""
        super().__init__(answer.status)
        self.answer = answer


@dataclass(frozen=True)
class Row:
    """One kind of error. `message` is a format string; its fields come from the place that refuses."""

    status: int
    message: str
    code: str = ""  # the table's key unless given
    subcode: str | None = None  # None: wrapped by ARM; a string: flat, from the AKS provider


# Codes, statuses and wordings: recorded traffic and Microsoft's documents where known. Rows marked [X] are inferred.
TABLE: dict[str, Row] = {
    # -- ARM's front door
    "AuthenticationFailed": Row(401, "Authentication failed. The 'Authorization' header is missing."),
    "InvalidAuthenticationToken": Row(401, "The access token is invalid."),
    "InvalidAuthenticationTokenAudience": Row(
        401,
        "The access token has been obtained for wrong audience or resource '{audience}'. It should exactly match "
        "with one of the allowed audiences '{allowed}'.",
    ),
    "ExpiredAuthenticationToken": Row(
        401, "The access token expiry UTC time '{expiry}' is earlier than current UTC time '{now}'."
    ),
    "AuthorizationFailed": Row(
        403,
        "The client '{client}' with object id '{object_id}' does not have authorization to perform action "
        "'{action}' over scope '{scope}' or the scope is invalid. If access was recently granted, please refresh "
        "your credentials.",
    ),
    "RequestDisallowedByPolicy": Row(
        403,
        "Resource '{name}' was disallowed by policy. Policy identifiers: "
        '\'[{{"policyAssignment":{{"name":"{policy}","id":"{assignment}"}}}}]\'.',
    ),
    "ScopeLocked": Row(
        409,
        "The scope '{scope}' cannot perform {verb} operation because following scope(s) are locked: '{locked}'. "
        "Please remove the lock and try again.",
    ),
    "SubscriptionNotFound": Row(404, "The subscription '{subscription}' could not be found."),
    "ReadOnlyDisabledSubscription": Row(
        409,
        "The subscription '{subscription}' is disabled and therefore marked as read only. You cannot perform any "
        "write actions on this subscription until it is re-enabled.",
    ),
    "ResourceGroupNotFound": Row(404, "Resource group '{group}' could not be found."),
    "ResourceNotFound": Row(
        404,
        "The Resource '{type}/{name}' under resource group '{group}' was not found. For more details please go to "
        "https://aka.ms/ARMResourceNotFoundFix",
    ),
    "NotFound": Row(404, "No HTTP resource was found that matches the request URI '{path}'."),
    "InvalidResourceNamespace": Row(404, "The resource namespace '{namespace}' is invalid."),
    "MissingApiVersionParameter": Row(
        400, "The api-version query parameter (?api-version=) is required for all requests."
    ),
    "InvalidApiVersionParameter": Row(
        400,
        "The api-version '{version}' is invalid. The supported versions are '{offered}'.",
    ),
    "NoRegisteredProviderFound": Row(
        400,
        "No registered resource provider found for location '{location}' and API version '{version}' for type "
        "'{type}'. The supported api-versions are '{offered}'. The supported locations are '{locations}'.",
    ),
    "InvalidResourceType": Row(
        404,
        "The resource type '{type}' could not be found in the namespace '{namespace}' for api version '{version}'. "
        "The supported api-versions are '{offered}'.",
    ),
    "RequestEntityTooLarge": Row(413, "The request content size exceeds the maximum size of {limit} bytes."),
    "MissingSubscriptionRegistration": Row(
        409,
        "The subscription is not registered to use namespace '{namespace}'. See https://aka.ms/rps-not-found for "
        "how to register subscriptions.",
    ),
    "InvalidRequestContent": Row(400, "The request content was invalid and could not be deserialized: '{reason}'."),
    "UnsupportedMediaType": Row(  # azure-cli issue 10143
        415, "The content media type '{kind}' is not supported. Only 'application/json' is supported."
    ),
    "LocationRequired": Row(400, "The location property is required for this definition."),
    "InvalidResourceLocation": Row(
        409,
        "The resource '{name}' already exists in location '{location}' in resource group '{group}'. A resource with "
        "the same name cannot be created in location '{asked}'. Please select a new resource name.",
    ),
    "FeatureNotFound": Row(404, "The feature '{feature}' could not be found."),
    "SubscriptionRequestsThrottled": Row(
        429,
        "Number of '{kind}' requests for subscription '{subscription}' actor '{actor}' exceeded. Please try again "
        "after '{seconds}' seconds.",
    ),
    "InternalServerError": Row(500, "Encountered internal server error."),
    "OperationNotFound": Row(404, "The operation '{operation}' was not found.", code="NotFound"),  # [X]
    "OperationUrlRefused": Row(  # [X]: the wording is the emulator's
        403,
        "The URL of operation '{operation}' is not the one that was handed out. Use it verbatim.",
        code="InvalidOperationSignature",
    ),
    "NotEmulated": Row(  # not Azure's: an honest answer for what the emulator leaves out
        501, "The emulator does not implement {method} {path}.", code="NotImplementedByEmulator"
    ),
    "OptionNotEmulated": Row(501, "The emulator does not implement {option} here.", code="NotImplementedByEmulator"),
    # -- the AKS provider
    "UnknownField": Row(
        400,
        'UnmarshalEntity encountered error: json: unknown field "{field}" Check that the field is in the right '
        "location, and that it is supported by the API version used.",
        code="UnmarshalError",
        subcode="",
    ),
    "WrongType": Row(
        400,
        "UnmarshalEntity encountered error: json: cannot unmarshal {found} into Go struct field {field} of type "
        "{expected}",
        code="UnmarshalError",
        subcode="",
    ),
    "InvalidParameter": Row(
        400,
        "The value of parameter {field} is invalid. Error details: {reason}. Please see "
        "https://aka.ms/aks-naming-rules for more details.",
        subcode="",
    ),
    "PoolMissing": Row(  # [X]: the list of pools must be complete
        400,
        "The agent pool '{pool}' exists, but is missing from agentPoolProfiles. Agent pools are deleted by the "
        "agentPools API only.",
        code="InvalidParameter",
        subcode="",
    ),
    # azure-cli issue 12219 and ARO-HCP pull request 629; ansible-collections/azure issue 731
    "ParameterMissing": Row(400, "Required parameter {field} is missing (null).", code="InvalidParameter", subcode=""),
    "NoSystemPool": Row(400, "Must define at least one system pool.", code="InvalidParameter", subcode=""),
    "PropertyChangeNotAllowed": Row(400, "Changing property '{field}' is not allowed.", subcode=""),
    "Downgrade": Row(  # rancher issue 24071
        400,
        "Downgrading Kubernetes version {version} to {goal} is not allowed. Please see "
        "https://aka.ms/aks-supported-k8s-ver for version details.",
        code="OperationNotAllowed",
        subcode="",
    ),
    "BadConditional": Row(400, "{reason}", code="BadRequest", subcode=""),
    "PreConditionFailed": Row(412, "The condition '{header}: {value}' is not met by the cluster '{name}'.", subcode=""),
    "EtagMismatch": Row(
        409,
        "Etag mismatched. The managed cluster was changed by another request.",
        subcode="PutManagedClusterAndComponents_FailedPrecondition",
    ),
    "InProgress": Row(
        409,
        "Operation is not allowed: Another operation ({operation}) is in progress, please wait for it to finish "
        "before starting a new operation. See https://aka.ms/aks-pending-operation for more details",
        code="OperationNotAllowed",
        subcode="",
    ),
    "PoolInProgress": Row(
        409,
        "Operation is not allowed: Another agentpool operation ({operation}) is in progress, please wait for it to "
        "finish before starting a new operation. See https://aka.ms/aks-pending-operation for more details",
        code="OperationNotAllowed",
        subcode="",
    ),
    "BlockedByNodeDisruptionPolicy": Row(
        409,
        "Operation 'PutManagedClusterHandler.PUT' is not allowed: it is blocked by the node disruption policy of "
        "the managed cluster, as it would disrupt nodes.",
        code="OperationNotAllowed",
        subcode="OperationBlockedByNodeDisruptionPolicy",
    ),
    "Stopped": Row(
        400,
        "Managed Cluster is in stopped state, no operations except for start are allowed.",
        code="OperationNotAllowed",
        subcode="",
    ),
    "MissingAADClusterToken": Row(  # azure-rest-api-specs issue 22480
        400, "This cluster have Azure Active Directory enabled, .clusterToken is required.", subcode=""
    ),
    "RunCommandDisabled": Row(  # [X]: neither code nor wording was found
        400,
        "Run command is disabled on this cluster (apiServerAccessProfile.disableRunCommand is true).",
        code="KubernetesRunCommandDisabled",
        subcode="",
    ),
    "KubeProxyConfigFeatureNotRegistered": Row(
        400,
        "Customizing kube-proxy requires the preview feature Microsoft.ContainerService/"
        "KubeProxyConfigurationPreview, which is not registered on the subscription.",
        subcode="1132",
    ),
    "KubeProxyConfigFieldUnsupported": Row(
        400,
        "The kubeProxyConfig fields '{fields}' are not supported when the mode is '{mode}'.",
        subcode="1133",
    ),
    "KubeProxyConfigDisabledBYOCNIOnly": Row(
        400,
        "Preflight validation check for resource(s) for container service {name} in resource group {group} failed. "
        "Message: Disabling kube-proxy is only allowed for bring your own (BYO) CNI clusters, i.e. those whose "
        "networkPlugin is 'none'. Details: ",
        subcode="",
    ),
    "CiliumDataplane": Row(
        400,
        "Clusters with the Cilium dataplane require kubeProxyConfig to be disabled.",
        code="BadRequest",
        subcode="CiliumDataplaneRequiresKubeProxyConfigDisabled",
    ),
    "KubernetesTooOld": Row(  # [X]: refused since release v20260717; the code was not found
        400,
        "kube-proxy mode {mode} requires Kubernetes {floor} or later, but the cluster runs {version}.",
        code="KubeProxyConfigModeUnsupported",
        subcode="KubernetesVersionTooLow",
    ),
    "Throttled": Row(
        429, "The request was throttled: too many {kind} requests for {scope}. Retry after {seconds} s.", subcode=""
    ),
}


def refusal(which: str, /, *, details: list[JsonObject] | None = None, **fields: Any) -> RefusalError:
    """Make the error `which` of the table. `details` goes into the body as it is."""
    row = TABLE[which]
    code, message = row.code or which, row.message.format(**fields)
    if row.subcode is not None:
        return RefusalError(provider_error(row.status, code, message, row.subcode, details))
    return RefusalError(arm_error(row.status, code, message))


def arm_error(status: int, code: str, message: str, **more: Any) -> Answer:
    """Build an error as ARM's front door words it. `more`: further keys beside code and message."""
    return Answer(status, {"error": {"code": code, "message": message, **more}}, dict(ARM_HEADERS))


def provider_error(
    status: int, code: str, message: str, subcode: str = "", details: list[JsonObject] | None = None
) -> Answer:
    """Build an error as the AKS provider words it."""
    return Answer(status, {"code": code, "details": details, "message": message, "subcode": subcode})
