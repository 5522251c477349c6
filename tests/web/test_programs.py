"""Keys and web-hooks made by hand: what is secret is shown once, what is given is what one has."""

import datetime as dt
import re

import pytest
from django.test import Client
from django.utils import timezone

from regulars.accounts.models import LogEntry, Role
from regulars.accounts.rights import Right
from regulars.api.models import ApiKey, Delivery, Endpoint
from regulars.api.services import find_key
from tests.web.people import logged_in, make_user

pytestmark = pytest.mark.django_db

HOOK = {"url": "https://hooks.example.com/in", "events": ["customer.created", "audit.done"]}


@pytest.fixture
def owner() -> Client:
    return logged_in(make_user("owner"))


def value_of(page: str, beginning: str) -> str:
    found = re.search(rf'value="({beginning}[^"]+)"', page)
    assert found is not None
    return found[1]


def events() -> list[str]:
    return list(LogEntry.objects.order_by("id").values_list("event", flat=True))


def test_a_key_is_shown_once_and_opens_what_was_chosen(owner: Client) -> None:
    given = {"name": "Till <b>", "scopes": ["customers:read", "exports"], "days": "30"}
    answer = owner.post("/settings/programs/keys/", given)
    key = value_of(answer.content.decode(), "rg_")
    assert "no-store" in answer.headers["Cache-Control"]
    made = find_key(key)
    assert made is not None
    assert (made.name, made.scopes) == ("Till <b>", ["customers:read", "exports"])
    assert made.expires_at is not None
    assert dt.timedelta(days=29) < made.expires_at - timezone.now() < dt.timedelta(days=31)
    again = owner.get("/settings/programs/").content.decode()
    assert key not in again
    assert key[:10] in again
    assert "Till &lt;b&gt;" in again
    assert events()[-1] == "key_made"
    assert key not in str(list(LogEntry.objects.values()))


def test_a_key_that_is_over_or_revoked_opens_nothing(owner: Client) -> None:
    given = {"name": "Till", "scopes": ["customers:read"], "days": "30"}
    keys = [value_of(owner.post("/settings/programs/keys/", given).content.decode(), "rg_") for _ in range(2)]
    first, second = ApiKey.objects.order_by("id")
    ApiKey.objects.filter(pk=first.pk).update(expires_at=timezone.now())
    owner.post(f"/settings/programs/keys/{second.pk}/revoke/")
    owner.post(f"/settings/programs/keys/{second.pk}/revoke/")
    assert [find_key(key) for key in keys] == [None, None]
    assert events().count("key_revoked") == 1
    assert owner.get("/settings/programs/").content.decode().count("Revoke the key") == 0


@pytest.mark.parametrize(
    "given",
    [{"name": "", "scopes": ["exports"]}, {"name": "Till"}, {"name": "Till", "scopes": ["everything"]},
     {"name": "Till", "scopes": ["exports"], "days": "36500"}],
)  # fmt: skip
def test_a_key_without_name_scope_or_sense_is_refused(owner: Client, given: dict[str, object]) -> None:
    assert owner.post("/settings/programs/keys/", given).status_code == 422
    assert not ApiKey.objects.exists()


def test_a_key_opens_no_more_than_its_maker_may() -> None:
    clerk = make_user("analyst")
    Role.objects.filter(slug="analyst").update(rights=[Right.MANAGE_API.value, Right.SEE_PURCHASES.value])
    clerk.refresh_from_db()
    client = logged_in(clerk)
    assert "customers:read" not in client.get("/settings/programs/").content.decode()
    refused = client.post("/settings/programs/keys/", {"name": "x", "scopes": ["customers:read"]})
    assert refused.status_code == 422
    assert client.post("/settings/programs/keys/", {"name": "x", "scopes": ["purchases:read"]}).status_code == 200


def test_who_sees_only_own_customers_gives_no_key() -> None:
    manager = make_user("manager")
    Role.objects.filter(slug="manager").update(rights=[right.value for right in Right])
    client = logged_in(manager)
    assert client.post("/settings/programs/keys/", {"name": "x", "scopes": ["customers:read"]}).status_code == 422
    assert not ApiKey.objects.exists()


def test_the_menu_leads_to_the_settings_that_one_may_open() -> None:
    clerk = make_user("cashier")
    assert "/settings/" not in logged_in(clerk).get("/").content.decode()
    Role.objects.filter(slug="cashier").update(rights=[Right.MANAGE_API.value])
    page = logged_in(clerk).get("/").content.decode()
    assert 'href="/settings/programs/"' in page
    assert 'href="/settings/people/"' not in page


def test_a_web_hook_shows_its_secret_once_and_can_be_given_another(owner: Client) -> None:
    secret = value_of(owner.post("/settings/programs/hooks/", HOOK).content.decode(), "whsec_")
    hook = Endpoint.objects.get()
    address = f"/settings/programs/hooks/{hook.pk}/"
    assert hook.secret == secret.replace("&#43;", "+")
    assert "whsec_" not in owner.get(address).content.decode() + owner.get("/settings/programs/").content.decode()
    other = value_of(owner.post(f"{address}change/", {"do": "rotate"}).content.decode(), "whsec_")
    hook.refresh_from_db()
    assert hook.secret == other.replace("&#43;", "+") != hook.old_secret
    assert events()[-2:] == ["hook_made", "hook_secret_changed"]


@pytest.mark.parametrize("url", ["http://example.com/", "https://", "https://u:p@example.com/", "https://a b/", "x"])
def test_an_address_that_cannot_be_called_is_refused(owner: Client, url: str) -> None:
    assert owner.post("/settings/programs/hooks/", HOOK | {"url": url}).status_code == 422
    assert not Endpoint.objects.exists()


def test_a_web_hook_is_tested_paused_and_deleted(owner: Client) -> None:
    owner.post("/settings/programs/hooks/", HOOK)
    hook = Endpoint.objects.get()
    change = f"/settings/programs/hooks/{hook.pk}/change/"
    owner.post(change, {"do": "test"})
    assert Delivery.objects.get().event == "test"
    owner.post(change, {"do": "pause"})
    owner.post(change, {"do": "test"})
    assert not Endpoint.objects.get().is_active
    assert Delivery.objects.count() == 1
    owner.post(change, {"do": "resume"})
    assert Endpoint.objects.get().is_active
    owner.post(change, {"do": "nonsense"})
    owner.post(change, {"do": "delete"})
    assert not Endpoint.objects.exists()
    assert events()[-4:] == ["hook_tested", "hook_paused", "hook_resumed", "hook_deleted"]


def test_the_log_shows_what_was_answered_and_sends_again(owner: Client) -> None:
    owner.post("/settings/programs/hooks/", HOOK)
    hook = Endpoint.objects.get()
    delivery = Delivery.objects.create(
        endpoint=hook, message_id="msg_1", event="audit.done", content={}, state="failed", attempts=11,
        last_status=500, last_answer="<script>boom</script>", last_error="HTTP 500",
    )  # fmt: skip
    page = owner.get(f"/settings/programs/hooks/{hook.pk}/").content.decode()
    assert "&lt;script&gt;boom" in page
    assert "<script>boom" not in page
    owner.post(f"/settings/programs/deliveries/{delivery.pk}/again/")
    delivery.refresh_from_db()
    assert (delivery.state, delivery.attempts) == ("waiting", 0)
    assert events()[-1] == "hook_replayed"


def test_the_description_is_served_to_everybody_and_needs_no_script() -> None:
    answer = Client().get("/api/v1/docs/")
    page = answer.content.decode()
    assert answer.status_code == 200
    assert "/api/v1/customers/by-external-id/{external_id}" in page
    assert not re.search(r'(src|href)="(https?:)?//', page)
