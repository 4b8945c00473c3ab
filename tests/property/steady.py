"""What may not move from one step to the next, and why not: compared with what was there before.

Where the truth depends on the way (a pin of an undo, a field set on create, what an admin did), the end alone cannot
say whether it is right. These checks follow the way.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import NamedTuple

from shared.clock import parse_iso
from sync.core.model import AccountState, PersonRecord
from sync.core.runs import Outcome
from sync.core.sync_settings import SyncSettings
from sync.usecases import certificate
from tests.fakes.engine import Tenanted


class Seen(NamedTuple):
    """How a connection stood at the last look."""

    at: datetime
    people: dict[str, PersonRecord]
    settings: SyncSettings
    acts: frozenset[str]  # runs that an admin caused
    acting: bool  # whether one of them is under way
    epoch: int
    fence: int
    frozen: dict[str, frozenset[str]]  # person -> groups, while these could not be read and nothing was on its way


class Steady:
    """Remembers how things stood, by scope."""

    def __init__(self) -> None:
        self._seen: dict[str, Seen] = {}
        self._pins: dict[tuple[str, str], PersonRecord] = {}
        self._certified: set[str] = set()

    def look(self, connection: Tenanted) -> None:
        """Raise AssertionError for whatever moved and should not have."""
        acts = [run for run in connection.runs if run.kind == "act"]
        view = connection.view
        now = Seen(
            connection.engine.clock.now(),
            connection.people,
            view.connection.settings,
            frozenset(run.id for run in acts),
            any(run.outcome is Outcome.RUNNING for run in acts),
            view.connection.epoch,
            view.reader.fence,
            self._memberships(connection),
        )
        before = self._seen.get(connection.id)
        if before is not None:
            self._order_of_truth(before, now)
            self._nobody_vanishes(connection, before, now)
            self._by_hand_alone(before, now)
            self._on_create_stays(before, now)
            self._groups_freeze(before, now)
        self._pins_hold(connection, now, acted=before is None or _acted(before, now))
        self._certificates_add_up(connection)
        self._seen[connection.id] = now

    def pinned_as(self, connection: Tenanted, object_id: str) -> PersonRecord | None:
        """The account as undoing left it."""
        return self._pins.get((connection.scope, object_id))

    def _order_of_truth(self, before: Seen, now: Seen) -> None:
        """S5: epochs and fences never fall."""
        assert now.epoch >= before.epoch, "the epoch went back"
        assert now.fence >= before.fence, "the fence went back"
        for record in now.people.values():
            assert record.order >> 44 <= now.epoch, f"{record.object_id} was written under an epoch to come"

    def _nobody_vanishes(self, connection: Tenanted, before: Seen, now: Seen) -> None:
        """S8: no row is ever deleted, no account given up but when it was inactive for as long as the admin chose,
        or by moving on to who the person is now; on the way there it is known by its address.
        """
        kept = timedelta(days=min(before.settings.purge_days, now.settings.purge_days))
        accounts = {record.account_id for record in now.people.values()}
        accounts |= {holder.account_id for holder in connection.addresses.values()}
        for object_id, record in before.people.items():
            assert object_id in now.people, f"{object_id} is no longer stored"
            inactive = record.account_state is AccountState.INACTIVE and now.at - parse_iso(record.since) >= kept
            known = not record.account_id or record.account_id in accounts
            assert known or inactive, f"the account of {object_id} is gone"

    def _by_hand_alone(self, before: Seen, now: Seen) -> None:
        """What an admin did by hand is changed by an act, never by synchronising."""
        if _acted(before, now):
            return
        for object_id, record in before.people.items():
            after = now.people[object_id]
            if record.account_id != after.account_id:
                continue  # it moved on to who the person is now, with what the admin did to it
            assert record.hand is after.hand, f"{object_id} was {record.hand!r} by hand"
            assert record.judged == after.judged, f"{object_id} was judged {record.judged!r}"
            assert record.own == after.own, f"{object_id} had fields of the admin's own"
            assert record.formerly == after.formerly, f"{object_id} has no other account and other former ids"

    def _on_create_stays(self, before: Seen, now: Seen) -> None:
        """A field that is mapped on create is left alone from then on."""
        if now.settings != before.settings or _acted(before, now):
            return
        targets = {rule.target for rule in now.settings.mapping if rule.apply == "on_create"}
        for object_id, record in before.people.items():
            after = now.people[object_id]
            if not record.account_id or record.account_id != after.account_id or record.pin or after.pin:
                continue
            for target in targets - after.own.keys():
                text, other = record.fields.get(target, ""), after.fields.get(target, "")
                assert text == other, f"{target} of {object_id} was {text!r} and is {other!r}"

    def _groups_freeze(self, before: Seen, now: Seen) -> None:
        """Without the right to groups nobody loses a membership."""
        for object_id in before.frozen.keys() & now.frozen.keys():
            lost = before.frozen[object_id] - now.frozen[object_id]
            assert not lost, f"{object_id} lost {lost} while groups could not be read"

    def _memberships(self, connection: Tenanted) -> dict[str, frozenset[str]]:
        reader = connection.view.reader
        if "groups" not in connection.tenant.refusals or reader.pass_run or connection.engine.queue.waiting():
            return {}
        return {
            object_id: frozenset(group for group, order in record.memberships.items() if order > 0)
            for object_id, record in connection.people.items()
        }

    def _pins_hold(self, connection: Tenanted, now: Seen, *, acted: bool) -> None:
        """An undone account stays as it was put, exactly as long as the directory says the same."""
        for object_id, record in now.people.items():
            key = (connection.scope, object_id)
            first = self._pins.get(key)
            if record.pin is None:
                self._pins.pop(key, None)
            elif first is None or first.pin != record.pin or acted or first.account_id != record.account_id:
                self._pins[key] = record
            else:
                told = (record.presence, dict(record.source), _edges(record))
                assert told == (first.presence, dict(first.source), _edges(first)), f"the pin of {object_id} is over"
                assert put_back(record) == put_back(first), f"{object_id} is pinned and was changed"

    def _certificates_add_up(self, connection: Tenanted) -> None:
        """Every certificate, whenever it was issued."""
        services = connection.engine.services
        for run in connection.runs:
            if run.kind != "pass" or run.outcome is not Outcome.COMPLETE or run.id in self._certified:
                continue
            found = certificate.read(services, connection.scope, run.id)
            if found is None:  # the worker was killed before: the next one makes it
                continue
            self._certified.add(run.id)
            counts = found.head["counts"]
            assert counts["listed"] == sum(counts[one] for one in ("eligible", "guests", "out_of_scope", "disabled"))
            assert counts["active"] == counts["eligible"] - counts["missing"] + counts["extra"]
            sides = [one.side for one in found.differences]
            assert (counts["missing"], counts["extra"]) == (sides.count("missing"), sides.count("extra"))
            bare = {name: value for name, value in found.head.items() if name != "sha256"}
            assert found.head["sha256"] == certificate.seal(found._replace(head=bare))


def _acted(before: Seen, now: Seen) -> bool:
    """Whether an admin's act may have changed people since: it takes its time, and may be killed on the way."""
    return before.acting or now.acting or bool(now.acts - before.acts)


def _edges(record: PersonRecord) -> frozenset[str]:
    return frozenset(group for group, order in record.memberships.items() if order > 0)


def put_back(record: PersonRecord) -> tuple[object, ...]:
    """What undoing puts back and a pin keeps."""
    fields = {name: text for name, text in record.fields.items() if name != "email"}  # a rival may be owed the address
    return record.account_state, record.reason, fields, record.audience and record.account_state is AccountState.ACTIVE
