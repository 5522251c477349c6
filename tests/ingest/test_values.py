"""Dates, times and numbers in every form that people and programs write."""

from pathlib import Path

import pytest

from regulars import ColumnProblem, read_purchases
from regulars.analytics.purchases import History
from tests.ingest.tables import TODAY, lines, notices, write

HEAD = "customer;date;amount;quantity\n"


def read_dates(folder: Path, *dates: str, region: str = "RU") -> History:
    text = HEAD + "".join(f'c{n};"{date}";1;1\n' for n, date in enumerate(dates))
    return read_purchases(write(folder / "dates.csv", text), today=TODAY, accept_rejects=True, region=region)


def read_amounts(folder: Path, *amounts: str, region: str = "RU") -> list[int]:
    text = HEAD + "".join(f'c{n};2024-01-{n + 1:02};"{amount}";1\n' for n, amount in enumerate(amounts))
    history = read_purchases(write(folder / "amounts.csv", text), today=TODAY, accept_rejects=True, region=region)
    return [row["amount"] for row in lines(history)]


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("05.01.2024", "2024-01-05 00:00:00"),
        ("5.1.2024", "2024-01-05 00:00:00"),
        ("05.01.2024 9:05:07", "2024-01-05 09:05:07"),
        ("05.01.2024 09:05", "2024-01-05 09:05:00"),
        ("05.01.2024, 09:05:07", "2024-01-05 09:05:07"),
        ("05.01.24", "2024-01-05 00:00:00"),
        ("05.01.98", "1998-01-05 00:00:00"),
        ("05.01.24 23:59", "2024-01-05 23:59:00"),
        ("2024-01-05", "2024-01-05 00:00:00"),
        ("2024-01-05T09:05:07", "2024-01-05 09:05:07"),
        ("2024-01-05T09:05:07Z", "2024-01-05 09:05:07"),
        ("2024-01-05T09:05:07+03:00", "2024-01-05 09:05:07"),
        ("2024-01-05 09:05:07 +0300", "2024-01-05 09:05:07"),
        ("2024-01-05 09:05:07.250", "2024-01-05 09:05:07.250000"),
        ("2024/01/05 9:05", "2024-01-05 09:05:00"),
        ("2024.01.05", "2024-01-05 00:00:00"),
        ("20240105", "2024-01-05 00:00:00"),
        ("20240105090507", "2024-01-05 09:05:07"),
        ("45296", "2024-01-05 00:00:00"),
        ("45296.5", "2024-01-05 12:00:00"),
        ("45296,378553241", "2024-01-05 09:05:07"),
        ("5 января 2024 г.", "2024-01-05 00:00:00"),
        ("5 янв. 2024 09:05", "2024-01-05 09:05:00"),
        ("12 мая 2024", "2024-05-12 00:00:00"),
        ("05-Jan-2024", "2024-01-05 00:00:00"),
        ("Jan 5, 2024", "2024-01-05 00:00:00"),
        ("25/12/2023 3:04 PM", "2023-12-25 15:04:00"),
        (" 05.01.2024\u00a010:00 ", "2024-01-05 10:00:00"),
    ],
)
def test_dates(written: str, meant: str, tmp_path: Path) -> None:
    assert [str(row["purchased_at"]) for row in lines(read_dates(tmp_path, written))] == [meant]


@pytest.mark.parametrize("written", ["31.02.2024", "2024-13-01", "24.05", "99999999", "2024", "вчера", "00.00.0000"])
def test_what_is_no_date_is_rejected(written: str, tmp_path: Path) -> None:
    good = [f"2024-01-{n:02}" for n in range(1, 9)]
    history = read_dates(tmp_path, *good, written)
    assert history.reading.reject_reasons == {"bad_date": 1}
    assert history.reading.rows_accepted == 8


def test_dates_before_1970_and_after_today_are_rejected(tmp_path: Path) -> None:
    history = read_dates(tmp_path, "2024-01-05", "1969-12-31", "0001-01-01", "2024-12-31 23:59", "2025-01-01")
    assert history.reading.reject_reasons == {"impossible_date": 2, "future_date": 1}


def test_dates_ahead_do_not_count_towards_too_many_rejects(tmp_path: Path) -> None:
    text = HEAD + "a;2024-01-05;1;1\nb;2030-01-05;1;1\nc;2030-01-06;1;1\n"
    history = read_purchases(write(tmp_path / "a.csv", text), today=TODAY)
    assert (history.reading.rows_accepted, history.reading.reject_reasons) == (1, {"future_date": 2})


def test_one_date_settles_day_or_month_first_for_the_whole_column(tmp_path: Path) -> None:
    day = read_dates(tmp_path, "05/03/2024", "06/03/2024", "25/03/2024")
    month = read_dates(tmp_path, "05/03/2024", "06/03/2024", "03/25/2024")
    assert [row["purchased_at"].month for row in lines(day)] == [3, 3, 3]
    assert sorted(row["purchased_at"].month for row in lines(month)) == [3, 5, 6]


def test_a_date_far_down_the_file_settles_the_order_too(tmp_path: Path) -> None:
    early = "".join(f"c{n};05/03/2024;1;1\n" for n in range(30_000))
    history = read_purchases(write(tmp_path / "a.csv", HEAD + early + "x;03/25/2024;1;1\n" + early), today=TODAY)
    assert {row["purchased_at"].month for row in lines(history)} == {3, 5}


def test_files_of_one_folder_settle_the_order_together(tmp_path: Path) -> None:
    write(tmp_path / "in" / "1.csv", HEAD + "a;05/03/2024;1;1\n")
    write(tmp_path / "in" / "2.csv", HEAD + "a;25/03/2024;1;1\n")
    assert [row["purchased_at"].month for row in lines(read_purchases(tmp_path / "in", today=TODAY))] == [3, 3]


@pytest.mark.parametrize(("region", "month"), [("RU", 3), ("DE", 3), ("US", 5)])
def test_when_nothing_settles_the_order_the_region_does_and_a_notice_says_so(
    region: str, month: int, tmp_path: Path
) -> None:
    history = read_dates(tmp_path, "05/03/2024", region=region)
    assert lines(history)[0]["purchased_at"].month == month
    assert notices(history)["ambiguous_dates"] == 1


def test_dates_that_contradict_each_other_stop_the_reading(tmp_path: Path) -> None:
    with pytest.raises(ColumnProblem, match="25/03/2024 can only be day first, 03/26/2024 can only be month first"):
        read_dates(tmp_path, "05/03/2024", "25/03/2024", "03/26/2024")


def test_one_stray_contradiction_among_many_is_a_broken_date(tmp_path: Path) -> None:
    history = read_dates(tmp_path, *["25/03/2024"] * 200, "03/26/2024")
    assert history.reading.reject_reasons == {"bad_date": 1}


def test_two_ways_to_write_dates_in_one_column_are_both_understood(tmp_path: Path) -> None:
    history = read_dates(tmp_path, "05.01.2024 10:00", "2024-02-05", "06.01.2024")
    assert [str(row["purchased_at"].date()) for row in lines(history)] == ["2024-01-05", "2024-01-06", "2024-02-05"]
    assert notices(history)["mixed_dates"] == 1


def test_date_and_time_in_two_columns_are_joined(tmp_path: Path) -> None:
    text = (
        "Карта;Дата;Время;Сумма\n1;05.01.2024;9:05;1\n2;06.01.2024;23:59:59;1\n3;07.01.2024;;1\n"
        "4;08.01.2024;3:04:05 PM;1\n5;09.01.2024;09:00;1\n"
    )
    history = read_purchases(write(tmp_path / "a.csv", text), today=TODAY)
    assert [str(row["purchased_at"]) for row in lines(history)] == [
        "2024-01-05 09:05:00",
        "2024-01-06 23:59:59",
        "2024-01-07 00:00:00",
        "2024-01-08 15:04:05",
        "2024-01-09 09:00:00",
    ]
    assert (history.reading.columns["purchased_at"], history.reading.columns["purchased_time"]) == ("Дата", "Время")


def test_a_time_that_cannot_be_read_is_rejected_with_its_own_reason(tmp_path: Path) -> None:
    rows = "".join(f"{n};05.01.2024;9:{n:02};1\n" for n in range(1, 40))
    path = write(tmp_path / "a.csv", f"Карта;Дата;Время;Сумма\n{rows}99;05.01.2024;утро;1\n")
    assert read_purchases(path, today=TODAY).reading.reject_reasons == {"bad_time": 1}


@pytest.mark.parametrize(
    ("written", "kopecks"),
    [
        ("1234.5", 123450),
        ("1234,5", 123450),
        ("1 234,50", 123450),
        ("1\u00a0234,50 ₽", 123450),
        ("1\u202f234.50", 123450),
        ("1'234.50", 123450),
        ("1’234,50", 123450),
        ("1,234.50", 123450),
        ("1.234,50", 123450),
        ("1,234,567", 123456700),
        ("1.234.567,89", 123456789),
        ("12,5 руб.", 1250),
        ("12 руб", 1200),
        ("15р.", 1500),
        ("$4.50", 450),
        ("-$1.00", -100),
        ("($1.00)", -100),
        ("(123.45)", -12345),
        ("123,45-", -12345),
        ("−5", -500),
        ("+7", 700),
        ("1.5E+3", 150000),
        (",5", 50),
        ("0.285", 29),
        ("0.30000000000000004", 30),
        ("-0", 0),
    ],
)
def test_amounts(written: str, kopecks: int, tmp_path: Path) -> None:
    assert read_amounts(tmp_path, written) == [kopecks]


@pytest.mark.parametrize("written", ["бесплатно", "1.5.2", "12-34", "inf", "nan", "0x10", "1e400", "99999999999999999"])
def test_what_is_no_amount_is_rejected(written: str, tmp_path: Path) -> None:
    good = ["1"] * 9
    text = HEAD + "".join(f"c{n};2024-01-05;{amount};1\n" for n, amount in enumerate([*good, written]))
    history = read_purchases(write(tmp_path / "a.csv", text), today=TODAY, accept_rejects=True)
    assert history.reading.reject_reasons == {"bad_amount": 1}


def test_three_digits_behind_a_lone_comma_are_read_as_the_rest_of_the_column_writes(tmp_path: Path) -> None:
    assert read_amounts(tmp_path, "1,234", "5.50", "7.25") == [123400, 550, 725]
    assert read_amounts(tmp_path, "1,234", "5,50", "7,25") == [123, 550, 725]
    assert read_amounts(tmp_path, "1,234", region="US") == [123400]


def test_three_digits_behind_a_lone_dot_are_thousands_where_dots_part_thousands(tmp_path: Path) -> None:
    assert read_amounts(tmp_path, "1.234", "1.234,50", "2,25") == [123400, 123450, 225]


def test_weights_with_three_decimals_are_not_thousands(tmp_path: Path) -> None:
    text = "Карта;Дата;Сумма;Количество\n1;05.01.2024;10,50;0,350\n2;05.01.2024;10,50;1,250\n"
    history = read_purchases(write(tmp_path / "a.csv", text), today=TODAY)
    assert [row["quantity"] for row in lines(history)] == [0.35, 1.25]


@pytest.mark.parametrize(
    ("heading", "amount", "region", "currency"),
    [
        ("Сумма, руб.", "1", "US", "RUB"),
        ("Amount", "$1.50", "RU", "USD"),
        ("Amount (EUR)", "1", "RU", "EUR"),
        ("Сумма", "1 ₸", "RU", "KZT"),
        ("Amount", "1", "US", "USD"),
        ("Сумма", "1", "RU", "RUB"),
        ("Amount", "1", "JP", "JPY"),
    ],
)
def test_the_currency_is_read_off_the_signs_else_off_the_region(
    heading: str, amount: str, region: str, currency: str, tmp_path: Path
) -> None:
    path = write(tmp_path / "a.csv", f"customer;date;{heading}\na;2024-01-05;{amount}\n")
    history = read_purchases(path, today=TODAY, region=region)
    assert history.currency == currency
    assert ("guessed_currency" in notices(history)) == (heading in ("Amount", "Сумма") and amount == "1")


def test_minor_units_are_those_of_the_currency(tmp_path: Path) -> None:
    path = write(tmp_path / "a.csv", "customer;date;amount\na;2024-01-05;1234,5\n")
    assert lines(read_purchases(path, today=TODAY, currency="RUB"))[0]["amount"] == 123450
    assert lines(read_purchases(path, today=TODAY, currency="JPY"))[0]["amount"] == 1235
    assert lines(read_purchases(path, today=TODAY, currency="kwd"))[0]["amount"] == 1234500


def test_amounts_in_two_currencies_are_refused(tmp_path: Path) -> None:
    path = write(tmp_path / "a.csv", "customer;date;amount\na;2024-01-05;$5\nb;2024-01-05;€5\n")
    with pytest.raises(ColumnProblem, match="EUR, USD"):
        read_purchases(path, today=TODAY)
