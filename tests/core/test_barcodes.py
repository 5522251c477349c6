"""Barcodes: what is drawn can be read again, and what is no picture is told."""

import io
import xml.etree.ElementTree as ET

import pytest
import vl_convert
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from regulars.core import barcodes
from regulars.core.errors import InputError


def photo(text: str, kind: str, *, turned: int = 0, form: str = "PNG") -> bytes:
    """As a camera sees it: on a grey table, not upright."""
    drawn = str(barcodes.svg(text, kind)).replace("<svg ", '<svg xmlns="http://www.w3.org/2000/svg" ', 1)
    code = Image.open(io.BytesIO(vl_convert.svg_to_png(drawn, scale=2))).convert("RGB")
    table = Image.new("RGB", (code.width + 400, code.height + 400), (120, 110, 100))
    table.paste(code, (200, 200))
    out = io.BytesIO()
    table.rotate(turned, expand=True, fillcolor=(120, 110, 100)).save(out, form)
    return out.getvalue()


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("4600123456782", "ean13"), ("0000000000017", "ean13"), ("2900000000018", "ean13"), ("1000000017", "code128"),
        ("AB-12 cd", "code128"), ("1000000017", "qr"), ("https://shop.example/c/ю?a=1&b=<2>", "qr"),
    ],
)  # fmt: skip
def test_what_is_drawn_is_read_again(text: str, kind: str) -> None:
    assert barcodes.read(photo(text, kind)) == [text]


@pytest.mark.parametrize("turned", [90, 180, 270, 12])
def test_a_card_that_lies_askew_is_read(turned: int) -> None:
    assert barcodes.read(photo("4600123456782", "ean13", turned=turned, form="JPEG")) == ["4600123456782"]


@settings(max_examples=60, deadline=None)
@given(st.text(st.characters(min_codepoint=32, max_codepoint=126), min_size=1, max_size=40))
def test_no_text_breaks_out_of_the_picture(text: str) -> None:
    for kind in ("code128", "qr"):
        tree = ET.fromstring(str(barcodes.svg(text, kind)))
        assert tree.attrib["aria-label"] == text
        assert {one.tag for one in tree.iter()} <= {"svg", "g", "rect", "path", "text"}
        assert not any("style" in one.attrib or "id" in one.attrib for one in tree.iter())


@pytest.mark.parametrize(
    ("text", "kind"), [("4600123456789", "ean13"), ("12", "ean13"), ("", "qr"), ("Ж", "code128"), ("x" * 9_000, "qr")]
)
def test_what_cannot_be_drawn_is_told(text: str, kind: str) -> None:
    with pytest.raises(InputError, match="cannot be drawn"):
        barcodes.svg(text, kind)


def test_a_photo_without_a_barcode_says_nothing() -> None:
    out = io.BytesIO()
    Image.new("RGB", (300, 200), (200, 10, 10)).save(out, "JPEG")
    assert barcodes.read(out.getvalue()) == []


@pytest.mark.parametrize("wrong", [b"", b"GIF89a", b"<svg/>", b"\xff\xd8\xff\xe0" + b"\0" * 100])
def test_what_is_no_picture_is_told(wrong: bytes) -> None:
    with pytest.raises(InputError, match="no picture"):
        barcodes.read(wrong)


def test_half_a_picture_is_none() -> None:
    with pytest.raises(InputError, match="no picture"):
        barcodes.read(photo("1000000017", "qr")[:900])


@pytest.mark.parametrize("side", [9_100, 12_000, 20_000])
def test_a_bomb_is_not_unpacked(side: int) -> None:
    out = io.BytesIO()
    Image.new("1", (side, side)).save(out, "PNG")
    with pytest.raises(InputError, match="too large"):
        barcodes.read(out.getvalue())
