"""The ledger of consent is only added to, and its newest statement holds."""

import datetime as dt

import pytest
from django.db import transaction
from django.db.utils import DatabaseError

from regulars.accounts.models import User
from regulars.core.errors import InputError
from regulars.customers.models import Consent, Customer
from regulars.customers.selectors.consents import (
    current_purposes,
    has_agreed,
    may_contact,
    standings,
    whom_we_may_contact,
)
from regulars.customers.services.consents import record_consent, write_purpose
from regulars.customers.services.customers import add_customer, end_peace, leave_in_peace

pytestmark = pytest.mark.django_db
DAY = dt.date(2026, 3, 1)


@pytest.fixture
def anna(owner: User) -> Customer:
    write_purpose("marketing", title="News", text="first")
    return add_customer(by=owner, given_name="Anna")


def say(customer: Customer, channel: str, is_given: bool, *, at: dt.datetime | None = None) -> Consent:
    return record_consent(
        customer, purpose="marketing", channel=channel, is_given=is_given, source="till", by=None, at=at
    )


@pytest.mark.parametrize("write", ["update", "delete", "raw"])
def test_a_statement_is_never_changed(anna: Customer, write: str) -> None:
    made = say(anna, "sms", True)
    with pytest.raises(DatabaseError), transaction.atomic():
        if write == "update":
            Consent.objects.filter(pk=made.pk).update(is_given=False)
        elif write == "delete":
            made.delete()
        else:
            Customer.objects.filter(pk=anna.pk).delete()
    assert Consent.objects.get().is_given


def test_the_newest_statement_of_a_channel_holds(anna: Customer) -> None:
    assert not may_contact(anna, "marketing", "sms")
    say(anna, "sms", True)
    assert may_contact(anna, "marketing", "sms")
    assert not may_contact(anna, "marketing", "email")
    assert not may_contact(anna, "surveys", "sms")
    say(anna, "sms", False)
    assert not may_contact(anna, "marketing", "sms")


def test_a_statement_about_any_channel_concerns_each(anna: Customer) -> None:
    say(anna, "email", True)
    say(anna, "any", False)
    assert not has_agreed(anna, "marketing", "email")
    say(anna, "any", True)
    assert has_agreed(anna, "marketing", "sms")
    say(anna, "sms", False)
    assert (has_agreed(anna, "marketing", "sms"), has_agreed(anna, "marketing", "email")) == (False, True)


def test_what_was_said_later_holds_even_when_it_was_written_down_earlier(anna: Customer) -> None:
    say(anna, "sms", False, at=dt.datetime(2026, 2, 2, tzinfo=dt.UTC))
    say(anna, "sms", True, at=dt.datetime(2026, 1, 1, tzinfo=dt.UTC))
    assert not has_agreed(anna, "marketing", "sms")


def test_who_is_left_in_peace_is_not_contacted(anna: Customer, owner: User) -> None:
    say(anna, "sms", True)
    leave_in_peace(anna, reason="asked", until=DAY, by=owner)
    assert not may_contact(anna, "marketing", "sms", on=DAY)
    assert may_contact(anna, "marketing", "sms", on=DAY + dt.timedelta(days=1))
    leave_in_peace(anna, reason="asked", until=None, by=owner)
    assert not may_contact(anna, "marketing", "sms", on=DAY + dt.timedelta(days=1000))
    end_peace(anna, by=owner)
    assert may_contact(anna, "marketing", "sms", on=DAY)


def test_the_filter_of_many_says_the_same_as_the_question_about_one(anna: Customer, owner: User) -> None:
    others = [add_customer(by=owner, given_name=name) for name in "BCDE"]
    say(others[0], "sms", True)
    say(others[1], "any", True)
    say(others[2], "any", True)
    say(others[2], "sms", False)
    say(others[3], "sms", True)
    leave_in_peace(others[3], reason="asked", until=DAY, by=owner)
    for day in (DAY, DAY + dt.timedelta(days=1)):
        many = set(whom_we_may_contact(Customer.objects.whole(), "marketing", "sms", on=day))
        assert many == {one for one in [anna, *others] if may_contact(one, "marketing", "sms", on=day)}
        assert many


def test_consent_names_the_text_and_a_changed_text_is_another_version(anna: Customer) -> None:
    assert say(anna, "sms", True).text_version == 1
    assert write_purpose("marketing", title="News", text="first").version == 1
    write_purpose("marketing", title="News", text="second")
    assert say(anna, "sms", True).text_version == 2
    shown = standings(list(anna.consents.all()), current_purposes())[0]
    assert shown.by_channel["sms"].text_version == 2  # type: ignore[union-attr]
    assert shown.by_channel["email"] is None


def test_consent_without_a_text_a_source_or_with_a_future_is_refused(anna: Customer) -> None:
    common = {"channel": "sms", "is_given": True, "by": None}
    with pytest.raises(InputError):
        record_consent(anna, purpose="surveys", source="till", **common)  # type: ignore[arg-type]
    with pytest.raises(InputError):
        record_consent(anna, purpose="marketing", source=" ", **common)  # type: ignore[arg-type]
    with pytest.raises(InputError):
        say(anna, "sms", True, at=dt.datetime(2999, 1, 1, tzinfo=dt.UTC))
    record_consent(anna, purpose="surveys", source="letter", channel="any", is_given=False, by=None)
