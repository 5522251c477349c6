"""An orderly end when the program is told to stop: nothing half-written and no temporary folder stays behind."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

_asked: list[int] = []  # signals that asked to end

# what asks a program to end: a service manager or the system going down, and a terminal that is closed
_ASKING = ("SIGTERM", "SIGHUP")
_SHELLS_ADD = 128


class Stopped(BaseException):
    """Somebody asked the program to end. Not an `Exception`, so that nothing takes it for a failure of its own."""

    def __init__(self, number: int) -> None:
        super().__init__(number)
        self.exit_code = _SHELLS_ADD + number


INTERRUPTED = _SHELLS_ADD + signal.SIGINT


@contextmanager
def orderly_end() -> Iterator[None]:
    """Turn the signals that ask to end into `Stopped` while the block runs.

    A signal that the starter of the program has chosen to ignore (`nohup`) stays ignored.
    """
    before = {}
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        before[signal.SIGINT] = signal.signal(signal.SIGINT, _interrupt)
    for name in _ASKING:
        number = getattr(signal, name, None)  # not every system has every signal
        if number is not None and signal.getsignal(number) is signal.SIG_DFL:
            before[number] = signal.signal(number, _stop)
    try:
        yield
    finally:
        _asked.clear()
        for number, handler in before.items():
            signal.signal(number, handler)


def _stop(number: int, _frame: FrameType | None) -> None:
    # once is enough: a second signal must not break off the tidying up
    signal.signal(number, signal.SIG_IGN)
    _asked.append(number)
    raise Stopped(number)


def _interrupt(number: int, _frame: FrameType | None) -> None:
    _asked.append(number)
    raise KeyboardInterrupt


def insist() -> None:
    """Raise again what was swallowed: a query that is broken off may be taken for one that failed."""
    if _asked:
        raise KeyboardInterrupt if _asked[0] == signal.SIGINT else Stopped(_asked[0])


def exit_code_of_stop(error: BaseException | None) -> int | None:
    """The exit code when a request to end is behind this error, else None.

    The engine turns whatever interrupts a query into an error of its own, and keeps the reason as its cause.
    """
    code = None
    while error is not None:
        if isinstance(error, Stopped):
            return error.exit_code
        if isinstance(error, KeyboardInterrupt):
            code = INTERRUPTED
        error = error.__cause__ or error.__context__
    return code
