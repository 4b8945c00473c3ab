"""The table that `--auto` ends with."""

import math
from collections.abc import Sequence

from rich.console import Console
from rich.table import Table

from local.run.auto import Result

SHOWN = 20


def show(result: Result, console: Console) -> None:
    """Print what was measured, and whatever differs."""
    table = Table(title="Directory sync on this machine", title_justify="left", show_header=False)
    table.add_column()
    table.add_column(justify="right")
    rows = [
        ("Tenant read, ready to start after", f"{result.consented_after:.1f} s"),
        ("Connected after", f"{result.connected_after:.1f} s"),
        ("Notifications on after", _seconds(result.announcing_after)),
        ("People in the tenant", f"{result.people:,}"),
        ("Active accounts", f"{result.accounts:,}"),
        ("Groups", f"{result.groups:,}"),
        ("Onboarding mails", f"{result.mails:,}"),
        ("Changes in the tenant, seen one by one", f"{result.changes:,}"),
        ("... of them announced by a notification", f"{result.announced:,}"),
        ("Notification to account, p50", _percentile(result.delays, 50)),
        ("Notification to account, p99", _percentile(result.delays, 99)),
        ("Differences from the tenant's truth", f"{len(result.differences):,}"),
    ]
    for row in rows:
        table.add_row(*row)
    console.print(table)
    for difference in result.differences[:SHOWN]:
        console.print(f"  differs: {difference}", style="red", markup=False)
    if len(result.differences) > SHOWN:
        console.print(f"  ... and {len(result.differences) - SHOWN:,} more", style="red")


def _seconds(value: float | None) -> str:
    return "never" if value is None else f"{value:.1f} s"


def _percentile(values: Sequence[float], percent: int) -> str:
    """Nearest rank."""
    if not values:
        return "none"
    ordered = sorted(values)
    return f"{ordered[math.ceil(len(ordered) * percent / 100) - 1]:.2f} s"
