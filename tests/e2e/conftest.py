"""Everything as real processes: Azurite, the simulated cloud on TLS, SMTP, and the Functions host with the product."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from local.run.stack import Ports, Stack

StackMaker = Callable[..., Stack]


@pytest.fixture
def start_stack(tmp_path: Path) -> Iterator[StackMaker]:
    """Start a stack with so many people; it ends with the test."""
    with ExitStack() as ends:

        def start(people: int = 1000, *host_arguments: str) -> Stack:
            stack = Stack(
                tmp_path / "stack",
                ports=Ports(),
                people=people,
                keep=True,
                say=lambda _name, _seconds: None,
                host_arguments=host_arguments,
            )
            ends.callback(stack.stop)
            stack.start()
            return stack

        yield start
