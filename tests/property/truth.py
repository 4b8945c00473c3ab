"""What should be stored once everything has settled, written from the product's promises and not from its code.

`differences` compares a connection with its tenant and answers with sentences; none means that they agree.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from sync.core.connection import ConnectionState
from sync.core.decide import new_account_id
from sync.core.model import AccountState, Hand, MailMark, PersonRecord, Presence, Reason
from sync.core.runs import MailState
from sync.core.sync_settings import Chosen, Filter
from tests.fakes.engine import Tenanted
from tests.fakes.tenant import Tenant

FIELDS = {
    "given_name": "givenName",
    "family_name": "surname",
    "display_name": "displayName",
    "department": "department",
    "job_title": "jobTitle",
}
FINAL = {MailState.SENT, MailState.REFUSED, MailState.NEEDS_REVIEW, MailState.CANCELLED}


def address(person: dict[str, Any]) -> str:
    """Where a person can be written to: `mail`, else a username outside the tenant's own domain. The tests use
    nothing but well-formed addresses.
    """
    mail, username = str(person.get("mail", "")), str(person.get("userPrincipalName", ""))
    return mail.lower() or ("" if username.endswith(".onmicrosoft.com") else username.lower())


def members(tenant: Tenant, groups: tuple[str, ...]) -> set[str]:
    """Everybody in groups, by however many groups between; those that are deleted give nothing."""
    present, seen, found = {*tenant.present_groups()}, set[str](), set[str]()
    waiting = [group for group in groups if group in present]
    while waiting:
        group = waiting.pop()
        if group not in seen:
            seen.add(group)
            direct = tenant.members_of(group, at_all=True)
            found |= direct - tenant.groups.keys()
            waiting += direct & present
    return found


def kept_out(connection: Tenanted, groups: tuple[str, ...]) -> set[str]:
    """Everybody whom groups exclude. Those that are deleted go on excluding whoever was last known to be in them: that
    nobody can read any more but in what is stored.
    """
    stored, there = connection.groups, {*connection.tenant.present_groups()}
    below, waiting = set[str](), [*groups]
    while waiting:
        group = waiting.pop()
        if group not in below:
            below.add(group)
            waiting += [child for child, record in stored.items() if record.parents.get(group, 0) > 0]
    by_gone = {one for one, record in connection.people.items() if record.groups & below - there}
    return members(connection.tenant, (*groups, *(below & there))) | by_gone


def chosen(connection: Tenanted, object_id: str, choice: Chosen) -> bool:
    """Whether a choice takes somebody in: exclusion wins."""
    tenant = connection.tenant
    if object_id in {*choice.excluded_people, *kept_out(connection, choice.excluded_groups)}:
        return False
    return choice.everyone or object_id in {*choice.people, *members(tenant, choice.groups)}


def why_not(connection: Tenanted, object_id: str) -> Reason:
    """Why somebody should have no active account; OK when they should."""
    person, scope = connection.tenant.person(object_id), connection.connection.settings.scope
    if person is None:
        return Reason.LEFT
    if person.get("userType") == "Guest" and not scope.guests:
        return Reason.GUEST
    domain = address(person).rpartition("@")[2]
    elsewhere = scope.domains and domain not in {"", *scope.domains}
    filtered = not all(_passes(person, condition) for condition in scope.filters)
    if elsewhere or filtered or not chosen(connection, object_id, scope.chosen):
        return Reason.OUT_OF_SCOPE
    return _unfinished(person, disabled=scope.disabled)


def _unfinished(person: dict[str, Any], *, disabled: bool) -> Reason:
    """What somebody in scope lacks for an account."""
    if person.get("accountEnabled") is False and not disabled:
        return Reason.DISABLED
    if "accountEnabled" not in person:
        return Reason.UNKNOWN
    if not address(person):
        return Reason.NO_ADDRESS
    return Reason.OK if person.get("displayName") else Reason.NO_NAME


def _passes(person: dict[str, Any], condition: Filter) -> bool:
    """The two kinds of filter that the tests save."""
    value = str(person.get(condition.attribute, "")).lower()
    return bool(value) and (condition.operator == "present" or value.startswith(condition.values[0].lower()))


def differences(connection: Tenanted) -> list[str]:
    """Every way in which what is stored is not what it should be."""
    return [*_whole(connection), *_people(connection), *_groups(connection), *_mails(connection)]


def _whole(connection: Tenanted) -> Iterator[str]:
    if connection.connection.state is not ConnectionState.CONNECTED:
        yield f"the connection is {connection.connection.state}"
    if connection.connection.problem is not None:
        yield f"a problem is left: {connection.connection.problem.code}"
    if connection.view.reader.revisit_run:
        yield "a revisit is still under way"
    if connection.view.reader.pass_run:
        yield "a full pass is still under way"
    if connection.holds:
        yield f"{len(connection.holds)} holds are left"
    if connection.engine.queue.waiting():
        yield f"messages are left: {connection.engine.queue.waiting()}"


def _people(connection: Tenanted) -> Iterator[str]:
    records = connection.people
    for object_id in connection.tenant.people:
        person = connection.tenant.person(object_id)
        record = records.get(object_id)
        if record is None:
            if person is not None:
                yield f"{object_id} is not stored"
            continue
        yield from (f"{object_id} {text}" for text in _person(connection, records, person, record))
    for object_id in records.keys() - connection.tenant.people.keys():
        yield f"{object_id} is stored and nobody the directory knows"


def _person(
    connection: Tenanted, records: dict[str, PersonRecord], person: dict[str, Any] | None, record: PersonRecord
) -> Iterator[str]:
    reason = why_not(connection, record.object_id)
    has = record.account_state is not AccountState.NONE
    if record.hand is Hand.BLOCKED or (record.hand is Hand.KEPT and has):
        wanted = AccountState.ACTIVE if record.hand is Hand.KEPT else AccountState.INACTIVE
        if has and record.account_state is not wanted:
            yield f"is {record.hand} by hand and {record.account_state}"
        return
    if (record.presence is Presence.PRESENT) is not (person is not None):
        yield f"is stored as {record.presence}"
    if reason in {Reason.LEFT, Reason.GUEST, Reason.DISABLED, Reason.OUT_OF_SCOPE}:
        if record.account_state is AccountState.ACTIVE:
            yield f"is {reason} and has an active account"
    elif reason is Reason.OK and person is not None:
        yield from _employee(connection, records, person, record)
    if person is None:
        return
    if record.account_state is AccountState.NONE and reason is not Reason.OK and record.reason is not reason:
        yield f"has no account because of {record.reason}, not {reason}"
    groups = record.groups & {*connection.tenant.present_groups()}  # others keep their members, and give them nothing
    if groups != connection.tenant.groups_of(record.object_id):
        yield f"is in {set(groups)}, not {connection.tenant.groups_of(record.object_id)}"


def _employee(
    connection: Tenanted, records: dict[str, PersonRecord], person: dict[str, Any], record: PersonRecord
) -> Iterator[str]:
    wanted = address(person)
    taken = wanted != record.address and _rightly_held(connection, records, wanted, record)
    if wanted != record.address and not taken:
        yield f"holds {record.address!r}, not {wanted}, which is {connection.addresses.get(wanted)}"
    if record.account_state is AccountState.NONE and taken:
        if record.reason is not Reason.ADDRESS_CONFLICT:
            yield f"has no account because of {record.reason}, not a conflict"
        return
    if record.account_state is not AccountState.ACTIVE:
        yield f"should have an active account and is {record.account_state} ({record.reason})"
        return
    if record.audience is not chosen(connection, record.object_id, connection.connection.settings.audience):
        yield f"is{'' if record.audience else ' not'} in the audience"
    expected = {ours: person[theirs] for ours, theirs in FIELDS.items() if theirs in person}
    if manager := connection.tenant.manager_of(record.object_id):
        expected["manager"] = manager
    if record.address:
        expected["email"] = record.address
    if dict(record.fields) != expected:
        yield f"has the fields {dict(record.fields)}, not {expected}"


def _rightly_held(connection: Tenanted, records: dict[str, PersonRecord], wanted: str, record: PersonRecord) -> bool:
    """Whether somebody else holds an address and may keep it: an account made by hand that this person could no
    longer be linked to, or a person who is still there and has no other address.
    """
    holder = connection.addresses.get(wanted)
    if holder is None:
        return False
    if not holder.scope:
        return record.account_state is not AccountState.NONE
    other = connection.tenant.person(holder.object_id)
    held = records[holder.object_id].address == wanted
    if other is None:  # who is gone keeps nothing from others, though an admin kept or blocked the account
        return False
    if records[holder.object_id].hand is not Hand.NONE:
        return held  # an admin keeps the account, or it is blocked and claims no other
    return holder.object_id != record.object_id and held and address(other) in {"", wanted}


def _groups(connection: Tenanted) -> Iterator[str]:
    stored, tenant = connection.groups, connection.tenant
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
        people = sum(tenant.kinds[member] == "user" for member in tenant.members_of(object_id))
        if found.members != people:
            yield f"group {object_id} counts {found.members} members, not {people}"


def _mails(connection: Tenanted) -> Iterator[str]:
    mails = {mail.object_id: mail for mail in connection.mails}
    for object_id, record in connection.people.items():
        mail = mails.get(object_id)
        if record.account_id != new_account_id(connection.scope, object_id) and mail is None:
            continue  # the mark came with the account of somebody who came back under another object id
        if record.mail is MailMark.CLAIMED and (mail is None or mail.state not in FINAL):
            yield f"{object_id} was to be mailed and the mail is {mail and mail.state}"
        if record.mail is not MailMark.CLAIMED and mail is not None:
            yield f"{object_id} was mailed and is marked {record.mail!r}"
