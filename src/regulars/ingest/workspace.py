"""The temporary folder of one reading: transcoded text, converted rows, spilled memory.

It lives as long as the connection that reads from it, and goes when that goes, when the program ends, or at once
when the reading fails: nothing half-written stays behind.
"""

import shutil
import tempfile
import weakref
from pathlib import Path

from regulars.core.errors import OutputError
from regulars.core.i18n import gettext as _


class Workspace:
    """A folder for intermediate files. One that the caller named is the caller's: only our own files are removed."""

    def __init__(self, folder: Path | None = None) -> None:
        """Make the folder; `OutputError` when it cannot be made."""
        try:
            if folder is not None:
                folder.mkdir(parents=True, exist_ok=True)
            self.folder = Path(tempfile.mkdtemp(prefix="regulars-", dir=folder))
        except OSError as error:
            raise OutputError(
                _("The working folder {folder} cannot be made: {error}. Name another folder with enough space.").format(
                    folder=folder or tempfile.gettempdir(), error=error.strerror or error
                )
            ) from error
        self._kept = folder is not None
        self._count = 0

    def new_path(self, stem: str, suffix: str) -> Path:
        """A path that nothing uses yet."""
        self._count += 1
        return self.folder / f"{stem}-{self._count:05d}{suffix}"

    def live_as_long_as(self, owner: object, *, even_if_chosen: bool = False) -> None:
        """Remove the folder when `owner` is gone or the program ends, unless the caller chose the place."""
        if even_if_chosen or not self._kept:
            weakref.finalize(owner, shutil.rmtree, str(self.folder), ignore_errors=True)

    def remove(self) -> None:
        """Remove everything that this reading wrote."""
        shutil.rmtree(self.folder, ignore_errors=True)


def full_disk() -> OutputError:
    """What to say when there is no room for intermediate files."""
    return OutputError(
        _("There is no space left on the disk for intermediate files. Free some, or point TMPDIR to another disk.")
    )
