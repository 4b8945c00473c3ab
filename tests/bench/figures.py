"""What a benchmark says, and how it is shown."""

from __future__ import annotations

import operator
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from rich.console import Console
from rich.table import Table


@dataclass(frozen=True)
class Figure:
    """One measurement. `bare` is the bare cost of the same work; `ratio` is between the two, as the goal is put.

    `goal` is for the ratio where there is one, else for the value: `at least` or `at most` a number.
    """

    name: str
    value: float
    unit: str
    bare: float | None = None
    bare_is: str = ""
    ratio: float | None = None
    at_least: float | None = None
    at_most: float | None = None
    note: str = ""

    @property
    def met(self) -> bool | None:
        """Whether the goal is met; None where there is none."""
        measured = self.value if self.ratio is None else self.ratio
        met = [
            holds(measured, goal)
            for holds, goal in ((operator.ge, self.at_least), (operator.le, self.at_most))
            if goal is not None
        ]
        return all(met) if met else None

    @property
    def goal(self) -> str:
        """The goal as text."""
        times = "×" if self.ratio is not None else ""
        if self.at_least is not None:
            return f"≥ {self.at_least:g}{times}"
        return f"≤ {self.at_most:g}{times}" if self.at_most is not None else ""

    def as_json(self) -> Mapping[str, Any]:
        """For `--json`."""
        return {**asdict(self), "met": self.met}


def show(figures: Sequence[Figure], console: Console) -> None:
    """One table."""
    table = Table(title="Benchmarks", title_justify="left", header_style="bold")
    for heading in ("what", "measured", "bare cost of the same work", "ratio", "goal", ""):
        table.add_column(heading, justify="left" if heading in {"what", "bare cost of the same work", ""} else "right")
    for figure in figures:
        mark = {True: "[green]ok[/]", False: "[red]miss[/]", None: ""}[figure.met]
        bare = "" if figure.bare is None else f"{_number(figure.bare)} {figure.unit}  [dim]{figure.bare_is}[/]"
        name = f"{figure.name}\n[dim]{figure.note}[/]" if figure.note else figure.name
        ratio = "" if figure.ratio is None else f"{figure.ratio:.2f}×"
        table.add_row(name, f"{_number(figure.value)} {figure.unit}", bare, ratio, figure.goal, mark)
    console.print(table)


def _number(value: float) -> str:
    if value >= 1000:
        return f"{value:,.0f}"
    return f"{value:.0f}" if value == int(value) else f"{value:.2f}" if value < 10 else f"{value:.1f}"
