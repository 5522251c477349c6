"""Styles and scripts where the web server finds them. Called inside `application`."""

import filecmp
from collections.abc import Iterator
from pathlib import Path

from django.conf import settings
from django.contrib.staticfiles.finders import get_finders
from django.core.management import call_command


def collect_static_files() -> None:
    """Those of this version, and no others."""
    # Django would keep what is younger than the new version's file, whatever it says
    for old in _stale():
        old.unlink(missing_ok=True)
    call_command("collectstatic", interactive=False, verbosity=0)


def are_static_files_current() -> bool:
    """Whether this machine has those of this version."""
    return (Path(settings.STATIC_ROOT) / "staticfiles.json").exists() and not any(_stale())


def _stale() -> Iterator[Path]:
    for finder in get_finders():
        for name, storage in finder.list([]):
            collected = Path(settings.STATIC_ROOT) / name
            if not collected.exists() or not filecmp.cmp(storage.path(name), collected, shallow=False):
                yield collected
