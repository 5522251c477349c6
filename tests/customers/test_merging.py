"""Merging loses nothing, and taking it back restores everything."""

import datetime as dt
from typing import Any

import pytest
from django.apps import apps
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from hypothesis.extra.django import TestCase

from regulars.accounts.models import User
from regulars.accounts.services import make_preset_roles
from regulars.core.errors import InputError
from regulars.customers.models import Consent, Customer, Erasure, Form, FormAnswer, Note, Relation, Tag
from regulars.customers.selectors.family import by_external_id, family_of, survivor_of
from regulars.customers.services.contacts import add_contact
from regulars.customers.services.customers import add_customer, add_note, relate, set_tags
from regulars.customers.services.merging import merge, unmerge
from regulars.customers.services.moving import label, links
from regulars.purchases.models import Receipt

pytestmark = pytest.mark.django_db


def everything() -> dict[str, Any]:
    """All rows of all tables that belong to customers, the times of last changes and the merges aside."""
    tables = {link.model._meta.label: link.model for link in links()} | {"customers.Customer": Customer}
    return {
        name: sorted(
            (sorted((key, repr(value)) for key, value in row.items() if key != "updated_at"))
            for row in model._base_manager.values()
        )
        for name, model in tables.items()
    }


def furnish(customer: Customer, by: User, seed: int) -> None:
    add_contact(customer, kind="phone", written="+79161234567", by=by)
    add_contact(customer, kind="phone", written=f"+7916000{seed:04}", by=by)
    add_contact(customer, kind="card", written=f"CARD{seed}", by=by)
    add_note(customer, f"note {seed}", by=by)
    set_tags(customer, ["shared", f"own {seed}"], by=by)
    Consent.objects.create(
        customer=customer, purpose="news", channel="sms", is_given=bool(seed % 2), source="till",
        at=dt.datetime(2026, 1, 1 + seed % 27, tzinfo=dt.UTC),
    )  # fmt: skip
    Receipt.objects.create(
        customer=customer, purchased_at=dt.datetime(2026, 1, 1, tzinfo=dt.UTC), amount=100, key=bytes([seed]) * 32
    )
    FormAnswer.objects.create(form=Form.objects.create(title="f"), customer=customer, answers={"a": seed})


def test_what_belonged_to_one_belongs_to_the_other(owner: User) -> None:
    anna, twin = (add_customer(by=owner, name=name, kind="company") for name in ("A", "B"))
    furnish(anna, owner, 1)
    furnish(twin, owner, 2)
    made = merge(anna, twin, by=owner, reasons=["same_phone"])
    assert anna.notes.count() == anna.receipts.count() == anna.consents.count() == anna.answers.count() == 2
    assert set(anna.tags.values_list("name", flat=True)) == {"shared", "own 1", "own 2"}
    assert anna.contacts.filter(kind="phone").count() == 3  # the shared one once
    assert anna.contacts.filter(kind="phone", is_main=True).count() == 1
    assert (made.by, made.reasons) == (owner, ["same_phone"])


def test_empty_fields_are_filled_and_others_stay(owner: User) -> None:
    anna = add_customer(by=owner, given_name="Anna", own_fields={"size": "M"})
    twin = add_customer(
        by=owner, given_name="Anja", birth_date=dt.date(1990, 5, 1), sex="f", own_fields={"size": "L", "pet": "cat"}
    )
    Customer.objects.filter(pk=twin.pk).update(is_quiet=True, quiet_reason="asked")
    made = merge(anna, twin, by=owner)
    anna.refresh_from_db()
    assert (anna.given_name, anna.birth_date, anna.sex) == ("Anna", dt.date(1990, 5, 1), "f")
    assert anna.own_fields == {"size": "M", "pet": "cat"}
    assert anna.is_quiet
    Customer.objects.filter(pk=anna.pk).update(sex="m")  # somebody knew better since
    unmerge(made, by=owner)
    anna.refresh_from_db()
    assert (anna.sex, anna.birth_date, anna.own_fields, anna.is_quiet) == ("m", None, {"size": "M"}, False)


def test_merged_ids_keep_working(owner: User) -> None:
    one, two, three = (add_customer(by=owner, name=name, external_id=name) for name in "ABC")
    merge(two, one, by=owner)
    two.refresh_from_db()
    merge(three, two, by=owner)
    assert survivor_of(one.pk) == three.pk
    assert by_external_id("A") == by_external_id("B") == three
    assert sorted(family_of(three.pk)) == [one.pk, two.pk, three.pk]
    assert survivor_of(10**9) is None


def test_a_merge_that_makes_no_sense_is_refused(owner: User) -> None:
    one, two, three = (add_customer(by=owner, name=name) for name in "ABC")
    with pytest.raises(InputError):
        merge(one, one, by=owner)
    made = merge(one, two, by=owner)
    with pytest.raises(InputError):
        merge(three, two, by=owner)
    unmerge(made, by=owner)
    with pytest.raises(InputError):
        unmerge(made, by=owner)
    Erasure.objects.create(customer=three, asked_on=dt.date(2026, 1, 1), due_on=dt.date(2026, 2, 1), asked_by="letter")
    with pytest.raises(InputError):
        merge(one, three, by=owner)


def test_receipts_move_although_this_package_does_not_know_them() -> None:
    names = {label(link) for link in links()}
    assert {"purchases.Receipt.customer", "customers.Customer_tags.customer", "customers.Consent.customer"} <= names
    assert all(apps.get_model(name.rpartition(".")[0]) for name in names)


def test_two_relations_that_a_merge_makes_one_are_two_again(owner: User) -> None:
    first, second, middle, last = (add_customer(by=owner, name=name) for name in "ABCD")
    relate(last, other=second, kind="family", by=owner)
    relate(last, other=first, kind="family", by=owner)
    before = everything()
    merges = []
    for kept, gone in ((middle, last), (first, middle), (second, first)):
        merges.append(merge(Customer.objects.get(pk=kept.pk), Customer.objects.get(pk=gone.pk), by=owner))
    for made in merges:
        unmerge(made, by=owner)
    assert everything() == before


def test_a_merge_in_the_middle_is_taken_back_with_all_that_came_by_it(owner: User) -> None:
    one = add_customer(by=owner, given_name="Anna", birth_date=dt.date(1990, 5, 1), own_fields={"pet": ["cat", "dog"]})
    two, three, four = (add_customer(by=owner, name=name, kind="company") for name in "BCD")
    phone = add_contact(one, kind="phone", written="+79161234567", by=owner)
    add_contact(three, kind="phone", written="+79161234568", by=owner)
    add_note(one, "of the first", by=owner)
    made = [merge(kept, gone, by=owner) for kept, gone in ((two, one), (three, two), (four, three))]
    four.refresh_from_db()
    assert (four.given_name, four.own_fields) == ("Anna", {"pet": ["cat", "dog"]})
    unmerge(made[0], by=owner)
    for other in (two, three, four):
        other.refresh_from_db()
        assert (other.given_name, other.birth_date, other.own_fields, other.notes.count()) == ("", None, {}, 0)
    phone.refresh_from_db()
    assert (phone.customer, phone.is_main, one.notes.count()) == (one, True, 1)
    # what is the first's own stays his, when another is merged into him and the others part
    one.refresh_from_db()
    merge(one, Customer.objects.get(pk=four.pk), by=owner)
    made[2].refresh_from_db()
    unmerge(made[2], by=owner)
    assert (one.notes.count(), three.notes.count()) == (1, 0)


class TestMergingIsUndone(TestCase):
    """Any chain of merges, taken back in any order, leaves what there was."""

    @settings(
        max_examples=12,
        phases=[
            Phase.explicit,
            Phase.reuse,
            Phase.generate,
        ],  # each example is a story in the database: shrinking takes minutes
        suppress_health_check=list(HealthCheck),
    )
    @given(st.data())
    def test_a_chain_of_merges_taken_back_restores_every_row(self, data: st.DataObject) -> None:
        make_preset_roles()
        by = User.objects.create(email="o@example.com", name="O", language="en", role_id=_owner_role())
        people = [add_customer(by=by, name=f"P{number}") for number in range(4)]
        for number, one in enumerate(people):
            furnish(one, by, number)
            Customer.objects.filter(pk=one.pk).update(
                sex=data.draw(st.sampled_from(["", "f", "m"])),
                own_fields=data.draw(st.dictionaries(st.sampled_from("abc"), st.integers(0, 1), max_size=3)),
                is_quiet=data.draw(st.booleans()),
            )
        for first, second in data.draw(st.lists(st.permutations(range(4)).map(lambda p: p[:2]), max_size=3)):
            if not Relation.objects.filter(customer=people[first], other=people[second]).exists():
                relate(people[first], other=people[second], kind="family", by=by)
        before = everything()
        left, merges = list(people), []
        for _step in range(data.draw(st.integers(1, 3))):
            kept, gone = data.draw(st.permutations(left))[:2]
            merges.append(merge(Customer.objects.get(pk=kept.pk), Customer.objects.get(pk=gone.pk), by=by))
            left.remove(gone)
        assert Note.objects.filter(customer__merged_into=None).count() == 4
        assert Tag.objects.count() == 5
        for made in data.draw(st.permutations(merges)):
            unmerge(made, by=by)
        after = everything()
        different = {name: (after[name], before[name]) for name in before if after[name] != before[name]}
        assert not different


def _owner_role() -> int:
    from regulars.accounts.models import Role

    return Role.objects.get(slug="owner").pk
