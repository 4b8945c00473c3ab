"""What a body of API v1 is: JSON in UTF-8 that says everything once.

The framework's reader takes UTF-16 as well, and of a key that comes twice the last. A proxy, a signature or a colleague
who reads the first would have agreed to something else than what is done.
"""

from __future__ import annotations

import json

from starlette.requests import Request

from shared.keys_once import RepeatedKey, keys_once
from sync.panel.problems import Problem


async def unambiguous(request: Request) -> None:
    """Raises Problem when the body is in another encoding or has a key twice. What is no JSON is refused by its reader,
    who says where.
    """
    takes_one = getattr(request.scope["route"], "body_field", None) is not None
    if takes_one and not _says_all_once(await request.body()):
        raise Problem(422, "not_understood", "The body cannot be read.", fields=[])


def _says_all_once(body: bytes) -> bool:
    if json.detect_encoding(body) != "utf-8":
        return False
    try:
        json.loads(body, object_pairs_hook=keys_once)
    except RepeatedKey:
        return False
    except (ValueError, RecursionError):
        return True
    return True
