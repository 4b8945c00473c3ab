"""The catalogue of log events: the only way the product logs.

An event is a name and its fields, listed here; `log(event, **fields)` refuses any other. Values are numbers, codes
and our own ids: never a token, a name, an address, a link or a body. docs/events.md is checked against this table.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping

EVENTS: Mapping[str, tuple[frozenset[str], str]] = {
    name: (frozenset(fields.split()), meaning)
    for name, fields, meaning in (
        ("connection.begun", "connection", "an admin pressed Connect"),
        ("connection.consented", "connection", "the consent callback was accepted; the proof is under way"),
        ("connection.refused", "connection code", "consent or its proof failed; the code says why"),
        ("connection.proven", "connection epoch roles", "sign-in, token and a live read agree on the tenant"),
        ("settings.saved", "connection version", "an admin saved settings"),
        ("connection.started", "connection epoch mail_existing", "the admin pressed Start"),
        ("connection.connected", "connection epoch", "the first full pass is applied"),
        ("connection.attention", "connection code", "something only the admin can mend"),
        ("connection.recovered", "connection", "the cause is gone"),
        ("connection.silent", "connection minutes", "for so long nothing was read to its end, whatever the cause"),
        ("connection.disconnected", "connection epoch", "an admin disconnected it"),
        ("webhook.accepted", "connection hints covered", "notifications verified and durable"),
        ("webhook.rejected", "connection items reason", "items that did not prove where they come from"),
        ("webhook.unavailable", "connection", "the queue was down; Graph was told to retry"),
        ("subscription.created", "connection feed", "Graph will notify us of this feed"),
        ("subscription.renewed", "connection feed", "prolonged"),
        ("subscription.lost", "connection feed", "Graph no longer had it; created anew"),
        ("subscription.refused", "connection feed", "the tenant granted too little; the feed is polled"),
        (
            "pull.finished",
            "connection feed run cause pages changes milliseconds",
            "a feed was read to its deltaLink",
        ),
        ("pull.busy", "connection feed", "another reader holds the lease; looked at again shortly"),
        ("pull.covered", "connection feed", "a pull that began later has already finished"),
        ("pull.unannounced", "connection feed run", "the timer found changes that no notification had announced"),
        ("pull.expired", "connection feed", "the cursor was no longer good; a full pass follows"),
        ("pull.failed", "connection feed code retry_after", "the pull ended without its deltaLink"),
        ("pass.started", "connection run cause", "a full pass began"),
        ("pass.block", "connection run feed block pages items", "a block was read, staged and checkpointed"),
        ("pass.staged", "connection run parts", "both feeds were read to the end; shards are compared"),
        ("pass.waiting", "connection run", "planned; waits for the admin to start"),
        (
            "pass.finished",
            "connection run created updated deactivated held milliseconds",
            "the pass is complete",
        ),
        ("pass.no_groups", "connection run", "the groups feed answered without a single group; nothing is concluded"),
        ("revisit.started", "connection run cause", "everybody is decided again"),
        (
            "revisit.finished",
            "connection run created updated deactivated held",
            "everybody was decided again",
        ),
        ("pass.incomplete", "connection run code", "the pass ended early; nothing was removed"),
        ("apply.finished", "connection run part written unchanged conflicts", "a part was applied"),
        (
            "apply.parked",
            "connection run person reason",
            "a row, or its largest values, could not be stored; the rest went on",
        ),
        ("guard.held", "connection run removals limit", "removals wait for an admin"),
        ("hold.approved", "connection hold removals", "an admin approved exactly this set"),
        ("hold.rejected", "connection hold", "an admin rejected it"),
        ("act.by_hand", "connection run hand fields", "an admin changed an account by hand"),
        ("undo.started", "connection run of", "an admin undoes a run"),
        ("retention.applied", "connection run part forgotten", "what was kept for long enough was given up"),
        ("mail.resent", "connection", "an admin asked for a mail again"),
        ("mail.sent", "connection", "an onboarding mail was accepted by the server"),
        ("mail.not_sent", "connection attempt", "certainly not accepted; tried again later"),
        ("mail.refused", "connection", "the server refused the address for good"),
        ("mail.needs_review", "connection", "nobody can tell whether it was accepted"),
        ("mail.cancelled", "connection reason", "no longer due when its turn came"),
        (
            "tick.finished",
            "connections pulls passes renewals milliseconds",
            "the minute's timer enqueued what is due",
        ),
        ("poison.waiting", "queue messages", "messages failed five times and wait for an engineer"),
        ("session.opened", "workspace role", "a workspace admin or viewer arrived"),
        ("session.refused", "reason", "a token did not prove who it is"),
        ("request.failed", "route error", "an unexpected error; the visitor saw only its number"),
    )
}

_LOGGER = logging.getLogger("moxso.sync")
# What these would write at INFO: every URL of Graph with its tokens, every header of storage. What azure.identity warns
# of, we classify and say ourselves.
_VENDORS = {
    "httpx": logging.WARNING,
    "httpcore": logging.WARNING,
    "azure": logging.WARNING,
    "azure.identity": logging.ERROR,
    "msal": logging.ERROR,
    "urllib3": logging.WARNING,
}


def hush_vendors() -> None:
    """Keep the libraries' own loggers from writing what our log must never hold."""
    for name, level in _VENDORS.items():
        logging.getLogger(name).setLevel(level)


def log(event: str, level: int = logging.INFO, **fields: str | float | None) -> None:
    """Write one event as a line of JSON. Raises KeyError for an event or field that is not in the catalogue."""
    allowed, _ = EVENTS[event]
    if unknown := fields.keys() - allowed:
        raise KeyError(f"{event} has no field {sorted(unknown)}")
    if _LOGGER.isEnabledFor(level):
        _LOGGER.log(level, "%s", json.dumps({"event": event, **fields}, separators=(",", ":")))
