"""The one timer. What is due is derived from stored times, so a late or a lost tick only delays."""

from __future__ import annotations

import azure.functions as func

from sync import wiring

blueprint = func.Blueprint()


@blueprint.function_name("tick")
@blueprint.timer_trigger("timer", schedule="0 * * * * *", run_on_startup=False, use_monitor=True)
def tick(timer: func.TimerRequest) -> None:  # noqa: ARG001  -- the host passes it by this name
    """Every minute: enqueue what is due."""
    from sync.usecases import tick as due  # noqa: PLC0415  -- loaded at first use

    due.run(wiring.services())
