"""Every switch of the simulation: where Microsoft allows or is seen doing two things, it can do both."""

from dataclasses import asdict, dataclass, field, fields
from typing import Any


@dataclass
class Behaviour:
    """Switches, grouped; the defaults are the plain documented behaviour. Times are seconds."""

    # delta feeds
    page_size: int = 200
    page_jitter: int = 0  # pages vary by up to this many items
    member_slice: int = 1000  # members of one group per page
    empty_every: int = 0  # every n-th page is empty, with a nextLink
    circle_pages: int = 0  # the n-th page, where there are more, leads back to the first
    repeat_every: int = 0  # every n-th object comes again on the following page
    replay_changes: int = 0  # a round begins this many changes before its token
    removed_in_initial: bool = False  # what was deleted also appears, as removed, in a full enumeration
    manager_separate: bool = False  # manager@delta comes as an item of its own
    verbose_members: bool = False  # every add and remove in arrival order instead of the net effect
    soft_deleted_in_members: bool = True  # a full enumeration still lists soft-deleted members
    hard_delete_in_groups_delta: bool = True  # a purged user is reported as removed from its groups
    restore_in_groups_delta: bool = False  # a restored user is reported as added to its groups
    restore_resends_members: bool = True
    security_groups_soft_delete: bool = True
    delta_days: float = 7.0
    skiptoken_seconds: float = 0.0  # 0: as long as delta tokens
    expired_code: str = "syncStateNotFound"
    reset_code: str = "resyncRequired"
    reset_location: str = ""  # instead of the documented Location of a 410
    lag_seconds: float = 0.0  # changes reach the delta feeds this much later
    omit_deletions: float = 0.0  # probability that no change round tells of a deletion
    omit_restores: float = 0.0  # probability that no change round tells of a restoration
    untracked_properties: list[str] = field(default_factory=list)  # a change of these alone yields no item
    absent_properties: list[str] = field(default_factory=list)  # left out of every item
    unknown_fields: bool = False  # items have members that nobody selected
    untyped_members: bool = False  # entries of members@delta are an id only
    stale_echo: float = 0.0  # the old state follows the new one, and this much later the new one comes again
    # sign-in and tokens
    token_seconds: int = 3599
    propagation: list[float] = field(default_factory=lambda: [0.0, 0.0, 0.0])
    cae: bool = False  # revocation stops tokens already issued
    decline_error: str = "access_denied"  # or consent_required
    # subscriptions
    groups_subscription_role: str = "Group.Read.All"
    created_allowed: bool = False
    clamp_lifetime: bool = False  # too long a lifetime is shortened instead of refused
    quota_app_tenant: int = 100
    quota_tenant: int = 1000
    quota_app: int = 50_000
    validation_code: str = "InvalidRequest"
    validation_timeout: float = 10.0
    http_loopback: bool = False  # notification URLs may be http://localhost or http://127.0.0.1
    reauthorize_before: float = 900.0  # reauthorizationRequired this long before expiry; 0: never
    # notifications
    notify: bool = True
    notify_delay: float = 0.1
    notify_loss: float = 0.0  # probability of silent loss
    notify_duplicate: float = 0.0
    notify_reorder: bool = False
    notify_batch: int = 100  # items per POST at most
    notify_members: bool = True  # group items carry members@delta
    notify_event_fields: bool = True  # eventTime and sequenceNumber are there
    slow_answer: float = 10.0  # more than 10 % of answers slower: items wait 10 s; more than 15 %: they are lost
    retry_first: float = 10.0  # then doubled each time
    retry_scale: float = 1.0  # real seconds per simulated second of back-off
    retry_hours: float = 4.0
    # Graph otherwise
    unregistered_extensions: str = "ignored"  # or refused, in a $select
    throttle: bool = True
    ru_limit: int = 0  # resource units per 10 s; 0: the documented one for the tenant's size
    organization_reduced: bool = False  # instead of 403 without Organization.Read.All
    service_principals_in_members: bool = False  # v1.0 leaves them out of /members

    def change(self, values: dict[str, Any]) -> None:
        """Set switches by name; `preset` `plain` or `hostile` first. ValueError for an unknown one."""
        preset = values.pop("preset", None)
        if preset is not None:
            self._apply(PRESETS[preset])
        self._apply(values)

    def _apply(self, values: dict[str, Any]) -> None:
        known = {item.name for item in fields(self)}
        unknown = sorted(set(values) - known)
        if unknown:
            raise ValueError(f"unknown switches: {', '.join(unknown)}")
        for name, value in values.items():
            setattr(self, name, type(getattr(self, name))(value))

    def as_json(self) -> dict[str, Any]:
        """All switches with their present values."""
        return asdict(self)


PRESETS: dict[str, dict[str, Any]] = {
    "plain": {
        key: value
        for key, value in asdict(Behaviour()).items()
        if key not in {"http_loopback", "propagation", "notify_delay"}
    },
    "hostile": {
        "page_size": 37,
        "page_jitter": 11,
        "member_slice": 23,
        "empty_every": 4,
        "repeat_every": 9,
        "replay_changes": 25,
        "removed_in_initial": True,
        "manager_separate": True,
        "verbose_members": True,
        "hard_delete_in_groups_delta": False,
        "restore_in_groups_delta": True,
        "unknown_fields": True,
        "stale_echo": 0.05,
        "expired_code": "SyncStateNotFound",
        "notify_loss": 0.2,
        "notify_duplicate": 0.3,
        "notify_reorder": True,
        "notify_members": True,
        "notify_event_fields": False,
    },
}
