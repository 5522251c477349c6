"""Files that wait for their import: under names of our own in the data folder, bounded in size."""

import hashlib
import uuid
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from django.conf import settings

from regulars.core.errors import FileProblem, OutputError
from regulars.core.i18n import gettext as _

_CHUNK = 1 << 20


@dataclass(frozen=True)
class StoredFile:
    """A file that was taken in."""

    name: str
    size: int
    digest: str


def folder() -> Path:
    """Where they lie."""
    place = Path(settings.MEDIA_ROOT) / "imports"
    place.mkdir(parents=True, exist_ok=True, mode=0o700)
    return place


def path_of(name: str) -> Path:
    """The place of a stored file; the name is one of ours."""
    uuid.UUID(name)
    return folder() / name


def new_path() -> Path:
    """A place that nothing uses yet."""
    return folder() / str(uuid.uuid4())


def store(chunks: Iterable[bytes], *, most: int) -> StoredFile:
    """Take a file in; `FileProblem` when it is empty or larger than `most` bytes, and then nothing stays."""
    target, digest, size = new_path(), hashlib.sha256(), 0
    try:
        with target.open("xb") as stream:
            for chunk in chunks:
                size += len(chunk)
                if size > most:
                    raise FileProblem(
                        _(
                            "The file is larger than {size} MB. Split it, or use the command line: regulars import."
                        ).format(size=most >> 20)
                    )
                digest.update(chunk)
                stream.write(chunk)
        if not size:
            raise FileProblem(_("The file is empty: it holds no rows at all. Export it again."))
    except OSError as error:
        target.unlink(missing_ok=True)
        raise OutputError(_("The file cannot be kept: {error}.").format(error=error.strerror or error)) from error
    except BaseException:
        target.unlink(missing_ok=True)
        raise
    return StoredFile(target.name, size, digest.hexdigest())


def remove(name: str) -> None:
    """Let it go; one that is gone already is no error."""
    if name:
        path_of(name).unlink(missing_ok=True)


def digest_of(path: Path) -> str:
    """The digest of a file of the user."""
    digest = hashlib.sha256()
    with path.open("rb") as stream:
        while chunk := stream.read(_CHUNK):
            digest.update(chunk)
    return digest.hexdigest()
