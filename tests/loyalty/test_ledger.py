"""The ledger: what is written stays, adds up, and is written once; and whoever changes it behind its back is found."""

import datetime as dt
from collections.abc import Callable
from typing import Any

import pytest
from django.db import DatabaseError, IntegrityError, connection, transaction

from regulars.accounts.models import Role, User
from regulars.accounts.services import make_preset_roles
from regulars.customers.models import Customer
from regulars.customers.services.merging import merge, unmerge
from regulars.loyalty.balances import Balance, balance_of, position
from regulars.loyalty.ledger import (
    Document,
    Kind,
    Refused,
    expire,
    give_back,
    grant,
    hold,
    open_account,
    release,
    spend,
    take_back,
    write,
    write_one,
)
from regulars.loyalty.models import Account, Lot, Posting, Transaction, Unit
from regulars.loyalty.verifying import faults
from tests.loyalty.at_once import together

NOW = dt.datetime(2026, 3, 1, 12, tzinfo=dt.UTC)
DAY = dt.timedelta(days=1)

pytestmark = pytest.mark.django_db


@pytest.fixture
def unit() -> Unit:
    return Unit.objects.create(slug="points", title="Points")


@pytest.fixture
def anna(unit: Unit) -> int:
    customer = Customer.objects.create(name="Anna")
    open_account(customer.pk, unit, at=NOW, debt_limit=1000)
    return customer.pk


def document(unit: Unit, number: str, *movements: dict[str, Any], kind: Kind = Kind.SALE, **more: Any) -> Document:
    return Document(unit, kind, "till:1", number, "till:1", movements, **more)


def judge() -> None:
    """What a commit would do."""
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE; SET CONSTRAINTS ALL DEFERRED")


def test_points_are_spent_soonest_expiry_first_then_oldest_then_never_expiring(unit: Unit, anna: int) -> None:
    write([
        document(unit, "1", grant(anna, 10)),
        document(unit, "2", grant(anna, 10, expires_at=NOW + 9 * DAY)),
        document(unit, "3", grant(anna, 10, expires_at=NOW + 5 * DAY)),
        document(unit, "4", grant(anna, 10, available_at=NOW - DAY, expires_at=NOW + 9 * DAY)),
    ], at=NOW)  # fmt: skip
    write_one(document(unit, "5", spend(anna, 32)), at=NOW)
    judge()
    left = {one.born_in.number: one.remaining for one in Lot.objects.select_related("born_in")}
    assert left == {"1": 8, "2": 0, "3": 0, "4": 0}


def test_pending_points_count_but_cannot_be_spent(unit: Unit, anna: int) -> None:
    write_one(document(unit, "1", grant(anna, 10, available_at=NOW + DAY)), at=NOW)
    assert balance_of(anna, unit, at=NOW) == Balance(0, 10, 0, 0)
    with pytest.raises(Refused) as told:
        write_one(document(unit, "2", spend(anna, 1)), at=NOW)
    assert told.value.code == "not_enough"
    assert "0" in str(told.value)
    write_one(document(unit, "3", spend(anna, 10)), at=NOW + DAY)


def test_expired_points_cannot_be_spent_even_before_the_night_took_them(unit: Unit, anna: int) -> None:
    write_one(document(unit, "1", grant(anna, 10, expires_at=NOW + DAY)), at=NOW)
    later = NOW + DAY
    with pytest.raises(Refused, match="0"):
        write_one(document(unit, "2", spend(anna, 1)), at=later)
    write_one(document(unit, "3", expire(anna), kind=Kind.EXPIRY), at=later)
    judge()
    assert position(unit, at=later).expired == 10
    assert balance_of(anna, unit, at=NOW) == Balance(10, 0, 0, 0), "the past stays what it was"


def test_a_document_is_whole_or_not_at_all_and_its_neighbours_stand(unit: Unit, anna: int) -> None:
    answers = write([
        document(unit, "1", grant(anna, 5)),
        document(unit, "2", grant(anna, 100), spend(anna, 106)),
        document(unit, "3", spend(anna, 5)),
    ], at=NOW)  # fmt: skip
    judge()
    assert [isinstance(one, Refused) for one in answers] == [False, True, False]
    assert set(Transaction.objects.values_list("number", flat=True)) == {"1", "3"}
    assert faults() == []


def test_the_same_receipt_is_written_once(unit: Unit, anna: int) -> None:
    first = write_one(document(unit, "17", grant(anna, 5)), at=NOW)
    with pytest.raises(Refused) as told:
        write_one(document(unit, "17", grant(anna, 5)), at=NOW)
    assert told.value.code == "written_before"
    assert told.value.figures == {"transaction": first.transaction}
    assert balance_of(anna, unit, at=NOW).available == 5


@pytest.mark.parametrize("amount", [0, -5])
@pytest.mark.parametrize("movement", [grant, spend])
def test_nothing_and_less_than_nothing_are_refused(
    unit: Unit, anna: int, movement: Callable[[int, int], dict[str, Any]], amount: int
) -> None:
    with pytest.raises(Refused) as told:
        write_one(document(unit, "1", movement(anna, amount)), at=NOW)
    assert told.value.code == "not_positive"


def test_points_that_would_expire_before_they_can_be_spent_are_refused(unit: Unit, anna: int) -> None:
    with pytest.raises(Refused) as told:
        write_one(document(unit, "1", grant(anna, 5, available_at=NOW + DAY, expires_at=NOW + DAY)), at=NOW)
    assert told.value.code == "expires_before_available"


@pytest.mark.parametrize("movement", [{"do": "dance", "amount": 1}, {"do": "grant"}, {"amount": 5}])
def test_a_movement_that_nobody_knows_leaves_no_document(unit: Unit, anna: int, movement: dict[str, Any]) -> None:
    with pytest.raises((DatabaseError, Refused)):
        write_one(document(unit, "1", movement | {"customer": anna}), at=NOW)
    assert not Transaction.objects.exists()


def test_returned_points_go_back_to_their_lots_and_never_more_than_were_spent(unit: Unit, anna: int) -> None:
    write([
        document(unit, "1", grant(anna, 10, expires_at=NOW + DAY)),
        document(unit, "2", grant(anna, 10, expires_at=NOW + 9 * DAY)),
    ], at=NOW)  # fmt: skip
    sale = write_one(document(unit, "3", spend(anna, 15)), at=NOW).transaction
    first = write_one(document(unit, "r1", give_back(7), kind=Kind.RETURN, reverses=sale), at=NOW + 2 * DAY)
    second = write_one(document(unit, "r2", give_back(8), kind=Kind.RETURN, reverses=sale), at=NOW + 2 * DAY)
    assert first.points == {"given_back": 5, "expired": 2}, "the first lot has expired since"
    assert second.points == {"given_back": 0, "expired": 8}
    with pytest.raises(Refused) as told:
        write_one(document(unit, "r3", give_back(1), kind=Kind.RETURN, reverses=sale), at=NOW + 2 * DAY)
    assert told.value.code == "more_than_spent"
    judge()
    assert balance_of(anna, unit, at=NOW + 2 * DAY) == Balance(10, 0, 0, 0)


def test_points_given_back_late_can_live_on_until_a_day(unit: Unit, anna: int) -> None:
    write_one(document(unit, "1", grant(anna, 10, expires_at=NOW + DAY)), at=NOW)
    sale = write_one(document(unit, "2", spend(anna, 10)), at=NOW).transaction
    later = NOW + 3 * DAY
    back = document(unit, "r", give_back(10, late_until=later + DAY), kind=Kind.RETURN, reverses=sale)
    write_one(back, at=later)
    assert balance_of(anna, unit, at=later) == Balance(10, 0, 0, 0)
    with pytest.raises(Refused):
        write_one(document(unit, "r2", give_back(1), kind=Kind.RETURN, reverses=sale), at=later)


def test_points_that_lived_on_late_and_were_spent_again_come_back_once(unit: Unit, anna: int) -> None:
    write_one(document(unit, "0", grant(anna, 10, expires_at=NOW + DAY)), at=NOW)
    first = write_one(document(unit, "1", spend(anna, 10)), at=NOW).transaction
    late = NOW + 2 * DAY
    lives_on = give_back(10, late_until=late + 9 * DAY)
    write_one(document(unit, "r1", lives_on, kind=Kind.RETURN, reverses=first), at=late)
    write_one(document(unit, "2", grant(anna, 20)), at=late)
    second = write_one(document(unit, "3", spend(anna, 15)), at=late).transaction
    for number, points in (("r2", 8), ("r3", 7)):
        write_one(document(unit, number, give_back(points), kind=Kind.RETURN, reverses=second), at=late)
    with pytest.raises(Refused, match="0 points are left"):
        write_one(document(unit, "r4", give_back(1), kind=Kind.RETURN, reverses=second), at=late)
    assert balance_of(anna, unit, at=late).available == 30
    assert sorted(Lot.objects.values_list("remaining", flat=True)) == [0, 10, 20]


def test_granted_points_that_were_spent_are_owed_up_to_the_limit_and_the_rest_forgiven(unit: Unit, anna: int) -> None:
    Account.objects.update(debt_limit=30)
    sale = write_one(document(unit, "1", grant(anna, 100)), at=NOW).transaction
    write_one(document(unit, "2", spend(anna, 90)), at=NOW)
    back = write_one(document(unit, "r", take_back(100), kind=Kind.RETURN, reverses=sale), at=NOW)
    assert back.points == {"taken_back": 10, "owed": 30, "expired_before": 0, "forgiven": 60}
    assert balance_of(anna, unit, at=NOW) == Balance(0, 0, 0, 30)
    write_one(document(unit, "3", grant(anna, 50)), at=NOW)
    judge()
    assert balance_of(anna, unit, at=NOW) == Balance(20, 0, 0, 0), "new points pay the debt first"
    assert position(unit, at=NOW).is_balanced


def test_what_has_expired_of_a_sale_is_not_taken_from_his_other_points(unit: Unit, anna: int) -> None:
    sale = write_one(document(unit, "1", grant(anna, 10, expires_at=NOW + DAY)), at=NOW).transaction
    write_one(document(unit, "2", grant(anna, 50)), at=NOW)
    write_one(document(unit, "e", expire(anna), kind=Kind.EXPIRY), at=NOW + DAY)
    back = write_one(document(unit, "r", take_back(10), kind=Kind.RETURN, reverses=sale), at=NOW + DAY)
    assert back.points == {"taken_back": 0, "owed": 0, "expired_before": 10, "forgiven": 0}
    assert balance_of(anna, unit, at=NOW + DAY) == Balance(50, 0, 0, 0)


def test_spent_points_of_a_returned_sale_are_taken_from_what_expires_first(unit: Unit, anna: int) -> None:
    sale = write_one(document(unit, "1", grant(anna, 10, expires_at=NOW + DAY)), at=NOW).transaction
    write_one(document(unit, "2", spend(anna, 10)), at=NOW)
    write([
        document(unit, "3", grant(anna, 10)),
        document(unit, "4", grant(anna, 10, expires_at=NOW + 5 * DAY)),
    ], at=NOW)  # fmt: skip
    write_one(document(unit, "r", take_back(10), kind=Kind.RETURN, reverses=sale), at=NOW)
    assert dict(Lot.objects.values_list("born_in__number", "remaining")) == {"1": 0, "3": 10, "4": 0}


def test_a_return_that_gives_and_takes_of_one_lot_expires_nothing(unit: Unit, anna: int) -> None:
    first = write_one(document(unit, "1", grant(anna, 10, expires_at=NOW + DAY)), at=NOW).transaction
    second = write_one(document(unit, "2", spend(anna, 10), grant(anna, 4)), at=NOW).transaction
    write_one(document(unit, "3", spend(anna, 4)), at=NOW)
    # ten are back in the first lot, and the four that were earned and spent are taken out of it
    write_one(document(unit, "r2", give_back(10), take_back(4), kind=Kind.RETURN, reverses=second), at=NOW)
    back = write_one(document(unit, "r1", take_back(10), kind=Kind.RETURN, reverses=first), at=NOW)
    assert back.points == {"taken_back": 6, "owed": 4, "expired_before": 0, "forgiven": 0}


def test_held_points_wait_and_a_hold_ends_once(unit: Unit, anna: int) -> None:
    write_one(document(unit, "1", grant(anna, 10)), at=NOW)
    hold(anna, unit, 8, key="basket 1", at=NOW, until=NOW + DAY)
    with pytest.raises(Refused) as told:
        write_one(document(unit, "2", spend(anna, 3)), at=NOW)
    assert told.value.figures == {"wanted": 3, "available": 2}
    release("basket 1", at=NOW)
    with pytest.raises(Refused) as told:
        release("basket 1", at=NOW)
    assert told.value.code == "hold_is_over"
    write_one(document(unit, "3", spend(anna, 10)), at=NOW)
    judge()


def test_who_was_merged_spends_as_one_and_goes_apart_with_what_is_his(unit: Unit, anna: int) -> None:
    make_preset_roles()
    owner = User.objects.create(email="o@example.com", name="O", role=Role.objects.get(slug="owner"))
    other = Customer.objects.create(name="Anya")
    open_account(other.pk, unit, at=NOW)
    write([document(unit, "1", grant(anna, 10)), document(unit, "2", grant(other.pk, 7))], at=NOW)
    made = merge(Customer.objects.get(pk=anna), other, by=None)
    assert balance_of(anna, unit, at=NOW).available == 17
    write_one(document(unit, "3", spend(anna, 12)), at=NOW)
    unmerge(made, by=owner)
    judge()
    assert balance_of(anna, unit, at=NOW).available == 0
    assert balance_of(other.pk, unit, at=NOW).available == 5
    assert faults() == []


class TestBehindItsBack:
    """Whoever writes past the one way."""

    @pytest.mark.parametrize(
        "statement",
        [
            "UPDATE loyalty_posting SET amount = amount + 1",
            "DELETE FROM loyalty_posting",
            "UPDATE loyalty_transaction SET reason = 'other'",
            "DELETE FROM loyalty_transaction",
            "DELETE FROM loyalty_lot",
            "UPDATE loyalty_lot SET remaining = remaining - 1; SET CONSTRAINTS ALL IMMEDIATE",
            "UPDATE loyalty_lot SET held = 1; SET CONSTRAINTS ALL IMMEDIATE",
            "UPDATE loyalty_account SET debt = 5; SET CONSTRAINTS ALL IMMEDIATE",
            "INSERT INTO loyalty_posting (transaction_id, book, amount) SELECT id, 'issued', -5"
            " FROM loyalty_transaction; SET CONSTRAINTS ALL IMMEDIATE",
            "INSERT INTO loyalty_posting (transaction_id, book, account_id, amount, seq, chain) SELECT t.id, 'member',"
            " a.id, 5, 9, '' FROM loyalty_transaction t, loyalty_account a; SET CONSTRAINTS ALL IMMEDIATE",
        ],
    )
    def test_the_database_refuses(self, unit: Unit, anna: int, statement: str) -> None:
        write_one(document(unit, "1", grant(anna, 10)), at=NOW)
        with pytest.raises(DatabaseError), transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(statement)
        with connection.cursor() as cursor:
            cursor.execute("SET CONSTRAINTS ALL DEFERRED")
        assert faults() == []

    @pytest.mark.parametrize(
        ("statement", "told"),
        [
            ("UPDATE loyalty_posting SET amount = amount * 2", "Lot "),
            ("UPDATE loyalty_posting SET amount = amount - 1 WHERE book = 'issued'", "do not add up to zero"),
            ("UPDATE loyalty_transaction SET actor = 'nobody' WHERE number = '1'", "other contents"),
            ("UPDATE loyalty_transaction SET happened_at = happened_at - interval '1 day'", "other contents"),
            ("DELETE FROM loyalty_posting WHERE seq = 1", "A posting is missing"),
            ("DELETE FROM loyalty_posting WHERE seq = 2", "does not end with its last posting"),
            ("UPDATE loyalty_lot SET remaining = remaining + 1, granted = granted + 1", "has other points"),
            ("UPDATE loyalty_lot SET held = 1", "holds other points"),
            ("UPDATE loyalty_account SET debt = 1 WHERE debt_limit > 0", "owes other points"),
            ("UPDATE loyalty_account SET chain = ''", "does not end with its last posting"),
            (
                "UPDATE loyalty_posting SET account_id = (SELECT max(id) FROM loyalty_account) WHERE seq > 0",
                "lot of another",
            ),
        ],
    )
    def test_verify_names_what_an_administrator_of_the_database_did(
        self, unit: Unit, anna: int, statement: str, told: str
    ) -> None:
        open_account(Customer.objects.create(name="Other").pk, unit, at=NOW)
        write_one(document(unit, "1", grant(anna, 10)), at=NOW)
        write_one(document(unit, "2", spend(anna, 4)), at=NOW)
        judge()
        assert faults() == []
        with connection.cursor() as cursor:
            cursor.execute("SET LOCAL session_replication_role = replica")  # triggers are off
            cursor.execute(statement)
            cursor.execute("SET LOCAL session_replication_role = origin")
        assert any(told in str(fault) for fault in faults()), [str(one) for one in faults()]

    def test_a_changed_posting_breaks_the_chain_even_when_all_sums_are_mended(self, unit: Unit, anna: int) -> None:
        write_one(document(unit, "1", grant(anna, 10)), at=NOW)
        write_one(document(unit, "2", grant(anna, 10)), at=NOW)
        with connection.cursor() as cursor:
            cursor.execute("SET CONSTRAINTS ALL IMMEDIATE; SET LOCAL session_replication_role = replica")
            cursor.execute("UPDATE loyalty_posting SET amount = amount + sign(amount)")
            cursor.execute("UPDATE loyalty_lot SET remaining = remaining + 1, granted = granted + 1")
            cursor.execute("SET LOCAL session_replication_role = origin; SET CONSTRAINTS ALL DEFERRED")
        assert ["does not follow" in str(one) for one in faults()] == [True]


@pytest.mark.django_db(transaction=True)
class TestAtOnce:
    """Many tills at one moment."""

    def test_the_last_points_are_spent_by_one(self, unit: Unit, anna: int) -> None:
        write_one(document(unit, "0", grant(anna, 100)), at=NOW)
        answers = together(20, lambda place: write([document(unit, f"{place + 1}", spend(anna, 100))], at=NOW)[0])
        assert sum(not isinstance(one, Refused) for one in answers) == 1
        assert balance_of(anna, unit, at=NOW) == Balance(0, 0, 0, 0)
        assert faults() == []

    def test_one_receipt_from_many_is_written_once(self, unit: Unit, anna: int) -> None:
        answers = together(20, lambda _place: write([document(unit, "7", grant(anna, 5))], at=NOW)[0])
        assert sum(not isinstance(one, Refused) for one in answers) == 1
        assert {one.code for one in answers if isinstance(one, Refused)} == {"written_before"}
        assert balance_of(anna, unit, at=NOW).available == 5

    def test_batches_about_the_same_people_in_other_orders_wait_for_none_in_a_circle(self, unit: Unit) -> None:
        people = [Customer.objects.create(name=str(place)).pk for place in range(6)]
        for one in people:
            open_account(one, unit, at=NOW)

        def batch(place: int) -> list[Any]:
            order = people[place % 6 :] + people[: place % 6]
            if place % 2:
                order.reverse()
            return write([document(unit, f"{place}-{one}", grant(one, 1)) for one in order], at=NOW)

        answers = together(12, batch)
        assert not any(isinstance(one, Refused) for some in answers for one in some)
        assert position(unit, at=NOW).issued == 72
        assert faults() == []

    def test_two_returns_of_one_sale_give_back_what_was_spent(self, unit: Unit, anna: int) -> None:
        write_one(document(unit, "0", grant(anna, 100)), at=NOW)
        sale = write_one(document(unit, "1", spend(anna, 60)), at=NOW).transaction
        answers = together(8, lambda place: write(
            [document(unit, f"r{place}", give_back(25), kind=Kind.RETURN, reverses=sale)], at=NOW)[0])  # fmt: skip
        assert sum(not isinstance(one, Refused) for one in answers) == 2
        assert balance_of(anna, unit, at=NOW).available == 90

    def test_returns_amid_a_merge_give_back_what_was_spent_and_no_more(self, unit: Unit, anna: int) -> None:
        kept = Customer.objects.create(name="Anya")
        open_account(kept.pk, unit, at=NOW)
        write_one(document(unit, "0", grant(anna, 100)), at=NOW)
        sale = write_one(document(unit, "1", spend(anna, 60)), at=NOW).transaction

        def story(place: int) -> Any:
            if place == 3:
                return merge(kept, Customer.objects.get(pk=anna), by=None)
            return write([document(unit, f"r{place}", give_back(25), kind=Kind.RETURN, reverses=sale)], at=NOW)[0]

        answers = together(9, story)
        assert sum(getattr(one, "points", None) == {"given_back": 25, "expired": 0} for one in answers) == 2
        assert balance_of(kept.pk, unit, at=NOW).available == 90
        assert faults() == []

    def test_a_merge_amid_sales_loses_nothing(self, unit: Unit, anna: int) -> None:
        other = Customer.objects.create(name="Anya")
        open_account(other.pk, unit, at=NOW)
        write([document(unit, "a", grant(anna, 50)), document(unit, "b", grant(other.pk, 50))], at=NOW)

        def story(place: int) -> Any:
            if place == 5:
                return merge(Customer.objects.get(pk=anna), other, by=None)
            return write([document(unit, f"{place}", spend(other.pk if place % 2 else anna, 5))], at=NOW)[0]

        answers = together(14, story)
        spent = sum(5 for one in answers if getattr(one, "points", None))
        assert balance_of(anna, unit, at=NOW).available == 100 - spent
        assert balance_of(other.pk, unit, at=NOW).available == 0
        assert faults() == []


def test_the_database_judges_at_the_commit(unit: Unit, anna: int) -> None:
    write_one(document(unit, "1", grant(anna, 10)), at=NOW)
    with pytest.raises(IntegrityError, match="add up"), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("INSERT INTO loyalty_posting (transaction_id, book, amount) SELECT max(id), 'void', 3 "
                       "FROM loyalty_transaction")  # fmt: skip
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
    assert Posting.objects.filter(book="void").count() == 0


def test_no_table_that_is_kept_can_be_emptied() -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            """SELECT c.relname FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid
            WHERE t.tgname IN ('keep', 'decided') AND t.tgtype & 8 > 0 AND c.relname LIKE 'loyalty%%' ORDER BY 1"""
        )
        kept = sorted({name for (name,) in cursor.fetchall()})
    assert {f"loyalty_{name}" for name in ("posting", "transaction", "lot", "account", "sale", "settlement")} < {*kept}
    ways = [f"TRUNCATE {name} CASCADE" for name in kept]
    # whoever is a member has an account, and so neither people nor what they bought can be emptied around the ledger
    for way in (*ways, "TRUNCATE customers_customer CASCADE", "TRUNCATE purchases_receipt CASCADE"):
        refused = pytest.raises(IntegrityError, match="is kept: it is not emptied")
        with refused, transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(way)
