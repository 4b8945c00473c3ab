"""docs/simulated-cloud.md names everything that can be set."""

from dataclasses import fields
from pathlib import Path

from local.cloud.behaviour import Behaviour
from local.cloud.control_api import ControlApi
from local.cloud.edits import EDITS
from local.cloud.faults import ACTIONS
from local.cloud.server import Cloud

TEXT = (Path(__file__).parents[2] / "docs" / "simulated-cloud.md").read_text()


def test_every_switch_action_and_edit_is_documented() -> None:
    """Each by its name in code font (edits by the family's name)."""
    missing = [item.name for item in fields(Behaviour) if f"`{item.name}`" not in TEXT]
    missing += [action for action in ACTIONS if f"`{action}`" not in TEXT]
    missing += [
        name for name in EDITS if name.partition(".")[0] + "." not in TEXT or name.partition(".")[2] not in TEXT
    ]
    assert missing == []


def test_every_control_route_is_documented(cloud: Cloud) -> None:
    """The first words of each path."""
    paths = [route.path.removeprefix("/_control") for route in ControlApi(cloud.world).routes()]
    shortened = {path.replace("{tenant}", "{t}").partition("[")[0].replace("/{fault:int}", "") for path in paths}
    assert [path for path in sorted(shortened) if path not in TEXT] == []
