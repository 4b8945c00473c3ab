"""Text that comes another way than through the feeds: in tokens, from callers, as the tenant's name, on queues."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator
from typing import Any

import markupsafe
import pytest
from starlette.types import ASGIApp

from shared.csvtext import plain
from sync.adapters.graph.directory import GraphDirectory
from sync.adapters.queues import LARGEST
from sync.core.connection import Connection, ConnectionState
from sync.core.messages import ChangesMessage, decode, encode, pack, unpack
from sync.core.model import ChangeKind, UserChange
from sync.core.runs import MailState
from sync.panel.app import create_app
from sync.panel.session import COOKIE
from tests.inputs.pages import ANN
from tests.inputs.wire import Wire, always, client
from tests.inputs.world import properties
from tests.inputs.zoo import LONGEST, TEXTS, Text
from tests.panel.browser import Browser
from tests.panel.caller import API, Caller
from tests.panel.cast import object_id
from tests.panel.world import TENANT, WORKSPACE, World

CONNECTION = Connection("c" * 32, "acme", "Acme", ConnectionState.CONNECTED, 1, tenant_id=ANN)
STRINGS = [text for text in TEXTS if isinstance(text.given, str)]


def named(text: Text) -> str:
    """Number, length, and how it begins."""
    return f"{text.number} {len(text.given)} {text.given[:20]!a}"


@pytest.fixture(scope="module")
def world() -> World:
    """A workspace."""
    return World()


@pytest.fixture(scope="module")
def app(world: World) -> ASGIApp:
    """Its panel and API."""
    return create_app(world.services, lambda _: b"")


@pytest.fixture(scope="module")
def caller(world: World) -> Caller:
    """A program of its admin."""
    return Caller(world)


@pytest.fixture(scope="module")
def graph() -> Iterator[tuple[Wire, GraphDirectory]]:
    """The product's directory on a wire."""
    wire = Wire(always(b"", {}))
    made = client(wire)
    yield wire, GraphDirectory(made)
    made.close()


@pytest.mark.parametrize("text", STRINGS, ids=named)
def test_an_admins_and_a_workspaces_name_are_texts(world: World, app: ASGIApp, text: Text) -> None:
    """A token with the text in every name opens a session whose pages show it; and the cookie is one that browsers
    keep.
    """
    browser = Browser(app)
    token = world.token(name=text.given, workspace_name=text.given, email=text.given)
    answer = browser.post("/session", data={"token": token})
    if len(token) > 16_384:
        assert answer.status_code in {413, 422}  # the token is longer than any of ours
        return
    assert answer.status_code == 303
    assert len(f"{COOKIE}={browser.cookies[COOKIE]}") < 4096
    page = browser.get("/settings/integrations")
    assert page.status_code == 200
    assert f"<bdi>{markupsafe.escape(text.kept[:128] or WORKSPACE)}</bdi>" in page.text


@pytest.mark.parametrize("character", ["👨", "\x1b", "İ", '"'])
def test_long_names_leave_room_in_a_cookie(world: World, app: ASGIApp, character: str) -> None:
    """Long names in characters that take the most bytes."""
    browser, name = Browser(app), f"{character * 150}Ada"
    token = world.token(name=name, workspace_name=name, email=name)
    assert browser.post("/session", data={"token": token}).status_code == 303
    assert len(f"{COOKIE}={browser.cookies[COOKIE]}") < 4096


@pytest.mark.parametrize("text", STRINGS, ids=named)
def test_the_tenants_name_is_a_text(graph: tuple[Wire, GraphDirectory], text: Text) -> None:
    """Whatever the tenant is called: one clean line, which storage can hold."""
    body = {"value": [{"id": ANN, "displayName": text.given, "verifiedDomains": [{"name": text.given}]}]}
    wire, directory = graph
    wire.answer = always(json.dumps(body).encode(), {})
    info = directory.tenant_info(CONNECTION)
    assert info.name == (text.kept or text.given[:LONGEST].strip())
    json.dumps(info, ensure_ascii=False).encode()


@pytest.mark.parametrize("text", STRINGS, ids=named)
def test_what_a_caller_sends_is_taken_or_refused_by_name(world: World, caller: Caller, text: Text) -> None:
    """In every text of a body, as a value and as a key: 2xx or 422 and never an error of ours."""
    connection, person = world.connect(), object_id(1)
    world.directory.tenant(TENANT)
    if not world.services.people.page(connection.scope, [""], "", 1)[0]:
        world.people(connection.scope)
    base = f"{API}/connections/{connection.id}"
    quoted = json.dumps(text.given, ensure_ascii=False)
    rules = [{"target": "extra", "value": "jobTitle", "on_null": "default", "default": text.given}]
    conditions = [{"attribute": "department", "operator": "in", "values": ["x", text.given]}]
    scope = {"chosen": {"everyone": True}, "filters": conditions}
    calls: list[tuple[str, str, Any]] = [
        ("POST", f"{API}/accounts", {"address": text.given, "name": text.given}),
        ("POST", f"{API}/accounts", {"address": "new@contoso.example", "name": text.given, "employee_id": text.given}),
        ("POST", f"{API}/accounts", {text.given: text.given}),
        ("PUT", f"{base}/settings", {"mapping": rules}),
        ("PUT", f"{base}/settings", {"mapping": [{"target": text.given, "value": "jobTitle"}]}),
        ("PUT", f"{base}/settings", {"mapping": [{"target": "extra", "value": text.given}]}),
        (
            "PUT",
            f"{base}/settings",
            {"mapping": [{"target": "extra", "value": quoted}]},
        ),
        ("PUT", f"{base}/settings", {"scope": scope}),
        ("PUT", f"{base}/settings", {"scope": {**scope, "domains": [text.given]}}),
        ("PUT", f"{base}/settings", {"audience": {"groups": [text.given]}}),
        ("PUT", f"{base}/settings", {text.given: 1}),
        ("POST", f"{base}/mapping/preview", {"people": [text.given or "x"], "mapping": rules}),
        ("PATCH", f"{base}/people/{person}", {"fields": {"department": text.given}}),
        ("PATCH", f"{base}/people/{person}", {"fields": {text.given: "x"}}),
    ]
    for method, path, body in calls:
        version = caller.get(f"{base}/settings").headers["etag"]
        sent = {"content": json.dumps(body), "headers": {"Content-Type": "application/json", "If-Match": version}}
        answer = caller.request(method, path, **sent)
        assert answer.status_code in {200, 201, 409, 422}, (path, body, answer.text)
        json.loads(answer.content.decode())
        told = caller.get(f"{base}/settings")
        assert told.status_code == 200
        if answer.status_code == 200 and path.endswith("/settings") and body.get("mapping") == rules:
            assert told.json()["mapping"][0]["default"] == text.given


@pytest.mark.parametrize(
    "text", [one for one in STRINGS if one.kept and len(one.given.encode(errors="replace")) <= LONGEST], ids=named
)
def test_who_decides_about_a_hold_or_a_mail(text: Text) -> None:
    """Under any subject: told to the letter, in the file of holds as well; half a character is nobody's."""
    world = World()
    connection = world.connect()
    world.hold(connection, ["Ann Ross"])
    world.mail(connection, 1, MailState.DUE)
    base, admin = f"{API}/connections/{connection.id}", Caller(world)
    odd = Caller(world, sub=text.given)
    mail = f"{base}/mails/{object_id(1)}.1/cancel"
    hold = f"{base}/holds/{'h' * 16}/reject"
    if "\ud800" in text.given:
        assert {odd.post(path).status_code for path in (mail, hold)} == {401}
        return
    assert {odd.post(path).status_code for path in (mail, hold)} == {200}
    subject = text.given.strip()
    assert [one["by"] for one in admin.get(f"{base}/mails").json()["items"]] == [subject]
    assert [one["decided_by"] for one in admin.get(f"{base}/holds").json()["items"]] == [subject]
    file = admin.get(f"{base}/holds", params={"format": "csv"}).content.decode("utf-8-sig")
    (row,) = csv.DictReader(io.StringIO(file, newline=""))
    assert plain(row["decided_by"]) == subject


@pytest.mark.parametrize("text", STRINGS, ids=named)
def test_a_message_carries_every_text(text: Text) -> None:
    """Packed, on a queue and back: equal, one line of ASCII, and within what a queue takes."""
    change = UserChange(ANN, 7, ChangeKind.PATCH, properties(text.given, "a@b.example"))
    body = encode(ChangesMessage("c" * 32, 1, "run", 0, "", "inline", pack([change])))
    assert body.isascii()
    assert body.isprintable()
    assert len(body) <= LARGEST
    found = decode("changes", body)
    assert isinstance(found, ChangesMessage)
    assert unpack(found.changes) == [change]
