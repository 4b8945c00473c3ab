"""Tokens, discovery and keys."""

import base64
import json
import time

import httpx
import jwt
import pytest

from local.cloud.apps import DEFAULT_APP
from local.cloud.control import Control
from local.cloud.server import Cloud
from tests.cloud.client import Graph


def claims(token: str) -> dict[str, object]:
    """The claims of a token, unverified."""
    return dict(jwt.decode(token, options={"verify_signature": False}))


def codes(answer: httpx.Response) -> list[int]:
    """The AADSTS codes of a refusal, which must have the documented body."""
    body = answer.json()
    assert {"error", "error_description", "error_codes", "timestamp", "trace_id", "correlation_id"} <= set(body)
    assert body["error_description"].startswith(f"AADSTS{body['error_codes'][0]}: ")
    return list(body["error_codes"])


def test_app_only_token_carries_tenant_roles_and_object_id(graph: Graph) -> None:
    """A client-credentials token is a JWT with tid, oid, appid, roles, idtyp app and no refresh token."""
    answer = graph.token_answer().json()
    held = claims(answer["access_token"])
    assert (held["tid"], held["appid"], held["idtyp"]) == (graph.tenant, DEFAULT_APP, "app")
    assert held["roles"] == ["GroupMember.Read.All", "User.Read.All"]
    assert held["oid"]
    assert (answer["expires_in"], answer["token_type"]) == (3599, "Bearer")
    assert "refresh_token" not in answer


def test_a_client_assertion_stands_in_for_the_secret(graph: Graph) -> None:
    """A well-formed JWT assertion in its time is accepted; an expired or broken one is refused."""
    bearer = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
    now = int(time.time())

    def send(assertion: str) -> httpx.Response:
        return graph.token_answer(client_secret=None, client_assertion_type=bearer, client_assertion=assertion)

    assert send(jwt.encode({"sub": "x", "exp": now + 60}, "k" * 32)).status_code == 200
    assert codes(send(jwt.encode({"sub": "x", "exp": now - 3600}, "k" * 32))) == [700024]
    assert codes(send("not-a-jwt")) == [50027]


@pytest.mark.parametrize(
    ("changes", "status", "code", "error"),
    [
        ({"client_secret": "wrong"}, 401, 7000215, "invalid_client"),
        ({"client_secret": None}, 401, 7000218, "invalid_client"),
        ({"client_id": "22222222-2222-4222-8222-222222222222"}, 400, 700016, "unauthorized_client"),
        ({"scope": "https://other.example/.default"}, 400, 500011, "invalid_resource"),
        ({"scope": "User.Read.All"}, 400, 1002012, "invalid_scope"),
        ({"grant_type": None}, 400, 900144, "invalid_request"),
        ({"tenant": "common"}, 400, 9001023, "invalid_request"),
        ({"tenant": "organizations"}, 400, 9001023, "invalid_request"),
        ({"tenant": "99999999-9999-4999-8999-999999999999"}, 400, 90002, "invalid_request"),
    ],
)
def test_refusals_of_the_token_endpoint(
    graph: Graph, changes: dict[str, str | None], status: int, code: int, error: str
) -> None:
    """Each mistake has its documented status, error word and AADSTS code."""
    answer = graph.token_answer(**changes)
    assert (answer.status_code, codes(answer), answer.json()["error"]) == (status, [code], error)


def test_without_consent_the_service_principal_is_missing(cloud: Cloud, http: httpx.Client, control: Control) -> None:
    """A tenant that never consented answers AADSTS7000229."""
    answer = Graph(cloud, http, control.create_tenant()).token_answer()
    assert (answer.status_code, codes(answer)) == (401, [7000229])


def test_consent_spreads_in_three_phases(cloud: Cloud, http: httpx.Client, control: Control) -> None:
    """After consent: 7000229, then a token without oid (401), then one without roles (403), then it works."""
    tenant = control.create_tenant()
    graph = Graph(cloud, http, tenant)
    control.behave(propagation=[10, 10, 10])
    control.consent(tenant)
    assert codes(graph.token_answer()) == [7000229]
    control.advance(11)
    assert "oid" not in claims(graph.fresh_token())
    answer = graph.get("/users?$select=id")
    assert (answer.status_code, answer.json()["error"]["code"]) == (401, "Authorization_IdentityNotFound")
    control.advance(10)
    assert "roles" not in claims(graph.fresh_token())
    answer = graph.get("/users?$select=id")
    assert (answer.status_code, answer.json()["error"]["code"]) == (403, "Authorization_RequestDenied")
    control.advance(10)
    graph.fresh_token()
    assert graph.get("/users?$select=id").status_code == 200


def test_more_roles_spread_without_losing_the_service_principal(graph: Graph, control: Control) -> None:
    """Consent to more permissions takes only the last phase."""
    graph.fresh_token()
    control.advance(100)
    control.behave(propagation=[10, 10, 10])
    control.consent(graph.tenant, roles=["User.Read.All", "GroupMember.Read.All", "Group.Read.All"])
    assert "roles" not in claims(graph.fresh_token())
    control.advance(11)
    assert "Group.Read.All" in str(claims(graph.fresh_token())["roles"])


@pytest.mark.parametrize(("mode", "code"), [("deleted", 7000229), ("disabled", 7000112)])
def test_revocation_stops_new_tokens_but_not_old_ones(graph: Graph, control: Control, mode: str, code: int) -> None:
    """A deleted or disabled service principal gets no new token; the old one works until it expires."""
    assert graph.get("/users").status_code == 200
    control.revoke(graph.tenant, mode)
    assert codes(graph.token_answer()) == [code]
    assert graph.get("/users").status_code == 200


def test_with_continuous_access_evaluation_revocation_is_immediate(graph: Graph, control: Control) -> None:
    """The CAE switch refuses a token whose grant is gone."""
    assert graph.get("/users").status_code == 200
    control.behave(cae=True)
    assert graph.get("/users").status_code == 200
    control.revoke(graph.tenant, "deleted")
    assert graph.get("/users").status_code == 401


def test_narrowed_permissions_show_in_the_next_token(graph: Graph, control: Control) -> None:
    """Roles taken away are missing from new tokens, and the calls that need them are refused."""
    control.set_roles(graph.tenant, ["User.Read.All"])
    graph.fresh_token()
    assert graph.get("/users").status_code == 200
    assert graph.get("/groups/delta").status_code == 403
    control.revoke(graph.tenant, "roles")
    assert "roles" not in claims(graph.fresh_token())


def test_a_deleted_tenant_is_not_found(graph: Graph, control: Control) -> None:
    """AADSTS90002 at login, 401 at Graph."""
    graph.fresh_token()
    control.delete_tenant(graph.tenant)
    assert codes(graph.token_answer()) == [90002]
    assert graph.get("/users").status_code == 401


def test_graph_refuses_tokens_that_are_not_for_it(graph: Graph, http: httpx.Client) -> None:
    """Nonsense, a tampered signature, and alg none are 401 with a challenge."""
    good = graph.fresh_token()
    head, body, _ = good.split(".")
    none = base64.urlsafe_b64encode(json.dumps({"alg": "none"}).encode()).decode().rstrip("=")
    for token in ("nonsense", f"{head}.{body}.AAAA", f"{none}.{body}."):
        answer = http.get("/v1.0/users", headers={"Authorization": f"Bearer {token}"})
        assert (answer.status_code, answer.json()["error"]["code"]) == (401, "InvalidAuthenticationToken")
        assert "www-authenticate" in answer.headers


def test_discovery_documents_and_keys_fit_together(http: httpx.Client, cloud: Cloud, graph: Graph) -> None:
    """The shared documents have the templated issuer, the tenant's own its own, and every key names its issuer."""
    shared = http.get("/organizations/v2.0/.well-known/openid-configuration").json()
    assert shared["issuer"] == f"{cloud.base_url}/{{tenantid}}/v2.0"
    own = http.get(f"/{graph.tenant}/v2.0/.well-known/openid-configuration").json()
    assert own["issuer"] == f"{cloud.base_url}/{graph.tenant}/v2.0"
    keys = http.get(shared["jwks_uri"]).json()["keys"]
    assert {key["issuer"] for key in keys} == {shared["issuer"]}
    assert jwt.get_unverified_header(graph.fresh_token())["kid"] in {key["kid"] for key in keys}
    assert http.get("/nowhere.example/v2.0/.well-known/openid-configuration").status_code == 400
    instance = http.get("/common/discovery/instance?api-version=1.1").json()
    assert instance["tenant_discovery_endpoint"].endswith("/common/v2.0/.well-known/openid-configuration")


def test_rotated_keys_sign_new_tokens_while_old_ones_hold(graph: Graph, control: Control, http: httpx.Client) -> None:
    """After a rotation both keys are published until the old one is dropped."""
    old = graph.fresh_token()
    kid = control.rotate_keys()
    assert jwt.get_unverified_header(graph.fresh_token())["kid"] == kid != jwt.get_unverified_header(old)["kid"]
    assert len(http.get("/common/discovery/v2.0/keys").json()["keys"]) >= 2
    control.rotate_keys(drop_old=True)
    assert len(http.get("/common/discovery/v2.0/keys").json()["keys"]) == 1
