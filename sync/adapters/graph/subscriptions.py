"""The `Subscriptions` port: the only thing we ever write in Graph (microsoft-facts §3.1, §3.5)."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import datetime

from kiota_abstractions.method import Method

from shared.clock import iso, parse_iso
from shared.errors import Defect, Transient
from sync.adapters.graph.client import GraphClient
from sync.adapters.graph.decode import decode_object
from sync.core.connection import Connection
from sync.core.health import needs_admin
from sync.core.model import FeedName
from sync.ports import RemoteSubscription

CHANGE_TYPES = "updated,deleted"  # `created` is not supported for users and groups: creation arrives as `updated`
PAGES = 20  # of the listing; an app may have 100 subscriptions in a tenant
_ID = re.compile(r"[A-Za-z0-9-]{1,64}")


class GraphSubscriptions:
    """Our subscriptions in one tenant at a time. `public_url` is where Graph reaches us."""

    def __init__(self, client: GraphClient, public_url: str) -> None:
        self._client = client
        self._public_url = public_url

    def create(
        self, connection: Connection, feed: FeedName, client_state: str, expires_at: datetime
    ) -> RemoteSubscription:
        """Create one; Graph calls both URLs back before it answers. A 403 is `subscription_refused`."""
        body = {
            "changeType": CHANGE_TYPES,
            "resource": feed,
            "notificationUrl": f"{self._public_url}/graph/notifications/{connection.id}",
            "lifecycleNotificationUrl": f"{self._public_url}/graph/lifecycle/{connection.id}",
            "expirationDateTime": iso(expires_at),
            "clientState": client_state,
            "latestSupportedTlsVersion": "v1_2",
        }
        answer = self._client.call(connection, Method.POST, self._url(connection), body=body)
        if answer.status == 403:
            raise needs_admin("subscription_refused")
        if answer.status == 400:  # most often: our own endpoint did not answer the handshake in time
            raise Transient(f"the subscription was not accepted: {answer.code}")
        return _remote(decode_object(self._client.check(answer).body))

    def list(self, connection: Connection) -> Sequence[RemoteSubscription]:
        """All of this app's subscriptions in the tenant."""
        found: list[RemoteSubscription] = []
        url = self._url(connection)
        for _ in range(PAGES):
            data = decode_object(self._client.check(self._client.call(connection, Method.GET, url)).body)
            values = data.get("value")
            if not isinstance(values, list):
                raise Transient("malformed list of subscriptions")
            found.extend(_remote(value) for value in values)
            url = data.get("@odata.nextLink") or ""
            if not url:
                return found
        raise Transient("a list of subscriptions that does not end")

    def renew(self, connection: Connection, subscription_id: str, expires_at: datetime) -> RemoteSubscription | None:
        """Prolong one, which also re-authorises it; None when it is gone."""
        body = {"expirationDateTime": iso(expires_at)}
        url = self._url(connection, subscription_id)
        answer = self._client.call(connection, Method.PATCH, url, body=body)
        return None if answer.status == 404 else _remote(decode_object(self._client.check(answer).body))

    def delete(self, connection: Connection, subscription_id: str) -> None:
        """Remove one; gone already is fine."""
        answer = self._client.call(connection, Method.DELETE, self._url(connection, subscription_id))
        if answer.status != 404:
            self._client.check(answer)

    def _url(self, connection: Connection, subscription_id: str = "") -> str:
        base = f"{self._client.endpoints(connection.cloud).graph}/v1.0/subscriptions"
        if not subscription_id:
            return base
        if not _ID.fullmatch(subscription_id):
            raise Defect("not a subscription's id")
        return f"{base}/{subscription_id}"


def _remote(data: object) -> RemoteSubscription:
    try:
        if not isinstance(data, dict) or not _ID.fullmatch(data["id"]):
            raise Transient("malformed subscription")
        expires_at = iso(parse_iso(data["expirationDateTime"]))
        return RemoteSubscription(data["id"], data["resource"], data.get("notificationUrl") or "", expires_at)
    except (KeyError, TypeError, ValueError) as error:
        raise Transient("malformed subscription") from error
