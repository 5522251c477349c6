"""Files of customers: bytes lie in the data folder under names of our own; the given name is only shown."""

import datetime as dt
import hashlib
import os
import re
import secrets
from collections.abc import Iterable
from pathlib import Path

from django.conf import settings
from django.db import transaction

from regulars.accounts.models import User
from regulars.core.errors import InputError, OutputError
from regulars.core.i18n import gettext as _
from regulars.customers.models import Customer, File
from regulars.customers.services.living import lock_living
from regulars.foundation.changes import acting

LARGEST = 20_000_000
MOST_FILES = 200
# what people keep about customers; nothing that runs when it is opened
_KEPT = "pdf txt csv rtf odt ods doc docx xls xlsx ppt pptx jpg jpeg png gif webp heic mp3 ogg wav m4a mp4 zip eml"
TYPES = frozenset(_KEPT.split(" "))


def folder() -> Path:
    """Where the bytes are."""
    return Path(settings.MEDIA_ROOT) / "customers"


def store_file(customer: Customer, *, name: str, size: int, chunks: Iterable[bytes], by: User) -> File:
    """Keep a file that somebody gave."""
    shown = _shown_name(name)
    if size > LARGEST:
        raise InputError(_("A file has at most {size} MB.").format(size=LARGEST // 1_000_000))
    if customer.files.count() >= MOST_FILES:
        raise InputError(_("A customer has at most {count} files.").format(count=MOST_FILES))
    stored_as = secrets.token_hex(24)
    written, digest = _write(folder() / stored_as, chunks)
    try:
        with acting(by.pk, "web"):
            lock_living(customer)
            return File.objects.create(
                customer=customer, name=shown, stored_as=stored_as, size=written, digest=digest, author=by
            )
    except BaseException:
        (folder() / stored_as).unlink(missing_ok=True)
        raise


def delete_file(file: File, *, by: User) -> None:
    """Take it away; its bytes go once the row is gone for sure."""
    path = path_of(file)
    with acting(by.pk, "web"):
        file.delete()
        transaction.on_commit(lambda: path.unlink(missing_ok=True))


def sweep(*, before: dt.datetime) -> int:
    """Take away bytes that no row knows: a crash between the two writes may have left them. How many there were."""
    if not folder().exists():
        return 0
    known = set(File.objects.values_list("stored_as", flat=True))
    left = [one for one in folder().iterdir() if one.name not in known and one.stat().st_mtime < before.timestamp()]
    for path in left:
        path.unlink(missing_ok=True)
    return len(left)


def path_of(file: File) -> Path:
    """Where its bytes are."""
    return folder() / file.stored_as


def _shown_name(name: str) -> str:
    bare = re.sub(r"[\x00-\x1f\x7f\u202a-\u202e\u2066-\u2069\"]", "", re.split(r"[/\\]", name)[-1]).strip()
    ending = bare.rpartition(".")[2].casefold()
    if "." not in bare or ending not in TYPES:
        raise InputError(
            _("Files of this type are not kept: {name}. Kept are: {types}.").format(
                name=bare[:100] or "–", types=", ".join(sorted(TYPES))
            )
        )
    return bare if len(bare) <= 200 else f"{bare[: 199 - len(ending)]}.{ending}"


def _write(path: Path, chunks: Iterable[bytes]) -> tuple[int, str]:
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    digest, written = hashlib.sha256(), 0
    try:
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as target:
            for chunk in chunks:
                written += len(chunk)
                if written > LARGEST:
                    raise InputError(_("A file has at most {size} MB.").format(size=LARGEST // 1_000_000))
                digest.update(chunk)
                target.write(chunk)
    except OSError as error:
        path.unlink(missing_ok=True)
        raise OutputError(_("The file cannot be kept: {error}.").format(error=error)) from error
    except BaseException:
        path.unlink(missing_ok=True)
        raise
    if not written:
        path.unlink(missing_ok=True)
        raise InputError(_("The file is empty."))
    return written, digest.hexdigest()
