"""The import of a history as a user does it: the file is stored, the worker reads, checks and writes it."""

import time
from pathlib import Path

from bench.application.installation import Memory, Program, Spent, clocked
from regulars.accounts.models import User
from regulars.purchases.importing import files
from regulars.purchases.importing.runs import Wishes, make_draft, start
from regulars.purchases.models import Import

_LOOK_SECONDS = 0.2


def imported(worker: Program, source: Path) -> tuple[Spent, Memory]:
    """From the word to the end of the import, and the memory of the worker that did it."""
    owner = User.objects.get()
    with source.open("rb") as stream:
        stored = files.store(iter(lambda: stream.read(1 << 20), b""), most=source.stat().st_size)
    draft = make_draft(Import.Kind.PURCHASES, stored, source.name, by=owner)
    with clocked(worker) as spent:
        start(draft, Wishes(), by=owner)
        while (found := Import.objects.get(pk=draft.pk)).is_under_way:
            time.sleep(_LOOK_SECONDS)
    if found.state != Import.State.DONE:
        raise RuntimeError(found.error)
    return spent, worker.memory()
