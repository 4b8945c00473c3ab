"""`python -m local.mail`: catch mail on one port, show it on another, until interrupted."""

import argparse
import signal
import sys
import threading
from pathlib import Path

from local.mail.catcher import MailCatcher, PortInUseError


def main(arguments: list[str] | None = None) -> int:
    """Entry point; returns the exit status."""
    parser = argparse.ArgumentParser(prog="python -m local.mail", description=__doc__)
    parser.add_argument("--smtp-port", type=int, default=1025, help="0 takes a free one; default: %(default)s")
    parser.add_argument("--http-port", type=int, default=1080, help="0 takes a free one; default: %(default)s")
    parser.add_argument("--bind", default="127.0.0.1", help="address to listen on; default: %(default)s")
    parser.add_argument("--tls", choices=["none", "starttls", "implicit"], default="none", help="default: %(default)s")
    parser.add_argument("--ca-out", type=Path, help="write the CA that signed the certificate here (PEM)")
    chosen = parser.parse_args(arguments)
    try:
        catcher = MailCatcher(host=chosen.bind, smtp_port=chosen.smtp_port, http_port=chosen.http_port, tls=chosen.tls)
    except PortInUseError as error:
        print(f"{error} See --smtp-port and --http-port.", file=sys.stderr)
        return 1
    if chosen.ca_out is not None:
        chosen.ca_out.write_bytes(catcher.ca_pem)
    ended = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: ended.set())
    with catcher:
        print(f"Mail catcher is ready: {catcher.smtp_url} shown at {catcher.page_url}", flush=True)
        ended.wait()
    return 0


if __name__ == "__main__":
    sys.exit(main())
