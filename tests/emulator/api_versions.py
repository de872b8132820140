"""API versions: which are offered for which resource types, and what they can express."""

from __future__ import annotations

from .refusals import refusal

# Microsoft.ContainerService/managedClusters. Previews live about a year; older ones are gone.
AKS_VERSIONS = (
    "2026-08-02-preview", "2026-08-01", "2026-06-01", "2026-05-02-preview", "2026-05-01", "2026-04-01",
    "2026-03-02-preview", "2026-03-01", "2026-02-02-preview", "2026-02-01", "2026-01-02-preview", "2026-01-01",
    "2025-10-02-preview", "2025-10-01", "2025-09-02-preview", "2025-09-01", "2025-08-02-preview", "2025-08-01",
    "2025-07-01", "2025-05-01", "2025-04-01", "2025-03-01", "2025-02-01", "2025-01-01", "2024-10-01", "2024-09-01",
    "2024-08-01", "2024-07-01", "2024-05-01", "2024-02-01", "2024-01-01", "2023-11-01", "2023-10-01", "2023-09-01",
    "2023-08-01", "2023-07-01", "2023-06-01", "2023-05-01", "2023-04-01", "2023-03-01", "2023-02-01", "2023-01-01",
    "2022-11-01", "2022-09-01", "2022-07-01", "2022-06-01", "2022-04-01", "2022-03-01", "2022-02-01", "2022-01-01",
    "2021-10-01", "2021-09-01", "2021-08-01", "2021-07-01", "2021-05-01", "2021-03-01", "2021-02-01", "2020-12-01",
    "2020-11-01", "2020-09-01", "2020-07-01", "2020-06-01", "2020-04-01", "2020-03-01", "2020-02-01", "2020-01-01",
    "2019-11-01", "2019-10-01", "2019-08-01", "2019-06-01", "2019-04-01", "2019-02-01", "2018-03-31", "2017-08-31",
)  # fmt: skip
OPERATION_VERSIONS = ("2025-03-01", "2017-08-31", "2016-03-30")
ORCHESTRATOR_VERSIONS = ("2019-08-01", "2019-06-01", "2019-04-01", "2017-09-30")
FEATURE_VERSIONS = ("2021-07-01", "2015-12-01")
RESOURCE_VERSIONS = (
    "2025-04-01", "2025-03-01", "2024-11-01", "2024-07-01", "2024-03-01", "2023-07-01", "2022-12-01", "2022-09-01",
    "2022-06-01", "2022-05-01", "2022-01-01", "2021-04-01", "2021-01-01", "2020-10-01", "2020-08-01", "2020-06-01",
    "2020-05-01", "2020-01-01", "2019-11-01", "2019-10-01", "2019-08-01", "2019-07-01", "2019-06-01", "2019-05-10",
    "2019-05-01", "2019-03-01", "2018-11-01", "2018-09-01", "2018-08-01", "2018-07-01", "2018-06-01", "2018-05-01",
    "2018-02-01", "2018-01-01", "2017-08-01", "2017-06-01", "2017-05-10", "2017-05-01", "2017-03-01", "2016-09-01",
    "2016-07-01", "2016-06-01", "2016-02-01", "2015-11-01", "2015-01-01",
)  # fmt: skip
LOCATIONS = (
    "West Europe", "North Europe", "East US", "East US 2", "West US", "West US 2", "West US 3", "Central US",
    "South Central US", "UK South", "Germany West Central", "France Central", "Sweden Central", "Switzerland North",
    "Australia East", "Southeast Asia", "Japan East", "Canada Central", "Brazil South", "Central India",
)  # fmt: skip

# First version with kubeProxyConfig, and first with NFTABLES in it; previews only (docs and SDK models).
KUBE_PROXY_SINCE = "2022-08-02"
NFTABLES_SINCE = "2025-09-02"
# From this version on unknown JSON fields are an error (AKS changelog, 2024-02-07).
STRICT_SINCE = "2024-01-01"


class ApiVersions:
    """The API versions that this emulated cloud offers, by family."""

    def __init__(self, aks: dict[str, list[str]]) -> None:
        """Apply a fleet's `api_versions`: `offered` replaces the AKS list, `added` and `expired` change it."""
        offered = [*aks.get("added", []), *aks.get("offered", AKS_VERSIONS)]
        gone = set(aks.get("expired", []))
        clusters = tuple(sorted({v for v in offered if v not in gone}, reverse=True))
        self._families = {
            "aks": clusters,
            "operations": OPERATION_VERSIONS,
            "orchestrators": ORCHESTRATOR_VERSIONS,
            "features": FEATURE_VERSIONS,
            "resources": RESOURCE_VERSIONS,
        }

    def offered(self, family: str) -> tuple[str, ...]:
        """The versions of a family, newest first."""
        return self._families[family]

    def check(self, family: str, version: str, namespace: str, resource_type: str) -> None:
        """Refuse an absent or unknown version as ARM does."""
        if not version:
            raise refusal("MissingApiVersionParameter")
        offered = self._families[family]
        if version in offered:
            return
        names = ", ".join(offered)
        if family == "aks":
            locations = ", ".join(place.replace(" ", "").lower() for place in LOCATIONS)
            raise refusal(
                "NoRegisteredProviderFound", location="", version=version, type=resource_type, offered=names,
                locations=locations,
            )  # fmt: skip
        if family == "features":
            raise refusal(
                "InvalidResourceType", type=resource_type, namespace=namespace, version=version, offered=names
            )
        raise refusal("InvalidApiVersionParameter", version=version, offered=",".join(offered))


def is_preview(version: str) -> bool:
    """Tell a preview version."""
    return version.endswith("-preview")


def has_kube_proxy(version: str) -> bool:
    """Tell whether a version knows kubeProxyConfig at all."""
    return is_preview(version) and version >= KUBE_PROXY_SINCE


def kube_proxy_modes(version: str) -> tuple[str, ...]:
    """The modes that a version's enum has."""
    return ("IPTABLES", "IPVS", "NFTABLES") if version >= NFTABLES_SINCE else ("IPTABLES", "IPVS")


def refuses_unknown_fields(version: str) -> bool:
    """Tell whether a version refuses JSON fields that it does not know."""
    return version >= STRICT_SINCE
