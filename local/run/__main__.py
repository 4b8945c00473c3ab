"""`python -m local.run`: everything on this machine, with a living tenant; Ctrl-C ends it."""

import argparse
import os
import signal
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import NoReturn

from rich.console import Console

from local.azurite import AzuriteError
from local.azurite.install import InstallError, install
from local.cloud.life import Life
from local.host.settings import HostError
from local.run.auto import AutoError, play
from local.run.browser import AdminError
from local.run.children import ChildError
from local.run.report import show
from local.run.stack import Ports, Stack

FOLDER = Path(".local")
_PORTS = ("panel", "sign-in", "mail-page", "cloud", "smtp", "blob", "queue", "table")


class Interrupted(BaseException):
    """SIGTERM or SIGINT arrived."""


def main(arguments: list[str] | None = None) -> int:
    """Entry point; returns the exit status."""
    options = _parser().parse_args(arguments)
    console = Console(highlight=False)

    def interrupt(*_: object) -> None:
        # A second one while stopping must not leave anything running.
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, signal.SIG_IGN)
        raise Interrupted

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, interrupt)
    try:
        install()
        return _run(options, console)
    except Interrupted:
        console.print("Stopped.")
        return 0
    except (InstallError, AzuriteError, HostError, ChildError, AdminError, AutoError, OSError) as error:
        console.print(f"make run: {error}", style="red", markup=False)
        console.print("Ports are chosen with ARGS='--port-base N' or with --panel-port and the like.", markup=False)
        return 1


def _run(options: argparse.Namespace, console: Console) -> int:
    folder = FOLDER / "kept" if options.keep else FOLDER / f"run-{os.getpid()}"
    with console.status("Starting ...") as status:

        def say(name: str, seconds: float) -> None:
            console.print(f"  [green]ready[/] {name} [dim]after {seconds:.1f} s[/]")
            status.update("Starting ...")

        stack = Stack(folder, ports=_ports(options), people=options.people, keep=options.keep, say=say)
        try:
            stack.start()
        except BaseException:
            stack.stop()
            raise
    try:
        return _play(stack, options, console) if options.auto else _serve(stack, options, console, folder)
    finally:
        with console.status("Stopping ..."):
            stack.stop()


def _serve(stack: Stack, options: argparse.Namespace, console: Console, folder: Path) -> NoReturn:
    console.print()
    console.print(f"  Open [bold]{stack.link}[/]  to be signed in as the workspace's admin")
    console.print(f"  Mail  {stack.mail_page_url}")
    console.print(
        f"  [dim]The simulated Microsoft pages have a certificate of this run alone ({stack.ca_file}): "
        "your browser will ask once.\n"
        f"  Every part's log is in {folder}. Ctrl-C ends everything.[/]\n"
    )
    life = Life(stack.control, stack.tenant.id, every=options.every)
    life.start()
    try:
        while True:
            stack.check()
            time.sleep(0.3)
    finally:
        life.stop()


def _play(stack: Stack, options: argparse.Namespace, console: Console) -> int:
    """Play the admin in the background, as a part may end meanwhile; the exit status says whether anything differs."""
    with console.status("Playing the admin ...") as status, ThreadPoolExecutor(1) as player:

        def say(what: str) -> None:
            console.print(f"  {what} ...", markup=False)
            status.update(f"{what} ...")

        playing = player.submit(play, stack, seconds=options.seconds, every=options.every, say=say)
        while not playing.done():
            stack.check()
            time.sleep(0.1)
    show(playing.result(), console)
    return 1 if playing.result().differences else 0


def _ports(options: argparse.Namespace) -> Ports:
    ports = Ports.from_base(options.port_base) if options.port_base else Ports()
    chosen = {name.replace("-", "_"): getattr(options, f"{name.replace('-', '_')}_port") for name in _PORTS}
    return replace(ports, **{name: port for name, port in chosen.items() if port is not None})


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m local.run", description=__doc__)
    parser.add_argument("--auto", action="store_true", help="play the admin, compare, print a table and end")
    parser.add_argument("--seconds", type=float, default=30, help="how long the tenant lives with --auto")
    parser.add_argument("--people", type=int, default=1000, help="in the seeded tenant (default: %(default)s)")
    parser.add_argument("--every", type=float, default=3.0, help="seconds between changes in the tenant")
    parser.add_argument("--keep", action="store_true", help="keep storage and keys in .local/kept for the next run")
    parser.add_argument("--port-base", type=int, help="eight ports in a row from here on, instead of free ones")
    for name in _PORTS:
        parser.add_argument(f"--{name}-port", type=int, help="0 takes a free one")
    return parser


if __name__ == "__main__":
    sys.exit(main())
