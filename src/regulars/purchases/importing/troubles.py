"""Troubles that are nobody's mistake, in words that tell the cure: a full disk, a lost database."""

import errno

import django.db
import duckdb
import psycopg

from regulars.core.errors import OutputError, RegularsError
from regulars.core.i18n import gettext as _
from regulars.ingest.workspace import full_disk

_FULL = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})
_FULL_SIGNS = ("no space left", "could not write", "disk is full", "file too large", "max_temp_directory_size")
_FULL_STATES = ("53100", "53400")  # disk_full, configuration_limit_exceeded: its temporary files
_LOST_STATES = ("08", "57P")  # the connection, the server is shut down


def in_words(error: BaseException) -> RegularsError | None:
    """The same as an error that a user may read; None for what only the log can explain."""
    if isinstance(error, RegularsError):
        return error
    if isinstance(error, OSError) and error.errno in _FULL:
        return full_disk()
    if isinstance(error, duckdb.Error) and any(sign in str(error).lower() for sign in _FULL_SIGNS):
        return full_disk()
    if isinstance(error, django.db.Error):
        return in_words(error.__cause__) if isinstance(error.__cause__, psycopg.Error) else None
    if isinstance(error, psycopg.Error):
        return _of_database(error)
    return None


def _of_database(error: psycopg.Error) -> RegularsError | None:
    state = error.sqlstate or ""
    if state.startswith(_FULL_STATES):
        return OutputError(_("There is no space left on the disk of the database. Nothing was written; free some."))
    broken = isinstance(error, psycopg.OperationalError | psycopg.InterfaceError)
    if state.startswith(_LOST_STATES) or (broken and not state):
        return OutputError(_("The connection to the database was lost. Nothing was written; start it again."))
    return None
