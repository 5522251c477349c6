"""What may be changed about the files without changing the history."""

import datetime as dt
import random
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from regulars import read_purchases
from tests.ingest.tables import TODAY, WRITERS, Row, contents, csv_text, write

# what cp866 and cp1251 can both write; no control characters and no "=", which spreadsheets take for something else
LETTERS = st.sampled_from("абвгдЯЁxyzQ019 ;,|\"'.-_%@()")
TEXTS = st.text(LETTERS, max_size=12).map(str.strip)
CARDS = st.from_regex(r"\A[A-Z]{2}[0-9]{3}\Z")

ROW = st.tuples(
    CARDS,
    st.datetimes(dt.datetime(1971, 1, 1), dt.datetime(2024, 12, 30)).map(lambda at: at.replace(microsecond=0)),
    st.integers(-10_000_000, 10_000_000).map(lambda kopecks: kopecks / 100),
    st.integers(1, 10**6).map(lambda number: f"R{number}"),
    TEXTS.map(lambda text: text or None),
    st.integers(-3000, 3000).map(lambda grams: grams / 1000),
)
TABLES = st.lists(ROW, min_size=1, max_size=12)
DISTINCT = st.lists(ROW, min_size=2, max_size=12, unique_by=lambda row: row[3])


@contextmanager
def folder() -> Iterator[Path]:
    path = Path(tempfile.mkdtemp(prefix="regulars-test-"))
    try:
        yield path
    finally:
        shutil.rmtree(path)


def read(*files: Path, **options: Any) -> list[tuple[Any, ...]]:
    return contents(read_purchases(*files, today=TODAY, **options))


@settings(max_examples=12)
@given(TABLES, st.sampled_from(sorted(WRITERS)))
def test_the_format_does_not_matter(rows: list[Row], kind: str) -> None:
    with folder() as place:
        plain = read(write(place / "plain.csv", csv_text(rows, delimiter=",", comma=False)))
        name, write_table = WRITERS[kind]
        assert read(write_table(place / name, rows)) == plain
        assert len(plain) == len(rows)


@settings(max_examples=8)
@given(TABLES, st.randoms())
def test_the_order_of_rows_does_not_matter(rows: list[Row], chance: random.Random) -> None:
    with folder() as place:
        expected = read(write(place / "a.csv", csv_text(rows)))
        chance.shuffle(rows)
        assert read(write(place / "b.csv", csv_text(rows))) == expected


@settings(max_examples=8)
@given(TABLES, st.sampled_from(sorted(WRITERS)))
def test_a_file_given_twice_counts_once(rows: list[Row], kind: str) -> None:
    with folder() as place:
        one = write(place / "one.csv", csv_text(rows))
        name, write_table = WRITERS[kind]
        assert read(one, write_table(place / f"two-{name}", rows)) == read(one)


@settings(max_examples=8)
@given(DISTINCT, st.data())
def test_a_table_cut_in_two_files_is_the_same_table(rows: list[Row], data: st.DataObject) -> None:
    cut = data.draw(st.integers(1, len(rows) - 1))
    overlap = data.draw(st.integers(0, len(rows) - cut))
    with folder() as place:
        whole = read(write(place / "whole.csv", csv_text(rows)))
        parts = write(place / "1.csv", csv_text(rows[: cut + overlap])), write(place / "2.csv", csv_text(rows[cut:]))
        assert read(*parts) == whole


@settings(max_examples=8)
@given(TABLES, st.permutations(range(6)))
def test_the_order_of_columns_does_not_matter(rows: list[Row], order: list[int]) -> None:
    from tests.ingest.tables import HEADINGS

    with folder() as place:
        expected = read(write(place / "a.csv", csv_text(rows)))
        turned = [tuple(row[n] for n in order) for row in rows]
        text = csv_text(turned, headings=tuple(HEADINGS[n] for n in order))
        assert read(write(place / "b.csv", text)) == expected


@settings(max_examples=8)
@given(
    st.lists(ROW, min_size=6, max_size=12),
    st.lists(st.tuples(st.integers(0, 12), st.sampled_from(["", ";;;;;", "Итого;;1;;;", "x;y"])), max_size=4),
)
def test_no_row_is_lost_among_junk(rows: list[Row], junk: list[tuple[int, str]]) -> None:
    with folder() as place:
        expected = read(write(place / "a.csv", csv_text(rows)))
        lines = csv_text(rows).split("\r\n")
        for position, line in junk:
            lines.insert(max(1, min(position, len(lines) - 1)), line)
        text = "\r\n".join(lines)
        if '"' in csv_text(rows):
            text = "\r\n".join([*csv_text(rows).split("\r\n")[:-1], *(line for _position, line in junk), ""])
        history = read_purchases(write(place / "b.csv", text), today=TODAY, accept_rejects=True)
        assert contents(history) == expected
        assert history.reading.rows_rejected == sum(line == "x;y" for _position, line in junk)
        assert history.reading.rows_read == history.reading.rows_accepted + history.reading.rows_rejected
