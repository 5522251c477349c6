"""What other programs read and write, as they do it."""

import datetime as dt
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from regulars.accounts.models import LogEntry
from regulars.api.models import Scope
from regulars.api.services import make_key
from regulars.customers.models import Consent, Customer
from regulars.customers.services.consents import write_purpose
from regulars.customers.services.merging import merge
from regulars.foundation.models import Business, Happening
from regulars.insights.models import AuditRun, Score
from regulars.purchases.importing import runs
from regulars.purchases.models import Import, Line, Receipt, Stated
from tests.web.people import make_business

pytestmark = pytest.mark.django_db(transaction=True)


class Program:
    """Another program with a key."""

    def __init__(self, *scopes: Scope) -> None:
        self.key = make_key(name="Till", scopes=scopes or list(Scope), by=None)

    def __call__(self, method: str, path: str, body: Any = None, key: str | None = None) -> tuple[int, Any]:
        headers = {"Authorization": f"Bearer {self.key}"} | ({"Idempotency-Key": key} if key else {})
        answer = getattr(Client(), method)(f"/api/v1/{path}", body, content_type="application/json", headers=headers)
        return answer.status_code, answer.json()


@pytest.fixture
def program() -> Program:
    make_business()
    return Program()


def receipt(number: str = "17", **values: Any) -> dict[str, Any]:
    lines = [
        {"product_id": "P1", "product": "Coffee", "amount": 25000, "quantity": 2},
        {"product_id": "P2", "amount": 500},
    ]
    head = {"customer": "C-1", "number": number, "purchased_at": "2026-03-03T12:00:00", "store": "Arbat"}
    return head | {"lines": lines} | values


def test_a_program_that_reads_contacts_is_in_the_log_once_a_day(program: Program) -> None:
    _status, made = program("put", "customers/by-external-id/C-1", {"family_name": "Sokolova"})
    LogEntry.objects.all().delete()
    assert program("get", "customers/by-external-id/C-2")[0] == 404
    assert not LogEntry.objects.exists()  # nobody was shown
    for path in ("customers", f"customers/{made['id']}", "customers/by-external-id/C-1", "customers"):
        assert program("get", path)[0] == 200
    looks = LogEntry.objects.values_list("event", "who", "about", "address")
    assert list(looks) == [("contacts_seen", "API: Till", "customers", "127.0.0.1")]
    LogEntry.objects.update(at=timezone.now() - dt.timedelta(days=1))
    program("get", "customers")
    assert len(looks.all()) == 2


def test_a_customer_is_added_and_changed_by_his_own_id(program: Program) -> None:
    body = {
        "family_name": "Sokolova",
        "given_name": "Vera",
        "contacts": [{"kind": "phone", "value": "8 916 123-45-67"}],
    }
    status, made = program("put", "customers/by-external-id/C-1", body)
    assert (status, made["name"], made["external_id"]) == (201, "Vera Sokolova", "C-1")
    assert made["contacts"] == [{"kind": "phone", "value": "+79161234567", "is_main": True}]
    status, changed = program("put", "customers/by-external-id/C-1", {"given_name": "Vera-Maria"})
    assert (status, changed["id"], changed["family_name"]) == (200, made["id"], "Sokolova")
    assert program("get", f"customers/{made['id']}")[1]["given_name"] == "Vera-Maria"
    told = [(one.event, one.content) for one in Happening.objects.order_by("id")]
    assert told[0] == ("customer.created", {"id": made["id"]})
    assert told[-1] == ("customer.changed", {"id": made["id"]})


def test_a_repetition_changes_nothing_and_another_body_is_refused(program: Program) -> None:
    body = {"name": "Anna"}
    first = program("put", "customers/by-external-id/A", body, key="k1")
    assert program("put", "customers/by-external-id/A", body, key="k1") == first
    assert program("put", "customers/by-external-id/A", {"name": "Other"}, key="k1")[0] == 422
    assert Customer.objects.get().name == "Anna"
    assert Happening.objects.count() == 1


def test_who_was_merged_answers_with_the_one_that_was_kept(program: Program) -> None:
    kept, gone = (program("put", f"customers/by-external-id/{one}", {"name": one})[1]["id"] for one in ("A", "B"))
    merge(Customer.objects.get(pk=kept), Customer.objects.get(pk=gone), by=None)
    assert program("get", f"customers/{gone}")[1]["id"] == kept
    assert program("put", "customers/by-external-id/B", {"given_name": "x"})[1]["id"] == kept
    assert [one["id"] for one in program("get", "customers")[1]["items"]] == [kept]


def test_a_wrong_contact_leaves_nothing_half_written(program: Program) -> None:
    body = {"name": "Anna", "contacts": [{"kind": "email", "value": "no address"}]}
    status, answer = program("put", "customers/by-external-id/A", body)
    assert (status, "no address" in answer["detail"]) == (400, True)
    assert not Customer.objects.exists()


def test_consent_is_kept_and_withdrawn(program: Program) -> None:
    write_purpose("news", title="News", text="We write about new things.")
    customer = program("put", "customers/by-external-id/A", {"name": "Anna"})[1]["id"]
    said = {"purpose": "news", "channel": "email", "is_given": True, "source": "site"}
    assert program("post", f"customers/{customer}/consents", said, key="c1")[0] == 201
    program("post", f"customers/{customer}/consents", said, key="c1")
    assert Consent.objects.count() == 1
    program("post", f"customers/{customer}/consents", said | {"is_given": False})
    assert program("get", f"customers/{customer}/consents")[1][0]["is_given"] is False


def test_receipts_are_written_once_whatever_is_repeated(program: Program) -> None:
    body = {"receipts": [receipt("17"), receipt("18")]}
    status, written = program("post", "receipts", body)
    assert (status, written) == (201, {
        "receipts": 2, "receipts_known": 0, "receipts_differ": 0, "lines": 4, "customers": 1, "customers_forgotten": 0,
        "products": 2,
    })  # fmt: skip
    status, again = program("post", "receipts", body)
    assert (again["receipts"], again["receipts_known"]) == (0, 2)
    assert (Receipt.objects.count(), Line.objects.count()) == (2, 4)
    assert Receipt.objects.first().amount == 25500  # type: ignore[union-attr]
    items = program("get", "receipts")[1]["items"]
    assert [one["amount"] for one in items] == [25500, 25500]
    assert items[0]["lines"][0] == {"product_id": "P1", "product": "Coffee", "quantity": 2.0, "amount": 25000}


def test_a_moment_with_a_zone_and_the_shops_clock_are_the_same_receipt(program: Program) -> None:
    assert Business.current().time_zone == "Europe/Moscow"
    program("post", "receipts", {"receipts": [receipt(number=None)]})
    abroad = receipt(number=None, purchased_at="2026-03-03T09:00:00Z")
    assert program("post", "receipts", {"receipts": [abroad]})[1]["receipts_known"] == 1


def test_costs_of_receipts_are_those_of_goods_until_somebody_says_another(program: Program) -> None:
    def told(number: str, at: str, cost: int) -> None:
        line = {"product_id": "P1", "amount": 25_000, "quantity": 2, "cost": cost}
        head = {"receipts": [receipt(number, purchased_at=at, lines=[line])]}
        assert program("post", "receipts", head)[0] == 201

    def cost() -> int:
        return int(program("get", "products")[1]["items"][0]["cost"])

    told("1", "2026-03-03T12:00:00", 18_000)
    told("2", "2026-03-02T12:00:00", 14_000)
    assert cost() == 9_000, "all of a day is one import, and the latest purchase of it holds"
    told("3", "2026-03-04T12:00:00", 16_000)
    assert (cost(), Stated.objects.count()) == (8_000, 1)
    # a purchase that is still to come speaks of now, and not for ever
    told("4", f"{timezone.now().year + 1}-12-30T12:00:00", 20_000)
    assert cost() == 10_000
    status, made = program("put", "products/by-code/P1", {"cost": 7_000})
    assert (status, made["cost"], cost()) == (200, 7_000, 7_000)
    assert Stated.objects.latest("of").program == "Till"
    runs.undo(Import.objects.get().pk, user_id=None)
    assert cost() == 7_000


def test_one_wrong_receipt_refuses_the_batch(program: Program) -> None:
    wrong = receipt("19", lines=[{"amount": "much"}])
    status, answer = program("post", "receipts", {"receipts": [receipt("17"), wrong]})
    assert (status, "amount" in answer["detail"]) == (422, True)
    assert not Receipt.objects.exists()


def test_what_a_key_wrote_in_a_day_can_be_undone(program: Program) -> None:
    program("post", "receipts", {"receipts": [receipt("17")]})
    program("post", "receipts", {"receipts": [receipt("18")]})
    of_day = Import.objects.get()
    runs.ask_undo(of_day, by=None)
    runs.undo(of_day.pk, user_id=None)
    assert not Receipt.objects.exists()
    status, answer = program("post", "receipts", {"receipts": [receipt("19")]})
    assert (status, "undone" in answer["detail"]) == (400, True)


def test_scores_come_when_an_audit_was_done_since(program: Program) -> None:
    moment = dt.datetime(2026, 3, 1, 12, tzinfo=dt.UTC)
    customer = Customer.objects.create(name="Vera")
    Score.objects.create(customer=customer, state="regular")

    def since(minutes: int) -> list[int]:
        asked = (moment + dt.timedelta(minutes=minutes)).strftime("%Y-%m-%dT%H:%M:%SZ")
        return [one["customer_id"] for one in program("get", f"scores?updated_after={asked}")[1]["items"]]

    assert since(-1) == []  # no audit is known
    AuditRun.objects.create(state="done", finished_at=moment)
    AuditRun.objects.create(state="failed", finished_at=moment + dt.timedelta(days=1))
    assert (since(-1), since(0), since(1)) == ([customer.pk], [], [])
    assert len(program("get", "scores")[1]["items"]) == 1


def test_statements_written_since_come_by_their_number(program: Program) -> None:
    customer = Customer.objects.create(name="Vera")
    said = {"purpose": "news", "channel": "sms", "is_given": False, "source": "site"}
    for _number in range(2):
        assert program("post", f"customers/{customer.pk}/consents", said)[0] == 201
    first, second = Consent.objects.order_by("id")
    assert [one["id"] for one in program("get", f"consents?after_id={first.pk}")[1]["items"]] == [second.pk]


def test_a_key_for_reading_writes_nothing() -> None:
    make_business()
    reader = Program(Scope.READ_CUSTOMERS, Scope.READ_PURCHASES)
    assert reader("put", "customers/by-external-id/A", {"name": "Anna"})[0] == 403
    assert reader("post", "receipts", {"receipts": [receipt()]})[0] == 403
    assert not Customer.objects.exists()


@pytest.mark.parametrize(
    "text", ["<script>alert(1)</script>", "=1+1", "\u202eabc", "😀" * 100, "a\0b", "'; DROP TABLE x;--"]
)
def test_hostile_text_is_kept_as_text(program: Program, text: str) -> None:
    status, made = program("put", "customers/by-external-id/A", {"name": text})
    assert status == 201
    assert made["name"] == text.replace("\0", "").strip()
    assert program("post", "receipts", {"receipts": [receipt(store=text, customer=text)]})[0] in {201, 422, 400}
