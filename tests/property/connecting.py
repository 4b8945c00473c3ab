"""The admin ends the connection, connects the tenant again, and starts."""

from __future__ import annotations

from hypothesis import strategies as st
from hypothesis.stateful import precondition

from sync.core.connection import ConnectionState
from sync.usecases import disconnect
from tests.property.edits import Machine
from tests.property.reached import act


class Connecting(Machine):
    """See the module."""

    @act(sure=st.sampled_from([False, False, True]))
    def disconnect(self, sure: bool) -> None:
        """The admin disconnects, if sure; whatever is under way is over."""
        if not sure:
            return
        with self.engine.attempt():
            disconnect.run(self.engine.services, self.acme.view)

    @precondition(lambda self: not self.acme.connection.live)
    @act(now=st.booleans())
    def connect_again(self, now: bool) -> None:
        """The same workspace connects the tenant once more, and starts, at once or when it was read."""
        self.reconnect()
        if now:
            with self.engine.attempt():
                self.acme.start()

    def reconnect(self) -> None:
        """A new connection of the same tenant, in the stead of one that was ended."""
        self.engine.faults.heal()
        former = self.acme.connection
        disconnect.run(self.engine.services, self.acme.view)  # whatever was killed on the way
        self.acme = self.engine.connect(former.workspace, former.tenant_id, digits=former.digits)
        self.connections[0] = self.acme

    @precondition(lambda self: self.acme.connection.state is ConnectionState.AWAITING_START)
    @act()
    def start(self) -> None:
        """The admin presses Start."""
        with self.engine.attempt():
            self.acme.start()
