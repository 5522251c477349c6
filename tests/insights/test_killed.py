"""kill -9 in the middle of an audit: another worker takes it up, and what kills each of them is given up."""

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest
from django.db import connection

from regulars.analytics.purchases import History
from regulars.core.errors import NotEnoughData
from regulars.foundation.models import Business
from regulars.insights.models import AuditRun
from regulars.insights.services import audits, perform, resume_interrupted

pytestmark = pytest.mark.django_db(transaction=True)

_SCRIPT = """
import sys, time
import django
django.setup()
from django.conf import settings
settings.AUDITS_ROOT = sys.argv[2]
from pathlib import Path
from regulars.insights.services import audits

def stuck():
    (Path(sys.argv[2]) / f".{sys.argv[1]}").mkdir(parents=True)
    print("begun", flush=True)
    time.sleep(600)

audits.perform(int(sys.argv[1]), stuck)
"""


@pytest.fixture
def worker(tmp_path: Path) -> Iterator[Callable[[int], "subprocess.Popen[str]"]]:
    started: list[subprocess.Popen[str]] = []

    def begin(run_id: int) -> "subprocess.Popen[str]":
        database = connection.settings_dict
        place = urlencode({name: database[name.upper()] for name in ("host", "port") if database[name.upper()]})
        environment = os.environ | {
            "DATABASE_URL": f"postgresql://{database['USER']}@/{database['NAME']}?{place}",
            "DJANGO_SETTINGS_MODULE": "tools.settings",
            "PYTHONPATH": os.pathsep.join([str(Path(__file__).parents[2] / "src"), str(Path(__file__).parents[2])]),
        }
        process = subprocess.Popen(
            [sys.executable, "-c", _SCRIPT, str(run_id), str(tmp_path)],
            env=environment, stdout=subprocess.PIPE, text=True,
        )  # fmt: skip
        started.append(process)
        assert process.stdout is not None
        assert process.stdout.readline() == "begun\n"
        return process

    yield begin
    for process in started:
        process.kill()
        process.wait()
        assert process.stdout is not None
        process.stdout.close()


def _nothing() -> History:
    raise NotEnoughData("There are no purchases at all.")


def _kill(process: "subprocess.Popen[str]") -> None:
    process.send_signal(signal.SIGKILL)
    process.wait()
    # the server learns of the end of a connection a moment later
    for _again in range(100):
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_try_advisory_lock(%s) AND pg_advisory_unlock(%s)", [audits._LOCK] * 2)
            if cursor.fetchone()[0]:
                return


def test_a_killed_audit_is_taken_up_and_what_it_left_is_swept(
    worker: Callable[[int], "subprocess.Popen[str]"], tmp_path: Path, settings: Any
) -> None:
    settings.AUDITS_ROOT = tmp_path
    Business.objects.create(id=1, name="Bean", currency="RUB", time_zone="Europe/Moscow", language="en")
    run = AuditRun.objects.create()
    process = worker(run.pk)
    assert perform(run.pk, _nothing) is False  # while it runs nobody else does it
    assert resume_interrupted() == 0
    _kill(process)
    run.refresh_from_db()
    assert (run.state, run.attempts) == ("running", 1)
    assert resume_interrupted() == 1
    assert perform(run.pk, _nothing) is True
    run.refresh_from_db()
    assert (run.state, run.attempts) == ("failed", 2)
    assert list(tmp_path.iterdir()) == []


def test_an_audit_that_kills_every_worker_is_marked_failed(
    worker: Callable[[int], "subprocess.Popen[str]"], tmp_path: Path, settings: Any
) -> None:
    settings.AUDITS_ROOT = tmp_path
    Business.objects.create(id=1, name="Bean", currency="RUB", time_zone="Europe/Moscow", language="en")
    run = AuditRun.objects.create()
    for _time in range(audits.MOST_ATTEMPTS):
        _kill(worker(run.pk))
    perform(run.pk, _nothing)
    run.refresh_from_db()
    assert run.state == "failed"
    assert "stopped in the middle" in run.error
    assert AuditRun.objects.filter(state__in=("waiting", "running")).count() == 0  # the next night finds the way free
