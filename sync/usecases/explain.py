"""Why a person stands as they do, and what synchronising them now would do. The same decision as everywhere, over what
is stored and over what Entra says at this moment; nothing is written, not even what could be computed for good.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Literal, NamedTuple

from shared.clock import iso
from shared.errors import NeedsAdmin, Transient
from sync.core.connection import Connection, ConnectionView, FeedState
from sync.core.decide import decide_one, wanted_address
from sync.core.decision import Context, Decision
from sync.core.eligibility import eligibility
from sync.core.mapping import unread
from sync.core.merge import merge_person
from sync.core.model import (
    Action,
    ChangeKind,
    FeedName,
    GroupRecord,
    MailMark,
    PersonRecord,
    Presence,
    Reason,
    UserChange,
)
from sync.core.nesting import Nesting
from sync.core.person import name_of
from sync.core.runs import Hold, Mail
from sync.core.scope import Policy, Rule, Verdict, in_audience, in_scope
from sync.core.sync_settings import Chosen
from sync.usecases import claims, history, lease, reaching
from sync.usecases.history import Happening
from sync.usecases.one_person import stored as stored_person
from sync.usecases.services import Services

HAPPENED = 5  # entries that are told
MailDecision = Literal["claimed", "baseline", "will_be_mailed", "had_account", "switched_off", "no_account"]


class Answer(StrEnum):
    """What Entra said when it was asked for the object by id."""

    FOUND = "found"
    NOT_FOUND = "not_found"
    NOT_ASKED = "not_asked"


class Unknown(Exception):
    """Neither Entra nor the store has it."""


class Named(NamedTuple):
    """A group, a person or an account as it is called."""

    object_id: str
    name: str


class Judged(NamedTuple):
    """A verdict, with the chain of groups from the chosen (or excluded) one down to the person's own."""

    verdict: Verdict
    path: Sequence[Named] = ()


@dataclass(frozen=True, slots=True)
class Why:
    """Everything a decision about this person goes by, and what it comes to."""

    answer: Answer
    unanswered: str  # why Entra could not be asked; empty where it was
    stored: PersonRecord | None
    told: PersonRecord  # with what Entra says now, where it was asked
    as_of: str  # when the feed was last read to its end, ISO or empty
    scope: Judged
    audience: Judged
    eligibility: Reason
    now: Decision  # over what is stored
    then: Decision  # over what Entra says now: what synchronising would do, the guard permitting
    rival: Named | None  # who has the address, in a conflict
    hold: Hold | None
    mail: Mail | None
    mail_decision: MailDecision
    groups: Sequence[Named]
    happened: Sequence[Happening]  # newest first


def person(services: Services, view: ConnectionView, object_id: str) -> Why:
    """Explain one person. Raises Unknown; Transient when the person is not stored and Entra cannot be asked."""
    connection = view.connection
    stored = stored_person(services, connection, object_id)
    answer, unanswered, change = _ask(services, view, object_id, stored)
    if stored is None and answer is not Answer.FOUND:
        if answer is Answer.NOT_FOUND:
            raise Unknown
        raise Transient(unanswered)
    before = stored or PersonRecord(object_id)
    told = before if change is None else merge_person(before, change)
    groups = _groups(services, connection, told)
    policy = _policy(services, view, groups)
    then = _decided(services, connection, before, told, policy)
    scope = connection.settings.scope.chosen
    return Why(
        answer,
        unanswered,
        stored,
        told,
        as_of(view, "users"),
        _judged(in_scope(told, policy), told, scope, groups),
        _judged(in_audience(told, policy), told, connection.settings.audience, groups),
        eligibility(told, policy),
        _decided(services, connection, before, before, policy),
        then,
        _rival(services, connection, then.after.conflict_with),
        _hold(services, connection, before.held),
        services.mails.get(connection.tenant_id, object_id, 1) if told.mail is MailMark.CLAIMED else None,
        _mail_decision(told, then),
        named(sorted(told.groups), groups),
        history.activity(services, connection, history.Wanted(object_id), "", HAPPENED).happenings,
    )


def as_of(view: ConnectionView, feed: FeedName) -> str:
    """When the feed was last read to its end: what is stored is what Entra said then."""
    return view.reader.feeds.get(feed, FeedState()).pulled_at


def cannot_ask(services: Services, view: ConnectionView) -> str:
    """Why Entra is not to be asked now; empty where it may be."""
    if not view.connection.live:
        return "The connection does not read this tenant."
    return "Microsoft asked us to wait." if lease.pause(services, view.reader) else ""


def named(ids: Iterable[str], groups: Mapping[str, GroupRecord]) -> list[Named]:
    """Groups with their names; the id where there is none."""
    return [Named(one, (groups[one].name if one in groups else "") or one) for one in ids]


def chain(
    starts: Collection[str], roots: Collection[str], groups: Mapping[str, GroupRecord], *, gone: bool = False
) -> tuple[str, list[Named]]:
    """Of some groups the one that is nearest to one of the roots, and a shortest chain from there down to it; both
    empty where none is below any. Of several the first by ids. Exclusion goes by groups that are `gone` too.
    """
    nesting = Nesting(groups.values())
    paths = filter(None, (nesting.path(one, roots, gone=gone) for one in starts))
    nearest = min(paths, key=lambda path: (len(path), path), default=())
    return (nearest[0] if nearest else ""), named(reversed(nearest), groups)


def _ask(
    services: Services, view: ConnectionView, object_id: str, stored: PersonRecord | None
) -> tuple[Answer, str, UserChange | None]:
    if reason := cannot_ask(services, view):
        return Answer.NOT_ASKED, reason, None
    order = lease.order_beside(view, stored)
    try:
        found = services.directory.fetch_people(view.connection, [object_id], order=order)[object_id]
    except Transient:
        return Answer.NOT_ASKED, "Microsoft did not answer just now.", None
    except NeedsAdmin as error:
        return Answer.NOT_ASKED, error.remedy, None
    if found is None:
        return Answer.NOT_FOUND, "", UserChange(object_id, order, ChangeKind.ABSENT, presence=Presence.ABSENT)
    return Answer.FOUND, "", found


def _groups(services: Services, connection: Connection, record: PersonRecord) -> Mapping[str, GroupRecord]:
    """Every group where scope or audience go by groups, for their nesting; else the person's own, for their names."""
    if connection.settings.names_groups:
        return services.groups.load(connection.scope)
    return services.groups.load(connection.scope, sorted(record.groups)) if record.groups else {}


def _policy(services: Services, view: ConnectionView, groups: Mapping[str, GroupRecord]) -> Policy:
    """What decisions follow, computed from the groups as they are now and kept nowhere."""
    settings = view.connection.settings
    missing = unread(settings, reaching.selected(view)) if view.connection.first_pass_done else frozenset[str]()
    return Policy(settings, reaching.foreseen(services, view.connection, settings, groups.values()), missing)


def _decided(
    services: Services, connection: Connection, before: PersonRecord, told: PersonRecord, policy: Policy
) -> Decision:
    wanted = wanted_address(told, policy)
    wants = {told.object_id: (wanted, told.account_id)} if wanted else {}
    foreseen = claims.foresee(services, connection, policy, wants, {told.object_id: told}) if wants else {}
    context = Context(policy, iso(services.clock.now()), not connection.first_pass_done)
    return decide_one(before, told, foreseen.get(told.object_id), context)


def _judged(verdict: Verdict, told: PersonRecord, choice: Chosen, groups: Mapping[str, GroupRecord]) -> Judged:
    """With the nearest of the person's groups as the one that decided: any of them would have."""
    match verdict.rule:
        case Rule.GROUP:
            group, path = chain(told.groups, choice.groups, groups)
        case Rule.EXCLUDED_GROUP:
            group, path = chain(told.groups, choice.excluded_groups, groups, gone=True)
        case Rule.LATELY_EXCLUDED:
            group, path = chain([verdict.detail], choice.excluded_groups, groups, gone=True)
        case _:
            return Judged(verdict)
    return Judged(verdict._replace(detail=group or verdict.detail), path)


def _rival(services: Services, connection: Connection, holder: str) -> Named | None:
    """Who has the address: a person of this directory, an account made by hand, or somebody of another directory."""
    if not holder:
        return None
    if len(holder) == 36 and (other := stored_person(services, connection, holder)) is not None:
        return Named(holder, name_of(other.source))
    account = services.accounts.get(connection.workspace, holder) if len(holder) != 36 else None
    return Named(holder, account.name if account else "")


def _hold(services: Services, connection: Connection, hold_id: str) -> Hold | None:
    holds = services.runs.holds(connection.scope) if hold_id else ()
    return next((hold for hold in holds if hold.id == hold_id), None)


def _mail_decision(told: PersonRecord, then: Decision) -> MailDecision:
    if told.mail is MailMark.CLAIMED:
        return "claimed"
    if told.mail is MailMark.BASELINE:
        return "baseline"
    if then.action is Action.LINK:
        return "had_account"
    if then.action is not Action.CREATE:
        return "no_account"
    if then.mail:
        return "will_be_mailed"
    return "baseline" if then.after.baseline else "switched_off"
