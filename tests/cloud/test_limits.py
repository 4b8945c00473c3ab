"""$batch, throttling, and scripted faults."""

import socket
import ssl
import time

import httpx
import pytest

from local.cloud.control import Control
from tests.cloud.client import Graph, Json
from tests.cloud.test_delta_users import hire


def batch(graph: Graph, *urls: str) -> list[Json]:
    """The inner answers to a batch of GETs, in the order asked."""
    requests = [{"id": str(at), "method": "GET", "url": url} for at, url in enumerate(urls)]
    answer = graph.send("POST", "/$batch", json={"requests": requests})
    assert answer.status_code == 200, answer.text
    return sorted(answer.json()["responses"], key=lambda item: int(item["id"]))


def test_batch_answers_each_request_on_its_own_and_in_any_order(graph: Graph, control: Control) -> None:
    """Inner statuses differ under an outer 200, and the order is not the one asked."""
    user = hire(control, graph.tenant, 1)[0]
    urls = [f"/users/{user}?$select=id", "/users/nobody@x.example", f"/users/{user}/memberOf", "/users?$select=id"]
    requests = [{"id": str(at), "method": "GET", "url": url} for at, url in enumerate(urls)]
    responses = graph.send("POST", "/$batch", json={"requests": requests}).json()["responses"]
    assert [item["id"] for item in responses] == ["3", "2", "1", "0"]
    assert [item["status"] for item in batch(graph, *urls)] == [200, 404, 403, 200]


def test_batch_limits(graph: Graph, control: Control) -> None:
    """More than 20 requests, equal ids, or an absolute url are refused; dependsOn fails with 424."""
    one = {"id": "1", "method": "GET", "url": "/users"}
    for requests in (
        [{**one, "id": str(at)} for at in range(21)],
        [one, one],
        [{**one, "url": "https://e.example/users"}],
    ):
        assert graph.send("POST", "/$batch", json={"requests": requests}).status_code == 400
    assert len(control.violations()) == 3
    control.clear_violations()
    failing = {"id": "2", "method": "GET", "url": "/users/nobody@x.example"}
    after = {**one, "id": "3", "dependsOn": ["2"]}
    answers = graph.send("POST", "/$batch", json={"requests": [failing, after]}).json()["responses"]
    assert {item["id"]: item["status"] for item in answers} == {"2": 404, "3": 424}


def test_inner_429_hides_under_an_outer_200(graph: Graph, control: Control) -> None:
    """A fault met by an inner request leaves the others alone."""
    control.fault(r"GET /v1.0/users/nobody", status=429, headers={"Retry-After": "7"})
    answers = batch(graph, "/users?$select=id", "/users/nobody@x.example")
    assert [item["status"] for item in answers] == [200, 429]
    assert answers[1]["headers"]["Retry-After"] == "7"


def test_resource_units_are_counted_and_the_bucket_runs_dry(graph: Graph, control: Control) -> None:
    """Cost headers, a warning above 80 %, then 429 with Retry-After, which works when obeyed."""
    assert graph.get("/users").headers["x-ms-resource-unit"] == "2"
    assert graph.get("/users?$select=id").headers["x-ms-resource-unit"] == "1"
    control.behave(ru_limit=10)
    control.advance(60)
    answers = [graph.get("/users?$select=id") for _ in range(14)]
    assert any("x-ms-throttle-limit-percentage" in answer.headers for answer in answers if answer.status_code == 200)
    refused = [answer for answer in answers if answer.status_code == 429]
    assert refused
    headers = refused[-1].headers
    assert headers["x-ms-throttle-information"] == "ResourceUnitLimitExceeded"
    assert headers["x-ms-throttle-scope"].endswith(graph.tenant)
    assert refused[-1].json()["error"]["innerError"]["code"] == "429"
    control.advance(int(headers["retry-after"]) + 2)
    assert graph.get("/users?$select=id").status_code == 200


def test_throttling_of_one_tenant_leaves_others_alone(graph: Graph, control: Control, http: httpx.Client) -> None:
    """A bucket for each application and tenant."""
    other = Graph(graph.cloud, http, control.create_tenant())
    control.consent(other.tenant)
    control.behave(ru_limit=3)
    for _ in range(5):
        graph.get("/users?$select=id")
    assert graph.get("/users?$select=id").status_code == 429
    assert other.get("/users?$select=id").status_code == 200


def test_a_scripted_status_ends_after_its_count(graph: Graph, control: Control) -> None:
    """`skip` requests pass, `count` fail, the rest pass."""
    control.fault(r"/users/delta", status=503, headers={"Retry-After": "3"}, skip=1, count=2)
    statuses = [graph.get("/users/delta?$select=id").status_code for _ in range(5)]
    assert statuses == [200, 503, 503, 200, 200]
    assert control.faults()[0]["hits"] == 2


@pytest.mark.parametrize(
    ("action", "error"),
    [("truncate", httpx.RemoteProtocolError), ("rst", httpx.TransportError), ("close", httpx.RemoteProtocolError)],
)
def test_broken_connections(graph: Graph, control: Control, action: str, error: type[Exception]) -> None:
    """Half a body, a reset, and a close without an answer reach the client as such, and then it works again."""
    graph.fresh_token()
    control.fault("/users", action=action)
    with pytest.raises(error):
        graph.get("/users")
    assert graph.get("/users").status_code == 200


def drain(raw: socket.socket) -> None:
    """Read to the end."""
    while raw.recv(65_536):
        pass


def test_a_reset_is_a_tcp_reset(graph: Graph, control: Control) -> None:
    """Below TLS the connection ends with RST, not with an orderly end."""
    control.fault("/users", action="rst")
    trust = ssl.create_default_context(cadata=graph.cloud.ca_pem.decode())
    inward, outward = ssl.MemoryBIO(), ssl.MemoryBIO()
    tls = trust.wrap_bio(inward, outward, server_hostname="localhost")
    with socket.create_connection(("127.0.0.1", graph.cloud.port), timeout=10) as raw:
        while True:
            try:
                tls.do_handshake()
                break
            except ssl.SSLWantReadError:
                raw.sendall(outward.read())
                inward.write(raw.recv(65_536))
        tls.write(b"GET /v1.0/users HTTP/1.1\r\nHost: localhost\r\n\r\n")
        raw.sendall(outward.read())
        with pytest.raises(ConnectionResetError):
            drain(raw)


def test_hanging_and_latency(graph: Graph, control: Control, http: httpx.Client) -> None:
    """One never answers, the other answers later."""
    graph.fresh_token()
    control.fault("/users", action="hang")
    with pytest.raises(httpx.ReadTimeout):
        graph.get("/users", timeout=0.2)
    control.fault("/users", action="latency", seconds=0.2)
    started = time.monotonic()
    assert graph.get("/users").status_code == 200
    assert time.monotonic() - started >= 0.2


def test_wrong_bodies(graph: Graph, control: Control) -> None:
    """HTML instead of JSON, any body, and the real answer with members changed."""
    control.fault("/users", action="html")
    answer = graph.get("/users")
    assert (answer.status_code, answer.headers["content-type"]) == (200, "text/html")
    control.fault("/users", action="body", body='{"value":[]}')
    assert graph.ok("/users") == {"value": []}
    control.fault("/users", action="json", set={"@odata.nextLink": "https://evil.example/x"}, remove=["value"])
    body = graph.ok("/users")
    assert body["@odata.nextLink"] == "https://evil.example/x"
    assert "value" not in body


def test_faults_of_the_login_service(graph: Graph, control: Control) -> None:
    """A scripted AADSTS code comes in the login service's error shape."""
    control.fault("/oauth2/v2.0/token", status=503, code="temporarily_unavailable", message="AADSTS90033: Later.")
    answer = graph.token_answer()
    assert (answer.status_code, answer.json()["error_codes"]) == (503, [90033])


def test_the_request_log_has_no_secrets(graph: Graph, control: Control) -> None:
    """Method, path, status, tenant and headers are there; the bearer is not."""
    graph.get("/users?$select=id", headers={"x-ms-throttle-priority": "low"})
    entry = control.requests()[-1]
    assert (entry["method"], entry["route"], entry["status"]) == ("GET", "/users", "200")
    assert entry["tenant"] == graph.tenant
    assert entry["headers"]["x-ms-throttle-priority"] == "low"
    assert "authorization" not in entry["headers"]
    assert control.counts()["GET /users 200"] == 1


def test_mistakes_in_control_calls_are_told(control: Control) -> None:
    """An unknown switch, fault field, edit or tenant is refused in words."""
    for call in (
        lambda: control.behave(nonsense=1),
        lambda: control.fault("/x", nonsense=1),
        lambda: control.fault("/x", action="explode"),
        lambda: control.edit(control.create_tenant(), {"op": "nonsense"}),
        lambda: control.truth("nobody"),
        lambda: control.create_tenant("many"),
    ):
        with pytest.raises(Exception, match="400"):
            call()
