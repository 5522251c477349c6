"""Barcodes: drawn for a page or a printer, and read from a photo."""

import io
import re
from enum import StrEnum
from xml.sax.saxutils import quoteattr

import zxingcpp
from markupsafe import Markup
from PIL import Image, UnidentifiedImageError
from zxingcpp import BarcodeFormat, BarcodeFormats

from regulars.core.errors import InputError
from regulars.core.i18n import gettext as _


class Kind(StrEnum):
    """How a number is drawn."""

    EAN13 = "ean13"
    CODE128 = "code128"
    QR = "qr"


_DRAWN = {Kind.EAN13: BarcodeFormat.EAN13, Kind.CODE128: BarcodeFormat.Code128, Kind.QR: BarcodeFormat.QRCode}
# what stands on cards and screens; others would only be false alarms
_READ = BarcodeFormats(
    [
        BarcodeFormat.EAN13, BarcodeFormat.EAN8, BarcodeFormat.UPCA, BarcodeFormat.Code128, BarcodeFormat.Code39,
        BarcodeFormat.ITF, BarcodeFormat.QRCode,
    ]
)  # fmt: skip
_PHOTOS = ("JPEG", "PNG", "WEBP", "GIF")
_MOST_PIXELS = 80_000_000
_SIDE = 2_000  # enough for a card that fills a fifth of the photo


def svg(text: str, kind: Kind | str) -> Markup:
    """The barcode as an `svg` element for the middle of a page, black on white; its class is `barcode`.

    An EAN-13 is given with its check digit; linear ones have their text below.

    >>> str(svg("4600123456782", "ean13")).startswith('<svg class="barcode" role="img" aria-label="4600123456782"')
    True

    Raises `InputError` for a text that the kind cannot hold, and for a wrong check digit.
    """
    try:
        code = zxingcpp.create_barcode(text, _DRAWN[Kind(kind)])
        if code.text != text:
            raise ValueError("a short number would be filled up with zeros")
        drawn = code.to_svg(scale=2, add_hrt=True)
    except ValueError as error:
        raise InputError(_("{value!r} cannot be drawn as a barcode.").format(value=text[:80])) from error
    width, height = _size(drawn)
    inner = drawn[drawn.index("<g") : drawn.rindex("</svg>")].replace(' id="barcode"', "")
    head = f'<svg class="barcode" role="img" aria-label={quoteattr(text)} viewBox="0 0 {width} {height}"'
    return Markup(f'{head} width="{width}" height="{height}">{inner}</svg>')  # noqa: S704 - made of numbers and escapes


def bars(text: str) -> Markup | None:
    """The barcode of a number as tills read it: EAN-13 when it is one, else Code 128; None for what neither holds."""
    for kind in (Kind.EAN13, Kind.CODE128):
        try:
            return svg(text, kind)
        except InputError:
            # another check digit, or letters that these bars cannot hold
            continue
    return None


def read(image: bytes) -> list[str]:
    """What the barcodes on a photo say, each once; an empty list when none can be read.

    Raises `InputError` when the bytes are no picture, or one of more than 80 million points, 20 million but for JPEG.
    """
    try:
        with Image.open(io.BytesIO(image), formats=_PHOTOS) as photo:
            if photo.width * photo.height > (_MOST_PIXELS if photo.format == "JPEG" else _MOST_PIXELS // 4):
                raise Image.DecompressionBombError
            photo.draft("L", (_SIDE, _SIDE))  # a large JPEG is read smaller: many times faster
            grey = photo.convert("L")
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise InputError(_("The picture is too large: take a smaller photo.")) from error
    except (UnidentifiedImageError, OSError, ValueError, SyntaxError, EOFError) as error:
        raise InputError(_("This is no picture: take a photo as JPEG or PNG.")) from error
    grey.thumbnail((_SIDE, _SIDE))
    found = zxingcpp.read_barcodes(grey, formats=_READ, text_mode=zxingcpp.TextMode.Plain)
    return list(dict.fromkeys(one.text for one in found))


def _size(drawn: str) -> tuple[str, str]:
    found = re.search(r'<svg width="(\d+)" height="(\d+)"', drawn)
    assert found is not None, "the library draws otherwise than it did"
    return found[1], found[2]
