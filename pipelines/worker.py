"""Worker processes of a run on this machine: Beam's own, which do without what the process that starts them does without.

python -m xsieve.pipelines.worker apitools,pyarrow     # packages that Beam is imported without
"""

import gc
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import NoReturn

from xsieve.pipelines.lean import OTHERS, YOUNG_OBJECTS, unimported

PATIENCE = 5.0  # seconds in which Beam notices by itself that a worker ended, if it had reached it
THREAD = "run_worker"  # what Beam calls the thread that waits for a worker's end


class WorkerLost(Exception):  # noqa: N818 what is said of it is a sentence
    """A worker process that ended before Beam could reach it."""


def command() -> str:
    """The command line that starts a worker like this process."""
    without = ",".join(name for name in OTHERS if name not in sys.modules)
    return f'"{sys.executable}" -m {__name__} {without}'


@contextmanager
def watched() -> Iterator[None]:
    """Within this, a worker that ended before it was reached ends the run with WorkerLost, where Beam would wait for ever.

    What Beam makes of it is an exception in the thread that waits for the process; the main thread, which waits for the
    worker, can be reached by a signal only. In another thread, and where there are no such signals, nothing is watched.
    """
    if threading.current_thread() is not threading.main_thread() or not hasattr(signal, "SIGUSR1"):
        yield
        return
    timers: list[threading.Timer] = []
    others = threading.excepthook

    def ended(error: threading.ExceptHookArgs) -> None:
        if error.thread and error.thread.name == THREAD:
            timers.append(
                threading.Timer(PATIENCE, signal.pthread_kill, (threading.main_thread().ident, signal.SIGUSR1))
            )
            timers[-1].start()
        else:
            others(error)

    before = signal.signal(signal.SIGUSR1, _give_up)
    threading.excepthook = ended
    try:
        yield
    finally:
        threading.excepthook = others
        for timer in timers:
            timer.cancel()
            timer.join()
        signal.signal(signal.SIGUSR1, before or signal.SIG_DFL)  # None: it was not set by Python


def _give_up(*_: object) -> NoReturn:
    raise WorkerLost("a process ended before it could begin; is there memory left?")


def main(without: str = "") -> None:
    """Work until whoever started it, and says how to be reached by Beam's environment variables, has no more to do."""
    gc.set_threshold(YOUNG_OBJECTS)
    with unimported(tuple(filter(None, without.split(",")))):
        from apache_beam.runners.worker import sdk_worker_main
    sdk_worker_main.main(sys.argv[:1])


if __name__ == "__main__":
    main(*sys.argv[1:])
