"""Start the simulated Microsoft cloud: `python -m local.cloud --port 9443`."""

import argparse
import signal
import sys
from pathlib import Path

from local.cloud import seed
from local.cloud.apps import DEFAULT_APP
from local.cloud.server import Cloud


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m local.cloud", description=__doc__)
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=9443, help="TLS port of Graph, login and control (0: a free one)")
    parser.add_argument("--login-port", type=int, help="serve login on a port of its own")
    parser.add_argument("--state-dir", type=Path, help="keep the authority and keys here over restarts")
    parser.add_argument("--ca-out", type=Path, help="write the CA certificate (PEM) here")
    parser.add_argument("--seed", default="demo", help="demo, empty, a number of people, or people:groups")
    parser.add_argument("--redirect-uri", action="append", default=[], help="register a redirect URI (repeatable)")
    parser.add_argument("--http-loopback", action="store_true", help="notification URLs may be http on loopback")
    parser.add_argument("--notify-ca", type=Path, help="trust this authority (PEM) when delivering notifications")
    parser.add_argument(
        "--propagation", default="1.5,1.5,1.5", help="seconds of the three phases after consent (default %(default)s)"
    )
    return parser.parse_args()


def main() -> int:
    """Serve until SIGTERM or SIGINT."""
    chosen = _arguments()
    signals = {signal.SIGTERM, signal.SIGINT}
    signal.pthread_sigmask(signal.SIG_BLOCK, signals)
    try:
        cloud = Cloud(
            host=chosen.host,
            port=chosen.port,
            login_port=chosen.login_port,
            state_dir=chosen.state_dir,
            notify_ca=chosen.notify_ca.read_bytes() if chosen.notify_ca else None,
        )
    except OSError as error:
        print(
            f"local.cloud: cannot listen on {chosen.host}:{chosen.port} ({error.strerror}); choose --port",
            file=sys.stderr,
        )
        return 1
    cloud.world.behaviour.change(
        {
            "http_loopback": chosen.http_loopback,
            "propagation": [float(part) for part in chosen.propagation.split(",")],
        }
    )
    cloud.world.apps[DEFAULT_APP].redirect_uris.extend(chosen.redirect_uri)
    tenant = seed.plant(cloud.world, chosen.seed)
    if chosen.ca_out:
        chosen.ca_out.write_bytes(cloud.ca_pem)
    with cloud:
        ca = chosen.ca_out or "(see --ca-out)"
        print(
            f"ready graph={cloud.base_url} login={cloud.login_url} tenant={tenant.id} people={len(tenant.people.rows)} "
            f"ca={ca}",
            flush=True,
        )
        signal.sigwait(signals)
    return 0


if __name__ == "__main__":
    sys.exit(main())
