"""The lowest layer of the Graph client: what may be called, and how much may come back."""

from __future__ import annotations

import zlib
from collections.abc import AsyncIterator, Sequence

import httpx

from sync.adapters.egress import Rule, check

BODY_LIMIT = 16 * 1024 * 1024  # bytes after decompression; a page of 200 users has about 0.1 MiB


class BodyRefused(httpx.TransportError):
    """The body is larger than we accept, or compressed in a way that was not asked for, or cut short."""


class AllowedTransport(httpx.AsyncBaseTransport):
    """Raises ForbiddenCall before a socket opens unless the call is on the list; bounds every body.

    Bodies are decompressed here with a limit on the output, so that a small answer cannot fill the memory.
    """

    def __init__(self, rules: Sequence[Rule], inner: httpx.AsyncBaseTransport, limit: int = BODY_LIMIT) -> None:
        self._rules = rules
        self._inner = inner
        self._limit = limit

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Check, send, and wrap the body."""
        check(self._rules, request.method, str(request.url), request.content)
        request.headers["Accept-Encoding"] = "gzip"
        response = await self._inner.handle_async_request(request)
        encoding = response.headers.get("Content-Encoding", "identity").lower()
        headers = [
            (name, value)
            for name, value in response.headers.multi_items()
            if name.lower() not in {"content-encoding", "content-length"}
        ]
        if not isinstance(response.stream, httpx.AsyncByteStream):
            raise BodyRefused("a body that cannot be streamed")
        body = _Bounded(response.stream, encoding, self._limit)
        return httpx.Response(response.status_code, headers=headers, stream=body, extensions=response.extensions)

    async def aclose(self) -> None:
        """Close the pool."""
        await self._inner.aclose()


class _Bounded(httpx.AsyncByteStream):
    def __init__(self, inner: httpx.AsyncByteStream, encoding: str, limit: int) -> None:
        self._inner = inner
        self._encoding = encoding
        self._left = limit

    async def __aiter__(self) -> AsyncIterator[bytes]:
        if self._encoding not in {"identity", "gzip"}:
            raise BodyRefused("an encoding that was not asked for")
        inflate = zlib.decompressobj(wbits=zlib.MAX_WBITS | 16) if self._encoding == "gzip" else None
        async for chunk in self._inner:
            try:
                piece = chunk if inflate is None else inflate.decompress(chunk, self._left + 1)
            except zlib.error as error:
                raise BodyRefused("not gzip") from error
            self._left -= len(piece)
            if self._left < 0:
                raise BodyRefused("too large")
            yield piece
        if inflate is not None and not inflate.eof:
            raise BodyRefused("cut short")

    async def aclose(self) -> None:
        await self._inner.aclose()
