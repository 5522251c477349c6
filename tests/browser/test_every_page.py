"""Every page that there is: in both languages, light and dark, on a desk and on a phone."""

from collections.abc import Iterator
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from django.urls import URLPattern, URLResolver, get_resolver, reverse
from playwright.sync_api import Browser, Page

from tests.browser.conftest import DESK, OWNERS, PHONE, Site, listen
from tests.browser.ground import CHAPTERS

pytestmark = pytest.mark.browser

# other customers, lists and states than those that the addresses name first
BESIDES = (
    "/customers/{crowded}/", "/customers/{crowded}/edit/", "/customers/{erased}/", "/customers/{erased}/erasure/",
    "/customers/?q=zzzzz", "/customers/?column=phone&column=kind&column=birth_date&column=source&column=created_at",
    "/customers/{customer_id}/timeline/?only=change", "/find/?q=иванов", "/imports/{done}/",
    "/insights/people/all/?columns=state&columns=rfm&columns=email&columns=visits&columns=missed",
    "/insights/people/state:lost/?spent=999999999999", "/insights/business/?period=365", "/q/{link}/",
    "/receipts/{sold}/", "/programme/write/rule/?id=crowded", "/programme/write/rule/?id=kind",
    "/programme/write/rule/?gives=points_by_tier", "/programme/write/volume/?id=dealers",
    "/programme/partners/of/new/", "/customers/{member}/points/ledger/",
    "/programme/goods/?cost=none", "/programme/goods/?q=zzzzz", "/imports/{prices}/",
)  # fmt: skip


def routes(patterns: list[URLPattern | URLResolver]) -> Iterator[URLPattern]:
    """All pages; the interface for programs has none."""
    for one in patterns:
        if isinstance(one, URLPattern):
            yield one
        elif one.namespace != "api":
            yield from routes(one.url_patterns)


def addresses(site: Site) -> list[str]:
    """One address of every page, and some more."""
    found = [
        reverse(route.name or "", kwargs=values)
        for route in routes(get_resolver().url_patterns)
        for values in values_of(route, site)
    ]
    return found + [one.format(**site.names) for one in BESIDES]


def values_of(route: URLPattern, site: Site) -> Iterator[dict[str, Any]]:
    wanted = route.pattern.regex.groupindex
    if "chapter" in wanted:
        yield from ({"chapter": one} for one in site.names[CHAPTERS])
        return
    special = {"receipt": {"pk": "receipt"}, "till_back": {"pk": "sale"}, "segment_people": {"list_id": "segment_list"}}
    named = special.get(route.name or "", {"pk": "import"})
    yield {name: site.names[named.get(name, name)] for name in wanted}


def shown(page: Page, paths: list[str]) -> list[str]:
    """Those that answer with a page: not a file, not a piece of a page, not an address that is only posted to."""
    kept = []
    for path in paths:
        answer = page.request.get(path)
        assert answer.status < 500, path
        is_page = answer.headers.get("content-type", "").startswith("text/html")
        if answer.status == 200 and is_page and "<html" in answer.text():
            kept.append(path)
        answer.dispose()
    return kept


@pytest.mark.timeout(900)
def test_every_page_can_be_read_by_everybody(browser: Browser, cafe: Site, language: str) -> None:
    context = cafe.enter(browser, OWNERS[language])
    page = context.new_page()
    complaints = listen(page, cafe.url)
    wrong: list[str] = []
    paths = shown(page, addresses(cafe))
    assert len(paths) > 60
    for place, path in enumerate(paths):
        page.emulate_media(color_scheme="light" if place // 2 % 2 else "dark")
        wrong += [f"{path}: {one}" for one in examine(page, path, language)]
        # what axe looks for does not depend on the language and costs most of the time: each page is shown to it in
        # one of both, half of the pages light and half dark
        if place % 2 == (language == "en"):
            wrong += [f"{path}: {one}" for one in inspect(page)]
        wrong += [f"{path}: {one}" for one in complaints]
        complaints.clear()
    context.close()
    assert not wrong, "\n".join(wrong)


def examine(page: Page, path: str, language: str) -> list[str]:
    """What is wrong with a page on the phone, whose words may be longer in one language."""
    page.set_viewport_size(PHONE)
    page.goto(path)
    found = [] if page.evaluate("document.documentElement.lang") == language else ["another language"]
    if page.locator("h1").count() != 1:
        found.append("not one headline")
    if page.evaluate(TAB_OUT_OF_SIGHT):
        found.append("the tab that is open is out of sight")
    return found + [f"outside of the phone: {one}" for one in page.evaluate(OUTSIDE)]


def inspect(page: Page) -> list[str]:
    """What stands in the way of somebody who does not see the page well, or has no mouse."""
    found = violations(
        page, runOnly=["scrollable-region-focusable", "nested-interactive", "link-name", "button-name", "label"]
    )
    page.set_viewport_size(DESK)
    page.evaluate(FEWER_ROWS)
    return found + violations(page)


def violations(page: Page, **options: Any) -> list[str]:
    """Serious and critical findings of axe."""
    if not page.evaluate("() => 'axe' in window"):
        page.evaluate(Axe().axe_script)
    asked = {"resultTypes": ["violations"], **options}
    found = page.evaluate("asked => axe.run(asked).then(results => results.violations)", asked)
    return [
        f"{one['id']}: {[node['html'][:160] for node in one['nodes'][:3]]}"
        for one in found
        if one["impact"] in {"serious", "critical"}
    ]


# a hundred rows are as readable as eight
FEWER_ROWS = """() => {
    for (const list of document.querySelectorAll("tbody, .timeline, .rows"))
        [...list.children].slice(8).forEach(row => row.remove());
}"""
TAB_OUT_OF_SIGHT = """() => [...document.querySelectorAll(".tabs [aria-current]")].some(one => {
    const box = one.getBoundingClientRect();
    return box.left < -1 || box.right > document.documentElement.clientWidth + 1;
})"""
OUTSIDE = """() => {
    const width = document.documentElement.clientWidth;
    const closed = [...document.querySelectorAll("details:not([open])")];
    closed.forEach(one => one.open = true);
    const found = document.documentElement.scrollWidth > width ? ["the page itself"] : [];
    for (const one of document.querySelectorAll("body *")) {
        if (one.closest(".table, .scroll, .tabs, .skip, svg") || !one.checkVisibility()) continue;
        const box = one.getBoundingClientRect();
        if (box.width > 1 && (box.right > width + 1 || box.left < -1)) found.push(one.outerHTML.slice(0, 120));
    }
    closed.forEach(one => one.open = false);
    return found.slice(0, 4);
}"""
