"""Tenants, subscriptions and resource groups."""

from __future__ import annotations

from . import permissions
from .arm import Ask
from .paging import page
from .wire import Answer, JsonObject


def tenants(ask: Ask) -> Answer:
    """GET the tenants: there is one."""
    tenant = ask.world.fleet.tenant
    view = {
        "id": f"/tenants/{tenant}",
        "tenantId": tenant,
        "countryCode": "DE",
        "displayName": "Emulator",
        "domains": ["emulator.localhost"],
        "defaultDomain": "emulator.localhost",
        "tenantCategory": "Home",
        "tenantType": "AAD",
    }
    return Answer(200, {"value": [view]})


def _view(ask: Ask, subscription: str) -> JsonObject:
    known = ask.world.fleet.subscriptions[subscription]
    return {
        "id": f"/subscriptions/{subscription}",
        "authorizationSource": "RoleBased",
        "managedByTenants": [],
        "subscriptionId": subscription,
        "tenantId": ask.world.fleet.tenant,
        "displayName": known["name"],
        "state": known["state"],
        "subscriptionPolicies": {
            "locationPlacementId": "Internal_2014-09-01",
            "quotaId": "Internal_2014-09-01",
            "spendingLimit": "Off",
        },
    }


def show_all(ask: Ask) -> Answer:
    """GET the subscriptions, page by page; all of them, for whoever may read anything."""
    visible = list(ask.world.fleet.subscriptions) if ask.principal.actions else []
    body = page(ask, visible, lambda subscription: _view(ask, subscription))
    return Answer(200, {**body, "count": {"type": "Total", "value": len(visible)}})


def show(ask: Ask) -> Answer:
    """GET one subscription."""
    wanted = ask.subscription.lower()
    return Answer(200, _view(ask, next(s for s in ask.world.fleet.subscriptions if s.lower() == wanted)))


def groups(ask: Ask) -> Answer:
    """GET a subscription's resource groups."""
    owner = ask.subscription.lower()
    return Answer(200, {"value": [group for (who, _unused), group in ask.world.groups.items() if who == owner]})


def group(ask: Ask) -> Answer:
    """GET one resource group; the front door has refused absent ones."""
    return Answer(200, ask.world.groups[(ask.subscription.lower(), ask.values["group"].lower())])


def has_group(ask: Ask) -> Answer:
    """HEAD of a resource group."""
    return Answer(204)


def put_group(ask: Ask) -> Answer:
    """PUT: create or change a resource group."""
    key = (ask.subscription.lower(), ask.values["new_group"].lower())
    content = ask.json_object()
    created = key not in ask.world.groups
    permissions.check_locks(ask.world, "PUT", f"/subscriptions/{ask.subscription}/resourceGroups/{key[1]}")
    found = ask.world.groups.setdefault(
        key,
        {
            "id": f"/subscriptions/{ask.subscription}/resourceGroups/{ask.values['new_group']}",
            "name": ask.values["new_group"],
            "type": "Microsoft.Resources/resourceGroups",
            "location": content.get("location", "westeurope"),
            "properties": {"provisioningState": "Succeeded"},
        },
    )
    if "tags" in content:
        found["tags"] = content["tags"]
    return Answer(201 if created else 200, found)
