"""From the bytes of delta pages to decisions, one core, no I/O; beside msgraph-sdk's typed delta of the same bytes."""

from __future__ import annotations

import time

from kiota_serialization_json.json_parse_node_factory import JsonParseNodeFactory
from msgraph.generated.users.delta.delta_get_response import DeltaGetResponse

from sync.adapters.graph.decode import decode_page
from sync.core.decide import decide, new_account_id, wanted_address
from sync.core.decision import Claim, Context
from sync.core.delta import read_page
from sync.core.mapping import select_of
from sync.core.merge import fold_page, merge_person
from sync.core.model import PersonRecord
from sync.core.scope import Policy
from sync.core.sync_settings import SyncSettings
from tests.bench.crowd import BASE, PAGE, page_bytes
from tests.bench.figures import Figure

PEOPLE, TYPED_PEOPLE = 20_000, 600
SELECT = select_of(SyncSettings())


def run() -> list[Figure]:
    """Reading alone, and reading with merging and deciding."""
    pages = [page_bytes("users", number, PEOPLE) for number in range(PEOPLE // PAGE)]
    reading = min(_reading(pages) for _ in range(3))
    deciding = min(_deciding(pages) for _ in range(2))
    typed = _typed(pages[: TYPED_PEOPLE // PAGE])
    bare = TYPED_PEOPLE / typed
    return [
        Figure(
            "reading delta pages",
            PEOPLE / reading,
            "people/s",
            bare,
            "msgraph-sdk's typed delta",
            typed_ratio(PEOPLE / reading, bare),
            note="bytes to changes, one core",
        ),
        Figure(
            "reading, merging and deciding a first import",
            PEOPLE / deciding,
            "people/s",
            bare,
            "msgraph-sdk's typed delta, without any deciding",
            typed_ratio(PEOPLE / deciding, bare),
            note="bytes to the rows to write, one core",
        ),
    ]


def typed_ratio(ours: float, bare: float) -> float:
    """How many times as fast."""
    return ours / bare


def _reading(pages: list[bytes]) -> float:
    began = time.process_time()
    for body in pages:
        read_page(decode_page(body), "users", BASE, "", order=1, full=True, select=SELECT)
    return time.process_time() - began


def _deciding(pages: list[bytes]) -> float:
    context = Context(Policy(SyncSettings()), "2026-03-02T08:00:00.000Z", first=True)
    began = time.process_time()
    for body in pages:
        page = read_page(decode_page(body), "users", BASE, "", order=1, full=True, select=SELECT)
        pairs = []
        for change in fold_page(page.users):
            stored = PersonRecord(change.object_id)
            pairs.append((stored, merge_person(stored, change)))
        claims = {
            merged.object_id: Claim(granted=True, account_id=new_account_id("scope", merged.object_id))
            for _, merged in pairs
            if wanted_address(merged, context.policy)
        }
        decide(pairs, claims, context)
    return time.process_time() - began


def _typed(pages: list[bytes]) -> float:
    factory = JsonParseNodeFactory()
    began = time.process_time()
    for body in pages:
        node = factory.get_root_parse_node("application/json", body)
        answer = node.get_object_value(DeltaGetResponse)
        assert len(answer.value or []) == PAGE
    return time.process_time() - began
