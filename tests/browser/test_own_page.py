"""The customer's own page on his phone: from the link to his card and his consents, without scripts."""

from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.conftest import PHONE, Site, listen
from tests.browser.test_every_page import OUTSIDE, violations

pytestmark = pytest.mark.browser


@pytest.fixture
def phone(browser: Browser, cafe: Site) -> Iterator[Page]:
    """A stranger's telephone; a complaint of its browser fails the test."""
    context = browser.new_context(base_url=cafe.url, viewport=PHONE, has_touch=True, is_mobile=True)
    tab = context.new_page()
    complaints = listen(tab, cafe.url)
    yield tab
    context.close()
    assert [one for one in complaints if "422" not in one] == []


def is_well(page: Page, language: str) -> None:
    assert page.evaluate("document.documentElement.lang") == language
    assert page.locator("h1").count() == 1
    assert page.evaluate(OUTSIDE) == []
    assert violations(page) == []


def test_from_the_link_to_the_card_and_a_consent_withdrawn(
    phone: Page, cafe: Site, language: str, say: Callable[..., str]
) -> None:
    for scheme in ("light", "dark"):
        phone.emulate_media(color_scheme=scheme)
        phone.goto(f"/c/{cafe.names['signed']}/")
        is_well(phone, "ru")
    if language == "en":
        phone.get_by_role("button", name="English").click()
    else:
        phone.get_by_role("button", name=say("Show my page")).click()
    expect(phone).to_have_url(f"{cafe.url}/my/")
    is_well(phone, language)
    expect(phone.locator(".barcode")).to_have_count(0)

    phone.get_by_text(say("Show my card")).click()
    phone.locator("[name=proof]").fill("1000000018")
    phone.get_by_role("button", name=say("Show"), exact=True).click()
    expect(phone.get_by_role("alert")).to_be_visible()
    is_well(phone, language)
    phone.locator("[name=proof]").fill("1000 000 017")
    phone.get_by_role("button", name=say("Show"), exact=True).click()
    expect(phone.locator("#card .barcode")).to_have_count(2)

    agree = say("Agree: {channel}").format(channel=say("Calls"))
    withdraw = say("Withdraw: {channel}").format(channel=say("Calls"))
    phone.get_by_role("button", name=agree).click()
    phone.get_by_role("button", name=withdraw).click()
    expect(phone.get_by_role("button", name=agree)).to_be_visible()
    phone.get_by_text(say("Rules of the programme")).click()
    phone.emulate_media(color_scheme="light")
    is_well(phone, language)

    phone.get_by_role("button", name=say("Forget me on this device")).click()
    expect(phone.locator("[name=code]")).to_be_visible()
    is_well(phone, "en")  # the language of the shop: whose telephone it is has been forgotten
