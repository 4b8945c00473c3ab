"""The users of one tenant. A user is kept as encoded JSON, or computed where nothing about it was ever written."""

import uuid
from collections.abc import Iterable, Iterator, MutableMapping
from typing import Any, Protocol

import orjson

from local.cloud import schema
from local.cloud.clock import iso
from local.cloud.wire import Json


def encoded(row: Json) -> bytes:
    """JSON in no more memory than it needs: what orjson returns holds on to a buffer of kilobytes."""
    return bytes(memoryview(orjson.dumps(row)))


class Computed(Protocol):
    """Many users that follow from a formula (`local.cloud.crowd.Crowd`)."""

    count: int
    ids: list[str]

    def number(self, user_id: str) -> int | None:
        """Which of them has this object id."""

    def row(self, number: int) -> Json:
        """The properties of one."""

    def manager(self, number: int) -> str:
        """The object id of somebody's manager; "" for none."""

    def reports(self, number: int) -> list[str]:
        """Whose manager this is."""

    def find(self, address: str) -> str | None:
        """The object id of who signs in with this address."""


class Rows(MutableMapping[str, bytes]):
    """Live users by object id: what was written, over what is computed."""

    def __init__(self) -> None:
        self._kept: dict[str, bytes] = {}
        self._crowd: Computed | None = None
        self._left: set[str] = set()  # of the crowd: written or deleted, so not computed any more

    def settle(self, crowd: Computed) -> None:
        """Have these users too."""
        self._crowd = crowd

    def computed(self, user_id: str) -> int | None:
        """The number in the crowd of a user about whom nothing was written; None for others."""
        if self._crowd is None or user_id in self._left:
            return None
        return self._crowd.number(user_id)

    def row(self, user_id: str) -> Json | None:
        """Decoded properties, or None."""
        raw = self._kept.get(user_id)
        if raw is not None:
            row: Json = orjson.loads(raw)
            return row
        number = self.computed(user_id)
        return self._crowd.row(number) if self._crowd and number is not None else None

    def __getitem__(self, user_id: str) -> bytes:
        raw = self._kept.get(user_id)
        if raw is not None:
            return raw
        row = self.row(user_id)
        if row is None:
            raise KeyError(user_id)
        return orjson.dumps(row)

    def __setitem__(self, user_id: str, raw: bytes) -> None:
        if self.computed(user_id) is not None:
            self._left.add(user_id)
        self._kept[user_id] = raw

    def __delitem__(self, user_id: str) -> None:
        if self.computed(user_id) is not None:
            self._left.add(user_id)
        else:
            del self._kept[user_id]

    def __contains__(self, user_id: object) -> bool:
        return user_id in self._kept or (isinstance(user_id, str) and self.computed(user_id) is not None)

    def __iter__(self) -> Iterator[str]:
        yield from self._kept
        if self._crowd is not None:
            yield from (user_id for user_id in self._crowd.ids if user_id not in self._left)

    def __len__(self) -> int:
        return len(self._kept) + (self._crowd.count - len(self._left) if self._crowd else 0)


class People:
    """Live, soft-deleted and purged users. Knows nothing of change logs or notifications."""

    def __init__(self) -> None:
        self.rows = Rows()
        self.binned: dict[str, bytes] = {}  # soft-deleted, restorable
        self.purged: set[str] = set()
        self.order: list[str] = []  # every id ever seen, in the order of arrival
        self.extensions: dict[str, str] = {}  # registered directory extensions, by their names in lower case
        self._managers: dict[str, str] = {}  # "" for none
        self._by_upn: dict[str, str] = {}  # lower case, live users that are not computed
        self._crowd: Computed | None = None

    def settle(self, crowd: Computed) -> None:
        """Put many computed users there, without any trace in a log; for seeds, once."""
        self._crowd = crowd
        self.rows.settle(crowd)
        self.order += crowd.ids

    def load(self, user_id: str, row: Json, manager: str = "") -> None:
        """Put a user there without any trace in a log; for seeds. Strings unset (None) stay never set."""
        self.register(row)
        self.rows[user_id] = encoded(row)
        self.order.append(user_id)
        self._by_upn[str(row["userPrincipalName"]).lower()] = user_id
        if manager:
            self._managers[user_id] = manager

    def register(self, names: Iterable[str]) -> None:
        """Those of the names that are directory extensions exist in this tenant from now on."""
        self.extensions.update((name.lower(), name) for name in names if name.startswith("extension_"))

    def create(self, properties: Json, now: float) -> str:
        """A new user from `properties`; missing essentials get ordinary values, null is never set. Returns the id."""
        user_id = str(properties.get("id") or uuid.uuid4())
        essential: Json = {"accountEnabled": True, "userType": "Member", "createdDateTime": iso(now)}
        row = {key: value for key, value in {**essential, **properties}.items() if value is not None}
        row.setdefault("userPrincipalName", f"{user_id}@unnamed.example")
        row["id"] = user_id
        if "onPremisesExtensionAttributes" in row:
            row["onPremisesExtensionAttributes"] = _attributes({}, row["onPremisesExtensionAttributes"])
        self.load(user_id, row)
        return user_id

    def update(self, user_id: str, properties: Json) -> frozenset[str]:
        """Set properties (None clears). Returns the names of those that really changed, as consequences too."""
        row = self.get(user_id)
        wanted = {**properties, **_consequences(row, properties)}
        changed = frozenset(
            name for name, value in wanted.items() if (name in row or value is not None) and row.get(name) != value
        )
        if not changed:
            return changed
        former = str(row["userPrincipalName"]).lower()
        row.update({name: wanted[name] for name in changed})
        self.register(changed)
        if "userPrincipalName" in changed:
            self._by_upn.pop(former, None)
        self._by_upn[str(row["userPrincipalName"]).lower()] = user_id
        self.rows[user_id] = encoded(row)
        return changed

    def manager_of(self, user_id: str) -> str:
        """The object id of somebody's manager; "" for none."""
        held = self._managers.get(user_id)
        if held is None and self._crowd is not None:
            number = self._crowd.number(user_id)
            return self._crowd.manager(number) if number is not None else ""
        return held or ""

    def set_manager(self, user_id: str, manager: str) -> str | None:
        """Set ("" clears) the manager. Returns the former one ("" none), or None when nothing changed."""
        former = self.manager_of(user_id)
        if former == manager:
            return None
        self._managers[user_id] = manager
        return former

    def bin(self, user_id: str, now: float) -> None:
        """Soft delete: the sign-in name is prefixed with the object id and becomes free."""
        row = self.get(user_id)
        self._by_upn.pop(str(row["userPrincipalName"]).lower(), None)
        row["userPrincipalName"] = user_id.replace("-", "") + str(row["userPrincipalName"])
        row["deletedDateTime"] = iso(now)
        del self.rows[user_id]
        self.binned[user_id] = encoded(row)

    def restore(self, user_id: str) -> None:
        """Back from the deleted items, same id, same properties."""
        row = orjson.loads(self.binned.pop(user_id))
        row["userPrincipalName"] = row["userPrincipalName"].removeprefix(user_id.replace("-", ""))
        del row["deletedDateTime"]
        self._by_upn[row["userPrincipalName"].lower()] = user_id
        self.rows[user_id] = encoded(row)

    def purge(self, user_id: str) -> list[str]:
        """Delete for good. Returns those whose manager this was (they have none now)."""
        raw = self.rows.pop(user_id, None) or self.binned.pop(user_id)
        upn = orjson.loads(raw)["userPrincipalName"].lower()
        if self._by_upn.get(upn) == user_id:
            del self._by_upn[upn]
        self.purged.add(user_id)
        self._managers[user_id] = ""
        reports = [report for report, manager in self._managers.items() if manager == user_id]
        number = self._crowd.number(user_id) if self._crowd is not None else None
        if self._crowd is not None and number is not None:
            reports += [report for report in self._crowd.reports(number) if report not in self._managers]
        self._managers.update(dict.fromkeys(reports, ""))
        return reports

    def get(self, user_id: str) -> Json:
        """A live user's properties that were ever set; KeyError if there is none."""
        row = self.rows.row(user_id)
        if row is None:
            raise KeyError(user_id)
        return row

    def find(self, id_or_upn: str) -> str | None:
        """The object id of a live user by id (any case) or sign-in name."""
        key = id_or_upn.lower()
        if key in self.rows:
            return key
        if id_or_upn in self.rows:
            return id_or_upn
        return self._named(key)

    def _named(self, upn: str) -> str | None:
        """The live user with this sign-in name (lower case)."""
        found = self._by_upn.get(upn)
        if found is None and self._crowd is not None:
            found = self._crowd.find(upn)
            return found if found is not None and self.rows.computed(found) is not None else None
        return found

    def live(self) -> Iterator[str]:
        """Ids of live users in the order of arrival."""
        return (user_id for user_id in self.order if user_id in self.rows)

    def where(self, name: str, value: Any) -> list[str]:
        """Live users whose property equals `value` (strings without regard to case)."""
        if name == "id":
            return [found] if (found := str(value).lower()) in self.rows else []
        if name == "userPrincipalName":
            named = self._named(str(value).lower())
            return [named] if named else []
        needle = value.casefold() if isinstance(value, str) else value
        hits = []
        for user_id in self.rows:
            held = self.get(user_id).get(name)
            if (held.casefold() if isinstance(held, str) else held) == needle:
                hits.append(user_id)
        return hits


def _attributes(held: Any, given: Any) -> Any:
    """`onPremisesExtensionAttributes`: those given over those held, all fifteen; what is no object stays as it is."""
    if not isinstance(given, dict):
        return given
    former = held if isinstance(held, dict) else {}
    return {**dict.fromkeys(schema.EXTENSION_ATTRIBUTES), **former, **given}


def _consequences(row: Json, properties: Json) -> Json:
    """What else an update sets: attributes not named stay, and a new mail is the new primary proxy address."""
    more: Json = {}
    name = "onPremisesExtensionAttributes"
    if name in properties:
        more[name] = _attributes(row.get(name), properties[name])
    mail, proxies = properties.get("mail"), row.get("proxyAddresses")
    if isinstance(mail, str) and mail != row.get("mail") and proxies and "proxyAddresses" not in properties:
        kept = [proxy for proxy in proxies if proxy.lower() != f"smtp:{mail.lower()}"]
        demoted = [f"smtp:{proxy[5:]}" if proxy.startswith("SMTP:") else proxy for proxy in kept]
        more["proxyAddresses"] = [f"SMTP:{mail}", *demoted]
    return more
