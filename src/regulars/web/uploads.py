"""Uploads are bounded while they come in, not when they have filled the disk."""

from typing import Any

from django.conf import settings
from django.core.files.uploadhandler import FileUploadHandler, StopUpload


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
