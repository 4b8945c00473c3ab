"""`python -m tests.bench [name ...] [--json FILE]`: without names, all that do not take long."""

from __future__ import annotations

import argparse
import importlib
import json
import logging
import time
from collections.abc import Mapping
from pathlib import Path

from rich.console import Console

from tests.bench.figures import Figure, show

BENCHMARKS: Mapping[str, str] = {
    "reading": "reading delta pages and deciding, beside msgraph-sdk's models",
    "import": "import time of function_app",
    "storage": "first import, full pass and pull of 20,000 people",
    "preview": "settings preview at 50,000 people",
    "pass": "full pass over 200,000 people, nothing changed (five minutes)",
    "neighbours": "a small tenant's change beside a giant's full pass",
    "webhook": "notifications acknowledged at 100 a second",
    "latency": "from a change in Entra to the account",
    "scale": "full pass, revisit and preview of 500,000 people in 20,000 groups (a quarter of an hour)",
    "memory": "peak memory of a first import of 200,000 people (some 30 minutes)",
}
LONG = frozenset({"scale", "memory"})
DEFAULT = [name for name in BENCHMARKS if name not in LONG]


def main() -> None:
    """Run what was asked for; the table at the end, and every figure as soon as it is there."""
    options = _parser().parse_args()
    logging.getLogger("azure").setLevel(logging.WARNING)
    console = Console(width=None if Console().is_terminal else 150)
    figures: list[Figure] = []
    for name in options.names or DEFAULT:
        began = time.monotonic()
        with console.status(f"{BENCHMARKS[name]} ..."):
            found: list[Figure] = importlib.import_module(f"tests.bench.{name}_bench").run()
        figures += found
        console.print(f"[dim]{name}: {time.monotonic() - began:.0f} s[/]")
    show(figures, console)
    if options.json:
        options.json.write_text(json.dumps([figure.as_json() for figure in figures], indent=1) + "\n")


def _parser() -> argparse.ArgumentParser:
    listing = "\n".join(f"  {name:10} {meaning}" for name, meaning in BENCHMARKS.items())
    parser = argparse.ArgumentParser(
        prog="python -m tests.bench",
        description=f"{__doc__}\n\n{listing}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("names", nargs="*", choices=[*BENCHMARKS, []], metavar="name", help="which benchmarks")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures there as well")
    return parser


if __name__ == "__main__":
    main()
