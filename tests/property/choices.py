"""What the admin chooses: scope, audience, mapping and matching, saved, previewed first, and gone back from."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from hypothesis import strategies as st
from hypothesis.stateful import precondition

from shared.errors import NeedsAdmin
from sync.core.model import AccountState
from sync.core.sync_settings import DEFAULT_MAPPING, Chosen, FieldRule, Filter, MatchBy, Scope
from sync.usecases import preview, settings_change
from sync.usecases.versions import Author
from tests.property.edits import Machine
from tests.property.mapped import MEANING
from tests.property.reached import act
from tests.property.world import some

TARGETS = ("department", "job_title", "badge", "label", "centre", "team")
PLAIN = tuple(
    rule for rule in DEFAULT_MAPPING if rule.value in {"givenName", "surname", "displayName", "jobTitle", "department"}
)
WAYS: tuple[tuple[MatchBy, ...], ...] = (
    ("address",),
    ("alias", "address"),
    ("address", "alias", "employee_id"),
    ("employee_id", "address", "alias"),
    ("employee_id",),
)
rules = st.builds(
    FieldRule,
    target=st.sampled_from(TARGETS),
    value=st.sampled_from(sorted(MEANING)),
    apply=st.sampled_from(["always", "always", "on_create"]),
    on_null=st.sampled_from(["clear", "keep", "default"]),
    default=st.just(""),
).map(lambda rule: replace(rule, default="Default" if rule.on_null == "default" else ""))
mappings = st.lists(rules, min_size=1, max_size=4, unique_by=lambda rule: rule.target).map(tuple)
choices = st.fixed_dictionaries(
    {
        "kind": st.sampled_from(["everyone", "groups", "groups", "people"]),
        "which": some,
        "whom": some,
        "exclude": st.sampled_from(["nobody", "nobody", "person", "group"]),
        "narrow": st.sampled_from(["", "", "guests", "disabled", "domain", "department", "country", "place", "badge"]),
        "of": st.sampled_from(["scope", "audience"]),
    }
)
FILTERS = {
    "department": (Filter("department", "starts_with", ("DEPARTMENT 1",)),),
    "country": (Filter("usageLocation", "present"),),
    "place": (Filter("usageLocation", "in", ("se", "dk")), Filter("department", "equals", ("department 1",))),
    "badge": (Filter("extensionAttribute3", "in", ("b0", "B1")),),
}


class Choices(Machine):
    """The admin saves settings."""

    def wanted(self, choice: dict[str, Any]) -> dict[str, Any]:
        """A part of the settings, made of a drawn choice and of who and what there is."""
        which, whom, exclude, narrow = (choice[name] for name in ("which", "whom", "exclude", "narrow"))
        groups, people = self._groups_first(), sorted(self.tenant.people)
        group = (groups[which % len(groups)],) if groups else ()
        person = tuple({people[(whom + step) % len(people)]: None for step in range(3)}) if people else ()
        chosen = Chosen(
            everyone=choice["kind"] == "everyone",
            groups=group if choice["kind"] == "groups" else (),
            people=person if choice["kind"] == "people" else (),
            excluded_groups=(groups[whom % len(groups)],) if groups and exclude == "group" else (),
            excluded_people=(people[which % len(people)],) if people and exclude == "person" else (),
        )
        if choice["of"] == "audience":
            return {"audience": chosen}
        return {
            "scope": Scope(
                chosen,
                guests=narrow == "guests",
                disabled=narrow == "disabled",
                domains=("contoso.example",) if narrow == "domain" else (),
                filters=FILTERS.get(narrow, ()),
            )
        }

    def _groups_first(self) -> Sequence[str]:
        """Groups with people first, else a choice of groups is nearly always a choice of nobody."""
        return sorted(self.tenant.groups, key=lambda group: (-len(self.tenant.members_of(group)), group))[:3]

    @act(choice=choices)
    def change_settings(self, choice: dict[str, Any]) -> None:
        """Other settings are saved: who is in scope, or who is in the audience."""
        with self.engine.attempt():
            self.acme.save(**self.wanted(choice))

    @precondition(lambda self: self.tenant.present_people())
    @act(which=some, of=st.sampled_from(["scope", "audience"]))
    def go_by_a_group(self, which: int, of: str) -> None:
        """A group with people in it becomes what scope or audience go by."""
        if not self.tenant.present_groups():
            self.tenant.new_group("Chosen")
        group = self.group_of(which)
        for person in self.tenant.present_people()[: 1 + which % 9]:
            self.tenant.join(group, person)
        chosen = Chosen(groups=(group,))
        with self.engine.attempt():
            self.acme.save(**({"scope": Scope(chosen)} if of == "scope" else {"audience": chosen}))

    @act(own=mappings)
    def change_mapping(self, own: tuple[FieldRule, ...]) -> None:
        """Other fields are mapped, of attributes that may never have been read so far."""
        taken = {rule.target for rule in own}
        with self.engine.attempt():
            self.acme.save(mapping=(*(rule for rule in PLAIN if rule.target not in taken), *own))

    @act(ways=st.sampled_from(WAYS))
    def change_matching(self, ways: tuple[MatchBy, ...]) -> None:
        """Accounts that are there already are found in another way."""
        with self.engine.attempt():
            self.acme.save(matching=ways)

    @act(which=some)
    def roll_back(self, which: int) -> None:
        """An earlier version is saved again."""
        with self.engine.attempt():
            view = self.acme.view
            versions, _ = settings_change.history(self.engine.services, view.connection, "", 100)
            chosen = versions[which % len(versions)]
            settings_change.save(self.engine.services, view, chosen.settings, Author("admin"))

    @act(choice=choices)
    def preview_settings(self, choice: dict[str, Any]) -> None:
        """Trying settings writes nothing, whatever state everything is in."""
        view, effects = self.acme.view, len(self.engine.faults.effects)
        with self.engine.attempt():
            preview.preview(self.engine.services, view, replace(view.connection.settings, **self.wanted(choice)))
        assert len(self.engine.faults.effects) == effects, "a preview wrote"

    @act(choice=choices)
    def save_what_was_previewed(self, choice: dict[str, Any]) -> None:
        """What a preview names is what saving does, to the person, when nothing else happens meanwhile."""
        if not self.quiet():
            return
        acme, view = self.acme, self.acme.view
        wanted = replace(view.connection.settings, **self.wanted(choice))
        try:
            told = preview.preview(self.engine.services, view, wanted)
        except NeedsAdmin:  # Entra is asked about a wider scope, and a right is missing
            return
        if told is None or told.reads_again or told.unasked:
            return
        assert told.version == view.connection.settings.version
        before = acme.people
        saved = settings_change.save(self.engine.services, view, wanted, Author("admin"))
        if saved == view.connection:
            return
        self.met.add("saved what was previewed")
        self.engine.pump()
        after, active = acme.people, AccountState.ACTIVE
        was = {one for one, record in before.items() if record.account_state is active}
        now = {one for one, record in after.items() if record.account_state is active}
        heard = {one for one, record in before.items() if record.audience}
        hears = {one for one, record in after.items() if record.audience}
        named = {kind: {one.object_id for one in getattr(told, kind).people} for kind in KINDS}
        assert named["added"] == now - was, f"{named['added']} were to join and {now - was} did"
        waiting = {one for one, record in after.items() if record.held}
        assert named["removed"] - waiting == was - now, f"{named['removed']} were to go and {was - now} did"
        assert bool(named["removed"] & waiting) <= told.guard.held, "removals wait and the preview did not say so"
        assert named["audience_gained"] == hears - heard, "others entered the audience than were named"
        assert heard - hears <= named["audience_lost"], "others left the audience than were named"

    def quiet(self) -> bool:
        """Let everything that is under way come to its end, without faults; whether nothing is left to do."""
        self.engine.faults.heal()
        self.engine.pump()
        self.engine.tick()
        self.engine.pump()
        view = self.acme.view
        busy = view.reader.pass_run or view.reader.revisit_run or self.acme.holds or self.engine.queue.waiting()
        settled = view.connection.settled_version == view.connection.settings.version
        return view.connection.live and settled and not busy


KINDS = ("added", "removed", "audience_gained", "audience_lost")
