"""Who bought: telephone numbers in one form, codes as they are, nobody as nobody."""

from pathlib import Path

import phonenumbers
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from regulars import InputError, read_purchases
from regulars.core.progress import Silent
from regulars.ingest.engine import Engine
from regulars.ingest.phones import normalise, quick_sql, region_form
from regulars.ingest.workspace import Workspace
from tests.ingest.tables import TODAY, notices, write, write_parquet, write_xlsx


def customers(folder: Path, *written: str, heading: str = "Телефон", region: str = "RU") -> list[str | None]:
    """What becomes of these keys, in their order."""
    text = f"{heading};Дата;Сумма\n" + "".join(f'"{key}";05.01.2024;{n + 1}\n' for n, key in enumerate(written))
    history = read_purchases(write(folder / "a.csv", text), today=TODAY, region=region)
    rows = sorted(history.lines.to_pyarrow().to_pylist(), key=lambda row: row["amount"])
    return [row["customer_id"] for row in rows]


FORMS = [
    "+79161234567",
    "79161234567",
    "89161234567",
    "9161234567",
    "8 (916) 123-45-67",
    "+7 916 123 45 67",
    "8-916-123-45-67",
    "79161234567.0",
    "79161234567,0",
    "7.9161234567E+10",
    "7,9161234567E+10",
    " 8 916 123-45-67 ",
    "тел. 8 916 123-45-67",
    "8 916 123-45-67 доб. 12",
    "8 916 123-45-67 Пётр",
    "8 916 123-45-67, 8 903 111-22-33",
    "8 916 123-45-67 / 8 903 111-22-33",
    "89161234567 89031112233",
    "123; 8 916 123-45-67",
]


def test_one_telephone_in_every_form_is_one_customer(tmp_path: Path) -> None:
    assert customers(tmp_path, *FORMS) == ["+79161234567"] * len(FORMS)


def test_numbers_of_other_countries(tmp_path: Path) -> None:
    good = ["8 916 123-45-67", "8 903 111-22-33"]
    assert customers(tmp_path, *good, "+7 701 123 45 67", "87011234567", "375291234567", "+1 415 555 2671")[2:] == [
        "+77011234567",
        "+77011234567",
        "+375291234567",
        "+14155552671",
    ]
    assert customers(tmp_path, "(415) 555-2671", "415-555-2672", heading="Phone", region="US") == [
        "+14155552671",
        "+14155552672",
    ]


def test_what_is_no_number_stays_as_it_is_and_is_counted(tmp_path: Path) -> None:
    written = [
        "8 916 123-45-67",
        "8 903 111-22-33",
        "8 905 111-22-33",
        "555-12-34",
        "7,91612E+10",
        "a@b.ru",
        "+7 916 12",
    ]
    assert customers(tmp_path, *written)[3:] == ["555-12-34", "7,91612E+10", "a@b.ru", "+7 916 12"]
    history = read_purchases(tmp_path / "a.csv", today=TODAY)
    assert notices(history)["invalid_phones"] == 3


def test_phones_are_recognised_by_their_look_under_any_heading(tmp_path: Path) -> None:
    assert customers(tmp_path, "8 916 123-45-67", "89031112233", heading="Клиент") == ["+79161234567", "+79031112233"]


def test_codes_are_kept_as_they_are(tmp_path: Path) -> None:
    written = ["00123", "A-1", "4276 1234", "é", "12345678901234567890", " x "]
    assert customers(tmp_path, *written, heading="Карта") == [
        "00123",
        "A-1",
        "4276 1234",
        "é",
        "12345678901234567890",
        "x",
    ]


def test_numbers_of_excel_become_codes_again(tmp_path: Path) -> None:
    written = ["12345.0", "12346", "1.2347E+4", "12348,00"]
    assert customers(tmp_path, *written, heading="Карта") == ["12345", "12346", "12347", "12348"]


def test_a_code_that_only_looks_like_a_number_of_excel_is_kept(tmp_path: Path) -> None:
    assert customers(tmp_path, "A1", "B2", "C3", "12345.0", heading="Карта")[3] == "12345.0"


NOBODY = [
    "",
    "-",
    "0",
    "0.0",
    "000000",
    "нет",
    "НЕТ",
    "Без карты",
    "NULL",
    "n/a",
    "Unknown",
    "Розничный покупатель",
    "—",
]


def test_what_stands_for_nobody_is_nobody(tmp_path: Path) -> None:
    assert customers(tmp_path, "7001", *NOBODY, heading="Карта") == ["7001"] + [None] * len(NOBODY)
    history = read_purchases(tmp_path / "a.csv", today=TODAY)
    assert history.reading.rows_without_customer == len(NOBODY)
    assert notices(history)["without_customer"] == len(NOBODY)


def test_a_workbook_and_parquet_keep_codes_and_phones_too(tmp_path: Path) -> None:
    import datetime as dt

    headings = ("Телефон", "Дата", "Сумма")
    day = dt.datetime(2024, 1, 5)
    rows = [(79161234567, day, 1.0), (79031112233, day, 2.0)]
    text = [("8 (916) 123-45-67", day, 1.0), ("89031112233", day, 2.0)]
    for path in (
        write_xlsx(tmp_path / "a.xlsx", rows, headings=headings),
        write_parquet(tmp_path / "a.parquet", rows, headings=headings),
        write_parquet(tmp_path / "f.parquet", [(float(row[0]), *row[1:]) for row in rows], headings=headings),
        write_parquet(tmp_path / "t.parquet", text, headings=headings),
    ):
        history = read_purchases(path, today=TODAY)
        assert set(history.lines.customer_id.to_pyarrow().to_pylist()) == {"+79161234567", "+79031112233"}, path


def test_an_unknown_region_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="There is no region 'XX'"):
        customers(tmp_path, "1", region="XX")


REGIONS = ("RU", "KZ", "BY", "US", "UA", "DE")


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Engine:
    return Engine.open(Workspace(tmp_path_factory.mktemp("w")), Silent(), "1GB")


@settings(max_examples=30)
@given(
    st.sampled_from(REGIONS),
    st.lists(st.from_regex(r"\A(\+|8|7|0|1|49)?[\d ()-]{6,14}\Z"), min_size=20, max_size=20, unique=True),
    st.lists(st.integers(0, 999_999), min_size=5, max_size=5),
)
def test_the_quick_pattern_says_what_phonenumbers_says(
    engine: Engine, region: str, texts: list[str], tails: list[int]
) -> None:
    example = phonenumbers.example_number_for_type(region, phonenumbers.PhoneNumberType.MOBILE)
    national = str(example.national_number)
    for tail in tails:
        number = national[:-6] + f"{tail:06}"
        texts += [
            number,
            f"+{example.country_code}{number}",
            f"{example.country_code}{number}",
            f"8{number}",
            f"0{number}",
        ]
    form = region_form(region)
    rows = engine.connection.execute(
        f"SELECT x, {quick_sql('x', form)} FROM (SELECT unnest($1::VARCHAR[]) AS x)", [texts]
    ).fetchall()
    assert [(text, quick) for text, quick in rows if quick is not None and quick != normalise(text, region)] == []
