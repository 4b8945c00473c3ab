"""JSON log lines on standard error, each with the function and the invocation it belongs to."""

import json
import logging
import sys
from contextvars import ContextVar
from datetime import UTC, datetime

# Set around each call. Threads that the app starts itself do not inherit it; its asyncio tasks do, as in the worker.
current_call: ContextVar[tuple[str, str] | None] = ContextVar("current_call", default=None)

_STANDARD = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName"}


class JsonLines(logging.Formatter):
    """One line of JSON per record; whatever the caller gave as `extra` stands beside the message."""

    def format(self, record: logging.LogRecord) -> str:
        """The line, without its end."""
        line: dict[str, object] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
        }
        call = current_call.get()
        if call is not None:
            line["function"], line["invocation"] = call
        line.update((key, value) for key, value in vars(record).items() if key not in _STANDARD)
        if record.exc_info:
            line["exception"] = self.formatException(record.exc_info)
        return json.dumps(line, default=str, ensure_ascii=False)


def configure(level: str) -> None:
    """Send every record of `level` and above to standard error."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonLines())
    # The real worker counts these loggers as its own and hides them from the app's log.
    handler.addFilter(lambda record: not record.name.startswith("azure.functions"))
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level)
    # One line per storage request, this host's own polls among them, would bury everything else.
    logging.getLogger("azure").setLevel(logging.WARNING)
