"""What a person sees in the terminal: progress of long work, results, errors."""

import time
from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeElapsedColumn
from rich.text import Text

from regulars.cli.stopping import insist
from regulars.core.i18n import gettext as _

# results go to standard output; everything about the work goes to standard error, so that `--json -` stays clean
out = Console(highlight=False, soft_wrap=True)
err = Console(stderr=True, highlight=False, soft_wrap=True)

QUIET_SECONDS = 2.0


class Bar:
    """A progress bar that shows itself only when the work has taken two seconds."""

    def __init__(self, progress: Progress) -> None:
        self.progress = progress
        self.started = time.monotonic()
        self.task = progress.add_task("", total=None)

    def step(self, label: str, done: int | None, total: int | None) -> None:
        """Draw how far the work is, unless somebody asked to end it."""
        insist()
        if time.monotonic() - self.started < QUIET_SECONDS:
            return
        if not self.progress.live.is_started:
            self.progress.start()
        self.progress.update(self.task, description=label, completed=done or 0, total=total)


@contextmanager
def progress_bar() -> Iterator[Bar]:
    """Draws on standard error while the block runs, and disappears after it."""
    columns = (TextColumn("{task.description}", markup=False), BarColumn(), TaskProgressColumn(), TimeElapsedColumn())
    progress = Progress(*columns, console=err, transient=True)
    try:
        yield Bar(progress)
    finally:
        progress.stop()


def say(text: str) -> None:
    """A line about the work; the text is never taken for markup."""
    err.print(Text(text))


def fail(message: str) -> None:
    """An error in one sentence or a few, in red where there is colour."""
    err.print(Text(_("Error: "), style="bold red") + Text(message))
