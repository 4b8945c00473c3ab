"""The storage ports on Azure Table Storage."""

from sync.adapters.tables.storage import Storage

__all__ = ["Storage"]
