"""The page a person reads and the JSON API: whatever a message contains, it stays data.

Nothing is ever loaded from elsewhere and no script runs: the pages have none. A message's HTML is shown in a sandboxed
frame, which inherits the page's content security policy.
"""

from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from local.mail.store import CaughtMail, MailStore

PAGE_SIZE = 100
# Inline styles are allowed for the sake of the messages in their frames.
_HEADERS = {
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; "
    "form-action 'none'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
}
_templates = Environment(
    loader=FileSystemLoader(Path(__file__).parent), autoescape=True, undefined=StrictUndefined, trim_blocks=True
)


def make_page(store: MailStore) -> Starlette:
    """The web application over `store`."""

    def listing(request: Request) -> Response:
        before = request.query_params.get("before", "")
        mails = store.all()
        older = [mail for mail in mails if not before.isdigit() or mail.number < int(before)]
        shown = older[:PAGE_SIZE]
        following = shown[-1].number if len(older) > PAGE_SIZE else None
        refresh = not before
        return _page("list.html", mails=shown, total=len(mails), following=following, refresh=refresh)

    def reading(request: Request) -> Response:
        mail = store.get(request.path_params["number"])
        if mail is None:
            return PlainTextResponse("There is no such message.", 404, _HEADERS)
        return _page("mail.html", mail=mail)

    def messages(request: Request) -> Response:
        if request.method == "DELETE":
            store.clear()
            return Response(status_code=204, headers=_HEADERS)
        return JSONResponse({"messages": [_document(mail) for mail in store.all()]}, headers=_HEADERS)

    def message(request: Request) -> Response:
        mail = store.get(request.path_params["number"])
        if mail is None:
            return JSONResponse({"error": "there is no such message"}, 404, _HEADERS)
        return JSONResponse(_document(mail), headers=_HEADERS)

    return Starlette(
        routes=[
            Route("/", listing),
            Route("/messages/{number:int}", reading),
            Route("/api/messages", messages, methods=["GET", "DELETE"]),
            Route("/api/messages/{number:int}", message),
        ]
    )


def _page(template: str, **values: Any) -> HTMLResponse:
    return HTMLResponse(_templates.get_template(template).render(values), headers=_HEADERS)


def _document(mail: CaughtMail) -> dict[str, Any]:
    return {
        "number": mail.number,
        "received": mail.received.isoformat(),
        "from": mail.sender,
        "to": list(mail.recipients),
        "subject": mail.subject,
        "headers": [list(header) for header in mail.headers],
        "text": mail.text,
        "html": mail.html,
    }
