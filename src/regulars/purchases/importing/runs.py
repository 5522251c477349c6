"""The life of an import: a draft waits for a word, the worker runs it, all of it can be taken back."""

import datetime as dt
import logging
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import psycopg
from django.db import IntegrityError, connection, transaction
from django.utils import timezone

from regulars.accounts.models import User
from regulars.accounts.services import log
from regulars.core.errors import InputError
from regulars.core.i18n import LANGUAGES, use_language
from regulars.core.i18n import gettext as _
from regulars.core.progress import Progress
from regulars.foundation.changes import acting
from regulars.foundation.models import Business
from regulars.foundation.outbox import Event, announce
from regulars.purchases.importing import files
from regulars.purchases.importing.bringing import bring
from regulars.purchases.importing.files import StoredFile
from regulars.purchases.importing.reporting import Reporter
from regulars.purchases.importing.troubles import in_words
from regulars.purchases.importing.undo import take_back
from regulars.purchases.models import Import

_log = logging.getLogger("regulars.imports")
State = Import.State


@dataclass(frozen=True)
class Wishes:
    """What a person says about a file before it is read."""

    mapping: Mapping[str, str] | None = None  # role -> heading; an empty heading switches the role off
    accept_rejects: bool = False
    is_demo: bool = False

    def as_dict(self) -> dict[str, Any]:
        """For `Import.options`."""
        return {"mapping": dict(self.mapping or {}), "accept_rejects": self.accept_rejects, "is_demo": self.is_demo}


def make_draft(kind: str, file: StoredFile, name: str, *, by: User | None) -> Import:
    """An import that waits for a word."""
    return Import.objects.create(kind=kind, file_name=_shown(name), stored_as=file.name, digest=file.digest, by=by)


def same_before(imported: Import) -> Import | None:
    """An earlier import of the very same bytes that still stands."""
    done = Import.objects.filter(digest=imported.digest, state=State.DONE).exclude(pk=imported.pk)
    return done.order_by("-id").first()


@transaction.atomic
def start(imported: Import, wishes: Wishes, *, by: User | None) -> Import:
    """Hand it to the worker; `InputError` when it was handed over already."""
    from regulars.purchases.jobs import run_import  # noqa: PLC0415 - jobs call this module

    found = _locked(imported, State.DRAFT, State.FAILED)
    found.state, found.options, found.error = State.WAITING, wishes.as_dict(), ""
    found.progress = {}
    found.save(update_fields=["state", "options", "progress", "error"])
    log("import_started", user=by, about=found.file_name, details={"import": found.pk})
    run_import.defer(import_id=found.pk)
    return found


@transaction.atomic
def ask_undo(imported: Import, *, by: User | None) -> Import:
    """Have the worker take it back."""
    from regulars.purchases.jobs import undo_import  # noqa: PLC0415 - jobs call this module

    found = _locked(imported, State.DONE)
    found.state, found.progress = State.UNDOING, {}
    found.save(update_fields=["state", "progress"])
    log("import_undone", user=by, about=found.file_name, details={"import": found.pk})
    undo_import.defer(import_id=found.pk, user_id=by.pk if by else None)
    return found


@transaction.atomic
def discard(imported: Import) -> None:
    """Forget a draft or a failed import, and its file."""
    found = _locked(imported, State.DRAFT, State.FAILED)
    stored = [found.stored_as, found.rejects_stored_as]
    found.delete()
    for name in stored:
        transaction.on_commit(partial(files.remove, name))


def run(import_id: int, *, source: Path | None = None, progress: Progress | None = None) -> Import:
    """Do the import now. One that was interrupted left nothing and is done from the beginning.

    `source` is a file of the user's own; without it the stored one is read. A failure is kept in the import, and
    raised only when it is not the user's.
    """
    imported = Import.objects.select_related("by").get(pk=import_id)
    if imported.state not in (State.WAITING, State.RUNNING):
        return imported
    # one of the command line has no stored file: interrupted, it has none at all
    path = source or (files.path_of(imported.stored_as) if imported.stored_as else files.folder() / "none")
    with use_language(_language(imported)), Reporter(import_id, progress) as told:
        if not told.is_alone():
            return imported
        Import.objects.filter(pk=import_id).update(state=State.RUNNING, progress={})
        try:
            _run_beside_others(imported, path, told)
        except Exception as error:
            if not connection.in_atomic_block:
                # what broke may be the connection itself
                connection.close_if_unusable_or_obsolete()
            known = in_words(error)
            if known is None:
                _log.exception("import %s failed", import_id)
                _fail(imported, _("Something broke on our side; nothing was brought in. The worker's log says what."))
                raise
            _fail(imported, _without_paths(str(known), path, imported.file_name))
    return Import.objects.get(pk=import_id)


def _run_beside_others(imported: Import, path: Path, told: Reporter) -> None:
    """A till may record a receipt of the file while the file is being written: then it is known the second time."""
    try:
        _run(imported, path, told)
    # rows that go through COPY fail with an error that Django does not translate
    except (IntegrityError, psycopg.IntegrityError):
        _run(imported, path, told)


def _run(imported: Import, path: Path, told: Reporter) -> None:
    if not path.exists():
        raise InputError(_("The file is no longer here. Upload it again."))
    with TemporaryDirectory(prefix="regulars-import-") as folder:
        rejects = files.new_path()
        try:
            brought = bring(imported, path, folder=Path(folder), rejects=rejects, progress=told)
            with acting(imported.by.pk if imported.by else None, f"import:{imported.pk}"):
                result = brought.write(told)
                told.be_quiet()
                found = _locked(imported, State.RUNNING)
                found.state, found.result, found.progress, found.error = State.DONE, result, {}, ""
                found.rejects_stored_as = rejects.name if rejects.exists() else ""
                found.finished_at = timezone.now()
                found.save()
        except BaseException:
            rejects.unlink(missing_ok=True)
            raise
    if imported.stored_as:
        # it holds people's purchases, and has done its work
        files.remove(imported.stored_as)


def undo(import_id: int, *, user_id: int | None, progress: Progress | None = None) -> Import:
    """Take it back now; repeatable."""
    imported = Import.objects.get(pk=import_id)
    if imported.state not in (State.UNDOING, State.DONE):
        return imported
    language = use_language(_language(imported))
    with language, Reporter(import_id, progress) as told, acting(user_id, f"import:{import_id}"):
        if not told.is_alone():
            return imported
        counts = take_back(import_id, told)
        told.be_quiet()
        found = _locked(imported, State.UNDOING, State.DONE)
        found.state, found.progress = State.UNDONE, {}
        found.result = found.result | {"undo": counts, "undone_at": timezone.now().isoformat()}
        found.save(update_fields=["state", "progress", "result"])
        if counts["removed_receipts"]:
            announce(Event.RECEIPTS_REMOVED, {"receipts": counts["removed_receipts"], "import": import_id})
    files.remove(imported.rejects_stored_as)
    return found


def import_now(
    path: Path,
    *,
    kind: str = Import.Kind.PURCHASES,
    wishes: Wishes | None = None,
    by: User | None = None,
    progress: Progress | None = None,
) -> Import:
    """Bring a file of the user in and wait for it: the command line, the demo, the tests."""
    imported = Import.objects.create(
        kind=kind,
        state=State.WAITING,
        file_name=_shown(path.name),
        digest=files.digest_of(path),
        options=(wishes or Wishes()).as_dict(),
        by=by,
    )
    return run(imported.pk, source=path, progress=progress)


def refuse_without_business() -> None:
    """`InputError` before the first set-up: nobody knows the currency and the clock yet."""
    if not Business.objects.exists():
        raise InputError(_("First say in the settings what the business is called, its currency and its clock."))


def take_lost_again(*, before: dt.datetime) -> int:
    """Imports that are under way by their state, while nobody works on them and no job waits: begun before a crash."""
    from regulars.purchases.jobs import defer_again, is_queued  # noqa: PLC0415 - jobs call this module

    lost = 0
    for one in Import.objects.filter(
        state__in=(State.WAITING, State.RUNNING, State.UNDOING), created_at__lt=before
    ).select_related("by"):
        if is_queued(one.pk) or not _nobody_works_on(one.pk):
            continue
        lost += 1
        if one.state == State.UNDOING or one.stored_as:
            defer_again(one)
            continue
        # a file of the command line's: only its user can name it again
        with use_language(_language(one)):
            Import.objects.filter(pk=one.pk, state=one.state).update(
                state=State.FAILED, error=_("It was interrupted, and left nothing behind. Start it again.")
            )
    return lost


def _nobody_works_on(import_id: int) -> bool:
    with Reporter(import_id) as looker:
        return looker.is_alone()


def forget_old_drafts(*, before: dt.datetime) -> int:
    """Drop drafts that nobody came back to: their files hold people's data."""
    old = list(Import.objects.filter(state=State.DRAFT, created_at__lt=before))
    for draft in old:
        discard(draft)
    return len(old)


def sweep(*, before: dt.datetime) -> int:
    """Take away files that no import knows: a crash may have left them. How many there were."""
    known = {name for pair in Import.objects.values_list("stored_as", "rejects_stored_as") for name in pair}
    left = [
        one for one in files.folder().iterdir() if one.name not in known and one.stat().st_mtime < before.timestamp()
    ]
    for path in left:
        path.unlink(missing_ok=True)
    return len(left)


def forget_old_files(*, before: dt.datetime) -> int:
    """Drop what old imports still hold of people: files that failed, and lists of rejected rows."""
    old = list(Import.objects.filter(created_at__lt=before).exclude(stored_as="", rejects_stored_as=""))
    old = [one for one in old if not one.is_under_way]
    for one in old:
        Import.objects.filter(pk=one.pk).update(stored_as="", rejects_stored_as="")
        files.remove(one.stored_as)
        files.remove(one.rejects_stored_as)
    return len(old)


def _locked(imported: Import, *states: str) -> Import:
    found = Import.objects.select_for_update().get(pk=imported.pk)
    if found.state not in states:
        raise InputError(
            _("This import is in another state already: {state}.").format(state=_(found.get_state_display()))
        )
    return found


def _fail(imported: Import, error: str) -> None:
    Import.objects.filter(pk=imported.pk, state=State.RUNNING).update(
        state=State.FAILED, error=error, progress={}, finished_at=timezone.now()
    )


def _language(imported: Import) -> str:
    chosen = imported.by.language if imported.by else Business.current().language
    return chosen if chosen in LANGUAGES else "en"


def _shown(name: str) -> str:
    """The user's name of the file, for showing alone."""
    bare = name.replace("\\", "/").rpartition("/")[2].replace("\0", "")
    return bare[-200:] or "file"


def _without_paths(text: str, path: Path, name: str) -> str:
    """Where our files lie is nobody's business."""
    return text.replace(str(path), name).replace(path.name, name)
