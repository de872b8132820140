"""The Kubernetes versions that a region offers, as clients of old ask for them (azure_rm_aks still does)."""

from __future__ import annotations

from .arm import Ask
from .wire import Answer, JsonObject

# Offered releases, oldest first (AKS release calendar, autumn 2026: 1.34 to 1.36, and 1.32 and 1.33 as LTS).
RELEASES = ("1.32.9", "1.33.5", "1.34.2", "1.35.1", "1.36.0")
DEFAULT = "1.34.2"


def _view(version: str) -> JsonObject:
    """One release with what it can be upgraded to: the next minor version."""
    upgrades = RELEASES[RELEASES.index(version) + 1 :][:1]
    return {
        "orchestratorType": "Kubernetes",
        "orchestratorVersion": version,
        **({"default": True} if version == DEFAULT else {}),
        "upgrades": [{"orchestratorType": "Kubernetes", "orchestratorVersion": upgrade} for upgrade in upgrades],
    }


def show_all(ask: Ask) -> Answer:
    """GET a location's orchestrators (shape: azure-mgmt-containerservice, container services 2019-04-01)."""
    place = f"/subscriptions/{ask.subscription}/providers/Microsoft.ContainerService/locations/{ask.values['location']}"
    return Answer(
        200,
        {
            "id": f"{place}/orchestrators",
            "name": "default",
            "type": "Microsoft.ContainerService/locations/orchestrators",
            "properties": {"orchestrators": [_view(version) for version in RELEASES]},
        },
    )
