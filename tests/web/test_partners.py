"""The pages of the coalition, and what everybody sees of it."""

import csv
import datetime as dt
import html
import io
import re

import pytest
from django.test import Client
from django.utils import timezone

from regulars.accounts.models import LogEntry
from regulars.loyalty.models import Contract, Partner, Statement
from regulars.loyalty.partners import Terms
from regulars.loyalty.settling import close_days, make_statement
from tests.loyalty.coalition_cases import contract, later, partner, today
from tests.loyalty.selling_cases import RULES, enrolled, open_shop, order, publish_in_the_past, sell
from tests.web.people import logged_in, make_user

pytestmark = pytest.mark.django_db
BOOKS = "/programme/partners/of/books/"
TERMS = {"issue_price": "900.50", "redeem_price": "700", "settled_after_days": "14", "most_issued_a_day": "5000"}


@pytest.fixture
def owner() -> Client:
    open_shop(rules=RULES["rules"][1:])
    return logged_in(make_user("owner"))


def text_of(client: Client, address: str, status: int = 200) -> str:
    answer = client.get(address)
    assert answer.status_code == status
    return html.unescape(answer.content.decode())


def test_an_owner_adds_a_partner_and_agrees_on_a_contract(owner: Client) -> None:
    assert "worth something elsewhere too" in text_of(owner, "/programme/partners/")
    added = owner.post("/programme/partners/add/", {"name": "<b>Book Yard", "slug": "books"})
    assert added.headers["Location"] == BOOKS
    page = text_of(owner, BOOKS)
    assert "Nothing is agreed yet" in page
    assert "<b>Book" not in owner.get(BOOKS).content.decode()
    agreed = owner.post(f"{BOOKS}contract/", TERMS | {"begins_on": today().isoformat()})
    assert agreed.status_code == 302
    made = Contract.objects.get()
    assert (made.issue_price, made.redeem_price, made.settled_after_days) == (90_050, 70_000, 14)
    assert (made.most_issued_a_day, made.most_issued_a_month, made.currency) == (5_000, None, "RUB")
    page = text_of(owner, BOOKS)
    assert "₽900.50" in page
    assert "valid now" in page
    assert "buy goods for ₽1,000.00 elsewhere" in page, "points that cost less than they buy are told of"
    assert "buy goods for" in text_of(owner, "/programme/"), "and beside the rules that say what they buy"
    assert set(LogEntry.objects.values_list("event", flat=True)) >= {"partner_added", "contract_agreed"}


def test_the_page_says_the_rules_at_its_tills_and_marks_its_own(owner: Client) -> None:
    partner("books", "till:7", name="Book Yard")
    partner("coffee", "till:8")
    text = {"kind": "percent_off", "percent": 7}
    own = {"id": "own", "title": "<b>Readers", "gives": text, "when": {"is": "partner", "any_of": ["books"]}}
    other = own | {"id": "other", "title": "Drinkers", "when": {"is": "partner", "any_of": ["coffee"]}}
    secret = own | {"id": "code", "title": "Secret", "when": {"is": "promo_code", "any_of": ["X"]}}
    publish_in_the_past(RULES | {"rules": [*RULES["rules"], own, other, secret]}, dt.timedelta(minutes=1))
    page = text_of(owner, BOOKS)
    assert all(one in page for one in ("7% off for members, if", "Book Yard", "its own", "Secret", "not told to it"))
    assert "Drinkers" not in page
    assert "<b>Readers" not in owner.get(BOOKS).content.decode()


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"redeem_price": "900.51"}, "giving points to itself"),
        ({"begins_on": "2020-01-01"}, "cannot begin on"),
        ({"issue_price": "1e400"}, ""),
        ({"issue_price": "99999999999999"}, "not between"),
        ({"issue_price": "0.001"}, ""),
        ({"begins_on": "soon"}, ""),
        ({"settled_after_days": "-1"}, ""),
        ({"most_issued_a_day": "x"}, ""),
        ({"most_issued_a_day": "9" * 30}, ""),
    ],
)
def test_a_contract_that_cannot_be_is_refused_with_what_was_typed(
    owner: Client, wrong: dict[str, str], said: str
) -> None:
    partner("books", "till:5", None)
    typed = TERMS | {"begins_on": today().isoformat()} | wrong
    answer = owner.post(f"{BOOKS}contract/", typed)
    assert (answer.status_code, said in html.unescape(answer.content.decode())) == (422, True)
    assert "error" in answer.content.decode()
    assert not Contract.objects.exists()


def test_short_names_that_cannot_be_are_refused(owner: Client) -> None:
    for slug in ("Книги", "a b", ""):
        answer = owner.post("/programme/partners/add/", {"name": "Books", "slug": slug})
        assert (answer.status_code, Partner.objects.exists()) == (422, False)


def test_a_statement_is_made_shown_and_taken_out(owner: Client) -> None:
    books = partner("books", "till:5", name="Book Yard")
    enrolled()
    sell(order(("tea", 1, 100_000), till="till:5", store="Books"), "=1+1")
    refused = owner.post(f"{BOOKS}statements/", {"last": today().isoformat()})
    assert (refused.status_code, "not closed yet" in refused.content.decode()) == (422, True)
    assert owner.post(f"{BOOKS}statements/", {"last": "x"}).status_code == 422
    close_days(at=later(days=1))
    made = owner.post(f"{BOOKS}statements/", {"last": today().isoformat()})
    assert made.headers["Location"] == f"{BOOKS}statements/1/"
    page = text_of(owner, made.headers["Location"])
    assert "Book Yard" in page
    assert "to pay ₽100.00" in page
    assert "to pay ₽100.00" in text_of(owner, BOOKS)
    assert "to get ₽100.00" in text_of(owner, "/programme/partners/"), "what a partner pays the operator gets"
    answer = owner.get(f"{BOOKS}statements/1/rows.csv")
    rows = list(csv.reader(io.StringIO(b"".join(answer).decode("utf-8-sig"))))  # type: ignore[arg-type]
    assert rows[1][2:] == ["till:5", "'=1+1", "Points given", "100", "1000.00", "100.00"]
    assert "Anna" not in str(rows)
    assert Statement.objects.get().amount == 10_000
    assert owner.get(f"{BOOKS}statements/2/").status_code == 404
    assert owner.get("/programme/partners/of/other/statements/1/").status_code == 404
    assert books.statements.count() == 1


def test_a_statement_without_sales_is_a_page_too(owner: Client) -> None:
    books = partner("books", "till:5")
    partner("coffee", "till:6")
    enrolled()
    sell(order(("tea", 1, 100_000), till="till:6", store="Coffee"))
    close_days(at=later(days=1))
    make_statement(books, last=today(), by=None, at=timezone.now())
    assert "Nothing was settled" in text_of(owner, f"{BOOKS}statements/1/")


def stores_at_the_till(client: Client) -> list[str]:
    page = client.post("/till/", {"who": "1000000017"}).content.decode()
    to_choose = re.search(r'<select id="store".*?</select>', page)
    only = r'name="store" value="([^"]+)"'
    found = re.findall(r"<option[^>]*>([^<]+)</option>", to_choose[0]) if to_choose else re.findall(only, page)
    return [html.unescape(one) for one in found]


def test_an_owner_gives_a_store_and_takes_it(owner: Client) -> None:
    books = partner("books", "till:5", name="Book Yard")
    enrolled()
    sell(order(("tea", 1, 10_000), till="till:5", store="<b>Mira 1"))
    assert stores_at_the_till(owner) == ["Arbat"], "the operator's cashiers do not sell at Mira 1"
    page = owner.get(BOOKS).content.decode()
    assert "&lt;b&gt;Mira 1" in page and "<b>Mira" not in page and 'value="Arbat"' in page
    assert owner.post(f"{BOOKS}stores/", {"store": "Arbat", "move": "give"}).status_code == 302
    assert owner.post(f"{BOOKS}stores/", {"store": "<b>Mira 1", "move": "take"}).status_code == 302
    assert [one.store.name for one in books.stores.all()] == ["Arbat"]
    assert stores_at_the_till(owner) == ["<b>Mira 1"]
    for store, move, said in (
        ("Mira 2", "give", "no store 'Mira 2'"), ("<b>Mira 1", "take", "has no store"), ("", "", "no store ''"),
    ):  # fmt: skip
        refused = owner.post(f"{BOOKS}stores/", {"store": store, "move": move})
        assert (refused.status_code, said in html.unescape(refused.content.decode())) == (422, True)
    assert set(LogEntry.objects.values_list("event", flat=True)) >= {"store_given", "store_taken"}


def test_everybody_reads_the_catalogue_in_his_language(owner: Client) -> None:
    shown, hidden = partner("books", "till:5", name="Book Yard"), partner("coffee", "till:6", name="Hidden House")
    partner("new", "till:7", None, name="Without a Contract")
    texts = {"name": "Book Yard", "about_ru": "Книги и открытки", "about_en": "Books", "addresses": "Arbat 1\r\nMira 2"}
    assert owner.post(f"{BOOKS}edit/", texts | {"is_listed": "on"}).status_code == 302
    assert owner.post("/programme/partners/of/coffee/edit/", {"name": "Hidden House"}).status_code == 302
    assert (Partner.objects.get(pk=shown.pk).is_listed, Partner.objects.get(pk=hidden.pk).is_listed) == (True, False)
    stranger = Client()
    english = stranger.get("/partners/", headers={"Accept-Language": "en"})
    russian = stranger.get("/partners/", headers={"Accept-Language": "ru"})
    assert "public" in english.headers["Cache-Control"]
    assert {"Accept-Language", "Cookie"} <= {one.strip() for one in english.headers["Vary"].split(",")}
    assert not english.cookies, "what is kept for everybody sets no cookie"
    text = html.unescape(english.content.decode())
    for words in ("Book Yard", "Books", "Arbat 1", "Mira 2", "100 points pay ₽100.00."):
        assert words in text
    for words in ("Hidden", "Without", "1,000 points"):
        assert words not in text
    assert "Книги и открытки" in russian.content.decode()
    assert stranger.post("/partners/").status_code == 405


def test_prices_stay_between_the_partners(owner: Client) -> None:
    contract(partner("cheap", "till:8", None), Terms(10, 10))
    for client in (Client(), logged_in(make_user("cashier")), logged_in(make_user("manager"))):
        assert client.get("/programme/partners/of/cheap/").status_code in (302, 403)
        assert "cheap" not in client.get("/partners/").content.decode()
