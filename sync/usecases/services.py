"""Everything a use case may touch, in one value: the first argument of every use case.

The composition root builds one whose ports open at first use; tests construct it with fakes.
"""

from __future__ import annotations

from dataclasses import dataclass

from shared.clock import Clock
from shared.settings import Settings
from sync import ports


@dataclass(frozen=True, eq=False)
class Services:
    """The settings and the ports. No slots: the composition root fills the fields in as they are asked for."""

    settings: Settings
    clock: Clock
    ids: ports.Ids
    connections: ports.Connections
    tenants: ports.Tenants
    people: ports.People
    groups: ports.Groups
    addresses: ports.Addresses
    accounts: ports.ManualAccounts
    staging: ports.Staging
    runs: ports.Runs
    mails: ports.Mails
    once: ports.Once
    queue: ports.Queue
    directory: ports.Directory
    subscriptions: ports.Subscriptions
    sign_in: ports.SignIn
    mail_server: ports.MailServer
