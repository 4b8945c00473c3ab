"""A tenant in which every text is the name of people whom matching, groups, previews and holds concern, and of the
accounts and groups they have to do with. Whoever and whatever belongs together is called the same.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from sync.core.sync_settings import Chosen, Scope
from tests.fakes.engine import Engine, Tenanted
from tests.inputs.world import MAIL_DOMAIN, SETTINGS, properties
from tests.inputs.zoo import LONGEST, TEXTS, Text
from tests.real.api import Api

WORKSPACE = "ws-concerned"
NAMES = tuple(one for one in TEXTS if one.kept and "\ud800" not in one.given)  # half a character is nowhere to be kept
CALLED = next(one for one in NAMES if one.number == 1)  # what the tenant and its other admin are called
LOST = tuple(one for one in NAMES if one.number in {1, 13, 19})  # a few, whose group vanishes
Item = dict[str, Any]
# Object ids have no say in who comes first, so that of two with one address either may be the one who gets it.
ROLES: Mapping[str, Item] = {
    "matched": {"mail": f"known{{number}}@{MAIL_DOMAIN}"},  # and by employee id with another account
    "rival": {"mail": f"known{{number}}@{MAIL_DOMAIN}", "employeeId": None},
    "held": {"mail": f"held{{number}}@{MAIL_DOMAIN}", "employeeId": None},
    "lost": {"mail": f"lost{{number}}@{MAIL_DOMAIN}", "employeeId": None, "names": LOST},
    "fresh": {"mail": f"noreply.{{number}}@{MAIL_DOMAIN}", "employeeId": None, "givenName": None, "surname": None},
    "clash": {"mail": f"known{{number}}@{MAIL_DOMAIN}", "employeeId": None},
}
FIRST, LATER = ("matched", "rival", "held", "lost"), ("fresh", "clash")  # LATER come after Start, outside the scope


@dataclass
class Concerned:
    """The tenant, who is who by their object ids, and the match report before Start."""

    acme: Tenanted
    api: Api
    people: Mapping[str, Mapping[str, Text]]
    groups: Mapping[str, Mapping[str, Text]]
    planned: list[Item]


def concerned(engine: Engine, tenant_id: str) -> Concerned:
    """Imported, with a hold that waits: of everybody `held`, whom the settings no longer choose, and of everybody in
    the groups `lost`, which are gone.
    """
    acme = engine.connect(WORKSPACE, tenant_id)
    api = Api(acme)
    for number, text in enumerate(NAMES):
        name, employee = text.given[:LONGEST], employee_id(number, text)
        make_by_hand(api, address=f"known{number}@{MAIL_DOMAIN}", name=name)
        make_by_hand(api, address=f"spare{number}@{MAIL_DOMAIN}", name=name, employee_id=employee)
    people = hire(acme, FIRST)
    groups = found(acme, people)
    engine.services.connections.save(replace(acme.connection, tenant_name=CALLED.kept, settings=replace(
        SETTINGS,
        matching=("address", "employee_id"),
        scope=Scope(Chosen(groups=(*groups["outer"], *groups["lost"]), people=(*people["held"],))),
        audience=Chosen(groups=(*groups["outer"], *groups["gone"])),
    )))  # fmt: skip
    engine.pump()
    planned = api.every("match-report")
    assert api.ask("GET", "match-report")["told_by"] == "plan"
    acme.start()
    engine.pump()
    people |= hire(acme, LATER)
    acme.sync()
    for group in (*groups["gone"], *groups["lost"]):
        acme.tenant.delete_group(group)
    acme.sync()
    type_over(acme, people, {"groups": [*groups["outer"], *groups["lost"]]})
    return Concerned(acme, api, people, groups, planned)


def type_over(acme: Tenanted, people: Mapping[str, Mapping[str, Text]], chosen: Item) -> None:
    """An admin whose own name is such a text chooses, and types it wherever they may."""
    odd = Api(acme, sub=CALLED.kept, name=CALLED.kept)
    typed = {
        "target": "typed",
        "value": f'first(country, "{CALLED.kept}")',
        "on_null": "default",
        "default": CALLED.kept,
    }
    filters = [{"attribute": "userType", "operator": "in", "values": ["Member", CALLED.kept]}]
    odd.save(mapping=[*odd.settings()[0]["mapping"], typed], scope={"chosen": chosen, "filters": filters})
    stored, pairs = acme.people, zip(people["matched"], people["rival"], strict=True)
    active = [one for one in itertools.chain(*itertools.islice(pairs, 2)) if stored[one].account_id]
    for text in ("Finance", CALLED.kept):
        for one in active:
            odd.ask("PATCH", f"people/{one}", json={"fields": {"department": text}})


def employee_id(number: int, text: Text) -> str:
    """One of which nobody else has a like."""
    return f"{number} {text.given}"[:LONGEST]


def make_by_hand(api: Api, **account: str) -> None:
    """An account of the workspace."""
    api.ask("POST", "/api/v1/accounts", 201, json=account)


def hire(acme: Tenanted, roles: Sequence[str]) -> dict[str, dict[str, Text]]:
    """For each text one of each role; of `lost` a few."""

    def everybody(role: str, mail: str, names: Sequence[Text] = NAMES, **changes: Any) -> dict[str, Text]:
        own = [f"{role}{number}@{MAIL_DOMAIN}" for number in range(len(names))]
        edits = [
            {
                "op": "user.create",
                "set": {
                    "accountEnabled": True,
                    "userType": "Member",
                    **properties(text.given, own[number]),
                    "employeeId": employee_id(number, text),
                    "mail": mail.format(number=number),
                    "proxyAddresses": [],
                    **changes,
                },
            }
            for number, text in enumerate(names)
        ]
        return {one["id"]: text for one, text in zip(acme.tenant.edit(*edits), names, strict=True)}

    return {role: everybody(role, **ROLES[role]) for role in roles}


def found(acme: Tenanted, people: Mapping[str, Mapping[str, Text]]) -> dict[str, dict[str, Text]]:
    """For each text a group `inner` of the one who is matched and the rival, an `outer` one of that group alone, one
    without members that will be `gone`, and a few of one to be `lost`.
    """

    def every(names: Sequence[Text], *members: Sequence[str]) -> dict[str, Text]:
        edits = [
            {
                "op": "group.create",
                "set": {
                    "displayName": text.given,
                    "description": text.given,
                    "mail": text.given,
                    "securityEnabled": True,
                },
                "members": [one[number] for one in members],
            }
            for number, text in enumerate(names)
        ]
        return {one["id"]: text for one, text in zip(acme.tenant.edit(*edits), names, strict=True)}

    inner = every(NAMES, [*people["matched"]], [*people["rival"]])
    return {
        "inner": inner,
        "outer": every(NAMES, [*inner]),
        "gone": every(NAMES),
        "lost": every(LOST, [*people["lost"]]),
    }
