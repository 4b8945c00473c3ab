"""All that API v1 has to read of a connection, text by text."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from tests.inputs import leaves
from tests.real.api import Api


def read(api: Api, people: Sequence[str], groups: Sequence[str]) -> Iterator[tuple[str, str]]:
    """Every (leaf, text) of every answer to a GET, of these people and groups alone too, and of the previews."""
    run = next(one["run"] for one in api.every("certificates"))
    named = {"people": people, "groups": groups, "certificates": [run]}
    for method, path in leaves.operations():
        where = path.replace("/api/v1/connections/{connection_id}", "").removeprefix("/")
        where = f"/{where}" if where.startswith("api/") else where
        if method == "get":
            head, _, rest = where.partition("/{")
            names = [f"{head}/{one}{rest.partition('}')[2]}" for one in named[head]] if rest else [where]
            for one in names:
                yield from _answered(api, method, path, one)
    yield from _answered(api, "post", "/settings/preview", "settings/preview", scope={"chosen": {"everyone": True}})
    yield from _answered(api, "post", "/mapping/preview", "mapping/preview", people=people[:20])


def _answered(api: Api, method: str, path: str, where: str, **body: object) -> Iterator[tuple[str, str]]:
    """Of one answer; of a list the first two hundred."""
    operation = next(one for (verb, at), one in leaves.operations().items() if verb == method and at.endswith(path))
    schema = operation["responses"]["200"]["content"]["application/json"]["schema"]
    params = {"limit": 200} if any(one["name"] == "limit" for one in operation.get("parameters", ())) else {}
    yield from leaves.texts(api.ask(method.upper(), where, params=params, json=body or None), schema)
