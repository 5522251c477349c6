"""Segments: the rule language finds whom it says, reads as a sentence, and refuses what it does not know."""

import datetime as dt
import re
from collections.abc import Callable
from typing import Any
from unittest import mock
from zoneinfo import ZoneInfo

import pytest
from django.db import connection
from django.db.models import Exists
from django.test import Client
from django.utils import timezone

from regulars.accounts.models import User
from regulars.core.errors import InputError
from regulars.core.i18n import use_language
from regulars.customers.models import Consent, Customer, Field, Tag
from regulars.foundation.models import Business
from regulars.insights.merged import of_family
from regulars.insights.models import Audience, Score, Segment
from regulars.insights.segments.attributes import attributes
from regulars.insights.segments.query import customers_of
from regulars.insights.segments.rule import checked
from regulars.insights.segments.why import why
from regulars.insights.segments.words import sentence
from regulars.insights.selectors import segments as previews
from regulars.insights.selectors.people import people_list
from regulars.insights.selectors.segments import preview
from regulars.insights.services import freeze, save_segment
from regulars.purchases.models import Line, Product, Receipt, Store
from tests.planting import plant

pytestmark = pytest.mark.django_db


@pytest.fixture
def base(db: None) -> dict[str, int]:
    """Anna comes often, Boris is lost, Clara never bought."""
    Business.objects.create(id=1, name="Bean", currency="RUB", time_zone="Europe/Moscow", language="en")
    today = timezone.now().astimezone(ZoneInfo("Europe/Moscow")).date()
    anna = Customer.objects.create(name="Anna", sex="f", birth_date=dt.date(1990, today.month, min(today.day, 28)))
    boris = Customer.objects.create(name="Boris", sex="m", kind="company", own_fields={"shoe": 43, "pet": "cat"})
    clara = Customer.objects.create(name="Clara", own_fields={"club": True, "likes": ["tea", "milk"], "pet": ""})
    Customer.objects.create(name="Anna's other card", merged_into=anna, sex="f")
    Score.objects.create(customer=anna, state="regular", amount=900_00, last_on=today, visits=3, return_chance=0.9)
    Score.objects.create(customer=boris, state="lost", amount=100_00, last_on=today - dt.timedelta(days=200), visits=1)
    anna.tags.add(Tag.objects.create(name="VIP"))
    store = Store.objects.create(name="Centre")
    coffee = Product.objects.create(code="1", name="Filter coffee", category="Coffee")
    cake = Product.objects.create(code="2", name="Cake", category="Food")
    for customer, product, days, amount in (
        (anna, coffee, 1, 300_00), (anna, coffee, 20, 300_00), (anna, cake, 30, 300_00), (boris, cake, 200, 100_00),
    ):  # fmt: skip
        receipt = Receipt.objects.create(
            customer=customer,
            store=store,
            amount=amount,
            purchased_at=timezone.now() - dt.timedelta(days=days),
            key=f"{customer.pk}{days}".encode(),
        )
        Line.objects.create(receipt=receipt, position=1, product=product, amount=amount, quantity=2)
    for slug, kind in (("shoe", "number"), ("club", "yes_no"), ("likes", "choices"), ("pet", "text")):
        Field.objects.create(slug=slug, title=slug.title(), type=kind, choices=["tea", "milk"])
    return {"anna": anna.pk, "boris": boris.pk, "clara": clara.pk, "store": store.pk}


def rule(*items: Any, join: str = "all", is_not: bool = False) -> dict[str, Any]:
    return {"join": join, "not": is_not, "items": list(items)}


def bought(how: str, value: float, **more: Any) -> dict[str, Any]:
    return {"what": "bought", "how": how, "value": value, **more}


CASES: list[tuple[dict[str, Any], set[str]]] = [
    ({"what": "state", "how": "in", "value": ["lost", "slipping"]}, {"boris"}),
    ({"what": "state", "how": "not_in", "value": ["lost"]}, {"anna", "clara"}),
    ({"what": "amount", "how": "at_least", "value": 900}, {"anna"}),
    ({"what": "amount", "how": "at_most", "value": 899.99}, {"boris"}),
    ({"what": "return_chance", "how": "at_least", "value": 90}, {"anna"}),
    ({"what": "last_on", "how": "before", "value": 90}, {"boris"}),
    ({"what": "last_on", "how": "within", "value": 7}, {"anna"}),
    ({"what": "kind", "how": "in", "value": ["company"]}, {"boris"}),
    ({"what": "sex", "how": "in", "value": ["f"]}, {"anna"}),
    ({"what": "tag", "how": "in", "value": ["VIP"]}, {"anna"}),
    ({"what": "tag", "how": "not_in", "value": ["VIP"]}, {"boris", "clara"}),
    ({"what": "owner", "how": "in", "value": ["nobody"]}, {"anna", "boris", "clara"}),
    ({"what": "birthday", "how": "within", "value": 3}, {"anna"}),
    ({"what": "own:shoe", "how": "at_least", "value": 43}, {"boris"}),
    ({"what": "own:club", "how": "yes"}, {"clara"}),
    ({"what": "own:likes", "how": "in", "value": ["milk"]}, {"clara"}),
    ({"what": "own:pet", "how": "contains", "value": "CA"}, {"boris"}),
    ({"what": "own:pet", "how": "filled"}, {"boris"}),
    ({"what": "own:pet", "how": "empty"}, {"anna", "clara"}),
    (bought("at_least", 1), {"anna", "boris"}),
    (bought("at_least", 2), {"anna"}),
    (bought("at_least", 1, days=90), {"anna"}),
    (bought("at_least", 2, days=10), set()),
    (bought("at_most", 0), {"clara"}),
    (bought("at_most", 1), {"boris", "clara"}),
    (bought("at_least", 2, of="category", which="Coffee"), {"anna"}),
    (bought("at_least", 1, of="product", which="cake"), {"anna", "boris"}),
    (bought("at_most", 0, of="product", which="coffee"), {"boris", "clara"}),
    (bought("at_least", 600, measure="amount", of="category", which="Coffee"), {"anna"}),
    (bought("at_least", 601, measure="amount", of="category", which="Coffee"), set()),
    (bought("at_most", 100, measure="amount"), {"boris", "clara"}),
    (bought("at_least", 4, measure="quantity", of="product", which="coffee"), {"anna"}),
    ({"what": "consent", "how": "given", "purpose": "news", "channel": "email"}, {"anna"}),
    ({"what": "consent", "how": "not_given", "purpose": "news", "channel": "email"}, {"boris", "clara"}),
]  # fmt: skip


@pytest.mark.parametrize(("leaf", "expected"), CASES, ids=[str(leaf)[:70] for leaf, _expected in CASES])
def test_a_condition_finds_whom_it_says(base: dict[str, int], leaf: dict[str, Any], expected: set[str]) -> None:
    _agree(base)
    found = checked(rule(leaf))
    people = set(customers_of(found).values_list("pk", flat=True))
    assert people == {base[name] for name in expected}
    assert set(customers_of(found, one_by_one=True).values_list("pk", flat=True)) == people
    for name in ("anna", "boris", "clara"):  # and the page that explains agrees, in both languages
        answer = why(Customer.objects.get(pk=base[name]), found)
        assert answer.holds == (name in expected)
    with use_language("ru"):
        assert sentence(found)
    assert sentence(found).startswith("Customers who")


def _agree(base: dict[str, int]) -> None:
    def said(who: str, channel: str, is_given: bool, day: int) -> None:
        at = dt.datetime(2026, 1, day, tzinfo=dt.UTC)
        Consent.objects.create(
            customer_id=base[who], purpose="news", channel=channel, is_given=is_given, source="till", at=at
        )

    said("anna", "email", False, 1)
    said("anna", "any", True, 2)  # the newest that concerns the channel holds
    said("boris", "email", True, 1)
    said("boris", "email", False, 3)
    said("clara", "sms", True, 1)


def test_a_store_is_found_by_its_number(base: dict[str, int]) -> None:
    found = checked(rule(bought("at_least", 3, of="store", which=str(base["store"]))))
    assert set(customers_of(found).values_list("pk", flat=True)) == {base["anna"]}


def test_groups_join_and_except(base: dict[str, int]) -> None:
    lost = {"what": "state", "how": "in", "value": ["lost"]}
    women = {"what": "sex", "how": "in", "value": ["f"]}
    either = checked(rule(rule(lost, women, join="any")))
    neither = checked(rule(rule(lost, women, join="any", is_not=True)))
    both = checked(rule(lost, women))
    keys = [set(customers_of(one).values_list("name", flat=True)) for one in (either, neither, both)]
    assert keys == [{"Anna", "Boris"}, {"Clara"}, set()]
    assert sentence(neither) == "Customers except those (whose state is “Lost”, or whose sex is “Woman”)."


def test_a_rule_is_one_query_with_parameters(base: dict[str, int], django_assert_num_queries: Any) -> None:
    evil = "'; DROP TABLE customers; --"
    found = checked(rule({"what": "source", "how": "contains", "value": evil}, bought("at_least", 2, days=30)))
    query = customers_of(found)
    sql, parameters = query.query.sql_with_params()
    assert "DROP" not in sql
    assert any(evil in str(one) for one in parameters)
    with django_assert_num_queries(1):
        assert list(query) == []


@pytest.mark.parametrize(
    "wrong",
    [
        None,
        [],
        {"join": "all"},
        rule(),
        {"join": "xor", "items": []},
        rule({"what": "password", "how": "is", "value": "x"}),
        rule({"what": "state", "how": "regex", "value": "x"}),
        rule({"what": "state", "how": "in", "value": []}),
        rule({"what": "state", "how": "in", "value": [{"a": 1}]}),
        rule({"what": "state", "how": "in", "value": ["x"] * 51}),
        rule({"what": "owner", "how": "in", "value": ["1 OR 1=1"]}),
        rule({"what": "amount", "how": "at_least", "value": "much"}),
        rule({"what": "amount", "how": "at_least", "value": -1}),
        rule({"what": "amount", "how": "at_least", "value": "nan"}),
        rule({"what": "amount", "how": "at_least", "value": True}),
        rule({"what": "amount", "how": "at_least", "value": 1e40}),
        rule({"what": "source", "how": "is", "value": "x\x00"}),
        rule({"what": "source", "how": "is", "value": "x" * 201}),
        rule(bought("at_least", 1, of="store", which="Centre")),
        rule(bought("at_least", 1, of="moon", which="x")),
        rule(bought("at_least", 1, days="soon")),
        rule({"what": "consent", "how": "given"}),
        rule(*[{"what": "sex", "how": "in", "value": ["f"]}] * 31),
        rule(rule(rule(rule({"what": "sex", "how": "in", "value": ["f"]})))),
    ],
    ids=lambda case: str(case)[:60],
)
def test_a_wrong_rule_is_refused_with_a_sentence(base: dict[str, int], wrong: Any) -> None:
    with pytest.raises(InputError, match=r"\w{3}"):
        checked(wrong)


def test_a_field_that_was_archived_fits_nobody(base: dict[str, int]) -> None:
    found = checked(rule({"what": "own:shoe", "how": "at_least", "value": 1}))
    Field.objects.update(is_archived=True)
    assert customers_of(found).count() == 0
    assert "own:shoe" in sentence(found)


def test_the_preview_gives_way_to_an_estimate_when_counting_is_slow(
    base: dict[str, int], user: Callable[..., User], monkeypatch: pytest.MonkeyPatch
) -> None:
    everybody = checked(rule({"what": "sex", "how": "not_in", "value": ["x"]}))
    assert preview(everybody, user("owner")).count.endswith("customers")
    in_time = previews._keys_in_time
    calls: list[int] = []

    def slow_at_first(found: Any, patience_ms: int) -> Any:
        calls.append(1)
        return None if len(calls) % 2 else in_time(found, patience_ms)

    monkeypatch.setattr(previews, "_keys_in_time", slow_at_first)
    shown = preview(everybody, user("marketer"))
    assert not shown.exact
    # which of the two depends on what the database happens to know of so small a table
    assert shown.count.startswith(("about", "fewer than"))
    nobody = checked(rule(bought("at_least", 99)))
    assert preview(nobody, user("analyst")).count.startswith("fewer than")


def test_many_are_told_as_about_so_many(
    base: dict[str, int], user: Callable[..., User], monkeypatch: pytest.MonkeyPatch
) -> None:
    plant([Customer(name=f"N{number}", sex="fm"[number % 3 == 0]) for number in range(3_000)])
    monkeypatch.setattr(previews, "MOST_COUNTED", 1_600)
    monkeypatch.setattr(previews, "_PATIENCE_MS", 10_000)
    monkeypatch.setattr(previews, "_PATIENCE_WITH_FEW_MS", 10_000)
    women = checked(rule({"what": "sex", "how": "in", "value": ["f"]}))
    shown = preview(women, user("owner"))
    found = re.fullmatch(r"about ([\d,]+) customers", shown.count)
    assert found and 1_600 < int(found[1].replace(",", "")) < 2_500, shown.count  # 2,001 in truth
    assert not shown.exact and len(shown.people) == 10 and {one.sex for one in shown.people} == {"f"}
    # when the lot cannot tell, what is known for certain is said
    in_time = previews._keys_in_time
    monkeypatch.setattr(previews, "_keys_in_time", lambda found, ms: None if ms == 9_999 else in_time(found, ms))
    monkeypatch.setattr(previews, "_PATIENCE_WITH_FEW_MS", 9_999)
    assert preview(women, user("marketer")).count == "more than 1,600 customers"


def test_a_slow_query_is_ended_by_the_database(base: dict[str, int]) -> None:
    from django.db.models import BooleanField, Func

    nap = Func(template="(SELECT pg_sleep(2) IS NOT NULL)", output_field=BooleanField())
    assert previews._keys_in_time(Customer.objects.filter(nap), 50) is None  # type: ignore[arg-type]
    assert previews._keys_in_time(Customer.objects.all(), 5_000) is not None  # type: ignore[arg-type]


def test_an_audience_stays_as_it_was(base: dict[str, int], user: Callable[..., User]) -> None:
    owner = user("owner")
    segment = save_segment(name="  Lost  ones ", rule=rule({"what": "state", "how": "in", "value": ["lost"]}), by=owner)
    audience = freeze(segment, by=owner)
    Score.objects.update(state="lost")
    assert segment.name == "Lost ones"
    assert audience.size == 1
    assert list(audience.members.values_list("customer__name", flat=True)) == ["Boris"]
    assert customers_of(segment.rule).count() == 2


@pytest.mark.usefixtures("base")
class TestPages:
    """The builder and its neighbours."""

    def form(self, **more: str) -> dict[str, Any]:
        return {
            "name": "Regulars", "join": "all", "g0.join": "all", "g0.c0.what": "bought", "g0.c0.how": "at_least",
            "g0.c0.value": "2", "g0.c0.measure": "receipts", "g0.c0.of": "category", "g0.c0.which": "Coffee",
            "g0.c0.days": "90", **more,
        }  # fmt: skip

    def test_the_builder_shows_the_sentence_the_count_and_people(
        self, client: Client, user: Callable[..., User]
    ) -> None:
        client.force_login(user("marketer"))
        page = client.post("/segments/new/", self.form(do="preview")).content.decode()
        assert "who bought at least 2 times (category “Coffee”) in the last 90 days" in page
        assert "1\N{NO-BREAK SPACE}customer" in page
        assert "Anna" in page
        assert not Segment.objects.exists()

    def test_a_condition_may_become_about_anything(self, client: Client, user: Callable[..., User]) -> None:
        client.force_login(user("marketer"))
        for what in attributes():
            form = {"join": "all", "g0.join": "all", "g0.c0.what": what, "do": "shape"}
            for more in ({}, {"g0.c0.how": "in"}, {"g0.c0.of": "store"}, {"g0.c0.of": "product"}):
                response = client.post("/segments/new/", form | more)
                assert response.status_code == 200
                assert f'<option value="{what}" selected>' in response.content.decode()

    def test_conditions_are_added_and_dropped(self, client: Client, user: Callable[..., User]) -> None:
        client.force_login(user("marketer"))
        assert "g0.c1.what" in client.post("/segments/new/", self.form(do="add:0")).content.decode()
        assert "g1.c0.what" in client.post("/segments/new/", self.form(do="group")).content.decode()
        dropped = client.post("/segments/new/", self.form(do="drop:0:0")).content.decode()
        assert "g0.c0.which" not in dropped
        assert client.post("/segments/new/", self.form(do="drop:9:9")).status_code == 200

    def test_a_segment_is_saved_changed_frozen_and_removed(
        self, base: dict[str, int], client: Client, user: Callable[..., User]
    ) -> None:
        client.force_login(user("marketer"))
        client.post("/segments/new/", self.form())
        segment = Segment.objects.get()
        here = f"/segments/{segment.pk}/"
        assert "Anna" in client.get(here).content.decode()
        assert "Coffee" in client.get(here + "edit/").content.decode()
        client.post(here + "edit/", self.form(**{"g0.c0.value": "1", "name": "Some"}))
        segment.refresh_from_db()
        assert segment.name == "Some"
        assert "Anna" in client.get(f"/segments/people/segment:{segment.pk}/").content.decode()
        assert "Yes".casefold() in client.get(f"{here}why/{base['anna']}/").content.decode().casefold()
        assert "2 times" in client.get(f"{here}why/{base['anna']}/").content.decode()
        client.post(here + "copy/")
        client.post(here + "remove/")
        assert Audience.objects.get().size == 1
        assert not Segment.objects.exists()
        assert client.get(f"/segments/people/audience:{Audience.objects.get().pk}/").status_code == 200

    def test_an_unfinished_rule_is_not_saved(self, client: Client, user: Callable[..., User]) -> None:
        client.force_login(user("marketer"))
        response = client.post("/segments/new/", self.form(**{"g0.c0.value": "often"}))
        assert response.status_code == 422
        assert "often" in response.content.decode()
        assert not Segment.objects.exists()

    @pytest.mark.parametrize("role", ["manager", "cashier"])
    def test_who_may_not_edit_changes_nothing(self, client: Client, user: Callable[..., User], role: str) -> None:
        segment = save_segment(name="Kept", rule=rule(bought("at_least", 1)), by=user("owner"))
        client.force_login(user(role))
        for path in ("edit/", "remove/", "copy/"):
            assert client.post(f"/segments/{segment.pk}/{path}").status_code == 403
        assert Segment.objects.get().name == "Kept"
        assert not Audience.objects.exists()

    def test_a_manager_does_not_learn_of_others_customers(
        self, base: dict[str, int], client: Client, user: Callable[..., User]
    ) -> None:
        segment = save_segment(name="All", rule=rule(bought("at_least", 1)), by=user("owner"))
        Customer.objects.update(owner=User.objects.get())
        client.force_login(user("manager"))
        assert "Anna" not in client.get(f"/segments/{segment.pk}/").content.decode()
        assert client.get(f"/segments/{segment.pk}/why/{base['anna']}/").status_code == 404


def _merge(base: dict[str, int]) -> None:
    """Clara turns out to be Anna, who turns out to be Boris."""
    Customer.objects.filter(pk=base["clara"]).update(merged_into=base["anna"])
    Customer.objects.filter(pk=base["anna"]).update(merged_into=base["boris"])


MERGED: list[tuple[dict[str, Any], bool]] = [
    (bought("at_least", 4), True),
    (bought("at_least", 5), False),
    (bought("at_most", 3), False),
    (bought("at_most", 4), True),
    (bought("at_least", 1, of="product", which="coffee"), True),
    (bought("at_most", 0, of="product", which="coffee"), False),
    (bought("at_least", 1000, measure="amount"), True),
    (bought("at_least", 1001, measure="amount"), False),
]


@pytest.mark.parametrize(("leaf", "holds"), MERGED, ids=lambda case: str(case)[:60])
def test_purchases_of_all_who_became_one_count_for_him(base: dict[str, int], leaf: dict[str, Any], holds: bool) -> None:
    _merge(base)
    found = checked(rule(leaf))
    boris = Customer.objects.get(pk=base["boris"])
    assert (boris in customers_of(found)) is holds
    assert (boris in customers_of(found, one_by_one=True)) is holds
    assert why(boris, found).holds is holds
    if leaf["measure" if "measure" in leaf else "how"] == "at_least" and "of" not in leaf:
        assert "4 times" in why(boris, found).fact


def test_an_audience_follows_those_who_were_merged(base: dict[str, int], user: Callable[..., User]) -> None:
    owner = user("owner")
    segment = save_segment(name="Coffee", rule=rule(bought("at_least", 2)), by=owner)
    audience = freeze(segment, by=owner)
    _merge(base)
    listed = people_list(f"audience:{audience.pk}")
    assert listed is not None
    assert [one.pk for one in listed.people] == [base["boris"]]


@pytest.mark.parametrize("is_not", [False, True])
def test_a_rule_about_what_is_gone_fits_nobody_even_when_it_is_turned_round(base: dict[str, int], is_not: bool) -> None:
    gone = rule({"what": "own:shoe", "how": "at_least", "value": 1}, is_not=is_not)
    either = checked(rule(gone, {"what": "sex", "how": "in", "value": ["f"]}, join="any"))
    Field.objects.filter(slug="shoe").update(type="text")  # the same name, and another type
    assert customers_of(either).count() == 0
    Field.objects.filter(slug="shoe").delete()
    assert customers_of(either).count() == 0
    assert "removed field" in sentence(either)
    assert not why(Customer.objects.get(pk=base["anna"]), either).items[0].fact


def test_a_product_that_is_no_longer_sold_leaves_the_rule_whole(base: dict[str, int]) -> None:
    found = checked(rule(bought("at_least", 1, of="category", which="Tea of yesterday")))
    assert customers_of(found).count() == 0
    assert "Tea of yesterday" in sentence(found)
    without = checked(rule(bought("at_most", 0, of="store", which="999999")))
    assert customers_of(without).count() == 3


def test_days_begin_at_midnight_of_the_business(base: dict[str, int]) -> None:
    Business.objects.update(time_zone="Pacific/Kiritimati")  # 14 hours ahead
    now = dt.datetime(2026, 3, 10, 12, tzinfo=dt.UTC)  # 02:00 of the 11th there
    with mock.patch("django.utils.timezone.now", return_value=now):
        for hour, fits in ((11, True), (9, False)):  # 01:00 of the 11th, 23:00 of the 10th
            Receipt.objects.update(purchased_at=dt.datetime(2026, 3, 10, hour, tzinfo=dt.UTC))
            assert customers_of(checked(rule(bought("at_least", 1, days=0)))).exists() is fits


@pytest.mark.usefixtures("base")
class TestWhoMayLearnOfPurchases:
    """A segment tells who bought what: without the right to see purchases it stays closed, filters too."""

    def test_segments_about_purchases_are_closed(
        self, base: dict[str, int], client: Client, user: Callable[..., User]
    ) -> None:
        owner = user("owner")
        spent = save_segment(name="Rich", rule=rule({"what": "amount", "how": "at_least", "value": 1}), by=owner)
        women = save_segment(name="Women", rule=rule({"what": "sex", "how": "in", "value": ["f"]}), by=owner)
        copy = freeze(spent, by=owner)
        client.force_login(user("cashier"))
        page = client.get("/segments/").content.decode()
        assert "Women" in page
        assert "Rich" not in page
        for path in (f"{spent.pk}/", f"{spent.pk}/count/", f"{spent.pk}/why/{base['anna']}/",
                     f"people/segment:{spent.pk}/", f"people/audience:{copy.pk}/"):  # fmt: skip
            assert client.get(f"/segments/{path}").status_code == 403, path
        assert client.get(f"/segments/{women.pk}/why/{base['anna']}/").status_code == 200

    def test_filters_tell_nothing_of_purchases(self, client: Client, user: Callable[..., User]) -> None:
        women = save_segment(name="W", rule=rule({"what": "sex", "how": "in", "value": ["f"]}), by=user("owner"))
        client.force_login(user("cashier"))
        for query in ("state=lost", "spent=999999", "rfm=champions", "abc=C"):
            page = client.get(f"/segments/people/segment:{women.pk}/?{query}").content.decode()
            assert "Anna" in page, query
        assert 'name="spent"' not in page

    def test_a_rule_about_purchases_is_not_made_without_the_right(
        self, client: Client, user: Callable[..., User]
    ) -> None:
        cashier = user("cashier")
        cashier.role.rights = [*cashier.role.rights, "segments.edit"]
        cashier.role.save()
        client.force_login(cashier)
        form = {"name": "x", "join": "all", "g0.join": "all", "g0.c0.what": "amount", "g0.c0.how": "at_least",
                "g0.c0.value": "1"}  # fmt: skip
        assert client.post("/segments/new/", form).status_code == 403
        assert client.post("/segments/new/", form | {"do": "preview"}).status_code == 403
        assert not Segment.objects.exists()


@pytest.fixture
def many_receipts(base: dict[str, int]) -> dict[str, int]:
    """As many rows as make the planner weigh its ways; of an almost empty table it takes any index."""
    with connection.cursor() as cursor:
        cursor.execute("""
            INSERT INTO customers_customer SELECT (jsonb_populate_record(one, jsonb_build_object(
                'id', one.id + 1000000 + many, 'code', NULL, 'public_id', gen_random_uuid()
            ))).* FROM customers_customer one, generate_series(1, 2000) many WHERE one.name = 'Clara'
        """)
        cursor.execute("""
            INSERT INTO purchases_receipt (customer_id, number, channel, purchased_at, amount, key)
            SELECT clara.id + 1000000 + many % 2000 + 1, '', '', now(), 100, sha256(many::TEXT::BYTEA)
            FROM customers_customer clara, generate_series(1, 20000) many WHERE clara.name = 'Clara'
                AND clara.id < 1000000
        """)
        cursor.execute("ANALYZE customers_customer, purchases_receipt")
    return base


def _plan(query: Any) -> str:
    with connection.cursor() as cursor:
        sql, parameters = query.query.sql_with_params()
        cursor.execute(f"EXPLAIN {sql}", parameters)
        return "\n".join(line for (line,) in cursor.fetchall())


def test_counting_enters_indexes_and_reads_no_whole_tables(many_receipts: dict[str, int]) -> None:
    """One customer asked about: receipts are found by him, whatever their number."""
    for leaf in (bought("at_least", 2), bought("at_most", 1), bought("at_least", 1, days=30)):
        plan = _plan(customers_of(checked(rule(leaf)), one_by_one=True).filter(pk=many_receipts["anna"]))
        assert "receipt_of_customer" in plan, plan
        assert "Seq Scan on purchases_receipt" not in plan, plan


def test_merged_customers_are_asked_about_by_the_index_too(many_receipts: dict[str, int]) -> None:
    _merge(many_receipts)
    query = Receipt.objects.filter(of_family("customer_id"))
    plan = _plan(Customer.objects.filter(Exists(query), pk=many_receipts["boris"]))
    assert "receipt_of_customer" in plan, plan
