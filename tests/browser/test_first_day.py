"""The first day: an empty base that teaches, a messy file brought in through the browser, and taken back."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.conftest import OWNERS, Site, listen, running
from tests.browser.test_every_page import violations
from tests.conftest import require_browser

pytestmark = pytest.mark.browser

MESSY = (
    "Отчёт за март;;;;\n"
    "Дата;Номер чека;Дисконтная карта;Товар;Сумма, руб.\n"
    + "".join(f"{day:02}.03.2026 10:15;{day};C-{day % 7};Молоко;1 {day:03},50\n" for day in range(1, 29))
    + "вчера;99;C-1;=1+1;45,50\n"
).encode("cp1251")


@pytest.fixture(scope="module")
def empty() -> Iterator[Site]:
    """An installation of today, with its owner and nobody else."""
    require_browser()
    with running() as installation:
        for language, email in OWNERS.items():
            installation.command("create-owner", "--email", email, "--name", "Анна", "--lang", language)
        yield Site(installation.url, {})


@pytest.fixture
def page(browser: Browser, empty: Site, language: str) -> Iterator[Page]:
    """The owner's tab; a complaint of the browser fails the test."""
    context = empty.enter(browser, OWNERS[language])
    tab = context.new_page()
    complaints = listen(tab, empty.url)
    yield tab
    context.close()
    assert complaints == []


def drop(page: Page, path: Path) -> None:
    """Let a file fall on the zone, as from a folder of the desk."""
    content = list(path.read_bytes())
    files = page.evaluate_handle(
        """([name, bytes]) => {
            const carried = new DataTransfer();
            carried.items.add(new File([new Uint8Array(bytes)], name));
            return carried;
        }""",
        [path.name, content],
    )
    zone = page.locator("[data-drop]")
    zone.dispatch_event("dragover", {"dataTransfer": files})
    expect(zone).to_have_class(re.compile("over"))
    zone.dispatch_event("drop", {"dataTransfer": files})


def test_an_empty_base_teaches_and_takes_a_file_at_once(page: Page, say: Any, tmp_path: Path, language: str) -> None:
    for address in ("/customers/", "/segments/", "/insights/", "/imports/", "/strategy/"):
        page.goto(address)
        assert page.locator(".teach, .drop, .cards").count() >= 1, address
        assert violations(page) == [], address

    path = tmp_path / f"продажи {language}.csv"
    path.write_bytes(MESSY)
    page.goto("/")
    drop(page, path)
    page.wait_for_url(re.compile(r"/imports/\d+/$"))

    # what the columns were taken for, and the row that cannot be used
    assert page.locator("select[name^=role] option[selected][value=amount]").count() == 1
    expect(page.locator("main")).to_contain_text("вчера")
    page.locator("select[name^=role]").last.select_option("")
    expect(page.locator("#columns .message.error")).to_be_visible()
    # what htmx has put there answers only when it has settled
    expect(page.locator(".htmx-request, .htmx-swapping, .htmx-settling")).to_have_count(0)
    page.locator("select[name^=role]").last.select_option("amount")
    start = page.get_by_role("button", name=say("Start the import"))
    start.click()

    expect(page.locator(".cards.figures .figure").first).to_have_text("28", timeout=60_000)
    expect(page.get_by_role("link", name=say("Download these rows"))).to_be_visible()
    page.goto("/customers/")
    expect(page.locator("#rows tbody tr")).to_have_count(7)

    page.goto("/imports/")
    page.get_by_role("link", name=path.name).click()
    page.get_by_text(say("Undo this import")).click()
    page.get_by_role("button", name=say("Undo it")).click()
    expect(page.locator("h1 .badge")).to_have_text(say("Undone"), timeout=60_000)
    page.goto("/")
    expect(page.locator("[data-drop]")).to_be_visible()
