"""Everything by keys alone: what is found, opened and closed, in any layout of the keyboard."""

from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import Site

pytestmark = pytest.mark.browser

CTRL = 2
MAIN_PAGES = (
    "/", "/customers/", "/customers/{customer_id}/", "/segments/{segment_id}/edit/", "/insights/",
    "/insights/people/state:regular/", "/imports/{import}/", "/settings/people/",
)  # fmt: skip


def press_in_russian_layout(page: Page, letter: str, code: str) -> None:
    """Ctrl and a key, which in this layout gives another letter."""
    keys = page.context.new_cdp_session(page)
    pressed: dict[str, Any] = {"key": letter, "code": code, "windowsVirtualKeyCode": ord(code[-1]), "modifiers": CTRL}
    keys.send("Input.dispatchKeyEvent", {"type": "keyDown", **pressed})
    keys.send("Input.dispatchKeyEvent", {"type": "keyUp", **pressed})
    keys.detach()


@pytest.mark.parametrize("typed", ["иванов", "bdfyjd"])
def test_ctrl_k_finds_a_customer_in_any_layout(page: Page, typed: str) -> None:
    page.goto("/")
    press_in_russian_layout(page, "л", "KeyK")
    expect(page.locator("#palette")).to_be_visible()
    page.keyboard.insert_text(typed)
    found = page.locator("#found a")
    expect(found.first).to_contain_text("Иванов")
    page.keyboard.press("ArrowDown")
    expect(found.first).to_be_focused()
    page.keyboard.press("ArrowUp")
    page.keyboard.press("Enter")
    page.wait_for_url("**/customers/*/")
    expect(page.locator("h1")).to_contain_text("Иванов")


def test_ctrl_k_leads_to_a_page_and_escape_closes_it(page: Page, say: Any) -> None:
    page.goto("/customers/")
    opener = page.locator("[data-open-palette]")
    opener.focus()
    page.keyboard.press("Control+KeyK")
    expect(page.locator("#palette input")).to_be_focused()
    page.keyboard.press("Escape")
    expect(page.locator("#palette")).to_be_hidden()
    expect(opener).to_be_focused()
    page.keyboard.press("Meta+KeyK")
    page.keyboard.insert_text(say("Strategy")[:5])
    expect(page.locator("#found a").first).to_contain_text(say("Strategy"))
    page.keyboard.press("Enter")
    page.wait_for_url("**/strategy/")


def test_menus_close_with_escape_and_give_the_focus_back(page: Page, cafe: Site) -> None:
    page.goto(f"/customers/{cafe.names['customer_id']}/")
    for kind in ("me", "choose", "tiny"):
        menu = page.locator(f"details.{kind}").first
        menu.locator("summary").focus()
        page.keyboard.press("Enter")
        expect(menu).to_have_attribute("open", "")
        page.keyboard.press("Tab")
        page.keyboard.press("Escape")
        expect(menu).not_to_have_attribute("open", "")
        expect(menu.locator("summary")).to_be_focused()


@pytest.mark.parametrize("language", ["ru"], indirect=True)
def test_tab_goes_through_everything_and_is_seen(page: Page, cafe: Site) -> None:
    for path in MAIN_PAGES:
        page.goto(path.format(**cafe.names))
        wanted: int = page.evaluate(MARK)
        seen: set[int] = set()
        invisible: list[str] = []
        for _ in range(wanted + 2):
            page.keyboard.press("Tab")
            number, text, is_seen = page.evaluate(FOCUSED)
            if number < 0:
                break
            seen.add(number)
            if not is_seen:
                invisible.append(text)
        assert (path, len(seen), invisible) == (path, wanted, [])


def test_the_skip_link_leads_over_the_menu(page: Page) -> None:
    page.goto("/segments/")
    page.keyboard.press("Tab")
    expect(page.locator(".skip")).to_be_focused()
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.closest('main') !== null")


# radio buttons of one group are one stop; what cannot be seen is none
MARK = """() => {
    const all = [...document.querySelectorAll(
        "a[href], button, input:not([type=hidden]), select, textarea, summary, [tabindex='0']")]
        .filter(one => !one.disabled && one.checkVisibility({visibilityProperty: true}))
        .filter(one => !one.closest("dialog:not([open])"));
    all.forEach((one, number) => one.dataset.stop = number);
    return all.length;
}"""
FOCUSED = """() => {
    const one = document.activeElement, style = getComputedStyle(one);
    const seen = style.outlineStyle !== "none" && parseFloat(style.outlineWidth) >= 2;
    return [one === document.body ? -1 : Number(one.dataset.stop ?? -1), one.outerHTML.slice(0, 100), seen];
}"""
