"""What is told of runs, holds and mails before anything happened."""

from sync.core.model import Action
from sync.core.runs import GuardWindow, Hold, Mail, MailState, Outcome, Run, Stage


def test_a_new_run_has_done_nothing() -> None:
    """It is running, has no parts and no counts; conditional saving begins with an empty etag."""
    run = Run("r", "s", "c", "pull", "timer", 1, "2026-03-02T08:00:00.000Z")
    assert (run.outcome, run.stage, run.parts, run.done_parts) == (Outcome.RUNNING, Stage.APPLYING, 0, frozenset())
    assert (dict(run.counts), run.error, run.etag) == ({}, "", "")


def test_a_new_hold_waits_and_a_new_mail_is_due() -> None:
    """Nothing is released and nothing is sent by default."""
    assert Hold("h", "s", "c", "r", "cause", "now", "then").state == "waiting"
    assert Mail("t", "p", "c", "a@b.c", "Ann", "now").state is MailState.DUE
    assert GuardWindow("s").removals == {}


def test_etags_do_not_make_records_different() -> None:
    """A record read again equals the one that was written."""
    assert GuardWindow("s", etag="1") == GuardWindow("s", etag="2")


def test_counts_of_a_run_cannot_be_mistaken_for_each_other() -> None:
    """The names that stand beside the actions in a run's counts are no actions."""
    assert not {action.value for action in Action} & {
        "held",
        "mailed",
        "gone",
        "removals",
        "by_scope",
        "kept",
        "groups",
    }
