"""The list and the card as people use them."""

import datetime as dt
import re

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from regulars.accounts.models import LogEntry, User
from regulars.accounts.rights import Right
from regulars.customers.models import Consent, Customer, Note
from regulars.customers.services.consents import write_purpose
from regulars.customers.services.contacts import add_contact
from regulars.customers.services.customers import add_customer, add_note
from regulars.customers.services.merging import merge, unmerge
from regulars.insights.models import Score

pytestmark = pytest.mark.django_db
BACKEND = "allauth.account.auth_backends.AuthenticationBackend"
HOSTILE = "<script>alert(1)</script>\"'=cmd|\u202e"


def enter(client: Client, user: User) -> Client:
    client.force_login(user, backend=BACKEND)
    return client


@pytest.fixture
def site(client: Client, owner: User) -> Client:
    return enter(client, owner)


@pytest.fixture
def anna(owner: User) -> Customer:
    anna = add_customer(by=owner, family_name="Иванова", given_name="Анна")
    add_contact(anna, kind="phone", written="8 916 123-45-67", by=owner)
    return anna


def test_an_empty_base_teaches(site: Client) -> None:
    assert "Nobody is here yet" in site.get("/customers/").content.decode()


def test_the_list_goes_page_by_page_and_misses_nobody(site: Client) -> None:
    Customer.objects.bulk_create([Customer(name=f"N{number % 7}") for number in range(120)])
    for order in ("newest", "name"):
        address, seen = f"/customers/?order={order}", []
        while address:
            page = site.get(address).content.decode()
            seen += [int(key) for key in re.findall(r'href="/customers/(\d+)/"', page)]
            following = re.search(r'href="([^"]+)" rel="next"', page)
            address = "/customers/" + following[1].replace("&amp;", "&") if following else ""
        assert len(seen) == len(set(seen)) == 120


def test_filters_stand_in_the_address(site: Client, anna: Customer, owner: User) -> None:
    company = add_customer(by=owner, name="Firm", kind="company")
    page = site.get("/customers/?kind=company&column=card&column=kind").content.decode()
    assert f"/customers/{company.pk}/" in page
    assert f"/customers/{anna.pk}/" not in page
    assert f"/customers/{anna.pk}/" in site.get("/customers/?q=123-45").content.decode()
    assert "Nobody is like that" in site.get("/customers/?q=zzzz").content.decode()
    piece = site.get("/customers/?q=123-45", headers={"HX-Request": "true"})
    assert "<html" not in piece.content.decode()
    assert "HX-Request" in piece.headers["Vary"]


@pytest.mark.parametrize("query", ["kind=x&owner=-1&tag=-&after=~x&order=?&column=<", "after=" + "9" * 30])
def test_an_address_without_sense_does_no_harm(site: Client, anna: Customer, query: str) -> None:
    assert site.get(f"/customers/?{query}").status_code == 200
    assert site.get(f"/customers/?{query}&q=%00").status_code == 400


def test_the_number_of_queries_does_not_grow_with_the_list(site: Client, owner: User) -> None:
    def queries() -> int:
        with CaptureQueriesContext(
            connection,
        ) as captured:
            site.get("/customers/")
        return len(captured)

    for number in range(2):
        add_contact(add_customer(by=owner, name=f"A{number}"), kind="phone", written=f"+7916123450{number}", by=owner)
    few = queries()
    for number in range(2, 9):
        add_contact(add_customer(by=owner, name=f"A{number}"), kind="phone", written=f"+7916123450{number}", by=owner)
    assert queries() == few <= 14


def test_the_card_costs_the_same_with_a_long_history(site: Client, anna: Customer, owner: User) -> None:
    def queries() -> int:
        with CaptureQueriesContext(connection) as captured:
            assert site.get(f"/customers/{anna.pk}/").status_code == 200
        return len(captured)

    add_note(anna, "first", by=owner)
    queries()  # the first look of the day is written down
    few = queries()
    for number in range(40):
        add_note(anna, f"note {number}", by=owner)
        add_contact(anna, kind="telegram", written=f"anna{number}", by=owner)
    assert queries() == few <= 54


def looks() -> list[tuple[str, str, dict[str, object]]]:
    """What the log of safety tells of looks at contacts, in order."""
    found = LogEntry.objects.filter(event="contacts_seen").order_by("id")
    return [(one.who, one.about, one.details) for one in found]


def test_a_look_at_a_card_is_logged_once_a_day(site: Client, anna: Customer, manager: User) -> None:
    for _time in range(2):
        site.get(f"/customers/{anna.pk}/")
        site.get(f"/customers/{anna.pk}/timeline/")
    assert looks() == [("owner@example.com", f"#{anna.pk}", {})]
    enter(Client(), manager).get(f"/customers/{anna.pk}/timeline/")
    assert looks()[1:] == [("manager@example.com", f"#{anna.pk}", {})]
    LogEntry.objects.update(at=timezone.now() - dt.timedelta(days=1))
    site.get(f"/customers/{anna.pk}/")
    assert len(looks()) == 3


def test_a_page_of_contacts_is_one_line_of_the_log(site: Client, anna: Customer, owner: User) -> None:
    boris = add_customer(by=owner, name="Boris")
    site.get("/customers/?column=tags")
    site.get("/customers/?q=zzzz")
    assert looks() == []
    site.get("/customers/?column=email&column=phone&column=tags")
    site.get("/find/?q=анна")
    site.get(f"/customers/{anna.pk}/merge/{boris.pk}/")
    assert [look[1:] for look in looks()] == [
        ("customers", {"rows": 2, "columns": ["phone", "email"]}),
        ("find", {"rows": 1, "columns": ["phone"]}),
        (f"#{anna.pk}", {}),
        (f"#{boris.pk}", {}),
    ]


def test_who_sees_contacts_masked_has_seen_none(client: Client, anna: Customer, cashier: User) -> None:
    enter(client, cashier)
    for address in ("/customers/?column=phone", f"/customers/{anna.pk}/", "/find/?q=анна"):
        assert client.get(address).status_code == 200
    assert looks() == []


def test_the_timeline_goes_back_to_the_beginning_without_gaps(site: Client, anna: Customer) -> None:
    moment = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)
    Note.objects.bulk_create([Note(customer=anna, text=f"<{number}>", at=moment) for number in range(75)])
    address, seen = f"/customers/{anna.pk}/timeline/?only=note", []
    while address:
        page = site.get(address, headers={"HX-Request": "true"}).content.decode()
        seen += re.findall(r"&lt;(\d+)&gt;", page)
        following = re.search(r'href="([^"]+)" hx-get="[^"]+" hx-target="closest', page)
        address = following[1].replace("&amp;", "&") if following else ""
    assert len(seen) == len(set(seen)) == 75
    assert site.get(f"/customers/{anna.pk}/timeline/?after=x~y~z").status_code == 200


def test_adding_a_customer_with_a_wrong_phone_adds_nobody(site: Client) -> None:
    answer = site.post("/customers/new/", {"kind": "person", "given_name": "Olga", "phone": "12"})
    assert answer.status_code == 422
    assert "12" in answer.content.decode()
    assert not Customer.objects.exists()
    answer = site.post("/customers/new/", {"kind": "person", "given_name": "Olga", "phone": "89161234567"})
    assert answer.status_code == 302
    assert Customer.objects.get().contacts.get().value == "+79161234567"


def test_hostile_words_are_shown_and_do_nothing(site: Client, owner: User) -> None:
    site.post("/customers/new/", {"kind": "company", "name": HOSTILE})
    customer = Customer.objects.get()
    site.post(f"/customers/{customer.pk}/notes/", {"text": HOSTILE})
    site.post(f"/customers/{customer.pk}/tags/", {"tags": HOSTILE})
    site.post(f"/customers/{customer.pk}/peace/", {"reason": HOSTILE})
    for address in ("/customers/", f"/customers/{customer.pk}/", "/find/?q=script", f"/customers/{customer.pk}/edit/"):
        page = site.get(address).content.decode()
        assert "<script>alert" not in page
        assert "&lt;script&gt;" in page


def test_what_is_done_on_the_card_is_seen_there(site: Client, anna: Customer, owner: User) -> None:
    write_purpose("marketing", title="News", text="I agree to get news.")
    base = f"/customers/{anna.pk}"
    done = [
        ("contacts/", {"kind": "email", "value": "Anna@Example.com"}),
        ("owner/", {"owner": owner.pk}),
        ("tags/", {"tags": "coffee, loyal"}),
        ("notes/", {"text": "Likes dark roast"}),
        ("relations/", {"kind": "pet", "name": "Rex"}),
        ("consents/", {"text": "marketing/1", "channel": "email", "given": "yes", "source": "till"}),
    ]
    for tail, data in done:
        assert site.post(f"{base}/{tail}", data).status_code == 302, tail
    page = site.get(f"{base}/").content.decode()
    for words in ("anna@example.com", "coffee", "Likes dark roast", "Rex", "Agreed", "+7 916 123-45-67"):
        assert words in page
    assert Consent.objects.get().text_version == 1
    phone = anna.contacts.get(kind="phone")
    assert site.post(f"{base}/contacts/{phone.pk}/mark/", {"works": "no"}).status_code == 302
    assert "does not work" in site.get(f"{base}/").content.decode()
    stranger = add_customer(by=owner, given_name="Olga")
    assert site.post(f"/customers/{stranger.pk}/contacts/{phone.pk}/remove/").status_code == 404


def test_the_card_names_the_text_that_was_shown_and_its_proof(site: Client, anna: Customer, owner: User) -> None:
    write_purpose("marketing", title="News", text="I agree to get news.")
    said = {"text": "marketing/1", "channel": "any", "given": "yes", "source": "till"}
    assert site.post(f"/customers/{anna.pk}/consents/", said).status_code == 302
    write_purpose("marketing", title="News", text="I agree to get news and calls.")
    panel = _panel(site, anna, "consents")
    assert "I agree to get news." in panel and "and calls" not in panel  # what he agreed to, not what is asked now
    assert "written down on the card" in panel and owner.name in panel

    refused = site.post(f"/customers/{anna.pk}/consents/", said)
    assert refused.status_code == 422 and "marketing/2" in refused.content.decode()
    assert Consent.objects.count() == 1
    # a refusal needs no text, so it acts at once
    assert site.post(f"/customers/{anna.pk}/consents/", said | {"given": "no"}).status_code == 302
    assert not Consent.objects.latest("id").is_given


def _panel(site: Client, customer: Customer, name: str) -> str:
    page = site.get(f"/customers/{customer.pk}/").content.decode()
    found = re.search(rf'<div class="panel" id="{name}">.*?(?=<div class="panel"|</section>)', page, re.DOTALL)
    assert found
    return found[0]


@pytest.mark.parametrize(
    ("tail", "data"),
    [
        ("contacts/", {"kind": "phone", "value": "123"}),
        ("contacts/", {"kind": "fax", "value": "123"}),
        ("notes/", {"text": " "}),
        ("peace/", {"reason": ""}),
        ("peace/", {"reason": "x", "until": "soon"}),
        ("relations/", {"kind": "pet"}),
        ("relations/", {"kind": "family", "other": "nobody like that"}),
        ("consents/", {"text": "marketing/1", "channel": "email", "given": "yes", "source": "till"}),
        ("consents/", {"text": "marketing/1", "channel": "pigeon", "given": "no", "source": "till"}),
        ("own-fields/", {"own-nothing": "1"}),
    ],
)
def test_what_is_refused_is_said_on_the_card(site: Client, anna: Customer, tail: str, data: dict[str, str]) -> None:
    answer = site.post(f"/customers/{anna.pk}/{tail}", data)
    assert answer.status_code == 422
    assert 'role="alert"' in answer.content.decode()


def test_the_address_of_a_merged_customer_leads_to_the_other(site: Client, anna: Customer, owner: User) -> None:
    twin = add_customer(by=owner, given_name="Anja")
    merge(anna, twin, by=owner)
    assert site.get(f"/customers/{twin.pk}/").headers["Location"] == f"/customers/{anna.pk}/"
    assert site.post(f"/customers/{twin.pk}/notes/", {"text": "x"}).status_code == 404
    assert site.get("/customers/999999/").status_code == 404


def test_a_manager_opens_his_own_and_nobodys_only(client: Client, anna: Customer, owner: User, manager: User) -> None:
    enter(client, manager)
    assert client.get(f"/customers/{anna.pk}/").status_code == 200
    Customer.objects.filter(pk=anna.pk).update(owner=owner)
    assert client.get(f"/customers/{anna.pk}/").status_code == 404
    assert client.post(f"/customers/{anna.pk}/notes/", {"text": "x"}).status_code == 404
    assert "Иванова" not in client.get("/customers/").content.decode()
    assert not Note.objects.exists()


def test_who_may_not_see_contacts_sees_no_digit_more_than_the_last_two(
    client: Client, anna: Customer, cashier: User
) -> None:
    enter(client, cashier)
    for address in ("/customers/", f"/customers/{anna.pk}/", "/find/?q=Иванова", f"/customers/{anna.pk}/timeline/"):
        page = client.get(address).content.decode()
        assert "4567" not in page
        assert "45-67" not in page
    assert client.post(f"/customers/{anna.pk}/notes/", {"text": "x"}).status_code == 403


def test_the_palette_finds_people_and_pages(site: Client, anna: Customer) -> None:
    page = site.get("/find/?q=bdfyjdf", headers={"HX-Request": "true"}).content.decode()
    assert f"/customers/{anna.pk}/" in page
    assert "/customers/" in site.get("/find/?q=custom", headers={"HX-Request": "true"}).content.decode()


def test_a_birthday_and_a_lack_of_phone_are_next_steps(site: Client, owner: User) -> None:
    from regulars.customers.selectors.suggestions import next_birthday

    assert next_birthday(dt.date(2000, 2, 29), dt.date(2027, 1, 1)) == dt.date(2027, 3, 1)
    assert next_birthday(dt.date(2000, 1, 1), dt.date(2026, 12, 30)) == dt.date(2027, 1, 1)
    customer = add_customer(by=owner, given_name="Olga")
    assert "Ask for a phone" in site.get(f"/customers/{customer.pk}/").content.decode()


def test_the_timeline_tells_of_a_merge_and_of_its_end_and_not_of_every_row(
    site: Client, anna: Customer, owner: User
) -> None:
    twin = add_customer(by=owner, given_name="Anja")
    add_contact(twin, kind="email", written="anja@example.com", by=owner)
    made = merge(anna, twin, by=owner)
    page = site.get(f"/customers/{anna.pk}/").content.decode()
    assert f"Merged with #{twin.pk}" in page
    assert "Contact changed" not in page
    unmerge(made, by=owner)
    for one, other in ((anna, twin), (twin, anna)):
        page = site.get(f"/customers/{one.pk}/").content.decode()
        assert f"Merged with #{other.pk}, and parted again" in page
        assert "/undo/" not in page


def test_a_note_is_changed_by_its_author_and_the_history_keeps_what_it_said(
    site: Client, client: Client, anna: Customer, owner: User, manager: User
) -> None:
    note = add_note(anna, "Likes dark rost", by=owner)
    base = f"/customers/{anna.pk}/notes/{note.pk}"
    assert site.post(f"{base}/", {"text": "Likes dark roast"}).status_code == 302
    page = site.get(f"/customers/{anna.pk}/").content.decode()
    assert "changed later" in page
    assert "Likes dark rost → Likes dark roast" in page

    enter(client, manager)
    assert "The note" not in client.get(f"/customers/{anna.pk}/").content.decode()
    for tail in ("/", "/remove/"):
        refused = client.post(base + tail, {"text": "Hates coffee"})
        assert refused.status_code == 422
        assert "whoever wrote it" in refused.content.decode()
    assert Note.objects.get().text == "Likes dark roast"

    enter(client, owner)
    assert site.post(f"{base}/remove/").status_code == 302
    assert not Note.objects.exists()
    page = site.get(f"/customers/{anna.pk}/").content.decode()
    assert "Note removed" in page and "Likes dark roast → –" in page


def test_saving_a_note_as_it_was_changes_nothing(site: Client, anna: Customer, owner: User) -> None:
    note = add_note(anna, "Likes dark roast", by=owner)
    site.post(f"/customers/{anna.pk}/notes/{note.pk}/", {"text": " Likes dark roast "})
    note.refresh_from_db()
    assert note.edited_at is None
    assert "Note changed" not in site.get(f"/customers/{anna.pk}/").content.decode()


def test_a_note_of_another_customer_is_not_there(site: Client, anna: Customer, owner: User) -> None:
    note = add_note(add_customer(by=owner, given_name="Olga"), "Hers", by=owner)
    for tail in ("", "remove/"):
        answer = site.post(f"/customers/{anna.pk}/notes/{note.pk}/{tail}", {"text": "x"})
        assert answer.status_code == 404
    assert Note.objects.get().text == "Hers"


def test_the_stage_of_loyalty_stands_with_who_he_is(site: Client, client: Client, anna: Customer, owner: User) -> None:
    Score.objects.create(customer=anna, state="regular", loyalty_stage="prefers")
    assert "Prefers us" in _panel(site, anna, "about")
    page = site.get(f"/customers/{anna.pk}/").content.decode()
    assert page.count("Prefers us") == 1
    owner.role.rights = [one for one in owner.role.rights if one != Right.SEE_PURCHASES]
    owner.role.save()
    assert "Prefers us" not in site.get(f"/customers/{anna.pk}/").content.decode()
