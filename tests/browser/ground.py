"""Fills an installation with one of everything that a page can show. Run as a program inside its environment.

It prints what the addresses of the pages name, as JSON.
"""

import datetime as dt
import json
import time
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pyarrow.parquet as pq

from regulars.server.application import application
from regulars.server.config import load

PASSWORD = "correct horse battery"
CHAPTERS = "chapters"
# of the longest that a form takes, without a place to break; and a page's own language inside
LONG = "Константинопольский-Рождественский" * 8
HOSTILE = "<script>alert(1)</script>\"'=cmd|' /C calc'!A0\u202e"
_FAMILIES = ("Иванов", "Петров", "Сидоров", "Кузнецов", "Смирнов", "Васильев", "Фёдоров", "Соколов", "Орлов")
_WOMEN = ("Мария", "Анна", "Ольга", "Елена", "Вера")
_MEN = ("Иван", "Олег", "Пётр", "Юрий", "Глеб", "Лев")


def main() -> None:
    """Fill it."""
    with application(load()):
        from regulars.foundation.models import Business

        print(json.dumps(fill() if Business.objects.exists() else {}))


def fill() -> dict[str, Any]:
    """Everything, from the purchases to the odd corners; returns what addresses name."""
    from regulars.accounts.models import Role, User
    from regulars.accounts.services import create_owner, invite

    owner = create_owner(email="anna@example.com", name="Анна Владельцева", language="ru", password=PASSWORD)
    create_owner(email="john@example.com", name="John Owner", language="en", password=PASSWORD)
    for slug in ("manager", "analyst"):
        role = Role.objects.get(slug=slug)
        user = User.objects.create(email=f"{slug}@example.com", name=f"{slug} {LONG}"[:200], language="ru", role=role)
        user.set_password(PASSWORD)
        user.save()
    token = invite(email="new@example.com", role=Role.objects.get(slug="cashier"), by=owner)
    names = {"token": token, "slug": "cashier", "user_id": owner.pk, "group": "person", "key": "x", "uidb36": "1"}
    return (
        names
        | _purchases(owner)
        | _people(owner)
        | _segments(owner)
        | _loyalty(owner)
        | _programs(owner)
        | _goods(owner)
        | _imports(owner)
        | {"ticket": "none"}
    )


def _purchases(owner: Any) -> dict[str, Any]:
    """A coffee bar, its people named, its audit made."""
    from regulars.customers.models import Customer
    from regulars.customers.services.search import refresh_search_of_import
    from regulars.demo.shops import generate_shop
    from regulars.insights import warehouse
    from regulars.insights.models import AuditRun
    from regulars.insights.results import index_of
    from regulars.insights.services import perform, request_audit
    from regulars.purchases.importing.runs import import_now
    from regulars.purchases.models import Receipt

    with TemporaryDirectory() as folder:
        path = Path(folder) / "кофейня, два года.parquet"
        pq.write_table(generate_shop("coffee", customers=150, seed=2, language="ru").lines, path)
        brought = import_now(path, by=owner)
    assert brought.state == "done", brought.error
    people = list(Customer.objects.order_by("id"))
    for number, one in enumerate(people):
        is_woman, family = number % 2, _FAMILIES[number % 9]
        one.given_name = _WOMEN[number % 5] if is_woman else _MEN[number % 6]
        one.family_name = f"{family}а" if is_woman else family
        one.name = f"{one.family_name} {one.given_name}"
    Customer.objects.bulk_update(people, ["family_name", "given_name", "name"])
    refresh_search_of_import(brought.pk)
    # an earlier one to compare with, which need not be computed
    older = AuditRun.objects.create(state="done", finished_at=dt.datetime.now(dt.UTC))
    warehouse.refresh()
    newest = request_audit(owner)
    for _second in range(120):
        # the worker may have begun it by now
        perform(newest.pk, warehouse.history)
        newest.refresh_from_db()
        if newest.state not in ("waiting", "running"):
            break
        time.sleep(1)
    assert newest.state == "done", newest.error
    assert newest.as_of is not None
    older.as_of, older.folder = newest.as_of - dt.timedelta(30), newest.folder
    older.headlines = newest.headlines | {"customers": newest.headlines["customers"] * 0.9}
    older.save()
    receipt = Receipt.objects.exclude(customer=None).latest("purchased_at")
    chapters = [one.id for part in index_of(newest, "ru").parts for one in part.chapters]
    return {"receipt": receipt.pk, "customer_id": receipt.customer_id, CHAPTERS: chapters, "list_id": "state:regular"}


def _people(owner: Any) -> dict[str, Any]:
    """Somebody with everything on his card, somebody with a name that fits nowhere, two who may be one."""
    from regulars.customers.models import Customer, Likeness, Purpose, Relation
    from regulars.customers.services import consents, contacts, customers, erasing, fields, files, merging
    from regulars.customers.services import questionnaires as asked
    from regulars.customers.services.duplicates import find_duplicates
    from regulars.customers.services.strategy import write_strategy
    from regulars.purchases.models import Receipt

    full = Receipt.objects.exclude(customer=None).latest("purchased_at").customer
    assert full is not None
    customers.edit_customer(
        full, by=owner, birth_date=dt.date(1988, 2, 29), sex="f", source="вывеска", external_id=LONG[:60]
    )
    for kind, written in (
        ("phone", "+7 916 123-45-67"), ("phone", "+7 495 765-43-21"), ("email", f"{'o' * 60}@example.com"),
        ("telegram", "kofe_lover"), ("card", "2000 0000 1234 5"),
    ):  # fmt: skip
        contacts.add_contact(full, kind=kind, written=written, by=owner)
    consents.write_purpose("news", title="Новости и предложения", text="Согласен получать новости.")
    consents.write_purpose("news", title="Новости и предложения", text="Согласен получать новости и подарки.")
    for channel, is_given in (("email", True), ("sms", False)):
        consents.record_consent(full, purpose="news", channel=channel, is_given=is_given, source="касса", by=owner)
    customers.set_tags(full, ["капучино", "по утрам", LONG[:60]], by=owner)
    customers.set_owner(full, owner, by=owner)
    note = customers.add_note(full, f"Любит столик у окна.\n{HOSTILE}\n{LONG}", by=owner)
    customers.relate(full, kind="pet", name="Рекс", birth_date=dt.date(2020, 5, 1), by=owner)
    relation = customers.relate(full, kind="family", other=Customer.objects.exclude(pk=full.pk)[0], by=owner)
    file = files.store_file(full, name="договор.pdf", size=4, chunks=[b"%PDF"], by=owner)
    for title, kind, choices in (
        ("Любимый напиток", "choice", ["капучино", "раф"]), ("Что ещё", "choices", ["десерты", "завтраки"]),
        ("Дата договора", "date", []), ("Есть дети", "yes_no", []), ("Сколько чашек в день", "number", []),
        (LONG[:110], "text", []),
    ):  # fmt: skip
        field = fields.add_field(title=title, type=kind, choices=choices)
    slugs = [one.slug for one in type(field).objects.all()]
    fields.set_own_fields(full, {slugs[0]: "раф", slugs[5]: LONG[:200]}, by=owner)
    form = asked.write_form(
        None,
        title="Анкета гостя",
        intro="Пять коротких вопросов.",
        fields=slugs,
        purpose="news",
        channels=["email", "messenger"],
    )
    asked.answer_form(form, full, {slugs[1]: ["десерты"]}, by=owner, agrees=["messenger"], text="news/2")
    link = asked.make_link(form, full)

    crowded = customers.add_customer(by=owner, name=LONG[:290], kind="company", source=HOSTILE)
    customers.leave_in_peace(crowded, reason=f"просил не звонить {LONG}"[:300], until=None, by=owner)
    twins = [customers.add_customer(by=owner, family_name="Двойников", given_name="Дмитрий") for _ in range(3)]
    for twin in twins:
        contacts.add_contact(twin, kind="phone", written="+7 903 111-22-33", by=owner)
    merge = merging.merge(twins[0], twins[2], by=owner)
    find_duplicates()
    likeness = Likeness.objects.latest("score")
    case = erasing.ask_erasure(
        twins[1], asked_on=dt.datetime.now(dt.UTC).date(), due_on=None, asked_by="письмо", by=owner
    )
    write_strategy(
        "person", why=f"Ради них открыта кофейня. {LONG}", how="Быстро.", what="Пробы.", based_on=0, by=owner
    )
    assert Purpose.objects.exists() and Relation.objects.exists()
    return {
        "note_id": note.pk, "relation_id": relation.pk, "file_id": file.pk, "field_id": field.pk, "form_id": form.pk,
        "link": link, "crowded": crowded.pk, "other_id": twins[0].pk, "likeness_id": likeness.pk, "merge_id": merge.pk,
        "case_id": case.pk, "contact_id": full.contacts.latest("id").pk, "erased": twins[1].pk,
    }  # fmt: skip


def _segments(owner: Any) -> dict[str, Any]:
    from regulars.insights.services.segments import freeze, save_segment

    rule = {
        "join": "all",
        "items": [
            {"what": "state", "how": "in", "value": ["regular", "slipping"]},
            {"what": "bought", "how": "at_least", "value": 2, "measure": "receipts", "days": 900, "of": "anything"},
        ],
    }
    segment = save_segment(name="Постоянные с двумя чеками", rule=rule, by=owner)
    save_segment(name=LONG[:190], rule=rule, by=owner)
    audience = freeze(segment, by=owner)
    return {"segment_id": segment.pk, "segment_list": f"segment:{segment.pk}", "audience_id": audience.pk}


def _loyalty(owner: Any) -> dict[str, Any]:
    """A programme in two versions, and a sale by it to the customer whose card is full."""
    from decimal import Decimal

    from django.utils import timezone

    from regulars.customers.services.contacts import add_contact
    from regulars.customers.services.customers import edit_customer
    from regulars.loyalty import members
    from regulars.loyalty.cards import block, make_cards, numbers_of
    from regulars.loyalty.drafts import keep_draft
    from regulars.loyalty.page_links import link_to, open_page
    from regulars.loyalty.privileges import give_privilege
    from regulars.loyalty.programmes import beginning, publish
    from regulars.loyalty.selling import Item, Order, commit, quote
    from regulars.purchases.models import Receipt, Store

    rules = beginning("RUB")
    cups = {"id": "cups", "title": "Шестой стакан", "gives": {"kind": "nth_free", "n": 6, "counter": "Стаканы"}}
    happy = {"is": "hours", "from": "09:00", "to": "12:00"}
    morning = {"id": "morning", "gives": {"kind": "percent_off", "percent": "7.5"}, "when": happy}
    levels = [
        {"id": "regular", "title": "Постоянный гость", "from": 50_000},
        {"id": "friend", "title": "Друг дома", "from": 500_000_000},
    ]
    pensioner = {"is": "privilege", "any_of": ["Пенсионер"]}
    kind = {"id": "kind", "gives": {"kind": "percent_off", "percent": 3}, "when": pensioner, "holdout": 10}
    tiers = {"tiers": {"levels": levels}}
    publish(rules | tiers | {"rules": [*rules["rules"], cups, morning, kind]}, by=owner, note="Стаканы и утро")
    publish(rules, by=owner, valid_from=timezone.now() + dt.timedelta(days=30), note=LONG[:200])
    deep = {"all": [{"not": pensioner}, {"any": [happy, {"is": "store", "any_of": [LONG[:200]]}]}]}
    drafted = [*rules["rules"], cups | {"on": {"products": ["latte"]}}, morning, kind | {"when": deep}, _crowded(happy)]
    draft = rules | tiers | {"rules": drafted, "volume": [_bonus(pensioner)]}
    draft["guard"] = draft["guard"] | {"categories": {LONG[:200]: "12.5", HOSTILE[:40]: None}}
    draft["watch"] = {"limits": [{"of": "cashier", "per": "hour", "earned": 5_000, "spent": 5_000, "refuse": True}]}
    keep_draft(json.dumps(draft, ensure_ascii=False, indent=2), LONG[:200], version=0, by=owner)
    customer = Receipt.objects.exclude(customer=None).latest("purchased_at").customer
    assert customer is not None
    add_contact(customer, kind="card", written="1000000017", by=owner)
    edit_customer(customer, by=owner, language="ru")
    now = timezone.now()
    signed = link_to(open_page(customer, by=owner, at=now), at=now).token
    members.enrol(customer, at=timezone.now(), most_debt=100)
    given = give_privilege(customer, name="Пенсионер", proof=f"удостоверение {LONG[:90]}", until=None, by=owner)
    store = str(Store.objects.order_by("pk").first())
    asked = Order("till:1", store, (Item("latte", Decimal(2), 60_000),), card="1000000017", cashier="Ирина")
    found = quote(asked, segments=lambda _customer, _wanted: frozenset())
    sale = commit(asked, "1", to_pay=found.judged.to_pay, segments=lambda _customer, _wanted: frozenset())
    batch = make_cards(f"Весна {LONG[:50]}", count=300, by=owner)
    card = add_contact(customer, kind="card", written=next(numbers_of(batch)), by=owner)
    block(card, reason=f"потеряна {LONG[:150]}", by=owner)
    names = {"sold": sale.receipt_id, "sale": sale.pk, "privilege_id": given.pk, "leftover": "enough", "signed": signed}
    names |= {"batch_id": batch.pk, "member": customer.pk}
    names |= _certificates(owner, asked)
    names |= {"code_id": _codes(owner, customer)}
    return names | _odd(owner, customer, asked) | _gifts(owner, customer) | _coalition(owner)


def _bonus(pensioner: dict[str, Any]) -> dict[str, Any]:
    """A bonus for volume with conditions in a group."""
    steps = [{"from": 100_000_000, "percent": 2}, {"from": 500_000_000, "percent": "3.5"}]
    when = {"any": [pensioner, {"not": {"all": [{"is": "tier", "any_of": ["friend"]}, pensioner]}}]}
    return {"id": "dealers", "title": LONG[:200], "steps": steps, "when": when, "on": {"categories": [LONG[:200]]}}


def _crowded(happy: dict[str, Any]) -> dict[str, Any]:
    """A rule whose form has something of everything."""
    steps = [{"from": 1_000_000, "percent": 3}, {"from": 5_000_000, "percent": "5.5"}]
    asked = [
        happy, {"is": "tier", "any_of": ["friend"]}, {"is": "privilege", "any_of": [HOSTILE[:40], LONG[:200]]},
        {"is": "dates", "from": "2026-01-01", "to": "2026-12-31"}, {"is": "product", "any_of": ["latte", LONG[:200]]},
    ]  # fmt: skip
    return {
        "id": "crowded", "title": LONG[:200], "gives": {"kind": "percent_by_turnover", "steps": steps},
        "when": {"any": asked}, "on": {"categories": [LONG[:200]], "not_products": ["latte"]}, "holdout": 5,
    }  # fmt: skip


def _certificates(owner: Any, asked: Any) -> dict[str, Any]:
    """Two batches, and a certificate with which everything happened."""
    from dataclasses import replace

    from regulars.loyalty.certificate_deals import Deal, sell_certificates
    from regulars.loyalty.certificates import cancel, make_certificates, take_numbers
    from regulars.loyalty.returning import Coming, bring_back
    from regulars.loyalty.selling import commit, quote

    make_certificates(LONG[:60], count=3, amount=10**11, days=None, by=owner)
    batch = make_certificates("Новый год", count=30, amount=100_000, days=365, by=owner)
    take_numbers(batch, by=owner)
    used, lost = batch.certificates.order_by("pk")[:2]
    for place, one in enumerate((used, lost)):
        sell_certificates(Deal("till:1", f"C-{place}", (one.number,), 100_000, LONG[:200]))
    paid = replace(asked, certificates=(used.number,))
    found = quote(paid, segments=lambda _customer, _wanted: frozenset())
    commit(
        paid, "certificate", to_pay=found.judged.to_pay, in_money=found.in_money,
        segments=lambda _customer, _wanted: frozenset(),
    )  # fmt: skip
    bring_back(Coming("till:1", "back", "till:1", "certificate"))
    cancel(lost, reason=f"украден {LONG[:150]}", by=owner)
    return {"certificate_id": used.pk}


def _codes(owner: Any, customer: Any) -> int:
    """A batch that no rule names, one that is over, and a code for all that was used; the latter's id."""
    from regulars.loyalty.codes import end_batch, make_batch
    from regulars.loyalty.models import CodeUse, Sale

    make_batch(LONG[:60], customers=[customer.pk], by=owner)
    end_batch(make_batch(HOSTILE[:25], count=3, by=owner), by=owner)
    code = make_batch("утро", word="ДОБРОЕ-УТРО", uses=500, by=owner).codes.get()
    sale = Sale.objects.order_by("pk").first()
    CodeUse.objects.create(code=code, sale=sale)
    type(code).objects.filter(pk=code.pk).update(used=1)
    return code.pk


def _odd(owner: Any, customer: Any, asked: Any) -> dict[str, Any]:
    """A receipt that was rung up twice, a cashier who serves too many, and points that wait for a second person."""
    from django.utils import timezone

    from regulars.accounts.models import User
    from regulars.customers.models import Customer
    from regulars.foundation.models import Business
    from regulars.loyalty import members
    from regulars.loyalty.correcting import correct
    from regulars.loyalty.expenses import Spent, add_expense
    from regulars.loyalty.ledger import Document, Kind, spend, write_one
    from regulars.loyalty.models import Alert, OfflineDocument
    from regulars.loyalty.selling import commit, quote
    from regulars.loyalty.watching import look

    found = quote(asked, segments=lambda _customer, _wanted: frozenset())
    commit(asked, "2", to_pay=found.judged.to_pay, segments=lambda _customer, _wanted: frozenset())
    now = timezone.now()
    look(now)
    figures = {
        "receipts": 1204,
        "earned": 30_500,
        "spent": 0,
        "most": {"receipts": 1000, "earned": None, "spent": None},
    }
    for kind, subject in (("limit", "Ирина"), ("refused", LONG[:200])):
        Alert.objects.create(
            key=kind, kind=kind, of="cashier", per="day", subject=subject, figures=figures | {"times": 3},
            begins_at=now, found_at=now,
        )  # fmt: skip
    decided = Alert.objects.create(
        key="own", kind="own", customer=customer, subject=customer.name, begins_at=now, found_at=now, decision="right",
        decided_by=owner, decided_at=now,
    )  # fmt: skip
    for key, by in enumerate((owner, User.objects.get(email="manager@example.com"))):
        made = correct(customer, 5_000, reason=f"Подарок за ожидание {LONG[:200]}", key=str(key), by=by)
    stuck = OfflineDocument.objects.create(
        till="till:1", kind="sale", number=LONG[:200], digest=b"1", body={"paid": 12_300, "card": "1", "phone": ""},
        happened_at=now, stored_at=now, due_at=now, problem=f"Нет участника с этой картой. {LONG}",
    )  # fmt: skip
    Alert.objects.create(
        key="offline", kind="offline", customer=customer, subject="till:1", figures={"gap": 5_000, "points": 31},
        begins_at=now, found_at=now,
    )  # fmt: skip
    Alert.objects.create(
        key="raised", kind="raised", per="day", subject=HOSTILE, figures={"raised_on": "2026-03-01"}, begins_at=now,
        found_at=now,
    )  # fmt: skip
    owing = Customer.objects.create(name=f"Должник {LONG[:100]}")
    members.enrol(owing, at=now, most_debt=100)
    spent = (spend(owing.pk, 75, owe=True),)
    write_one(Document(members.points_unit(), Kind.SALE, "till:1", "owing", "till:1", spent), at=now)
    day = now.astimezone(Business.current().zone).date()
    for kind, note in (("messages", "СМС ко дню рождения"), ("work", LONG[:200]), ("other", HOSTILE)):
        bill = add_expense(Spent(day, kind, 1_234_500, note), key=kind, by=owner)
    return {
        "alert_id": decided.pk, "correction_id": made.pk, "document_id": stuck.pk, "expense_id": bill.pk,
        "part": "costs", "liability": "points",
    }  # fmt: skip


def _coalition(owner: Any) -> dict[str, Any]:
    """Two partners with prices that invite to arbitrage; one has a day, a statement and words for everybody."""
    from decimal import Decimal

    from django.utils import timezone

    from regulars.foundation.models import Business
    from regulars.loyalty.partners import Terms, add_partner, agree, bind_till, edit_partner
    from regulars.loyalty.selling import Item, Order, commit, quote
    from regulars.loyalty.settling import close_day, make_statement

    today = timezone.now().astimezone(Business.current().zone).date()
    books, other = add_partner("books", "Книжный двор", by=owner), add_partner("o" * 40, LONG[:100], by=owner)
    add_partner("new", "Без договора", by=owner)
    for partner, issue, redeem in ((books, 90_000, 70_000), (other, 30_000, 100)):
        agree(partner, Terms(issue, redeem, 0, 1_000_000, 20_000_000), begins_on=today, by=owner)
    words = {
        "name": "Книжный двор",
        "about_ru": f"Книги. {LONG}",
        "about_en": "Books.",
        "addresses": f"Мира, 1\n{LONG}",
    }
    edit_partner(books, words, is_listed=True, by=owner)
    bind_till(books, "till:900")
    asked = Order("till:900", LONG[:200], (Item("book", Decimal(1), 900_000),), card="1000000017", points=5)
    found = quote(asked, segments=lambda _customer, _wanted: frozenset())
    commit(asked, "1", to_pay=found.judged.to_pay, segments=lambda _customer, _wanted: frozenset())
    tomorrow = timezone.now() + dt.timedelta(days=1)
    close_day(today, at=tomorrow)
    made = make_statement(books, last=today, by=owner, at=tomorrow)
    return {"partner": books.slug, "number": made.number}


def _gifts(owner: Any, customer: Any) -> dict[str, Any]:
    """A catalogue in which there is something of everything, what one member took from it, and its figures."""
    from django.utils import timezone

    from regulars.loyalty import members
    from regulars.loyalty.gifts import GiftData, Wish, add_gift, cancel, hand_out, take
    from regulars.loyalty.ledger import Document, Kind, grant, hold, write_one
    from regulars.loyalty.measuring import measure
    from regulars.loyalty.models import Account, Hold
    from regulars.loyalty.page_links import open_page
    from regulars.loyalty.setting_aside import set_aside
    from regulars.purchases.models import Product

    now = timezone.now()
    Account.objects.filter(customer=customer).update(opened_at=now - dt.timedelta(days=40))
    movement = grant(customer.pk, 1_000, expires_at=now + dt.timedelta(days=20))
    write_one(Document(members.points_unit(), Kind.GIFT, "ground", "1", "user:1", (movement,)), at=now)
    latte = Product.objects.get(code="latte")
    day = now.date()
    gift = add_gift(GiftData("Латте в подарок", 300, 9_000, product=latte.code, most_each=5), stock=7, by=owner)
    for data, stock in (
        (GiftData(HOSTILE[:60].replace("\u202e", ""), 400, 1, tiers=("regular", "friend")), 3),
        (GiftData(LONG[:190], 1_100, 120_000, begins_on=day + dt.timedelta(days=3)), 2),
        (GiftData("Кружка", 200, 25_000), 0), (GiftData("Термос", 900, 99_000, ends_on=day + dt.timedelta(days=9)), 4),
        (GiftData("Прошлогодний календарь", 50, 900, ends_on=day - dt.timedelta(days=9)), 4),
    ):  # fmt: skip
        add_gift(data, stock=stock, by=owner)
    first, second, third = (take(customer, Wish("till:1", f"G-{n}", gift.pk, 300)) for n in range(3))
    hand_out(first, who="user:1")
    cancel(second, who="user:1")
    page = open_page(customer, by=None, at=now)
    set_aside(customer, page, number="0" * 16, gift=gift.pk, points=300)
    for points, key in ((1, "operator\x1fW-1001"), (2, f"operator\x1f{LONG[:150]}")):
        hold(customer.pk, members.points_unit(), points, key=key, at=now, until=now + dt.timedelta(days=3))
    members.enrol(customer, at=now)
    measure(timezone.now())
    return {"gift_id": gift.pk, "reward_id": third.pk, "hold_id": Hold.objects.latest("pk").pk}


def _programs(owner: Any) -> dict[str, Any]:
    """A key, and an address that did not answer."""
    from regulars.api.models import ApiKey, Delivery, Endpoint, Scope
    from regulars.api.services import make_key

    make_key(name=LONG[:90], scopes=[Scope.READ_CUSTOMERS], by=owner)
    hook = Endpoint.objects.create(url="https://hooks.example.com/", secret="whsec_AAAA", events=["audit.done"])
    failed = Delivery.objects.create(
        endpoint=hook, message_id="m", event="audit.done", content={}, state="failed", last_error=HOSTILE
    )
    return {"key_id": ApiKey.objects.latest("id").pk, "hook_id": hook.pk, "delivery_id": failed.pk}


def _goods(owner: Any) -> dict[str, Any]:
    """A product of which everybody has said something, some that are called oddly, and kinds of prices of 1C."""
    from regulars.purchases.models import PriceKind, Product
    from regulars.purchases.stating import state

    product = Product.objects.create(code=f"0{LONG}"[:200], name=f"0 {HOSTILE} {LONG}"[:500], category=LONG[:200])
    for number, price in enumerate((1_234_567_890, 1_234_567_899)):
        state(product, {"price": price, "cost": 1_111_111_111 + number}, program=LONG[:100])
        product.refresh_from_db()
    state(product, {"price": 10_000}, by=owner)
    for number in range(60):
        Product.objects.create(code=f"0-{number}", name=f"0 Товар {number}")
    for key, name in (("k1", "Закупочная"), ("k2", f"{HOSTILE} {LONG}"[:200])):
        PriceKind.objects.create(key=key, name=name, means="cost" if key == "k1" else "")
    return {"product_id": product.pk}


def _imports(owner: Any) -> dict[str, Any]:
    """A messy draft that waits, and one that failed."""
    from regulars.purchases.importing import files
    from regulars.purchases.importing.runs import make_draft
    from regulars.purchases.models import Import

    rows = "Дата;Номер чека;Карта;Товар;Сумма\n03.03.2026;1;C-1;Молоко;180,00\nвчера;2;C-2;=1+1;45,50\n"
    draft = make_draft("purchases", files.store([rows.encode()], most=10_000), f"{LONG}.csv", by=owner)
    Import.objects.create(
        kind="purchases", state="failed", file_name="пусто.xlsx", digest="0", error="Файл пуст.", by=owner
    )
    done = Import.objects.filter(state="done").latest("id")
    lists = "Код;Себестоимость;Цена\nlatte;90,00;250\n=1+1;5;6\nlatte2;-1;\n"
    prices = make_draft("goods", files.store([lists.encode()], most=10_000), "цены.csv", by=owner)
    return {"import": draft.pk, "done": done.pk, "prices": prices.pk}


if __name__ == "__main__":
    main()
