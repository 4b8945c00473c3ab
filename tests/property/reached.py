"""What the state machine really comes to: in how many of its runs each rule and each interesting state was met.

A rule is counted by being decorated with `act`. With `MOXSO_REACHED` naming a file, the counts of a session are added
to it as JSON, so that a bias that starves a combination is seen; docs/traces.md has a table made so.
"""

from __future__ import annotations

import functools
import json
import os
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar, cast

from hypothesis.stateful import rule

RuleT = TypeVar("RuleT", bound=Callable[..., None])


class Reached:
    """Of one machine: the runs there were, and the runs in which each thing was met at least once."""

    def __init__(self) -> None:
        self.runs = 0
        self.met: Counter[str] = Counter()

    def ended(self, met: set[str]) -> None:
        """A run is over."""
        self.runs += 1
        self.met.update(met)

    def write(self, machine: str) -> None:
        """Add to the file that the environment names, if it does."""
        if path := os.environ.get("MOXSO_REACHED"):
            file = Path(path)
            told = json.loads(file.read_text()) if file.exists() else {}
            told[machine] = {"runs": self.runs, **dict(sorted(self.met.items()))}
            file.write_text(json.dumps(told, indent=1))


def act(**strategies: Any) -> Callable[[RuleT], RuleT]:
    """A `rule` that is counted in the machine's `met` by its name."""

    def decorate(function: RuleT) -> RuleT:
        @functools.wraps(function)
        def counted(self: Any, *given: Any, **named: Any) -> None:
            self.met.add(function.__name__)
            function(self, *given, **named)

        return cast("RuleT", cast("Any", rule)(**strategies)(counted))

    return decorate
