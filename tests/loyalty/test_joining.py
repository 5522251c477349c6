"""Members beside comparable customers: what is found, what the check says, and what is never said."""

import random
from collections.abc import Callable

import pytest
from django.utils import timezone

from regulars.core.i18n import use_language
from regulars.customers.models import Customer
from regulars.loyalty.joining import FEWEST, SPAN, Joined, joined
from regulars.loyalty.joining_words import joining_sentences
from regulars.loyalty.members import points_unit
from regulars.loyalty.models import Account
from regulars.purchases.models import Receipt, Store
from regulars.report.words import Purse
from tests.loyalty.selling_cases import open_shop
from tests.planting import plant

pytestmark = pytest.mark.django_db

SPANS = 25  # that a comparison over 180 days looks at

# by how much a customer pays more in this span who joined in that one; None: he never joined
Extra = Callable[[int, int | None], int]


def shop(extra: Extra, *, people: int = 700, joiners: int = 240, known: int = SPANS) -> None:
    """Some joined in the six spans of which enough time has passed, whoever they were; a few joined long before.

    Purchases are known of so many spans up to now.
    """
    if not Store.objects.exists():
        open_shop()
    now, chance, unit = timezone.now(), random.Random(5), points_unit()
    origin = now - SPANS * SPAN
    customers = plant(Customer(name=f"C{n}") for n in range(people))
    spans = [13 + n % 6 if n < joiners else 2 if n < joiners + 50 else None for n in range(people)]
    plant(
        Account(customer=one, unit=unit, opened_at=origin + (span + 0.5) * SPAN)
        for one, span in zip(customers, spans, strict=True) if span is not None
    )  # fmt: skip
    receipts = []
    for one, span in zip(customers, spans, strict=True):
        usual = chance.choice([10_000, 20_000])
        receipts += [
            Receipt(
                customer=one, purchased_at=origin + (place + chance.random()) * SPAN, key=f"{one.pk}-{place}".encode(),
                amount=usual + chance.randrange(-3_000, 3_000) + extra(place, span),
            )
            for place in range(SPANS - known, SPANS) if chance.random() < 0.8
        ]  # fmt: skip
    plant(receipts)


def nothing(_place: int, _span: int | None) -> int:
    return 0


def said(found: Joined | None) -> str:
    with use_language("en"):
        return " ".join(joining_sentences(found, Purse("RUB"))).replace("\xa0", " ")


def test_where_joining_changes_nothing_nothing_is_found() -> None:
    shop(nothing)
    found = joined(timezone.now())
    assert found is not None and found.after is not None and found.before is not None
    assert (found.days, found.joined, found.share) == (180, 240, 1.0)
    assert 200 < found.matched <= 240
    assert found.after.is_even and found.before.is_even
    text = said(found)
    assert "No difference is shown" in text and "as it should" in text
    assert "Who joins wants to buy" in text and "no proof" in text


def test_a_planted_difference_is_found_and_the_check_holds() -> None:
    shop(lambda place, span: 5_000 if span is not None and place > span else 0)
    found = joined(timezone.now())
    assert found is not None and found.after is not None and found.before is not None
    # 5,000 in eight of ten spans, six of them
    assert found.after.paid.low < 24_000 < found.after.paid.high
    assert found.after.paid.low > 12_000
    assert found.before.is_even
    assert found.after.visits.low < 0 < found.after.visits.high


def test_who_was_growing_keener_before_he_joined_fails_the_check() -> None:
    shop(lambda place, span: 2_500 * max(0, place - span + 6) if span is not None else 0)
    found = joined(timezone.now())
    assert found is not None and found.after is not None and found.before is not None
    assert found.after.paid.low > 0, "it looks like an effect"
    assert not found.before.is_even
    assert found.before.paid.low > 0
    assert "must not be read as an effect" in said(found)


def test_without_a_known_past_there_is_no_check_and_no_effect() -> None:
    # enough to match, and nothing of the time that the check needs
    shop(nothing, known=13)
    found = joined(timezone.now())
    assert found is not None and found.after is not None
    assert found.before is None
    assert "Too little is known of the time before" in said(found)


def test_few_are_not_enough_and_a_new_programme_says_so() -> None:
    shop(nothing, joiners=FEWEST - 1, people=400)
    found = joined(timezone.now())
    assert found is not None
    assert (found.after, found.before) == (None, None)
    assert f"at least {FEWEST} of those who joined" in said(found)
    # as it was when the first members had joined a month ago
    assert joined(timezone.now() - 21.5 * SPAN) is None
    assert "less than two months ago" in said(None) and "Who joins wants to buy" in said(None)


def test_a_young_programme_is_compared_over_what_has_passed() -> None:
    open_shop()
    assert joined(timezone.now()) is None
    shop(nothing, people=200, joiners=20)
    # as it was when it was five whole months old, and a part of one
    found = joined(timezone.now() - 17 * SPAN)
    assert found is not None
    assert (found.days, found.after) == (60, None)
