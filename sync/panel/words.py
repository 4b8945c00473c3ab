"""The words admins read: for reasons, causes and stages, and how numbers and times are said."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from shared.clock import parse_iso
from sync.core.connection import Cloud, ConnectionState
from sync.core.model import AccountState, ActivityEntry, GroupRecord, MailMark, Reason
from sync.core.runs import MailState, Run, Stage, changed
from sync.usecases.chosen_groups import ChosenGroup, Use

STATES: Mapping[ConnectionState, str] = {
    ConnectionState.AWAITING_CONSENT: "Waiting for consent",
    ConnectionState.AWAITING_START: "Ready to start",
    ConnectionState.IMPORTING: "Importing",
    ConnectionState.CONNECTED: "Connected",
    ConnectionState.ATTENTION: "Needs attention",
    ConnectionState.DISCONNECTED: "Disconnected",
}
CLOUDS: Mapping[Cloud, str] = {
    Cloud.DEFAULT: "Microsoft’s worldwide cloud",
    Cloud.US_GOV: "US Government (GCC High)",
    Cloud.US_DOD: "US Government (DoD)",
    Cloud.CHINA: "China (21Vianet)",
}
REASONS: Mapping[Reason, str] = {
    Reason.OK: "Active",
    Reason.LEFT: "Left the directory",
    Reason.DISABLED: "Disabled in Entra",
    Reason.OUT_OF_SCOPE: "Out of scope",
    Reason.ADMIN: "Deactivated by an admin",
    Reason.UNDONE: "Undone",
    Reason.GUEST: "Guest",
    Reason.NO_ADDRESS: "No usable e-mail address",
    Reason.NO_NAME: "No name yet",
    Reason.ADDRESS_CONFLICT: "Address already in use",
    Reason.HELD: "Removal waits for you",
    Reason.TOO_LARGE: "Entry too large",
    Reason.UNKNOWN: "Details not arrived yet",
}
EXPLANATIONS: Mapping[Reason, str] = {
    Reason.OK: "The account is active.",
    Reason.LEFT: "Entra says that this person was deleted, so the account is deactivated. Its history is kept.",
    Reason.DISABLED: "Sign-in is blocked in Entra (accountEnabled is false).",
    Reason.OUT_OF_SCOPE: "This person is not in the scope of the synchronisation.",
    Reason.ADMIN: "An admin deactivated the account by hand; synchronisation never undoes that.",
    Reason.UNDONE: "An admin undid the run that made the account. It stays so until Entra has news of the person.",
    Reason.GUEST: "Guests of the tenant get no account.",
    Reason.NO_ADDRESS: "Entra has neither a mail address nor a user name that mail could reach.",
    Reason.NO_NAME: "Entra has no name for this person yet. The account follows as soon as there is one.",
    Reason.ADDRESS_CONFLICT: "Another account of this workspace has the same address. Change one of the two.",
    Reason.HELD: "The account would be deactivated, and waits for an admin to approve that.",
    Reason.TOO_LARGE: "This person’s entry is larger than a row can hold. All others went on.",
    Reason.UNKNOWN: "Entra has mentioned this person, but not all of their details have arrived yet.",
}
ACCOUNT_STATES: Mapping[AccountState, str] = {
    AccountState.ACTIVE: "Active",
    AccountState.INACTIVE: "Deactivated",
    AccountState.NONE: "No account",
}
MAIL_STATES: Mapping[MailState, str] = {
    MailState.DUE: "Waiting to be sent",
    MailState.SENDING: "Being sent",
    MailState.SENT: "Sent",
    MailState.REFUSED: "Refused by the mail server",
    MailState.NEEDS_REVIEW: "Unknown whether it arrived",
    MailState.CANCELLED: "Cancelled",
}
MAIL_MARKS: Mapping[MailMark, str] = {
    MailMark.NONE: "None yet",
    MailMark.BASELINE: "None: was there before the start",
    MailMark.CLAIMED: "Sent or on its way",
}
CAUSES: Mapping[str, str] = {
    "notification": "Change announced by Entra",
    "timer": "Regular look",
    "admin": "Asked for by an admin",
    "first": "First import",
    "reconcile": "Full comparison",
    "reset": "Full comparison after a reset",
    "approval": "Approved removals",
    "freed": "An address became free",
    "settings": "Settings changed",
    "groups": "Groups changed",
    "undo": "A run undone by an admin",
    "retention": "End of retention",
}
STAGES: Mapping[Stage, str] = {
    Stage.READING: "Reading the directory",
    Stage.GROUPING: "Working out who is in which group",
    Stage.PLANNING: "Working out what to do",
    Stage.WAITING: "Waiting for you to start",
    Stage.APPLYING: "Creating accounts",
    Stage.REMOVING: "Checking who left",
    Stage.DONE: "Done",
}
ACTIONS: Mapping[str, str] = {
    "create": "created",
    "link": "linked",
    "update": "updated",
    "deactivate": "deactivated",
    "reactivate": "reactivated",
    "moved": "moved between groups",
    "purge": "purged",
    "yield": "passed on",
    "overtaken": "changed since",
    "kept": "kept",
    "held": "held",
}
FIELD_NAMES: Mapping[str, str] = {
    "email": "E-mail",
    "given_name": "Given name",
    "family_name": "Family name",
    "display_name": "Name",
    "job_title": "Job title",
    "department": "Department",
    "office": "Office",
    "company": "Company",
    "country": "Country",
    "mobile": "Mobile",
    "language": "Language",
    "manager": "Manager",
    "state": "State",
    "reason": "Reason",
}


INCOMPLETE: Mapping[str, str] = {
    "cursor_expired": "Microsoft forgot the place in the feed while it was being read; a new full pass follows.",
    "endless_feed": "The pages that Microsoft gave did not come to an end; a new full pass begins in five minutes.",
    "permission_missing": "A right is missing in Entra, so the directory could not be read to its end.",
    "consent_missing": "The consent was taken back, so the directory could not be read.",
    "tenant_gone": "Microsoft no longer knows the tenant.",
    "plan_outdated": "What was read had to be read anew before it could be applied.",
    "superseded": "Something changed meanwhile; the run that followed decided everybody.",
    "interrupted": "It was interrupted; the activity tells what it did.",
    "disconnected": "The tenant was disconnected meanwhile; the activity tells what it did.",
}
_WRITTEN = frozenset({"interrupted", "superseded", "disconnected"})  # of a run that may have begun to write


def why_incomplete(run: Run) -> str:
    """Why a run ended early, as a sentence; empty for every other."""
    if not run.error:
        return ""
    reason = INCOMPLETE.get(run.error, "The directory could not be read to its end.")
    return reason if run.error in _WRITTEN else f"{reason} Nobody was removed."


GONE_GROUPS: Mapping[Use, str] = {
    "scope": "people who were in scope by it wait for you as a hold.",
    "scope_excluded": "whoever was in it stays out of scope until you take it out of the settings.",
    "audience": "people who receive simulations by it wait for you as a hold.",
    "audience_excluded": "whoever was in it receives no simulations until you take it out of the settings.",
}
HIDDEN_GROUPS: Mapping[Use, str] = {
    "scope": "nobody is in scope by it.",
    "scope_excluded": "it keeps nobody out of scope.",
    "audience": "nobody receives simulations by it.",
    "audience_excluded": "it keeps nobody out of simulations.",
}


def gone_group(group: ChosenGroup) -> str:
    """What it means that a group the settings name is no more, and what to do."""
    return f"Entra no longer has the group {group.name}: {GONE_GROUPS[group.use]} Choose another in the settings."


def hidden_group(group: ChosenGroup) -> str:
    """What it means that a group the settings name hides its members, and what to do."""
    return (
        f"The group {group.name} hides its members, and Entra told Moxso of none: {HIDDEN_GROUPS[group.use]} "
        "Choose another in the settings, or name the people."
    )


def number(value: float) -> str:
    """12,345."""
    return f"{value:,.0f}"


def some(count: int, word: str, plural: str = "") -> str:
    """`1 person`, `2,000 people`."""
    return f"{number(count)} {word if count == 1 else plural or word + 's'}"


def duration(seconds: float | None) -> str:
    """`0.4 s`, `12 s`, `3 min`, `2 h`; a dash for None."""
    if seconds is None:
        return "–"
    if seconds < 10:
        return f"{seconds:.1f} s"
    for limit, size, unit in ((90, 1, "s"), (90 * 60, 60, "min"), (36 * 3600, 3600, "h")):
        if seconds < limit:
            return f"{seconds / size:.0f} {unit}"
    return f"{seconds / 86400:.0f} days"


def relative(text: str, now: datetime) -> str:
    """`just now`, `5 min ago`, `in 3 h`; a dash for the empty string."""
    if not text:
        return "–"
    seconds = (now - parse_iso(text)).total_seconds()
    if abs(seconds) < 5:
        return "just now"
    said = f"{abs(seconds):.0f} s" if abs(seconds) < 10 else duration(abs(seconds))
    return f"{said} ago" if seconds > 0 else f"in {said}"


def absolute(text: str) -> str:
    """`2 Mar 2026, 09:14:05 UTC`; a dash for the empty string."""
    if not text:
        return "–"
    moment = parse_iso(text)
    return f"{moment.day} {moment:%b %Y, %H:%M:%S} UTC"


def run_length(run: Run) -> float | None:
    """Seconds a finished run took."""
    if not run.finished_at:
        return None
    return (parse_iso(run.finished_at) - parse_iso(run.started_at)).total_seconds()


def ended_early(run: Run) -> str:
    """What a run did that ended early; empty for nothing."""
    return run_summary(run) if changed(run) else ""


def run_summary(run: Run) -> str:
    """`3 created, 1 updated, 1 group changed`, or that nothing had changed."""
    said = [f"{number(run.counts[name])} {text}" for name, text in ACTIONS.items() if run.counts.get(name)]
    if groups := run.counts.get("groups"):
        said.append(f"{some(groups, 'group')} changed")
    return ", ".join(said) or ("Nothing had changed" if run.finished_at else "Under way")


def reason_name(value: str) -> str:
    """A reason as it stands in a counter row; one this version does not know is shown as it is."""
    known = {reason.value: name for reason, name in REASONS.items()}
    return known.get(value, value)


def group_kind(group: GroupRecord) -> str:
    """What Entra calls this kind of group."""
    source = group.source
    kinds = source.get("groupTypes") or ()
    kind = (
        "Microsoft 365"
        if "Unified" in kinds
        else "Mail-enabled security"
        if source.get("mailEnabled") and source.get("securityEnabled")
        else "Distribution list"
        if source.get("mailEnabled")
        else "Security"
    )
    return f"{kind}, dynamic" if "DynamicMembership" in kinds else kind


def differences(entry: ActivityEntry) -> list[tuple[str, str, str]]:
    """(field, before, after) of what an entry changed, in the order of the fields."""
    order = list(FIELD_NAMES)
    names = sorted({*entry.before, *entry.after}, key=lambda name: order.index(name) if name in order else len(order))
    pairs = ((name, entry.before.get(name, ""), entry.after.get(name, "")) for name in names)
    return [(name, before, after) for name, before, after in pairs if before != after]
