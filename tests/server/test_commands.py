"""The commands of an operator, on an installation of its own."""

import json
import os
import signal
import subprocess
import sys
import tarfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import psutil
import psycopg
import pytest

from regulars.server.config import load
from regulars.server.database import database
from tests.loyalty.selling_cases import RULES
from tests.server.installation import Installation, free_port


@pytest.fixture(scope="module")
def ready() -> Iterator[Installation]:
    # not a folder of pytest: as root PostgreSQL is another user, who must reach it
    with TemporaryDirectory(prefix="regulars-test-") as home:
        installation = Installation(Path(home))
        installation.command("init", "--name", "Corner shop", "--currency", "EUR", "--time-zone", "Europe/Riga")
        installation.command("create-owner", "--email", "anna@example.com", "--name", "Anna")
        yield installation


@pytest.fixture
def answering(ready: Installation) -> Iterator[Installation]:
    """Its PostgreSQL runs already, so that a command is quick."""
    with database(load(ready.environment)):
        yield ready


def rows(installation: Installation, query: str) -> list[tuple[object, ...]]:
    with database(load(installation.environment)) as url:
        return rows_at(url, query)


def rows_at(url: str, query: str) -> list[tuple[object, ...]]:
    with psycopg.connect(url) as connection:
        return connection.execute(query).fetchall()


def children_of(process_id: int, word: str) -> list[psutil.Process]:
    found = psutil.Process(process_id).children(recursive=True)
    return [one for one in found if any(word in part for part in one.cmdline())]


def is_running(process_id: int) -> bool:
    try:
        # one that has ended stays in the list until its parent asks for it
        return psutil.Process(process_id).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def name_of(process_id: int) -> str:
    return " ".join(psutil.Process(process_id).cmdline())


def test_init_makes_the_business_and_its_key(ready: Installation) -> None:
    assert rows(ready, "SELECT name, currency, time_zone FROM foundation_business") == [
        ("Corner shop", "EUR", "Europe/Riga")
    ]
    before = (ready.home / "secret.key").read_text()
    ready.command("init", "--name", "Another")
    assert (ready.home / "secret.key").read_text() == before
    assert rows(ready, "SELECT name FROM foundation_business") == [("Corner shop",)]


@pytest.mark.parametrize(
    ("arguments", "word"),
    [(("--currency", "XYZ"), "XYZ"), (("--time-zone", "Mars/Base"), "Mars/Base")],
)
def test_init_names_what_is_wrong(arguments: tuple[str, ...], word: str) -> None:
    with TemporaryDirectory(prefix="regulars-test-") as home:
        assert word in Installation(Path(home)).command("init", *arguments, code=2)
        assert list(Path(home).iterdir()) == [], "nothing is left half-made"


def test_the_same_owner_twice_is_refused(ready: Installation) -> None:
    said = ready.command("create-owner", "--email", "ANNA@example.com", "--name", "Anna", code=2)
    assert "anna@example.com" in said


def test_serve_runs_everything_and_ctrl_c_ends_everything(ready: Installation) -> None:
    with ready.served() as process:
        assert ready.status("/") == 200  # the log-in page, after a redirect
        assert children_of(process.pid, "worker")
        started = [process.pid, *[one.pid for one in psutil.Process(process.pid).children(recursive=True)]]
        postgres = int((ready.home / "postgres" / "postmaster.pid").read_text().split()[0])
    assert process.returncode == 0
    assert [name_of(pid) for pid in [*started, postgres] if is_running(pid)] == []


@contextmanager
def running(installation: Installation, command: str) -> Iterator["subprocess.Popen[bytes]"]:
    process = subprocess.Popen([sys.executable, "-m", "regulars", command], env=installation.environment)
    try:
        yield process
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(60)


def test_web_and_worker_run_apart_and_end_in_order(ready: Installation) -> None:
    with database(load(ready.environment)) as url, psycopg.connect(url, autocommit=True) as connection:
        apart = Installation(ready.home)
        apart.environment["DATABASE_URL"] = url
        (job,) = connection.execute(
            """INSERT INTO procrastinate_jobs (queue_name, task_name, args)
            VALUES ('default', 'insights.resume', '{"timestamp": 0}') RETURNING id"""
        ).fetchone() or (None,)

        def waits() -> bool:
            return connection.execute("SELECT FROM procrastinate_jobs WHERE id = %s", [job]).fetchone() is not None

        with running(apart, "web") as web:
            apart.wait_until_up(web)
            assert apart.status("/") == 200
            assert waits()
            with running(apart, "worker") as worker:
                until = time.monotonic() + 60
                while waits():
                    assert worker.poll() is None
                    assert time.monotonic() < until, "the worker does nothing"
                    time.sleep(0.1)
            assert apart.status() == 200
        assert (web.returncode, worker.returncode) == (0, 0)


def test_doctor_says_what_is_wrong_and_the_cure(ready: Installation) -> None:
    (ready.home / "secret.key").chmod(0o644)
    (ready.home / "static" / "regulars" / "app.css").write_text("of another version")
    said = ready.command("doctor", code=1)
    assert "chmod 600" in said
    assert "Run on this machine: regulars upgrade" in " ".join(said.split())
    assert "regulars worker" in said
    (ready.home / "secret.key").chmod(0o600)


def test_upgrade_saves_what_was_there_and_may_be_repeated(ready: Installation) -> None:
    style = next((ready.home / "static").glob("**/*.css"))
    style.write_text("of another version")
    applied = "SELECT app, name FROM django_migrations ORDER BY app, name"
    with database(load(ready.environment)) as url:
        before = rows_at(url, applied)
        # an upgrade that was killed in the middle leaves the same: one step is lacking
        subprocess.run(
            [sys.executable, "-m", "django", "migrate", "sessions", "zero", "--settings=regulars.server.settings"],
            check=True, capture_output=True, timeout=120, env=ready.environment | {"DATABASE_URL": url},
        )  # fmt: skip
        assert rows_at(url, applied) == [step for step in before if step[0] != "sessions"] != before
        said = ready.command("upgrade")
        (saved,) = (ready.home / "backups").glob("before-upgrade-*.tar")
        assert saved.name in "".join(said.split())
        assert rows_at(url, applied) == before
        assert style.read_text() != "of another version"
        assert ready.command("upgrade") == ""
        assert list((ready.home / "backups").iterdir()) == [saved]
        # what it saved is the database as it was: another installation can begin from it
        with tarfile.open(saved) as archive:
            assert {"manifest.json", "database.dump", "secret.key"} <= set(archive.getnames())


def test_an_installation_with_all_steps_of_before_the_fold_goes_on_and_an_older_one_is_refused(
    ready: Installation,
) -> None:
    applied = "SELECT app, name FROM django_migrations ORDER BY app, name"
    with database(load(ready.environment)) as url:
        now = rows_at(url, applied)
        # as each of them was left by the version before
        forget(url, "name = '0001_tables'")
        saved = set((ready.home / "backups").iterdir())
        assert ready.command("upgrade") == ""
        assert rows_at(url, applied) == now
        last = ("loyalty", "0022_price_raised")
        forget(url, f"name = '0001_tables' OR (app, name) = {last}")
        old = rows_at(url, applied)
        for command in ("upgrade", "serve", "init"):
            assert "lacks loyalty.0022_price_raised" in told(ready, command)
        assert "lacks loyalty.0022_price_raised" in told(ready, "doctor", code=1)
        assert rows_at(url, applied) == old
        assert set((ready.home / "backups").iterdir()) == saved
        with psycopg.connect(url) as connection:
            connection.execute("INSERT INTO django_migrations (app, name, applied) VALUES (%s, %s, now())", last)
        assert ready.command("upgrade") == ""
        assert rows_at(url, applied) == now


def forget(url: str, which: str) -> None:
    with psycopg.connect(url) as connection:
        connection.execute(f"DELETE FROM django_migrations WHERE {which}")


def told(installation: Installation, command: str, code: int = 2) -> str:
    return " ".join(installation.command(command, "--lang", "en", code=code).split())


def test_a_database_that_does_not_answer_is_named_without_its_password(ready: Installation) -> None:
    silent = Installation(ready.home)
    silent.environment["DATABASE_URL"] = f"postgresql://shop:s3cret-word@127.0.0.1:{free_port()}/shop"
    said = silent.command("upgrade", code=2) + silent.command("doctor", code=1)
    assert said.count("DATABASE_URL") >= 2
    assert str(ready.home / "secret.key") in said  # the rest is looked at all the same
    silent.environment["DATABASE_URL"] = "postgresql://shop:s3cret-word%@db/shop"
    said += silent.command("init", code=2)
    assert "%25" in said
    assert "s3cret" not in said


def test_the_ledger_of_points_is_verified_and_told(answering: Installation) -> None:
    assert "0 postings: every sum and every hash agrees." in answering.command("ledger", "verify", "--lang", "en")
    assert "Issued" in answering.command("ledger", "position", "--on", "2026-01-31", "--lang", "en")
    assert "2026-31-01" in answering.command("ledger", "position", "--on", "2026-31-01", code=2)
    assert "No member has the card 4242." in answering.command("ledger", "balance", "4242", "--lang", "en", code=2)


def test_a_programme_is_checked_published_and_listed(answering: Installation, tmp_path: Path) -> None:
    rules, broken = tmp_path / "rules.json", tmp_path / "broken.json"
    rules.write_text(json.dumps(RULES), encoding="utf-8")
    broken.write_text("{", encoding="utf-8")
    assert "five: 5% off for members." in answering.command("programme", "check", str(rules), "--lang", "en")
    rules.write_text(json.dumps(RULES | {"guard": {"line": 10}}), encoding="utf-8")
    assert "cannot guard" not in answering.command("programme", "check", str(rules), "--lang", "en"), (
        "there are no goods"
    )
    sales = tmp_path / "sales.csv"
    sales.write_text("Date;Receipt;Card;Product;Amount\n2025-03-03;1;C-1;Tea;10.50\n", encoding="utf-8")
    answering.command("import", str(sales))
    assert "100.0% of the goods" in answering.command("programme", "check", str(rules), "--lang", "en")
    rules.write_text(json.dumps(RULES), encoding="utf-8")
    assert "broken.json" in answering.command("programme", "publish", str(broken), code=2)
    assert "'currency': 'EUR'" in answering.command("programme", "publish", str(rules), code=2)
    rules.write_text(json.dumps(RULES | {"currency": "EUR"}), encoding="utf-8")
    past = answering.command("programme", "publish", str(rules), "--from", "2020-01-01", "--lang", "en", code=2)
    assert "2020-01-01T00:00:00+02:00 has passed" in past
    assert "Published" in answering.command(
        "programme", "publish", str(rules), "--note", "Five for all", "--lang", "en"
    )
    assert "Five for all" in answering.command("programme", "versions")
    rules.write_text(json.dumps(RULES | {"currency": "EUR", "rules": RULES["rules"][1:]}), encoding="utf-8")
    refused = answering.command("programme", "publish", str(rules), "--lang", "en", code=2)
    assert all(one in refused for one in ("- 5% off for members.", "0 members count on", "--short-notice"))
    answering.command("programme", "publish", str(rules), "--note", "Without five", "--short-notice")
    assert "Without five" in answering.command("programme", "versions")
    assert "You" in answering.command("partners", "list", "--lang", "en")
    assert "No day was open" in answering.command("partners", "close", "--lang", "en")
    assert "no partner 'books'" in answering.command("partners", "statement", "books", "--lang", "en", code=2)


def test_cards_are_printed_one_in_a_line(answering: Installation) -> None:
    heading, *numbers = answering.command("programme", "cards", "Spring", "--count", "3").split()
    assert (heading, len(numbers), {len(one) for one in numbers}) == ("number", 3, {13})
    other = ("programme", "cards", "Summer", "--count", "2", "--prefix", "77", "--digits", "8", "--in-sequence")
    assert [one[:-1] for one in answering.command(*other).split()[1:]] == ["7700001", "7700002"]
    again = answering.command("programme", "cards", "Spring", "--count", "3", "--lang", "en", code=2)
    assert "There are cards named 'Spring' already" in again


def test_promo_codes_are_printed_one_in_a_line_or_are_one_word(answering: Installation) -> None:
    heading, *codes = answering.command("programme", "codes", "Spring", "--count", "3").split()
    assert (heading, len(set(codes)), {len(one) for one in codes}) == ("code", 3, {10})
    assert answering.command("programme", "codes", "Summer", "--word", "sun", "--uses", "9").split() == ["code", "SUN"]
    for wrong, said in (
        (("Spring", "--count", "1"), "There are codes named 'Spring' already"),
        (("X", "--word", "Sun"), "There is a code SUN already"),
        (("X", "--word", "Y", "--count", "1"), "Give one of --count, --word and --segment."),
        (("X",), "Give one of --count, --word and --segment."),
        (("X", "--count", "1", "--until", "2020-01-01"), "is over"),
    ):
        assert said in answering.command("programme", "codes", *wrong, "--lang", "en", code=2)


def test_certificates_are_printed_one_in_a_line_and_once(answering: Installation) -> None:
    made = ("programme", "certificates", "Spring", "--count", "3", "--amount", "1000.50", "--days", "365")
    heading, *numbers = answering.command(*made).split()
    assert (heading, len(set(numbers)), {len(one) for one in numbers}) == ("number", 3, {16})
    assert "There are certificates named 'Spring' already" in answering.command(*made, "--lang", "en", code=2)
    for wrong, said in (("much", "'much' is no sum"), ("0", "Say for how much money"), ("-5", "is no sum")):
        refused = answering.command(
            "programme", "certificates", "X", "--count", "1", f"--amount={wrong}", "--lang", "en", code=2
        )
        assert said in refused, refused


def test_without_a_key_every_command_names_the_cure(tmp_path: Path) -> None:
    with TemporaryDirectory(prefix="regulars-test-") as home:
        empty = Installation(Path(home))
        for command in (("serve",), ("ledger", "verify"), ("ledger", "position"), ("programme", "versions")):
            assert "regulars init" in empty.command(*command, code=2)


def bring_purchases(installation: Installation, folder: Path) -> None:
    lines = [f"03.03.2026 10:{n:02};{n};C-{n % 3};Milk;2;1.80" for n in range(10)]
    (folder / "sales.csv").write_text("\n".join(["date;receipt;customer;product;quantity;amount", *lines]))
    installation.command("import", str(folder / "sales.csv"))


# each row of each table that people fill, as text
EVERYTHING = " UNION ALL ".join(
    f"SELECT '{table}', one::text FROM {table} one"
    for table in (
        "accounts_user",
        "accounts_role",
        "foundation_business",
        "foundation_change",
        "customers_customer",
        "purchases_import",
        "purchases_product",
        "purchases_receipt",
        "purchases_line",
    )
) + " ORDER BY 1, 2"  # fmt: skip


def test_a_backup_brings_everything_back(ready: Installation, tmp_path: Path) -> None:
    archive = tmp_path / "all.tar"
    bring_purchases(ready, tmp_path)
    (ready.home / "files").mkdir(exist_ok=True)
    (ready.home / "files" / "contract").write_bytes(b"signed")
    (ready.home / "audits" / "1").mkdir(parents=True)
    (ready.home / "audits" / "1" / "audit.json").write_text("{}")
    ready.command("backup", str(archive))
    assert archive.stat().st_mode & 0o077 == 0
    with TemporaryDirectory(prefix="regulars-test-") as home:
        other = Installation(Path(home))
        other.command("restore", str(archive))
        assert rows(other, EVERYTHING) == rows(ready, EVERYTHING) != []
        brought = (
            "SELECT count(*), count(DISTINCT customer_id) FROM purchases_receipt WHERE purchased_at > '2026-01-01'"
        )
        assert rows(other, brought) == [(10, 3)]
        assert (other.home / "files" / "contract").read_bytes() == b"signed"
        assert (other.home / "secret.key").read_text() == (ready.home / "secret.key").read_text()
        assert (other.home / "audits" / "1" / "audit.json").read_text() == "{}"
        # of a history that is no longer there
        (other.home / "warehouse").mkdir()
        assert "--replace" in other.command("restore", str(archive), code=2)
        assert (other.home / "warehouse").exists()
        other.command("restore", str(archive), "--replace")
        assert not (other.home / "warehouse").exists()


def test_a_damaged_backup_changes_nothing(ready: Installation, tmp_path: Path) -> None:
    archive = tmp_path / "all.tar"
    ready.command("backup", str(archive))
    content = bytearray(archive.read_bytes())
    content[len(content) // 2] ^= 0xFF
    archive.write_bytes(bytes(content))
    before = rows(ready, "SELECT count(*) FROM accounts_user")
    assert "damaged" in ready.command("restore", str(archive), "--replace", code=2)
    assert rows(ready, "SELECT count(*) FROM accounts_user") == before


def test_a_file_that_is_no_backup_is_named(ready: Installation, tmp_path: Path) -> None:
    (tmp_path / "x.tar").write_text("hello")
    assert "x.tar" in ready.command("restore", str(tmp_path / "x.tar"), code=2)
    assert "missing.tar" in ready.command("restore", str(tmp_path / "missing.tar"), code=2)


def test_what_falls_is_started_again_and_ends_with_the_application(ready: Installation) -> None:
    lock = ready.home / "postgres" / "postmaster.pid"
    with ready.served() as process:
        for child in children_of(process.pid, "granian"):
            os.kill(child.pid, signal.SIGKILL)
        ready.wait_until_up(process)
        assert ready.status() == 200
        first = int(lock.read_text().split()[0])
        os.kill(first, signal.SIGKILL)
        until = time.monotonic() + 60
        while not lock.exists() or lock.read_text().split()[0] == str(first) or ready.status("/") != 200:
            assert process.poll() is None
            assert time.monotonic() < until, "the database stays down"
            time.sleep(0.1)
        again = int(lock.read_text().split()[0])
    assert process.returncode == 0
    assert not is_running(again), "it ends with the application as the first one would have"
