"""From settings as the product knows them to the API's shapes, and back."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, replace
from typing import Any

from sync.core.sync_settings import Chosen, FieldRule, Filter, Scope, SettingsVersion, SyncSettings
from sync.panel.api import settings_schemas as schemas
from sync.usecases.preview import FieldsOf, Kind, Preview


def settings(found: SyncSettings) -> schemas.SettingsShape:
    """Everything that was chosen."""
    return schemas.SettingsShape.model_validate(asdict(found))


def mapping(found: SyncSettings) -> schemas.MappingShape:
    """The field rules alone."""
    return schemas.MappingShape.model_validate({"mapping": [asdict(rule) for rule in found.mapping]})


def changed(present: SyncSettings, wanted: schemas.SettingsChange) -> SyncSettings:
    """The present settings with what was given in place of what was."""
    given: dict[str, Any] = {}
    for name in wanted.model_fields_set:
        value = getattr(wanted, name)
        if value is not None:
            given[name] = value
    if wanted.mapping is not None:
        given["mapping"] = rules(wanted.mapping)
    if wanted.scope is not None:
        given["scope"] = _scope(wanted.scope)
    if wanted.audience is not None:
        given["audience"] = _chosen(wanted.audience)
    if wanted.matching is not None:
        given["matching"] = tuple(wanted.matching)
    return replace(present, **given)


def rules(given: Sequence[schemas.FieldRuleShape]) -> tuple[FieldRule, ...]:
    """Field rules."""
    return tuple(FieldRule(one.target, one.value, one.apply, one.on_null, one.default) for one in given)


def preview(found: Preview) -> schemas.PreviewShape:
    """What settings would do."""
    kinds = ("added", "removed", "changed", "mailed", "audience_gained", "audience_lost", "conflicts")
    return schemas.PreviewShape(
        version=found.version,
        people=found.people,
        **{name: _kind(getattr(found, name)) for name in kinds},
        guard=schemas.GuardShape(held=found.guard.held, limit=found.guard.limit, used=found.guard.used),
        reads_again=found.reads_again,
        not_asked=found.unasked,
        samples=[fields(one) for one in found.samples],
    )


def fields(found: FieldsOf) -> schemas.FieldsShape:
    """One person's fields before and after."""
    return schemas.FieldsShape(
        object_id=found.object_id,
        name=found.name,
        before=dict(found.before),
        after=dict(found.after),
        reason=found.reason,
    )


def version(found: SettingsVersion) -> schemas.VersionShape:
    """One version."""
    return schemas.VersionShape(
        version=found.settings.version,
        saved_at=found.at,
        by=found.by or None,
        by_name=found.by_name or None,
        settings=settings(found.settings),
    )


def _kind(found: Kind) -> schemas.KindShape:
    people = [
        schemas.AffectedShape(
            object_id=one.object_id,
            name=one.name,
            reason=one.reason,
            rule=one.verdict.rule.value,
            detail=one.verdict.detail or None,
        )
        for one in found.people
    ]
    return schemas.KindShape(count=found.count, people=people)


def _scope(given: schemas.ScopeShape) -> Scope:
    filters = tuple(Filter(one.attribute, one.operator, tuple(one.values)) for one in given.filters)
    return Scope(_chosen(given.chosen), given.guests, given.disabled, tuple(given.domains), filters)


def _chosen(given: schemas.ChosenShape) -> Chosen:
    return Chosen(
        given.everyone,
        tuple(given.groups),
        tuple(given.people),
        tuple(given.excluded_groups),
        tuple(given.excluded_people),
    )
