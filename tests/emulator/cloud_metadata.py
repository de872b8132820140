"""The cloud's description of itself, by which clients find their endpoints."""

from __future__ import annotations

from .wire import Answer, Call, JsonObject
from .world import World


def endpoints(world: World, call: Call) -> Answer:
    """Describe this cloud. Newer versions answer one object (the Azure CLI crashes on a list), older ones a list."""
    version = call.query.get("api-version", "")
    if version < "2019-05-01":
        return Answer(200, _first_generation(world))
    cloud = _cloud(world)
    return Answer(200, cloud if version >= "2022-09-01" else [cloud])


def _first_generation(world: World) -> JsonObject:
    return {
        "galleryEndpoint": f"{world.url}/",
        "graphEndpoint": f"{world.url}/",
        "portalEndpoint": f"{world.url}/",
        "authentication": {"loginEndpoint": f"{world.url}/", "audiences": [world.url, f"{world.url}/"]},
    }


def _cloud(world: World) -> JsonObject:
    url = world.url
    return {
        "name": "AksKubeProxyEmulator",
        "portal": url,
        "authentication": {
            "loginEndpoint": url,
            "audiences": [url, f"{url}/"],
            "tenant": "common",
            "identityProvider": "AAD",
        },
        "resourceManager": url,
        "media": url,
        "graph": url,
        "graphAudience": url,
        "microsoftGraphResourceId": f"{url}/",
        "batch": url,
        "gallery": url,
        "sqlManagement": url,
        "vmImageAliasDoc": f"{url}/aliases.json",
        "activeDirectoryDataLake": url,
        "logAnalyticsResourceId": url,
        "suffixes": {
            "acrLoginServer": "azurecr.localhost",
            "keyVaultDns": "vault.localhost",
            "storage": "core.localhost",
            "sqlServerHostname": "database.localhost",
            "azureDataLakeStoreFileSystem": "datalake.localhost",
            "azureDataLakeAnalyticsCatalogAndJob": "analytics.localhost",
            "mysqlServerEndpoint": "mysql.localhost",
            "postgresqlServerEndpoint": "postgres.localhost",
        },
    }
