"""Customers in a browser: the list, the card, and what is written on it."""

from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.conftest import OWNERS, PHONE, Site
from tests.browser.ground import PASSWORD

pytestmark = pytest.mark.browser


def test_signing_in_leads_to_today_and_out_again(browser: Browser, cafe: Site, say: Any, language: str) -> None:
    page = browser.new_page(base_url=cafe.url, locale=language)
    page.goto("/customers/")
    page.locator("[name=login]").fill(OWNERS[language])
    page.locator("[name=password]").fill("not this one")
    page.get_by_role("button", name=say("Log in")).click()
    expect(page.locator("[role=alert]")).to_be_visible()
    page.locator("[name=password]").fill(PASSWORD)
    page.get_by_role("button", name=say("Log in")).click()
    page.wait_for_url("**/customers/")
    page.goto("/")
    expect(page.locator("h1")).to_have_text(say("Today"))
    expect(page.locator(".rows").first).to_be_visible()
    page.locator("details.me summary").click()
    page.get_by_role("button", name=say("Log out")).click()
    page.wait_for_url("**/account/login/**")
    assert page.context.request.get("/customers/", max_redirects=0).status == 302
    page.close()


def test_what_was_chosen_stays_in_the_address_and_back_works(page: Page, say: Any) -> None:
    page.goto("/customers/")
    rows = page.locator("#rows tbody tr")
    expect(rows).to_have_count(50)
    page.locator("select[name=kind]").select_option("company")
    expect(rows).to_have_count(1)
    page.wait_for_url("**/customers/?kind=company")
    page.locator("select[name=kind]").select_option("")
    expect(rows).to_have_count(50)
    page.locator(".filters [name=q]").fill("смирнова ан")
    expect(rows).not_to_have_count(50)
    expect(rows.first).to_contain_text("Смирнова")
    rows.first.get_by_role("link").last.click()
    expect(page.locator("h1")).to_contain_text("Смирнова")
    page.wait_for_load_state()
    page.go_back()
    expect(page.locator(".filters [name=q]")).to_have_value("смирнова ан")
    expect(rows.first).to_contain_text("Смирнова")
    steps = [page.url]
    while not page.url.endswith("/customers/?kind=company") and len(steps) < 6:
        page.go_back()
        page.wait_for_load_state("networkidle")
        steps.append(page.url)
    assert page.url.endswith("/customers/?kind=company"), steps
    expect(rows).to_have_count(1)


def test_a_name_of_any_length_fits_the_telephone(page: Page, cafe: Site) -> None:
    page.set_viewport_size(PHONE)
    page.goto("/customers/")
    name = page.locator(".long-name").first
    box, line = name.bounding_box(), name.evaluate("one => parseFloat(getComputedStyle(one).lineHeight)")
    assert box is not None
    assert box["height"] <= 2 * line + 1
    assert box["x"] + box["width"] <= PHONE["width"]
    assert name.evaluate("one => one.scrollHeight > one.clientHeight")  # cut, and the dots say so


def test_notes_consents_and_peace_on_the_card(page: Page, cafe: Site, say: Any, language: str) -> None:
    number = cafe.names["other_id"] if language == "ru" else cafe.names["crowded"]
    card = f"/customers/{number}/"
    page.goto(card)
    words = f"Ждёт звонка <b>{language}</b>"
    page.locator(".story > .write textarea").fill(words)
    page.get_by_role("button", name=say("Add a note")).click()
    note = page.locator(".timeline > li.note", has_text=words)
    expect(note).to_be_visible()

    note.get_by_text(say("Change the note")).click()
    note.get_by_role("textbox").fill(f"{words}, вечером")
    note.get_by_role("button", name=say("Save")).click()
    expect(page.locator(".timeline > li.note").first).to_contain_text("вечером")
    page.locator(".timeline > li.note").first.get_by_text(say("Change the note")).click()
    page.get_by_role("button", name=say("Remove the note")).click()
    expect(page.locator(".timeline > li.note")).to_have_count(0)
    expect(page.locator(".timeline")).to_contain_text(say("Note removed"))

    page.get_by_text(say("Write down what he said")).click()
    page.get_by_label(say("Where he said it")).fill("касса")
    page.get_by_role("button", name=say("He agrees")).click()
    expect(page.locator("#consents .badge.good")).to_be_visible()

    lift = page.get_by_role("button", name=say("Lift it"))
    if lift.count() == 0:
        page.get_by_text(say("Leave him in peace")).click()
        page.get_by_label(say("Why"), exact=True).fill("просил не звонить")
        page.get_by_role("button", name=say("Do not disturb")).click()
        expect(page.locator(".strip")).to_contain_text("просил не звонить")
    lift.click()
    expect(page.locator(".strip")).to_have_count(0)


def test_the_next_step_leads_to_its_place(page: Page, cafe: Site, say: Any) -> None:
    page.goto(f"/customers/{cafe.names['customer_id']}/")
    assert page.locator(".step .primary").count() == 1
    page.locator(".step .primary").click()
    assert page.url.endswith("#contacts")


def test_the_story_can_be_narrowed(page: Page, cafe: Site, say: Any) -> None:
    page.goto(f"/customers/{cafe.names['customer_id']}/")
    narrow = page.locator(".kinds").get_by_role("link", name=say("Purchases"))
    narrow.click()
    expect(page.locator("#happened .timeline > li:not(.purchase)")).to_have_count(0)
    expect(narrow).to_have_attribute("aria-current", "true")
    before = page.locator("#happened .timeline > li").count()
    page.get_by_role("link", name=say("Earlier")).click()
    expect(page.locator("#happened .timeline > li")).not_to_have_count(before)


@pytest.mark.parametrize("language", ["ru"], indirect=True)
def test_the_card_prints_what_is_known_and_nothing_that_is_pressed(page: Page, cafe: Site) -> None:
    page.goto(f"/customers/{cafe.names['customer_id']}/")
    page.emulate_media(media="print", color_scheme="dark")
    for selector in (".top", ".side", ".zone.next", ".write", "button", "summary:not(#owner *)"):
        assert page.locator(f"{selector}:visible").count() == 0, selector
    for words in ("+7 916 123-45-67", "Любит столик у окна.", "Новости и предложения"):
        assert page.get_by_text(words).locator("visible=true").count() > 0, words
    assert page.evaluate("getComputedStyle(document.documentElement).backgroundColor") == "rgb(255, 255, 255)"
