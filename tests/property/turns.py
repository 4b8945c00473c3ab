"""Turns of the weather that take several steps: tokens that expire in mid-pass, a right that is gone for a while, a
connection that ends and comes back, days in which nothing runs.
"""

from __future__ import annotations

from datetime import timedelta

from hypothesis import strategies as st
from hypothesis.stateful import precondition

from shared.clock import parse_iso
from shared.errors import NeedsAdmin
from sync.core.model import FeedName
from sync.core.runs import Outcome, Run
from sync.core.settings_check import PURGE_DAYS
from sync.usecases import disconnect
from sync.usecases.full_pass import BLOCK_TIME
from tests.property.connecting import Connecting
from tests.property.moves import Moves
from tests.property.reached import act
from tests.property.world import some

AGE = timedelta(days=300)  # later, what is told of changes begins to be forgotten
BLOCKS = 40  # at most, until a pass is in the midst of a feed


class Turns(Moves, Connecting):
    """See the module."""

    @act(feed=st.sampled_from(["users", "groups"]), followed=st.booleans())
    def expire_within_a_pass(self, feed: FeedName, followed: bool) -> None:
        """Graph is so slow that a block of a full pass is one page, and forgets its tokens between two of them."""
        self.staffed(3)
        for number in range(3 - len(self.tenant.present_groups())):
            self.tenant.new_group(f"Slow {number}")
        directory, manners = self.engine.directory, self.engine.directory.manners
        size, manners.page_size = manners.page_size, 1
        with self.engine.attempt():
            self.acme.request_pass()
        for _ in range(BLOCKS):
            if any(_within(run, feed) for run in self.acme.runs) or not self.engine.queue.waiting():
                break
            directory.meanwhile["read_page"] = lambda: self.engine.clock.advance(BLOCK_TIME)
            self.engine.deliver()
            self.engine.clock.advance(1)
        directory.meanwhile.pop("read_page", None)
        self.look()
        directory.expire_cursors()
        manners.page_size = size
        if followed:
            self.engine.pump()

    @act(passes=st.booleans())
    def lose_the_right_to_groups(self, passes: bool) -> None:
        """The right to read groups is taken away and stays away; perhaps a full pass is made without it."""
        self.tenant.refusals["groups"] = NeedsAdmin("permission_missing", "Give it back.")
        self.follow()
        if passes:
            self.follow(passes=True)

    @precondition(lambda self: self.age() < AGE)
    @act(who=some, gives_up=st.booleans())
    def stand_still(self, who: int, gives_up: bool) -> None:
        """Nothing of ours runs for so long that every token is too old; or until whoever has left before is given up,
        if the admin chose so.
        """
        if gives_up and (people := self.staffed(1)):
            self.tenant.soft_delete(people[who % len(people)])
            self.follow()
            with self.engine.attempt():
                self.acme.save(purge_days=PURGE_DAYS[0])
        self.engine.clock.advance(timedelta(days=PURGE_DAYS[0] + 1 if gives_up else 8))
        self.engine.wait(timedelta(minutes=11))

    def age(self) -> timedelta:
        """Since the other workspace was connected."""
        return self.engine.clock.now() - parse_iso(self.connections[1].connection.connected_at)

    @precondition(lambda self: self.tenant.refusals)
    @act(passes=st.booleans())
    def regain_rights(self, passes: bool) -> None:
        """Every right is back, and what was missed is read by a full pass, at once or when it is due."""
        self.tenant.refusals.clear()
        if passes:
            self.follow(passes=True)

    @act(read=st.booleans(), starts=st.booleans())
    def part_and_return(self, read: bool, starts: bool) -> None:
        """The admin disconnects and connects again at once; presses Start before or after everything was read, or
        not yet.
        """
        with self.engine.attempt():
            disconnect.run(self.engine.services, self.acme.view)
        self.look()
        self.reconnect()
        if read:
            self.engine.pump()
        self.look()
        if starts:
            with self.engine.attempt():
                self.acme.start()
            self.engine.pump()


def _within(run: Run, feed: FeedName) -> bool:
    """Whether a full pass has read a part of a feed, and not all of it."""
    return run.kind == "pass" and run.outcome is Outcome.RUNNING and run.feed == feed and bool(run.cursor)
