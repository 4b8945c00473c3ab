"""The panel's app over fakes, and a browser that is signed in."""

import re
from collections.abc import Callable

import pytest

from sync.panel.app import create_app
from tests.panel.browser import Browser
from tests.panel.caller import Caller
from tests.panel.place import Place
from tests.panel.world import World


@pytest.fixture
def world() -> World:
    """An empty workspace."""
    return World()


def no_keys(url: str) -> bytes:
    """The keys are inline: nobody may ask for them."""
    raise AssertionError(url)


@pytest.fixture
def anonymous(world: World) -> Browser:
    """A browser without a session."""
    return Browser(create_app(world.services, no_keys))


@pytest.fixture
def browser(world: World, anonymous: Browser) -> Browser:
    """A browser with an admin's session."""
    assert anonymous.post("/session", data={"token": world.token()}).status_code == 303
    return anonymous


@pytest.fixture
def viewer(world: World, anonymous: Browser) -> Browser:
    """A browser with a viewer's session."""
    assert anonymous.post("/session", data={"token": world.token(role="viewer")}).status_code == 303
    return anonymous


@pytest.fixture
def form_token() -> Callable[[Browser], str]:
    """Reads the token that the forms of a session carry."""

    def read(browser: Browser) -> str:
        page = browser.get("/settings/integrations").text
        found = re.search(r'name="form_token" value="([^"]+)"', page)
        assert found is not None
        return found[1]

    return read


@pytest.fixture
def caller(world: World) -> Caller:
    """A program of the workspace's admin."""
    return Caller(world)


@pytest.fixture
def place(world: World) -> Place:
    """Nobody is there yet."""
    return Place(world)
