"""What imports have kept of a person: words in their results, rows in lists of rejects, files that nobody imported."""

import csv
import re
from functools import partial
from pathlib import Path

from django.db import transaction

from regulars.customers.forgetting import Person, register
from regulars.purchases.importing import files
from regulars.purchases.models import Filled, Import


def register_forgetting() -> None:
    """Called once, when the application is ready."""
    register(_forget)


def _forget(person: Person) -> None:
    Filled.objects.filter(customer_id__in=person.ids).delete()
    person.redact(Import, "file_name", "options", "progress", "result", "error")
    transaction.on_commit(partial(_forget_files, person))


def _forget_files(person: Person) -> None:
    """Files that wait for a word may name him in any form: they go, and whoever needs them drops them in again."""
    waiting = Import.objects.filter(state__in=(Import.State.DRAFT, Import.State.FAILED)).exclude(stored_as="")
    for name in waiting.values_list("stored_as", flat=True):
        files.remove(name)
    if person.pattern:
        for name in Import.objects.exclude(rejects_stored_as="").values_list("rejects_stored_as", flat=True):
            _without(files.path_of(name), re.compile(person.pattern, re.IGNORECASE))


def _without(rejects: Path, words: "re.Pattern[str]") -> None:
    """Write the list anew without the rows that name him."""
    if not rejects.exists():
        return
    fresh = files.new_path()
    try:
        with (
            rejects.open(encoding="utf-8-sig", newline="") as old,
            fresh.open("x", encoding="utf-8-sig", newline="") as new,
        ):
            csv.writer(new).writerows(row for row in csv.reader(old) if not any(map(words.search, row)))
        fresh.replace(rejects)
    finally:
        fresh.unlink(missing_ok=True)
