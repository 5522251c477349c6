"""What a member had at the end of any day, as the command prints it."""

import datetime as dt
from contextlib import nullcontext
from zoneinfo import ZoneInfo

import pytest
from django.utils import timezone

from regulars.cli import main
from regulars.customers.models import Customer
from regulars.foundation.models import Business
from regulars.loyalty.ledger import Document, Kind, grant, hold, open_account, release, write_one
from regulars.loyalty.members import points_unit, stamps_unit
from regulars.server import application, config
from tests.loyalty.selling_cases import enrolled, open_store

pytestmark = pytest.mark.django_db
ZONE = ZoneInfo("Asia/Vladivostok")
CARD = "1000000017"


@pytest.fixture
def anna(monkeypatch: pytest.MonkeyPatch) -> Customer:
    """A member of a shop far in the east, on the database that the test has."""
    monkeypatch.setattr(application, "application", lambda _config: nullcontext())
    monkeypatch.setattr(config, "load", lambda: None)
    open_store()
    Business.objects.update(time_zone=ZONE.key)
    return enrolled()


def given(anna: Customer, points: int, at: dt.datetime, *, counter: str = "", **more: dt.datetime) -> None:
    unit = stamps_unit(counter) if counter else points_unit()
    open_account(anna.pk, unit, at=at)
    write_one(Document(unit, Kind.GIFT, "test", f"{at} {counter}", "test", (grant(anna.pk, points, **more),)), at=at)


def printed(
    capsys: pytest.CaptureFixture[str], *arguments: str, code: int = 0, lang: str = "en", command: str = "balance"
) -> list[str]:
    with pytest.raises(SystemExit) as ended:
        main(["ledger", command, *arguments, "--lang", lang])
    assert ended.value.code == code
    shown = capsys.readouterr()
    return [" ".join(line.split()) for line in (shown.err if code else shown.out).splitlines()]


def test_a_day_ends_by_the_clock_of_the_business(anna: Customer, capsys: pytest.CaptureFixture[str]) -> None:
    midnight = dt.datetime(2026, 3, 11, tzinfo=ZONE)
    second = dt.timedelta(seconds=1)
    given(anna, 100, midnight - second, available_at=midnight + second)
    given(anna, 7, midnight - 2 * second)
    given(anna, 20, midnight)
    given(anna, 3, midnight, counter="Coffee")
    hold(anna.pk, points_unit(), 5, key="b", at=midnight - second, until=midnight + dt.timedelta(days=9))
    release("b", at=midnight + second)
    title = "Unit Can be spent Held Pending Past their day Owes"
    coffee = "Coffee {} 0 0 0 0".format
    assert printed(capsys, CARD, "--on", "2026-03-09") == [title, "Points 0 0 0 0 0", coffee(0)]
    assert printed(capsys, CARD, "--on", "10.03.2026") == [title, "Points 2 5 100 0 0", coffee(0)]
    assert printed(capsys, CARD, "--on", "2026-03-11") == [title, "Points 127 0 0 0 0", coffee(3)]
    assert printed(capsys, CARD) == [title, "Points 127 0 0 0 0", coffee(3)]
    russian = printed(capsys, CARD, "--on", "2026-03-10", lang="ru")
    assert russian[0] == "Единица Доступно Удержано Ожидают Срок вышел Долг"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("4242",), "No member has the card 4242."),
        (("[red]",), "'[red]' does not."),
        ((CARD, "--on", "2026-31-01"), "'2026-31-01' is not a day."),
        ((CARD, "--on", "2999-01-01"), "Jan 1, 2999 is still to come."),
        ((CARD, "--on", "9999-12-31"), "is still to come."),
    ],
)
def test_who_or_what_is_not_known_is_told(
    anna: Customer, capsys: pytest.CaptureFixture[str], arguments: tuple[str, ...], said: str
) -> None:
    assert said in " ".join(printed(capsys, *arguments, code=2))


def test_position_and_balance_mean_the_same_last_moment_of_a_day(
    anna: Customer, capsys: pytest.CaptureFixture[str]
) -> None:
    midnight = dt.datetime(2026, 3, 11, tzinfo=ZONE)
    given(anna, 100, midnight - dt.timedelta(microseconds=1))
    given(anna, 7, midnight)
    for day, points in (("2026-03-10", 100), ("2026-03-11", 107)):
        assert printed(capsys, CARD, "--on", day)[1] == f"Points {points} 0 0 0 0"
        assert printed(capsys, "--on", day, command="position")[-1] == f"Points {points} {points} 0 0 0 0 0 0"
    assert "Jan 1, 2999 is still to come." in " ".join(
        printed(capsys, "--on", "2999-01-01", command="position", code=2)
    )


def test_the_first_day_of_all_and_today_are_days(anna: Customer, capsys: pytest.CaptureFixture[str]) -> None:
    given(anna, 7, timezone.now() - dt.timedelta(days=1))
    assert printed(capsys, CARD, "--on", "0001-01-01")[1] == "Points 0 0 0 0 0"
    assert printed(capsys, CARD, "--on", timezone.now().astimezone(ZONE).date().isoformat())[1] == "Points 7 0 0 0 0"


def test_a_customer_who_is_no_member_has_no_balance(anna: Customer, capsys: pytest.CaptureFixture[str]) -> None:
    anna.contacts.update(customer=Customer.objects.create(name="Boris"))
    assert "No member has the card" in " ".join(printed(capsys, CARD, code=2))
