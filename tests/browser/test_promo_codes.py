"""Promo codes in a browser: made by the form, taken as a file, found, and ended."""

from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import PHONE, Site

pytestmark = pytest.mark.browser


def test_codes_are_made_taken_found_and_ended(page: Page, cafe: Site, say: Any, language: str) -> None:
    name = f"Осень {language}"
    page.goto("/programme/")
    page.locator("nav.tabs").get_by_role("link", name=say("Promo codes")).click()
    form = page.locator("form.by-kind")
    form.locator("[name=name]").fill(name)
    expect(form.locator("[name=count]")).to_be_visible()
    form.get_by_label(say("Personal: a code for each customer of a segment")).check()
    expect(form.locator("[name=segment]")).to_be_visible()
    expect(form.locator("[name=count]")).to_be_hidden()
    form.get_by_label(say("For anybody: one code for all")).check()
    expect(form.locator("[name=segment]")).to_be_hidden()
    form.locator("[name=word]").fill(f"осень-{language}")
    form.locator("[name=uses]").fill("250")
    page.keyboard.press("Enter")

    with page.expect_download() as download:
        page.locator("section.panel").get_by_role("button").click()
    word = f"ОСЕНЬ-{language.upper()}"
    assert Path(download.value.path()).read_text("utf-8-sig").split() == [say("Code"), word]

    page.set_viewport_size(PHONE)
    row = page.locator("tbody tr", has_text=name)
    expect(row).to_contain_text(say("No rule names it yet."))
    page.locator("[name=code]").fill(word.lower())
    page.get_by_role("button", name=say("Find"), exact=True).click()
    expect(page.locator("h1")).to_contain_text(say("can be used"))
    expect(page.locator("ul.facts")).to_contain_text("250")

    page.goto("/programme/codes/")
    row.locator("summary").click()
    row.get_by_role("button", name=say("End for good")).click()
    expect(page.get_by_role("status")).to_contain_text(name)
    expect(row).to_contain_text(say("is over"))
