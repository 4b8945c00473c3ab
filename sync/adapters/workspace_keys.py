"""The keys of Moxso's platform, where WORKSPACE_JWKS is a URL."""

from __future__ import annotations

import httpx

from shared.errors import Transient
from sync.adapters.trust import trust

SIZE_LIMIT = 256 * 1024
TIMEOUT_SECONDS = 5.0


def fetch(url: str, ca_file: str) -> bytes:
    """The body of a 200 answer. Redirects are not followed. Raises Transient for anything else."""
    try:
        with (
            httpx.Client(verify=trust(ca_file), timeout=TIMEOUT_SECONDS, follow_redirects=False) as client,
            client.stream("GET", url) as response,
        ):
            body = b""
            for chunk in response.iter_bytes():
                body += chunk
                if len(body) > SIZE_LIMIT:
                    raise Transient("the platform's keys are larger than keys can be")
    except (httpx.HTTPError, httpx.InvalidURL, OSError) as error:
        raise Transient(f"the platform's keys cannot be read: {type(error).__name__}") from error
    if response.status_code != 200:
        raise Transient(f"the platform's keys cannot be read: status {response.status_code}")
    return body
