"""An import goes through the queue, and jobs of a killed worker are done again."""

import asyncio
import datetime as dt
from collections.abc import Callable
from pathlib import Path
from typing import Any
from unittest.mock import Mock

import pytest
from django.db import connection
from django.utils import timezone
from procrastinate.contrib.django import app
from procrastinate.contrib.django.models import ProcrastinateJob

from regulars.accounts.models import User
from regulars.core.errors import InputError
from regulars.foundation.jobs import take_stalled_jobs_again
from regulars.purchases.importing import files
from regulars.purchases.importing.reporting import Reporter
from regulars.purchases.importing.runs import Wishes, ask_undo, discard, make_draft, run, start, take_lost_again
from regulars.purchases.jobs import run_import, undo_import
from regulars.purchases.models import Import, Receipt

ROW = "03.03.2026 10:15;1;C-100;A1;Молоко;2;180,00;Центр;Иванова"


@pytest.fixture
def draft(owner: User, write: Callable[..., Path]) -> Import:
    stored = files.store([write("march.csv", [ROW]).read_bytes()], most=1 << 20)
    return make_draft(Import.Kind.PURCHASES, stored, "../../march.csv", by=owner)


def test_start_and_undo_go_through_the_queue(draft: Import, owner: User) -> None:
    assert draft.file_name == "march.csv"
    start(draft, Wishes(), by=owner)
    job = ProcrastinateJob.objects.get()
    assert (job.task_name, job.args) == ("regulars.purchases.jobs.run_import", {"import_id": draft.pk})
    run_import(**job.args)
    draft.refresh_from_db()
    assert (draft.state, Receipt.objects.count()) == ("done", 1)
    assert not files.path_of(draft.stored_as).exists()

    ask_undo(draft, by=owner)
    job = ProcrastinateJob.objects.exclude(pk=job.pk).get()
    undo_import(**job.args)
    undo_import(**job.args)
    draft.refresh_from_db()
    assert (draft.state, Receipt.objects.count()) == ("undone", 0)


def test_what_is_started_cannot_be_started_or_discarded(draft: Import, owner: User) -> None:
    start(draft, Wishes(), by=owner)
    for again in (lambda: start(draft, Wishes(), by=owner), lambda: discard(draft), lambda: ask_undo(draft, by=owner)):
        with pytest.raises(InputError):
            again()
    assert ProcrastinateJob.objects.count() == 1


def test_a_failed_import_may_be_started_again_with_other_wishes(draft: Import, owner: User) -> None:
    start(draft, Wishes(mapping={"amount": "no such heading"}), by=owner)
    run_import(draft.pk)
    draft.refresh_from_db()
    assert draft.state == "failed"
    assert "no such heading" in draft.error
    start(draft, Wishes(), by=owner)
    run_import(draft.pk)
    draft.refresh_from_db()
    assert (draft.state, draft.error) == ("done", "")


def test_a_discarded_draft_leaves_no_file(draft: Import, django_capture_on_commit_callbacks: Any) -> None:
    path = files.path_of(draft.stored_as)
    with django_capture_on_commit_callbacks(execute=True):
        discard(draft)
    assert not path.exists()
    assert not Import.objects.exists()


def test_too_large_and_empty_files_leave_nothing(owner: User) -> None:
    for chunks in ([b"12345", b"6"], []):
        with pytest.raises(InputError):
            files.store(chunks, most=5)
    assert list(files.folder().iterdir()) == []


def test_an_import_whose_job_was_lost_is_queued_again(draft: Import, owner: User) -> None:
    start(draft, Wishes(), by=owner)
    later = timezone.now() + dt.timedelta(minutes=1)
    assert take_lost_again(before=later) == 0
    ProcrastinateJob.objects.all().delete()
    assert take_lost_again(before=later) == 1
    assert ProcrastinateJob.objects.get().args == {"import_id": draft.pk}


def test_an_interrupted_import_of_the_command_line_fails_unless_somebody_works_on_it(owner: User) -> None:
    one = Import.objects.create(kind="purchases", state="running", file_name="x.csv", digest="0")
    later = timezone.now() + dt.timedelta(minutes=1)
    with Reporter(one.pk) as worker:
        assert worker.is_alone()
        assert take_lost_again(before=later) == 0
        assert run(one.pk).state == "running"
    assert take_lost_again(before=later) == 1
    one.refresh_from_db()
    assert (one.state, "interrupted" in one.error) == ("failed", True)


@pytest.mark.django_db(transaction=True)
def test_jobs_of_a_dead_worker_are_given_to_the_next(draft: Import, owner: User) -> None:
    start(draft, Wishes(), by=owner)
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO procrastinate_workers (last_heartbeat) VALUES (now() - interval '5 minutes') RETURNING id"
        )
        worker = cursor.fetchone()[0]
        cursor.execute("UPDATE procrastinate_jobs SET status = 'doing', worker_id = %s", [worker])

    async def look() -> None:
        connector = app.connector.get_worker_connector()  # type: ignore[attr-defined]
        with app.replace_connector(connector) as replaced:
            async with replaced.open_async():
                await take_stalled_jobs_again(Mock(app=replaced), timestamp=0)

    asyncio.run(look())
    again = list(ProcrastinateJob.objects.values_list("status", flat=True))
    assert set(again) == {"todo"}  # what other tests left waiting included
