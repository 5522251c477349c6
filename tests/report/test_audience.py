"""Hashed audiences: the forms of each system, and never a raw contact."""

import hashlib
import tracemalloc
from pathlib import Path

import ibis
import pyarrow as pa
import pytest

from regulars.analytics.attributes import Attributes
from regulars.core.errors import InputError
from regulars.report.audience import Written, open_customers, people_on, write_audience

ROWS = ibis.memtable(
    pa.table(
        {
            "customer_id": ["+79161234567", "Anna@Mail.ru ", "4000", "9161234567"],
            "abc": ["A", "A", "A", "B"],
            "state": ["lost", "regular", "lost", "lost"],
            "findings": [["profile:alike"], [], ["profile:alike", "x"], None],
        }
    )
)
CONTACTS = Attributes(
    ibis.memtable(
        pa.table(
            {
                "customer_id": ["4000", "4000", "9161234567"],
                "a1": ["8 (916) 765-43-21", "8 (916) 765-43-21", "12"],
                "a2": ["b@x.ru", "c@x.ru", "no address"],
            }
        )
    ),
    {"a1": "Phone", "a2": "Mail"},
    phones=("a1",),
    emails=("a2",),
)


def sha(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def lines_of(path: Path) -> list[str]:
    return path.read_text().splitlines()


def export(path: Path, system: str) -> Written:
    return write_audience(ROWS, system, path, attributes=CONTACTS)


@pytest.mark.parametrize(
    ("system", "heading", "phone"),
    [("google", "Email,Phone", "+79161234567"), ("meta", "email,phone", "79161234567")],
)
def test_phones_are_hashed_in_the_form_of_the_system(tmp_path: Path, system: str, heading: str, phone: str) -> None:
    export(tmp_path / "a.csv", system)
    lines = lines_of(tmp_path / "a.csv")
    assert lines[0] == heading
    assert f",{sha(phone)}" in lines
    assert f"{sha('anna@mail.ru')}," in lines


def test_yandex_wants_phones_first_and_without_a_plus(tmp_path: Path) -> None:
    export(tmp_path / "a.csv", "yandex")
    lines = lines_of(tmp_path / "a.csv")
    assert lines[0] == "phone,email"
    assert f"{sha('79161234567')}," in lines


def test_vk_gets_a_file_for_each_kind_without_headings(tmp_path: Path) -> None:
    written = export(tmp_path / "a.txt", "vk")
    assert [path.name for path in written.files] == ["a-emails.txt", "a-phones.txt"]
    assert lines_of(tmp_path / "a-phones.txt") == sorted(sha(phone) for phone in ("79161234567", "79167654321"))


def test_vk_wants_a_heading_in_a_csv_file(tmp_path: Path) -> None:
    written = export(tmp_path / "a.csv", "vk")
    assert [path.name for path in written.files] == ["a-emails.csv", "a-phones.csv"]
    assert all(lines_of(path)[0] == "id" for path in written.files)
    assert lines_of(tmp_path / "a-phones.csv")[1:] == sorted(sha(phone) for phone in ("79161234567", "79167654321"))


def test_a_long_list_takes_no_more_memory_than_a_short_one(tmp_path: Path) -> None:
    def peak(size: int) -> int:
        people = ibis.memtable(pa.table({"customer_id": [f"a{n}@mail.ru" for n in range(size)]}))
        tracemalloc.start()
        written = write_audience(people, "google", tmp_path / f"{size}.csv")
        found = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        assert written.emails == size == len(lines_of(tmp_path / f"{size}.csv")) - 1
        return found

    peak(10)  # what is imported on the way
    assert peak(60_000) < 1.5 * peak(15_000)


def test_no_intermediate_file_stays(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    with pytest.raises(InputError):
        write_audience(ROWS.filter(ROWS.abc == "B"), "google", tmp_path / "none.csv")
    export(tmp_path / "a.csv", "google")
    assert [path.name for path in tmp_path.iterdir()] == ["a.csv"]


def test_what_was_written_and_what_was_not_is_counted(tmp_path: Path) -> None:
    written = export(tmp_path / "a.csv", "google")
    assert (written.customers, written.phones, written.emails) == (4, 2, 3)
    # a card number that looks like a phone is not taken for one
    assert (written.without_contact, written.unreadable) == (1, 2)


def test_no_raw_contact_is_written(tmp_path: Path) -> None:
    for system in ("google", "meta", "yandex", "vk"):
        for path in export(tmp_path / f"{system}.csv", system).files:
            text = path.read_text().lower()
            assert "@" not in text
            assert all(len(cell) == 64 for line in lines_of(path)[1:] for cell in line.split(",") if cell)


def test_lists_are_filters_of_the_table() -> None:
    def ids(list_id: str) -> set[str]:
        return set(people_on(ROWS, list_id).customer_id.to_pyarrow().to_pylist())

    assert ids("abc:A") == {"+79161234567", "Anna@Mail.ru ", "4000"}
    assert ids("state:lost") == {"+79161234567", "4000", "9161234567"}
    assert ids("finding:profile:alike") == {"+79161234567", "4000"}
    for wrong in ("abc", "nothing:x", "rfm:champions"):
        with pytest.raises(InputError, match="no list"):
            people_on(ROWS, wrong)


def test_a_list_without_contacts_is_refused_and_writes_nothing(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="--attributes"):
        write_audience(ROWS.filter(ROWS.abc == "B"), "google", tmp_path / "a.csv")
    with pytest.raises(InputError, match="google"):
        write_audience(ROWS, "bing", tmp_path / "a.csv")
    assert list(tmp_path.iterdir()) == []


def test_only_a_table_of_customers_is_opened(tmp_path: Path) -> None:
    (tmp_path / "x.parquet").write_text("no")
    for name in ("x.parquet", "none.parquet"):
        with pytest.raises(InputError):
            open_customers(tmp_path / name)
