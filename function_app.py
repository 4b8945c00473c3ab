"""The Azure Functions app: it registers the triggers, and nothing else."""

import azure.functions as func

from sync.triggers import http, queues, timers

app = func.FunctionApp(http_auth_level=func.AuthLevel.ANONYMOUS)
app.register_functions(http.blueprint)
app.register_functions(queues.blueprint)
app.register_functions(timers.blueprint)
