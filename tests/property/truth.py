"""Whether what is stored, told and certified is what it should be once everything has settled.

`differences` compares a connection with its tenant and answers with sentences; none means that they agree.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from itertools import pairwise
from typing import Any

from shared.clock import parse_iso
from sync.core.connection import ConnectionState
from sync.core.decide import new_account_id, pinned
from sync.core.mapping import select_of
from sync.core.model import AccountState, Hand, MailMark, PersonRecord, Presence, Reason
from sync.core.runs import MailState, Outcome
from sync.core.sync_settings import FieldRule
from sync.usecases import settings_change
from sync.usecases.standstill import QUEUED
from tests.fakes.engine import Tenanted
from tests.property import mapped
from tests.property.projection import OUT, address, aliases, chosen, large, told, why_not
from tests.property.steady import Steady, put_back

# What nobody goes on with is looked for every ten minutes, and told by how long it has stood still.
SWEPT = QUEUED + timedelta(minutes=10)
FINAL = {MailState.SENT, MailState.REFUSED, MailState.NEEDS_REVIEW, MailState.CANCELLED}


def differences(connection: Tenanted) -> list[str]:
    """Every way in which a connection differs from its tenant, for stories in which nothing was undone."""
    return Comparison(connection, Steady()).differences()


class Comparison:
    """One connection beside its tenant. `steady` knows what undoing left."""

    def __init__(self, connection: Tenanted, steady: Steady) -> None:
        self.connection = connection
        self.tenant = connection.tenant
        self.records = connection.people
        self.settings = connection.connection.settings
        self._addresses = connection.addresses
        self._steady = steady
        self._rules = _every_rule(connection)

    def differences(self) -> list[str]:
        """Every way in which what is stored is not what it should be."""
        return [*self._whole(), *self._people(), *self._groups(), *self._mails()]

    def _whole(self) -> Iterator[str]:
        connection = self.connection
        yield from self._under_way()
        if connection.connection.state is not ConnectionState.CONNECTED:
            yield f"the connection is {connection.connection.state}"
        if connection.connection.problem is not None:
            yield f"a problem is left: {connection.connection.problem.code}"
        if connection.holds:
            yield f"{len(connection.holds)} holds are left"
        if connection.engine.queue.waiting():
            yield f"messages are left: {connection.engine.queue.waiting()}"
        if connection.connection.settled_version != self.settings.version:
            yield "the settings are not settled"
        if unread := settings_change.unread(connection.engine.services, connection.view, self.settings):
            yield f"{unread} were never read"

    def _under_way(self) -> Iterator[str]:
        connection = self.connection
        if connection.view.reader.revisit_run:
            yield "a revisit is still under way"
        if connection.view.reader.pass_run:
            yield "a full pass is still under way"
        now = connection.engine.clock.now()
        for run in connection.runs:
            if run.kind == "pull" and now - parse_iso(run.touched_at) < SWEPT:
                continue  # whoever was killed before handing its changes out had them read again, by another run
            if run.outcome is Outcome.RUNNING:
                yield f"run {run.id} ({run.kind}, {run.cause}) does not end"

    # --- people --------------------------------------------------------------------------------------------------

    def _people(self) -> Iterator[str]:
        for object_id in self.tenant.people:
            person, record = self.tenant.person(object_id), self.records.get(object_id)
            if record is None:
                if person is not None:
                    yield f"{object_id} is not stored"
                continue
            yield from (f"{object_id} {text}" for text in self._person(person, record))
        for object_id in self.records.keys() - self.tenant.people.keys():
            yield f"{object_id} is stored and nobody the directory knows"

    def _person(self, person: dict[str, Any] | None, record: PersonRecord) -> Iterator[str]:
        if (record.presence is Presence.PRESENT) is not (person is not None):
            yield f"is stored as {record.presence}"
        for former, later in pairwise((*record.formerly, record.object_id)):
            if not self._ever_at(former) & self._ever_at(later):
                yield f"is told to have been {former}, who never had an address of {later}"
        if person is not None and large(person):
            if record.account_state is AccountState.NONE and record.reason is Reason.OK:
                yield "is more than a row holds and says nothing of it"
            return  # whatever account there is stays as it was
        if person is not None:
            yield from self._source(person, record)
        if pinned(record):
            yield from self._pinned(record)
        elif record.hand is Hand.BLOCKED:
            yield from self._blocked(person, record)
        else:
            yield from self._followed(person, record)

    def _source(self, person: dict[str, Any], record: PersonRecord) -> Iterator[str]:
        """S13: what Entra says, to the letter, of what is selected; and the memberships."""
        source = {name: value for name, value in record.source.items() if name != "manager"}
        if source != (right := told(person, select_of(self.settings))):
            yield f"is told as {source}, not {right}"
        if record.source.get("manager", "") != self.tenant.manager_of(record.object_id):
            yield f"has the manager {record.source.get('manager')}"
        groups = {group for group, order in record.memberships.items() if order > 0}
        groups &= {*self.tenant.present_groups()}  # others keep their members, and give them nothing
        if groups != self.tenant.groups_of(record.object_id):
            yield f"is in {groups}, not {self.tenant.groups_of(record.object_id)}"

    def _pinned(self, record: PersonRecord) -> Iterator[str]:
        put = self._steady.pinned_as(self.connection, record.object_id)
        if put is None or put_back(put) != put_back(record):
            yield f"is {put_back(record)} and was put back as {put and put_back(put)}"

    def _blocked(self, person: dict[str, Any] | None, record: PersonRecord) -> Iterator[str]:
        if record.account_state is AccountState.NONE:
            return
        if (record.account_state, record.reason) != (AccountState.INACTIVE, Reason.ADMIN):
            yield f"is blocked by hand and {record.account_state} ({record.reason})"
        if person is not None:
            yield from self._fields(person, record)

    def _followed(self, person: dict[str, Any] | None, record: PersonRecord) -> Iterator[str]:
        reason = why_not(self.connection, record.object_id, judged=record.judged)
        has = record.account_state is not AccountState.NONE
        if record.hand is Hand.KEPT and has:
            if record.account_state is not AccountState.ACTIVE:
                yield f"is kept by hand and {record.account_state}"
            if person is not None:
                yield from self._employee(person, record)
        elif reason in OUT:
            if record.account_state is AccountState.ACTIVE:
                yield f"is {reason} and has an active account"
        elif reason is Reason.OK and person is not None:
            yield from self._employee(person, record)
        if person is not None and not has and reason is not Reason.OK and record.reason is not reason:
            yield f"has no account because of {record.reason}, not {reason}"

    def _employee(self, person: dict[str, Any], record: PersonRecord) -> Iterator[str]:
        wanted = address(person)
        taken = wanted != record.address and self._rightly_held(wanted, record)
        has = record.account_state is not AccountState.NONE
        unclear = not has and self._nobody_can_say(person, record)  # no account, so no address either
        if wanted and wanted != record.address and not taken and not unclear:
            yield f"holds {record.address!r}, not {wanted}, which is {self._addresses.get(wanted)}"
        if not has:
            if not taken and not unclear:
                yield f"should have an account and has none ({record.reason}, {record.conflict_with})"
            elif record.reason is not Reason.ADDRESS_CONFLICT:
                yield f"has no account because of {record.reason}, not a conflict"
            return
        if record.account_state is not AccountState.ACTIVE:
            yield f"should have an active account and is {record.account_state} ({record.reason})"
            return
        if record.audience is not chosen(self.connection, record.object_id, self.settings.audience):
            yield f"is{'' if record.audience else ' not'} in the audience"
        yield from self._fields(person, record)

    def _fields(self, person: dict[str, Any], record: PersonRecord) -> Iterator[str]:
        versions = [version.properties for version in self.tenant.people[record.object_id]]
        plain = [{name: value for name, value in one.items() if value is not None} for one in versions]
        right = mapped.fields(self.settings, person, record.own, mapped.once(self._rules, plain))
        right["email"] = {record.address}
        right["manager"] = {self.tenant.manager_of(record.object_id)}
        for name in right.keys() | record.fields.keys():
            text = record.fields.get(name, "")
            if text not in right.get(name, {""}):
                yield f"has {text!r} as {name}, not {right.get(name)}"

    def _ever_at(self, object_id: str) -> set[str]:
        """Every address that somebody ever had in the directory."""
        versions = [version.properties for version in self.tenant.people[object_id]]
        return {address({name: value for name, value in one.items() if value is not None}) for one in versions} - {""}

    # --- addresses and accounts ----------------------------------------------------------------------------------

    def _rightly_held(self, wanted: str, record: PersonRecord) -> bool:
        """Whether somebody else holds an address and may keep it: an account made by hand that this person could not
        be linked to, or a person who is still there and has no other address.
        """
        holder = self._addresses.get(wanted)
        if holder is None:
            return False
        if not holder.scope:
            return record.account_state is not AccountState.NONE or self.settings.matching[0] != "address"
        if holder.object_id == record.object_id:
            return False
        other, theirs = self.tenant.person(holder.object_id), self.records[holder.object_id]
        if other is None:  # who is gone keeps nothing from others, though an admin kept or blocked the account
            return False
        if large(other) or theirs.hand is not Hand.NONE or pinned(theirs):
            return large(other) or theirs.address == wanted  # an admin keeps the account, or it claims no other
        return address(other) == wanted or (theirs.address == wanted and address(other) == "")

    def _nobody_can_say(self, person: dict[str, Any], record: PersonRecord) -> bool:
        """Whether accounts made by hand match a person in a way that is another's, or no more than a guess."""
        accounts = self._by_hand()
        if "employee_id" in self.settings.matching and (number := person.get("employeeId")):
            for account in accounts:
                theirs = account.linked_person not in {"", record.object_id}
                if account.employee_id == number and theirs:
                    return self._still_there(account.linked_person)
        known = [one for one in accounts if not one.linked_person and one.address in aliases(person)]
        return "alias" in self.settings.matching and len(known) > 1

    def _still_there(self, object_id: str) -> bool:
        record = self.records.get(object_id)
        kept = record is not None and (record.hand is not Hand.NONE or pinned(record))
        return kept or self.tenant.person(object_id) is not None

    def _by_hand(self) -> list[Any]:
        accounts = self.connection.engine.services.accounts
        return list(accounts.page(self.connection.connection.workspace, "", 1000)[0])

    # --- groups and mails ----------------------------------------------------------------------------------------

    def _groups(self) -> Iterator[str]:
        stored, tenant = self.connection.groups, self.tenant
        for object_id, group in stored.items():
            if group.presence is Presence.PRESENT and object_id not in tenant.present_groups():
                yield f"group {object_id} is stored as present"
        for object_id in tenant.present_groups():
            found = stored.get(object_id)
            if found is None or found.presence is not Presence.PRESENT:
                yield f"group {object_id} is not stored as present"
                continue
            version = tenant.version_at("groups", object_id, tenant.at)
            if version is None or found.name != version.properties["displayName"]:
                yield f"group {object_id} is called {found.name}"
            parents = {parent for parent, order in found.parents.items() if order > 0} & {*tenant.present_groups()}
            if parents != tenant.groups_of(object_id):
                yield f"group {object_id} is in {parents}, not {tenant.groups_of(object_id)}"
            people = self._members(object_id)
            if found.members != people:
                yield f"group {object_id} counts {found.members} members, not {people}"

    def _members(self, group: str) -> int:
        """As Moxso goes by them: whoever an undo put back into their groups counts there, and who is more than a row
        holds counts as before.
        """
        direct = {member for member in self.tenant.members_of(group) if self.tenant.kinds[member] == "user"}
        return sum(group in self._groups_kept(one, direct, group) for one in self.tenant.present_people())

    def _groups_kept(self, object_id: str, direct: set[str], group: str) -> frozenset[str]:
        record = self.records.get(object_id)
        if record is not None and (record.pin is not None or large(self.tenant.person(object_id) or {})):
            return record.groups
        return frozenset({group}) if object_id in direct else frozenset()

    def _mails(self) -> Iterator[str]:
        mails: dict[str, list[MailState]] = {}
        for mail in self.connection.mails:
            mails.setdefault(mail.object_id, []).append(mail.state)
        for object_id, record in self.records.items():
            states = mails.get(object_id)
            if record.account_id != new_account_id(self.connection.scope, object_id) and states is None:
                continue  # the mark came with the account of somebody who came back under another object id
            if record.mail is MailMark.CLAIMED and (states is None or not set(states) <= FINAL):
                yield f"{object_id} was to be mailed and the mails are {states}"
            if record.mail is not MailMark.CLAIMED and states is not None:
                yield f"{object_id} was mailed and is marked {record.mail!r}"


def _every_rule(connection: Tenanted) -> list[FieldRule]:
    """Every field rule that was ever saved for this tenant, in this connection or an earlier one."""
    services = connection.engine.services
    rules: dict[FieldRule, None] = {}
    for view in services.connections.list(connection.connection.workspace):
        versions, _ = settings_change.history(services, view.connection, "", 1000)
        rules |= {
            rule: None for version in versions for rule in version.settings.mapping if rule.value in mapped.MEANING
        }
    return list(rules)
