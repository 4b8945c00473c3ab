"""People and groups asked for by their ids, twenty at a time, against the simulated cloud."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import pytest

from local.cloud.server import Cloud
from shared.errors import Defect, NeedsAdmin, SyncError, Transient
from sync.adapters.microsoft import Microsoft
from sync.core.connection import Connection
from sync.core.model import ChangeKind, FeedName
from sync.core.sync_settings import DEFAULT_MAPPING, FieldRule, SyncSettings
from tests.adapters.graph.reading import NOBODY, pages


def test_people_are_found_twenty_at_a_time(cloud: Cloud, microsoft: Microsoft, connection: Connection) -> None:
    """Present, soft-deleted and unknown ones, in two batches."""
    control, tenant = cloud.control, connection.tenant_id
    present = [control.create_user(tenant, displayName=f"P{number}") for number in range(24)]
    control.delete_user(tenant, present[3])
    found = microsoft.directory.fetch_people(connection, [*present, NOBODY], order=3)
    assert {object_id for object_id, person in found.items() if person is None} == {present[3], NOBODY}
    assert control.counts()["POST /$batch 200"] == 2


def test_groups_are_found_by_their_ids(cloud: Cloud, microsoft: Microsoft, connection: Connection) -> None:
    """A group that is there, a deleted one and an unknown one."""
    control, tenant = cloud.control, connection.tenant_id
    there, gone = (control.create_group(tenant, displayName=name) for name in ("Staff", "Former"))
    control.delete_group(tenant, gone)
    found = microsoft.directory.find_groups(connection, [there, gone, NOBODY])
    assert found == {there: True, gone: False, NOBODY: False}


def test_somebody_by_the_id_is_as_the_feed_tells(cloud: Cloud, microsoft: Microsoft, connection: Connection) -> None:
    """Every selected property and the manager, extension attributes flat: both ways give one and the same person."""
    control, tenant = cloud.control, connection.tenant_id
    boss = control.create_user(tenant, displayName="Boss")
    ann = control.create_user(
        tenant,
        displayName="Ann",
        jobTitle="Baker",
        accountEnabled=False,
        proxyAddresses=["SMTP:ann@x.example", "smtp:a@x.example"],
        onPremisesExtensionAttributes={"extensionAttribute3": "K3"},
        manager=boss,
    )
    value = 'first(extensionAttribute3, jobTitle, join(" ", businessPhones, employeeHireDate))'
    rules = (*DEFAULT_MAPPING, FieldRule("place", value))
    ours = replace(connection, settings=SyncSettings(mapping=rules, matching=("alias", "employee_id")))
    told: dict[str, dict[str, Any]] = {}
    for page in pages(microsoft, ours, "users"):
        for change in page.users:
            told.setdefault(change.object_id, {}).update(change.properties)
    found = microsoft.directory.fetch_people(ours, [ann, boss], order=9)
    for object_id in (ann, boss):
        person = found[object_id]
        assert person is not None
        assert (person.object_id, person.order, person.kind) == (object_id, 9, ChangeKind.SNAPSHOT)
        assert said(person.properties) == said(told[object_id])
    expected = {"displayName": "Ann", "jobTitle": "Baker", "accountEnabled": False, "manager": boss}
    expected |= {"extensionAttribute3": "K3", "proxyAddresses": ["SMTP:ann@x.example", "smtp:a@x.example"]}
    assert said(told[ann]).items() >= expected.items()


def said(properties: Mapping[str, Any]) -> dict[str, Any]:
    """What has a value: a single read tells null where the feed is silent, and an empty list is none."""
    return {name: value for name, value in properties.items() if value not in (None, [])}


@pytest.mark.parametrize(("status", "error"), [(429, Transient), (503, Transient), (403, NeedsAdmin)])
def test_an_error_within_a_batch_is_no_absence(
    cloud: Cloud, microsoft: Microsoft, connection: Connection, status: int, error: type[SyncError]
) -> None:
    """One inner 429 under an outer 200 fails the whole call, with its Retry-After."""
    ann, bob = (cloud.control.create_user(connection.tenant_id, displayName=name) for name in ("Ann", "Bob"))
    cloud.control.fault(f"GET /v1.0/users/{bob}", status=status, headers={"Retry-After": "9"})
    with pytest.raises(error) as caught:
        microsoft.directory.fetch_people(connection, [ann, bob], order=3)
    if isinstance(caught.value, Transient):
        assert caught.value.retry_after == 9.0


@pytest.mark.parametrize("object_id", ["", "../organization", "x' or 1 eq 1", NOBODY.upper()])
def test_what_is_no_object_id_is_not_asked_for(
    cloud: Cloud, microsoft: Microsoft, connection: Connection, object_id: str
) -> None:
    """It never becomes part of a URL."""
    with pytest.raises(Defect):
        microsoft.directory.fetch_people(connection, [object_id], order=3)
    assert cloud.control.requests() == []


@pytest.mark.parametrize("read", [pages, lambda port, ours, _: port.directory.fetch_people(ours, [NOBODY], order=3)])
def test_an_extension_that_the_tenant_does_not_have(
    cloud: Cloud, microsoft: Microsoft, connection: Connection, read: Callable[[Microsoft, Connection, FeedName], Any]
) -> None:
    """Where Graph refuses it, the admin is told to take it out of the settings; ignored, it is a value nobody has."""
    rule = FieldRule("place", f"extension_{'0f' * 16}_place")
    ours = replace(connection, settings=SyncSettings(mapping=(*DEFAULT_MAPPING, rule)))
    assert read(microsoft, ours, "users")
    cloud.control.behave(unregistered_extensions="refused")
    with pytest.raises(NeedsAdmin, match="attribute_refused"):
        read(microsoft, ours, "users")
    assert read(microsoft, connection, "users")
