"""Gift certificates in the office and on the cashier's page."""

import html
import re
from typing import Any

import pytest
from django.test import Client

from regulars.accounts.models import LogEntry
from regulars.loyalty.certificate_deals import Deal, sell_certificates
from regulars.loyalty.certificates import find, make_certificates
from regulars.loyalty.models import Certificate, CertificateBatch, Sale
from tests.loyalty.selling_cases import CARD, enrolled, open_shop
from tests.web.people import logged_in, make_user

pytestmark = pytest.mark.django_db
BATCH = {"name": "New Year", "count": "5", "amount": "1 000,50", "days": "365"}
PAGE = "/programme/certificates/"
TILL = "/till/certificates/"


@pytest.fixture
def owner() -> Client:
    open_shop()
    return logged_in(make_user("owner"))


@pytest.fixture
def cashier(owner: Client) -> Client:
    return logged_in(make_user("cashier"))


def text_of(answer: Any, status: int = 200) -> str:
    assert answer.status_code == status, answer.content.decode()[:2000]
    return html.unescape(answer.content.decode()).replace("\xa0", "")


def hidden(page: str, name: str) -> str:
    found = re.search(rf'name="{name}" value="([^"]*)"', page)
    assert found is not None, name
    return found[1]


def printed(amount: int = 100_000) -> str:
    batch = make_certificates(f"Batch {amount}", count=1, amount=amount, days=365, by=None)
    return batch.certificates.get().number


def sold(amount: int = 100_000) -> str:
    number = printed(amount)
    sell_certificates(Deal("till:1", f"C-{amount}", (number,), amount))
    return number


def test_an_owner_makes_certificates_and_takes_the_numbers_once(owner: Client) -> None:
    assert "No certificates are made yet" in text_of(owner.get(PAGE))
    assert "5 certificates are made." in text_of(owner.post(PAGE + "make/", BATCH, follow=True))
    batch = CertificateBatch.objects.get()
    assert (batch.amount, batch.days, batch.currency) == (100_050, 365, "RUB")
    taken = owner.post(f"{PAGE}batches/{batch.pk}/file/")
    lines = b"".join(taken.streaming_content).decode().splitlines()  # type: ignore[attr-defined]
    assert lines[0] == "number"
    assert set(lines[1:]) == set(batch.certificates.values_list("number", flat=True))
    assert all(one.isdigit() and one[0] != "0" for one in lines[1:])
    assert "They leave once" in text_of(owner.post(f"{PAGE}batches/{batch.pk}/file/"), 422)
    page = text_of(owner.get(PAGE))
    assert "CSV for the printer" not in page
    assert not any(one in page for one in lines[1:])
    log = text_of(owner.get("/settings/log/"))
    assert all(one in log for one in ("new gift certificates", "numbers of gift certificates for the printer"))


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"count": "-1"}, "Make 1 to 100000"),
        ({"amount": "0"}, "for how much"),
        ({"amount": "<b>"}, "'<b>' is no sum"),
        ({"days": "0"}, "lives 1 to 3660 days"),
        ({"days": "x"}, "lives 1 to 3660 days"),
        ({"name": ""}, "1 to 60 signs"),
    ],
)
def test_what_cannot_be_made_is_told_and_kept_in_the_form(owner: Client, wrong: dict[str, str], said: str) -> None:
    answer = owner.post(PAGE + "make/", BATCH | wrong)
    page = text_of(answer, 422)
    assert said in page
    assert "<b>" not in answer.content.decode()
    assert not CertificateBatch.objects.exists()


def test_one_is_found_by_its_number_seen_and_cancelled_with_a_reason(owner: Client) -> None:
    number = sold()
    done = owner.post(PAGE + "find/", {"certificate": f" {number[:8]} {number[8:]} "})
    address = done["Location"]
    assert (done.status_code, number in address) == (302, False)
    page = text_of(owner.get(address))
    assert number not in page, "the page opens without knowing it"
    assert all(one in page for one in (f"…{number[-4:]}", "can be used", "₽1,000.00", "till:1"))
    assert "Write why" in text_of(owner.post(address + "cancel/", {"reason": " "}), 422)
    owner.post(address + "cancel/", {"reason": "stolen by <i>him</i>"})
    answer = owner.get(address)
    assert "<i>" not in answer.content.decode()
    assert all(one in text_of(answer) for one in ("is cancelled", "Owner: stolen by <i>him</i>"))
    assert "nothing to cancel" in text_of(owner.post(address + "cancel/", {"reason": "again"}), 422)
    assert LogEntry.objects.get(event="certificate_cancelled").about == f"…{number[-4:]}"


def test_who_tries_numbers_in_the_office_has_to_wait(owner: Client) -> None:
    printed()
    answers = [owner.post(PAGE + "find/", {"certificate": str(99 * 10**14 + n)}).status_code for n in range(20)]
    assert (answers[0], answers[-1]) == (404, 429)


def test_what_is_owed_is_told_for_every_day(owner: Client) -> None:
    sold(100_000)
    sold(50_000)
    page = text_of(owner.get(PAGE))
    assert "₽1,500.00 on 2 certificates at this moment" in re.sub(r"<[^>]*>", "", page)
    assert "₽0.00 on 0 certificates" in re.sub(r"<[^>]*>", "", text_of(owner.get(PAGE + "?day=2026-01-01")))
    for day in ("x", "2026-13-01", "9999-12-31", "0001-01-01"):
        assert owner.get(PAGE, {"day": day}).status_code == 422, day


def test_who_only_looks_neither_makes_takes_nor_cancels(owner: Client) -> None:
    certificate = find(sold())
    analyst = logged_in(make_user("analyst"))
    page = text_of(analyst.get(PAGE)) + text_of(analyst.get(f"{PAGE}{certificate.pk}/"))
    assert not any(one in page for one in ("Make certificates", "CSV for the printer", "Cancel it"))


# --- the cashier's page ---


def test_a_cashier_sells_one_once_however_often_he_presses(cashier: Client) -> None:
    number = printed()
    page = text_of(cashier.post(TILL, {"certificate": number}))
    assert all(one in page for one in ("not sold yet", "Paid ₽1,000.00: sell it"))
    form = {name: hidden(page, name) for name in ("certificate", "number", "paid")}
    for _press in range(2):
        done = text_of(cashier.post(TILL + "sell/", form, follow=True))
        assert f"Sold: certificate …{number[-4:]} for ₽1,000.00." in done
    assert (find(number).balance, find(number).movements.count()) == (100_000, 1)
    again = form | {"number": "another"[:1] + "1"}
    assert "was sold before" in text_of(cashier.post(TILL + "sell/", again), 422)


def test_a_price_that_the_browser_made_up_is_refused(cashier: Client) -> None:
    number = printed()
    page = text_of(cashier.post(TILL, {"certificate": number}))
    form = {"certificate": number, "number": hidden(page, "number"), "paid": "1"}
    assert "cost 100000 minor units, not 1" in text_of(cashier.post(TILL + "sell/", form), 422)
    assert find(number).sold_for is None


def test_an_unused_one_is_taken_back(cashier: Client) -> None:
    number = sold()
    page = text_of(cashier.post(TILL, {"certificate": number}))
    assert "Take it back for ₽1,000.00" in page
    form = {"certificate": number, "number": hidden(page, "number")}
    assert "Give back ₽1,000.00" in text_of(cashier.post(TILL + "back/", form, follow=True))
    assert find(number).is_cancelled
    assert "is cancelled" in text_of(cashier.post(TILL, {"certificate": number}))
    fresh = printed(5_000)
    assert "not sold yet" in text_of(cashier.post(TILL + "back/", form | {"certificate": fresh, "number": "2"}), 422)


@pytest.mark.parametrize("who", [CARD, ""])
def test_somebody_pays_with_one_member_or_not(cashier: Client, who: str) -> None:
    enrolled()
    number = sold(50_000)
    asked = {"who": who, "store": "Arbat", "sum": "1000", "certificates": f"{number[:4]} {number[4:]}"}
    page = text_of(cashier.post("/till/sell/", asked))
    left = {"": "₽500.00", CARD: "₽450.00"}[who]
    assert all(one in page for one in (f"To pay: {left}", f"Certificate …{number[-4:]}", "₽0.00 left on it"))
    form = asked | {name: hidden(page, name) for name in ("number", "to_pay", "in_money")} | {"paid": "yes"}
    for _press in range(2):
        assert f"Written: {left} paid" in text_of(cashier.post("/till/sell/", form, follow=True))
    sale = Sale.objects.get()
    assert (sale.by_certificates, sale.customer is None) == (50_000, not who)
    assert find(number).balance == 0


def test_a_certificate_leads_to_the_till_without_a_card(cashier: Client) -> None:
    number = sold()
    assert "Pay with it, without a card" in text_of(cashier.post(TILL, {"certificate": number}))
    page = text_of(cashier.post("/till/sell/", {"certificates": number}))
    assert all(one in page for one in ("Without a card", f'value="{number}"'))
    assert "Points to spend" not in page


def test_what_certificates_leave_by_now_is_compared(cashier: Client) -> None:
    number = sold(50_000)
    asked = {"who": "", "store": "Arbat", "sum": "1000", "certificates": number}
    page = text_of(cashier.post("/till/sell/", asked))
    wrong = asked | {"number": hidden(page, "number"), "to_pay": "100000", "in_money": "0", "paid": "yes"}
    assert "50000 minor units are left to pay in money" in text_of(cashier.post("/till/sell/", wrong), 422)
    assert not Sale.objects.exists()


@pytest.mark.parametrize("written", ["", "1", "9" * 16, "x" * 64, "=1+1", "<b>"])
def test_nothing_is_found_by_nothing(cashier: Client, written: str) -> None:
    printed()
    assert cashier.post(TILL, {"certificate": written}).status_code == (404 if written else 422)
    asked = {"who": "", "store": "Arbat", "sum": "1000", "certificates": written or "1"}
    answer = cashier.post("/till/sell/", asked)
    assert (answer.status_code, "<b>" in answer.content.decode()) == (422, False)
    assert not Certificate.objects.filter(balance__gt=0).exists()


def test_who_tries_numbers_at_the_till_has_to_wait(cashier: Client) -> None:
    printed()
    answers = [cashier.post(TILL, {"certificate": str(99 * 10**14 + n)}).status_code for n in range(20)]
    assert (answers[0], answers[-1]) == (404, 429)
    asked = {"who": "", "store": "Arbat", "sum": "1000", "certificates": "9" * 16}
    assert cashier.post("/till/sell/", asked).status_code == 429


def test_too_many_certificates_are_told(cashier: Client) -> None:
    asked = {"who": "", "store": "Arbat", "sum": "1000", "certificates": ",".join("1" * 21)}
    assert "At most 20 certificates" in text_of(cashier.post("/till/sell/", asked), 422)
