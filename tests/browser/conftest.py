"""A running application with one of everything in it, and browsers of its users."""

import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

from regulars.core import i18n
from tests.browser.ground import PASSWORD
from tests.conftest import require_browser
from tests.server.installation import Installation

OWNERS = {"ru": "anna@example.com", "en": "john@example.com"}
DESK = {"width": 1280, "height": 800}
PHONE = {"width": 390, "height": 844}
SECONDS = 15
expect.set_options(timeout=SECONDS * 1000)


@dataclass
class Site:
    """A running installation: where it is, what its addresses name, and who has signed in."""

    url: str
    names: dict[str, Any]
    cookies: dict[str, Any] = field(default_factory=dict)

    def enter(self, browser: Browser, email: str) -> BrowserContext:
        """A browser in which this user has signed in; the form is filled once for each."""
        if email not in self.cookies:
            context = browser.new_context(base_url=self.url)
            page = context.new_page()
            page.goto("/account/login/")
            page.locator("[name=login]").fill(email)
            page.locator("[name=password]").fill(PASSWORD)
            page.locator("main [type=submit]").click()
            page.wait_for_url(self.url + "/")
            self.cookies[email] = context.storage_state()
            context.close()
        context = browser.new_context(base_url=self.url, storage_state=self.cookies[email], viewport=DESK)
        context.set_default_timeout(SECONDS * 1000)
        return context


@contextmanager
def running() -> Iterator[Installation]:
    """A coffee bar that was just set up and is served."""
    # not a folder of pytest: as root PostgreSQL is another user, who must reach it
    with TemporaryDirectory(prefix="regulars-test-") as home:
        installation = Installation(Path(home))
        installation.begin()
        with installation.served():
            yield installation


def run_inside(installation: Installation, module: str) -> str:
    """What a program printed that ran in the environment of the installation."""
    done = subprocess.run(
        [sys.executable, "-m", module],
        capture_output=True, text=True, check=False, env=installation.environment, timeout=240,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="session")
def cafe() -> Iterator[Site]:
    """A coffee bar with two years of purchases, an audit, and one of everything."""
    require_browser()
    with running() as installation:
        yield Site(installation.url, json.loads(run_inside(installation, "tests.browser.ground")))


@pytest.fixture(params=["ru", "en"])
def language(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def say(language: str) -> Callable[..., str]:
    """The words of the product in the language of the test."""

    def spoken(words: str) -> str:
        with i18n.use_language(language):
            return i18n.gettext(words)

    return spoken


def listen(page: Page, url: str) -> list[str]:
    """What the console, the scripts and the network will say against a page."""
    complaints: list[str] = []
    page.on("console", lambda said: complaints.append(said.text) if said.type in {"error", "warning"} else None)
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on("request", lambda asked: complaints.append(asked.url) if not _is_own(asked.url, url) else None)
    page.on("response", lambda got: complaints.append(f"{got.status} {got.url}") if got.status >= 500 else None)
    return complaints


def _is_own(address: str, url: str) -> bool:
    return address.startswith((url + "/", "data:", "about:"))


@pytest.fixture
def page(browser: Browser, cafe: Site, language: str) -> Iterator[Page]:
    """The owner's tab on the coffee bar; a complaint of the browser fails the test."""
    context = cafe.enter(browser, OWNERS[language])
    tab = context.new_page()
    complaints = listen(tab, cafe.url)
    yield tab
    context.close()
    assert complaints == []
