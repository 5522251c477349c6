"""An audience leaves for an advertising system as hashes of those who agreed, and in no other way."""

import csv
import io
import zipfile
from collections.abc import Callable

import pytest
from django.test import Client
from django.utils import timezone

from regulars.accounts.models import LogEntry, User
from regulars.customers.models import Consent, Contact, Customer, Purpose
from regulars.foundation.models import Business
from regulars.insights.advertising import MOST_PEOPLE
from regulars.insights.models import Audience, Member
from regulars.report.audience import hashed

pytestmark = pytest.mark.django_db


@pytest.fixture
def audience(db: None) -> Audience:
    """Anna agreed to everything, Boris to e-mail, Clara to nothing, Dora withdrew, Egor is left in peace."""
    Business.objects.create(id=1, name="Bean", currency="RUB", time_zone="Europe/Moscow", language="en", region="RU")
    Purpose.objects.create(slug="ads", title="Advertising", text="I agree", version=1)
    copy = Audience.objects.create(name="Women", rule={"join": "all", "not": False, "items": []}, size=5)
    for number, (name, said) in enumerate(
        (("Anna", [("any", True)]), ("Boris", [("email", True)]), ("Clara", []),
         ("Dora", [("any", True), ("any", False)]), ("Egor", [("any", True)])),
        start=1,
    ):  # fmt: skip
        one = Customer.objects.create(pk=number, name=name, is_quiet=name == "Egor", quiet_reason="asked")
        Contact.objects.create(customer=one, kind="phone", value=f"+7916123456{number}", written="1")
        Contact.objects.create(customer=one, kind="email", value=f"{name.lower()}@mail.ru", written="1")
        for channel, is_given in said:
            Consent.objects.create(
                customer=one, purpose="ads", channel=channel, is_given=is_given, source="till", at=timezone.now()
            )
        Member.objects.create(audience=copy, customer=one)
    return copy


def _take(client: Client, audience: Audience, **form: str) -> bytes:
    response = client.post(f"/segments/audiences/{audience.pk}/hashed/", {"system": "google", "purpose": "ads", **form})
    assert response.status_code == 200, response.content
    return b"".join(response.streaming_content)  # type: ignore[attr-defined]


def test_only_hashes_of_those_who_agreed_leave(audience: Audience, client: Client, user: Callable[..., User]) -> None:
    client.force_login(user("marketer"))
    text = _take(client, audience).decode()
    cells = {cell for row in csv.reader(io.StringIO(text)) for cell in row if cell}
    assert cells == {"Email", "Phone", hashed("anna@mail.ru"), hashed("boris@mail.ru"), hashed("+79161234561")}
    entry = LogEntry.objects.get(event="exported")
    assert entry.about == f"audience:{audience.pk}:hashed"
    assert entry.details == {"system": "google", "purpose": "ads", "phones": 1, "emails": 2}


def test_a_system_of_two_files_gets_an_archive(audience: Audience, client: Client, user: Callable[..., User]) -> None:
    client.force_login(user("owner"))
    packed = zipfile.ZipFile(io.BytesIO(_take(client, audience, system="vk")))
    assert len(packed.namelist()) == 2


@pytest.mark.parametrize(
    "form", [{"purpose": "other"}, {"purpose": ""}, {"system": "nobody"}, {"system": "x' OR 1=1"}], ids=str
)
def test_what_cannot_be_handed_over_is_refused(
    audience: Audience, client: Client, user: Callable[..., User], form: dict[str, str]
) -> None:
    client.force_login(user("owner"))
    path = f"/segments/audiences/{audience.pk}/hashed/"
    assert client.post(path, {"system": "google", "purpose": "ads", **form}).status_code == 422
    Contact.objects.update(is_valid=False)
    assert client.post(path, {"system": "google", "purpose": "ads"}).status_code == 422
    assert not LogEntry.objects.filter(event="exported").exists()


def test_what_would_keep_the_browser_waiting_is_divided(
    audience: Audience, client: Client, user: Callable[..., User]
) -> None:
    client.force_login(user("owner"))
    Audience.objects.update(size=MOST_PEOPLE + 1)
    response = client.post(f"/segments/audiences/{audience.pk}/hashed/", {"system": "google", "purpose": "ads"})
    assert response.status_code == 422 and "Divide the segment" in response.content.decode()
    assert not LogEntry.objects.filter(event="exported").exists()


def test_hashes_need_the_rights_to_export_and_to_see_contacts(
    audience: Audience, client: Client, user: Callable[..., User]
) -> None:
    path = f"/segments/audiences/{audience.pk}/hashed/"
    for role in ("manager", "cashier", "analyst"):
        client.force_login(user(role))
        assert client.post(path, {"system": "google", "purpose": "ads"}).status_code == 403
        assert "hashed/" not in client.get(f"/segments/people/audience:{audience.pk}/").content.decode()
    analyst = User.objects.get(role__slug="analyst")
    analyst.role.rights = [*analyst.role.rights, "customers.export"]
    analyst.role.save()
    client.force_login(analyst)
    assert client.post(path, {"system": "google", "purpose": "ads"}).status_code == 403
    assert not LogEntry.objects.filter(event="exported").exists()


def test_own_customers_only_holds_for_hashes_too(audience: Audience, client: Client, user: Callable[..., User]) -> None:
    manager = user("manager")
    manager.role.rights = [*manager.role.rights, "customers.export"]
    manager.role.save()
    Customer.objects.update(owner=user("owner"))
    Customer.objects.filter(name="Boris").update(owner=manager)
    client.force_login(manager)
    assert hashed("anna@mail.ru") not in _take(client, audience).decode()


def test_the_page_of_an_audience_says_when_and_by_whom(
    audience: Audience, client: Client, user: Callable[..., User]
) -> None:
    owner = user("owner")
    Audience.objects.update(by=owner)
    client.force_login(owner)
    page = client.get(f"/segments/people/audience:{audience.pk}/").content.decode()
    assert "frozen by Owner" in page
    assert "Take the hashes" in page
