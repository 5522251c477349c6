"""The catalogue of gifts measured against shops whose truth is known."""

import random
from collections.abc import Sequence

import pytest
from django.db import connection
from django.utils import timezone

from regulars.core.i18n import use_language
from regulars.customers.models import Customer
from regulars.customers.services.merging import merge
from regulars.loyalty import measuring
from regulars.loyalty.gifts import GiftData, add_gift, cancel, take
from regulars.loyalty.measured_words import attractiveness
from regulars.loyalty.measuring import Figures, OneGift, latest, measure
from regulars.loyalty.models import Gift, Taste, TierChange
from regulars.purchases.models import Line, Product, Receipt
from tests.loyalty.selling_cases import enrolled, open_shop
from tests.loyalty.test_gifts import DAY, TIERS, rich, wish
from tests.loyalty.test_tastes import buy
from tests.web.people import make_user

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def shop() -> None:
    open_shop(tiers=TIERS)


def gift(product: str = "", points: int = 100, stock: int = 9, **more: object) -> Gift:
    return add_gift(GiftData(product or "Thing", points, 0, product=product, **more), stock=stock, by=None)  # type: ignore[arg-type]


def measured() -> Figures:
    return measure(timezone.now())


def crowd(count: int, points: int = 200) -> list[Customer]:
    return [rich(points, str(10_000 + number)) for number in range(count)]


def test_an_empty_programme_has_figures_too() -> None:
    assert latest() is None
    found = measured()
    assert (found.members, found.attracted, found.slow, found.is_dump, found.gifts) == (0, None, None, False, {})
    assert (latest() or ((), None))[1] == found


def test_who_can_and_who_wants_are_counted_apart_and_together() -> None:
    drinker, poor, stranger, other = rich(100), rich(99, "10001"), rich(500, "10002"), rich(500, "10003")
    tea = gift("tea")
    for one in (drinker, poor):
        buy(one, "tea")
    buy(other, "cup")
    found = measured()
    assert (found.members, found.can, found.want) == (4, 3, 2)
    assert found.attracted is not None
    assert (found.attracted.part, found.attracted.whole) == (1, 3), "of whom nothing is known nobody knows the taste"
    assert found.gifts[tea.pk] == OneGift(3, 2, 1, place=1.0, is_slow=False)
    assert 0 < found.attracted.low < 1 / 3 < found.attracted.high < 1
    assert attractiveness(found)[:2] == [
        "33% (6% to 79%) of members could take something now that suits them: 1 of the 3 whose taste is known.",
        "Of 4 members 3 can take something now, 2 would want something.",
    ]
    assert stranger


def test_members_are_counted_in_slices_and_each_once(monkeypatch: pytest.MonkeyPatch) -> None:
    people = [rich(number * 40 + 1, str(20_000 + number)) for number in range(7)]
    gift("tea"), gift("cup", 200), gift("", 1)
    for place, one in enumerate(people[:5]):
        buy(one, ("tea", "cup")[place % 2])
    take(people[6], wish(gift("", 1), "x"))
    whole = measured()
    monkeypatch.setattr(measuring, "_SLICE", 2)
    assert measured() == whole
    assert (whole.members, whole.can, whole.want) == (7, 7, 6)


def test_each_condition_of_a_gift_counts() -> None:
    anna = rich(1_000)
    buy(anna, "tea")
    day = timezone.now().date()
    gifts = [gift("tea", stock=0), gift("tea", tiers=("gold",)), gift("tea", most_each=1), gift("tea", 1_000)]
    over = [gift("tea", ends_on=day - 9 * DAY), gift("tea", begins_on=day + 9 * DAY)]
    assert [measured().gifts[one.pk].both for one in gifts] == [0, 0, 1, 1]
    take(anna, wish(gifts[2]))
    TierChange.objects.create(customer=anna, tier="gold", since=timezone.now(), turnover=0)
    found = measured()
    assert [found.gifts[one.pk].both for one in gifts] == [0, 1, 0, 0]
    assert not {one.pk for one in over} & set(found.gifts)


def test_what_was_brought_back_is_no_taste_and_what_was_taken_is() -> None:
    anna, thing, tea = rich(1_000), gift(), gift("tea")
    buy(anna, "tea")
    back = Receipt.objects.create(customer=anna, purchased_at=timezone.now(), amount=-100, key=b"b" * 32)
    Line.objects.create(receipt=back, position=1, product=Product.objects.get(code="tea"), amount=-100)
    assert measured().gifts[tea.pk].want == 0
    reward = take(anna, wish(thing))
    assert measured().gifts[thing.pk].want == 1
    cancel(reward, who="user:1")
    assert measured().gifts[thing.pk].want == 0


def test_a_merged_member_is_one() -> None:
    anna, vera = rich(60), rich(60, "10001")
    tea = gift("tea")
    buy(anna, "tea")
    merge(vera, anna, by=make_user("owner"), reasons=[])
    found = measured()
    assert (found.members, found.gifts[tea.pk].both) == (1, 1)


def goods(codes: Sequence[str], category: str) -> None:
    Product.objects.bulk_create(Product(code=code, name=code, category=category) for code in codes)


def test_members_who_buy_alike_are_found_and_chance_is_not() -> None:
    """Sixty members: bakers buy buns and half of them tea; the others buy toys and screws without any pattern."""
    goods(["bun"], "Bakery")
    goods(["toy"], "Toys")
    goods(["nail"], "Nails")
    dice = random.Random(5)
    tea = gift("tea")
    for place, one in enumerate(crowd(80)):
        if place < 40:
            buy(one, "bun")
        if place < 22 or place >= 78:
            buy(one, "tea")
        for code in ("toy", "nail"):
            if dice.random() < 0.5:
                buy(one, code)
    found = measured()
    (taste,) = Taste.objects.all()
    assert (taste.gift, taste.field, taste.value, taste.buyers, taste.likers) == (tea, "", "Bakery", 40, 22)
    assert found.gifts[tea.pk].want == 42, "all bakers, and two who drink tea without buns"


def test_a_catalogue_of_slow_goods_is_a_dump_and_of_any_goods_is_not() -> None:
    codes = [f"g{number:03}" for number in range(100)]
    goods(codes, "Goods")
    for place, code in enumerate(codes):
        buy(enrolled(str(20_000 + place)), code, 1 + place // 10, ago=100 * DAY)
    for code in codes[:6]:
        gift(code)
    found = measured()
    assert found.is_dump
    assert found.slow is not None
    assert (found.slow.part, found.slow.whole) == (6, 6)
    assert found.slow_goods == pytest.approx(0.3), "three tenths of the goods share the lowest quarter"
    assert attractiveness(found)[-2:] == [
        "6 of 6 gifts that are sold too are slow goods: 100% (61% to 100%); of all goods 30% are as slow.",
        "The catalogue looks like a dump for slow goods: put something in that is bought gladly.",
    ]
    with use_language("ru"):
        assert attractiveness(found)[-1].startswith("Каталог похож на")
    for code in codes[30::10]:
        gift(code)
    balanced = measured()
    assert balanced.slow is not None
    assert (balanced.slow.part, balanced.slow.whole, balanced.is_dump) == (6, 13, False), "it may be chance"
    assert "dump" not in " ".join(attractiveness(balanced))


def test_what_was_never_sold_is_slow_and_what_is_new_is_not() -> None:
    goods(["old", "new", "dead"], "Goods")
    anna = rich()
    for number in range(8):
        goods([f"x{number}"], "Goods")
        buy(anna, f"x{number}", 3, ago=300 * DAY)
    buy(anna, "new", 2)
    found_of = {name: gift(name) for name in ("new", "dead", "x1")}
    found = measured().gifts
    assert [found[found_of[name].pk].is_slow for name in ("new", "dead")] == [False, True]


def test_it_reads_its_own_writing_and_can_be_done_twice() -> None:
    gift("tea")
    buy(rich(), "tea")
    first, second = measured(), measured()
    assert first == second
    newest = latest()
    assert newest is not None
    assert newest[1] == second
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM pg_class WHERE relname LIKE 'gift\\_%%' AND relpersistence = 't'", [])
        assert cursor.fetchone()[0] == 0
