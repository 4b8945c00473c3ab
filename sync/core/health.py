"""What an answer of Microsoft's means for us: classify → our error. Pure, and in tables.

Rules: 408, 429 and 5xx are never more than passing. What only the customer's admin can mend becomes `NeedsAdmin`
with a code of docs/errors.md; one such answer is no proof yet (a revocation is confirmed over time by the caller).
Trouble with our own credentials is not the customer's: it passes once we have mended it. An unknown code of the
token endpoint is tried again (microsoft-facts §5.3: codes may change).
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from datetime import datetime
from email.utils import parsedate_to_datetime
from enum import Enum

from shared.errors import Conflict, Defect, NeedsAdmin, SyncError, Transient

REMEDIES: Mapping[str, str] = {
    # found while synchronising
    "consent_missing": "Moxso's permission to read this tenant is gone. Connect again and accept the permissions.",
    "permission_missing": (
        "A permission Moxso needs (User.Read.All or GroupMember.Read.All) was taken away. Connect again and accept."
    ),
    "app_disabled": (
        "Moxso is disabled in this tenant. In Entra, open Enterprise applications › Moxso › Properties and set "
        "'Enabled for users to sign-in' to Yes."
    ),
    "tenant_gone": "Microsoft no longer knows this tenant. If it was replaced by another, connect that one.",
    "tenant_unsupported": "Microsoft offers no change feed for this kind of tenant (B2C or External ID).",
    "wrong_cloud": "This tenant lives in another Microsoft cloud. Disconnect, and choose its cloud when connecting.",
    "blocked_by_policy": (
        "A Conditional Access policy for workload identities blocks Moxso. Exclude Moxso from it in Entra."
    ),
    "attribute_refused": (
        "Entra refuses to tell an extension attribute that the settings use. Take out the one that is no longer "
        "registered in this tenant."
    ),
    "subscription_refused": (
        "The tenant granted too little for change notifications of groups; groups are read on a schedule instead."
    ),
    # found while connecting
    "consent_declined": "The permissions were not accepted. Connect again, and choose Accept on Microsoft's page.",
    "admin_needed": (
        "Accepting needs a Global Administrator or a Privileged Role Administrator. Ask one of them to connect."
    ),
    "consent_failed": "Microsoft could not record the consent. Connect again; if it stays so, tell Moxso's support.",
    "state_invalid": (
        "This link was used already, is older than ten minutes, or was begun by somebody else. Connect again."
    ),
    "answer_invalid": "Microsoft's answer was incomplete. Connect again.",
    "sign_in_failed": "Your sign-in could not be verified. Connect again.",
    "sign_in_declined": "The sign-in was cancelled. Connect again, and sign in when Microsoft asks.",
    "not_admin": (
        "The account that signed in is not an administrator of the tenant. Connect again, and sign in as the Global "
        "Administrator who accepts the permissions."
    ),
    "other_tenant": (
        "You signed in with an account of another tenant than the one that accepted the permissions. Connect again, "
        "and use the same account both times."
    ),
    "tenant_taken": "This tenant is connected to another Moxso workspace. Disconnect it there first, or tell support.",
    "already_connected": "This tenant is already connected to this workspace.",
    "roles_missing": (
        "The tenant granted less than Moxso needs: User.Read.All and GroupMember.Read.All. Connect again and accept."
    ),
    "consent_not_spread": (
        "Microsoft accepted the permissions but has not put them in force within ten minutes. Try again now; "
        "it can take up to an hour."
    ),
}

# Microsoft's number -> our code. From microsoft-facts §5.4.
_CONSENT = {7000229: "consent_missing", 700016: "consent_missing", 65001: "consent_missing", 650056: "consent_missing"}
_STATE = {500011: "consent_missing", 7000112: "app_disabled", 70001: "app_disabled", 90002: "tenant_gone"}
_CLOUD = {90038: "wrong_cloud", 900382: "wrong_cloud", 900432: "wrong_cloud"}
_POLICY = {53003: "blocked_by_policy", 530032: "blocked_by_policy"}
TOKEN_CODES: Mapping[int, str] = {**_CONSENT, **_STATE, **_CLOUD, **_POLICY}
# Our secret, certificate or federated credential is wrong, expired or not there yet.
CREDENTIAL_CODES = frozenset({7000215, 7000222, 700027, 700024, 7000218, 700229, 70021, 700211, 700212, 700213})
CREDENTIAL_PAUSE = 300.0  # seconds: somebody of ours has to act

_NUMBER = re.compile(r"AADSTS(\d{4,8})")
_EXPIRED = re.compile(r"syncstate|resync|expiredpagetoken|invalidsynctoken|deltatoken", re.IGNORECASE)
_UNSUPPORTED = frozenset(
    {"authentication_requestfromnonpremiumtenantorb2ctenant", "authentication_requestfromunsupporteduserrole"}
)
RETRY_AFTER_DEFAULT = 30.0  # where a 429 names no time, or nonsense
RETRY_AFTER_LIMIT = 86_400.0  # a longer one is nonsense


class Verdict(Enum):
    """What an answer of Graph means."""

    FINE = "fine"
    PASSING = "passing"
    STALE_TOKEN = "stale_token"  # 401 of a token that may be old: worth one fresh token
    NOT_FOUND = "not_found"
    CONFLICT = "conflict"
    CURSOR_EXPIRED = "cursor_expired"
    CONSENT_MISSING = "consent_missing"
    PERMISSION_MISSING = "permission_missing"
    TENANT_UNSUPPORTED = "tenant_unsupported"
    OUR_MISTAKE = "our_mistake"


_BY_CODE: Mapping[str, Verdict] = {
    "authorization_identitynotfound": Verdict.CONSENT_MISSING,
    "authentication_requestfromnonpremiumtenantorb2ctenant": Verdict.TENANT_UNSUPPORTED,
}
_BY_STATUS: Mapping[int, Verdict] = {
    401: Verdict.STALE_TOKEN,
    403: Verdict.PERMISSION_MISSING,
    404: Verdict.NOT_FOUND,
    408: Verdict.PASSING,
    409: Verdict.CONFLICT,
    410: Verdict.CURSOR_EXPIRED,
    423: Verdict.PASSING,
    425: Verdict.PASSING,
    429: Verdict.PASSING,
    501: Verdict.OUR_MISTAKE,
}


def classify(status: int, code: str) -> Verdict:
    """What status and `error.code` of a Graph answer mean. Redirects are mistakes: we never follow one."""
    if 200 <= status < 300:
        return Verdict.FINE
    if 400 <= status < 500 and _EXPIRED.search(code):
        return Verdict.CURSOR_EXPIRED
    by_status = _BY_STATUS.get(status, Verdict.PASSING if status >= 500 else Verdict.OUR_MISTAKE)
    return _BY_CODE.get(code.lower(), by_status) if status < 500 else by_status


def to_error(status: int, code: str, retry_after: float | None = None) -> SyncError:
    """The error to raise for an answer that is not fine (a cursor that expired is the caller's to tell)."""
    verdict = classify(status, code)
    text = f"Graph answered {status} {safe_code(code)}".rstrip()
    match verdict:
        case Verdict.CONSENT_MISSING | Verdict.PERMISSION_MISSING | Verdict.TENANT_UNSUPPORTED:
            return needs_admin(verdict.value)
        case Verdict.CONFLICT:
            return Conflict(text)
        case Verdict.OUR_MISTAKE | Verdict.FINE:
            return Defect(text)
        case _:
            return Transient(text, retry_after=retry_after)


def token_error(description: str, status: int = 400, retry_after: float | None = None) -> SyncError:
    """The error for a refusal of the token endpoint, by the AADSTS number in its words."""
    match = _NUMBER.search(description)
    number = int(match[1]) if match else 0
    if number in TOKEN_CODES and status < 500:
        return needs_admin(TOKEN_CODES[number])
    if number in CREDENTIAL_CODES:
        return Transient(f"AADSTS{number}: our own credential was refused", retry_after=CREDENTIAL_PAUSE)
    return Transient(f"the token endpoint answered {status} AADSTS{number}", retry_after=retry_after)


def needs_admin(code: str) -> NeedsAdmin:
    """The error of a code in `REMEDIES`, with its remedy."""
    return NeedsAdmin(code, REMEDIES[code])


def safe_code(code: str) -> str:
    """A vendor's error code as it may stand in a log: letters, digits, dots and underscores, at most 64."""
    return re.sub(r"[^A-Za-z0-9._]", "", code)[:64]


def retry_after_seconds(value: str | None, now: datetime) -> float | None:
    """Seconds to wait by a Retry-After header (a number or an HTTP date); None when there is none.

    Nonsense (not a number, negative, longer than a day) becomes a plain half minute. Never less than a second.
    """
    if not value:
        return None
    try:
        seconds = float(value)
    except ValueError:
        try:
            seconds = (parsedate_to_datetime(value) - now).total_seconds()
        except (ValueError, TypeError):
            return RETRY_AFTER_DEFAULT
        seconds = max(seconds, 1.0)  # a date that has passed: at once
    if not math.isfinite(seconds) or not 0 <= seconds <= RETRY_AFTER_LIMIT:
        return RETRY_AFTER_DEFAULT
    return max(seconds, 1.0)
