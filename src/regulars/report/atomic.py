"""Files that appear whole or not at all."""

import errno
import os
import secrets
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from pathlib import Path

from regulars.core.errors import OutputError
from regulars.core.i18n import gettext as _

_NO_SPACE = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
_NO_PERMISSION = {errno.EACCES, errno.EPERM, errno.EROFS}

# files that are ready and wait for the others; None outside `together`
_waiting: ContextVar[list[tuple[Path, Path]] | None] = ContextVar("waiting", default=None)


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """A new file beside `path` that takes its place when the block ends well and vanishes when it does not.

    Raises `OutputError` when the folder is missing, closed to us or full, or `path` is a folder.
    """
    try:
        target = path.resolve()  # a symbolic link stays one; the file that it names is replaced
        if target.is_dir():
            raise OutputError(_("{path} is a folder. Give the name of a file.").format(path=path))
        if target.exists() and not target.is_file():
            with _copied_into(target) as temporary:
                yield temporary
        else:
            with _moved_over(target) as temporary:
                yield temporary
    except OSError as error:
        raise OutputError(_explained(error, path)) from error


@contextmanager
def _moved_over(target: Path) -> Iterator[Path]:
    temporary = target.with_name(f".{target.name[:100]}.{secrets.token_hex(4)}.tmp")
    # exclusively, and with the permissions that any other new file here would get
    os.close(os.open(temporary, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o666))
    waiting = _waiting.get()
    try:
        yield temporary
        if waiting is None:
            temporary.replace(target)
        else:
            waiting.append((temporary, target))
    finally:
        if waiting is None or (temporary, target) not in waiting:
            temporary.unlink(missing_ok=True)


@contextmanager
def together() -> Iterator[None]:
    """Files that `replacing` makes in this block take their places when it ends well, all of them or none."""
    waiting: list[tuple[Path, Path]] = []
    token = _waiting.set(waiting)
    try:
        yield
        for temporary, target in waiting:
            try:
                temporary.replace(target)
            except OSError as error:
                raise OutputError(_explained(error, target)) from error
    finally:
        _waiting.reset(token)
        for temporary, _target in waiting:
            temporary.unlink(missing_ok=True)


@contextmanager
def _copied_into(device: Path) -> Iterator[Path]:
    # replacing /dev/stdout or a pipe by a file would destroy it: what is ready is poured into it
    with tempfile.TemporaryDirectory() as folder:
        temporary = Path(folder) / "whole"
        temporary.touch()
        yield temporary
        with temporary.open("rb") as source, device.open("wb") as sink:
            shutil.copyfileobj(source, sink)


def _explained(error: OSError, path: Path) -> str:
    if error.errno in _NO_SPACE:
        return _("No space left for {path}. Free some, or choose another disk.").format(path=path)
    if error.errno in _NO_PERMISSION:
        return _("No permission to write {path}. Choose another folder.").format(path=path)
    if error.errno == errno.ENOENT:
        return _("There is no folder {folder} to write {name} into. Create it first.").format(
            folder=path.parent, name=path.name
        )
    return _("{path} cannot be written: {reason}.").format(path=path, reason=error.strerror or error)
