"""What must hold after every step, whatever was killed, doubled or reordered."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from datetime import timedelta

from shared.clock import parse_iso
from sync.core.connection import shards
from sync.core.counting import recount
from sync.core.decision import shown
from sync.core.model import AccountState, Action, ActivityEntry, Counts, PersonRecord, Reason
from sync.core.runs import Run
from tests.fakes.engine import Engine, Tenanted
from tests.property.steady import Steady

FLOOR, SHARE = 5, 10  # removals a day, or one in so many active accounts, whichever is more
DAY = timedelta(hours=24)


class Watchdog:
    """Looks at an engine and its connections; remembers what it saw."""

    def __init__(self, engine: Engine, connections: list[Tenanted]) -> None:
        self._engine = engine
        self._connections = connections
        self._orders: dict[tuple[str, str], int] = {}
        self._most: dict[str, int] = {}  # scope -> active accounts there ever were at once
        self._chosen_anew: set[str] = set()  # scopes that had other settings than the first
        self._judged: set[str] = set()  # who was ever judged to be nobody
        self.steady = Steady()

    def look(self) -> None:
        """Raise AssertionError for whatever must never be."""
        operations = Counter(mail.operation_id for mail in self._engine.mail_server.accepted)
        assert all(count == 1 for count in operations.values()), "somebody was mailed twice"
        assert not self._engine.poison, f"poison: {self._engine.poison} {self._engine.errors[-5:]}"
        queue = self._engine.queue
        assert queue.sent == sum(queue.ended.values()) + len(queue.waiting()), "messages are lost"
        for connection in self._connections:
            people = connection.people
            self._orders_grow(connection, people)
            self._counters_agree(connection, people)
            self._addresses_are_unique(people)
            self._tenants_stay_apart(connection, people)
            self._removals_are_few_and_founded(connection)
            self._every_change_is_told_once(connection, people)
            self.steady.look(connection)

    def _orders_grow(self, connection: Tenanted, people: dict[str, PersonRecord]) -> None:
        for object_id, record in people.items():
            key = (connection.id, object_id)
            assert record.order >= self._orders.get(key, 0), f"the order of {object_id} went back"
            self._orders[key] = record.order

    def _counters_agree(self, connection: Tenanted, people: dict[str, PersonRecord]) -> None:
        nobody = PersonRecord("")
        counted = recount(Counts(), [(nobody, record) for record in people.values()])
        assert connection.counts == counted, f"the counters say {connection.counts}, the rows {counted}"

    def _addresses_are_unique(self, people: dict[str, PersonRecord]) -> None:
        held = Counter(
            record.address
            for record in people.values()
            if record.account_state is AccountState.ACTIVE and record.address
        )
        assert all(count == 1 for count in held.values()), f"an address of two active accounts: {held}"
        accounts = Counter(record.account_id for record in people.values() if record.account_id)
        assert all(count == 1 for count in accounts.values()), "an account of two people"

    def _tenants_stay_apart(self, connection: Tenanted, people: dict[str, PersonRecord]) -> None:
        known = connection.tenant.kinds
        assert people.keys() <= known.keys(), "somebody of another tenant"
        assert connection.groups.keys() <= known.keys(), "a group of another tenant"
        for holder in connection.addresses.values():
            assert holder.scope in {"", connection.scope}, "an address held from another workspace"

    def _removals_are_few_and_founded(self, connection: Tenanted) -> None:
        services, settings = self._engine.services, connection.connection.settings
        if settings.version > 1 or any(record.judged for record in connection.people.values()):
            self._chosen_anew.add(connection.scope)
        taken_back = {run.id for run in connection.runs if run.cause == "undo"}
        self._judged |= {one for one, record in connection.people.items() if record.judged == "not_a_person"}
        approved = {run.id for run in connection.runs if run.cause == "approval"}
        by_hand = {run.id for run in connection.runs if _by_hand(run)}
        every = shards(connection.connection.digits)
        when = []
        for activity, _ in services.people.activity(connection.scope, every, limit=10_000):
            for entry in activity.entries:
                if entry.action is not Action.DEACTIVATE or activity.run in taken_back:
                    continue  # who undoes a run has seen it, and puts back whatever was
                if entry.reason is not Reason.ADMIN:
                    versions = connection.tenant.people[entry.object_id]
                    if entry.reason is Reason.OUT_OF_SCOPE:
                        assert self._may_leave_scope(connection), f"{entry.object_id} left a scope of everybody"
                    assert entry.reason is Reason.OUT_OF_SCOPE or any(
                        version.removed
                        or version.properties.get("accountEnabled") is False
                        or version.properties.get("userType") == "Guest"
                        for version in versions
                    ), f"{entry.object_id} was deactivated without a reason"
                    if activity.run in by_hand:
                        asked = _hand_changed(entry) or entry.object_id in self._judged
                        assert asked, f"{entry.object_id} was edited by hand and taken out"
                    elif activity.run not in approved:
                        when.append(parse_iso(activity.at))
        when.sort()
        active = sum(record.account_state is AccountState.ACTIVE for record in connection.people.values())
        most = self._most[connection.scope] = max(active, self._most.get(connection.scope, 0))
        for first, last in zip(when, when[max(FLOOR, most // SHARE) :], strict=False):
            assert last - first >= DAY, "more removals in a day than the guard allows"

    def _every_change_is_told_once(self, connection: Tenanted, people: dict[str, PersonRecord]) -> None:
        """Invariant S26: whoever follows a person's entries, each from where the last one ended, comes to the account
        as it is; so none is missing and none is there twice. And every entry has its run, which tells the cause.
        """
        every, runs = shards(connection.connection.digits), {run.id for run in connection.runs}
        trail = self._engine.services.people.trail(connection.scope, every, "", 100_000)
        told: dict[str, Mapping[str, str]] = {}
        for activity, _ in sorted(trail, key=lambda one: one[1].split("/")[1:], reverse=True):  # as they were committed
            assert activity.run in runs, "an entry without its run"
            for entry in activity.entries:
                before, after = _account(entry.before), _account(entry.after)
                last = told.get(entry.object_id, {})
                assert before == last, f"{entry.object_id} was {last} and is told as {before}"
                told[entry.object_id] = after
        for object_id, record in people.items():
            last = told.get(object_id, {})
            assert shown(record) == last, f"{object_id} is {shown(record)} and was told as {last}"

    def _may_leave_scope(self, connection: Tenanted) -> bool:
        """Whether there is a way out of scope at all: other settings than the first, or somebody became a guest."""
        guests = any(
            version.properties.get("userType") == "Guest"
            for versions in connection.tenant.people.values()
            for version in versions
        )
        return guests or connection.scope in self._chosen_anew


def _account(told: Mapping[str, str]) -> Mapping[str, str]:
    """What an entry always tells; groups, the admin's own fields and the account's id only where they change."""
    return {name: text for name, text in told.items() if name not in {"groups", "own", "account"}}


def _hand_changed(entry: ActivityEntry) -> bool:
    """Whether an act blocked, kept or let go; whoever is only edited is not taken out by that."""
    return entry.before.get("by_hand") != entry.after.get("by_hand")


def _by_hand(run: Run) -> bool:
    """Whether an admin did it to an account; synchronising one person, which the guard does see, reads somebody."""
    return run.kind == "act" and not run.read
