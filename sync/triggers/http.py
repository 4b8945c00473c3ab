"""HTTP: Graph's two webhooks, the two probes, and everything else to the panel.

The host tries functions in the alphabetical order of their names and answers 404 for a method that none of them
lists (host issue 9876), so the catch-all is called `zz_panel`: what no other function takes is the panel's to answer.
All functions are anonymous: Graph cannot carry a key, and the panel has its own sessions.
"""

from __future__ import annotations

import asyncio
import json

import azure.functions as func

from sync import wiring

blueprint = func.Blueprint()


@blueprint.function_name("graph_notifications")
@blueprint.route("graph/notifications/{connection}", methods=["POST"], auth_level=func.AuthLevel.ANONYMOUS)
def graph_notifications(req: func.HttpRequest) -> func.HttpResponse:
    """Graph says that something changed."""
    from sync.usecases import receive_notification  # noqa: PLC0415  -- loaded at first use: cold start counts here

    connection = req.route_params["connection"]
    reply = receive_notification.receive(wiring.services(), connection, dict(req.params), req.get_body())
    return func.HttpResponse(reply.body, status_code=reply.status, headers=dict(reply.headers))


@blueprint.function_name("graph_lifecycle")
@blueprint.route("graph/lifecycle/{connection}", methods=["POST"], auth_level=func.AuthLevel.ANONYMOUS)
def graph_lifecycle(req: func.HttpRequest) -> func.HttpResponse:
    """Graph says something about a subscription of ours."""
    from sync.usecases import receive_notification  # noqa: PLC0415  -- loaded at first use

    connection = req.route_params["connection"]
    reply = receive_notification.lifecycle(wiring.services(), connection, dict(req.params), req.get_body())
    return func.HttpResponse(reply.body, status_code=reply.status, headers=dict(reply.headers))


@blueprint.function_name("health")
@blueprint.route("health", methods=["GET"], auth_level=func.AuthLevel.ANONYMOUS)
def health(req: func.HttpRequest) -> func.HttpResponse:  # noqa: ARG001  -- the host passes the request by this name
    """The process is alive; touches nothing."""
    return func.HttpResponse('{"status":"alive"}', mimetype="application/json", headers={"Cache-Control": "no-store"})


@blueprint.function_name("ready")
@blueprint.route("ready", methods=["GET"], auth_level=func.AuthLevel.ANONYMOUS)
def ready(req: func.HttpRequest) -> func.HttpResponse:  # noqa: ARG001  -- the host passes the request by this name
    """Which of the things we depend on can be reached; 503 unless all."""
    status, body = wiring.readiness()
    headers = {"Cache-Control": "no-store"}
    return func.HttpResponse(json.dumps(body), status_code=status, mimetype="application/json", headers=headers)


@blueprint.function_name("zz_panel")
@blueprint.route("{*path}", auth_level=func.AuthLevel.ANONYMOUS)
async def zz_panel(req: func.HttpRequest, context: func.Context) -> func.HttpResponse:
    """The admin panel, the connect callbacks and the JSON API: one ASGI app, loaded by its first visitor."""
    app = await asyncio.to_thread(wiring.panel)  # loading takes a moment: the webhook's loop must not wait for it
    return await func.AsgiMiddleware(app).handle_async(req, context)  # type: ignore[no-any-return]
