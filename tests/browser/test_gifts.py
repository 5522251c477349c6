"""Gifts in a browser: one is put into the catalogue, taken on a card, handed out, and counted."""

from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import PHONE, Site

pytestmark = pytest.mark.browser


def test_a_gift_is_added_taken_and_handed_out(page: Page, cafe: Site, say: Any, language: str) -> None:
    name = f"Чашка {language}"
    page.goto("/programme/")
    page.locator("nav.tabs").get_by_role("link", name=say("Gifts")).click()
    page.get_by_role("link", name=say("Add a gift")).click()
    page.locator("[name=name]").fill(name)
    page.locator("[name=points]").fill("10")
    page.locator("[name=cost]").fill("12.50")
    page.locator("[name=stock]").fill("1")
    page.get_by_role("button", name=say("Save")).click()
    row = page.locator("tbody tr", has_text=name)
    expect(row).to_be_visible()

    page.goto(f"/customers/{cafe.names['customer_id']}/")
    gifts = page.locator("#gifts")
    take = gifts.get_by_role("button", name=say("Take {gift}").format(gift=name))
    if not take.is_visible():
        gifts.get_by_text(say("and others")).click()
    take.click()
    waiting = gifts.locator("li", has_text=name)
    expect(waiting).to_contain_text(say("waits for him"))
    waiting.get_by_role("button", name=say("Hand out")).click()
    expect(gifts.locator("li", has_text=name).filter(has_text=say("waits for him"))).to_have_count(0)
    expect(page.locator(".timeline > li", has_text=name).first).to_contain_text(say("Handed out"))

    page.set_viewport_size(PHONE)
    page.goto("/programme/gifts/")
    expect(row).to_contain_text(say("none left"))
    page.get_by_role("link", name=say("Points enough for a gift")).click()
    expect(page.locator("tbody tr").first).to_be_visible()
