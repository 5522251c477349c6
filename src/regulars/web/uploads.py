"""Uploads are bounded while they come in, not when they have filled the disk."""

import errno
from typing import Any

from django.conf import settings
from django.core.files.uploadhandler import FileUploadHandler, StopUpload, TemporaryFileUploadHandler
from django.http import HttpRequest

_FULL = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})


def largest() -> int:
    """The most bytes that one upload may have."""
    return int(settings.CONFIG.upload_limit_mb) << 20


class Bounded(FileUploadHandler):
    """Counts what comes and hangs up when it is too much; the handlers behind it keep the bytes."""

    def __init__(self, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        self.taken = 0

    def receive_data_chunk(self, raw_data: bytes, start: int) -> bytes:  # noqa: ARG002 - Django's call
        """Pass the chunk on, unless it is one too many."""
        self.taken += len(raw_data)
        if self.taken > largest():
            raise StopUpload(connection_reset=True)
        return raw_data

    def file_complete(self, file_size: int) -> None:
        """Somebody else makes the file."""


class OnDisk(TemporaryFileUploadHandler):
    """Keeps large files on the disk. When that is full the page is told, instead of breaking before it begins."""

    def receive_data_chunk(self, raw_data: bytes, start: int) -> None:
        """Write the chunk, or give the upload up."""
        try:
            super().receive_data_chunk(raw_data, start)
        except OSError as error:
            if error.errno not in _FULL:
                raise
            self.file.close()
            assert self.request is not None
            self.request.META[_DISK_FULL] = True
            raise StopUpload(connection_reset=False) from error


_DISK_FULL = "regulars.disk_full"


def was_disk_full(request: HttpRequest) -> bool:
    """Whether an upload was given up for want of room."""
    return bool(request.META.get(_DISK_FULL))
