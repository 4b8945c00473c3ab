"""What the worker and the host make of `Set-Cookie`.

The worker takes a cookie apart (azure-functions-python-worker, datumdef.py), the host puts it together again with
ASP.NET Core, which escapes the value and, as the worker sends an empty text for what was not given, writes `domain=`
and `path=` too (issues 1794 and 1902 there).
"""

from collections.abc import Iterable
from email.utils import format_datetime, parsedate_to_datetime
from http.cookies import Morsel, SimpleCookie
from urllib.parse import quote

_SAME_SITE = {"lax", "strict", "none"}


def set_cookie_lines(cookies: Iterable[SimpleCookie]) -> list[str]:
    """The header values that a browser gets, in order. Raises ValueError for an unreadable `expires` or `max-age`."""
    return [_line(name, morsel) for cookie in cookies for name, morsel in cookie.items()]


def _line(name: str, morsel: "Morsel[str]") -> str:
    # Uri.EscapeDataString leaves letters, digits and -._~ alone: what quote() leaves alone with nothing else safe.
    parts = [f"{name}={quote(morsel.value, safe='')}"]
    if morsel["expires"]:
        parts.append("expires=" + format_datetime(parsedate_to_datetime(morsel["expires"]), usegmt=True))
    if morsel["max-age"] != "":
        parts.append(f"max-age={int(float(morsel['max-age']))}")
    parts += [f"domain={morsel['domain']}", f"path={morsel['path']}"]
    if morsel["secure"]:
        parts.append("secure")
    if str(morsel["samesite"]).lower() in _SAME_SITE:
        parts.append(f"samesite={morsel['samesite'].lower()}")
    if morsel["httponly"]:
        parts.append("httponly")
    return "; ".join(parts)
