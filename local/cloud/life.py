"""A tenant that is alive: every few seconds somebody is hired, leaves, comes back or moves, or groups are rearranged.

`python -m local.cloud.life --control https://localhost:9443 --ca ca.pem --tenant ID --every 3`, or `Life(...)`.
Which things happen, and to whom, follows from the seed and the directory alone.
"""

import argparse
import random
import signal
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

from local.cloud.control import Control
from local.cloud.crowd import person
from local.cloud.names import DEPARTMENTS, FAMILY, OFFICES, TITLES
from local.cloud.wire import Json

Action = Callable[[], Json]
_HIRED_FROM: Final = 900_000
_FEW: Final = 10  # fewer groups than this are left alone
_SMALL: Final = 60  # members of a group that may be deleted


class Life:
    """Makes one edit at a time, by `step()` or every few seconds in a thread. Nobody who can sign in is touched."""

    def __init__(self, control: Control, tenant: str, *, seed: int = 1, every: float = 3.0) -> None:
        self._control = control
        self._tenant = tenant
        self._rng = random.Random(seed)
        self._every = every
        self._number = 0
        self._stop = threading.Event()
        self._running = threading.Event()
        self._running.set()
        self._thread: threading.Thread | None = None
        state = next(item for item in control.state()["tenants"] if item["id"] == tenant)
        self._domain = str(state["domains"][0])
        self._spared = set(state["sign_in"])

    # stepping --------------------------------------------------------------------------------------------
    def step(self) -> Json:
        """Do one thing and write it down. Returns `{action, user, group?, what}` as logged.

        `user` is who it happened to, for a rearranged group one of those in it.
        """
        truth = self._control.truth(self._tenant)
        actions = self._with_people(truth) + self._with_groups(truth)
        entry = self._rng.choice(actions)()
        self._control.log_life({"number": self._number, "tenant": self._tenant, "real_time": time.time(), **entry})
        return entry

    def _with_people(self, truth: Json) -> list[Action]:
        staff = [row for row in truth["users"] if row["state"] == "live" and self._is_staff(row)]
        left = [row for row in truth["users"] if row["state"] == "deleted" and self._is_staff(row)]
        groups = [row for row in truth["groups"] if _is_edited(row)]
        actions: list[Action] = [self._hire]
        if len(staff) > 20:
            who = self._rng.choice(staff)
            actions += [
                self._hire,
                lambda: self._leave(who),
                lambda: self._disable(who),
                lambda: self._rename(who),
                lambda: self._move(who),
                lambda: self._promote(who),
                lambda: self._manager(who, self._rng.choice(staff)),
            ]
            actions += [lambda: self._regroup(who, groups)] * (2 if groups else 0)
        if left:
            actions.append(lambda: self._come_back(self._rng.choice(left)))
        return actions

    def _is_staff(self, row: Json) -> bool:
        enabled = row.get("accountEnabled") and row.get("userType") == "Member" and row.get("mail")
        return bool(enabled) and row["id"] not in self._spared

    def _with_groups(self, truth: Json) -> list[Action]:
        """Only groups with people in them, so that each change can be looked up at somebody."""
        peopled = [row for row in truth["groups"] if row["effective_users"]]
        live = {row["id"]: row for row in peopled if _is_edited(row)}
        gone = [row for row in peopled if row["state"] == "deleted"]
        nested = [
            (parent, live[member["id"]])
            for parent in live.values()
            for member in parent["members"]
            if member["id"] in live
        ]
        small = [row for row in live.values() if len(row["members"]) <= _SMALL and _is_restorable(row)]
        actions: list[Action] = []
        if len(live) > _FEW:
            actions.append(lambda: self._nest(*self._rng.sample(list(live.values()), 2)))
            actions += [lambda: self._delete_group(self._rng.choice(small))] if small else []
        if nested:
            actions.append(lambda: self._unnest(*self._rng.choice(nested)))
        if gone:
            actions.append(lambda: self._restore_group(self._rng.choice(gone)))
        return actions

    # people ----------------------------------------------------------------------------------------------
    def _hire(self) -> Json:
        self._number += 1
        row = person(self._rng, _HIRED_FROM + self._number, self._domain)
        user = self._control.create_user(self._tenant, **row)
        return {"action": "hired", "user": user, "what": row["displayName"]}

    def _leave(self, who: Json) -> Json:
        self._control.delete_user(self._tenant, who["id"])
        return {"action": "left", "user": who["id"], "what": who.get("displayName")}

    def _come_back(self, who: Json) -> Json:
        self._control.restore_user(self._tenant, who["id"])
        return {"action": "came back", "user": who["id"], "what": who.get("displayName")}

    def _disable(self, who: Json) -> Json:
        self._control.update_user(self._tenant, who["id"], accountEnabled=False)
        return {"action": "disabled", "user": who["id"], "what": who.get("displayName")}

    def _rename(self, who: Json) -> Json:
        name = self._rng.choice(FAMILY)
        shown = f"{who.get('givenName', '')} {name}".strip()
        self._control.update_user(self._tenant, who["id"], surname=name, displayName=shown)
        return {"action": "renamed", "user": who["id"], "what": shown}

    def _move(self, who: Json) -> Json:
        department = self._rng.choice([name for name in DEPARTMENTS if name != who.get("department")])
        office, city, country, _ = self._rng.choice(OFFICES)
        self._control.update_user(
            self._tenant, who["id"], department=department, officeLocation=office, city=city, country=country
        )
        return {"action": "moved", "user": who["id"], "what": department}

    def _promote(self, who: Json) -> Json:
        title = f"Senior {self._rng.choice([title for title in TITLES if title not in str(who.get('jobTitle'))])}"
        self._control.update_user(self._tenant, who["id"], jobTitle=title)
        return {"action": "promoted", "user": who["id"], "what": title}

    def _manager(self, who: Json, manager: Json) -> Json:
        if manager["id"] in {who["id"], who["manager"]}:
            return self._promote(who)
        self._control.update_user(self._tenant, who["id"], manager=manager["id"])
        return {"action": "new manager", "user": who["id"], "what": manager.get("displayName")}

    def _regroup(self, who: Json, groups: list[Json]) -> Json:
        held = [group for group in groups if group["id"] in who["groups"]]
        others = [group for group in groups if group["id"] not in who["groups"]]
        leaves = bool(held) and (not others or self._rng.random() < 0.5)
        group = self._rng.choice(held if leaves else others)
        if leaves:
            self._control.edit_members(self._tenant, group["id"], remove=[who["id"]])
        else:
            self._control.edit_members(self._tenant, group["id"], add=[who["id"]])
        action = "left group" if leaves else "joined group"
        return {"action": action, "user": who["id"], "group": group["id"], "what": group["displayName"]}

    # groups ----------------------------------------------------------------------------------------------
    def _nest(self, parent: Json, child: Json) -> Json:
        self._control.edit_members(self._tenant, parent["id"], add=[child["id"]])
        return self._rearranged("nested group", parent, child)

    def _unnest(self, parent: Json, child: Json) -> Json:
        self._control.edit_members(self._tenant, parent["id"], remove=[child["id"]])
        return self._rearranged("took group out", parent, child)

    def _delete_group(self, group: Json) -> Json:
        self._control.delete_group(self._tenant, group["id"])
        return self._rearranged("deleted group", group)

    def _restore_group(self, group: Json) -> Json:
        self._control.restore_group(self._tenant, group["id"])
        return self._rearranged("restored group", group)

    def _rearranged(self, action: str, group: Json, child: Json | None = None) -> Json:
        what = group["displayName"] if child is None else f"{child['displayName']} in {group['displayName']}"
        user = self._rng.choice((child or group)["effective_users"])
        return {"action": action, "user": user, "group": group["id"], "what": what}

    # running ---------------------------------------------------------------------------------------------
    def run(self, steps: int = 0) -> None:
        """Step every few seconds until stopped, or `steps` times."""
        done = 0
        while not self._stop.wait(self._every) and (not steps or done < steps):
            if self._running.is_set():
                self.step()
                done += 1

    def start(self) -> None:
        """Run in a thread."""
        self._thread = threading.Thread(target=self.run, name="life", daemon=True)
        self._thread.start()

    def pause(self) -> None:
        """Do nothing until `resume()`."""
        self._running.clear()

    def resume(self) -> None:
        """Go on."""
        self._running.set()

    def stop(self) -> None:
        """End; waits for the step under way."""
        self._stop.set()
        if self._thread is not None:
            self._thread.join(10)


def _is_edited(group: Json) -> bool:
    """Live, and not dynamic: nobody edits the members of those."""
    return group["state"] == "live" and "DynamicMembership" not in group["groupTypes"]


def _is_restorable(group: Json) -> bool:
    """Its deletion is a soft one."""
    cloud = group.get("securityEnabled") and not group.get("mailEnabled") and not group.get("onPremisesSyncEnabled")
    return bool(cloud) or "Unified" in group["groupTypes"]


def main() -> None:
    """Run until SIGTERM or SIGINT; SIGUSR1 pauses, SIGUSR2 goes on."""
    parser = argparse.ArgumentParser(prog="python -m local.cloud.life", description=__doc__)
    parser.add_argument("--control", required=True, help="origin of the simulated cloud")
    parser.add_argument("--ca", type=Path, required=True, help="its CA certificate (PEM)")
    parser.add_argument("--tenant", required=True)
    parser.add_argument("--every", type=float, default=3.0, help="seconds between edits")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--steps", type=int, default=0, help="end after so many (0: never)")
    chosen = parser.parse_args()
    with Control(chosen.control, chosen.ca) as control:
        life = Life(control, chosen.tenant, seed=chosen.seed, every=chosen.every)
        for name in ("SIGTERM", "SIGINT"):
            signal.signal(getattr(signal, name), lambda *_: life.stop())
        signal.signal(signal.SIGUSR1, lambda *_: life.pause())
        signal.signal(signal.SIGUSR2, lambda *_: life.resume())
        life.run(chosen.steps)


if __name__ == "__main__":
    main()
