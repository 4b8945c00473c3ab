"""`python -m local.host --port 7071 [--app DIR_OR_MODULE]`: serve a Python function app on this machine."""

import argparse
import asyncio
import logging
import os
import signal
import socket
import sys
from pathlib import Path

import uvloop

from local.host.host import Host, Options, listen, replace_process
from local.host.loading import load_app
from local.host.logs import configure
from local.host.settings import HostError, read_settings


def main(arguments: list[str] | None = None) -> int:
    """Entry point; returns the exit status."""
    chosen = _parser().parse_args(arguments)
    try:
        listening = listen(chosen.bind, chosen.port)
        configure("INFO")
        app = load_app(chosen.app, os.environ)
        settings = read_settings(app.folder / "host.json")
        logging.getLogger().setLevel(settings.log_level)
        options = Options(
            lease=chosen.lease_seconds, grace=chosen.grace_seconds, certificate=chosen.certificate, key=chosen.key
        )

        uvloop.run(_serve(Host(app, settings, options, listening, os.environ), listening))
    except HostError as error:
        print(f"Functions host: {error}", file=sys.stderr)
        return 1
    # Threads that are still in a call after the grace must not keep the process.
    logging.shutdown()
    sys.stdout.flush()
    os._exit(0)


async def _serve(host: Host, listening: socket.socket) -> None:
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, host.stop)
    if await host.run() is not None:
        # From within the loop: closing it would close the listening socket.
        replace_process(listening)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m local.host", description=__doc__)
    parser.add_argument("--port", type=int, default=7071, help="0 takes a free one; default: %(default)s")
    parser.add_argument("--bind", default="127.0.0.1", help="address to listen on; default: %(default)s")
    parser.add_argument("--app", default=".", help="folder with function_app.py and host.json, or a module's name")
    parser.add_argument(
        "--lease-seconds",
        type=int,
        default=600,
        help="how long a message in flight stays hidden when this process is killed; 600 in Azure and by default",
    )
    parser.add_argument("--grace-seconds", type=float, default=30, help="for what has begun when it is told to stop")
    parser.add_argument("--certificate", type=Path, help="PEM file: serve https with it")
    parser.add_argument("--key", type=Path, help="PEM file of the certificate's key, if it is not in the same file")
    return parser


if __name__ == "__main__":
    sys.exit(main())
