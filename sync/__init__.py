"""Employees and groups of Entra tenants, in the Moxso directory."""
