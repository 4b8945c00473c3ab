"""What clients read before they sign in: OpenID configuration, key set, instance discovery."""

from urllib.parse import urlsplit

from local.cloud.aadsts import SHARED, no_tenant
from local.cloud.wire import Call, Reply, json_reply
from local.cloud.world import World


def configuration(world: World, call: Call, tenant: str) -> Reply:
    """The OpenID configuration of a tenant, or the templated one of common and organizations."""
    base = call.base
    if tenant not in SHARED:
        found = world.tenant(tenant)
        if found is None:
            return json_reply(no_tenant(tenant).body(world.clock.now()), 400)
        tenant = found.id
    issuer = tenant if tenant not in SHARED else "{tenantid}"
    login = f"{base}/{tenant}"
    return json_reply(
        {
            "token_endpoint": f"{login}/oauth2/v2.0/token",
            "token_endpoint_auth_methods_supported": ["client_secret_post", "private_key_jwt", "client_secret_basic"],
            "jwks_uri": f"{login}/discovery/v2.0/keys",
            "response_modes_supported": ["query", "form_post"],
            "subject_types_supported": ["pairwise"],
            "id_token_signing_alg_values_supported": ["RS256"],
            "response_types_supported": ["code"],
            "scopes_supported": ["openid", "profile", "email", "offline_access"],
            "issuer": f"{base}/{issuer}/v2.0",
            "authorization_endpoint": f"{login}/oauth2/v2.0/authorize",
            "claims_supported": ["sub", "iss", "aud", "exp", "iat", "nonce", "preferred_username", "name", "tid"],
            "cloud_instance_name": urlsplit(base).netloc,
            "msgraph_host": urlsplit(base).netloc,
        }
    )


def key_set(world: World, call: Call, tenant: str) -> Reply:
    """The public keys, each bound to the issuer it may sign for."""
    issuer = f"{call.base}/{'{tenantid}' if tenant in SHARED else tenant}/v2.0"
    return json_reply({"keys": [key.jwk(issuer) for key in world.keys.signing]})


def instance_discovery(call: Call) -> Reply:
    """What MSAL asks to learn that this is a login service at all."""
    host = urlsplit(call.base).netloc
    asked = dict(call.pairs()).get("authorization_endpoint", f"{call.base}/common/oauth2/v2.0/authorize")
    tenant = urlsplit(asked).path.strip("/").partition("/")[0]
    return json_reply(
        {
            "tenant_discovery_endpoint": f"{call.base}/{tenant}/v2.0/.well-known/openid-configuration",
            "api-version": "1.1",
            "metadata": [{"preferred_network": host, "preferred_cache": host, "aliases": [host]}],
        }
    )
