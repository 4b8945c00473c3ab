"""The `Directory` port: delta pages, head count, tenant, permissions, single people."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from kiota_abstractions.method import Method

from shared.errors import Defect, Transient
from sync.adapters.graph.client import GraphClient
from sync.adapters.graph.decode import NotJson, decode_object, decode_page
from sync.core.attributes import MANAGER, is_directory_extension
from sync.core.connection import Connection
from sync.core.delta import MalformedPage, check_link, guid, read_page, read_user
from sync.core.health import Verdict, classify, needs_admin, to_error
from sync.core.mapping import GROUP_SELECT, select_of
from sync.core.model import FeedName, Page, UserChange
from sync.core.text import clean
from sync.ports import CursorExpired, TenantInfo

BATCH = 20  # requests in a $batch at most (microsoft-facts §4)
_BULK = {"x-ms-throttle-priority": "low"}  # dropped first when a tenant is throttled: others there work by hand


class GraphDirectory:
    """Reads one tenant at a time; safe to use from several threads."""

    def __init__(self, client: GraphClient) -> None:
        self._client = client

    def read_page(
        self,
        connection: Connection,
        feed: FeedName,
        cursor: str,
        *,
        order: int,
        full: bool,
        select: Sequence[str] = (),
    ) -> Page:
        """One delta page; see the port."""
        base = self._base(connection)
        named = select_of(connection.settings)
        select = select or named
        wanted = select if feed == "users" else GROUP_SELECT
        try:
            url = check_link(cursor, feed, base) if cursor else f"{base}/v1.0/{feed}/delta?$select={','.join(wanted)}"
        except MalformedPage as error:
            raise Defect(f"a stored cursor: {error}") from error
        answer = self._client.call(connection, Method.GET, url, headers=_BULK if full else None)
        if cursor and classify(answer.status, answer.code) is Verdict.CURSOR_EXPIRED:
            raise CursorExpired
        if feed == "users" and _refuses_extension(answer.status, answer.code, named):
            raise needs_admin("attribute_refused")
        self._client.check(answer)
        try:
            return read_page(decode_page(answer.body), feed, base, cursor, order=order, full=full, select=select)
        except (MalformedPage, NotJson) as error:
            raise Transient(f"malformed page: {error}") from error

    def count_people(self, connection: Connection) -> int:
        """Users of the tenant, from /users/$count (plain text, sometimes with a byte order mark)."""
        url = f"{self._base(connection)}/v1.0/users/$count"
        headers = {"ConsistencyLevel": "eventual", "Accept": "text/plain"}
        answer = self._client.check(self._client.call(connection, Method.GET, url, headers=headers))
        text = answer.body.decode("utf-8-sig", "replace").strip()
        if not text.isascii() or not text.isdigit() or len(text) > 9:
            raise Transient("the head count is not a number")
        return int(text)

    def tenant_info(self, connection: Connection) -> TenantInfo:
        """Name and verified domains, the default one first; empty on a 403 (microsoft-facts §11)."""
        url = f"{self._base(connection)}/v1.0/organization?$select=id,displayName,verifiedDomains"
        answer = self._client.call(connection, Method.GET, url)
        if answer.status == 403:
            return TenantInfo("", ())
        data = decode_object(self._client.check(answer).body)
        values = data.get("value")
        first = values[0] if isinstance(values, list) and values and isinstance(values[0], dict) else {}
        return TenantInfo(clean(first.get("displayName")), _domains(first.get("verifiedDomains")))

    def granted_roles(self, connection: Connection) -> tuple[str, ...]:
        """Application permissions in a freshly minted token, sorted."""
        self._client.tokens.forget(connection)
        return self._client.tokens.roles(connection)

    def fetch_people(
        self, connection: Connection, object_ids: Sequence[str], *, order: int, select: Sequence[str] = ()
    ) -> Mapping[str, UserChange | None]:
        """Object id -> the person as Entra has them now, from batches of single reads."""
        select = select or select_of(connection.settings)
        return {
            object_id: None if body is None else read_user(body, object_id, order, select)
            for object_id, body in self._single_reads(connection, "users", object_ids, select)
        }

    def find_groups(self, connection: Connection, object_ids: Sequence[str]) -> Mapping[str, bool]:
        """Object id -> whether Entra has the group now."""
        reads = self._single_reads(connection, "groups", object_ids, ("id",))
        return {object_id: body is not None for object_id, body in reads}

    def _single_reads(
        self, connection: Connection, feed: FeedName, object_ids: Sequence[str], select: Sequence[str]
    ) -> Iterator[tuple[str, Mapping[str, Any] | None]]:
        """Each object's body, None for a 404; any other answer within a batch is an error of the whole call."""
        if any(guid(object_id) != object_id for object_id in object_ids):
            raise Defect("not an object id")
        query = f"$select={','.join(name for name in select if name != MANAGER)}"
        if MANAGER in select:  # a relation: in a delta selected, here expanded (microsoft-facts §11)
            query += f"&$expand={MANAGER}($select=id)"
        for start in range(0, len(object_ids), BATCH):
            batch = object_ids[start : start + BATCH]
            requests = [{"id": one, "method": "GET", "url": f"/{feed}/{one}?{query}"} for one in batch]
            url = f"{self._base(connection)}/v1.0/$batch"
            answer = self._client.call(connection, Method.POST, url, body={"requests": requests})
            responses = decode_object(self._client.check(answer).body).get("responses")
            told = responses if isinstance(responses, list) else []
            found = dict(self._single_read(response, select) for response in told)
            if found.keys() != set(batch):
                raise Transient("malformed batch")
            yield from found.items()

    def _single_read(self, response: object, select: Sequence[str]) -> tuple[str, Mapping[str, Any] | None]:
        if not isinstance(response, dict) or not isinstance(status := response.get("status"), int):
            raise Transient("malformed batch")
        object_id, body = str(response.get("id")), response.get("body")
        if status == 404:
            return object_id, None
        if _refuses_extension(status, _inner_code(response), select):
            raise needs_admin("attribute_refused")
        if status != 200:
            raise to_error(status, _inner_code(response), self._client.retry_after(_inner_headers(response)))
        if not isinstance(body, dict) or guid(body.get("id")) != object_id:
            raise Transient("malformed batch")
        return object_id, body

    def _base(self, connection: Connection) -> str:
        return self._client.endpoints(connection.cloud).graph


def _refuses_extension(status: int, code: str, select: Sequence[str]) -> bool:
    """Whether the answer may well be about a directory extension that nobody registered (any more) in the tenant:
    Microsoft does not say whether such a one is ignored or refused (microsoft-facts §1.2).
    """
    mistaken = status == 400 and classify(status, code) is Verdict.OUR_MISTAKE
    return mistaken and any(map(is_directory_extension, select))


def _domains(entries: object) -> tuple[str, ...]:
    named = [
        (not entry.get("isDefault"), name)
        for entry in (entries if isinstance(entries, list) else [])
        if isinstance(entry, dict) and (name := clean(entry.get("name")).lower())
    ]
    return tuple(name for _, name in sorted(named, key=lambda pair: pair[0]))


def _inner_code(response: Mapping[str, Any]) -> str:
    body = response.get("body")
    error = body.get("error") if isinstance(body, dict) else None
    return str(error.get("code", "")) if isinstance(error, dict) else ""


def _inner_headers(response: Mapping[str, Any]) -> Mapping[str, str]:
    headers = response.get("headers")
    return {str(name): str(value) for name, value in headers.items()} if isinstance(headers, dict) else {}
