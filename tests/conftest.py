"""What several test files share. A missing program is a failure in CI and a named skip elsewhere."""

import importlib.util
import os
import shutil
import subprocess
from collections.abc import Iterable, Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NoReturn

import hypothesis
import psycopg
import pytest
from playwright.sync_api import Browser, sync_playwright

from regulars.demo.supermarket import write_supermarket
from tests.server.installation import SHARED

_IN_CI = os.environ.get("CI", "").lower() not in ("", "0", "false")

# machines of very different speed run these tests; in CI the same commit has the same answer twice, and whoever works
# on it looks at new examples each time
hypothesis.settings.register_profile("regulars", deadline=None, derandomize=_IN_CI)
hypothesis.settings.load_profile("regulars")


@pytest.hookimpl(wrapper=True)
def pytest_cmdline_main(config: pytest.Config) -> Iterator[None]:
    """A folder for what is made once in the run; the processes of xdist find it in their environment."""
    if SHARED in os.environ:
        return (yield)
    # not a folder of pytest: as root PostgreSQL is another user, who must reach it
    with TemporaryDirectory(prefix="regulars-test-") as folder:
        os.environ[SHARED] = folder
        return (yield)


def _lacking(what: str) -> NoReturn:
    if _IN_CI:
        pytest.fail(f"{what}; in CI nothing may be left out", pytrace=False)
    pytest.skip(what)


def require_browser() -> str:
    """The path of Chromium."""
    path = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    return path or _lacking("Chromium is not installed")


def require_java() -> str:
    """The path of a Java that really starts: Spark needs it."""
    path = shutil.which("java")
    if path is None or subprocess.run([path, "-version"], capture_output=True, check=False).returncode != 0:
        _lacking("Java is not installed")
    return path


def require_spark() -> None:
    """Java, and the packages that `make spark` installs."""
    require_java()
    if importlib.util.find_spec("pyspark") is None:
        _lacking("Spark is not installed: make spark")


@pytest.fixture(scope="session")
def django_db_modify_db_settings() -> Iterator[None]:
    """A PostgreSQL of its own for each process of tests: the one that the application brings."""
    from django.db import connections

    from regulars.server.config import Config
    from regulars.server.database import database
    from regulars.server.settings import _database

    # not a folder of pytest: each new run closes those to other users, and as root PostgreSQL is another user
    with TemporaryDirectory(prefix="regulars-test-") as home, database(Config(home=Path(home))) as url:
        _calm(url)
        connections["default"].settings_dict |= _database(url) | {"CONN_MAX_AGE": 0}
        connections["default"].ops.sql_flush = _emptied
        yield
        connections.close_all()


def _calm(url: str) -> None:
    """No vacuum and no waiting for the disk: what it would count are the rows that tests have rolled back.

    A table that is being filled looks empty to it, and the plans that follow from that take minutes.
    """
    with psycopg.connect(url, autocommit=True) as connection:
        for name in ("autovacuum", "fsync"):
            connection.execute(f"ALTER SYSTEM SET {name} = off")
        connection.execute("SELECT pg_reload_conf()")


def _emptied(_style: object, tables: Iterable[str], **_options: bool) -> list[str]:
    """What empties the tables after a test that commits: those that have rows.

    TRUNCATE makes a table anew, and all that refer to it, so a few rows are deleted; the pages that this leaves behind
    are given back when they are many. The triggers that keep rows for ever are for the application.
    """
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT relname, pg_relation_size(oid) > %s FROM pg_class "
            "WHERE relname = ANY(%s) AND relkind = 'r' AND pg_relation_size(oid) > 0",
            [_MANY_BYTES, [*tables]],
        )
        found = [(connection.ops.quote_name(name), is_large) for name, is_large in cursor.fetchall()]
    large = ", ".join(name for name, is_large in found if is_large)
    return [
        "SET LOCAL session_replication_role = replica", *([f"TRUNCATE {large} CASCADE"] if large else []),
        *(f"DELETE FROM {name}" for name, is_large in found if not is_large),
    ]  # fmt: skip


_MANY_BYTES = 256 * 1024


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Chromium without a window; open a page with `browser.new_page()`.

    For one file of tests: while it is there a loop runs in this thread, and Django opens no database then.
    """
    path = require_browser()
    with sync_playwright() as playwright:
        # without its sandbox, which root and most containers do not have
        chromium = playwright.chromium.launch(executable_path=path, args=["--no-sandbox"])
        yield chromium
        chromium.close()


@pytest.fixture(scope="session")
def supermarket_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A year of 2,469 households in a supermarket, as Parquet."""
    return write_supermarket(tmp_path_factory.mktemp("supermarket") / "supermarket.parquet")
