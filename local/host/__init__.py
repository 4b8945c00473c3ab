"""A small, faithful Azure Functions host for one Python app: see docs/functions-host.md."""
