"""Time and memory of a command as a whole process, as the operating system accounts for it."""

import os
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass


@dataclass(frozen=True)
class Measured:
    """Wall seconds, those of all cores together, and the peak of resident memory of a finished process."""

    seconds: float
    cpu_seconds: float
    peak_mib: float
    printed: str  # what it said on stdout


def run(*command: str) -> Measured:
    """Run a command to its end; its failure is ours."""
    started = time.perf_counter()
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    printed, errors = _both(process)
    _pid, status, usage = os.wait4(process.pid, 0)
    seconds = time.perf_counter() - started
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise RuntimeError(f"{' '.join(command)} failed: {errors.decode()[-2000:]}")
    return Measured(seconds, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024, printed.decode())


def _both(process: "subprocess.Popen[bytes]") -> tuple[bytes, bytes]:
    """What the process wrote, read while it runs: `communicate` would reap it before its memory is known."""
    assert process.stdout is not None and process.stderr is not None
    with ThreadPoolExecutor() as pool:
        printed, errors = pool.submit(process.stdout.read), pool.submit(process.stderr.read)
        return printed.result(), errors.result()


def python(code: str, *arguments: str) -> Measured:
    """Run a piece of Python in a process of its own."""
    return run(sys.executable, "-c", code, *arguments)


def best_of(times: int, code: str, *arguments: str) -> Measured:
    """The fastest of several runs: the one that the machine disturbed least."""
    return min((python(code, *arguments) for _ in range(times)), key=lambda one: one.seconds)
