"""Who should have an account, be in the audience and be in which group: written from the product's promises and not
from its code, over what the tenants really hold.
"""

from __future__ import annotations

from typing import Any

from sync.core.model import Reason
from sync.core.sync_settings import Chosen, Filter
from tests.fakes.engine import Tenanted
from tests.fakes.tenant import Tenant
from tests.property.world import LARGE

EXTENSIONS = "onPremisesExtensionAttributes"
OUT = frozenset({Reason.LEFT, Reason.GUEST, Reason.DISABLED, Reason.OUT_OF_SCOPE})


def address(person: dict[str, Any]) -> str:
    """Where a person can be written to: `mail`, else a username outside the tenant's own domain. The tests use
    nothing but well-formed addresses.
    """
    mail, username = str(person.get("mail", "")), str(person.get("userPrincipalName", ""))
    return mail.lower() or ("" if username.endswith(".onmicrosoft.com") else username.lower())


def aliases(person: dict[str, Any]) -> set[str]:
    """Other addresses of a person."""
    found = {entry[5:] for entry in person.get("proxyAddresses", ()) if entry.startswith("smtp:")}
    return found - {address(person)}


def large(person: dict[str, Any]) -> bool:
    """Whether somebody is more than a row holds."""
    return person.get("department") == LARGE


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
    """Whether a choice takes somebody in: exclusion wins. Who was made again goes on being named by the object id they
    had before (docs/matching.md); that it was theirs is `truth.py`'s to check.
    """
    record = connection.people.get(object_id)
    names = {object_id, *(record.formerly if record is not None else ())}
    if names & {*choice.excluded_people} or object_id in kept_out(connection, choice.excluded_groups):
        return False
    return choice.everyone or bool(names & {*choice.people}) or object_id in members(connection.tenant, choice.groups)


def why_not(connection: Tenanted, object_id: str, *, judged: str = "") -> Reason:
    """Why somebody should have no active account; OK when they should. `judged` is what the admin answered to the
    suggestion that this is nobody.
    """
    person, scope = connection.tenant.person(object_id), connection.connection.settings.scope
    if person is None:
        return Reason.LEFT
    if judged == "not_a_person":
        return Reason.OUT_OF_SCOPE
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
    named = any(person.get(name) for name in ("displayName", "givenName", "surname"))
    return Reason.OK if named else Reason.NO_NAME


def _passes(person: dict[str, Any], condition: Filter) -> bool:
    """The filters that the tests save; null is false."""
    holder = person.get(EXTENSIONS) or {} if condition.attribute.startswith("extensionAttribute") else person
    value, wanted = str(holder.get(condition.attribute) or "").lower(), [one.lower() for one in condition.values]
    if condition.operator == "present":
        return bool(value)
    if condition.operator == "starts_with":
        return bool(value) and value.startswith(wanted[0])
    return bool(value) and value in wanted


def told(person: dict[str, Any], select: tuple[str, ...]) -> dict[str, Any]:
    """What should be stored of a person: what is selected and set, extension attributes beside the others."""
    found: dict[str, Any] = {}
    for name, value in person.items():
        if name == EXTENSIONS and name in select:
            found |= {key: text for key, text in value.items() if text is not None}
        elif name in select:
            found[name] = value
    return found
