"""In-memory ports with the semantics of the real ones, faults on demand, and time under the test's control."""

from tests.fakes.faults import Crash, Faults
from tests.fakes.mail_server import FakeMailServer
from tests.fakes.queue import Delivery, FakeQueue
from tests.fakes.storage import FakeStorage
from tests.fakes.time_and_ids import FakeClock, FakeIds

__all__ = ["Crash", "Delivery", "FakeClock", "FakeIds", "FakeMailServer", "FakeQueue", "FakeStorage", "Faults"]
