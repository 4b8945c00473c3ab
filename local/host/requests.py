"""From an ASGI request to what the host sends to the worker, and the `HttpRequest` the worker makes of it.

The host's side: azure-functions-host, GrpcMessageConversionExtensions.cs.
"""

import re
from collections.abc import Iterable, Mapping
from typing import Any
from urllib.parse import parse_qsl, quote

import azure.functions as func
from azure.functions.http import HttpRequestConverter
from azure.functions.meta import Datum

# What PathString.ToUriComponent leaves as it is, beside letters and digits.
_PATH_SAFE = "/-._~!$&'()*+,;=:@"
_ESCAPES = re.compile(r"(?:%[0-9A-Fa-f]{2})+")
_SLASH = re.compile(r"%2[fF]")


def decoded_path(raw: bytes) -> str:
    """The path as the host's routing sees it: unescaped but for `%2F` and what is no UTF-8; dots resolved."""
    path = raw.decode("latin-1")
    if "%" in path:
        path = _ESCAPES.sub(_unescape, path)
    if "/." in path:
        path = _without_dots(path)
    return path


def read_headers(pairs: Iterable[tuple[bytes, bytes]]) -> dict[str, str]:
    """Lower-cased names; repeats joined by a comma."""
    headers: dict[str, str] = {}
    for raw_name, raw_value in pairs:
        name, value = raw_name.decode("latin-1").lower(), raw_value.decode("latin-1")
        headers[name] = f"{headers[name]},{value}" if name in headers else value
    return headers


def read_query(query: str) -> dict[str, str]:
    """Names are compared without case and keep their first spelling; repeats joined by a comma; empty values vanish."""
    spelling: dict[str, str] = {}
    values: dict[str, str] = {}
    for name, value in parse_qsl(query, keep_blank_values=True):
        known = spelling.setdefault(name.lower(), name)
        values[known] = f"{values[known]},{value}" if known in values else value
    return {name: value for name, value in values.items() if value}


def request_url(scheme: str, path: str, query: str, headers: Mapping[str, str]) -> str:
    """The absolute URL; the proxy's headers win, as on Azure's front end."""
    seen_scheme = headers.get("x-forwarded-proto", scheme).split(",")[0].strip()
    host = headers.get("disguised-host", headers.get("host", ""))
    # An escape that survived unescaping (%2F) is kept; any other per cent sign is data.
    escaped = "".join(
        piece if _SLASH.fullmatch(piece) else quote(piece, safe=_PATH_SAFE) for piece in re.split(r"(%2[fF])", path)
    )
    return f"{seen_scheme}://{host}{escaped}{'?' + query if query else ''}"


def to_function(
    method: str,
    url: str,
    headers: Mapping[str, str],
    query: Mapping[str, str],
    parameters: Mapping[str, str],
    body: bytes,
) -> func.HttpRequest:
    """The request object, made by the worker's own converter."""
    value: dict[str, Any] = {
        "method": Datum(method, "string"),
        "url": Datum(url, "string"),
        "headers": _texts(headers),
        "query": _texts(query),
        "params": _texts(parameters),
        "body": Datum(body, "bytes"),
    }
    request: func.HttpRequest = HttpRequestConverter.decode(Datum(value, "http"), trigger_metadata={})
    return request


def _texts(values: Mapping[str, str]) -> dict[str, Datum]:
    return {name: Datum(value, "string") for name, value in values.items()}


def _unescape(found: re.Match[str]) -> str:
    text = ""
    for piece in re.split(r"(%2[fF])", found[0]):
        if _SLASH.fullmatch(piece):
            text += piece
            continue
        try:
            text += bytes.fromhex(piece.replace("%", "")).decode()
        except UnicodeDecodeError:
            text += piece
    return text


def _without_dots(path: str) -> str:
    kept: list[str] = []
    parts = path.split("/")
    for part in parts[1:]:
        if part == "..":
            del kept[-1:]
        elif part != ".":
            kept.append(part)
    end = "/" if parts[-1] in {".", ".."} and kept else ""
    return "/" + "/".join(kept) + end
