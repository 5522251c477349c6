"""The columnar copy says what PostgreSQL says, however it came about."""

import datetime as dt
import os
import time
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import hypothesis
import hypothesis.strategies as st
import pytest
from django.db import transaction

from regulars.analytics.rollup import roll_up
from regulars.customers.models import Customer
from regulars.foundation.models import Business
from regulars.ingest import read_purchases
from regulars.insights import jobs, warehouse
from regulars.insights.models import AuditRun
from regulars.purchases.importing.runs import import_now, undo
from regulars.purchases.models import Import, Product, Receipt, Store

pytestmark = pytest.mark.django_db

HEADINGS = "Дата;Номер чека;Карта;Артикул;Товар;Категория;Количество;Сумма;Магазин;Кассир"
Rows = list[tuple[Any, ...]]


@pytest.fixture(autouse=True)
def business(db: None, tmp_path: Path, settings: Any) -> Business:
    settings.MEDIA_ROOT = tmp_path / "files"
    return Business.objects.create(
        name="Corner shop", currency="RUB", time_zone="Europe/Moscow", language="en", region="RU"
    )


def write(folder: Path, name: str, rows: list[str]) -> Path:
    path = folder / name
    path.write_text("\n".join([HEADINGS, *rows]) + "\n", encoding="utf-8")
    return path


def line(day: str, number: int, card: str, *, amount: str = "90,00", product: str = "A1") -> str:
    return f"{day};{number};{card};{product};Товар {product};Еда;1;{amount};Центр;Иванова"


def rows_of_copy() -> Rows:
    table = warehouse.history().lines.to_pyarrow().to_pylist()
    return sorted(tuple(sorted((k, str(v)) for k, v in row.items() if v is not None)) for row in table)


def rebuilt() -> Rows:
    warehouse.rebuild()
    return rows_of_copy()


def test_the_rollup_of_the_copy_is_that_of_the_file(tmp_path: Path) -> None:
    rows = [
        line(f"{day:02}.03.2026 10:{day:02}", day % 4, f"C-{day % 5}", product=f"A{day % 3}") for day in range(1, 29)
    ]
    file = write(tmp_path, "march.csv", rows + rows[:3])
    import_now(file)
    warehouse.refresh()
    as_of = dt.date(2026, 3, 31)
    ours, direct = (roll_up(one, as_of=as_of) for one in (warehouse.history(), read_purchases(file)))
    measures = ("amount", "gross", "visits", "receipts", "lines", "first_on", "last_on", "age_days")
    for level in ("customers", "receipts"):
        columns = [name for name in measures if name in getattr(ours, level).columns]
        left, right = (
            sorted(map(str, getattr(one, level).select(columns).to_pyarrow().to_pylist())) for one in (ours, direct)
        )
        assert left == right


def test_only_the_touched_month_is_written_anew(tmp_path: Path) -> None:
    import_now(write(tmp_path, "a.csv", [line(f"10.{month:02}.2026 10:00", 1, "C-1") for month in range(1, 7)]))
    warehouse.refresh()
    before = {file.name for file in warehouse.folder().glob("*.parquet")}
    import_now(write(tmp_path, "b.csv", [line("15.03.2026 10:00", 2, "C-1")]))
    assert warehouse.is_stale()
    assert warehouse.refresh().lines == 7
    assert not warehouse.is_stale()
    new = {file.name[:7] for file in warehouse.folder().glob("*.parquet") if file.name not in before}
    assert new == {"2026-03"}


def test_a_receipt_lies_in_the_month_of_the_shops_clock(tmp_path: Path) -> None:
    Store.objects.create(name="Центр", time_zone="Asia/Vladivostok")
    import_now(write(tmp_path, "a.csv", [line("01.04.2026 00:30", 1, "C-1")]))
    warehouse.refresh()
    assert warehouse.history().last_day == dt.date(2026, 4, 1)
    assert rows_of_copy() == rebuilt()


def test_another_clock_of_the_store_moves_its_purchases(tmp_path: Path) -> None:
    import_now(write(tmp_path, "a.csv", [line("31.03.2026 23:30", 1, "C-1")]))
    warehouse.refresh()
    Store.objects.update(time_zone="Asia/Vladivostok")
    warehouse.refresh()
    assert warehouse.history().last_day == dt.date(2026, 4, 1)


def test_a_merged_customer_is_the_kept_one_and_is_himself_again_afterwards(tmp_path: Path) -> None:
    import_now(write(tmp_path, "a.csv", [line("10.03.2026 10:00", 1, "C-1"), line("11.03.2026 10:00", 2, "C-2")]))
    first, second = Customer.objects.order_by("external_id")
    for kept, ids in ((first, {str(first.pk)}), (None, {str(first.pk), str(second.pk)})):
        Customer.objects.filter(pk=second.pk).update(merged_into=kept)
        warehouse.refresh()
        assert set(warehouse.history().lines.customer_id.to_pyarrow().to_pylist()) == ids


def test_another_name_of_a_product_reaches_the_copy(tmp_path: Path) -> None:
    import_now(write(tmp_path, "a.csv", [line("10.03.2026 10:00", 1, "C-1")]))
    warehouse.refresh()
    Product.objects.update(name="Butter")
    warehouse.refresh()
    assert warehouse.history().lines["product"].to_pyarrow().to_pylist() == ["Butter"]


def test_a_receipt_that_somebody_records_reaches_the_copy() -> None:
    warehouse.refresh()
    receipt = Receipt.objects.create(purchased_at=dt.datetime(2026, 3, 1, tzinfo=dt.UTC), amount=5, key=b"1")
    receipt.lines.create(position=1, amount=5)
    assert warehouse.refresh().lines == 1
    receipt.lines.all().delete()
    receipt.delete()
    assert warehouse.refresh().lines == 0


def test_an_empty_base_gives_an_empty_history() -> None:
    warehouse.refresh()
    assert warehouse.history().span() is None


def test_a_lost_or_damaged_copy_is_made_anew(tmp_path: Path) -> None:
    import_now(write(tmp_path, "a.csv", [line("10.03.2026 10:00", 1, "C-1")]))
    warehouse.refresh()
    next(warehouse.folder().glob("*.parquet")).unlink()
    assert warehouse.is_stale()
    assert warehouse.refresh().lines == 1
    (warehouse.folder() / "copy.json").write_text("{")
    assert warehouse.refresh().lines == 1


def test_who_began_before_a_refresh_reads_on_however_old_the_files_are(tmp_path: Path) -> None:
    import_now(write(tmp_path, "a.csv", [line("10.03.2026 10:00", 1, "C-1")]))
    warehouse.refresh()
    begun, (old,) = warehouse.history(), warehouse.folder().glob("*.parquet")
    two_days_ago = time.time() - 48 * 3600
    os.utime(old, (two_days_ago, two_days_ago))
    import_now(write(tmp_path, "b.csv", [line("15.03.2026 10:00", 2, "C-1")]))
    warehouse.refresh()
    assert begun.lines.count().to_pyarrow().as_py() == 1
    os.utime(old, (two_days_ago, two_days_ago))
    warehouse.refresh()
    assert not old.exists()
    assert warehouse.history().lines.count().to_pyarrow().as_py() == 2


def test_an_audit_right_after_an_import_sees_it(tmp_path: Path, settings: Any) -> None:
    settings.AUDITS_ROOT = tmp_path / "audits"
    import_now(write(tmp_path, "a.csv", [line(f"{day:02}.03.2026 10:00", day, f"C-{day % 3}") for day in (1, 9, 17)]))
    run = AuditRun.objects.create()
    jobs.run_audit(run.pk)
    run.refresh_from_db()
    assert (run.state, run.error) == ("done", "")
    assert run.headlines["customers"] == 3


STEPS = st.lists(
    st.one_of(
        st.tuples(
            st.just("import"),
            st.lists(
                st.tuples(st.integers(1, 4), st.integers(1, 28), st.integers(1, 3), st.integers(1, 4)),
                min_size=1,
                max_size=6,
            ),
        ),
        st.tuples(st.just("undo"), st.integers(0, 3)),
        st.tuples(st.just("merge"), st.integers(0, 3), st.integers(0, 3)),
        st.tuples(st.just("unmerge"), st.integers(0, 3)),
        st.tuples(st.just("refresh")),
    ),
    min_size=1,
    max_size=6,
)


@hypothesis.settings(
    max_examples=8, suppress_health_check=[hypothesis.HealthCheck.function_scoped_fixture], derandomize=True
)
@hypothesis.given(steps=STEPS)
def test_the_incremental_copy_is_the_rebuilt_one(steps: list[tuple[Any, ...]], settings: Any) -> None:
    with TemporaryDirectory() as folder:
        settings.MEDIA_ROOT = Path(folder) / "files"
        point = transaction.savepoint()
        for number, step in enumerate(steps):
            do(step, Path(folder), number)
        warehouse.refresh()
        incremental = rows_of_copy()
        assert incremental == rebuilt()
        assert len(incremental) == sum(receipt.lines.count() for receipt in Receipt.objects.all())
        transaction.savepoint_rollback(point)


def do(step: tuple[Any, ...], folder: Path, number: int) -> None:
    people = list(Customer.objects.order_by("external_id"))
    match step:
        case ("import", rows):
            lines = [
                line(f"{day:02}.{month:02}.2026 23:45", receipt, f"C-{card}") for month, day, receipt, card in rows
            ]
            assert import_now(write(folder, f"{number}.csv", lines)).state == "done"
        case ("undo", place):
            done = list(Import.objects.filter(state="done").order_by("id"))
            if done:
                undo(done[place % len(done)].pk, user_id=None)
        case ("merge", one, other) if people:
            gone, kept = people[one % len(people)], people[other % len(people)]
            if gone.merged_into_id is None and kept.merged_into_id is None and gone != kept:
                Customer.objects.filter(pk=gone.pk).update(merged_into=kept)
        case ("unmerge", place) if people:
            Customer.objects.filter(pk=people[place % len(people)].pk).update(merged_into=None)
        case ("refresh",):
            warehouse.refresh()
