"""Connecting a tenant: what binds it, and everything that must not."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest

from shared.errors import Conflict, NeedsAdmin, SyncError, Transient
from sync.core.connection import Cloud, Connection, ConnectionState
from sync.core.health import REMEDIES, needs_admin
from sync.core.messages import PassMessage, PullMessage
from sync.core.model import FeedName
from sync.core.signing import seal_state
from sync.ports import TenantInfo
from sync.usecases import connect, disconnect
from sync.usecases.services import Services
from tests.fakes.engine import Engine
from tests.fakes.sign_in import FakeSignIn, query_of

CONTOSO, FABRIKAM = (f"{digit * 8}-0000-4000-8000-000000000000" for digit in "12")
ACME, OTHER = "acme", "other-workspace"
ANN, BOB = "ann-sub", "bob-sub"
WAITING, READY = ConnectionState.AWAITING_CONSENT, ConnectionState.AWAITING_START


class World:
    """The product in memory, and two tenants."""

    def __init__(self) -> None:
        self.engine = Engine()
        self.sign_in = FakeSignIn(CONTOSO)
        self.services: Services = replace(self.engine.services, sign_in=self.sign_in)
        self.contoso = self.engine.directory.tenant(CONTOSO)
        self.engine.directory.tenant(FABRIKAM)

    def begin(self, workspace: str = ACME, subject: str = ANN) -> tuple[str, str]:
        """Press Connect: the connection's id and the state that went to Microsoft."""
        begun = connect.begin(self.services, workspace, workspace.title(), subject, Cloud.DEFAULT)
        return begun.connection_id, query_of(begun.consent_url)["state"]

    def consent(self, state: str, workspace: str = ACME, subject: str = ANN, **query: str) -> str:
        """Come back from consent: the state of the sign-in that follows."""
        given = {"admin_consent": "True", "tenant": CONTOSO, "state": state, **query}
        return query_of(connect.consented(self.services, workspace, subject, given))["state"]

    def prove(self, state: str, workspace: str = ACME, subject: str = ANN, **query: str) -> str:
        """Come back from signing in: the connection to show."""
        return connect.signed_in(self.services, workspace, subject, {"code": state, "state": state, **query})

    def connect(self, workspace: str = ACME, subject: str = ANN, tenant: str = CONTOSO) -> Connection:
        """The whole way."""
        self.sign_in.tenant_id = tenant
        _, state = self.begin(workspace, subject)
        return self.stored(self.prove(self.consent(state, workspace, subject, tenant=tenant), workspace, subject))

    def stored(self, connection_id: str) -> Connection:
        """The connection as it is."""
        view = self.services.connections.load(connection_id)
        assert view is not None
        return view.connection

    def messages(self) -> list[object]:
        """Everything on the queues."""
        return [delivery.message for delivery in self.engine.queue.waiting()]


@pytest.fixture
def world() -> World:
    """Nothing is connected."""
    return World()


def refused(code: str, work: Callable[[], object]) -> None:
    """It is refused with this code and its remedy."""
    with pytest.raises(NeedsAdmin) as caught:
        work()
    assert (caught.value.code, caught.value.remedy) == (code, REMEDIES[code])


def test_a_tenant_is_connected(world: World) -> None:
    """Consent, sign-in and proof: bound, named, ready to start, and its first pass on the way."""
    connection = world.connect()
    assert (connection.state, connection.tenant_id, connection.epoch) == (READY, CONTOSO, 1)
    assert (connection.tenant_name, connection.digits) == ("Contoso", 0)
    assert connection.roles == ("GroupMember.Read.All", "User.Read.All")
    assert (connection.waiting_since, connection.problem, connection.created_by) == ("", None, ANN)
    assert world.messages() == [PassMessage(connection.id, 1, cause="first")]


def test_an_id_begins_with_the_workspaces_key(world: World) -> None:
    """32 hex characters that say where the rows are."""
    first, _ = world.begin()
    second, _ = world.begin()
    other, _ = world.begin(OTHER)
    assert len(first) == 32
    assert first[:12] == second[:12] != other[:12]


def test_the_claimed_tenant_is_never_believed(world: World) -> None:
    """Whoever claims Contoso and signs in at Fabrikam gets neither."""
    world.sign_in.tenant_id = FABRIKAM
    connection_id, state = world.begin()
    sign_in = world.consent(state, tenant=CONTOSO)
    refused("other_tenant", lambda: world.prove(sign_in))
    assert world.stored(connection_id).tenant_id == ""
    assert world.messages() == []


@pytest.mark.parametrize(
    "tenant",
    ["", "common", "organizations", "contoso.com", "9188040d-6c67-4c5b-b112-36a304b66dad", f"{CONTOSO},{FABRIKAM}"],
)
def test_a_claim_that_is_no_tenant(world: World, tenant: str) -> None:
    """The hint must be a tenant's id, and not the one of private accounts."""
    _, state = world.begin()
    refused("answer_invalid", lambda: world.consent(state, tenant=tenant))


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ({"error": "access_denied", "error_description": "AADSTS65004: declined"}, "consent_declined"),
        ({"error": "consent_required", "error_description": "AADSTS65004"}, "consent_declined"),
        ({"error": "access_denied", "error_description": "AADSTS90094: admin only"}, "admin_needed"),
        ({"error": "server_error", "error_description": "<script>alert(1)</script>"}, "consent_failed"),
        ({"admin_consent": "False"}, "answer_invalid"),
        ({"admin_consent": ""}, "answer_invalid"),
    ],
)
def test_an_error_is_seen_before_anything_else(world: World, query: dict[str, str], code: str) -> None:
    """`admin_consent=True` and a tenant are there in errors too; nothing of Microsoft's words is shown."""
    _, state = world.begin()
    refused(code, lambda: world.consent(state, **query))
    refused("state_invalid", lambda: world.consent(state))  # used up


def test_a_state_is_good_once(world: World) -> None:
    """The second use of either state is refused."""
    _, state = world.begin()
    sign_in = world.consent(state)
    refused("state_invalid", lambda: world.consent(state))
    world.prove(sign_in)
    refused("state_invalid", lambda: world.prove(sign_in))


def test_a_state_is_good_for_ten_minutes(world: World) -> None:
    """Each of the two."""
    _, state = world.begin()
    world.engine.clock.advance(timedelta(minutes=10, seconds=1))
    refused("state_invalid", lambda: world.consent(state))
    _, state = world.begin()
    sign_in = world.consent(state)
    world.engine.clock.advance(timedelta(minutes=10, seconds=1))
    refused("state_invalid", lambda: world.prove(sign_in))


@pytest.mark.parametrize(("workspace", "subject"), [(OTHER, ANN), (ACME, BOB), (OTHER, BOB)])
def test_a_state_is_good_for_who_began(world: World, workspace: str, subject: str) -> None:
    """Another admin or workspace cannot use it, and it is used up by the attempt."""
    _, state = world.begin()
    refused("state_invalid", lambda: world.consent(state, workspace, subject))
    refused("state_invalid", lambda: world.consent(state))
    _, state = world.begin()
    sign_in = world.consent(state)
    refused("state_invalid", lambda: world.prove(sign_in, workspace, subject))
    refused("state_invalid", lambda: world.prove(sign_in))


def test_a_state_is_good_for_its_own_step(world: World) -> None:
    """A consent state opens no sign-in, and a sign-in state no consent."""
    _, state = world.begin()
    refused("state_invalid", lambda: world.prove(state))
    sign_in = world.consent(state)
    refused("state_invalid", lambda: world.consent(sign_in))


@pytest.mark.parametrize("state", ["", "x", "0" * 64, "0" * 64 + "." + "A" * 43])
def test_a_guessed_state_is_refused(world: World, state: str) -> None:
    """What we did not sign is not even looked for."""
    world.begin()
    refused("state_invalid", lambda: world.consent(state))
    unknown = seal_state(world.services.settings.signing_keys[0], "0" * 64)
    refused("state_invalid", lambda: world.consent(unknown))


@pytest.mark.parametrize(
    ("error", "code"), [(needs_admin("sign_in_failed"), "sign_in_failed"), (needs_admin("not_admin"), "not_admin")]
)
def test_a_sign_in_that_proves_nothing(world: World, error: SyncError, code: str) -> None:
    """The refusal of the sign-in is the refusal of the connection."""
    connection_id, state = world.begin()
    world.sign_in.error = error
    refused(code, lambda: world.prove(world.consent(state)))
    assert world.stored(connection_id).state is WAITING


def test_a_sign_in_that_was_cancelled_or_incomplete(world: World) -> None:
    """No code, no proof."""
    _, state = world.begin()
    refused("sign_in_declined", lambda: world.prove(world.consent(state), error="access_denied"))
    _, state = world.begin()
    refused("answer_invalid", lambda: world.prove(world.consent(state), code=""))


def test_a_tenant_belongs_to_one_workspace(world: World) -> None:
    """The second workspace is refused, and the first one's connection is as it was."""
    first = world.connect()
    second = world.connect(OTHER, BOB)
    assert second.problem is not None
    assert (second.problem.code, second.tenant_id, second.state) == ("tenant_taken", "", WAITING)
    assert world.stored(first.id) == first


def test_two_admins_at_once_make_one_connection(world: World) -> None:
    """Both go the whole way at the same time: one of the two connections is bound."""
    _, one = world.begin(ACME, ANN)
    _, two = world.begin(ACME, BOB)
    world.contoso.roles = ()
    first = world.prove(world.consent(one))
    second = world.prove(world.consent(two, subject=BOB), subject=BOB)
    world.contoso.roles = ("GroupMember.Read.All", "User.Read.All")
    connect.prove_waiting(world.services, first)
    connect.prove_waiting(world.services, second)
    assert world.stored(first).state is READY
    problem = world.stored(second).problem
    assert problem is not None
    assert problem.code == "already_connected"


def test_consent_may_take_its_time(world: World) -> None:
    """Microsoft's three phases: nothing but waiting, until it works."""
    world.engine.faults.fail_next("directory.granted_roles", needs_admin("consent_missing"), times=3)
    connection = world.connect()
    assert (connection.state, connection.tenant_id) == (WAITING, CONTOSO)
    assert connection.waiting_since
    for _ in range(2):
        world.engine.clock.advance(5)
        connect.prove_waiting(world.services, connection.id)
    assert world.stored(connection.id).state is WAITING
    world.contoso.roles = ()
    connect.prove_waiting(world.services, connection.id)
    world.contoso.roles = ("GroupMember.Read.All", "User.Read.All")
    world.engine.faults.fail_next("directory.read_page", needs_admin("permission_missing"))
    connect.prove_waiting(world.services, connection.id)
    assert world.stored(connection.id).problem is None
    assert connect.prove_waiting(world.services, connection.id) == world.stored(connection.id)
    assert world.stored(connection.id).state is READY


@pytest.mark.parametrize(
    ("roles", "error", "code"),
    [
        ((), None, "roles_missing"),
        (("User.Read.All",), None, "roles_missing"),
        ((), needs_admin("consent_missing"), "consent_not_spread"),
    ],
)
def test_waiting_ends_after_ten_minutes(
    world: World, roles: tuple[str, ...], error: SyncError | None, code: str
) -> None:
    """Then the page says why; trying again waits again, and succeeds when the consent is there."""
    world.contoso.roles = roles
    connection = world.connect()
    world.engine.clock.advance(timedelta(minutes=10))
    if error is not None:
        world.engine.faults.fail_next("directory.granted_roles", error)
    connect.prove_waiting(world.services, connection.id)
    late = world.stored(connection.id)
    assert late.problem is not None
    assert (late.problem.code, late.waiting_since, late.state) == (code, "", WAITING)
    world.contoso.roles = ("GroupMember.Read.All", "User.Read.All")
    assert connect.try_again(world.services, late).state is READY


@pytest.mark.parametrize("feed", ["users", "groups"])
def test_what_the_sync_will_read_is_read_before_it_is_connected(world: World, feed: FeedName) -> None:
    """Token and roles look right and a feed answers 403: not connected, whatever the token promised."""
    world.contoso.refusals[feed] = needs_admin("permission_missing")
    connection = world.connect()
    assert (connection.state, connection.epoch, world.messages()) == (WAITING, 0, [])
    world.engine.clock.advance(timedelta(minutes=10))
    connect.prove_waiting(world.services, connection.id)
    late = world.stored(connection.id)
    assert late.problem is not None
    assert late.problem.code == "consent_not_spread"
    world.contoso.refusals.clear()
    assert connect.try_again(world.services, late).state is READY


@pytest.mark.parametrize("code", ["app_disabled", "tenant_gone", "wrong_cloud", "blocked_by_policy"])
def test_what_waiting_cannot_mend_is_said_at_once(world: World, code: str) -> None:
    """No ten minutes of hope."""
    world.engine.faults.fail_next("directory.granted_roles", needs_admin(code))
    problem = world.connect().problem
    assert problem is not None
    assert problem.code == code


def test_microsoft_being_busy_says_nothing_about_the_consent(world: World) -> None:
    """A transient fault neither proves nor refuses, however late."""
    world.engine.faults.fail_next("directory.granted_roles", Transient("429"))
    connection = world.connect()
    world.engine.clock.advance(timedelta(minutes=30))
    world.engine.faults.fail_next("directory.count_people", Transient("503"))
    connect.prove_waiting(world.services, connection.id)
    assert world.stored(connection.id).problem is None
    connect.prove_waiting(world.services, connection.id)
    assert world.stored(connection.id).state is READY


def test_the_page_and_the_timer_may_prove_at_once(world: World) -> None:
    """The one whose write loses sees the winner's result, and the pass begins once."""
    world.contoso.roles = ()
    connection = world.connect()
    world.contoso.roles = ("GroupMember.Read.All", "User.Read.All")
    world.engine.faults.fail_next("connections.save", Conflict("lost"))
    seen = connect.prove_waiting(world.services, connection.id)
    assert seen is not None
    assert seen.state is WAITING
    connect.prove_waiting(world.services, connection.id)
    connect.prove_waiting(world.services, connection.id)
    assert world.stored(connection.id).epoch == 1
    assert len(world.messages()) == 1


def test_proving_what_does_not_wait_changes_nothing(world: World) -> None:
    """Unknown, not consented, or connected already."""
    assert connect.prove_waiting(world.services, "0" * 32) is None
    connection_id, _ = world.begin()
    connect.prove_waiting(world.services, connection_id)
    assert world.stored(connection_id).state is WAITING
    refused("state_invalid", lambda: connect.try_again(world.services, world.stored(connection_id)))


def test_connecting_again_renews_the_consent_of_what_is_connected(world: World) -> None:
    """The same workspace and tenant: the present connection is shown and looked at, nothing new is bound."""
    first = world.connect()
    _, state = world.begin()
    assert world.prove(world.consent(state)) == first.id
    pulls = [message for message in world.messages() if isinstance(message, PullMessage)]
    assert [(pull.connection, pull.feed) for pull in pulls] == [(first.id, "users"), (first.id, "groups")]
    assert world.stored(first.id) == first


def test_a_tenant_may_come_back(world: World) -> None:
    """After disconnecting, connecting again makes a new connection with a higher epoch and the same shards."""
    for _ in range(5000):
        world.contoso.hire()
    first = world.connect()
    assert first.digits == 1
    view = world.services.connections.load(first.id)
    assert view is not None
    ended = disconnect.run(world.services, view)
    for object_id in list(world.contoso.people):
        world.contoso.hard_delete(object_id)
    second = world.connect()
    assert second.id != first.id
    assert second.epoch > ended.epoch
    assert (second.digits, second.scope) == (1, first.scope)


def test_a_disconnect_that_was_killed_does_not_block_the_tenant(world: World) -> None:
    """The tenant is still bound to a connection that is disconnected: connecting frees it."""
    first = world.connect()
    world.services.connections.save(replace(first, state=ConnectionState.DISCONNECTED))
    second = world.connect()
    assert (second.state, second.epoch) == (READY, 2)


def test_a_tenant_that_may_not_tell_its_name_is_called_by_its_domain(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The domain that most people sign in with; onmicrosoft.com only where there is no other."""
    monkeypatch.setattr(world.engine.directory, "tenant_info", lambda _: TenantInfo("", ()))
    usual, own, guest = "{}@Contoso.example", "{}@contoso.onmicrosoft.com", "{}_x.example#EXT#@contoso.onmicrosoft.com"
    for number, form in enumerate([usual, own, own, own, guest, usual, "no address"]):
        world.contoso.hire(userPrincipalName=form.format(f"p{number}"))
    assert world.connect().tenant_name == "contoso.example"


def disconnecting(world: World) -> Connection:
    """A connected tenant with a subscription, disconnected."""
    first = world.connect()
    world.services.subscriptions.create(first, "users", "state", world.engine.clock.now() + timedelta(days=1))
    view = world.services.connections.load(first.id)
    assert view is not None
    return disconnect.run(world.services, view)


def test_disconnecting_ends_everything_under_way(world: World) -> None:
    """Not live, a new epoch, no subscription left, the tenant free for any workspace."""
    ended = disconnecting(world)
    assert (ended.state, ended.live, ended.epoch) == (ConnectionState.DISCONNECTED, False, 2)
    assert world.services.subscriptions.list(ended) == ()
    assert world.connect(OTHER, BOB).state is READY


def test_disconnecting_twice_is_once(world: World) -> None:
    """The second press changes nothing."""
    ended = disconnecting(world)
    view = world.services.connections.load(ended.id)
    assert view is not None
    assert disconnect.run(world.services, view) == ended


def test_disconnecting_does_not_need_microsoft(world: World) -> None:
    """Subscriptions that cannot be removed end by themselves."""
    first = world.connect()
    world.engine.faults.fail_next("subscriptions.list", needs_admin("consent_missing"))
    view = world.services.connections.load(first.id)
    assert view is not None
    assert disconnect.run(world.services, view).state is ConnectionState.DISCONNECTED


def test_erasing_is_said_to_be_unavailable(world: World) -> None:
    """Not silently left out."""
    first = world.connect()
    view = world.services.connections.load(first.id)
    assert view is not None
    with pytest.raises(NeedsAdmin, match="erase_unavailable"):
        disconnect.run(world.services, view, erase=True)
