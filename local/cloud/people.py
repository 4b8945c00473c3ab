"""The users of one tenant. A user is kept as encoded JSON, so that 200,000 of them stay small."""

import uuid
from collections.abc import Iterator
from typing import Any

import orjson

from local.cloud.clock import iso
from local.cloud.wire import Json


def encoded(row: Json) -> bytes:
    """JSON in no more memory than it needs: what orjson returns holds on to a buffer of kilobytes."""
    return bytes(memoryview(orjson.dumps(row)))


class People:
    """Live, soft-deleted and purged users. Knows nothing of change logs or notifications."""

    def __init__(self) -> None:
        self.rows: dict[str, bytes] = {}  # live
        self.binned: dict[str, bytes] = {}  # soft-deleted, restorable
        self.purged: set[str] = set()
        self.order: list[str] = []  # every id ever seen, in the order of arrival
        self.manager: dict[str, str] = {}
        self.by_upn: dict[str, str] = {}  # lower case, live users only

    def load(self, user_id: str, row: Json, manager: str = "") -> None:
        """Put a user there without any trace in a log; for seeds. Strings unset (None) stay never set."""
        self.rows[user_id] = encoded(row)
        self.order.append(user_id)
        self.by_upn[str(row["userPrincipalName"]).lower()] = user_id
        if manager:
            self.manager[user_id] = manager

    def create(self, properties: Json, now: float) -> str:
        """A new user from `properties`; missing essentials get ordinary values. Returns its object id."""
        user_id = str(properties.get("id") or uuid.uuid4())
        row: Json = {
            "id": user_id,
            "accountEnabled": True,
            "userType": "Member",
            "createdDateTime": iso(now),
            **{key: value for key, value in properties.items() if value is not None},
        }
        row.setdefault("userPrincipalName", f"{user_id}@unnamed.example")
        row["id"] = user_id
        self.load(user_id, row)
        return user_id

    def update(self, user_id: str, properties: Json) -> frozenset[str]:
        """Set properties (None clears). Returns the names of those that really changed."""
        row = self.get(user_id)
        changed = frozenset(
            name for name, value in properties.items() if (name in row or value is not None) and row.get(name) != value
        )
        if not changed:
            return changed
        if "userPrincipalName" in changed:
            self.by_upn.pop(str(row["userPrincipalName"]).lower(), None)
            self.by_upn[str(properties["userPrincipalName"]).lower()] = user_id
        row.update({name: properties[name] for name in changed})
        self.rows[user_id] = encoded(row)
        return changed

    def set_manager(self, user_id: str, manager: str) -> str | None:
        """Set ("" clears) the manager. Returns the former one ("" none), or None when nothing changed."""
        former = self.manager.get(user_id, "")
        if former == manager:
            return None
        if manager:
            self.manager[user_id] = manager
        else:
            del self.manager[user_id]
        return former

    def bin(self, user_id: str, now: float) -> None:
        """Soft delete: the sign-in name is prefixed with the object id and becomes free."""
        row = self.get(user_id)
        self.by_upn.pop(str(row["userPrincipalName"]).lower(), None)
        row["userPrincipalName"] = user_id.replace("-", "") + str(row["userPrincipalName"])
        row["deletedDateTime"] = iso(now)
        del self.rows[user_id]
        self.binned[user_id] = encoded(row)

    def restore(self, user_id: str) -> None:
        """Back from the deleted items, same id, same properties."""
        row = orjson.loads(self.binned.pop(user_id))
        row["userPrincipalName"] = row["userPrincipalName"].removeprefix(user_id.replace("-", ""))
        del row["deletedDateTime"]
        self.by_upn[row["userPrincipalName"].lower()] = user_id
        self.rows[user_id] = encoded(row)

    def purge(self, user_id: str) -> list[str]:
        """Delete for good. Returns those whose manager this was (they have none now)."""
        raw = self.rows.pop(user_id, None) or self.binned.pop(user_id)
        upn = orjson.loads(raw)["userPrincipalName"].lower()
        if self.by_upn.get(upn) == user_id:
            del self.by_upn[upn]
        self.purged.add(user_id)
        self.manager.pop(user_id, None)
        reports = [report for report, manager in self.manager.items() if manager == user_id]
        for report in reports:
            del self.manager[report]
        return reports

    def get(self, user_id: str) -> Json:
        """A live user's properties that were ever set; KeyError if there is none."""
        row: Json = orjson.loads(self.rows[user_id])
        return row

    def find(self, id_or_upn: str) -> str | None:
        """The object id of a live user by id (any case) or sign-in name."""
        key = id_or_upn.lower()
        if key in self.rows:
            return key
        if id_or_upn in self.rows:
            return id_or_upn
        return self.by_upn.get(key)

    def live(self) -> Iterator[str]:
        """Ids of live users in the order of arrival."""
        return (user_id for user_id in self.order if user_id in self.rows)

    def where(self, name: str, value: Any) -> list[str]:
        """Live users whose property equals `value` (strings without regard to case)."""
        if name == "id":
            return [found] if (found := str(value).lower()) in self.rows else []
        if name == "userPrincipalName":
            found_upn = self.by_upn.get(str(value).lower())
            return [found_upn] if found_upn else []
        needle = value.casefold() if isinstance(value, str) else value
        hits = []
        for user_id, raw in self.rows.items():
            held = orjson.loads(raw).get(name)
            if (held.casefold() if isinstance(held, str) else held) == needle:
                hits.append(user_id)
        return hits
