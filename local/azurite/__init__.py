"""Azurite, Azure Storage on one machine: installed once, started as a child process."""

from local.azurite.server import Azurite, AzuriteError

__all__ = ["Azurite", "AzuriteError"]
