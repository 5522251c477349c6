"""What a member answered makes gifts fit him; what is free text, archived or no longer asked does not."""

import random
from collections.abc import Sequence
from typing import Any

import pytest
from django.db import IntegrityError, transaction
from django.utils import timezone

from regulars.core.i18n import use_language
from regulars.customers.models import Customer, Field
from regulars.customers.services.erasing import ask_erasure, erase
from regulars.customers.services.fields import add_field, change_field, set_own_fields
from regulars.customers.services.merging import merge
from regulars.customers.services.questionnaires import write_form
from regulars.loyalty.answered import answers_of, possible_answers
from regulars.loyalty.asking import Answers
from regulars.loyalty.gifts import offers_for
from regulars.loyalty.measured_words import attractiveness
from regulars.loyalty.measuring import Figures, measure
from regulars.loyalty.members import points_unit, welcome
from regulars.loyalty.models import Account, Gift, Taste
from regulars.loyalty.tastes import fitting
from regulars.purchases.models import Product
from tests.loyalty.selling_cases import open_shop
from tests.loyalty.test_gifts import give, rich
from tests.loyalty.test_tastes import buy, gift, reasons
from tests.web.people import make_user

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def shop() -> None:
    open_shop()
    Product.objects.create(code="bun", name="Bun", category="Bakery")


@pytest.fixture
def loves() -> Field:
    return add_field(title="What do you love?", type="choices", choices=["drinks", "Cups", "Sleep"])


def answer(customer: Customer, field: Field, value: Any) -> None:
    set_own_fields(customer, {field.slug: value}, by=None)


def measured() -> Figures:
    return measure(timezone.now())


def crowd(count: int) -> list[Customer]:
    """Members without a receipt, made at one stroke."""
    made = Customer.objects.bulk_create(Customer(name=f"M{number}") for number in range(count))
    unit = points_unit()
    Account.objects.bulk_create(Account(customer=one, unit=unit, opened_at=timezone.now()) for one in made)
    return made


def say(people: Sequence[Customer], **values: Any) -> None:
    for one in people:
        one.own_fields = one.own_fields | values
    Customer.objects.bulk_update(people, ["own_fields"])


def like(people: Sequence[Customer], one: Gift) -> None:
    for customer in people:
        buy(customer, one.product)


# --- a plain word ---


def test_who_only_filled_the_questionnaire_at_the_issue_of_his_card_gets_gifts_that_fit(loves: Field) -> None:
    write_form(None, title="Guests", intro="", fields=[loves.slug], purpose="")
    tea, _bun = gift("tea"), gift("bun")
    anna = welcome(card="1000000017", phone="", name="Anna", source="web", most_debt=0, by=None,
                   told=Answers(own_fields={loves.slug: ["drinks"]}))  # fmt: skip
    give(anna, 100)
    anna.refresh_from_db()
    (only,) = fitting(anna, offers_for(anna))
    assert (only.offer.gift, only.reason) == (tea, "He said: What do you love? — drinks.")
    assert only.why.told_to_him == "You said: What do you love? — drinks."
    with use_language("ru"):
        assert only.reason == "Из анкеты: What do you love? — drinks."
    found = measured()
    assert (found.gifts[tea.pk].want, found.gifts[tea.pk].both, found.want) == (1, 1, 1)
    assert found.attracted is not None
    assert (found.attracted.part, found.attracted.whole) == (1, 1), "his taste is known by what he said"


def test_what_he_said_is_weaker_than_what_he_bought_and_stronger_than_his_like(loves: Field) -> None:
    anna = rich(1_000)
    buy(anna, "cup")
    Product.objects.create(code="raf", name="Raf", category="Cups")
    alike, said, bought = gift("bun"), gift("tea"), gift("raf")
    Taste.objects.create(gift=alike, field=loves.slug, value="Cups", buyers=50, likers=19)
    Taste.objects.create(gift=alike, value="Cups", buyers=50, likers=18)
    Taste.objects.create(gift=said, value="Cups", buyers=50, likers=50)
    answer(anna, loves, ["drinks", "Cups"])
    assert reasons(anna) == [
        (bought.name, "He bought from “Cups” 1 time in a year."),
        (said.name, "He said: What do you love? — drinks."),
        (alike.name, "Of members who answered “What do you love? — Cups” as he did, 38% buy or take it."),
    ]
    assert fitting(anna, offers_for(anna))[2].why.told_to_him == (
        "Of those who answered “What do you love? — Cups” as you did, 38% buy or take it."
    )


def test_yes_names_no_category_and_is_told_in_the_language_of_who_reads() -> None:
    Product.objects.create(code="y", name="Y", category="Yes")
    named, alike, anna = gift("y"), gift("bun"), rich()
    kids = add_field(title="Kids {0} {share}", type="yes_no")
    answer(anna, kids, True)
    assert reasons(anna) == []
    Taste.objects.create(gift=alike, field=kids.slug, value="yes", buyers=40, likers=10)
    Taste.objects.create(gift=named, field=kids.slug, value="no", buyers=40, likers=40)
    words = "Of members who answered “Kids {0} {share} — yes” as he did, 25% buy or take it."
    assert reasons(anna) == [(alike.name, words)]
    with use_language("ru"):
        assert "«Kids {0} {share} — да»" in reasons(anna)[0][1]


def test_a_category_of_the_same_name_as_an_answer_is_no_answer(loves: Field) -> None:
    anna, vera = rich(), rich(card="1000000022")
    alike = gift("bun")
    Taste.objects.create(gift=alike, field=loves.slug, value="Drinks", buyers=40, likers=10)
    Taste.objects.create(gift=alike, value="Sleep", buyers=40, likers=10)
    buy(anna, "tea")
    answer(vera, loves, ["Sleep"])
    assert (reasons(anna), reasons(vera)) == ([], [])


def test_of_the_questions_that_name_one_category_the_first_is_told(loves: Field) -> None:
    again = add_field(title="And at home?", type="choice", choices=["DRINKS"])
    anna, tea = rich(), gift("tea")
    answer(anna, again, "DRINKS")
    answer(anna, loves, ["drinks"])
    assert reasons(anna) == [(tea.name, "He said: What do you love? — drinks.")]


# --- what does not count ---


def test_free_text_an_archived_field_and_an_answer_that_is_no_longer_asked_do_not_count(loves: Field) -> None:
    text = add_field(title="Anything else?", type="text")
    anna, tea = rich(), gift("tea")
    answer(anna, text, "Drinks")
    assert reasons(anna) == []
    answer(anna, loves, ["drinks"])
    assert [name for name, _why in reasons(anna)] == [tea.name]
    change_field(loves, title=loves.title, choices=["Sleep"], is_archived=False)
    assert reasons(anna) == []
    assert measured().want == 0
    change_field(loves, title=loves.title, choices=["Drinks", "drinks"], is_archived=True)
    assert (reasons(anna), possible_answers(), answers_of(anna)) == ([], [], [])
    found = measured()
    assert (found.want, found.attracted) == (0, None)
    assert "no member answered a question" in attractiveness(found)[0]


def test_values_of_another_kind_than_the_field_do_not_count(loves: Field) -> None:
    """Written past the forms: numbers for a yes, objects, a word instead of a list."""
    add_field(title="Kids", type="yes_no")
    tea = gift("tea")
    odd = [1, "yes", {"yes": True}, [1], None, [], [[True]], 1.0, "true"]
    for value, customer in zip(odd, crowd(len(odd)), strict=True):
        say([customer], kids=value, **{loves.slug: [value, {"drinks": 1}]})
        assert answers_of(customer) == []
    assert measured().gifts[tea.pk].want == 0
    (plain,) = crowd(1)
    say([plain], **{loves.slug: "drinks"})
    assert [one.value for one in answers_of(plain)] == ["drinks"]
    assert measured().gifts[tea.pk].want == 1, "the night reads as a till does"


def test_of_merged_people_the_survivors_answers_count_and_of_erased_ones_none(loves: Field) -> None:
    anna, vera, owner = rich(), rich(card="1000000022"), make_user("owner")
    tea, cup = gift("tea"), gift("cup")
    answer(anna, loves, ["Cups"])
    answer(vera, loves, ["drinks"])
    merge(anna, vera, by=owner, reasons=[])
    assert [name for name, _why in reasons(Customer.objects.get(pk=anna.pk))] == [cup.name]
    found = measured()
    assert [found.gifts[one.pk].want for one in (tea, cup)] == [0, 1]
    erase(ask_erasure(anna, asked_on=timezone.now().date(), due_on=None, asked_by="a letter", by=owner), by=owner)
    assert reasons(Customer.objects.get(pk=anna.pk)) == []
    assert measured().want == 0


# --- members who are alike ---


def test_members_who_answered_alike_are_found_and_chance_is_not(loves: Field) -> None:
    """Eighty members: of forty who sleep half like buns; what they say of pets and of sports has no pattern."""
    pets = add_field(title="Pet", type="choice", choices=["cat", "dog"])
    sport = add_field(title="Sport", type="yes_no")
    people, bun, dice = crowd(80), gift("bun"), random.Random(3)
    for place, one in enumerate(people):
        says = {pets.slug: dice.choice(["cat", "dog"]), sport.slug: dice.random() < 0.5}
        say([one], **says, **{loves.slug: ["Sleep", "Cups"] if place < 40 else ["Cups"]})
    like([*people[:22], *people[78:]], bun)
    found = measured()
    (taste,) = Taste.objects.all()
    assert (taste.gift, taste.field, taste.value, taste.buyers, taste.likers) == (bun, loves.slug, "Sleep", 40, 22)
    assert found.gifts[bun.pk].want == 42, "all who sleep, and two who eat buns without"
    give(people[30], 100)
    share = "Of members who answered “What do you love? — Sleep” as he did, 55% buy or take it."
    assert reasons(people[30]) == [(bun.name, share)]
    # what is archived at noon is not told in the evening
    change_field(loves, title=loves.title, choices=loves.choices, is_archived=True)
    assert reasons(people[30]) == []


def test_who_answered_is_set_beside_those_who_answered_otherwise(loves: Field) -> None:
    """Whoever fills a questionnaire comes more often: that says nothing of what he answered."""
    people, bun = crowd(120), gift("bun")
    say(people[:30], **{loves.slug: ["Sleep"]})
    say(people[30:60], **{loves.slug: ["Cups"]})
    like([*people[:15], *people[30:45]], bun)
    measured()
    assert not Taste.objects.exists()


def test_fewer_than_twenty_who_answered_so_are_no_reason(loves: Field) -> None:
    people, bun = crowd(60), gift("bun")
    say(people[:19], **{loves.slug: ["Sleep"]})
    say(people[19:], **{loves.slug: ["Cups"]})
    like(people[:19], bun)
    measured()
    assert not Taste.objects.exists()
    say(people[19:20], **{loves.slug: ["Sleep"]})
    like(people[19:20], bun)
    measured()
    assert [(one.value, one.buyers) for one in Taste.objects.all()] == [("Sleep", 20)]


def test_nothing_has_to_be_found_where_the_answer_names_the_category_of_the_gift(loves: Field) -> None:
    people, tea = crowd(60), gift("tea")
    say(people[:30], **{loves.slug: ["drinks"]})
    say(people[30:], **{loves.slug: ["Sleep"]})
    like(people[:30], tea)
    assert measured().gifts[tea.pk].want == 30
    assert not Taste.objects.exists()


def test_a_gift_with_one_liker_does_not_go_with_what_is_rare_of_him() -> None:
    """Each of ten gifts was bought once, each answer given by 20 of 500: a pair is seen by chance one time in 25."""
    towns = add_field(title="Town", type="choice", choices=[f"T{number}" for number in range(25)])
    people = crowd(500)
    for place, one in enumerate(people):
        one.own_fields = {towns.slug: f"T{place % 25}"}
    Customer.objects.bulk_update(people, ["own_fields"])
    for number in range(10):
        Product.objects.create(code=f"g{number}", name="G", category=f"G{number}")
        like([people[number * 7]], gift(f"g{number}"))
    measured()
    assert not Taste.objects.exists()


def test_the_database_keeps_one_pair_of_each_kind(loves: Field) -> None:
    one = gift("bun")
    for field in ("", loves.slug):
        Taste.objects.create(gift=one, field=field, value="Cups", buyers=9, likers=1)
        with pytest.raises(IntegrityError), transaction.atomic():
            Taste.objects.create(gift=one, field=field, value="Cups", buyers=8, likers=2)
