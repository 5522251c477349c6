"""kill -9 in the middle of an import leaves nothing, and the next worker finishes it."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import urlencode

import pytest
from django.db import connection

from regulars.customers.models import Customer
from regulars.foundation.models import Business
from regulars.purchases.importing import files
from regulars.purchases.importing.runs import make_draft, run
from regulars.purchases.models import Import, Line, Product, Receipt

pytestmark = pytest.mark.django_db(transaction=True)

# everything is written, nothing is committed: the worst moment
_SCRIPT = """
import sys, time
import django
django.setup()
from regulars.purchases.importing import load, runs

def stop_here(stage):
    print("written", flush=True)
    time.sleep(600)

load._note_touched = stop_here
runs.run(int(sys.argv[1]))
"""


@pytest.fixture
def worker(tmp_path: Path) -> Iterator[Callable[[int], "subprocess.Popen[str]"]]:
    started: list[subprocess.Popen[str]] = []

    def begin(import_id: int) -> "subprocess.Popen[str]":
        database = connection.settings_dict
        place = urlencode({name: database[name.upper()] for name in ("host", "port") if database[name.upper()]})
        # the file storage is the one of the test
        script = f"from django.conf import settings\nsettings.MEDIA_ROOT = {str(tmp_path / 'files')!r}\n{_SCRIPT}"
        environment = os.environ | {
            "DATABASE_URL": f"postgresql://{database['USER']}@/{database['NAME']}?{place}",
            "DJANGO_SETTINGS_MODULE": "tools.settings",
            "PYTHONPATH": os.pathsep.join([str(Path(__file__).parents[2] / "src"), str(Path(__file__).parents[2])]),
        }
        process = subprocess.Popen(
            [sys.executable, "-c", script, str(import_id)], env=environment, stdout=subprocess.PIPE, text=True
        )
        started.append(process)
        return process

    yield begin
    for process in started:
        process.kill()
        process.wait()
        assert process.stdout is not None
        process.stdout.close()


def _others() -> int:
    """How many other connections the database has."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )
        return int(cursor.fetchone()[0])


def test_a_killed_import_leaves_nothing_and_is_done_again(
    business: Business, write: Callable[..., Path], worker: Callable[[int], "subprocess.Popen[str]"]
) -> None:
    rows = [f"03.03.2026 10:15;{n};C-{n % 50};A{n % 7};Молоко;2;180,00;Центр;Иванова" for n in range(500)]
    stored = files.store([write("march.csv", rows).read_bytes()], most=1 << 20)
    imported = make_draft(Import.Kind.PURCHASES, stored, "march.csv", by=None)
    Import.objects.update(state="waiting")

    process = worker(imported.pk)
    assert process.stdout is not None
    assert process.stdout.readline().strip() == "written"
    imported.refresh_from_db()
    assert (imported.state, imported.progress.get("label")) == ("running", "Writing lines")
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    # on a busy machine the database hears of it a little later, and holds the import until then
    until = time.monotonic() + 20
    while _others() and time.monotonic() < until:
        time.sleep(0.1)

    for model in (Receipt, Line, Customer, Product):
        assert not model.objects.exists(), model
    done = run(imported.pk)
    assert (done.state, done.result["receipts"], Line.objects.count(), Customer.objects.count()) == (
        "done",
        500,
        500,
        50,
    )
