"""Every table port over one client."""

from __future__ import annotations

from typing import Self

from shared.settings import Settings
from sync.adapters.tables.accounts import TableAccounts
from sync.adapters.tables.addresses import TableAddresses
from sync.adapters.tables.connections import TableConnections
from sync.adapters.tables.groups import TableGroups
from sync.adapters.tables.mails import TableMails
from sync.adapters.tables.once import TableOnce
from sync.adapters.tables.people import TablePeople
from sync.adapters.tables.runs import TableRuns
from sync.adapters.tables.settings_history import TableSettingsHistory
from sync.adapters.tables.staging import TableStaging
from sync.adapters.tables.table import Tables
from sync.adapters.tables.tenants import TableTenants


class Storage:
    """The ports, as attributes. Nothing is opened before it is used; a table is made at its first use."""

    def __init__(self, tables: Tables) -> None:
        self.connections = TableConnections(tables.table("connections"))
        self.tenants = TableTenants(tables.table("tenants"))
        self.people = TablePeople(tables.table("people"))
        self.groups = TableGroups(tables.table("groups"))
        self.addresses = TableAddresses(tables.table("addresses"))
        self.accounts = TableAccounts(tables.table("accounts"))
        self.staging = TableStaging(tables.table("staging"))
        runs = tables.table("runs")
        self.runs = TableRuns(runs)
        self.settings_history = TableSettingsHistory(runs)
        self.mails = TableMails(tables.table("mails"))
        self.once = TableOnce(tables.table("once"))

    @classmethod
    def open(cls, settings: Settings, prefix: str = "") -> Self:
        """From a connection string or an account's name; `prefix` (letters and digits) goes before table names."""
        return cls(Tables(settings, prefix))
