"""Two at one moment: one of them is served, the other is told, and the base is whole."""

import datetime as dt
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.db import connection

from regulars.accounts.models import User
from regulars.core.errors import InputError
from regulars.customers.models import Contact, Customer, Erasure, Merge, Purpose
from regulars.customers.services.consents import write_purpose
from regulars.customers.services.contacts import add_contact
from regulars.customers.services.customers import add_customer, add_note, edit_customer
from regulars.customers.services.erasing import ask_erasure, erase
from regulars.customers.services.merging import merge, unmerge
from regulars.customers.services.strategy import write_strategy
from regulars.foundation.changes import acting
from regulars.purchases.importing.runs import import_now, undo
from regulars.purchases.models import Import, Receipt

pytestmark = pytest.mark.django_db(transaction=True)


def at_once(*deeds: Callable[[], Any]) -> list[Any]:
    """What each gave, or the error that it raised."""
    results: list[Any] = [None] * len(deeds)
    start = threading.Barrier(len(deeds))

    def do(place: int) -> None:
        start.wait()
        try:
            results[place] = deeds[place]()
        except Exception as error:
            results[place] = error
        finally:
            connection.close()

    threads = [threading.Thread(target=do, args=(place,)) for place in range(len(deeds))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
        assert not thread.is_alive()
    return results


def one_was_told(results: list[Any]) -> None:
    told = [one for one in results if isinstance(one, Exception)]
    assert [type(one) for one in told] == [InputError] * (len(results) - 1), results


@pytest.mark.parametrize("time", range(3))
def test_the_same_two_are_merged_once(owner: User, time: int) -> None:
    one, two = (add_customer(by=owner, name=name) for name in "AB")
    one_was_told(at_once(lambda: merge(one, two, by=owner), lambda: merge(two, one, by=owner)))
    made = Merge.objects.get()
    one_was_told(at_once(lambda: unmerge(made, by=owner), lambda: unmerge(made, by=owner)))
    assert Customer.objects.whole().count() == 2


def test_a_ring_of_merges_cannot_be(owner: User) -> None:
    people = [add_customer(by=owner, name=name) for name in "ABC"]
    at_once(*(lambda a=a, b=b: merge(people[a], people[b], by=owner) for a, b in ((0, 1), (1, 2), (2, 0))))  # type: ignore[misc]
    assert Customer.objects.whole().count() >= 1
    for one in people:
        assert Customer.objects.whole().filter(pk__in=chain(one)).count() == 1


def chain(customer: Customer) -> list[int]:
    from regulars.customers.selectors.family import chain_of

    return chain_of(customer.pk)


@pytest.mark.parametrize("time", range(3))
def test_a_key_a_card_a_demand_and_a_text_belong_to_one(owner: User, time: int) -> None:
    one_was_told(at_once(*[lambda: add_customer(by=owner, name="A", external_id="K-1")] * 2))
    one, two = Customer.objects.get(), add_customer(by=owner, name="B")
    one_was_told(at_once(*(lambda c=c: add_contact(c, kind="card", written="C-500", by=owner) for c in (one, two))))  # type: ignore[misc]
    assert Contact.objects.count() == 1
    day = dt.date(2026, 3, 1)
    one_was_told(at_once(*[lambda: ask_erasure(one, asked_on=day, due_on=None, asked_by="x", by=owner)] * 2))
    one_was_told(at_once(*[lambda: write_strategy("person", why="a", how="b", what="c", based_on=0, by=owner)] * 2))
    at_once(*(lambda n=n: write_purpose("news", title="News", text=f"text {n}") for n in range(2)))  # type: ignore[misc]
    assert sorted(Purpose.objects.values_list("version", flat=True)) in ([1], [1, 2])


def test_one_phone_given_twice_at_once_is_one_contact(owner: User) -> None:
    one = add_customer(by=owner, name="A")
    results = at_once(*[lambda: add_contact(one, kind="phone", written="8 916 123-45-67", by=owner)] * 3)
    assert len({result.pk for result in results}) == 1
    assert Contact.objects.filter(is_main=True).count() == 1


def test_who_writes_while_somebody_is_erased_writes_nothing(owner: User) -> None:
    anna = add_customer(by=owner, name="Anna")
    case = ask_erasure(anna, asked_on=dt.date(2026, 3, 1), due_on=None, asked_by="x", by=owner)
    is_begun, may_end = threading.Event(), threading.Event()

    def slow_erasure() -> None:
        with acting(owner.pk, "web"):
            erase(case, by=owner)
            is_begun.set()
            may_end.wait(30)

    def write() -> None:
        is_begun.wait(30)
        stale = Customer.objects.get(pk=anna.pk)
        threading.Timer(0.5, may_end.set).start()
        edit_customer(stale, by=owner, given_name="Anna")

    def note() -> None:
        is_begun.wait(30)
        add_note(Customer.objects.get(pk=anna.pk), "Anna again", by=owner)

    _done, *refused = at_once(slow_erasure, write, note)
    assert [type(one) for one in refused] == [InputError, InputError]
    anna.refresh_from_db()
    assert (anna.name, anna.is_erased, anna.notes.count(), Erasure.objects.get().done_by) == ("", True, 0, owner)


@pytest.fixture
def march(tmp_path: Path, settings: Any, business: Any) -> Path:
    settings.MEDIA_ROOT = tmp_path / "files"
    path = tmp_path / "march.csv"
    rows = [f"03.03.2026 10:00;{number};K-{number % 5};1,00" for number in range(300)]
    path.write_text("\n".join(["Дата;Номер чека;Код клиента;Сумма", *rows]), encoding="utf-8")
    return path


def test_the_same_file_twice_at_once_comes_once(march: Path) -> None:
    first, second = at_once(lambda: import_now(march), lambda: import_now(march))
    assert (first.state, second.state) == ("done", "done"), (first, second)
    assert sorted((one.result["receipts"], one.result["receipts_known"]) for one in (first, second)) == [
        (0, 300), (300, 0),
    ]  # fmt: skip
    assert (Receipt.objects.count(), Customer.objects.count()) == (300, 5)


def test_an_import_and_the_undo_of_another_leave_one_of_both_orders(march: Path) -> None:
    done = import_now(march)
    _undone, again = at_once(lambda: undo(done.pk, user_id=None), lambda: import_now(march))
    assert again.state == "done", again.error
    assert Receipt.objects.count() == again.result["receipts"]
    assert Import.objects.get(pk=done.pk).state == "undone"
    assert not Receipt.objects.filter(customer=None).exists()


def test_a_merge_beside_an_import_loses_no_receipt(march: Path, owner: User) -> None:
    one, two = (add_customer(by=owner, name=key, external_id=key) for key in ("K-0", "K-1"))
    merged, done = at_once(lambda: merge(one, two, by=owner), lambda: import_now(march))
    assert (isinstance(merged, Merge), done.state) == (True, "done"), (merged, done)
    assert Receipt.objects.filter(customer__in=[one, two]).count() == 120
    unmerge(merged, by=owner)
    assert (one.receipts.count(), two.receipts.count()) == (60, 60)
