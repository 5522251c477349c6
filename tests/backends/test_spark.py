"""The same audit in process and on a real cluster: equal to the last digit for counts and money."""

import dataclasses
import datetime as dt
import json
import math
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import ibis
import ibis.expr.types as ir
import pytest

import regulars
from regulars.analytics.audit import Audit
from regulars.analytics.engines import connect_engine
from regulars.core.errors import ColumnProblem, FileProblem, InputError, TooManyRejects
from regulars.demo import generate_shop, write_shop
from regulars.ingest.hand_over import hand_over, read_there
from tests.backends.cluster import connect_server, free_port, spark_environment, standalone_cluster
from tests.conftest import require_spark

pytestmark = [
    pytest.mark.spark,
    pytest.mark.timeout(900),
    # what pandas 3 announces of its next version, inside Ibis and Spark
    pytest.mark.filterwarnings("ignore::pandas.errors.Pandas4Warning"),
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
]


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    require_spark()
    folder = tmp_path_factory.mktemp("cluster")
    with pytest.MonkeyPatch.context() as patch, standalone_cluster(folder) as found:
        for name, value in spark_environment(folder).items():
            patch.setenv(name, value)
        yield found


@pytest.fixture(scope="module")
def engine(address: str) -> Iterator[ibis.BaseBackend]:
    backend = connect_engine(address)
    yield backend
    backend._session.stop()  # type: ignore[attr-defined]


@pytest.fixture(scope="module")
def sales(tmp_path_factory: pytest.TempPathFactory) -> Path:
    shop = generate_shop("coffee", seed=5, language="en", customers=260)
    return write_shop(shop, tmp_path_factory.mktemp("shop") / "sales.csv")


@pytest.fixture(scope="module")
def both(sales: Path, engine: ibis.BaseBackend, tmp_path_factory: pytest.TempPathFactory) -> tuple[Audit, Audit]:
    here = regulars.read_purchases(sales)
    there = hand_over(here, engine, tmp_path_factory.mktemp("shared"))
    return regulars.audit(here, as_of=here.last_day), regulars.audit(there, as_of=there.last_day)


def flat(result: Any, path: str = "") -> dict[str, Any]:
    """Every number, text and table of a result by its path."""
    if isinstance(result, ir.Table):
        rows = result.to_pyarrow().to_pylist()
        return {path: sorted(({k: _plain(v) for k, v in sorted(row.items())} for row in rows), key=repr)}
    if dataclasses.is_dataclass(result) and not isinstance(result, type):
        parts = {field.name: getattr(result, field.name) for field in dataclasses.fields(result)}
    elif isinstance(result, dict):
        parts = result
    elif isinstance(result, tuple | list):
        parts = {str(number): one for number, one in enumerate(result)}
    else:
        return {path: _plain(result)}
    return {key: value for name, part in parts.items() for key, value in flat(part, f"{path}.{name}").items()}


def _plain(value: Any) -> Any:
    """Counts, money and texts as they are; shares and parameters to nine digits: sums of floats differ in the last."""
    if isinstance(value, float):
        return "nan" if math.isnan(value) else float(f"{value:.9g}")
    return value


def test_every_table_and_number_is_the_same_on_the_cluster(both: tuple[Audit, Audit]) -> None:
    here, there = (flat(one) for one in both)
    assert here.keys() == there.keys()
    different = {path: (here[path], there[path]) for path in here if here[path] != there[path]}
    assert not different, "\n".join(f"{path}: {str(pair)[:300]}" for path, pair in different.items())


def test_both_have_something_to_compare(both: tuple[Audit, Audit]) -> None:
    here = both[0]
    assert here.base.customers > 200
    assert here.lifecycle.auc is not None
    assert both[1].customers.get_backend().name == "pyspark"


def regulars_command(*arguments: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "regulars", *arguments, "--lang", "en"],
        cwd=cwd, env={**os.environ, "OPENBLAS_NUM_THREADS": "1"}, capture_output=True, text=True, timeout=800,
        check=False,
    )  # fmt: skip


@pytest.mark.slow  # a second audit on the cluster: four minutes
def test_the_command_computes_on_the_cluster(address: str, sales: Path, tmp_path: Path) -> None:
    done = regulars_command(
        "audit", str(sales), "--engine", address, "--out", "r.html", "--json", "a.json", "--xlsx",
        "--customers-out", "c.parquet", cwd=tmp_path,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-3000:]
    assert json.loads((tmp_path / "a.json").read_text())["base"]["customers"] > 200
    assert {"r.html", "c.parquet", "r.xlsx"} <= {path.name for path in tmp_path.iterdir()}


THROUGH_CONNECT = """
import pathlib, sys
import regulars
from regulars.analytics.engines import connect_engine
from regulars.analytics.goods import goods
from regulars.analytics.receipts_sample import sample_baskets
from regulars.analytics.rollup import roll_up
from regulars.ingest.hand_over import hand_over

here = regulars.read_purchases(sys.argv[1])
there = hand_over(here, connect_engine(sys.argv[2]), pathlib.Path(sys.argv[3]))
for history in (here, there):
    rollup = roll_up(history, as_of=here.last_day)
    found = goods(rollup)
    baskets = sample_baskets(found)
    customers = rollup.customers.aggregate(n=rollup.customers.count(), m=rollup.customers.amount.sum()).to_pyarrow()
    print(found.names, baskets.basket.tolist(), baskets.product.tolist(), customers.to_pylist())
"""


@pytest.mark.slow  # a server of its own: a minute
def test_spark_connect_gives_the_same_answers_and_leaves_in_silence(sales: Path, tmp_path: Path) -> None:
    require_spark()
    with connect_server(tmp_path) as place:
        done = subprocess.run(
            [sys.executable, "-c", THROUGH_CONNECT, str(sales), place, str(tmp_path / "shared")],
            capture_output=True, text=True, timeout=600, check=False,
        )  # fmt: skip
    assert done.returncode == 0, done.stderr[-3000:]
    here, there = done.stdout.splitlines()
    assert here == there and len(here) > 10_000
    # Ibis drops its tables at exit, when the connection is closed already
    assert "Traceback" not in done.stderr, done.stderr[-3000:]


def test_parquet_of_the_engines_own_storage_is_read_there(
    engine: ibis.BaseBackend, sales: Path, tmp_path: Path
) -> None:
    here = regulars.read_purchases(sales)
    stored = here.lines.mutate(amount=here.lines.amount.cast("float64") / 100, card=here.lines.customer_id)
    stored.drop("customer_id").to_parquet(tmp_path / "lines.parquet")
    place = (tmp_path / "lines.parquet").as_uri()
    there = read_there(engine, place, mapping={"customer_id": "card"}, currency="RUB")
    assert there.reading.rows_read == here.reading.rows_accepted
    sums = [
        one.lines.aggregate(n=one.lines.count(), m=one.lines.amount.sum()).to_pyarrow().to_pylist()
        for one in (here, there)
    ]
    assert sums[0] == sums[1]
    with pytest.raises(ColumnProblem, match="--map customer_id=COLUMN"):
        read_there(engine, place, mapping={}, currency="RUB")
    with pytest.raises(TooManyRejects, match="no moment"):
        read_there(engine, place, mapping={"customer_id": "card", "purchased_at": "product"}, currency="RUB")
    late: dict[str, Any] = {"mapping": {"customer_id": "card"}, "currency": "RUB", "today": dt.date(2024, 6, 1)}
    with pytest.raises(TooManyRejects, match="--accept-rejects"):
        read_there(engine, place, **late)
    kept = read_there(engine, place, **late, accept_rejects=True)
    assert kept.reading.rows_rejected > 0
    assert kept.last_day <= dt.date(2024, 6, 1)
    with pytest.raises(FileProblem, match="cannot be read by the engine"):
        read_there(engine, "file:///nowhere/at/all.parquet", mapping={}, currency="RUB")


def test_a_dead_address_is_told_at_once() -> None:
    with pytest.raises(InputError, match="does not answer"):
        connect_engine(f"spark://127.0.0.1:{free_port()}")
    with pytest.raises(InputError, match="is not an engine"):
        connect_engine("postgresql://localhost")


def test_storage_of_a_cluster_needs_the_cluster(tmp_path: Path) -> None:
    done = regulars_command("audit", "s3a://bucket/sales", cwd=tmp_path)
    assert (done.returncode, "--engine" in done.stderr) == (2, True)
