"""A program that calls API v1."""

from __future__ import annotations

from typing import Any

from sync.panel.app import create_app
from sync.usecases.services import Services
from tests.panel.browser import Browser
from tests.panel.world import World, workspace_token

API = "/api/v1"


class Caller(Browser):
    """Calls the API with a bearer token."""

    def __init__(self, world: World | Services, **claims: Any) -> None:
        services = world if isinstance(world, Services) else world.services
        super().__init__(create_app(services, lambda _: b""))
        self.headers = {"Authorization": f"Bearer {workspace_token(services, **claims)}"}

    def request(self, method: str, path: str, **options: Any) -> Any:
        """With the token, unless the test sends headers of its own."""
        headers = {**self.headers, **options.pop("headers", {})}
        return super().request(method, path, headers=headers, **options)
