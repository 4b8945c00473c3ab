"""No text of API v1 is forgotten: each that the OpenAPI document has was looked at, and holds what is said of it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.inputs import leaves
from tests.inputs.concerned import Concerned
from tests.inputs.world import Zoo
from tests.inputs.zoo import ADDRESSES, TEXTS
from tests.real.api import Api

HERE = Path(__file__).parent
STRICT = {leaf: pattern for pattern, names in leaves.STRICT.items() for leaf in names.split()}
NAMELESS, TOLD = {*leaves.NAMELESS.split()}, {*leaves.TOLD.split()}
# Long enough, and odd enough, to be nobody's word but the zoo's.
ODD = {one.kept for one in TEXTS if len(one.kept) > 4 and not one.kept.replace(" ", "").isalnum()}
GIVEN = {one.mail for one in ADDRESSES if one.mail} | {one.username for one in ADDRESSES}


def test_every_text_that_is_told_is_known() -> None:
    """A new field of text must be said to be ours, or be looked at with every input."""
    known = [*STRICT, *NAMELESS, *TOLD, *leaves.ELSEWHERE]
    assert sorted(known) == sorted(leaves.leaves("responses"))


def test_every_text_that_is_sent_is_known() -> None:
    """A new field of a body must be sent every input."""
    assert {*leaves.SENT} == leaves.leaves("requestBody")


def test_every_text_that_is_asked_with_is_known() -> None:
    """A new parameter of text must be given every input."""
    assert {*leaves.ASKED} == leaves.parameters()


def test_what_is_looked_at_elsewhere_is_there() -> None:
    """File and test exist."""
    for named in {*leaves.ELSEWHERE.values(), *leaves.SENT.values(), *leaves.ASKED.values()}:
        file, _, test = named.partition("::")
        assert f"def {test}(" in (HERE / file).read_text(encoding="utf-8"), named


@pytest.mark.azurite
def test_each_text_holds_what_is_said_of_it(zoo: Zoo, known: Concerned) -> None:
    """All that can be read of the import and of the tenant beside it: what is ours has its form and names nobody, and
    wherever text from outside may stand, some stood.
    """
    odd: set[str] = set()
    for leaf, text in [*read(Api(zoo.acme), [*zoo.texts][:3], [*zoo.groups][:1]), *of(known)]:
        if pattern := STRICT.get(leaf):
            assert not text or pattern.fullmatch(text), (leaf, text)
        elif leaf in NAMELESS:
            assert not any(one in text for one in ODD), (leaf, text)
        elif any(one in text for one in ODD) or text in GIVEN:
            odd.add(leaf)
    assert TOLD - odd == set()


def of(known: Concerned) -> Iterator[tuple[str, str]]:
    """What is read of those who are concerned: of each role the first two."""
    people = [object_id for one in known.people.values() for object_id in [*one][:2]]
    yield from read(known.api, people, [next(iter(one)) for one in known.groups.values()])


def read(api: Api, people: list[str], groups: list[str]) -> Iterator[tuple[str, str]]:
    """Every (leaf, text) of every answer to a GET, and of the previews."""
    run = next(one["run"] for one in api.every("certificates"))
    named = {"people": people, "groups": groups, "certificates": [run]}
    for method, path in leaves.operations():
        where = path.replace("/api/v1/connections/{connection_id}", "").removeprefix("/")
        where = f"/{where}" if where.startswith("api/") else where
        if method == "get":
            head, _, rest = where.partition("/{")
            names = [f"{head}/{one}{rest.partition('}')[2]}" for one in named[head]] if rest else [where]
            for one in names:
                yield from answered(api, method, path, one)
    yield from answered(api, "post", "/settings/preview", "settings/preview", scope={"chosen": {"everyone": True}})
    yield from answered(api, "post", "/mapping/preview", "mapping/preview", people=people[:20])


def answered(api: Api, method: str, path: str, where: str, **body: object) -> Iterator[tuple[str, str]]:
    """Of one answer; of a list the first two hundred."""
    operation = next(
        one for (verb, known), one in leaves.operations().items() if verb == method and known.endswith(path)
    )
    schema = operation["responses"]["200"]["content"]["application/json"]["schema"]
    params = {"limit": 200} if any(one["name"] == "limit" for one in operation.get("parameters", ())) else {}
    told = api.ask(method.upper(), where, params=params, json=body or None)
    yield from leaves.texts(told, schema)
