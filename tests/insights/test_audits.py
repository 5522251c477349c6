"""Audits in the background: one at a time, repeatable, their results kept."""

import datetime as dt
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psycopg
import pytest
from django.db import connection
from procrastinate.contrib.django.models import ProcrastinateJob

from regulars.accounts.models import User
from regulars.analytics.purchases import History
from regulars.core.errors import NotEnoughData
from regulars.customers.models import Customer
from regulars.foundation.models import Business
from regulars.insights import jobs
from regulars.insights.models import AuditRun, Score
from regulars.insights.results import chapter_of, index_of, periods_of
from regulars.insights.services import audits, perform, replace_scores, request_audit, resume_interrupted

pytestmark = pytest.mark.django_db


def test_an_audit_leaves_scores_of_every_customer(run: AuditRun) -> None:
    score = Score.objects.filter(state="lost", lost_kind="lost").first()
    assert Score.objects.count() == run.headlines["customers"] == 200
    assert score is not None
    assert score.missed_amount > 0  # type: ignore[operator]
    assert score.details["first_product"]
    states = run.headlines["states"]
    assert Score.objects.filter(state="lost").count() == states["lost"]["customers"]


def test_pages_are_kept_in_both_languages(run: AuditRun) -> None:
    russian, english = index_of(run, "ru"), index_of(run, "en")
    assert russian.tiles[0].label != english.tiles[0].label
    lost = chapter_of(run, "ru", "lost")
    assert lost is not None
    assert "потеряли" in lost.question
    assert chapter_of(run, "ru", "../audit") is None


def test_pages_of_an_older_version_open_without_what_is_new(run: AuditRun) -> None:
    tile = index_of(run, "en").tiles[0]
    assert tile.something_newer == ""
    assert not hasattr(tile, "__something__")


def test_no_page_writes_a_style_that_the_policy_would_refuse(run: AuditRun, audited: Path) -> None:
    drawn = "".join(file.read_text() for file in (audited / "made" / "en").glob("*.json"))
    assert "<svg" in drawn
    assert ' style=\\"' not in drawn
    assert "<script" not in drawn


def test_scores_of_an_older_audit_are_replaced_as_a_whole(run: AuditRun, audited: Path) -> None:
    Score.objects.filter(pk=1).update(state="new", amount=-5)
    Customer.objects.filter(pk=2).update(merged_into=1)
    stranger = Customer.objects.create(pk=9001, name="without purchases")
    Score.objects.create(customer=stranger, state="lost")
    Score.objects.filter(pk=2).delete()
    replace_scores(audited / "made" / "customers.parquet")
    assert Score.objects.get(pk=1).amount > 0
    assert not Score.objects.filter(customer=stranger).exists()
    assert not Score.objects.filter(pk=2).exists()


def test_asking_twice_gives_one_audit(business: Business, user: Callable[..., User]) -> None:
    first, second = request_audit(user("owner")), request_audit(None)
    assert first == second
    assert ProcrastinateJob.objects.filter(task_name=audits.TASK).count() == 1


def test_a_second_process_leaves_a_running_audit_alone(business: Business) -> None:
    run = AuditRun.objects.create()
    with psycopg.connect(**_address()) as other:
        other.execute("SELECT pg_advisory_lock(%s)", [audits._LOCK])
        assert perform(run.pk, _never) is False
        assert resume_interrupted() == 0
    run.refresh_from_db()
    assert run.state == "waiting"


def test_an_audit_whose_worker_was_killed_is_taken_up_again(business: Business) -> None:
    run = AuditRun.objects.create(state="running")
    assert resume_interrupted() == 1
    job = ProcrastinateJob.objects.get(task_name=audits.TASK)
    assert job.args == {"run_id": run.pk}
    assert resume_interrupted() == 0  # its job waits already


def test_a_finished_audit_is_not_run_again(run: AuditRun) -> None:
    assert perform(run.pk, _never) is False


def test_too_little_history_fails_with_its_reason(business: Business) -> None:
    def empty() -> History:
        raise NotEnoughData("There are no purchases at all.")

    run = AuditRun.objects.create()
    perform(run.pk, empty)
    run.refresh_from_db()
    assert (run.state, run.error) == ("failed", "There are no purchases at all.")


def test_a_fault_of_the_program_is_told_and_logged(business: Business) -> None:
    run = AuditRun.objects.create()
    with pytest.raises(ZeroDivisionError):
        perform(run.pk, _never)
    run.refresh_from_db()
    assert run.state == "failed"
    assert "Zero" not in run.error


def test_it_is_night_by_the_clock_of_the_business(business: Business) -> None:
    jobs.nightly(int(dt.datetime(2026, 1, 10, 3, 7, tzinfo=dt.UTC).timestamp()))
    assert not AuditRun.objects.exists()
    jobs.nightly(int(dt.datetime(2026, 1, 10, 0, 7, tzinfo=dt.UTC).timestamp()))
    assert AuditRun.objects.count() == 1


def test_old_results_free_the_disk_and_keep_their_numbers(business: Business, audited: Path, settings: Any) -> None:
    settings.AUDITS_ROOT = audited / "old"
    for number, day in enumerate(("2025-10-05", "2025-10-20", "2025-12-16")):
        (audited / "old" / str(number)).mkdir(parents=True)
        AuditRun.objects.create(state="done", as_of=day, folder=str(number), headlines={"customers": number})
    audits._forget_old(dt.date(2025, 12, 17))
    assert list(AuditRun.objects.order_by("id").values_list("folder", flat=True)) == ["", "1", "2"]
    assert not (audited / "old" / "0").exists()
    assert AuditRun.objects.order_by("id")[0].headlines == {"customers": 0}


def test_periods_add_up_with_what_was_sold(run: AuditRun, shop_lines: Any) -> None:
    found = periods_of(run)["week"]
    first, last = (dt.datetime.fromisoformat(day) for day in found["days"])
    rows = zip(shop_lines["purchased_at"].to_pylist(), shop_lines["amount"].to_pylist(), strict=True)
    end = last + dt.timedelta(days=1)
    assert found["now"]["revenue"] == sum(amount for moment, amount in rows if first <= moment < end)
    assert found["now"]["customers"] > 0


def _never() -> History:
    raise ZeroDivisionError


def _address() -> dict[str, Any]:
    settings = connection.settings_dict
    return {"dbname": settings["NAME"], "user": settings["USER"], "host": settings["HOST"], "port": settings["PORT"]}
