"""Files that 1C pushes: each name of one exchange is one import, put together from its pieces.

1C asks for the import of a catalogue; orders it may just send, so those start when their last byte is there.
"""

import os
from pathlib import Path

from django.db import transaction

from regulars.core.errors import FileProblem, InputError, OutputError
from regulars.core.i18n import gettext as _
from regulars.purchases.importing import files, runs
from regulars.purchases.models import Import

_MOST_FILES = 500


_END = "</КоммерческаяИнформация>"
_ENDS = tuple(_END.encode(code) for code in ("utf-8", "cp1251"))
_TAIL = 200


def take_piece(session: str, name: str, piece: bytes, *, most: int, starts_itself: bool = False) -> None:
    """Add bytes to a file of the exchange; `InputError` when it grows too large or was started already."""
    with transaction.atomic():
        found = _of(session, name, lock=True)
        if found is None:
            if Import.objects.filter(options__exchange=session).count() >= _MOST_FILES:
                raise InputError(_("Too many files in one exchange."))
            found = Import.objects.create(
                kind=Import.Kind.COMMERCEML,
                file_name=name[-200:],
                stored_as=files.new_path().name,
                options={"exchange": session},
            )
        if found.state != Import.State.DRAFT:
            raise InputError(_("This file was started already: {name}.").format(name=name))
        path = files.path_of(found.stored_as)
        size = path.stat().st_size if path.exists() else 0
        if size + len(piece) > most:
            raise FileProblem(_("The file is larger than {size} MB.").format(size=most >> 20))
        _append(path, piece, size)
        if starts_itself and _is_whole(path):
            _start(found, session)


def _append(path: Path, piece: bytes, size: int) -> None:
    """All of it or nothing: 1C sends a piece that failed once more."""
    try:
        with path.open("ab") as stream:
            stream.write(piece)
    except OSError as error:
        if path.exists():
            os.truncate(path, size)
        raise OutputError(_("The file cannot be kept: {error}.").format(error=error.strerror)) from error


def _is_whole(path: Path) -> bool:
    with path.open("rb") as stream:
        stream.seek(max(0, path.stat().st_size - _TAIL))
        return stream.read().rstrip().endswith(_ENDS)


@transaction.atomic
def begin_or_look(session: str, name: str) -> Import:
    """Start the import of a file, or see how far it is; `InputError` when there is no such file."""
    found = _of(session, name)
    if found is None:
        raise InputError(_("There is no file {name} in this exchange.").format(name=name))
    if found.state == Import.State.DRAFT:
        _start(found, session)
        found.refresh_from_db()
    return found


def _start(found: Import, session: str) -> None:
    Import.objects.filter(pk=found.pk).update(digest=files.digest_of(files.path_of(found.stored_as)))
    runs.start(found, runs.Wishes(), by=None)
    Import.objects.filter(pk=found.pk).update(options=runs.Wishes().as_dict() | {"exchange": session})


def _of(session: str, name: str, *, lock: bool = False) -> Import | None:
    wanted = Import.objects.filter(options__exchange=session, file_name=name[-200:])
    return (wanted.select_for_update() if lock else wanted).order_by("-id").first()
