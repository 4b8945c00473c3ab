"""The three ports to Microsoft, built together: one identity, one cache of tokens, one pool per cloud.

Signing in needs no msgraph-sdk, which takes a third of a second to load: the Graph side is built at its first use.
"""

from __future__ import annotations

import functools
import ssl
from collections.abc import Callable
from typing import TYPE_CHECKING

from shared.clock import Clock
from shared.settings import Settings
from sync.adapters.identity.app import App
from sync.adapters.identity.sign_in import MicrosoftSignIn
from sync.adapters.identity.tokens import AppTokens
from sync.adapters.trust import trust
from sync.core.clouds import Endpoints, endpoints
from sync.core.connection import Cloud

if TYPE_CHECKING:
    from sync.adapters.graph.client import GraphClient
    from sync.adapters.graph.directory import GraphDirectory
    from sync.adapters.graph.subscriptions import GraphSubscriptions


class Microsoft:
    """Everything of Microsoft's that this process talks to."""

    def __init__(self, settings: Settings, clock: Clock) -> None:
        self._settings = settings
        self._clock = clock
        self._context: ssl.SSLContext = trust(settings.ca_file)
        self._endpoints: Callable[[Cloud], Endpoints] = functools.partial(
            endpoints, login=settings.login_endpoint, graph=settings.graph_endpoint
        )
        self.app = App(settings, self._context)
        self.tokens = AppTokens(self.app, self._endpoints, clock)
        self.sign_in = MicrosoftSignIn(self.app, self._endpoints, self._context, clock)

    @functools.cached_property
    def graph(self) -> GraphClient:
        """What sends to Graph."""
        from sync.adapters.graph.client import GraphClient, open_pool  # noqa: PLC0415  -- msgraph loads at first use

        return GraphClient(self.tokens, self._endpoints, functools.partial(open_pool, self._context), self._clock)

    @functools.cached_property
    def directory(self) -> GraphDirectory:
        """See `sync.ports.Directory`."""
        from sync.adapters.graph.directory import GraphDirectory  # noqa: PLC0415  -- msgraph loads at first use

        return GraphDirectory(self.graph)

    @functools.cached_property
    def subscriptions(self) -> GraphSubscriptions:
        """See `sync.ports.Subscriptions`."""
        from sync.adapters.graph.subscriptions import GraphSubscriptions  # noqa: PLC0415  -- msgraph loads at first use

        return GraphSubscriptions(self.graph, self._settings.public_url)

    def close(self) -> None:
        """Close every pool and end the thread."""
        if "graph" in self.__dict__:
            self.graph.close()
        self.sign_in.close()
        self.app.close()
