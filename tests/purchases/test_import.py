"""A file becomes receipts; the same file changes nothing; an undone import leaves nothing."""

import datetime as dt
from collections.abc import Callable
from pathlib import Path

import pytest

from regulars.customers.models import Contact, Customer, ForgottenContact
from regulars.customers.services.erasing import digest_of
from regulars.customers.services.search import refresh_search
from regulars.foundation.models import Business, Change
from regulars.purchases.importing import load
from regulars.purchases.importing.runs import Wishes, import_now, undo
from regulars.purchases.keys import receipt_key
from regulars.purchases.models import Import, Line, Product, Receipt, Seller, Store, Touched

pytestmark = pytest.mark.usefixtures("business")
Write = Callable[..., Path]

ROWS = [
    "03.03.2026 10:15;1;C-100;A1;Молоко;2;180,00;Центр;Иванова",
    "03.03.2026 10:15;1;C-100;A2;Хлеб;1;45,50;Центр;Иванова",
    "03.03.2026 23:30;2;C-200;A1;Молоко;1;90,00;Юг;Петров",
    "04.03.2026 00:30;1;;A1;Молоко;1;90,00;Центр;Иванова",
    "05.03.2026 12:00;3;C-100;A2;Хлеб;-1;-45,50;Центр;",
]


def test_lines_become_receipts_with_their_customers_and_goods(write: Write) -> None:
    done = import_now(write("march.csv", ROWS))
    assert (done.state, done.error) == ("done", "")
    assert Receipt.objects.count() == 4
    first = Receipt.objects.get(number="1", customer__external_id="C-100")
    assert (first.amount, first.store.name, first.seller.name) == (22550, "Центр", "Иванова")
    assert first.purchased_at == dt.datetime(2026, 3, 3, 7, 15, tzinfo=dt.UTC)
    assert sorted(first.lines.values_list("product__code", "quantity", "amount")) == [
        ("A1", 2.0, 18000),
        ("A2", 1.0, 4550),
    ]
    assert set(Contact.objects.values_list("kind", "value")) == {("card", "C100"), ("card", "C200")}
    assert Receipt.objects.filter(customer=None).count() == 1
    assert done.result["receipts"] == 4
    assert done.result["customers"] == 2


def test_new_customers_can_be_found_by_their_keys_and_contacts(write: Write) -> None:
    import_now(write("march.csv", [*ROWS, "06.03.2026 12:00;4;+79161234567;A2;Хлеб;1;45,50;Центр;"]))
    found = dict(Customer.objects.values_list("external_id", "search_text"))
    assert found == {
        "C-100": "c-100 c100", "C-200": "c-200 c200", "+79161234567": "79161234567 79161234567"
    }  # fmt: skip
    assert all(Customer.objects.values_list("search_parts", flat=True))
    # what the database itself would have written
    assert refresh_search(list(Customer.objects.values_list("pk", flat=True))) == 0


def test_creation_is_not_kept_row_by_row(write: Write) -> None:
    import_now(write("march.csv", ROWS))
    assert not Change.objects.exists()


@pytest.mark.parametrize("looked_up", [0, 5_000])
def test_the_same_file_twice_changes_nothing_and_says_so(
    write: Write, monkeypatch: pytest.MonkeyPatch, looked_up: int
) -> None:
    monkeypatch.setattr(load, "_LOOKED_UP", looked_up)
    file = write("march.csv", ROWS)
    import_now(file)
    Touched.objects.all().delete()
    again = import_now(file)
    assert (again.result["receipts"], again.result["receipts_known"], again.result["customers"]) == (0, 4, 0)
    assert (Receipt.objects.count(), Line.objects.count(), Customer.objects.count()) == (4, 5, 2)
    assert not Touched.objects.exists()


def test_of_overlapping_files_only_the_new_receipts_come(write: Write) -> None:
    import_now(write("a.csv", ROWS[:3]))
    second = import_now(write("b.csv", ROWS[1:]))
    # the first receipt stands in both files, in the second one without its first line
    assert (second.result["receipts"], second.result["receipts_known"], second.result["receipts_differ"]) == (2, 2, 1)
    assert Line.objects.count() == 5


def test_the_key_is_the_one_that_other_writers_make(write: Write) -> None:
    import_now(write("march.csv", ROWS))
    key = receipt_key(moment=dt.datetime(2026, 3, 3, 10, 15), store="Центр", number="1", customer="C-100")
    assert bytes(Receipt.objects.get(number="1", customer__external_id="C-100").key) == key
    unnumbered = import_now(write("x.csv", ["06.03.2026 09:00:01;C-9;10,00"], headings="Дата;Карта;Сумма"))
    assert unnumbered.result["receipts"] == 1
    key = receipt_key(moment=dt.datetime(2026, 3, 6, 9, 0, 1), store=None, number=None, customer="C-9")
    assert Receipt.objects.filter(key=key).exists()


def test_a_customer_is_known_by_his_phone_and_a_merged_one_stands_for_the_kept(write: Write) -> None:
    kept = Customer.objects.create(name="Anna")
    gone = Customer.objects.create(name="Anna P.", merged_into=kept)
    Contact.objects.create(customer=gone, kind="phone", value="+79161234567", written="8 916 123-45-67")
    import_now(write("x.csv", ["06.03.2026 09:00;8 (916) 123-45-67;10,00"], headings="Дата;Телефон;Сумма"))
    assert Receipt.objects.get().customer == kept
    assert Customer.objects.count() == 2


def test_a_phone_that_two_share_is_nobodys_proof(write: Write) -> None:
    for name in ("Anna", "Boris"):
        customer = Customer.objects.create(name=name)
        Contact.objects.create(customer=customer, kind="phone", value="+79161234567", written="1")
    import_now(write("x.csv", ["06.03.2026 09:00;8 (916) 123-45-67;10,00"], headings="Дата;Телефон;Сумма"))
    assert Receipt.objects.get().customer.external_id == "+79161234567"  # type: ignore[union-attr]


def test_an_erased_customer_does_not_come_back(write: Write) -> None:
    erased = Customer.objects.create()
    erasure = erased.erasures.create(asked_on=dt.date(2026, 1, 1), due_on=dt.date(2026, 2, 1), asked_by="letter")
    ForgottenContact.objects.create(digest=digest_of("phone", "+79161234567"), erasure=erasure)
    done = import_now(write("x.csv", ["06.03.2026 09:00;8 (916) 123-45-67;10,00"], headings="Дата;Телефон;Сумма"))
    assert Receipt.objects.get().customer is None
    assert done.result["customers_forgotten"] == 1
    assert not Contact.objects.exists()


def test_undo_leaves_nothing_of_the_import(write: Write) -> None:
    done = import_now(write("march.csv", ROWS))
    undone = undo(done.pk, user_id=None)
    assert undone.state == "undone"
    for model in (Receipt, Line, Customer, Contact, Product, Store, Seller):
        assert not model.objects.exists(), model
    again = import_now(write("march.csv", ROWS))
    assert again.result["receipts"] == 4


def test_undo_keeps_what_was_touched_since_and_says_why(write: Write, business: Business) -> None:
    done = import_now(write("march.csv", ROWS))
    other = import_now(write("april.csv", ["01.04.2026 10:00;7;C-100;A1;Молоко;1;95,00;Центр;Иванова"]))
    from regulars.foundation.changes import acting

    with acting(None, "web"):
        Customer.objects.filter(external_id="C-200").update(name="Olga")
    counts = undo(done.pk, user_id=None).result["undo"]
    assert (counts["kept_bought"], counts["kept_changed"], counts["removed_customers"]) == (1, 1, 0)
    assert set(Customer.objects.values_list("external_id", flat=True)) == {"C-100", "C-200"}
    assert set(Receipt.objects.values_list("imported_by", flat=True)) == {other.pk}
    assert list(Product.objects.values_list("code", flat=True)) == ["A1"]
    assert list(Store.objects.values_list("name", flat=True)) == ["Центр"]


def test_a_customer_with_a_note_stays(write: Write) -> None:
    done = import_now(write("march.csv", ROWS))
    Customer.objects.get(external_id="C-200").notes.create(text="likes rye")
    counts = undo(done.pk, user_id=None).result["undo"]
    assert (counts["removed_customers"], counts.get("kept_used", 0) + counts.get("kept_changed", 0)) == (1, 1)


def test_a_file_that_cannot_be_read_fails_with_the_users_name_of_it(write: Write, tmp_path: Path) -> None:
    failed = import_now(write("notes.csv", ["a;b"], headings="один;два"))
    assert failed.state == "failed"
    assert "notes.csv" in failed.error
    assert str(tmp_path) not in failed.error
    assert not Receipt.objects.exists()


def test_bad_rows_are_counted_by_reason_and_listed(write: Write) -> None:
    rows = [*ROWS, "not a date;9;C-1;A1;Молоко;1;90,00;Центр;"]
    refused = import_now(write("bad.csv", rows))
    assert refused.state == "failed"
    done = import_now(write("bad.csv", rows), wishes=Wishes(accept_rejects=True))
    assert done.result["reject_reasons"] == {"bad_date": 1}
    from regulars.purchases.importing.files import path_of

    assert "not a date" in path_of(done.rejects_stored_as).read_text(encoding="utf-8-sig")


def test_hostile_words_arrive_as_they_are(write: Write) -> None:
    rows = ['03.03.2026 10:15;1;"\'; DROP TABLE x;--";"\\N";"a""b,c";1;1,00;"<b>\\";x\0y']
    import_now(write("hostile.csv", rows), wishes=Wishes(accept_rejects=True))
    receipt = Receipt.objects.get()
    assert receipt.customer is not None
    assert receipt.customer.external_id == "'; DROP TABLE x;--"
    assert receipt.store is not None and receipt.store.name == "<b>\\"
    assert Product.objects.get().code == "\\N"
    assert Product.objects.get().name == 'a"b,c'


def test_the_stores_own_clock_decides(write: Write) -> None:
    Store.objects.create(name="Юг", time_zone="Asia/Yekaterinburg")
    import_now(write("march.csv", ROWS))
    assert Receipt.objects.get(number="2").purchased_at == dt.datetime(2026, 3, 3, 18, 30, tzinfo=dt.UTC)


def test_a_run_that_is_over_is_not_run_again(write: Write) -> None:
    from regulars.purchases.importing.runs import run

    done = import_now(write("march.csv", ROWS))
    assert run(done.pk).finished_at == done.finished_at
    assert Import.objects.get().state == "done"
