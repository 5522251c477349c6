"""The report in a real browser: it opens from a disk, fits a phone, prints whole, and asks for nothing."""

import datetime as dt
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page

from regulars.analytics.audit import Audit, audit
from regulars.analytics.purchases import History, connect
from regulars.demo.shops import generate_shop
from regulars.report import write_html

pytestmark = pytest.mark.browser

WIDTHS = (360, 390, 768, 1280)


@pytest.fixture(scope="module")
def shop() -> Audit:
    made = generate_shop("coffee", customers=350, seed=2, language="ru")
    lines = connect().create_table("lines", made.lines)
    return audit(History.of_table(lines, currency="RUB"), as_of=dt.date(2025, 12, 17))


@pytest.fixture(scope="module", params=["ru", "en"])
def language(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="module")
def file(shop: Audit, language: str, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("report") / "report.html"
    write_html(shop, path, language=language)
    return path


@pytest.fixture
def page(browser: Browser, file: Path) -> Iterator[Page]:
    """The report, opened; whatever the console or the network says against it fails the test."""
    complaints: list[str] = []
    context = browser.new_context(viewport={"width": 390, "height": 844})
    tab = context.new_page()
    tab.on("console", lambda message: complaints.append(message.text))
    tab.on("pageerror", lambda error: complaints.append(str(error)))
    tab.on("request", lambda request: complaints.append(request.url) if request.url != file.as_uri() else None)
    tab.goto(file.as_uri())
    yield tab
    context.close()
    assert complaints == []


def test_it_speaks_the_language_it_names(page: Page, language: str) -> None:
    assert page.evaluate("document.documentElement.lang") == language
    titles = {"ru": "Аудит клиентской базы", "en": "Audit of the customer base"}
    assert page.locator("h1").inner_text() == titles[language]
    assert page.locator("main section.chapter").count() == page.locator("main h3.question").count() >= 11


@pytest.mark.parametrize("width", WIDTHS)
def test_nothing_is_wider_than_the_screen(page: Page, width: int) -> None:
    page.set_viewport_size({"width": width, "height": 900})
    page.evaluate("document.querySelectorAll('details').forEach(one => one.open = true)")
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    outside: list[Any] = page.evaluate(
        """width => [...document.querySelectorAll('main *')]
            .filter(one => !one.closest('.scroll') && one.checkVisibility() && one.getClientRects().length)
            .map(one => [one.className.baseVal ?? one.className, one.getBoundingClientRect()])
            .filter(([, box]) => box.width > 1 && (box.right > width + 1 || box.left < -1))
            .map(([name, box]) => [name, box.left, box.right])""",
        width,
    )
    assert outside == []


def test_each_chart_is_shown_once_and_its_letters_can_be_read(page: Page) -> None:
    for width, shown in ((390, "narrow"), (1280, "wide")):
        page.set_viewport_size({"width": width, "height": 900})
        visible = page.locator("svg.plot:visible")
        kinds = visible.evaluate_all("all => all.map(one => one.classList[1])")
        assert set(kinds) == {shown}
        scales = visible.evaluate_all("all => all.map(one => one.clientWidth / one.viewBox.baseVal.width)")
        # letters are drawn 12 pixels high
        assert min(scales) * 12 >= 10.5


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_every_text_stands_out_from_its_ground(page: Page, scheme: str) -> None:
    """Contrast of at least 4.5 (WCAG 2.2, AA) for all texts, by their computed colours."""
    page.emulate_media(color_scheme="dark" if scheme == "dark" else "light")
    page.set_viewport_size({"width": 1280, "height": 900})
    weak = page.evaluate(CONTRAST)
    assert weak == []


CONTRAST = """() => {
    const parse = text => text.match(/[\\d.]+/g).map(Number);
    const light = ([r, g, b]) => [r, g, b].map(v => v / 255)
        .map(v => v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4)
        .reduce((sum, v, i) => sum + v * [0.2126, 0.7152, 0.0722][i], 0);
    const over = (top, ground) => top.slice(0, 3).map((v, i) => v * (top[3] ?? 1) + ground[i] * (1 - (top[3] ?? 1)));
    const groundOf = one => {
        const layers = [];
        for (let at = one; at; at = at.parentElement) layers.push(parse(getComputedStyle(at).backgroundColor));
        return layers.reverse().reduce((ground, layer) => over(layer, ground), [255, 255, 255]);
    };
    const found = new Set();
    for (const one of document.querySelectorAll('body *')) {
        const own = [...one.childNodes].some(node => node.nodeType === 3 && node.textContent.trim());
        if (!own || !one.checkVisibility()) continue;
        const style = getComputedStyle(one);
        const ink = parse(one.closest('svg') ? style.fill : style.color), ground = groundOf(one);
        const [a, b] = [light(over(ink, ground)), light(ground)].sort((x, y) => y - x);
        if ((a + 0.05) / (b + 0.05) < 4.5) found.add(one.outerHTML.slice(0, 120));
    }
    return [...found];
}"""


def test_lists_of_people_open_with_the_keyboard(page: Page) -> None:
    people = page.locator("#lifecycle details.people").first
    people.locator("summary").focus()
    page.keyboard.press("Enter")
    assert people.locator("table").is_visible()
    assert 0 < people.locator("tbody tr").count() <= 20


def test_it_prints_on_few_pages_with_the_headlines_on_the_first(page: Page) -> None:
    page.emulate_media(media="print", color_scheme="dark")
    page.set_viewport_size({"width": 680, "height": 900})
    height = page.evaluate("document.querySelector('#headlines').getBoundingClientRect().bottom")
    # A4 less its margins, in CSS pixels
    assert height <= 1017
    ground = page.evaluate("getComputedStyle(document.body).backgroundColor")
    assert ground == "rgb(255, 255, 255)"
    document = page.pdf(prefer_css_page_size=True, print_background=True)
    assert 8 <= document.count(b"/Type /Page\n") <= 32
