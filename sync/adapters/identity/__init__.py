"""Microsoft's sign-in service: app-only tokens for Graph, and the proof that an admin belongs to a tenant."""
