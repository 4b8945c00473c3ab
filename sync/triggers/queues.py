"""The four work queues: decode, one use case, done.

Nothing is caught: an unknown exception goes to the host, which shows the message again and after five times moves it
to the poison queue. What passes by itself (`Transient`) the use cases handle, as they know how long to wait.
"""

from __future__ import annotations

from typing import Any

import azure.functions as func

from sync import wiring

blueprint = func.Blueprint()
STORAGE = "AzureWebJobsStorage"


def _read(queue: str, message: func.QueueMessage) -> Any:
    """The message of this queue's shape, or a Defect."""
    from sync.core import messages  # noqa: PLC0415  -- loaded at first use

    return messages.decode(queue, message.get_body())


@blueprint.function_name("pulls")
@blueprint.queue_trigger("message", queue_name="pulls", connection=STORAGE)
def pulls(message: func.QueueMessage) -> None:
    """Look at a feed."""
    from sync.usecases import pull  # noqa: PLC0415  -- loaded at first use

    pull.run(wiring.services(), _read("pulls", message))


@blueprint.function_name("passes")
@blueprint.queue_trigger("message", queue_name="passes", connection=STORAGE)
def passes(message: func.QueueMessage) -> None:
    """Take a full pass one step further."""
    from sync.usecases import full_pass  # noqa: PLC0415  -- loaded at first use

    full_pass.run(wiring.services(), _read("passes", message))


@blueprint.function_name("changes")
@blueprint.queue_trigger("message", queue_name="changes", connection=STORAGE)
def changes(message: func.QueueMessage) -> None:
    """Apply one part of a run."""
    from sync.usecases import apply  # noqa: PLC0415  -- loaded at first use

    apply.run(wiring.services(), _read("changes", message))


@blueprint.function_name("mails")
@blueprint.queue_trigger("message", queue_name="mails", connection=STORAGE)
def mails(message: func.QueueMessage) -> None:
    """Send one onboarding mail, if it is still due."""
    from sync.usecases import onboard  # noqa: PLC0415  -- loaded at first use

    onboard.run(wiring.services(), _read("mails", message))
