"""What the use cases need from the world, as the core's own words. Adapters implement these; tests fake them.

Rules that hold for every port:
- Every call names the connection, the scope or the workspace it works for; nothing is found by a bare id.
- A record that was read carries an `etag`; `save` is conditional on it and raises `Conflict` when the row changed
  meanwhile; a record with an empty etag is inserted, and `Conflict` means that it exists already.
  `save` returns the record with its new etag.
- Storage and network faults arrive as `Transient`, never as a vendor's exception; unknown stored versions as `Defect`.
- Implementations are safe to call from several threads at once.
"""

from sync.ports.addresses import WAITERS_LIMIT, Addresses, Holder, ManualAccount, ManualAccounts, Waiter
from sync.ports.connections import Connections, Once, SettingsHistory, Tenants
from sync.ports.microsoft import (
    CursorExpired,
    Directory,
    RemoteSubscription,
    SignedInAdmin,
    SignIn,
    Subscriptions,
    TenantInfo,
)
from sync.ports.outgoing import Ids, MailServer, OutgoingMail, Queue, SendResult
from sync.ports.paging import BadCursor
from sync.ports.people import (
    COMMIT_LIMIT,
    RUN_ROWS,
    Activity,
    Groups,
    LoadedShard,
    People,
    RowTooLarge,
    TransactionTooLarge,
)
from sync.ports.runs import Mails, Runs, Staged, Staging

__all__ = [
    "COMMIT_LIMIT",
    "RUN_ROWS",
    "WAITERS_LIMIT",
    "Activity",
    "Addresses",
    "BadCursor",
    "Connections",
    "CursorExpired",
    "Directory",
    "Groups",
    "Holder",
    "Ids",
    "LoadedShard",
    "MailServer",
    "Mails",
    "ManualAccount",
    "ManualAccounts",
    "Once",
    "OutgoingMail",
    "People",
    "Queue",
    "RemoteSubscription",
    "RowTooLarge",
    "Runs",
    "SendResult",
    "SettingsHistory",
    "SignIn",
    "SignedInAdmin",
    "Staged",
    "Staging",
    "Subscriptions",
    "TenantInfo",
    "Tenants",
    "TransactionTooLarge",
    "Waiter",
]
