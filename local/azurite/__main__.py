"""`python -m local.azurite`: install Azurite, or run it until interrupted."""

import argparse
import signal
import sys
from pathlib import Path

from local.azurite.install import InstallError, install
from local.azurite.server import Azurite, AzuriteError


def main(arguments: list[str] | None = None) -> int:
    """Entry point; returns the exit status."""
    parser = argparse.ArgumentParser(prog="python -m local.azurite", description=__doc__)
    parser.add_argument("--install", action="store_true", help="install what is missing, then end")
    parser.add_argument("--location", type=Path, help="folder that keeps the data (default: in memory only)")
    for service in ("blob", "queue", "table"):
        parser.add_argument(f"--{service}-port", type=int, default=0, help="default: a free one")
    options = parser.parse_args(arguments)
    try:
        install()
        if options.install:
            return 0
        return _serve(options)
    except (InstallError, AzuriteError) as error:
        print(error, file=sys.stderr)
        return 1


def _serve(options: argparse.Namespace) -> int:
    ports = (options.blob_port, options.queue_port, options.table_port)
    with Azurite(location=options.location, ports=ports) as azurite:
        print(f"Azurite is ready. AzureWebJobsStorage is:\n{azurite.connection_string}", flush=True)
        signal.signal(signal.SIGTERM, signal.default_int_handler)
        try:
            azurite.wait()
        except KeyboardInterrupt:
            return 0
    return 1


if __name__ == "__main__":
    sys.exit(main())
