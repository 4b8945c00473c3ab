"""A function app that shows what the host does, one behaviour per function."""

import asyncio
import json
import logging
import os
import sys
import threading
import time
from collections.abc import MutableMapping
from typing import Any

import azure.functions as func
from azure.storage.queue import QueueClient

app = func.FunctionApp(http_auth_level=func.AuthLevel.ANONYMOUS)
blueprint = func.Blueprint()
EVENTS = "events"


def record(event: dict[str, object]) -> None:
    """Tell the test what happened, through a queue of its own."""
    storage = os.environ["AzureWebJobsStorage"]  # noqa: SIM112 -- the name that Azure gives it
    QueueClient.from_connection_string(storage, EVENTS).send_message(json.dumps(event))


@app.route("echo/{id:guid}")
def echo_guid(req: func.HttpRequest) -> func.HttpResponse:
    """Only for GUIDs."""
    return func.HttpResponse("guid " + req.route_params["id"])


@app.route("echo/{*rest}")
def echo_rest(req: func.HttpRequest, context: func.Context) -> func.HttpResponse:
    """Say what the request looks like from inside."""
    seen = {
        "method": req.method,
        "url": req.url,
        "headers": dict(req.headers),
        "params": dict(req.params),
        "route": dict(req.route_params),
        "body": req.get_body().decode(),
        "function": context.function_name,
        "trace": context.trace_context.trace_parent,
        "thread": threading.current_thread().name,
    }
    return func.HttpResponse(json.dumps(seen), mimetype="application/json")


@app.route("echo/only-post", methods=["POST"])
def zz_shadowed(req: func.HttpRequest) -> func.HttpResponse:
    """Never reached: echo_rest sorts before it."""
    return func.HttpResponse("shadowed")


@app.route("only-post", methods=["POST"])
async def only_post(req: func.HttpRequest) -> func.HttpResponse:
    """Async, and for one method."""
    await asyncio.sleep(0)
    return func.HttpResponse("posted", headers={"X-Thread": threading.current_thread().name})


@app.route("returns/{what}")
async def returns(req: func.HttpRequest) -> func.HttpResponse:
    """Return what a function should not, or something special."""
    answers: dict[str, Any] = {
        "none": None,
        "dict": {"a": 1},
        "coroutine": asyncio.sleep,
        "text": "plain",
        "json": '{"a": 1}',
        "empty": func.HttpResponse(status_code=202),
        "bytes": func.HttpResponse(b"\x00\xff", mimetype="application/octet-stream"),
    }
    if req.route_params["what"] == "error":
        raise RuntimeError("secret detail")
    return answers[req.route_params["what"]]  # type: ignore[no-any-return]


@app.route("cookies")
def cookies(req: func.HttpRequest) -> func.HttpResponse:
    """Several cookies and a header that repeats."""
    answer = func.HttpResponse("ok")
    answer.headers.add("Set-Cookie", "a=x=/y; Path=/; HttpOnly; Secure; SameSite=Lax; Max-Age=60")
    answer.headers.add("Set-Cookie", "b=plain")
    answer.headers.add("Set-Cookie", "c=lost; Secure; Partitioned")
    answer.headers.add("X-Twice", "first")
    answer.headers.add("x-twice", "last")
    return answer


@app.route("slow/{seconds}")
def slow(req: func.HttpRequest) -> func.HttpResponse:
    """Take a while, in a thread."""
    time.sleep(float(req.route_params["seconds"]))
    return func.HttpResponse("done")


@app.route("exit")
def leave(req: func.HttpRequest) -> func.HttpResponse:
    """End the process as a careless app would."""
    sys.exit(3)


@app.route("pid")
def pid(req: func.HttpRequest) -> func.HttpResponse:
    """Which process this is, and since when it runs."""
    return func.HttpResponse(f"{os.getpid()} {STARTED}")


@app.route("locked", auth_level=func.AuthLevel.FUNCTION)
def locked(req: func.HttpRequest) -> func.HttpResponse:
    """Needs a key."""
    return func.HttpResponse("open")


async def asgi(scope: MutableMapping[str, Any], receive: Any, send: Any) -> None:
    """An ASGI application that says what scope it got."""
    seen = {key: scope[key] for key in ("path", "root_path", "client", "method")}
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"application/json")]})
    await send({"type": "http.response.body", "body": json.dumps(seen).encode()})


@app.route("asgi/{*path}")
async def zz_asgi(req: func.HttpRequest, context: func.Context) -> func.HttpResponse:
    """An ASGI application under the catch-all."""
    middleware = func.AsgiMiddleware(asgi)
    answer: func.HttpResponse = await middleware.handle_async(req, context)
    return answer


@blueprint.queue_trigger("message", queue_name="%WORK_QUEUE%", connection="AzureWebJobsStorage")
def work(message: func.QueueMessage) -> Any:
    """Do what the message says."""
    body = message.get_body()
    order = json.loads(body) if body.startswith(b"{") else {}
    logging.getLogger("app").info("working", extra={"order": order.get("do", "record")})
    record(
        {
            "body": body.decode(),
            "id": message.id,
            "count": message.dequeue_count,
            "inserted": str(message.insertion_time),
        }
    )
    time.sleep(order.get("seconds", 0))
    if order.get("do") == "fail":
        raise RuntimeError("as asked")
    if order.get("do") == "return":
        return "something"
    if order.get("do") == "slow":
        record({"finished": message.id})
    return None


@blueprint.timer_trigger("timer", schedule="*/1 * * * * *", use_monitor=True)
def tick(timer: func.TimerRequest) -> None:
    """Count."""
    if os.environ.get("TICKS"):
        record(
            {
                "tick": True,
                "past_due": timer.past_due,
                "status": timer.schedule_status,  # type: ignore[attr-defined]
            }
        )


@blueprint.timer_trigger("timer", schedule="0 0 0 1 1 *", use_monitor=True)
async def yearly(timer: func.TimerRequest) -> None:
    """So rare that only a missed occurrence calls it."""
    await asyncio.to_thread(
        record,
        {
            "yearly": True,
            "past_due": timer.past_due,
            "status": timer.schedule_status,  # type: ignore[attr-defined]
        },
    )


app.register_functions(blueprint)
STARTED = time.time_ns()
