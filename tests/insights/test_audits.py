"""Audits in the background: one at a time, repeatable, their results kept."""

import datetime as dt
import errno
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psycopg
import pyarrow as pa
import pytest
from django.db import IntegrityError, connection, transaction
from django.utils import timezone
from procrastinate.contrib.django.models import ProcrastinateJob

from regulars.accounts.models import User
from regulars.analytics.purchases import History, connect
from regulars.core.errors import NotEnoughData
from regulars.customers.models import Customer
from regulars.foundation.models import Business
from regulars.insights import jobs
from regulars.insights.models import AuditRun, Score
from regulars.insights.results import chapter_of, index_of, periods_of
from regulars.insights.selectors.today import score_of
from regulars.insights.services import audits, perform, replace_scores, request_audit, resume_interrupted
from regulars.insights.services.audits import request_nightly
from regulars.purchases.models import Receipt

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
        # not by the end of the connection, of which the server takes notice a moment later
        other.execute("SELECT pg_advisory_unlock(%s)", [audits._LOCK])
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
    _something_sold()
    jobs.nightly(_stamp(2026, 1, 9, 23, 7))  # 02:07 in Moscow
    assert not AuditRun.objects.exists()
    jobs.nightly(_stamp(2026, 1, 10, 0, 7))
    assert AuditRun.objects.get().night == dt.date(2026, 1, 10)


def test_a_night_has_one_audit_however_often_and_by_whom_it_is_asked(business: Business) -> None:
    _something_sold()
    first = request_nightly(dt.datetime(2026, 1, 10, 1, tzinfo=dt.UTC))
    assert first is not None
    assert request_nightly(dt.datetime(2026, 1, 10, 1, tzinfo=dt.UTC)) is None  # another worker, the same minute
    AuditRun.objects.update(state="failed")
    assert request_nightly(dt.datetime(2026, 1, 10, 5, tzinfo=dt.UTC)) is None
    with pytest.raises(IntegrityError), transaction.atomic():
        AuditRun.objects.create(night=first.night)
    assert request_nightly(dt.datetime(2026, 1, 11, 1, tzinfo=dt.UTC)) is not None  # the next night goes on


def test_a_machine_that_was_off_at_night_does_it_in_the_morning(business: Business) -> None:
    _something_sold()
    assert request_nightly(dt.datetime(2026, 1, 10, 9, tzinfo=dt.UTC)) is not None


def test_no_purchases_no_nightly_failure(business: Business) -> None:
    assert request_nightly(dt.datetime(2026, 1, 10, 1, tzinfo=dt.UTC)) is None
    assert not AuditRun.objects.exists()


def test_no_purchases_at_all_are_told_in_both_languages(business: Business) -> None:
    run = AuditRun.objects.create()
    empty = pa.table({"customer_id": pa.array([], pa.string()), "purchased_at": pa.array([], pa.timestamp("us")),
                      "amount": pa.array([], pa.int64())})  # fmt: skip
    perform(run.pk, lambda: History.of_table(connect().create_table("none", empty), currency="RUB"))
    run.refresh_from_db()
    assert run.state == "failed"
    assert run.reasons["en"] == "There are no purchases at all."
    assert run.reasons["ru"] == "Покупок нет совсем."


def test_one_customer_is_audited(business: Business) -> None:
    Customer.objects.create(pk=1, name="Only one")
    run = AuditRun.objects.create()
    days = [dt.datetime(2025, month, 3, 12) for month in range(1, 13)]
    lines = pa.table({"customer_id": ["1"] * 12, "purchased_at": days, "amount": [1_000] * 12})
    perform(run.pk, lambda: History.of_table(connect().create_table("few", lines), currency="RUB"))
    run.refresh_from_db()
    assert run.state == "done", run.error
    score = Score.objects.get()
    assert (score.visits, score.amount) == (12, 12_000)
    said = score_of(score.customer)
    assert said is not None
    assert said.needs == ()
    assert said.needs_why == index_of(run, "en").no_needs != ""


def test_a_receipt_from_the_future_makes_nobody_lost(business: Business) -> None:
    Customer.objects.create(pk=1, name="Regular")
    run = AuditRun.objects.create()
    today = timezone.now().replace(tzinfo=None)
    days = [*(today - dt.timedelta(days=10 * number) for number in range(12)), dt.datetime(2095, 1, 1)]
    lines = pa.table({"customer_id": ["1"] * 13, "purchased_at": days, "amount": [1_000] * 13})
    perform(run.pk, lambda: History.of_table(connect().create_table("later", lines), currency="RUB"))
    run.refresh_from_db()
    assert run.as_of is not None
    assert run.as_of.year < 2095
    assert Score.objects.get().state != "lost"


def test_what_kills_its_worker_every_time_is_given_up(business: Business) -> None:
    run = AuditRun.objects.create(state="running", attempts=audits.MOST_ATTEMPTS)
    perform(run.pk, _never)
    run.refresh_from_db()
    assert run.state == "failed"
    assert "stopped in the middle" in run.error
    assert run.reasons["en"] == run.error


def test_a_full_disk_is_told_and_nothing_is_left(
    business: Business, history: Callable[[], History], tmp_path: Path, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.AUDITS_ROOT = tmp_path / "audits"
    (tmp_path / "audits" / ".77").mkdir(parents=True)  # of a run that was killed

    def full(*_arguments: Any, **_named: Any) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(audits, "write_results", full)
    monkeypatch.setattr(audits, "audit", lambda *_arguments, **_named: None)
    monkeypatch.setattr(audits, "with_lists", lambda found: found)
    run = AuditRun.objects.create()
    perform(run.pk, history)
    run.refresh_from_db()
    assert run.state == "failed"
    assert "No space left" in run.error
    assert list((tmp_path / "audits").iterdir()) == []


def test_the_sales_by_day_are_kept_of_the_newest_audit_alone(business: Business, tmp_path: Path, settings: Any) -> None:
    settings.AUDITS_ROOT = tmp_path
    for number, day in enumerate(("2025-12-15", "2025-12-16")):
        (tmp_path / str(number)).mkdir()
        (tmp_path / str(number) / "days.parquet").write_text("")
        AuditRun.objects.create(state="done", as_of=day, folder=str(number))
    audits._forget_old(dt.date(2025, 12, 17))
    assert [file.parent.name for file in tmp_path.glob("*/days.parquet")] == ["1"]


def _something_sold() -> None:
    Receipt.objects.create(purchased_at=timezone.now(), amount=1, key=b"1")


def _stamp(*moment: int) -> int:
    return int(dt.datetime(*moment, tzinfo=dt.UTC).timestamp())  # type: ignore[misc, arg-type]


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
