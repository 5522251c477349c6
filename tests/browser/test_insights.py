"""From a number to the people behind it: insights, segments, strategy, settings."""

import re
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import Site

pytestmark = pytest.mark.browser


def test_every_number_leads_to_its_people(page: Page, say: Any) -> None:
    page.goto("/insights/")
    page.locator(".tile .who").first.click()
    page.wait_for_url("**/insights/people/**")
    expect(page.locator("tbody tr").first).to_be_visible()
    page.locator("select[name=state]").select_option("lost")
    page.get_by_role("button", name=say("Filter"), exact=True).click()
    page.wait_for_url("**state=lost**")
    page.go_back()
    expect(page).not_to_have_url(re.compile("state=lost"))
    with page.expect_download() as taken:
        page.get_by_role("button", name="CSV").click()
    assert taken.value.suggested_filename.endswith(".csv")


def test_the_owners_page_changes_its_period(page: Page) -> None:
    page.goto("/insights/business/")
    first = page.locator(".periods a").first
    first.click()
    expect(page.locator(".periods a").first).to_have_attribute("aria-current", "true")
    expect(page.locator(".tile .value").first).to_be_visible()


def test_a_segment_is_built_as_a_sentence(page: Page, say: Any, language: str) -> None:
    page.goto("/segments/new/")
    page.locator("input[name=name]").fill(f"Уходящие {language}")
    page.get_by_role("checkbox").nth(1).check()
    preview = page.locator("#preview")
    expect(preview.locator(".answer")).not_to_be_empty()
    counted = preview.locator(".value").inner_text()
    assert re.search(r"\d", counted)

    page.get_by_role("button", name=f"+ {say('Condition')}").click()
    what = page.get_by_label(say("What the condition is about"))
    expect(what).to_have_count(2)
    what.nth(1).select_option("visits")
    number = page.get_by_label(say("Number"), exact=True)
    number.fill("1")
    number.press("Tab")
    expect(preview.locator(".answer")).to_contain_text("1")
    page.get_by_role("button", name=say("Save"), exact=True).click()

    page.wait_for_url(re.compile(r"/segments/\d+/$"))
    expect(page.locator("h1")).to_have_text(f"Уходящие {language}")
    page.locator("#preview").get_by_role("link", name=say("Why?")).first.click()
    expect(page.locator(".answers .tick").first).to_have_class(re.compile("good"))
    assert page.locator(".answers .tick.bad").count() == 0


def test_a_strategy_is_written_in_versions(page: Page, say: Any, language: str) -> None:
    group = {"ru": "supplier", "en": "partner"}[language]
    page.goto("/strategy/")
    page.locator(f"a[href='/strategy/{group}/']").click()
    for version in ("1", "2"):
        page.locator("main .primary").click()
        page.get_by_label(say("Why we need them")).fill(f"Зерно, {version}")
        page.locator("main [type=submit]").click()
        expect(page.locator("main")).to_contain_text(say("Version {version}").format(version=version))
    page.goto(f"/strategy/{group}/?version=1")
    expect(page.locator("main .said").first).to_have_text("Зерно, 1")


def test_the_language_is_changed_for_oneself(page: Page, cafe: Site, language: str) -> None:
    other = {"ru": "en", "en": "ru"}[language]
    for chosen in (other, language):
        page.goto("/profile/")
        page.locator("[name=language]").select_option(chosen)
        page.locator("main [type=submit]").click()
        page.wait_for_load_state()
        assert page.evaluate("document.documentElement.lang") == chosen


def test_an_invitation_is_made_and_shown_once(page: Page, say: Any, language: str) -> None:
    page.goto("/settings/")
    page.get_by_label(say("E-mail"), exact=True).fill(f"{language}@example.com")
    page.get_by_role("button", name=say("Make the link")).click()
    link = page.get_by_label(say("Link of the invitation"))
    assert "/invitation/" in link.input_value()
    page.goto("/settings/people/")
    assert page.get_by_label(say("Link of the invitation")).count() == 0
    expect(page.locator("main")).to_contain_text(f"{language}@example.com")
