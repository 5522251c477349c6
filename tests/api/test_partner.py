"""A partner reads its own receipts and statements, and nothing of anybody else."""

import datetime as dt
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from regulars.api.models import ApiKey, Scope
from regulars.api.services import make_key
from regulars.core.errors import InputError
from regulars.loyalty.models import Gift, Partner, Sale
from regulars.loyalty.partners import add_partner
from regulars.loyalty.settling import close_day, close_days, make_statement
from tests.loyalty.coalition_cases import PRICES, contract, later, today
from tests.loyalty.selling_cases import CARD, RULES, enrolled, open_shop, publish_in_the_past
from tests.web.people import logged_in, make_business, make_user

pytestmark = pytest.mark.django_db(transaction=True)


class Program:
    """A partner's program: a till that may read too."""

    def __init__(self, slug: str, *scopes: Scope) -> None:
        self.partner = Partner.objects.filter(slug=slug).first() or add_partner(slug, slug.title(), by=None)
        if not self.partner.contracts.exists():
            contract(self.partner, PRICES)
        self.key = make_key(
            name=slug, scopes=scopes or [Scope.TILL, Scope.PARTNER], by=None, partner=self.partner
        )  # fmt: skip
        self.till = f"till:{ApiKey.objects.latest('pk').pk}"

    def __call__(self, path: str, body: Any = None) -> tuple[int, Any]:
        headers = {"Authorization": f"Bearer {self.key}"}
        if body is None:
            answer = Client().get(f"/api/v1/{path}", headers=headers)
        else:
            answer = Client().post(f"/api/v1/{path}", body, content_type="application/json", headers=headers)
        return answer.status_code, answer.json()

    def sell(self, number: str) -> Any:
        lines = [{"product_id": "tea", "quantity": "1", "price": 10_000}]
        place = {"store": f"{self.partner.name} House", "card": CARD}
        status, sale = self("till/receipts", place | {"lines": lines, "number": number, "to_pay": 9_500})
        assert status == 200, sale
        return sale


@pytest.fixture
def pair() -> tuple[Program, Program]:
    open_shop()
    enrolled()
    return Program("coffee"), Program("books")


def test_a_partner_reads_the_rules_at_its_tills_and_which_are_its_own() -> None:
    open_shop()
    coffee, books = Program("coffee"), Program("books")
    at = {"is": "partner", "any_of": ["coffee"]}
    gives = {"kind": "percent_off", "percent": 1}
    code = {"is": "promo_code", "any_of": ["SECRET"]}
    more = {"is": "receipt_sum", "at_least": 100}
    rules = [
        {"id": "everywhere", "gives": gives},
        {"id": "own", "title": "Own <b>", "gives": gives, "when": {"all": [at, more]}},
        {"id": "not-coffee", "gives": gives, "when": {"not": at}},
        {"id": "either", "gives": gives, "when": {"any": [at, more]}},
        {"id": "code", "gives": gives, "when": {"all": [at, code]}},
    ]
    publish_in_the_past(RULES | {"rules": rules}, dt.timedelta(minutes=1))
    status, mine = coffee("partner/rules")
    assert (status, [(one["id"], one["is_own"]) for one in mine["items"]], mine["left_out"]) == (
        200, [("own", True), ("either", False), ("everywhere", False)], 1
    )  # fmt: skip
    assert "Coffee" in mine["items"][0]["text"] and "SECRET" not in str(mine)
    theirs = books("partner/rules")[1]
    assert [one["id"] for one in theirs["items"]] == ["either", "everywhere", "not-coffee"]
    assert (theirs["left_out"], any(one["is_own"] for one in theirs["items"])) == (0, False)


def test_only_a_partners_key_reads_rules_and_without_a_programme_there_are_none() -> None:
    make_business()
    owner = make_key(name="own", scopes=[Scope.TILL], by=None)
    assert Client().get("/api/v1/partner/rules").status_code == 401
    assert Client().get("/api/v1/partner/rules", headers={"Authorization": f"Bearer {owner}"}).status_code == 403
    assert Program("coffee")("partner/rules") == (200, {"valid_from": None, "items": [], "left_out": 0})


def test_a_partner_reads_its_own_receipts_alone(pair: tuple[Program, Program]) -> None:
    coffee, books = pair
    mine = [coffee.sell(number)["receipt_id"] for number in ("1", "2")]
    theirs = books.sell("1")["receipt_id"]
    status, page = coffee("partner/receipts?limit=1")
    assert (status, [one["receipt_id"] for one in page["items"]]) == (200, mine[:1])
    assert page["items"][0] == {
        "receipt_id": mine[0], "till": coffee.till, "number": "1", "store": "Coffee House",
        "purchased_at": page["items"][0]["purchased_at"], "price": 10_000, "discount": 500, "by_points": 0,
        "to_pay": 9_500, "points_spent": 0, "points_earned": 9,
    }  # fmt: skip
    rest = coffee(f"partner/receipts?cursor={page['next']}")[1]
    assert ([one["receipt_id"] for one in rest["items"]], rest["next"]) == (mine[1:], None)
    whole = coffee(f"partner/receipts/{mine[1]}")[1]
    line = {"product_id": "tea", "quantity": 1.0, "returned": 0.0, "price": 10_000, "discount": 500, "by_points": 0}
    assert whole["lines"] == [line | {"points": 9}]
    assert coffee(f"partner/receipts/{theirs}")[0] == 404
    own = coffee(f"partner/receipts?till={coffee.till}")[1]
    assert [one["receipt_id"] for one in own["items"]] == mine
    for till in (books.till, "till:999999", "x"):
        status, told = coffee(f"partner/receipts?till={till}")
        assert (status, told["detail"]) == (400, f"'{till}' is no till of yours. Yours: {coffee.till}.")


def test_no_answer_says_who_bought_or_what_it_cost(pair: tuple[Program, Program]) -> None:
    coffee, _books = pair
    sale = coffee.sell("1")
    told = str([coffee("partner/receipts"), coffee(f"partner/receipts/{sale['receipt_id']}")])
    for secret in ("Anna", CARD, "customer", "cost", "6000", "balance"):
        assert secret not in told


def test_a_partner_reads_its_own_statements_alone(pair: tuple[Program, Program]) -> None:
    coffee, books = pair
    coffee.sell("1")
    close_days(at=later(days=1))
    make_statement(coffee.partner, last=today(), by=None, at=timezone.now())
    status, page = coffee("partner/statements")
    lines = [{"kind": "issued", "is_back": False, "count": 1, "points": 9, "price": 100_000, "amount": 900}]
    assert (status, [one["lines"] for one in page["items"]]) == (200, [lines])
    assert coffee("partner/statements/1") == (200, page["items"][0])
    assert coffee("partner/statements/2")[0] == 404
    assert books("partner/statements") == (200, {"items": [], "next": None})
    assert books("partner/statements/1")[0] == 404


def test_statements_come_in_pages(pair: tuple[Program, Program]) -> None:
    coffee, books = pair
    for ago in (3, 2, 1):
        day = today() - dt.timedelta(days=ago)
        close_day(day, at=timezone.now())
        make_statement(coffee.partner, last=day, by=None, at=timezone.now())
    make_statement(books.partner, last=today() - dt.timedelta(days=1), by=None, at=timezone.now())
    status, page = coffee("partner/statements?limit=2")
    assert (status, [one["number"] for one in page["items"]]) == (200, [1, 2])
    rest = coffee(f"partner/statements?limit=2&cursor={page['next']}")[1]
    assert ([one["number"] for one in rest["items"]], rest["next"]) == ([3], None)
    assert coffee("partner/statements?cursor=x")[0] == 400
    assert coffee("partner/statements?limit=0")[0] == 422
    again = books(f"partner/statements?cursor={page['next']}")[1]
    assert again["items"] == [], "the cursor of another opens nothing"


def test_a_gift_is_refused_at_a_partners_till(pair: tuple[Program, Program]) -> None:
    gift = Gift.objects.create(name="Mug", points=1, cost=100, stock=5)
    status, told = pair[0]("till/gifts/take", {"number": "g", "gift": gift.pk, "points": 1, "card": CARD})
    assert (status, "handed out by the operator" in told["detail"]) == (409, True)
    assert pair[0]("till/gifts", {"card": CARD})[1]["can_take"] == []
    assert Gift.objects.get().stock == 5


def test_a_partners_key_opens_nothing_of_the_operator(pair: tuple[Program, Program]) -> None:
    for scope in Scope:
        if scope not in (Scope.TILL, Scope.PARTNER):
            with pytest.raises(InputError, match="can open partner, till only"):
                Program("coffee", Scope.TILL, scope)
    for path in ("customers", "receipts", "products", "segments", "scores", "exports", "consents"):
        assert pair[0](path)[0] == 403, path


def test_a_key_that_is_no_partners_reads_nothing(pair: tuple[Program, Program]) -> None:
    own = make_key(name="own", scopes=[Scope.PARTNER], by=None)
    for path in ("receipts", "receipts/1", "statements", "statements/1"):
        answer = Client().get(f"/api/v1/partner/{path}", headers={"Authorization": f"Bearer {own}"})
        assert (answer.status_code, answer.json()["detail"][:32]) == (403, "This key belongs to no partner: ")
    only_till = Program("coffee", Scope.TILL)
    assert only_till("partner/receipts")[0] == 403


def test_a_till_of_one_partner_cannot_turn_the_receipts_of_another(pair: tuple[Program, Program]) -> None:
    coffee, books = pair
    sale = coffee.sell("1")
    status, told = books("till/returns", {"number": "r", "receipt": "1", "receipt_till": sale["till"]})
    assert (status, "not one of yours" in told["detail"]) == (400, True)
    assert books("till/voids", {"number": "v", "receipt": "1"})[0] == 400
    assert Sale.objects.get().returns.count() == 0


def test_nobody_says_for_whom_he_sells(pair: tuple[Program, Program]) -> None:
    lines = [{"product_id": "tea", "quantity": "1", "price": 10_000}]
    body = {"store": "Arbat", "card": CARD, "lines": lines, "number": "1", "to_pay": 9_500}
    for name in ("partner", "partner_id", "till"):
        assert pair[0]("till/receipts", body | {name: "books"})[0] == 422
    assert pair[0]("till/receipts", body)[0] == 400, "nor in whose store"


def test_the_owner_makes_a_key_for_a_partner(pair: tuple[Program, Program]) -> None:
    owner = logged_in(make_user("owner"))
    page = owner.get("/settings/programs/").content.decode()
    assert "Whose till it is" in page and ">Coffee</option>" in page
    given = {"name": "New till", "scopes": ["till", "partner"], "days": "365", "partner": "coffee"}
    assert b"rg_" in owner.post("/settings/programs/keys/", given).content
    assert pair[0].partner.tills.latest("pk").till == f"till:{ApiKey.objects.latest('pk').pk}"
    refused = owner.post("/settings/programs/keys/", given | {"scopes": ["exports"]})
    assert (refused.status_code, "can open partner, till only" in refused.content.decode()) == (422, True)
