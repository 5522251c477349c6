"""The pages of the loyalty programme, and points on the card and the receipt."""

import datetime as dt
import html
import json
import re
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from django.test import Client
from django.utils import timezone

from regulars.accounts.models import LogEntry
from regulars.loyalty import members
from regulars.loyalty.ledger import Document, Kind, grant, write_one
from regulars.loyalty.models import Programme, ProgrammeDraft
from regulars.loyalty.programmes import publish
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
        "/programme/write/",
        {"rules": rules, "publish": "yes", "valid_from": "", "note": "Five per cent", "version": "1"},
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
    owner.post("/programme/write/", {"rules": json.dumps(RULES), "publish": "yes", "note": "At once", "version": "2"})
    assert "valid now" in text_of(owner, "/programme/")
    later = Programme.objects.order_by("-valid_from")[0]
    assert "From " in text_of(owner, f"/programme/?version={later.pk}")
    assert "Valid since" in text_of(owner, "/programme/?version=999999")


def sent(client: Client, version: int, **more: str) -> tuple[int, str]:
    answer = client.post("/programme/write/", {"rules": json.dumps(RULES), "version": str(version)} | more)
    return answer.status_code, html.unescape(answer.content.decode())


def test_a_draft_is_kept_with_every_press_and_shown_to_whoever_may_write() -> None:
    owner = logged_in(make_user("owner"))
    assert sent(owner, 0, rules="{ half", note="Not yet", look="yes")[0] == 422
    page = text_of(owner, "/programme/write/")
    assert all(one in page for one in ("{ half", "Not yet", "This is no JSON", "A draft, saved by"))
    assert sent(owner, 1, keep="yes", note="Ready")[0] == 302
    assert all(one in text_of(owner, "/programme/write/") for one in ("5% off for members.", "Ready"))
    assert "The next rules are being written" in text_of(owner, "/programme/")
    assert "being written" not in text_of(logged_in(make_user("analyst")), "/programme/")
    assert sent(owner, 2, publish="yes", note="Ready")[0] == 302
    assert Programme.objects.get().note == "Ready"
    assert "being written" not in text_of(owner, "/programme/")


def test_the_second_of_two_editors_is_told_and_overwrites_only_on_purpose() -> None:
    first, second = make_user("owner"), make_user("manager")
    second.role = first.role
    second.save()
    anna, boris = logged_in(first), logged_in(second)
    assert sent(anna, 0, keep="yes", note="of Anna")[0] == 302
    for press in ("keep", "look", "simulate", "publish", "throw"):
        status, page = sent(boris, 0, note="of Boris", **{press: "yes"})
        assert status == 422
        assert all(one in page for one in ("Owner saved another draft meanwhile", "of Boris", "Save mine in place")), (
            press
        )
    assert (ProgrammeDraft.objects.get().note, Programme.objects.count()) == ("of Anna", 0)
    assert sent(boris, 0, note="of Boris", over="1")[0] == 302
    assert ProgrammeDraft.objects.get().note == "of Boris"
    assert sent(anna, 1, note="of Anna", over="1")[0] == 422, "what he would replace is not what is there"
    assert sent(anna, 2, note="of Boris", publish="yes")[0] == 302
    status, page = sent(boris, 2, note="of Boris", publish="yes")
    assert (status, "published the draft or threw it away" in page) == (422, True)
    assert Programme.objects.count() == 1


def test_the_same_press_twice_is_one_and_what_cannot_be_published_stays_a_draft() -> None:
    owner = logged_in(make_user("owner"))
    assert [sent(owner, 0, keep="yes")[0] for _press in range(2)] == [302, 302]
    assert ProgrammeDraft.objects.get().version == 1
    assert sent(owner, 1, publish="yes", valid_from="2020-01-01T00:00")[0] == 422
    assert ProgrammeDraft.objects.get().text
    assert sent(owner, 1, throw="yes")[0] == 302
    assert (ProgrammeDraft.objects.get().text, Programme.objects.count()) == ("", 0)
    assert "back" in text_of(owner, "/programme/write/"), "one begins with the beginning again"


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"rules": "x" * 500_001}, "longer than 500000 characters"),
        ({"note": "n" * 301}, "at most 300 characters"),
    ],
)
def test_what_cannot_be_kept_is_told(wrong: dict[str, str], words: str) -> None:
    owner = logged_in(make_user("owner"))
    assert [words in one if isinstance(one, str) else one for one in sent(owner, 0, keep="yes", **wrong)] == [422, True]
    assert not ProgrammeDraft.objects.filter(version__gt=0).exists()


def test_a_hostile_draft_is_text_and_a_version_that_is_none_has_seen_nothing() -> None:
    owner, hostile = logged_in(make_user("owner")), "</textarea><script>alert(1)</script>"
    assert sent(owner, 0, rules=hostile, keep="yes")[0] == 302
    for version in ("-1", "1 OR 1", "٣", "9" * 40, ""):
        answer = owner.post("/programme/write/", {"rules": "other", "version": version, "keep": "yes"})
        assert answer.status_code == 422
        assert hostile not in answer.content.decode()
    assert hostile not in owner.get("/programme/write/").content.decode()
    assert sent(logged_in(make_user("manager")), 1, throw="yes")[0] == 403
    assert ProgrammeDraft.objects.get().text == hostile


def publishing(client: Client, rules: dict[str, Any], **more: str) -> tuple[int, str, str]:
    """Publish over the draft that is there: the status, the page, and the confirmation that it asks for."""
    draft = ProgrammeDraft.objects.first()
    form = {"rules": json.dumps(rules), "publish": "yes", "version": str(draft.version if draft else 0)} | more
    answer = client.post("/programme/write/", form)
    page = html.unescape(answer.content.decode())
    asked = re.search(r'name="agreed" value="(\w+)"', page)
    return answer.status_code, page, asked[1] if asked else ""


def in_days(days: float) -> str:
    moment = (timezone.now() + dt.timedelta(days=days)).astimezone(ZoneInfo("Europe/Moscow"))
    return moment.strftime("%Y-%m-%dT%H:%M")


LESS = RULES | {"rules": [RULES["rules"][1] | {"title": "Points"}]}


@pytest.mark.parametrize("valid_from", ["", "tomorrow"])
def test_what_ends_for_members_within_a_week_is_published_by_whoever_has_read_it(valid_from: str) -> None:
    open_shop()
    enrolled()
    enrolled("1000000022", "Vera")
    owner, when = logged_in(make_user("owner")), {"valid_from": in_days(1) if valid_from else ""}
    status, page, asked = publishing(owner, LESS, note="Less", **when)
    ends = page[page.index("What ends:") :]
    assert (status, "5% off for members." in ends, "What begins:" in page) == (422, True, False)
    assert "2 members count on" in page
    assert (Programme.objects.count(), ProgrammeDraft.objects.get().note) == (1, "Less"), "nothing is done, or lost"
    assert publishing(owner, LESS, note="Less", agreed=asked, **when)[0] == 302
    assert (Programme.objects.count(), ProgrammeDraft.objects.get().text) == (2, "")


def test_the_confirmation_is_of_these_rules_this_moment_this_person_and_the_version_before() -> None:
    open_shop()
    owner, asked_for = make_user("owner"), {"valid_from": in_days(2)}
    other = make_user("manager")
    other.role = owner.role
    other.save()
    browser = logged_in(owner)
    asked = publishing(browser, LESS, **asked_for)[2]
    none = LESS | {"rules": []}
    for rules, more in ((none, asked_for), (LESS, {"valid_from": ""}), (LESS, {"valid_from": in_days(3)})):
        status, _page, anew = publishing(browser, rules, agreed=asked, **more)
        assert (status, anew not in ("", asked)) == (422, True)
    assert publishing(logged_in(other), LESS, agreed=asked, **asked_for)[0] == 422
    for forged in ("yes", "", "é" * 64, asked[:-1]):
        assert publishing(browser, LESS, agreed=forged, **asked_for)[0] == 422
    more = RULES | {"rules": [*RULES["rules"], {"id": "new", "gives": {"kind": "percent_off", "percent": 9}}]}
    publish(more, by=None)
    assert publishing(browser, LESS, agreed=asked, **asked_for)[0] == 422, "by now more would end"
    assert Programme.objects.count() == 2


def test_what_only_adds_what_comes_first_and_what_is_told_in_time_is_published_at_once() -> None:
    owner = logged_in(make_user("owner"))
    assert publishing(owner, RULES)[0] == 302
    more = RULES | {"rules": [*RULES["rules"], {"id": "new", "gives": {"kind": "percent_off", "percent": 9}}]}
    assert publishing(owner, more)[0] == 302
    assert publishing(owner, LESS, valid_from=in_days(7.01))[0] == 302
    assert publishing(owner, LESS, valid_from=in_days(6.99))[0] == 422
    assert Programme.objects.count() == 3


def test_drawing_lots_for_what_everybody_had_takes_it_from_some() -> None:
    five = RULES["rules"][0]
    owner = logged_in(make_user("owner"))
    assert publishing(owner, RULES | {"rules": [five | {"holdout": 10}]})[0] == 302
    status, page, _asked = publishing(owner, RULES | {"rules": [five | {"holdout": 20}]})
    assert (status, "5% off for members." in page[page.index("What ends:") :]) == (422, True)
    assert publishing(owner, RULES | {"rules": [five]})[0] == 302


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


def test_new_rules_that_everybody_would_get_at_once_are_named() -> None:
    owner, words = logged_in(make_user("owner")), "so nobody will ever know what it earns: Points."
    points = RULES["rules"][1] | {"title": "Points"}
    held = RULES | {"rules": [points | {"holdout": 10}]}
    for rules, is_named in ((RULES | {"rules": [points]}, True), (held, False), (RULES | {"rules": []}, False)):
        owner.post("/programme/write/", {"rules": json.dumps(rules), "over": str(version()), "version": str(version())})
        assert (words in text_of(owner, "/programme/write/")) is is_named
    everybody = RULES["rules"][0] | {"for": "everybody", "title": "<b>All"}
    sent(owner, version(), rules=json.dumps(RULES | {"rules": [everybody]}), keep="yes")
    assert "nobody will ever know" not in text_of(owner, "/programme/write/"), "without a card nobody is drawn"
    sent(owner, version(), rules=json.dumps(RULES | {"rules": [points]}), publish="yes")
    sent(owner, version(), rules=json.dumps(RULES | {"rules": [points], "price_watch_days": 3}), keep="yes")
    assert "nobody will ever know" not in text_of(owner, "/programme/write/"), "it is not new any more"


def version() -> int:
    """Of the draft."""
    draft = ProgrammeDraft.objects.first()
    return draft.version if draft else 0
