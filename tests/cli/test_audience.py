"""Attributes in, a hashed audience out: the way of a user from two files to an upload."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pyarrow as pa
import pytest

import regulars
from regulars.analytics.purchases import connect
from regulars.demo.shops import Shop, generate_shop, write_shop
from tests.analytics.purchase_rows import records


def run(*arguments: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "REGULARS_LANG": "en", "OPENBLAS_NUM_THREADS": "1"}
    command = [sys.executable, "-m", "regulars", *arguments]
    return subprocess.run(command, cwd=cwd, env=environment, capture_output=True, text=True, timeout=200, check=False)


@pytest.fixture(scope="module")
def shop() -> Shop:
    return generate_shop("coffee", seed=3, customers=300, days=400, language="ru")


def contacts(shop: Shop) -> str:
    """Phones as people type them, a district that means nothing, and an address for every second customer."""
    rows = [
        f"8{phone[2:]};{'север' if n % 3 else 'юг'};{f'a{n}@mail.ru' if n % 2 else ''}\n"
        for n, phone in enumerate(shop.truth.customers["customer_id"].to_pylist())
    ]
    return "Телефон;Район;Почта\n" + "".join(rows)


def test_from_two_files_to_a_hashed_list(shop: Shop, tmp_path: Path) -> None:
    write_shop(shop, tmp_path / "sales.csv", style="russian")
    (tmp_path / "customers.csv").write_text(contacts(shop), encoding="cp1251")
    audited = run(
        "audit", "sales.csv", "--attributes", "customers.csv", "--out", "r.html", "--json", "a.json",
        "--customers-out", "c.parquet", cwd=tmp_path,
    )  # fmt: skip
    assert audited.returncode == 0, audited.stderr
    comparisons = json.loads((tmp_path / "a.json").read_text())["comparisons"]
    # two districts are one comparison, and addresses are none
    assert [one["compared"] for one in comparisons if one["analysis"] == "profile"] == [1]
    assert "Район" in (tmp_path / "r.html").read_text()
    written = run(
        "audience", "c.parquet", "--list", "abc:A", "--for", "meta", "--out", "m.csv", "--attributes", "customers.csv",
        cwd=tmp_path,
    )  # fmt: skip
    assert written.returncode == 0, written.stderr
    assert "customers on the list" in written.stderr
    assert (tmp_path / "m.csv").read_text().startswith("email,phone\n")


def test_a_wrong_list_or_input_is_refused_and_nothing_is_written(shop: Shop, tmp_path: Path) -> None:
    refused = run("audience", "none.parquet", "--list", "abc:A", "--for", "meta", "--out", "m.csv", cwd=tmp_path)
    assert (refused.returncode, list(tmp_path.iterdir())) == (2, [])
    assert "no file" in refused.stderr


def test_the_library_takes_attributes_as_a_table(shop: Shop) -> None:
    lines = connect().create_table("lines", shop.lines)
    history = regulars.History.of_table(lines, currency="RUB")
    ids = shop.truth.customers["customer_id"]
    given = connect().create_table("given", pa.table({"customer_id": ids, "odd": [n % 2 for n in range(len(ids))]}))
    found = regulars.audit(history, as_of=shop.truth.end, attributes=given)
    assert found.reasons.profile is not None
    assert {row["heading"] for row in records(found.reasons.profile.levels)} == {"odd"}
    assert "look_alike" in found.customers.columns
    assert found.people("pyramid:buys").count().to_pyarrow().as_py() >= 0
