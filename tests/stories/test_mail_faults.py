"""The mail server refuses, hesitates or breaks off: at most one mail, always; never a blind second one."""

from __future__ import annotations

from datetime import timedelta

from sync.core.runs import MailState
from sync.ports import SendResult
from tests.fakes.engine import Tenanted
from tests.fakes.faults import Crash


def one_mail(acme: Tenanted) -> MailState:
    """The state of the only mail."""
    (mail,) = acme.mails
    return mail.state


def hire(acme: Tenanted) -> None:
    """Somebody is hired, and everything that follows happens."""
    acme.tenant.hire("New Comer")
    acme.sync()


def test_unknown_outcome(acme: Tenanted) -> None:
    """The connection broke after the mail was handed over, and the server cannot tell: a person must look."""
    acme.engine.mail_server.script(SendResult.UNKNOWN, accepted=True)
    hire(acme)
    acme.engine.wait(timedelta(hours=2))
    acme.reconcile()
    assert one_mail(acme) is MailState.NEEDS_REVIEW
    assert len(acme.engine.mail_server.offered) == 1


def test_unknown_outcome_that_the_provider_knows(acme: Tenanted) -> None:
    """Where the provider keeps operations it is asked, and knows."""
    acme.engine.mail_server.remembers = True
    acme.engine.mail_server.script(SendResult.UNKNOWN, accepted=True)
    hire(acme)
    assert one_mail(acme) is MailState.SENT
    assert len(acme.engine.mail_server.offered) == 1


def test_not_sent(acme: Tenanted) -> None:
    """Certainly not accepted: tried again until it is, each time a little later."""
    for _ in range(3):
        acme.engine.mail_server.script(SendResult.NOT_SENT)
    hire(acme)
    assert one_mail(acme) is MailState.SENT
    assert (len(acme.engine.mail_server.offered), acme.mailed) == (4, ["new.comer@contoso.example"])


def test_refused(acme: Tenanted) -> None:
    """The server says no for good: it is not asked again."""
    acme.engine.mail_server.script(SendResult.REFUSED, "550 no such user")
    hire(acme)
    acme.engine.wait(timedelta(hours=1))
    assert one_mail(acme) is MailState.REFUSED
    assert len(acme.engine.mail_server.offered) == 1


def test_killed_with_the_mail_in_the_servers_hands(acme: Tenanted) -> None:
    """The worker dies after the server took the mail and before that was noted: it is not sent again."""
    acme.engine.faults.fail_next("mail_server.send", Crash("killed"), landed=True)
    hire(acme)
    acme.engine.wait(timedelta(minutes=30))
    assert one_mail(acme) is MailState.NEEDS_REVIEW
    assert acme.mailed == ["new.comer@contoso.example"]


def test_message_lost(acme: Tenanted) -> None:
    """A mail whose message was lost is found by the timer."""
    acme.tenant.hire("New Comer")
    acme.hint("users")
    while not acme.engine.queue.waiting("mails"):
        acme.engine.deliver()
    for delivery in acme.engine.queue.waiting("mails"):
        acme.engine.queue.drop(delivery.number)
    acme.engine.wait(timedelta(minutes=25))
    assert one_mail(acme) is MailState.SENT


def test_left_before_the_mail(acme: Tenanted) -> None:
    """Who left before the mail's turn came is not mailed."""
    new = acme.tenant.hire("New Comer")
    acme.hint("users")
    while not acme.engine.queue.waiting("mails"):
        acme.engine.deliver()
    held = acme.engine.queue.waiting("mails")
    for delivery in held:
        acme.engine.queue.drop(delivery.number)
    acme.tenant.soft_delete(new)
    acme.sync()
    acme.engine.queue.send(held[0].message)
    acme.engine.pump()
    assert one_mail(acme) is MailState.CANCELLED
    assert acme.mailed == []
