"""Every address against every role. A route that is not in the table fails; a denial changes nothing."""

import datetime as dt
import secrets
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from django.db import connection, transaction
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver, reverse
from django.utils import timezone

from regulars.accounts.models import Role, User
from regulars.accounts.rights import Right
from regulars.api.models import ApiKey, Delivery, Endpoint, Scope
from regulars.customers.models import Contact, Customer, Erasure, Field, File, Form, Likeness, Note, Relation
from regulars.customers.services import files as customer_files
from regulars.customers.services.merging import merge
from regulars.insights.models import Audience, Segment
from regulars.loyalty import members
from regulars.loyalty.cards import make_cards
from regulars.loyalty.certificate_deals import Deal, sell_certificates
from regulars.loyalty.certificates import make_certificates
from regulars.loyalty.codes import make_batch
from regulars.loyalty.gifts import GiftData, Wish, add_gift, take
from regulars.loyalty.ledger import Document, Kind, grant, hold, write_one
from regulars.loyalty.models import Alert, Correction, Expense, Gift, Hold, OfflineDocument, Privilege, Reward, Sale
from regulars.purchases.importing import files as imports
from regulars.purchases.models import Import, Product, Receipt
from tests.loyalty.coalition_cases import billed_partner
from tests.web.people import ROLES, logged_in, make_user

pytestmark = pytest.mark.django_db

API = {
    "openapi-json", "api-root", "list_customers", "read_customer", "read_customer_by_external_id", "put_customer",
    "list_consents", "read_consents", "write_consent", "list_products", "put_product", "list_receipts",
    "read_receipt", "write_receipts", "find_member", "make_member", "quote_basket", "commit_receipt", "return_goods",
    "hold_points", "release_points", "record_privilege",
    "void_receipt", "tell_batch", "list_gifts", "take_gift", "hand_out_gift", "cancel_gift",
    "read_questionnaire", "read_snapshot", "read_snapshot_key", "tell_offline", "list_partner_receipts",
    "list_partner_rules",
    "find_paid_card", "sell_paid_card", "cancel_paid_card",
    "find_certificate", "sell_certificate", "return_certificate",
    "read_partner_receipt", "list_partner_statements", "read_partner_statement",
    "list_segments", "list_members", "list_scores", "list_exports", "ask_export",
    "read_export", "read_export_file", "make_page_link", "nothing",
}  # fmt: skip
PUBLIC = "public"  # answers whoever asks
EVERYBODY = "everybody"  # whoever is logged in

TABLE: dict[str, Right | str] = {
    "today": EVERYBODY,
    "find": EVERYBODY,
    "customers": Right.SEE_CUSTOMERS,
    "customers_take": Right.EXPORT_CUSTOMERS,
    "customer_new": Right.EDIT_CUSTOMERS,
    "duplicates": Right.MERGE_CUSTOMERS,
    "duplicates_search": Right.MERGE_CUSTOMERS,
    "duplicates_refuse": Right.MERGE_CUSTOMERS,
    "merge_rule": Right.MANAGE_FIELDS,
    "merge_undo": Right.MERGE_CUSTOMERS,
    "fields": Right.MANAGE_FIELDS,
    "field": Right.MANAGE_FIELDS,
    "purposes": Right.MANAGE_FIELDS,
    "questionnaires": Right.MANAGE_FIELDS,
    "questionnaire": Right.MANAGE_FIELDS,
    "customer": Right.SEE_CUSTOMERS,
    "customer_ledger": Right.SEE_PURCHASES,
    "customer_timeline": Right.SEE_CUSTOMERS,
    "customer_edit": Right.EDIT_CUSTOMERS,
    "contact_add": Right.EDIT_CUSTOMERS,
    "contact_remove": Right.EDIT_CUSTOMERS,
    "contact_main": Right.EDIT_CUSTOMERS,
    "contact_mark": Right.EDIT_CUSTOMERS,
    "consent_record": Right.EDIT_CUSTOMERS,
    "peace_begin": Right.EDIT_CUSTOMERS,
    "peace_end": Right.EDIT_CUSTOMERS,
    "owner_set": Right.EDIT_CUSTOMERS,
    "tags_set": Right.EDIT_CUSTOMERS,
    "note_add": Right.EDIT_CUSTOMERS,
    "note_edit": Right.EDIT_CUSTOMERS,
    "note_remove": Right.EDIT_CUSTOMERS,
    "relation_add": Right.EDIT_CUSTOMERS,
    "relation_remove": Right.EDIT_CUSTOMERS,
    "privilege_give": Right.EDIT_CUSTOMERS,
    "privilege_end": Right.EDIT_CUSTOMERS,
    "points_correct": Right.CORRECT_POINTS,
    "hold_let_go": Right.CORRECT_POINTS,
    "card_virtual": Right.EDIT_CUSTOMERS,
    "card_block": Right.EDIT_CUSTOMERS,
    "card_unblock": Right.EDIT_CUSTOMERS,
    "card_replace": Right.EDIT_CUSTOMERS,
    "card_holder": Right.EDIT_CUSTOMERS,
    "own_fields_set": Right.EDIT_CUSTOMERS,
    "file_add": Right.EDIT_CUSTOMERS,
    "file": Right.SEE_CUSTOMERS,
    "file_remove": Right.EDIT_CUSTOMERS,
    "customer_merge": Right.MERGE_CUSTOMERS,
    "form_fill": Right.EDIT_CUSTOMERS,
    "form_link": Right.EDIT_CUSTOMERS,
    "customer_page": Right.EDIT_CUSTOMERS,
    "customer_export": Right.EXPORT_CUSTOMERS,
    "erasure": Right.SEE_CUSTOMERS,
    "erasure_ask": Right.EDIT_CUSTOMERS,
    "erasure_withdraw": Right.ERASE_CUSTOMERS,
    "erasure_do": Right.ERASE_CUSTOMERS,
    "erasure_act": Right.ERASE_CUSTOMERS,
    "programme": Right.SEE_PURCHASES,
    "programme_leaving": Right.SEE_INSIGHTS,
    "programme_liability": Right.SEE_INSIGHTS,
    "programme_liability_part": Right.SEE_INSIGHTS,
    "programme_results": Right.SEE_INSIGHTS,
    "programme_results_part": Right.SEE_INSIGHTS,
    "programme_expense_add": Right.MANAGE_BUSINESS,
    "programme_expense_remove": Right.MANAGE_BUSINESS,
    "programme_write": Right.MANAGE_BUSINESS,
    "programme_rule": Right.MANAGE_BUSINESS,
    "programme_volume": Right.MANAGE_BUSINESS,
    "programme_terms": Right.MANAGE_BUSINESS,
    "review": Right.WATCH_TILLS,
    "review_meetings": Right.WATCH_TILLS,
    "alert_decide": Right.WATCH_TILLS,
    "correction_decide": Right.WATCH_TILLS,
    "offline_try": Right.WATCH_TILLS,
    "partners": Right.SEE_INSIGHTS,
    "partner_add": Right.MANAGE_BUSINESS,
    "partner": Right.SEE_INSIGHTS,
    "partner_edit": Right.MANAGE_BUSINESS,
    "partner_stores": Right.MANAGE_BUSINESS,
    "contract_agree": Right.MANAGE_BUSINESS,
    "statement_make": Right.MANAGE_BUSINESS,
    "statement": Right.SEE_INSIGHTS,
    "statement_rows": Right.SEE_INSIGHTS,
    "public_partners": PUBLIC,
    "goods": Right.SEE_INSIGHTS,
    "product": Right.SEE_INSIGHTS,
    "product_say": Right.RUN_IMPORTS,
    "price_kinds": Right.RUN_IMPORTS,
    "gifts": Right.SEE_PURCHASES,
    "gift_new": Right.MANAGE_BUSINESS,
    "gift": Right.MANAGE_BUSINESS,
    "leftovers": Right.SEE_PURCHASES,
    "leftovers_take": Right.EXPORT_CUSTOMERS,
    "gift_take": Right.RECORD_PURCHASES,
    "gift_hand_out": Right.RECORD_PURCHASES,
    "gift_cancel": Right.RECORD_PURCHASES,
    "promo_codes": Right.SEE_PURCHASES,
    "promo_codes_make": Right.MANAGE_BUSINESS,
    "promo_codes_take": Right.MANAGE_BUSINESS,
    "promo_codes_end": Right.MANAGE_BUSINESS,
    "promo_code": Right.SEE_PURCHASES,
    "promo_code_find": Right.SEE_PURCHASES,
    "cards": Right.SEE_PURCHASES,
    "cards_make": Right.MANAGE_BUSINESS,
    "cards_cost": Right.MANAGE_BUSINESS,
    "cards_take": Right.MANAGE_BUSINESS,
    "cards_sheet": Right.MANAGE_BUSINESS,
    "certificates": Right.SEE_PURCHASES,
    "certificates_make": Right.MANAGE_BUSINESS,
    "certificates_take": Right.MANAGE_BUSINESS,
    "certificate": Right.SEE_PURCHASES,
    "certificate_find": Right.SEE_PURCHASES,
    "certificate_cancel": Right.MANAGE_BUSINESS,
    "till": Right.SERVE_AT_TILL,
    "till_sell": Right.SERVE_AT_TILL,
    "till_receipts": Right.SERVE_AT_TILL,
    "till_back": Right.SERVE_AT_TILL,
    "till_gift_take": Right.SERVE_AT_TILL,
    "till_gift_hand_out": Right.SERVE_AT_TILL,
    "till_member": Right.SERVE_AT_TILL,
    "till_card_sell": Right.SERVE_AT_TILL,
    "till_certificates": Right.SERVE_AT_TILL,
    "till_certificate_sell": Right.SERVE_AT_TILL,
    "till_certificate_back": Right.SERVE_AT_TILL,
    "strategy": Right.SEE_INSIGHTS,
    "strategy_group": Right.SEE_INSIGHTS,
    "strategy_edit": Right.EDIT_STRATEGY,
    "public_form": PUBLIC,
    "own_door": PUBLIC,
    "own_page": PUBLIC,
    "own_code": PUBLIC,
    "own_prove": PUBLIC,
    "own_consent": PUBLIC,
    "own_till_code": PUBLIC,
    "own_gift_set_aside": PUBLIC,
    "own_gift_let_go": PUBLIC,
    "own_language": PUBLIC,
    "own_close": PUBLIC,
    "profile": EVERYBODY,
    "settings": Right.MANAGE_USERS,
    "users": Right.MANAGE_USERS,
    "invite": Right.MANAGE_USERS,
    "change_user": Right.MANAGE_USERS,
    "new_role": Right.MANAGE_USERS,
    "role": Right.MANAGE_USERS,
    "business": Right.MANAGE_BUSINESS,
    "audit_settings": Right.MANAGE_BUSINESS,
    "log": Right.SEE_LOG,
    "programs": Right.MANAGE_API,
    "key_make": Right.MANAGE_API,
    "key_revoke": Right.MANAGE_API,
    "hook_make": Right.MANAGE_API,
    "hook": Right.MANAGE_API,
    "hook_change": Right.MANAGE_API,
    "delivery_again": Right.MANAGE_API,
    "api_docs": PUBLIC,
    "openapi-json": PUBLIC,
    "list_customers": PUBLIC,
    "read_customer": PUBLIC,
    "read_customer_by_external_id": PUBLIC,
    "put_customer": PUBLIC,
    "list_consents": PUBLIC,
    "read_consents": PUBLIC,
    "write_consent": PUBLIC,
    "list_products": PUBLIC,
    "put_product": PUBLIC,
    "list_receipts": PUBLIC,
    "read_receipt": PUBLIC,
    "write_receipts": PUBLIC,
    "find_member": PUBLIC,
    "make_member": PUBLIC,
    "quote_basket": PUBLIC,
    "commit_receipt": PUBLIC,
    "hold_points": PUBLIC,
    "release_points": PUBLIC,
    "record_privilege": PUBLIC,
    "return_goods": PUBLIC,
    "void_receipt": PUBLIC,
    "tell_batch": PUBLIC,
    "list_partner_receipts": PUBLIC,
    "list_partner_rules": PUBLIC,
    "read_partner_receipt": PUBLIC,
    "list_partner_statements": PUBLIC,
    "read_partner_statement": PUBLIC,
    "list_gifts": PUBLIC,
    "take_gift": PUBLIC,
    "hand_out_gift": PUBLIC,
    "cancel_gift": PUBLIC,
    "read_questionnaire": PUBLIC,
    "read_snapshot": PUBLIC,
    "read_snapshot_key": PUBLIC,
    "tell_offline": PUBLIC,
    "find_certificate": PUBLIC,
    "find_paid_card": PUBLIC,
    "sell_paid_card": PUBLIC,
    "cancel_paid_card": PUBLIC,
    "sell_certificate": PUBLIC,
    "return_certificate": PUBLIC,
    "list_segments": PUBLIC,
    "list_members": PUBLIC,
    "list_scores": PUBLIC,
    "list_exports": PUBLIC,
    "ask_export": PUBLIC,
    "read_export": PUBLIC,
    "read_export_file": PUBLIC,
    "make_page_link": PUBLIC,
    "nothing": PUBLIC,
    "api-root": PUBLIC,
    "insights": Right.SEE_INSIGHTS,
    "insights_business": Right.SEE_INSIGHTS,
    "insights_compare": Right.SEE_INSIGHTS,
    "insights_runs": Right.SEE_INSIGHTS,
    "insights_state": Right.SEE_INSIGHTS,
    "insights_start": Right.RUN_AUDITS,
    "insights_chapter": Right.SEE_INSIGHTS,
    "people": Right.SEE_CUSTOMERS,
    "people_export": Right.EXPORT_CUSTOMERS,
    "segments": Right.SEE_CUSTOMERS,
    "segment_new": Right.EDIT_SEGMENTS,
    "segment_people": Right.SEE_CUSTOMERS,
    "segment": Right.SEE_CUSTOMERS,
    "segment_count": Right.SEE_CUSTOMERS,
    "segment_edit": Right.EDIT_SEGMENTS,
    "segment_remove": Right.EDIT_SEGMENTS,
    "segment_copy": Right.EDIT_SEGMENTS,
    "segment_why": Right.SEE_CUSTOMERS,
    "audience_hashed": Right.EXPORT_CUSTOMERS,
    "account_login": PUBLIC,
    "account_logout": PUBLIC,
    "account_signup": PUBLIC,
    "account_reauthenticate": EVERYBODY,
    "account_inactive": PUBLIC,
    "account_change_password": EVERYBODY,
    "account_set_password": EVERYBODY,
    "account_reset_password": PUBLIC,
    "account_reset_password_done": PUBLIC,
    "account_reset_password_from_key": PUBLIC,
    "account_reset_password_from_key_done": PUBLIC,
    "mfa_index": EVERYBODY,
    "mfa_authenticate": PUBLIC,
    "mfa_reauthenticate": EVERYBODY,
    "mfa_activate_totp": EVERYBODY,
    "mfa_deactivate_totp": EVERYBODY,
    "mfa_view_recovery_codes": EVERYBODY,
    "mfa_generate_recovery_codes": EVERYBODY,
    "mfa_download_recovery_codes": EVERYBODY,
    "imports": Right.RUN_IMPORTS,
    "import_upload": Right.RUN_IMPORTS,
    "import": Right.RUN_IMPORTS,
    "import_state": Right.RUN_IMPORTS,
    "import_start": Right.RUN_IMPORTS,
    "import_undo": Right.RUN_IMPORTS,
    "import_discard": Right.RUN_IMPORTS,
    "import_rejects": Right.RUN_IMPORTS,
    "exchange_1c": PUBLIC,
    "receipt": Right.SEE_PURCHASES,
    "demonstration": PUBLIC,
    "invitation": PUBLIC,
}


@dataclass(frozen=True)
class Route:
    """One address of the application."""

    name: str
    pattern: URLPattern


def routes() -> list[Route]:
    def walk(patterns: list[URLPattern | URLResolver]) -> Iterator[Route]:
        for one in patterns:
            if isinstance(one, URLResolver):
                yield from walk(one.url_patterns)
            else:
                yield Route(one.name or str(one.pattern), one)

    return list(walk(get_resolver().url_patterns))


def test_every_route_is_in_the_table_and_every_line_is_a_route() -> None:
    assert {route.name for route in routes()} == set(TABLE)


def test_every_page_says_the_right_that_the_table_says() -> None:
    for route in routes():
        if route.name.startswith(("account_", "mfa_")) or route.name in API:
            continue
        said = getattr(route.pattern.callback, "right", PUBLIC)
        assert (said or EVERYBODY) == TABLE[route.name], route.name


@pytest.fixture(autouse=True)
def files_of_its_own(settings: Any, tmp_path: Path) -> None:
    settings.MEDIA_ROOT = tmp_path


@dataclass(frozen=True)
class World:
    """One of everything that an address may name; the customers are this user's."""

    other: User
    customer: Customer
    names: dict[str, object]
    special: dict[str, dict[str, object]]  # of single routes

    @classmethod
    def made(cls, other: User) -> "World":
        customer = Customer.objects.create(name="Vera Sokolova", owner=other)
        second = Customer.objects.create(name="Petr Sokolov", owner=other)
        part = Customer.objects.create(name="V. Sokolova", owner=other)
        merged = merge(customer, part, by=other, reasons=[])
        likeness = Likeness.objects.create(first=customer, second=second, score=80)
        contact = Contact.objects.create(customer=customer, kind="phone", value="+79161234567", written="8 916")
        card = Contact.objects.create(customer=customer, kind="card", value="1000000017", written="1000000017")
        file = File.objects.create(
            customer=customer, name="a.pdf", stored_as=_stored(customer_files), digest="0", size=1
        )
        relation = Relation.objects.create(customer=customer, other=second, kind="family")
        note = Note.objects.create(customer=customer, text="Prefers mornings")
        privilege = Privilege.objects.create(customer=customer, name="pensioner", given_at=timezone.now())
        now = timezone.now()
        alert = Alert.objects.create(key="a", kind="own", customer=customer, begins_at=now, found_at=now)
        correction = Correction.objects.create(
            key="c", customer=customer, points=9, reason="x", needs_two=True, asked_by=other, asked_at=now
        )
        waiting = OfflineDocument.objects.create(
            till="till:1", kind="sale", number="1", digest=b"1", body={"paid": 1, "card": "1000000017", "phone": ""},
            happened_at=now, stored_at=now, due_at=now, problem="x",
        )  # fmt: skip
        gift, reward = _reward(customer)
        form = Form.objects.create(title="Tastes")
        batch = make_cards("Spring", count=1)
        expense = Expense.objects.create(
            key="e", spent_on="2026-01-01", kind="work", amount=100, typed_at=now, typed_by=other
        )
        codes = make_batch("Spring", customers=[customer.pk])
        certificates = make_certificates("Spring", count=1, amount=100_000, days=365, by=None)
        certificate = certificates.certificates.get()
        sell_certificates(Deal("till:1", "1", (certificate.number,), 100_000))
        erasure = Erasure.objects.create(customer=customer, asked_on="2026-01-01", due_on="2026-02-01")
        done = Erasure.objects.create(
            customer=second, asked_on="2026-01-01", due_on="2026-02-01", done_at=timezone.now()
        )
        field = Field.objects.create(slug="size", title="Size", type="text")
        segment = Segment.objects.create(
            name="All",
            rule={"join": "all", "not": False, "items": [{"what": "kind", "how": "in", "value": ["person"]}]},
        )
        audience = Audience.objects.create(name="All", rule=segment.rule)
        receipt = Receipt.objects.create(customer=customer, purchased_at=timezone.now(), amount=100, key=b"1" * 32)
        bought = Receipt.objects.create(customer=customer, purchased_at=now, amount=100, key=b"2" * 32)
        sale = Sale.objects.create(
            till=f"user:{other.pk}", number="1", digest=b"1", customer=customer, receipt=bought, purchased_at=now,
            recorded_at=now, price=100, discount=0, by_points=0, points_spent=0, points_earned=0, points_as="discount",
        )  # fmt: skip
        brought = Import.objects.create(
            kind="purchases", file_name="a.csv", digest="0", rejects_stored_as=_stored(imports)
        )
        key = ApiKey.objects.create(name="Till", prefix="rg_x", key_hash="0", scopes=[Scope.READ_CUSTOMERS.value])
        hook = Endpoint.objects.create(url="https://hooks.example.com/", secret="whsec_AAAA", events=["audit.done"])
        delivery = Delivery.objects.create(
            endpoint=hook, message_id="m", event="audit.done", content={}, state="failed"
        )
        partner = billed_partner()
        names: dict[str, object] = {
            "partner": partner.slug, "number": partner.statements.get().number,
            "customer_id": customer.pk, "contact_id": contact.pk, "file_id": file.pk, "relation_id": relation.pk,
            "form_id": form.pk, "note_id": note.pk, "case_id": erasure.pk, "segment_id": segment.pk,
            "other_id": second.pk, "user_id": other.pk, "slug": "cashier", "token": "none", "signed": "none",
            "ticket": "none", "external_id": "C-1", "uidb36": "1", "key": "none", "group": "person",
            "key_id": key.pk, "hook_id": hook.pk, "delivery_id": delivery.pk, "code": "P-1", "receipt_id": receipt.pk,
            "export_id": 1, "rest": "x", "chapter": "lost",
            "list_id": f"segment:{segment.pk}", "likeness_id": likeness.pk, "merge_id": merged.pk,
            "field_id": field.pk, "audience_id": audience.pk, "privilege_id": privilege.pk,
            "alert_id": alert.pk, "correction_id": correction.pk, "hold_id": _held(customer, now).pk,
            "document_id": waiting.pk,
            "gift_id": gift.pk, "reward_id": reward.pk, "leftover": "enough",
            "batch_id": batch.pk, "part": "costs", "liability": "revenue", "expense_id": expense.pk,
            "certificate_id": certificate.pk, "code_id": codes.codes.get().pk,
            "product_id": Product.objects.create(code="sold", name="Sold").pk,
        }  # fmt: skip
        special: dict[str, dict[str, object]] = {
            "receipt": {"pk": receipt.pk},
            "till_back": {"pk": sale.pk},
            "certificates_take": {"batch_id": certificates.pk},
            **{name: {"batch_id": codes.pk} for name in ("promo_codes_take", "promo_codes_end")},
            **{name: {"contact_id": card.pk} for name in ("card_block", "card_unblock", "card_replace", "card_holder")},
            "merge_rule": {"slug": "same_phone_and_name"},
            "erasure_act": {"customer_id": second.pk, "case_id": done.pk},
        }
        return cls(other, customer, names | {"pk": brought.pk}, special)

    def address(self, route: Route) -> str:
        """The address with objects that exist."""
        names = self.names | self.special.get(route.name, {})
        values = {name: names[name] for name in route.pattern.pattern.regex.groupindex}
        prefix = "api:" if route.name in API else ""
        return reverse(prefix + route.name, kwargs=values)


def _held(customer: Customer, now: dt.datetime) -> Hold:
    """Points that wait for an order of this member."""
    points = Document(members.points_unit(), Kind.GIFT, "test", "held", "test", (grant(customer.pk, 10),))
    write_one(points, at=now)
    hold(customer.pk, members.points_unit(), 10, key="operator\x1fW-1", at=now, until=now + dt.timedelta(days=1))
    return Hold.objects.get()


def _reward(customer: Customer) -> tuple[Gift, Reward]:
    """A gift, and one that he took."""
    members.enrol(customer, at=timezone.now())
    points = Document(members.points_unit(), Kind.GIFT, "test", "1", "test", (grant(customer.pk, 100),))
    write_one(points, at=timezone.now())
    gift = add_gift(GiftData("Mug", 100, 0), stock=2, by=None)
    return gift, take(customer, Wish("till:1", "1", gift.pk, 100))


def _stored(where: ModuleType) -> str:
    """The name of a file with one byte."""
    name = secrets.token_hex(16)
    path: Path = where.folder() / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"1")
    return name


def everything() -> dict[str, object]:
    """A picture of the whole database but what every request writes: sessions and counts of attempts."""
    found: dict[str, object] = {}
    with connection.cursor() as cursor:
        cursor.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public' ORDER BY 1")
        for (table,) in cursor.fetchall():
            if table not in {"django_session", "django_cache"}:
                cursor.execute(f"SELECT md5(string_agg(t::text, '|' ORDER BY t::text)) FROM \"{table}\" t")
                found[table] = cursor.fetchone()
    return found


@pytest.mark.parametrize("role", ROLES)
def test_a_denial_changes_nothing(role: str) -> None:
    world = World.made(make_user("cashier" if role != "cashier" else "manager"))
    user = make_user(role)
    client, before = logged_in(user), everything()
    for route in routes():
        wanted = TABLE[route.name]
        if isinstance(wanted, Right) and not user.may(wanted):
            for answer in (client.get(world.address(route)), client.post(world.address(route), {"role": "owner"})):
                assert answer.status_code == 403, route.name
    assert everything() == before


# what holds contacts in full
_SHOW_CONTACTS = {"file", "customer_export", "audience_hashed"}
# there is no audit in this world
_NEED_AN_AUDIT = {"insights_chapter"}


@pytest.mark.parametrize("role", [*ROLES, "manager with every right"])
def test_a_role_opens_all_that_it_may(role: str) -> None:
    """Its own customers too: a page answers, and a form that is only posted to takes or refuses what is written."""
    user = make_user(role.partition(" ")[0])
    if role not in ROLES:
        Role.objects.filter(slug=user.role.slug).update(rights=[right.value for right in Right])
        user.role.refresh_from_db()
    client, world, opened = logged_in(user), World.made(user), 0
    for route in routes():
        wanted = TABLE[route.name]
        if not isinstance(wanted, Right) or not user.may(wanted) or route.name in _NEED_AN_AUDIT:
            continue
        status, expected = _asked(client, "get", world.address(route)), {200, 302}
        if status == 405:
            status, expected = _asked(client, "post", world.address(route), {"role": "cashier"}), {200, 302, 400, 422}
        if route.name in _SHOW_CONTACTS and not user.may(Right.SEE_CONTACTS):
            expected = {403, 404}
        assert status in expected, route.name
        opened += 1
    assert opened


def _asked(client: Client, method: str, address: str, given: dict[str, str] | None = None) -> int:
    """The answer to a request that leaves no trace, so that the next finds the world as it was."""
    with transaction.atomic():
        answer = getattr(client, method)(address, given)
        if answer.streaming:
            b"".join(answer.streaming_content)
        transaction.set_rollback(True)
    return int(answer.status_code)


def test_another_managers_customer_is_not_there() -> None:
    world = World.made(make_user("owner"))
    role = Role.objects.get(slug="manager")
    role.rights = [right.value for right in Right]  # even with every right: the customer is not his
    role.save()
    client, before = logged_in(make_user("manager")), everything()
    naming = {"customer_id", "pk", "likeness_id", "merge_id", "alert_id", "correction_id"}
    of_customer = [one for one in routes() if naming & set(one.pattern.pattern.regex.groupindex)]
    assert {"merge_undo", "duplicates_refuse"} <= {one.name for one in of_customer}
    for route in of_customer:
        if route.name.startswith("import") or route.name in API:
            continue
        for answer in (client.get(world.address(route)), client.post(world.address(route), {"text": "x"})):
            assert answer.status_code in {404, 405}, route.name
    assert everything() == before
    assert "Sokolova" not in client.get("/customers/").content.decode()
    assert "Sokolova" not in client.get("/find/", {"q": "sokolova"}).content.decode()


def test_strangers_reach_the_log_in_and_nothing_else() -> None:
    world = World.made(make_user("cashier"))
    client, before = Client(), everything()
    for route in routes():
        if TABLE[route.name] == PUBLIC:
            continue
        for answer in (client.get(world.address(route)), client.post(world.address(route))):
            assert answer.status_code == 302, route.name
            assert answer.headers["Location"].startswith("/account/login/"), route.name
    assert everything() == before


def test_without_a_key_the_interface_shows_its_description_alone() -> None:
    world = World.made(make_user("cashier"))
    for route in routes():
        if route.name in API - {"openapi-json", "api-root", "nothing"}:
            assert Client().get(world.address(route)).status_code in {401, 405}, route.name


def test_whoever_is_logged_in_has_his_own_pages() -> None:
    client = logged_in(make_user("cashier"))
    for name in ("today", "find", "profile", "mfa_index"):
        assert client.get(reverse(name)).status_code == 200, name
