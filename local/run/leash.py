"""`python -m local.run.leash MODULE [ARGUMENT …]`: run MODULE, ended when this program's standard input closes.

So a child never outlives the `make run` that started it, however that ended.
"""

import os
import runpy
import signal
import sys
import threading


def _end_with_standard_input() -> None:
    while os.read(0, 1024):
        pass
    os.kill(os.getpid(), signal.SIGTERM)


if __name__ == "__main__":
    threading.Thread(target=_end_with_standard_input, daemon=True).start()
    del sys.argv[0]
    runpy.run_module(sys.argv[0], run_name="__main__", alter_sys=True)
