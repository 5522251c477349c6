"""The programme in a browser: begun, given a rule and published without a word of JSON."""

from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.conftest import OWNERS, PHONE, Site, listen, run_inside, running
from tests.conftest import require_browser

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def empty() -> Iterator[Site]:
    """A shop with owners and goods, and no programme yet."""
    require_browser()
    with running() as installation:
        run_inside(installation, "tests.browser.goods")
        yield Site(installation.url, {})


def test_an_owner_begins_adds_a_rule_and_publishes_by_forms(
    browser: Browser, empty: Site, language: str, say: Any
) -> None:
    context = empty.enter(browser, OWNERS[language])
    page = context.new_page()
    complaints = listen(page, empty.url)
    page.goto("/programme/")
    if language == "ru":
        page.get_by_role("link", name=say("Begin a programme")).click()
        begin(page, say)
    else:
        page.get_by_role("link", name=say("Write a new version")).click()
    page.get_by_role("link", name=say("Add a rule")).click()
    page.get_by_role("link", name=say("A discount in per cent"), exact=True).click()
    write(page, say, f"Утро {language}")
    expect(page.locator(".written li", has_text=f"Утро {language}")).to_contain_text(
        "7,5" if language == "ru" else "7.5"
    )
    change(page, say, f"Утро {language}")
    page.get_by_role("link", name=f"{say('Change it')}: {say('How it is counted')}").click()
    page.locator("[name='spending.worth']").fill("0,5" if language == "ru" else "0.75")
    page.get_by_role("button", name=say("Save into the draft")).last.click()
    expect(page.get_by_role("textbox", name=say("Rules"))).to_be_hidden()
    page.get_by_role("button", name=say("Publish")).click()
    if page.locator("[name=agreed]").count():
        page.get_by_role("button", name=say("Publish")).click()
    expect(page.locator("dl.rules")).to_contain_text(f"Утро {language}")
    context.close()
    assert [one for one in complaints if "422" not in one] == []


def begin(page: Page, say: Any) -> None:
    """With each sixth coffee free."""
    page.locator("#category").select_option("Кофе")
    page.get_by_role("button", name=f"{say('Begin with it')}: {say('Each sixth coffee free')}").click()
    expect(page.locator(".written li")).to_contain_text("Кофе")


def write(page: Page, say: Any, title: str) -> None:
    """A rule with a condition, on a telephone, too."""
    page.set_viewport_size(PHONE)
    page.locator("[name='g.percent']").fill("7,5")
    page.locator("[name=title]").fill(title)
    page.locator("#add").select_option("hours")
    page.locator("#builder button[value=add]").click()
    page.get_by_role("checkbox", name=say("Tuesday")).check()
    page.locator("[name='c0.from']").fill("09:00")
    page.locator("[name='c0.to']").fill("12:00")
    expect(page.locator("#said")).to_contain_text("09:00")
    page.get_by_role("button", name=say("Save into the draft")).last.click()


def change(page: Page, say: Any, title: str) -> None:
    """The rule becomes one of points: its form changes its boxes at once, and keeps the rest."""
    page.get_by_role("link", name=f"{say('Change it')}: {title}").click()
    page.locator("#gives").select_option("points_gift")
    page.locator("[name='g.points']").fill("50")
    expect(page.get_by_role("checkbox", name=say("Tuesday"))).to_be_checked()
    page.get_by_role("button", name=say("Save into the draft")).last.click()
    expect(page.locator(".written li", has_text=title)).to_contain_text("50")
