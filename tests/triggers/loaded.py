"""The functions of the app, loaded once for the whole session: a FunctionApp gives them out a single time."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from typing import Any

from function_app import app


@functools.cache
def functions() -> Mapping[str, Any]:
    """Name -> `azure.functions.Function`."""
    return {str(one.get_function_name()): one for one in app.get_functions()}
