# Copyright (c) 2026, the aks.kube_proxy contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How the collection's modules sign in to Azure."""

from __future__ import annotations


class ModuleDocFragment:
    """The options of authentication, named as in azure.azcollection."""

    DOCUMENTATION = r"""
options:
  auth_source:
    description:
      - Where the credentials come from.
      - V(auto) takes the first source that names somebody. These are, in this order, the task's own options,
        the environment, the profile C(default) of C(~/.azure/credentials), and the account of the Azure CLI.
      - V(env) takes environment variables only, V(credential_file) a profile, V(cli) the account that C(az login) left.
      - V(msi) takes the managed identity of the Azure resource on which the module runs.
        O(client_id) or E(AZURE_CLIENT_ID) picks a user-assigned one.
      - Credentials come whole from one source. They are never combined from several, except for O(tenant).
      - Without it E(ANSIBLE_AZURE_AUTH_SOURCE) counts, and then V(auto).
    type: str
    choices: [auto, cli, credential_file, env, msi]
  profile:
    description:
      - Name of a section of C(~/.azure/credentials), an INI file whose keys are named as the options here.
      - Without it E(AZURE_PROFILE) counts.
    type: str
  subscription_id:
    description:
      - The subscription to work in.
      - Without it the profile in use counts, then E(AZURE_SUBSCRIPTION_ID), and with the Azure CLI its active subscription.
    type: str
  client_id:
    description:
      - Client id (application id) of the service principal, or of a user-assigned managed identity.
      - In the environment it is E(AZURE_CLIENT_ID).
    type: str
  secret:
    description:
      - Client secret of the service principal.
      - In the environment it is E(AZURE_SECRET), or E(AZURE_CLIENT_SECRET) as the Azure SDK calls it.
    type: str
  tenant:
    description:
      - Id or domain name of the Microsoft Entra tenant. As an option it counts for every source.
      - In the environment it is E(AZURE_TENANT), or E(AZURE_TENANT_ID).
    type: str
  ad_user:
    description:
      - Name of a user to sign in with O(password). Microsoft Entra refuses it where it demands a second factor.
      - In the environment it is E(AZURE_AD_USER).
    type: str
  password:
    description:
      - Password of O(ad_user).
      - In the environment it is E(AZURE_PASSWORD).
    type: str
  x509_certificate_path:
    description:
      - File with the service principal's certificate and its RSA private key, in PEM format and without a password.
      - In the environment it is E(AZURE_X509_CERTIFICATE_PATH), or E(AZURE_CLIENT_CERTIFICATE_PATH).
    type: path
  thumbprint:
    description:
      - Accepted because C(azure.azcollection) demands it. It is not needed, since it is computed from the certificate.
      - In the environment it is E(AZURE_THUMBPRINT).
    type: str
  oidc_token:
    description:
      - Token of another issuer, to which a federated credential of the service principal refers (workload identity).
      - In the environment it is E(AZURE_FEDERATED_TOKEN).
    type: str
  oidc_token_file_path:
    description:
      - File with such a token. It is read again each time that an access token is fetched.
      - In the environment it is E(AZURE_FEDERATED_TOKEN_FILE).
    type: path
  cloud_environment:
    description:
      - The cloud. V(AzureCloud), V(AzureUSGovernment) or V(AzureChinaCloud), or for a private one
        the C(https) URL of its Resource Manager, whose metadata tells the rest.
      - Without it the profile in use counts, then E(AZURE_CLOUD_ENVIRONMENT), with the Azure CLI its active cloud,
        and then V(AzureCloud).
    type: str
  adfs_authority_url:
    description:
      - C(https) URL of the token service, where it is not the cloud's own.
      - Without it the profile in use counts, then E(AZURE_ADFS_AUTHORITY_URL).
    type: str
  cert_validation_mode:
    description:
      - V(ignore) does not check the certificates of Azure's endpoints. Whoever is in between can then read the
        credentials and change what is sent. O(ca_path) is the better way.
      - Without it the profile in use counts, then E(AZURE_CERT_VALIDATION), or E(AZURE_CERT_VALIDATION_MODE),
        and then V(validate).
    type: str
    choices: [ignore, validate]
  ca_path:
    description:
      - File (or folder) of CA certificates with which to check those of Azure's endpoints, for private clouds and for
        proxies that look into TLS.
      - Without it the profile in use counts, then E(REQUESTS_CA_BUNDLE), or E(CURL_CA_BUNDLE), and then the
        certificates that come with the Python package C(certifi). E(SSL_CERT_FILE) is not read.
    type: path
  disable_instance_discovery:
    description:
      - Whether to believe the token service's address without asking Microsoft about it.
      - It is always so for token services other than those of the public, US Government and China clouds.
      - Without it the profile in use counts, then E(AZURE_DISABLE_INSTANCE_DISCOVERY), and then V(false).
    type: bool
requirements:
  - python >= 3.10
  - The Python packages of the collection's C(requirements.txt) (C(azure-core), C(azure-identity), C(azure-mgmt-core),
    C(azure-mgmt-resource)) on the host where the module runs
notes:
  - Options, environment variables and profiles for signing in are those of C(azure.azcollection).
    C(docs/authentication.md) in the collection tells the few differences.
  - An ordinary module's options lie in a temporary file while it runs. Prefer the environment, a managed identity or
    a federated token to O(secret) and O(password).
seealso:
  - name: Sign in with the Azure CLI
    description: How to use C(az login).
    link: https://learn.microsoft.com/cli/azure/authenticate-azure-cli
  - name: Workload identity federation
    description: How to do without client secrets.
    link: https://learn.microsoft.com/entra/workload-id/workload-identity-federation
"""
