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
    with running("--currency", "RUB", "--time-zone", "Europe/Moscow") as installation:
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


def test_dealers_and_limits_are_written_by_forms_and_the_moment_stays(
    browser: Browser, empty: Site, language: str, say: Any
) -> None:
    context = empty.enter(browser, OWNERS[language])
    page = context.new_page()
    complaints = listen(page, empty.url)
    page.goto("/programme/write/")
    if page.locator("#category").count():
        begin(page, say)
    page.locator("#valid_from").fill("2031-01-02T03:04")
    bonus(page, say, f"Дилеры {language}")
    expect(page.locator("#valid_from")).to_have_value("2031-01-02T03:04")
    expect(page.locator("#bonuses li", has_text=f"Дилеры {language}")).to_contain_text(
        "3,5" if language == "ru" else "3.5"
    )
    page.get_by_role("link", name=f"{say('Change it')}: {say('How it is counted')}").click()
    limit(page, say)
    expect(page.locator("#valid_from")).to_have_value("2031-01-02T03:04")
    page.get_by_text(say("Throw the draft away")).click()
    page.get_by_role("button", name=say("Throw away")).click()
    context.close()
    assert [one for one in complaints if "422" not in one] == []


def bonus(page: Page, say: Any, title: str) -> None:
    """For dealers who are not of a group; on a telephone, too."""
    if page.locator("#bonuses").get_attribute("open") is None:
        page.locator("#bonuses > summary").click()
    page.get_by_role("link", name=say("Add a bonus")).click()
    page.locator("[name='steps.from']").first.fill("1 000 000")
    page.locator("[name='steps.percent']").first.fill("3,5")
    page.locator("[name=title]").fill(title)
    page.set_viewport_size(PHONE)
    page.locator("#add").select_option("any")
    page.locator("#builder button[value=add]").click()
    page.locator("[id='c0.add']").select_option("privilege")
    page.locator("#builder button[value='add:0']").click()
    page.locator("[name='c1.any_of.more']").fill("дилер")
    page.locator("[name='c1.not']").check()
    expect(page.locator("#said")).to_contain_text("дилер")
    page.get_by_role("button", name=say("Save into the draft")).last.click()


def limit(page: Page, say: Any) -> None:
    """First with a mistake, which is told beside its box; by the keyboard."""
    expect(page.locator("[name='watch.alone']")).to_be_hidden()
    page.locator("#watch > summary").focus()
    page.keyboard.press("Enter")
    last = page.locator(".limit").last
    last.locator("[name='watch.limits.of']").select_option("till")
    last.locator("[name='watch.limits.receipts']").fill("-3")
    page.get_by_role("button", name=say("Save into the draft")).last.click()
    expect(page.locator("#watch .error")).to_contain_text("'-3'")
    page.locator(".limit [name='watch.limits.receipts']").nth(2).fill("300")
    page.get_by_role("button", name="+ " + say("One more limit")).click()
    expect(page.locator(".limit")).to_have_count(4)
    expect(page.locator("[name='watch.alone']")).to_be_visible()
    page.get_by_role("button", name=say("Save into the draft")).last.click()
    expect(page.locator("main")).to_contain_text("300")
