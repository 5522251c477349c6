"""The pages of the loyalty programme, and points on the card and the receipt."""

import datetime as dt
import html
import json

import pytest
from django.test import Client
from django.utils import timezone

from regulars.accounts.models import LogEntry
from regulars.loyalty import members
from regulars.loyalty.ledger import Document, Kind, grant, write_one
from regulars.loyalty.models import Programme
from regulars.loyalty.returning import Coming, bring_back
from regulars.loyalty.selling import commit, quote
from tests.loyalty.selling_cases import RULES, enrolled, no_segments, open_shop, order
from tests.web.people import logged_in, make_user

pytestmark = pytest.mark.django_db


def text_of(client: Client, address: str, status: int = 200) -> str:
    answer = client.get(address)
    assert answer.status_code == status
    return html.unescape(answer.content.decode())


def test_an_owner_writes_looks_and_publishes() -> None:
    owner = logged_in(make_user("owner"))
    assert "There is no programme yet" in text_of(owner, "/programme/")
    first = text_of(owner, "/programme/write/")
    assert '"currency": "RUB"' in first
    rules = json.dumps(
        RULES | {"rules": [*RULES["rules"], {"id": "<b>", "gives": {"kind": "percent_off", "percent": 1}}]}
    )
    looked = owner.post("/programme/write/", {"rules": rules, "look": "yes"})
    assert "5% off for members." in html.unescape(looked.content.decode())
    assert b"<b>" not in looked.content
    assert not Programme.objects.exists(), "looking publishes nothing"
    done = owner.post(
        "/programme/write/", {"rules": rules, "publish": "yes", "valid_from": "", "note": "Five per cent"}
    )
    assert (done.status_code, done["Location"]) == (302, "/programme/")
    page = text_of(owner, "/programme/")
    assert all(one in page for one in ("Valid since", "Five per cent", "Points live 365 days"))
    assert LogEntry.objects.get(event="programme_published").about == "Five per cent"


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"rules": "{"}, "This is no JSON"),
        ({"rules": "[" * 100_000}, "This is no JSON"),
        ({"rules": "1" * 5_000}, "This is no JSON"),
        ({"rules": json.dumps(RULES), "valid_from": "9999-12-31T23:59"}, "too far away"),
        ({"rules": json.dumps(RULES | {"rules": [RULES["rules"][0] | {"title": "\ud800"}]})}, "title"),
        ({"rules": json.dumps(RULES | {"currency": "EUR"})}, "counts in EUR"),
        ({"rules": json.dumps(RULES), "valid_from": "tomorrow"}, "no moment"),
        ({"rules": json.dumps(RULES), "valid_from": "2020-01-01T00:00"}, "has passed"),
    ],
)
def test_what_cannot_be_published_is_told_and_kept_in_the_form(given: dict[str, str], words: str) -> None:
    owner = logged_in(make_user("owner"))
    answer = owner.post("/programme/write/", given | {"publish": "yes", "note": "My note"})
    page = html.unescape(answer.content.decode())
    assert (answer.status_code, words in page, "My note" in page) == (422, True, True)
    assert not Programme.objects.exists()


def test_versions_are_told_apart() -> None:
    owner = logged_in(make_user("owner"))
    tomorrow = (timezone.now() + dt.timedelta(days=1)).strftime("%Y-%m-%dT%H:%M")
    owner.post("/programme/write/", {"rules": json.dumps(RULES), "publish": "yes", "valid_from": tomorrow})
    assert "until then there is no programme" in text_of(owner, "/programme/")
    owner.post("/programme/write/", {"rules": json.dumps(RULES), "publish": "yes", "note": "At once"})
    assert "valid now" in text_of(owner, "/programme/")
    later = Programme.objects.order_by("-valid_from")[0]
    assert "From " in text_of(owner, f"/programme/?version={later.pk}")
    assert "Valid since" in text_of(owner, "/programme/?version=999999")


def test_points_stand_on_the_card_and_with_the_receipt() -> None:
    owner = logged_in(make_user("owner"))
    open_shop()
    anna = enrolled()
    gift = Document(members.points_unit(), Kind.GIFT, "test", "g", "test", (grant(anna.pk, 100),), reason="Birthday")
    write_one(gift, at=timezone.now())
    asked = order(("tea", 2, 20_000), points=40)
    to_pay = quote(asked, segments=no_segments).judged.to_pay
    sale = commit(asked, "17", to_pay=to_pay, segments=no_segments)
    card = text_of(owner, f"/customers/{anna.pk}/")
    assert all(one in card for one in ("Points as a gift", "+100", "Birthday", "75", "15 expire on"))
    receipt = text_of(owner, f"/receipts/{sale.receipt_id}/")
    assert all(one in receipt for one in ("Points earned: 15", "Points spent: 40 (₽40.00)", "by the rule “five”"))
    back = bring_back(Coming("till:1", "18", "till:1", "17"))
    page = text_of(owner, f"/receipts/{back.receipt_id}/")  # type: ignore[union-attr]
    assert all(one in page for one in ("Points given back: 40", "Points taken back: 15", "Receipt 17"))
