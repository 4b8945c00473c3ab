"""The world's weather: messages doubled, reordered and lost, killed workers, failing servers, rights taken away."""

from __future__ import annotations

from datetime import timedelta

from hypothesis import strategies as st

from shared.errors import NeedsAdmin, Transient
from sync.core.messages import PullMessage
from sync.core.model import FeedName
from sync.ports import SendResult
from tests.property.edits import Machine
from tests.property.reached import act

WRITES = (
    "addresses.claim",
    "addresses.transfer",
    "addresses.release",
    "connections.save",
    "connections.save_reader",
    "groups.commit",
    "groups.save_reach",
    "mails.claim",
    "mails.save",
    "people.commit",
    "queue.send",
    "runs.finish_part",
    "runs.save",
    "runs.save_hold",
    "runs.save_window",
    "staging.put",
)


class Delivery(Machine):
    """Messages come, in order or not, once or more often, or never; time goes by."""

    @act()
    def hint(self) -> None:
        """Graph notifies."""
        with self.engine.attempt():
            self.acme.hint("users")
            self.acme.hint("groups")

    @act(count=st.integers(1, 30), order=st.booleans())
    def deliver(self, count: int, order: bool) -> None:
        """Some messages are worked on, in their order or in any, some of them twice."""
        if not order:
            self.engine.reshuffle()
        for _ in range(count):
            self.engine.deliver()

    @act()
    def sync(self) -> None:
        """Graph notifies, and everything that follows is done, whatever fails or is killed on the way."""
        self.hint()
        self.engine.pump()

    @act()
    def lose_hints(self) -> None:
        """Every notification is lost."""
        for delivery in self.engine.queue.waiting("pulls"):
            message = delivery.message
            if isinstance(message, PullMessage) and message.cause == "notification":
                self.engine.queue.drop(delivery.number)

    @act(seconds=st.sampled_from([1, 30, 90, 700, 7200]))
    def pass_time(self, seconds: int) -> None:
        """Time goes by and the timer fires."""
        self.engine.clock.advance(timedelta(seconds=seconds))
        self.engine.tick()

    @act()
    def pass_a_day(self) -> None:
        """A whole day in which everything works as it should; holds that nobody decided expire."""
        self.engine.faults.heal()
        self.engine.pump(until=self.engine.clock.now() + timedelta(hours=24))
        self.engine.tick()


class Weather(Machine):
    """Whatever may fail on the way."""

    @act()
    def expire_cursors(self) -> None:
        """Graph forgets its tokens, perhaps in the middle of a full pass."""
        self.engine.directory.expire_cursors()

    @act(effects=st.integers(1, 25), landed=st.booleans())
    def crash_soon(self, effects: int, landed: bool) -> None:
        """The worker will be killed at an effect to come."""
        self.engine.faults.crash_after(effects, landed=landed)

    @act(operation=st.sampled_from(WRITES), landed=st.booleans())
    def fail_storage(self, operation: str, landed: bool) -> None:
        """A write will fail, or its reply will be lost."""
        self.engine.faults.fail_next(operation, Transient("503"), landed=landed)

    @act(operation=st.sampled_from(["directory.read_page", "directory.fetch_people"]))
    def throttle(self, operation: str) -> None:
        """Graph will answer 429."""
        self.engine.faults.fail_next(operation, Transient("429", retry_after=40))

    @act(result=st.sampled_from(SendResult), accepted=st.booleans())
    def upset_mail_server(self, result: SendResult, accepted: bool) -> None:
        """The mail server will say something else."""
        self.engine.mail_server.script(result, accepted=accepted and result is SendResult.UNKNOWN)

    @act(feed=st.sampled_from(["groups", "groups", "users"]), back=st.booleans())
    def change_rights(self, feed: FeedName, back: bool) -> None:
        """A right is taken, or given back."""
        if back:
            self.tenant.refusals.clear()
        else:
            self.tenant.refusals[feed] = NeedsAdmin("permission_missing", "Give it back.")

    @act(blank=st.booleans())
    def answer_nothing(self, blank: bool) -> None:
        """A full read is answered with an empty list, as after a right that was lost silently, or no longer."""
        self.tenant.enumerates_nothing = blank
