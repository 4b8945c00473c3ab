"""A tenant that is alive: every few seconds somebody is hired, leaves, is renamed or moves.

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

_HIRED_FROM: Final = 900_000


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
        """Do one thing and write it down. Returns `{action, user, group, what}` as logged."""
        truth = self._control.truth(self._tenant)
        staff = [
            row
            for row in truth["users"]
            if row["state"] == "live"
            and row.get("accountEnabled")
            and row.get("userType") == "Member"
            and row.get("mail")
            and row["id"] not in self._spared
        ]
        groups = [
            row for row in truth["groups"] if row["state"] == "live" and "DynamicMembership" not in row["groupTypes"]
        ]
        actions: list[Callable[[], Json]] = [self._hire]
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
        entry = self._rng.choice(actions)()
        self._control.log_life({"number": self._number, "tenant": self._tenant, "real_time": time.time(), **entry})
        return entry

    def _hire(self) -> Json:
        self._number += 1
        row = person(self._rng, _HIRED_FROM + self._number, self._domain)
        user = self._control.create_user(self._tenant, **row)
        return {"action": "hired", "user": user, "what": row["displayName"]}

    def _leave(self, who: Json) -> Json:
        self._control.delete_user(self._tenant, who["id"])
        return {"action": "left", "user": who["id"], "what": who.get("displayName")}

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
        group = self._rng.choice(groups)
        if group["id"] in who["groups"]:
            self._control.edit_members(self._tenant, group["id"], remove=[who["id"]])
            action = "left group"
        else:
            self._control.edit_members(self._tenant, group["id"], add=[who["id"]])
            action = "joined group"
        return {"action": action, "user": who["id"], "group": group["id"], "what": group["displayName"]}

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
