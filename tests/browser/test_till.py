"""The cashier's page on a telephone: a card is scanned, a sum is paid."""

from collections.abc import Callable
from pathlib import Path

import pytest
import vl_convert
from playwright.sync_api import Page, expect

from regulars.core import barcodes
from tests.browser.conftest import PHONE

pytestmark = pytest.mark.browser

# the camera of a telephone and the detector of its browser, which headless ones have not
CAMERA = """
navigator.mediaDevices.getUserMedia = async () => {
  const canvas = document.createElement("canvas");
  setInterval(() => canvas.getContext("2d").fillRect(0, 0, Math.random() * 90, 9), 50);
  return canvas.captureStream(20);
};
window.BarcodeDetector = class {
  static async getSupportedFormats() { return ["ean_13", "qr_code"]; }
  async detect() { return [{ rawValue: "1000000017" }]; }
};
"""


def test_a_card_is_scanned_and_a_sum_is_paid(page: Page, say: Callable[..., str]) -> None:
    page.set_viewport_size(PHONE)
    page.add_init_script(CAMERA)
    page.goto("/till/")
    page.get_by_role("button", name=say("Scan with the camera")).click()
    page.locator("#sum").fill("1 250,50")
    if page.locator("#store").count():
        page.locator("#store").select_option(index=1)
    page.get_by_role("button", name=say("What does it cost")).click()
    expect(page.locator("#quote")).to_contain_text("1")
    page.get_by_role("button", name=say("Paid: write the receipt")).click()
    expect(page.get_by_role("status")).to_be_visible()
    expect(page.locator("#who")).to_be_focused()


def test_a_reader_types_the_card_and_enter(page: Page) -> None:
    page.goto("/till/")
    expect(page.locator("#who")).to_be_focused()
    page.keyboard.type("1000000017\n")
    expect(page.locator("#sum")).to_be_visible()


def test_a_browser_without_a_detector_takes_a_photo(page: Page, say: Callable[..., str]) -> None:
    page.add_init_script("delete window.BarcodeDetector")
    page.goto("/till/")
    expect(page.get_by_role("button", name=say("Scan with the camera"))).to_be_hidden()
    expect(page.locator("#photo")).to_be_visible()


def photo_of(code: str, folder: Path) -> Path:
    """A picture of its barcode."""
    drawn = str(barcodes.svg(code, "code128")).replace("<svg ", '<svg xmlns="http://www.w3.org/2000/svg" ', 1)
    photo = folder / f"{code}.png"
    photo.write_bytes(vl_convert.svg_to_png(drawn, scale=2))
    return photo


def test_without_a_detector_a_card_is_given_and_goods_are_found_by_a_photo(page: Page, tmp_path: Path) -> None:
    page.add_init_script("delete window.BarcodeDetector")
    page.set_viewport_size(PHONE)
    page.goto("/till/member/")
    page.locator("#name").fill("Вера")
    page.locator("#photo").set_input_files(photo_of("1000000017", tmp_path))
    expect(page.locator("#card")).to_have_value("1000000017")
    expect(page.locator("#name")).to_have_value("Вера")
    page.locator("#name").press("Enter")
    expect(page.locator("#sum")).to_be_visible()  # Enter gives the card, and reads no photo
    if not page.locator("#find").is_visible():
        page.locator("#goods > summary").press("Enter")
    page.locator("#sum").fill("10")
    page.locator("#photo").set_input_files(photo_of("latte", tmp_path))
    expect(page.locator("[name=line]")).to_have_value("p:latte")
    expect(page.locator("#sum")).to_have_value("10")


def test_goods_are_sold_by_keys_alone_and_come_back(page: Page, say: Callable[..., str]) -> None:
    page.set_viewport_size(PHONE)
    page.goto("/till/")
    page.keyboard.type("1000000017\n")
    if page.locator("#store").count():
        page.locator("#store").select_option(index=1)
    if not page.locator("#find").is_visible():
        page.locator("#goods > summary").press("Enter")
    page.locator("#find").focus()
    page.keyboard.type("latte\n")
    expect(page.locator("[name=line]")).to_have_value("p:latte")
    expect(page.locator("#find")).to_be_focused()
    page.keyboard.type("latte\n")
    expect(page.locator("[name=quantity]")).to_have_value("2")
    page.locator("[name=price]").fill("300")
    page.keyboard.press("Enter")
    expect(page.locator("#quote")).to_contain_text("× 2")
    page.get_by_role("button", name=say("Paid: write the receipt")).press("Enter")
    expect(page.get_by_role("status")).to_be_visible()

    page.get_by_role("link", name=say("Receipts, returns")).click()
    page.get_by_label(say("Sold where")).select_option(index=0)
    page.get_by_role("button", name=say("Find"), exact=True).click()
    page.locator("#sales a").first.click()
    page.locator("#back-1").fill("1")
    page.keyboard.press("Enter")
    expect(page.locator("#going")).to_be_visible()
    expect(page.locator("#reason")).to_be_focused()
    page.keyboard.type("is cold\n")
    expect(page.get_by_role("status")).to_be_visible()
    expect(page.locator("#back-1")).to_be_visible()
    page.get_by_role("button", name=say("All that is left")).click()
    page.locator("#reason").fill("is cold, too")
    page.get_by_role("button", name=say("Take the goods back")).dblclick()
    expect(page.locator("main")).to_contain_text(say("Everything of this receipt came back already."))
    expect(page.locator("main .rows > li")).to_have_count(2)
