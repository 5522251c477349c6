"""Several processes as one: they start together, end together, and one that falls is started again."""

import ctypes
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from types import FrameType

from regulars.core.errors import RegularsError
from regulars.core.i18n import gettext as _

_PATIENCE = 15.0  # seconds that a process has to end politely
_MOST_FALLS = 5
_FALLS_WITHIN = 60.0  # seconds
_DEATH_SIGNAL = 1  # PR_SET_PDEATHSIG


@dataclass
class Child:
    """One program that must run."""

    name: str
    command: Sequence[str]
    process: "subprocess.Popen[bytes] | None" = None
    falls: list[float] = field(default_factory=list)


def supervise(
    children: Sequence[Child],
    environment: Mapping[str, str],
    *,
    first: Callable[[], None],
    on_fall: Callable[[str], None],
) -> None:
    """Run all until SIGINT or SIGTERM; `RegularsError` when one of them does not stay up.

    `first` is done each time before they are looked at: what they all stand on.
    """
    stopping = _Stop()
    try:
        while not stopping.asked:
            first()
            for child in children:
                _keep_up(child, environment, on_fall)
            stopping.wait(0.5)
    finally:
        _end(children)
        stopping.restore()


class _Stop:
    """Whether somebody asked to end."""

    def __init__(self) -> None:
        self.asked = False
        self._before = {number: signal.signal(number, self._ask) for number in (signal.SIGINT, signal.SIGTERM)}

    def _ask(self, _number: int, _frame: FrameType | None) -> None:
        self.asked = True

    def wait(self, seconds: float) -> None:
        until = time.monotonic() + seconds
        while not self.asked and time.monotonic() < until:
            time.sleep(0.05)

    def restore(self) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)


def _keep_up(child: Child, environment: Mapping[str, str], on_fall: Callable[[str], None]) -> None:
    if child.process is not None:
        code = child.process.poll()
        if code is None:
            return
        now = time.monotonic()
        child.falls = [at for at in child.falls if now - at < _FALLS_WITHIN] + [now]
        if len(child.falls) >= _MOST_FALLS:
            raise RegularsError(
                _(
                    "{name} ended {count} times within a minute, the last time with code {code}; see its words above."
                ).format(name=child.name, count=len(child.falls), code=code)
            )
        on_fall(child.name)
    child.process = subprocess.Popen(  # noqa: S603 - our own programs
        child.command,
        env={**os.environ, **environment},
        stdin=subprocess.DEVNULL,
        # a Ctrl-C of the terminal reaches us alone: we end the others in order
        start_new_session=True,
        preexec_fn=_die_with_parent if sys.platform == "linux" else None,  # noqa: PLW1509 - no threads here
    )


def _die_with_parent() -> None:
    """Have the kernel end the child should its parent be killed."""
    ctypes.CDLL(None).prctl(_DEATH_SIGNAL, signal.SIGTERM)


def _end(children: Sequence[Child]) -> None:
    running = [child.process for child in children if child.process is not None and child.process.poll() is None]
    for process in running:
        process.terminate()
    until = time.monotonic() + _PATIENCE
    for process in running:
        try:
            process.wait(max(0.1, until - time.monotonic()))
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
