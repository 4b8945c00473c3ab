"""Loads `function_app.py` and reads what its functions are bound to, as the Python worker does."""

import importlib
import importlib.util
import inspect
import sys
import traceback
import typing
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from types import ModuleType
from typing import Any

from azure.functions.decorators.function_app import Function, FunctionRegister

from local.host.ncrontab import Schedule, parse
from local.host.settings import HostError

RESERVED = ("admin", "runtime")
_SUPPORTED = "httpTrigger with http output, queueTrigger, timerTrigger"


@dataclass(frozen=True, slots=True)
class HttpTrigger:
    """`methods` is empty when all are taken; `route` has no leading slash; `level` is an auth level in lower case."""

    route: str
    methods: frozenset[str]
    level: str


@dataclass(frozen=True, slots=True)
class QueueTrigger:
    """`connection` names the setting that says how to reach the storage account."""

    queue: str
    connection: str


@dataclass(frozen=True, slots=True)
class TimerTrigger:
    """`schedule` is in UTC."""

    schedule: Schedule
    run_on_startup: bool
    use_monitor: bool


Trigger = HttpTrigger | QueueTrigger | TimerTrigger


@dataclass(frozen=True, slots=True)
class LoadedFunction:
    """One function of the app. `argument` is the name of the parameter that takes what triggered it."""

    name: str
    call: Callable[..., Any]
    is_async: bool
    wants_context: bool
    argument: str
    trigger: Trigger


@dataclass(frozen=True, slots=True)
class LoadedApp:
    """The functions in alphabetical order of name (the order of routing) and the folder of host.json."""

    functions: tuple[LoadedFunction, ...]
    folder: Path


def load_app(app: str, environ: Mapping[str, str]) -> LoadedApp:
    """Load the app in folder `app`, or the module of that name.

    `%NAME%` in queue names and schedules is replaced by the setting. Raises HostError, with the traceback when the
    app's own code failed to import.
    """
    module, folder = _import(app)
    registers = [name for name in dir(module) if isinstance(getattr(module, name), FunctionRegister)]
    if len(registers) != 1:
        found = ", ".join(registers) or "none"
        raise HostError(f"{app}: exactly one top-level FunctionApp is needed, under one name; found: {found}")
    try:
        built = getattr(module, registers[0]).get_functions()
    except Exception as error:
        raise HostError(f"{app}: the functions cannot be indexed: {error}") from error
    functions = [_read(function, environ) for function in built]
    if not functions:
        raise HostError(f"{app}: the app has no functions")
    return LoadedApp(tuple(sorted(functions, key=lambda function: function.name.lower())), folder)


def _import(app: str) -> tuple[ModuleType, Path]:
    folder = Path(app).resolve()
    name = "function_app"
    if (folder / "function_app.py").is_file():
        # First, as in Azure: a module of the app hides a package of the same name.
        sys.path.insert(0, str(folder))
    elif not folder.exists() and importlib.util.find_spec(app.partition(".")[0]) is not None:
        name, folder = app, Path.cwd()
    else:
        raise HostError(f"{app}: neither a folder with a function_app.py in it nor a module that can be found")
    try:
        module = importlib.import_module(name)
    except Exception as error:
        raise HostError(f"{app}: importing {name} failed:\n{traceback.format_exc()}") from error
    if name != "function_app" and module.__file__ is not None and Path(module.__file__).with_name("host.json").exists():
        folder = Path(module.__file__).parent
    return module, folder


def _read(function: Function, environ: Mapping[str, str]) -> LoadedFunction:
    name = str(function.get_function_name())
    bindings = function.get_bindings_dict()["bindings"]
    kinds = {binding["type"] for binding in bindings}
    trigger = next((binding for binding in bindings if str(binding["type"]).endswith("Trigger")), None)
    if trigger is None or kinds - {"httpTrigger", "http", "queueTrigger", "timerTrigger"}:
        raise HostError(f"function {name}: bindings {sorted(kinds)} are not served here, only {_SUPPORTED}")
    call = function.get_user_function()
    argument = str(trigger["name"])
    _check_signature(name, call, argument)
    return LoadedFunction(
        name=name,
        call=call,
        is_async=inspect.iscoroutinefunction(call),
        wants_context="context" in inspect.signature(call).parameters,
        argument=argument,
        trigger=_trigger(name, trigger, environ),
    )


def _trigger(name: str, binding: Mapping[str, Any], environ: Mapping[str, str]) -> Trigger:
    def resolved(text: str) -> str:
        if not (text.startswith("%") and text.endswith("%") and len(text) > 2):
            return text
        if text[1:-1] not in environ:
            raise HostError(f"function {name}: setting {text[1:-1]}, named by {text}, is missing")
        return environ[text[1:-1]]

    if binding["type"] == "queueTrigger":
        return QueueTrigger(resolved(binding["queueName"]), binding["connection"] or "AzureWebJobsStorage")
    if binding["type"] == "timerTrigger":
        try:
            schedule = parse(resolved(binding["schedule"]))
            schedule.after(datetime.now(UTC))
        except ValueError as error:
            raise HostError(f"function {name}: schedule {error}") from None
        return TimerTrigger(
            schedule,
            run_on_startup=bool(binding.get("runOnStartup")),
            # The real host monitors unless told not to; the decorator leaves the field out or None by default.
            use_monitor=binding.get("useMonitor") is not False,
        )
    route = str(binding.get("route") or name).strip("/")
    if route.split("/")[0].lower().startswith(RESERVED):
        raise HostError(f"function {name}: route {route!r} begins with a word that the host keeps for itself")
    methods = frozenset(str(getattr(method, "value", method)).upper() for method in binding.get("methods") or ())
    level = binding.get("authLevel") or "function"
    return HttpTrigger(route, methods, str(getattr(level, "value", level)).lower())


def _check_signature(name: str, call: Callable[..., Any], argument: str) -> None:
    parameters = set(inspect.signature(call).parameters) - {"context"}
    if parameters != {argument}:
        raise HostError(
            f"function {name}: its parameters must be {argument!r} and, if wanted, 'context'; "
            f"they are {sorted(inspect.signature(call).parameters)}"
        )
    answer = typing.get_type_hints(call).get("return")
    if answer is not None and not isinstance(answer, type):
        raise HostError(f"function {name}: the return annotation {answer!r} is not a class, which the worker refuses")
