"""The pages of the audit and Today: they open for whom they are, in both languages, and break no policy."""

import datetime as dt
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pytest
from django.test import Client
from django.utils import timezone

from regulars.accounts.models import User
from regulars.analytics.purchases import History, connect
from regulars.analytics.rollup import roll_up
from regulars.customers.models import Customer, Erasure, Likeness
from regulars.foundation.models import Business
from regulars.insights.models import AuditRun, Score
from regulars.insights.periods import Days, days_of, figures_of, ranges_of
from regulars.insights.results import index_of, periods_of
from regulars.insights.selectors.flows import NOBODY, flows
from regulars.insights.selectors.people import people_list
from regulars.insights.selectors.periods import figures_between
from regulars.insights.selectors.today import score_of, what_to_do
from regulars.insights.services.audits import first_weekday
from regulars.purchases.models import Import

pytestmark = pytest.mark.django_db

PAGES = ("/", "/insights/", "/insights/business/", "/insights/business/?period=last_year",
         "/insights/business/?period=last_week", "/insights/compare/", "/insights/audits/",
         "/insights/people/state:slipping/", "/segments/", "/segments/new/")  # fmt: skip


@pytest.mark.parametrize("language", ["ru", "en"])
@pytest.mark.parametrize("path", PAGES)
def test_pages_open_in_both_languages(
    run: AuditRun, client: Client, user: Callable[..., User], path: str, language: str
) -> None:
    owner = user("owner")
    User.objects.filter(pk=owner.pk).update(language=language)
    client.force_login(owner)
    response = client.get(path)
    text = response.content.decode()
    assert response.status_code == 200
    assert f'lang="{language}"' in text
    assert " style=" not in text
    assert "<script>" not in text


def test_all_chapters_open(run: AuditRun, client: Client, user: Callable[..., User]) -> None:
    client.force_login(user("owner"))
    for part in index_of(run, "en").parts:
        for chapter in part.chapters:
            text = client.get(f"/insights/chapter/{chapter.id}/").content.decode()
            assert chapter.question in text.replace("&#39;", "'")
            assert " style=" not in text
    assert client.get("/insights/chapter/nothing/").status_code == 404


@pytest.mark.parametrize("path", PAGES[1:8])
def test_a_cashier_sees_no_money(run: AuditRun, client: Client, user: Callable[..., User], path: str) -> None:
    client.force_login(user("cashier"))
    assert client.get(path).status_code == 403


def test_without_an_audit_the_page_teaches(business: object, client: Client, user: Callable[..., User]) -> None:
    client.force_login(user("owner"))
    assert "Run the audit now" in client.get("/insights/").content.decode()
    assert client.get("/insights/business/").status_code == 200
    assert client.get("/insights/compare/").status_code == 200
    assert "Begin with the file" in client.get("/").content.decode()


def test_an_audit_is_started_with_a_right_and_a_post(
    business: object, client: Client, user: Callable[..., User]
) -> None:
    client.force_login(user("manager"))
    assert client.post("/insights/audits/start/").status_code == 403
    assert not AuditRun.objects.exists()
    client.force_login(user("analyst"))
    assert client.get("/insights/audits/start/").status_code == 405
    client.post("/insights/audits/start/")
    assert AuditRun.objects.get().state == "waiting"
    assert "waits for the worker" in client.get("/insights/audits/state/").content.decode()


def test_two_audits_stand_side_by_side(run: AuditRun, client: Client, user: Callable[..., User]) -> None:
    newer = AuditRun.objects.create(state="done", as_of=run.as_of, folder=run.folder, headlines=run.headlines)
    client.force_login(user("owner"))
    page = client.get(f"/insights/compare/?older={run.pk}&newer={newer.pk}").content.decode()
    moved = flows(run, newer)
    lost = run.headlines["states"]["lost"]["customers"]
    assert moved is not None
    assert moved.count("lost", "lost") == lost > 0
    assert moved.count("lost", "regular") == 0
    assert f">{lost}</a>" in page
    for headline in ("Revenue of the whole history", "Receipts", "Customers", "Slipping", "Lost last year",
                     "All opportunities together", "Revenue of the last period"):  # fmt: skip
        assert f'<th scope="row">{headline}</th>' in page, headline
    for state in run.headlines["states"]:
        assert sum(moved.counts.get(state, {}).values()) == run.headlines["states"][state]["customers"]
    listed = people_list(f"flow:{run.pk}:{newer.pk}:lost:lost")
    assert listed is not None
    assert listed.people.count() == lost
    assert client.get(f"/insights/people/{listed.id}/").status_code == 200
    assert client.get(f"/insights/people/flow:{run.pk}:0:lost:lost/").status_code == 404
    assert client.get("/insights/compare/?older=x").status_code == 404


def test_customers_who_are_not_known_any_more_are_counted(run: AuditRun, audited: Path) -> None:
    engine = connect()
    (audited / "fewer").mkdir(exist_ok=True)
    whole = engine.read_parquet(str(audited / "made" / "customers.parquet"))
    whole.filter(whole.customer_id != "1").to_parquet(audited / "fewer" / "customers.parquet")
    newer = AuditRun.objects.create(state="done", as_of=run.as_of, folder="fewer", headlines=run.headlines)
    moved = flows(run, newer)
    assert moved is not None
    assert moved.gone
    assert sum(after.get(NOBODY, 0) for after in moved.counts.values()) == 1


def test_today_says_whom_to_contact_most_money_first(run: AuditRun, user: Callable[..., User]) -> None:
    found = what_to_do(user("owner"), most=5)
    gains = [one.gain for one in found]
    assert len(found) == 5
    assert gains == sorted(gains, reverse=True)
    assert all(one.title and one.why for one in found)
    quiet = found[0].customer
    marketer = user("marketer")
    Customer.objects.filter(pk=quiet.pk).update(is_quiet=True)
    assert quiet.pk not in [one.customer.pk for one in what_to_do(marketer)]
    Customer.objects.filter(pk=quiet.pk).update(quiet_until=timezone.now().date() + dt.timedelta(days=3))
    assert quiet.pk not in [one.customer.pk for one in what_to_do(marketer)]
    Customer.objects.filter(pk=quiet.pk).update(quiet_until=timezone.now().date() - dt.timedelta(days=3))
    assert quiet.pk in [one.customer.pk for one in what_to_do(marketer)], "the time of peace is over"


def test_a_manager_gets_own_customers_to_contact(run: AuditRun, user: Callable[..., User]) -> None:
    manager = user("manager")
    Customer.objects.update(owner=user("owner"))
    mine = Score.objects.filter(opportunity_amount__gt=0).first()
    assert mine is not None
    Customer.objects.filter(pk=mine.pk).update(owner=manager)
    assert [one.customer.pk for one in what_to_do(manager)] == [mine.pk]


def test_today_shows_what_waits_to_whom_it_concerns(run: AuditRun, client: Client, user: Callable[..., User]) -> None:
    Import.objects.create(kind="purchases", state="failed", file_name="<b>sales</b>.xlsx", digest="1")
    Erasure.objects.create(customer_id=1, asked_on="2026-01-01", due_on="2026-01-31", asked_by="letter")
    AuditRun.objects.create(state="failed", error="There are no purchases.")
    client.force_login(user("owner"))
    page = client.get("/").content.decode()
    assert "sales" in page
    assert "<b>sales" not in page
    assert "Erase the data of Customer 1" in page
    assert "There are no purchases." in page
    client.force_login(user("manager"))
    assert "sales" not in client.get("/").content.decode()


def test_what_the_audit_says_of_a_customer_is_said_in_words(run: AuditRun) -> None:
    score = Score.objects.filter(state="slipping", visit_period_days__isnull=False).first()
    assert score is not None
    said = score_of(score.customer)
    assert said is not None
    assert said.state == "Slipping"
    assert said.next_on is not None
    lost = Score.objects.filter(state="lost", visit_period_days__isnull=False).first()
    assert lost is not None
    assert score_of(lost.customer).next_on is None  # type: ignore[union-attr]
    assert score_of(Customer.objects.create(pk=9001)) is None


def test_the_card_says_what_the_audit_says_to_whom_may_see_purchases(
    run: AuditRun, client: Client, user: Callable[..., User]
) -> None:
    score = Score.objects.filter(state="lost", opportunity="win_back_lost").first()
    assert score is not None
    client.force_login(user("owner"))
    page = client.get(f"/customers/{score.pk}/").content.decode()
    assert "Win back the lost" in page
    assert 'id="audit"' in page
    client.force_login(user("cashier"))
    page = client.get(f"/customers/{score.pk}/").content.decode()
    assert "Win back the lost" not in page
    assert 'id="audit"' not in page


def test_pairs_that_may_be_one_person_wait_for_whom_may_merge(
    run: AuditRun, client: Client, user: Callable[..., User]
) -> None:
    Likeness.objects.create(first_id=1, second_id=2, score=80)
    client.force_login(user("marketer"))
    assert "1 pair may be one person" in client.get("/").content.decode()
    client.force_login(user("manager"))
    assert "may be one person" not in client.get("/").content.decode()


def test_the_owner_asks_for_any_days(run: AuditRun, client: Client, user: Callable[..., User]) -> None:
    client.force_login(user("owner"))
    found = periods_of(run)["last_month"]
    first, last = found["days"]
    between = figures_between(run, dt.date.fromisoformat(first), dt.date.fromisoformat(last))
    assert between["now"] == found["now"]
    assert figures_between(run, dt.date.fromisoformat(first), dt.date.fromisoformat(last)) == between  # remembered
    page = client.get(f"/insights/business/?period=own&from={first}&to={last}").content.decode()
    assert f'value="{first}"' in page
    assert f"/insights/people/bought:{first}:{last}/" in page


@pytest.mark.parametrize(
    "dates",
    ["from=&to=", "from=x&to=2025-01-01", "from=2025-10-01&to=2025-09-01", "from=1900-01-01&to=2025-09-01",
     "from=2025-09-01&to=2999-01-01", "from=2025-09-01", "from=2025-09-01&to=" + "9" * 500],
)  # fmt: skip
def test_wrong_days_are_named(run: AuditRun, client: Client, user: Callable[..., User], dates: str) -> None:
    client.force_login(user("owner"))
    response = client.get(f"/insights/business/?period=own&{dates}")
    assert response.status_code == 422
    assert 'role="alert"' in response.content.decode()


def test_a_week_begins_where_the_business_is() -> None:
    wednesday = dt.date(2026, 3, 11)
    assert ranges_of("this_week", wednesday)[0] == (dt.date(2026, 3, 9), wednesday)
    assert ranges_of("this_week", wednesday, week_starts=6)[0] == (dt.date(2026, 3, 8), wednesday)
    assert ranges_of("last_week", wednesday) == (
        (dt.date(2026, 3, 2), dt.date(2026, 3, 8)), (dt.date(2026, 2, 23), dt.date(2026, 3, 1)),
    )  # fmt: skip
    # a week that is not over stands beside as many days of the one before
    assert ranges_of("this_week", wednesday)[1] == (dt.date(2026, 3, 2), dt.date(2026, 3, 4))


@pytest.mark.parametrize(("region", "language", "day"), [("RU", "ru", 0), ("US", "en", 6), ("ZZ", "ru", 0)])
def test_the_first_day_of_the_week_is_that_of_the_country(
    business: Business, region: str, language: str, day: int
) -> None:
    Business.objects.update(region=region, language=language)
    assert first_weekday() == day


def test_days_of_returns_and_of_nothing_have_honest_figures() -> None:
    rows = [
        ("a", "2026-01-01", 100), ("a", "2026-01-05", -300), ("b", "2026-01-05", 50), (None, "2026-01-06", 70),
        ("a", "2026-01-20", 10),
    ]  # fmt: skip
    lines = pa.table(
        {
            "customer_id": [row[0] for row in rows],
            "purchased_at": [dt.datetime.fromisoformat(f"{row[1]}T12:00:00") for row in rows],
            "amount": [row[2] for row in rows],
        }
    )
    history = History.of_table(connect().create_table("odd", lines), currency="RUB")
    rollup = roll_up(history, as_of=dt.date(2026, 1, 31))
    days = Days(days_of(rollup), rollup.first_day, rollup.as_of)
    first, fifth, sixth, last = (dt.date(2026, 1, day) for day in (1, 5, 6, 31))
    now = figures_of(days, (fifth, sixth), (first, dt.date(2026, 1, 4)))
    assert now["now"] == {
        "revenue": -180, "receipts": 2, "known_revenue": -250, "known_receipts": 1, "items": 1,
        "customers": 1, "new": 1,
    }  # fmt: skip
    assert now["movement"] == {"returned": 0, "stopped": 1}  # a return is no visit
    nothing = figures_of(days, (dt.date(2026, 1, 25), last), (dt.date(2026, 1, 18), dt.date(2026, 1, 24)))
    assert set(nothing["now"].values()) == {0}
    assert nothing["movement"]["stopped"] == 1
