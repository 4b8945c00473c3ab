"""Connections, people, groups and accounts as the API tells them."""

from __future__ import annotations

from collections.abc import Set as AbstractSet
from typing import Any

from shared.clock import iso, parse_iso
from sync.core.connection import Connection, ConnectionView
from sync.core.decide import pinned
from sync.core.model import FEEDS, AccountState, FeedName, GroupRecord, PersonRecord
from sync.core.person import address_of, name_of
from sync.core.sync_settings import SyncSettings
from sync.panel import words
from sync.panel.api.connection_schemas import (
    AnnouncedShape,
    ConnectionDetail,
    ConnectionShape,
    CountsShape,
    FreshnessShape,
    ProblemOfConnection,
    ProgressShape,
    SubscriptionShape,
    SurveyShape,
    UnfitGroupShape,
)
from sync.panel.api.directory_schemas import Account, AccountOfPerson, Group, Person, Recipient
from sync.ports import ManualAccount
from sync.usecases.overview import Overview
from sync.usecases.purge import purge_at


def connection(found: Connection) -> ConnectionShape:
    """A connection without what is counted."""
    return ConnectionShape(**_connection(found))


def detail(overview: Overview) -> ConnectionDetail:
    """A connection at a glance."""
    counts, progress, freshness = overview.counts, overview.progress, overview.freshness
    return ConnectionDetail(
        **_connection(overview.connection),
        counts=CountsShape(
            people=counts.people,
            active=counts.active,
            inactive=counts.inactive,
            skipped=dict(counts.skipped),
            groups=overview.groups,
        ),
        progress=None
        if progress is None
        else ProgressShape(
            stage=progress.stage,
            read=progress.read,
            parts=progress.parts,
            parts_done=progress.done,
            fraction=progress.fraction,
            seconds_left=progress.seconds_left,
        ),
        freshness=None
        if freshness is None
        else FreshnessShape(median_seconds=freshness.median, p95_seconds=freshness.p95, runs=freshness.runs),
        announced=AnnouncedShape(notified=overview.announced.notified, found=overview.announced.found),
        last_read_at=overview.last_read or None,
        silent_since=overview.silent_since or None,
        subscriptions=[_subscription(overview.view, feed) for feed in FEEDS],
        gone_groups=[
            UnfitGroupShape(**group._asdict(), sentence=words.gone_group(group)) for group in overview.unfit_groups.gone
        ],
        hidden_groups=[
            UnfitGroupShape(**group._asdict(), sentence=words.hidden_group(group))
            for group in overview.unfit_groups.hidden
        ],
        frozen_feeds=[feed for feed in FEEDS if (state := overview.view.reader.feeds.get(feed)) and state.frozen],
        last_change_at=overview.last_change or None,
        next_full_pass_at=overview.next_pass or None,
        holds_waiting=len(overview.holds),
    )


def person(record: PersonRecord, settings: SyncSettings, groups: AbstractSet[str]) -> Person:
    """A person with their account, and those of their groups that are there."""
    source, reason = record.source, record.told_reason
    return Person(
        object_id=record.object_id,
        name=name_of(record.source),
        presence=record.presence,
        mail=_text(source.get("mail")),
        user_principal_name=_text(source.get("userPrincipalName")),
        department=_text(source.get("department")),
        account=account(record),
        reason=reason,
        explanation=words.EXPLANATIONS[reason],
        since=record.since or None,
        purge_at=purge_at(record, settings) or None,
        conflict_with=record.conflict_with or None,
        held=record.held or None,
        onboarding_mail=record.mail,
        audience=record.audience,
        matched_by=record.matched_by,
        by_hand=record.hand,
        own_fields=dict(record.own),
        undone=pinned(record),
        group_ids=sorted(record.groups & groups),
    )


def recipient(record: PersonRecord, connection_id: str) -> Recipient:
    """Somebody of the audience."""
    return Recipient(
        account_id=record.account_id,
        connection_id=connection_id,
        object_id=record.object_id,
        name=record.fields.get("display_name", "") or name_of(record.source),
        address=record.address,
    )


def group(record: GroupRecord) -> Group:
    """A group."""
    source = record.source
    return Group(
        object_id=record.object_id,
        name=record.name,
        description=_text(source.get("description")),
        mail=_text(source.get("mail")),
        dynamic="DynamicMembership" in (source.get("groupTypes") or ()),
        hidden=record.hidden,
        members=record.members,
        parent_ids=sorted(parent for parent, order in record.parents.items() if order > 0),
    )


def manual_account(found: ManualAccount) -> Account:
    """An account made by hand and not linked."""
    return Account(
        id=found.account_id,
        source="manual",
        state=AccountState.ACTIVE,
        address=found.address,
        name=found.name,
        created_at=found.created_at,
        connection_id=None,
        object_id=None,
    )


def linked_account(record: PersonRecord, connection_id: str) -> Account:
    """The account of a person."""
    return Account(
        id=record.account_id,
        source=record.origin or "entra",
        state=record.account_state,
        address=record.address or None,
        name=record.fields.get("display_name") or name_of(record.source),
        created_at=None,
        connection_id=connection_id,
        object_id=record.object_id,
    )


def _connection(found: Connection) -> dict[str, Any]:
    survey = found.survey
    return {
        "id": found.id,
        "state": found.state,
        "cloud": found.cloud,
        "tenant_id": found.tenant_id or None,
        "tenant_name": found.tenant_name or None,
        "created_at": found.created_at,
        "connected_at": found.connected_at or None,
        "started_at": found.started_at or None,
        "waiting_since": found.waiting_since or None,
        "problem": None
        if found.problem is None
        else ProblemOfConnection(code=found.problem.code, remedy=found.problem.remedy, since=found.problem.since),
        "survey": None
        if survey is None
        else SurveyShape(
            people=survey.people,
            guests=survey.guests,
            disabled=survey.disabled,
            no_address=survey.no_address,
            duplicates=survey.duplicates,
            groups=survey.groups,
            would_create=survey.would_create,
            would_link=survey.would_link,
            would_link_by=dict(survey.would_link_by),
        ),
    }


def _subscription(view: ConnectionView, feed: FeedName) -> SubscriptionShape:
    subscription, refused = view.watch.subscriptions.get(feed), view.watch.refused.get(feed)
    return SubscriptionShape(
        feed=feed,
        status="active" if subscription else "refused" if refused else "none",
        expires_at=iso(parse_iso(subscription.expires_at)) if subscription else None,
        refused_at=refused or None,
    )


def account(record: PersonRecord) -> AccountOfPerson | None:
    """A person's account; None where there is none."""
    if record.account_state is AccountState.NONE:
        return None
    return AccountOfPerson(
        id=record.account_id,
        state=record.account_state,
        source=record.origin or "entra",
        address=record.address or address_of(record.source) or None,
        fields=dict(record.fields),
    )


def _text(value: object) -> str | None:
    return value if isinstance(value, str) and value else None
