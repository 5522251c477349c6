"""A full disk, a lost database: nothing half-written stays, and the message tells the cure."""

import datetime as dt
import os
import resource
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import psycopg
import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection

from regulars.accounts.models import User
from regulars.core.errors import OutputError
from regulars.customers.models import Customer
from regulars.foundation.models import Business
from regulars.purchases.importing import files, load
from regulars.purchases.importing.exchange_1c import take_piece
from regulars.purchases.importing.runs import import_now, make_draft, run
from regulars.purchases.keys import receipt_key
from regulars.purchases.models import Import, Line, Product, Receipt
from regulars.server.backup import backup
from regulars.server.config import Config
from tests.web.people import logged_in

pytestmark = pytest.mark.django_db(transaction=True)
ROWS = [f"03.03.2026 10:15;{n};C-{n % 50};A{n % 7};Молоко;2;180,00;Центр;Иванова" for n in range(20_000)]


def database_url(name: str = "") -> str:
    known = connection.settings_dict
    place = urlencode({one: known[one.upper()] for one in ("host", "port") if known[one.upper()]})
    return f"postgresql://{known['USER']}@/{name or known['NAME']}?{place}"


@contextmanager
def small_disk(size: int) -> Iterator[None]:
    """No file grows beyond this: what a full disk is to a program, and it needs no rights."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def nothing_came() -> None:
    for model in (Receipt, Line, Customer, Product):
        assert not model.objects.exists(), model


_SCRIPT = """
import resource, sys, tempfile
import django
django.setup()
from django.conf import settings
settings.MEDIA_ROOT, tempfile.tempdir = sys.argv[2], sys.argv[3]
from regulars.purchases.importing import runs
resource.setrlimit(resource.RLIMIT_FSIZE, (200_000, 200_000))
runs.run(int(sys.argv[1]))
"""


def test_an_import_on_a_full_disk_leaves_nothing_and_goes_on_later(
    business: Business, write: Callable[..., Path], tmp_path: Path
) -> None:
    stored = files.store([write("march.csv", ROWS).read_bytes()], most=9 << 20)
    imported = make_draft(Import.Kind.PURCHASES, stored, "march.csv", by=None)
    Import.objects.update(state="waiting")
    place = tmp_path / "tmp"
    place.mkdir()
    root = Path(__file__).parents[2]
    environment = os.environ | {
        "DATABASE_URL": database_url(), "DJANGO_SETTINGS_MODULE": "tools.settings",
        "PYTHONPATH": os.pathsep.join([str(root / "src"), str(root)]),
    }  # fmt: skip
    subprocess.run(
        [sys.executable, "-c", _SCRIPT, str(imported.pk), str(tmp_path / "files"), str(place)],
        env=environment, check=True, timeout=120,
    )  # fmt: skip
    imported.refresh_from_db()
    assert imported.state == "failed"
    assert "no space left" in imported.error
    nothing_came()
    assert list(place.iterdir()) == []
    assert [one.name for one in files.folder().iterdir()] == [stored.name]
    Import.objects.update(state="waiting")
    assert run(imported.pk).result["receipts"] == 20_000


@pytest.fixture
def full_database(business: Business) -> Iterator[None]:
    with connection.cursor() as cursor:
        cursor.execute(
            """CREATE FUNCTION no_room() RETURNS trigger LANGUAGE plpgsql AS $$
            BEGIN RAISE EXCEPTION 'could not extend file' USING ERRCODE = 'disk_full'; END $$;
            CREATE TRIGGER no_room BEFORE INSERT ON purchases_line FOR EACH STATEMENT EXECUTE FUNCTION no_room();
            ALTER TABLE purchases_line ENABLE ALWAYS TRIGGER no_room"""
        )
    yield
    with connection.cursor() as cursor:
        cursor.execute("DROP TRIGGER no_room ON purchases_line; DROP FUNCTION no_room")


def test_when_the_disk_of_the_database_is_full(full_database: None, write: Callable[..., Path]) -> None:
    failed = import_now(write("march.csv", ROWS[:10]))
    assert (failed.state, "disk of the database" in failed.error) == ("failed", True)
    nothing_came()


def test_when_the_database_is_lost_in_the_middle(
    business: Business, write: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    path, note = write("march.csv", ROWS[:10]), load._note_touched

    def lose(stage: Any) -> None:
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_backend_pid()")
            process = cursor.fetchone()[0]
        with psycopg.connect(database_url("postgres")) as other:
            other.execute("SELECT pg_terminate_backend(%s)", [process])
        note(stage)

    monkeypatch.setattr(load, "_note_touched", lose)
    failed = import_now(path)
    assert (failed.state, "was lost" in failed.error) == ("failed", True)
    nothing_came()
    monkeypatch.undo()
    assert import_now(path).state == "done"


def test_a_file_that_does_not_fit_is_not_kept(owner: User) -> None:
    client = logged_in(owner)
    for size in (100_000, 3_000_000):  # in memory first, and on the disk at once
        given = SimpleUploadedFile("march.csv", b"x" * size)
        with small_disk(50_000):
            answer = client.post("/imports/new/", {"file": given})
        assert answer.status_code == 507
        assert 'role="alert"' in answer.content.decode()
        assert list(files.folder().iterdir()) == []
    assert not Import.objects.exists()


def test_a_piece_of_1c_that_does_not_fit_may_come_again(business: Business) -> None:
    take_piece("s", "a.xml", b"1" * 40_000, most=1 << 20)
    with small_disk(50_000), pytest.raises(OutputError):
        take_piece("s", "a.xml", b"2" * 40_000, most=1 << 20)
    take_piece("s", "a.xml", b"2" * 40_000, most=1 << 20)
    path = files.path_of(Import.objects.get().stored_as)
    assert path.read_bytes() == b"1" * 40_000 + b"2" * 40_000


def test_a_backup_that_does_not_fit_leaves_nothing(business: Business, tmp_path: Path) -> None:
    home = tmp_path / "home"
    (home / "files").mkdir(parents=True)
    (home / "files" / "large").write_bytes(b"x" * 9_000_000)
    target = tmp_path / "backups" / "a.tar"
    target.parent.mkdir()
    with small_disk(8_000_000), pytest.raises(OutputError, match=r"a\.tar"):
        backup(Config(home=home), database_url(), target)
    assert list(target.parent.iterdir()) == []
    assert backup(Config(home=home), database_url(), target)["tables"]["foundation_business"] == 1


def test_a_receipt_recorded_meanwhile_is_known_the_second_time(
    business: Business, write: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    compare, calls = load._leave_out_known, []

    def recorded_meanwhile(stage: load.Stage) -> tuple[int, int]:
        found = compare(stage)
        if not calls:
            key = receipt_key(moment=dt.datetime(2026, 3, 3, 10, 15), store="Центр", number="1", customer="C-1")
            with psycopg.connect(database_url()) as till:
                till.execute(
                    """INSERT INTO purchases_receipt (number, channel, purchased_at, amount, key)
                    VALUES ('1', '', '2026-03-03T07:15Z', 18000, %s)""",
                    [key],
                )
        calls.append(found)
        return found

    monkeypatch.setattr(load, "_leave_out_known", recorded_meanwhile)
    done = import_now(write("march.csv", ROWS[:10]))
    assert (done.state, done.result["receipts"], done.result["receipts_known"], len(calls)) == ("done", 9, 1, 2)
    assert Receipt.objects.count() == 10
