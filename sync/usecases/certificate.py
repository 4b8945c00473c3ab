"""The completeness certificate of a full pass: what Entra says, what Moxso has, and every difference by name.

It is made of what the pass sees anyway. Applying a shard leaves the shard's balance, without the removal candidates;
removing leaves theirs. The end of the pass adds them up and keeps the sum in `staging`, in a partition of its own that
outlives the pass. Nothing is scanned for it. The balance of a part is written as often as the part is worked on, and
the last one stands. However many differences there are, no more than a part's are in memory at a time: they are kept,
sealed and told as they come from storage, in the order of the parts.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import islice
from typing import Any, NamedTuple

from shared import canonical
from sync.core.certificate import Balance, Difference, balance
from sync.core.connection import Connection, ConnectionView
from sync.core.model import PersonRecord
from sync.core.runs import Outcome, Run
from sync.usecases import reaching
from sync.usecases.services import Services
from sync.usecases.staged import BALANCES

VERSION = 1
KEPT = "certificate"  # the partition that stays: the head, and the differences in pieces
HEAD, REST = "head", "rest"
PIECE = 2_000  # differences a row
PAGES = 40  # pages of runs that one request looks through
FORGOTTEN = 200  # runs looked at in one go, when old ones are forgotten


class Certificate(NamedTuple):
    """`head` is all but the differences: whose, when, by which settings, the counts, and the digest of the whole.
    `differences` come from storage as often as they are iterated.
    """

    head: dict[str, Any]
    differences: Iterable[Difference]

    def text(self) -> Iterator[bytes]:
        """The whole as canonical JSON (keys sorted, compact, UTF-8), in pieces."""
        before, there, after = canonical.dumps({**self.head, "differences": []}).partition(b'"differences":[]')
        yield before + there[:-1]
        for number, piece in enumerate(_in_pieces(self.differences)):
            yield (b"," if number else b"") + canonical.dumps([one._asdict() for one in piece])[1:-1]
        yield there[-1:] + after


def seal(made: Certificate) -> str:
    """SHA-256, in hex, of a certificate's canonical JSON without its `sha256`."""
    digest = hashlib.sha256()
    head = {name: value for name, value in made.head.items() if name != "sha256"}
    for piece in made._replace(head=head).text():
        digest.update(piece)
    return digest.hexdigest()


def leave(services: Services, view: ConnectionView, run: Run, part: int, people: Iterable[PersonRecord]) -> None:
    """The balance of a part's people, as they stand after it."""
    connection = view.connection
    policy = reaching.policy(services, connection, reaching.selected(view, run))
    found = balance(people, policy)
    data = {
        "settings": policy.settings.version,
        "counts": found.counts,
        "differences": sorted([*one] for one in found.differences),
    }
    services.staging.put(connection.scope, f"{run.id}{BALANCES}", part, {"": canonical.dumps(data)})


def issue(services: Services, connection: Connection, run: Run) -> None:
    """Add up what the parts of a complete pass left, and keep it. Does nothing the second time."""
    if head(services, connection.scope, run.id) is not None:
        return
    total, versions = Balance(), set[int]()
    for data in _balances(services, connection.scope, run.id):
        versions.add(data["settings"])
        total.take(Balance(data["counts"]))
    about = {
        "v": VERSION,
        "connection": connection.id,
        "tenant_id": connection.tenant_id,
        "tenant_name": connection.tenant_name,
        "run": run.id,
        "cause": run.cause,
        "started_at": run.started_at,
        "finished_at": run.finished_at,
        "settings_versions": sorted(versions),  # more than one: they changed while the pass was applied
        "not_read": list(run.frozen),
        "counts": total.counts,
    }
    made = Certificate(about, _Anew(lambda: _left(services, connection.scope, run.id)))
    about["sha256"] = seal(made)
    _keep(services, connection.scope, run.id, made)


def _balances(services: Services, scope: str, run_id: str) -> Iterator[dict[str, Any]]:
    """What each part left, in their order."""
    return map(canonical.loads, services.staging.get(scope, f"{run_id}{BALANCES}", ""))


def _left(services: Services, scope: str, run_id: str) -> Iterator[Difference]:
    for data in _balances(services, scope, run_id):
        yield from (Difference(*one) for one in data["differences"])


def _in_pieces(differences: Iterable[Difference]) -> Iterator[list[Difference]]:
    coming = iter(differences)
    while piece := list(islice(coming, PIECE)):
        yield piece


class _Anew:
    """Differences that are read from storage whenever somebody goes through them."""

    def __init__(self, read: Callable[[], Iterator[Difference]]) -> None:
        self._read = read

    def __iter__(self) -> Iterator[Difference]:
        return self._read()


def _keep(services: Services, scope: str, run_id: str, made: Certificate) -> None:
    """The differences first: a head says that everything is there."""
    partition = f"{run_id}{KEPT}"
    for number, piece in enumerate(_in_pieces(made.differences)):
        services.staging.put(scope, partition, number, {REST: canonical.dumps([list(one) for one in piece])})
    services.staging.put(scope, partition, 0, {HEAD: canonical.dumps(made.head)})


def forget(services: Services, scope: str, run_id: str) -> None:
    """Remove the certificate of a pass, when the pass itself is no longer kept."""
    services.staging.clear(scope, f"{run_id}{KEPT}")


def forget_before(services: Services, scope: str, from_run: str) -> None:
    """Remove the certificates of passes whose ids come after this one, so of older ones. To be called before the runs
    themselves are forgotten: nothing else knows of them.
    """
    place = from_run
    while place:
        runs, place = services.runs.page(scope, place, FORGOTTEN)
        for run in runs:
            if run.kind == "pass":
                forget(services, scope, run.id)


def head(services: Services, scope: str, run_id: str) -> dict[str, Any] | None:
    """What a certificate says but its differences; None where the pass has none."""
    for block in services.staging.get(scope, f"{run_id}{KEPT}", HEAD):
        found: dict[str, Any] = canonical.loads(block)
        return found
    return None


def read(services: Services, scope: str, run_id: str) -> Certificate | None:
    """A certificate with its differences."""
    found = head(services, scope, run_id)
    return None if found is None else Certificate(found, _Anew(lambda: _kept(services, scope, run_id)))


def _kept(services: Services, scope: str, run_id: str) -> Iterator[Difference]:
    for block in services.staging.get(scope, f"{run_id}{KEPT}", REST):
        yield from (Difference(*one) for one in canonical.loads(block))


def page(services: Services, scope: str, place: str, limit: int) -> tuple[Sequence[dict[str, Any]], str]:
    """The heads of the next certificates, newest first, and where to go on. A bounded walk over the runs: it may find
    none and still have a place.
    """
    for _ in range(PAGES):
        runs, place = services.runs.page(scope, place, limit)
        passes = (run for run in runs if run.kind == "pass" and run.outcome is Outcome.COMPLETE)
        found = [one for run in passes if (one := head(services, scope, run.id)) is not None]
        if found or not place:
            return found, place
    return (), place
