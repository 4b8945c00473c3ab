"""For random tenants and settings, everybody is explained and then synchronised: what was said is what happens."""

from __future__ import annotations

from typing import Literal

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sync.core.model import Hand
from tests.fakes.engine import Engine
from tests.property.acts import Acts
from tests.property.asking import ask, synchronise
from tests.property.choices import Choices
from tests.property.edits import EditsOfPeople
from tests.property.groupings import EditsOfGroups
from tests.property.world import ADDRESSES, NAMES, some

Does = Literal["hire", "change", "standing", "leave", "join", "nest", "delete", "scope", "audience", "hand"]
OFTEN: tuple[Does, ...] = ("hire", "join", "join", "nest", "scope", "scope", "audience")
SELDOM: tuple[Does, ...] = ("change", "standing", "leave", "delete", "hand")
edits = st.lists(st.tuples(st.sampled_from(OFTEN + SELDOM), some, some, some), min_size=4, max_size=14)
KINDS, EXCLUDED = ("groups", "groups", "everyone", "people"), ("nobody", "nobody", "group", "person")
NARROW = ("", "", "guests", "disabled", "domain", "department", "country")


class Tenancy(EditsOfPeople, EditsOfGroups, Choices, Acts):
    """One connection whose tenant and settings are edited by numbers; it is driven by hand, and not by Hypothesis."""

    def __init__(self, seed: int) -> None:
        self.met = set()
        self.engine = Engine(seed=seed)
        self.acme = self.engine.connect(digits=seed % 2)
        self.tenant = self.acme.tenant
        for number in range(4):
            self.tenant.hire(NAMES[number], department=f"Department {number % 2}")
            self.tenant.new_group(f"Group {number}")
        self.acme.imported()
        self.engine.clock.advance(1)

    def edit(self, does: Does, a: int, b: int, c: int) -> None:
        """One edit, if there is anybody to edit."""
        groups, people = self.tenant.present_groups(), self.tenant.present_people()
        match does:
            case "hire":
                self.hire(NAMES[a % 6], ADDRESSES[b % 6])
            case "change" if people:
                part = ("both", "name", "mail", "department", "no mail")[c % 5]
                self.change(a, NAMES[b % 6], ADDRESSES[c % 6], part, told=True)
            case "standing" if people:
                self.change_standing(a, enabled=b % 3 > 0, guest=c % 3 == 0)
            case "leave" if people:
                self.leave_company(a, ("soft", "hard", "silent")[b % 3], again=c % 2 == 0)
            case "join" if people and groups:
                self.change_members(a, b, "person", joins=c % 5 > 0, told=True)
            case "nest" if len(groups) > 1:
                self.nest(a, b, joins=c % 5 > 0)
            case "delete" if groups:
                self.change_groups(a, ("soft", "hard", "back")[b % 3], told=True)
            case "scope" | "audience":
                kind, exclude, narrow = KINDS[a % 4], EXCLUDED[b % 4], NARROW[c % 7]
                self.change_settings(
                    {"kind": kind, "which": b, "whom": c, "exclude": exclude, "narrow": narrow, "of": does}
                )
            case "hand":
                self.act_by_hand(a, tuple(Hand)[b % 3])


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(some, edits, edits, st.booleans())
def test_what_is_said_is_what_synchronising_does(
    seed: int, before: list[tuple[Does, int, int, int]], after: list[tuple[Does, int, int, int]], caught_up: bool
) -> None:
    """A tenant and settings that were taken in, then edits of both that were not: each person's explanation writes
    nothing and is fulfilled to the field, by whoever asks first and by whoever asks last.
    """
    made = Tenancy(seed)
    for edit in before:
        made.edit(*edit)
    made.acme.sync()
    if caught_up:
        made.acme.approve_all()
        made.acme.sync()
    for edit in after:
        made.edit(*edit)
    for person in sorted(made.tenant.people):
        synchronise(made.acme, person, ask(made.acme, person))
        again = ask(made.acme, person)
        assert again is None or again.then.action == again.now.action, "nothing is news any more"
