"""Time and memory of a command as a whole process, as the operating system accounts for it."""

import os
import subprocess
import sys
import time
from dataclasses import dataclass


@dataclass(frozen=True)
class Measured:
    """Wall seconds and the peak of resident memory of a finished process."""

    seconds: float
    peak_mib: float


def run(*command: str) -> Measured:
    """Run a command to its end; its failure is ours."""
    started = time.perf_counter()
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    assert process.stderr is not None
    errors = process.stderr.read()
    _pid, status, usage = os.wait4(process.pid, 0)
    seconds = time.perf_counter() - started
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise RuntimeError(f"{' '.join(command)} failed: {errors.decode()[-2000:]}")
    return Measured(seconds, usage.ru_maxrss / 1024)


def python(code: str, *arguments: str) -> Measured:
    """Run a piece of Python in a process of its own."""
    return run(sys.executable, "-c", code, *arguments)


def best_of(times: int, code: str, *arguments: str) -> Measured:
    """The fastest of several runs: the one that the machine disturbed least."""
    return min((python(code, *arguments) for _ in range(times)), key=lambda one: one.seconds)
