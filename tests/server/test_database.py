"""The embedded PostgreSQL: what a fall leaves behind does not stop the next start."""

import os
import time
from pathlib import Path
from tempfile import TemporaryDirectory

import psycopg

from regulars.server.config import Config
from regulars.server.database import database


def lock_of(folder: Path, number: int) -> str:
    """As PostgreSQL writes it."""
    return f"{number}\n{folder}\n{int(time.time())}\n5432\n{folder}\n\n 1 1\nready   \n"


def test_a_lock_that_another_program_seems_to_hold_is_taken_away() -> None:
    with TemporaryDirectory(prefix="regulars-test-") as home:
        config, folder = Config(home=Path(home)), Path(home) / "postgres"
        with database(config):
            pass
        # after a loss of power its number may be anybody's: ours, for one
        (folder / "postmaster.pid").write_text(lock_of(folder, os.getpid()))
        (folder / ".s.PGSQL.5432.lock").write_text(f"{os.getpid()}\n")
        with database(config) as url, psycopg.connect(url) as connection:
            assert connection.execute("SELECT 1").fetchone() == (1,)


def test_the_lock_of_a_server_at_work_stays() -> None:
    with TemporaryDirectory(prefix="regulars-test-") as home:
        config, lock = Config(home=Path(home)), Path(home) / "postgres" / "postmaster.pid"
        with database(config):
            before = lock.read_text()
            with database(config) as url, psycopg.connect(url) as connection:
                assert connection.execute("SELECT 1").fetchone() == (1,)
                assert lock.read_text() == before
