"""Delta rounds of both feeds: from a request to a page with exactly one of nextLink and deltaLink."""

from collections import OrderedDict
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import quote

import orjson

from local.cloud import cursor as cursors
from local.cloud import delta_groups, delta_users, query
from local.cloud.cursor import BadCursor, Cursor, Sealer
from local.cloud.query import Selection
from local.cloud.tenant import Tenant
from local.cloud.wire import JSON_TYPE, Call, GraphError, Reply, bad_request, unsupported

_REFUSED: Final = ("$top", "$expand", "$orderby", "$count", "$search", "$skip", "$format", "$apply")
_ALLOWED: Final = ("$select", "$filter", "$deltatoken", "$skiptoken")
_PLANS: Final = 16
_EXPIRED: Final = (
    "The sync state generation is not found. The delta token is expired and data must be synchronized again."
)


@dataclass
class DeltaFeeds:
    """Serves `/users/delta` and `/groups/delta` of every tenant."""

    sealer: Sealer
    _plans: OrderedDict[tuple[Any, ...], list[Any]] = field(default_factory=OrderedDict)

    def read(self, tenant: Tenant, feed: str, call: Call, roles: frozenset[str]) -> Reply:
        """Answer one delta request."""
        chosen = query.options(call, _ALLOWED, _REFUSED)
        cursor = self._cursor(tenant, feed, chosen, call)
        selection = query.selection(tenant, feed, cursor.select, relations=True)
        if chosen.get("$deltatoken") == "latest":
            return self._page(tenant, call, cursor, selection, [], None)
        behaviour = tenant.behaviour
        page = cursor.page + 1
        every = behaviour.empty_every
        if every and not cursor.gap and page % every == 0:
            return self._page(tenant, call, cursor.moved(gap=True), selection, [], (cursor.major, cursor.minor))
        size = behaviour.page_size
        if behaviour.page_jitter:
            size = max(1, size - (page * 7919) % (behaviour.page_jitter + 1))
        cursor = cursor.moved(page=page, gap=False)
        items, following = self._items(tenant, cursor, size, selection, roles)
        if behaviour.circle_pages == page and following is not None:
            cursor, following = cursor.moved(page=0), (0, 0)
        return self._page(tenant, call, cursor, selection, items, following)

    def _cursor(self, tenant: Tenant, feed: str, chosen: dict[str, str], call: Call) -> Cursor:
        delta, skip = chosen.get("$deltatoken"), chosen.get("$skiptoken")
        if delta is not None and skip is not None:
            raise unsupported("$deltatoken and $skiptoken cannot be combined.")
        log = tenant.logs[feed]
        now = tenant.clock.now()
        if skip is None and delta in {None, "", "latest"}:
            query.selection(tenant, feed, chosen.get("$select"), relations=True)
            head = tenant.head(feed)
            return Cursor(
                tenant=tenant.id,
                feed=feed,
                kind="skip",
                incarnation=log.incarnation,
                epoch=log.epoch,
                at=now,
                select=chosen.get("$select"),
                ids=query.delta_ids(feed, chosen["$filter"]) if "$filter" in chosen else (),
                end=head,
            )
        held = self._held(tenant, feed, skip if skip is not None else str(delta), call)
        if held.kind != ("delta" if skip is None else "skip"):
            raise bad_request("Badly formed token.", violation=f"{held.kind} token in the other parameter")
        return held if skip is not None else self._round(tenant, feed, held, chosen, call)

    def _round(self, tenant: Tenant, feed: str, held: Cursor, chosen: dict[str, str], call: Call) -> Cursor:
        if "$filter" in chosen:
            raise unsupported("$filter cannot be added to a deltaLink.")
        return held.moved(
            kind="skip",
            start=held.end,
            end=tenant.head(feed),
            at=tenant.clock.now(),
            select=chosen.get("$select", held.select),
            major=0,
            minor=0,
            page=0,
            gap=False,
            minimal="return=minimal" in call.headers.get("prefer", "").replace(" ", ""),
        )

    def _held(self, tenant: Tenant, feed: str, token: str, call: Call) -> Cursor:
        try:
            held = cursors.read(self.sealer, token)
        except BadCursor as error:
            raise bad_request("Badly formed token.") from error
        if (held.tenant, held.feed) != (tenant.id, feed):
            raise bad_request("Badly formed token.", violation="token of another tenant or resource")
        if held.kind == "skip" and {key.lower() for key, _ in call.pairs()} != {"$skiptoken"}:
            raise unsupported("Nothing may be added to a nextLink.")
        log = tenant.logs[feed]
        if held.epoch != log.epoch and log.void_reason == "reset":
            raise self._reset(tenant, feed, call)
        behaviour = tenant.behaviour
        age = tenant.clock.now() - held.at
        if held.kind == "skip" and behaviour.skiptoken_seconds and age > behaviour.skiptoken_seconds:
            raise bad_request("The specified page token value has expired.", code="Directory_ExpiredPageToken")
        if held.incarnation != log.incarnation or held.epoch != log.epoch or age > behaviour.delta_days * 86_400:
            raise bad_request(_EXPIRED, code=behaviour.expired_code)
        return held

    @staticmethod
    def _reset(tenant: Tenant, feed: str, call: Call) -> GraphError:
        behaviour = tenant.behaviour
        location = behaviour.reset_location or f"{call.base}/v1.0/{feed}/delta?$deltatoken="
        return GraphError(410, behaviour.reset_code, "Resync required.", headers={"Location": location})

    def _items(
        self, tenant: Tenant, cursor: Cursor, size: int, selection: Selection, roles: frozenset[str]
    ) -> tuple[list[bytes], tuple[int, int] | None]:
        if cursor.start < 0:
            if cursor.feed == "groups":
                return delta_groups.initial(tenant, cursor, size, selection, roles)
            items, stop = delta_users.initial(tenant, cursor, size, selection, roles)
            return items, None if stop is None else (stop, 0)
        key = (tenant.logs[cursor.feed].incarnation, cursor.start, cursor.end, cursor.select, cursor.ids)
        module: Any = delta_groups if cursor.feed == "groups" else delta_users
        plan = self._plans.get(key)
        if plan is None:
            plan = module.touched(tenant, cursor, selection)
        stop = module.fitting(plan, cursor.major, size, tenant.behaviour.member_slice)
        self._keep(key, plan, more=stop < len(plan))
        chosen = plan[cursor.major : stop]
        every = tenant.behaviour.repeat_every
        if every and cursor.major:
            again = plan[max(0, cursor.major - size) : cursor.major : every]
            chosen = [part for part in again if self._repeatable(tenant, part)] + chosen
        items = [
            entry for part in chosen for entry in module.render(tenant, part, selection, roles, minimal=cursor.minimal)
        ]
        return items, (stop, 0) if stop < len(plan) else None

    @staticmethod
    def _repeatable(tenant: Tenant, part: Any) -> bool:
        """Whether telling a part again later leaves its reader with the truth: not old states, nor single steps."""
        if isinstance(part, delta_groups.Piece):
            return not (part.members and tenant.behaviour.verbose_members)
        return not part.row

    def _keep(self, key: tuple[Any, ...], plan: list[Any], *, more: bool) -> None:
        """Keep a plan while there are pages to come; the log never changes, so a dropped one can be made again."""
        if not more:
            return
        self._plans[key] = plan
        while len(self._plans) > _PLANS:
            self._plans.popitem(last=False)

    def emptied(self, reply: Reply) -> Reply:
        """A page made into the last one, with nothing on it: its deltaLink goes on after what was never told."""
        page = orjson.loads(reply.body)
        link = str(page.pop("@odata.nextLink", None) or page.pop("@odata.deltaLink", ""))
        base, _, token = link.partition("=")
        cursor = cursors.read(self.sealer, token).moved(kind="delta", start=-1, major=0, minor=0)
        page["@odata.deltaLink"] = f"{base.partition('?')[0]}?$deltatoken={cursors.write(self.sealer, cursor)}"
        page["value"] = []
        return Reply(reply.status, orjson.dumps(page), reply.content_type, reply.headers)

    def _page(
        self,
        tenant: Tenant,
        call: Call,
        cursor: Cursor,
        selection: Selection,
        items: list[bytes],
        following: tuple[int, int] | None,
    ) -> Reply:
        feed = cursor.feed
        if following is None:
            token = cursors.write(
                self.sealer, cursor.moved(kind="delta", start=-1, at=tenant.clock.now(), major=0, minor=0)
            )
            name, parameter = "@odata.deltaLink", "$deltatoken"
        else:
            token = cursors.write(self.sealer, cursor.moved(major=following[0], minor=following[1]))
            name, parameter = "@odata.nextLink", "$skiptoken"
        context = f"{call.base}/v1.0/$metadata#{feed}{quote(selection.context, safe='(),')}"
        link = f"{call.base}/v1.0/{feed}/delta?{parameter}={token}"
        head = f'{{"@odata.context":"{context}","{name}":"{link}","value":['.encode()
        return Reply(200, b"".join((head, b",".join(items), b"]}")), JSON_TYPE)
